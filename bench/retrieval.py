#!/usr/bin/env python3
"""Retrieval quality on SciFact and on XQuAD's twelve languages: our lexical, vector and hybrid rankings against references.

    scripts/bench.sh retrieval --data SCIFACT_FOLDER --data XQUAD_FOLDER

A folder has a collection in BEIR's layout: SciFact (`corpus.jsonl.gz`, `queries.jsonl`, `qrels.tsv`) or XQuAD
(`queries.jsonl.gz`; each language is searched by itself). SciFact is embedded by all-MiniLM-L6-v2 and by
multilingual-e5-small, XQuAD by the latter. Our vectors come from our encoder. The references: `bm25s` with an English
Snowball stemmer, with its stop words and without; an exact search in NumPy over the vectors of all-MiniLM-L6-v2 through
ONNX Runtime; LanceDB's hybrid search (its own full text index of the language, the same vectors as ours, its two ways to
merge). nDCG@10 and recall@100 are computed by `ir-measures`; the interval of a difference is a paired bootstrap over the
queries. The weights of our fusion were chosen on every other query of SciFact, from the first, and on XQuAD's English
ones: SciFact's other half and the other languages are what it is tested on. Vectors are kept in --kept between runs.
"""

import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import embeddings

LIMIT = 100
DIMENSION = 384
PROMPTS = {"all-MiniLM-L6-v2": ("", ""), "multilingual-e5-small": ("query: ", "passage: ")}
STEMMED = dict(en="English", es="Spanish", de="German", el="Greek", ro="Romanian", ru="Russian", tr="Turkish", ar="Arabic")
UNSPACED = ("zh", "th")


def main():
    options = parse_options()
    for folder in options.data:
        xquad = (folder / "queries.jsonl.gz").exists()
        for model in ["multilingual-e5-small"] if xquad else PROMPTS:
            print(f"\n{folder.name}, {model}", flush=True)
            (evaluate_xquad if xquad else evaluate_scifact)(options, folder, model)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, action="append", required=True)
    parser.add_argument("--models", type=Path, default=embeddings.MODELS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kept", type=Path, default=embeddings.CACHE / "craton/eval")
    target = Path(os.environ.get("CARGO_TARGET_DIR") or embeddings.ROOT / "target") / "release/examples"
    parser.add_argument("--search", type=Path, default=target / "search_eval")
    parser.add_argument("--embed", type=Path, default=target / "embed_bench")
    options = parser.parse_args()
    for binary, package in ((options.search, "search"), (options.embed, "inference-encoder")):
        if not binary.exists():
            sys.exit(f"error: `{binary}` is not built\nhint: cargo build --release -p {package} --example {binary.name}")
    options.kept.mkdir(parents=True, exist_ok=True)
    return options


def evaluate_scifact(options, folder, model):
    corpus = lines(folder / "corpus.jsonl.gz")
    texts = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in corpus}
    judged = defaultdict(dict)
    for query, document, relevance in judgements(folder / "qrels.tsv"):
        judged[query][document] = relevance
    queries = {row["_id"]: row["text"] for row in lines(folder / "queries.jsonl")}
    vectors = ours_embed(options, model, texts, queries)
    runs = {**craton(options, texts, queries, vectors, "en"), **bm25(texts, queries, "en"), **lance(texts, queries, vectors, "en")}
    if model == "all-MiniLM-L6-v2":
        runs["onnxruntime"] = exact(texts, queries, onnx_embed(options, model, texts, queries))
    values = measured(runs, judged)
    held_out = list(queries)[1::2]
    for part, chosen in (("all", list(queries)), ("held out", held_out)):
        print(f"{part}: {len(chosen)} queries")
        report(values, chosen)


