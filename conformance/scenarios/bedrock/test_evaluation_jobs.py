"""Evaluation jobs: models and answers that the dataset brings are judged, and the results have Bedrock's shape."""

import json
import re
import time
import uuid

import pytest
from conftest import CLAUDE, client, empty_bucket

STEPS = {"Builtin.Correctness": 2, "Builtin.Completeness": 4, "Builtin.Helpfulness": 6, "Builtin.LogicalCoherence": 4,
         "Builtin.Faithfulness": 4, "Builtin.CitationCoverage": 4, "Builtin.Refusal": 1}
PASSAGES = ["There is a moderate hiatal hernia.", "The heart is of normal size."]


def document(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


class Evaluator:
    """A bucket and a role that may use it and invoke models."""

    def __init__(self):
        self.tag = uuid.uuid4().hex[:8]
        self.bedrock, self.s3, self.iam = client("bedrock"), client("s3"), client("iam")
        self.bucket, self.role = f"evals-{self.tag}", f"Evaluator-{self.tag}"
        self.s3.create_bucket(Bucket=self.bucket)
        trust = document(Principal={"Service": "bedrock.amazonaws.com"}, Action="sts:AssumeRole")
        self.role_arn = self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=self.role, PolicyName="evals", PolicyDocument=document(
            Action=["s3:GetObject", "s3:PutObject", "bedrock:InvokeModel"], Resource="*"))

    def request(self, lines, metrics, inference, application="RagEvaluation", **more):
        self.s3.put_object(Bucket=self.bucket, Key="in.jsonl", Body="\n".join(map(json.dumps, lines)).encode())
        automated = {"datasetMetricConfigs": [{"taskType": "Custom", "metricNames": metrics, "dataset": {
                         "name": "own", "datasetLocation": {"s3Uri": f"s3://{self.bucket}/in.jsonl"}}}],
                     "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": CLAUDE}]}} | more
        return dict(jobName=f"eval-{uuid.uuid4().hex[:8]}", roleArn=self.role_arn, applicationType=application,
                    evaluationConfig={"automated": automated}, inferenceConfig=inference,
                    outputDataConfig={"s3Uri": f"s3://{self.bucket}/out/"})

    def ended(self, arn):
        while (job := self.bedrock.get_evaluation_job(jobIdentifier=arn))["status"] in ("InProgress", "Stopping"):
            time.sleep(0.1)
        return job

    def results(self, name):
        keys = [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket, Prefix=f"out/{name}/")["Contents"]]
        [key] = [key for key in keys if key.endswith("_output.jsonl")]
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read().decode()

    def close(self):
        empty_bucket(self.s3, self.bucket)
        self.iam.delete_role_policy(RoleName=self.role, PolicyName="evals")
        self.iam.delete_role(RoleName=self.role)


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def own_rag(answer):
    content = lambda text: {"content": [{"text": text}]}
    passage = lambda text: {"content": {"text": text}}
    return {"conversationTurns": [{
        "prompt": content("What do the findings show?"), "referenceResponses": [content("A hiatal hernia.")],
        "output": {"text": answer, "knowledgeBaseIdentifier": "theirs",
                   "retrievedPassages": {"retrievalResults": [passage(text) for text in PASSAGES]},
                   "citations": [{"generatedResponsePart": {"textResponsePart": {"span": {"start": 0, "end": 5}, "text": answer}},
                                  "retrievedReferences": [passage(PASSAGES[0])]}]}}]}


RAG = {"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": "theirs"}}}]}


def test_answers_of_another_system_are_judged_twice_alike(evaluator):
    lines = [own_rag("A moderate hiatal hernia."), own_rag("Broken ribs on both sides.")]
    metrics = [*STEPS, "Builtin.CitationPrecision", "Craton.RougeL"]
    texts = []
    for _ in range(2):
        request = evaluator.request(lines, metrics, RAG)
        arn = evaluator.bedrock.create_evaluation_job(**request)["jobArn"]
        assert re.fullmatch(r"arn:aws:bedrock:[a-z0-9-]+:\d{12}:evaluation-job/[a-z0-9]{12}", arn)
        job = evaluator.ended(arn)
        assert job["status"] == "Completed", job
        assert job["evaluationConfig"] == request["evaluationConfig"] and job["inferenceConfig"] == RAG
        texts.append(evaluator.results(request["jobName"]))
    assert texts[0] == texts[1]
    turns = [json.loads(line)["conversationTurns"][0] for line in texts[0].splitlines()]
    for turn in turns:
        results = {result["metricName"]: result for result in turn["results"]}
        assert set(results) == set(metrics)
        for name, steps in STEPS.items():
            scaled = results[name]["result"] * steps
            assert abs(scaled - round(scaled)) < 1e-6
            assert results[name]["evaluatorDetails"][0]["modelIdentifier"] == CLAUDE
            assert results[name]["evaluatorDetails"][0]["explanation"].strip()
    assert "unsupported" not in turns[0].get("craton", {})
    assert turns[1]["craton"]["unsupported"][0]["text"] == "Broken ribs on both sides."


def test_a_model_is_judged_by_a_metric_of_ones_own(evaluator):
    custom = {"customMetrics": [{"customMetricDefinition": {
        "name": "tone", "instructions": "Is the tone of this friendly? {{prediction}}",
        "ratingScale": [{"definition": "no", "value": {"floatValue": 0}}, {"definition": "yes", "value": {"floatValue": 10}}]}}],
        "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": CLAUDE}]}}
    inference = {"models": [{"bedrockModel": {
        "modelIdentifier": CLAUDE, "inferenceParams": json.dumps({"inferenceConfig": {"maxTokens": 8}})}}]}
    request = evaluator.request([{"prompt": "Say hi."}], ["tone", "Builtin.Coherence"], inference, "ModelEvaluation",
                                customMetricConfig=custom)
    created = evaluator.bedrock.create_evaluation_job(**request)
    assert "the same model" in created["ResponseMetadata"]["HTTPHeaders"]["x-craton-warning"]
    assert evaluator.ended(created["jobArn"])["status"] == "Completed"
    [line] = map(json.loads, evaluator.results(request["jobName"]).splitlines())
    assert line["modelResponses"][0]["modelIdentifier"] == CLAUDE
    assert line["automatedEvaluationResult"]["scores"][0]["result"] in (0, 1)


def test_what_is_wrong_is_said(evaluator):
    bedrock = evaluator.bedrock
    with pytest.raises(bedrock.exceptions.ValidationException, match="retrieve-only"):
        bedrock.create_evaluation_job(**evaluator.request([own_rag("a")], ["Builtin.ContextRelevance"], RAG))
    request = evaluator.request([own_rag("a"), {"conversationTurns": []}], ["Builtin.Refusal"], RAG)
    job = evaluator.ended(bedrock.create_evaluation_job(**request)["jobArn"])
    assert job["status"] == "Failed" and "Line 2 of the dataset" in job["failureMessages"][0]
    with pytest.raises(bedrock.exceptions.ConflictException):
        bedrock.create_evaluation_job(**request)
    missing = re.sub(r"[a-z0-9]{12}$", "zzzzzzzzzzzz", job["jobArn"])
    with pytest.raises(bedrock.exceptions.ResourceNotFoundException):
        bedrock.get_evaluation_job(jobIdentifier=missing)
    answer = bedrock.batch_delete_evaluation_job(jobIdentifiers=[job["jobArn"], missing])
    assert [deleted["jobIdentifier"] for deleted in answer["evaluationJobs"]] == [job["jobArn"]]
    assert [error["code"] for error in answer["errors"]] == ["ResourceNotFoundException"]
