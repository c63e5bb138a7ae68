"""Small checkpoints of random weights in Hugging Face's layout, as files in memory, and the ways in which they are damaged."""

import json
import random
import struct

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
SPECIAL = ["<unk>", "<s>", "</s>"]
MERGES = ["Ġ t", "h e", "Ġt he", "i n", "Ġ a", "l l"]
TEMPLATE = "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %}{{ m.content }}</s>{% endif %}{% endfor %}"


def tokenizer():
    """A byte-level tokenizer: the letters that stand for bytes, and a few merges."""
    plain = [byte for byte in range(256) if 33 <= byte < 127 or 161 <= byte < 173 or 174 <= byte]
    others = iter(range(256, 512))
    letters = [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]
    tokens = SPECIAL + letters + [merge.replace(" ", "") for merge in MERGES]
    bytes_of = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    added = [{"id": at, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
             for at, token in enumerate(SPECIAL)]
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "vocab": {token: at for at, token in enumerate(tokens)}, "merges": MERGES}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": bytes_of, "post_processor": None, "decoder": bytes_of, "model": model}


def numbers(dtype, count, rng):
    """So many numbers near zero: a block of them, repeated."""
    block = [rng.gauss(0, 0.05) for _ in range(min(count, 8192))]
    if dtype == "BF16":
        packed = b"".join(struct.pack("<f", number)[2:] for number in block)
    else:
        packed = struct.pack(f"<{len(block)}{'e' if dtype == 'F16' else 'f'}", *block)
    width = len(packed) // len(block)
    return (packed * (count // len(block) + 1))[:count * width]


def shapes(family, vocabulary, hidden, inner, layers, heads, kv_heads):
    narrow = hidden // heads * kv_heads
    yield "model.embed_tokens.weight", [vocabulary, hidden]
    yield "model.norm.weight", [hidden]
    yield "lm_head.weight", [vocabulary, hidden]
    for layer in range(layers):
        at = f"model.layers.{layer}."
        yield at + "input_layernorm.weight", [hidden]
        yield at + "post_attention_layernorm.weight", [hidden]
        for part, width in (("q", hidden), ("k", narrow), ("v", narrow)):
            yield f"{at}self_attn.{part}_proj.weight", [width, hidden]
            if family == "Qwen2":
                yield f"{at}self_attn.{part}_proj.bias", [width]
        yield at + "self_attn.o_proj.weight", [hidden, hidden]
        yield at + "mlp.gate_proj.weight", [inner, hidden]
        yield at + "mlp.up_proj.weight", [inner, hidden]
        yield at + "mlp.down_proj.weight", [hidden, inner]


def safetensors(tensors):
    """A file of (name, dtype, shape, bytes)."""
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, dtype, shape, raw in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(raw)]}
        at += len(raw)
    return join(header, b"".join(raw for *_, raw in tensors))


def join(header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def split(file):
    length = struct.unpack("<Q", file[:8])[0]
    return json.loads(file[8:8 + length]), file[8 + length:]


def checkpoint(family="Mistral", dtype="F16", shards=1, hidden=64, inner=128, layers=2, heads=4, kv_heads=2, seed=1, template=TEMPLATE):
    """The files of a model: a dictionary from names to bytes."""
    rng, words = random.Random(seed), tokenizer()
    vocabulary = len(words["model"]["vocab"])
    config = {"architectures": [f"{family}ForCausalLM"], "model_type": family.lower(), "vocab_size": vocabulary, "hidden_size": hidden,
              "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
              "hidden_act": "silu", "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
              "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": {"F16": "float16", "BF16": "bfloat16"}.get(dtype, "float32")}
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "model_max_length": 512}
    if template is not None:
        settings["chat_template"] = template
    tensors = []
    for name, shape in shapes(family, vocabulary, hidden, inner, layers, heads, kv_heads):
        count = shape[0] * (shape[1] if len(shape) == 2 else 1)
        tensors.append((name, dtype, shape, numbers(dtype, count, rng)))
    files = {"config.json": config, "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2}, "tokenizer.json": words,
             "tokenizer_config.json": settings}
    files = {name: json.dumps(value).encode() for name, value in files.items()}
    if shards == 1:
        return files | {WEIGHTS: safetensors(tensors)}
    places = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = tensors[shard::shards]
        places |= {tensor[0]: name for tensor in part}
        files[name] = safetensors(part)
    total = sum(len(raw) for *_, raw in tensors)
    return files | {INDEX: json.dumps({"metadata": {"total_size": total}, "weight_map": places}).encode()}


def large():
    """One whose import takes a while: about 53 MB."""
    return checkpoint(shards=2, hidden=384, inner=1536, layers=12, heads=6, kv_heads=3)


def edited(files, name, change):
    """With a JSON file that `change` has been at."""
    document = json.loads(files[name])
    change(document)
    return files | {name: json.dumps(document).encode()}


def reheaded(files, change):
    """With weights whose header `change` has been at: it may change it, or give another."""
    header, data = split(files[WEIGHTS])
    return files | {WEIGHTS: join(change(header) or header, data)}


def without(files, *names):
    return {name: bytes_of for name, bytes_of in files.items() if name not in names}
