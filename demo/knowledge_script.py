"""A knowledge base over a folder of documents, with boto3 alone: the same script runs against AWS, Craton and moto's server.

    python knowledge_script.py FOLDER QUESTION      prints what each call answered; the last line is JSON: ids and passages
"""

import json
import pathlib
import sys
import time
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

EMBEDDING_MODEL = "amazon.titan-embed-text-v2:0"
once = Config(retries={"total_max_attempts": 1}, read_timeout=300)
s3, iam, sts, agent, runtime = (
    boto3.client(service, config=once) for service in ("s3", "iam", "sts", "bedrock-agent", "bedrock-agent-runtime"))


def upload(folder, bucket):
    """Puts every file of the folder into a new bucket, sidecars included; tells how many documents that are."""
    s3.create_bucket(Bucket=bucket)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        s3.upload_file(str(path), bucket, path.relative_to(folder).as_posix())
    return sum(not path.name.endswith(".metadata.json") for path in files)


def role(name, bucket, region):
    """A role that Bedrock may assume, and that may read the bucket and embed."""
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"aws:SourceAccount": account}}}
    reads = [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
              "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]},
             {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": f"arn:aws:bedrock:{region}::foundation-model/{EMBEDDING_MODEL}"}]
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}))
    iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": reads}))
    return made["Role"]["Arn"]


def knowledge_base(name, role_arn, region):
    """A knowledge base on one of AWS's vector stores, as the console makes it."""
    account = role_arn.split(":")[4]
    made = agent.create_knowledge_base(
        name=name, roleArn=role_arn, description="Policies and procedures of Brindlemoor Rentals",
        knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
            "embeddingModelArn": f"arn:aws:bedrock:{region}::foundation-model/{EMBEDDING_MODEL}"}},
        storageConfiguration={"type": "OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration": {
            "collectionArn": f"arn:aws:aoss:{region}:{account}:collection/rental0123456789abcd", "vectorIndexName": "rental",
            "fieldMapping": {"vectorField": "vector", "textField": "text", "metadataField": "metadata"}}})
    found = made["knowledgeBase"]
    while found["status"] == "CREATING":
        time.sleep(0.2)
        found = agent.get_knowledge_base(knowledgeBaseId=found["knowledgeBaseId"])["knowledgeBase"]
    return found["knowledgeBaseId"]


def data_source(base, bucket):
    made = agent.create_data_source(knowledgeBaseId=base, name="handbook", dataSourceConfiguration={
        "type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{bucket}"}})
    return made["dataSource"]["dataSourceId"]


def sync(base, source):
    """Runs an ingestion job to its end and gives its statistics."""
    job = agent.start_ingestion_job(knowledgeBaseId=base, dataSourceId=source)["ingestionJob"]
    seen = None
    while job["status"] in ("STARTING", "IN_PROGRESS", "STOPPING"):
        time.sleep(0.2)
        job = agent.get_ingestion_job(knowledgeBaseId=base, dataSourceId=source, ingestionJobId=job["ingestionJobId"])["ingestionJob"]
        counts = job.get("statistics", {})
        done = counts.get("numberOfNewDocumentsIndexed", 0) + counts.get("numberOfModifiedDocumentsIndexed", 0)
        if sys.stdout.isatty() and done != seen:
            print(f"\r   {done} of {counts.get('numberOfDocumentsScanned', 0)} documents", end="", flush=True)
            seen = done
    if sys.stdout.isatty():
        print("\r", end="")
    if job["status"] != "COMPLETE":
        raise SystemExit(f"the ingestion job is {job['status']}: {job.get('failureReasons')}")
    return {name: count for name, count in job["statistics"].items() if count}


def retrieve(base, question):
    found = runtime.retrieve(knowledgeBaseId=base, retrievalQuery={"text": question},
                             retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 3}})
    return found["retrievalResults"]


def step(name, call):
    """Makes a call and prints what came of it, an error too; gives the result, or None where it failed."""
    started = time.perf_counter()
    try:
        result = call()
    except (ClientError, BotoCoreError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        print(f"   {name:<22} {lines[0][:120]}")
        return None
    shown = f"{len(result)} passages" if isinstance(result, list) else result
    print(f"   {name:<22} {shown}  ({time.perf_counter() - started:.1f} s)")
    return result


def main(folder, question):
    region, name = s3.meta.region_name, f"rental-{uuid.uuid4().hex[:8]}"
    step("documents uploaded", lambda: upload(folder, name))
    role_arn = step("create_role", lambda: role(name, name, region))
    base = step("create_knowledge_base", lambda: knowledge_base(name, role_arn, region))
    source = step("create_data_source", lambda: data_source(base, name))
    step("start_ingestion_job", lambda: sync(base, source))
    passages = step("retrieve", lambda: retrieve(base, question)) or []
    print(json.dumps({"name": name, "bucket": name, "knowledgeBase": base, "dataSource": source, "role": role_arn,
                      "passages": [{"score": one.get("score"), "text": one["content"]["text"],
                                    "uri": one["location"]["s3Location"]["uri"]} for one in passages]}))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])
