"""Documents that are handed in without a sync: ingested, described, replaced and deleted."""

import time

import pytest
from conftest import refused
from knowledge_estate import estate, shared  # noqa: F401


def inline(id, text, attributes=(), readers=()):
    document = {"content": {"dataSourceType": "CUSTOM", "custom": {
        "customDocumentIdentifier": {"id": id}, "sourceType": "IN_LINE", "inlineContent": {"type": "TEXT", "textContent": {"data": text}}}}}
    if attributes or readers:
        document["metadata"] = {"type": "IN_LINE_ATTRIBUTE"}
    if attributes:
        document["metadata"]["inlineAttributes"] = [{"key": key, "value": value} for key, value in attributes]
    if readers:
        document["metadata"]["accessControlList"] = [{"name": name, "type": "USER", "access": access} for access, name in readers]
    return document


def of(id):
    return {"dataSourceType": "CUSTOM", "custom": {"id": id}}


def hand_in(estate, base, source, *documents):
    details = estate.agent.ingest_knowledge_base_documents(knowledgeBaseId=base, dataSourceId=source, documents=list(documents))
    return details["documentDetails"]


def settled(estate, base, source, *ids):
    """The documents' details, once nothing of them is under way."""
    busy = {"PENDING", "STARTING", "IN_PROGRESS", "DELETING", "DELETE_IN_PROGRESS"}
    while True:
        found = estate.agent.get_knowledge_base_documents(
            knowledgeBaseId=base, dataSourceId=source, documentIdentifiers=[of(id) for id in ids])["documentDetails"]
        if not busy & {one["status"] for one in found}:
            return found
        time.sleep(0.05)


@pytest.fixture
def custom(estate):
    base = estate.base()
    return base, estate.custom(base)


def test_a_document_is_found_replaced_and_gone(estate, custom):
    made = hand_in(estate, *custom, inline("policy-1", "Umbrellas are not given to members of staff."))
    assert made[0]["identifier"] == of("policy-1") and made[0]["status"] in ("STARTING", "PENDING", "IN_PROGRESS", "INDEXED")
    assert settled(estate, *custom, "policy-1")[0]["status"] == "INDEXED"
    found = estate.retrieve(custom[0], "umbrellas")
    assert found[0]["location"] == {"type": "CUSTOM", "customDocumentLocation": {"id": "policy-1"}}

    hand_in(estate, *custom, inline("policy-1", "Umbrellas may be taken home."))
    settled(estate, *custom, "policy-1")
    texts = [one["content"]["text"] for one in estate.retrieve(custom[0], "umbrellas")]
    assert texts == ["Umbrellas may be taken home."], "the old text is gone"

    listed = estate.agent.list_knowledge_base_documents(knowledgeBaseId=custom[0], dataSourceId=custom[1])["documentDetails"]
    assert [one["identifier"] for one in listed] == [of("policy-1")]

    gone = estate.agent.delete_knowledge_base_documents(knowledgeBaseId=custom[0], dataSourceId=custom[1], documentIdentifiers=[of("policy-1")])
    assert gone["documentDetails"][0]["status"] in ("DELETING", "DELETE_IN_PROGRESS", "NOT_FOUND")
    assert settled(estate, *custom, "policy-1")[0]["status"] == "NOT_FOUND"
    assert estate.retrieve(custom[0], "umbrellas") == []


def test_bytes_and_objects_are_handed_in_too(estate, custom):
    estate.put("page.html", "<html><body><h1>Ferries</h1><p>Ferries within zone one are allowed.</p></body></html>")
    content = {"dataSourceType": "CUSTOM", "custom": {"customDocumentIdentifier": {"id": "bytes"}, "sourceType": "IN_LINE", "inlineContent": {
        "type": "BYTE", "byteContent": {"mimeType": "text/markdown", "data": b"# Chains\n\nChains are lent in a sealed bag."}}}}
    object = {"dataSourceType": "CUSTOM", "custom": {"customDocumentIdentifier": {"id": "object"}, "sourceType": "S3_LOCATION",
                                                     "s3Location": {"uri": estate.uri("page.html")}}}
    hand_in(estate, *custom, {"content": content}, {"content": object})
    assert [one["status"] for one in settled(estate, *custom, "bytes", "object")] == ["INDEXED", "INDEXED"]
    assert estate.found(custom[0], "sealed bag of chains")[0] == "bytes"
    assert estate.found(custom[0], "are ferries allowed")[0] == "object"
    assert "<p>" not in estate.retrieve(custom[0], "are ferries allowed")[0]["content"]["text"]


