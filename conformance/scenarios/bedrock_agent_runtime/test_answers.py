"""Answers from knowledge bases: citations that point at the exact characters, permissions, sessions, streams, reranking."""

import json
import time
import uuid

import pytest

from conftest import CLAUDE, REGION, TITAN_V2, client, empty_bucket, refused, signed

REFUSAL = "Sorry, I am unable to assist you with this request."
DOCUMENTS = {
    "refunds.md": "# Refunds\n\nRefunds are made within 14 days of the return. The card that paid is credited. Cash is never paid out.\n",
    "late.txt": "A late return costs 20 euros for each day that begins. Lost keys cost 90 euros.\n",
    "pay.md": "# Pay\n\nThe branch manager approves overtime in writing. Overtime is paid at 125 percent.\n",
    "fleet.txt": "Für jeden Transporter gilt: Die Kaution beträgt 800 Euro. Sie wird nach der Rückgabe freigegeben.\n",
}
# A small model may go on and on.
BRIEF = {"inferenceConfig": {"textInferenceConfig": {"maxTokens": 160}}}
READERS = {"metadataAttributes": {"department": "staff"},
           "accessControlList": [{"name": "ana", "type": "USER", "access": "ALLOW"}]}


def arn(model):
    return f"arn:aws:bedrock:{REGION}::foundation-model/{model}"


