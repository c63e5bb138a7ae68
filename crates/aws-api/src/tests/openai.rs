use super::*;

impl World {
    pub(super) async fn api_key(&self, surface: &str) -> String {
        let body = json!({"name": "test", "surface": surface, "expiresInDays": 1}).to_string();
        let reply = self.signed("craton", "POST", "/craton/v1/api-keys", &body).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["key"].as_str().unwrap().to_owned()
    }

    pub(super) async fn bearer(&self, key: &str, method: &str, path: &str, body: &str) -> Reply {
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
    let chunks = chunks(&world.bearer(&key, "POST", "/v1/chat/completions", &chat(true)).await);
    let text: String = chunks.iter().filter_map(|c| c["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole.json()["choices"][0]["message"]["content"]);
    let (first, second) = (&whole.json()["usage"], &chunks.last().unwrap()["usage"]);
    assert_eq!(counts(first), counts(second));
    assert_eq!(first["prompt_tokens_details"]["cached_tokens"], 0);
    // The last token is read for what follows it.
    let again = second["prompt_tokens"].as_u64().unwrap() - 1;
    assert_eq!(second["prompt_tokens_details"]["cached_tokens"], again);
    world.stop().await;
}

/// The tokens used, without those that an earlier request had read.
fn counts(usage: &Value) -> [u64; 3] {
    ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| usage[name].as_u64().unwrap())
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
    for header in ["Bearer", "Bearer ", "Basic dTpw", "sk-nothing"] {
        let request = Request::builder().uri("/v1/models").header("authorization", header);
        let reply = world.send(request.body(Full::new(Bytes::new())).unwrap()).await;
        assert_eq!(reply.status, 401, "{header}");
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.starts_with("Incorrect API key provided."), "{header}: {message}");
    }
    assert_eq!(world.bearer(&openai, "GET", "/craton/v1/status", "").await.status, 401);
    let score = json!({"model": CLAUDE, "prompt": "Yes?", "continuations": [" yes", " no"]}).to_string();
    assert_eq!(world.bearer(&openai, "POST", "/craton/v1/score", &score).await.status, 200);
    assert_eq!(world.bearer(&bedrock, "POST", "/craton/v1/score", &score).await.status, 401);
    assert_eq!(world.bearer("sk-nothing", "POST", "/craton/v1/score", &score).await.status, 401);
    world.clock.advance(2 * 24 * 3_600_000);
    let expired = world.bearer(&bedrock, "GET", "/foundation-models", "").await;
    assert_eq!(expired.error(), (403, "ExpiredTokenException"));
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
    assert_eq!(plain.json()["usage"]["prompt_tokens"], 6, "the prompt's own tokens alone");
    let echoed = world.bearer(&key, "POST", "/v1/completions", &body(true)).await.json();
    assert_eq!(echoed["choices"][0]["text"], format!("Say hi{text}"));
    world.stop().await;
}

#[tokio::test]
async fn an_echoed_prompt_has_the_log_probabilities_of_its_tokens() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let body = |limit: u32, stream: bool| {
        json!({"model": CLAUDE, "prompt": "Say", "max_tokens": limit, "temperature": 0, "echo": true, "logprobs": 2,
               "stream": stream})
        .to_string()
    };
    let whole = world.bearer(&key, "POST", "/v1/completions", &body(2, false)).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    let choice = whole.json()["choices"][0].clone();
    let logprobs = &choice["logprobs"];
    assert_eq!((&logprobs["token_logprobs"][0], &logprobs["top_logprobs"][0]), (&Value::Null, &Value::Null));
    let tokens = logprobs["tokens"].as_array().unwrap();
    let text: String = tokens.iter().filter_map(Value::as_str).collect();
    assert!(choice["text"] == text && text.starts_with("Say") && tokens.len() == 5, "{choice}");
    assert_eq!(logprobs["text_offset"], json!([0, 1, 2, 3, 4]));
    for at in 1..5 {
        assert!(logprobs["token_logprobs"][at].as_f64().unwrap() < 0.0);
        assert_eq!(logprobs["top_logprobs"][at].as_object().unwrap().len(), 2);
    }
    let alone = world.bearer(&key, "POST", "/v1/completions", &body(0, false)).await.json();
    assert_eq!(
        (&alone["choices"][0]["text"], &alone["choices"][0]["finish_reason"]),
        (&json!("Say"), &json!("length"))
    );
    assert_eq!(
        alone["choices"][0]["logprobs"]["token_logprobs"].as_array().unwrap()[..3],
        logprobs["token_logprobs"].as_array().unwrap()[..3]
    );
    assert_eq!(alone["usage"]["total_tokens"], 3);
    let pieces = chunks(&world.bearer(&key, "POST", "/v1/completions", &body(2, true)).await);
    let streamed: String = pieces.iter().filter_map(|chunk| chunk["choices"][0]["text"].as_str()).collect();
    assert_eq!(streamed, text);
    let tokens = json!({"model": CLAUDE, "prompt": [72, 105], "max_tokens": 0, "echo": true}).to_string();
    let tokens = world.bearer(&key, "POST", "/v1/completions", &tokens).await.json();
    assert_eq!((&tokens["choices"][0]["text"], &tokens["choices"][0]["logprobs"]), (&json!("Hi"), &Value::Null));
    let nothing = json!({"model": CLAUDE, "prompt": "Hi", "max_tokens": 0}).to_string();
    assert_eq!(world.bearer(&key, "POST", "/v1/completions", &nothing).await.status, 400);
    world.stop().await;
}

