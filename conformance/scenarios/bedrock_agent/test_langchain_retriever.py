"""LangChain's retriever over a knowledge base, unchanged."""

import pytest
from knowledge_estate import shared  # noqa: F401
from langchain_aws.retrievers import AmazonKnowledgeBasesRetriever


@pytest.fixture(scope="module")
def base(shared):  # noqa: F811
    shared.put("keys.txt", "A lost key costs 210 euros.", department="fleet", year=2026)
    shared.put("leave.txt", "Full-time employees have 28 days of leave.", department="people", year=2026)
    shared.put("old.txt", "A lost key costs 150 euros.", department="fleet", year=2023)
    return shared.filled()[0]


def retriever(base, **search):
    """As LangChain's documentation has it; endpoint and keys come from the environment."""
    return AmazonKnowledgeBasesRetriever(knowledge_base_id=base,
                                         retrieval_config={"vectorSearchConfiguration": {"numberOfResults": 4} | search})


def test_documents_come_with_score_and_source(shared, base):  # noqa: F811
    found = retriever(base).invoke("How many days of leave are there?")
    assert "28 days" in found[0].page_content
    assert found[0].metadata["location"]["s3Location"]["uri"] == shared.uri("leave.txt")
    assert found[0].metadata["source_metadata"]["department"] == "people"
    scores = [one.metadata["score"] for one in found]
    assert scores == sorted(scores, reverse=True) and 0 < scores[0] <= 1


def test_filters_and_the_kind_of_search_pass_through(base):
    newest = {"andAll": [{"equals": {"key": "department", "value": "fleet"}}, {"greaterThan": {"key": "year", "value": 2024}}]}
    for kind in ("HYBRID", "SEMANTIC"):
        found = retriever(base, filter=newest, overrideSearchType=kind).invoke("What does a lost key cost?")
        assert [one.page_content for one in found] == ["A lost key costs 210 euros."]


def test_a_floor_for_scores_cuts(base):
    asked = AmazonKnowledgeBasesRetriever(knowledge_base_id=base, min_score_confidence=1.0,
                                          retrieval_config={"vectorSearchConfiguration": {"numberOfResults": 4}})
    assert len(asked.invoke("Something about the weather on Mars")) < 3


def test_a_chain_of_retriever_and_prompt_works(base):
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import RunnableLambda, RunnablePassthrough

    context = retriever(base) | RunnableLambda(lambda found: "\n".join(one.page_content for one in found))
    prompt = ChatPromptTemplate.from_template("Context: {context}\nQuestion: {question}")
    chain = {"context": context, "question": RunnablePassthrough()} | prompt | RunnableLambda(lambda made: made.to_string()) | StrOutputParser()
    assert "28 days of leave" in chain.invoke("How many days of leave are there?")
