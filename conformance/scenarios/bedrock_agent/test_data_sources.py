"""Data sources: of buckets and of handed-in documents, how they cut, and what deleting one leaves."""

import time

import pytest
from conftest import refused
from knowledge_estate import estate, fixed, shared  # noqa: F401

TEXT = "\n\n".join(f"Paragraph {number}. " + " ".join(f"Sentence {at} of it says something about item {number * 10 + at}."
                                                     for at in range(8)) for number in range(12))


def test_a_data_source_lives_from_create_to_delete(estate):
    base = estate.base()
    made = estate.agent.create_data_source(
        knowledgeBaseId=base, name="handbook", description="Policies", vectorIngestionConfiguration=fixed(100),
        dataSourceConfiguration={"type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{estate.bucket}",
                                                                   "inclusionPrefixes": ["docs/"]}})["dataSource"]
    assert made["status"] == "AVAILABLE" and made["knowledgeBaseId"] == base and made["dataDeletionPolicy"] == "DELETE"
    source = made["dataSourceId"]
    found = estate.agent.get_data_source(knowledgeBaseId=base, dataSourceId=source)["dataSource"]
    assert found["vectorIngestionConfiguration"] == fixed(100) and found["description"] == "Policies"
    assert found["dataSourceConfiguration"]["s3Configuration"]["inclusionPrefixes"] == ["docs/"]
    changed = estate.agent.update_data_source(
        knowledgeBaseId=base, dataSourceId=source, name="handbook-2", dataDeletionPolicy="RETAIN",
        dataSourceConfiguration=found["dataSourceConfiguration"], vectorIngestionConfiguration=fixed(100))["dataSource"]
    assert changed["name"] == "handbook-2" and changed["dataDeletionPolicy"] == "RETAIN"
    listed = estate.agent.list_data_sources(knowledgeBaseId=base)["dataSourceSummaries"]
    assert [(one["dataSourceId"], one["name"], one["status"]) for one in listed] == [(source, "handbook-2", "AVAILABLE")]
    assert estate.agent.delete_data_source(knowledgeBaseId=base, dataSourceId=source)["status"] == "DELETING"
    end = time.monotonic() + 30
    while estate.agent.list_data_sources(knowledgeBaseId=base)["dataSourceSummaries"] and time.monotonic() < end:
        time.sleep(0.05)
    refused(lambda: estate.agent.get_data_source(knowledgeBaseId=base, dataSourceId=source), "ResourceNotFoundException", 404, source)


def test_only_keys_with_the_prefix_are_read(estate):
    estate.put("docs/a.txt", "Cancellations are free.").put("drafts/b.txt", "Cancellations cost a fortune.")
    base = estate.base()
    assert estate.sync(base, estate.source(base, prefix="docs/"))["numberOfDocumentsScanned"] == 1
    assert estate.found(base, "cancellations") == ["docs/a.txt"]


@pytest.mark.parametrize("policy", ["DELETE", "RETAIN"])
def test_a_deleted_source_takes_its_chunks_along_or_leaves_them(estate, policy):
    estate.put("a.txt", "The harbour office opens at seven.")
    base = estate.base()
    source = estate.source(base, dataDeletionPolicy=policy)
    estate.sync(base, source)
    estate.agent.delete_data_source(knowledgeBaseId=base, dataSourceId=source)
    end, wanted = time.monotonic() + 30, [] if policy == "DELETE" else ["a.txt"]
    while time.monotonic() < end and estate.agent.list_data_sources(knowledgeBaseId=base)["dataSourceSummaries"]:
        time.sleep(0.05)
    assert estate.found(base, "when does the harbour office open") == wanted


