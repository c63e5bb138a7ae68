"""A pool of two llama-servers under load, one of them killed: how many requests are lost before their first token (none may
be), how many streams break, and when the member that comes back is used again.

Usage: pools.py [--clients 8] [--seconds 20]
"""

import argparse
import collections
import contextlib
import json
import os
import platform
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import botocore.config
import botocore.exceptions
import botocore.session

import servers

MODEL = "us.anthropic.claude-3-haiku-20240307-v1:0"


def start(folder, port, log):
    """One llama-server, not yet ready."""
    command = [os.path.join(folder, "plain", "bin", "llama-server"), "-m", servers.test_model(), "--host", "127.0.0.1",
               "--port", str(port), "-t", "1", "-np", "4", "-c", "4096"]
    with open(log, "a") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


def wait_until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("nothing changed in time")
        time.sleep(0.05)


class Load:
    """Clients that stream conversations one after another until they are told to stop."""

    def __init__(self, env, count):
        self.stopped, self.lock = threading.Event(), threading.Lock()
        self.outcomes = collections.Counter()
        self.first, self.lost = [], []
        self.threads = [threading.Thread(target=self.run, args=(env, at)) for at in range(count)]

    def run(self, env, at):
        client = botocore.session.get_session().create_client(
            "bedrock-runtime", endpoint_url=env["AWS_ENDPOINT_URL"], region_name=env["AWS_DEFAULT_REGION"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"], aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            config=botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=120))
        turn = 0
        while not self.stopped.is_set():
            turn += 1
            outcome, first = self.ask(client, f"Client {at}, question {turn}: tell me about the sea.")
            with self.lock:
                self.outcomes[outcome] += 1
                self.first.extend([first] if first else [])

    def ask(self, client, text):
        asked, first = time.monotonic(), None
        try:
            answer = client.converse_stream(modelId=MODEL, messages=[{"role": "user", "content": [{"text": text}]}],
                                            inferenceConfig={"maxTokens": 32, "temperature": 0})
            for event in answer["stream"]:
                if "contentBlockDelta" in event and first is None:
                    first = time.monotonic() - asked
            return "complete", first
        except (botocore.exceptions.ClientError, botocore.exceptions.EventStreamError, botocore.exceptions.HTTPClientError) as error:
            if first is None:
                self.lost.append(str(error))
                return "lost before the first token", None
            return "ended with an error after the first token", first

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


def members(craton):
    pool = json.loads(craton.cli("models", "pool", "show", "chat", "--output", "json"))
    return pool["members"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    folder = subprocess.run([servers.ROOT / "bench/peers.sh"], check=True, capture_output=True, text=True).stdout.strip()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {options.clients} clients, {options.seconds:.0f} s in each state")
    ports = [servers.free_port(), servers.free_port()]
    with tempfile.TemporaryDirectory() as logs, contextlib.ExitStack() as stack, servers.Craton() as craton:
        peers = [start(folder, port, os.path.join(logs, str(port))) for port in ports]
        stack.callback(lambda: [peer.kill() or peer.wait() for peer in peers])
        for peer, port in zip(peers, ports):
            servers.wait_for(f"http://127.0.0.1:{port}/health", peer)
        arguments = [word for port in ports for word in ("--member", f"http://127.0.0.1:{port}/v1=smollm2")]
        craton.cli("models", "pool", "set", "chat", *arguments)
        craton.cli("models", "profile", "route", MODEL, "--to", "here=pool:chat")
        with Load(craton.env, options.clients) as load:
            time.sleep(options.seconds)
            shares = [member["requests"] for member in members(craton)]
            before = load.outcomes.copy()
            peers[0].send_signal(signal.SIGKILL)
            peers[0].wait()
            time.sleep(options.seconds)
            during = load.outcomes - before
            peers[0] = start(folder, ports[0], os.path.join(logs, str(ports[0])))
            servers.wait_for(f"http://127.0.0.1:{ports[0]}/health", peers[0])
            back, served = time.monotonic(), members(craton)[0]["requests"]
            wait_until(lambda: members(craton)[0]["circuit"] == "closed" and members(craton)[0]["requests"] > served)
            back = time.monotonic() - back
            time.sleep(options.seconds)
        print(f"both up: {dict(before)}, requests by member {shares}")
        print(f"one killed: {dict(during)}")
        print(f"all in all: {dict(load.outcomes)}; first token after {statistics.median(load.first):.2f} s (median), "
              f"{max(load.first):.2f} s (worst)")
        print(f"the member that came back is used again after {back:.1f} s")
        for member in members(craton):
            print({name: member[name] for name in ("circuit", "healthy", "requests", "failures", "firstTokenMillis")})
    if load.lost:
        sys.exit(f"{len(load.lost)} requests were lost before their first token: {load.lost[0]}")
    print("no request was lost before its first token")


if __name__ == "__main__":
    main()
