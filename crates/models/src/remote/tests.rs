use futures::StreamExt as _;
use serde_json::json;

use super::sse::Events;
use super::*;
use crate::invoke::answer::{ChatEvent, ServedBy, Stop, Usage};
use crate::invoke::request::{
    ChatRequest, Content, ContinuationRequest, Message, RawPrompt, Role, Sampling, ToolChoice, ToolSpec,
};
use crate::testing::{Reply, Server, install_tls, secret};

fn client() -> Client {
    install_tls();
    Client::new(reqwest::Client::new(), Duration::from_secs(20))
}

fn upstream(server: &Server) -> Upstream {
    Upstream { base_url: format!("{}/v1", server.url), model: "qwen".to_owned(), api_key: Some(secret("sk-hidden")) }
}

fn served_by() -> ServedBy {
    ServedBy::model("qwen", true)
}

fn events(chunks: &[Value]) -> Reply {
    let body: String = chunks.iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
    Reply::ok(format!("{body}data: [DONE]\n\n")).with("content-type", "text/event-stream")
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn request() -> ChatRequest {
    ChatRequest { messages: vec![Message::user("Hi")], ..ChatRequest::default() }
}

#[tokio::test]
async fn a_conversation_streams_from_the_upstream() {
    let server = Server::start(|_| {
        events(&[
            delta(json!({"role": "assistant", "content": ""})),
            delta(json!({"content": "Hel"})),
            delta(json!({"content": "lo"})),
            end("length"),
            json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}}}),
        ])
    })
    .await;
    let chat = client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap();
    assert_eq!(chat.content, [Content::Text("Hello".to_owned())]);
    assert_eq!(
        (chat.reason, chat.usage),
        (Stop::MaxTokens, Usage { input: 5, output: 2, cached: 3, cache_written: 0 })
    );
    assert_eq!(chat.served_by, served_by());
    let seen = server.seen();
    assert_eq!((seen[0].path.as_str(), seen[0].header("authorization")), ("/v1/chat/completions", "Bearer sk-hidden"));
}

#[tokio::test]
async fn a_request_is_translated() {
    let server = Server::start(|_| events(&[end("stop")])).await;
    let call = Content::ToolUse { id: "1".to_owned(), name: "f".to_owned(), input: json!({"a": 1}) };
    let result = Content::ToolResult { id: "1".to_owned(), content: "no".to_owned(), is_error: true };
    let request = ChatRequest {
        system: vec!["Be".to_owned(), "brief".to_owned()],
        messages: vec![
            Message::user("Hi"),
            Message { role: Role::Assistant, content: vec![call] },
            Message { role: Role::User, content: vec![result, Content::Text("and?".to_owned())] },
            Message::assistant("Well"),
        ],
        tools: vec![ToolSpec { name: "f".to_owned(), description: None, schema: json!({"type": "object"}) }],
        tool_choice: ToolChoice::Tool("f".to_owned()),
        sampling: Sampling { temperature: Some(0.0), seed: Some(7), ..Sampling::default() },
        max_tokens: Some(9),
        stop: vec!["END".to_owned()],
        ..ChatRequest::default()
    };
    client().chat(upstream(&server), &request, served_by()).await.unwrap().collect().await.unwrap();
    assert_eq!(
        server.seen()[0].json(),
        json!({
            "model": "qwen",
            "messages": [
                {"role": "system", "content": "Be\n\nbrief"},
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": "", "tool_calls":
                    [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "tool_call_id": "1", "content": "Error: no"},
                {"role": "user", "content": "and?"},
                {"role": "assistant", "content": "Well"},
            ],
            "stream": true,
            "stream_options": {"include_usage": true},
            "max_tokens": 9, "temperature": 0.0, "seed": 7, "stop": ["END"],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
            "continue_final_message": true, "add_generation_prompt": false,
        })
    );
}

#[tokio::test]
async fn tool_calls_stream_as_fragments() {
    let call = |index: usize, rest: Value| {
        let mut call = json!({"index": index});
        call.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        delta(json!({"tool_calls": [call]}))
    };
    let server = Server::start(move |_| {
        events(&[
            call(0, json!({"id": "c0", "function": {"name": "f", "arguments": ""}})),
            call(0, json!({"function": {"arguments": "{\"a\""}})),
            call(0, json!({"function": {"arguments": ":1}"}})),
            call(1, json!({"id": "c1", "function": {"name": "g", "arguments": "{}"}})),
            end("tool_calls"),
        ])
    })
    .await;
    let stream = client().chat(upstream(&server), &request(), served_by()).await.unwrap();
    let events: Vec<ChatEvent> = stream.map(|event| event.unwrap()).collect().await;
    let fragments = events.iter().filter(|event| matches!(event, ChatEvent::ToolUseInput { index: 0, .. })).count();
    assert_eq!(fragments, 2);
    let chat = client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap();
    let used = |id: &str, name: &str, input| Content::ToolUse { id: id.to_owned(), name: name.to_owned(), input };
    assert_eq!(chat.content, [used("c0", "f", json!({"a": 1})), used("c1", "g", json!({}))]);
    assert_eq!(chat.reason, Stop::ToolUse);
}

