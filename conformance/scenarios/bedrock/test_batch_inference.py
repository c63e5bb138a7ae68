"""Batch inference: records of a bucket are answered as InvokeModel and Converse answer them, whatever is wrong with some."""

import json
import os
import time
import uuid

import pytest
from conftest import CLAUDE, LLAMA, REGION, TITAN_V2, client, empty_bucket, invoke, refused

ENDED = {"Completed", "PartiallyCompleted", "Failed", "Stopped", "Expired"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Batches:
    """A bucket, a role that may use it, and the account's client."""

    def __init__(self, *key):
        self.tag = uuid.uuid4().hex[:8]
        self.bedrock, self.s3, self.iam = (client(service, *key) for service in ("bedrock", "s3", "iam"))
        self.account = client("sts", *key).get_caller_identity()["Account"]
        self.bucket, self.role = f"batches-{self.tag}", f"Batcher-{self.tag}"
        self.role_arn = f"arn:aws:iam::{self.account}:role/{self.role}"
        self.s3.create_bucket(Bucket=self.bucket)
        # As AWS's guide has them.
        trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
                 "Condition": {"StringEquals": {"aws:SourceAccount": self.account},
                               "ArnEquals": {"aws:SourceArn": f"arn:aws:bedrock:{REGION}:{self.account}:model-invocation-job/*"}}}
        self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=document(trust))
        self.let_role(self.uses_bucket())

    def uses_bucket(self, *actions):
        return {"Effect": "Allow", "Action": list(actions) or ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
                "Resource": [f"arn:aws:s3:::{self.bucket}", f"arn:aws:s3:::{self.bucket}/*"],
                "Condition": {"StringEquals": {"aws:ResourceAccount": [self.account]}}}

    def let_role(self, *statements):
        self.iam.put_role_policy(RoleName=self.role, PolicyName="batch", PolicyDocument=document(*statements))

    def put(self, lines, key="in/records.jsonl"):
        lines = [line if isinstance(line, (str, bytes)) else json.dumps(line) for line in lines]
        body = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return self

    def ask(self, bedrock=None, key="in/records.jsonl", **more):
        request = {"jobName": f"batch-{self.tag}", "roleArn": self.role_arn, "modelId": CLAUDE,
                   "inputDataConfig": {"s3InputDataConfig": {"s3InputFormat": "JSONL", "s3Uri": f"s3://{self.bucket}/{key}"}},
                   "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": f"s3://{self.bucket}/out/"}}} | more
        return (bedrock or self.bedrock).create_model_invocation_job(**request)["jobArn"]

    def ended(self, job):
        while (found := self.bedrock.get_model_invocation_job(jobIdentifier=job))["status"] not in ENDED:
            time.sleep(0.1)
        return found

    def read(self, job, name):
        got = self.s3.get_object(Bucket=self.bucket, Key=f"out/{job.rsplit('/')[-1]}/{name}")
        return got["Body"].read().decode()

    def results(self, job, name="records.jsonl.out"):
        return [json.loads(line) for line in self.read(job, name).splitlines()]

    def manifest(self, job):
        return json.loads(self.read(job, "manifest.json.out"))

    def outputs(self):
        return [entry["Key"] for entry in self.s3.list_objects_v2(Bucket=self.bucket, Prefix="out/").get("Contents", [])]

    def close(self):
        self.iam.delete_role_policy(RoleName=self.role, PolicyName="batch")
        self.iam.delete_role(RoleName=self.role)
        empty_bucket(self.s3, self.bucket)


@pytest.fixture
def batches():
    made = Batches()
    yield made
    made.close()


def claude(text, most=4):
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": most, "temperature": 0,
            "messages": [{"role": "user", "content": text}]}


def record(number, text, most=4):
    return {"recordId": f"CALL{number:07}", "modelInput": claude(text, most)}


def test_records_are_answered_in_their_order_as_invoke_model_answers_them(batches):
    words = ["Name a colour.", "Name a fruit.", "Name a colour of the sea.", "Name a city."]
    job = batches.put([record(number, text) for number, text in enumerate(words)]).ask()
    found = batches.ended(job)
    assert found["status"] == "Completed", found.get("message")
    assert found["jobArn"] == job and found["modelId"] == CLAUDE and found["roleArn"] == batches.role_arn
    assert found["modelInvocationType"] == "InvokeModel" and found["timeoutDurationInHours"] == 24
    assert (found["jobExpirationTime"] - found["submitTime"]).total_seconds() == 24 * 3600
    assert found["endTime"] >= found["submitTime"]
    counts = [found[f"{name}RecordCount"] for name in ("total", "processed", "success", "error")]
    assert counts == [4, 4, 4, 0]
    results = batches.results(job)
    assert [result["recordId"] for result in results] == [f"CALL{number:07}" for number in range(4)]
    for text, result in zip(words, results):
        assert result["modelInput"] == claude(text)
        direct = invoke(CLAUDE, claude(text))
        assert result["modelOutput"]["type"] == "message"
        assert set(result["modelOutput"]) == set(direct)
        assert result["modelOutput"]["usage"]["input_tokens"] == direct["usage"]["input_tokens"]
    manifest = batches.manifest(job)
    assert manifest["totalRecordCount"] == manifest["processedRecordCount"] == manifest["successRecordCount"] == 4
    assert manifest["errorRecordCount"] == 0 and manifest["outputTokenCount"] <= 16
    assert manifest["inputTokenCount"] == sum(result["modelOutput"]["usage"]["input_tokens"] for result in results)


