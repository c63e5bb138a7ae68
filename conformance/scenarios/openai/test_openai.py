import json
import os
import uuid

import openai
import pytest

from conftest import CLAUDE, TITAN_V1, URL

api = openai.OpenAI(base_url=URL + "/v1", api_key=os.environ["CONF_OPENAI_API_KEY"], max_retries=0)
MODEL = "smollm2-135m-instruct"
HELLO = [{"role": "user", "content": "Say hello."}]


def chat(**more):
    more = {"model": MODEL, "messages": HELLO, "max_tokens": 16, "temperature": 0, **more}
    return api.chat.completions.create(**more)


def test_models_are_listed():
    names = {model.id for model in api.models.list()}
    assert {MODEL, CLAUDE} <= names
    assert api.models.retrieve(MODEL).id == MODEL


def test_streaming_gives_the_same_text():
    # Letter by letter: neither may depend on what the model has read before.
    exactly = {"extra_body": {"deterministic": True}}
    whole = chat(**exactly)
    chunks = list(chat(stream=True, stream_options={"include_usage": True}, **exactly))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == whole.usage.completion_tokens


def test_a_seed_repeats_an_answer():
    a, b = (chat(temperature=1.2, seed=7, extra_body={"deterministic": True}).choices[0].message.content for _ in range(2))
    assert a == b
    assert any(chat(temperature=1.2, seed=s).choices[0].message.content != a for s in (8, 9, 10))


def test_stop_ends_the_answer():
    text = chat(messages=[{"role": "user", "content": "Count from one to nine in words."}]).choices[0].message.content
    stop = text.split()[2]
    answer = chat(messages=[{"role": "user", "content": "Count from one to nine in words."}], stop=stop)
    assert answer.choices[0].finish_reason == "stop" and stop not in answer.choices[0].message.content


def test_a_schema_is_kept():
    schema = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
              "required": ["name", "age"], "additionalProperties": False}
    answer = chat(messages=[{"role": "user", "content": "Invent a person."}], max_tokens=120,
                  response_format={"type": "json_schema", "json_schema": {"name": "person", "schema": schema, "strict": True}})
    person = json.loads(answer.choices[0].message.content)
    assert isinstance(person["name"], str) and isinstance(person["age"], int) and set(person) == {"name", "age"}


def test_a_forced_tool_is_called():
    tool = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {
        "a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a", "b"], "additionalProperties": False}}}
    answer = chat(messages=[{"role": "user", "content": "Add 2 and 3."}], tools=[tool], max_tokens=100,
                  tool_choice={"type": "function", "function": {"name": "add"}})
    call = answer.choices[0].message.tool_calls[0]
    assert answer.choices[0].finish_reason == "tool_calls" and set(json.loads(call.function.arguments)) == {"a", "b"}


def test_log_probabilities_are_probabilities():
    content = chat(logprobs=True, top_logprobs=3).choices[0].logprobs.content
    assert content and all(entry.logprob <= 0 and len(entry.top_logprobs) == 3 for entry in content)
    assert all(entry.top_logprobs[0].logprob == max(t.logprob for t in entry.top_logprobs) for entry in content)


def test_completions_continue_text():
    answer = api.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=12, temperature=0)
    assert answer.choices[0].text and answer.usage.completion_tokens <= 12
    # The prompt alone is read, without a chat template around it.
    assert answer.usage.prompt_tokens <= 6


def test_lists_of_prompts_are_each_continued():
    create = lambda prompt, **more: api.completions.create(
        model=MODEL, prompt=prompt, max_tokens=8, temperature=0, extra_body={"deterministic": True}, **more)
    prompts = ["Once upon a time", "The capital of France is"]
    both = create(prompts)
    assert [choice.index for choice in both.choices] == [0, 1]
    assert [choice.text for choice in both.choices] == [create(prompt).choices[0].text for prompt in prompts]
    chunks = list(create(prompts, stream=True, stream_options={"include_usage": True}))
    for index in (0, 1):
        text = "".join(choice.text for chunk in chunks for choice in chunk.choices if choice.index == index)
        assert text == both.choices[index].text
    # The later request finds as much in the cache as the earlier one or more; all else is the same.
    usage, earlier = chunks[-1].usage, both.usage
    counts = lambda usage: (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens)
    assert not chunks[-1].choices and counts(usage) == counts(earlier)
    assert earlier.prompt_tokens_details.cached_tokens <= usage.prompt_tokens_details.cached_tokens < usage.prompt_tokens
    assert all(chunk.usage is None for chunk in chunks[:-1])
    with pytest.raises(openai.BadRequestError):
        create([10_000_000])


