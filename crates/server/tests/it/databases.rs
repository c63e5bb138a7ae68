//! The whole server on each database.

use http::Method;
use serde_json::{Value, json};
use store::testing::each_database;

use crate::harness::{CLAUDE, Home, Key, Server, eventually};

const OTHER: &str = "111122223333";

/// What was made, and must be there after a restart.
struct Made {
    admin: Key,
    user: Key,
    bearer: String,
    job: String,
}

#[tokio::test]
async fn a_server_keeps_everything_in_its_database() {
    each_database(async |database| {
        let home = Home::new();
        let shared = database.url().starts_with("postgres");
        let start = async || {
            let mut up = home.up(&[]);
            if shared {
                up.env("CRATON_DATABASE_URL", database.url());
            }
            home.launch(up).await
        };
        let server = start().await;
        let made = make(&server, &home).await;
        check(&server, &made).await;
        assert!(server.stop().await.success());
        let files = std::fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(files.filter(|name| name.to_string_lossy().contains(".db")).count() == 0, shared);

        let server = start().await;
        check(&server, &made).await;
        assert!(server.stop().await.success());
    })
    .await;
}

/// An account, keys, an alias, and a job that ended.
async fn make(server: &Server, home: &Home) -> Made {
    let account = server.craton(Method::POST, "/accounts", json!({ "accountId": OTHER })).await.ok().json();
    let admin = Key::new(account["accessKeyId"].as_str().unwrap(), account["secretAccessKey"].as_str().unwrap());
    server.iam(&admin, &[("Action", "CreateUser"), ("UserName", "ada")]).await.ok();
    let user = server.iam(&admin, &[("Action", "CreateAccessKey"), ("UserName", "ada")]).await.ok();
    let user = Key::of_xml(user.text());
    let bearer =
        server.craton(Method::POST, "/api-keys", json!({ "name": "one", "surface": "both" })).await.ok().json();
    let file = home.path().join("pulled.gguf");
    std::fs::write(&file, "weights").unwrap();
    let source = json!({ "source": format!("file:{}", file.display()) });
    let job = server.craton(Method::POST, "/models/pull", source).await.ok().json();
    let job = job["job"]["id"].as_str().unwrap().to_owned();
    eventually("the pull ends", async || {
        let job = server.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await.ok().json();
        assert_ne!(job["state"], "failed", "{job}");
        (job["state"] == "succeeded").then_some(())
    })
    .await;
    let alias = format!("/aliases/{}", CLAUDE.replace(':', "%3A"));
    server.craton(Method::PUT, &alias, json!({ "local": "pulled" })).await.ok();
    Made { admin, user, bearer: bearer["key"].as_str().unwrap().to_owned(), job }
}

async fn check(server: &Server, made: &Made) {
    assert_eq!(server.sts(&made.admin, "GetCallerIdentity").await.ok().tag("Account"), OTHER);
    let arn = server.sts(&made.user, "GetCallerIdentity").await.ok().tag("Arn").to_owned();
    assert_eq!(arn, format!("arn:aws:iam::{OTHER}:user/ada"));
    let with_bearer = server.http().get(server.url("/v1/models")).bearer_auth(&made.bearer).send().await.unwrap();
    assert_eq!(with_bearer.status().as_u16(), 200);
    let answer = server.converse(&Key::admin(), CLAUDE, "Tell me something.").await.ok();
    assert!(answer.header("x-craton-served-by").starts_with("pulled; "), "the alias holds: {answer:?}");
    let aliases = server.craton(Method::GET, "/aliases", Value::Null).await.ok().json();
    assert!(aliases.to_string().contains(CLAUDE), "{aliases}");
    let job = server.craton(Method::GET, &format!("/jobs/{}", made.job), Value::Null).await.ok().json();
    assert_eq!((job["state"].as_str(), job["output"]["name"].as_str()), (Some("succeeded"), Some("pulled")));
}
