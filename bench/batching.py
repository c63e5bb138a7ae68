"""Continuous against static batching on short requests of a fixed shape (moderation): Craton against itself, in turn.

Usage: batching.py [--rounds 5] [--requests 1000] [--clients 32] [--size 8]

Each round both servers get the same texts of 100 to 140 tokens, each different from its first word on, answers of 4 tokens, so many
clients at once. The occupancy is the mean number of sequences in a batch, as the server tells it.
"""

import argparse
import json
import os
import platform
import random
import threading
import time

import generation
import pairs
import servers

ANSWER = 4


def play(target, texts, clients):
    """Requests a second."""
    left, failures, lock = list(enumerate(texts)), [], threading.Lock()

    def client():
        while True:
            with lock:
                if not left or failures:
                    return
                number, (prompt, length) = left.pop(0)
            try:
                target.complete(prompt, ANSWER, number, length)
            except Exception as error:  # noqa: BLE001 - the bench reports it and fails
                failures.append(error)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return len(texts) / (time.perf_counter() - started)


def occupancy(craton):
    """Mean sequences of a batch, of the one loaded model."""
    status = json.loads(craton.cli("status", "--output", "json"))
    return next(model["occupancy"] for model in status["loaded"] if model.get("occupancy"))


def server(stack_options, clients):
    """A server that takes all clients at once, with its model."""
    return servers.Craton("--parallel", str(clients), "--context", "1024", *stack_options)


def ready(craton):
    craton.cli("models", "pull", "file:" + servers.test_model())
    name = next(card["name"] for card in json.loads(craton.cli("models", "list", "--output", "json"))["items"]
                if card["state"] == "ready" and card["kind"] == "text")
    return generation.Target(craton.port, name, craton.cli("keys", "create", "bench", "--surface", "openai"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--size", type=int, default=32)
    options = parser.parse_args()
    print(f"{platform.platform()}, {os.cpu_count()} cores, {options.clients} clients", flush=True)
    static = ["--batching", "static", "--static-size", str(options.size), "--static-max-tokens", str(ANSWER)]
    peer, port = generation.peer_server(generation.peer_folder(), "plain", 1, servers.test_model())
    with peer:
        prompts = generation.Prompts(port)
        shape = random.Random(3)
        rounds = [[(prompts.make(length), length) for length in shape.choices(range(100, 141), k=options.requests)]
                  for _ in range(options.rounds)]
    with server([], options.clients) as continuous, server(static, options.clients) as fixed:
        targets = ready(continuous), ready(fixed)
        speeds = ([], [])
        for target in targets:
            play(target, rounds[0][:options.clients], options.clients)
        for number, texts in enumerate(rounds):
            for side in ((0, 1) if number % 2 == 0 else (1, 0)):
                speeds[side].append(play(targets[side], texts, options.clients))
                print(f"  round {number} {('continuous', 'static')[side]}: {speeds[side][-1]:.2f}/s", flush=True)
        print(pairs.HEAD.replace("Craton", "static").replace("peer", "continuous"))
        print(pairs.row("moderation", "requests/s", speeds[1], speeds[0]))
        print(f"occupancy: continuous {occupancy(continuous):.1f}, static {occupancy(fixed):.1f}")


if __name__ == "__main__":
    main()
