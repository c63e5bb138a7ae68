"""Compares the control of repeated n-grams with Transformers' own code on random sequences, token by token.

    pip download --no-deps -d /tmp/t transformers==4.57.1 && unzip -q /tmp/t/transformers-*.whl -d /tmp/t
    cargo build -p inference --example ngram_bans
    python bench/ngram_exactness.py --transformers /tmp/t target/debug/examples/ngram_bans

In that version `NoRepeatNGramLogitsProcessor` sets to minus infinity what `_calc_banned_ngram_tokens` returns. That function
and the two it calls touch a tensor only by its rows and `tolist`, so they are taken from the package's source and run without
torch. With torch installed and without `--transformers`, the whole processor of any version runs.
"""

import argparse
import ast
import json
import pathlib
import random
import subprocess
import sys

FUNCTIONS = ("_get_ngrams", "_get_generated_ngrams", "_calc_banned_ngram_tokens")


class Row(list):
    """A row of a tensor, as far as those functions use one."""

    def tolist(self):
        return list(self)

    def __getitem__(self, at):
        return Row(super().__getitem__(at)) if isinstance(at, slice) else super().__getitem__(at)


def from_source(folder):
    """The banned tokens after a text, by the functions in the package's source."""
    source = pathlib.Path(folder, "transformers/generation/logits_process.py").read_text()
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in FUNCTIONS]
    assert len(tree.body) == len(FUNCTIONS), "the package has other functions"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
    names = {}
    exec(compile(tree, "logits_process.py", "exec"), names)
    return lambda size, text: names["_calc_banned_ngram_tokens"](size, [Row(text)], 1, len(text))[0]


def from_package():
    """The banned tokens after a text, by the processor itself."""
    import torch
    from transformers import NoRepeatNGramLogitsProcessor

    def banned(size, text):
        scores = torch.zeros((1, 64))
        scores = NoRepeatNGramLogitsProcessor(size)(torch.tensor([text], dtype=torch.long), scores)
        return scores[0].isinf().nonzero().flatten().tolist()

    return banned


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", help="the example ngram_bans")
    parser.add_argument("--transformers", help="a folder with the unpacked package; without it, it is imported with torch")
    parser.add_argument("--sequences", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    reference = from_source(args.transformers) if args.transformers else from_package()
    rng = random.Random(args.seed)
    cases = []
    for _ in range(args.sequences):
        tokens = rng.choice([2, 3, 8, 60])
        text = [[rng.randrange(tokens) for _ in range(rng.randrange(low, 120))] for low in (1, 0)]
        scope = rng.choice(["prompt_and_output", "output"])
        cases.append({"size": rng.randrange(1, 9), "scope": scope, "prompt": text[0], "answer": text[1]})
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    told = subprocess.run([args.program], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(told) == len(cases)
    steps = 0
    for case, line in zip(cases, told):
        start = [] if case["scope"] == "output" else case["prompt"]
        for length, banned in enumerate(json.loads(line)):
            text = start + case["answer"][:length]
            expected = sorted(set(reference(case["size"], text)))
            if banned != expected:
                sys.exit(f"after {text} with size {case['size']}: {banned} instead of {expected}")
            steps += 1
    print(f"{len(cases)} sequences, {steps} tokens: the same tokens are banned as by Transformers")


if __name__ == "__main__":
    main()
