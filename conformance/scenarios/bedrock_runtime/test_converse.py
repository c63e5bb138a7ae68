import json
import re

import pytest

from conftest import CLAUDE, NOVA, TITAN_V2, client, refused, user

runtime = client("bedrock-runtime")
WEATHER = {"toolSpec": {"name": "get_weather", "description": "Weather of a city", "inputSchema": {"json": {
    "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
    "required": ["city", "days"], "additionalProperties": False}}}}


def converse(text="Say hello.", **more):
    more.setdefault("inferenceConfig", {"maxTokens": 24, "temperature": 0})
    return runtime.converse(modelId=more.pop("modelId", CLAUDE), messages=more.pop("messages", [user(text)]), **more)


def test_an_answer_has_text_usage_and_latency():
    answer = converse(system=[{"text": "You are brief."}])
    assert answer["output"]["message"]["role"] == "assistant" and answer["output"]["message"]["content"][0]["text"].strip()
    usage = answer["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] and usage["outputTokens"] <= 24
    assert answer["metrics"]["latencyMs"] > 0
    assert "smollm2" in answer["ResponseMetadata"]["HTTPHeaders"]["x-craton-served-by"]


def test_streaming_gives_the_same_text():
    # Letter by letter: neither may depend on what the model has read before.
    exactly = {"additionalModelRequestFields": {"deterministic": True}}
    text = converse("Name the seasons.", **exactly)["output"]["message"]["content"][0]["text"]
    events = list(runtime.converse_stream(modelId=CLAUDE, messages=[user("Name the seasons.")],
                                          inferenceConfig={"maxTokens": 24, "temperature": 0}, **exactly)["stream"])
    assert "".join(e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e) == text
    assert [next(iter(e)) for e in events[-2:]] == ["messageStop", "metadata"]


def test_a_stop_sequence_ends_the_answer_and_is_left_out():
    whole = converse("Count from one to nine in words.")["output"]["message"]["content"][0]["text"]
    stop = whole.split()[3]
    answer = converse("Count from one to nine in words.",
                      inferenceConfig={"maxTokens": 24, "temperature": 0, "stopSequences": [stop]})
    content = answer["output"]["message"]["content"]
    assert answer["stopReason"] == "stop_sequence" and stop not in (content[0]["text"] if content else "")


def test_max_tokens_is_the_stop_reason_when_reached():
    answer = converse("Tell a long story.", inferenceConfig={"maxTokens": 5, "temperature": 0})
    assert answer["stopReason"] == "max_tokens" and answer["usage"]["outputTokens"] == 5


def test_empty_system_and_configuration_are_accepted():
    assert runtime.converse(modelId=NOVA, messages=[user("Hi")], system=[], inferenceConfig={"maxTokens": 5})["stopReason"]
    # Without a limit an answer may be as long as the context: its beginning is enough.
    stream = runtime.converse_stream(modelId=NOVA, messages=[user("Hi")], system=[], inferenceConfig={})["stream"]
    assert next(iter(stream))["messageStart"]["role"] == "assistant"
    stream.close()


def test_many_turns_are_taken():
    turns = [user("My name is Ada."), {"role": "assistant", "content": [{"text": "Hello Ada."}]}, user("What is my name?")]
    longer = converse(messages=turns)["usage"]["inputTokens"]
    assert longer > converse(messages=turns[-1:])["usage"]["inputTokens"]


@pytest.mark.parametrize("choice", [{"any": {}}, {"tool": {"name": "get_weather"}}])
def test_a_forced_tool_is_called_with_valid_arguments(choice):
    answer = converse("Weather in Oslo for three days?", toolConfig={"tools": [WEATHER], "toolChoice": choice},
                      inferenceConfig={"maxTokens": 200, "temperature": 0})
    assert answer["stopReason"] == "tool_use"
    call = next(b["toolUse"] for b in answer["output"]["message"]["content"] if "toolUse" in b)
    assert call["name"] == "get_weather" and call["toolUseId"]
    assert set(call["input"]) == {"city", "days"} and isinstance(call["input"]["city"], str) and 1 <= call["input"]["days"] <= 7


def test_a_tool_result_continues_the_conversation():
    call = {"toolUse": {"toolUseId": "t1", "name": "get_weather", "input": {"city": "Oslo", "days": 1}}}
    result = {"toolResult": {"toolUseId": "t1", "content": [{"json": {"celsius": 3}}], "status": "success"}}
    answer = converse(messages=[user("Weather in Oslo?"), {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}],
                      toolConfig={"tools": [WEATHER]})
    assert answer["output"]["message"]["content"]


@pytest.mark.parametrize("model", ["us." + CLAUDE, "arn:aws:bedrock:us-east-1::foundation-model/" + CLAUDE,
                                   "arn:aws:bedrock:us-east-1:{account}:inference-profile/us." + CLAUDE, "smollm2-135m-instruct"])
def test_ids_arns_and_profiles_are_accepted(model):
    account = client("sts").get_caller_identity()["Account"]
    assert converse(modelId=model.format(account=account), inferenceConfig={"maxTokens": 2})["usage"]["outputTokens"] <= 2


def test_another_accounts_profile_is_denied():
    profile = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + CLAUDE
    refused(lambda: converse(modelId=profile), "AccessDeniedException", 403, "no resource-based policy allows")


def test_tokens_are_counted_as_converse_counts_them():
    counted = runtime.count_tokens(modelId=CLAUDE, input={"converse": {"messages": [user("How many tokens is this?")]}})
    assert counted["inputTokens"] == converse("How many tokens is this?")["usage"]["inputTokens"]


class TestRefusals:
    def test_unknown_model(self):
        refused(lambda: converse(modelId="acme.none-v1:0"), "ValidationException", 400, "model identifier is invalid")

    def test_image(self):
        block = {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}}
        refused(lambda: converse(messages=[{"role": "user", "content": [block]}]), "ValidationException", 400, "image")

    def test_an_embedding_model_does_not_converse(self):
        refused(lambda: converse(modelId=TITAN_V2), "ValidationException", 400)

    def test_roles_alternate(self):
        refused(lambda: converse(messages=[user("a"), user("b")]), "ValidationException", 400, "alternate")
        refused(lambda: converse(messages=[{"role": "assistant", "content": [{"text": "a"}]}]), "ValidationException", 400, "user")

    def test_no_messages(self):
        refused(lambda: converse(messages=[]), "ValidationException", 400)

    def test_zero_tokens(self):
        refused(lambda: runtime.converse(modelId=CLAUDE, messages=[user("x")], inferenceConfig={"maxTokens": 0}),
                "ValidationException", 400, "maxTokens")

    def test_a_prompt_longer_than_the_context(self):
        refused(lambda: converse("word " * 20000), "ValidationException", 400, "too long")

    def test_a_guardrail_is_not_implemented(self):
        refused(lambda: converse(guardrailConfig={"guardrailIdentifier": "gr1", "guardrailVersion": "1"}),
                "NotImplementedException", 501, "Guardrails are not implemented (`gr1`)")


