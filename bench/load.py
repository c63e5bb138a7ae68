"""64 clients of four accounts for ten minutes, mixed: what is refused, how long a first token takes, whether memory grows.

Usage: load.py [--clients 64] [--minutes 10] [--craton OPTIONS]

Each client asks one thing after another, chosen at random with a fixed seed: conversations that go on, prompts that share a long beginning,
answers of a schema, texts to choose labels for, and embeddings. Every answer is looked at: whole, of its schema, of its length.
Refusals with 429 are waited out as their `Retry-After` says and counted; anything else that goes wrong is told and makes the bench fail.
Memory is the server's resident set, read every few seconds; its growth is the median of the last fifth against the second fifth.
"""

import argparse
import collections
import http.client
import json
import os
import platform
import random
import statistics
import sys
import threading
import time

import generation
import servers

ACCOUNTS = 4
SCHEMA = {"type": "object", "properties": {"label": {"enum": ["good", "bad"]}, "stars": {"type": "integer", "minimum": 1, "maximum": 5}},
          "required": ["label", "stars"], "additionalProperties": False}


def text(generator, words):
    return " ".join(generator.choices(generation.WORDS, k=words))


class Client(threading.Thread):
    """One client with a key of one account."""

    def __init__(self, number, port, key, models, stopped, told):
        super().__init__()
        self.random, self.port = random.Random(number), port
        self.headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        self.chat_model, self.embedding_model = models
        self.stopped, self.told = stopped, told
        self.talk = []
        account = number % ACCOUNTS
        # Two rubrics an account, so that prefixes are shared within accounts.
        self.rubrics = [text(random.Random(f"{account} {rubric}"), 400) for rubric in range(2)]

    def run(self):
        kinds = [self.converse, self.judge, self.form, self.choose, self.embed]
        while not self.stopped.is_set():
            kind = self.random.choices(kinds, weights=(3, 4, 1, 1, 1))[0]
            try:
                self.told.count(kind.__name__, "answered" if kind() else "throttled")
            except Exception as error:  # noqa: BLE001 - told, and the bench fails
                self.told.count(kind.__name__, "failed")
                self.told.failures.append(f"{kind.__name__}: {error!r}")

    def post(self, path, body):
        """The answer's bytes, and the seconds to its first event; none where it was refused for now."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=600)
        try:
            started, first = time.perf_counter(), None
            connection.request("POST", path, json.dumps(body), self.headers)
            answer = connection.getresponse()
            if answer.status == 429:
                answer.read()
                self.stopped.wait(float(answer.headers.get("Retry-After") or 1))
                return None
            lines = []
            for line in answer:
                if first is None and line.strip():
                    first = time.perf_counter() - started
                lines.append(line)
            if answer.status != 200:
                raise RuntimeError(f"{answer.status}: {b''.join(lines)[:300]}")
            return b"".join(lines), first
        finally:
            connection.close()

    def stream(self, body):
        """The text of a streamed conversation."""
        said = self.post("/v1/chat/completions", {"model": self.chat_model, "stream": True, **body})
        if said is None:
            return None
        raw, first = said
        if b"data: [DONE]" not in raw:
            raise RuntimeError(f"a stream that is not whole: {raw[-200:]}")
        self.told.first.append(first)
        events = [json.loads(line[6:]) for line in raw.splitlines() if line.startswith(b"data: {")]
        return "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])

    def converse(self):
        if len(self.talk) >= 8:
            self.talk = []
        asked = {"role": "user", "content": f"Tell me about {text(self.random, 12)}."}
        said = self.stream({"messages": [*self.talk, asked], "max_tokens": 32, "temperature": 0.7})
        if said is not None:
            self.talk += [asked, {"role": "assistant", "content": said or "…"}]
        return said is not None

    def judge(self):
        messages = [{"role": "system", "content": self.random.choice(self.rubrics)}, {"role": "user", "content": text(self.random, 20)}]
        return self.stream({"messages": messages, "max_tokens": 5, "temperature": 0}) is not None

    def form(self):
        body = {"messages": [{"role": "user", "content": f"Is this good? {text(self.random, 20)}"}], "max_tokens": 60, "temperature": 0,
                "response_format": {"type": "json_schema", "json_schema": {"name": "grade", "schema": SCHEMA, "strict": True}}}
        said = self.stream(body)
        if said is not None and json.loads(said)["label"] not in ("good", "bad"):
            raise RuntimeError(f"not of the schema: {said}")
        return said is not None

    def choose(self):
        body = {"model": self.chat_model, "prompt": f"{self.rubrics[0]} {text(self.random, 20)}", "continuations": [" good", " bad", " fair"]}
        said = self.post("/craton/v1/score", body)
        if said is not None and len(json.loads(said[0])["scores"]) != 3:
            raise RuntimeError(f"not three scores: {said[0][:200]}")
        return said is not None

    def embed(self):
        said = self.post("/v1/embeddings", {"model": self.embedding_model, "input": [text(self.random, 30) for _ in range(4)]})
        if said is not None and len(json.loads(said[0])["data"]) != 4:
            raise RuntimeError(f"not four vectors: {said[0][:200]}")
        return said is not None


class Told:
    """What the clients saw."""

    def __init__(self):
        self.outcomes, self.first, self.failures, self.lock = collections.Counter(), [], [], threading.Lock()

    def count(self, kind, outcome):
        with self.lock:
            self.outcomes[kind, outcome] += 1


def resident(process):
    with open(f"/proc/{process.pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def keys(craton):
    """A key for /v1 of each account."""
    made = [json.loads(craton.cli("accounts", "create", "--output", "json"))["accountId"] for _ in range(ACCOUNTS)]
    return [craton.cli("keys", "create", "load", "--surface", "openai", "--account", account) for account in made]


def watch(craton, seconds, told):
    """The server's memory every few seconds, told once a minute."""
    memory, started, said = [], time.monotonic(), 0
    while (passed := time.monotonic() - started) < seconds:
        time.sleep(min(2.0, seconds - passed))
        memory.append(resident(craton.process))
        if passed // 60 > said:
            said = passed // 60
            with told.lock:
                done = sum(told.outcomes.values())
            print(f"  {said:.0f} min: {done} requests, {memory[-1] / 2**20:.0f} MiB", flush=True)
    return memory


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--craton", default="", help="more options of `craton up`")
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, {options.clients} clients of {ACCOUNTS} accounts, {options.minutes:g} minutes", flush=True)
    told, stopped = Told(), threading.Event()
    with servers.Craton(*options.craton.split()) as craton:
        for model in ("smollm2-135m-instruct", "all-minilm-l6-v2"):
            craton.cli("models", "pull", model)
        own = keys(craton)
        models = ("smollm2-135m-instruct", "all-minilm-l6-v2")
        clients = [Client(number, craton.port, own[number % ACCOUNTS], models, stopped, told) for number in range(options.clients)]
        for client in clients:
            client.start()
        memory = watch(craton, options.minutes * 60, told)
        stopped.set()
        for client in clients:
            client.join()
    report(told, memory, options.minutes)


def report(told, memory, minutes):
    for (kind, outcome), count in sorted(told.outcomes.items()):
        print(f"{kind}: {count} {outcome}")
    answered = sum(count for (_, outcome), count in told.outcomes.items() if outcome == "answered")
    print(f"{answered / minutes / 60:.1f} answers a second; first token: median {statistics.median(told.first):.2f} s, "
          f"p95 {quantile(told.first, 0.95):.2f} s, p99 {quantile(told.first, 0.99):.2f} s, worst {max(told.first):.2f} s")
    fifth = len(memory) // 5
    early, late = statistics.median(memory[fifth:2 * fifth]), statistics.median(memory[-fifth:])
    print(f"memory: {early / 2**20:.0f} MiB in the second fifth, {late / 2**20:.0f} MiB in the last ({late / early - 1:+.1%}), "
          f"most {max(memory) / 2**20:.0f} MiB")
    if told.failures:
        sys.exit(f"{len(told.failures)} requests failed: {told.failures[0]}")
    print("nothing failed but what was throttled")


if __name__ == "__main__":
    main()
