"""Evaluation jobs of what is wrong: datasets, metrics, judges, permissions and jobs that are stopped. Each is told by name."""

import json
import time

import pytest
from conftest import CLAUDE, refused, signed
from evaluation_estate import ALL, RAG, Evaluator, own_rag

WORDS = ["Craton.TokenF1"]


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def own_model(answer="Yes.", **record):
    return {"prompt": "Is the heart of normal size?", "referenceResponse": "Yes.",
            "modelResponses": [{"response": answer, "modelIdentifier": "theirs"}], **record}


MODEL = {"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "theirs"}}]}


def run(evaluator, lines, metrics=WORDS, inference=MODEL, application="ModelEvaluation"):
    request = evaluator.request(lines, metrics, inference, application)
    return request["jobName"], evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])


def failed(evaluator, lines, *texts, **asked):
    """Asserts that a job on these lines fails and that its message says all of `texts`."""
    name, job = run(evaluator, lines, **asked)
    assert job["status"] == "Failed", job
    for text in texts:
        assert text in job["failureMessages"][0], job
    assert not [key for key in evaluator.keys(name) if key.endswith("_output.jsonl")]


@pytest.mark.parametrize("text", ["", "\n  \n\n"])
def test_an_empty_dataset(evaluator, text):
    failed(evaluator, text, "The dataset is empty")


def test_the_1001st_prompt_is_one_too_many_and_not_for_cratons_own_operation(evaluator):
    lines = [own_model()] * 1001
    failed(evaluator, lines, "more than 1000 prompts", "line 1001")
    request = evaluator.request(lines, WORDS, MODEL, "ModelEvaluation")
    created = signed("POST", "/craton/v1/evaluation-jobs", "craton", json.dumps(request).encode(), {"content-type": "application/json"})
    assert created.status_code == 202, created.text
    job = evaluator.ended(created.json()["jobArn"])
    assert job["status"] == "Completed", job
    assert len(evaluator.results(request["jobName"]).splitlines()) == 1001


@pytest.mark.parametrize(("line", "texts"), [
    ('{"prompt": "a", ', ["It is no JSON (column"]),
    ("[1]", ["It is JSON, but no object"]),
    ('{"referenceResponse": "b"}', ["`prompt` is missing"]),
    ('{"prompt": 7}', ["`prompt` is no text"]),
    ('{"prompt": "a", "modelResponses": []}', ["`modelResponses` has 0 responses"]),
])
def test_a_line_that_is_wrong_is_named(evaluator, line, texts):
    good = json.dumps(own_model())
    failed(evaluator, f"{good}\n\n{line}\n{good}\n", "Line 3 of the dataset is invalid", *texts)


def test_a_line_of_a_knowledge_base_job_that_is_wrong_is_named(evaluator):
    asked = {"inference": RAG, "application": "RagEvaluation"}
    failed(evaluator, [own_rag("a"), {"conversationTurns": []}], "Line 2 of the dataset", "has 0 turns", **asked)
    bare = own_rag("a")
    del bare["conversationTurns"][0]["output"]
    failed(evaluator, [own_rag("a"), bare], "Line 2 of the dataset", "`output` is missing", **asked)


def test_what_a_metric_needs_is_missed_by_line(evaluator):
    bare = own_model()
    del bare["referenceResponse"]
    failed(evaluator, [own_model(), bare], "Line 2 of the dataset has no reference answer", "`Craton.TokenF1` needs")
    uncited = own_rag("a")
    del uncited["conversationTurns"][0]["output"]["citations"]
    failed(evaluator, [own_rag("a"), uncited], "Line 2 of the dataset has no citations", "`Builtin.CitationPrecision`",
           metrics=["Builtin.CitationPrecision"], inference=RAG, application="RagEvaluation")


def test_answers_of_another_source_than_the_jobs_are_named_by_line(evaluator):
    other = own_model()
    other["modelResponses"][0]["modelIdentifier"] = "somebodys"
    failed(evaluator, [own_model(), other], "Line 2 of the dataset names `somebodys` as `modelIdentifier`",
           "`inferenceSourceIdentifier` is `theirs`")
    other = own_rag("a")
    other["conversationTurns"][0]["output"]["knowledgeBaseIdentifier"] = "somebodys"
    failed(evaluator, [own_rag("a"), own_rag("b"), other], "Line 3 of the dataset names `somebodys` as `knowledgeBaseIdentifier`",
           "`ragSourceIdentifier` is `theirs`", inference=RAG, application="RagEvaluation")


