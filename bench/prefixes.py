"""Many requests that share long prefixes, through HTTP: Craton against llama.cpp's own server, same GGUF, same threads.

Usage: prefixes.py [--rounds 3] [--requests 300] [--prefixes 20] [--threads 2] [--cases default,off,one]

300 requests over 20 different prefixes of 1,500 tokens in random order, each with a tail of 30 tokens and an answer of 5,
by 8 clients at once. Both sides first answer each prefix once (that pass is timed too, as the cold one). `default` is the
peer as it comes, `off` the peer without its prompt cache in memory, `one` one prefix for all requests.
"""

import argparse
import os
import random
import statistics
import threading
import time

import generation
import pairs
import servers

PREFIX, TAIL, ANSWER, CLIENTS = 1500, 30, 5, 8


def texts(prompts, prefixes, requests, seed):
    """Pairs of a prefix and a prompt that begins with it, in random order."""
    generator = random.Random(seed)
    heads = [prompts.make(PREFIX) for _ in range(prefixes)]
    tails = [" ".join(generator.choices(prompts.words, k=TAIL)) for _ in range(requests)]
    return heads, [f"{generator.choice(heads)} {tail}" for tail in tails]


def play(target, work):
    """Seconds in which CLIENTS clients get all prompts answered, and each request's seconds."""
    left, times, failures, lock = list(enumerate(work)), [], [], threading.Lock()

    def client():
        while True:
            with lock:
                if not left:
                    return
                number, prompt = left.pop(0)
            try:
                _, seconds, _ = target.complete(prompt, ANSWER, number, PREFIX + TAIL)
                times.append(seconds)
            except Exception as error:  # noqa: BLE001 - the bench reports it and fails
                failures.append(error)
                return

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for each in clients:
        each.start()
    for each in clients:
        each.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - started, times


def case(name, ours, peer, prompts, asked, rounds):
    cold, warm = ([], []), ([], [])
    for number in range(rounds):
        heads, work = texts(prompts, asked[0], asked[1], number)
        first = [f"{head} {' '.join(prompts.words[:1] * TAIL)}" for head in heads]
        for side in ((0, 1) if number % 2 == 0 else (1, 0)):
            target = (ours, peer)[side]
            cold[side].append(len(first) / play(target, first)[0])
            seconds, times = play(target, work)
            warm[side].append(len(work) / seconds)
            print(f"  {name} round {number} {('Craton', 'peer')[side]}: cold {cold[side][-1]:.3f}/s, warm {warm[side][-1]:.2f}/s, "
                  f"median {statistics.median(times):.3f} s", flush=True)
    print(pairs.HEAD)
    print(pairs.row(f"{name}, first pass", "requests/s", *cold))
    print(pairs.row(f"{name}, then", "requests/s", *warm), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--prefixes", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", default="default,off,one")
    parser.add_argument("--craton", default="", help="more options of `craton up`")
    given = parser.parse_args()
    model, folder = servers.test_model(), generation.peer_folder()
    with generation.craton(model, given.threads, given.craton.split()) as ours:
        for name in given.cases.split(","):
            options = ["--cache-ram", "0"] if name == "off" else []
            context, port = generation.peer_server(folder, "plain", given.threads, model, context=2048, more=options)
            with context:
                prompts = generation.Prompts(port)
                prefixes = 1 if name == "one" else given.prefixes
                case(name, ours, generation.Target(port, "any"), prompts, (prefixes, given.requests), given.rounds)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    main()
