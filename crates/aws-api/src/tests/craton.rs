use super::*;

const SESSION: &str = "/craton/v1/console/session";

impl World {
    async fn sign_in(&self, secret: &str) -> Reply {
        let body = json!({"accessKeyId": self.admin.access_key_id, "secretAccessKey": secret}).to_string();
        self.browser("POST", SESSION, &[], &body).await
    }

    async fn browser(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let form = body.starts_with("Action=");
        let media = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut builder = Request::builder().method(method).uri(path).header("content-type", media);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        self.send(builder.body(Full::new(Bytes::from(body.to_owned()))).unwrap()).await
    }
}

#[tokio::test]
async fn a_browser_signs_in_works_and_signs_out() {
    let world = World::start().await;
    let reply = world.sign_in(world.admin.secret.reveal()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let set = reply.header("set-cookie").to_owned();
    assert!(
        set.contains("HttpOnly")
            && set.contains("SameSite=Strict")
            && set.contains("Path=/")
            && !set.contains("Secure")
    );
    let cookie = set.split(';').next().unwrap().to_owned();
    let csrf = reply.json()["csrfToken"].as_str().unwrap().to_owned();
    let with_csrf =
        [("cookie", cookie.as_str()), ("x-craton-csrf", csrf.as_str()), ("x-craton-service", "bedrock-runtime")];
    let without_csrf = [("cookie", cookie.as_str()), ("x-craton-service", "bedrock-runtime")];

    let who = world.browser("GET", SESSION, &without_csrf, "").await;
    assert_eq!(who.json()["csrfToken"], csrf);
    assert_eq!(
        world.browser("GET", "/craton/v1/status", &without_csrf, "").await.json()["account"],
        world.admin.account.as_str()
    );

    let converse =
        r#"{"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 4}}"#;
    let path = format!("/model/{}/converse", CLAUDE.replace(':', "%3A"));
    let reply = world.browser("POST", &path, &with_csrf, converse).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(world.browser("POST", &path, &without_csrf, converse).await.error(), (403, "AccessDeniedException"));
    assert_eq!(world.browser("DELETE", SESSION, &without_csrf, "").await.status, 403);
    let iam = [("cookie", cookie.as_str()), ("x-craton-csrf", csrf.as_str()), ("x-craton-service", "iam")];
    let users = world.browser("POST", "/", &iam, "Action=ListUsers&Version=2010-05-08").await;
    assert!(users.text().contains("<UserName>admin</UserName>"), "{}", users.text());
    // A Query request changes things by its `Action`, whatever its method.
    let iam = [("cookie", cookie.as_str()), ("x-craton-service", "iam")];
    let make = "/?Action=CreateUser&Version=2010-05-08&UserName=mallory";
    assert_eq!(world.browser("GET", make, &iam, "").await.status, 403);

    let gone = world.browser("DELETE", SESSION, &with_csrf, "").await;
    assert_eq!(gone.status, 204);
    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(world.browser("GET", "/craton/v1/status", &without_csrf, "").await.status, 401);
    world.stop().await;
}

#[tokio::test]
async fn wrong_secrets_are_refused_and_then_slowed() {
    let world = World::without_models().await;
    for _ in 0..5 {
        assert_eq!(world.sign_in("wrong").await.status, 401);
    }
    let limited = world.sign_in(world.admin.secret.reveal()).await;
    assert_eq!((limited.status.as_u16(), &limited.json()["error"]["code"]), (429, &json!("Throttled")));
    let form = Request::builder().method("POST").uri(SESSION).header("content-type", "text/plain");
    let reply = world.send(form.body(Full::new(Bytes::from_static(b"{}"))).unwrap()).await;
    assert_eq!(reply.status, 400, "a form of another site cannot sign in");
    world.stop().await;
}

#[tokio::test]
async fn cards_aliases_and_jobs_are_told() {
    let world = World::start().await;
    let get = |path: &'static str| world.signed("craton", "GET", path, "");
    let card = get("/craton/v1/models/tiny").await.json();
    assert_eq!((&card["state"], &card["kind"]), (&json!("ready"), &json!("text")));
    assert!(card["servesAwsIds"].as_array().unwrap().contains(&json!(CLAUDE)));
    let aliases = get("/craton/v1/aliases").await.json();
    let alias = aliases["items"].as_array().unwrap().iter().find(|alias| alias["modelId"] == CLAUDE).unwrap().clone();
    assert_eq!((&alias["local"], &alias["builtIn"]), (&json!("tiny"), &json!(false)));
    let jobs = get("/craton/v1/jobs").await.json();
    assert!(jobs["items"].as_array().unwrap().iter().all(|job| job["state"] == "succeeded"));
    assert_eq!(get("/craton/v1/jobs/00000000-0000-4000-8000-000000000000").await.status, 404);
    assert_eq!(get("/craton/v1/jobs/nonsense/events").await.status, 400);
    let status = get("/craton/v1/status").await.json();
    assert!(status["memory"]["budgetBytes"].as_u64().unwrap() > 0);
    assert_eq!(world.signed("craton", "DELETE", "/craton/v1/models/mini", "").await.status, 204);
    assert_eq!(get("/craton/v1/models/mini").await.status, 404);
    assert_eq!(get("/craton/v1/nothing").await.status, 404);
    assert_eq!(world.signed("craton", "PATCH", "/craton/v1/status", "").await.status, 400);
    world.stop().await;
}

#[tokio::test]
async fn an_upstreams_key_is_never_told() {
    let world = World::start().await;
    let body =
        json!({"upstream": {"baseUrl": "http://127.0.0.1:9/v1", "model": "m", "apiKey": "sk-secret"}}).to_string();
    let put = world.signed("craton", "PUT", "/craton/v1/aliases/amazon.nova-micro-v1%3A0", &body).await;
    assert_eq!(put.json()["upstream"]["hasApiKey"], true, "{}", put.text());
    let list = world.signed("craton", "GET", "/craton/v1/aliases", "").await.text();
    assert!(!put.text().contains("sk-secret") && !list.contains("sk-secret"));
    assert_eq!(world.signed("craton", "DELETE", "/craton/v1/aliases/amazon.nova-micro-v1%3A0", "").await.status, 204);
    assert_eq!(world.signed("craton", "PUT", "/craton/v1/aliases/x", "{}").await.status, 400);
    world.stop().await;
}

#[tokio::test]
async fn what_the_console_only_looks_at_is_not_among_the_latest_requests() {
    let world = World::without_models().await;
    let reply = world.sign_in(world.admin.secret.reveal()).await;
    let cookie = reply.header("set-cookie").split(';').next().unwrap().to_owned();
    let csrf = reply.json()["csrfToken"].as_str().unwrap().to_owned();
    let browser = [("cookie", cookie.as_str()), ("x-craton-csrf", csrf.as_str())];
    for path in ["/craton/v1/status", "/craton/v1/jobs/none", "/craton/v1/nothing"] {
        world.browser("GET", path, &browser, "").await;
    }
    world.browser("POST", "/craton/v1/models/none/unload", &browser, "").await;
    world.signed("craton", "GET", "/craton/v1/status", "").await;
    let items = world.browser("GET", "/craton/v1/requests", &browser, "").await.json()["items"].clone();
    let operations: Vec<&str> =
        items.as_array().unwrap().iter().map(|item| item["operation"].as_str().unwrap()).collect();
    assert_eq!(operations, ["GetStatus", "UnloadModel"]);
    world.stop().await;
}

#[tokio::test]
async fn the_latest_requests_are_kept() {
    let world = World::start().await;
    world.invoke(CLAUDE, &messages_body(4).to_string()).await;
    world.invoke("acme.nothing-v1", "{}").await;
    let items = world.signed("craton", "GET", "/craton/v1/requests?limit=2", "").await.json()["items"].clone();
    assert_eq!(items[0]["errorCode"], "ValidationException");
    assert_eq!(
        (&items[1]["service"], &items[1]["operation"], &items[1]["status"], &items[1]["servedBy"]),
        (&json!("bedrock-runtime"), &json!("InvokeModel"), &json!(200), &json!("tiny"))
    );
    assert_eq!(world.signed("craton", "GET", "/craton/v1/requests?limit=0", "").await.status, 400);
    world.stop().await;
}

#[tokio::test]
async fn continuations_are_scored_over_the_wire() {
    let world = World::start().await;
    let ask = async |body: Value| world.signed("craton", "POST", "/craton/v1/score", &body.to_string()).await;
    let body = json!({"model": CLAUDE, "prompt": "Yes or no?", "continuations": [" yes", " no"]});
    let reply = ask(body.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.header("x-craton-served-by"), "tiny; substituted=true");
    let answer = reply.json();
    let number = |at: usize, member: &str| answer["scores"][at][member].as_f64().unwrap();
    assert!((number(0, "probability") + number(1, "probability") - 1.0).abs() < 1e-9);
    let better = usize::from(number(1, "logProbability") > number(0, "logProbability"));
    assert_eq!((&answer["best"], &answer["scores"][1]["text"]), (&json!(better), &json!(" no")));
    let tokens = answer["scores"][0]["tokenLogProbabilities"].as_array().unwrap();
    assert_eq!((tokens.len(), &answer["scores"][0]["tokens"]), (4, &json!([" ", "y", "e", "s"])));
    assert!((tokens.iter().filter_map(Value::as_f64).sum::<f64>() - number(0, "logProbability")).abs() < 1e-4);
    assert_eq!((&answer["usage"]["inputTokens"], &answer["usage"]["outputTokens"]), (&json!(10), &json!(7)));
    let chat = json!({"model": CLAUDE, "system": "Judge.", "messages": [{"role": "user", "content": "Good?"}],
                      "continuations": ["yes", "no"], "normalize": "tokens", "deterministic": true});
    let answer = ask(chat).await.json();
    let mean = answer["scores"][1]["logProbability"].as_f64().unwrap() / 2.0;
    assert!((answer["scores"][1]["normalizedLogProbability"].as_f64().unwrap() - mean).abs() < 1e-9, "{answer}");
    // What the model would write is far likelier than the first token of anything else.
    let write = json!({"model": CLAUDE, "prompt": "Yes or no?", "max_tokens": 6, "temperature": 0}).to_string();
    let key = world.api_key("openai").await;
    let written = world.bearer(&key, "POST", "/v1/completions", &write).await.json();
    let written = written["choices"][0]["text"].as_str().unwrap();
    let other = written.chars().rev().collect::<String>();
    let all = json!({"model": CLAUDE, "prompt": "Yes or no?", "continuations": ["~ yes", written, "~ no", other]});
    let (mut best, all) = (all.clone(), ask(all).await.json());
    best["bestOnly"] = json!(true);
    let best = ask(best).await.json();
    let at = all["best"].as_u64().unwrap() as usize;
    assert_eq!((&best["best"], &best["scores"][at]["atMost"]), (&all["best"], &json!(false)), "{best}");
    assert_eq!(best["scores"][at]["tokenLogProbabilities"], all["scores"][at]["tokenLogProbabilities"]);
    assert_eq!((at, &best["scores"][0]["atMost"]), (1, &json!(true)), "{best}");
    assert!(best["scores"][1].get("probability").is_none(), "{best}");
    assert!(best["usage"]["outputTokens"].as_u64() < all["usage"]["outputTokens"].as_u64());
    let choice =
        json!({"model": CLAUDE, "prompt": "Yes or no?", "continuations": [" yes", " no"], "normalize": "choices"});
    let answer = ask(choice).await.json();
    let number = |at: usize, member: &str| answer["scores"][at][member].as_f64().unwrap();
    assert!((number(0, "probability") + number(1, "probability") - 1.0).abs() < 1e-9, "{answer}");
    assert!((number(1, "normalizedLogProbability").exp() - number(1, "probability")).abs() < 1e-9, "{answer}");
    // The blank is certain, and what is behind the first letters tells nothing.
    assert_eq!((&answer["scores"][0]["tokens"], &answer["usage"]["outputTokens"]), (&json!([" ", "y"]), &json!(4)));
    assert_eq!(answer["scores"][0]["atMost"], json!(true));
    assert_eq!(answer["best"], json!(usize::from(number(1, "probability") > number(0, "probability"))));
    for (member, value) in [
        ("bestOnly", json!("yes")),
        ("continuations", json!([])),
        ("continuations", json!([""])),
        ("continuations", Value::Null),
        ("normalize", json!("words")),
        ("messages", json!([{"role": "user", "content": "x"}])),
        ("system", json!("x")),
        ("odd", json!(1)),
    ] {
        let mut wrong = body.clone();
        wrong[member] = value;
        let reply = ask(wrong).await;
        assert_eq!(reply.status, 400, "{member}: {}", reply.text());
    }
    world.stop().await;
}

/// A quota of one request a minute for the account, of which the one is used.
async fn exhausted(world: &World) {
    let path = format!("/craton/v1/quotas/{}", world.admin.account.as_str());
    let put = world.signed("craton", "PUT", &path, r#"{"requestsPerMinute": 1}"#).await;
    assert_eq!((put.status.as_u16(), &put.json()["requestsPerMinute"]), (200, &json!(1)), "{}", put.text());
    assert_eq!(world.invoke(CLAUDE, &messages_body(2).to_string()).await.status, 200);
}

#[tokio::test]
async fn a_throttled_request_is_told_when_to_come_again_in_every_dialect() {
    let world = World::start().await;
    exhausted(&world).await;
    let hi = r#"{"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}"#;
    let converse = |operation: &str| format!("/model/{}/{operation}", CLAUDE.replace(':', "%3A"));
    let chat = json!({"model": CLAUDE, "messages": [{"role": "user", "content": "Hi"}]}).to_string();
    let score = json!({"model": CLAUDE, "prompt": "Hi", "continuations": ["you"]}).to_string();
    let whole = messages_body(2).to_string();
    let asked = [
        ("bedrock", converse("invoke"), whole.as_str()),
        ("bedrock", converse("invoke-with-response-stream"), whole.as_str()),
        ("bedrock", converse("converse"), hi),
        ("bedrock", converse("converse-stream"), hi),
        ("craton", "/v1/chat/completions".to_owned(), chat.as_str()),
        ("craton", "/craton/v1/score".to_owned(), score.as_str()),
    ];
    for (service, path, body) in asked {
        let reply = world.signed(service, "POST", &path, body).await;
        assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "60"), "{path}: {}", reply.text());
        assert!(reply.text().contains("Too many requests, please wait before trying again."), "{}", reply.text());
        if service == "bedrock" {
            assert_eq!(reply.header("x-amzn-errortype"), "ThrottlingException", "{path}");
        }
    }
    world.clock.advance(60_000);
    let again = world.invoke(CLAUDE, &whole).await;
    assert_eq!((again.status.as_u16(), again.header("retry-after")), (200, ""));
    world.stop().await;
}

