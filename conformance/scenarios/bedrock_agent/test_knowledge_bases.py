"""Knowledge bases: made, synchronised, looked at, changed and removed."""

import json
import time
import uuid

import pytest

from conftest import TITAN_V2, client, refused

TRUST = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "bedrock.amazonaws.com"}}]})
RIGHTS = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "bedrock:InvokeModel"], "Resource": "*"}]})
VECTOR = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
    "embeddingModelArn": f"arn:aws:bedrock:us-east-1::foundation-model/{TITAN_V2}"}}
STORAGE = {"type": "OPENSEARCH_SERVERLESS", "opensearchServerlessConfiguration": {
    "collectionArn": "arn:aws:aoss:us-east-1:123456789012:collection/abcdefghij1234567890", "vectorIndexName": "i",
    "fieldMapping": {"vectorField": "v", "textField": "t", "metadataField": "m"}}}


@pytest.fixture
def agent():
    return client("bedrock-agent")


@pytest.fixture
def bucket():
    s3, name = client("s3"), f"kb-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="refunds.txt", Body=b"Refunds take five days. They are paid to the card.")
    s3.put_object(Bucket=name, Key="cars/damage.txt", Body=b"Damage is reported within an hour.")
    s3.put_object(Bucket=name, Key="cars/damage.txt.metadata.json",
                  Body=json.dumps({"metadataAttributes": {"department": "claims"}}).encode())
    yield name
    for entry in s3.list_objects_v2(Bucket=name).get("Contents", []):
        s3.delete_object(Bucket=name, Key=entry["Key"])
    s3.delete_bucket(Bucket=name)


@pytest.fixture
def role():
    iam, name = client("iam"), f"kb-{uuid.uuid4().hex[:12]}"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="read", PolicyDocument=RIGHTS)
    yield arn
    iam.delete_role_policy(RoleName=name, PolicyName="read")
    iam.delete_role(RoleName=name)


@pytest.fixture
def base(agent, role):
    made = agent.create_knowledge_base(name=f"kb-{uuid.uuid4().hex[:12]}", roleArn=role, tags={"team": "claims"},
                                       knowledgeBaseConfiguration=VECTOR, storageConfiguration=STORAGE)["knowledgeBase"]
    yield made
    agent.delete_knowledge_base(knowledgeBaseId=made["knowledgeBaseId"])


def source_of(agent, base, bucket, **more):
    return agent.create_data_source(knowledgeBaseId=base["knowledgeBaseId"], name="bucket", dataSourceConfiguration={
        "type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{bucket}"}}, **more)["dataSource"]


def sync(agent, source):
    place = {"knowledgeBaseId": source["knowledgeBaseId"], "dataSourceId": source["dataSourceId"]}
    job = agent.start_ingestion_job(**place)["ingestionJob"]
    for _ in range(600):
        job = agent.get_ingestion_job(**place, ingestionJobId=job["ingestionJobId"])["ingestionJob"]
        if job["status"] in ("COMPLETE", "FAILED", "STOPPED"):
            return job
        time.sleep(0.1)
    raise AssertionError(job)


def test_a_knowledge_base_is_given_back_as_it_was_asked_for(agent, base):
    found = agent.get_knowledge_base(knowledgeBaseId=base["knowledgeBaseId"])["knowledgeBase"]
    assert found["status"] == "ACTIVE"
    assert (found["knowledgeBaseConfiguration"], found["storageConfiguration"]) == (VECTOR, STORAGE)
    listed = agent.list_knowledge_bases(maxResults=1000)["knowledgeBaseSummaries"]
    assert base["knowledgeBaseId"] in [entry["knowledgeBaseId"] for entry in listed]
    assert agent.list_tags_for_resource(resourceArn=base["knowledgeBaseArn"])["tags"] == {"team": "claims"}
    agent.tag_resource(resourceArn=base["knowledgeBaseArn"], tags={"stage": "test"})
    agent.untag_resource(resourceArn=base["knowledgeBaseArn"], tagKeys=["team"])
    assert agent.list_tags_for_resource(resourceArn=base["knowledgeBaseArn"])["tags"] == {"stage": "test"}
    changed = agent.update_knowledge_base(knowledgeBaseId=base["knowledgeBaseId"], name=base["name"], description="new",
                                          roleArn=base["roleArn"], knowledgeBaseConfiguration=VECTOR)["knowledgeBase"]
    assert changed["description"] == "new"


