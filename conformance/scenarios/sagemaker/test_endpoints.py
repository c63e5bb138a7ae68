"""Hosted models, endpoint configurations and endpoints, and asking them."""

import json
import threading
import uuid

import pytest
from botocore.exceptions import ClientError

from conftest import REGION, client, refused
from hosting import INSTANCE, MODEL, Hosting, chat, unique


@pytest.fixture
def hosting():
    hosting = Hosting()
    yield hosting
    hosting.close()


@pytest.fixture
def endpoint(hosting):
    return hosting.endpoint(hosting.config(hosting.variant(hosting.model())))


def test_an_endpoint_is_made_described_listed_and_removed(hosting):
    model = hosting.model()
    config = hosting.config(hosting.variant(model, ContainerStartupHealthCheckTimeoutInSeconds=600))
    name = hosting.endpoint(config)
    told = hosting.sm.describe_endpoint(EndpointName=name)
    assert told["EndpointArn"].endswith(f":endpoint/{name}") and told["EndpointConfigName"] == config
    variant = told["ProductionVariants"][0]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"], variant["CurrentWeight"]) == (1, 1, 1.0)
    assert variant["DeployedImages"][0]["ResolvedImage"] == f"craton/{MODEL}"
    assert hosting.sm.describe_model(ModelName=model)["PrimaryContainer"]["Environment"] == {"CRATON_MODEL_ID": MODEL}
    described = hosting.sm.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"][0]
    assert described["InstanceType"] == INSTANCE and described["ContainerStartupHealthCheckTimeoutInSeconds"] == 600
    for listed, key in ((hosting.sm.list_endpoints(NameContains=name, StatusEquals="InService")["Endpoints"], "EndpointName"),
                        (hosting.sm.list_models(NameContains=model)["Models"], "ModelName"),
                        (hosting.sm.list_endpoint_configs(NameContains=config)["EndpointConfigs"], "EndpointConfigName")):
        assert len(listed) == 1 and listed[0][key] in (name, model, config)
    assert hosting.sm.list_endpoints(NameContains=name, StatusEquals="Failed")["Endpoints"] == []
    hosting.sm.delete_endpoint(EndpointName=name)
    refused(lambda: hosting.sm.describe_endpoint(EndpointName=name), "ValidationException", 400, f'Could not find endpoint "arn:aws:sagemaker:{REGION}:', f':endpoint/{name}".')
    refused(lambda: hosting.ask(name, chat()), "ValidationError", 400, f"Endpoint {name} of account ", " not found.")


def test_lists_come_in_pages_in_the_order_that_is_asked_for(hosting):
    tag = unique("page")
    names = sorted(hosting.model(f"{tag}-{letter}") for letter in "abc")
    pages = hosting.sm.get_paginator("list_models").paginate(NameContains=tag, SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2})
    pages = [[model["ModelName"] for model in page["Models"]] for page in pages]
    assert pages == [names[:2], names[2:]]
    newest = hosting.sm.list_models(NameContains=tag)["Models"]
    assert [model["ModelName"] for model in newest] == names[::-1]


def test_a_chat_body_is_answered_as_the_containers_answer_it(hosting, endpoint):
    body, answer = hosting.ask(endpoint, chat(), CustomAttributes="trace-7")
    assert body["choices"][0]["message"]["content"].strip() and body["usage"]["completion_tokens"] <= 8
    assert answer["ContentType"] == "application/json" and answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace-7"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-served-by"].startswith(f"{MODEL}; substituted=false")


def test_a_text_generation_body_is_answered_with_generated_text(hosting, endpoint):
    asked = {"inputs": "One, two, three,", "parameters": {"max_new_tokens": 6, "details": True}}
    body, _ = hosting.ask(endpoint, asked)
    assert body[0]["generated_text"] and body[0]["details"]["generated_tokens"] <= 6
    whole, _ = hosting.ask(endpoint, {"inputs": "One, two,", "parameters": {"max_new_tokens": 2, "return_full_text": True}})
    assert whole[0]["generated_text"].startswith("One, two,")


