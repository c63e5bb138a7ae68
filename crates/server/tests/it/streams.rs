//! Answers that arrive piece by piece.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLAUDE, Event, Home, Key, Server, Upstream, eventually};

fn text_of(events: &[Event]) -> String {
    events.iter().filter_map(|event| event.payload.pointer("/delta/text").and_then(Value::as_str)).collect()
}

/// A chat under `/v1` that answers as long as the schema of its answer asks for.
async fn long_chat(server: &Server, letters: u32) -> reqwest::Response {
    let schema = json!({
        "type": "object", "required": ["text"], "additionalProperties": false,
        "properties": { "text": { "type": "string", "minLength": letters } },
    });
    let body = json!({
        "model": "smollm2-135m-instruct", "stream": true, "max_tokens": 8000,
        "messages": [{ "role": "user", "content": "Write on." }],
        "response_format": { "type": "json_schema", "json_schema": { "name": "long", "schema": schema } },
    });
    let request = server.signed(
        &Key::admin(),
        "craton",
        Method::POST,
        "/v1/chat/completions",
        "application/json",
        body.to_string(),
    );
    let response = request.send().await.unwrap();
    assert_eq!(response.status().as_u16(), 200, "{:?}", response.text().await);
    response
}

#[tokio::test]
async fn converse_and_its_stream_say_the_same() {
    let home = Home::new();
    let server = home.start().await;
    let whole = server.converse(&Key::admin(), CLAUDE, "Tell me something.").await.ok();
    assert!(whole.header("x-craton-served-by").starts_with("smollm2-135m-instruct; substituted=true"), "{whole:?}");
    let whole = whole.json();
    let events = server.stream(CLAUDE, "Tell me something.").await.rest().await.unwrap();

    let kinds: Vec<&str> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds.first(), Some(&"messageStart"));
    assert_eq!(kinds[kinds.len() - 3..], ["contentBlockStop", "messageStop", "metadata"]);
    assert!(kinds[1..kinds.len() - 3].iter().all(|kind| matches!(*kind, "contentBlockStart" | "contentBlockDelta")));
    let said = whole["output"]["message"]["content"][0]["text"].as_str().unwrap();
    assert!(!said.is_empty());
    assert_eq!(text_of(&events), said);
    let [.., stop, metadata] = events.as_slice() else { unreachable!() };
    assert_eq!(stop.payload["stopReason"], whole["stopReason"]);
    for name in ["inputTokens", "outputTokens", "totalTokens"] {
        assert_eq!(metadata.payload["usage"][name], whole["usage"][name], "{name}");
    }
    assert_eq!(whole["usage"]["cacheReadInputTokens"], 0);
    let again = whole["usage"]["inputTokens"].as_u64().unwrap() - 1;
    assert_eq!(metadata.payload["usage"]["cacheReadInputTokens"], again, "but the last, which tells what follows");
}

#[tokio::test]
async fn invoke_with_response_stream_sends_the_providers_chunks() {
    let home = Home::new();
    let server = home.start().await;
    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 200,
        "messages": [{ "role": "user", "content": "Tell me something." }],
    });
    let request = server.bedrock(&Key::admin(), CLAUDE, "invoke-with-response-stream", &body);
    let mut stream = crate::harness::EventStream::new(request.send().await.unwrap());
    let events = stream.rest().await.unwrap();
    assert!(events.iter().all(|event| event.kind == "chunk" && event.payload["bytes"].is_string()), "{events:?}");
    assert!(events.len() > 3);
}

#[tokio::test]
async fn a_client_that_leaves_ends_its_generation() {
    let home = Home::new();
    let server = home.start_with(&["--context", "8192"]).await;
    let mut response = long_chat(&server, 7000).await;
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);

    let loaded = eventually("no sequence is active", async || {
        let loaded = server.loaded().await;
        (loaded["activeSequences"] == 0).then_some(loaded)
    })
    .await;
    assert!(loaded["generatedTokens"].as_u64().unwrap() < 7000, "it did not write on: {loaded}");
    let latest = eventually("the request is told of", async || {
        let latest = server.craton(Method::GET, "/requests", Value::Null).await.ok().json();
        let items = latest["items"].as_array().unwrap().clone();
        items.into_iter().find(|item| item["service"] == "openai")
    })
    .await;
    assert_eq!(latest["errorCode"], "ClientDisconnected");
    // The place in the batch is free for the next.
    server.converse(&Key::admin(), CLAUDE, "a question").await.ok();
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstreams_answer() {
    let home = Home::new();
    let server = home.start().await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "a question").await;
    assert_eq!(stream.text().await, "held ");
    drop(stream);
    upstream.left().await;
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_ends_the_upstreams_answer() {
    let home = Home::new();
    let server = home.start().await;
    let upstream = Upstream::silent();
    server.give_to(CLAUDE, &upstream.url).await;
    let body = crate::harness::conversation("a question");
    let asking = tokio::spawn(server.bedrock(&Key::admin(), CLAUDE, "converse", &body).send());
    upstream.asked().await;
    asking.abort();
    upstream.left().await;
}

#[tokio::test]
async fn a_job_tells_of_itself_until_it_ends() {
    let home = Home::new();
    let server = home.start().await;
    let file = home.path().join("new.gguf");
    std::fs::write(&file, vec![7; 100_000]).unwrap();
    let source = format!("file:{}", file.display());
    let job = server.craton(Method::POST, "/models/pull", json!({ "source": source })).await.ok().json()["job"].clone();
    let path = format!("/jobs/{}/events", job["id"].as_str().unwrap());
    let told = server.craton(Method::GET, &path, Value::Null).await.ok();
    assert_eq!(told.header("content-type"), "text/event-stream; charset=utf-8");
    let states: Vec<Value> = told
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str::<Value>(data).unwrap())
        .collect();
    let last = states.last().unwrap();
    assert_eq!(
        (last["state"].as_str(), last["output"]["name"].as_str()),
        (Some("succeeded"), Some("new")),
        "{states:?}"
    );
}
