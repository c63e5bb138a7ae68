use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

pub(super) fn path(model: &str, operation: &str) -> String {
    format!("/model/{}/{operation}", model.replace(':', "%3A"))
}

/// The frames of an event stream: type and JSON body.
pub(super) fn frames(mut raw: &[u8]) -> Vec<(String, Value)> {
    let mut out = Vec::new();
    while !raw.is_empty() {
        let total = u32::from_be_bytes(raw[0..4].try_into().unwrap()) as usize;
        let headers = u32::from_be_bytes(raw[4..8].try_into().unwrap()) as usize;
        let head = String::from_utf8_lossy(&raw[12..12 + headers]).into_owned();
        let body = serde_json::from_slice(&raw[12 + headers..total - 4]).unwrap();
        out.push((head, body));
        raw = &raw[total..];
    }
    out
}

pub(super) fn chunk_objects(reply: &Reply) -> Vec<Value> {
    frames(&reply.body)
        .into_iter()
        .map(|(head, body)| {
            assert!(head.contains("chunk"), "{head}: {body}");
            serde_json::from_slice(&STANDARD.decode(body["bytes"].as_str().unwrap()).unwrap()).unwrap()
        })
        .collect()
}

#[tokio::test]
async fn models_answer_and_say_what_it_cost_and_who_they_are() {
    let world = World::start().await;
    let reply = world.invoke(CLAUDE, &messages_body(5).to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("x-craton-served-by"), "tiny; substituted=true");
    let message = reply.json();
    assert_eq!((&message["type"], &message["stop_reason"]), (&json!("message"), &json!("max_tokens")));
    assert_eq!(message["usage"]["output_tokens"], 5);
    assert_eq!(reply.header("x-amzn-bedrock-output-token-count"), "5");
    assert_eq!(reply.header("x-amzn-bedrock-input-token-count"), message["usage"]["input_tokens"].to_string());
    assert!(!reply.header("x-amzn-bedrock-invocation-latency").is_empty());
    let again = world.invoke(CLAUDE, &messages_body(5).to_string()).await.json();
    assert_eq!(message["content"], again["content"], "temperature 0 repeats itself");
    assert_ne!(message["id"], again["id"]);
    world.stop().await;
}

#[tokio::test]
async fn streamed_and_whole_answers_have_the_same_text() {
    let world = World::start().await;
    let body = messages_body(40).to_string();
    let whole = world.invoke(CLAUDE, &body).await.json();
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "invoke-with-response-stream"), &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("content-type"), "application/vnd.amazon.eventstream");
    assert_eq!(reply.header("x-amzn-bedrock-content-type"), "application/json");
    assert_eq!(reply.header("x-craton-served-by"), "tiny; substituted=true");
    let chunks = chunk_objects(&reply);
    let text: String = chunks.iter().filter_map(|chunk| chunk["delta"]["text"].as_str()).collect();
    assert_eq!(text, whole["content"][0]["text"]);
    let last = chunks.last().unwrap();
    assert_eq!(last["type"], "message_stop");
    assert_eq!(last["amazon-bedrock-invocationMetrics"]["outputTokenCount"], whole["usage"]["output_tokens"]);
    let converse = json!({
        "messages": [{"role": "user", "content": [{"text": "Say hi"}]}],
        "inferenceConfig": {"maxTokens": 40, "temperature": 0},
    });
    let answer = world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &converse.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["output"]["message"]["content"][0]["text"], text);
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "converse-stream"), &converse.to_string()).await;
    let events = frames(&reply.body);
    let streamed: String = events.iter().filter_map(|(_, body)| body["delta"]["text"].as_str()).collect();
    assert_eq!(streamed, text);
    let kind = |at: usize, name: &str| assert!(events[at].0.contains(name), "{}", events[at].0);
    kind(0, "messageStart");
    kind(events.len() - 2, "messageStop");
    kind(events.len() - 1, "metadata");
    let usage = &events.last().unwrap().1["usage"];
    assert_eq!(
        usage["totalTokens"].as_i64(),
        Some(usage["inputTokens"].as_i64().unwrap() + usage["outputTokens"].as_i64().unwrap())
    );
    world.stop().await;
}