def test_a_stream_comes_piece_by_piece(hosting, endpoint):
    answer = hosting.rt.invoke_endpoint_with_response_stream(EndpointName=endpoint, ContentType="application/json", Body=json.dumps(chat(stream=True)))
    pieces = [event["PayloadPart"]["Bytes"].decode() for event in answer["Body"]]
    events = [line[len("data: "):] for line in "".join(pieces).splitlines() if line.startswith("data: ")]
    assert len(pieces) > 2 and events[-1] == "[DONE]"
    assert json.loads(events[0])["object"] == "chat.completion.chunk"
    asked = {"inputs": "One, two,", "parameters": {"max_new_tokens": 4}, "stream": True}
    answer = hosting.rt.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=json.dumps(asked))
    events = [json.loads(line[len("data: "):]) for event in answer["Body"] for line in event["PayloadPart"]["Bytes"].decode().splitlines() if line]
    assert events[-1]["generated_text"] and events[0]["token"]["text"]
    answer = hosting.rt.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=json.dumps(chat()))
    whole = json.loads(b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"]))
    assert whole["object"] == "chat.completion"


def test_an_embedding_model_embeds(hosting):
    name = hosting.endpoint(hosting.config(hosting.variant(hosting.model(named="all-minilm-l6-v2"))))
    vectors, _ = hosting.ask(name, {"inputs": ["one", "two"]})
    assert len(vectors) == 2 and len(vectors[0]) == 384
    assert len(hosting.ask(name, {"text_inputs": ["one"]})[0]["embedding"][0]) == 384


def test_bodies_that_the_model_refuses_are_errors_of_the_model(hosting, endpoint):
    for body in ({"messages": []}, {"inputs": "x", "parameters": {"typical_p": 0.5}}, {"what": 1}):
        with pytest.raises(ClientError) as caught:
            hosting.ask(endpoint, body)
        error = caught.value.response
        assert error["Error"]["Code"] == "ModelError" and error["ResponseMetadata"]["HTTPStatusCode"] == 424, error
        assert error["OriginalStatusCode"] in (400, 501) and "error" in json.loads(error["OriginalMessage"])
    refused(lambda: hosting.rt.invoke_endpoint(EndpointName=endpoint, Body=b"{"), "ModelError", 424, "not JSON")
    long = json.dumps(chat("x" * (6 << 20)))
    refused(lambda: hosting.rt.invoke_endpoint(EndpointName=endpoint, Body=long), "ValidationError", 400, "6291456")
    refused(lambda: hosting.ask(endpoint, chat(), TargetVariant="none"), "ValidationError", 400, "none")
    refused(lambda: hosting.ask(endpoint, chat(), TargetModel="x.tar.gz"), "NotImplementedException", 501, "TargetModel")


def test_names_and_numbers_that_cannot_be_are_refused(hosting):
    model = hosting.model()
    refused(lambda: hosting.sm.create_model(ModelName="x" * 64, PrimaryContainer={}), "ValidationException", 400, "63")
    refused(lambda: hosting.sm.create_endpoint_config(EndpointConfigName="x" * 64, ProductionVariants=[hosting.variant(model)]),
            "ValidationException", 400, "63")
    refused(lambda: hosting.sm.create_endpoint(EndpointName="x" * 64, EndpointConfigName="x"), "ValidationException", 400, "63")
    refused(lambda: hosting.model(model), "ValidationException", 400, "Cannot create already existing model")
    for count, said in ((0, "greater than or equal to 1"), (101, "1 to 100")):
        refused(lambda: hosting.config(hosting.variant(model, InitialInstanceCount=count)), "ValidationException", 400, said)
    refused(lambda: hosting.config(hosting.variant(model, InstanceType="ml.g6.12xlrge")), "ValidationException", 400, "ml.g6.12xlarge")
    refused(lambda: hosting.config(hosting.variant("nobody")), "ValidationException", 400, "Could not find model")
    refused(lambda: hosting.endpoint("nobody"), "ValidationException", 400, "Could not find endpoint configuration")
    name = hosting.endpoint(hosting.config(hosting.variant(model)))
    refused(lambda: hosting.sm.create_endpoint(EndpointName=name, EndpointConfigName="x"), "ValidationException", 400, "Could not find endpoint configuration")
    config = hosting.sm.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    refused(lambda: hosting.sm.create_endpoint(EndpointName=name, EndpointConfigName=config), "ValidationException", 400, "Cannot create already existing endpoint")


def test_what_is_not_served_is_refused_by_name(hosting):
    model = hosting.model()
    container = {"Environment": {"CRATON_MODEL_ID": MODEL}}
    for more in ({"Mode": "MultiModel"}, {"ModelPackageName": "arn:aws:sagemaker:us-east-1:123456789012:model-package/x/1"},
                 {"Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1"}):
        refused(lambda: hosting.sm.create_model(ModelName=unique("m"), PrimaryContainer=container | more), "NotImplementedException", 501)
    vpc = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    refused(lambda: hosting.sm.create_model(ModelName=unique("m"), PrimaryContainer=container, VpcConfig=vpc), "NotImplementedException", 501, "VpcConfig")
    serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
    refused(lambda: hosting.config(hosting.variant(model) | serverless), "NotImplementedException", 501, "ServerlessConfig")
    capture = {"InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://x/", "CaptureOptions": [{"CaptureMode": "Input"}]}
    refused(lambda: hosting.sm.create_endpoint_config(EndpointConfigName=unique("c"), ProductionVariants=[hosting.variant(model)], DataCaptureConfig=capture), "NotImplementedException", 501, "DataCaptureConfig")
    refused(lambda: hosting.sm.create_endpoint_config(EndpointConfigName=unique("c"), ProductionVariants=[hosting.variant(model)], KmsKeyId=str(uuid.uuid4())), "ValidationException", 400, "KMS key")


def test_a_model_that_is_not_pulled_fails_and_the_reason_offers_to_pull_it(hosting):
    name = hosting.endpoint(hosting.config(hosting.variant(hosting.model(named="phi-3.5-mini-instruct"))), wait=False)
    told = hosting.settled(name)
    assert told["EndpointStatus"] == "Failed" and "craton models pull phi-3.5-mini-instruct" in told["FailureReason"]
    refused(lambda: hosting.ask(name, chat()), "ValidationError", 400, f"Endpoint {name} of account ")


def test_terms_that_are_not_accepted_are_a_refusal(hosting):
    source = {"S3DataSource": {"S3Uri": f"s3://jumpstart-cache-prod-{REGION}/meta-llm/meta-textgeneration-llama-3-1-8b-instruct/artifacts/inference-prepack/v1.0.0/",
                               "S3DataType": "S3Prefix", "CompressionType": "None"}}
    refused(lambda: hosting.sm.create_model(ModelName=unique("m"), PrimaryContainer={"ModelDataSource": source}), "ValidationException", 400, "EULA")


def test_the_role_must_be_passed_and_trust_the_service(hosting, iam_user):
    role = unique("stranger")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]})
    arn = hosting.iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    container = {"Environment": {"CRATON_MODEL_ID": MODEL}}
    refused(lambda: hosting.sm.create_model(ModelName=unique("m"), ExecutionRoleArn=arn, PrimaryContainer=container), "ValidationException", 400, "Could not assume role")
    hosting.iam.delete_role(RoleName=role)
    name, key, secret = iam_user
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}]}
    hosting.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    member = client("sagemaker", key, secret)
    refused(lambda: member.create_model(ModelName=unique("m"), ExecutionRoleArn=hosting.role_arn, PrimaryContainer=container), "AccessDeniedException", 400, "iam:PassRole")
    hosting.iam.delete_user_policy(UserName=name, PolicyName="p")