def test_converse_bodies_are_answered_as_converse_answers_them(batches):
    body = {"messages": [{"role": "user", "content": [{"text": "Name a colour."}]}], "inferenceConfig": {"maxTokens": 4}}
    job = batches.put([{"recordId": "one", "modelInput": body}, {"recordId": "two", "modelInput": claude("Name a fruit.")}]).ask(modelInvocationType="Converse")
    assert batches.ended(job)["status"] == "Completed"
    good, bad = batches.results(job)
    assert good["modelOutput"]["output"]["message"]["role"] == "assistant"
    assert good["modelOutput"]["usage"]["outputTokens"] <= 4 and good["modelOutput"]["stopReason"] in ("max_tokens", "end_turn")
    assert bad["error"]["errorCode"] == 400 and "modelOutput" not in bad


def test_a_raw_prompt_is_put_into_a_template_once(batches):
    prompt = "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nName a colour.<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"
    body = {"prompt": prompt, "max_gen_len": 4, "temperature": 0}
    job = batches.put([{"recordId": "raw", "modelInput": body}]).ask(modelId=LLAMA)
    assert batches.ended(job)["status"] == "Completed"
    result, = batches.results(job)
    assert result["modelOutput"]["prompt_token_count"] == invoke(LLAMA, body)["prompt_token_count"]


def test_texts_are_embedded(batches):
    body = {"inputText": "A colour.", "dimensions": 256}
    job = batches.put([{"recordId": "e", "modelInput": body}]).ask(modelId=TITAN_V2)
    assert batches.ended(job)["status"] == "Completed"
    result, = batches.results(job)
    assert len(result["modelOutput"]["embedding"]) == 256
    assert batches.manifest(job)["outputTokenCount"] == 0


def test_every_broken_line_is_a_record_with_an_error(batches):
    lines = [record(0, "Name a colour."), "no json", "", "[1]", {"recordId": "x"}, {"recordId": "y", "modelInput": "text"},
             {"recordId": 5, "modelInput": claude("Hi")}, b'{"recordId": "\xff\xfe", "modelInput": {}}',
             record(0, "The same id."), {"recordId": "z", "modelInput": {"max_tokens": 4}}, {"modelInput": claude("Name a fruit.")},
             '{"recordId": "cut", "modelInput": {']
    found = batches.ended(job := batches.put(lines).ask())
    assert found["status"] == "Completed", found
    results = batches.results(job)
    assert len(results) == len(lines)
    answered = [at for at, result in enumerate(results) if "modelOutput" in result]
    assert answered == [0, 10]
    for at, result in enumerate(results):
        assert ("error" in result) == (at not in answered)
        assert result["recordId"] and "modelInput" in result
        if at not in answered:
            assert result["error"]["errorCode"] == 400 and result["error"]["errorMessage"], result
    assert len(results[10]["recordId"]) == 11
    assert (found["successRecordCount"], found["errorRecordCount"]) == (2, len(lines) - 2)
    assert batches.manifest(job)["errorRecordCount"] == len(lines) - 2


def test_each_file_of_a_folder_has_its_results(batches):
    batches.put([record(0, "Name a colour.")], "in/a.jsonl").put([record(0, "Name a fruit.")], "in/more/b.jsonl").put(["x"], "in/notes.txt")
    job = batches.ask(key="in/")
    assert batches.ended(job)["status"] == "Completed"
    folder = f"out/{job.rsplit('/')[-1]}/"
    assert batches.outputs() == [folder + name for name in ("a.jsonl.out", "manifest.json.out", "more/b.jsonl.out")]


