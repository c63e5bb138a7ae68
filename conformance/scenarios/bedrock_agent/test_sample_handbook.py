"""The sample documents: whole, fresh, and answered by retrieval as their questions ask."""

import html
import json
import pathlib
import re
import subprocess
import sys

import pytest
from knowledge_estate import shared  # noqa: F401

SAMPLES = pathlib.Path(__file__).resolve().parents[3] / "demo/samples"
RENTAL = SAMPLES / "rental"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
GROUPS = ("rental-people", "rental-managers", "rental-accounts", "rental-trainees")
# At least so many of the questions find their document among the first five passages.
FOUND = 0.9


def words(text):
    return re.sub(r"\s+", " ", text)


def test_the_derived_files_are_fresh():
    subprocess.run([sys.executable, str(SAMPLES / "make.py"), "--check"], check=True)


def test_every_document_has_a_small_sidecar():
    documents = [path for path in RENTAL.rglob("*") if path.is_file() and not path.name.endswith(".metadata.json")]
    assert len(documents) == 49 and {path.suffix for path in documents} == {".md", ".txt", ".html", ".csv", ".docx", ".pdf"}
    for path in documents:
        sidecar = pathlib.Path(f"{path}.metadata.json").read_bytes()
        assert len(sidecar) <= 10_240 and json.loads(sidecar)["metadataAttributes"]["department"]


def test_every_question_is_proven_by_its_document():
    assert len(QUESTIONS) >= 60 and len({one["id"] for one in QUESTIONS}) == len(QUESTIONS)
    for one in QUESTIONS:
        if one["document"] is None:
            assert one["answer"] is None
            continue
        path = RENTAL / one["document"]
        if path.suffix in (".docx", ".pdf"):
            path = SAMPLES / "sources" / f"{path.stem}.md"
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            text = html.unescape(re.sub(r"<[^>]+>", " ", text))
        assert words(one["evidence"]) in words(text), one["id"]


@pytest.fixture(scope="module")
def handbook(shared):  # noqa: F811
    """The knowledge base over the handbook, with a reader of each group."""
    for path in sorted(path for path in RENTAL.rglob("*") if path.is_file()):
        shared.put(path.relative_to(RENTAL).as_posix(), path.read_bytes())
    made = []
    for group in GROUPS:
        try:
            shared.iam.create_group(GroupName=group)
            made.append(group)
        except shared.iam.exceptions.EntityAlreadyExistsException:
            pass
    base = shared.base()
    source = shared.source(base)
    statistics = shared.sync(base, source)
    readers = {group: shared.reader(base, group)[1] for group in GROUPS}
    yield shared, base, source, statistics, readers
    for name in list(shared.users):
        shared.drop_user(name)
        shared.users.remove(name)
    for group in made:
        shared.iam.delete_group(GroupName=group)


def test_all_formats_are_indexed(handbook):
    shared, base, source, statistics, _ = handbook  # noqa: F811
    assert statistics == {"numberOfDocumentsScanned": 49, "numberOfMetadataDocumentsScanned": 49, "numberOfNewDocumentsIndexed": 49}
    for page in shared.agent.get_paginator("list_knowledge_base_documents").paginate(knowledgeBaseId=base, dataSourceId=source):
        assert {one["status"] for one in page["documentDetails"]} == {"INDEXED"}


def test_questions_find_their_documents(handbook):
    shared, base, _, _, readers = handbook  # noqa: F811
    asked = [one for one in QUESTIONS if one["document"]]
    missed = [one["id"] for one in asked
              if one["document"] not in shared.found(base, one["question"], reader=readers.get(one.get("reader")), overrideSearchType="HYBRID")]
    assert len(missed) <= (1 - FOUND) * len(asked), missed


def test_restricted_documents_are_found_by_their_groups_alone(handbook):
    shared, base, _, _, readers = handbook  # noqa: F811
    lists = {path.relative_to(RENTAL).as_posix().removesuffix(".metadata.json"): json.loads(path.read_bytes()).get("accessControlList")
             for path in RENTAL.rglob("*.metadata.json")}
    restricted = {name: {one["name"] for one in entries if one["access"] == "ALLOW"} for name, entries in lists.items() if entries}
    assert len(restricted) == 6
    for one in QUESTIONS:
        if one["document"] not in restricted:
            continue
        for group in (None, *GROUPS):
            found = shared.found(base, one["question"], results=100, reader=readers.get(group))
            assert (one["document"] in found) is (group in restricted[one["document"]]), (one["id"], group)


def test_the_current_version_is_chosen_by_a_filter(handbook):
    shared, base, *_ = handbook  # noqa: F811
    question = "How long are positions of vehicles stored?"
    both = shared.found(base, question, results=10, filter={"listContains": {"key": "topics", "value": "telematics"}})
    assert set(both) == {"fleet/telematics.md", "fleet/telematics-2023.txt"}
    current = {"andAll": [{"listContains": {"key": "topics", "value": "telematics"}}, {"equals": {"key": "superseded", "value": False}}]}
    assert shared.found(base, question, results=10, filter=current) == ["fleet/telematics.md"]
    before = {"andAll": [{"lessThan": {"key": "effective_year", "value": 2025}}, {"startsWith": {"key": "department", "value": "Fleet"}}]}
    assert shared.found(base, question, results=10, filter=before) == ["fleet/telematics-2023.txt"]