def test_a_loop_is_told_apart_where_that_is_asked_for():
    asked = {"additionalModelRequestFields": {"no_repeat_ngram_size": 0, "loop_detection": {"repeats": 2, "min_tokens": 1}},
             "additionalModelResponseFieldPaths": ["/stop_reason_detail"],
             "inferenceConfig": {"maxTokens": 200, "temperature": 0}}
    answer = converse("Repeat the word banana one hundred times: banana banana banana banana", **asked)
    detail = answer["additionalModelResponseFields"]["stop_reason_detail"]
    assert (detail, answer["stopReason"]) == ("loop", "max_tokens") or detail == answer["stopReason"]


@pytest.mark.parametrize("fields", [{"no_repeat_ngram_size": -1}, {"no_repeat_ngram_size": 2.5},
                                    {"no_repeat_ngram_scope": "prompt"}, {"loop_detection": {"repeats": 1}}])
def test_wrong_controls_of_repetition_are_refused(fields):
    refused(lambda: converse(additionalModelRequestFields=fields), "ValidationException", 400, next(iter(fields)))


def test_a_schema_that_nothing_satisfies_is_refused():
    output = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "a", "schema": '{"enum": []}'}}}}
    refused(lambda: converse(outputConfig=output), "ValidationException", 400, "The schema cannot be followed")


@pytest.mark.parametrize("form, fits", [
    ({"regex": "[0-9]{3}-[a-z]{2}"}, lambda text: re.fullmatch("[0-9]{3}-[a-z]{2}", text)),
    ({"choice": ["granite", "basalt"]}, lambda text: text in ("granite", "basalt")),
    ({"grammar": 'start: "yes" | "no"'}, lambda text: text in ("yes", "no")),
    ({"json": {"type": "object", "properties": {"n": {"type": "integer", "maximum": 9, "minimum": 0}}, "required": ["n"],
               "additionalProperties": False}}, lambda text: 0 <= json.loads(text)["n"] <= 9),
])
def test_the_form_of_an_answer_is_an_additional_field(form, fits):
    answer = converse("Answer as you like.", additionalModelRequestFields={"structured_outputs": form})
    text = answer["output"]["message"]["content"][0]["text"]
    assert fits(text), text


def test_a_wrong_form_is_refused():
    for form, says in [({}, "exactly one of"), ({"regex": "("}, ""), ({"xml": "x"}, "xml"), ({"regex": "a", "choice": ["b"]}, "exactly one of")]:
        refused(lambda: converse(additionalModelRequestFields={"structured_outputs": form}), "ValidationException", 400, says)
    output = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"name": "a", "schema": "{}"}}}}
    both = {"outputConfig": output, "additionalModelRequestFields": {"structured_outputs": {"regex": "a"}}}
    refused(lambda: converse(**both), "ValidationException", 400, "exclude each other")
