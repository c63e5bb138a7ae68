//! A disk without room.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use http::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::harness::{Home, Hub, Key, Server, eventually};

/// The pull of `source`, once it has ended.
async fn pulled(server: &Server, source: &str) -> Value {
    let asked = server.craton(Method::POST, "/models/pull", json!({ "source": source })).await.ok().json();
    let job = asked["job"]["id"].as_str().unwrap();
    eventually("the pull ends", async || {
        let job = server.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await.ok().json();
        matches!(job["state"].as_str(), Some("failed" | "succeeded")).then_some(job)
    })
    .await
}

/// Nothing of the model is there, and the server goes on.
async fn assert_absent(server: &Server, home: &Home, model: &str) {
    assert!(!home.models().join(format!("manifests/{model}.json")).exists());
    let models = server.craton(Method::GET, "/models", Value::Null).await.ok().json();
    let known = models["items"].as_array().unwrap().iter().find(|known| known["name"] == model);
    assert!(known.is_none(), "{known:?}");
    server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
}

#[tokio::test]
async fn a_copy_that_finds_the_disk_full_leaves_no_model() {
    let home = Home::new();
    let server = home.start().await;
    let file = home.path().join("big.gguf");
    fs::write(&file, vec![7; 4 << 20]).unwrap();
    // Every write to this device fails as on a full disk.
    let digest = Sha256::digest(file.as_os_str().as_encoded_bytes());
    let partial: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let partial = home.models().join(format!("partial/copy-{partial}"));
    symlink("/dev/full", &partial).unwrap();

    let source = format!("file:{}", file.display());
    let job = pulled(&server, &source).await;
    assert_eq!((job["state"].as_str(), job["error"]["code"].as_str()), (Some("failed"), Some("Conflict")), "{job}");
    assert!(job["error"]["message"].as_str().unwrap().starts_with("The disk is full: cannot write `"), "{job}");
    assert!(job["error"]["hint"].as_str().unwrap().starts_with("Free some space"), "{job}");
    assert_absent(&server, &home, "big").await;
    assert!(partial.symlink_metadata().is_err(), "what was copied is gone");

    assert_eq!(pulled(&server, &source).await["state"], "succeeded", "with room again");
    server.converse(&Key::admin(), "big", "Who are you?").await.ok();
}

#[tokio::test]
async fn a_download_that_cannot_be_written_to_its_end_leaves_no_model_and_goes_on_with_room() {
    let home = Home::new();
    let hub = Hub::new(12 << 20);
    hub.give(12 << 20);
    let up = home.up(&[]);
    // No file may grow beyond 8 MiB, and a write that tries fails instead of ending the process.
    let mut limited = Command::new("sh");
    limited.args(["-c", r#"ulimit -f 16384; trap '' XFSZ; exec "$0" "$@""#]).arg(up.get_program()).args(up.get_args());
    limited.current_dir(home.path()).env_clear().env("HF_ENDPOINT", &hub.url);
    limited.envs(up.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let server = home.launch(limited).await;
    let asked = server.craton(Method::POST, "/models/pull", json!({ "source": Hub::SOURCE })).await.ok().json();
    let job = asked["job"]["id"].as_str().unwrap();
    let failed = eventually("an attempt fails", async || {
        let job = server.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await.ok().json();
        (!job["error"].is_null()).then_some(job)
    })
    .await;
    assert!(failed["error"]["message"].as_str().unwrap().starts_with("Cannot write `"), "{failed}");
    assert_absent(&server, &home, Hub::MODEL).await;
    assert!(server.stop().await.success());

    let mut up = home.up(&[]);
    up.env("HF_ENDPOINT", &hub.url);
    let server = home.launch(up).await;
    assert_eq!(pulled(&server, Hub::SOURCE).await["state"], "succeeded");
    server.converse(&Key::admin(), Hub::MODEL, "Who are you?").await.ok();
}
