"""Starts and stops the servers that benches measure."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent


def craton_binary():
    """The release build, or the program that CRATON_BIN names."""
    if os.environ.get("CRATON_BIN"):
        return os.environ["CRATON_BIN"]
    metadata = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"], cwd=ROOT,
                              check=True, capture_output=True, text=True).stdout
    return os.path.join(json.loads(metadata)["target_directory"], "release", "craton")


def test_model():
    """The GGUF file that both servers load."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ["HOME"], ".cache")
    folder = os.environ.get("CRATON_TEST_MODELS") or os.path.join(cache, "craton", "test-models")
    return os.path.join(folder, "SmolLM2-135M-Instruct.Q4_1.gguf")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=1) as answer:
                if answer.status == 200:
                    return
        if process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        time.sleep(0.005)
    raise RuntimeError(f"{url} did not answer within {seconds} s")


@contextlib.contextmanager
def running(command, ready, log, env=None):
    """Runs a server until the block ends; yields its process once `ready` answers."""
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
        try:
            wait_for(ready, process)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


class Craton:
    """A Craton server with a fresh data folder; `env` holds the AWS variables for it."""

    def __init__(self, *arguments, binary=None):
        self.binary = binary or craton_binary()
        self.folder = tempfile.TemporaryDirectory()
        self.data = os.path.join(self.folder.name, "data")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.command = [self.binary, "up", "--data-dir", self.data, "--listen", f"127.0.0.1:{self.port}", *arguments]

    def __enter__(self):
        started = time.monotonic()
        self.context = running(self.command, self.url + "/readyz", os.path.join(self.folder.name, "log"))
        self.process = self.context.__enter__()
        self.ready_seconds = time.monotonic() - started
        self.env = json.loads(self.cli("env", "--output", "json"))
        return self

    def __exit__(self, *error):
        self.context.__exit__(*error)
        self.folder.cleanup()

    def cli(self, *arguments):
        """Output of one `craton` command against this server."""
        command = [self.binary, *arguments, "--data-dir", self.data]
        env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        done = subprocess.run(command, capture_output=True, text=True, env=env)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout.strip()
