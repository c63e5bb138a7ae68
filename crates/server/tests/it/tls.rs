//! TLS by the server's own certificate, and both versions of HTTP.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use http::{Method, Version};
use serde_json::{Value, json};

use crate::harness::{ACCOUNT, Client, Home, Key, Server};

async fn version(server: &Server, http: reqwest::ClientBuilder) -> Version {
    let client = server.over(http.build().unwrap());
    let reply = client.sts(&Key::admin(), "GetCallerIdentity").await.ok();
    assert_eq!(reply.tag("Account"), ACCOUNT);
    reply.version
}

#[tokio::test]
async fn https_serves_both_versions_of_http() {
    let home = Home::new();
    let server = home.start_with(&["--tls-self-signed"]).await;
    let endpoint = home.endpoint().unwrap();
    assert!(endpoint["url"].as_str().unwrap().starts_with("https://"));
    // The client offers both, and the server prefers the newer.
    assert_eq!(version(&server, Client::builder(&endpoint)).await, Version::HTTP_2);
    assert_eq!(version(&server, Client::builder(&endpoint).http1_only()).await, Version::HTTP_11);
}

#[tokio::test]
async fn the_certificate_is_kept_and_only_its_owner_may_read_the_key() {
    let home = Home::new();
    let certificate = home.data().join("tls/cert.pem");
    assert!(home.start_with(&["--tls-self-signed"]).await.stop().await.success());
    let first = fs::read(&certificate).unwrap();
    let mode = fs::metadata(home.data().join("tls/key.pem")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(home.start_with(&["--tls-self-signed"]).await.stop().await.success());
    assert_eq!(fs::read(&certificate).unwrap(), first);
}

#[tokio::test]
async fn the_certificate_is_good_for_the_machines_name_where_others_reach_it() {
    let home = Home::new();
    let server = home.start_with(&["--tls-self-signed", "--listen", "0.0.0.0:0"]).await;
    let name = rustix::system::uname().nodename().to_str().unwrap().to_lowercase();
    let endpoint = home.endpoint().unwrap();
    let client = Client::builder(&endpoint).resolve(&name, server.address()).build().unwrap();
    let url = format!("https://{name}:{}/readyz", server.address().port());
    client.get(url).send().await.unwrap().error_for_status().unwrap();
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_served() {
    let home = Home::new();
    assert!(home.start_with(&["--tls-self-signed"]).await.stop().await.success());
    for file in ["cert.pem", "key.pem"] {
        fs::rename(home.data().join("tls").join(file), home.path().join(file)).unwrap();
    }
    let server = home.start_with(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).await;
    server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
    let kept = home.path().join("cert.pem");
    assert_eq!(home.endpoint().unwrap()["certificate"].as_str(), kept.to_str());
}

#[tokio::test]
async fn a_client_that_does_not_know_the_certificate_refuses_it() {
    let home = Home::new();
    let server = home.start_with(&["--tls-self-signed"]).await;
    let stranger = server.over(Client::builder(&json!({})).build().unwrap());
    assert!(!stranger.is_ready().await);
    assert!(server.is_ready().await);
}

#[tokio::test]
async fn plain_http_on_a_tls_port_ends_cleanly() {
    let home = Home::new();
    let server = home.start_with(&["--tls-self-signed"]).await;
    let answer = server.raw(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(!answer.contains("ready"), "{answer}");
    assert!(server.is_ready().await);
}

#[tokio::test]
async fn the_command_line_trusts_the_certificate() {
    let home = Home::new();
    let _server = home.start_with(&["--tls-self-signed"]).await;
    let status = home.craton(&["status", "--output", "json"]).json();
    assert_eq!(status["account"], ACCOUNT);
    let env = home.craton(&["env"]).ok();
    assert!(env.contains("export AWS_CA_BUNDLE="), "{env}");
}

#[tokio::test]
async fn plain_http_serves_both_versions_too() {
    let home = Home::new();
    let server = home.start().await;
    let none = Value::Null;
    assert_eq!(version(&server, Client::builder(&none)).await, Version::HTTP_11);
    assert_eq!(version(&server, Client::builder(&none).http2_prior_knowledge()).await, Version::HTTP_2);
}

#[tokio::test]
async fn the_console_cookie_is_for_https_alone_where_there_is_https() {
    let home = Home::new();
    let server = home.start_with(&["--tls-self-signed"]).await;
    let key = Key::admin();
    let body = json!({ "accessKeyId": key.id, "secretAccessKey": key.secret });
    let request = server.http().request(Method::POST, server.url("/craton/v1/console/session")).json(&body);
    let response = request.send().await.unwrap();
    assert!(response.headers()["set-cookie"].to_str().unwrap().contains("; Secure"), "{response:?}");
}
