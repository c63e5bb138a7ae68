//! Backups of a server that serves.

use std::fs;
use std::path::PathBuf;

use http::Method;
use serde_json::{Value, json};

use crate::harness::{Home, Key, Reply, Server};

async fn user(server: &Server, name: &str) -> Key {
    server.iam(&Key::admin(), &[("Action", "CreateUser"), ("UserName", name)]).await.ok();
    let key = server.iam(&Key::admin(), &[("Action", "CreateAccessKey"), ("UserName", name)]).await.ok();
    Key::of_xml(key.text())
}

async fn is_user(server: &Server, name: &str, key: &Key) {
    let caller = server.sts(key, "GetCallerIdentity").await.ok();
    assert!(caller.tag("Arn").ends_with(&format!(":user/{name}")), "{caller:?}");
}

/// A request to S3.
async fn s3(server: &Server, method: Method, path: &str, body: Vec<u8>) -> Reply {
    let signed = server.signature(&Key::admin(), "s3", &method, path, &[], &body);
    let request = server.http().request(method, server.url(path)).body(body);
    let request = signed.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    Reply::read(request.send().await.unwrap()).await.unwrap().ok()
}

/// A home whose data folder was restored from `backup`.
fn restored(backup: &str) -> Home {
    let home = Home::new();
    let told = home.craton(&["backup", "restore", backup]).ok();
    assert!(told.contains("restored to") && told.contains("by Craton"), "{told}");
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_is_in_it_while_writes_go_on() {
    let home = Home::new();
    let server = home.start().await;
    let ada = user(&server, "ada").await;
    let other = home.craton(&["accounts", "create", "111122223333", "--output", "json"]).json();
    let other = Key::new(other["accessKeyId"].as_str().unwrap(), other["secretAccessKey"].as_str().unwrap());
    s3(&server, Method::PUT, "/bucket", Vec::new()).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
    s3(&server, Method::PUT, "/bucket/kept", body.clone()).await;
    let path = home.path().join("backup");
    let command = home.command(&["backup", "create", path.to_str().unwrap(), "--output", "json"]);
    let making = tokio::task::spawn_blocking(move || crate::harness::Session::of(command));
    let mut during = 0;
    while !making.is_finished() {
        user(&server, &format!("during-{during}")).await;
        s3(&server, Method::PUT, &format!("/bucket/during-{during}"), body[..200_000].to_vec()).await;
        // What is removed while the backup is made may still be named by its rows.
        s3(&server, Method::DELETE, &format!("/bucket/during-{during}"), Vec::new()).await;
        during += 1;
    }
    let made = making.await.unwrap().json();
    assert_eq!(made["path"].as_str(), path.canonicalize().unwrap().to_str());
    assert!(during > 0);
    let verified = home.craton(&["backup", "verify", path.to_str().unwrap(), "--output", "json"]).json();
    assert_eq!((&verified["files"], &verified["bytes"]), (&made["files"], &made["bytes"]));

    let second = restored(path.to_str().unwrap());
    assert_eq!(second.kept("111122223333").id, other.id, "the kept credentials too");
    let again = second.start().await;
    is_user(&again, "ada", &ada).await;
    is_user(&again, "admin", &other).await;
    assert!(s3(&again, Method::GET, "/bucket/kept", Vec::new()).await.body == body, "the object's bytes");
    // Every object that a list shows can be read.
    let listed = s3(&again, Method::GET, "/bucket?list-type=2", Vec::new()).await;
    for key in listed.text().split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next()) {
        s3(&again, Method::GET, &format!("/bucket/{key}"), Vec::new()).await;
    }
    // Who came while it was made is there whole, or not at all.
    let users = again.iam(&Key::admin(), &[("Action", "ListUsers")]).await.ok();
    for name in users.text().split("<UserName>").skip(1).filter_map(|rest| rest.split("</UserName>").next()) {
        again.iam(&Key::admin(), &[("Action", "GetUser"), ("UserName", name)]).await.ok();
    }
    // Its own job, which was running in it, makes no backup there.
    let job = crate::harness::eventually("the job ends", async || {
        let jobs = again.craton(Method::GET, "/jobs", Value::Null).await.ok().json();
        let job = jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == "backup").unwrap().clone();
        (job["state"] != "running" && job["state"] != "queued").then_some(job)
    })
    .await;
    assert_eq!(job["state"], "failed", "{job}");
    assert!(again.stop().await.success());

    let said = second.craton(&["backup", "restore", path.to_str().unwrap()]);
    assert!(!said.status.success() && said.stderr.contains("is not empty"), "{said:?}");
    is_user(&second.start().await, "ada", &ada).await;
}

