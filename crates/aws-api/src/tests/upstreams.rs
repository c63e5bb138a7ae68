//! Models of other servers: pools that all accounts use, and what such a model is and is not asked for.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::bedrock::path;
use super::*;

/// Says "Hi" and that four of its five prompt tokens came from its cache. The URL.
async fn upstream() -> String {
    let chunk = json!({"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]});
    let details = json!({"cached_tokens": 4});
    let usage =
        json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": details}});
    let body = format!("data: {chunk}\n\ndata: {usage}\n\ndata: [DONE]\n\n");
    let head = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let answer = format!("{head}{body}");
            tokio::spawn(async move {
                let (mut read, mut buffer) = (Vec::new(), [0; 4096]);
                while !read.windows(4).any(|w| w == b"\r\n\r\n") {
                    let count = socket.read(&mut buffer).await.unwrap();
                    read.extend_from_slice(&buffer[..count]);
                }
                socket.write_all(answer.as_bytes()).await.unwrap();
                // Until the client has read it and gone.
                while socket.read(&mut buffer).await.is_ok_and(|count| count > 0) {}
            });
        }
    });
    url
}

/// The administrator of another account.
async fn other(world: &World) -> sigv4::Credentials {
    let made = world.signed("craton", "POST", "/craton/v1/accounts", r#"{"accountId": "999988887777"}"#).await.json();
    sigv4::Credentials {
        access_key_id: made["accessKeyId"].as_str().unwrap().to_owned(),
        secret_access_key: secret(made["secretAccessKey"].as_str().unwrap()),
        session_token: None,
    }
}

#[tokio::test]
async fn every_account_routes_to_the_pools_of_the_first_one_and_none_but_it_sets_them() {
    let (world, url) = (World::start().await, upstream().await);
    let other = other(&world).await;
    let theirs = async |method: &str, path: &str, body: &Value| {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let headers = [("content-type", "application/json")];
        let service = if path.starts_with("/craton") { "craton" } else { "bedrock" };
        world.send(world.sign(&other, service, method, path, &body, &headers)).await
    };
    let pool = json!({"members": [{"baseUrl": "http://127.0.0.1:1/v1", "model": "m"}, {"baseUrl": url, "model": "m"}]});
    let set = world.signed("craton", "PUT", "/craton/v1/pools/chat", &pool.to_string()).await;
    assert_eq!((set.status.as_u16(), &set.json()["managed"]), (200, &json!(true)), "{}", set.text());
    for (method, body) in [("PUT", &pool), ("DELETE", &Value::Null)] {
        let refused = theirs(method, "/craton/v1/pools/chat", body).await;
        assert_eq!(refused.status, 403, "{method}: {}", refused.text());
        assert!(refused.text().contains("first account"), "{}", refused.text());
    }
    let profile = format!("us.{CLAUDE}");
    let routing = json!({"targets": [{"region": "hall", "target": "pool:chat"}]});
    let route = format!("/craton/v1/inference-profiles/{}/routing", profile.replace(':', "%3A"));
    let routed = theirs("PUT", &route, &routing).await;
    assert_eq!(routed.status, 200, "{}", routed.text());
    let ask = json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]});
    let answer = theirs("POST", &path(&profile, "converse"), &ask).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("x-craton-served-by").contains("pool=chat"), "{}", answer.header("x-craton-served-by"));
    let told = theirs("GET", route.trim_end_matches("/routing"), &Value::Null).await.json();
    let target = &told["routing"]["targets"][0];
    assert_eq!((&target["region"], &target["state"]["answers"]), (&json!("hall"), &json!("pool:chat")), "{told}");
    let readiness = target["state"]["readiness"].as_str().unwrap();
    assert!(["ready", "degraded"].contains(&readiness), "one member has just answered: {told}");
    let own = world.signed("bedrock", "POST", &path(&profile, "converse"), &ask.to_string()).await;
    assert!(own.header("x-craton-served-by").starts_with("tiny"), "one account's routing is no other's");
    let seen = theirs("GET", "/craton/v1/pools/chat", &Value::Null).await.json();
    assert_eq!((&seen["managed"], &seen["queued"]), (&json!(false), &Value::Null));
    for member in seen["members"].as_array().unwrap() {
        for hidden in ["inFlight", "requests", "failures", "firstTokenMillis", "lastError"] {
            assert_eq!(member[hidden], Value::Null, "{hidden}");
        }
    }
    let seen = world.signed("craton", "GET", "/craton/v1/pools", "").await.json();
    let asked =
        seen["items"][0]["members"].as_array().unwrap().iter().map(|member| member["requests"].as_u64().unwrap());
    assert!(asked.sum::<u64>() >= 1, "{seen}");
    world.stop().await;
}

#[tokio::test]
async fn a_remote_model_tells_its_cache_and_refuses_what_it_cannot_promise() {
    let (world, url) = (World::start().await, upstream().await);
    let alias = json!({"upstream": {"baseUrl": url, "model": "m"}}).to_string();
    assert_eq!(world.signed("craton", "PUT", "/craton/v1/aliases/my.model", &alias).await.status, 200);
    let converse = async |more: Value| {
        let point = json!({"cachePoint": {"type": "default"}});
        let mut body = json!({"messages": [{"role": "user", "content": [{"text": "Judge by these rules."}, point, {"text": "Hi"}]}]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        world.signed("bedrock", "POST", &path("my.model", "converse"), &body.to_string()).await
    };
    let answer = converse(json!({"additionalModelRequestFields": {"priority": "high"}})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let usage = &answer.json()["usage"];
    assert_eq!((&usage["cacheReadInputTokens"], &usage["inputTokens"]), (&json!(4), &json!(1)), "{usage}");
    let refused = converse(json!({"additionalModelRequestFields": {"deterministic": true}})).await;
    assert_eq!(refused.error(), (400, "ValidationException"));
    assert!(refused.text().contains("`deterministic`"), "{}", refused.text());
    world.stop().await;
}

#[tokio::test]
async fn a_model_that_cannot_be_read_is_a_target_that_is_down_and_no_error_of_all_profiles() {
    let world = World::start().await;
    let (profiles, profile) = ("/craton/v1/inference-profiles", format!("us.{CLAUDE}").replace(':', "%3A"));
    let route = format!("{profiles}/{profile}/routing");
    let routing = json!({"targets": [{"region": "hall", "target": "tiny"}]}).to_string();
    let routed = world.signed("craton", "PUT", &route, &routing).await;
    assert_eq!(routed.status, 200, "{}", routed.text());
    assert_eq!(routed.json()["routing"]["targets"][0]["state"]["readiness"], "ready", "{}", routed.text());
    std::fs::write(world.dir.path().join("models/manifests/tiny.json"), "{").unwrap();
    let listed = world.signed("craton", "GET", profiles, "").await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    let told = world.signed("craton", "GET", route.trim_end_matches("/routing"), "").await.json();
    let state = &told["routing"]["targets"][0]["state"];
    assert_eq!(state["readiness"], "down", "{told}");
    assert!(state["detail"].as_str().unwrap().contains("tiny.json"), "{told}");
    world.stop().await;
}
