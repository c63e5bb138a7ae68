//! Engines that fail and clients that leave, each at a known moment.

use bytes::BytesMut;
use inference::fake::{Gate, GatedLoader};
use tokio::task::block_in_place;

use super::*;

/// A world whose model `tiny` has a gate, and answers so many requests at the same time.
async fn gated(parallel: u32) -> (World, Gate) {
    let gate = Gate::default();
    let world = World::start_with(GatedLoader::new("tiny", &gate), |config| config.load.parallel = parallel).await;
    (world, gate)
}

fn conversation(text: &str, tokens: u32) -> String {
    let messages = json!([{"role": "user", "content": [{"text": text}]}]);
    json!({"messages": messages, "inferenceConfig": {"maxTokens": tokens, "temperature": 0}}).to_string()
}

fn path(model: &str, operation: &str) -> String {
    format!("/model/{}/{operation}", model.replace(':', "%3A"))
}

impl World {
    fn asking(&self, operation: &str, body: &str) -> Request<Full<Bytes>> {
        let headers = [("content-type", "application/json")];
        self.sign(&credentials(&self.admin), "bedrock", "POST", &path(CLAUDE, operation), body, &headers)
    }

    /// What `tiny` says.
    async fn said(&self, text: &str) -> String {
        let reply = self.signed("bedrock", "POST", &path(CLAUDE, "converse"), &conversation(text, 32)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["output"]["message"]["content"][0]["text"].as_str().unwrap().to_owned()
    }

    async fn loaded(&self) -> Value {
        self.signed("craton", "GET", "/craton/v1/status", "").await.json()["loaded"][0].clone()
    }
}

fn held(gate: &Gate) {
    block_in_place(|| gate.wait_until_held());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_while_its_prompt_is_read_gives_its_place_to_the_next() {
    let (world, gate) = gated(1).await;
    let before = world.said("a short question").await;
    gate.close();
    let long = format!("{}the very end", "a long prompt, word for word, ".repeat(40));
    let request = world.asking("converse", &conversation(&long, 32));
    let leaving = tokio::spawn({
        let api = world.api.clone();
        async move { api.call(request, peer(), false).await }
    });
    held(&gate);
    gate.allow(1);
    held(&gate);
    assert_eq!(world.loaded().await["activeSequences"], 1);
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    gate.open();
    // There is but one place.
    assert_eq!(world.said("a short question").await, before);
    assert!(!gate.read().concat().contains("the very end"), "what nobody waits for is not read");
    let loaded = world.loaded().await;
    assert_eq!((&loaded["activeSequences"], &loaded["queued"]), (&json!(0), &json!(0)), "{loaded}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_its_answer_disturbs_nobody() {
    let (world, gate) = gated(2).await;
    let before = world.said("what the other one asks").await;
    let generated = world.loaded().await["generatedTokens"].as_u64().unwrap();
    gate.close();
    let request = world.asking("converse-stream", &conversation("tell a long story", 4000));
    let response = tokio::spawn({
        let api = world.api.clone();
        async move { api.call(request, peer(), false).await }
    });
    held(&gate);
    gate.allow(4);
    let mut body = response.await.unwrap().into_body();
    let mut seen = BytesMut::new();
    while !String::from_utf8_lossy(&seen).contains("contentBlockDelta") {
        seen.extend(body.frame().await.unwrap().unwrap().into_data().unwrap());
    }
    let other = tokio::spawn({
        let (api, request) =
            (world.api.clone(), world.asking("converse", &conversation("what the other one asks", 32)));
        async move { api.call(request, peer(), false).await.into_body().collect().await.unwrap().to_bytes() }
    });
    held(&gate);
    gate.allow(8);
    held(&gate);
    drop(body);
    gate.open();
    let answer: Value = serde_json::from_slice(&other.await.unwrap()).unwrap();
    assert_eq!(answer["output"]["message"]["content"][0]["text"], before.as_str());
    assert_eq!(world.said("what the other one asks").await, before);
    let loaded = world.loaded().await;
    assert_eq!((&loaded["activeSequences"], &loaded["queued"]), (&json!(0), &json!(0)), "{loaded}");
    // Two answers, and what the one that left had got.
    let answers = 3 * (before.len() as u64 + 1);
    assert!(loaded["generatedTokens"].as_u64().unwrap() <= generated + answers + 16, "{loaded}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_crashes_tells_its_callers_to_ask_again_and_is_there_for_the_next() {
    let (world, gate) = gated(4).await;
    world.pull("other.gguf").await;
    let others = async || {
        let reply = world.signed("bedrock", "POST", &path("other", "converse"), &conversation("a question", 32)).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["output"].clone()
    };
    let (before, theirs) = (world.said("a question").await, others().await);

    gate.panic_next();
    let reply = world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &conversation("a question", 32)).await;
    assert_eq!(reply.error(), (503, "ServiceUnavailableException"), "{}", reply.text());
    assert!(reply.text().contains("Try again"), "{}", reply.text());
    assert!(!reply.text().contains("as the test asked"), "what the engine says is for the log: {}", reply.text());
    assert_eq!((world.said("a question").await, others().await), (before.clone(), theirs.clone()));

    // In the middle of an answer.
    gate.close();
    let request = world.asking("converse-stream", &conversation("a question", 32));
    let response = tokio::spawn({
        let api = world.api.clone();
        async move { api.call(request, peer(), false).await.into_body().collect().await.unwrap().to_bytes() }
    });
    held(&gate);
    gate.allow(6);
    held(&gate);
    gate.panic_next();
    gate.open();
    let stream = String::from_utf8_lossy(&response.await.unwrap()).into_owned();
    assert!(stream.contains("contentBlockDelta") && stream.contains("serviceUnavailableException"), "{stream}");
    assert!(!stream.contains("messageStop"), "{stream}");
    assert_eq!((world.said("a question").await, others().await), (before, theirs));
    assert_eq!(world.loaded().await["activeSequences"], 0);
    world.stop().await;
}

#[tokio::test]
async fn a_model_without_memory_for_its_caches_says_how_much_they_take_and_harms_no_other() {
    let mut loader = GatedLoader::default();
    loader.too_large.insert("large".to_owned(), 5 << 30);
    let world = World::start_with(loader, |_| {}).await;
    world.pull("large.gguf").await;
    let reply = world.signed("bedrock", "POST", &path("large", "converse"), &conversation("Hi", 8)).await;
    assert_eq!(reply.error(), (503, "ServiceUnavailableException"), "{}", reply.text());
    for part in ["5120 MiB", "`large`", "Lower `parallel`, `context` or `replicas`"] {
        assert!(reply.text().contains(part), "{part}: {}", reply.text());
    }
    world.said("Hi").await;
    world.stop().await;
}

#[tokio::test]
async fn a_schema_that_nothing_satisfies_is_refused_by_every_api() {
    let world = World::start().await;
    for schema in [
        json!({"type": "object", "properties": {"n": {"allOf": [{"const": 1}, {"const": 2}]}}, "required": ["n"]}),
        json!({"type": "object", "properties": {"n": {"enum": []}}, "required": ["n"]}),
        json!({"type": "object", "properties": {"n": {"type": "no such type"}}, "required": ["n"]}),
    ] {
        let tools = json!({
            "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": schema}}}], "toolChoice": {"any": {}},
        });
        let messages = json!([{"role": "user", "content": [{"text": "Hi"}]}]);
        let body = json!({"messages": messages, "toolConfig": tools}).to_string();
        let reply = world.signed("bedrock", "POST", &path(CLAUDE, "converse"), &body).await;
        assert_eq!(reply.error(), (400, "ValidationException"), "{schema}: {}", reply.text());
        let format = json!({"type": "json_schema", "json_schema": {"name": "f", "strict": true, "schema": schema}});
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let body = json!({"model": CLAUDE, "messages": messages, "response_format": format}).to_string();
        let reply = world.signed("craton", "POST", "/v1/chat/completions", &body).await;
        assert_eq!(reply.status, 400, "{schema}: {}", reply.text());
        assert!(reply.text().contains("The schema cannot be followed"), "{schema}: {}", reply.text());
    }
    for outputs in [json!({"regex": "[^\\s\\S]"}), json!({"grammar": "start: /[^\\s\\S]/"})] {
        let messages = json!([{"role": "user", "content": "Hi"}]);
        let body = json!({"model": CLAUDE, "messages": messages, "structured_outputs": outputs}).to_string();
        let reply = world.signed("craton", "POST", "/v1/chat/completions", &body).await;
        assert_eq!(reply.status, 400, "{outputs}: {}", reply.text());
        assert!(reply.text().contains("cannot be followed"), "{outputs}: {}", reply.text());
    }
    assert_eq!(world.loaded().await["activeSequences"], 0);
    world.stop().await;
}
