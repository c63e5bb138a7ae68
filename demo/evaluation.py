"""Radiology reports become a knowledge base and a dataset, a judge evaluates the answers, and rules find what contradicts the findings."""

import csv
import gzip
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid

import boto3
from botocore.config import Config

CRATON = os.environ["CRATON_BIN"]
URL = os.environ["AWS_ENDPOINT_URL"].rstrip("/")
REGION = os.environ["AWS_DEFAULT_REGION"]
SAMPLES = pathlib.Path(os.environ["CRATON_DEMO_SAMPLES"])
PAIRS = os.environ.get("CRATON_DEMO_PAIRS")
RECORDS = int(os.environ["CRATON_DEMO_RECORDS"])

JUDGE = "anthropic.claude-3-haiku-20240307-v1:0"
GENERATOR = "amazon.nova-micro-v1:0"
EMBEDDINGS = "amazon.titan-embed-text-v2:0"
METRICS = ["Builtin.Correctness", "Builtin.Completeness", "Builtin.Helpfulness", "Builtin.LogicalCoherence", "Builtin.Faithfulness"]
# Of a folder of one's own: so many pairs at most, a quarter of them to evaluate, and none longer than this, as ten of them have to fit
# into the context of a small model.
MOST_PAIRS, LONGEST = 120, 1000
COLUMNS = [("prompt", "completion"), ("findings", "impression"), ("results", "assessment")]

FINDINGS = ("There is a moderate right pleural effusion. A 12 mm nodule projects over the left upper lobe. No pneumothorax. "
            "The heart is normal in size.")
SOUND = "1. Moderate right pleural effusion.\n2. 12 mm nodule in the left upper lobe.\n3. No pneumothorax."
PLANTED = "1. Moderate left pleural effusion.\n2. 21 mm nodule in the left upper lobe.\n3. Small pneumothorax."

once = Config(retries={"total_max_attempts": 1}, read_timeout=300)
s3, iam, agent, bedrock = (boto3.client(service, config=once) for service in ("s3", "iam", "bedrock-agent", "bedrock"))


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}")


def indented(text, width=104, mark="   | "):
    lines = [line for part in text.strip().splitlines() for line in textwrap.wrap(part, width)]
    return "\n".join(mark + line for line in lines)


