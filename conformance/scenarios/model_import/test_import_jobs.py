"""Import jobs and imported models as things: asked for, looked at, listed, tagged, deleted, each in its own account."""

import os
import pathlib
import re
import struct
from datetime import datetime, timedelta, timezone

import pytest
from checkpoints import WEIGHTS, checkpoint, split
from conftest import REGION, client, refused
from import_estate import DEV, HOST, document, estate, of

DATA = pathlib.Path(os.environ["CRATON_DATA_DIR"])


def files():
    """What lies in the data folder, but for buckets' objects, and how large it is."""
    found = (path for path in DATA.rglob("*") if path.is_file() and "objects" not in path.relative_to(DATA).parts)
    return {path: path.stat().st_size for path in found if ".db" not in path.name}


def test_a_model_is_imported_shown_and_deleted_with_its_bytes(estate):
    estate.upload(checkpoint())
    before = files()
    asked, name, model = estate.ask()
    job = estate.ended(asked)
    assert job["status"] == "Completed" and re.fullmatch(rf"arn:aws:bedrock:{REGION}:{HOST}:model-import-job/[a-z0-9]{{12}}", job["jobArn"])
    assert (job["jobName"], job["importedModelName"], job["roleArn"]) == (name, model, estate.role_arn)
    assert job["modelDataSource"] == {"s3DataSource": {"s3Uri": estate.uri()}}
    assert job["creationTime"] <= job["lastModifiedTime"] == job["endTime"]
    arn = job["importedModelArn"]
    assert re.fullmatch(rf"arn:aws:bedrock:{REGION}:{HOST}:imported-model/[a-z0-9]{{12}}", arn)
    for identifier in (name, asked):
        assert estate.bedrock.get_model_import_job(jobIdentifier=identifier)["jobArn"] == asked
    for identifier in (model, arn, arn.split("/")[1]):
        shown = estate.bedrock.get_imported_model(modelIdentifier=identifier)
        assert (shown["modelArn"], shown["jobArn"], shown["jobName"]) == (arn, asked, name)
        assert shown["modelArchitecture"] == "MistralForCausalLM" and shown["instructSupported"] is True
    made = {path: size for path, size in files().items() if path not in before}
    assert sum(made.values()) > len(checkpoint()[WEIGHTS]) // 2, made
    estate.bedrock.delete_imported_model(modelIdentifier=model)
    assert not set(made) & set(files())
    for call in (estate.bedrock.get_imported_model, estate.bedrock.delete_imported_model):
        refused(lambda: call(modelIdentifier=model), "ResourceNotFoundException", 404)
    refused(lambda: estate.invoke(arn, {"prompt": "Hi"}), "ResourceNotFoundException", 404)
    assert estate.bedrock.get_model_import_job(jobIdentifier=asked)["status"] == "Completed"


