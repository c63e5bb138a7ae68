//! The data directories of earlier versions open with everything in them; those of later ones are left alone.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use http::Method;
use serde_json::Value;
use store::{Store, params};

use crate::harness::{Home, Key};

/// The versions of which a data directory is kept.
const KEPT: &[&str] = &["0.1.0"];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/data")
}

/// A home with the data directory that `version` left, and what is in it.
fn home_of(version: &str) -> (Home, Value) {
    let home = Home::new();
    let archive = File::open(fixtures().join(format!("{version}.tar.gz"))).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    archive.set_preserve_permissions(true);
    archive.unpack(home.data()).unwrap();
    let contents = fs::read(fixtures().join(format!("{version}.json"))).unwrap();
    (home, serde_json::from_slice(&contents).unwrap())
}

fn key(contents: &Value) -> Key {
    Key::new(contents["accessKeyId"].as_str().unwrap(), contents["secretAccessKey"].as_str().unwrap())
}

#[test]
fn every_kept_data_directory_is_tested() {
    let mut kept: Vec<String> = fs::read_dir(fixtures())
        .unwrap()
        .filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".tar.gz").map(str::to_owned))
        .collect();
    kept.sort();
    assert_eq!(kept, KEPT);
}

#[tokio::test]
async fn the_data_of_every_version_before_is_all_there() {
    for version in KEPT {
        let (home, contents) = home_of(version);
        // Twice: the first start brings the tables and the sealed secrets up to date.
        for _ in 0..2 {
            let server = home.start().await;
            check(&server, &contents).await;
            assert!(server.stop().await.success());
        }
    }
}

async fn check(server: &crate::harness::Server, contents: &Value) {
    let account = contents["account"].as_str().unwrap();
    for (holder, arn) in [
        ("admin", format!("arn:aws:iam::{account}:user/admin")),
        ("user", format!("arn:aws:iam::{account}:user/people/ada")),
        ("other", "arn:aws:iam::111122223333:user/admin".to_owned()),
    ] {
        let caller = server.sts(&key(&contents[holder]), "GetCallerIdentity").await.ok();
        assert_eq!(caller.tag("Arn"), arn);
    }
    let admin = key(&contents["admin"]);
    let tags = server.iam(&admin, &[("Action", "GetUser"), ("UserName", "ada")]).await.ok();
    assert!(tags.text().contains("<Value>blue</Value>"), "{}", tags.text());
    let bearer = contents["bearer"].as_str().unwrap();
    let models = server.http().get(server.url("/v1/models")).bearer_auth(bearer).send().await.unwrap();
    assert_eq!(models.status().as_u16(), 200);
    let aliases = server.craton(Method::GET, "/aliases", Value::Null).await.ok().json();
    let upstream = &contents["upstream"];
    let alias = aliases["items"].as_array().unwrap().iter().find(|alias| alias["modelId"] == upstream["modelId"]);
    assert_eq!(alias.unwrap()["upstream"]["hasApiKey"], true, "{aliases}");
    // Its sealed key is opened before the upstream, where nothing listens, is asked.
    let answer = server.bedrock(
        &Key::admin(),
        upstream["modelId"].as_str().unwrap(),
        "converse",
        &crate::harness::conversation("Who are you?"),
    );
    assert_ne!(answer.send().await.unwrap().status().as_u16(), 500);
    let jobs = server.craton(Method::GET, "/jobs", Value::Null).await.ok().json();
    assert_eq!(jobs["items"][0]["state"], "succeeded", "{jobs}");
}

/// Every file of a data directory but the lock, with its bytes.
fn files(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().unwrap() != "craton.lock" {
                found.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    found
}

#[tokio::test]
async fn the_data_of_a_newer_version_is_refused_and_not_a_byte_of_it_is_changed() {
    for newer in [
        "INSERT INTO craton_migrations (module, version, name, checksum) VALUES ('models', 99, 'later', 'x')",
        "INSERT INTO craton_migrations (module, version, name, checksum) VALUES ('of-later', 1, 'later', 'x')",
        "UPDATE craton_migrations SET checksum = 'other' WHERE module = 'jobs' AND version = 1",
    ] {
        // Of an old version as well: nothing is brought up to date before the refusal.
        let (home, _) = home_of(KEPT[0]);
        let store = Store::open_sqlite(&home.data().join("craton.db")).await.unwrap();
        store.write(|tx| async move { tx.execute(newer, params![]).await }).await.unwrap();
        store.close().await;
        let before = files(&home.data());
        let said = home.refused(&["--tls-self-signed"]).await;
        assert!(said.contains("newer version") || said.contains("another build"), "{said}");
        let after = files(&home.data());
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
        assert!(before == after, "a file was changed");
    }
}

#[tokio::test]
async fn a_wrong_root_key_leaves_the_data_of_the_version_before_as_it_is() {
    for version in KEPT {
        let (home, _) = home_of(version);
        fs::write(home.data().join("root.key"), [7; 32]).unwrap();
        let before = files(&home.data());
        let said = home.refused(&[]).await;
        assert!(said.contains("root key"), "{said}");
        assert!(before == files(&home.data()), "a file was changed");
        fs::remove_file(home.data().join("root.key")).unwrap();
        let before = files(&home.data());
        let said = home.refused(&[]).await;
        assert!(said.contains("is missing"), "{said}");
        assert!(before == files(&home.data()), "a file was changed");
    }
}
