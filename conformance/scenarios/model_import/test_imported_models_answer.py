"""What an imported model answers, in every API and form, whole and streamed."""

import json
import os

import openai
import pytest
from checkpoints import checkpoint
from conftest import URL, refused
from import_estate import estate

PROMPT = "<s>[INST] Hello [/INST]"
# Answers are compared letter by letter, so none may depend on what the model has read before.
EXACTLY = {"deterministic": True}
GREEDY = {"temperature": 0} | EXACTLY
TURN = [{"role": "user", "content": [{"text": "Hello"}]}]
SAID = [{"role": "user", "content": "Hello"}]
FAMILIES = ["Llama", "Mistral", "Qwen2"]


def chunks(estate, model, body):
    answer = estate.runtime.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))
    return [json.loads(event["chunk"]["bytes"]) for event in answer["body"]]


@pytest.fixture(params=FAMILIES)
def model(request, estate):
    """A family, and the ARN of a model of it."""
    return request.param, estate.upload(checkpoint(request.param, dtype="BF16")).completed()["importedModelArn"]


def test_raw_prompts_in_the_services_own_form(estate, model):
    family, arn = model
    assert estate.bedrock.get_imported_model(modelIdentifier=arn)["modelArchitecture"] == f"{family}ForCausalLM"
    body = {"prompt": PROMPT, "max_gen_len": 12, "top_p": 0.9} | GREEDY
    whole = estate.invoke(arn, body)
    assert (whole["generation_token_count"], whole["stop_reason"], whole["logprobs"]) in [(12, "length", None), (whole["generation_token_count"], "stop", None)]
    assert whole["prompt_token_count"] > 5 and estate.invoke(arn, body) == whole, "greedy answers repeat themselves"
    streamed = chunks(estate, arn, body)
    assert "".join(chunk["generation"] for chunk in streamed) == whole["generation"]
    assert streamed[0]["prompt_token_count"] == whole["prompt_token_count"]
    assert (streamed[-1]["stop_reason"], streamed[-1]["generation_token_count"]) == (whole["stop_reason"], whole["generation_token_count"])
    assert streamed[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == whole["generation_token_count"]
    scored = estate.invoke(arn, body | {"return_logprobs": True})
    assert scored["generation"] == whole["generation"] and len(scored["logprobs"]) >= whole["generation_token_count"] - 1
    assert all(len(entry) == 1 and float(next(iter(entry.values()))) <= 0 for entry in scored["logprobs"])
    assert ("outputs" in whole) == (family == "Mistral")


def test_raw_prompts_in_openais_form(estate, model):
    family, arn = model
    own = estate.invoke(arn, {"prompt": PROMPT, "max_gen_len": 12} | GREEDY)
    body = {"prompt": PROMPT, "max_tokens": 12} | GREEDY
    whole = estate.invoke(arn, body)
    assert whole["object"] == "text_completion" and whole["id"].startswith("cmpl-")
    assert whole["choices"][0]["text"] == own["generation"] and whole["choices"][0]["finish_reason"] == own["stop_reason"]
    assert whole["usage"]["prompt_tokens"] == own["prompt_token_count"]
    streamed = chunks(estate, arn, body)
    assert "".join(chunk["choices"][0]["text"] for chunk in streamed) == own["generation"]
    assert streamed[-1]["choices"][0]["finish_reason"] == own["stop_reason"]
    if family == "Mistral":
        assert whole["outputs"] == [{"text": own["generation"], "stop_reason": own["stop_reason"]}]
        assert "".join(chunk["outputs"][0]["text"] for chunk in streamed) == own["generation"]
        native = estate.invoke(arn, body | {"top_k": 50, "stop": ["</s>"]})
        assert native["outputs"][0]["text"] == own["generation"]


def test_conversations(estate, model):
    _, arn = model
    converse = estate.runtime.converse(modelId=arn, messages=TURN, inferenceConfig={"maxTokens": 12, "temperature": 0}, additionalModelRequestFields=EXACTLY)
    text = converse["output"]["message"]["content"][0]["text"]
    events = list(estate.runtime.converse_stream(
        modelId=arn, messages=TURN, inferenceConfig={"maxTokens": 12, "temperature": 0}, additionalModelRequestFields=EXACTLY)["stream"])
    assert "".join(event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event) == text
    assert events[-1]["metadata"]["usage"]["outputTokens"] == converse["usage"]["outputTokens"]
    body = {"messages": SAID, "max_tokens": 12} | GREEDY
    whole = estate.invoke(arn, body)
    assert whole["object"] == "chat.completion" and whole["choices"][0]["message"]["content"] == text
    streamed = chunks(estate, arn, body)
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in streamed) == text
    # The template, written by hand.
    assert estate.invoke(arn, {"prompt": "[INST] Hello [/INST]", "max_gen_len": 12} | GREEDY)["generation"] == text
    anthropic = estate.invoke(arn, {"anthropic_version": "bedrock-2023-05-31", "messages": SAID, "max_tokens": 12, "temperature": 0})
    assert anthropic["content"][0]["text"] == text
    counted = estate.runtime.count_tokens(modelId=arn, input={"converse": {"messages": TURN}})["inputTokens"]
    assert counted == converse["usage"]["inputTokens"]