@pytest.mark.parametrize("chunking, many", [
    ({"chunkingStrategy": "NONE"}, False),
    (fixed(60)["chunkingConfiguration"], True),
    ({"chunkingStrategy": "HIERARCHICAL", "hierarchicalChunkingConfiguration": {
        "levelConfigurations": [{"maxTokens": 200}, {"maxTokens": 50}], "overlapTokens": 10}}, True),
    ({"chunkingStrategy": "SEMANTIC", "semanticChunkingConfiguration": {
        "maxTokens": 80, "bufferSize": 0, "breakpointPercentileThreshold": 80}}, True),
], ids=lambda one: one["chunkingStrategy"] if isinstance(one, dict) else "")
def test_texts_are_cut_as_the_source_says(estate, chunking, many):
    estate.put("long.txt", TEXT)
    base, _ = estate.filled(vectorIngestionConfiguration={"chunkingConfiguration": chunking})
    passages = [one["content"]["text"] for one in estate.retrieve(base, "item 57", results=100)]
    assert (len(passages) > 1) is many
    for passage in passages:
        assert passage in TEXT, "a passage is a part of the document, character by character"
    if chunking["chunkingStrategy"] == "NONE":
        assert [one.strip() for one in passages] == [TEXT]


@pytest.mark.parametrize("configuration", [
    {"type": "WEB", "webConfiguration": {"sourceConfiguration": {"urlConfiguration": {"seedUrls": [{"url": "https://example.com"}]}}}},
    {"type": "CONFLUENCE", "confluenceConfiguration": {"sourceConfiguration": {
        "hostUrl": "https://wiki.example.com", "hostType": "SAAS", "authType": "BASIC",
        "credentialsSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:wiki"}}},
], ids=lambda one: one["type"])
def test_connectors_that_are_not_built_are_refused_by_name(estate, configuration):
    base = estate.base()
    with pytest.raises(estate.agent.exceptions.ClientError) as caught:
        estate.agent.create_data_source(knowledgeBaseId=base, name="x", dataSourceConfiguration=configuration)
    assert configuration["type"] in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("more", [
    {"customTransformationConfiguration": {"intermediateStorage": {"s3Location": {"uri": "s3://b/p"}}, "transformations": [{
        "stepToApply": "POST_CHUNKING", "transformationFunction": {"transformationLambdaConfiguration": {
            "lambdaArn": "arn:aws:lambda:us-east-1:123456789012:function:chunks"}}}]}},
    {"parsingConfiguration": {"parsingStrategy": "BEDROCK_DATA_AUTOMATION"}},
], ids=lambda one: next(iter(one)))
def test_steps_that_are_not_built_are_refused_by_name(estate, more):
    base = estate.base()
    with pytest.raises(estate.agent.exceptions.ClientError) as caught:
        estate.source(base, vectorIngestionConfiguration=more)
    assert "not implemented" in caught.value.response["Error"]["Message"].lower()


@pytest.mark.parametrize("wrong", [
    {"name": "has a space"}, {"dataSourceConfiguration": {"type": "S3"}}, {"dataSourceConfiguration": {"type": "TAPE"}},
    {"dataSourceConfiguration": {"type": "S3", "s3Configuration": {"bucketArn": "bucket"}}},
    {"vectorIngestionConfiguration": {"chunkingConfiguration": {"chunkingStrategy": "FIXED_SIZE"}}},
    {"vectorIngestionConfiguration": {"chunkingConfiguration": {"chunkingStrategy": "FIXED_SIZE", "fixedSizeChunkingConfiguration": {
        "maxTokens": 0, "overlapPercentage": 20}}}},
    {"vectorIngestionConfiguration": {"chunkingConfiguration": {"chunkingStrategy": "FIXED_SIZE", "fixedSizeChunkingConfiguration": {
        "maxTokens": 100, "overlapPercentage": 100}}}},
], ids=str)
def test_a_source_that_is_not_of_the_shape_is_refused(estate, wrong):
    base = estate.base()
    refused(lambda: estate.source(base, **wrong), "ValidationException", 400)


def test_unknown_ids_are_not_found(estate):
    base = estate.base()
    refused(lambda: estate.source("ABCDEFGHIJ"), "ResourceNotFoundException", 404, "ABCDEFGHIJ")
    refused(lambda: estate.agent.get_data_source(knowledgeBaseId=base, dataSourceId="ABCDEFGHIJ"), "ResourceNotFoundException", 404)
    refused(lambda: estate.start(base, "ABCDEFGHIJ"), "ResourceNotFoundException", 404)