def craton(*arguments):
    """Runs one of our own commands and gives what it prints."""
    done = subprocess.run([CRATON, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"craton {' '.join(arguments)}\n{done.stderr}")
    return done.stdout


def ask(*arguments):
    return json.loads(craton(*arguments, "--output", "json"))


def rows(path):
    """The records of a file: JSON lines, or a table."""
    name = path.name.removesuffix(".gz")
    with (gzip.open if path.name.endswith(".gz") else open)(path, "rt", encoding="utf-8-sig", newline="") as file:
        if name.endswith(".jsonl"):
            yield from (json.loads(line) for line in file if line.strip())
        elif name.endswith(".csv"):
            csv.field_size_limit(2**24)
            yield from csv.DictReader(file)


def own_pairs(folder):
    """Pairs of findings and impressions out of a folder, of each of its files as many, shuffled alike each time."""
    of_files = []
    for path in sorted(pathlib.Path(folder).iterdir()):
        found = []
        for row in rows(path) if path.is_file() else ():
            columns = next((pair for pair in COLUMNS if all(isinstance(row.get(name), str) for name in pair)), None)
            # One of the tables tells which of its rows are about imaging.
            if columns is None or row.get("imaging_related") == "0":
                continue
            prompt, completion = (row[name].strip() for name in columns)
            if prompt and completion and len(prompt) + len(completion) <= LONGEST:
                found.append({"prompt": prompt, "completion": completion})
        if found:
            of_files.append(found)
            print(f"   {path.name}: {len(found)} pairs of at most {LONGEST} characters")
    if not of_files:
        raise SystemExit(f"{folder} has no file with the columns {' or '.join(' and '.join(pair) for pair in COLUMNS)}")
    draw = random.Random(42)
    pairs = [pair for found in of_files for pair in draw.sample(found, min(len(found), MOST_PAIRS // len(of_files)))]
    draw.shuffle(pairs)
    quarter = max(len(pairs) // 4, 1)
    return pairs[quarter:], pairs[:quarter]


def sample_pairs():
    read = lambda name: [json.loads(line) for line in (SAMPLES / name).read_text(encoding="utf-8").splitlines()]
    return read("reports.jsonl"), read("dev1.jsonl")


def convert(dev, count, folder):
    """`craton eval convert`, held against what the article's Python writes; gives the dataset's file."""
    pairs, dataset, prompt = folder / "dev1.jsonl", folder / "dev1-eval.jsonl", SAMPLES / "prompt.txt"
    pairs.write_text("".join(json.dumps(pair) + "\n" for pair in dev), encoding="utf-8")
    craton("eval", "convert", str(pairs), str(dataset), "--sample", str(count), "--template", str(prompt))
    content = lambda text: {"content": [{"text": text}]}
    random.seed(42)
    for drawn, line in zip(random.sample(dev, count), dataset.read_text(encoding="utf-8").splitlines(), strict=True):
        turn = {"referenceResponses": [content(drawn["completion"])],
                "prompt": content(prompt.read_text(encoding="utf-8") + drawn["prompt"])}
        if json.dumps({"conversationTurns": [turn]}) != line:
            raise SystemExit(f"Python writes another line than:\n{line}")
    return dataset


def role(name, bucket):
    """A role for the knowledge base and the job: it reads and writes the bucket, searches, and asks models."""
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}
    may = [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]},
           {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:Retrieve", "bedrock:RetrieveAndGenerate"], "Resource": "*"}]
    policy = lambda statements: json.dumps({"Version": "2012-10-17", "Statement": statements})
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy([trust]))
    iam.put_role_policy(RoleName=name, PolicyName="evaluates", PolicyDocument=policy(may))
    return made["Role"]["Arn"]


def knowledge_base(name, role_arn, bucket):
    """A knowledge base of the reports in the bucket, each of them one chunk, synced to its end."""
    account = role_arn.split(":")[4]
    base = agent.create_knowledge_base(
        name=name, roleArn=role_arn, description="Findings and impressions of radiology reports",
        knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
            "embeddingModelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{EMBEDDINGS}"}},
        storageConfiguration={"type": "OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration": {
            "collectionArn": f"arn:aws:aoss:{REGION}:{account}:collection/reports0123456789abc", "vectorIndexName": "reports",
            "fieldMapping": {"vectorField": "vector", "textField": "text", "metadataField": "metadata"}}})["knowledgeBase"]
    while base["status"] == "CREATING":
        time.sleep(0.1)
        base = agent.get_knowledge_base(knowledgeBaseId=base["knowledgeBaseId"])["knowledgeBase"]
    ids = {"knowledgeBaseId": base["knowledgeBaseId"]}
    source = agent.create_data_source(
        **ids, name="reports", dataSourceConfiguration={
            "type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{bucket}", "inclusionPrefixes": ["reports/"]}},
        vectorIngestionConfiguration={"chunkingConfiguration": {"chunkingStrategy": "NONE"}})["dataSource"]
    ids["dataSourceId"] = source["dataSourceId"]
    job = agent.start_ingestion_job(**ids)["ingestionJob"]
    while job["status"] in ("STARTING", "IN_PROGRESS"):
        time.sleep(0.1)
        job = agent.get_ingestion_job(**ids, ingestionJobId=job["ingestionJobId"])["ingestionJob"]
    if job["status"] != "COMPLETE":
        raise SystemExit(f"the ingestion job is {job['status']}: {job.get('failureReasons')}")
    return ids["knowledgeBaseId"], job["statistics"]["numberOfNewDocumentsIndexed"]


def evaluate(name, role_arn, dataset, output, system, metrics, judge=None):
    """`create_evaluation_job`, as the article calls it; gives the job's ARN and the warnings."""
    automated = {"datasetMetricConfigs": [{
        "taskType": "Custom", "metricNames": metrics,
        "dataset": {"name": "RagDataset", "datasetLocation": {"s3Uri": dataset}}}]}
    if judge:
        automated["evaluatorModelConfig"] = {"bedrockEvaluatorModels": [{"modelIdentifier": judge}]}
    created = bedrock.create_evaluation_job(
        jobName=name, jobDescription="Evaluate retrieval and generation", roleArn=role_arn, applicationType="RagEvaluation",
        inferenceConfig={"ragConfigs": [system]}, outputDataConfig={"s3Uri": output}, evaluationConfig={"automated": automated})
    return created["jobArn"], created["ResponseMetadata"]["HTTPHeaders"].get("x-craton-warning")


