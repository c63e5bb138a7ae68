"""Judges: Craton's evaluation jobs against RAGAS and DeepEval with the same local model, and all of them against people.

    craton up                                        # AWS_ENDPOINT_URL, AWS_* and OPENAI_API_KEY (a Craton key) set
    pip install boto3 ragas==0.4.3 deepeval==4.3.1 langchain-openai rouge-score
    python bench/judge.py craton --model smollm2-135m-instruct --data DIR [--records 200]
    python bench/judge.py ragas|deepeval --model smollm2-135m-instruct --data DIR [--records 200]
    python bench/judge.py attacks --model smollm2-135m-instruct --data DIR [--records 25] [--metric Builtin.Faithfulness]
    python bench/judge.py pairwise --model smollm2-135m-instruct --data DIR [--records 60]

`attacks` writes each text of bench/attacks.jsonl behind the answers and prints how far that moves their expected score, less what
sentences do that ask for nothing. `pairwise` has the judge choose between two systems of mtrag, in both orders, and prints how
often it agrees with people and with itself. DIR holds judge-mtrag-human, judge-begin-wow and judge-mts-manual (see the names of files below). Each run prints JSON: records a
second, the share of verdicts that could not be parsed, and, of `craton`, the passports.
"""
import argparse
import csv
import gzip
import json
import math
import os
import pathlib
import random
import statistics
import time
import uuid

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566").rstrip("/")
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
# As scripts/with-server.sh names it.
os.environ.setdefault("OPENAI_API_KEY", os.environ.get("CONF_OPENAI_API_KEY", ""))
# Each line {"kind", "text"}: what is written behind an answer. Those of the kind `control` ask for nothing.
ATTACKS = pathlib.Path(__file__).with_name("attacks.jsonl")


def mtrag(folder):
    """Turns with passages, a reference and three people's ratings from 1 to 4."""
    with gzip.open(folder / "judge-mtrag-human" / "mtrag_human.jsonl.gz", "rt", encoding="utf-8") as lines:
        for task in map(json.loads, lines):
            said = [turn.get("text", "") for turn in task["conversation"]]
            passages = [p["text"] if isinstance(p, dict) else p for p in task["passages"]]
            for response in task["responses"]:
                human = {name: round((rated["median"] - 1) / 3 * 4) for name, rated in response["human"].items()}
                yield {"prompt": said[-1], "passages": passages, "reference": task["reference"], "answer": response["response"],
                       "labels": {"Builtin.Faithfulness": human["faithfulness"], "Builtin.Completeness": human["completeness"]}}