def test_openais_api_by_arn_name_and_id(estate):
    job = estate.upload(checkpoint()).completed()
    arn, name = job["importedModelArn"], job["importedModelName"]
    key = key_of(estate)
    api = openai.OpenAI(base_url=URL + "/v1", api_key=key, max_retries=0)
    text = estate.invoke(arn, {"messages": SAID, "max_tokens": 12} | GREEDY)["choices"][0]["message"]["content"]
    for model in (arn, name, arn.split("/")[1]):
        chat = api.chat.completions.create(model=model, messages=SAID, max_tokens=12, temperature=0, extra_body=EXACTLY)
        assert (chat.choices[0].message.content, chat.model) == (text, model)
    stream = api.chat.completions.create(model=arn, messages=SAID, max_tokens=12, temperature=0, stream=True, extra_body=EXACTLY)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == text
    raw = api.completions.create(model=name, prompt=PROMPT, max_tokens=12, temperature=0, extra_body=EXACTLY)
    assert raw.choices[0].text == estate.invoke(arn, {"prompt": PROMPT, "max_gen_len": 12} | GREEDY)["generation"]
    listed = {model.id: model for model in api.models.list()}
    assert listed[arn].created == int(estate.bedrock.get_imported_model(modelIdentifier=arn)["creationTime"].timestamp())
    assert api.models.retrieve(arn).id == arn and api.models.retrieve(name).id == arn
    administrators = openai.OpenAI(base_url=URL + "/v1", api_key=os.environ["CONF_OPENAI_API_KEY"], max_retries=0)
    assert arn not in {model.id for model in administrators.models.list()}
    for model in (arn, name):
        with pytest.raises(openai.APIStatusError) as caught:
            administrators.chat.completions.create(model=model, messages=SAID)
        assert caught.value.status_code in (403, 404)


def key_of(estate):
    """A key of the host's administrator for /v1."""
    answer = estate.craton("POST", "/api-keys", body={"name": f"k-{estate.tag}", "surface": "openai", "expiresInDays": 1})
    assert answer.status_code == 201, answer.text
    return answer.json()["key"]


def test_answers_of_a_given_form(estate):
    arn = estate.upload(checkpoint("Llama")).completed()["importedModelArn"]
    schema = {"type": "object", "properties": {"sure": {"type": "boolean"}}, "required": ["sure"], "additionalProperties": False}
    own = estate.invoke(arn, {"prompt": "Answer:", "max_gen_len": 60, "response_format": {"type": "json_schema", "json_schema": schema}} | GREEDY)
    assert own["stop_reason"] == "length" or set(json.loads(own["generation"])) == {"sure"}
    for place in ({"prompt": "Sure?"}, {"messages": SAID}):
        chosen = estate.invoke(arn, place | {"max_tokens": 20, "structured_outputs": {"choice": ["positive", "negative"]}} | GREEDY)
        choice = chosen["choices"][0]
        assert choice.get("text", choice.get("message", {}).get("content")) in ("positive", "negative")
    stopped = estate.invoke(arn, {"prompt": "x", "max_tokens": 20, "structured_outputs": {"regex": "ab+c"}, "stop": ["b"]} | GREEDY)
    assert stopped["choices"][0] | {"logprobs": None} == {"index": 0, "text": "a", "logprobs": None, "finish_reason": "stop"}


