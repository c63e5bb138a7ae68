"""Who may find a document: access lists of sidecars, groups, denials, and revocation that the next query sees."""

import uuid

import pytest
from conftest import CLAUDE, REGION, client, refused
from knowledge_estate import Estate, estate, policy, sidecar, shared  # noqa: F401

QUESTION = "How much does a mechanic earn?"


def put(estate, key, text, *readers):
    estate.put(key, text)
    estate.s3.put_object(Bucket=estate.bucket, Key=f"{key}.metadata.json", Body=sidecar(readers, subject="pay"))


def test_groups_users_and_denials_decide(estate):
    people, trainees = estate.group(), estate.group()
    base = estate.base()
    (ana, of_ana), (_, of_ben), (_, of_cleo), (dora, of_dora) = (
        estate.reader(base, people), estate.reader(base), estate.reader(base, people, trainees), estate.reader(base))
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "GROUP", people), ("ALLOW", "USER", dora), ("DENY", "GROUP", trainees))
    put(estate, "open.txt", "A mechanic earns according to the pay bands.")
    source = estate.source(base)
    estate.sync(base, source)
    for who, wanted in [(of_ana, {"pay.txt", "open.txt"}), (of_ben, {"open.txt"}), (of_cleo, {"open.txt"}), (of_dora, {"pay.txt", "open.txt"}),
                        (None, {"open.txt"})]:
        for kind in ("HYBRID", "SEMANTIC"):
            assert set(estate.found(base, QUESTION, reader=who, overrideSearchType=kind)) == wanted
    assert set(estate.found(base, QUESTION, user=ana)) == {"pay.txt", "open.txt"}
    assert set(estate.found(base, QUESTION, user="nobody")) == {"open.txt"}


def test_the_list_of_a_document_is_told_and_asked(estate):
    people = estate.group()
    base = estate.base()
    (ana, _), (ben, _) = estate.reader(base, people), estate.reader(base)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "GROUP", people), ("DENY", "USER", ben))
    put(estate, "open.txt", "A mechanic earns according to the pay bands.")
    names = {"knowledgeBaseId": base, "dataSourceId": estate.source(base)}
    estate.sync(*names.values())
    pay, everybody = {**names, "documentId": estate.uri("pay.txt")}, {**names, "documentId": estate.uri("open.txt")}
    told = estate.runtime.get_ingested_document_acl(**pay)["documentAcl"]
    allowed, denied = told["allowList"]["conditions"], told["denyList"]["conditions"]
    assert [one["id"] for one in allowed[0]["groups"]] == [people] and [one["id"] for one in denied[0]["users"]] == [ben]
    open_to_all = estate.runtime.get_ingested_document_acl(**everybody)["documentAcl"]
    assert "allowList" not in open_to_all and "denyList" not in open_to_all
    may = lambda document, user: estate.runtime.check_ingested_document_acl(**document, userContext={"userId": user})["hasAccess"]
    assert [may(pay, ana), may(pay, ben), may(pay, "nobody")] == [True, False, False]
    assert may(everybody, "nobody")
    estate.iam.remove_user_from_group(GroupName=people, UserName=ana)
    assert not may(pay, ana), "the next question knows"
    missing = {**names, "documentId": estate.uri("none.txt")}
    refused(lambda: estate.runtime.get_ingested_document_acl(**missing), "ResourceNotFoundException", 404)
    refused(lambda: may(pay, ""), "ValidationException", 400)


def test_leaving_a_group_counts_in_the_next_query_and_so_does_joining(estate):
    people = estate.group()
    base = estate.base()
    name, reader = estate.reader(base, people)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "GROUP", people))
    estate.sync(base, estate.source(base))
    for _ in range(5):
        assert estate.found(base, QUESTION, reader=reader) == ["pay.txt"]
        estate.iam.remove_user_from_group(GroupName=people, UserName=name)
        assert estate.found(base, QUESTION, reader=reader) == []
        estate.iam.add_user_to_group(GroupName=people, UserName=name)


