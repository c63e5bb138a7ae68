//! Limits on bodies, heads, concurrency and time; each with its error in the shape of the service.

use std::io::Write as _;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLAUDE, Client, Home, Key, Reply, Server, Upstream, conversation, eventually, head};

/// A request of bytes: its head, signed for `body`, with `more` lines; then `sent`.
fn bytes(server: &Server, path: &str, more: &[String], sent: &[u8]) -> Vec<u8> {
    let added = server.signature(&Key::admin(), "bedrock", &Method::POST, path, &[], sent);
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", server.address());
    for (name, value) in added {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    for line in more {
        request.push_str(&format!("{line}\r\n"));
    }
    let mut request = format!("{request}\r\n").into_bytes();
    request.extend_from_slice(sent);
    request
}

fn invoke() -> String {
    format!("/model/{}/invoke", CLAUDE.replace(':', "%3A"))
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_in_the_shape_of_the_service() {
    let home = Home::new();
    let server = home.start_with(&["--max-body", "64KiB"]).await;
    let key = Key::admin();
    let long = "x".repeat(8 << 20);

    let reply = server.converse(&key, CLAUDE, &long).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (413, "RequestEntityTooLargeException"));
    let reply = server.iam(&key, &[("Action", "CreateUser"), ("UserName", &long)]).await;
    assert_eq!((reply.status, reply.error_code().as_str()), (413, "RequestEntityTooLarge"));
    let reply = server.craton(Method::POST, "/api-keys", json!({ "name": long })).await;
    assert_eq!(reply.status, 413);
    assert!(reply.json()["error"]["message"].is_string());
    let fits = "x".repeat(1000);
    server.converse(&key, CLAUDE, &fits).await.ok();
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let home = Home::new();
    let server = home.start_with(&["--max-body", "64KiB"]).await;
    let announced = ["content-length: 200000000".to_owned()];
    let answer = server.raw(&bytes(&server, &invoke(), &announced, b"{"));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_client_that_asks_first_need_not_send_too_long_a_body() {
    let home = Home::new();
    let server = home.start_with(&["--max-body", "64KiB"]).await;
    let asks = ["content-length: 200000000".to_owned(), "expect: 100-continue".to_owned()];
    let answer = server.raw(&bytes(&server, &invoke(), &asks, b""));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let home = Home::new();
    let server = home.start_with(&["--max-headers", "16KiB"]).await;
    let long = [format!("x-long: {}", "x".repeat(40_000)), "content-length: 0".to_owned()];
    let answer = server.raw(&bytes(&server, &invoke(), &long, b""));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(server.is_ready().await);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_go_on() {
    let home = Home::new();
    let server = home.start().await;
    let body = conversation("a question").to_string().into_bytes();
    let asks = [format!("content-length: {}", body.len()), "expect: 100-continue".to_owned()];
    let path = format!("/model/{}/converse", CLAUDE.replace(':', "%3A"));
    let mut request = bytes(&server, &path, &asks, &body);
    request.truncate(request.len() - body.len());

    let mut connection = server.connect();
    connection.write_all(&request).unwrap();
    assert!(head(&mut connection).starts_with("HTTP/1.1 100 "));
    connection.write_all(&body).unwrap();
    let answer = head(&mut connection);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused_over_http_2_too() {
    let home = Home::new();
    let server = home.start_with(&["--max-headers", "16KiB"]).await;
    let client = Client::builder(&Value::Null).http2_prior_knowledge().build().unwrap();
    let request = client.get(server.url("/v1/models")).header("x-long", "x".repeat(40_000));
    assert_eq!(request.send().await.unwrap().status().as_u16(), 431);
    client.get(server.url("/readyz")).send().await.unwrap().error_for_status().unwrap();
}

#[tokio::test]
async fn what_is_not_http_is_refused() {
    let home = Home::new();
    let server = home.start().await;
    let answer = server.raw(b"EHLO example.com\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(server.is_ready().await);
}

#[tokio::test]
async fn a_client_that_leaves_gives_its_place_back() {
    let home = Home::new();
    let server = home.start_with(&["--max-concurrent-requests", "1"]).await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "the first").await;
    assert_eq!(stream.text().await, "held ");
    drop(stream);
    eventually("the place is free again", async || {
        let reply = server.sts(&Key::admin(), "GetCallerIdentity").await;
        (reply.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let home = Home::new();
    let server = home.start_with(&["--max-concurrent-requests", "1"]).await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "the first").await;
    assert_eq!(stream.text().await, "held ");

    let key = Key::admin();
    let refused = server.converse(&key, CLAUDE, "the second").await;
    assert_eq!((refused.status, refused.error_code().as_str()), (429, "ThrottlingException"));
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
    let refused = server.sts(&key, "GetCallerIdentity").await;
    assert_eq!(refused.error_code(), "Throttling");
    assert_eq!(server.get("/healthz").await.status, 200, "probes are not counted");

    upstream.release();
    stream.rest().await.unwrap();
    eventually("the place is free again", async || {
        let reply = server.sts(&key, "GetCallerIdentity").await;
        (reply.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_request_that_takes_too_long_is_ended_with_the_services_timeout() {
    let home = Home::new();
    let server = home.start_with(&["--request-timeout", "1"]).await;
    let upstream = Upstream::silent();
    server.give_to(CLAUDE, &upstream.url).await;
    let request = server.bedrock(&Key::admin(), CLAUDE, "converse", &conversation("a question"));
    let reply = Reply::read(request.send().await.unwrap()).await.unwrap();
    assert_eq!((reply.status, reply.error_code().as_str()), (408, "ModelTimeoutException"));
    upstream.left().await;
}
