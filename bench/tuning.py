#!/usr/bin/env python3
"""Tuned against the default, for each workload: the same model on two servers, one of which has tuned it, through HTTP, in turn.

Usage: tuning.py [--minutes 5] [--pairs 7] [--seconds 10] [--clients 8] [--workloads chat,moderation,judge,embed] [--options "--quantized"]

`craton models tune` runs on one server, for each workload anew; then both answer the same requests, which are not those of the tuner:
other words, through HTTP and with signatures or keys. `chat` are conversations of up to six turns, `moderation` texts of about 120
tokens with verdicts of 4, `judge` a rubric of about 1,500 tokens that all share and five grades that are scored, `embed` sentences.
A measurement is what the clients had answered in so many seconds, each asking again as soon as it had its answer, the requests that
were under way to their end. Where the tuner keeps the default, both sides are the same, and the row says what chance makes of that.

Bar: the tuner never picks a slower profile, so no interval lies below 1.
"""

import argparse
import http.client
import json
import os
import pathlib
import platform
import random
import tempfile
import threading
import time

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import pairs
import servers

WORDS = ("river stone cloud garden winter summer letter engine bridge mountain silver copper window market teacher doctor "
         "ocean forest island village morning evening history science music color number machine travel answer").split()
RUBRIC, JUDGED, POST, TURN, SENTENCE, TURNS = 1200, 60, 90, 30, 18, 6
EMBEDDER = "all-minilm-l6-v2"


class Server:
    """A running server, with what its requests are authenticated by."""

    def __init__(self, craton):
        self.craton = craton
        self.key = craton.cli("keys", "create", "bench", "--surface", "openai")
        env = craton.env
        credentials = botocore.credentials.Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"])
        self.auth = botocore.auth.SigV4Auth(credentials, "craton", env["AWS_DEFAULT_REGION"])

    def post(self, path, body):
        headers, text = {"Content-Type": "application/json"}, json.dumps(body)
        if path.startswith("/v1/"):
            headers["Authorization"] = f"Bearer {self.key}"
        else:
            request = botocore.awsrequest.AWSRequest("POST", self.craton.url + path, data=text, headers=headers)
            self.auth.add_auth(request)
            headers = dict(request.headers)
        connection = http.client.HTTPConnection("127.0.0.1", self.craton.port, timeout=600)
        connection.request("POST", path, text, headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status}: {read[:500]}")
        return json.loads(read)


class Client:
    """One who asks, and asks again when the answer is there; what it asks depends on its number and the round alone."""

    def __init__(self, server, workload, models, number):
        self.server, self.workload, self.models = server, workload, models
        self.random, self.talk = random.Random(number), []

    def words(self, count):
        return " ".join(self.random.choices(WORDS, k=count))

    def ask(self):
        text, embedder = self.models
        if self.workload == "moderation":
            prompt = f"Is this post allowed? Answer with one word.\n\n{self.words(POST)}\n\nVerdict:"
            self.server.post("/v1/completions", {"model": text, "prompt": prompt, "max_tokens": 4, "temperature": 0})
        elif self.workload == "judge":
            rubric = " ".join(random.Random(1).choices(WORDS, k=RUBRIC))
            prompt = f"{rubric}\n\n{self.words(JUDGED)}\n\nGrade:"
            self.server.post("/craton/v1/score", {"model": text, "prompt": prompt, "continuations": [f" {grade}" for grade in range(1, 6)]})
        elif self.workload == "embed":
            self.server.post("/v1/embeddings", {"model": embedder, "input": self.words(SENTENCE)})
        else:
            self.chat(text)

    def chat(self, model):
        if len(self.talk) >= 2 * TURNS:
            self.talk = []
        self.talk.append({"role": "user", "content": self.words(TURN)})
        body = {"model": model, "messages": self.talk, "max_tokens": 48, "temperature": 0}
        answer = self.server.post("/v1/chat/completions", body)["choices"][0]["message"]["content"]
        self.talk.append({"role": "assistant", "content": answer or "yes"})


def play(server, workload, models, clients, seconds, seed):
    """Requests a second."""
    asking = [Client(server, workload, models, seed * 1000 + number) for number in range(clients)]
    counts, failures = [0] * clients, []
    until = time.perf_counter() + seconds

    def run(index):
        try:
            while not failures and (counts[index] == 0 or time.perf_counter() < until):
                asking[index].ask()
                counts[index] += 1
        except Exception as error:  # noqa: BLE001 - the bench reports it and fails
            failures.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(counts) / (time.perf_counter() - started)


def tune(server, workload, model, options):
    """Tunes the model; tells what was chosen."""
    arguments = ["models", "tune", model, "--workload", workload, "--slo", options.slo, "--minutes", str(options.minutes),
                 "--clients", str(options.clients), "--output", "json"]
    # Only generating models have what may be allowed.
    report = json.loads(server.craton.cli(*arguments, *(options.options.split() if workload != "embed" else [])))
    machine, gain = report["machine"], report["gain"]
    chosen = report["points"][report["chosen"]]
    gain = f"x {gain['median']:.2f} [{gain['low']:.2f}, {gain['high']:.2f}]" if gain else "the default"
    print(f"{workload}: {len(report['points'])} candidates, memory {machine['bandwidthBytesPerSecond'] / 1e9:.1f} GB/s, chosen {gain}: "
          f"{json.dumps(chosen['settings'])}, {chosen['secondsPer1000']:.1f} s of this machine for 1,000 requests", flush=True)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--slo", default="p95=60s")
    parser.add_argument("--workloads", default="chat,moderation,judge,embed")
    parser.add_argument("--options", default="", help="more options of `craton models tune`")
    parser.add_argument("--model", type=pathlib.Path, default=pathlib.Path(servers.test_model()))
    options = parser.parse_args()
    workloads = options.workloads.split(",")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        library = ["--models-dir", os.path.join(folder, "models")]
        with servers.Craton(*library) as one, servers.Craton(*library) as other:
            one.cli("models", "pull", f"file:{options.model}")
            if "embed" in workloads:
                one.cli("models", "pull", EMBEDDER)
            cards = json.loads(one.cli("models", "list", "--output", "json"))["items"]
            text = next(card["name"] for card in cards if card["state"] == "ready" and card["kind"] == "text")
            tuned, default, models = Server(one), Server(other), (text, EMBEDDER)
            print(f"{platform.platform()}, {os.cpu_count()} cores; {options.model.name}, {options.clients} clients, "
                  f"tuned for {options.minutes:g} minutes each\n", flush=True)
            for workload in workloads:
                model = EMBEDDER if workload == "embed" else text
                report = tune(tuned, workload, model, options)
                number = iter(range(1, 1 << 30))
                measure = lambda server: play(server, workload, models, options.clients, options.seconds, next(number))  # noqa: B023, E731
                measure(tuned), measure(default)
                figures = pairs.alternate(lambda: measure(tuned), lambda: measure(default), options.pairs)
                kept = " (the default was kept)" if report["chosenIsDefault"] else ""
                rows.append(pairs.row(f"{workload}{kept}", "requests/s", *figures))
                if not report["chosenIsDefault"]:
                    one.cli("models", "tuning", "reset", model)
    print("\n" + pairs.HEAD.replace("Craton", "tuned").replace("peer", "default"))
    print("\n".join(rows))


if __name__ == "__main__":
    main()