class Base:
    """A synced knowledge base of the documents, of which `pay.md` is for ana alone."""

    def __init__(self):
        tag = uuid.uuid4().hex[:10]
        self.s3, self.iam, self.agent, self.runtime = client("s3"), client("iam"), client("bedrock-agent"), client("bedrock-agent-runtime")
        self.bucket, self.role = f"answers-{tag}", f"Answers-{tag}"
        self.s3.create_bucket(Bucket=self.bucket)
        for name, text in DOCUMENTS.items():
            self.s3.put_object(Bucket=self.bucket, Key=name, Body=text.encode())
        self.let_read(READERS)
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
        role = self.iam.create_role(RoleName=self.role, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket", "bedrock:InvokeModel"], "Resource": "*"}]}
        self.iam.put_role_policy(RoleName=self.role, PolicyName="reads", PolicyDocument=json.dumps(policy))
        made = self.agent.create_knowledge_base(
            name=f"answers-{tag}", roleArn=role,
            knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": arn(TITAN_V2)}})
        self.id = made["knowledgeBase"]["knowledgeBaseId"]
        self.wait(lambda: self.agent.get_knowledge_base(knowledgeBaseId=self.id)["knowledgeBase"]["status"], "ACTIVE")
        source = self.agent.create_data_source(knowledgeBaseId=self.id, name="files", dataSourceConfiguration={
            "type": "S3", "s3Configuration": {"bucketArn": f"arn:aws:s3:::{self.bucket}"}})
        self.source = source["dataSource"]["dataSourceId"]
        self.sync()

    def let_read(self, readers):
        self.s3.put_object(Bucket=self.bucket, Key="pay.md.metadata.json", Body=json.dumps(readers).encode())

    def sync(self):
        names = {"knowledgeBaseId": self.id, "dataSourceId": self.source}
        job = self.agent.start_ingestion_job(**names)["ingestionJob"]["ingestionJobId"]
        self.wait(lambda: self.agent.get_ingestion_job(**names, ingestionJobId=job)["ingestionJob"]["status"], "COMPLETE")

    @staticmethod
    def wait(status, wanted):
        end = time.monotonic() + 120
        while (seen := status()) != wanted:
            assert seen not in ("FAILED", "STOPPED") and time.monotonic() < end, seen
            time.sleep(0.2)

    def configuration(self, **more):
        return {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
            "knowledgeBaseId": self.id, "modelArn": arn(CLAUDE), "generationConfiguration": BRIEF} | more}

    def ask(self, text, more=None, **rest):
        return self.runtime.retrieve_and_generate(input={"text": text}, retrieveAndGenerateConfiguration=self.configuration(**(more or {})), **rest)

    def retrieve(self, text, search=None, **rest):
        answer = self.runtime.retrieve(knowledgeBaseId=self.id, retrievalQuery={"text": text},
                                       retrievalConfiguration={"vectorSearchConfiguration": {"numberOfResults": 3} | (search or {})}, **rest)
        return answer["retrievalResults"]

    def own(self, what, body):
        answer = signed("POST", f"/craton/v1/knowledge-bases/{self.id}/{what}", "craton", json.dumps(body), {"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def close(self):
        self.agent.delete_data_source(knowledgeBaseId=self.id, dataSourceId=self.source)
        self.agent.delete_knowledge_base(knowledgeBaseId=self.id)
        self.iam.delete_role_policy(RoleName=self.role, PolicyName="reads")
        self.iam.delete_role(RoleName=self.role)
        empty_bucket(self.s3, self.bucket)


@pytest.fixture(scope="module")
def base():
    base = Base()
    yield base
    base.close()


def check_citations(answer):
    """Every span is exact: characters, the end included."""
    text = answer["output"]["text"]
    for citation in answer["citations"]:
        part = citation["generatedResponsePart"]["textResponsePart"]
        assert text[part["span"]["start"]:part["span"]["end"] + 1] == part["text"], part
        for reference in citation["retrievedReferences"]:
            assert reference["content"]["text"] and reference["location"]["type"] == "S3"


def test_retrieve_finds_the_passage_and_tells_where_it_is(base):
    found = base.retrieve("How much is a lost key?")
    assert "Lost keys cost 90 euros" in found[0]["content"]["text"]
    assert found[0]["location"] == {"type": "S3", "s3Location": {"uri": f"s3://{base.bucket}/late.txt"}}
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)


def test_answers_are_cited_exactly(base):
    for question in ("How long do refunds take?", "What does a late return cost?", "Wie hoch ist die Kaution für Transporter?"):
        answer = base.ask(question)
        assert answer["sessionId"] and answer["output"]["text"].strip()
        check_citations(answer)


def test_what_nothing_answers_is_declined(base):
    empty = base.ask("How long do refunds take?", {"retrievalConfiguration": {"vectorSearchConfiguration": {
        "filter": {"equals": {"key": "department", "value": "nobody"}}}}})
    assert empty["output"]["text"] == REFUSAL
    assert [citation["retrievedReferences"] for citation in empty["citations"]] == [[]]
    check_citations(empty)


def test_a_passage_that_is_not_for_the_reader_takes_no_part(base):
    question = "Who approves overtime?"
    assert not any("overtime" in one["content"]["text"].lower() for one in base.retrieve(question))
    mine = base.retrieve(question, userContext={"userId": "ana"})
    assert "branch manager" in mine[0]["content"]["text"]
    denied = {"metadataAttributes": {}, "accessControlList": [{"name": "ben", "type": "USER", "access": "ALLOW"}]}
    session = base.ask(question, userContext={"userId": "ana"})["sessionId"]
    base.let_read(denied)
    base.sync()
    try:
        assert not any("overtime" in one["content"]["text"].lower() for one in base.retrieve(question, userContext={"userId": "ana"}))
        after = base.ask("And at which rate is it paid?", userContext={"userId": "ana"}, sessionId=session)
        told = json.dumps(after["citations"]) + after["output"]["text"]
        assert "125" not in told and "branch manager" not in told
    finally:
        base.let_read(READERS)
        base.sync()


def test_a_stream_tells_what_the_whole_answer_tells(base):
    # Two answers are compared letter by letter, so neither may depend on what the model has read before.
    exactly = {"generationConfiguration": BRIEF | {"additionalModelRequestFields": {"deterministic": True}}}
    answer = base.runtime.retrieve_and_generate_stream(
        input={"text": "How long do refunds take?"}, retrieveAndGenerateConfiguration=base.configuration(**exactly))
    assert answer["sessionId"]
    text, citations = "", []
    for event in answer["stream"]:
        if "output" in event:
            text += event["output"]["text"]
        elif "citation" in event:
            citations.append(event["citation"])
    part = [citation["generatedResponsePart"]["textResponsePart"] for citation in citations]
    assert text and all(text[one["span"]["start"]:one["span"]["end"] + 1] == one["text"] for one in part)
    whole = base.ask("How long do refunds take?", exactly)
    assert whole["output"]["text"] == text
    assert [one["generatedResponsePart"] for one in whole["citations"]] == [one["generatedResponsePart"] for one in citations]


def test_sessions_are_theirs_who_began_them(base):
    first = base.ask("How long do refunds take?")
    again = base.ask("And in cash?", sessionId=first["sessionId"])
    assert again["sessionId"] == first["sessionId"]
    refused(lambda: base.ask("And in cash?", sessionId="never-begun"), "ValidationException", 400, "never-begun")
    refused(lambda: base.ask("And in cash?", sessionId=first["sessionId"], userContext={"userId": "ana"}), "ValidationException", 400)


def test_without_a_model_the_passages_speak_for_themselves(base):
    answer = base.own("ask", {"text": "What do lost keys cost?", "mode": "extractive"})
    assert answer["answer"].startswith("Lost keys cost 90 euros.") and not answer["noAnswer"] and answer["served"] is None
    for citation in answer["citations"]:
        said = answer["answer"][citation["span"]["start"]:citation["span"]["end"] + 1]
        reference = citation["references"][0]
        assert reference["text"][reference["sourceSpan"]["start"]:reference["sourceSpan"]["end"] + 1] == said
    assert base.own("ask", {"text": "Who painted the ceiling of the Sistine Chapel?"})["noAnswer"]


def test_rankings_are_explained(base):
    found = base.own("explain", {"text": "lost keys", "numberOfResults": 2, "searchType": "HYBRID"})
    first = found["results"][0]
    assert first["lexical"]["rank"] == 1 and first["vector"]["score"] > 0 and found["visible"] == 3
    assert {term["term"] for term in first["terms"]} >= {"lost", "key"}
    marked = [first["text"][one["start"]:one["end"]].lower() for one in first["highlights"]]
    assert {word.rstrip("s") for word in marked} == {"lost", "key"}
    chunks = signed("GET", f"/craton/v1/knowledge-bases/{base.id}/documents/s3%3A%2F%2F{base.bucket}%2Ffleet.txt/chunks?dataSourceId={base.source}", "craton").json()
    assert all(chunks["text"][one["start"]:one["end"]] == one["text"] for one in chunks["chunks"])


def test_texts_are_reranked(base):
    texts = ["Cars are washed every day.", "Refunds are made within 14 days.", "The desk opens at nine."]
    sources = [{"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": text}}} for text in texts]
    for model in ("cohere.rerank-v3-5:0", "amazon.rerank-v1:0"):
        answer = base.runtime.rerank(
            queries=[{"type": "TEXT", "textQuery": {"text": "How long does it take to get my money back?"}}], sources=sources,
            rerankingConfiguration={"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {
                "modelConfiguration": {"modelArn": arn(model)}, "numberOfResults": 2}})
        assert [one["index"] for one in answer["results"]][0] == 1 and len(answer["results"]) == 2
        assert "substituted=true" in answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-served-by"]
    reranked = base.retrieve("How long do refunds take?", {"rerankingConfiguration": {
        "type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {
            "modelConfiguration": {"modelArn": arn("cohere.rerank-v3-5:0")}, "numberOfRerankedResults": 1}}})
    assert len(reranked) == 1 and "Refunds" in reranked[0]["content"]["text"]