def evaluate_xquad(options, folder, model):
    corpus, asked = lines(folder / "corpus.jsonl.gz"), lines(folder / "queries.jsonl.gz")
    relevant = {query: paragraph for query, paragraph, _ in judgements(folder / "qrels.tsv")}
    vectors = ours_embed(
        options, model, {row["_id"]: row["text"] for row in corpus}, {row["_id"]: row["text"] for row in asked}
    )
    together = defaultdict(lambda: defaultdict(dict))
    for language in dict.fromkeys(row["lang"] for row in asked):
        documents = [at for at, row in enumerate(corpus) if row["lang"] == language]
        questions = [at for at, row in enumerate(asked) if row["lang"] == language]
        texts = {corpus[at]["para"]: corpus[at]["text"] for at in documents}
        queries = {asked[at]["qid"]: asked[at]["text"] for at in questions}
        these = vectors[0][documents], vectors[1][questions]
        runs = {**craton(options, texts, queries, these, language), **lance(texts, queries, these, language)}
        if language not in UNSPACED:
            runs |= bm25(texts, queries, language)
        values = measured(runs, {query: {relevant[query]: 1} for query in queries})
        print(f"{language}: {len(queries)} queries")
        report(values, list(queries))
        for name, per_query in values.items():
            for query, marks in per_query.items():
                together[name][query][language] = marks
    languages = len({language for query in together["craton hybrid"].values() for language in query} - {"en"})
    print(f"mean over the {languages} languages that nothing was chosen on")
    means = {
        name: {query: average([m for language, m in marks.items() if language != "en"]) for query, marks in per_query.items()}
        for name, per_query in together.items()
        if name.startswith(("craton", "lancedb"))
    }
    report(means, list(means["craton hybrid"]))


def lines(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else open(path, encoding="utf-8")
    with opened as file:
        return [json.loads(line) for line in file]


def judgements(path):
    for line in path.read_text("utf-8").splitlines()[1:]:
        query, document, relevance = line.split("\t")
        yield query, document, int(relevance)


def ours_embed(options, model, texts, queries):
    """The unit vectors of the documents and of the queries, by our encoder."""
    before_query, before_passage = PROMPTS[model]
    folder = options.models / model

    def embed(content):
        with tempfile.TemporaryDirectory() as place:
            given, taken = Path(place) / "texts.json", Path(place) / "vectors.f32"
            given.write_text(json.dumps(content), "utf-8")
            commands = f"texts {given}\nvectors {taken}\n"
            command = [options.embed, folder, str(options.threads)]
            subprocess.run(command, input=commands, check=True, text=True, stdout=subprocess.DEVNULL)
            return taken.read_bytes()

    return [
        kept(options, f"craton {model}", [before + text for text in content.values()], embed)
        for before, content in ((before_passage, texts), (before_query, queries))
    ]


def onnx_embed(options, model, texts, queries):
    peer = None

    def embed(content):
        nonlocal peer
        peer = peer or embeddings.Peer(options.models / model, options.threads)
        return peer.embed(content).astype("<f4").tobytes()

    return [kept(options, f"onnxruntime {model}", list(content.values()), embed) for content in (texts, queries)]


def kept(options, by, content, embed):
    """Vectors from a file named after what they are of, made where it is not there."""
    import numpy

    key = hashlib.sha256(json.dumps([by, content]).encode()).hexdigest()[:24]
    path = options.kept / f"{key}.f32"
    if not path.exists():
        partial = path.with_suffix(".partial")
        partial.write_bytes(embed(content))
        partial.rename(path)
    return numpy.fromfile(path, dtype="<f4").reshape(-1, DIMENSION)


def craton(options, texts, queries, vectors, language):
    """The rankings of each of our methods: {method: {query: {document: score}}}."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content, rows in (("corpus", texts, vectors[0]), ("queries", queries, vectors[1])):
            rows_of_text = (json.dumps({"key": key, "text": text}) for key, text in content.items())
            (Path(folder) / f"{name}.jsonl").write_text("\n".join(rows_of_text), "utf-8")
            rows.astype("<f4").tofile(Path(folder) / f"{name}.f32")
        command = [options.search, folder, language, str(LIMIT)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    runs = defaultdict(lambda: defaultdict(dict))
    for line in output.splitlines():
        method, query, document, _, score = line.split("\t")
        runs[f"craton {method}"][query][document] = float(score)
    return runs


def bm25(texts, queries, language):
    import bm25s
    import Stemmer

    stemmer = Stemmer.Stemmer(STEMMED[language].lower()) if language in STEMMED else None
    variants = [("bm25s", [])] + ([("bm25s, stop words", "en")] if language == "en" else [])
    keys, runs = list(texts), {}
    for name, stop_words in variants:
        tokenize = lambda rows: bm25s.tokenize(rows, stopwords=stop_words, stemmer=stemmer, show_progress=False)
        index = bm25s.BM25()
        index.index(tokenize(list(texts.values())), show_progress=False)
        count = min(LIMIT, len(texts))
        found, scores = index.retrieve(tokenize(list(queries.values())), k=count, show_progress=False)
        runs[name] = ranked(queries, keys, found, scores)
    return runs


def exact(texts, queries, vectors):
    import numpy

    similarity = vectors[1] @ vectors[0].T
    best = numpy.argsort(-similarity, axis=1)[:, :LIMIT]
    return ranked(queries, list(texts), best, numpy.take_along_axis(similarity, best, axis=1))


def lance(texts, queries, vectors, language):
    """LanceDB's hybrid search: its full text index and an exact scan of the vectors, merged in each of its two ways."""
    import lancedb
    import pyarrow
    from lancedb.rerankers import LinearCombinationReranker, RRFReranker

    rows = pyarrow.table(
        {
            "key": list(texts),
            "text": list(texts.values()),
            "vector": pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors[0].reshape(-1)), DIMENSION),
        }
    )
    tokens = {"base_tokenizer": "ngram", "ngram_min_length": 1, "ngram_max_length": 2} if language in UNSPACED else {}
    stems = {"stem": language in STEMMED, "remove_stop_words": False, "ascii_folding": False}
    if language in STEMMED:
        stems["language"] = STEMMED[language]
    runs = {}
    with tempfile.TemporaryDirectory() as folder:
        table = lancedb.connect(folder).create_table("documents", rows)
        table.create_fts_index("text", use_tantivy=False, **tokens, **stems)
        for name, merge in (("lancedb rrf", RRFReranker()), ("lancedb linear", LinearCombinationReranker())):
            runs[name] = {}
            for (query, text), vector in zip(queries.items(), vectors[1]):
                asked = table.search(query_type="hybrid").vector(vector).text(text).distance_type("cosine")
                found = asked.rerank(reranker=merge).limit(LIMIT).to_list()
                runs[name][query] = {row["key"]: row["_relevance_score"] for row in found}
    return runs