def follow(arn):
    """Draws the job's progress until it has ended; a line for each quarter where nobody watches."""
    watched, said = sys.stdout.isatty(), 0
    while True:
        report = ask("eval", "status", arn)
        status, total = report["status"], report["total"] or 0
        done = sum(part["done"] for part in report["progress"])
        quarters = 4 * done // total if total else 0
        if watched or quarters > said:
            bar, left = "█" * (30 * done // (total or 1)), report["secondsLeft"]
            of_each = ", ".join(f"{(part['metricName'] or 'answers').removeprefix('Builtin.')} {part['done']}" for part in report["progress"])
            line = f"   {bar:░<30} {done} of {total or '?'}" + (f", about {left} s left" if left is not None else "") + f"  ({of_each})"
            print(f"\r\033[2K{line[:150]}" if watched else line, end="" if watched else "\n", flush=True)
            said = quarters
        if status in ("Completed", "Failed", "Stopped"):
            break
        time.sleep(0.5)
    if watched:
        print()
    if status != "Completed":
        raise SystemExit(f"the evaluation job is {status}: {report['messages']}")


def marked(text, spans):
    """The text with those characters marked, in red where it is shown in a terminal."""
    before, after = ("\033[31m⟦", "⟧\033[0m") if sys.stdout.isatty() else ("⟦", "⟧")
    shown, at = "", 0
    for span in sorted(spans, key=lambda span: span["start"]):
        start, end = max(span["start"], at), max(span["end"], at)
        if start < end:
            shown, at = shown + text[at:start] + before + text[start:end] + after, end
    return shown + text[at:]


def result_of(score):
    return "-" if score["result"] is None else f"{score['result']:.2f}"


def lowest_metric(arn):
    """The metric with the lowest mean."""
    card = ask("eval", "report", arn)["results"][0]["card"]
    return min((one for one in card["metrics"] if one["mean"]), key=lambda one: one["mean"]["value"])["metricName"]


def show_worst(arn, metric):
    """The record with the lowest score of a metric, with the article's columns."""
    rows = ask("eval", "show", arn, "--metric", metric)["rows"]
    worst = rows[0]
    print("   Conversation input")
    print(indented(worst["conversationInput"].rsplit("Findings:", 1)[-1]))
    print("   Generation output; between ⟦ and ⟧ stands what nothing in the retrieved sources supports")
    print(indented(marked(worst["generationOutput"] or worst["error"] or "-", worst["unsupported"])))
    print(f"   Retrieved sources: {worst['retrievedSources']}, the first of which are")
    for passage in worst["passages"][:2]:
        print(f"     “{textwrap.shorten(passage['text'], 96, placeholder='…')}”")
    print("   Ground truth")
    print(indented("\n".join(worst["groundTruth"])))
    for score in worst["scores"]:
        label = f" ({score['label']}, margin {score['margin']:.2f})" if score["label"] and score["margin"] is not None else ""
        print(f"   {score['metricName']} {result_of(score)}{label}")
        if score["metricName"] == metric:
            print(indented(score["error"] or score["explanation"]))
    unsupported = [row for row in rows if row["unsupported"]]
    print(f"   Answers with something that nothing supports: {len(unsupported)} of {len(rows)}")
    if unsupported and not worst["unsupported"]:
        print(f"   of record {unsupported[0]['record']}:")
        print(indented(marked(unsupported[0]["generationOutput"], unsupported[0]["unsupported"])))


def show_rules(name, role_arn, bucket):
    """A sound impression and a planted one, as answers of another system; no judge is asked."""
    content = lambda text: {"content": [{"text": text}]}
    lines = [json.dumps({"conversationTurns": [{
        "prompt": content(f"Write the impression.\nFindings: {FINDINGS}"), "referenceResponses": [content(SOUND)],
        "output": {"text": impression, "knowledgeBaseIdentifier": "written-by-hand", "retrievedPassages": {"retrievalResults": []}}}]})
        for impression in (SOUND, PLANTED)]
    s3.put_object(Bucket=bucket, Key="in/by-hand.jsonl", Body="\n".join(lines).encode())
    system = {"precomputedRagSourceConfig": {"retrieveAndGenerateSourceConfig": {"ragSourceIdentifier": "written-by-hand"}}}
    arn, _ = evaluate(name, role_arn, f"s3://{bucket}/in/by-hand.jsonl", f"s3://{bucket}/out/", system,
                      ["Craton.ClinicalConsistency", "Craton.ImpressionRules"])
    follow(arn)
    found = 0
    print("   Findings")
    print(indented(FINDINGS))
    for row in sorted(ask("eval", "show", arn)["rows"], key=lambda row: row["record"]):
        consistency, rules = row["scores"]
        spans = [span for objection in consistency["objections"] for span in objection["spans"]]
        print(f"   {'Sound' if row['record'] == 1 else 'Planted'}: consistency {result_of(consistency)}, rules for impressions {result_of(rules)}")
        print(indented(marked(row["generationOutput"], spans)))
        for objection in consistency["objections"]:
            print(f"     {' '.join(objection['reason'].split())}")
        found += len(spans) if row["record"] == 2 else -len(spans)
    if found != 3:
        raise SystemExit("the planted contradictions were not found as they are")


def main():
    started = time.perf_counter()
    name = f"rag-eval-{time.strftime('%Y-%m-%d-%H-%M-%S')}-{uuid.uuid4().hex[:4]}"
    bucket = name

    title("1. Pairs of findings and impressions: most for a knowledge base, some to evaluate it with")
    reports, dev = own_pairs(PAIRS) if PAIRS else sample_pairs()
    print(f"   {len(reports)} for the knowledge base, {len(dev)} held back, " +
          (f"out of {PAIRS}" if PAIRS else "written for Craton (demo/samples/radiology); --pairs DIR takes your own"))
    s3.create_bucket(Bucket=bucket)
    role_arn = role(name, bucket)
    for number, pair in enumerate(reports, 1):
        text = f"Findings: {pair['prompt']}\nImpression: {pair['completion']}\n"
        s3.put_object(Bucket=bucket, Key=f"reports/{number:04}.txt", Body=text.encode())
    base, indexed = knowledge_base(name, role_arn, bucket)
    print(f"   the knowledge base {base} has {indexed} reports  ({time.perf_counter() - started:.1f} s)")

    count = min(RECORDS, len(dev))
    title(f"2. The dataset (craton eval convert dev1.jsonl dev1-eval.jsonl --sample {count} --template prompt.txt)")
    with tempfile.TemporaryDirectory() as folder:
        s3.upload_file(str(convert(dev, count, pathlib.Path(folder))), bucket, "in/dev1-eval.jsonl")
    print(f"   {count} of {len(dev)} drawn, to the byte as the article's Python draws and writes them: s3://{bucket}/in/dev1-eval.jsonl")

    title(f"3. The job (create_evaluation_job): HYBRID search, 10 results, generator {GENERATOR}, judge {JUDGE}")
    print(f"   {count} of the article's 1,000 records, with its {len(METRICS)} metrics: two cores read ten passages a record slowly, and this is to take")
    print("   about three minutes at most; --records N takes more")
    system = {"knowledgeBaseConfig": {"retrieveAndGenerateConfig": {
        "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
            "knowledgeBaseId": base, "modelArn": GENERATOR, "retrievalConfiguration": {
                "vectorSearchConfiguration": {"numberOfResults": 10, "overrideSearchType": "HYBRID"}}}}}}
    began = time.perf_counter()
    arn, warning = evaluate(name, role_arn, f"s3://{bucket}/in/dev1-eval.jsonl", f"s3://{bucket}/out/", system, METRICS, JUDGE)
    if warning:
        print(f"   warned: {warning}")
    follow(arn)
    print(f"   completed after {time.perf_counter() - began:.0f} s")

    job = arn.rsplit("/", 1)[-1]
    title(f"4. The report card, with what is known of the judge under each score (craton eval report {job})")
    print(textwrap.indent(craton("eval", "report", job).rstrip(), "   "))

    metric = lowest_metric(arn)
    title(f"5. The worst record of the lowest metric (craton eval show {job} --metric {metric} --limit 1)")
    show_worst(arn, metric)

    title("6. Contradictions that need no judge: a side, a length and a denial were changed in the second impression")
    show_rules(f"{name}-rules", role_arn, bucket)

    title("Look at it yourself")
    print(f"   {URL}/console/evaluations?job={job}: the report card, the records, lowest first, and the judge")
    print(f"   craton eval report {job} --html report.html: the same as one page")
    print("   docs/solutions/rag-evaluation.md: the whole way with data of your own")


main()