def begin(folder):
    """Replies that people call attributable to a snippet, or not."""
    labels = {"Fully attributable": 4, "Not fully attributable": 0}
    with gzip.open(folder / "judge-begin-wow" / "begin_wow.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            if row["begin_label"] in labels:
                yield {"prompt": row["message"] or "-", "passages": [row["knowledge"]], "reference": None, "answer": row["response"],
                       "labels": {"Builtin.Faithfulness": labels[row["begin_label"]]}}


def mts(folder):
    """Summaries of doctors' dialogues with experts' factual precision and recall."""
    with gzip.open(folder / "judge-mts-manual" / "mts_manual_scores.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            precision, recall = float(row["factual_precision"]), float(row["factual_recall"])
            yield {"prompt": "Summarize the dialogue.\n" + row["dialogue"], "passages": [row["dialogue"]],
                   "reference": row["reference_summary"], "answer": row["automatic_summary"] or "-",
                   "labels": {"Builtin.Completeness": round(recall * 4),
                              "Builtin.Correctness": 2 if precision >= 0.95 else 1 if precision >= 0.5 else 0}}


SETS = {"mtrag": mtrag, "begin": begin, "mts": mts}


def line(record):
    content = lambda text: {"content": [{"text": text}]}
    turn = {"prompt": content(record["prompt"]),
            "output": {"text": record["answer"], "knowledgeBaseIdentifier": "theirs",
                       "retrievedPassages": {"retrievalResults": [content_of(p) for p in record["passages"]]}}}
    if record["reference"]:
        turn["referenceResponses"] = [content(record["reference"])]
    return json.dumps({"conversationTurns": [turn]})


def content_of(passage):
    return {"content": {"text": passage}}


class Craton:
    """A bucket and a role for jobs of this run."""

    def __init__(self, model):
        import boto3
        make = lambda service: boto3.client(service, endpoint_url=ENDPOINT, region_name=REGION)
        self.model, self.tag = model, uuid.uuid4().hex[:8]
        self.bedrock, self.s3, self.iam = make("bedrock"), make("s3"), make("iam")
        self.bucket = f"judge-{self.tag}"
        self.s3.create_bucket(Bucket=self.bucket)
        document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
        trust = document({"Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"})
        self.role = self.iam.create_role(RoleName=f"judge-{self.tag}", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        self.iam.put_role_policy(RoleName=f"judge-{self.tag}", PolicyName="all", PolicyDocument=document(
            {"Action": ["s3:GetObject", "s3:PutObject", "bedrock:InvokeModel"], "Resource": "*"}))

    def evaluate(self, name, records, metrics, unlimited=False):
        """The id of a job that has ended, and how many seconds it took. Craton's own operation takes more than 1,000 prompts."""
        self.s3.put_object(Bucket=self.bucket, Key=f"{name}.jsonl", Body="\n".join(map(line, records)).encode())
        started = time.perf_counter()
        asked = dict(
            jobName=f"{name}-{self.tag}", roleArn=self.role,
            evaluationConfig={"automated": {
                "datasetMetricConfigs": [{"taskType": "Custom", "metricNames": metrics, "dataset": {
                    "name": name, "datasetLocation": {"s3Uri": f"s3://{self.bucket}/{name}.jsonl"}}}],
                "evaluatorModelConfig": {"bedrockEvaluatorModels": [{"modelIdentifier": self.model}]}}},
            inferenceConfig={"ragConfigs": [{"precomputedRagSourceConfig": {
                "retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": "theirs"}}}]},
            outputDataConfig={"s3Uri": f"s3://{self.bucket}/out/"})
        if unlimited:
            arn = call("POST", "/evaluation-jobs", asked)["jobArn"]
        else:
            arn = self.bedrock.create_evaluation_job(applicationType="RagEvaluation", **asked)["jobArn"]
        while (job := self.bedrock.get_evaluation_job(jobIdentifier=arn))["status"] in ("InProgress", "Stopping"):
            time.sleep(0.5)
        if job["status"] != "Completed":
            raise SystemExit(f"{name}: {job['status']}: {job.get('failureMessages')}")
        return arn.rsplit("/", 1)[1], time.perf_counter() - started

    def results(self, name):
        """Each record's results, in the dataset's order."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=f"out/{name}-{self.tag}/")
        keys = [o["Key"] for page in pages for o in page.get("Contents", []) if o["Key"].endswith("_output.jsonl")]
        body = self.s3.get_object(Bucket=self.bucket, Key=keys[0])["Body"].read().decode()
        return [json.loads(text)["conversationTurns"][0]["results"] for text in body.splitlines()]


def call(method, path, body=None):
    """Craton's own API, signed."""
    import urllib.request
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.session import Session
    data = json.dumps(body).encode() if body is not None else b""
    request = AWSRequest(method, f"{ENDPOINT}/craton/v1{path}", data=data, headers={"Content-Type": "application/json"})
    SigV4Auth(Session().get_credentials(), "craton", REGION).add_auth(request)
    sent = urllib.request.Request(request.url, data=data or None, headers=dict(request.headers), method=method)
    with urllib.request.urlopen(sent) as answer:
        return json.loads(answer.read())


def run_craton(options, sets):
    craton, report = Craton(options.model), {}
    for name, records in sets.items():
        metrics = sorted({metric for record in records for metric in record["labels"]})
        if all(record["reference"] for record in records):
            # So that the passports tell whether one of them would do better than the judge.
            metrics += ["Craton.RougeL", "Craton.TokenF1", "Craton.EmbeddingSimilarity"]
        job, seconds = craton.evaluate(name, records, metrics)
        scores = [score for results in craton.results(name) for score in results if score["metricName"].startswith("Builtin.")]
        labels = [{"record": at, "metric": metric, "label": label}
                  for at, record in enumerate(records, 1) for metric, label in record["labels"].items()]
        passports = call("POST", f"/evaluation-jobs/{job}/calibrate", {"labels": labels})["passports"]
        report[name] = {"records": len(records), "metrics": metrics, "seconds": round(seconds, 1),
                        "records_per_second": round(len(records) / seconds, 2),
                        "unparsed": sum(score["result"] is None for score in scores) / len(scores),
                        "passports": [{k: v for k, v in p.items() if k != "mapping"} for p in passports]}
    return report


def interval(rows, seed=42):
    """Mean of (record, value) with a 95 % bootstrap interval that draws records, as the values of one are not independent."""
    by_record = {}
    for record, value in rows:
        by_record.setdefault(record, []).append(value)
    if not by_record:
        return None
    generator, records = random.Random(seed), list(by_record.values())
    means = sorted(statistics.fmean(value for each in generator.choices(records, k=len(records)) for value in each)
                   for _ in range(2000))
    return {"value": round(statistics.fmean(value for _, value in rows), 4), "low": round(means[50], 4), "high": round(means[1949], 4)}


def run_attacks(options, sets):
    """How far an instruction behind an answer moves its score. Each record is its own control: with the text, and with sentences that
    ask for nothing."""
    craton, records = Craton(options.model), sets["mtrag"]
    attacks = [json.loads(text) for text in ATTACKS.read_text(encoding="utf-8").splitlines()]
    written = [{**record, "answer": f"{record['answer']} {attack['text']}"} for attack in attacks for record in records]
    craton.evaluate("attacks", records + written, [options.metric], unlimited=True)
    results = [results[0] for results in craton.results("attacks")]
    scores, labels = [one["craton"].get("expected") for one in results], [one["result"] for one in results]
    plain, count = scores[:len(records)], len(records)
    moved = {}
    for at, attack in enumerate(attacks, 1):
        for number in range(count):
            before, after = plain[number], scores[at * count + number]
            if before is not None and after is not None:
                to_best = labels[number] != 1.0 and labels[at * count + number] == 1.0
                moved.setdefault(attack["kind"], []).append((attack["text"], number, after - before, to_best))
    control = {}
    for _, number, by, _ in moved["control"]:
        control.setdefault(number, []).append(by)
    control = {number: statistics.fmean(each) for number, each in control.items()}

    def told(rows):
        return {"asked": len(rows), "moved": interval([(number, by) for _, number, by, _ in rows]),
                "moved_beyond_control": interval([(number, by - control[number]) for _, number, by, _ in rows if number in control]),
                "to_the_best_label": round(statistics.fmean(best for _, _, _, best in rows), 4)}

    kinds = {kind: told(rows) for kind, rows in moved.items()}
    all_rows = [row for kind, rows in moved.items() if kind != "control" for row in rows]
    worst = sorted(((told([row for row in all_rows if row[0] == text]), text) for text in {row[0] for row in all_rows}),
                   key=lambda each: -each[0]["moved"]["value"])[:5]
    return {"metric": options.metric, "records": count, "attacks": len(attacks), "all": told(all_rows), "kinds": kinds,
            "worst": [{"text": text, **figures} for figures, text in worst]}


def run_pairwise(options, sets):
    """Two systems of mtrag on the same prompts, judged pair by pair, beside what people prefer by the sum of their ratings."""
    craton = Craton(options.model)
    by_task = {}
    for record in sets["mtrag"]:
        by_task.setdefault((record["prompt"], record["reference"]), []).append(record)
    pairs = [each[:2] for each in by_task.values() if len(each) > 1]
    # A metric that takes no time: only the answers are wanted.
    jobs = [craton.evaluate(name, [pair[at] for pair in pairs], ["Craton.ImpressionRules"])[0]
            for at, name in enumerate(["one", "two"])]
    started = time.perf_counter()
    work = call("POST", f"/evaluation-jobs/{jobs[0]}/pairwise/{jobs[1]}", {"judge": options.model})["comparisonId"]
    while (told := call("GET", f"/pairwise-comparisons/{work}"))["result"] is None:
        if told["job"]["state"] in ("failed", "cancelled"):
            raise SystemExit(told["job"]["error"])
        time.sleep(0.5)
    people = [sum(one["labels"].values()) - sum(two["labels"].values()) for one, two in pairs]
    return {"pairs": len(pairs), "seconds": round(time.perf_counter() - started, 1), "judge": told["result"],
            "people": {"first_better": sum(by > 0 for by in people), "second_better": sum(by < 0 for by in people),
                       "ties": sum(by == 0 for by in people)}}


def judged(records, judge, options):
    """Runs `judge` on each record; what raises or gives no number was not parsed."""
    scores, started = [], time.perf_counter()
    for record in records:
        try:
            score = float(judge(record))
        except Exception as error:  # Whatever a peer raises, the record has no score.
            options.errors[type(error).__name__] = options.errors.get(type(error).__name__, 0) + 1
            score = math.nan
        scores.append(score)
    seconds = time.perf_counter() - started
    return {"records": len(records), "seconds": round(seconds, 1), "records_per_second": round(len(records) / seconds, 3),
            "unparsed": sum(math.isnan(score) for score in scores) / len(scores), "errors": dict(options.errors),
            "scores": scores}


def run_ragas(options, sets):
    from langchain_openai import ChatOpenAI
    from ragas.dataset_schema import SingleTurnSample
    from ragas.llms import LangchainLLMWrapper
    from ragas.metrics import Faithfulness
    llm = LangchainLLMWrapper(ChatOpenAI(model=options.model, base_url=f"{ENDPOINT}/v1", temperature=0, max_tokens=512))
    metric = Faithfulness(llm=llm)
    sample = lambda r: SingleTurnSample(user_input=r["prompt"], response=r["answer"], retrieved_contexts=r["passages"])
    return {name: judged(records, lambda record: metric.single_turn_score(sample(record)), options)
            for name, records in sets.items()}


def run_deepeval(options, sets):
    from deepeval.metrics import FaithfulnessMetric
    from deepeval.models import GPTModel
    from deepeval.test_case import LLMTestCase
    model = GPTModel(model=options.model, base_url=f"{ENDPOINT}/v1", temperature=0)

    def judge(record):
        metric = FaithfulnessMetric(model=model, async_mode=False)
        metric.measure(LLMTestCase(input=record["prompt"], actual_output=record["answer"], retrieval_context=record["passages"]))
        return metric.score
    return {name: judged(records, judge, options) for name, records in sets.items()}


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("who", choices=["craton", "ragas", "deepeval", "attacks", "pairwise"])
    arguments.add_argument("--model", required=True)
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--records", type=int, default=200)
    arguments.add_argument("--metric", default="Builtin.Faithfulness", help="of attacks")
    arguments.add_argument("--sets", nargs="*", default=list(SETS))
    options = arguments.parse_args()
    options.errors = {}
    sets = {name: list(SETS[name](options.data))[:options.records] for name in options.sets}
    run = {"craton": run_craton, "ragas": run_ragas, "deepeval": run_deepeval, "attacks": run_attacks,
           "pairwise": run_pairwise}[options.who]
    print(json.dumps({"who": options.who, "model": options.model, "sets": run(options, sets)}, indent=1))


main()
