#!/usr/bin/env python3
"""S3: storing and reading objects of 1 KB, 1 MB and 1 GB, against moto's server and a plain copy of a file, in turn in one run.

    python3 -m venv .venv && .venv/bin/pip install -r bench/requirements.txt
    cargo build --release
    .venv/bin/python bench/objects.py [--pairs 5] [--sizes 1KB,1MB,1GB] [--endpoint URL] [--folder FOLDER]

Every side gets the same bytes from the same process over one kept connection, signed with SigV4 over the body's SHA-256,
which is computed before the clock starts. The copy writes the bytes to a file in the same file system and makes them
durable (`fsync`), as Craton does before it answers; moto keeps objects in memory or in an unsynchronised temporary file.
A ratio to moto above 1 means that Craton is faster; the ratio to the copy says how much of the disk's speed is reached.
The interval is a bootstrap of the median of the pairs' ratios.
"""

import argparse
import contextlib
import datetime
import hashlib
import hmac
import http.client
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import pairs
import servers

SIZES = {"1KB": 1 << 10, "1MB": 1 << 20, "1GB": 1 << 30}
#: Requests of one measurement: enough that its time is far above the clock's resolution.
REPEATS = {"1KB": 200, "1MB": 30, "1GB": 1}
BLOCK = 1 << 20
BUCKET = "bench"


class Client:
    """Requests to S3 over one connection: no more of a client than the protocol needs."""

    def __init__(self, url, key, secret):
        self.host = urllib.parse.urlsplit(url).netloc
        self.key, self.secret = key, secret
        self.connection = http.client.HTTPConnection(self.host, timeout=600)

    def signed(self, method, path, digest):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": stamp}
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"{method}\n{path}\n\n{lines}\n{names}\n{digest}"
        scope = f"{day}/us-east-1/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in (day, "us-east-1", "s3", "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        credential = f"{self.key}/{scope}"
        headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={signature}"
        return headers

    def call(self, method, path, body=b"", digest=None):
        headers = self.signed(method, path, digest or hashlib.sha256(body).hexdigest())
        self.connection.request(method, path, body=body if method == "PUT" else None, headers=headers)
        answer = self.connection.getresponse()
        length = 0
        while piece := answer.read(BLOCK):
            length += len(piece)
        if answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path}: {answer.status}")
        return length

    def put(self, key, data, digest):
        self.call("PUT", f"/{BUCKET}/{key}", data, digest)

    def get(self, key, size):
        if self.call("GET", f"/{BUCKET}/{key}") != size:
            raise RuntimeError(f"{key} came back shorter")

    def delete(self, key):
        self.call("DELETE", f"/{BUCKET}/{key}")


class Copy:
    """The plain file: what the file system itself needs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def put(self, key, data, _digest):
        with open(self.folder / key, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    def get(self, key, size):
        length = 0
        with open(self.folder / key, "rb") as file:
            while piece := file.read(BLOCK):
                length += len(piece)
        if length != size:
            raise RuntimeError(f"{key} came back shorter")

    def delete(self, key):
        (self.folder / key).unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--endpoint", help="a server that runs already, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY set for it")
    parser.add_argument("--folder", type=pathlib.Path, help="where data folders and copies are made [default: the temporary folder]")
    options = parser.parse_args()
    tempfile.tempdir = options.folder and str(options.folder)
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {"craton": craton(stack, options.endpoint), "moto": moto(stack, folder), "copy": Copy(folder)}
        for name in ("craton", "moto"):
            sides[name].call("PUT", f"/{BUCKET}")
        print(f"{platform.platform()}, {os.cpu_count()} cores; moto {version('moto')}; file system of {folder}")
        for size in options.sizes.split(","):
            compare(size, sides, options.pairs)


def craton(stack, endpoint):
    if endpoint:
        return Client(endpoint, os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    server = stack.enter_context(servers.Craton())
    return Client(server.url, server.env["AWS_ACCESS_KEY_ID"], server.env["AWS_SECRET_ACCESS_KEY"])


def moto(stack, folder):
    port = servers.free_port()
    program = pathlib.Path(sys.executable).with_name("moto_server")
    command = [str(program), "-H", "127.0.0.1", "-p", str(port)]
    # Large objects go to a file, and that file to the disk that is measured.
    env = {**os.environ, "TMPDIR": str(folder)}
    stack.enter_context(servers.running(command, f"http://127.0.0.1:{port}/moto-api/", folder / "moto.log", env))
    return Client(f"http://127.0.0.1:{port}", "testing", "testing")


def version(package):
    done = subprocess.run([sys.executable, "-m", "pip", "show", package], capture_output=True, text=True, check=True)
    return next(line.split()[1] for line in done.stdout.splitlines() if line.startswith("Version:"))


def compare(size, sides, rounds):
    # `randbytes` gives less than 256 MiB at a time.
    source = random.Random(1)
    pieces = [min(1 << 26, SIZES[size] - at) for at in range(0, SIZES[size], 1 << 26)]
    data = b"".join(source.randbytes(piece) for piece in pieces)
    digest = hashlib.sha256(data).hexdigest()
    times = {name: {"put": [], "get": []} for name in sides}
    for number in range(rounds + 1):
        # The first round warms up; the order changes with each, so that no side always follows the same other.
        order = list(sides)[number % 3:] + list(sides)[:number % 3]
        for name in order:
            put, get = measured(sides[name], size, data, digest)
            if number:
                times[name]["put"].append(put)
                times[name]["get"].append(get)
    for what in ("put", "get"):
        report(size, what, {name: taken[what] for name, taken in times.items()})


def measured(side, size, data, digest):
    """Seconds of one PUT and of one GET."""
    keys = [f"object-{number}" for number in range(REPEATS[size])]
    start = time.perf_counter()
    for key in keys:
        side.put(key, data, digest)
    put = (time.perf_counter() - start) / len(keys)
    start = time.perf_counter()
    for key in keys:
        side.get(key, len(data))
    get = (time.perf_counter() - start) / len(keys)
    for key in keys:
        side.delete(key)
    return put, get


def report(size, what, times):
    line = [f"{what.upper()} {size}:"]
    for name, taken in times.items():
        middle = statistics.median(taken)
        line.append(f"{name} {middle * 1000:.2f} ms ({SIZES[size] / middle / 2**20:.1f} MiB/s)")
    for peer in ("moto", "copy"):
        middle, low, high = pairs.ratio(times[peer], times["craton"])
        line.append(f"{peer}/craton {middle:.2f} [{low:.2f}, {high:.2f}]")
    print("  ".join(line), flush=True)


if __name__ == "__main__":
    main()
