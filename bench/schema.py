"""Answers in JSON of a schema, through HTTP: Craton against llama.cpp's own server with its schema option, same GGUF.

Usage: schema.py [--rounds 7] [--threads 2]

Each round both sides answer the same 16 questions, 1 and then 8 at a time. Tokens are counted by the peer's tokenizer in the
answers' text, so that both sides are measured alike; every answer must be whole and satisfy the schema.
"""

import argparse
import http.client
import json
import os
import threading
import time

import generation
import pairs
import servers

SCHEMA = {
    "type": "object",
    "properties": {
        "product_name": {"type": "string", "maxLength": 24},
        "category": {"enum": ["garden", "kitchen", "office", "outdoor"]},
        "price_in_euro": {"type": "integer", "minimum": 1, "maximum": 999},
        "is_available": {"type": "boolean"},
        "shipping": {
            "type": "object",
            "properties": {"country_of_origin": {"enum": ["France", "Japan", "Peru"]}, "days": {"type": "integer", "minimum": 1, "maximum": 30}},
            "required": ["country_of_origin", "days"],
            "additionalProperties": False,
        },
    },
    "required": ["product_name", "category", "price_in_euro", "is_available", "shipping"],
    "additionalProperties": False,
}
QUESTIONS = [f"Describe the {thing} as JSON." for thing in (
    "red kettle", "garden chair", "desk lamp", "rain coat", "water can", "bread knife", "paper tray", "tent",
    "copper pan", "spade", "stapler", "rucksack", "tea cup", "wheel barrow", "pencil", "compass")]


def ask(target, question, seed):
    body = {"model": target.model, "messages": [{"role": "user", "content": question}], "max_tokens": 200, "temperature": 0.7,
            "seed": seed, "response_format": {"type": "json_schema", "json_schema": {"name": "product", "schema": SCHEMA, "strict": True}}}
    connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=600)
    connection.request("POST", "/v1/chat/completions", json.dumps(body), target.headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    text = answer["choices"][0]["message"]["content"]
    said = json.loads(text)
    if list(said) != SCHEMA["required"] or said["category"] not in SCHEMA["properties"]["category"]["enum"]:
        raise RuntimeError(f"not of the schema: {text}")
    # The same spelling on both sides: one may write more space than the other.
    return json.dumps(said)


def measure(target, prompts, clients, seed):
    """Tokens a second of answers, with so many clients."""
    left, answers, lock = list(enumerate(QUESTIONS)), [], threading.Lock()

    def client():
        while True:
            with lock:
                if not left:
                    return
                number, question = left.pop()
            answers.append(ask(target, question, seed * 100 + number))

    threads = [threading.Thread(target=client) for _ in range(clients)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if len(answers) != len(QUESTIONS):
        raise RuntimeError("an answer is missing")
    return sum(map(prompts.tokens_of, answers)) / seconds


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    model, folder = servers.test_model(), generation.peer_folder()
    with generation.craton(model, given.threads) as ours:
        context, port = generation.peer_server(folder, "plain", given.threads, model)
        with context:
            peer, prompts = generation.Target(port, "any"), generation.Prompts(port)
            print(pairs.HEAD)
            for clients in (1, 8):
                seeds = iter(range(1000))
                measure(ours, prompts, clients, 0), measure(peer, prompts, clients, 0)
                figures = pairs.alternate(lambda: measure(ours, prompts, clients, next(seeds)),
                                          lambda: measure(peer, prompts, clients, next(seeds)), given.rounds)
                print(pairs.row(f"JSON of a schema, {clients} at a time", "tokens/s", *figures), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("LC_ALL", "C")
    main()
