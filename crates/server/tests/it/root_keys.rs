//! Where the root key comes from, and changing it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::harness::{Home, Key, Server, Session};

const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

async fn check(server: &Server) {
    server.sts(&Key::admin(), "GetCallerIdentity").await.ok();
}

/// A server under `variables`, which is stopped again.
async fn serves(home: &Home, variables: &[(&str, &str)]) {
    let mut up = home.up(&[]);
    up.envs(variables.iter().copied());
    let server = home.launch(up).await;
    check(&server).await;
    assert!(server.stop().await.success());
}

async fn refuses(home: &Home, variables: &[(&str, &str)]) -> String {
    let mut up = home.up(&[]);
    up.envs(variables.iter().copied());
    home.refusal(up).await
}

fn rotate(home: &Home, args: &[&str], variables: &[(&str, &str)]) -> Session {
    let mut command: Command = home.command(&[&["root-key", "rotate"], args].concat());
    command.envs(variables.iter().copied());
    Session::of(command)
}

#[tokio::test]
async fn a_server_takes_its_root_key_from_a_file_a_passphrase_or_a_command() {
    let home = Home::new();
    let elsewhere = home.path().join("elsewhere.key");
    serves(&home, &[("CRATON_ROOT_KEY_FILE", elsewhere.to_str().unwrap())]).await;
    assert!(elsewhere.exists() && !home.data().join("root.key").exists());
    refuses(&home, &[]).await;

    let home = Home::new();
    let passphrase = ("CRATON_ROOT_KEY_PASSPHRASE", "correct horse battery");
    serves(&home, &[passphrase]).await;
    assert!(!home.data().join("root.key").exists());
    let file = home.path().join("passphrase");
    fs::write(&file, "correct horse battery\n").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    serves(&home, &[("CRATON_ROOT_KEY_PASSPHRASE_FILE", file.to_str().unwrap())]).await;
    let said = refuses(&home, &[("CRATON_ROOT_KEY_PASSPHRASE", "another passphrase")]).await;
    assert!(said.contains("The passphrase is not the one"), "{said}");
    let said = refuses(&home, &[passphrase, ("CRATON_ROOT_KEY_COMMAND", "true")]).await;
    assert!(said.contains("one place"), "{said}");

    let home = Home::new();
    fs::write(home.path().join("craton.toml"), format!("root_key_command = \"echo {HEX}\"\n")).unwrap();
    serves(&home, &[]).await;
    let said = refuses(&home, &[("CRATON_ROOT_KEY_COMMAND", "echo; false")]).await;
    assert!(said.contains("`echo; false` gives no root key"), "{said}");
}

#[tokio::test]
async fn a_stopped_server_s_root_key_is_rotated_from_each_kind_to_the_next() {
    let home = Home::new();
    let server = home.start().await;
    let said = rotate(&home, &[], &[]);
    assert!(!said.status.success() && said.stderr.contains("uses the data directory"), "{said:?}");
    assert!(server.stop().await.success());

    let before = fs::read(home.data().join("root.key")).unwrap();
    let told = rotate(&home, &[], &[]).ok();
    assert!(told.contains("root.key") && told.contains("Backups made before"), "{told}");
    assert_ne!(fs::read(home.data().join("root.key")).unwrap(), before);
    serves(&home, &[]).await;

    rotate(&home, &[], &[("CRATON_NEW_ROOT_KEY_PASSPHRASE", "correct horse battery")]).ok();
    let said = refuses(&home, &[]).await;
    assert!(said.contains("is made of a passphrase"), "{said}");
    let passphrase = [("CRATON_ROOT_KEY_PASSPHRASE", "correct horse battery")];
    serves(&home, &passphrase).await;

    let said = rotate(&home, &[], &passphrase);
    assert!(said.stderr.contains("--new-key-file"), "{said:?}");
    rotate(&home, &["--new-key-command", &format!("echo {HEX}")], &passphrase).ok();
    let command = [("CRATON_ROOT_KEY_COMMAND", format!("echo {HEX}"))].map(|(name, value)| (name, value));
    let command: Vec<(&str, &str)> = command.iter().map(|(name, value)| (*name, value.as_str())).collect();
    serves(&home, &command).await;

    let new = home.path().join("new.key");
    rotate(&home, &["--new-key-file", new.to_str().unwrap()], &command).ok();
    serves(&home, &[("CRATON_ROOT_KEY_FILE", new.to_str().unwrap())]).await;
}

#[tokio::test]
async fn a_rotation_of_a_folder_that_is_not_there_makes_none() {
    let home = Home::new();
    let said = rotate(&home, &[], &[]);
    assert!(!said.status.success() && said.stderr.contains("no data directory"), "{said:?}");
    assert!(!home.data().exists());
}
