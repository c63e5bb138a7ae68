"""Texts into three labels with 100 examples in the prompt, through HTTP: Craton's scores against llama.cpp's own server that writes
JSON, same GGUF, same threads, same prompt, in turn.

Usage: classification.py FOLDER [--rounds 5] [--texts 300] [--uncached 16] [--threads 2] [--craton OPTIONS]

FOLDER has `router_train_666.csv` and `router_test_1002.csv` with the columns `text` and `class` (CLINC150 in three classes, CC BY 3.0).
Both sides get 100 examples, each a text and its class as JSON, and a text to classify; 8 clients ask at once. Craton scores the three
classes (`POST /craton/v1/score`, by `--normalize`: `choices` reads what tells them apart, `none` the likeliest whole); the peer writes the JSON (`/v1/completions`, temperature 0, until the line ends), which is parsed.
`cached`: the peer as it comes; both sides have answered one text a client before. `uncached`: without its prompt cache, of `--uncached` texts only,
as each takes the peer seconds; the unit is requests a second on both sides.
"""

import argparse
import csv
import http.client
import json
import os
import pathlib
import platform
import random
import statistics
import threading
import time

import generation
import pairs
import servers

LABELS = ("Conversation", "Document_Translation", "Services")
EXAMPLES, CLIENTS, CONTEXT = 100, 8, 4096
TASK = "Each text belongs to one of the classes Conversation, Document_Translation and Services.\n\n"


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return [(row["text"], row["class"]) for row in csv.DictReader(file)]


def one(text, label=None):
    start = f'Text: {text}\nJSON: {{"class": "'
    return start if label is None else f'{start}{label}"}}\n\n'


def examples(train, generator):
    """As many examples of each class as there can be of 100, in random order."""
    by_label = {label: [row for row in train if row[1] == label] for label in LABELS}
    chosen = []
    for left, label in zip((3, 2, 1), sorted(LABELS, key=lambda label: len(by_label[label]))):
        count = min(len(by_label[label]), (EXAMPLES - len(chosen)) // left)
        chosen += generator.sample(by_label[label], count)
    generator.shuffle(chosen)
    return TASK + "".join(one(*row) for row in chosen)


def post(target, path, body):
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=600)
    connection.request("POST", path, json.dumps(body), target.headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{answer.status}: {said[:500]}")
    return json.loads(said)


def by_scores(normalize):
    """The likeliest class: there is nothing to parse."""

    def ask(target, prompt):
        body = {"model": target.model, "prompt": prompt, "continuations": [f'{label}"}}' for label in LABELS],
                "normalize": normalize, "bestOnly": True}
        return LABELS[post(target, "/craton/v1/score", body)["best"]]

    return ask


def by_writing(cached):
    def ask(target, prompt):
        # What is written is the whole JSON, with the blank before it: models write a blank and a word as one token.
        body = {"prompt": prompt.removesuffix(' {"class": "'), "max_tokens": 24, "temperature": 0, "stop": ["\n"], "cache_prompt": cached}
        text = post(target, "/v1/completions", body)["choices"][0]["text"]
        try:
            label = json.loads(text)["class"]
        except (ValueError, KeyError, TypeError):
            return None
        return label if label in LABELS else None

    return ask


def play(ask, target, head, texts):
    """(requests a second, the classes in order)."""
    left, found, failures, lock = list(enumerate(texts)), [None] * len(texts), [], threading.Lock()

    def client():
        while True:
            with lock:
                if not left or failures:
                    return
                number, text = left.pop(0)
            try:
                found[number] = ask(target, head + one(text))
            except Exception as error:  # noqa: BLE001 - the bench reports it and fails
                failures.append(error)

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if failures:
        raise failures[0]
    return len(texts) / (time.perf_counter() - started), found


def tell(side, rows, found):
    right = statistics.fmean(label == row[1] for row, label in zip(rows, found))
    print(f"  {side}: {right:.1%} right, {sum(label is None for label in found)} of {len(found)} answers could not be read", flush=True)


def case(name, ours, peer, ask, asked, options):
    """Both sides answer the same texts in turn."""
    peers_cache = name == "cached"
    train, test, count = asked
    generator, speeds, found = random.Random(1), ([], []), ([], [])
    told = []
    for number in range(options.rounds):
        head, chosen = examples(train, generator), generator.sample(test, count)
        texts = [text for text, _ in chosen]
        told += chosen
        for side in ((0, 1) if number % 2 == 0 else (1, 0)):
            target, how = ((ours, by_scores(options.normalize)), (peer, ask))[side]
            # So that each of the peer's slots has read the examples, where it may keep them.
            play(how, target, head, [f"hello {client}" for client in range(CLIENTS if peers_cache else 1)])
            speed, labels = play(how, target, head, texts)
            speeds[side].append(speed)
            found[side].extend(labels)
            print(f"  {name} round {number} {('Craton', 'peer')[side]}: {speed:.2f}/s", flush=True)
    tell("Craton", told, found[0])
    tell("peer", told, found[1])
    print(pairs.HEAD)
    print(pairs.row(name, "requests/s", *speeds), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--texts", type=int, default=300)
    parser.add_argument("--uncached", type=int, default=16)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--normalize", default="choices", choices=["choices", "none", "tokens", "bytes"])
    parser.add_argument("--craton", default="", help="more options of `craton up`")
    options = parser.parse_args()
    if not (options.folder / "router_train_666.csv").exists():
        raise SystemExit(f"{options.folder} has no router_train_666.csv")
    train, test = rows(options.folder / "router_train_666.csv"), rows(options.folder / "router_test_1002.csv")
    print(f"{platform.platform()}, {os.cpu_count()} cores, {options.threads} threads, {CLIENTS} clients", flush=True)
    with generation.craton(servers.test_model(), options.threads, options.craton.split()) as ours:
        for name, count, more in (("cached", options.texts, []), ("uncached", options.uncached, ["--cache-ram", "0"])):
            context, port = generation.peer_server(generation.peer_folder(), "plain", options.threads, servers.test_model(), CONTEXT, more)
            with context:
                case(name, ours, generation.Target(port, "any"), by_writing(name == "cached"), (train, test, count), options)


if __name__ == "__main__":
    main()
