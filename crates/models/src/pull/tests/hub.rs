use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::ErrorKind;

use super::sha256;
use crate::catalogue::HubFile;
use crate::config::HubConfig;
use crate::library::{Library, ManifestFile};
use crate::pull::hub::{Hub, pinned, total};
use crate::pull::meter::Meter;
use crate::testing::{Reply, Request, Server, install_tls, secret};

const PATH: &str = "/org/repo/resolve/main/model.gguf";

fn content() -> Vec<u8> {
    (0..200_000_u32).flat_map(|n| n.to_le_bytes()).collect()
}

/// Answers a request for a range as a hub does.
fn ranged(request: &Request, content: &[u8]) -> Reply {
    match request.header("range").strip_prefix("bytes=").and_then(|range| range.strip_suffix('-')) {
        Some(start) => {
            let start: usize = start.parse().unwrap();
            let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
            Reply { status: 206, body: content[start..].to_vec(), ..Reply::default() }.with("content-range", range)
        }
        None => Reply::ok(content),
    }
}

struct Fixture {
    hub: Hub,
    library: Arc<Library>,
    dir: tempfile::TempDir,
    meter: Meter,
}

impl Fixture {
    async fn new(server: &Server) -> Self {
        install_tls();
        let dir = tempfile::tempdir().unwrap();
        let library = Arc::new(Library::open(dir.path()).await.unwrap());
        let config = HubConfig { base_url: server.url.clone(), token: Some(secret("hf_token")) };
        Self { hub: Hub::new(&config).unwrap(), library, dir, meter: Meter::default() }
    }

    async fn fetch(&self, sha256: &str) -> base::Result<ManifestFile> {
        let files = pinned(&[HubFile { path: "model.gguf".to_owned(), sha256: sha256.to_owned() }]);
        let located = self.hub.locate(&self.library, ("org/repo", "main"), &files, &self.meter).await?;
        self.meter.begin("downloading", total(&located));
        self.hub.fetch(&self.library, &located[0], &self.meter).await
    }

    fn partials(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("partial")).unwrap().count()
    }
}

fn stated(reply: Reply, content: &[u8]) -> Reply {
    reply.with("x-linked-etag", format!("\"{}\"", sha256(content))).with("x-linked-size", content.len().to_string())
}

#[tokio::test]
async fn a_file_is_fetched_and_its_stated_hash_recorded() {
    let server = Server::start(|request| {
        assert_eq!(request.path, PATH);
        stated(Reply::ok(content()), &content())
    })
    .await;
    let fixture = Fixture::new(&server).await;
    let fetched = fixture.fetch("").await.unwrap();
    let bytes = content().len() as u64;
    assert_eq!(fetched, ManifestFile { name: "model.gguf".to_owned(), sha256: sha256(&content()), bytes });
    assert_eq!((fixture.meter.read().done, fixture.meter.read().total), (bytes, Some(bytes)));
    assert_eq!(fixture.partials(), 0);
    assert!(server.seen().iter().all(|request| request.header("authorization") == "Bearer hf_token"));
    let before = server.seen().len();
    fixture.fetch(&sha256(&content())).await.unwrap();
    assert_eq!(server.seen().len(), before, "what is here is not asked for");
}

#[tokio::test]
async fn a_connection_that_is_cut_is_taken_up_where_it_stopped() {
    let gets = Arc::new(AtomicUsize::new(0));
    let count = gets.clone();
    let server = Server::start(move |request| {
        let content = content();
        if request.method == "GET" && count.fetch_add(1, Ordering::SeqCst) < 2 {
            let mut reply = ranged(request, &content);
            reply.declared = Some(reply.body.len());
            reply.body.truncate(reply.body.len() / 3);
            return reply;
        }
        if request.method == "HEAD" { stated(Reply::ok(""), &content) } else { ranged(request, &content) }
    })
    .await;
    let fixture = Fixture::new(&server).await;
    fixture.fetch("").await.unwrap();
    let ranges: Vec<String> =
        server.seen().iter().filter(|r| r.method == "GET").map(|r| r.header("range").to_owned()).collect();
    assert_eq!(ranges.len(), 3);
    assert_eq!(ranges[0], "");
    assert!(ranges[1].starts_with("bytes=2666") && ranges[2] > ranges[1], "{ranges:?}");
}

#[tokio::test]
async fn a_download_of_an_earlier_process_is_resumed() {
    let server = Server::start(|request| {
        if request.method == "HEAD" { stated(Reply::ok(""), &content()) } else { ranged(request, &content()) }
    })
    .await;
    let fixture = Fixture::new(&server).await;
    let partial = fixture.library.partial(&format!("{}.part", sha256(&content())));
    std::fs::write(&partial, &content()[..1000]).unwrap();
    fixture.fetch("").await.unwrap();
    assert_eq!(server.seen().last().unwrap().header("range"), "bytes=1000-");
}

#[tokio::test]
async fn a_hub_without_ranges_is_read_from_the_start() {
    let server = Server::start(|_| stated(Reply::ok(content()), &content())).await;
    let fixture = Fixture::new(&server).await;
    let partial = fixture.library.partial(&format!("{}.part", sha256(&content())));
    std::fs::write(&partial, b"other bytes").unwrap();
    assert_eq!(fixture.fetch("").await.unwrap().bytes, content().len() as u64);
}

