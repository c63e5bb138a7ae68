"""Ingestion jobs: what they count as a bucket changes, how they are listed and stopped, and what a role that lost access leaves."""

import time

import pytest
from conftest import client, refused
from knowledge_estate import estate, fixed, shared  # noqa: F401


def test_a_job_counts_what_changed_and_nothing_else(estate):
    estate.put("a.txt", "Deposits are released within two days.", department="desk")
    estate.put("b.txt", "Winter tyres are fitted from November.").put("c.txt", "The gate closes at eight.")
    base = estate.base()
    source = estate.source(base)
    first = estate.sync(base, source)
    assert first == {"numberOfDocumentsScanned": 3, "numberOfMetadataDocumentsScanned": 1, "numberOfNewDocumentsIndexed": 3}

    assert estate.sync(base, source) == {"numberOfDocumentsScanned": 3, "numberOfMetadataDocumentsScanned": 1}, "nothing changed"

    estate.put("b.txt", "Winter tyres are fitted from October.")
    assert estate.sync(base, source)["numberOfModifiedDocumentsIndexed"] == 1
    assert "October" in estate.retrieve(base, "winter tyres")[0]["content"]["text"]

    estate.put("a.txt", "Deposits are released within two days.", department="accounts")
    changed = estate.sync(base, source)
    assert changed["numberOfMetadataDocumentsModified"] == 1 and "numberOfModifiedDocumentsIndexed" not in changed
    assert estate.retrieve(base, "deposits")[0]["metadata"]["department"] == "accounts"

    estate.remove("c.txt")
    assert estate.sync(base, source)["numberOfDocumentsDeleted"] == 1
    assert "c.txt" not in estate.found(base, "when does the gate close", results=10)

    estate.remove("a.txt.metadata.json")
    assert estate.sync(base, source)["numberOfMetadataDocumentsModified"] == 1
    assert "department" not in estate.retrieve(base, "deposits")[0]["metadata"]


def test_one_bad_document_fails_alone_with_its_reason(estate):
    estate.put("good.txt", "Keys are kept in the cabinet.").put("broken.pdf", b"%PDF-1.7\nthis is not a PDF").put("empty.txt", b"")
    base = estate.base()
    source = estate.source(base)
    done = estate.ended(base, source, estate.start(base, source))
    assert done["status"] == "COMPLETE"
    assert done["statistics"]["numberOfNewDocumentsIndexed"] == 1 and done["statistics"]["numberOfDocumentsFailed"] == 2
    reasons = " ".join(done["failureReasons"])
    assert "broken.pdf" in reasons and "empty.txt" in reasons
    assert estate.document(base, source, "good.txt")["status"] == "INDEXED"
    broken = estate.document(base, source, "broken.pdf")
    assert broken["status"] == "FAILED" and broken["statusReason"]
    assert estate.found(base, "keys") == ["good.txt"]


def test_jobs_are_listed_filtered_and_sorted(estate):
    estate.put("a.txt", "One page.")
    base = estate.base()
    source = estate.source(base)
    jobs = []
    for at in range(3):
        jobs.append(estate.start(base, source, description=f"run {at}"))
        estate.ended(base, source, jobs[-1])

    def listed(**more):
        pages = estate.agent.get_paginator("list_ingestion_jobs").paginate(knowledgeBaseId=base, dataSourceId=source, **more)
        return [one["ingestionJobId"] for page in pages for one in page["ingestionJobSummaries"]]

    assert listed(sortBy={"attribute": "STARTED_AT", "order": "ASCENDING"}, PaginationConfig={"PageSize": 1}) == jobs
    assert listed(sortBy={"attribute": "STARTED_AT", "order": "DESCENDING"}) == jobs[::-1]
    assert set(listed(filters=[{"attribute": "STATUS", "operator": "EQ", "values": ["COMPLETE"]}])) == set(jobs)
    assert listed(filters=[{"attribute": "STATUS", "operator": "EQ", "values": ["FAILED"]}]) == []
    assert estate.job(base, source, jobs[1])["description"] == "run 1"
    refused(lambda: estate.job(base, source, "ABCDEFGHIJ"), "ResourceNotFoundException", 404, "ABCDEFGHIJ")


