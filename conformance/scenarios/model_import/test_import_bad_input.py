"""Checkpoints that cannot be imported: each failure names the file and what to do, and nothing is left behind."""

import json
import os
import pathlib
import struct
import subprocess

import pytest
from checkpoints import INDEX, WEIGHTS, checkpoint, edited, large, reheaded, without
from conftest import refused
from import_estate import estate

DATA = pathlib.Path(os.environ["CRATON_DATA_DIR"])
Q = "model.layers.0.self_attn.q_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


def model_files():
    return {path for path in DATA.rglob("*.model")}


def lies_of_length(length):
    def change(files):
        return files | {WEIGHTS: struct.pack("<Q", length) + files[WEIGHTS][8:]}
    return change


def header(change):
    return lambda files: reheaded(files, change)


def entry(name, **members):
    def change(head):
        head[name] |= members
    return header(change)


def overlapping(head):
    head["lm_head.weight"]["data_offsets"] = head[EMBEDDING]["data_offsets"]


def renamed(head):
    head["model.layers.0.self_attn.query.weight"] = head.pop(Q)


def shard_outside(files):
    files = edited(files, INDEX, lambda index: index["weight_map"].update({Q: "../other/model.safetensors"}))
    return files | {"../other/model.safetensors": b"x"}


BAD = {
    "truncated weights": (lambda files: files | {WEIGHTS: files[WEIGHTS][:-100]}, [WEIGHTS]),
    "weights of nothing": (lambda files: files | {WEIGHTS: b""}, [WEIGHTS]),
    "weights cut within the header": (lambda files: files | {WEIGHTS: files[WEIGHTS][:50]}, [WEIGHTS]),
    "a header longer than the file": (lies_of_length(1 << 40), [WEIGHTS]),
    "a header of the longest length": (lies_of_length((1 << 64) - 1), [WEIGHTS]),
    "a header shorter than it is": (lies_of_length(40), [WEIGHTS]),
    "a header that is no JSON": (header(lambda _: b"{" + b"x" * 63), [WEIGHTS]),
    "a header that is a list": (header(lambda _: b"[]"), [WEIGHTS]),
    "a header with a name twice": (header(lambda head: json.dumps(head)[:-1].encode() + b', "lm_head.weight": ' + json.dumps(head["lm_head.weight"]).encode() + b"}"), [WEIGHTS]),
    "offsets beyond the file": (entry("lm_head.weight", data_offsets=[0, 1 << 40]), [WEIGHTS, "lm_head.weight"]),
    "offsets that run backwards": (entry("lm_head.weight", data_offsets=[64, 0]), [WEIGHTS]),
    "a shape of other bytes": (entry(Q, shape=[64, 63]), [WEIGHTS, Q]),
    "a shape that overflows": (entry(Q, shape=[1 << 40, 1 << 40]), [WEIGHTS]),
    "a type of other bytes": (entry(Q, dtype="F32"), [WEIGHTS, Q]),
    "a type that does not exist": (entry(Q, dtype="F13"), [WEIGHTS]),
    "overlapping tensors": (header(overlapping), [WEIGHTS]),
    "a tensor that is missing": (header(lambda head: head.pop("model.norm.weight") and None), []),
    "a tensor of another name": (header(renamed), ["query"]),
    "a configuration of more layers": (lambda files: edited(files, "config.json", lambda config: config.update(num_hidden_layers=3)), ["config.json", "model.layers.2."]),
    "a configuration of another width": (lambda files: edited(files, "config.json", lambda config: config.update(intermediate_size=130)), ["mlp."]),
    "a configuration of another vocabulary": (lambda files: edited(files, "config.json", lambda config: config.update(vocab_size=9)), []),
    "a configuration of no heads": (lambda files: edited(files, "config.json", lambda config: config.update(num_attention_heads=0)), ["config.json"]),
    "a configuration that is no JSON": (lambda files: files | {"config.json": b"{"}, ["config.json"]),
    "no configuration": (lambda files: without(files, "config.json"), ["config.json", "missing"]),
    "no tokenizer": (lambda files: without(files, "tokenizer.json"), ["tokenizer.json", "missing"]),
    "a tokenizer that is no JSON": (lambda files: files | {"tokenizer.json": b"\x00"}, ["tokenizer.json"]),
    "a tokenizer of another kind": (lambda files: edited(files, "tokenizer.json", lambda words: words["model"].update(type="Unigram")), ["tokenizer.json"]),
    "no weights": (lambda files: without(files, WEIGHTS), [WEIGHTS]),
    "weights that run code": (lambda files: without(files, WEIGHTS) | {"pytorch_model.bin": b"x"}, ["pytorch_model.bin"]),
    "an architecture that is not known": (lambda files: edited(files, "config.json", lambda config: config.update(architectures=["Gemma2ForCausalLM"], model_type="gemma2")), ["Gemma2ForCausalLM"]),
}
SHARDED = {
    "a missing shard": (lambda files: without(files, "model-00002-of-00003.safetensors"), ["model-00002-of-00003.safetensors"]),
    "a missing index": (lambda files: without(files, INDEX), [INDEX]),
    "an index that is no JSON": (lambda files: files | {INDEX: b"{"}, [INDEX]),
    "an index that names a tensor's wrong shard": (lambda files: edited(files, INDEX, lambda index: index["weight_map"].update({Q: "model-00003-of-00003.safetensors"} if index["weight_map"][Q] != "model-00003-of-00003.safetensors" else {Q: "model-00001-of-00003.safetensors"})), [INDEX, Q]),
    "a path out of the folder": (shard_outside, [INDEX, "../other"]),
    "a path from the root": (lambda files: edited(files, INDEX, lambda index: index["weight_map"].update({Q: "/etc/passwd"})), [INDEX, "/etc/passwd"]),
}


