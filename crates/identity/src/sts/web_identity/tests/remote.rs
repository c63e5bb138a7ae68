use std::io::{BufRead as _, BufReader, ErrorKind, Write as _};
use std::net::{IpAddr, TcpListener};

use serde_json::{Value, json};

use super::{Issuer, claims, token};
use crate::sts::web_identity::reach::{Reach, is_public};
use crate::sts::web_identity::remote::{Discovery, Issuers};

/// Serves an issuer's two documents, each once, on this machine; its URL.
fn serve(issuer: &Issuer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let documents = [json!({"issuer": url, "jwks_uri": format!("{url}/keys")}), json!({"keys": [issuer.key("k")]})];
    std::thread::spawn(move || documents.iter().for_each(|document| answer(&listener, document)));
    url
}

fn answer(listener: &TcpListener, document: &Value) {
    let (mut connection, _) = listener.accept().unwrap();
    let head = BufReader::new(connection.try_clone().unwrap()).lines().map_while(Result::ok);
    assert!(head.take_while(|line| !line.is_empty()).count() > 0);
    let body = document.to_string();
    write!(connection, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
}

#[tokio::test]
async fn nothing_inside_the_network_is_asked() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let issuers = Issuers::default();
    for url in [
        format!("https://127.0.0.1:{port}"),
        format!("https://2130706433:{port}"),
        format!("https://[::ffff:127.0.0.1]:{port}"),
        // A name, which is resolved.
        format!("https://localhost:{port}"),
        format!("http://localhost:{port}"),
    ] {
        let error = issuers.keys(&url).await.unwrap_err();
        assert_eq!(error.code, Some("IDPCommunicationError"));
        assert!(error.hint.unwrap().contains("--allow-private-issuers"), "{url}");
        assert_eq!(listener.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "{url}");
    }
}

#[tokio::test]
async fn the_operator_may_allow_what_is_inside_the_network() {
    let issuer = Issuer::new();
    let url = serve(&issuer);
    let issuers = Issuers::default();
    issuers.allow_anywhere();
    issuers.keys(&url).await.unwrap().verify(&token(&issuer, &claims())).unwrap();
}

#[test]
fn keys_are_checked_like_their_issuer() {
    let keys_of = |jwks_uri: &str, base: &str| {
        let document = json!({"issuer": "https://issuer.example/", "jwks_uri": jwks_uri});
        let discovery: Discovery = serde_json::from_value(document).unwrap();
        discovery.keys_of(base).map(str::to_owned)
    };
    assert_eq!(keys_of("https://a.example/k", "https://issuer.example").unwrap(), "https://a.example/k");
    assert!(keys_of("http://a.example/k", "https://issuer.example").is_err());
    assert!(keys_of("https://a.example/k", "https://other.example").is_err());
    let check = |reach: Reach, url: &str| reach.check(&url.parse().unwrap()).is_ok();
    for url in ["http://a.example", "ftp://a.example", "https://10.1.2.3", "https://[fd00::1]", "https://0x7f.1"] {
        assert!(!check(Reach::Public, url), "{url}");
        assert_eq!(check(Reach::Anywhere, url), !url.starts_with("ftp"), "{url}");
    }
    assert!(check(Reach::Public, "https://a.example") && check(Reach::Public, "https://8.8.8.8"));
}

#[test]
fn public_addresses_are_those_of_hosts_of_the_internet() {
    let is_public = |text: &str| is_public(text.parse::<IpAddr>().unwrap());
    for address in
        ["8.8.8.8", "100.63.0.1", "172.32.0.1", "198.20.0.1", "2606:4700::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
    {
        assert!(is_public(address), "{address}");
    }
    let v4 = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.0.1 127.0.0.1 127.9.9.9 169.254.169.254 172.16.0.1 172.31.0.1 192.0.0.8 \
              192.0.2.1 192.168.1.1 198.18.0.1 198.19.0.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255";
    let v6 = ":: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 \
              2001:db8::1 2002:7f00:1::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1";
    for address in v4.split_whitespace().chain(v6.split_whitespace()) {
        assert!(!is_public(address), "{address}");
    }
}
