"""A tiny model of random weights in Hugging Face's layout, for scenarios that import one. What it writes is noise, and loads."""

import json
import struct

import numpy

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, CONTEXT = 64, 128, 2, 4, 2, 512
TEMPLATE = ("{% for message in messages %}{% if message['role'] == 'user' %}[INST] {{ message['content'] }} [/INST]"
            "{% else %}{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}")
SPECIAL = ["<unk>", "<s>", "</s>"]


def letters():
    """The character that byte-level BPE has for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (byte for byte in range(256) if byte not in plain)
    return {**{byte: chr(byte) for byte in plain}, **{byte: chr(256 + n) for n, byte in enumerate(others)}}


def tokenizer(vocabulary):
    added = [{"id": vocabulary[text], "content": text, "single_word": False, "lstrip": False, "rstrip": False,
              "normalized": False, "special": True} for text in SPECIAL]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    model = {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
             "fuse_unk": False, "byte_fallback": False, "vocab": vocabulary, "merges": []}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level, "model": model}


def shapes(vocabulary):
    narrow = HIDDEN // HEADS * KV_HEADS
    yield from (("model.embed_tokens.weight", (vocabulary, HIDDEN)), ("model.norm.weight", (HIDDEN,)), ("lm_head.weight", (vocabulary, HIDDEN)))
    for layer in range(LAYERS):
        for name, shape in (("input_layernorm", (HIDDEN,)), ("post_attention_layernorm", (HIDDEN,)),
                            ("self_attn.q_proj", (HIDDEN, HIDDEN)), ("self_attn.k_proj", (narrow, HIDDEN)),
                            ("self_attn.v_proj", (narrow, HIDDEN)), ("self_attn.o_proj", (HIDDEN, HIDDEN)),
                            ("mlp.gate_proj", (INNER, HIDDEN)), ("mlp.up_proj", (INNER, HIDDEN)), ("mlp.down_proj", (HIDDEN, INNER))):
            yield f"model.layers.{layer}.{name}.weight", shape


def safetensors(vocabulary):
    random, header, data = numpy.random.default_rng(7), {"__metadata__": {"format": "pt"}}, b""
    for name, shape in shapes(vocabulary):
        numbers = numpy.ones(shape) if "norm" in name else random.normal(0, 0.05, shape)
        raw = numbers.astype("<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def files():
    """The checkpoint's files: their bytes by name."""
    vocabulary = {text: at for at, text in enumerate([*SPECIAL, *letters().values()])}
    config = {"architectures": ["MistralForCausalLM"], "model_type": "mistral", "vocab_size": len(vocabulary),
              "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
              "num_key_value_heads": KV_HEADS, "hidden_act": "silu", "max_position_embeddings": CONTEXT, "rms_norm_eps": 1e-5,
              "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float16"}
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": TEMPLATE}
    written = {"config.json": config, "tokenizer.json": tokenizer(vocabulary), "tokenizer_config.json": settings,
               "generation_config.json": {"bos_token_id": 1, "eos_token_id": 2}}
    return {name: json.dumps(value).encode() for name, value in written.items()} | {"model.safetensors": safetensors(len(vocabulary))}