@pytest.mark.parametrize(("parameters", "code", "status", "text"), [
    ({"inferenceConfig": {"maxTokens": 4, "warp": 9}}, "NotImplementedException", 501, "`warp`"),
    ({"additionalModelRequestFields": {"loop_detection": True}}, "NotImplementedException", 501, "loop_detection"),
    ({"additionalModelRequestFields": {"warp": 9}}, "ValidationException", 400, "warp"),
    ({"inferenceConfig": {"temperature": "hot"}}, "ValidationException", 400, "`temperature`"),
    ({"inferenceConfig": {"maxTokens": 4, "max_new_tokens": 900}}, "ValidationException", 400, "`maxTokens` and `max_new_tokens`"),
])
def test_what_a_generator_cannot_be_asked_with_is_named(evaluator, parameters, code, status, text):
    generator = {"models": [{"bedrockModel": {"modelIdentifier": CLAUDE, "inferenceParams": json.dumps(parameters)}}]}
    request = evaluator.request([{"prompt": "Say yes.", "referenceResponse": "Yes."}], WORDS, generator, "ModelEvaluation")
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), code, status, text)


@pytest.mark.parametrize(("metrics", "texts"), [
    (["Builtin.Beauty"], ["There is no metric `Builtin.Beauty`"]),
    (["Craton.Beauty"], ["There is no metric `Craton.Beauty`", "Craton.RougeL"]),
    (["Builtin.Correctness", "Builtin.ContextRelevance"], ["`Builtin.ContextRelevance`"]),
    (["Builtin.Correctness", "Builtin.Readability"], ["`Builtin.Readability`"]),
    (["Craton.RougeL", "Craton.RougeL"], ["named twice"]),
])
def test_metrics_that_are_unknown_or_of_another_kind_of_job(evaluator, metrics, texts):
    request = evaluator.request([own_rag("a")], metrics, RAG)
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), "ValidationException", 400, *texts)


def test_kinds_of_jobs_are_not_mixed(evaluator):
    request = evaluator.request([own_rag("a")], WORDS, RAG, "ModelEvaluation")
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), "ValidationException", 400, "do not go together")
    retrieve = {"precomputedRagSourceConfig": {"retrieveSourceConfig": {"ragSourceIdentifier": "theirs"}}}
    request = evaluator.request([own_rag("a")], WORDS, {"ragConfigs": [*RAG["ragConfigs"], retrieve]})
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), "ValidationException", 400)


def test_a_judge_that_nothing_answers_for(evaluator):
    judge = lambda name: {"evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": name}]}}
    request = evaluator.request([own_model()], ["Builtin.Coherence"], MODEL, "ModelEvaluation", **judge("nobody.no-such-model-v1:0"))
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), "ValidationException", 400, "nobody.no-such-model-v1:0")
    request = evaluator.request([own_model()], ["Builtin.Coherence"], MODEL, "ModelEvaluation")
    del request["evaluationConfig"]["automated"]["evaluatorModelConfig"]
    refused(lambda: evaluator.bedrock.create_evaluation_job(**request), "ValidationException", 400, "need an evaluator model")


def test_a_dataset_that_is_not_there(evaluator):
    request = evaluator.request([own_model()], WORDS, MODEL, "ModelEvaluation")
    evaluator.s3.delete_object(Bucket=evaluator.bucket, Key="in.jsonl")
    # Who may not list a bucket is not told what it lacks.
    evaluator.allow(*ALL, "s3:ListBucket")
    try:
        job = evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])
    finally:
        evaluator.allow(*ALL)
    assert job["status"] == "Failed" and "There is no dataset at" in job["failureMessages"][0], job


@pytest.mark.parametrize(("left", "texts"), [
    (("s3:PutObject", "bedrock:InvokeModel"), ["in.jsonl` cannot be read", "s3:GetObject"]),
    (("s3:GetObject", "bedrock:InvokeModel"), ["cannot be written to", "s3:PutObject"]),
    (("s3:GetObject", "s3:PutObject"), ["bedrock:InvokeModel"]),
])
def test_a_role_that_may_not(evaluator, left, texts):
    evaluator.allow(*left)
    try:
        failed(evaluator, [own_model()], *texts, metrics=["Builtin.Coherence"])
    finally:
        evaluator.allow(*ALL)