def test_a_source_is_synchronised_and_its_documents_are_told(agent, base, bucket):
    source = source_of(agent, base, bucket)
    job = sync(agent, source)
    assert job["status"] == "COMPLETE", job
    counted = job["statistics"]
    assert (counted["numberOfDocumentsScanned"], counted["numberOfMetadataDocumentsScanned"]) == (2, 1)
    assert (counted["numberOfNewDocumentsIndexed"], counted["numberOfDocumentsFailed"]) == (2, 0)
    place = {"knowledgeBaseId": source["knowledgeBaseId"], "dataSourceId": source["dataSourceId"]}
    documents = agent.list_knowledge_base_documents(**place)["documentDetails"]
    assert {entry["status"] for entry in documents} == {"INDEXED"} and len(documents) == 2
    wanted = {"dataSourceType": "S3", "s3": {"uri": f"s3://{bucket}/none.txt"}}
    missing = agent.get_knowledge_base_documents(**place, documentIdentifiers=[wanted])["documentDetails"]
    assert missing[0]["status"] == "NOT_FOUND"
    client("s3").delete_object(Bucket=bucket, Key="refunds.txt")
    assert sync(agent, source)["statistics"]["numberOfDocumentsDeleted"] == 1
    jobs = agent.list_ingestion_jobs(**place, sortBy={"attribute": "STARTED_AT", "order": "ASCENDING"})
    assert [entry["status"] for entry in jobs["ingestionJobSummaries"]] == ["COMPLETE", "COMPLETE"]
    agent.delete_data_source(**place)
    refused(lambda: agent.get_data_source(**place), "ResourceNotFoundException", 404)


def test_documents_are_handed_in(agent, base):
    source = agent.create_data_source(knowledgeBaseId=base["knowledgeBaseId"], name="custom",
                                      dataSourceConfiguration={"type": "CUSTOM"})["dataSource"]
    place = {"knowledgeBaseId": source["knowledgeBaseId"], "dataSourceId": source["dataSourceId"]}
    document = {"content": {"dataSourceType": "CUSTOM", "custom": {
        "customDocumentIdentifier": {"id": "note"}, "sourceType": "IN_LINE",
        "inlineContent": {"type": "TEXT", "textContent": {"data": "Keys are left at the desk."}}}}}
    told = agent.ingest_knowledge_base_documents(**place, documents=[document])["documentDetails"]
    assert told[0]["status"] == "STARTING"
    identifier = {"dataSourceType": "CUSTOM", "custom": {"id": "note"}}
    for _ in range(600):
        told = agent.get_knowledge_base_documents(**place, documentIdentifiers=[identifier])["documentDetails"]
        if told[0]["status"] in ("INDEXED", "FAILED"):
            break
        time.sleep(0.1)
    assert told[0]["status"] == "INDEXED", told
    agent.delete_knowledge_base_documents(**place, documentIdentifiers=[identifier])


def test_what_is_not_there_or_not_implemented_is_said_so(agent, base, bucket, role):
    refused(lambda: agent.get_knowledge_base(knowledgeBaseId="ABCDEFGHIJ"), "ResourceNotFoundException", 404)
    refused(lambda: agent.create_knowledge_base(name=base["name"], roleArn=role, knowledgeBaseConfiguration=VECTOR),
            "ConflictException", 409, base["name"])
    refused(lambda: source_of(agent, base, bucket, vectorIngestionConfiguration={
        "parsingConfiguration": {"parsingStrategy": "BEDROCK_DATA_AUTOMATION"}}),
        "NotImplementedException", 501, "BEDROCK_DATA_AUTOMATION")
    other = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {
        "embeddingModelArn": "arn:aws:bedrock:us-east-1::foundation-model/no.such-model"}}
    refused(lambda: agent.create_knowledge_base(name="other", roleArn=role, knowledgeBaseConfiguration=other),
            "ValidationException", 400)
