#!/usr/bin/env python3
"""Ingestion end to end, ours against LangChain with Chroma and ONNX Runtime: parse, chunk, embed, index.

    scripts/bench.sh ingestion [--data FOLDER] [--short 5000] [--rounds 3] [--sides craton,langchain]

The folder has documents (PDF, DOCX, XLSX, HTML, text), in folders of any depth. A second corpus of short texts is made
from a seed. Both sides embed with all-MiniLM-L6-v2 on the same number of threads, in chunks of at most 300 tokens of its
tokenizer with an overlap of 60, and keep them on disk. The model reads 256 tokens: ours embeds a longer chunk in two
parts, the peer cuts it off. Ours runs as a server that is asked over HTTP: S3 for the documents (uploaded before the clock
starts), `StartIngestionJob`, and `GetIngestionJob` until it has ended. The sides run in turn. Each side then answers one
query, to see that its index is there. Without --data there are the short texts alone.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import embeddings
import pairs
import servers

TOKENS, OVERLAP = 300, 60
WORDS = "rental insurance damage refund deposit mileage fuel customer branch vehicle contract claim report late key fee".split()


def main():
    options = parse_options()
    corpora = {"documents": documents(options.data)} if options.data else {}
    corpora["short texts"] = short_texts(options.short)
    sides = {"craton": craton, "langchain": langchain}
    for corpus, files in corpora.items():
        size = sum(len(content) for _, content in files) / 1e6
        print(f"{corpus}: {len(files)} files, {size:.1f} MB", flush=True)
        chosen = [timed(name, side, options, files) for name, side in sides.items() if name in options.sides.split(",")]
        if len(chosen) == 1:
            for _ in range(options.rounds):
                chosen[0]()
            continue
        ours, theirs = pairs.alternate(*chosen, options.rounds)
        middle, low, high = pairs.ratio(theirs, ours)
        print(f"  medians {statistics.median(ours):.2f} s, {statistics.median(theirs):.2f} s; ratio {middle:.2f} ({low:.2f}–{high:.2f})", flush=True)


def timed(name, side, options, files):
    """A call that ingests the files into a new place, prints what it took, and gives the seconds."""

    def once():
        with tempfile.TemporaryDirectory() as folder:
            seconds, counted = side(options, files, Path(folder))
        print(f"  {name:9} {seconds:8.2f} s, {counted}", flush=True)
        return seconds

    return once


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sides", default="craton,langchain")
    parser.add_argument("--short", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", type=Path, default=embeddings.MODELS)
    return parser.parse_args()


def documents(folder):
    kinds = {".pdf", ".docx", ".xlsx", ".html", ".htm", ".txt", ".md", ".csv"}
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds and path.stat().st_size)
    return [(str(path.relative_to(folder)), path.read_bytes()) for path in files]


def short_texts(count):
    draw = random.Random(7)

    def text():
        sentences = (" ".join(draw.choices(WORDS, k=draw.randint(6, 14))) for _ in range(draw.randint(2, 5)))
        return " ".join(sentence.capitalize() + "." for sentence in sentences)

    return [(f"{number:05}.txt", text().encode()) for number in range(count)]


def craton(options, files, folder):
    import boto3

    threads = ["--prefill-threads", str(options.threads), "--decode-threads", str(options.threads)]
    with servers.Craton("--models-dir", str(folder / "models"), *threads) as server:
        server.cli("models", "pull", "all-minilm-l6-v2")
        env = server.env

        def client(service):
            return boto3.client(
                service,
                endpoint_url=server.url,
                region_name=env["AWS_DEFAULT_REGION"],
                aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            )

        s3, iam, agent = client("s3"), client("iam"), client("bedrock-agent")
        s3.create_bucket(Bucket="bench")
        with ThreadPoolExecutor(8) as uploads:
            list(uploads.map(lambda file: s3.put_object(Bucket="bench", Key=file[0], Body=file[1]), files))
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}
        rights = {"Effect": "Allow", "Action": ["s3:*", "bedrock:InvokeModel"], "Resource": "*"}
        document = {"Version": "2012-10-17", "Statement": [trust]}
        role = iam.create_role(RoleName="bench", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
        document = {"Version": "2012-10-17", "Statement": [rights]}
        iam.put_role_policy(RoleName="bench", PolicyName="read", PolicyDocument=json.dumps(document))
        arn = f"arn:aws:bedrock:{env['AWS_DEFAULT_REGION']}::foundation-model/all-minilm-l6-v2"
        vector = {"embeddingModelArn": arn}
        base = agent.create_knowledge_base(
            name="bench",
            roleArn=role,
            knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": vector},
        )["knowledgeBase"]["knowledgeBaseId"]
        source = agent.create_data_source(
            knowledgeBaseId=base,
            name="bench",
            dataSourceConfiguration={"type": "S3", "s3Configuration": {"bucketArn": "arn:aws:s3:::bench"}},
        )["dataSource"]["dataSourceId"]
        began = time.monotonic()
        job = agent.start_ingestion_job(knowledgeBaseId=base, dataSourceId=source)["ingestionJob"]["ingestionJobId"]
        while True:
            now = agent.get_ingestion_job(knowledgeBaseId=base, dataSourceId=source, ingestionJobId=job)["ingestionJob"]
            if now["status"] in ("COMPLETE", "FAILED", "STOPPED"):
                break
            time.sleep(0.02)
        seconds = time.monotonic() - began
        if now["status"] != "COMPLETE":
            sys.exit(f"the ingestion job has ended as {now}")
        counted = now["statistics"]
        if counted["numberOfDocumentsFailed"]:
            print(f"  {counted['numberOfDocumentsFailed']} files failed: {now.get('failureReasons', [])[:3]}", file=sys.stderr)
        query = {"text": "How is damage reported?"}
        found = client("bedrock-agent-runtime").retrieve(knowledgeBaseId=base, retrievalQuery=query)
        assert found["retrievalResults"], "nothing is found"
        return seconds, f"{counted['numberOfNewDocumentsIndexed']} documents"


def langchain(options, files, folder):
    from langchain_chroma import Chroma
    from langchain_core.embeddings import Embeddings
    from langchain_text_splitters import RecursiveCharacterTextSplitter
    from tokenizers import Tokenizer

    model = options.models / "all-MiniLM-L6-v2"
    peer = embeddings.Peer(model, options.threads)
    counter = Tokenizer.from_file(str(model / "tokenizer.json"))
    counter.no_padding()
    counter.no_truncation()

    class MiniLm(Embeddings):
        def embed_documents(self, texts):
            return peer.embed(texts).tolist()

        def embed_query(self, text):
            return peer.embed([text])[0].tolist()

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=TOKENS,
        chunk_overlap=OVERLAP,
        length_function=lambda text: len(counter.encode(text, add_special_tokens=False).ids),
    )
    began = time.monotonic()
    store = Chroma("bench", MiniLm(), persist_directory=str(folder / "chroma"))
    texts, metadata = [], []
    for name, content in files:
        parts = splitter.split_text(parsed(name, content))
        texts.extend(parts)
        metadata.extend({"source": name} for _ in parts)
    for start in range(0, len(texts), 5_000):
        store.add_texts(texts[start : start + 5_000], metadata[start : start + 5_000])
    seconds = time.monotonic() - began
    assert store.similarity_search("How is damage reported?", k=5), "nothing is found"
    return seconds, f"{len(texts)} chunks"


def parsed(name, content):
    """The text of a file, by the packages that LangChain's own loaders use."""
    import io

    kind = Path(name).suffix.lower()
    if kind == ".pdf":
        from pypdf import PdfReader

        return "\n\n".join(page.extract_text() or "" for page in PdfReader(io.BytesIO(content)).pages)
    if kind == ".docx":
        from docx import Document

        return "\n\n".join(paragraph.text for paragraph in Document(io.BytesIO(content)).paragraphs)
    if kind == ".xlsx":
        from openpyxl import load_workbook

        rows = (row for sheet in load_workbook(io.BytesIO(content), read_only=True) for row in sheet.values)
        return "\n".join("\t".join("" if cell is None else str(cell) for cell in row) for row in rows)
    if kind in (".html", ".htm"):
        from bs4 import BeautifulSoup

        return BeautifulSoup(content, "html.parser").get_text("\n")
    return content.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
