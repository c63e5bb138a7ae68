"""Hosting through the AWS CLI: every operation of endpoints, of the hub and of Bedrock's marketplace that is served.

The CLI itself leaves out `InvokeEndpointWithResponseStream`: it has no command for streams of events of this service.
"""

import json
import os
import subprocess
import sys
import time

import pytest

from conftest import REGION, client
from hosting import INSTANCE, MODEL, TRUST, chat, unique

AWS = os.path.join(os.path.dirname(sys.executable), "aws")
HUB = "SageMakerPublicHub"
MISTRAL = "huggingface-llm-mistral-small-24b-instruct-2501"
SOURCE = f"arn:aws:sagemaker:{REGION}:aws:hub-content/{HUB}/Model/{MISTRAL}/1.0.0"


def aws(*arguments, check=True):
    settings = {**os.environ, "AWS_PAGER": ""}
    done = subprocess.run([AWS, *arguments], capture_output=True, text=True, timeout=120, env=settings)
    assert not check or done.returncode == 0, done.stderr
    if not check:
        return done
    return json.loads(done.stdout) if done.stdout.strip() else None


def sagemaker(*arguments):
    return aws("sagemaker", *arguments)


def bedrock(*arguments):
    return aws("bedrock", *arguments)


@pytest.fixture
def role():
    iam, name = client("iam"), unique("cli")
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.delete_role(RoleName=name)


def variant(model):
    return json.dumps([{"VariantName": "AllTraffic", "ModelName": model, "InstanceType": INSTANCE, "InitialInstanceCount": 1}])


def test_an_endpoint_lives_through_the_aws_cli(role, tmp_path):
    name, green = unique("cli"), unique("green")
    container = json.dumps({"Environment": {"CRATON_MODEL_ID": MODEL}})
    made = sagemaker("create-model", "--model-name", name, "--execution-role-arn", role, "--primary-container", container)
    assert made["ModelArn"].endswith(f":model/{name}")
    assert sagemaker("describe-model", "--model-name", name)["ExecutionRoleArn"] == role
    assert [model["ModelName"] for model in sagemaker("list-models", "--name-contains", name)["Models"]] == [name]
    for config in (name, green):
        sagemaker("create-endpoint-config", "--endpoint-config-name", config, "--production-variants", variant(name))
    described = sagemaker("describe-endpoint-config", "--endpoint-config-name", name)
    assert described["ProductionVariants"][0]["InstanceType"] == INSTANCE
    listed = sagemaker("list-endpoint-configs", "--name-contains", name)["EndpointConfigs"]
    assert [config["EndpointConfigName"] for config in listed] == [name]

    arn = sagemaker("create-endpoint", "--endpoint-name", name, "--endpoint-config-name", name)["EndpointArn"]
    sagemaker("wait", "endpoint-in-service", "--endpoint-name", name)
    assert [one["EndpointName"] for one in sagemaker("list-endpoints", "--name-contains", name)["Endpoints"]] == [name]
    asked = ("--endpoint-name", name, "--content-type", "application/json", "--body", json.dumps(chat()))
    out = tmp_path / "answer.json"
    told = aws("sagemaker-runtime", "invoke-endpoint", *asked, str(out))
    assert told["InvokedProductionVariant"] == "AllTraffic"
    assert json.loads(out.read_text())["choices"][0]["message"]["content"].strip()

    sagemaker("add-tags", "--resource-arn", arn, "--tags", "Key=team,Value=a", "Key=cost,Value=b")
    sagemaker("delete-tags", "--resource-arn", arn, "--tag-keys", "cost")
    assert sagemaker("list-tags", "--resource-arn", arn)["Tags"] == [{"Key": "team", "Value": "a"}]

    wish = json.dumps([{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}])
    sagemaker("update-endpoint-weights-and-capacities", "--endpoint-name", name, "--desired-weights-and-capacities", wish)
    sagemaker("wait", "endpoint-in-service", "--endpoint-name", name)
    assert sagemaker("describe-endpoint", "--endpoint-name", name)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    sagemaker("update-endpoint", "--endpoint-name", name, "--endpoint-config-name", green)
    sagemaker("wait", "endpoint-in-service", "--endpoint-name", name)
    assert sagemaker("describe-endpoint", "--endpoint-name", name)["EndpointConfigName"] == green

    sagemaker("delete-endpoint", "--endpoint-name", name)
    sagemaker("wait", "endpoint-deleted", "--endpoint-name", name)
    for config in (name, green):
        sagemaker("delete-endpoint-config", "--endpoint-config-name", config)
    sagemaker("delete-model", "--model-name", name)
    done = aws("sagemaker", "describe-endpoint", "--endpoint-name", name, check=False)
    assert done.returncode != 0 and "ValidationException" in done.stderr and "Could not find endpoint" in done.stderr


