"""Judges: Craton's evaluation jobs against RAGAS and DeepEval with the same local model, and all of them against people.

    scripts/bench.sh judge run craton --model smollm2-135m-instruct --data DIR --sets mtrag begin mts --records 200 --minutes 9
    scripts/bench.sh judge run ragas|ragas-constrained|deepeval|deepeval-constrained --model … --data DIR --sets mtrag begin mts
    scripts/bench.sh judge run craton --model … --data DIR --sets many --records 1000
    scripts/bench.sh judge tables --data DIR
    scripts/bench.sh judge passports|attacks|pairwise --model … --data DIR [--records N]

or with a server of one's own (AWS_ENDPOINT_URL, AWS_* and OPENAI_API_KEY, a Craton key) and `python bench/judge.py …`.

`run` judges the first N records of each set and keeps what it is told below --state, piece by piece: it may be broken off, or told to end after
--minutes, and goes on where it was the next time, as long as Craton's sources, the machine, the packages and the records are the same. `tables`
prints what is kept of these sources, or of others (--build): records a second, verdicts that are missing, and agreement with people. With a server
of other sources, give both a --build of your own. `passports` has each set judged by one job, and prints the passport that Craton makes of it, its classifier
included. `attacks` writes each text of bench/attacks.jsonl behind the answers and prints how far that moves their expected score, less what
sentences do that ask for nothing. `pairwise` has the judge choose between two systems of mtrag, in both orders, and prints how
often it agrees with people and with itself. DIR holds judge-mtrag-human, judge-begin-wow and judge-mts-manual.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import time
import uuid

import judge_kept
import judge_tables
from judge_sets import METRICS, SETS

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "http://127.0.0.1:4566").rstrip("/")
REGION = os.environ.get("AWS_DEFAULT_REGION", "us-east-1")
# As scripts/with-server.sh names it.
os.environ.setdefault("OPENAI_API_KEY", os.environ.get("CONF_OPENAI_API_KEY", ""))
# Each line {"kind", "text"}: what is written behind an answer. Those of the kind `control` ask for nothing.
ATTACKS = pathlib.Path(__file__).with_name("attacks.jsonl")
STATE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "craton" / "judges"
PEERS = ["ragas", "ragas-constrained", "deepeval", "deepeval-constrained"]
# Records that are judged between two looks at the clock.
PIECE = 20


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

    def evaluate(self, name, records, metrics):
        """The id of a job that has ended, and how many seconds it took. Craton's own operation takes more than 1,000 prompts, and the
        names of its catalogue as judges."""
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
        arn = call("POST", "/evaluation-jobs", asked)["jobArn"]
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


def run_passports(options, sets):
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
    craton.evaluate("attacks", records + written, [options.metric])
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


def craton_judge(options):
    craton = Craton(options.model)

    def all_of(records, metrics):
        if all(record["reference"] for record in records):
            # They cost nothing, and are measured beside the judges.
            metrics = [*metrics, *judge_tables.COMPUTED]
        name = f"piece-{uuid.uuid4().hex[:8]}"
        job, _ = craton.evaluate(name, records, metrics)
        tokens = call("GET", f"/evaluation-jobs/{job}/report")["results"][0]["card"]["tokens"]["judge"]
        verdict = lambda score: {"score": score["result"], "finer": score["craton"].get("expected"), "error": score["craton"].get("error")}
        told = [{score["metricName"]: verdict(score) for score in results} for results in craton.results(name)]
        return told, {key: tokens[key] / len(records) for key in ("input", "cached", "shared")}

    return all_of


def run(options, sets):
    """Judges what is not judged yet, in pieces, until all is or the time is over."""
    if options.who == "craton":
        judge = craton_judge(options)
    else:
        import judge_peers
        judge = judge_peers.judge(options.who, options.model, f"{ENDPOINT}/v1", os.environ["OPENAI_API_KEY"])
    end = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    left = {}
    for name, records in sets.items():
        made = judge_kept.making(options.who, options.digests[name], options.build)
        kept = judge_kept.Kept.begin(options.state, options.who, options.model, name, made)
        todo = [at for at in range(len(records)) if at not in kept.rows]
        while todo and time.monotonic() < end:
            piece, todo = todo[:options.piece], todo[options.piece:]
            started = time.perf_counter()
            told, tokens = judge([records[at] for at in piece], METRICS[name])
            seconds = (time.perf_counter() - started) / len(piece)
            kept.add({"record": at, "seconds": seconds, "tokens": tokens, "scores": scores} for at, scores in zip(piece, told, strict=True))
        left[name] = len(todo)
    return {"left": left, "build": options.build, "state": str(options.state)}


def tables(options, sets):
    """Prints what is kept of all judges of a build, machine by machine."""
    found, builds = judge_kept.of_build(options.state, options.build, options.digests)
    if not found:
        raise SystemExit(f"nothing is kept of the build {options.build} and these records; kept is something of: {', '.join(sorted(builds)) or 'none'}")
    for machine, kept in sorted(found.items()):
        packages = {f"{name} {version}" for one in kept.values() for name, version in one.head["making"]["packages"].items()}
        print(f"Build {options.build}, {machine}{''.join(f', {each}' for each in sorted(packages))}:\n")
        rows = {key: one.rows for key, one in kept.items()}
        judge_tables.speed(rows)
        judge_tables.people(rows, {name: records for name, records in sets.items() if name != "many"})


def main():
    arguments = argparse.ArgumentParser()
    commands = {"run": run, "tables": tables, "passports": run_passports, "attacks": run_attacks, "pairwise": run_pairwise}
    arguments.add_argument("command", choices=commands)
    arguments.add_argument("who", nargs="?", choices=["craton", *PEERS], default="craton", help="of run")
    arguments.add_argument("--model", default="smollm2-135m-instruct")
    arguments.add_argument("--data", type=pathlib.Path, required=True)
    arguments.add_argument("--records", type=int, default=200)
    arguments.add_argument("--metric", default="Builtin.Faithfulness", help="of attacks")
    arguments.add_argument("--sets", nargs="*", choices=SETS)
    arguments.add_argument("--minutes", type=float, default=0, help="of run: begin no piece after so many; 0: go on to the end")
    arguments.add_argument("--piece", type=int, default=PIECE, help="of run: records of a piece")
    arguments.add_argument("--state", type=pathlib.Path, default=STATE, help="of run and tables: the folder of what is kept")
    arguments.add_argument("--build", help="of run and tables: what Craton's figures belong to [default: its sources here, as git tells them]")
    options = arguments.parse_args()
    people = ["mtrag", "begin", "mts"]
    usual = {"tables": [*people, "many"], "attacks": ["mtrag"], "pairwise": ["mtrag"]}.get(options.command, people)
    sets = {name: list(SETS[name](options.data)) for name in options.sets or usual}
    if options.command in ("run", "tables"):
        options.build = options.build or judge_kept.build()
        options.digests = {name: judge_kept.digest([records, METRICS[name]]) for name, records in sets.items()}
    if options.command != "tables":
        sets = {name: records[:options.records] for name, records in sets.items()}
    told = commands[options.command](options, sets)
    if told is not None:
        print(json.dumps({"command": options.command, "who": options.who, "model": options.model, "told": told}, indent=1))


if __name__ == "__main__":
    main()
