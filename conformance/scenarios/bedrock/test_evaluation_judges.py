"""Judges of evaluation jobs: behind another server, under an id that moves to another model, and between pairs of several datasets."""

import http.server
import json
import math
import os
import subprocess
import threading

import pytest
from conftest import CLAUDE, signed
from evaluation_estate import PASSAGES, Evaluator
from fakes import Answering

JUDGE = "amazon.nova-pro-v1:0"
MODEL = {"models": [{"precomputedInferenceSource": {"inferenceSourceIdentifier": "theirs"}}]}
FOUND = {"ragConfigs": [{"precomputedRagSourceConfig": {"retrieveSourceConfig": {"ragSourceIdentifier": "theirs"}}}]}


@pytest.fixture(scope="module")
def evaluator():
    evaluator = Evaluator()
    yield evaluator
    evaluator.close()


def token(text, **top):
    """A token with what might have been in its place, and how probable each was."""
    top = {text: 1.0, **top}
    told = lambda text: {"token": text, "bytes": list(text.encode()), "logprob": math.log(top[text])}
    return told(text) | {"top_logprobs": [told(other) for other in top]}


class Server(Answering):
    """Says yes like an OpenAI-compatible server, and of answer 2 whatever comes to its mind."""

    def do_GET(self):
        self.answer("application/json", b'{"data": []}')

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        tokens = []
        if "response_format" not in asked:
            text = "Because it says so."
        elif "Answer 2." in json.dumps(asked["messages"]):
            text = "I would say yes."
        else:
            tokens = [token('{"answer":"'), token("Yes", Yes=0.75, No=0.25), token('"}')]
            text = "".join(one["token"] for one in tokens)
        choice = {"delta": {"content": text}, "finish_reason": "stop", "logprobs": {"content": tokens} if tokens else None}
        usage = {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 3}}
        events = f"data: {json.dumps({'choices': [choice]})}\n\ndata: {json.dumps(usage)}\n\ndata: [DONE]\n\n"
        self.answer("text/event-stream", events.encode())


def craton(method, path, body=None):
    headers = {"content-type": "application/json"} if body is not None else {}
    return signed(method, f"/craton/v1/{path}", "craton", json.dumps(body).encode() if body is not None else b"", headers)


ALIAS = "aliases/" + JUDGE.replace(":", "%3A")


