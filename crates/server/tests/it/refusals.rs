//! What keeps the server from starting, and what it says of that.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::harness::Home;

/// A home whose server ran once and stopped.
async fn used() -> Home {
    let home = Home::new();
    assert!(home.start().await.stop().await.success());
    home
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = Home::new().refused(&["--listen", &address]).await;
    assert!(said.contains(&address) && said.contains("--listen"), "{said}");
}

#[tokio::test]
async fn a_data_directory_under_a_file_cannot_be_made() {
    let home = Home::new();
    fs::write(home.path().join("file"), "").unwrap();
    let data = home.path().join("file/data");
    let said = home.refused(&["--data-dir", data.to_str().unwrap()]).await;
    assert!(said.contains(data.to_str().unwrap()) && said.contains("--data-dir"), "{said}");
}

#[tokio::test]
async fn a_data_directory_where_nobody_may_write_is_named() {
    // Not even root can make a folder there.
    let said = Home::new().refused(&["--data-dir", "/proc/craton"]).await;
    assert!(said.contains("/proc/craton") && said.contains("--data-dir"), "{said}");
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_named() {
    let home = Home::new();
    fs::write(home.data(), "").unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("is not a directory"), "{said}");
    assert_eq!(fs::read(home.data()).unwrap(), b"");
}

#[tokio::test]
async fn a_second_server_on_the_data_directory_names_the_first() {
    let home = Home::new();
    let server = home.start().await;
    let said = home.refused(&[]).await;
    let first = home.endpoint().unwrap()["processId"].to_string();
    assert!(said.contains(&first) && said.contains("--data-dir"), "{said}");
    assert!(server.is_ready().await, "the first server does not mind");
}

#[tokio::test]
async fn an_unknown_setting_is_named() {
    let home = Home::new();
    fs::write(home.path().join("craton.toml"), "pasword = 1\n").unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("pasword") && said.contains("craton.toml"), "{said}");
    assert!(!home.data().exists(), "nothing was made");
}

#[tokio::test]
async fn an_open_address_needs_tls() {
    let said = Home::new().refused(&["--listen", "0.0.0.0:0"]).await;
    assert!(said.contains("TLS") && said.contains("--allow-plain-remote"), "{said}");
}

#[tokio::test]
async fn half_a_tls_pair_is_refused() {
    for half in ["--tls-cert", "--tls-key"] {
        let said = Home::new().refused(&[half, "some.pem"]).await;
        assert!(said.contains("--tls-cert") && said.contains("--tls-key"), "{said}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_none_is_named() {
    let home = Home::new();
    for file in ["cert.pem", "key.pem"] {
        fs::write(home.path().join(file), "no PEM").unwrap();
    }
    let said = home.refused(&["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).await;
    assert!(said.contains("cert.pem"), "{said}");
}

#[tokio::test]
async fn a_root_key_that_others_may_read_is_refused() {
    let home = used().await;
    let key = home.data().join("root.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("root.key") && said.contains("chmod 600"), "{said}");
}

#[tokio::test]
async fn a_damaged_root_key_is_refused_and_left_alone() {
    let home = used().await;
    let key = home.data().join("root.key");
    fs::write(&key, "short").unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("root.key"), "{said}");
    assert_eq!(fs::read(&key).unwrap(), b"short");
}

#[tokio::test]
async fn another_root_key_than_the_databases_is_refused() {
    let home = used().await;
    fs::write(home.data().join("root.key"), [7; 32]).unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("root key"), "{said}");
}

#[tokio::test]
async fn a_missing_root_key_is_refused_and_not_made_anew() {
    let home = used().await;
    let key = home.data().join("root.key");
    fs::remove_file(&key).unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("root key"), "{said}");
    assert!(!key.exists());
}

#[tokio::test]
async fn a_damaged_database_is_refused_and_left_alone() {
    let home = used().await;
    let database = home.data().join("craton.db");
    let garbage = vec![0x5a; 8192];
    fs::write(&database, &garbage).unwrap();
    let said = home.refused(&[]).await;
    assert!(said.contains("craton.db"), "{said}");
    assert_eq!(fs::read(&database).unwrap(), garbage);
}

#[tokio::test]
async fn half_given_root_credentials_are_refused() {
    let home = Home::new();
    let mut command = home.up(&[]);
    command.env_remove("CRATON_ROOT_SECRET_ACCESS_KEY");
    let said = home.refusal(command).await;
    assert!(said.contains("CRATON_ROOT_SECRET_ACCESS_KEY"), "{said}");
}
