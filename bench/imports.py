#!/usr/bin/env python3
"""Model import: a made-up checkpoint of 1 GB in half precision, from an encrypted bucket into an encrypted model, against
`cp` and `fsync` of the same safetensors file, in turn in one run.

    python3 -m venv .venv && .venv/bin/pip install -r bench/requirements.txt
    cargo build --release
    .venv/bin/python bench/imports.py [--pairs 5] [--gigabytes 1] [--folder FOLDER]

An import is timed from the request to the end of the stage `importing the weights`, when the model's file is durable; the
measuring of its quality and the trial follow and are not timed: the job is cancelled then. Before each side all files are
dropped from the page cache (`posix_fadvise`), so both read from the disk. The checkpoint lies in a bucket whose objects are
encrypted under a key of the account; the model is encrypted under another. The peak is the most resident memory of the
server between the request and the end of the stage, looked at every 5 ms, above what it had when it had just started.

A ratio above 1 means that the import is faster than the copy.
"""

import argparse
import contextlib
import http.client
import json
import math
import os
import pathlib
import platform
import random
import shutil
import statistics
import struct
import tempfile
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session

import pairs
import servers

BUCKET, PREFIX, ROLE = "checkpoints", "model/", "BenchImporter"
#: Sizes of a layer: 134 MB of it.
HIDDEN, INNER, HEADS = 2048, 8192, 16
BLOCK = 1 << 20


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--gigabytes", type=float, default=1)
    parser.add_argument("--folder", type=pathlib.Path, help="where all files are made [default: the temporary folder]")
    options = parser.parse_args()
    tempfile.tempdir = options.folder and str(options.folder)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        source = folder / "checkpoint"
        make(source, options.gigabytes)
        weights = source / "model.safetensors"
        size = weights.stat().st_size
        craton = stack.enter_context(servers.Craton())
        importer = Importer(craton, source)
        print(f"{platform.platform()}, {os.cpu_count()} cores; {size / 1e9:.2f} GB; file system of {folder}", flush=True)
        peaks = []

        def ours():
            cold(folder)
            cold(pathlib.Path(craton.folder.name))
            seconds, peak = importer.measure()
            peaks.append(peak)
            return seconds

        def copy():
            cold(folder)
            return copied(weights, folder / "copy")

        importer.measure()
        copied(weights, folder / "copy")
        peaks.clear()
        times = pairs.alternate(ours, copy, options.pairs)
    for name, taken in zip(("craton", "cp + fsync"), times):
        middle = statistics.median(taken)
        print(f"{name}: {middle:.2f} s ({size / middle / 1e6:.0f} MB/s), {min(taken):.2f} to {max(taken):.2f} s")
    middle, low, high = pairs.ratio(times[1], times[0])
    print(f"cp / craton: {middle:.2f} [{low:.2f}, {high:.2f}]")
    print(f"peak memory above idle: {max(peaks):.0f} MB")


def make(folder, gigabytes):
    """A Llama of so many layers with a byte-level tokenizer, whose weights are small and random."""
    folder.mkdir()
    letters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
    letters += [chr(256 + at) for at in range(256 - len(letters))]
    tokens = ["<unk>", "<s>", "</s>", *letters]
    shapes = {"model.embed_tokens.weight": (len(tokens), HIDDEN)}
    layers = math.ceil(gigabytes * 1e9 / 2 / (4 * HIDDEN * HIDDEN + 3 * HIDDEN * INNER))
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        for name in ("q", "k", "v", "o"):
            shapes[f"{prefix}self_attn.{name}_proj.weight"] = (HIDDEN, HIDDEN)
        shapes |= {f"{prefix}mlp.{name}_proj.weight": (INNER, HIDDEN) for name in ("gate", "up")}
        shapes[f"{prefix}mlp.down_proj.weight"] = (HIDDEN, INNER)
        shapes |= {f"{prefix}{name}_layernorm.weight": (HIDDEN,) for name in ("input", "post_attention")}
    shapes |= {"model.norm.weight": (HIDDEN,), "lm_head.weight": (len(tokens), HIDDEN)}
    write_weights(folder / "model.safetensors", shapes)
    special = [{"id": at, "content": token, "special": True, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False} for at, token in enumerate(tokens[:3])]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    files = {
        "config.json": {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": len(tokens), "hidden_size": HIDDEN,
            "intermediate_size": INNER, "num_hidden_layers": layers, "num_attention_heads": HEADS,
            "num_key_value_heads": HEADS, "hidden_act": "silu", "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
            "torch_dtype": "float16",
        },
        "tokenizer.json": {
            "version": "1.0", "added_tokens": special, "normalizer": None, "post_processor": None, "decoder": byte_level,
            "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
            "model": {"type": "BPE", "vocab": {token: at for at, token in enumerate(tokens)}, "merges": []},
        },
        "tokenizer_config.json": {
            "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>",
            "chat_template": "{% for m in messages %}{{ m['content'] }}{% endfor %}",
        },
    }
    for name, value in files.items():
        (folder / name).write_text(json.dumps(value))


