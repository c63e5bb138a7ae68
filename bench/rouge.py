"""ROUGE of crates/learn against the rouge-score package, pair by pair: random texts, and real ones where there are files.

    pip install rouge-score==0.1.2
    python bench/rouge.py [--pairs 2000] [--texts FILE.jsonl ...]
Each line of a file is an object; all its strings of more than 40 characters are texts. Fails where any number differs by
1e-6 or more.
"""
import argparse
import json
import random
import subprocess
import time

from rouge_score import rouge_scorer

NAMES = ["rouge1", "rouge2", "rougeL", "rougeLsum"]
PARTS = ["heart", "hearts", "lung", "effusion", "effusions", "normal", "normally", "No", "the", "of", "12", "mm", "3.5", "x-ray",
         "generalization", "dying", "skies", "agreed", "hopping", "relational", "geology", "café", "naïve", "İstanbul", "K",
         "it's", "ÄÖ", "中文", "σς", "happily", "sized", "fulfilled", "bbb", "aaaa", "y", "yes", "syzygy", "news"]
BREAKS = [" ", " ", " ", " ", ", ", ". ", "\n", "\n\n", "-", "\t", "\u00a0", ""]


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (s for v in value.values() for s in strings(v))
    elif isinstance(value, list):
        yield from (s for v in value for s in strings(v))


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--pairs", type=int, default=2000)
    arguments.add_argument("--texts", nargs="*", default=[])
    options = arguments.parse_args()
    rng = random.Random(1)
    made = lambda: "".join(rng.choice(PARTS) + rng.choice(BREAKS) for _ in range(rng.randint(0, 60)))
    pairs = [(made(), made()) for _ in range(options.pairs)]
    real = [s[:4000] for name in options.texts for line in open(name, encoding="utf-8") for s in strings(json.loads(line))
            if len(s) > 40]
    pairs += [(rng.choice(real), rng.choice(real)) for _ in range(options.pairs if real else 0)]
    cases = [(p, r, stemming) for p, r in pairs for stemming in (False, True)]
    lines = "\n".join(json.dumps({"prediction": p, "reference": r, "stemming": s}) for p, r, s in cases)
    run = ["cargo", "run", "--release", "--quiet", "--offline", "-p", "learn", "--example", "overlaps"]
    subprocess.run(run, input="", text=True, check=True)
    started = time.perf_counter()
    answer = subprocess.run(run, input=lines, text=True, check=True, capture_output=True).stdout
    ours_took = time.perf_counter() - started
    scorers = {s: rouge_scorer.RougeScorer(NAMES, use_stemmer=s) for s in (False, True)}
    started = time.perf_counter()
    theirs = [[[getattr(scores[n], part) for part in ("precision", "recall", "fmeasure")] for n in NAMES]
              for p, r, s in cases for scores in [scorers[s].score(r, p)]]
    theirs_took = time.perf_counter() - started
    worst = 0.0
    for case, ours, theirs in zip(cases, answer.splitlines(), theirs, strict=True):
        off = max(abs(a - b) for x, y in zip(json.loads(ours), theirs) for a, b in zip(x, y))
        if off >= 1e-6:
            raise SystemExit(f"differs by {off}: {case}")
        worst = max(worst, off)
    print(json.dumps({"pairs": len(pairs), "comparisons": len(cases) * 12, "worst_difference": worst,
                      "craton_seconds": round(ours_took, 2), "rouge_score_seconds": round(theirs_took, 2)}))


main()
