#!/usr/bin/env python3
"""Embeddings with all-MiniLM-L6-v2: Craton's encoder against ONNX Runtime, in turn, on the same threads.

    python3 -m venv .venv && .venv/bin/pip install numpy onnx==1.23.2 onnxruntime==1.32.0 safetensors tokenizers==0.23.3
    cargo build --release -p inference-encoder --example embed_bench
    .venv/bin/python bench/embeddings.py [--pairs 7] [--threads 2] [--sentences 1000,10000,mixed]

Both sides are loaded once, then embed the same sentences alternately, tokenizing included. The peer gets what serves it
best: the same single-precision weights in a graph of ONNX Runtime's own fused operators, all optimisations on, sentences
sorted by length in batches of 64 padded to their longest, tokenized in parallel by Hugging Face's `tokenizers`.
A ratio above 1 means that Craton is faster. The interval is a bootstrap of the median of the pairs' ratios.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
MODELS = Path(os.environ.get("CRATON_TEST_MODELS") or CACHE / "craton/test-models")
HIDDEN, HEADS, LAYERS, EPSILON = 384, 12, 6, 1e-12
MAX_TOKENS = 256
BATCH = 64


def main():
    options = parse_options()
    os.environ["RAYON_NUM_THREADS"] = str(options.threads)  # read by `tokenizers` when it is first used
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    import onnxruntime
    import tokenizers

    model = options.models / "all-MiniLM-L6-v2"
    peer = Peer(model, options.threads)
    ours = Ours(options.binary, model, options.threads)
    print(f"{cpu_name()}, {options.threads} threads, {platform.platform()}")
    print(f"peer: onnxruntime {onnxruntime.__version__}, tokenizers {tokenizers.__version__}")
    for name in options.sentences.split(","):
        compare(name, sentences(name, model), peer, ours, options.pairs)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--sentences", default="1000,10000,mixed")
    parser.add_argument("--models", type=Path, default=MODELS)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
    parser.add_argument("--binary", type=Path, default=target / "release/examples/embed_bench")
    return parser.parse_args()


def sentences(name, model):
    """`1000`, `10000`: sentences of about 15 words; `mixed`: 500 texts of 3 to 180 words, most of them short."""
    rng = random.Random(20260101)
    words = [w for w in (model / "vocab.txt").read_text("utf-8").split("\n") if w.isascii() and w.isalpha() and len(w) > 2]

    def sentence(count):
        return " ".join(rng.choice(words) for _ in range(count)).capitalize() + "."

    if name == "mixed":
        return [sentence(min(180, max(3, round(rng.lognormvariate(3.0, 0.9))))) for _ in range(500)]
    return [sentence(rng.randint(10, 16)) for _ in range(int(name))]


def compare(name, texts, peer, ours, pairs):
    import numpy

    ours.prepare(texts)
    peer.embed(texts[:500])
    reference, actual = peer.embed(texts), ours.vectors()
    cosine = (reference * actual).sum(axis=1).min()
    tokens = sum(len(e.ids) for e in peer.tokenizer.encode_batch(texts))
    peer_seconds, our_seconds = [], []
    for pair in range(pairs):
        turns = [lambda: peer_seconds.append(timed(lambda: peer.embed(texts))), lambda: our_seconds.append(ours.embed())]
        for turn in turns if pair % 2 == 0 else reversed(turns):
            turn()
    ratios = numpy.array(peer_seconds) / numpy.array(our_seconds)
    draws = numpy.random.default_rng(1).choice(ratios, size=(10_000, len(ratios)))
    low, high = numpy.percentile(numpy.median(draws, axis=1), [2.5, 97.5])
    print(
        f"{name}: {len(texts)} texts, {tokens / len(texts):.1f} tokens each: "
        f"peer {len(texts) / numpy.median(peer_seconds):.0f}/s, craton {len(texts) / numpy.median(our_seconds):.0f}/s, "
        f"ratio {numpy.median(ratios):.3f} [{low:.3f}, {high:.3f}] over {pairs} pairs, min cosine {cosine:.7f}",
        flush=True,
    )


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Ours:
    """The example binary, driven line by line: it measures each run itself, in its own process."""

    def __init__(self, binary, model, threads):
        if not binary.exists():
            sys.exit(f"error: `{binary}` is not built\nhint: cargo build --release -p inference-encoder --example embed_bench")
        command = [binary, model, str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.folder = tempfile.TemporaryDirectory()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("error: embed_bench ended early")
        return json.loads(answer)

    def prepare(self, texts):
        self.count = len(texts)
        path = Path(self.folder.name) / "texts.json"
        path.write_text(json.dumps(texts))
        self.ask(f"texts {path}")

    def embed(self):
        return self.ask("embed")["seconds"]

    def vectors(self):
        import numpy

        path = Path(self.folder.name) / "vectors.f32"
        self.ask(f"vectors {path}")
        return numpy.fromfile(path, dtype=numpy.float32).reshape(self.count, HIDDEN)


class Peer:
    """ONNX Runtime over a graph of its fused operators."""

    def __init__(self, model, threads):
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        graph = build_graph(model / "model.safetensors").SerializeToString()
        self.session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self.tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(MAX_TOKENS)

    def embed(self, texts):
        import numpy

        rows = [encoding.ids for encoding in self.tokenizer.encode_batch_fast(texts)]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        vectors = numpy.empty((len(texts), HIDDEN), dtype=numpy.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            longest = max(len(rows[i]) for i in batch)
            ids = numpy.zeros((len(batch), longest), dtype=numpy.int32)
            mask = numpy.zeros((len(batch), longest), dtype=numpy.int32)
            for row, i in enumerate(batch):
                ids[row, : len(rows[i])] = rows[i]
                mask[row, : len(rows[i])] = 1
            states = self.session.run(None, {"ids": ids, "mask": mask})[0]
            mean = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1, keepdims=True)
            vectors[batch] = mean / numpy.linalg.norm(mean, axis=1, keepdims=True)
        return vectors


def build_graph(weights_path):
    """The encoder as ONNX Runtime's optimiser for transformers writes it: its fused attention, normalisation and GELU."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    weights = load_file(weights_path)
    nodes, initializers = [], []

    def constant(name, array):
        initializers.append(numpy_helper.from_array(numpy.ascontiguousarray(array, dtype=numpy.float32), name))
        return name

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output] if output else [], **attributes))
        return output

    def tensor(name):
        return constant(name, weights[name])

    def transposed(name):
        return constant(name, weights[name].T)

    embeddings = ["word_embeddings.weight", "position_embeddings.weight", "token_type_embeddings.weight"]
    norm = ["LayerNorm.weight", "LayerNorm.bias"]
    inputs = ["ids", "", *(tensor(f"embeddings.{name}") for name in embeddings + norm), "mask"]
    nodes.append(
        helper.make_node(
            "EmbedLayerNormalization", inputs, ["x", "mask_index"], domain="com.microsoft", epsilon=EPSILON
        )
    )
    x = "x"
    for layer in range(LAYERS):
        base = f"encoder.layer.{layer}"
        parts = [f"{base}.attention.self.{part}" for part in ("query", "key", "value")]
        qkv = constant(f"{base}.qkv", numpy.concatenate([weights[f"{p}.weight"].T for p in parts], axis=1))
        qkv_bias = constant(f"{base}.qkv.bias", numpy.concatenate([weights[f"{p}.bias"] for p in parts]))
        attended = node(
            "Attention", [x, qkv, qkv_bias, "mask"], f"{base}.attended", domain="com.microsoft", num_heads=HEADS
        )
        for dense, source in (("attention.output", None), ("output", "intermediate.dense")):
            inner = attended
            if source:
                wide = node("MatMul", [x, transposed(f"{base}.{source}.weight")], f"{base}.wide")
                inner = node("BiasGelu", [wide, tensor(f"{base}.{source}.bias")], f"{base}.gelu", domain="com.microsoft")
            out = node("MatMul", [inner, transposed(f"{base}.{dense}.dense.weight")], f"{base}.{dense}.product")
            scale, shift = (tensor(f"{base}.{dense}.{part}") for part in norm)
            x = node(
                "SkipLayerNormalization",
                [out, x, scale, shift, tensor(f"{base}.{dense}.dense.bias")],
                f"{base}.{dense}.normed",
                domain="com.microsoft",
                epsilon=EPSILON,
            )
    graph = helper.make_graph(
        nodes,
        "encoder",
        [helper.make_tensor_value_info(name, TensorProto.INT32, ["batch", "length"]) for name in ("ids", "mask")],
        [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", "length", HIDDEN])],
        initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


if __name__ == "__main__":
    main()
