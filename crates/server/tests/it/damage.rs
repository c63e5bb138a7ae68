//! Model files that are damaged: what is said of them, and that nobody need send the request again.

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{CLAUDE, Home, Key, Reply, Server, conversation, eventually};

const MODEL: &str = "smollm2-135m-instruct";

/// What `/v1` answers to one question.
async fn chat(server: &Server) -> Reply {
    let body = json!({ "model": CLAUDE, "messages": [{ "role": "user", "content": "Hi" }] }).to_string();
    let request =
        server.signed(&Key::admin(), "craton", Method::POST, "/v1/chat/completions", "application/json", body);
    Reply::read(request.send().await.unwrap()).await.unwrap()
}

/// Asks by Converse, by its stream and by `/v1`: each must name the file, say `reason`, and how to have it whole again.
async fn is_told(server: &Server, file: &str, reason: &str) {
    let tells = |message: &str| {
        assert!(message.contains(&format!("The model `{MODEL}` cannot be loaded: model file `")), "{message}");
        assert!(message.contains(file) && message.contains(reason), "{message}");
        assert!(message.contains(&format!("craton models pull {MODEL}")), "{message}");
    };
    let whole = server.converse(&Key::admin(), CLAUDE, "Hi").await;
    let request = server.bedrock(&Key::admin(), CLAUDE, "converse-stream", &conversation("Hi"));
    let stream = Reply::read(request.send().await.unwrap()).await.unwrap();
    for reply in [whole, stream] {
        assert_eq!((reply.status, reply.error_code().as_str()), (424, "ModelErrorException"), "{reply:?}");
        tells(reply.json()["message"].as_str().unwrap());
    }
    let reply = chat(server).await;
    assert_eq!((reply.status, reply.header("x-should-retry")), (500, "false"), "{reply:?}");
    let error = &reply.json()["error"];
    assert_eq!(error["type"], "server_error");
    tells(error["message"].as_str().unwrap());
    let card = server.craton(Method::GET, &format!("/models/{MODEL}"), Value::Null).await.ok().json();
    assert!(card.to_string().to_lowercase().contains("broken"), "{card}");
}

#[tokio::test]
async fn a_file_that_lost_its_end_after_the_pull_is_named_and_answers_again_once_it_is_whole() {
    let home = Home::new();
    let contents = b"nothing reads it, but its length is known";
    let blob = home.install_file(MODEL, "model.gguf", contents);
    let server = home.start().await;
    fs::write(&blob, &contents[..contents.len() - 1]).unwrap();
    is_told(&server, blob.file_name().unwrap().to_str().unwrap(), "it has 40 of 41 bytes").await;
    fs::write(&blob, contents).unwrap();
    server.converse(&Key::admin(), CLAUDE, "Hi").await.ok();
    assert_eq!(chat(&server).await.status, 200);
}

#[tokio::test]
async fn a_truncated_or_foreign_file_is_refused_by_the_engine_and_named() {
    for (contents, reason) in [
        (b"GGUF\x03\0\0\0\x01\0".as_slice(), "it is truncated: it ends within its header"),
        (b"PK\x03\x04 something else", "it is not a GGUF file"),
    ] {
        let home = Home::new();
        home.install_file(MODEL, "model.gguf", contents);
        let server = home.start_with(&["--engine", "native"]).await;
        is_told(&server, &format!("{MODEL}/model.gguf"), reason).await;
    }
}

#[tokio::test]
async fn a_truncated_file_is_not_pulled() {
    let home = Home::new();
    let file = home.path().join("half.gguf");
    fs::write(&file, b"GGUF\x03\0\0\0\x01\0").unwrap();
    let server = home.start_with(&["--engine", "native"]).await;
    let source = json!({ "source": format!("file:{}", file.display()) });
    let started = server.craton(Method::POST, "/models/pull", source).await.ok().json();
    let path = format!("/jobs/{}", started["job"]["id"].as_str().unwrap());
    let error = eventually("the pull fails", async || {
        let job = server.craton(Method::GET, &path, Value::Null).await.ok().json();
        (job["state"] == "failed").then(|| job["error"].clone())
    })
    .await;
    assert_eq!(error["code"], "Invalid", "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("half.gguf") && message.contains("it is truncated"), "{message}");
    assert_eq!(server.craton(Method::GET, "/models/half", Value::Null).await.status, 404);
}
