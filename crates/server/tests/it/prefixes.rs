//! Beginnings of prompts that survive the server.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use http::Method;
use serde_json::Value;

use crate::harness::{CLAUDE, Home, Key, Server};

/// Two questions that begin alike; what the second one took from the cache.
async fn ask_twice(server: &Server) -> u64 {
    ask(server, "One?").await;
    ask(server, "Two?").await
}

/// The tokens that a question took from the cache.
async fn ask(server: &Server, question: &str) -> u64 {
    let answer = server.converse(&Key::admin(), CLAUDE, &long(question)).await.ok().json();
    answer["usage"]["cacheReadInputTokens"].as_u64().unwrap()
}

/// A question behind a beginning that is worth keeping.
fn long(question: &str) -> String {
    format!("{}{question}", "Read this with care, answer in one word, and name no page. ".repeat(14))
}

/// The files in the folder of prefixes.
fn files(home: &Home) -> Vec<PathBuf> {
    let within = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    within(home.data().join("prefix-snapshots")).flat_map(within).flat_map(within).collect()
}

#[tokio::test]
async fn a_prompt_is_taken_from_disk_after_a_restart_until_it_is_forgotten() {
    let home = Home::new();
    let server = home.start_with(&["--prefix-snapshots"]).await;
    assert!(ask_twice(&server).await > 256);
    assert!(server.stop().await.success());
    assert_eq!(files(&home).len(), 1);

    let server = home.start_with(&["--prefix-snapshots"]).await;
    let status = server.craton(Method::GET, "/status", Value::Null).await.ok().json();
    assert!(status["prefixSnapshots"]["bytes"].as_u64().unwrap() > 256, "{status}");
    assert!(home.craton(&["status"]).ok().contains("\nprefixes "));
    assert!(ask(&server, "Three?").await > 256);
    let told = home.craton(&["models", "forget", "smollm2-135m-instruct"]).ok();
    assert_eq!(told, "smollm2-135m-instruct forgot the prompts of this account\n");
    assert_eq!((files(&home).len(), ask(&server, "Four?").await), (0, 0));
    assert!(server.stop().await.success());

    // Asked for no longer, what there is is removed, and nothing is kept.
    let server = home.start_with(&["--prefix-snapshots"]).await;
    ask_twice(&server).await;
    assert!(server.stop().await.success());
    assert_eq!(files(&home).len(), 1);
    let server = home.start().await;
    assert_eq!((files(&home).len(), ask(&server, "Five?").await), (0, 0));
    let status = server.craton(Method::GET, "/status", Value::Null).await.ok().json();
    assert_eq!(status["prefixSnapshots"], Value::Null);
    assert!(server.stop().await.success());
    assert_eq!(files(&home).len(), 0);
}

#[tokio::test]
async fn a_server_that_is_killed_while_it_keeps_a_prompt_leaves_a_whole_file_or_none() {
    let home = Home::new();
    let trace = home.path().join("trace");
    let mut up = home.up(&["--prefix-snapshots"]);
    up.env(store::crash::CRASH_TRACE, &trace);
    let server = home.launch(up).await;
    ask_twice(&server).await;
    assert!(server.stop().await.success());
    let points = fs::read_to_string(trace).unwrap();
    let numbered = (1..).zip(points.lines()).filter(|(_, name)| name.starts_with("models.snapshot."));
    let numbers: Vec<usize> = numbered.map(|(number, _)| number).collect();
    assert_eq!(numbers.len(), 4, "written, before it is durable, before and after it is in place: {points}");

    for number in numbers {
        let home = Home::new();
        let mut up = home.up(&["--prefix-snapshots"]);
        up.env(store::crash::CRASH_AT, number.to_string());
        let mut server = home.launch(up).await;
        // What else the server writes meanwhile counts, too: it may die while it answers.
        for question in ["One?", "Two?"] {
            drop(server.try_converse(&Key::admin(), CLAUDE, &long(question)).await);
        }
        server.running.terminate();
        server.running.wait().await;

        let server = home.start_with(&["--prefix-snapshots"]).await;
        let left = files(&home);
        assert!(left.iter().all(|file| file.extension() == Some(OsStr::new("prefix"))), "point {number}: {left:?}");
        assert_eq!(ask(&server, "Two?").await > 256, !left.is_empty(), "point {number}");
        assert_eq!(files(&home), left, "point {number}: a file that was put in place is a good one");
    }
}