#[tokio::test]
async fn a_call_that_is_cut_short_keeps_what_was_written() {
    let cut = |reason: &'static str| {
        move |_: &crate::testing::Request| {
            let function = json!({"name": "f", "arguments": "{\"a\": \"Ro"});
            let call = json!({"tool_calls": [{"index": 0, "id": "c0", "function": function}]});
            events(&[delta(json!({"content": "Let me see."})), delta(call), end(reason)])
        }
    };
    let server = Server::start(cut("length")).await;
    let chat = client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap();
    let call = Content::CutToolUse { id: "c0".into(), name: "f".into(), arguments: "{\"a\": \"Ro".into() };
    let text = Content::Text("Let me see.".into());
    assert_eq!((&chat.content, &chat.reason), (&vec![text.clone(), call], &Stop::MaxTokens));
    let chat = chat.in_blocks().unwrap();
    assert_eq!((chat.content, chat.reason), (vec![text], Stop::MaxTokens));
    let server = Server::start(cut("tool_calls")).await;
    let chat = client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap();
    let error = chat.in_blocks().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("`f`"), "{error:?}");
}

#[tokio::test]
async fn probabilities_that_the_upstream_does_not_know_are_none() {
    let server = Server::start(|_| {
        let token =
            |token: &str, logprob: Value, top: Value| json!({"token": token, "logprob": logprob, "top_logprobs": top});
        let known = json!([{"token": "a", "logprob": -0.5}, {"token": "b", "logprob": null}]);
        let content = [token("a", json!(-0.5), known), token("b", Value::Null, Value::Null)];
        let told = json!({"index": 0, "delta": {"content": "ab"}, "logprobs": {"content": content}});
        events(&[json!({"choices": [told]}), end("stop")])
    })
    .await;
    let chat = client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap();
    let told: Vec<(Option<f32>, usize)> = chat.logprobs.iter().map(|one| (one.logprob, one.top.len())).collect();
    assert_eq!((chat.text().as_str(), told), ("ab", vec![(Some(-0.5), 1), (None, 0)]));
}

#[tokio::test]
async fn a_text_is_continued_by_the_upstream() {
    let choice = |choice: Value| json!({"choices": [choice]});
    let server = Server::start(move |_| {
        events(&[
            choice(json!({"index": 0, "text": " upon", "finish_reason": null, "logprobs":
                {"tokens": [" upon"], "token_logprobs": [-0.5], "top_logprobs": [{" a": -2.0, " upon": -0.5}]}})),
            choice(json!({"index": 0, "text": " a", "finish_reason": "length", "logprobs": null})),
            json!({"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 2}}),
        ])
    })
    .await;
    let request = |prompt| ContinuationRequest {
        prompt,
        sampling: Sampling { temperature: Some(0.0), ..Sampling::default() },
        max_tokens: Some(2),
        stop: vec!["END".to_owned()],
        logprobs: Some(2),
        ..ContinuationRequest::default()
    };
    let text = request(RawPrompt::Text("Once".to_owned()));
    let chat = client().continue_text(upstream(&server), &text, served_by()).await.unwrap().collect().await.unwrap();
    assert_eq!((chat.text().as_str(), chat.reason), (" upon a", Stop::MaxTokens));
    assert_eq!(chat.usage, Usage { input: 2, output: 2, cached: 0, cache_written: 0 });
    assert_eq!(
        (chat.logprobs.len(), chat.logprobs[0].logprob, chat.logprobs[0].top[1].token.as_str()),
        (1, Some(-0.5), " a")
    );
    let form = ContinuationRequest {
        constraint: Some(Constraint::Regex("a".to_owned())),
        ..request(RawPrompt::Text("x".to_owned()))
    };
    let refused = client().continue_text(upstream(&server), &form, served_by()).await.err().unwrap().error;
    assert_eq!(refused.kind, ErrorKind::NotImplemented);
    let form = ContinuationRequest {
        constraint: Some(Constraint::Regex("a".to_owned())),
        ..request(RawPrompt::Text("x".to_owned()))
    };
    let refused = client().continue_text(upstream(&server), &form, served_by()).await.err().unwrap().error;
    assert_eq!(refused.kind, ErrorKind::NotImplemented);
    let tokens = request(RawPrompt::Tokens(vec![1, 2]));
    client().continue_text(upstream(&server), &tokens, served_by()).await.unwrap().collect().await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].path, "/v1/completions");
    assert_eq!(
        seen[0].json(),
        json!({
            "model": "qwen", "prompt": "Once", "stream": true, "stream_options": {"include_usage": true},
            "temperature": 0.0, "max_tokens": 2, "stop": ["END"], "logprobs": 2,
        })
    );
    assert_eq!(seen[1].json()["prompt"], json!([1, 2]));
}