def test_a_stopped_job_has_the_results_that_it_had(batches):
    job = batches.put([record(number, f"Tell a long story about the number {number}.", 24) for number in range(200)]).ask()
    while not batches.bedrock.get_model_invocation_job(jobIdentifier=job).get("processedRecordCount"):
        time.sleep(0.1)
    batches.bedrock.stop_model_invocation_job(jobIdentifier=job)
    found = batches.ended(job)
    assert found["status"] == "Stopped"
    results = batches.results(job)
    assert 0 < len(results) == found["processedRecordCount"] < 200
    manifest = batches.manifest(job)
    assert (manifest["totalRecordCount"], manifest["processedRecordCount"]) == (200, len(results))
    refused(lambda: batches.bedrock.stop_model_invocation_job(jobIdentifier=job), "ConflictException", 400, "Stopped")


def test_results_are_encrypted_under_the_key_that_is_named(batches):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    batches.put([record(0, "Name a colour.")])
    output = {"s3OutputDataConfig": {"s3Uri": f"s3://{batches.bucket}/out", "s3EncryptionKeyId": key}}
    failed = batches.ended(batches.ask(outputDataConfig=output))
    assert failed["status"] == "Failed" and "could not validate the PutObject permission" in failed["message"], failed
    assert batches.outputs() == []
    batches.let_role(batches.uses_bucket(), {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key,
                                             "Condition": {"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}})
    found = batches.ended(job := batches.ask(outputDataConfig=output))
    assert found["status"] == "Completed", found
    head = batches.s3.head_object(Bucket=batches.bucket, Key=f"out/{job.rsplit('/')[-1]}/records.jsonl.out")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", key)
    assert found["outputDataConfig"]["s3OutputDataConfig"]["s3EncryptionKeyId"] == key


@pytest.mark.parametrize("actions, says", [
    (["s3:PutObject"], "could not validate the GetObject permission"),
    (["s3:GetObject", "s3:ListBucket"], "could not validate the PutObject permission"),
])
def test_what_the_role_may_not_do_fails_the_job(batches, actions, says):
    batches.put([record(0, "Name a colour.")]).let_role(batches.uses_bucket(*actions))
    found = batches.ended(batches.ask())
    assert found["status"] == "Failed" and says in found["message"], found
    assert batches.outputs() == []


def test_a_role_that_does_not_trust_the_service_fails_the_job(batches):
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    batches.put([record(0, "Name a colour.")]).iam.update_assume_role_policy(RoleName=batches.role, PolicyDocument=document(trust))
    found = batches.ended(batches.ask())
    assert found["status"] == "Failed" and "could not assume the role" in found["message"], found


def test_input_that_is_no_batch_fails_the_job(batches):
    for put, key, says in [((), "nowhere/", "no .jsonl file"), (("in/x.txt",), "in/x.txt", "does not end with `.jsonl`")]:
        for name in put:
            batches.put(["x"], name)
        found = batches.ended(batches.ask(key=key))
        assert found["status"] == "Failed" and says in found["message"], found


def test_jobs_are_listed_by_name_status_and_time_page_by_page(batches):
    batches.put([record(0, "Name a colour.")])
    jobs = [batches.ask(jobName=f"{name}-{batches.tag}") for name in ("first", "second", "third")]
    for job in jobs:
        batches.ended(job)
    listed = lambda **more: batches.bedrock.list_model_invocation_jobs(nameContains=batches.tag, **more)
    assert [job["jobArn"] for job in listed()["invocationJobSummaries"]] == jobs[::-1]
    assert [job["jobArn"] for job in listed(sortBy="CreationTime", sortOrder="Ascending")["invocationJobSummaries"]] == jobs
    page = listed(maxResults=2)
    rest = listed(maxResults=2, nextToken=page["nextToken"])
    assert [job["jobArn"] for job in page["invocationJobSummaries"] + rest["invocationJobSummaries"]] == jobs[::-1]
    assert "nextToken" not in rest
    assert len(listed(statusEquals="Completed")["invocationJobSummaries"]) == 3
    assert listed(statusEquals="Failed")["invocationJobSummaries"] == []
    first = batches.bedrock.get_model_invocation_job(jobIdentifier=jobs[0])["submitTime"]
    assert len(listed(submitTimeAfter=first)["invocationJobSummaries"]) == 2


def test_a_request_token_asks_once(batches):
    batches.put([record(0, "Name a colour.")])
    job = batches.ask(clientRequestToken="token1")
    assert batches.ask(clientRequestToken="token1") == job
    refused(lambda: batches.ask(clientRequestToken="token1", jobName="other"), "ConflictException", 400, "token1")
    assert batches.ended(job)["clientRequestToken"] == "token1"


def test_tags_are_given_and_taken(batches):
    job = batches.put([record(0, "Name a colour.")]).ask(tags=[{"key": "team", "value": "a"}])
    assert batches.bedrock.list_tags_for_resource(resourceARN=job)["tags"] == [{"key": "team", "value": "a"}]
    batches.bedrock.tag_resource(resourceARN=job, tags=[{"key": "more", "value": "b"}])
    batches.bedrock.untag_resource(resourceARN=job, tagKeys=["team"])
    assert batches.bedrock.list_tags_for_resource(resourceARN=job)["tags"] == [{"key": "more", "value": "b"}]
    batches.ended(job)


def test_what_is_malformed_is_refused(batches):
    batches.put([record(0, "Name a colour.")])
    other = "arn:aws:iam::210987654321:role/Other"
    refused(lambda: batches.ask(roleArn=other), "AccessDeniedException", 403, "Cross-account pass role")
    refused(lambda: batches.ask(modelId="no.such-model-v1:0"), "ValidationException", 400, "model identifier is invalid")
    refused(lambda: batches.ask(timeoutDurationInHours=5), "ValidationException", 400, "24")
    refused(lambda: batches.ask(jobName="-"), "ValidationException", 400)
    refused(lambda: batches.ask(vpcConfig={"subnetIds": ["s-1"], "securityGroupIds": ["g-1"]}), "NotImplementedException", 501, "vpcConfig")
    refused(lambda: batches.bedrock.get_model_invocation_job(jobIdentifier="abcdefghijkl"), "ResourceNotFoundException", 404)
    refused(lambda: batches.bedrock.stop_model_invocation_job(jobIdentifier="no such"), "ValidationException", 400)


def test_who_asks_needs_the_model_the_job_and_the_role(batches, iam_user):
    name, *key = iam_user
    batches.put([record(0, "Name a colour.")])
    bedrock = client("bedrock", *key)
    model = f"arn:aws:bedrock:{REGION}::foundation-model/{CLAUDE}"
    jobs = f"arn:aws:bedrock:{REGION}:{batches.account}:model-invocation-job/*"
    create = {"Effect": "Allow", "Action": "bedrock:CreateModelInvocationJob"}
    passing = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": batches.role_arn}

    def may(*statements):
        client("iam").put_user_policy(UserName=name, PolicyName="p", PolicyDocument=document(*statements))

    try:
        for statements, missing in [((create | {"Resource": model}, passing), "model-invocation-job"),
                                    ((create | {"Resource": jobs}, passing), "foundation-model"),
                                    ((create | {"Resource": [model, jobs]},), "iam:PassRole")]:
            may(*statements)
            refused(lambda: batches.ask(bedrock), "AccessDeniedException", 403, missing)
        may(create | {"Resource": [model, jobs]}, passing)
        job = batches.ask(bedrock)
        for call in ("get_model_invocation_job", "stop_model_invocation_job"):
            refused(lambda: getattr(bedrock, call)(jobIdentifier=job), "AccessDeniedException", 403, job)
        refused(lambda: bedrock.list_model_invocation_jobs(), "AccessDeniedException", 403)
        batches.ended(job)
    finally:
        client("iam").delete_user_policy(UserName=name, PolicyName="p")


def test_an_inference_profile_needs_a_role_that_may_invoke_it(batches):
    profile = f"us.{CLAUDE}"
    batches.put([record(0, "Name a colour.")])
    found = batches.ended(batches.ask(modelId=profile))
    assert found["status"] == "Failed" and "bedrock:InvokeModel" in found["message"], found
    batches.let_role(batches.uses_bucket(), {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": [
        f"arn:aws:bedrock:{REGION}:{batches.account}:inference-profile/{profile}", f"arn:aws:bedrock:{REGION}::foundation-model/{CLAUDE}"]})
    found = batches.ended(batches.ask(modelId=profile))
    assert found["status"] == "Completed", found


def test_another_account_knows_nothing_of_a_job(batches):
    job = batches.put([record(0, "Name a colour.")]).ask()
    batches.ended(job)
    other = Batches(os.environ["CONF_DEV_ACCESS_KEY_ID"], os.environ["CONF_DEV_SECRET_ACCESS_KEY"])
    try:
        for identifier in (job, job.rsplit("/")[-1]):
            refused(lambda: other.bedrock.get_model_invocation_job(jobIdentifier=identifier), *denied_or_missing(identifier))
            refused(lambda: other.bedrock.stop_model_invocation_job(jobIdentifier=identifier), *denied_or_missing(identifier))
        assert other.bedrock.list_model_invocation_jobs()["invocationJobSummaries"] == []
        # Nor does its role read the other's bucket.
        source = {"s3InputDataConfig": {"s3Uri": f"s3://{batches.bucket}/in/records.jsonl"}}
        found = other.ended(other.ask(inputDataConfig=source))
        assert found["status"] == "Failed" and "could not validate the GetObject permission" in found["message"], found
    finally:
        other.close()


def denied_or_missing(identifier):
    """Another account's ARN is no resource of the caller's; an id alone names none."""
    return ("AccessDeniedException", 403) if identifier.startswith("arn:") else ("ResourceNotFoundException", 404)