def test_a_template_is_used_and_one_that_is_of_no_use_refused(base):
    template = {"generationConfiguration": {"promptTemplate": {"textPromptTemplate": "Say it briefly.\n$search_results$\nQ: $query$\n$output_format_instructions$"},
                                            "inferenceConfig": {"textInferenceConfig": {"maxTokens": 40, "temperature": 0}}}}
    check_citations(base.ask("How long do refunds take?", template))
    without = {"generationConfiguration": {"promptTemplate": {"textPromptTemplate": "Q: $query$"}}}
    refused(lambda: base.ask("How long?", without), "ValidationException", 400, "$search_results$")


def test_a_document_that_comes_with_the_question_answers(base):
    configuration = {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": {"modelArn": arn(CLAUDE), "sources": [
        {"sourceType": "BYTE_CONTENT", "byteContent": {"identifier": "notice.txt", "contentType": "text/plain",
                                                       "data": b"The garage in Lisbon closes at 22:00 on weekdays."}}]}}
    answer = base.runtime.retrieve_and_generate(input={"text": "When does the garage in Lisbon close?"}, retrieveAndGenerateConfiguration=configuration)
    assert "22:00" in answer["output"]["text"]


@pytest.mark.parametrize("more,says", [
    ({"generationConfiguration": {"guardrailConfiguration": {"guardrailId": "abc", "guardrailVersion": "1"}}}, "Guardrails"),
    ({"retrievalConfiguration": {"managedSearchConfiguration": {}}}, "managedSearchConfiguration"),
])
def test_what_is_not_built_is_named(base, more, says):
    refused(lambda: base.ask("How long?", more), "NotImplementedException", 501, says)


def test_both_the_knowledge_base_and_the_model_must_be_permitted(base, iam_user):
    name, key, secret = iam_user
    runtime = client("bedrock-agent-runtime", key, secret)
    ask = lambda: runtime.retrieve_and_generate(input={"text": "How long do refunds take?"}, retrieveAndGenerateConfiguration=base.configuration())
    wanted = [("bedrock:RetrieveAndGenerate", "*"), ("bedrock:Retrieve", "*"), ("bedrock:InvokeModel", arn(CLAUDE))]
    for count in range(len(wanted)):
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in wanted[:count]]
        if statements:
            base.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
        refused(ask, "AccessDeniedException", 403, wanted[count][0])
    statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in wanted]
    base.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}))
    assert ask()["output"]["text"]
    base.iam.delete_user_policy(UserName=name, PolicyName="p")


def test_an_unknown_knowledge_base_is_not_found(base):
    refused(lambda: base.runtime.retrieve(knowledgeBaseId="ZZZZZZZZZZ", retrievalQuery={"text": "x"}), "ResourceNotFoundException", 404)