def test_a_prompt_that_was_read_before_is_taken_from_the_cache():
    messages = [{"role": "system", "content": f"Case {uuid.uuid4()}. " + "Mind the rules of this house. " * 60}, *HELLO]
    cached = lambda **more: chat(messages=messages, **more)
    first, second = cached().usage, cached().usage
    assert first.prompt_tokens_details.cached_tokens == 0
    assert 300 < second.prompt_tokens_details.cached_tokens < second.prompt_tokens
    # What the answer says, and so its length, may differ: a prefix that was read before is rounded as its own batches were.
    assert first.prompt_tokens == second.prompt_tokens
    assert all(usage.total_tokens == usage.prompt_tokens + usage.completion_tokens for usage in (first, second))
    streamed = list(cached(stream=True, stream_options={"include_usage": True}))[-1].usage
    assert streamed.prompt_tokens_details.cached_tokens > 300


def test_an_echoed_prompt_has_the_log_probabilities_of_its_tokens():
    create = lambda limit: api.completions.create(
        model=MODEL, prompt="The capital of France is Paris.", max_tokens=limit, temperature=0, echo=True, logprobs=2)
    choice = create(0).choices[0]
    told = choice.logprobs
    assert choice.text == "The capital of France is Paris." == "".join(told.tokens)
    assert told.token_logprobs[0] is None and told.top_logprobs[0] is None
    assert all(value < 0 for value in told.token_logprobs[1:]) and all(len(top) == 2 for top in told.top_logprobs[1:])
    assert told.text_offset == [len("".join(told.tokens[:at])) for at in range(len(told.tokens))]
    longer = create(4).choices[0]
    assert longer.text.startswith(choice.text) and len(longer.logprobs.tokens) == len(told.tokens) + 4
    assert longer.logprobs.token_logprobs[: len(told.tokens)] == pytest.approx(told.token_logprobs, abs=1e-3)


def test_several_answers_each_have_their_seed():
    exactly = {"temperature": 1.2, "extra_body": {"deterministic": True}}
    both = chat(n=2, seed=7, **exactly)
    alone = [chat(seed=seed, **exactly) for seed in (7, 8)]
    assert [choice.message.content for choice in both.choices] == [one.choices[0].message.content for one in alone]
    assert both.usage.completion_tokens == sum(one.usage.completion_tokens for one in alone)


def test_embeddings_are_the_same_in_both_encodings():
    base64 = api.embeddings.create(model=TITAN_V1, input=["a", "b"])
    floats = api.embeddings.create(model=TITAN_V1, input=["a", "b"], encoding_format="float")
    assert [len(d.embedding) for d in base64.data] == [1536, 1536]
    assert all(abs(x - y) < 1e-6 for x, y in zip(base64.data[1].embedding, floats.data[1].embedding))


def test_errors_have_openais_shape():
    with pytest.raises(openai.AuthenticationError) as caught:
        openai.OpenAI(base_url=URL + "/v1", api_key="sk-wrong", max_retries=0).models.list()
    assert caught.value.status_code == 401 and caught.value.code == "invalid_api_key"
    with pytest.raises(openai.NotFoundError) as caught:
        chat(model="no-such-model")
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError):
        chat(messages=[])
    with pytest.raises(openai.BadRequestError) as caught:
        chat(n=129)
    assert "'n'" in str(caught.value)
    with pytest.raises(openai.APIStatusError) as caught:
        api.responses.create(model=MODEL, input="hi")
    assert caught.value.status_code == 501 and "responses" in str(caught.value).lower()


def test_repetition_is_controlled_and_wrong_values_are_refused_by_name():
    answer = chat(max_tokens=64, logprobs=True, extra_body={"no_repeat_ngram_size": 1, "no_repeat_ngram_scope": "output"})
    tokens = [tuple(token.bytes) for token in answer.choices[0].logprobs.content]
    assert tokens and len(tokens) == len(set(tokens))
    loop = {"repeats": 2, "max_period": 1024, "min_tokens": 1}
    count = [{"role": "user", "content": "Repeat the word banana one hundred times: banana banana banana banana"}]
    choice = chat(messages=count, max_tokens=256, extra_body={"loop_detection": loop}).choices[0]
    assert choice.finish_reason in ("stop", "length")
    assert (choice.model_extra or {}).get("stop_reason") in (None, "loop")
    for extra in ({"no_repeat_ngram_size": -1}, {"no_repeat_ngram_scope": "prompt"}, {"loop_detection": 3}):
        with pytest.raises(openai.BadRequestError) as refused:
            chat(extra_body=extra)
        assert refused.value.param == next(iter(extra))


@pytest.mark.parametrize("schema", [{"enum": []}, {"allOf": [{"const": 1}, {"const": 2}]}, {"type": "no such type"}])
def test_a_schema_that_nothing_satisfies_is_refused(schema):
    described = {"name": "answer", "schema": schema, "strict": True}
    with pytest.raises(openai.BadRequestError, match="The schema cannot be followed"):
        chat(response_format={"type": "json_schema", "json_schema": described})