#[tokio::test]
async fn input_tokens_are_counted_as_they_are_read() {
    let world = World::start().await;
    let body = messages_body(5).to_string();
    let read = world.invoke(CLAUDE, &body).await.json()["usage"]["input_tokens"].clone();
    let count = json!({"input": {"invokeModel": {"body": STANDARD.encode(&body)}}});
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "count-tokens"), &count.to_string()).await;
    assert_eq!(reply.json(), json!({"inputTokens": read}));
    assert_eq!(reply.header("x-craton-served-by"), "tiny; substituted=true");
    let count = json!({"input": {"converse": {"messages": [{"role": "user", "content": [{"text": "Say hi"}]}]}}});
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "count-tokens"), &count.to_string()).await;
    assert_eq!(reply.json(), json!({"inputTokens": read}));
    world.stop().await;
}

#[tokio::test]
async fn an_answer_that_stops_at_once_has_one_empty_block() {
    let world = World::start().await;
    let body = json!({"messages": [{"role": "user", "content": [{"text": "Say hi"}]}]});
    let ask = async |operation: &str, stop: &str| {
        let mut body = body.clone();
        body["inferenceConfig"] = json!({"maxTokens": 8, "temperature": 0, "stopSequences": [stop]});
        world.signed("bedrock", "POST", &path(CLAUDE, operation), &body.to_string()).await
    };
    let full = ask("converse", "nothing of it").await.json();
    let first = full["output"]["message"]["content"][0]["text"].as_str().unwrap()[..3].to_owned();
    let empty = ask("converse", &first).await.json();
    assert_eq!(empty["output"]["message"]["content"], json!([{"text": ""}]));
    assert_eq!(empty["stopReason"], "stop_sequence");
    let stream = frames(&ask("converse-stream", &first).await.body);
    let deltas: Vec<&Value> = stream.iter().filter_map(|(_, body)| body.pointer("/delta/text")).collect();
    assert_eq!(deltas, [""]);
    let mut history = body.clone();
    history["messages"].as_array_mut().unwrap().push(empty["output"]["message"].clone());
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &history.to_string()).await;
    assert_eq!(reply.error(), (400, "ValidationException"), "the service takes no blank text back");
    assert!(reply.text().contains("messages.1.content.0 is blank"), "{}", reply.text());
    world.stop().await;
}

