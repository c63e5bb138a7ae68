import json
import os
import subprocess

from conftest import NOVA, client, refused, signed, user


def craton(*arguments):
    return subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=600)


def state(name):
    return json.loads(craton("models", "show", name, "--output", "json").stdout)["state"]


def test_terms_are_accepted_before_a_model_answers():
    name = "gemma-3-270m"
    if state(name) != "ready":
        unasked = craton("models", "pull", name)
        assert unasked.returncode == 1 and "terms" in unasked.stderr and "--accept-terms" in unasked.stderr
        pulled = craton("models", "pull", name, "--accept-terms")
        assert pulled.returncode == 0, pulled.stderr
    assert state(name) == "ready"
    body = json.dumps({"model": name, "prompt": "Once upon a time", "max_tokens": 8, "temperature": 0}).encode()
    answer = signed("POST", "/v1/completions", "craton", body, {"Content-Type": "application/json"})
    assert answer.status_code == 200 and answer.json()["choices"][0]["text"], answer.text
    assert answer.headers["x-craton-served-by"].startswith(name)
    # The file is a base model: it has no chat template, and no other model's is made up for it.
    assert craton("models", "alias", "set", NOVA, name).returncode == 0
    try:
        refused_chat = lambda: client("bedrock-runtime").converse(modelId=NOVA, messages=[user("Say hello.")])
        refused(refused_chat, "ValidationException", 400, name, "chat template")
    finally:
        assert craton("models", "alias", "remove", NOVA).returncode == 0


def test_errors_say_what_to_do():
    for arguments in (("models", "pull", "no-such-model"), ("models", "show", "no-such-model"),
                      ("models", "pull", "file:/no/such/file.gguf"), ("models", "alias", "set", NOVA, "no-such-model")):
        failed = craton(*arguments)
        assert failed.returncode == 1 and failed.stderr.startswith("error: ") and "\nhint: " in failed.stderr, (arguments, failed.stderr)
