//! Starting and stopping.

use http::Method;
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, CLAUDE, Home, Hub, Key, Upstream};

#[tokio::test]
async fn the_endpoint_file_is_there_while_the_server_runs() {
    let home = Home::new();
    let server = home.start().await;
    assert_eq!(server.get("/readyz").await.status, 200);
    assert_eq!(server.get("/healthz").await.status, 200);
    let endpoint = home.endpoint().unwrap();
    assert_eq!((endpoint["accountId"].as_str(), endpoint["region"].as_str()), (Some(ACCOUNT), Some("us-east-1")));
    assert!(server.stop().await.success());
    assert!(home.endpoint().is_none());
}

#[tokio::test]
async fn given_root_credentials_are_the_administrators() {
    let home = Home::new();
    let server = home.start().await;
    let caller = server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
    assert_eq!(caller.tag("Account"), ACCOUNT);
    assert_eq!(caller.tag("Arn"), format!("arn:aws:iam::{ACCOUNT}:user/admin"));
    assert_eq!(home.kept(ACCOUNT).id, Key::admin().id);
}

#[tokio::test]
async fn the_made_account_and_key_outlive_a_restart() {
    let home = Home::new();
    let up = || home.command(&["up", "--engine", "fake", "--listen", "127.0.0.1:0"]);
    let server = home.launch(up()).await;
    let account = home.endpoint().unwrap()["accountId"].as_str().unwrap().to_owned();
    let key = home.kept(&account);
    assert_eq!(server.sts(&key, "GetCallerIdentity").await.ok().tag("Account"), account);
    assert!(server.stop().await.success());

    let server = home.launch(up()).await;
    assert_eq!(home.endpoint().unwrap()["accountId"], account.as_str());
    assert_eq!(home.kept(&account).secret, key.secret);
    assert_eq!(server.sts(&key, "GetCallerIdentity").await.ok().tag("Account"), account);
}

#[tokio::test]
async fn a_stop_lets_a_running_stream_finish_and_takes_no_more() {
    let home = Home::new();
    let mut server = home.start().await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "a question").await;
    assert_eq!(stream.text().await, "held ");

    server.running.terminate();
    server.stops().await;
    assert_eq!(server.get("/healthz").await.status, 200);
    assert_eq!(server.get("/readyz").await.header("connection"), "close");
    assert!(server.get("/metrics").await.text().contains("craton_requests_total"));
    let key = Key::admin();
    let refused = server.converse(&key, CLAUDE, "too late").await;
    assert_eq!((refused.status, refused.error_code().as_str()), (503, "ServiceUnavailableException"));
    assert!(refused.text().contains("The server is stopping."), "{refused:?}");
    assert_eq!(refused.header("retry-after"), "1");
    let refused = server.sts(&key, "GetCallerIdentity").await;
    assert_eq!((refused.status, refused.error_code().as_str()), (503, "ServiceUnavailable"));
    let refused = server.craton(Method::GET, "/status", Value::Null).await;
    assert_eq!((refused.status, refused.error_code().as_str()), (503, "Unavailable"));

    upstream.release();
    assert_eq!(stream.text().await, "released");
    let rest = stream.rest().await.unwrap();
    assert_eq!(rest.last().unwrap().kind, "metadata");
    assert!(server.running.wait().await.success());
    assert!(server.is_closed() && home.endpoint().is_none());
}

#[tokio::test]
async fn whoever_watches_a_job_does_not_hold_up_the_end() {
    let home = Home::new();
    let hub = Hub::new(1 << 20);
    let mut up = home.up(&[]);
    up.env("HF_ENDPOINT", &hub.url);
    let mut server = home.launch(up).await;
    let source = json!({ "source": Hub::SOURCE });
    let job = server.craton(Method::POST, "/models/pull", source).await.ok().json()["job"]["id"].clone();
    let path = format!("/craton/v1/jobs/{}/events", job.as_str().unwrap());
    let watch = server.signed(&Key::admin(), "craton", Method::GET, &path, "application/json", "");
    let mut events = watch.send().await.unwrap();
    assert!(events.chunk().await.unwrap().is_some());

    server.running.terminate();
    while events.chunk().await.unwrap().is_some() {}
    assert!(server.running.wait().await.success());
    assert!(server.log().contains("all requests finished"), "{}", server.log());
}

#[tokio::test]
async fn a_second_signal_ends_the_server_at_once() {
    let home = Home::new();
    let mut server = home.start().await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "a question").await;
    assert_eq!(stream.text().await, "held ");

    server.running.terminate();
    server.stops().await;
    server.running.terminate();
    assert!(server.running.wait().await.success());
    assert!(stream.rest().await.is_err(), "the stream is cut, not ended as if it were complete");
    upstream.left().await;
}

#[tokio::test]
async fn streams_that_outlast_the_grace_are_cancelled() {
    let home = Home::new();
    let mut server = home.start_with(&["--shutdown-grace", "1"]).await;
    let upstream = Upstream::holding();
    server.give_to(CLAUDE, &upstream.url).await;
    let mut stream = server.stream(CLAUDE, "a question").await;
    assert_eq!(stream.text().await, "held ");

    server.running.terminate();
    assert!(server.running.wait().await.success());
    assert!(stream.rest().await.is_err(), "the stream is cut, not ended as if it were complete");
    assert!(home.endpoint().is_none());
}
