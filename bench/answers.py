#!/usr/bin/env python3
"""How good answers are: whether what is cited is said by its source, and whether the sentences that answer without a model do.

    cargo build --release -p orchestration --example support_eval
    bench/answers.py support [--binary target/release/examples/support_eval]
    scripts/with-server.sh "$(scripts/python.sh conformance/requirements.txt)" bench/answers.py extractive [--language en] [--questions 300]
    scripts/with-server.sh "$(scripts/python.sh conformance/requirements.txt)" bench/answers.py handbook [--model smollm2-135m-instruct]

`support`: the replies of BEGIN (Wizard of Wikipedia), which people judged to be fully attributable to a text or not, against the share of
their terms that the text has. The threshold is that of the code; the figures are for the half of the texts that chose nothing.
`extractive`: XQuAD's paragraphs of a language are a knowledge base; each question is asked without a model, once with its paragraph there
and once with a filter that leaves it out. Told are: how often an answer has the gold answer, and how often there is none where none is right.
`handbook`: the questions of demo/samples to its documents, asked as everybody may, without a model or by one. Told are: how often an answer quotes
the words that prove it, how often a citation is of the right document, and how often there is none.
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

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("CRATON_BENCH_DATA") or ROOT.parent / "shared/data")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["support", "extractive", "handbook"])
    parser.add_argument("--binary", default="target/release/examples/support_eval")
    parser.add_argument("--threshold", type=float, default=0.75)
    parser.add_argument("--language", default="en")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--model", help="the model that writes; without it the passages answer")
    parser.add_argument("--verbose", action="store_true", help="print each question with its answer")
    options = parser.parse_args()
    {"support": support, "extractive": extractive, "handbook": handbook}[options.what](options)


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


class Base:
    """A knowledge base of files, by name, that is gone with the server."""

    def __init__(self, files, chunking=None):
        import sys

        import boto3

        sys.path.insert(0, str(ROOT / "conformance"))
        from conftest import REGION, TITAN_V2, signed

        self.signed = signed
        agent, s3, iam = (boto3.client(name) for name in ("bedrock-agent", "s3", "iam"))
        bucket = f"answers-{uuid.uuid4().hex[:8]}"
        s3.create_bucket(Bucket=bucket)
        for name, body in files.items():
            s3.put_object(Bucket=bucket, Key=name, Body=body)
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        role = iam.create_role(RoleName=bucket, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:*", "bedrock:*"], "Resource": "*"}]}
        iam.put_role_policy(RoleName=bucket, PolicyName="all", PolicyDocument=json.dumps(allowed))
        self.model = os.environ.get("CRATON_BENCH_EMBEDDER") or TITAN_V2
        made = agent.create_knowledge_base(name=bucket, roleArn=role, knowledgeBaseConfiguration={
            "type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{self.model}"}})
        self.id = made["knowledgeBase"]["knowledgeBaseId"]
        while agent.get_knowledge_base(knowledgeBaseId=self.id)["knowledgeBase"]["status"] == "CREATING":
            time.sleep(0.2)
        how = {"vectorIngestionConfiguration": {"chunkingConfiguration": {"chunkingStrategy": chunking}}} if chunking else {}
        source = agent.create_data_source(knowledgeBaseId=self.id, name="files", dataSourceConfiguration={
            "type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{bucket}"}}, **how)["dataSource"]["dataSourceId"]
        names = {"knowledgeBaseId": self.id, "dataSourceId": source}
        job = agent.start_ingestion_job(**names)["ingestionJob"]["ingestionJobId"]
        while (state := agent.get_ingestion_job(**names, ingestionJobId=job)["ingestionJob"])["status"] not in ("COMPLETE", "FAILED"):
            time.sleep(0.5)
        assert state["status"] == "COMPLETE", state
        print(f"{state['statistics']['numberOfNewDocumentsIndexed']} documents, embedded by {self.model}")

    def ask(self, body):
        path = f"/craton/v1/knowledge-bases/{self.id}/ask"
        answer = self.signed("POST", path, "craton", json.dumps(body), {"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()


def extractive(options):
    files = {}
    for line in gzip.open(DATA / "retrieval-xquad/corpus.jsonl.gz", "rt", encoding="utf-8"):
        one = json.loads(line)
        if one["lang"] == options.language:
            files[f"{one['para']}.txt"] = one["text"].encode()
            files[f"{one['para']}.txt.metadata.json"] = json.dumps({"metadataAttributes": {"para": one["para"]}}).encode()
    base = Base(files, "NONE")
    gold = dict(line.split("\t")[:2] for line in (DATA / "retrieval-xquad/qrels.tsv").read_text().splitlines()[1:])
    questions = [json.loads(line) for line in gzip.open(DATA / "retrieval-xquad/queries.jsonl.gz", "rt", encoding="utf-8")]
    questions = [one for one in questions if one["lang"] == options.language][:options.questions]
    right = answered = declined = exact = parts = 0

    for one in questions:
        answer = base.ask({"text": one["text"]})
        answered += not answer["noAnswer"]
        right += not answer["noAnswer"] and one["answer"] in answer["answer"]
        for citation in answer["citations"]:
            reference = citation["references"][0]
            said = answer["answer"][citation["span"]["start"]:citation["span"]["end"] + 1]
            exact += said == reference["text"][reference["sourceSpan"]["start"]:reference["sourceSpan"]["end"] + 1]
            parts += 1
        without = {"text": one["text"], "filter": {"notEquals": {"key": "para", "value": gold[one["qid"]]}}}
        declined += base.ask(without)["noAnswer"]
    count = len(questions)
    print(f"{options.language}, {count} questions")
    print(f"  answered: {answered / count:.3f}; with the gold answer: {right / count:.3f} of all, {right / max(1, answered):.3f} of those answered")
    print(f"  declined where the answering paragraph is left out: {declined / count:.3f}")
    print(f"  citations whose text is their source's to the letter: {exact} of {parts}")


def handbook(options):
    samples = ROOT / "demo/samples/rental"
    files = {str(path.relative_to(samples)): path.read_bytes() for path in sorted(samples.rglob("*")) if path.is_file()}
    kept = {name for name in files if b"ccessControlList" in files.get(f"{name}.metadata.json", b"")}
    base = Base(files)
    questions = [json.loads(line) for line in (ROOT / "demo/samples/questions.jsonl").read_text(encoding="utf-8").splitlines()]
    questions = [one for one in questions if one["document"] not in kept][:options.questions]
    quoted = placed = none = instead = 0
    flat = lambda text: " ".join(text.lower().split())
    for one in questions:
        how = {"mode": "generate", "modelId": options.model} if options.model else {"mode": "extractive"}
        answer = base.ask({"text": one["question"], **how})
        cited = [reference for citation in answer["citations"] for reference in citation["references"]]
        said = flat(" ".join(reference["text"][reference["sourceSpan"]["start"]:reference["sourceSpan"]["end"] + 1] for reference in cited))
        proves = flat(one["evidence"]) in said
        quoted, none = quoted + proves, none + answer["noAnswer"]
        placed += any(reference["documentId"].endswith(one["document"]) for reference in cited)
        instead += answer["voice"] == "passages-instead"
        if options.verbose:
            print(f"{'+' if proves else '-'} {one['id']} {one['question']}\n    wanted: {one['answer']}\n    answer: {answer['answer']!r}")
    count = len(questions)
    print(f"{count} questions, answered {'by ' + options.model if options.model else 'without a model'}")
    print(f"  the words that prove the answer are cited: {quoted / count:.3f}; the right document is: {placed / count:.3f}")
    print(f"  no answer: {none / count:.3f}; the passages answer in the model's place: {instead / count:.3f}")


if __name__ == "__main__":
    main()
