"""Turns a GGUF file of a Llama with byte-level BPE back into a Hugging Face checkpoint in half precision, for tests.

Usage: from_gguf.py GGUF FOLDER [--shards N]

FOLDER gets config.json, generation_config.json, tokenizer.json, tokenizer_config.json, the weights as safetensors in N
shards with their index, and reference.gguf: the same half-precision tensors and the file's own metadata, written by the
`gguf` package. The safetensors hold queries and keys in the order of Hugging Face, the reference in llama.cpp's own.
"""

import argparse
import json
import pathlib

import gguf
import numpy
from safetensors.numpy import save_file

NORMAL, CONTROL = 1, 3
NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def halves(tensor):
    """A tensor's numbers in half precision, the slowest dimension first."""
    return gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float16)


def deinterleaved(rows, heads):
    """llama.cpp's order of a head's rows, undone."""
    return rows.reshape(heads, rows.shape[0] // heads // 2, 2, *rows.shape[1:]).swapaxes(1, 2).reshape(rows.shape)


def checkpoint_name(name):
    parts = name.split(".")
    if parts[0] == "blk":
        return f"model.layers.{parts[1]}.{NAMES[parts[2]]}.{parts[3]}"
    return f"{TOP[parts[0]]}.{parts[1]}"


def config(value, tied):
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": len(value("tokenizer.ggml.tokens")),
        "hidden_size": value("llama.embedding_length"),
        "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"),
        "num_attention_heads": value("llama.attention.head_count"),
        "num_key_value_heads": value("llama.attention.head_count_kv"),
        "max_position_embeddings": value("llama.context_length"),
        "rms_norm_eps": value("llama.attention.layer_norm_rms_epsilon"),
        "rope_theta": value("llama.rope.freq_base"),
        "hidden_act": "silu",
        "attention_bias": False,
        "tie_word_embeddings": tied,
        "bos_token_id": value("tokenizer.ggml.bos_token_id"),
        "eos_token_id": value("tokenizer.ggml.eos_token_id"),
        "torch_dtype": "float16",
    }


def tokenizer(value):
    tokens, kinds = value("tokenizer.ggml.tokens"), value("tokenizer.ggml.token_type")
    assert value("tokenizer.ggml.model") == "gpt2" and value("tokenizer.ggml.pre") == "smollm"
    plain = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    added = [{"id": i, "content": token, **plain, "special": True} for i, token in enumerate(tokens)
             if kinds[i] == CONTROL]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    digits = {"type": "Digits", "individual_digits": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [digits, byte_level]},
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
            "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
            "vocab": {token: i for i, token in enumerate(tokens)}, "merges": value("tokenizer.ggml.merges"),
        },
    }


def tokenizer_config(value):
    tokens = value("tokenizer.ggml.tokens")
    roles = {"bos": "bos", "eos": "eos", "unk": "unknown", "pad": "padding"}
    return {
        "tokenizer_class": "GPT2Tokenizer",
        "chat_template": value("tokenizer.chat_template"),
        **{f"{role}_token": tokens[value(f"tokenizer.ggml.{key}_token_id")] for role, key in roles.items()},
    }


def write_shards(folder, tensors, shards):
    names = sorted(tensors)
    total = sum(tensors[name].nbytes for name in names)
    if shards == 1:
        save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
        return
    parts = [names[at::shards] for at in range(shards)]
    weight_map = {}
    for at, part in enumerate(parts):
        file = f"model-{at + 1:05}-of-{shards:05}.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, metadata={"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1))


def write_reference(path, reader):
    """The tensors in half precision, the vectors in single precision, under the file's own metadata."""
    writer = gguf.GGUFWriter(path, "llama")
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or key in ("general.architecture", "general.file_type"):
            continue
        kind = field.types[0]
        sub = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(key, field.contents(), kind, sub_type=sub)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for tensor in reader.tensors:
        data = halves(tensor)
        writer.add_tensor(tensor.name, data.astype(numpy.float32) if data.ndim == 1 else data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--shards", type=int, default=1)
    options = parser.parse_args()
    reader = gguf.GGUFReader(options.file)
    value = lambda key: reader.fields[key].contents()
    heads = {"attn_q": value("llama.attention.head_count"), "attn_k": value("llama.attention.head_count_kv")}
    tensors = {}
    for tensor in reader.tensors:
        data = halves(tensor)
        kind = tensor.name.split(".")[-2]
        if kind in heads:
            data = deinterleaved(data, heads[kind])
        tensors[checkpoint_name(tensor.name)] = numpy.ascontiguousarray(data)
    options.folder.mkdir(parents=True, exist_ok=True)
    files = {
        "config.json": config(value, "lm_head.weight" not in tensors),
        "generation_config.json": {"eos_token_id": value("tokenizer.ggml.eos_token_id")},
        "tokenizer.json": tokenizer(value),
        "tokenizer_config.json": tokenizer_config(value),
    }
    for name, content in files.items():
        (options.folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1))
    write_shards(options.folder, tensors, options.shards)
    write_reference(options.folder / "reference.gguf", reader)


if __name__ == "__main__":
    main()