/// The chunks of a stream that ended with `[DONE]`.
fn chunks(reply: &Reply) -> Vec<Value> {
    let text = reply.text();
    let events: Vec<&str> = text.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let (last, chunks) = events.split_last().unwrap();
    assert_eq!(*last, "[DONE]", "{text}");
    chunks.iter().map(|event| serde_json::from_str(event).unwrap()).collect()
}

#[tokio::test]
async fn several_answers_have_their_index_and_seed() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let body = |n: usize, seed: u64, stream: bool| {
        let mut body: Value = serde_json::from_str(&chat(stream)).unwrap();
        body.as_object_mut().unwrap().extend([
            ("n".to_owned(), json!(n)),
            ("seed".to_owned(), json!(seed)),
            ("temperature".to_owned(), json!(2)),
        ]);
        body.to_string()
    };
    let ask = async |n, seed| world.bearer(&key, "POST", "/v1/chat/completions", &body(n, seed, false)).await.json();
    let three = ask(3, 7).await;
    let message = |answer: &Value, at: usize| answer["choices"][at]["message"]["content"].as_str().unwrap().to_owned();
    let alone = [ask(1, 7).await, ask(1, 8).await, ask(1, 9).await];
    for (index, one) in alone.iter().enumerate() {
        assert_eq!(three["choices"][index]["index"], index);
        assert_eq!(message(&three, index), message(one, 0), "the seed of choice {index}");
    }
    assert_ne!(message(&three, 0), message(&three, 1));
    let output: u64 = alone.iter().map(|one| one["usage"]["completion_tokens"].as_u64().unwrap()).sum();
    assert_eq!(three["usage"]["completion_tokens"], output);
    assert_eq!(three["usage"]["prompt_tokens"], alone[0]["usage"]["prompt_tokens"]);
    let streamed = chunks(&world.bearer(&key, "POST", "/v1/chat/completions", &body(3, 7, true)).await);
    for index in 0..3 {
        let own = streamed.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap());
        let own: Vec<&Value> = own.filter(|choice| choice["index"] == index).collect();
        let text: String = own.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
        assert_eq!(text, message(&three, index));
        assert_eq!(own.iter().filter(|choice| choice["finish_reason"].is_string()).count(), 1);
    }
    assert_eq!(counts(&streamed.last().unwrap()["usage"]), counts(&three["usage"]));
    for wrong in [0, 129] {
        assert_eq!(world.bearer(&key, "POST", "/v1/chat/completions", &body(wrong, 7, false)).await.status, 400);
    }
    world.stop().await;
}