#[tokio::test]
async fn quotas_are_set_told_and_reset_and_the_changes_are_in_the_trail() {
    let world = World::start().await;
    exhausted(&world).await;
    let account = world.admin.account.as_str();
    let of_model = format!("/craton/v1/quotas/{account}/{}", CLAUDE.replace(':', "%3A"));
    let put = world.signed("craton", "PUT", &of_model, r#"{"tokensPerMinute": 5000, "running": 3}"#).await;
    assert_eq!(put.json()["modelId"], CLAUDE, "{}", put.text());
    let told = world.signed("craton", "GET", "/craton/v1/quotas", "").await.json();
    assert_eq!(told["default"], json!({"requestsPerMinute": null, "tokensPerMinute": null, "running": null}));
    assert_eq!(told["items"].as_array().unwrap().len(), 2, "{told}");
    for wrong in [r#"{"requestsPerMinute": 0}"#, r#"{"words": 3}"#] {
        assert_eq!(world.signed("craton", "PUT", &of_model, wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(world.signed("craton", "PUT", "/craton/v1/quotas/999999999999", "{}").await.status, 404);
    assert_eq!(world.signed("craton", "PUT", "/craton/v1/quotas/x", "{}").await.status, 400);
    for path in [of_model.clone(), format!("/craton/v1/quotas/{account}")] {
        assert_eq!(world.signed("craton", "DELETE", &path, "").await.status, 204);
        assert_eq!(world.signed("craton", "DELETE", &path, "").await.status, 404);
    }
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents"),
    ];
    let asked = r#"{"LookupAttributes": [{"AttributeKey": "EventName", "AttributeValue": "PutQuota"}]}"#;
    let request = world.sign(&credentials(&world.admin), "cloudtrail", "POST", "/", asked, &headers);
    let trail = world.send(request).await;
    assert!(trail.json()["Events"].as_array().is_some_and(|events| events.len() >= 2), "{}", trail.text());
    world.stop().await;
}

#[tokio::test]
async fn the_latest_requests_tell_what_models_read_wrote_and_waited_for() {
    let world = World::start().await;
    let body = messages_body(4).to_string();
    world.invoke(CLAUDE, &body).await;
    world
        .signed("bedrock", "POST", &format!("/model/{}/invoke-with-response-stream", CLAUDE.replace(':', "%3A")), &body)
        .await;
    world.signed("craton", "GET", "/craton/v1/status", "").await;
    let items = world.signed("craton", "GET", "/craton/v1/requests?limit=3", "").await.json()["items"].clone();
    assert!(items[0]["promptTokens"].is_null() && items[0]["stopReason"].is_null(), "{items}");
    for answered in [&items[1], &items[2]] {
        let tokens = answered["promptTokens"].as_u64().unwrap();
        assert!(tokens > 0 && answered["cachedTokens"].as_u64().unwrap() < tokens, "{answered}");
        assert_eq!((&answered["outputTokens"], &answered["stopReason"]), (&json!(4), &json!("max_tokens")));
        assert!(answered["queuedMs"].as_u64().unwrap() <= answered["firstTokenMs"].as_u64().unwrap(), "{answered}");
        assert!(answered["replica"].is_null(), "one engine alone has no number");
    }
    assert!(items[1]["cachedTokens"].as_u64().unwrap() > 0, "the same prompt was read before: {items}");
    let status = world.signed("craton", "GET", "/craton/v1/status", "").await.json();
    let recent = &status["loaded"][0]["recent"];
    assert_eq!((&recent["answers"], &recent["windowSeconds"]), (&json!(2), &json!(300)), "{status}");
    assert!(recent["firstTokenMs"]["p50"].as_f64().unwrap() <= recent["firstTokenMs"]["p95"].as_f64().unwrap());
    world.stop().await;
}

#[tokio::test]
async fn the_status_tells_how_models_are_loaded() {
    let world = World::start_with(FakeLoader::default(), |config| {
        config.load.parallel = 6;
        config.load.cache_type = inference::CacheType::Q8_0;
    })
    .await;
    world.invoke(CLAUDE, &messages_body(2).to_string()).await;
    let status = world.signed("craton", "GET", "/craton/v1/status", "").await.json();
    for told in [&status["loading"], &status["loaded"][0]["loadedWith"]] {
        assert_eq!((&told["parallel"], &told["cacheType"]), (&json!(6), &json!("q8_0")), "{status}");
        assert_eq!((&told["batching"], &told["replicas"]), (&json!("continuous"), &json!(1)), "{status}");
    }
    world.stop().await;
}