def test_attributes_of_every_type_filter(estate, custom):
    hand_in(estate, *custom,
            inline("a", "The permit costs thirty-five.", [("country", {"type": "STRING", "stringValue": "north"}),
                                                          ("year", {"type": "NUMBER", "numberValue": 2026}),
                                                          ("valid", {"type": "BOOLEAN", "booleanValue": True}),
                                                          ("tags", {"type": "STRING_LIST", "stringListValue": ["permit", "fees"]})]),
            inline("b", "The permit costs thirty.", [("country", {"type": "STRING", "stringValue": "south"}),
                                                     ("year", {"type": "NUMBER", "numberValue": 2024}),
                                                     ("valid", {"type": "BOOLEAN", "booleanValue": False})]),
            inline("c", "The permit is free."))
    settled(estate, *custom, "a", "b", "c")
    for wanted, condition in [
        ({"a"}, {"equals": {"key": "country", "value": "north"}}),
        # As the reference of RetrievalFilter says: where the key is absent, too.
        ({"b", "c"}, {"notEquals": {"key": "country", "value": "north"}}),
        ({"a"}, {"greaterThan": {"key": "year", "value": 2024}}),
        ({"a", "b"}, {"greaterThanOrEquals": {"key": "year", "value": 2024}}),
        ({"b"}, {"lessThan": {"key": "year", "value": 2026}}),
        ({"a", "b"}, {"lessThanOrEquals": {"key": "year", "value": 2026}}),
        ({"a"}, {"equals": {"key": "valid", "value": True}}),
        ({"a", "b"}, {"in": {"key": "country", "value": ["north", "south"]}}),
        ({"b"}, {"notIn": {"key": "country", "value": ["north"]}}),
        ({"a"}, {"listContains": {"key": "tags", "value": "fees"}}),
        ({"a"}, {"startsWith": {"key": "country", "value": "no"}}),
        ({"a", "b"}, {"stringContains": {"key": "country", "value": "th"}}),
        ({"a"}, {"andAll": [{"equals": {"key": "country", "value": "north"}}, {"equals": {"key": "year", "value": 2026}}]}),
        ({"a", "b"}, {"orAll": [{"equals": {"key": "country", "value": "north"}}, {"equals": {"key": "year", "value": 2024}}]}),
        (set(), {"equals": {"key": "no-such-attribute", "value": "x"}}),
        (set(), {"equals": {"key": "year", "value": "2026"}}),
    ]:
        for kind in ("HYBRID", "SEMANTIC"):
            found = set(estate.found(custom[0], "what does the permit cost", results=10, filter=condition, overrideSearchType=kind))
            assert found == wanted, (kind, condition)


def test_an_id_twice_in_one_request_counts_once(estate, custom):
    made = hand_in(estate, *custom, inline("same", "Ladders are blue."), inline("same", "Ladders are yellow."))
    assert sorted(one["status"] == "IGNORED" for one in made) == [False, True]
    settled(estate, *custom, "same")
    kept = "Ladders are yellow." if made[0]["status"] == "IGNORED" else "Ladders are blue."
    assert [one["content"]["text"] for one in estate.retrieve(custom[0], "ladders")] == [kept]


def test_a_repeated_client_token_hands_in_once(estate, custom):
    names = {"knowledgeBaseId": custom[0], "dataSourceId": custom[1]}
    first, second = "i" * 40, "d" * 40
    ingest = lambda text, token=first: estate.agent.ingest_knowledge_base_documents(
        **names, documents=[inline("policy", text)], clientToken=token)["documentDetails"]
    made = ingest("Umbrellas are lent.")
    indexed = settled(estate, *custom, "policy")
    assert ingest("Umbrellas are lent.") == made
    assert settled(estate, *custom, "policy") == indexed, "nothing is done again"
    refused(lambda: ingest("Umbrellas are sold."), "ValidationException", 400, first)

    remove = lambda token=second: estate.agent.delete_knowledge_base_documents(
        **names, documentIdentifiers=[of("policy")], clientToken=token)["documentDetails"]
    gone = remove()
    settled(estate, *custom, "policy")
    ingest("Umbrellas are sold.", "n" * 40)
    settled(estate, *custom, "policy")
    assert remove() == gone
    assert settled(estate, *custom, "policy")[0]["status"] == "INDEXED", "what came since stays"
    refused(lambda: remove(first), "ValidationException", 400)


def test_what_is_unknown_is_not_found_and_does_not_fail(estate, custom):
    assert settled(estate, *custom, "never")[0]["status"] == "NOT_FOUND"
    estate.agent.delete_knowledge_base_documents(knowledgeBaseId=custom[0], dataSourceId=custom[1], documentIdentifiers=[of("never")])


@pytest.mark.parametrize("documents", [
    [], [inline(f"d{at}", "x") for at in range(11)], [inline("", "text")],
    [{"content": {"dataSourceType": "CUSTOM"}}], [{"content": {"dataSourceType": "TAPE"}}],
    [inline("a", "x", [("k", {"type": "DATE", "stringValue": "2026-01-01"})])],
    [inline("a", "x", [("k", {"type": "NUMBER", "stringValue": "1"})])],
], ids=["none", "eleven", "no id", "no content", "unknown source", "unknown type", "value of another type"])
def test_requests_that_are_not_of_the_shape_are_refused(estate, custom, documents):
    refused(lambda: hand_in(estate, *custom, *documents), "ValidationException", 400)


def test_a_source_of_a_bucket_takes_its_own_objects_only(estate):
    estate.put("a.txt", "The scraper is missing.")
    base = estate.base()
    source = estate.source(base)
    refused(lambda: hand_in(estate, base, source, inline("x", "text")), "ValidationException", 400)
    made = hand_in(estate, base, source, {"content": {"dataSourceType": "S3", "s3": {"s3Location": {"uri": estate.uri("a.txt")}}}})
    assert made[0]["identifier"] == {"dataSourceType": "S3", "s3": {"uri": estate.uri("a.txt")}}
    while estate.document(base, source, "a.txt")["status"] in ("STARTING", "PENDING", "IN_PROGRESS"):
        time.sleep(0.05)
    assert estate.found(base, "scraper") == ["a.txt"]


def test_an_access_list_of_aws_names_users(estate, custom):
    name, reader = estate.reader(custom[0])
    _, stranger = estate.reader(custom[0])
    hand_in(estate, *custom, inline("secret", "The word for duress is kept secret.", readers=[("ALLOW", name)]),
            inline("open", "The word for guests is on the board."))
    settled(estate, *custom, "secret", "open")
    assert set(estate.found(custom[0], "the word", reader=reader)) == {"secret", "open"}
    assert estate.found(custom[0], "the word", reader=stranger) == ["open"]
    assert estate.found(custom[0], "the word") == ["open"], "an administrator is no reader"
    assert set(estate.found(custom[0], "the word", user=name)) == {"secret", "open"}, "an application asks for a user"