def test_the_hub_is_read_through_the_aws_cli():
    assert [hub["HubName"] for hub in sagemaker("list-hubs")["HubSummaries"]] == [HUB]
    assert sagemaker("describe-hub", "--hub-name", HUB)["HubStatus"] == "InService"
    contents = ("--hub-name", HUB, "--hub-content-type", "Model")
    listed = sagemaker("list-hub-contents", *contents, "--name-contains", "mistral")["HubContentSummaries"]
    assert MISTRAL in [content["HubContentName"] for content in listed]
    named = (*contents, "--hub-content-name", MISTRAL)
    versions = sagemaker("list-hub-content-versions", *named)["HubContentSummaries"]
    assert [version["HubContentVersion"] for version in versions] == ["1.0.0"]
    assert json.loads(sagemaker("describe-hub-content", *named)["HubContentDocument"])["License"] == "Apache-2.0"


def settled(arn):
    for _ in range(120):
        told = bedrock("get-marketplace-model-endpoint", "--endpoint-arn", arn)["marketplaceModelEndpoint"]
        if told["endpointStatus"] not in ("Creating", "Updating"):
            assert told["endpointStatus"] == "InService", told
            return told
        time.sleep(0.5)
    raise AssertionError(told)


def test_an_endpoint_of_the_marketplace_lives_through_the_aws_cli(role):
    def wish(count):
        asked = {"initialInstanceCount": count, "instanceType": INSTANCE, "executionRole": role}
        return json.dumps({"sageMaker": asked})

    made = bedrock("create-marketplace-model-endpoint", "--model-source-identifier", SOURCE, "--endpoint-name", unique("mkt").replace("-", ""),
                   "--endpoint-config", wish(1))
    arn = made["marketplaceModelEndpoint"]["endpointArn"]
    assert settled(arn)["status"] == "REGISTERED"
    listed = bedrock("list-marketplace-model-endpoints", "--model-source-equals", SOURCE)["marketplaceModelEndpoints"]
    assert arn in [one["endpointArn"] for one in listed]
    message = json.dumps([{"role": "user", "content": [{"text": "Hello!"}]}])
    answer = aws("bedrock-runtime", "converse", "--model-id", arn, "--messages", message, "--inference-config", "maxTokens=8")
    assert answer["output"]["message"]["content"][0]["text"].strip()
    bedrock("update-marketplace-model-endpoint", "--endpoint-arn", arn, "--endpoint-config", wish(2))
    assert settled(arn)["endpointConfig"]["sageMaker"]["initialInstanceCount"] == 2
    bedrock("deregister-marketplace-model-endpoint", "--endpoint-arn", arn)
    done = aws("bedrock", "get-marketplace-model-endpoint", "--endpoint-arn", arn, check=False)
    assert done.returncode != 0 and "ResourceNotFoundException" in done.stderr
    again = bedrock("register-marketplace-model-endpoint", "--endpoint-identifier", arn, "--model-source-identifier", SOURCE)
    assert again["marketplaceModelEndpoint"]["status"] == "REGISTERED"
    bedrock("delete-marketplace-model-endpoint", "--endpoint-arn", arn)
    # Its owner's since it was taken out.
    name = arn.split("/")[-1]
    sagemaker("delete-endpoint-config", "--endpoint-config-name", name)
    sagemaker("delete-model", "--model-name", name)