def test_weights_are_plain_nowhere(estate):
    source, key = estate.source_key(), estate.model_key()
    estate.let_role(estate.reads(), estate.uses(source, key))
    weights = checkpoint(seed=9)
    estate.upload(weights, ServerSideEncryption="aws:kms", SSEKMSKeyId=source)
    job = estate.completed(importedModelKmsKeyId=key)
    assert job["importedModelKmsKeyArn"] == key
    assert estate.bedrock.get_imported_model(modelIdentifier=job["importedModelArn"])["modelKmsKeyArn"] == key
    estate.invoke(job["importedModelArn"], {"prompt": "Hi", "max_gen_len": 4})
    _, data = split(weights[WEIGHTS])
    needles = [data[at:at + 48] for at in range(0, len(data) - 48, len(data) // 16)]
    for path in DATA.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(needle in content for needle in needles if len(set(struct.unpack("<24H", needle))) > 4), path


def test_the_same_request_again_is_the_same_job(estate):
    estate.upload(checkpoint())
    request = {"jobName": f"again-{estate.tag}", "importedModelName": f"again-{estate.tag}", "clientRequestToken": f"token-{estate.tag}"}
    first = estate.ask(**request)[0]
    assert estate.ask(**request)[0] == first
    estate.ended(first)
    assert estate.ask(**request)[0] == first, "also when it has ended"
    refused(lambda: estate.ask(**request | {"importedModelName": f"other-{estate.tag}"}), "ConflictException", 400)


def test_names_are_taken_once(estate):
    estate.upload(checkpoint())
    job = estate.completed()
    error = refused(lambda: estate.ask(jobName=job["jobName"]), "ConflictException", 400)
    assert job["jobName"] in error["Error"]["Message"]
    error = refused(lambda: estate.ask(importedModelName=job["importedModelName"]), "ConflictException", 400)
    assert job["importedModelName"] in error["Error"]["Message"]
    estate.bedrock.delete_imported_model(modelIdentifier=job["importedModelName"])
    estate.completed(importedModelName=job["importedModelName"])


def test_lists_are_filtered_sorted_and_paged(estate):
    estate.upload(checkpoint())
    arns = [estate.completed()["jobArn"] for _ in range(3)]
    estate.failed(modelDataSource={"s3DataSource": {"s3Uri": estate.uri("nothing/")}})
    bedrock, mine = estate.bedrock, {"nameContains": estate.tag}

    def jobs(**more):
        return [job["jobArn"] for job in bedrock.list_model_import_jobs(**mine, **more)["modelImportJobSummaries"]]

    assert jobs(statusEquals="Completed", sortBy="CreationTime", sortOrder="Ascending") == arns
    assert jobs(statusEquals="Completed") == arns[::-1]
    assert len(jobs()) == 4 and len(jobs(statusEquals="Failed")) == 1 and jobs(statusEquals="InProgress") == []
    now, hour = datetime.now(timezone.utc), timedelta(hours=1)
    assert len(jobs(creationTimeAfter=now - hour, creationTimeBefore=now + hour)) == 4
    assert jobs(creationTimeBefore=now - hour) == jobs(creationTimeAfter=now + hour) == []
    pages, token = [], {}
    while True:
        page = bedrock.list_model_import_jobs(**mine, maxResults=3, **token)
        pages.append([job["jobArn"] for job in page["modelImportJobSummaries"]])
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert [len(page) for page in pages] == [3, 1] and sum(pages, []) == jobs()
    refused(lambda: bedrock.list_model_import_jobs(nextToken="nonsense"), "ValidationException", 400)

    def models(**more):
        return [model["modelName"] for model in bedrock.list_imported_models(**mine, **more)["modelSummaries"]]

    names = models(sortOrder="Ascending")
    assert len(names) == 3 and models() == names[::-1]
    page = bedrock.list_imported_models(**mine, maxResults=2)
    rest = bedrock.list_imported_models(**mine, maxResults=2, nextToken=page["nextToken"])
    assert [model["modelName"] for part in (page, rest) for model in part["modelSummaries"]] == models()
    assert models(creationTimeAfter=now + hour) == []
    assert bedrock.list_imported_models(nameContains="no-such-name")["modelSummaries"] == []


def test_tags(estate):
    estate.upload(checkpoint())
    job = estate.completed(jobTags=[{"key": "team", "value": "blue"}], importedModelTags=[{"key": "team", "value": "red"}])
    job, model, bedrock = job["jobArn"], job["importedModelArn"], estate.bedrock

    def tags(arn):
        return {tag["key"]: tag["value"] for tag in bedrock.list_tags_for_resource(resourceARN=arn)["tags"]}

    assert (tags(job), tags(model)) == ({"team": "blue"}, {"team": "red"})
    bedrock.tag_resource(resourceARN=model, tags=[{"key": "team", "value": "green"}, {"key": "stage", "value": "test"}])
    bedrock.untag_resource(resourceARN=job, tagKeys=["team"])
    assert (tags(job), tags(model)) == ({}, {"team": "green", "stage": "test"})
    refused(lambda: tags(model[:-1] + "-"), "ResourceNotFoundException", 404)
    refused(lambda: estate.ask(jobTags=[{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]), "ValidationException", 400)


def test_permission_follows_a_models_tags(estate):
    estate.upload(checkpoint())
    model = estate.completed(importedModelTags=[{"key": "stage", "value": "test"}])["importedModelArn"]
    user = f"reader-{estate.tag}"
    estate.iam.create_user(UserName=user)
    key = estate.iam.create_access_key(UserName=user)["AccessKey"]
    runtime = client("bedrock-runtime", key["AccessKeyId"], key["SecretAccessKey"])
    condition = {"StringEquals": {"aws:ResourceTag/stage": "live"}}
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*", "Condition": condition}
    estate.iam.put_user_policy(UserName=user, PolicyName="p", PolicyDocument=document(statement))
    refused(lambda: estate.invoke(model, {"prompt": "Hi"}, runtime), "AccessDeniedException", 403, model)
    estate.bedrock.tag_resource(resourceARN=model, tags=[{"key": "stage", "value": "live"}])
    assert estate.invoke(model, {"prompt": "Hi", "max_gen_len": 2}, runtime)["generation_token_count"] == 2
    estate.iam.delete_user_policy(UserName=user, PolicyName="p")
    estate.iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])
    estate.iam.delete_user(UserName=user)


def test_another_account_sees_nothing(estate):
    estate.upload(checkpoint())
    job = estate.completed()
    bedrock, runtime = client("bedrock", *of("DEV")), client("bedrock-runtime", *of("DEV"))
    arn, name = job["importedModelArn"], job["importedModelName"]
    assert bedrock.list_imported_models(nameContains=estate.tag)["modelSummaries"] == []
    assert bedrock.list_model_import_jobs(nameContains=estate.tag)["modelImportJobSummaries"] == []
    for call in (bedrock.get_imported_model, bedrock.delete_imported_model):
        refused(lambda: call(modelIdentifier=name), "ResourceNotFoundException", 404)
        denied_or_absent(lambda: call(modelIdentifier=arn))
    refused(lambda: bedrock.get_model_import_job(jobIdentifier=job["jobName"]), "ResourceNotFoundException", 404)
    denied_or_absent(lambda: bedrock.get_model_import_job(jobIdentifier=job["jobArn"]))
    denied_or_absent(lambda: bedrock.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "b"}]))
    for identifier in (arn, name, arn.split("/")[1]):
        denied_or_absent(lambda: estate.invoke(identifier, {"prompt": "Hi"}, runtime))
        denied_or_absent(lambda: runtime.converse(modelId=identifier, messages=[{"role": "user", "content": [{"text": "Hi"}]}]))
    refused(lambda: estate.ask(bedrock), "AccessDeniedException", 403)
    assert estate.bedrock.get_imported_model(modelIdentifier=arn)["modelArn"] == arn
    assert estate.sts.get_caller_identity()["Account"] == HOST != DEV