def cases():
    for name, case in BAD.items():
        yield pytest.param(1, *case, id=name)
    for name, case in SHARDED.items():
        yield pytest.param(3, *case, id=name)


@pytest.mark.parametrize("shards, damage, says", list(cases()))
def test_a_damaged_checkpoint_is_refused(estate, shards, damage, says):
    before = model_files()
    message = estate.upload(damage(checkpoint(shards=shards))).failed("The model cannot be imported.", *says)
    assert len(message) <= 2048 and model_files() == before, message
    report = estate.own(estate.bedrock.list_model_import_jobs(nameContains=estate.tag)["modelImportJobSummaries"][0]["jobArn"])["report"]
    report = json.loads(report) if isinstance(report, str) else report
    worst = [finding for finding in report["findings"] if finding["severity"] == "error"]
    assert not report["passes"] and worst and all(finding["fix"] for finding in worst), report


@pytest.mark.parametrize("dtype", ["I8", "F64", "F8_E4M3"])
def test_a_type_that_no_model_is_made_of_is_named(estate, dtype):
    width = {"I8": 1, "F64": 8, "F8_E4M3": 1}[dtype]

    def retyped(head):
        at = head[Q]["data_offsets"]
        head[Q] |= {"dtype": dtype, "shape": [64, (at[1] - at[0]) // 64 // width]}

    estate.upload(reheaded(checkpoint(), retyped)).failed(WEIGHTS, Q)


def test_infinite_weights_are_refused(estate):
    files = checkpoint()
    data = bytearray(files[WEIGHTS])
    data[-4096:] = struct.pack("<e", float("inf")) * 2048
    estate.upload(files | {WEIGHTS: bytes(data)}).failed("The model cannot be imported.")


def test_a_model_without_a_chat_template_is_a_base_model(estate):
    job = estate.upload(checkpoint(template=None)).completed()
    arn = job["importedModelArn"]
    assert estate.bedrock.get_imported_model(modelIdentifier=arn)["instructSupported"] is False
    card = estate.craton("GET", f"/imported-models/{arn.split('/')[1]}").json()["card"]
    assert any("template" in warning for warning in card["warnings"]), card
    assert estate.invoke(arn, {"prompt": "Hi", "max_gen_len": 3})["generation_token_count"] == 3
    turns = [{"role": "user", "content": [{"text": "Hi"}]}]
    refused(lambda: estate.runtime.converse(modelId=arn, messages=turns), "ValidationException", 400, "chat template")
    refused(lambda: estate.invoke(arn, {"messages": [{"role": "user", "content": "Hi"}]}), "ValidationException", 400, "chat template")


def test_a_template_that_does_not_render_is_refused(estate):
    estate.upload(checkpoint(template="{% for m in messages %}{{ m.content ")).failed("tokenizer_config.json")


def test_files_beside_the_model_do_not_matter(estate):
    extra = {"README.md": b"# x", "../secret.txt": b"s", "a/../../b.safetensors": b"b", "optimizer.pt": b"o", "sub/config.json": b"{"}
    estate.upload(checkpoint() | extra).completed()


def test_a_file_that_changes_while_it_is_read_ends_the_import(estate):
    files, before = large(), model_files()
    job = estate.upload(files).ask()[0]
    assert estate.working(job)
    last = "model-00002-of-00002.safetensors"
    estate.upload({last: files[last][:1000]})
    ended = estate.ended(job)
    assert ended["status"] == "Failed" and "was changed while it was read" in ended["failureMessage"] and last in ended["failureMessage"], ended
    assert model_files() == before
    estate.upload(files).completed()


def test_a_file_that_is_deleted_while_it_is_read_ends_the_import(estate):
    before = model_files()
    job = estate.upload(large()).ask()[0]
    assert estate.working(job)
    estate.s3.delete_object(Bucket=estate.bucket, Key="weights/model-00002-of-00002.safetensors")
    ended = estate.ended(job)
    assert ended["status"] == "Failed" and "model-00002-of-00002.safetensors" in ended["failureMessage"], ended
    assert model_files() == before


def test_a_model_cannot_be_deleted_before_it_is_there(estate):
    job, _, model = estate.upload(large()).ask()
    assert estate.working(job)
    refused(lambda: estate.bedrock.delete_imported_model(modelIdentifier=model), "ResourceNotFoundException", 404)
    assert estate.ended(job)["status"] == "Completed"
    estate.bedrock.delete_imported_model(modelIdentifier=model)


def test_a_cancelled_import_leaves_nothing(estate):
    before = model_files()
    job = estate.upload(large()).ask()[0]
    assert estate.working(job)
    assert estate.craton("POST", f"/jobs/{estate.own(job)['workId']}/cancel").status_code == 200
    ended = estate.ended(job)
    assert ended["status"] == "Failed" and "cancelled" in ended["failureMessage"], ended
    assert model_files() == before


@pytest.fixture
def small_disk():
    """Mounts a small disk where the server keeps imported models: a function of its size in bytes."""
    folder = DATA / "imported-models"
    folder.mkdir(exist_ok=True)
    mounted = []

    def mount(size):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True)
        if done.returncode != 0:
            pytest.skip("a small disk cannot be mounted here")
        mounted.append(size)

    yield mount
    for _ in mounted:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_model_that_the_disk_has_no_room_for_is_refused(estate, small_disk):
    small_disk(1 << 16)
    message = estate.upload(checkpoint()).failed("The model cannot be imported.", "MiB of disk are free", "Free space")
    assert "Q8_0" in message, "there is a way to make it smaller"


def test_a_disk_that_fills_up_leaves_no_half_model(estate, small_disk):
    estate.upload(large())
    checked = estate.craton("POST", "/imports/check", {"roleArn": estate.role_arn, "s3Uri": estate.uri()}).json()
    assert checked["passes"], checked
    # The file is a little longer than the model in it.
    small_disk(-(-checked["model"]["modelBytes"] // 4096) * 4096)
    assert estate.failed("The disk is full. Free some space").count("Free") == 1
    assert not list((DATA / "imported-models").iterdir())