def started(evaluator, records):
    """A job whose judge takes a while; returns its name and ARN once it has begun to write."""
    request = evaluator.request([own_model(f"Answer {number}.") for number in range(records)], ["Builtin.Coherence"], MODEL, "ModelEvaluation")
    arn = evaluator.bedrock.create_evaluation_job(**request)["jobArn"]
    for _ in range(600):
        if evaluator.keys(request["jobName"]):
            return request["jobName"], arn
        time.sleep(0.05)
    raise AssertionError(evaluator.bedrock.get_evaluation_job(jobIdentifier=arn))


def test_a_role_that_may_no_more_while_the_job_runs(evaluator):
    _, arn = started(evaluator, 3)
    try:
        evaluator.allow("s3:GetObject", "bedrock:InvokeModel")
        job = evaluator.ended(arn)
    finally:
        evaluator.allow(*ALL)
    assert job["status"] == "Failed" and "cannot be written to" in job["failureMessages"][0], job


def test_a_job_that_is_stopped_has_no_results_and_can_be_deleted_then(evaluator):
    name, arn = started(evaluator, 200)
    errors = evaluator.bedrock.batch_delete_evaluation_job(jobIdentifiers=[arn])["errors"]
    assert [error["code"] for error in errors] == ["ConflictException"], errors
    evaluator.bedrock.stop_evaluation_job(jobIdentifier=arn)
    assert evaluator.ended(arn)["status"] == "Stopped"
    assert not [key for key in evaluator.keys(name) if key.endswith("_output.jsonl")]
    refused(lambda: evaluator.bedrock.stop_evaluation_job(jobIdentifier=arn), "ConflictException", 400, "Stopped already")
    deleted = evaluator.bedrock.batch_delete_evaluation_job(jobIdentifiers=[arn])
    assert [one["jobIdentifier"] for one in deleted["evaluationJobs"]] == [arn] and not deleted["errors"]
    with pytest.raises(evaluator.bedrock.exceptions.ResourceNotFoundException):
        evaluator.bedrock.get_evaluation_job(jobIdentifier=arn)


def test_a_record_that_cannot_be_answered_is_told_and_the_others_go_on(evaluator):
    generator = {"models": [{"bedrockModel": {
        "modelIdentifier": CLAUDE, "inferenceParams": json.dumps({"inferenceConfig": {"maxTokens": 4}})}}]}
    # As long as a prompt may be, and longer than the model's context.
    lines = [{"prompt": "Say yes.", "referenceResponse": "Yes."}, {"prompt": "ab " * 20_000, "referenceResponse": "Yes."}]
    name, job = run(evaluator, lines, inference=generator)
    assert job["status"] == "Completed", job
    assert "1 of 2 prompts were not answered: Input is too long" in job["failureMessages"][0], job
    first, second = map(json.loads, evaluator.results(name).splitlines())
    assert first["modelResponses"][0]["response"] and first["automatedEvaluationResult"]["scores"][0]["result"] is not None
    assert not second["modelResponses"] and "too long" in second["craton"]["error"]
    assert second["automatedEvaluationResult"]["scores"][0]["result"] is None


def test_what_clinical_rules_object_to_stands_in_the_results(evaluator):
    record = own_model("1. Small left pleural effusion.")
    record["prompt"] = "Write the impression.\nFindings: Small right pleural effusion. No pneumothorax, as before."
    name, job = run(evaluator, [record], ["Craton.ClinicalConsistency", "Craton.ImpressionRules"])
    assert job["status"] == "Completed", job
    consistency, rules = json.loads(evaluator.results(name))["automatedEvaluationResult"]["scores"]
    assert (consistency["result"], rules["result"]) == (0, 1)
    [objection] = consistency["craton"]["objections"]
    [said], against = objection["spans"], objection["against"]
    assert objection["rule"] == "laterality" and "objections" not in rules["craton"]
    assert record["modelResponses"][0]["response"][said["start"]:said["end"]] == said["text"]
    assert record["prompt"][against["start"]:against["end"]] == against["text"] and "right" in against["text"]
