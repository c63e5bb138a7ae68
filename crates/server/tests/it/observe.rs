//! Metrics and logs.

use serde_json::Value;

use crate::harness::{CLAUDE, Home, Key};

/// The value of the metric in a line that begins so.
fn metric(text: &str, series: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(series)?.trim().parse().ok())
}

#[tokio::test]
async fn requests_are_counted_by_service_operation_and_status() {
    let home = Home::new();
    let server = home.start().await;
    let key = Key::admin();
    for _ in 0..3 {
        server.sts(&key, "GetCallerIdentity").await.ok();
    }
    let missing = [("Action", "GetUser"), ("UserName", "nobody")];
    assert_eq!(server.iam(&key, &missing).await.status, 404);

    let reply = server.get("/metrics").await.ok();
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = reply.text();
    let served = r#"craton_requests_total{service="sts",operation="GetCallerIdentity",status="200"}"#;
    assert_eq!(metric(text, served), Some(3.0), "{text}");
    let refused = r#"craton_requests_total{service="iam",operation="GetUser",status="404"}"#;
    assert_eq!(metric(text, refused), Some(1.0), "{text}");
    let timed = r#"craton_request_duration_seconds_count{service="sts",operation="GetCallerIdentity"}"#;
    assert_eq!(metric(text, timed), Some(3.0), "{text}");
    assert!(metric(text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6), "{text}");
}

#[tokio::test]
async fn what_models_do_is_counted_and_told_by_the_status() {
    let home = Home::new();
    let server = home.start().await;
    for _ in 0..2 {
        server.converse(&Key::admin(), CLAUDE, "Tell me something.").await.ok();
    }
    let reply = server.get("/metrics").await.ok();
    let of = |name: &str| metric(reply.text(), &format!(r#"craton_inference_{name}{{model="smollm2-135m-instruct"}}"#));
    for histogram in ["queue_seconds", "first_token_seconds"] {
        assert_eq!(of(&format!("{histogram}_count")), Some(2.0), "{histogram}: {}", reply.text());
    }
    assert!(of("cached_tokens_total").is_some_and(|count| count > 0.0), "{}", reply.text());
    let status = home.craton(&["status"]).ok();
    for title in ["PROFILE", "PER STEP", "FROM CACHE", "FIRST TOKEN P50", "answers of the last 5 minutes"] {
        assert!(status.contains(title), "{status}");
    }
    let requests = home.craton(&["requests", "--limit", "5"]).ok();
    assert!(requests.contains("smollm2-135m-instruct") && requests.contains("FIRST TOKEN"), "{requests}");
}

#[tokio::test]
async fn every_log_line_is_json_where_that_is_asked_for() {
    let home = Home::new();
    let server = home.start_with(&["--log-format", "json"]).await;
    let reply = server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
    let log = server.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    let id = reply.header("x-amzn-requestid");
    let served = lines.iter().find(|line| line["span"]["request_id"] == id).unwrap_or_else(|| panic!("no {id}: {log}"));
    assert_eq!(served["message"], "request served");
    assert_eq!((served["status"].as_u64(), served["span"]["service"].as_str()), (Some(200), Some("sts")));
    assert_eq!(served["span"]["operation"], "GetCallerIdentity");
    assert!(served["duration_ms"].is_u64() && served["timestamp"].is_string() && served["level"] == "INFO");
}

#[tokio::test]
async fn the_latest_requests_are_the_accounts_own() {
    let home = Home::new();
    let server = home.start().await;
    let reply = server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
    let listed = server.craton(http::Method::GET, "/requests?limit=10", Value::Null).await.ok().json();
    let item = &listed["items"][0];
    assert_eq!(item["requestId"], reply.header("x-amzn-requestid"));
    assert_eq!((item["service"].as_str(), item["status"].as_u64()), (Some("sts"), Some(200)));
}