def test_asking_needs_the_permission_on_that_endpoint(hosting, endpoint, iam_user):
    name, key, secret = iam_user
    arn = hosting.sm.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    statement = {"Effect": "Allow", "Action": "sagemaker:InvokeEndpoint", "Resource": arn}
    member = client("sagemaker-runtime", key, secret)
    refused(lambda: member.invoke_endpoint(EndpointName=endpoint, Body=json.dumps(chat())), "AccessDeniedException", 403, "sagemaker:InvokeEndpoint")
    hosting.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert member.invoke_endpoint(EndpointName=endpoint, Body=json.dumps(chat()))["Body"].read()
    refused(lambda: member.invoke_endpoint_with_response_stream(EndpointName=endpoint, Body=json.dumps(chat())), "AccessDeniedException", 403)
    hosting.iam.delete_user_policy(UserName=name, PolicyName="p")


def test_tags_are_given_listed_and_taken(hosting, endpoint):
    arn = hosting.sm.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    hosting.sm.add_tags(ResourceArn=arn, Tags=[{"Key": "team", "Value": "a"}, {"Key": "cost", "Value": "b"}])
    hosting.sm.delete_tags(ResourceArn=arn, TagKeys=["cost"])
    assert hosting.sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_an_endpoint_that_scales_to_three_to_none_and_to_one_loses_no_request(hosting, endpoint):
    stop, failures, answered = threading.Event(), [], [0]

    def ask():
        runtime = client("sagemaker-runtime")
        while not stop.is_set():
            try:
                runtime.invoke_endpoint(EndpointName=endpoint, Body=json.dumps(chat(max_tokens=2)))["Body"].read()
                answered[0] += 1
            except ClientError as error:
                if error.response["Error"]["Code"] != "ThrottlingException" or "retry-after" not in error.response["ResponseMetadata"]["HTTPHeaders"]:
                    failures.append(error)

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for thread in clients:
        thread.start()
    try:
        for count in (3, 0, 1):
            hosting.sm.update_endpoint_weights_and_capacities(EndpointName=endpoint, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}])
            told = hosting.settled(endpoint)
            assert told["EndpointStatus"] == "InService" and "FailureReason" not in told, told
    finally:
        stop.set()
        for thread in clients:
            thread.join()
    assert failures == [] and answered[0] > 0
    hosting.ask(endpoint, chat())
    assert hosting.sm.describe_endpoint(EndpointName=endpoint)["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_an_update_takes_over_when_it_is_ready(hosting, endpoint):
    other = hosting.config(hosting.variant(hosting.model(), VariantName="Green"))
    hosting.sm.update_endpoint(EndpointName=endpoint, EndpointConfigName=other)
    told = hosting.settled(endpoint)
    assert told["EndpointConfigName"] == other and [v["VariantName"] for v in told["ProductionVariants"]] == ["Green"]
    assert hosting.ask(endpoint, chat())[1]["InvokedProductionVariant"] == "Green"


def test_an_endpoint_is_no_model_of_bedrock_before_it_is_registered(hosting, endpoint):
    arn = hosting.sm.describe_endpoint(EndpointName=endpoint)["EndpointArn"]
    message = [{"role": "user", "content": [{"text": "Hi"}]}]
    refused(lambda: client("bedrock-runtime").converse(modelId=arn, messages=message), "ValidationException", 400, "not registered")
