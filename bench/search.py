#!/usr/bin/env python3
"""Filtered hybrid search in process: our engine against LanceDB, on the same documents, queries and permissions.

    scripts/bench.sh search [--documents 100000] [--queries 1000]

`search_bench` makes the documents (384 dimensions, 60 words, each for one to three of 50 groups), measures ours and writes
them down; LanceDB then indexes and asks the same. It gets what serves it best: a full text index, an index of the groups'
labels, the filter before the search, and, above 200,000 documents, an IVF-PQ index of the vectors with as many probes as
recall 0.99 takes, beside its exact scan. Recall is of the ten nearest, against our exact scan. Times are of one query
after another on one thread of the caller's. Update-to-visible: a document is written, then found by a word of its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import embeddings

DIMENSION = 384
BATCH = 50_000
INDEX_ABOVE = 200_000


def main():
    options = parse_options()
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        folder = Path(place)
        print("craton", flush=True)
        subprocess.run([options.search, str(options.documents), str(options.queries), folder], check=True)
        peer(options, folder)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--updates", type=int, default=100)
    parser.add_argument("--folder", help="where the documents are written meanwhile")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or embeddings.ROOT / "target")
    parser.add_argument("--search", type=Path, default=target / "release/examples/search_bench")
    options = parser.parse_args()
    if not options.search.exists():
        sys.exit(f"error: `{options.search}` is not built\nhint: cargo build --release -p search --example search_bench")
    return options


def peer(options, folder):
    import lancedb
    import numpy

    print(f"lancedb {lancedb.__version__}", flush=True)
    queries = [json.loads(line) for line in open(folder / "queries.jsonl", encoding="utf-8")]
    vectors = numpy.fromfile(folder / "queries.f32", dtype="<f4").reshape(-1, DIMENSION)
    started = time.perf_counter()
    table = lancedb.connect(folder / "lance").create_table("documents", rows(folder))
    table.create_fts_index("text", use_tantivy=False, language="English", stem=True, remove_stop_words=False)
    table.create_scalar_index("groups", index_type="LABEL_LIST")
    print(f"documents {table.count_rows()}, indexed in {time.perf_counter() - started:.1f} s", flush=True)
    ask(table, queries, vectors, "exact scan", lambda query: query.bypass_vector_index())
    if table.count_rows() > INDEX_ABOVE:
        partitions = int(table.count_rows() ** 0.5)
        table.create_index(metric="cosine", index_type="IVF_PQ", num_partitions=partitions, num_sub_vectors=96)
        for probes in (10, 20, 50, 100, 200, 500):
            approximate = lambda query: query.nprobes(probes).refine_factor(10)
            if ask(table, queries, vectors, f"IVF-PQ, {probes} probes", approximate) >= 0.99:
                break
    update(table, vectors, options.updates)
    print(f"resident {resident() // 10**6} MB", flush=True)


def rows(folder):
    """The documents in batches."""
    import numpy
    import pyarrow

    vectors = numpy.memmap(folder / "documents.f32", dtype="<f4", mode="r").reshape(-1, DIMENSION)
    with open(folder / "documents.jsonl", encoding="utf-8") as file:
        for first in range(0, len(vectors), BATCH):
            these = numpy.array(vectors[first : first + BATCH])
            documents = [json.loads(next(file)) for _ in these]
            columns = {name: [document[name] for document in documents] for name in ("key", "text", "groups")}
            columns["vector"] = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(these.reshape(-1)), DIMENSION)
            yield pyarrow.RecordBatch.from_pydict(columns)


def ask(table, queries, vectors, name, tune):
    """Prints the times of the vector side and of both; gives the vector side's recall of the ten nearest."""
    from lancedb.rerankers import RRFReranker

    def allowed(query):
        return "array_has_any(groups, [" + ", ".join(f"'{group}'" for group in query["groups"]) + "])"

    def nearest(query, vector):
        asked = tune(table.search(vector).distance_type("cosine")).where(allowed(query), prefilter=True)
        return [row["key"] for row in asked.select(["key"]).limit(10).to_list()]

    def both(query, vector):
        asked = tune(table.search(query_type="hybrid").vector(vector).text(query["text"]).distance_type("cosine"))
        asked = asked.where(allowed(query), prefilter=True)
        return asked.rerank(reranker=merge).limit(10).to_list()

    merge = RRFReranker()
    for query, vector in list(zip(queries, vectors))[:20]:
        both(query, vector)
    found = timed(f"{name}, vector", nearest, queries, vectors)
    recalls = [len(set(keys) & set(query["nearest"])) / max(1, len(query["nearest"])) for keys, query in zip(found, queries)]
    print(f"{name}: recall {sum(recalls) / len(recalls):.4f}", flush=True)
    timed(f"{name}, hybrid", both, queries, vectors)
    return sum(recalls) / len(recalls)


def timed(name, search, queries, vectors):
    times, found = [], []
    for query, vector in zip(queries, vectors):
        started = time.perf_counter()
        found.append(search(query, vector))
        times.append(time.perf_counter() - started)
    percentiles(name, times)
    return found


def update(table, vectors, count):
    times = []
    for at in range(count):
        word = f"update{at}"
        row = {"key": word, "text": word, "groups": ["group0"], "vector": vectors[at % len(vectors)]}
        started = time.perf_counter()
        table.add([row])
        found = table.search(word, query_type="fts").limit(1).to_list()
        times.append(time.perf_counter() - started)
        if [row["key"] for row in found] != [word]:
            sys.exit(f"error: `{word}` was written and not found")
    percentiles("update to visible", times)


def percentiles(name, times):
    times = sorted(times)
    at = lambda share: times[int((len(times) - 1) * share)] * 1e3
    print(f"{name}: p50 {at(0.5):.2f} ms, p95 {at(0.95):.2f} ms, p99 {at(0.99):.2f} ms", flush=True)


def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


if __name__ == "__main__":
    main()
