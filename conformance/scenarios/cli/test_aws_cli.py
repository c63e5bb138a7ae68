import json
import os
import subprocess
import sys

from conftest import CLAUDE, NOVA

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


def aws(*arguments, check=True):
    done = subprocess.run([AWS, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, "AWS_PAGER": ""})
    assert not check or done.returncode == 0, done.stderr
    return done


def test_the_aws_cli_works_unchanged(tmp_path):
    assert set(json.loads(aws("sts", "get-caller-identity").stdout)) == {"UserId", "Account", "Arn"}
    assert json.loads(aws("bedrock", "list-foundation-models", "--by-provider", "Amazon").stdout)["modelSummaries"]
    out = tmp_path / "out.json"
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    aws("bedrock-runtime", "invoke-model", "--model-id", CLAUDE, "--body", json.dumps(body), str(out))
    assert json.loads(out.read_text())["type"] == "message"
    done = aws("bedrock-runtime", "converse", "--model-id", NOVA, "--messages", "[]", check=False)
    assert done.returncode != 0 and "ValidationException" in done.stderr


def test_our_cli_speaks_to_the_same_server():
    def craton(*arguments, text=""):
        done = subprocess.run([os.environ["CRATON_BIN"], *arguments], input=text, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "account" in craton("status")
    assert json.loads(craton("chat", "--output", "json", "--max-tokens", "5", "Hi"))["usage"]["outputTokens"] <= 5
    assert craton("chat", "--max-tokens", "5", text="Hi\n").strip()
    vectors = json.loads(craton("embed", "--output", "json", "one", "two"))["embeddings"]
    assert len(vectors) == 2 and len(vectors[0]) == 1024
    body = json.dumps({"inputText": "x"})
    assert json.loads(craton("invoke", "--model", "amazon.titan-embed-text-v2:0", "--body", body))["embedding"]
