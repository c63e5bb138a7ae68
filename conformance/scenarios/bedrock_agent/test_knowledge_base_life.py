"""Knowledge bases: made, described, listed, changed, tagged and deleted, and what is refused."""

import os
import uuid

import pytest
from conftest import client, refused
from knowledge_estate import OPENSEARCH, estate, model_arn, policy, shared  # noqa: F401

VECTOR = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": model_arn()}}
FIELDS = {"vectorField": "v", "textField": "t", "metadataField": "m"}
SECRET = "arn:aws:secretsmanager:us-east-1:123456789012:secret:vectors"
STORES = [
    OPENSEARCH,
    {"type": "PINECONE", "pineconeConfiguration": {"connectionString": "https://index.example", "credentialsSecretArn": SECRET,
                                                   "fieldMapping": {"textField": "t", "metadataField": "m"}}},
    {"type": "REDIS_ENTERPRISE_CLOUD", "redisEnterpriseCloudConfiguration": {
        "endpoint": "redis.example:10000", "vectorIndexName": "i", "credentialsSecretArn": SECRET, "fieldMapping": FIELDS}},
    {"type": "RDS", "rdsConfiguration": {
        "resourceArn": "arn:aws:rds:us-east-1:123456789012:cluster:vectors", "credentialsSecretArn": SECRET, "databaseName": "postgres",
        "tableName": "bedrock.chunks", "fieldMapping": FIELDS | {"primaryKeyField": "id"}}},
    {"type": "MONGO_DB_ATLAS", "mongoDbAtlasConfiguration": {
        "endpoint": "atlas.example", "databaseName": "d", "collectionName": "c", "vectorIndexName": "i", "credentialsSecretArn": SECRET,
        "fieldMapping": FIELDS}},
    {"type": "NEPTUNE_ANALYTICS", "neptuneAnalyticsConfiguration": {
        "graphArn": "arn:aws:neptune-graph:us-east-1:123456789012:graph/g-abcdefghij",
        "fieldMapping": {"textField": "t", "metadataField": "m"}}},
    {"type": "OPENSEARCH_MANAGED_CLUSTER", "opensearchManagedClusterConfiguration": {
        "domainEndpoint": "https://search.example", "domainArn": "arn:aws:es:us-east-1:123456789012:domain/vectors",
        "vectorIndexName": "i", "fieldMapping": FIELDS}},
    {"type": "S3_VECTORS", "s3VectorsConfiguration": {
        "indexArn": "arn:aws:s3vectors:us-east-1:123456789012:bucket/vectors/index/chunks"}},
]


def create(estate, **more):
    return estate.agent.create_knowledge_base(**({"name": f"kb-{uuid.uuid4().hex[:8]}", "roleArn": estate.role_arn,
                                                  "knowledgeBaseConfiguration": VECTOR, "storageConfiguration": OPENSEARCH} | more))


def test_a_knowledge_base_lives_from_create_to_delete(estate):
    base = estate.base(name="handbook-of_2026", description="Policies", tags={"team": "desk"})
    found = estate.agent.get_knowledge_base(knowledgeBaseId=base)["knowledgeBase"]
    assert found["name"] == "handbook-of_2026" and found["description"] == "Policies" and found["status"] == "ACTIVE"
    assert found["knowledgeBaseArn"].endswith(f":{estate.account}:knowledge-base/{base}") and found["roleArn"] == estate.role_arn
    assert found["knowledgeBaseConfiguration"] == VECTOR and found["storageConfiguration"] == OPENSEARCH
    assert found["createdAt"] <= found["updatedAt"]
    arn = found["knowledgeBaseArn"]
    assert estate.agent.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "desk"}
    estate.agent.tag_resource(resourceArn=arn, tags={"stage": "test"})
    estate.agent.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert estate.agent.list_tags_for_resource(resourceArn=arn)["tags"] == {"stage": "test"}

    listed = [one for page in estate.agent.get_paginator("list_knowledge_bases").paginate(PaginationConfig={"PageSize": 1})
              for one in page["knowledgeBaseSummaries"]]
    assert [one["name"] for one in listed if one["knowledgeBaseId"] == base] == ["handbook-of_2026"]

    changed = estate.agent.update_knowledge_base(knowledgeBaseId=base, name="handbook-2", roleArn=estate.role_arn,
                                                 knowledgeBaseConfiguration=VECTOR, storageConfiguration=OPENSEARCH)["knowledgeBase"]
    assert changed["name"] == "handbook-2" and changed["updatedAt"] >= found["updatedAt"]

    assert estate.agent.delete_knowledge_base(knowledgeBaseId=base)["status"] == "DELETING"
    for call in (lambda: estate.agent.get_knowledge_base(knowledgeBaseId=base), lambda: estate.retrieve(base, "policies")):
        refused(call, "ResourceNotFoundException", 404, base)


