use super::*;

impl World {
    async fn api_key(&self, surface: &str) -> String {
        let body = json!({"name": "test", "surface": surface, "expiresInDays": 1}).to_string();
        let reply = self.signed("craton", "POST", "/craton/v1/api-keys", &body).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["key"].as_str().unwrap().to_owned()
    }

    async fn bearer(&self, key: &str, method: &str, path: &str, body: &str) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        self.send(request.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
    }
}

fn chat(stream: bool) -> String {
    json!({
        "model": CLAUDE, "messages": [{"role": "user", "content": "Say hi"}], "max_tokens": 8, "temperature": 0,
        "stream": stream, "stream_options": if stream { json!({"include_usage": true}) } else { Value::Null },
    })
    .to_string()
}

#[tokio::test]
async fn chats_stream_and_answer_alike() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let whole = world.bearer(&key, "POST", "/v1/chat/completions", &chat(false)).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    assert_eq!(whole.header("x-craton-served-by"), "tiny; substituted=true");
    let streamed = world.bearer(&key, "POST", "/v1/chat/completions", &chat(true)).await.text();
    let events: Vec<&str> = streamed.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    assert_eq!(events.last(), Some(&"[DONE]"));
    let chunks: Vec<Value> = events[..events.len() - 1].iter().map(|e| serde_json::from_str(e).unwrap()).collect();
    let text: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole.json()["choices"][0]["message"]["content"]);
    assert_eq!(chunks.last().unwrap()["usage"], whole.json()["usage"]);
    world.stop().await;
}

#[tokio::test]
async fn keys_open_their_own_surface_only() {
    let world = World::start().await;
    let (openai, bedrock) = (world.api_key("openai").await, world.api_key("bedrock").await);
    assert_eq!(world.bearer(&openai, "GET", "/v1/models", "").await.status, 200);
    assert_eq!(world.bearer(&bedrock, "GET", "/v1/models", "").await.status, 401);
    assert_eq!(world.bearer(&bedrock, "GET", "/foundation-models", "").await.status, 200);
    assert_eq!(
        world.bearer(&openai, "GET", "/foundation-models", "").await.error(),
        (403, "UnrecognizedClientException")
    );
    let wrong = world.bearer("sk-nothing", "GET", "/v1/models", "").await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["error"]["code"]), (401, &json!("invalid_api_key")));
    assert_eq!(world.bearer(&openai, "GET", "/craton/v1/status", "").await.status, 401);
    world.stop().await;
}

#[tokio::test]
async fn embeddings_come_as_floats_and_as_base64() {
    use base64::Engine as _;
    let world = World::start().await;
    let key = world.api_key("both").await;
    let body = |format: &str| json!({"model": TITAN_V1, "input": ["a", "b"], "encoding_format": format}).to_string();
    let floats = world.bearer(&key, "POST", "/v1/embeddings", &body("float")).await;
    assert_eq!(floats.status, 200, "{}", floats.text());
    let packed = world.bearer(&key, "POST", "/v1/embeddings", &body("base64")).await.json();
    for at in 0..2 {
        let text = packed["data"][at]["embedding"].as_str().unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
        let unpacked: Vec<f32> = bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let floats: Vec<f32> = serde_json::from_value(floats.json()["data"][at]["embedding"].clone()).unwrap();
        assert_eq!(unpacked, floats);
    }
    let tokens = json!({"model": TITAN_V1, "input": [[1, 2]]}).to_string();
    assert_eq!(world.bearer(&key, "POST", "/v1/embeddings", &tokens).await.status, 501);
    world.stop().await;
}

#[tokio::test]
async fn prompts_are_completed_and_echoed() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let body = |echo: bool| {
        json!({"model": CLAUDE, "prompt": "Say hi", "max_tokens": 6, "temperature": 0, "echo": echo}).to_string()
    };
    let plain = world.bearer(&key, "POST", "/v1/completions", &body(false)).await;
    assert_eq!(plain.status, 200, "{}", plain.text());
    let text = plain.json()["choices"][0]["text"].as_str().unwrap().to_owned();
    let echoed = world.bearer(&key, "POST", "/v1/completions", &body(true)).await.json();
    assert_eq!(echoed["choices"][0]["text"], format!("Say hi{text}"));
    world.stop().await;
}

#[tokio::test]
async fn what_is_unknown_or_not_built_is_said() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let responses = world.bearer(&key, "POST", "/v1/responses", "{}").await;
    assert_eq!((responses.status.as_u16(), &responses.json()["error"]["code"]), (501, &json!("not_implemented")));
    assert_eq!(world.bearer(&key, "GET", "/v1/nothing", "").await.status, 404);
    let unknown = chat(false).replace(CLAUDE, "no-such-model");
    let reply = world.bearer(&key, "POST", "/v1/chat/completions", &unknown).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]["code"]), (404, &json!("model_not_found")));
    let models = world.bearer(&key, "GET", "/v1/models", "").await.json();
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "tiny"));
    assert_eq!(world.bearer(&key, "GET", "/v1/models/tiny", "").await.json()["id"], "tiny");
    world.stop().await;
}
