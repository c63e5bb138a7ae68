import json
import uuid

import pytest

from conftest import CLAUDE, NOVA, client, invoke, refused, signed, stream

EPHEMERAL = {"type": "ephemeral"}
POINT = {"cachePoint": {"type": "default"}}


def rubric():
    """A long beginning that no other test has sent."""
    return f"Case {uuid.uuid4()}. " + "Judge what follows by the rules of this house, in one word. " * 40


def anthropic(system, question, **more):
    return {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 8, "temperature": 0, "system": system,
            "messages": [{"role": "user", "content": question}], **more}


def test_an_anthropic_body_reads_its_second_call_from_the_cache():
    system = [{"type": "text", "text": rubric(), "cache_control": EPHEMERAL}]
    first = invoke(CLAUDE, anthropic(system, "One thing."))["usage"]
    assert first["cache_creation_input_tokens"] > 300 and first["cache_read_input_tokens"] == 0
    second = invoke(CLAUDE, anthropic(system, "Quite another thing."))["usage"]
    assert second["cache_read_input_tokens"] > 300 and second["cache_creation_input_tokens"] == 0
    assert second["input_tokens"] < 100
    plain = invoke(CLAUDE, anthropic(system[0]["text"], "Quite another thing."))["usage"]
    both = sum(second[name] for name in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))
    assert plain["input_tokens"] == both and plain["cache_read_input_tokens"] == 0


def test_an_anthropic_stream_counts_the_cache_at_its_beginning_and_its_end():
    body = anthropic([{"type": "text", "text": rubric(), "cache_control": {**EPHEMERAL, "ttl": "1h"}}], "Well?")
    invoke(CLAUDE, body)
    events = stream(CLAUDE, body)
    begun = events[0]["message"]["usage"]
    assert begun["cache_read_input_tokens"] > 300 and begun["input_tokens"] < 100
    ended = next(event for event in events if event["type"] == "message_delta")["usage"]
    assert ended["cache_read_input_tokens"] == begun["cache_read_input_tokens"] and ended["output_tokens"] > 0
    metrics = events[-1]["amazon-bedrock-invocationMetrics"]
    assert metrics["cacheReadInputTokenCount"] == begun["cache_read_input_tokens"]
    assert metrics["inputTokenCount"] == begun["input_tokens"]


def test_a_cache_control_within_a_turn_keeps_what_comes_before_it():
    case = rubric()
    ask = lambda question: invoke(CLAUDE, anthropic("Be brief.", [
        {"type": "text", "text": case, "cache_control": EPHEMERAL}, {"type": "text", "text": question}]))["usage"]
    assert ask("One thing.")["cache_creation_input_tokens"] > 300
    assert ask("Quite another thing.")["cache_read_input_tokens"] > 300


def test_five_cache_controls_are_refused():
    system = [{"type": "text", "text": f"Rule {n}.", "cache_control": EPHEMERAL} for n in range(5)]
    refused(lambda: invoke(CLAUDE, anthropic(system, "Hi")), "ValidationException", 400,
            "A maximum of 4 blocks with cache_control may be provided. Found 5.")
    forever = [{"type": "text", "text": "Rule.", "cache_control": {"type": "forever"}}]
    refused(lambda: invoke(CLAUDE, anthropic(forever, "Hi")), "ValidationException", 400, "cache_control")


def test_a_nova_body_reads_its_second_call_from_the_cache():
    case = rubric()
    ask = lambda question: invoke(NOVA, {
        "schemaVersion": "messages-v1", "system": [{"text": case}, POINT],
        "messages": [{"role": "user", "content": [{"text": question}]}],
        "inferenceConfig": {"maxTokens": 8, "temperature": 0}})["usage"]
    first, second = ask("One thing."), ask("Quite another thing.")
    assert first["cacheWriteInputTokenCount"] > 300 and first["cacheReadInputTokenCount"] == 0
    assert second["cacheReadInputTokenCount"] > 300 and second["cacheWriteInputTokenCount"] == 0
    assert second["totalTokens"] == second["inputTokens"] + second["cacheReadInputTokenCount"] + second["outputTokens"]


def test_the_list_of_requests_tells_what_came_from_the_cache():
    system = [{"type": "text", "text": rubric(), "cache_control": EPHEMERAL}]
    invoke(CLAUDE, anthropic(system, "One thing."))
    answer = client("bedrock-runtime").invoke_model(modelId=CLAUDE, body=json.dumps(anthropic(system, "Another.")))
    usage = json.loads(answer["body"].read())["usage"]
    id = answer["ResponseMetadata"]["RequestId"]
    listed = signed("GET", "/craton/v1/requests?limit=50", "craton").json()["items"]
    told = next(request for request in listed if request["requestId"] == id)
    assert told["cachedTokens"] == usage["cache_read_input_tokens"] and told["outputTokens"] == usage["output_tokens"]
    assert 0 <= told["queuedMs"] <= told["firstTokenMs"] <= told["durationMs"] + 1 and told["stopReason"]


@pytest.fixture
def account():
    made = signed("POST", "/craton/v1/accounts", "craton", b"{}").json()
    yield made["accountId"], made["accessKeyId"], made["secretAccessKey"]
    signed("DELETE", f"/craton/v1/quotas/{made['accountId']}", "craton")


def test_one_account_s_quota_is_used_up_and_another_s_is_not(account):
    id, key, secret = account
    set = signed("PUT", f"/craton/v1/quotas/{id}", "craton", b'{"requestsPerMinute": 1}')
    assert set.status_code == 200 and set.json()["requestsPerMinute"] == 1, set.text
    theirs = client("bedrock-runtime", key, secret)
    ask = lambda who: who.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": "Hi"}]}],
                                   inferenceConfig={"maxTokens": 4})
    ask(theirs)
    error = refused(lambda: ask(theirs), "ThrottlingException", 429, "Too many requests, please wait before trying again.")
    assert 1 <= int(error["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) <= 60
    ask(client("bedrock-runtime"))
    used = signed("GET", "/craton/v1/quotas", "craton").json()["used"]
    assert any(one["accountId"] == id and one["requestsLeft"] == 0 and one["source"] == "account" for one in used), used
    assert signed("DELETE", f"/craton/v1/quotas/{id}", "craton").status_code == 204
    ask(theirs)
