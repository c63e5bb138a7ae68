"""What scenarios of endpoints share: a role, a hosted model, an endpoint and its end."""

import json
import time
import uuid

from botocore.exceptions import ClientError

from conftest import client

MODEL = "smollm2-135m-instruct"
INSTANCE = "ml.g6.12xlarge"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]})


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


class Hosting:
    """Makes things of SageMaker's hosting and takes them away again."""

    def __init__(self):
        self.sm, self.rt, self.iam = client("sagemaker"), client("sagemaker-runtime"), client("iam")
        self.role = unique("hosting")
        self.role_arn = self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.made = []

    def model(self, name=None, named=MODEL, **container):
        name = name or unique("model")
        self.sm.create_model(ModelName=name, ExecutionRoleArn=self.role_arn,
                             PrimaryContainer={"Environment": {"CRATON_MODEL_ID": named}} | container)
        self.made.append(lambda: self.sm.delete_model(ModelName=name))
        return name

    def variant(self, model, **more):
        return {"VariantName": "AllTraffic", "ModelName": model, "InstanceType": INSTANCE, "InitialInstanceCount": 1} | more

    def config(self, *variants):
        name = unique("config")
        self.sm.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants))
        self.made.append(lambda: self.sm.delete_endpoint_config(EndpointConfigName=name))
        return name

    def endpoint(self, config, wait=True):
        name = unique("endpoint")
        self.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.made.append(lambda: self.sm.delete_endpoint(EndpointName=name))
        if wait:
            told = self.settled(name)
            assert told["EndpointStatus"] == "InService", told.get("FailureReason")
        return name

    def settled(self, name):
        """The endpoint when nothing is under way any more."""
        for _ in range(1200):
            told = self.sm.describe_endpoint(EndpointName=name)
            if told["EndpointStatus"] not in ("Creating", "Updating"):
                return told
            time.sleep(0.1)
        raise AssertionError(told)

    def ask(self, name, body, **more):
        answer = self.rt.invoke_endpoint(EndpointName=name, ContentType="application/json", Body=json.dumps(body), **more)
        return json.loads(answer["Body"].read()), answer

    def close(self):
        for undo in reversed(self.made):
            try:
                undo()
            except ClientError as error:
                assert "Could not find" in error.response["Error"]["Message"], error
        self.iam.delete_role(RoleName=self.role)


def chat(text="Hello!", **more):
    return {"messages": [{"role": "user", "content": text}], "max_tokens": 8, "temperature": 0} | more
