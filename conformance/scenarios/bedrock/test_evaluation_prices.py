"""What an evaluation job cost: the tokens that its report tells, times the prices that it was given."""

import json
import os
import subprocess
import uuid
from decimal import Decimal

import pytest
from conftest import CLAUDE, NOVA, signed
from evaluation_estate import RAG, Evaluator, own_rag

# For 1,000,000 tokens: read, written, out of a cache. In hundreds, so that every cost has at most the four decimals that are printed.
PRICES = {CLAUDE: (1000, 2000, 300), NOVA: (500, 700, None)}


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def craton(*arguments):
    done = subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def millionths(model, tokens):
    """What tokens cost, in millionths: a whole number."""
    read, written, cached = PRICES[model]
    cached = read if cached is None else cached
    return (tokens["input"] - tokens["cached"]) * read + tokens["cached"] * cached + tokens["output"] * written


def holds(report, text, models):
    """Sees that a section of a report tells of these models and no other what their tokens cost, in figures and in print."""
    [section] = report["results"]
    assert {cost["modelId"] for cost in section["costs"]} == models and section["unpriced"] == [], section
    for cost in section["costs"]:
        expected = millionths(cost["modelId"], cost["tokens"])
        assert cost["tokens"]["input"] > 0 and expected > 0, cost
        # A quotient of whole numbers has one nearest floating-point number.
        assert cost["cost"] == expected / 1_000_000, cost
        assert f"  {cost['modelId']} cost {Decimal(expected).scaleb(-6):.4f}\n" in text, text
    return {cost["modelId"]: cost["tokens"] for cost in section["costs"]}, section["card"]


def test_judge_and_generator_cost_their_tokens_times_their_prices(evaluator):
    inference = {"models": [{"bedrockModel": {
        "modelIdentifier": NOVA, "inferenceParams": json.dumps({"inferenceConfig": {"maxTokens": 8}})}}]}
    request = evaluator.request([{"prompt": "Say hi."}, {"prompt": "Say bye."}], ["Builtin.Coherence", "Builtin.Refusal"],
                                inference, "ModelEvaluation")
    prices = [{"modelId": model, "input": read, "output": written} | ({} if cached is None else {"cached": cached})
              for model, (read, written, cached) in PRICES.items()]
    request["jobTags"] = [{"key": "team", "value": "radiology"}]
    create = lambda asked: signed("POST", "/craton/v1/evaluation-jobs", "craton", json.dumps(asked).encode(), {"Content-Type": "application/json"})
    other = create(request | {"applicationType": "RagEvaluation"})
    assert other.status_code == 400 and "applicationType" in other.text
    created = create(request | {"craton": {"prices": prices}})
    assert created.status_code == 202, created.text
    job = created.json()
    assert evaluator.ended(job["jobArn"])["status"] == "Completed"
    report = json.loads(craton("eval", "report", job["jobId"], "--output", "json"))
    tokens, card = holds(report, craton("eval", "report", job["jobId"]), {CLAUDE, NOVA})
    assert tokens == {CLAUDE: card["tokens"]["judge"], NOVA: card["tokens"]["generator"]}
    of_metrics = [metric["tokens"] for metric in card["metrics"]]
    assert tokens[CLAUDE] == {name: sum(one[name] for one in of_metrics) for name in tokens[CLAUDE]}
    assert report["machineCost"] is None


def test_prices_of_the_command_line_are_those_of_the_report(evaluator):
    evaluator.request([own_rag("A moderate hiatal hernia.")], ["Builtin.Refusal"], RAG)
    read, written, cached = PRICES[CLAUDE]
    report = json.loads(craton(
        "eval", "run", f"eval-{uuid.uuid4().hex[:8]}", "--kind", "rag", "--own", "theirs", "--judge", CLAUDE,
        "--metric", "Builtin.Refusal", "--dataset", f"s3://{evaluator.bucket}/in.jsonl",
        "--to", f"s3://{evaluator.bucket}/out/", "--role-arn", evaluator.role_arn,
        "--price", f"{CLAUDE}={read},{written},{cached}", "--price-per-hour", "3600", "--wait", "--output", "json"))
    text = craton("eval", "report", report["jobArn"])
    tokens, card = holds(report, text, {CLAUDE})
    assert tokens == {CLAUDE: card["tokens"]["judge"]}
    # At this price a second costs one, and the job's milliseconds are its cost in thousandths.
    machine = report["machineCost"]
    thousandths = round(machine["seconds"] * 1000)
    assert machine["pricePerHour"] == 3600 and thousandths > 0, machine
    assert abs(machine["cost"] - thousandths / 1000) < 1e-9, machine
    assert f"the machine cost {Decimal(thousandths).scaleb(-3):.4f}: " in text, text


def test_a_price_of_a_model_that_the_job_does_not_ask_is_refused(evaluator):
    request = evaluator.request([own_rag("a")], ["Builtin.Refusal"], RAG)
    prices = [{"modelId": NOVA, "input": 1, "output": 1}]
    body = json.dumps(request | {"craton": {"prices": prices}}).encode()
    refused = signed("POST", "/craton/v1/evaluation-jobs", "craton", body, {"Content-Type": "application/json"})
    assert refused.status_code == 400 and f"`{NOVA}` has a price" in refused.text, refused.text
