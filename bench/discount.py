#!/usr/bin/env python3
"""The shop's question of each chat model at hand: answers as they come, right or wrong.

    cargo build --release
    python bench/discount.py [--model FILE.gguf …] [--quantize q8_0] [--tokens 400]

Asks "Hello!" and the price of a shirt after two discounts (36 dollars: the second is taken of what the first leaves), at temperature 0.1 and
top_p 0.9 with a fixed seed, through `/v1/chat/completions`. Every chat model of the library that is given or made here is asked; a model is
right if the last sum of money in its answer is 36 dollars. Prints a table for docs/benchmarks.md, and the answers whole.
"""

import argparse
import json
import os
import pathlib
import platform
import re
import tempfile
import urllib.request

import servers

PRICE = ("A store is having a 20% off sale, and you have an additional 10% off coupon. If you buy a shirt that originally costs $50, "
         "how much will you pay?")
RIGHT = 36.0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, action="append", default=[])
    parser.add_argument("--quantize", default="")
    parser.add_argument("--tokens", type=int, default=400)
    options = parser.parse_args()
    files = options.model or [pathlib.Path(servers.test_model())]
    with tempfile.TemporaryDirectory() as folder:
        with servers.Craton("--models-dir", os.path.join(folder, "models")) as craton:
            names = []
            for file in files:
                link = pathlib.Path(folder) / f"{file.stem.lower()}.gguf"
                link.symlink_to(file.resolve())
                names.append(json.loads(craton.cli("models", "pull", f"file:{link}", "--output", "json"))["output"]["name"])
            for kind in filter(None, options.quantize.split(",")):
                craton.cli("models", "quantize", names[0], "--to", kind, "--bound", "labels=0,argmax=0,perplexity=1000", "--allow-requantize")
                names.append(f"{names[0]}-{kind}")
            key = craton.cli("keys", "create", "bench", "--surface", "openai")
            print(f"{platform.platform()}, {os.cpu_count()} cores\n\n| model | says hello | price | right |\n|---|---|---|---|")
            answers = [(name, ask(craton, key, name, "Hello!", 60), ask(craton, key, name, PRICE, options.tokens)) for name in names]
    for name, hello, price in answers:
        found = last_sum(price)
        shown = "no sum" if found is None else f"${found:g}"
        print(f"| {name} | {hello.strip().splitlines()[0][:60]} | {shown} | {'yes' if found == RIGHT else 'no'} |")
    for name, hello, price in answers:
        print(f"\n### {name}\n\n> {hello.strip()}\n\n> " + price.strip().replace("\n", "\n> "))


def ask(craton, key, model, question, tokens):
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": tokens, "temperature": 0.1, "top_p": 0.9,
            "seed": 7}
    request = urllib.request.Request(craton.url + "/v1/chat/completions", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def last_sum(text):
    """The last sum of money in an answer."""
    found = re.findall(r"\$\s*([0-9]+(?:\.[0-9]+)?)", text)
    return float(found[-1]) if found else None


if __name__ == "__main__":
    main()
