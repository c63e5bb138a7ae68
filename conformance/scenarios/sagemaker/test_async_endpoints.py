"""Endpoints that answer later: bodies out of S3, answers and failures to S3."""

import json
import os
import subprocess
import sys
import time

import pytest
from botocore.exceptions import ClientError

from conftest import client, empty_bucket, refused
from hosting import Hosting, chat, unique

AWS = os.path.join(os.path.dirname(sys.executable), "aws")
MAY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"], "Resource": "*"}]})


class Later(Hosting):
    """An endpoint whose answers go to a bucket."""

    def __init__(self):
        super().__init__()
        self.s3, self.bucket = client("s3"), unique("answers")
        self.s3.create_bucket(Bucket=self.bucket)
        self.iam.put_role_policy(RoleName=self.role, PolicyName="objects", PolicyDocument=MAY)
        self.model_name = self.model()
        self.name = self.endpoint(self.answering())

    def answering(self, client_config=None, **output):
        name = unique("config")
        goes = {"S3OutputPath": f"s3://{self.bucket}/out", "S3FailurePath": f"s3://{self.bucket}/failed"} | output
        config = {"OutputConfig": goes} | ({"ClientConfig": client_config} if client_config else {})
        self.sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[self.variant(self.model_name)], AsyncInferenceConfig=config)
        self.made.append(lambda: self.sm.delete_endpoint_config(EndpointConfigName=name))
        return name

    def put(self, key, body):
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body if isinstance(body, (bytes, str)) else json.dumps(body))
        return f"s3://{self.bucket}/{key}"

    def later(self, location, **more):
        return self.rt.invoke_endpoint_async(EndpointName=self.name, InputLocation=location, ContentType="application/json", **more)

    def at(self, uri):
        """What lies there, as soon as it does."""
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        for _ in range(600):
            try:
                return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())
            except ClientError as error:
                assert error.response["Error"]["Code"] == "NoSuchKey", error
            time.sleep(0.1)
        raise AssertionError(f"nothing lies at {uri}")

    def close(self):
        self.iam.delete_role_policy(RoleName=self.role, PolicyName="objects")
        super().close()
        empty_bucket(self.s3, self.bucket)


@pytest.fixture(scope="module")
def later():
    made = Later()
    yield made
    made.close()


def test_a_body_in_s3_is_answered_into_s3(later):
    location = later.put("in/hello.json", chat())
    taken = later.later(location, InferenceId="mine")
    assert taken["ResponseMetadata"]["HTTPStatusCode"] == 202 and taken["InferenceId"] == "mine"
    assert taken["OutputLocation"].startswith(f"s3://{later.bucket}/out/") and taken["OutputLocation"].endswith(".out")
    assert taken["FailureLocation"].startswith(f"s3://{later.bucket}/failed/") and taken["FailureLocation"].endswith("-error.out")
    answer = later.at(taken["OutputLocation"])
    assert answer["choices"][0]["message"]["content"].strip() and answer["usage"]["completion_tokens"] <= 8
    named = later.later(location, Filename="hello.json", S3OutputPathExtension="today")
    assert named["OutputLocation"] == f"s3://{later.bucket}/out/today/hello.json" and named["InferenceId"]
    assert later.at(named["OutputLocation"])["choices"] == answer["choices"], "the same question at temperature 0"


def test_what_goes_wrong_lies_where_failures_go(later):
    for body, text in [("{", "not JSON"), (chat(stream=True), "stream"), ({"question": "?"}, "")]:
        told = later.at(later.later(later.put(f"in/{unique('odd')}.json", body))["FailureLocation"])
        assert told["errorCode"] == 400 and text in told["errorMessage"], told
    told = later.at(later.later(f"s3://{later.bucket}/in/nothing.json")["FailureLocation"])
    assert told["errorMessage"] and told["input"].endswith("/in/nothing.json"), told


def test_such_an_endpoint_is_described_and_answers_in_no_other_way(later):
    told = later.sm.describe_endpoint(EndpointName=later.name)
    config = later.sm.describe_endpoint_config(EndpointConfigName=told["EndpointConfigName"])
    assert told["AsyncInferenceConfig"] == config["AsyncInferenceConfig"]
    assert told["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"] == f"s3://{later.bucket}/out"
    refused(lambda: later.ask(later.name, chat()), "ValidationError", 400, "InvokeEndpointAsync")
    at_once = later.endpoint(later.config(later.variant(later.model_name)))
    refused(lambda: later.rt.invoke_endpoint_async(EndpointName=at_once, InputLocation=f"s3://{later.bucket}/in/x"), "ValidationError", 400, "not asynchronous")
    refused(lambda: later.rt.invoke_endpoint_async(EndpointName=later.name, InputLocation="s3://nothing"), "ValidationError", 400)
    refused(lambda: later.rt.invoke_endpoint_async(EndpointName="nobody", InputLocation=f"s3://{later.bucket}/in/x"), "ValidationError", 400, "not found")


def test_what_is_not_done_is_refused_by_name(later):
    topic = "arn:aws:sns:us-east-1:123456789012:topic"
    refused(lambda: later.answering(NotificationConfig={"SuccessTopic": topic}), "NotImplementedException", 501, "NotificationConfig")
    refused(lambda: later.answering({"MaxConcurrentInvocationsPerInstance": 1}), "NotImplementedException", 501, "MaxConcurrentInvocationsPerInstance")
    later.answering({"MaxConcurrentInvocationsPerInstance": 4})


def test_the_aws_cli_asks_and_another_may_not(later):
    location = later.put("in/cli.json", chat())
    done = subprocess.run([AWS, "sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", later.name, "--input-location", location],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "AWS_PAGER": ""})
    assert done.returncode == 0, done.stderr
    assert later.at(json.loads(done.stdout)["OutputLocation"])["choices"]
    user = unique("reader")
    later.iam.create_user(UserName=user)
    key = later.iam.create_access_key(UserName=user)["AccessKey"]
    stranger = client("sagemaker-runtime", key["AccessKeyId"], key["SecretAccessKey"])
    refused(lambda: stranger.invoke_endpoint_async(EndpointName=later.name, InputLocation=location), "AccessDeniedException", 403, "sagemaker:InvokeEndpointAsync")
    later.iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    later.iam.delete_user(UserName=user)
