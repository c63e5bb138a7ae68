"""Knowledge bases with the AWS CLI, as its documentation shows them."""

import json
import os
import subprocess
import sys
import time

from knowledge_estate import OPENSEARCH, estate, model_arn  # noqa: F401

AWS = os.path.join(os.path.dirname(sys.executable), "aws")


def aws(*arguments, check=True):
    done = subprocess.run([AWS, *arguments], capture_output=True, text=True, timeout=120, env={**os.environ, "AWS_PAGER": ""})
    assert not check or done.returncode == 0, done.stderr
    return json.loads(done.stdout) if check and done.stdout.strip() else done


def test_a_knowledge_base_from_create_to_answer(estate):
    estate.put("branches.txt", "Lowgate is open on Sundays from ten to two.")
    vector = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": model_arn()}}
    made = aws("bedrock-agent", "create-knowledge-base", "--name", f"cli-{estate.tag}", "--role-arn", estate.role_arn,
               "--knowledge-base-configuration", json.dumps(vector), "--storage-configuration", json.dumps(OPENSEARCH))["knowledgeBase"]
    base = made["knowledgeBaseId"]
    estate.bases.append(base)
    where = {"type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{estate.bucket}"}}
    source = aws("bedrock-agent", "create-data-source", "--knowledge-base-id", base, "--name", "docs",
                 "--data-source-configuration", json.dumps(where))["dataSource"]["dataSourceId"]
    ids = ("--knowledge-base-id", base, "--data-source-id", source)
    job = aws("bedrock-agent", "start-ingestion-job", *ids)["ingestionJob"]
    while job["status"] in ("STARTING", "IN_PROGRESS"):
        time.sleep(0.1)
        job = aws("bedrock-agent", "get-ingestion-job", *ids, "--ingestion-job-id", job["ingestionJobId"])["ingestionJob"]
    assert job["status"] == "COMPLETE" and job["statistics"]["numberOfNewDocumentsIndexed"] == 1
    assert aws("bedrock-agent", "list-ingestion-jobs", *ids)["ingestionJobSummaries"][0]["ingestionJobId"] == job["ingestionJobId"]
    assert aws("bedrock-agent", "list-knowledge-base-documents", *ids)["documentDetails"][0]["status"] == "INDEXED"
    found = aws("bedrock-agent-runtime", "retrieve", "--knowledge-base-id", base, "--retrieval-query", "text=When is Lowgate open on Sundays?")
    assert "ten to two" in found["retrievalResults"][0]["content"]["text"]
    assert base in [one["knowledgeBaseId"] for one in aws("bedrock-agent", "list-knowledge-bases")["knowledgeBaseSummaries"]]
    assert aws("bedrock-agent", "delete-knowledge-base", "--knowledge-base-id", base)["status"] == "DELETING"
    done = aws("bedrock-agent", "get-knowledge-base", "--knowledge-base-id", base, check=False)
    assert done.returncode != 0 and "ResourceNotFoundException" in done.stderr
