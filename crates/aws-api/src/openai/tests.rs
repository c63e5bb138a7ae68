use base::{Error, ErrorKind};
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use models::{
    Chat, ChatEvent, ChatRequest, Content, Role, ServedBy, Stop, Timing, TokenLogprob, ToolChoice, TopLogprob, Usage,
};
use serde_json::{Value, json};

use super::*;
use crate::json_fields::{Fields, Wording};

fn decode(body: Value) -> base::Result<ChatRequest> {
    let root = Fields::root(&body, Wording::OpenAi)?;
    chat_request::decode(&root, "m".into())
}

fn refused(body: Value) -> Error {
    decode(body).map(|_| ()).unwrap_err()
}

fn hi() -> Value {
    json!([{"role": "user", "content": "hi"}])
}

#[test]
fn a_conversation_with_tools_is_understood() {
    let request = decode(json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "S"},
            {"role": "user", "content": "sum 1 and 2, then 3 and 4"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "sum", "arguments": "{\"x\":1}"}},
                {"id": "b", "type": "function", "function": {"name": "sum", "arguments": "{\"x\":3}"}},
            ]},
            {"role": "tool", "tool_call_id": "a", "content": "3"},
            {"role": "tool", "tool_call_id": "b", "content": "7"},
        ],
        "tools": [{"type": "function", "function": {"name": "sum"}}],
        "tool_choice": {"type": "function", "function": {"name": "sum"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        "logprobs": true, "top_logprobs": 3, "seed": -1, "stop": "x", "max_tokens": 5, "user": "u",
        "logit_bias": {"5": -100},
    }))
    .unwrap();
    assert_eq!(request.messages.len(), 3);
    assert_eq!((request.messages[2].role, request.messages[2].content.len()), (Role::User, 2));
    assert_eq!(request.tool_choice, ToolChoice::Tool("sum".into()));
    assert_eq!(request.tools[0].schema, json!({"type": "object", "properties": {}}));
    assert_eq!(request.response_schema, Some(json!({"type": "object"})));
    assert_eq!((request.logprobs, request.sampling.seed), (Some(3), Some(u64::MAX)));
    assert_eq!(request.sampling.logit_bias, [(5, -100.0)]);
}

