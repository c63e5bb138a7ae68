"""What becomes of a knowledge base whose embedding model is another one, or gone: it says so, and is whole again once the model is back."""

import os
import pathlib
import shutil
import subprocess
import uuid

import pytest
from conftest import TITAN_V1, refused
from knowledge_estate import estate, model_arn  # noqa: F401

MODELS = pathlib.Path(os.environ.get("CRATON_TEST_MODELS") or pathlib.Path.home() / ".cache/craton/test-models")
VECTOR = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": model_arn(TITAN_V1)}}


def craton(*arguments):
    done = subprocess.run([os.environ["CRATON_BIN"], *arguments], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def other(tmp_path):
    """Another embedding model of the same form: one byte of its weights differs."""
    name = f"other-minilm-{uuid.uuid4().hex[:6]}"
    folder = tmp_path / name
    shutil.copytree(MODELS / "all-MiniLM-L6-v2", folder)
    with open(folder / "model.safetensors", "r+b") as file:
        file.seek(-8, os.SEEK_END)
        byte = file.read(1)
        file.seek(-8, os.SEEK_END)
        file.write(bytes([byte[0] ^ 1]))
    craton("models", "pull", f"file:{folder}")
    yield name, folder
    subprocess.run([os.environ["CRATON_BIN"], "models", "alias", "remove", TITAN_V1], capture_output=True, check=False)
    craton("models", "remove", name)


def test_a_changed_model_is_noticed_by_queries_and_jobs(estate, other):
    name, _ = other
    estate.let_role(estate.reads_bucket(), estate.embeds() | {"Resource": "*"})
    estate.put("a.txt", "The scraper costs two euros.")
    base = estate.base(knowledgeBaseConfiguration=VECTOR)
    source = estate.source(base)
    estate.sync(base, source)
    assert estate.found(base, "what does the scraper cost") == ["a.txt"]

    craton("models", "alias", "set", TITAN_V1, name)
    refused(lambda: estate.retrieve(base, "what does the scraper cost"), "ConflictException", 409, base, name)
    estate.put("b.txt", "The brush costs three euros.")
    done = estate.ended(base, source, estate.start(base, source))
    assert done["status"] == "FAILED" and name in " ".join(done["failureReasons"])

    craton("models", "alias", "remove", TITAN_V1)
    assert estate.found(base, "what does the scraper cost") == ["a.txt"], "nothing of it was lost"
    assert estate.sync(base, source)["numberOfNewDocumentsIndexed"] == 1


def test_a_removed_model_is_named(estate, other):
    name, folder = other
    estate.let_role(estate.reads_bucket(), estate.embeds() | {"Resource": "*"})
    estate.put("a.txt", "The scraper costs two euros.")
    craton("models", "alias", "set", TITAN_V1, name)
    base = estate.base(knowledgeBaseConfiguration=VECTOR)
    estate.sync(base, estate.source(base))
    craton("models", "remove", name)
    try:
        with pytest.raises(estate.runtime.exceptions.ClientError) as caught:
            estate.retrieve(base, "what does the scraper cost")
        assert name in caught.value.response["Error"]["Message"], caught.value
    finally:
        craton("models", "pull", f"file:{folder}")
    assert estate.found(base, "what does the scraper cost") == ["a.txt"]

