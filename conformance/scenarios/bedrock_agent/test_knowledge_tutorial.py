"""The code of docs/knowledge-bases-tutorial.md, block by block."""

import contextlib
import io
import pathlib
import re

import boto3
import pytest
from conftest import empty_bucket

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/knowledge-bases-tutorial.md"


@pytest.fixture
def handbook():
    """What the page's shell commands and its reader need: the bucket with the samples, and mara in her group."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    s3.create_bucket(Bucket="handbook")
    folder = ROOT / "demo/samples/rental"
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        s3.upload_file(str(path), "handbook", path.relative_to(folder).as_posix())
    iam.create_user(UserName="mara")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_group(GroupName="rental-people")
    iam.add_user_to_group(GroupName="rental-people", UserName="mara")
    yield
    iam.delete_user(UserName="mara")
    iam.delete_role_policy(RoleName="HandbookReader", PolicyName="reads")
    iam.delete_role(RoleName="HandbookReader")
    empty_bucket(s3, "handbook")


def test_the_tutorial_works_as_it_stands(handbook):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 7
    scope, said = {}, []
    for block in blocks:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block, str(PAGE), "exec"), scope)  # noqa: S102
        said.append(out.getvalue())
    try:
        assert said[2].startswith("COMPLETE") and "'numberOfNewDocumentsIndexed': 49" in said[2]
        assert "customer-service/booking-changes.md" in said[3] and "2024" not in said[3]
        assert "s3://handbook/" in said[4], "the answer has citations"
        assert "28 days" in said[6]
    finally:
        scope["agent"].delete_knowledge_base(knowledgeBaseId=scope["base"])
