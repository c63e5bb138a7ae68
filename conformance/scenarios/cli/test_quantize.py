"""`craton models quantize`: a model of random weights in half precision, kept in fewer bits."""

import json
import os
import struct
import subprocess

import numpy
import pytest

import checkpoint
from conftest import signed

SOURCE = "quantize-scenario"


def craton(*arguments):
    return subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=600)


def shown(name):
    return json.loads(craton("models", "show", name, "--output", "json").stdout)


def text(value):
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key, value):
    """A metadata entry: a number, a text, or a list of either."""
    kind = {int: 4, float: 6, str: 8}
    plain = lambda value: text(value) if isinstance(value, str) else struct.pack("<I" if isinstance(value, int) else "<f", value)
    if isinstance(value, list):
        head = struct.pack("<IIQ", 9, 5 if isinstance(value[0], int) else 8, len(value))
        return text(key) + head + b"".join(struct.pack("<i", one) if isinstance(one, int) else text(one) for one in value)
    return text(key) + struct.pack("<I", kind[type(value)]) + plain(value)


def gguf():
    """A Llama in half precision, with a vocabulary of bytes."""
    letters = checkpoint.letters()
    tokens = [*checkpoint.SPECIAL, *(letters[byte] for byte in range(256))]
    hidden, inner, heads, narrow = 64, 128, 4, 32
    metadata = {
        "general.architecture": "llama", "general.name": SOURCE, "general.file_type": 1, "llama.block_count": 2,
        "llama.context_length": 2048, "llama.embedding_length": hidden, "llama.feed_forward_length": inner,
        "llama.attention.head_count": heads, "llama.attention.head_count_kv": 2, "llama.rope.dimension_count": hidden // heads,
        "llama.attention.layer_norm_rms_epsilon": 1e-5, "llama.vocab_size": len(tokens), "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm", "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": [3] * 3 + [1] * 256,
        "tokenizer.ggml.merges": ["a b"], "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
    }
    shapes = {"token_embd": (len(tokens), hidden), "output_norm": (hidden,), "output": (len(tokens), hidden)}
    for layer in range(2):
        parts = {"attn_norm": (hidden,), "ffn_norm": (hidden,), "attn_q": (hidden, hidden), "attn_k": (narrow, hidden),
                 "attn_v": (narrow, hidden), "attn_output": (hidden, hidden), "ffn_gate": (inner, hidden),
                 "ffn_up": (inner, hidden), "ffn_down": (hidden, inner)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in parts.items()}
    random, infos, data = numpy.random.default_rng(3), b"", b""
    for name, shape in shapes.items():
        kind, dtype = (1, "<f2") if len(shape) > 1 else (0, "<f4")
        numbers = numpy.ones(shape) if len(shape) == 1 else random.normal(0, 0.3, shape)
        infos += text(f"{name}.weight") + struct.pack("<I", len(shape)) + b"".join(struct.pack("<Q", n) for n in reversed(shape))
        infos += struct.pack("<IQ", kind, len(data))
        data += numbers.astype(dtype).tobytes()
        data += b"\0" * (-len(data) % 32)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(metadata)) + b"".join(entry(*pair) for pair in metadata.items()) + infos
    return head + b"\0" * (-len(head) % 32) + data


@pytest.fixture(scope="module", autouse=True)
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("quantize") / f"{SOURCE}.gguf"
    path.write_bytes(gguf())
    pulled = craton("models", "pull", f"file:{path}")
    assert pulled.returncode == 0, pulled.stderr
    yield
    for name in (SOURCE, f"{SOURCE}-q8_0", f"{SOURCE}-own"):
        craton("models", "remove", name)


def test_a_model_is_kept_in_eight_bits_with_a_report(tmp_path):
    # What random weights make of a text is noise, which a rounding turns over more often than a model's judgement.
    done = craton("models", "quantize", SOURCE, "--to", "Q8_0", "--bound", "labels=0.9,argmax=0.7")
    assert done.returncode == 0, done.stderr
    assert f"{SOURCE}-q8_0 is ready" in done.stdout and "same label" in done.stdout and "craton-labels-1" in done.stdout
    report = shown(f"{SOURCE}-q8_0")["quantization"]
    assert report["accepted"] and report["made"]["weightsBytes"] < 0.56 * report["source"]["weightsBytes"]
    labels = report["measured"]["labelAgreement"]
    assert labels["of"] == 480 and labels["low"] <= labels["share"] <= labels["high"] and labels["low"] >= report["bound"]["labels"]
    body = json.dumps({"model": f"{SOURCE}-q8_0", "prompt": "a", "max_tokens": 4, "temperature": 0}).encode()
    answer = signed("POST", "/v1/completions", "craton", body, {"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    again = craton("models", "quantize", f"{SOURCE}-q8_0", "--to", "q4_k_m")
    assert again.returncode == 1 and "quantized already" in again.stderr and "--allow-requantize" in again.stderr
    taken = craton("models", "quantize", SOURCE, "--to", "q8_0")
    assert taken.returncode == 1 and "There is a model" in taken.stderr


def test_a_broken_bound_leaves_no_model_and_a_report(tmp_path):
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text("".join(json.dumps({"text": f"Is {n} even?", "labels": ["yes", "no"]}) + "\n" for n in range(8)))
    # Eight tasks prove no 90 %, whatever their answers are.
    failed = craton("models", "quantize", SOURCE, "--to", "q4_k_m", "--name", f"{SOURCE}-own", "--tasks", str(tasks),
                    "--bound", "labels=0.9,argmax=0,perplexity=10")
    assert failed.returncode == 1 and "breaks its bound: label agreement" in failed.stderr, failed.stderr
    assert craton("models", "show", f"{SOURCE}-own").returncode == 1
    refused = shown(SOURCE)["refusedQuantizations"]
    assert [report["made"]["name"] for report in refused] == [f"{SOURCE}-own"]
    assert refused[0]["measured"]["tasks"] == "own" and refused[0]["broken"] and not refused[0]["accepted"]
    assert "refused" in craton("models", "show", SOURCE).stdout


def test_what_is_wrong_with_a_request_is_said_at_once():
    for arguments, says in (([SOURCE, "--to", "q2_k"], "no type"), (["no-such-model", "--to", "q8_0"], "no-such-model"),
                            ([SOURCE, "--to", "f16"], "would take"), ([SOURCE, "--to", "q6_k", "--bound", "labels=7"], "labels"),
                            ([SOURCE, "--to", "q8_0", "--name", "Not A Name"], "cannot be a model's name")):
        failed = craton("models", "quantize", *arguments)
        assert failed.returncode == 1 and says in failed.stderr and failed.stderr.startswith("error: "), (arguments, failed.stderr)
