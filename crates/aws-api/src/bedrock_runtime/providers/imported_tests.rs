use base::{ErrorKind, Timestamp};
use models::{ChatRequest, Constraint, Content, ServedBy, Timing, Usage};

use super::*;

const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghij01";
const FAMILIES: [Family; 3] = [Family::Llama, Family::Mistral, Family::Qwen2];

fn decode_for(family: Family, body: Value) -> Result<Decoded> {
    let origin = Origin {
        requested: "mine".to_owned(),
        model: ARN.to_owned(),
        unique: "abc".to_owned(),
        time: Timestamp(1_700_000_000_999),
    };
    super::super::decode(Provider::Imported(family), origin, &body)
}

fn raw(family: Family, body: Value) -> (ContinuationRequest, Box<dyn Encode>) {
    match decode_for(family, body).unwrap_or_else(|e| panic!("{e:?}")) {
        Decoded::Continuation(request, encode) => (*request, encode),
        _ => panic!("no raw prompt"),
    }
}

fn chat(family: Family, body: Value) -> (ChatRequest, Box<dyn Encode>) {
    match decode_for(family, body).unwrap_or_else(|e| panic!("{e:?}")) {
        Decoded::Chat(request, encode) => (*request, encode),
        _ => panic!("no chat"),
    }
}

fn refused(family: Family, body: Value) -> Error {
    decode_for(family, body).map(|_| ()).unwrap_err()
}

fn served_by() -> ServedBy {
    ServedBy::model("mine", false)
}

fn token(id: u32, text: &str, logprob: f32) -> TokenLogprob {
    TokenLogprob { id: Some(id), token: text.into(), bytes: text.into(), logprob: Some(logprob), top: Vec::new() }
}

const USAGE: Usage = Usage { input: 7, output: 3, cached: 0, cache_written: 0 };

fn answer(reason: Stop) -> Chat {
    let content = vec![Content::Text("Hello".into())];
    let logprobs = vec![token(362, "Hel", -0.5), token(374, "lo", -0.25)];
    Chat { content, reason, usage: USAGE, timing: Timing::default(), served_by: served_by(), logprobs }
}

fn streamed(mut encode: Box<dyn Encode>, reason: Stop) -> Vec<Value> {
    let piece =
        |text: &str, id, logprob| ChatEvent::Text { text: text.into(), logprobs: vec![token(id, text, logprob)] };
    let events = [
        ChatEvent::Started { served_by: served_by(), prompt_tokens: 7, cached: 0, cache_written: 0 },
        piece("Hel", 362, -0.5),
        piece("lo", 374, -0.25),
        ChatEvent::Finished { reason, usage: USAGE, timing: Timing::default() },
    ];
    events.iter().flat_map(|event| encode.chunks(event)).collect()
}