#[tokio::test]
async fn refusals_are_told_in_the_upstreams_words_without_the_key() {
    for (status, kind) in [
        (400, ErrorKind::Invalid),
        (401, ErrorKind::Unavailable),
        (404, ErrorKind::NotFound),
        (429, ErrorKind::Throttled),
        (500, ErrorKind::Unavailable),
        (504, ErrorKind::Timeout),
    ] {
        let body = r#"{"error": {"message": "no, sk-hidden is wrong"}}"#;
        let server = Server::start(move |_| Reply::status(status, body)).await;
        let error = client().chat(upstream(&server), &request(), served_by()).await.err().unwrap().error;
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.message.contains("no, [secret] is wrong"), "{error:?}");
        assert!(!format!("{error:?}").contains("sk-hidden"));
    }
}

#[tokio::test]
async fn an_upstream_that_is_not_there_is_named() {
    let server = Server { url: "http://127.0.0.1:1".to_owned(), requests: std::sync::Arc::default() };
    let error = client().chat(upstream(&server), &request(), served_by()).await.err().unwrap().error;
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("http://127.0.0.1:1/v1") && !format!("{error:?}").contains("sk-hidden"));
}

#[tokio::test]
async fn answers_that_break_off_or_cannot_be_read_are_errors() {
    let cut = || {
        let mut reply = events(&[delta(json!({"content": "Hel"}))]);
        reply.body.truncate(reply.body.len() - 14);
        reply
    };
    for reply in [
        cut(),
        Reply::ok("data: {]\n\n"),
        Reply::ok(""),
        Reply::ok("data: {\"error\": {\"message\": \"out of memory\"}}\n\n"),
    ] {
        let server = Server::start(move |_| reply.clone()).await;
        let error =
            client().chat(upstream(&server), &request(), served_by()).await.unwrap().collect().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn embeddings_come_in_order_with_their_tokens() {
    let server = Server::start(|_| {
        Reply::ok(
            json!({"data": [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [1.0, 0.0]}],
                "usage": {"prompt_tokens": 7}})
            .to_string(),
        )
    })
    .await;
    let texts = vec!["ab".to_owned(), "abcd".to_owned()];
    let (vectors, counts) = client().embed(upstream(&server), &texts).await.unwrap();
    assert_eq!(vectors, [[1.0, 0.0], [0.0, 1.0]]);
    assert_eq!((counts.len(), counts.iter().sum::<u32>()), (2, 7));
    let error = client().embed(upstream(&server), &["one".to_owned()]).await.unwrap_err().error;
    assert!(error.message.contains("2 vectors for 1 texts"));
}

#[test]
fn events_are_the_same_however_the_bytes_are_cut() {
    let text = ": comment\r\ndata: {\"a\":\r\ndata: \"ä\"}\r\n\r\nevent: x\ndata:second\n\n\n\ndata: third";
    for size in 1..text.len() {
        let (mut events, mut found) = (Events::default(), Vec::new());
        for piece in text.as_bytes().chunks(size) {
            found.extend(events.push(piece).unwrap());
        }
        found.extend(events.finish().unwrap());
        assert_eq!(found, ["{\"a\":\n\"ä\"}", "second", "third"], "{size}");
    }
    assert!(Events::default().push(&vec![b'x'; 9 << 20]).is_err());
    assert!(Events::default().push(b"data: \xff\n\n").is_err());
}

#[test]
fn base_urls_are_http_without_secrets() {
    assert_eq!(check_base_url("http://localhost:11434/v1/").unwrap(), "http://localhost:11434/v1");
    for text in ["", "localhost:1", "ftp://h", "http://u:p@h/v1", "https://h/v1?x", "https://h/v1#x", "http://"] {
        assert!(check_base_url(text).is_err(), "{text}");
    }
}

#[tokio::test]
async fn what_is_asked_against_repetition_is_refused_by_name() {
    let server = Server::start(|_| events(&[end("stop")])).await;
    let ngram = crate::NoRepeatNgram { size: 3, scope: crate::NgramScope::Output };
    for (sampling, name) in [
        (Sampling { no_repeat_ngram: Some(ngram), ..Sampling::default() }, "no_repeat_ngram_size"),
        (Sampling { loop_detector: Some(crate::LoopDetector::default()), ..Sampling::default() }, "loop_detection"),
    ] {
        let chat = ChatRequest { sampling: sampling.clone(), ..request() };
        let refused = client().chat(upstream(&server), &chat, served_by()).await.err().unwrap().error;
        assert!(refused.to_string().contains(name), "{refused}");
        let text = ContinuationRequest { prompt: RawPrompt::Text("x".to_owned()), sampling, ..Default::default() };
        let refused = client().continue_text(upstream(&server), &text, served_by()).await.err().unwrap().error;
        assert!(refused.to_string().contains(name), "{refused}");
    }
    assert!(server.seen().is_empty(), "nothing was sent");
}
