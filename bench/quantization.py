#!/usr/bin/env python3
"""INT8 against half precision: bytes of the weights, speed of decoding, and whether the answers stay the same.

    scripts/checkpoint/make.sh            # SmolLM2-135M-Instruct as a file in half precision
    cargo build --release
    python bench/quantization.py [--pairs 7] [--tokens 200] [--model FILE.gguf] [--texts FILE.csv.gz] [--count 2000]

`craton models quantize --to q8_0` makes the model; its report has the bytes and the agreement. Decoding is measured through HTTP,
`/v1/completions` at temperature 0 with one client: the time between the first and the last token of a stream, F16 and Q8_0 in turn,
the interval a bootstrap of the median of the pairs' ratios.

The label agreement is of real texts, where there are: `--texts` names a table with the columns `text` and `intent` (CLINC150). Each text
gets the labels of its own intent and five others, drawn with a fixed seed. Without them the fixed tasks of the product are measured, and
that is said.

Bars: weight bytes at most 55 %, decoding at least 1.3 times as fast, label agreement at least 99.5 % of at least 2,000 texts.
"""

import argparse
import csv
import gzip
import http.client
import json
import os
import pathlib
import platform
import random
import statistics
import tempfile
import time

import pairs
import servers

NAME, INT8 = "bench-f16", "bench-f16-q8_0"
PROMPT = "Once upon a time, in a small village at the foot of a mountain, there lived"
#: What bounds are not to stop: the bench states figures.
NO_BOUND = "labels=0,argmax=0,perplexity=1000"


def main():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ["HOME"], ".cache")
    models = pathlib.Path(os.environ.get("CRATON_TEST_MODELS") or os.path.join(cache, "craton", "test-models"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--model", type=pathlib.Path, default=models / "SmolLM2-135M-Instruct-checkpoint" / "reference.gguf")
    parser.add_argument("--texts", type=pathlib.Path, default=os.environ.get("CRATON_BENCH_TEXTS"))
    parser.add_argument("--count", type=int, default=2000)
    options = parser.parse_args()
    if not options.model.exists():
        raise SystemExit(f"{options.model} is missing: run scripts/checkpoint/make.sh")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / f"{NAME}.gguf").symlink_to(options.model.resolve())
        with servers.Craton("--models-dir", str(folder / "models")) as craton:
            print(f"{platform.platform()}, {os.cpu_count()} cores; {options.model.name}", flush=True)
            craton.cli("models", "pull", f"file:{folder / NAME}.gguf")
            arguments = ["--to", "q8_0", "--bound", NO_BOUND]
            if options.texts and options.texts.exists():
                tasks = folder / "tasks.jsonl"
                tasks.write_text("".join(json.dumps(task) + "\n" for task in labelled(options.texts, options.count)))
                arguments += ["--tasks", str(tasks)]
            else:
                print("no table of texts: the fixed tasks are measured")
            started = time.monotonic()
            report = json.loads(craton.cli("models", "quantize", NAME, *arguments, "--output", "json"))
            print(f"quantized and measured in {time.monotonic() - started:.1f} s")
            tell(report)
            key = json.loads(craton.cli("keys", "create", "bench", "--surface", "openai", "--output", "json"))
            token = key["key"]
            for name in (INT8, NAME):
                decode(craton.port, token, name, 16)
            times = pairs.alternate(lambda: decode(craton.port, token, INT8, options.tokens),
                                    lambda: decode(craton.port, token, NAME, options.tokens), options.pairs)
    speeds = [statistics.median([1 / one for one in side]) for side in times]
    middle, low, high = pairs.ratio(times[1], times[0])
    print(f"decode through HTTP: Q8_0 {speeds[0]:.1f} tokens/s, F16 {speeds[1]:.1f} tokens/s")
    print(f"Q8_0 / F16: {middle:.2f} [{low:.2f}, {high:.2f}], bar 1.3")


def labelled(path, count):
    """Texts with the labels of six intents, the right one among them, each time the same."""
    with gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["intent"] != "oos"]
    chance = random.Random(17)
    chance.shuffle(rows)
    intents = sorted({row["intent"] for row in rows})
    for row in rows[:count]:
        labels = [row["intent"], *chance.sample([intent for intent in intents if intent != row["intent"]], 5)]
        chance.shuffle(labels)
        yield {"text": f"Request: {row['text']}\nThis is about the topic", "labels": [label.replace("_", " ") for label in labels]}


def tell(report):
    measured = report["measured"]
    share = report["made"]["weightsBytes"] / report["source"]["weightsBytes"]
    print(f"weight bytes: {share:.1%} of {report['source']['format']}, bar 55 %")
    for title, member in (("label agreement", "labelAgreement"), ("arg-max agreement", "argmaxAgreement")):
        one = measured[member]
        print(f"{title}: {one['share']:.2%} of {one['of']} [{one['low']:.2%}, {one['high']:.2%}]")
    ratio = measured["perplexityRatio"]
    print(f"perplexity: × {ratio['ratio']:.4f} [{ratio['low']:.4f}, {ratio['high']:.4f}]; tasks: {measured['tasks']}", flush=True)


def decode(port, token, model, tokens):
    """Seconds a token, from the first to the last of a stream."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
    body = {"model": model, "prompt": PROMPT, "max_tokens": tokens, "temperature": 0, "stream": True}
    connection.request("POST", "/v1/completions", json.dumps(body),
                       {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(answer.read().decode())
    times = [time.perf_counter() for line in answer if line.startswith(b"data: {")]
    connection.close()
    if len(times) < tokens // 2:
        raise RuntimeError(f"{model} wrote {len(times)} pieces")
    return (times[-1] - times[0]) / (len(times) - 1)


if __name__ == "__main__":
    main()
