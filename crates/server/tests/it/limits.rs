//! Limits on bodies, heads, concurrency and time; each with its error in the shape of the service.

use std::io::Write as _;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{CLAUDE, Client, EventStream, Home, Key, Reply, Server, Upstream, conversation, eventually, head};

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
async fn a_client_that_asks_first_and_is_refused_is_told_that_the_connection_ends() {
    let home = Home::new();
    let server = home.start_with(&["--max-body", "64KiB"]).await;
    let asks = ["content-length: 200000000".to_owned(), "expect: 100-continue".to_owned()];
    let request = String::from_utf8(bytes(&server, &invoke(), &asks, b"")).unwrap();
    let answer = server.raw(request.replace("connection: close\r\n", "").as_bytes()).to_lowercase();
    assert!(answer.starts_with("http/1.1 413 "), "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn a_head_over_the_limit_is_refused() {
    let home = Home::new();
    let server = home.start_with(&["--max-headers", "16KiB"]).await;
    let long = [format!("x-long: {}", "x".repeat(40_000)), "content-length: 0".to_owned()];
    let answer = server.raw(&bytes(&server, &invoke(), &long, b""));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    assert!(answer.contains("x-amzn-errortype: ValidationException"), "{answer}");
    assert!(answer.contains("x-amzn-requestid: "), "{answer}");
    assert!(server.is_ready().await);
}

#[tokio::test]
async fn a_head_far_over_the_limit_is_refused_before_it_is_whole() {
    let home = Home::new();
    let server = home.start_with(&["--max-headers", "16KiB"]).await;
    let endless = format!("GET /v1/models HTTP/1.1\r\nx-long: {}", "x".repeat(200_000));
    let answer = server.raw(endless.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
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
    let refused = Reply::read(request.send().await.unwrap()).await.unwrap();
    assert_eq!(refused.status, 431);
    assert_eq!(refused.json()["error"]["message"], "The request's head is longer than 16384 bytes.");
    assert_eq!(refused.header("x-amzn-requestid").len(), 36);
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

#[tokio::test]
async fn a_stream_that_takes_too_long_ends_with_the_services_exception() {
    let home = Home::new();
    let server = home.start_with(&["--request-timeout", "1", "--log-format", "json"]).await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "a question").await;
    assert_eq!(stream.text().await, "held ");
    let last = stream.rest().await.unwrap().pop().unwrap();
    assert_eq!(last.kind, "modelStreamErrorException", "Converse's streams have no timeout");
    assert!(last.payload["message"].as_str().unwrap().starts_with("The model took longer than the request may."));
    upstream.left().await;

    let body = json!({
        "anthropic_version": "bedrock-2023-05-31", "max_tokens": 200,
        "messages": [{ "role": "user", "content": "a question" }],
    });
    let request = server.bedrock(&Key::admin(), CLAUDE, "invoke-with-response-stream", &body);
    let events = EventStream::new(request.send().await.unwrap()).rest().await.unwrap();
    assert_eq!(events.last().unwrap().kind, "modelTimeoutException");

    let body = json!({ "model": CLAUDE, "stream": true, "messages": [{ "role": "user", "content": "a question" }] });
    let path = "/v1/chat/completions";
    let request = server.signed(&Key::admin(), "craton", Method::POST, path, "application/json", body.to_string());
    let text = request.send().await.unwrap().text().await.unwrap();
    let last = text.split_terminator("\n\n").last().unwrap();
    assert!(last.starts_with(r#"data: {"error":{"#) && last.contains("longer than the request may"), "{text}");

    told_of_broken_streams(&server).await;
}

/// The log, the metrics and the list of requests tell that three streams broke off.
async fn told_of_broken_streams(server: &Server) {
    let listed = server.craton(Method::GET, "/requests", Value::Null).await.ok().json();
    let broken: Vec<&Value> =
        listed["items"].as_array().unwrap().iter().filter(|item| !item["errorCode"].is_null()).collect();
    let codes: Vec<&str> = broken.iter().map(|item| item["errorCode"].as_str().unwrap()).collect();
    assert_eq!(codes, ["Timeout", "ModelTimeoutException", "ModelTimeoutException"], "{listed}");
    let metrics = server.get("/metrics").await;
    for (service, operation, error) in [
        ("bedrock-runtime", "ConverseStream", "ModelTimeoutException"),
        ("bedrock-runtime", "InvokeModelWithResponseStream", "ModelTimeoutException"),
        ("openai", "CreateChatCompletion", "Timeout"),
    ] {
        let labels = format!(r#"{{service="{service}",operation="{operation}",error="{error}"}} 1"#);
        assert!(
            metrics.text().contains(&format!("craton_request_errors_total{labels}")),
            "{labels}\n{}",
            metrics.text()
        );
    }
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for item in broken {
        let of_request = |line: &&Value| line["span"]["request_id"] == item["requestId"];
        let told: Vec<&str> = lines.iter().filter(of_request).filter_map(|line| line["message"].as_str()).collect();
        assert_eq!(told, ["an answer broke off", "request served"], "{log}");
        let served = lines.iter().rfind(of_request).unwrap();
        assert_eq!(served["error_code"], item["errorCode"]);
    }
}

#[test]
fn the_program_renders_a_chat_template_apart_and_ends_one_that_explodes() {
    let answers = |source: &str| {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_craton"))
            .arg("render-templates")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let requests = [
            serde_json::json!({"Source": source}),
            serde_json::json!({"Render": {"variables": {"name": "Ann"}, "now": 0}}),
        ];
        for request in requests {
            std::io::Write::write_all(child.stdin.as_mut().unwrap(), format!("{request}\n").as_bytes()).unwrap();
        }
        let output = child.wait_with_output().unwrap();
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(answers("Hi {{ name }}"), (true, "\"Ready\"\n{\"Text\":\"Hi Ann\"}\n".to_owned()));
    let doubles =
        "{% set ns = namespace(x='doubles ') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}";
    assert_eq!(answers(doubles), (false, "\"Ready\"\n".to_owned()));
}

#[test]
fn the_program_reads_files_apart() {
    let program = env!("CARGO_BIN_EXE_craton").into();
    media::apart::isolate(media::apart::Program { path: program, arguments: vec!["read-files".into()] });
    let page = b"<html><h1>Returns</h1><p>Within an hour.";
    let extracted = media::extract("returns.html", None, page, &media::Limits::default()).unwrap();
    assert_eq!(extracted.text, "Returns\n\nWithin an hour.");
}
