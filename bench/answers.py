#!/usr/bin/env python3
"""How good answers are: whether what is cited is said by its source, and whether the sentences that answer without a model do.

    cargo build --release -p orchestration --example support_eval
    bench/answers.py support [--binary target/release/examples/support_eval]
    scripts/with-server.sh "$(scripts/python.sh conformance/requirements.txt)" bench/answers.py extractive [--language en] [--questions 300]

`support`: the replies of BEGIN (Wizard of Wikipedia), which people judged to be fully attributable to a text or not, against the share of
their terms that the text has. The threshold is that of the code; the figures are for the half of the texts that chose nothing.
`extractive`: XQuAD's paragraphs of a language are a knowledge base; each question is asked without a model, once with its paragraph there
and once with a filter that leaves it out. Told are: how often an answer has the gold answer, and how often there is none where none is right.
Quality does not depend on the machine.
"""

import argparse
import csv
import gzip
import hashlib
import json
import os
import subprocess
import time
import uuid
from pathlib import Path

DATA = Path(os.environ.get("CRATON_BENCH_DATA") or Path(__file__).resolve().parent.parent.parent / "shared/data")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["support", "extractive"])
    parser.add_argument("--binary", default="target/release/examples/support_eval")
    parser.add_argument("--threshold", type=float, default=0.75)
    parser.add_argument("--language", default="en")
    parser.add_argument("--questions", type=int, default=300)
    options = parser.parse_args()
    support(options) if options.what == "support" else extractive(options)


def support(options):
    with gzip.open(DATA / "judge-begin-wow/begin_wow.csv.gz", "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    lines = "".join(json.dumps({"sentence": row["response"], "passage": row["knowledge"]}) + "\n" for row in rows)
    shares = [float(line) for line in subprocess.run([options.binary], input=lines, capture_output=True, text=True, check=True).stdout.split()]
    labels = [row["begin_label"] == "Fully attributable" for row in rows]
    # The texts are split by their hash, so that a text is on one side alone.
    chosen = [hashlib.sha256(row["knowledge"].encode()).digest()[0] % 2 == 0 for row in rows]
    for name, half in (("half that may choose", True), ("other half", False)):
        pairs = [(share, label) for share, label, side in zip(shares, labels, chosen) if side is half]
        print(f"{name}: {len(pairs)} replies, area under the curve {area(pairs):.3f}")
        for threshold in sorted({0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, options.threshold}):
            cited = [label for share, label in pairs if share >= threshold]
            found = sum(cited) / max(1, sum(label for _, label in pairs))
            print(f"  from {threshold:.2f} on: {sum(cited) / max(1, len(cited)):.3f} of what is cited is attributable, {found:.3f} of what is attributable is cited")


def area(pairs):
    """The probability that an attributable reply has a higher share than another; of equals half."""
    ordered, rank, ranks = sorted(share for share, _ in pairs), 0, {}
    for value in sorted(set(ordered)):
        count = ordered.count(value)
        ranks[value], rank = rank + (count + 1) / 2, rank + count
    good = [share for share, label in pairs if label]
    bad = len(pairs) - len(good)
    return (sum(ranks[share] for share in good) - len(good) * (len(good) + 1) / 2) / (len(good) * bad)


def extractive(options):
    import boto3

    import sys
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "conformance"))
    from conftest import REGION, TITAN_V2, signed

    agent, s3, iam = (boto3.client(name) for name in ("bedrock-agent", "s3", "iam"))
    tag = uuid.uuid4().hex[:8]
    bucket = f"xquad-{tag}"
    s3.create_bucket(Bucket=bucket)
    for line in gzip.open(DATA / "retrieval-xquad/corpus.jsonl.gz", "rt", encoding="utf-8"):
        one = json.loads(line)
        if one["lang"] == options.language:
            key = f"{one['para']}.txt"
            s3.put_object(Bucket=bucket, Key=key, Body=one["text"].encode())
            s3.put_object(Bucket=bucket, Key=f"{key}.metadata.json", Body=json.dumps({"metadataAttributes": {"para": one["para"]}}).encode())
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName=bucket, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=bucket, PolicyName="all", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "bedrock:*"], "Resource": "*"}]}))
    model = os.environ.get("CRATON_BENCH_EMBEDDER") or TITAN_V2
    base = agent.create_knowledge_base(name=bucket, roleArn=role, knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
        "embeddingModelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{model}"}})["knowledgeBase"]["knowledgeBaseId"]
    while agent.get_knowledge_base(knowledgeBaseId=base)["knowledgeBase"]["status"] == "CREATING":
        time.sleep(0.2)
    source = agent.create_data_source(knowledgeBaseId=base, name="paragraphs", dataSourceConfiguration={"type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{bucket}"}},
                                      vectorIngestionConfiguration={"chunkingConfiguration": {"chunkingStrategy": "NONE"}})["dataSource"]["dataSourceId"]
    names = {"knowledgeBaseId": base, "dataSourceId": source}
    job = agent.start_ingestion_job(**names)["ingestionJob"]["ingestionJobId"]
    while (state := agent.get_ingestion_job(**names, ingestionJobId=job)["ingestionJob"])["status"] not in ("COMPLETE", "FAILED"):
        time.sleep(0.5)
    assert state["status"] == "COMPLETE", state
    gold = dict(line.split("\t")[:2] for line in (DATA / "retrieval-xquad/qrels.tsv").read_text().splitlines()[1:])
    questions = [json.loads(line) for line in gzip.open(DATA / "retrieval-xquad/queries.jsonl.gz", "rt", encoding="utf-8")]
    questions = [one for one in questions if one["lang"] == options.language][:options.questions]
    right = answered = declined = exact = parts = 0

    def ask(body):
        answer = signed("POST", f"/craton/v1/knowledge-bases/{base}/ask", "craton", json.dumps(body), {"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    for one in questions:
        answer = ask({"text": one["text"]})
        answered += not answer["noAnswer"]
        right += not answer["noAnswer"] and one["answer"] in answer["answer"]
        for citation in answer["citations"]:
            reference = citation["references"][0]
            said = answer["answer"][citation["span"]["start"]:citation["span"]["end"] + 1]
            exact += said == reference["text"][reference["sourceSpan"]["start"]:reference["sourceSpan"]["end"] + 1]
            parts += 1
        without = {"text": one["text"], "filter": {"notEquals": {"key": "para", "value": gold[one["qid"]]}}}
        declined += ask(without)["noAnswer"]
    count = len(questions)
    print(f"{options.language}, {count} questions, embedded by {model}")
    print(f"  answered: {answered / count:.3f}; with the gold answer: {right / count:.3f} of all, {right / max(1, answered):.3f} of those answered")
    print(f"  declined where the answering paragraph is left out: {declined / count:.3f}")
    print(f"  citations whose text is their source's to the letter: {exact} of {parts}")


if __name__ == "__main__":
    main()