#[tokio::test]
async fn a_backup_without_the_root_key_opens_with_the_key_of_its_time() {
    let home = Home::new();
    let server = home.start().await;
    let ada = user(&server, "ada").await;
    let path = home.path().join("backup");
    home.craton(&["backup", "create", path.to_str().unwrap(), "--without-root-key"]).ok();
    assert!(!path.join("root.key").exists() && !path.join("credentials").exists());
    let second = Home::new();
    let told = second.craton(&["backup", "restore", path.to_str().unwrap()]).ok();
    assert!(told.contains("its root key was left out"), "{told}");
    let said = second.refused(&[]).await;
    assert!(said.contains("is missing"), "{said}");
    fs::copy(home.data().join("root.key"), second.data().join("root.key")).unwrap();
    is_user(&second.start().await, "ada", &ada).await;
    assert!(server.stop().await.success());
}

#[tokio::test]
async fn a_damaged_backup_is_named_and_makes_no_data_folder() {
    let home = Home::new();
    let server = home.start().await;
    let path = home.path().join("backup");
    home.craton(&["backup", "create", path.to_str().unwrap()]).ok();
    assert!(server.stop().await.success());
    fs::write(path.join("root.key"), [1; 32]).unwrap();
    let second = Home::new();
    for command in ["verify", "restore"] {
        let said = second.craton(&["backup", command, path.to_str().unwrap()]);
        assert!(!said.status.success(), "{said:?}");
        assert!(said.stderr.contains("is damaged: `root.key` was changed"), "{said:?}");
    }
    assert!(!second.data().exists());
}

#[tokio::test]
async fn a_backup_is_for_the_first_account_alone() {
    let home = Home::new();
    let server = home.start().await;
    let other = server.craton(Method::POST, "/accounts", json!({})).await.ok().json();
    let other = Key::new(other["accessKeyId"].as_str().unwrap(), other["secretAccessKey"].as_str().unwrap());
    let path: PathBuf = home.path().join("backup");
    let reply = server.try_craton(&other, Method::POST, "/backups", &json!({ "path": path })).await.unwrap();
    assert_eq!(reply.status, 403, "{reply:?}");
    let ada = user(&server, "ada").await;
    let reply = server.try_craton(&ada, Method::POST, "/backups", &json!({ "path": path })).await.unwrap();
    assert_eq!(reply.status, 403, "no policy allows it: {reply:?}");
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_store_belongs_to_one_deployment_until_a_restored_one_claims_it() {
    let home = Home::new();
    let place = format!("file://{}", home.path().join("shared").display());
    let at_place = ["--object-store-url", place.as_str()];
    let server = home.start_with(&at_place).await;
    s3(&server, Method::PUT, "/bucket", Vec::new()).await;
    s3(&server, Method::PUT, "/bucket/kept", b"bytes".to_vec()).await;
    let backup = home.path().join("backup");
    home.craton(&["backup", "create", backup.to_str().unwrap()]).ok();
    assert!(server.stop().await.success());

    let stranger = Home::new().refused(&at_place).await;
    assert!(stranger.contains("another deployment") && stranger.contains("--claim-object-store"), "{stranger}");
    let heir = restored(backup.to_str().unwrap());
    assert!(
        heir.refused(&at_place).await.contains("another deployment"),
        "the one that the backup is of may come back"
    );
    let claimed = heir.start_with(&[&at_place[..], &["--claim-object-store"]].concat()).await;
    assert_eq!(s3(&claimed, Method::GET, "/bucket/kept", Vec::new()).await.body[..], *b"bytes");
    assert!(claimed.stop().await.success());
    assert!(home.refused(&at_place).await.contains("another deployment"), "it came back");
    heir.start_with(&at_place).await;
}