def ranked(queries, keys, found, scores):
    rows = zip(queries, found, scores)
    return {query: {keys[at]: float(score) for at, score in zip(row, marks)} for query, row, marks in rows}


def measured(runs, judged):
    """{method: {query: (nDCG@10, recall@100)}}"""
    import ir_measures
    from ir_measures import R, nDCG

    measures = [nDCG @ 10, R @ 100]
    values = {}
    for name, run in runs.items():
        values[name] = {query: [0.0, 0.0] for query in judged}
        for metric in ir_measures.iter_calc(measures, judged, run):
            values[name][metric.query_id][measures.index(metric.measure)] = metric.value
    return values


def report(values, queries):
    for name, per_query in values.items():
        ndcg, recall = average([per_query[query] for query in queries])
        print(f"  {name:20} nDCG@10 {ndcg:.4f}  recall@100 {recall:.4f}")
    pairs = [("craton lexical", "bm25s"), ("craton vector", "onnxruntime")]
    pairs += [("craton hybrid", name) for name in values if name.startswith("lancedb") or name in ("craton lexical", "craton vector")]
    for one, other in pairs:
        if other in values:
            difference, low, high = bootstrap([values[one][q][0] - values[other][q][0] for q in queries])
            print(f"  {one} - {other}: nDCG@10 {difference:+.4f} [{low:+.4f}, {high:+.4f}]", flush=True)


def average(marks):
    return [sum(column) / len(marks) for column in zip(*marks)]


def bootstrap(differences):
    import numpy

    differences = numpy.array(differences)
    draws = numpy.random.default_rng(1).choice(differences, size=(10_000, len(differences))).mean(axis=1)
    return differences.mean(), *numpy.percentile(draws, [2.5, 97.5])


if __name__ == "__main__":
    main()
