"""`craton kb`: files put in without a bucket, cut, found and taken out; syncs that tell what failed in each."""

import json
import os
import subprocess

from conftest import TITAN_V2
from knowledge_estate import estate, shared  # noqa: F401


def craton(*arguments, status=0):
    done = subprocess.run([os.environ["CRATON_BIN"], "kb", *arguments], capture_output=True, text=True, timeout=300)
    assert done.returncode == status, (arguments, done.stdout, done.stderr)
    return done


def told(*arguments):
    return json.loads(craton(*arguments, "--output", "json").stdout)


def test_files_are_put_in_cut_found_and_taken_out(estate, tmp_path):
    made = told("create", f"notes-{estate.tag}", "--role-arn", estate.role_arn, "--embedding-model", TITAN_V2,
                "--chunking", "fixed", "--chunk-tokens", "20", "--chunk-overlap", "10")
    base = made["knowledgeBaseId"]
    estate.bases.append(base)
    source = estate.agent.get_data_source(knowledgeBaseId=base, dataSourceId=made["dataSourceId"])["dataSource"]
    assert source["dataSourceConfiguration"] == {"type": "CUSTOM"}
    assert source["vectorIngestionConfiguration"]["chunkingConfiguration"]["fixedSizeChunkingConfiguration"] == {
        "maxTokens": 20, "overlapPercentage": 10}

    (tmp_path / "hours.txt").write_text("The gate closes at eight. On Saturdays the gate closes at two, and on Sundays cars go into the key box.\n" * 3)
    (tmp_path / "fees.md").write_text("# Fees\n\nA lost key costs 180 euros.\n")
    added = told("add", base, str(tmp_path / "hours.txt"), str(tmp_path / "fees.md"), "--metadata", "year=2026", "--metadata", "team=desk", "--wait")
    assert [(one["identifier"]["custom"]["id"], one["status"]) for one in added["items"]] == [("hours.txt", "INDEXED"), ("fees.md", "INDEXED")]
    assert estate.found(base, "what does a lost key cost", filter={"equals": {"key": "year", "value": 2026}})[0] == "fees.md"
    assert estate.found(base, "what does a lost key cost", filter={"equals": {"key": "team", "value": "fleet"}}) == []

    cut = told("chunks", base, "hours.txt")
    assert len(cut["chunks"]) > 2 and cut["chunks"][0]["start"] == 0
    for chunk in cut["chunks"]:
        assert cut["text"][chunk["start"]:chunk["end"]] == chunk["text"]

    assert craton("remove", base, "hours.txt", "--wait").stdout.splitlines()[1].split() == ["NOT_FOUND", "hours.txt"]
    assert "no document `hours.txt`" in craton("remove", base, "hours.txt", status=1).stderr
    assert estate.found(base, "when does the gate close") == ["fees.md"]


def test_each_sync_tells_what_failed_in_it(estate):
    estate.put("good.txt", "Keys are kept in the cabinet.").put("broken.pdf", b"%PDF-1.7\nthis is not a PDF")
    base = estate.base()
    source = estate.source(base)
    synced = craton("sync", base).stdout
    assert "1 new, 1 failed" in synced and f"  {estate.uri('broken.pdf')}: " in synced, synced
    estate.remove("broken.pdf")
    assert "failed" not in craton("sync", base).stdout

    latest, first = told("syncs", base)["items"]
    assert (latest["statistics"]["numberOfDocumentsFailed"], first["statistics"]["numberOfDocumentsFailed"]) == (0, 1)
    # What failed in the first one is told still.
    assert estate.uri("broken.pdf") in craton("follow", base, first["ingestionJobId"]).stdout
    assert estate.uri("broken.pdf") not in craton("follow", base, latest["ingestionJobId"]).stdout
    assert first["dataSourceId"] == source
    assert "COMPLETE" in craton("stop", base, first["ingestionJobId"], status=1).stderr
    assert "no sync" in craton("stop", base, "ABCDEF1234", status=1).stderr