@pytest.fixture
def judge():
    """Lets a server answer for the judge; what it is called with has it do so again."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    upstream = {"upstream": {"baseUrl": f"http://127.0.0.1:{server.server_port}/v1", "model": "m"}}
    answer = lambda: craton("PUT", ALIAS, upstream)
    assert answer().status_code == 200
    yield answer
    craton("DELETE", ALIAS)
    server.shutdown()


def line(number):
    return {"prompt": f"Is {number} a number?", "referenceResponse": "Yes.",
            "modelResponses": [{"response": f"Answer {number}.", "modelIdentifier": "theirs"}]}


def judged(evaluator, lines, metrics=("Builtin.Refusal",), inference=MODEL, application="ModelEvaluation", judge=JUDGE):
    judges = {"evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": judge}]}}
    request = evaluator.request(lines, list(metrics), inference, application, **judges)
    job = evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])
    assert job["status"] == "Completed", job
    return job


def id_of(job):
    return job["jobArn"].rsplit("/", 1)[1]


def test_a_judge_behind_another_server_chooses_among_labels_and_what_it_fails_at_is_told(evaluator, judge):
    job = judged(evaluator, [line(number) for number in range(4)])
    [told] = job["failureMessages"]
    assert told.startswith(f"1 of 4 scores failed: Builtin.Refusal: The judge `{JUDGE}` gave no verdict"), told
    records = map(json.loads, evaluator.results(job["jobName"]).splitlines())
    for number, [score] in enumerate(record["automatedEvaluationResult"]["scores"] for record in records):
        if number == 2:
            assert score["result"] is None and "I would say yes." in score["craton"]["error"], score
            continue
        assert (score["result"], score["craton"]["label"]) == (1, "Yes"), score
        # Of its tokens the server tells how probable they were.
        assert abs(score["craton"]["expected"] - 0.75) < 1e-4 and abs(score["craton"]["margin"] - 0.5) < 1e-4, score
        assert score["evaluatorDetails"][0] == {"modelIdentifier": JUDGE, "explanation": "Because it says so."}


def test_a_passport_is_that_of_the_model_that_judged(evaluator, judge):
    job = judged(evaluator, [line(number) for number in range(10, 34)])
    craton("DELETE", ALIAS)
    labels = [{"record": record, "metric": "Builtin.Refusal", "label": record % 2} for record in range(1, 25)]
    calibrated = craton("POST", f"evaluation-jobs/{id_of(job)}/calibrate", {"labels": labels})
    assert calibrated.status_code == 200, calibrated.text

    def passports():
        # Of the model that answers without the server others may have made passports for other metrics.
        told = craton("GET", f"judges/{JUDGE.replace(':', '%3A')}/passport").json()["passports"]
        return [passport for passport in told if passport["metricName"] == "Builtin.Refusal"]

    assert passports() == [], "of the model that answers now nothing is known"
    report = craton("GET", f"evaluation-jobs/{id_of(job)}/report").json()
    assert "24 items" in report["results"][0]["card"]["metrics"][0]["calibration"]
    assert judge().status_code == 200
    assert [passport["items"] for passport in passports()] == [24]


def test_pairs_of_every_dataset_are_compared(evaluator, judge):
    jobs = []
    for answer in ["So.", "Not so."]:
        request = evaluator.request([], ["Craton.TokenF1"], MODEL, "ModelEvaluation")
        [config] = request["evaluationConfig"]["automated"]["datasetMetricConfigs"]
        datasets = []
        for name, numbers in [("few", range(3)), ("more", range(10, 15))]:
            lines = [line(number) | {"modelResponses": [{"response": answer, "modelIdentifier": "theirs"}]} for number in numbers]
            key = f"{name}-{len(jobs)}.jsonl"
            evaluator.s3.put_object(Bucket=evaluator.bucket, Key=key, Body="\n".join(map(json.dumps, lines)).encode())
            location = {"s3Uri": f"s3://{evaluator.bucket}/{key}"}
            datasets.append({**config, "dataset": {"name": name, "datasetLocation": location}})
        request["evaluationConfig"]["automated"]["datasetMetricConfigs"] = datasets
        job = evaluator.ended(evaluator.bedrock.create_evaluation_job(**request)["jobArn"])
        assert job["status"] == "Completed", job
        jobs.append(id_of(job))

    def compared(*more):
        command = [os.environ["CRATON_BIN"], "eval", "compare", *jobs, "--pairwise", CLAUDE, "--output", "json", *more]
        return subprocess.run(command, capture_output=True, text=True)

    def told_of(*more):
        done = compared(*more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    told = told_of()
    assert (told["pairs"], told["failed"], told["datasets"]) == (8, 0, ["few", "more"])
    told = told_of("--dataset", "more")
    assert (told["pairs"], told["datasets"]) == (5, ["more"]) and told["first"].endswith(" on more")
    wrong = compared("--dataset", "most")
    assert wrong.returncode == 1 and "no dataset `most`" in wrong.stderr and "0 `few`, 1 `more`" in wrong.stderr


def test_a_listing_tells_what_is_evaluated(evaluator, judge):
    passage = {"content": {"text": PASSAGES[0]}}
    found = {"conversationTurns": [{"prompt": {"content": [{"text": "What is there?"}]}, "output": {
        "knowledgeBaseIdentifier": "theirs", "retrievedResults": {"retrievalResults": [passage]}}}]}
    jobs = [judged(evaluator, [found], ["Builtin.ContextRelevance"], FOUND, "RagEvaluation"), judged(evaluator, [line(1)])]
    listing = subprocess.run([os.environ["CRATON_BIN"], "eval", "list", "--output", "json"], check=True, capture_output=True, text=True)
    kinds = {job["jobArn"]: job["kind"] for job in json.loads(listing.stdout)["items"]}
    assert [kinds[job["jobArn"]] for job in jobs] == ["retrieve-only", "model"]
    table = subprocess.run([os.environ["CRATON_BIN"], "eval", "list", "--name", jobs[0]["jobName"]], check=True, capture_output=True, text=True)
    assert table.stdout.splitlines()[1].split()[2:4] == ["retrieve", "Completed"], table.stdout
