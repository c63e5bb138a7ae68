#!/usr/bin/env python3
"""Retrieval quality on SciFact: our lexical, vector and hybrid rankings against `bm25s` and an exact search in NumPy.

    python3 -m venv .venv && .venv/bin/pip install -r bench/requirements.txt bm25s ir-measures PyStemmer
    cargo build --release -p search --example search_eval
    .venv/bin/python bench/retrieval.py --data FOLDER [--split dev]

The folder has SciFact in BEIR's layout (`corpus.jsonl.gz`, `queries.jsonl`, `qrels.tsv`). The vectors are those of
all-MiniLM-L6-v2 through ONNX Runtime, for both sides. nDCG@10 and recall@100 are computed by `ir-measures`; the interval
of a difference is a paired bootstrap over the queries. bm25s gets its own tokenizer with an English Snowball stemmer,
once with its English stop words and once without any.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import embeddings

LIMIT = 100


def main():
    options = parse_options()
    corpus = [json.loads(line) for line in gzip.open(options.data / "corpus.jsonl.gz", "rt", encoding="utf-8")]
    texts = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in corpus}
    judged = judgements(options.data / "qrels.tsv")
    rows = [json.loads(line) for line in open(options.data / "queries.jsonl", encoding="utf-8")]
    wanted = [row for row in rows if row["_id"] in judged and options.split in ("all", row.get("split"))]
    queries = {row["_id"]: row["text"] for row in wanted}
    vectors = embed(options, texts, queries)
    runs = {**ours(options, texts, queries, vectors), **references(texts, queries, vectors)}
    report(runs, {query: judged[query] for query in queries})


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="all", help="`train`, `dev` or `all`")
    parser.add_argument("--models", type=Path, default=embeddings.MODELS)
    parser.add_argument("--threads", type=int, default=2)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or embeddings.ROOT / "target")
    parser.add_argument("--binary", type=Path, default=target / "release/examples/search_eval")
    parser.add_argument("--vectors", type=Path, help="a file in which the vectors are kept between runs")
    return parser.parse_args()


def judgements(path):
    judged = {}
    for line in path.read_text("utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        judged.setdefault(query, {})[document] = int(relevance)
    return judged


def embed(options, texts, queries):
    """The unit vectors of the documents and of the queries."""
    import numpy

    count = len(texts) + len(queries)
    if options.vectors and options.vectors.exists():
        kept = numpy.fromfile(options.vectors, dtype=numpy.float32).reshape(-1, embeddings.HIDDEN)
        if len(kept) == count:
            return kept[: len(texts)], kept[len(texts) :]
    peer = embeddings.Peer(options.models / "all-MiniLM-L6-v2", options.threads)
    vectors = peer.embed([*texts.values(), *queries.values()])
    if options.vectors:
        vectors.tofile(options.vectors)
    return vectors[: len(texts)], vectors[len(texts) :]


def ours(options, texts, queries, vectors):
    """The rankings of each of our methods: {method: {query: {document: score}}}."""
    if not options.binary.exists():
        sys.exit(f"error: `{options.binary}` is not built\nhint: cargo build --release -p search --example search_eval")
    with tempfile.TemporaryDirectory() as folder:
        for name, content, rows in (("corpus", texts, vectors[0]), ("queries", queries, vectors[1])):
            lines = (json.dumps({"key": key, "text": text}) for key, text in content.items())
            (Path(folder) / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
            rows.astype("<f4").tofile(Path(folder) / f"{name}.f32")
        command = [options.binary, folder, "en", str(LIMIT)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    runs = {}
    for line in output.splitlines():
        method, query, document, _, score = line.split("\t")
        runs.setdefault(f"craton {method}", {}).setdefault(query, {})[document] = float(score)
    return runs


def references(texts, queries, vectors):
    import bm25s
    import numpy
    import Stemmer

    keys, runs = list(texts), {}
    for name, stop_words in (("bm25s", "en"), ("bm25s, no stop words", [])):
        tokenize = lambda lines: bm25s.tokenize(
            lines, stopwords=stop_words, stemmer=Stemmer.Stemmer("english"), show_progress=False
        )
        index = bm25s.BM25()
        index.index(tokenize(list(texts.values())), show_progress=False)
        found, scores = index.retrieve(tokenize(list(queries.values())), k=LIMIT, show_progress=False)
        runs[name] = ranked(queries, keys, found, scores)
    similarity = vectors[1] @ vectors[0].T
    best = numpy.argsort(-similarity, axis=1)[:, :LIMIT]
    runs["exact cosine"] = ranked(queries, keys, best, numpy.take_along_axis(similarity, best, axis=1))
    return runs


def ranked(queries, keys, found, scores):
    rows = zip(queries, found, scores)
    return {query: {keys[at]: float(score) for at, score in zip(row, marks)} for query, row, marks in rows}


def report(runs, judged):
    import ir_measures
    from ir_measures import R, nDCG

    measures = [nDCG @ 10, R @ 100]
    print(f"{len(judged)} queries")
    values = {}
    for name, run in runs.items():
        per_query = {measure: {} for measure in measures}
        for metric in ir_measures.iter_calc(measures, judged, run):
            per_query[metric.measure][metric.query_id] = metric.value
        values[name] = [[per_query[measure].get(query, 0.0) for query in judged] for measure in measures]
        print(f"{name:24} nDCG@10 {mean(values[name][0]):.4f}  recall@100 {mean(values[name][1]):.4f}")
    pairs = [("craton lexical", "bm25s"), ("craton vector", "exact cosine")]
    pairs += [(f"craton {hybrid}", f"craton {single}") for hybrid in ("reciprocal", "weighted") for single in ("lexical", "vector")]
    for one, other in pairs:
        difference, low, high = bootstrap(values[one][0], values[other][0])
        print(f"{one} - {other}: nDCG@10 {difference:+.4f} [{low:+.4f}, {high:+.4f}]")


def mean(values):
    return sum(values) / len(values)


def bootstrap(one, other):
    import numpy

    differences = numpy.array(one) - numpy.array(other)
    draws = numpy.random.default_rng(1).choice(differences, size=(10_000, len(differences))).mean(axis=1)
    return differences.mean(), *numpy.percentile(draws, [2.5, 97.5])


if __name__ == "__main__":
    main()