def test_a_session_is_in_the_groups_that_its_tag_names(estate):
    base = estate.base()
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "GROUP", "people"), ("DENY", "GROUP", "trainees"))
    estate.sync(base, estate.source(base))
    for tags, wanted in [({"groups": "people"}, ["pay.txt"]), ({"groups": "fleet people"}, ["pay.txt"]), ({"groups": "people trainees"}, []),
                         ({"groups": "peoples"}, []), ({"team": "people"}, [])]:
        assert estate.found(base, QUESTION, reader=estate.session(base, **tags)) == wanted, tags


def test_a_changed_access_list_counts_once_it_is_synced(estate):
    base = estate.base()
    (ana, of_ana), (ben, of_ben) = estate.reader(base), estate.reader(base)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "USER", ana))
    source = estate.source(base)
    estate.sync(base, source)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "USER", ben))
    counts = estate.sync(base, source)
    assert counts["numberOfMetadataDocumentsModified"] == 1 and "numberOfModifiedDocumentsIndexed" not in counts
    assert estate.found(base, QUESTION, reader=of_ana) == [] and estate.found(base, QUESTION, reader=of_ben) == ["pay.txt"]


def test_scores_tell_nothing_of_what_may_not_be_seen(estate):
    """A reader's results equal those over documents that never held the forbidden ones, scores included."""
    people = estate.group()
    public = {f"p{at}.txt": f"Page {at}: the duty manager keeps list {at} of vehicles, keys and tablets." for at in range(12)}
    hidden = {f"h{at}.txt": f"Secret {at}: vehicles, keys and keys again are on list {at} of the duty manager." for at in range(30)}
    plain, mixed = Estate(), estate
    try:
        for key, text in public.items():
            plain.put(key, text)
            mixed.put(key, text)
        for key, text in hidden.items():
            put(mixed, key, text, ("ALLOW", "GROUP", people))
        alone, _ = plain.filled()
        base, _ = mixed.filled()
        _, reader = mixed.reader(base)
        for question in ("keys of vehicles", "list 7 of the duty manager", "tablets"):
            wanted = [(one["content"]["text"], one["score"]) for one in plain.retrieve(alone, question, results=10)]
            found = [(one["content"]["text"], one["score"]) for one in mixed.retrieve(base, question, results=10, reader=reader)]
            assert [text for text, _ in found] == [text for text, _ in wanted]
            assert [score for _, score in found] == pytest.approx([score for _, score in wanted], abs=1e-5)
    finally:
        plain.close()


def test_a_revoked_reader_loses_the_passage_in_an_open_conversation(estate):
    people = estate.group()
    base = estate.base()
    name, reader = estate.reader(base, people, actions=("bedrock:Retrieve", "bedrock:RetrieveAndGenerate"))
    estate.iam.put_user_policy(UserName=name, PolicyName="answers", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "bedrock:RetrieveAndGenerate", "Resource": "*"}))
    put(estate, "pay.txt", "A mechanic earns 3,090 euros a month at the middle of the band.", ("ALLOW", "GROUP", people))
    estate.sync(base, estate.source(base))

    def ask(text, **more):
        return reader.retrieve_and_generate(input={"text": text}, retrieveAndGenerateConfiguration={
            "type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
                "knowledgeBaseId": base, "modelArn": f"arn:aws:bedrock:{REGION}::foundation-model/{CLAUDE}",
                "generationConfiguration": {"inferenceConfig": {"textInferenceConfig": {"maxTokens": 60, "temperature": 0}}}}}, **more)

    first = ask(QUESTION)
    estate.iam.remove_user_from_group(GroupName=people, UserName=name)
    second = ask("And what was the number again?", sessionId=first["sessionId"])
    assert all(not one["retrievedReferences"] for one in second.get("citations", []))
    assert "3,090" not in second["output"]["text"] and "3090" not in second["output"]["text"]