#[test]
fn a_schema_binds_to_the_letter_where_it_is_strict() {
    for (strict, lenient) in [(json!(true), false), (json!(false), true), (json!(null), true)] {
        let format = json!({"name": "n", "schema": {"type": "object"}, "strict": strict});
        let body = json!({"messages": hi(), "response_format": {"type": "json_schema", "json_schema": format}});
        assert_eq!(decode(body).unwrap().lenient_schema, lenient, "{strict}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let with = |key: &str, value: Value| {
        let mut body = json!({"messages": hi()});
        body[key] = value;
        refused(body)
    };
    let many: serde_json::Map<String, Value> = (0..1025).map(|token| (token.to_string(), json!(1))).collect();
    assert!(with("logit_bias", Value::Object(many)).message.contains("'logit_bias': it may have at most 1024 tokens"));
    assert_eq!(with("functions", json!([])).kind, ErrorKind::NotImplemented);
    assert!(with("warp", json!(1)).message.contains("Unrecognized request argument supplied: warp"));
    assert!(with("top_logprobs", json!(3)).message.contains("`logprobs` must be true"));
    assert!(with("temperature", json!(2.1)).message.contains("'temperature'"));
    assert!(with("max_tokens", json!(0)).message.contains("'max_tokens'"));
    assert!(with("stop", json!(["a", "b", "c", "d", "e"])).message.contains("at most 4"));
    assert!(with("tool_choice", json!("required")).message.contains("`tools`"));
    assert!(refused(json!({})).message.contains("Missing required parameter: 'messages'"));
    assert_eq!(unknown_route("POST", "/v1/responses").kind, ErrorKind::NotImplemented);
    assert_eq!(unknown_route("GET", "/v1/nothing").kind, ErrorKind::NotFound);
}

#[test]
fn images_are_passed_on_as_what_no_model_reads() {
    let parts = json!([{"type": "image_url", "image_url": {"url": "data:"}}]);
    let request = decode(json!({"messages": [{"role": "user", "content": parts}]})).unwrap();
    assert_eq!(request.messages[0].content, [Content::Unsupported { what: "image" }]);
}

fn answer() -> ChatAnswer {
    ChatAnswer { id: "chatcmpl-1".into(), created: 5, model: "m".into(), logprobs: true, include_usage: false }
}

fn served_by() -> ServedBy {
    ServedBy::model("tiny", true)
}

fn token() -> TokenLogprob {
    let top = vec![TopLogprob { token: "a".into(), bytes: vec![97], logprob: -0.5 }];
    TokenLogprob { id: Some(5), token: "a".into(), bytes: vec![97], logprob: Some(-0.5), top }
}

#[test]
fn answers_have_openais_shape() {
    let chat = Chat {
        content: vec![
            Content::Text("a".into()),
            Content::ToolUse { id: "t".into(), name: "sum".into(), input: json!({"x": 1}) },
        ],
        reason: Stop::ToolUse,
        usage: Usage { input: 2, output: 1, cached: 1, cache_written: 0 },
        timing: Timing::default(),
        served_by: served_by(),
        logprobs: vec![token()],
    };
    let out = answer().whole(&[chat]);
    assert_eq!(
        out["choices"],
        json!([{
            "index": 0,
            "message": {
                "role": "assistant", "content": "a", "refusal": null,
                "tool_calls": [{"id": "t", "type": "function", "function": {"name": "sum", "arguments": "{\"x\":1}"}}],
            },
            "logprobs": {
                "content": [{
                    "token": "a", "logprob": -0.5, "bytes": [97],
                    "top_logprobs": [{"token": "a", "logprob": -0.5, "bytes": [97]}],
                }],
                "refusal": null,
            },
            "finish_reason": "tool_calls",
        }])
    );
    assert_eq!(out["usage"]["total_tokens"], 3);
    assert_eq!(out["usage"]["prompt_tokens_details"]["cached_tokens"], 1);
    assert_eq!(out["system_fingerprint"], json!(system_fingerprint(&served_by())));
}

#[test]
fn the_fingerprint_names_the_model() {
    let other = ServedBy { name: "large".into(), ..served_by() };
    assert_ne!(system_fingerprint(&served_by()), system_fingerprint(&other));
    assert!(system_fingerprint(&other).starts_with("fp_"));
}

async fn sent(answer: ChatAnswer, events: Vec<base::Result<ChatEvent>>) -> Vec<String> {
    let writer = chat::Writer { answer, served_by: served_by(), wanted: 1, used: Usage::default() };
    let events = events.into_iter().map(|event| event.map(|event| (0, event)));
    let pieces: Vec<Bytes> = sse::stream(stream::iter(events), writer).collect().await;
    let sent = String::from_utf8(pieces.concat()).unwrap();
    sent.split_terminator("\n\n").map(str::to_owned).collect()
}

fn started() -> base::Result<ChatEvent> {
    Ok(ChatEvent::Started { served_by: served_by(), prompt_tokens: 2, cached: 0, cache_written: 0 })
}

fn text(text: &str) -> base::Result<ChatEvent> {
    Ok(ChatEvent::Text { text: text.into(), logprobs: Vec::new() })
}

fn finished(usage: Usage) -> base::Result<ChatEvent> {
    Ok(ChatEvent::Finished { reason: Stop::MaxTokens, usage, timing: Timing::default() })
}

#[tokio::test]
async fn streams_end_with_done() {
    let events = sent(answer(), vec![started(), text("a\nb"), finished(Usage::default())]).await;
    assert_eq!(events.len(), 4);
    assert!(events.iter().all(|event| event.starts_with("data: ") && !event.contains('\n')));
    assert!(events[1].contains(r#""delta":{"content":"a\nb"}"#));
    assert!(events[2].contains(r#""finish_reason":"length""#));
    assert!(events.iter().all(|event| !event.contains("usage")));
    assert_eq!(events[3], "data: [DONE]");
}

#[tokio::test]
async fn usage_comes_in_a_last_chunk_of_its_own_and_is_null_before() {
    let used = Usage { input: 2, output: 1, cached: 0, cache_written: 0 };
    let events = sent(ChatAnswer { include_usage: true, ..answer() }, vec![started(), text("a"), finished(used)]).await;
    let chunks: Vec<Value> = events[..events.len() - 1]
        .iter()
        .map(|event| serde_json::from_str(&event["data: ".len()..]).unwrap())
        .collect();
    let (last, before) = chunks.split_last().unwrap();
    assert!(before.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null) && chunk["choices"][0].is_object()));
    assert_eq!((&last["choices"], &last["usage"]["total_tokens"]), (&json!([]), &json!(3)));
}

#[tokio::test]
async fn an_error_ends_a_stream_without_done() {
    let sent = sent(answer(), vec![started(), Err(Error::internal("disk on fire")), text("late")]).await.concat();
    assert!(sent.contains(r#""type":"server_error""#));
    assert!(!sent.contains("fire") && !sent.contains("late") && !sent.contains("[DONE]"));
}

#[test]
fn a_call_that_was_cut_short_keeps_its_raw_arguments() {
    let call = Content::CutToolUse { id: "t".into(), name: "sum".into(), arguments: "{\"x\": ".into() };
    let chat = Chat {
        content: vec![call],
        reason: Stop::MaxTokens,
        usage: Usage::default(),
        timing: Timing::default(),
        served_by: served_by(),
        logprobs: Vec::new(),
    };
    let choice = &answer().whole(&[chat])["choices"][0];
    assert_eq!(choice["message"]["tool_calls"][0]["function"], json!({"name": "sum", "arguments": "{\"x\": "}));
    assert_eq!(choice["finish_reason"], "length");
}

#[test]
fn repetition_is_controlled_by_members_of_the_body() {
    let with = |members: Value| {
        let mut body = json!({"messages": hi()});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        decode(body)
    };
    let members = json!({
        "no_repeat_ngram_size": 4, "no_repeat_ngram_scope": "output", "loop_detection": {"repeats": 3, "max_period": 20},
    });
    let asked = with(members.clone()).unwrap().sampling;
    let ngram = models::NoRepeatNgram { size: 4, scope: models::NgramScope::Output };
    let detector = models::LoopDetector { repeats: 3, max_period: 20, ..models::LoopDetector::default() };
    assert_eq!((asked.no_repeat_ngram, asked.loop_detector), (Some(ngram), Some(detector)));
    let mut completion = json!({"prompt": "x"});
    completion.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let root = Fields::root(&completion, Wording::OpenAi).unwrap();
    let completion = Asked::decode(&root, "m".into(), 4).unwrap().request.sampling;
    assert_eq!((completion.no_repeat_ngram, completion.loop_detector), (Some(ngram), Some(detector)));
    let refused = with(json!({"no_repeat_ngram_size": -1})).unwrap_err();
    assert_eq!(errors::body(&refused)["error"]["param"], "no_repeat_ngram_size");
    let refused = with(json!({"loop_detection": {"max_period": 0}})).unwrap_err();
    assert_eq!(errors::body(&refused)["error"]["param"], "loop_detection.max_period");
}

#[test]
fn a_loop_is_a_length_with_a_stop_reason_of_its_own() {
    let finished = |reason| ChatEvent::Finished { reason, usage: Usage::default(), timing: Timing::default() };
    let choice = |reason| answer().chunk(0, &finished(reason), &served_by()).unwrap()["choices"][0].clone();
    let cut = choice(Stop::Loop);
    assert_eq!((&cut["finish_reason"], &cut["stop_reason"]), (&json!("length"), &json!("loop")));
    assert!(choice(Stop::MaxTokens).get("stop_reason").is_none());
    let chat = Chat {
        content: vec![Content::Text("a a a".into())],
        reason: Stop::Loop,
        usage: Usage::default(),
        timing: Timing::default(),
        served_by: served_by(),
        logprobs: Vec::new(),
    };
    let whole = &answer().whole(std::slice::from_ref(&chat))["choices"][0];
    assert_eq!((&whole["finish_reason"], &whole["stop_reason"]), (&json!("length"), &json!("loop")));
    let body = json!({"prompt": "x"});
    let asked = Asked::decode(&Fields::root(&body, Wording::OpenAi).unwrap(), "m".into(), 4).unwrap();
    let whole = CompletionAnswer::new("cmpl-1".into(), 0, &asked, vec![String::new()]).whole(&[chat]);
    assert_eq!(whole["choices"][0]["stop_reason"], "loop");
}

#[test]
fn errors_have_openais_codes() {
    let code = |error: Error| errors::body(&error)["error"]["code"].clone();
    assert_eq!(code(Error::unauthenticated("x")), "invalid_api_key");
    assert_eq!(code(Error::invalid("The provided model identifier is invalid.")), "model_not_found");
    assert_eq!(code(unknown_route("GET", "/v1/nothing")), "unknown_url");
    assert_eq!(code(Error::invalid("Input is too long for requested model.")), "context_length_exceeded");
    assert_eq!(code(Error::invalid("Other.")), Value::Null);
    let missing = refused(json!({}));
    assert_eq!(errors::body(&missing)["error"]["param"], "messages");
    let response = errors::respond(&Error::not_implemented("x"));
    assert_eq!(response.status(), 501);
    assert_eq!(response.headers()["x-should-retry"], "false");
}