def test_one_job_runs_at_a_time_and_can_be_stopped(estate):
    text = " ".join(f"Rule {at} of the yard is to look twice before item {at} is moved." for at in range(12))
    for at in range(150):
        estate.put(f"long-{at:03}.txt", f"{text} This is document {at}.")
    base = estate.base()
    source = estate.source(base, vectorIngestionConfiguration=fixed(100))
    job = estate.start(base, source)
    refused(lambda: estate.start(base, source), "ConflictException", 409, source)
    # Documents are written in windows of 64, the first one while the second is embedded.
    while not (at_work := estate.job(base, source, job))["statistics"].get("numberOfNewDocumentsIndexed"):
        assert at_work["status"] in ("STARTING", "IN_PROGRESS"), at_work
    stopped = estate.agent.stop_ingestion_job(knowledgeBaseId=base, dataSourceId=source, ingestionJobId=job)["ingestionJob"]
    assert stopped["status"] in ("STOPPING", "STOPPED")
    done = estate.ended(base, source, job)
    kept = done["statistics"]["numberOfNewDocumentsIndexed"]
    assert done["status"] == "STOPPED" and kept in (64, 128), done
    again = estate.sync(base, source)
    assert again["numberOfDocumentsScanned"] == 150 and again["numberOfNewDocumentsIndexed"] == 150 - kept, "what was done is kept"
    refused(lambda: estate.agent.stop_ingestion_job(knowledgeBaseId=base, dataSourceId=source, ingestionJobId=job),
            "ConflictException", 409)


def test_a_repeated_client_token_starts_one_job(estate):
    estate.put("a.txt", "One page.")
    base = estate.base()
    source = estate.source(base)
    token = "t" * 40
    job = estate.start(base, source, clientToken=token)
    assert estate.start(base, source, clientToken=token) == job
    estate.ended(base, source, job)


@pytest.mark.parametrize("taken", ["s3:GetObject", "s3:ListBucket", "bedrock:InvokeModel"])
def test_a_role_that_lost_access_fails_with_the_reason_and_keeps_what_is_stored(estate, taken):
    estate.put("a.txt", "Gloves are worn for cold and sharp things.")
    base, source = estate.filled()
    allowed = [estate.reads_bucket(), estate.embeds()]
    for statement in allowed:
        statement["Action"] = [one for one in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
                               if one != taken]
    estate.let_role(*[statement for statement in allowed if statement["Action"]])
    estate.put("a.txt", "Gloves are never worn.").put("b.txt", "Rings are taken off.")
    done = estate.ended(base, source, estate.start(base, source))
    said = " ".join(done.get("failureReasons", []))
    assert taken in said, done
    assert done["status"] == "FAILED" or done["statistics"]["numberOfDocumentsFailed"] == 2
    estate.let_role(estate.reads_bucket(), estate.embeds())
    assert "cold and sharp" in estate.retrieve(base, "gloves")[0]["content"]["text"], "what was stored is kept"
    assert estate.sync(base, source)["numberOfNewDocumentsIndexed"] == 1


def test_documents_under_a_key_are_read_by_a_role_that_may_decrypt(estate):
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    estate.s3.put_bucket_encryption(Bucket=estate.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    estate.put("a.txt", "Gloves are worn for cold and sharp things.")
    base = estate.base()
    source = estate.source(base)
    done = estate.ended(base, source, estate.start(base, source))
    assert done["statistics"]["numberOfDocumentsFailed"] == 1 and "kms:Decrypt" in " ".join(done["failureReasons"]), done
    decrypts = {"Effect": "Allow", "Action": "kms:Decrypt", "Resource": key}
    estate.let_role(estate.reads_bucket(), estate.embeds(), decrypts)
    assert estate.sync(base, source)["numberOfNewDocumentsIndexed"] == 1
    assert "cold and sharp" in estate.retrieve(base, "gloves")[0]["content"]["text"]
    # Taken away again, what was indexed stays, and what is new fails.
    estate.let_role(estate.reads_bucket(), estate.embeds())
    estate.put("b.txt", "Rings are taken off.")
    done = estate.ended(base, source, estate.start(base, source))
    assert done["statistics"]["numberOfDocumentsFailed"] == 1 and estate.found(base, "gloves") == ["a.txt"], done


def test_objects_that_vanish_or_change_during_a_sync_do_no_harm(estate):
    for at in range(60):
        estate.put(f"d-{at:02}.txt", f"Document {at}: " + "the yard is gritted before six. " * 40)
    base = estate.base()
    source = estate.source(base)
    job = estate.start(base, source)
    estate.remove(*[f"d-{at:02}.txt" for at in range(40, 60)])
    estate.put("d-39.txt", "Document 39 was replaced while the job ran.")
    done = estate.ended(base, source, job)
    assert done["status"] == "COMPLETE", done
    estate.sync(base, source)
    left = {one["identifier"]["s3"]["uri"] for page in estate.agent.get_paginator("list_knowledge_base_documents").paginate(
        knowledgeBaseId=base, dataSourceId=source) for one in page["documentDetails"] if one["status"] == "INDEXED"}
    assert left == {estate.uri(f"d-{at:02}.txt") for at in range(40)}
    assert "was replaced" in estate.retrieve(base, "document 39 replaced")[0]["content"]["text"]


def test_a_job_tells_when_its_text_could_be_searched(estate):
    estate.put("a.txt", "One page.")
    base = estate.base()
    source = estate.source(base)
    done = estate.ended(base, source, estate.start(base, source))
    assert done["startedAt"] <= done["updatedAt"]
    started = time.monotonic()
    assert estate.found(base, "page") == ["a.txt"] and time.monotonic() - started < 30
