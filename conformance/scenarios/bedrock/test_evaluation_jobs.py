"""Evaluation jobs: models and answers that the dataset brings are judged, and the results have Bedrock's shape."""

import json
import re

import pytest
from conftest import CLAUDE
from evaluation_estate import RAG, Evaluator, own_rag

STEPS = {"Builtin.Correctness": 2, "Builtin.Completeness": 4, "Builtin.Helpfulness": 6, "Builtin.LogicalCoherence": 4,
         "Builtin.Faithfulness": 4, "Builtin.CitationCoverage": 4, "Builtin.Refusal": 1}


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def test_answers_of_another_system_are_judged_twice_alike(evaluator):
    lines = [own_rag("Broken ribs on both sides.")]
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
    [turn] = json.loads(texts[0])["conversationTurns"]
    results = {result["metricName"]: result for result in turn["results"]}
    assert set(results) == set(metrics)
    for name, steps in STEPS.items():
        scaled = results[name]["result"] * steps
        assert abs(scaled - round(scaled)) < 1e-6
        assert results[name]["evaluatorDetails"][0]["modelIdentifier"] == CLAUDE
        told = results[name]["evaluatorDetails"][0]["explanation"]
        # The judge's own words, on one line.
        assert told.strip() and not told.startswith("The judge chose") and "\n" not in told, (name, told)
    [unsupported] = turn["craton"]["unsupported"]
    assert (unsupported["text"], unsupported["by"]) == ("Broken ribs on both sides.", ["alignment"])
    # One passage is cited.
    told = results["Builtin.CitationPrecision"]["evaluatorDetails"][0]["explanation"]
    assert re.fullmatch(r"Of 1 passages: `(No|Yes)` of 1\.\n1\. `(No|Yes)`: no word of the response", told), told


def test_what_is_supported_is_not_called_unsupported(evaluator):
    # No judge is asked: passages alone tell.
    request = evaluator.request([own_rag("A moderate hiatal hernia.")], ["Craton.RougeL"], RAG)
    assert evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])["status"] == "Completed"
    [turn] = json.loads(evaluator.results(request["jobName"]))["conversationTurns"]
    assert "unsupported" not in turn.get("craton", {})


def test_what_is_denied_is_not_supported_by_what_is_told(evaluator):
    request = evaluator.request([own_rag("1. No hiatal hernia. 2. Heart of normal size.")], ["Builtin.Faithfulness"], RAG)
    assert evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])["status"] == "Completed"
    [turn] = json.loads(evaluator.results(request["jobName"]))["conversationTurns"]
    first = turn["craton"]["unsupported"][0]
    assert first["text"] == "1. No hiatal hernia." and first["negation"] == ["hernia", "hiatal"]
    # Of an answer of several sentences the judge says something, too.
    assert "alignment" in first["by"] and 0 <= first["judged"] <= 1
    assert all(span["by"] for span in turn["craton"]["unsupported"])


@pytest.mark.parametrize("judge", ["amazon.nova-2-lite-v1:0", "us.amazon.nova-2-lite-v1:0"])
def test_nova_2_lite_judges_on_its_own_scales(evaluator, judge):
    request = evaluator.request([own_rag("A hernia.")], ["Builtin.Helpfulness", "Builtin.LogicalCoherence"], RAG,
                                evaluatorModelConfig={"bedrockEvaluatorModels": [{"modelIdentifier": judge}]})
    assert evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])["status"] == "Completed"
    [turn] = json.loads(evaluator.results(request["jobName"]))["conversationTurns"]
    for result, steps in zip(turn["results"], (5, 2), strict=True):
        scaled = result["result"] * steps
        assert abs(scaled - round(scaled)) < 1e-6, result
        assert result["evaluatorDetails"][0]["modelIdentifier"] == judge


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