#[test]
fn a_raw_prompt_is_continued_as_it_stands() {
    for family in FAMILIES {
        for prompt in
            ["Once upon", "<s>[INST] Hello [/INST]", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"]
        {
            let (request, _) = raw(family, json!({"prompt": prompt, "max_gen_len": 9, "temperature": 0, "top_k": 3}));
            assert_eq!(request.prompt, RawPrompt::Text(prompt.to_owned()));
            assert_eq!((request.model.as_str(), request.max_tokens), ("mine", Some(9)));
            assert_eq!((request.sampling.temperature, request.sampling.top_k), (Some(0.0), Some(3)));
        }
    }
}

#[test]
fn the_services_own_body_answers_as_llama_does() {
    for family in [Family::Llama, Family::Qwen2] {
        let (request, encode) = raw(family, json!({"prompt": "Hi", "stop": "END", "top_p": null}));
        assert_eq!((request.max_tokens, request.stop.as_slice()), (Some(512), ["END".to_owned()].as_slice()));
        assert_eq!(
            encode.answer(&answer(Stop::MaxTokens)),
            json!({
                "generation": "Hello",
                "prompt_token_count": 7,
                "generation_token_count": 3,
                "stop_reason": "length",
                "logprobs": null,
            })
        );
        assert_eq!(encode.answer(&answer(Stop::StopSequence("END".into())))["stop_reason"], "stop");
        let chunks = streamed(encode, Stop::EndTurn);
        assert_eq!(
            chunks[0],
            json!({
                "generation": "Hel",
                "prompt_token_count": 7,
                "generation_token_count": null,
                "stop_reason": null,
                "logprobs": null,
            })
        );
        assert_eq!(chunks[1]["prompt_token_count"], Value::Null);
        let last = json!({
            "generation": "",
            "prompt_token_count": null,
            "generation_token_count": 3,
            "stop_reason": "stop",
            "logprobs": null,
        });
        assert_eq!((chunks.len(), &chunks[2]), (3, &last));
    }
}

#[test]
fn log_probabilities_are_told_by_token() {
    let (request, encode) = raw(Family::Llama, json!({"prompt": "Hi", "max_gen_len": 2, "return_logprobs": true}));
    assert_eq!(request.logprobs, Some(0));
    let expected = json!([{"362": -0.5}, {"374": -0.25}]);
    assert_eq!(encode.answer(&answer(Stop::EndTurn))["logprobs"], expected);
    let chunks = streamed(encode, Stop::EndTurn);
    let told: Vec<&Value> = chunks.iter().filter_map(|chunk| chunk["logprobs"].as_array()).flatten().collect();
    assert_eq!(json!(told), expected);
}

#[test]
fn max_tokens_asks_for_openais_completion() {
    for family in [Family::Llama, Family::Qwen2] {
        let (request, encode) = raw(family, json!({"prompt": "Hi", "max_tokens": 9, "stop": ["a"], "seed": 4}));
        assert_eq!((request.max_tokens, request.sampling.seed), (Some(9), Some(4)));
        let whole = encode.answer(&answer(Stop::MaxTokens));
        let choice = json!({"index": 0, "text": "Hello", "logprobs": null, "finish_reason": "length"});
        assert_eq!(whole["choices"], json!([choice]));
        assert_eq!((&whole["id"], &whole["object"]), (&json!("cmpl-abc"), &json!("text_completion")));
        assert_eq!((&whole["created"], &whole["model"]), (&json!(1_700_000_000), &json!(ARN)));
        assert_eq!(whole["usage"]["total_tokens"], 10);
        assert_eq!(whole.get("outputs"), None);
        let chunks = streamed(encode, Stop::EndTurn);
        let texts: Vec<&str> = chunks.iter().map(|chunk| chunk["choices"][0]["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["Hel", "lo", ""]);
        assert_eq!(chunks[2]["choices"][0]["finish_reason"], "stop");
        assert!(chunks.iter().all(|chunk| chunk["system_fingerprint"] == whole["system_fingerprint"]));
    }
}

#[test]
fn what_only_openai_has_asks_for_its_completion_too() {
    let (request, encode) = raw(Family::Llama, json!({"prompt": [1, 2], "logprobs": 1, "echo": false}));
    assert_eq!((request.prompt, request.max_tokens), (RawPrompt::Tokens(vec![1, 2]), Some(16)));
    let tokens = encode.answer(&answer(Stop::EndTurn))["choices"][0]["logprobs"]["tokens"].clone();
    assert_eq!(tokens, json!(["Hel", "lo"]));
    let (_, encode) = raw(Family::Llama, json!({"prompt": "Hi, ", "max_tokens": 3, "echo": true}));
    assert_eq!(encode.answer(&answer(Stop::EndTurn))["choices"][0]["text"], "Hi, Hello");
    for several in [json!({"prompt": ["a", "b"], "max_tokens": 3}), json!({"prompt": "a", "n": 2})] {
        assert!(refused(Family::Llama, several).message.contains("one answer is generated for each request"));
    }
}

#[test]
fn an_imported_mistral_answers_with_outputs_too() {
    let native = json!({"prompt": "<s>[INST] Hello [/INST]", "max_tokens": 8, "temperature": 0, "top_k": 50});
    let (request, encode) = raw(Family::Mistral, native);
    assert_eq!((request.max_tokens, request.sampling.top_k), (Some(8), Some(50)));
    let whole = encode.answer(&answer(Stop::MaxTokens));
    assert_eq!(whole["outputs"], json!([{"text": "Hello", "stop_reason": "length"}]));
    assert_eq!(whole["choices"][0]["text"], "Hello");
    let chunks = streamed(encode, Stop::EndTurn);
    assert_eq!(chunks[0]["outputs"], json!([{"text": "Hel", "stop_reason": null}]));
    assert_eq!(chunks[2]["outputs"], json!([{"text": "", "stop_reason": "stop"}]));

    let (request, encode) = raw(Family::Mistral, json!({"prompt": "Hi"}));
    assert_eq!(request.max_tokens, Some(512));
    let whole = encode.answer(&answer(Stop::EndTurn));
    assert_eq!(whole["outputs"], json!([{"text": "Hello", "stop_reason": "stop"}]));
    assert_eq!((&whole["generation"], &whole["prompt_token_count"]), (&json!("Hello"), &json!(7)));
}

#[test]
fn conversations_are_openais() {
    for family in FAMILIES {
        let body = json!({
            "messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Hi"}],
            "max_tokens": 5,
        });
        let (request, encode) = chat(family, body);
        assert_eq!((request.system.as_slice(), request.max_tokens), (["S".to_owned()].as_slice(), Some(5)));
        let whole = encode.answer(&answer(Stop::EndTurn));
        assert_eq!((&whole["object"], &whole["model"]), (&json!("chat.completion"), &json!(ARN)));
        assert_eq!(whole["choices"][0]["message"]["content"], "Hello");
        let chunks = streamed(encode, Stop::MaxTokens);
        assert_eq!(chunks[1]["choices"][0]["delta"], json!({"content": "Hel"}));
        assert_eq!(chunks.last().unwrap()["choices"][0]["finish_reason"], "length");
    }
}

#[test]
fn conversations_in_other_vendors_bodies_are_understood() {
    let message = json!([{"role": "user", "content": "x"}]);
    let body = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": message});
    let (_, encode) = chat(Family::Qwen2, body);
    assert_eq!(encode.answer(&answer(Stop::EndTurn))["type"], "message");
    let body = json!({
        "schemaVersion": "messages-v1",
        "messages": [{"role": "user", "content": [{"text": "x"}]}],
        "inferenceConfig": {"maxTokens": 5},
    });
    let (_, encode) = chat(Family::Qwen2, body);
    assert_eq!(encode.answer(&answer(Stop::EndTurn))["stopReason"], "end_turn");
}

#[test]
fn structured_outputs_constrain_the_answer() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let constraint = |body: Value| raw(Family::Llama, body).0.constraint;
    let format = |schema: &Value| json!({"type": "json_schema", "json_schema": schema});
    let lenient = Some(Constraint::JsonSchemaLeniently(schema.clone()));
    assert_eq!(constraint(json!({"prompt": "x", "response_format": format(&schema)})), lenient, "a bare schema");
    let named = json!({"name": "n", "schema": schema});
    assert_eq!(constraint(json!({"prompt": "x", "response_format": format(&named)})), lenient);
    assert_eq!(constraint(json!({"prompt": "x", "max_tokens": 1, "response_format": format(&named)})), lenient);
    let object = json!({"prompt": "x", "response_format": {"type": "json_object"}});
    assert_eq!(constraint(object), Some(Constraint::JsonSchema(json!({"type": "object"}))));
    let outputs = |outputs: Value| json!({"prompt": "x", "max_tokens": 1, "structured_outputs": outputs});
    for (given, expected) in [
        (json!({"json": schema}), Constraint::JsonSchema(schema.clone())),
        (json!({"json": schema.to_string(), "regex": null}), Constraint::JsonSchema(schema.clone())),
        (json!({"regex": "[ab]+"}), Constraint::Regex("[ab]+".into())),
        (json!({"choice": ["yes", "n\"o"]}), Constraint::Lark("start: \"yes\" | \"n\\\"o\"".into())),
        (json!({"choice": ["100%: (b)"]}), Constraint::Lark("start: \"100\\u0025\\u003a \\u0028b)\"".into())),
        (json!({"grammar": "start: \"a\""}), Constraint::Lark("start: \"a\"".into())),
    ] {
        assert_eq!(constraint(outputs(given)), Some(expected));
    }
    for wrong in [json!({}), json!({"regex": "a", "choice": ["b"]}), json!({"choice": []}), json!({"json": "{"})] {
        assert_eq!(refused(Family::Llama, outputs(wrong)).kind, ErrorKind::Invalid);
    }
    let messages = json!([{"role": "user", "content": "x"}]);
    let (request, _) = chat(Family::Llama, json!({"messages": messages, "structured_outputs": {"regex": "a"}}));
    assert_eq!(request.constraint, Some(Constraint::Regex("a".into())));
    let (request, _) = chat(Family::Llama, json!({"messages": messages, "structured_outputs": {"json": schema}}));
    assert_eq!((request.constraint, request.response_schema), (None, Some(schema)));
}

