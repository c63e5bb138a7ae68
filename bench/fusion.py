#!/usr/bin/env python3
"""How the default fusion of hybrid search was chosen: nDCG@10 of normalisations, weights and reciprocal ranks.

    scripts/bench.sh fusion --data SCIFACT_FOLDER --data XQUAD_FOLDER

Collections, models and vectors are those of retrieval.py. The words are scored by `bm25s` over stemmed words (characters
and their pairs in Chinese and Thai), each side gives its 100 best, and every fusion is computed in NumPy. `chosen on` is
the mean of SciFact's every other query under both models and of XQuAD's English ones; `held out` are SciFact's other
half under each model and XQuAD's eleven other languages; `worst` is the smallest difference, over XQuAD's languages,
between the fusion and the better of its sides.
"""

import re
import unicodedata

import retrieval

CANDIDATES = 100
TOP = 10


def main():
    import numpy

    options = retrieval.parse_options()
    collections = {name: sides for folder in options.data for name, sides in load(options, folder)}
    print(f"{'fusion':32} {'chosen on':>9}  held out: " + ", ".join(name for name in collections if name.startswith("scifact")) + ", xquad; worst")
    for name, fuse in fusions():
        marks = {key: ndcg(numpy.where(sides["either"], fuse(sides), -1.0), sides["relevant"]) for key, sides in collections.items()}
        scifact = [marks[key] for key in marks if key.startswith("scifact")]
        languages = [key for key in marks if key.startswith("xquad")]
        others = [marks[key].mean() for key in languages if key != "xquad en"]
        english = marks["xquad en"].mean()
        chosen = (numpy.mean([half[0::2].mean() for half in scifact]) + english) / 2
        better = lambda key: max(ndcg(collections[key][side], collections[key]["relevant"]).mean() for side in ("words", "cosine"))
        worst = min(marks[key].mean() - better(key) for key in languages)
        held_out = "  ".join(f"{half[1::2].mean():.4f}" for half in scifact)
        print(f"{name:32} {chosen:9.4f}  {held_out}  {numpy.mean(others):.4f}  {worst:+.4f}", flush=True)


def load(options, folder):
    """Each collection that is searched by itself: its name, and what its two sides give to every query."""
    relevant = {}
    for query, document, _ in retrieval.judgements(folder / "qrels.tsv"):
        relevant.setdefault(query, set()).add(document)
    corpus = retrieval.lines(folder / "corpus.jsonl.gz")
    if not (folder / "queries.jsonl.gz").exists():
        texts = {row["_id"]: f"{row['title']} {row['text']}".strip() for row in corpus}
        queries = {row["_id"]: row["text"] for row in retrieval.lines(folder / "queries.jsonl")}
        for model in retrieval.PROMPTS:
            yield f"scifact {model}", sides(texts, queries, retrieval.ours_embed(options, model, texts, queries), relevant, "en")
        return
    asked = retrieval.lines(folder / "queries.jsonl.gz")
    all_texts, all_queries = ({row["_id"]: row["text"] for row in rows} for rows in (corpus, asked))
    vectors = retrieval.ours_embed(options, "multilingual-e5-small", all_texts, all_queries)
    for language in dict.fromkeys(row["lang"] for row in asked):
        documents = [at for at, row in enumerate(corpus) if row["lang"] == language]
        questions = [at for at, row in enumerate(asked) if row["lang"] == language]
        texts = {corpus[at]["para"]: corpus[at]["text"] for at in documents}
        queries = {asked[at]["qid"]: asked[at]["text"] for at in questions}
        these = vectors[0][documents], vectors[1][questions]
        yield f"xquad {language}", sides(texts, queries, these, relevant, language)


def sides(texts, queries, vectors, relevant, language):
    """Scores of both sides for every query and document, what is among a side's candidates, and the places of what is relevant."""
    import bm25s
    import numpy

    analyse = analyser(language)
    index = bm25s.BM25()
    index.index([analyse(text) for text in texts.values()], show_progress=False)
    known = set(index.vocab_dict)
    terms = [[term for term in analyse(text) if term in known] for text in queries.values()]
    words = numpy.stack([index.get_scores(these) if these else numpy.zeros(len(texts)) for these in terms])
    cosine = vectors[1] @ vectors[0].T
    places = {key: at for at, key in enumerate(texts)}
    ranks = {name: (-scores).argsort(1, kind="stable").argsort(1, kind="stable") for name, scores in (("words", words), ("cosine", cosine))}
    by_words, by_vector = (ranks["words"] < CANDIDATES) & (words > 0), ranks["cosine"] < CANDIDATES
    last = -numpy.sort(-cosine, axis=1)[:, min(CANDIDATES, len(texts)) - 1 :][:, :1]
    return {
        "words": words,
        "cosine": cosine,
        "ranks": ranks,
        "by_words": by_words,
        "by_vector": by_vector,
        "either": by_words | by_vector,
        "last": last,
        "relevant": [{places[key] for key in relevant[query]} for query in queries],
    }


def analyser(language):
    import Stemmer

    stemmer = Stemmer.Stemmer(retrieval.STEMMED[language].lower()) if language in retrieval.STEMMED else None
    pattern = r"[\u4e00-\u9fff\u0e00-\u0e7f]+|[^\W\u4e00-\u9fff\u0e00-\u0e7f][\w\u0900-\u097f]*"

    def analyse(text):
        terms = []
        for word in re.findall(pattern, unicodedata.normalize("NFKC", text).lower()):
            if re.match(r"[\u4e00-\u9fff\u0e00-\u0e7f]", word):
                terms += [*word, *(word[at : at + 2] for at in range(len(word) - 1))]
            else:
                terms.append(stemmer.stemWord(word) if stemmer else word)
        return terms

    return analyse


def fusions():
    import numpy

    def by_best(sides):
        best = sides["words"].max(axis=1, keepdims=True)
        return sides["words"] / numpy.where(best > 0, best, 1)

    def whole_range(sides):
        return (1 + sides["cosine"]) / 2

    def candidates_range(sides):
        spread = sides["cosine"].max(axis=1, keepdims=True) - sides["last"]
        return numpy.clip((sides["cosine"] - sides["last"]) / numpy.maximum(spread, 1e-9), 0, 1)

    def reciprocal(sides, k, weight):
        given = lambda side, among: numpy.where(sides[among], 1 / (k + 1 + sides["ranks"][side]), 0)
        return (1 - weight) * given("words", "by_words") + weight * given("cosine", "by_vector")

    for name, normalise in (("cosine over its whole range", whole_range), ("between the candidates", candidates_range)):
        for weight in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95):
            yield f"{name}, {weight}", lambda s, n=normalise, w=weight: (1 - w) * by_best(s) + w * n(s)
    for k in (5, 10, 20, 60):
        for weight in (0.4, 0.5, 0.6):
            yield f"reciprocal ranks, k {k}, {weight}", lambda s, k=k, w=weight: reciprocal(s, k, w)


def ndcg(scores, relevant):
    import numpy

    gains = 1 / numpy.log2(numpy.arange(TOP) + 2)
    top = numpy.argsort(-scores, axis=1, kind="stable")[:, :TOP]
    hits = numpy.array([[document in wanted for document in row] for row, wanted in zip(top, relevant)])
    ideal = numpy.array([gains[: len(wanted)].sum() for wanted in relevant])
    return hits @ gains / ideal


if __name__ == "__main__":
    main()