#[tokio::test]
async fn embeddings_have_the_ids_dimension() {
    let world = World::start().await;
    let reply = world.invoke(TITAN_V1, r#"{"inputText": "a room"}"#).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["embedding"].as_array().unwrap().len(), 1536);
    assert!(reply.header("x-amzn-bedrock-output-token-count").is_empty());
    let reply =
        world.signed("bedrock", "POST", &path(TITAN_V1, "invoke-with-response-stream"), r#"{"inputText": "x"}"#).await;
    assert_eq!(reply.error(), (400, "ValidationException"));
    world.stop().await;
}

#[tokio::test]
async fn bad_requests_for_models_say_what_to_do() {
    let world = World::start().await;
    let unknown = world.invoke("acme.no-such-model-v1:0", "{}").await;
    assert_eq!(unknown.error(), (400, "ValidationException"));
    assert!(unknown.text().contains("craton models list"));
    let not_pulled =
        world.invoke("amazon.nova-micro-v1:0", r#"{"messages": [{"role": "user", "content": [{"text": "x"}]}]}"#).await;
    assert_eq!(not_pulled.error(), (404, "ResourceNotFoundException"));
    assert!(not_pulled.text().contains("craton models pull"), "{}", not_pulled.text());
    let mut image = messages_body(5);
    image["messages"][0]["content"] = json!([{"type": "image", "source": {}}]);
    let reply = world.invoke(CLAUDE, &image.to_string()).await;
    assert_eq!(reply.error(), (400, "ValidationException"));
    assert!(reply.text().contains("image"), "{}", reply.text());
    assert_eq!(world.invoke(CLAUDE, &messages_body(0).to_string()).await.error(), (400, "ValidationException"));
    let huge = world.invoke(CLAUDE, &messages_body(u64::from(u32::MAX) * 9).to_string()).await;
    assert_eq!(huge.status, 200, "more than fits is what fits: {}", huge.text());
    let mut long = messages_body(5);
    long["messages"][0]["content"] = json!("word ".repeat(20_000));
    let reply = world.invoke(CLAUDE, &long.to_string()).await;
    assert_eq!(reply.error(), (400, "ValidationException"));
    assert!(reply.text().contains("Input is too long for requested model."), "{}", reply.text());
    let guarded = world.sign(
        &credentials(&world.admin),
        "bedrock",
        "POST",
        &path(CLAUDE, "invoke"),
        &messages_body(5).to_string(),
        &[("x-amzn-bedrock-guardrailidentifier", "abc"), ("x-amzn-bedrock-guardrailversion", "1")],
    );
    let reply = world.send(guarded).await;
    assert_eq!(reply.error(), (501, "NotImplementedException"), "{}", reply.text());
    world.stop().await;
}

#[tokio::test]
async fn foundation_models_are_listed_filtered_and_found() {
    let world = World::start().await;
    let world = &world;
    let list = |query: &'static str| async move {
        let reply = world.signed("bedrock", "GET", &format!("/foundation-models{query}"), "").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["modelSummaries"].as_array().unwrap().clone()
    };
    let all = list("").await;
    let embeddings = list("?byOutputModality=EMBEDDING").await;
    assert!(!embeddings.is_empty() && embeddings.len() < all.len());
    assert!(embeddings.iter().all(|model| model["outputModalities"] == json!(["EMBEDDING"])));
    assert!(list("?byProvider=anthropic").await.iter().all(|model| model["providerName"] == "Anthropic"));
    let arn = all.iter().find(|model| model["modelId"] == CLAUDE).unwrap()["modelArn"].as_str().unwrap().to_owned();
    for id in [CLAUDE.replace(':', "%3A"), arn.replace(':', "%3A").replace('/', "%2F")] {
        let reply = world.signed("bedrock", "GET", &format!("/foundation-models/{id}"), "").await;
        assert_eq!(reply.json()["modelDetails"]["modelId"], CLAUDE, "{}", reply.text());
    }
    let reply = world.signed("bedrock", "GET", "/foundation-models/acme.nothing-v1", "").await;
    assert_eq!(reply.error(), (404, "ResourceNotFoundException"));
}

#[tokio::test]
async fn a_client_that_leaves_mid_stream_is_noted() {
    let world = World::start().await;
    let body = messages_body(2000).to_string();
    let stream = path(CLAUDE, "invoke-with-response-stream");
    let request = world.sign(&credentials(&world.admin), "bedrock", "POST", &stream, &body, &[]);
    let mut response = world.api.call(request, peer(), false).await;
    assert!(response.body_mut().frame().await.is_some());
    drop(response);
    let items = world.signed("craton", "GET", "/craton/v1/requests?limit=1", "").await.json()["items"].clone();
    assert_eq!((&items[0]["status"], &items[0]["errorCode"]), (&json!(200), &json!("ClientDisconnected")));
    world.stop().await;
}

/// The arguments of the one tool call in an answer of Converse.
async fn forced(world: &World, schema: Value, choice: Value) -> Value {
    let tool = json!({"toolSpec": {"name": "book", "inputSchema": {"json": schema}}});
    let body = json!({
        "messages": [{"role": "user", "content": [{"text": "Say hi"}]}],
        "toolConfig": {"tools": [tool], "toolChoice": choice},
    });
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &body.to_string()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.json()["stopReason"], "tool_use");
    reply.json()["output"]["message"]["content"][0]["toolUse"]["input"].clone()
}

#[tokio::test]
async fn a_forced_tool_gets_arguments_of_its_schema_with_definitions() {
    let world = World::start().await;
    let schema = json!({
        "$defs": {
            "City": {"type": "object", "properties": {"name": {"const": "Rome"}}, "required": ["name"], "additionalProperties": false},
        },
        "type": "object",
        "properties": {
            "from": {"$ref": "#/$defs/City"},
            "to": {"type": "array", "items": {"$ref": "#/$defs/City"}, "minItems": 1, "maxItems": 1, "uniqueItems": true},
        },
        "required": ["from", "to"],
        "additionalProperties": false,
    });
    for choice in [json!({"any": {}}), json!({"tool": {"name": "book"}})] {
        let input = forced(&world, schema.clone(), choice).await;
        assert_eq!(input, json!({"from": {"name": "Rome"}, "to": [{"name": "Rome"}]}));
    }
    world.stop().await;
}

#[tokio::test]
async fn cache_points_split_the_input_tokens_as_the_service_does() {
    let world = World::start().await;
    let rubric = "Judge what follows by these rules. ".repeat(12);
    let ask = async |text: &str, points: usize| {
        let mut content = vec![json!({"text": text})];
        content.extend((1..points).map(|_| json!({"cachePoint": {"type": "default"}})));
        let mut system = vec![json!({"text": rubric})];
        system.extend((0..points.min(1)).map(|_| json!({"cachePoint": {"type": "default"}})));
        let body = json!({"system": system, "messages": [{"role": "user", "content": content}],
                          "inferenceConfig": {"maxTokens": 2, "temperature": 0}});
        world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &body.to_string()).await
    };
    let sum = |usage: &Value, names: &[&str]| names.iter().map(|name| usage[name].as_u64().unwrap()).sum::<u64>();
    let four = ["inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens"];
    let first = ask("One thing.", 1).await.json()["usage"].clone();
    assert!(first["cacheReadInputTokens"] == 0 && first["cacheWriteInputTokens"].as_u64().unwrap() > 400, "{first}");
    assert_eq!(first["totalTokens"], sum(&first, &four));
    let second = ask("Quite another.", 1).await.json()["usage"].clone();
    assert!(second["cacheReadInputTokens"].as_u64().unwrap() > 400 && second["cacheWriteInputTokens"] == 0, "{second}");
    assert_eq!(second["totalTokens"], sum(&second, &four));
    let plain = ask("Quite another.", 0).await.json()["usage"].clone();
    assert!(plain["cacheReadInputTokens"].as_u64().unwrap() > 400, "{plain}");
    assert_eq!(plain["totalTokens"], sum(&plain, &["inputTokens", "outputTokens"]));
    assert_eq!(ask("Too many.", 5).await.error(), (400, "ValidationException"));
    assert_eq!(ask("Enough.", 4).await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn invoked_bodies_tell_what_came_from_the_cache() {
    let world = World::start().await;
    let rubric = "Judge what follows by these rules. ".repeat(20);
    let body = |question: &str| {
        json!({
            "anthropic_version": "bedrock-2023-05-31", "max_tokens": 4, "temperature": 0,
            "system": [{"type": "text", "text": rubric, "cache_control": {"type": "ephemeral"}}],
            "messages": [{"role": "user", "content": question}],
        })
        .to_string()
    };
    let first = world.invoke(CLAUDE, &body("One thing.")).await;
    let written = first.json()["usage"]["cache_creation_input_tokens"].as_u64().unwrap();
    assert!(written > 400 && first.json()["usage"]["cache_read_input_tokens"] == 0, "{}", first.text());
    assert_eq!(first.header("x-amzn-bedrock-cache-write-input-token-count"), written.to_string());
    let second = world.invoke(CLAUDE, &body("Quite another.")).await;
    let usage = second.json()["usage"].clone();
    let read = usage["cache_read_input_tokens"].as_u64().unwrap();
    assert!(read > 400 && usage["cache_creation_input_tokens"] == 0, "{usage}");
    assert!(usage["input_tokens"].as_u64().unwrap() < 100, "{usage}");
    assert_eq!(second.header("x-amzn-bedrock-cache-read-input-token-count"), read.to_string());
    assert_eq!(second.header("x-amzn-bedrock-input-token-count"), usage["input_tokens"].to_string());
    world.stop().await;
}