def test_a_session_of_a_role_reads_as_the_role(estate):
    base = estate.base()
    name = f"Reader-{uuid.uuid4().hex[:8]}"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{estate.account}:root"}, "Action": "sts:AssumeRole"}
    arn = estate.iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    estate.iam.put_role_policy(RoleName=name, PolicyName="reads", PolicyDocument=policy(
        {"Effect": "Allow", "Action": "bedrock:Retrieve", "Resource": "*"}))
    try:
        put(estate, "role.txt", "A mechanic earns what the role may see.", ("ALLOW", "USER", name))
        put(estate, "other.txt", "A mechanic earns what nobody may see.", ("ALLOW", "USER", "nobody-at-all"))
        estate.sync(base, estate.source(base))
        key = client("sts").assume_role(RoleArn=arn, RoleSessionName="chat")["Credentials"]
        session = client("bedrock-agent-runtime", key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
        assert estate.found(base, QUESTION, reader=session) == ["role.txt"]
    finally:
        estate.iam.delete_role_policy(RoleName=name, PolicyName="reads")
        estate.iam.delete_role(RoleName=name)


def test_who_may_not_retrieve_reads_nothing_whatever_the_list_says(estate):
    base = estate.base()
    name, _ = estate.reader(base)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "USER", name))
    estate.sync(base, estate.source(base))
    estate.iam.delete_user_policy(UserName=name, PolicyName="reads")
    key = estate.iam.create_access_key(UserName=name)["AccessKey"]
    denied = client("bedrock-agent-runtime", key["AccessKeyId"], key["SecretAccessKey"])
    refused(lambda: estate.retrieve(base, QUESTION, reader=denied), "AccessDeniedException", 403, "bedrock:Retrieve")


@pytest.mark.parametrize("body, said", [
    (b'{"metadataAttributes": ', "JSON"),
    (b'{"accessControlList": "everybody"}', "accessControlList"),
    (b'{"accessControlList": [{"name": "ana", "type": "TEAM", "access": "ALLOW"}]}', "`type`"),
    (b'{"accessControlList": [{"name": "ana", "type": "USER", "access": "MAYBE"}]}', "`access`"),
    (b'{"accessControlList": []}', "accessControlList"),
    (b'{"metadataAttributes": {"x": "' + b"y" * 11_000 + b'"}}', "10"),
], ids=["cut off", "no list", "unknown kind", "unknown access", "empty list", "too large"])
def test_a_document_with_a_bad_sidecar_stays_hidden_and_says_why(estate, body, said):
    """An access list that cannot be read must never make its document public."""
    estate.put("pay.txt", "A mechanic earns 3,090 a month.").put("open.txt", "A mechanic earns a salary.")
    estate.s3.put_object(Bucket=estate.bucket, Key="pay.txt.metadata.json", Body=body)
    base = estate.base()
    source = estate.source(base)
    done = estate.ended(base, source, estate.start(base, source))
    assert done["status"] == "COMPLETE" and done["statistics"]["numberOfDocumentsFailed"] == 1
    document = estate.document(base, source, "pay.txt")
    assert document["status"] == "FAILED" and said in document["statusReason"]
    assert estate.found(base, QUESTION) == ["open.txt"]


def test_a_sidecar_that_went_bad_leaves_the_list_that_held_before(estate):
    base = estate.base()
    (ana, of_ana), (_, of_ben) = estate.reader(base), estate.reader(base)
    put(estate, "pay.txt", "A mechanic earns 3,090 a month.", ("ALLOW", "USER", ana))
    source = estate.source(base)
    estate.sync(base, source)
    estate.s3.put_object(Bucket=estate.bucket, Key="pay.txt.metadata.json", Body=b"{broken")
    done = estate.ended(base, source, estate.start(base, source))
    assert "pay.txt" in " ".join(done["failureReasons"])
    assert estate.document(base, source, "pay.txt")["status"] == "METADATA_UPDATE_FAILED"
    assert estate.found(base, QUESTION, reader=of_ana) == ["pay.txt"]
    assert estate.found(base, QUESTION, reader=of_ben) == estate.found(base, QUESTION) == []