@pytest.mark.parametrize("storage", STORES, ids=lambda storage: storage["type"])
def test_every_store_of_aws_is_accepted_and_told_back(estate, storage):
    base = estate.base(storageConfiguration=storage)
    assert estate.agent.get_knowledge_base(knowledgeBaseId=base)["knowledgeBase"]["storageConfiguration"] == storage


def test_a_name_is_taken_once(estate):
    estate.base(name=f"once-{estate.tag}")
    refused(lambda: create(estate, name=f"once-{estate.tag}"), "ConflictException", 409, f"once-{estate.tag}")


def test_a_repeated_client_token_makes_one(estate):
    token = uuid.uuid4().hex + uuid.uuid4().hex
    first = create(estate, name=f"token-{estate.tag}", clientToken=token)["knowledgeBase"]
    estate.bases.append(first["knowledgeBaseId"])
    again = create(estate, name=f"token-{estate.tag}", clientToken=token)["knowledgeBase"]
    assert again["knowledgeBaseId"] == first["knowledgeBaseId"]


@pytest.mark.parametrize("wrong", [
    {"name": "has a space"}, {"name": ""}, {"roleArn": "not-an-arn"}, {"description": ""},
    {"knowledgeBaseConfiguration": {"type": "NOTHING"}}, {"knowledgeBaseConfiguration": {"type": "VECTOR"}},
    {"storageConfiguration": {"type": "OPENSEARCH_SERVERLESS"}}, {"storageConfiguration": {"type": "FLOPPY_DISKS"}},
    {"knowledgeBaseConfiguration": {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": "short"}}},
], ids=str)
def test_a_request_that_is_not_of_the_shape_is_refused(estate, wrong):
    refused(lambda: create(estate, **wrong), "ValidationException", 400)


def test_a_model_that_does_not_embed_is_refused(estate):
    chat = {"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": model_arn("amazon.nova-micro-v1:0")}}
    refused(lambda: create(estate, knowledgeBaseConfiguration=chat), "ValidationException", 400, "amazon.nova-micro-v1:0")


def test_a_role_that_bedrock_may_not_assume_is_refused(estate):
    name = f"Untrusting-{estate.tag}"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    arn = estate.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    try:
        refused(lambda: create(estate, roleArn=arn), "ValidationException", 400, name)
    finally:
        estate.iam.delete_role(RoleName=name)


def test_a_caller_needs_pass_role_and_the_operation(estate, iam_user):
    name, key, secret = iam_user
    agent = client("bedrock-agent", key, secret)
    request = {"name": "denied", "roleArn": estate.role_arn, "knowledgeBaseConfiguration": VECTOR, "storageConfiguration": OPENSEARCH}
    refused(lambda: agent.create_knowledge_base(**request), "AccessDeniedException", 403, "bedrock:CreateKnowledgeBase")
    estate.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "bedrock:CreateKnowledgeBase", "Resource": "*"}))
    try:
        refused(lambda: agent.create_knowledge_base(**request), "AccessDeniedException", 403, "iam:PassRole")
    finally:
        estate.iam.delete_user_policy(UserName=name, PolicyName="p")


@pytest.mark.parametrize("configuration", [
    {"type": "KENDRA", "kendraKnowledgeBaseConfiguration": {"kendraIndexArn": "arn:aws:kendra:us-east-1:123456789012:index/" + "a" * 36}},
    {"type": "SQL", "sqlKnowledgeBaseConfiguration": {"type": "REDSHIFT"}},
], ids=lambda one: one["type"])
def test_what_is_not_built_is_refused_by_name(estate, configuration):
    with pytest.raises(estate.agent.exceptions.ClientError) as caught:
        create(estate, knowledgeBaseConfiguration=configuration)
    assert configuration["type"] in caught.value.response["Error"]["Message"]


def test_another_accounts_knowledge_base_is_not_there(estate):
    base = estate.base()
    other = client("bedrock-agent", os.environ["CONF_HOST_ACCESS_KEY_ID"], os.environ["CONF_HOST_SECRET_ACCESS_KEY"])
    refused(lambda: other.get_knowledge_base(knowledgeBaseId=base), "ResourceNotFoundException", 404, base)