def write_weights(path, shapes):
    header, at = {}, 0
    for name, shape in shapes.items():
        length = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
        header[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, at + length]}
        at += length
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    source = random.Random(1)
    # Two bytes of which the higher is one of a small number's.
    block = bytearray(source.randbytes(1 << 24))
    block[1::2] = bytes(0x20 + (byte & 0x8F) for byte in block[1::2])
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        while at:
            file.write(block[: min(at, len(block))])
            at -= min(at, len(block))


class Importer:
    """A server with the checkpoint in a bucket, and a role that may import it."""

    def __init__(self, craton, source):
        self.craton = craton
        env = craton.env
        self.idle = resident(craton.process.pid)
        self.region = env["AWS_DEFAULT_REGION"]
        self.credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        session = botocore.session.get_session()
        session._credentials = self.credentials  # noqa: SLF001 - the environment's own are another server's
        self.client = lambda service: session.create_client(service, self.region, endpoint_url=craton.url)
        kms, s3, iam = self.client("kms"), self.client("s3"), self.client("iam")
        source_key, self.key = (kms.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
        s3.create_bucket(Bucket=BUCKET)
        for path in source.iterdir():
            with open(path, "rb") as body:
                s3.put_object(Bucket=BUCKET, Key=PREFIX + path.name, Body=body, ServerSideEncryption="aws:kms",
                              SSEKMSKeyId=source_key)
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}
        rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "kms:*"], "Resource": "*"}
        document = lambda statement: json.dumps({"Version": "2012-10-17", "Statement": [statement]})  # noqa: E731
        self.role = iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        iam.put_role_policy(RoleName=ROLE, PolicyName="import", PolicyDocument=document(rights))
        self.bedrock, self.number = self.client("bedrock"), 0

    def measure(self):
        """Seconds of an import until its file is durable, and the peak of memory in MB above idle."""
        self.number += 1
        name = f"bench-{self.number}"
        start = time.perf_counter()
        with Peak(self.craton.process.pid) as peak:
            self.bedrock.create_model_import_job(
                jobName=name, importedModelName=name, roleArn=self.role, importedModelKmsKeyId=self.key,
                modelDataSource={"s3DataSource": {"s3Uri": f"s3://{BUCKET}/{PREFIX}"}})
            work = self.call("GET", f"/imports/{name}")["workId"]
            end = self.stage(work, "measuring the quality")
        self.call("POST", f"/jobs/{work}/cancel")
        while self.call("GET", f"/imports/{name}")["status"] == "InProgress":
            time.sleep(0.1)
        return end - start, peak.megabytes - self.idle

    def stage(self, work, message):
        """When the job says that it has come to a stage."""
        answer = self.send("GET", f"/jobs/{work}/events")
        for line in answer:
            now = time.perf_counter()
            if not line.startswith(b"data:"):
                continue
            job = json.loads(line[5:])
            job = job.get("job", job)
            if (job.get("progress") or {}).get("message") == message:
                answer.close()
                return now
            if job["state"] in ("failed", "cancelled", "succeeded"):
                raise RuntimeError(f"the import has ended: {job}")
        raise RuntimeError("the job's events ended")

    def call(self, method, path):
        with contextlib.closing(self.send(method, path)) as answer:
            return json.loads(answer.read() or b"null")

    def send(self, method, path):
        url = f"{self.craton.url}/craton/v1{path}"
        request = botocore.awsrequest.AWSRequest(method, url, headers={"Content-Type": "application/json"}, data=b"")
        botocore.auth.SigV4Auth(self.credentials, "craton", self.region).add_auth(request)
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=600)
        connection.request(method, urllib.parse.urlsplit(url).path, body=b"", headers=dict(request.headers.items()))
        answer = connection.getresponse()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.read()}")
        return answer


def resident(process):
    """Resident memory in MB, but for files in memory: those hold a model that is loaded, in the stages that are not timed."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("RssAnon", "RssFile"))}
    return sum(map(int, sizes.values())) / 1000


class Peak(threading.Thread):
    """The most resident memory of a process while the value is entered, looked at every 5 ms."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process, self.over, self.megabytes = process, threading.Event(), 0

    def run(self):
        while not self.over.wait(0.005):
            self.megabytes = max(self.megabytes, resident(self.process))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()



def copied(source, target):
    """Seconds of `cp` and `fsync`."""
    start = time.perf_counter()
    shutil.copyfile(source, target)
    with open(target, "rb+") as file:
        os.fsync(file.fileno())
    seconds = time.perf_counter() - start
    target.unlink()
    return seconds


def cold(folder):
    """Nothing of the files is in memory, and nothing of them waits to be written."""
    for path in folder.rglob("*"):
        if path.is_file() and path.stat().st_size > BLOCK:
            with open(path, "rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