def denied_or_absent(call):
    with pytest.raises(Exception) as caught:
        call()
    assert caught.value.response["Error"]["Code"] in ("AccessDeniedException", "ResourceNotFoundException", "ValidationException"), caught.value


def test_what_makes_no_sense_is_refused_at_once(estate):
    refused(lambda: estate.ask(modelDataSource={"s3DataSource": {"s3Uri": "https://example.com/x"}}), "ValidationException", 400)
    refused(lambda: estate.ask(modelDataSource={"s3DataSource": {"s3Uri": f"s3://{estate.bucket}//x"}}), "ValidationException", 400)
    refused(lambda: estate.ask(jobName="-"), "ValidationException", 400)
    refused(lambda: estate.ask(importedModelName="a b"), "ValidationException", 400)
    refused(lambda: estate.ask(roleArn=f"arn:aws:iam::{DEV}:role/{estate.role}"), "AccessDeniedException", 403, "Cross-account pass role is not allowed")
    refused(lambda: estate.ask(roleArn="arn:aws:s3:::role"), "ValidationException", 400)
    refused(lambda: estate.ask(importedModelKmsKeyId="no key"), "ValidationException", 400)
    refused(lambda: estate.ask(vpcConfig={"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}), "NotImplementedException", 501)
    for call, argument in ((estate.bedrock.get_model_import_job, "jobIdentifier"), (estate.bedrock.get_imported_model, "modelIdentifier")):
        refused(lambda: call(**{argument: "no-such-thing"}), "ResourceNotFoundException", 404)