#[tokio::test]
async fn lists_of_prompts_are_each_continued() {
    let world = World::start().await;
    let key = world.api_key("openai").await;
    let complete = async |change: Value| {
        let mut body = json!({"model": CLAUDE, "prompt": ["Say hi", "Go"], "max_tokens": 6, "temperature": 0, "n": 2});
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.bearer(&key, "POST", "/v1/completions", &body.to_string()).await
    };
    let both = complete(json!({"best_of": 2})).await;
    assert_eq!(both.status, 200, "{}", both.text());
    let both = both.json();
    let text = |answer: &Value, at: usize| answer["choices"][at]["text"].as_str().unwrap().to_owned();
    for (prompt, first) in [("Say hi", 0), ("Go", 2)] {
        let one = complete(json!({"prompt": prompt, "n": 1})).await.json();
        assert_eq!((text(&both, first), text(&both, first + 1)), (text(&one, 0), text(&one, 0)));
        assert_eq!(both["choices"][first + 1]["index"], first + 1);
    }
    assert_eq!(both["usage"]["prompt_tokens"], 8, "each prompt counts once");
    let tokens = [b"Say hi".as_slice(), b"Go"].map(|prompt| prompt.iter().map(|b| json!(b)).collect::<Vec<_>>());
    assert_eq!(complete(json!({"prompt": tokens})).await.json()["choices"], both["choices"]);
    let alone = complete(json!({"prompt": tokens[1], "n": 1})).await.json();
    assert_eq!(text(&alone, 0), text(&both, 2));
    let streamed = json!({"stream": true, "stream_options": {"include_usage": true}, "echo": true});
    let streamed = chunks(&complete(streamed).await);
    let (last, before) = streamed.split_last().unwrap();
    assert_eq!((&last["choices"], counts(&last["usage"])), (&json!([]), counts(&both["usage"])));
    assert!(before.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    for (index, prompt) in ["Say hi", "Say hi", "Go", "Go"].into_iter().enumerate() {
        let own = before.iter().map(|chunk| &chunk["choices"][0]).filter(|choice| choice["index"] == index);
        let own: String = own.map(|choice| choice["text"].as_str().unwrap()).collect();
        assert_eq!(own, format!("{prompt}{}", text(&both, index)));
    }
    let echoed = complete(json!({"prompt": tokens[1], "n": 1, "echo": true})).await.json();
    assert_eq!(text(&echoed, 0), format!("Go{}", text(&both, 2)), "tokens are echoed as the text that they spell");
    for (wrong, status) in [
        (json!({"best_of": 3}), 400),
        (json!({"prompt": []}), 400),
        (json!({"prompt": [""]}), 400),
        (json!({"prompt": [1, "a"]}), 400),
        (json!({"prompt": [100_000]}), 400),
        (json!({"prompt": [[1], [100_000]]}), 400),
        (json!({"n": 65}), 400),
    ] {
        assert_eq!(complete(wrong.clone()).await.status, status, "{wrong}");
    }
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

#[tokio::test]
async fn models_that_can_answer_are_listed_with_the_accounts_own_ids() {
    const OWN: &str = "anthropic.claude-sonnet-99-v1:0";
    let world = World::start().await;
    let key = world.api_key("openai").await;
    for (id, target) in [(OWN, "tiny"), ("later", "smollm2-135m-instruct")] {
        let path = format!("/craton/v1/aliases/{}", id.replace(':', "%3A"));
        let reply = world.signed("craton", "PUT", &path, &json!({"local": target}).to_string()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
    let listed = world.bearer(&key, "GET", "/v1/models", "").await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, [CLAUDE, TITAN_V1, "mini", "tiny", OWN], "those whose model is pulled");
    let own = world.bearer(&key, "GET", &format!("/v1/models/{OWN}"), "").await;
    assert_eq!((own.status.as_u16(), &own.json()["owned_by"]), (200, &json!("Anthropic")));
    let later = world.bearer(&key, "GET", "/v1/models/later", "").await;
    assert_eq!((later.status.as_u16(), &later.json()["error"]["code"]), (404, &json!("model_not_found")));
    assert!(later.text().contains("craton models pull smollm2-135m-instruct"), "{}", later.text());
    let streamed = chat(true).replace(CLAUDE, OWN);
    assert!(!chunks(&world.bearer(&key, "POST", "/v1/chat/completions", &streamed).await).is_empty());
    let aws = world.signed("bedrock", "GET", "/foundation-models?byProvider=Anthropic", "").await;
    assert!(aws.text().contains(OWN), "{}", aws.text());
    let one = format!("/foundation-models/{}", OWN.replace(':', "%3A"));
    assert_eq!(world.signed("bedrock", "GET", &one, "").await.json()["modelDetails"]["providerName"], "Anthropic");
    world.stop().await;
}