#[test]
fn wrong_bodies_are_refused_in_the_words_of_their_form() {
    let nothing = refused(Family::Qwen2, json!({"max_gen_len": 5}));
    assert_eq!(
        nothing.message,
        "Malformed input request: #: required key [prompt] not found, please reformat your input and try again."
    );
    assert!(nothing.hint.unwrap().contains("`messages`"));
    let says = |body: Value, text: &str| {
        let error = refused(Family::Llama, body);
        assert!(error.message.contains(text), "{error:?}");
    };
    says(json!({"prompt": "x", "max_gen_len": 5, "max_tokens": 5}), "extraneous key [max_tokens]");
    says(json!({"prompt": "x", "max_gen_len": 0}), "#/max_gen_len: 0 is not greater or equal to 1");
    says(json!({"prompt": 5, "max_gen_len": 1}), "#/prompt: expected type: String, found: Integer");
    says(json!({"prompt": "", "max_gen_len": 1}), "#/prompt: expected minLength: 1");
    says(json!({"prompt": "x", "images": ["aGk="]}), "does not support images");
    says(json!({"prompt": "x", "max_tokens": 0}), "Invalid value for 'max_tokens'");
    says(json!({"prompt": "x", "max_tokens": 1, "warp": 9}), "Unrecognized request argument supplied: warp");
    says(json!({"prompt": "x", "temperature": 3}), "#/temperature: 3 is not less or equal to 2");
    says(json!({"messages": []}), "there must be at least one user message");
}
