"""Clients for the scenarios. Everything comes from the environment that scripts/with-server.sh sets."""

import json
import os
import uuid

import boto3
import pytest
import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
URL = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-micro-v1:0"
TITAN_TEXT = "amazon.titan-text-express-v1"
TITAN_V1 = "amazon.titan-embed-text-v1"
TITAN_V2 = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-english-v3"
LLAMA = "meta.llama3-8b-instruct-v1:0"
MISTRAL = "mistral.mistral-7b-instruct-v0:2"


def client(service, key=None, secret=None, token=None, **config):
    """A boto3 client with one attempt, that leaves checking to the server; the administrator's, unless a key is given."""
    return boto3.client(service, endpoint_url=URL, region_name=REGION, aws_access_key_id=key, aws_secret_access_key=secret,
                        aws_session_token=token, config=Config(retries={"total_max_attempts": 1}, read_timeout=300, parameter_validation=False, **config))


def signed(method, path, service, body=b"", headers=None, url=URL):
    """Sends a request with a good signature that boto3 would not make."""
    request = AWSRequest(method=method, url=url + path, data=body, headers=headers or {})
    SigV4Auth(boto3.Session().get_credentials(), service, REGION).add_auth(request)
    prepared = request.prepare()
    return requests.request(method, prepared.url, data=body, headers=dict(prepared.headers), timeout=120)


def refused(call, code, status, *texts):
    """Asserts that `call` is refused with this code and status and that the message says all of `texts`."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    assert error["Error"]["Code"] == code, error
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status, error
    assert error["ResponseMetadata"].get("RequestId"), error
    for text in texts:
        assert text in error["Error"]["Message"], error
    return error


def invoke(model, body, **more):
    answer = client("bedrock-runtime").invoke_model(modelId=model, body=json.dumps(body), **more)
    return json.loads(answer["body"].read())


def stream(model, body):
    answer = client("bedrock-runtime").invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]


def user(text):
    return {"role": "user", "content": [{"text": text}]}


@pytest.fixture
def iam_user():
    """A user without permissions and one access key: (name, key id, secret)."""
    iam = client("iam")
    name = f"user-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield name, key["AccessKeyId"], key["SecretAccessKey"]
    for kept in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=name, AccessKeyId=kept["AccessKeyId"])
    iam.delete_user(UserName=name)


def empty_bucket(s3, name):
    """Deletes a bucket with every version and upload in it."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for entry in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def bucket():
    """A bucket of the administrator's, gone afterwards."""
    s3 = client("s3")
    name = f"scenario-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    yield name
    empty_bucket(s3, name)