#[tokio::test]
async fn wrong_bytes_are_not_kept() {
    let server = Server::start(|request| {
        if request.method == "HEAD" { stated(Reply::ok(""), &content()) } else { Reply::ok(vec![7; content().len()]) }
    })
    .await;
    let fixture = Fixture::new(&server).await;
    let error = fixture.fetch("").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains(&sha256(&content())) && error.message.contains("not kept"));
    assert_eq!(fixture.partials(), 0);
    assert_eq!(std::fs::read_dir(fixture.dir.path().join("blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_pin_that_the_hub_contradicts_ends_the_pull_before_the_download() {
    let server = Server::start(|_| stated(Reply::ok(content()), &content())).await;
    let fixture = Fixture::new(&server).await;
    assert_eq!(fixture.fetch(&"0".repeat(64)).await.unwrap_err().kind, ErrorKind::Invalid);
    assert!(server.seen().iter().all(|request| request.method == "HEAD"));
}

#[tokio::test]
async fn refusals_of_the_hub_are_told_with_what_to_do() {
    for (status, kind, hint) in [
        (401, ErrorKind::Denied, "HF_TOKEN"),
        (403, ErrorKind::Denied, "gated"),
        (404, ErrorKind::NotFound, "spelling"),
        (500, ErrorKind::Unavailable, ""),
    ] {
        let server = Server::start(move |_| Reply::status(status, "no")).await;
        let error = Fixture::new(&server).await.fetch("").await.unwrap_err();
        assert_eq!(error.kind, kind, "{status}");
        assert!(error.hint.clone().unwrap_or_default().contains(hint), "{error:?}");
        assert!(!format!("{error:?}").contains("hf_token"));
    }
}

#[tokio::test]
async fn the_token_is_not_sent_to_where_the_hub_redirects() {
    let store = Server::start(|request| ranged(request, &content())).await;
    let target = format!("{}/blob", store.url);
    let server = Server::start(move |_| {
        stated(Reply { status: 302, ..Reply::default() }, &content()).with("location", target.clone())
    })
    .await;
    Fixture::new(&server).await.fetch("").await.unwrap();
    assert!(store.seen().iter().all(|request| request.header("authorization").is_empty()));
    assert!(server.seen().iter().all(|request| request.header("authorization") == "Bearer hf_token"));
}

#[tokio::test]
async fn redirects_to_other_schemes_and_endless_ones_are_not_followed() {
    let server =
        Server::start(|_| Reply { status: 302, ..Reply::default() }.with("location", "file:///etc/passwd")).await;
    assert_eq!(Fixture::new(&server).await.fetch("").await.unwrap_err().kind, ErrorKind::Invalid);
    let server = Server::start(|_| Reply { status: 302, ..Reply::default() }.with("location", "/again")).await;
    assert_eq!(Fixture::new(&server).await.fetch("").await.unwrap_err().kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_hub_that_is_not_there_is_named() {
    let server = Server { url: "http://127.0.0.1:1".to_owned(), requests: Arc::default() };
    let error = Fixture::new(&server).await.fetch("").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("127.0.0.1"));
}

#[tokio::test]
async fn a_damaged_beginning_is_downloaded_again_before_the_source_is_blamed() {
    let server = Server::start(|request| {
        if request.method == "HEAD" { stated(Reply::ok(""), &content()) } else { ranged(request, &content()) }
    })
    .await;
    let fixture = Fixture::new(&server).await;
    let partial = fixture.library.partial(&format!("{}.part", sha256(&content())));
    std::fs::write(&partial, vec![7; 1000]).unwrap();
    assert_eq!(fixture.fetch("").await.unwrap().sha256, sha256(&content()));
    let ranges: Vec<String> =
        server.seen().iter().filter(|r| r.method == "GET").map(|r| r.header("range").to_owned()).collect();
    assert_eq!(ranges, ["bytes=1000-", ""]);
    assert_eq!(fixture.meter.read().done, content().len() as u64);
}

#[tokio::test]
async fn only_plain_names_of_a_listing_are_taken() {
    let listing = r#"{"siblings":[{"rfilename":"../../x.gguf"},{"rfilename":"/tmp/x.gguf"},{"rfilename":".gitattributes"},
        {"rfilename":"sub/only.gguf"}],"cardData":{"license":"apache-2.0"}}"#;
    let server = Server::start(move |request| {
        assert_eq!(request.path, "/api/models/org/repo");
        Reply::ok(listing)
    })
    .await;
    let repository = Fixture::new(&server).await.hub.repository("org/repo").await.unwrap();
    assert_eq!(repository.files, ["sub/only.gguf"]);
    assert_eq!(repository.licence.as_deref(), Some("apache-2.0"));
}

#[tokio::test]
async fn a_licence_of_its_own_is_told_by_its_name() {
    for (card, told) in [
        (r#"{"license":"other","license_name":"llama3.2"}"#, Some("llama3.2")),
        (r#"{"license":"other"}"#, Some("other")),
        (r#"{"license":["mit"]}"#, None),
        ("null", None),
    ] {
        let body = format!(r#"{{"siblings":[],"cardData":{card}}}"#);
        let server = Server::start(move |_| Reply::ok(body.clone())).await;
        let repository = Fixture::new(&server).await.hub.repository("org/repo").await.unwrap();
        assert_eq!(repository.licence.as_deref(), told, "{card}");
    }
}

#[test]
fn only_http_hubs_are_accepted() {
    for url in ["ftp://hub", "file:///x", "hub", ""] {
        assert!(Hub::new(&HubConfig { base_url: url.to_owned(), token: None }).is_err(), "{url}");
    }
}