def test_quantised_models_answer_and_say_what_they_lost(estate):
    estate.upload(checkpoint(hidden=256, inner=512))
    sizes = {}
    for quantization in ("F16", "Q8_0", "Q4_K_M"):
        arn = estate.chosen(quantization)["importedModelArn"]
        shown = estate.craton("GET", f"/imported-models/{arn.split('/')[1]}").json()
        sizes[quantization] = shown["bytes"]
        quality = shown["card"]["quality"]
        assert shown["card"]["quantization"] == quantization and quality["perplexity"] > 1 and quality["tokens"] > 100
        assert quality["exact"]["perplexity"] > 1 and 0 <= quality["exact"]["agreement"] <= 1, quality
        if quantization == "F16":
            assert quality["exact"]["agreement"] == 1
        assert quality["bound"] is None, "it was only measured"
        assert estate.invoke(arn, {"prompt": "Hi", "max_gen_len": 4})["generation_token_count"] <= 4
    assert sizes["F16"] > sizes["Q8_0"] > sizes["Q4_K_M"]


def test_a_model_that_loses_more_than_its_bound_is_refused_with_the_figures(estate):
    estate.upload(checkpoint(hidden=256, inner=512))
    # No number of tasks proves that all labels stay.
    refusal = estate.asking(lambda: estate.failed("The model cannot be imported. It does not keep to its bound", "label agreement",
                                                  "95 % interval", "--bound", "x-craton-quantization-bound"), "Q8_0", "labels=1")
    assert "labels=1,argmax=0.9,perplexity=1.05" in refusal, "what is not named keeps the type's own bound"
    held = estate.chosen("Q8_0", "labels=0.01,argmax=0.01,perplexity=100")
    quality = estate.craton("GET", f"/imported-models/{held['importedModelArn'].split('/')[1]}").json()["card"]["quality"]
    assert quality["bound"] == {"labels": 0.01, "argmax": 0.01, "perplexity": 100}
    assert quality["exact"]["comparison"]["labelAgreement"]["of"] == 480, "all tasks are read where they decide"
    refused(lambda: estate.asking(estate.ask, "Q8_0", "labels=2"), "ValidationException", 400, "labels")


def test_the_types_own_bound_holds_where_none_is_asked_for(estate):
    estate.upload(checkpoint(hidden=256, inner=512))
    # The checkpoint is in half precision: left so, its numbers are the same, and it is compared on the text alone.
    for quantization, tasks, bound in [("Q4_K_M", 480, {"labels": 0.8, "argmax": 0.75, "perplexity": 1.25}),
                                       ("F16", 0, None)]:
        arn = estate.chosen(quantization, bound=None)["importedModelArn"]
        quality = estate.craton("GET", f"/imported-models/{arn.split('/')[1]}").json()["card"]["quality"]
        assert quality.get("bound") == bound and quality["exact"]["comparison"]["labelAgreement"]["of"] == tasks, quality


def test_bodies_that_make_no_sense(estate):
    arn = estate.upload(checkpoint()).completed()["importedModelArn"]
    for body, text in [({}, "required key [prompt] not found"), ({"prompt": 5, "max_gen_len": 1}, "#/prompt"), ({"prompt": "x", "max_gen_len": 0}, "#/max_gen_len"),
                       ({"prompt": "x", "warp": 9}, "extraneous key [warp]"), ({"prompt": "x", "max_tokens": 0}, "max_tokens"), ({"messages": []}, "user message"),
                       ({"inputText": "x"}, "required key [prompt] not found"), ({"prompt": "x " * 600, "max_gen_len": 4}, "Input is too long")]:
        refused(lambda: estate.invoke(arn, body), "ValidationException", 400, text)
    refused(lambda: estate.runtime.invoke_model(modelId=arn, body=b"{"), "ValidationException", 400)
    other = arn.replace("us-east-1", "us-west-2")
    with pytest.raises(Exception) as caught:
        estate.invoke(other, {"prompt": "Hi"})
    assert caught.value.response["Error"]["Code"] in ("ValidationException", "ResourceNotFoundException")
    refused(lambda: estate.invoke(arn[:-1] + ("a" if arn[-1] != "a" else "b"), {"prompt": "Hi"}), "ResourceNotFoundException", 404)
