import math

import pytest

from conftest import CLAUDE, COHERE, LLAMA, MISTRAL, NOVA, TITAN_TEXT, TITAN_V1, TITAN_V2, client, invoke, refused, stream


def anthropic(**more):
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 16, "temperature": 0,
            "messages": [{"role": "user", "content": "Say hello."}], **more}


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_anthropic_messages():
    answer = invoke(CLAUDE, anthropic(system="Be brief."))
    assert (answer["type"], answer["role"]) == ("message", "assistant") and answer["content"][0]["type"] == "text"
    assert answer["stop_reason"] in ("end_turn", "max_tokens") and answer["usage"]["output_tokens"] <= 16
    events = stream(CLAUDE, anthropic(system="Be brief."))
    assert events[0]["type"] == "message_start" and events[-1]["type"] == "message_stop"
    text = "".join(e["delta"]["text"] for e in events if e["type"] == "content_block_delta")
    assert text == answer["content"][0]["text"]
    assert events[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == answer["usage"]["input_tokens"]


def test_anthropic_tools():
    tool = {"name": "add", "description": "Adds", "input_schema": {"type": "object", "properties": {
        "a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"], "additionalProperties": False}}
    answer = invoke(CLAUDE, anthropic(max_tokens=100, tools=[tool], tool_choice={"type": "tool", "name": "add"}))
    call = next(block for block in answer["content"] if block["type"] == "tool_use")
    assert answer["stop_reason"] == "tool_use" and set(call["input"]) == {"a", "b"} and call["id"]


def test_amazon_nova():
    body = {"schemaVersion": "messages-v1", "messages": [{"role": "user", "content": [{"text": "Say hello."}]}],
            "inferenceConfig": {"maxTokens": 16, "temperature": 0}}
    answer = invoke(NOVA, body)
    text = answer["output"]["message"]["content"][0]["text"]
    assert text and answer["usage"]["outputTokens"] <= 16 and answer["stopReason"] in ("end_turn", "max_tokens")
    deltas = [e["contentBlockDelta"]["delta"]["text"] for e in stream(NOVA, body) if "contentBlockDelta" in e]
    assert "".join(deltas) == text


def test_titan_text():
    body = {"inputText": "Say hello.", "textGenerationConfig": {"maxTokenCount": 16, "temperature": 0}}
    answer = invoke(TITAN_TEXT, body)
    result = answer["results"][0]
    assert result["outputText"] and result["tokenCount"] <= 16 and result["completionReason"] in ("FINISH", "LENGTH")
    assert "".join(e["outputText"] for e in stream(TITAN_TEXT, body)) == result["outputText"]


def test_meta_llama():
    prompt = ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nSay hello.<|eot_id|>"
              "<|start_header_id|>assistant<|end_header_id|>\n\n")
    body = {"prompt": prompt, "max_gen_len": 16, "temperature": 0}
    answer = invoke(LLAMA, body)
    assert answer["generation"] and answer["generation_token_count"] <= 16 and answer["stop_reason"] in ("stop", "length")
    assert "".join(e["generation"] for e in stream(LLAMA, body)) == answer["generation"]


def test_mistral():
    body = {"prompt": "<s>[INST] Say hello. [/INST]", "max_tokens": 16, "temperature": 0}
    answer = invoke(MISTRAL, body)
    assert answer["outputs"][0]["text"] and answer["outputs"][0]["stop_reason"] in ("stop", "length")
    assert "".join(e["outputs"][0]["text"] for e in stream(MISTRAL, body)) == answer["outputs"][0]["text"]


def test_vendor_prompts_are_read_as_conversations():
    llama = invoke(LLAMA, {"prompt": "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nSay hello.<|eot_id|>"
                                     "<|start_header_id|>assistant<|end_header_id|>\n\n", "max_gen_len": 16, "temperature": 0})
    mistral = invoke(MISTRAL, {"prompt": "<s>[INST] Say hello. [/INST]", "max_tokens": 16, "temperature": 0})
    assert llama["generation"].strip() == mistral["outputs"][0]["text"].strip()


def test_titan_embeddings():
    first = invoke(TITAN_V1, {"inputText": "A cat sleeps."})
    assert len(first["embedding"]) == 1536 and first["inputTextTokenCount"] > 2
    for size in (1024, 512, 256):
        answer = invoke(TITAN_V2, {"inputText": "A cat sleeps.", "dimensions": size, "normalize": True})
        assert len(answer["embedding"]) == size and abs(sum(x * x for x in answer["embedding"]) - 1) < 1e-4
    answer = invoke(TITAN_V2, {"inputText": "A cat sleeps.", "embeddingTypes": ["binary", "float"]})
    assert set(answer["embeddingsByType"]) == {"binary", "float"} and set(answer["embeddingsByType"]["binary"]) <= {0, 1}


def test_cohere_embeddings():
    texts = ["A cat sleeps.", "A kitten dozes.", "Stocks fell."]
    answer = invoke(COHERE, {"texts": texts, "input_type": "search_document"})
    a, b, c = answer["embeddings"]
    assert answer["response_type"] == "embeddings_floats" and answer["texts"] == [t.lower() for t in texts] or answer["texts"] == texts
    assert len(a) == 1024 and cosine(a, b) > cosine(a, c) + 0.2
    typed = invoke(COHERE, {"texts": texts, "input_type": "search_query", "embedding_types": ["float", "int8", "uint8", "binary", "ubinary"]})
    sizes = {kind: len(vectors[0]) for kind, vectors in typed["embeddings"].items()}
    assert sizes == {"float": 1024, "int8": 1024, "uint8": 1024, "binary": 128, "ubinary": 128}
    assert typed["response_type"] == "embeddings_by_type"


@pytest.mark.parametrize("model,body,text", [
    (CLAUDE, {"max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}, "anthropic_version"),
    (CLAUDE, {"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": "x"}]}, "max_tokens"),
    (CLAUDE, {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5}, "messages"),
    (CLAUDE, {"anthropic_version": "bedrock-2023-05-31", "max_tokens": "5", "messages": []}, "max_tokens"),
    (NOVA, {"messages": "x"}, "messages"),
    (TITAN_TEXT, {}, "inputText"),
    (TITAN_V2, {"inputText": "x", "dimensions": 300}, "dimensions"),
    (COHERE, {"texts": ["x"]}, "input_type"),
    (COHERE, {"texts": ["x"] * 97, "input_type": "search_query"}, "96"),
    (COHERE, {"texts": ["x"], "input_type": "sing"}, "input_type"),
    (LLAMA, {"max_gen_len": 3}, "prompt"),
    (LLAMA, {"prompt": "x", "temperature": 7}, "temperature"),
    (MISTRAL, {"max_tokens": 3}, "prompt"),
])
def test_bad_bodies_are_refused_with_the_members_name(model, body, text):
    refused(lambda: invoke(model, body), "ValidationException", 400, text)


def test_a_body_that_is_not_json_is_refused():
    runtime = client("bedrock-runtime")
    for body in (b"not json", b"\xff\xfe", b"[" * 1000, b""):
        refused(lambda: runtime.invoke_model(modelId=CLAUDE, body=body), "ValidationException", 400)
