//! What the tests of this crate share: a deployment, engines that count, a server that answers as it is told.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use ::store::Store;
use base::{AccountId, FixedClock, Region, Secret, SeededRandom, Timestamp};
use identity::{Ctx, Defaults, Identity, JobOwner, RootKey};
use inference::{
    Embedder, EmbedderInfo, Embeddings, Facts, LoadOptions, Loaded, Loader, ModelFiles, ModelKind, Passage, Truncate,
};
use objects::{BlobPlace, Objects};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use self::dialect::TestDialect;
use crate::library::{Library, Manifest, ManifestFacts, ManifestFile, Trust, hex};
use crate::{Config, Models, Parts};

#[path = "../tests/support/dialect.rs"]
pub(crate) mod dialect;

pub(crate) const ACCOUNT: &str = "123456789012";

/// A deployment with nothing pulled.
pub(crate) struct Deployment {
    pub(crate) models: Models,
    pub(crate) identity: Identity,
    pub(crate) jobs: jobs::Jobs,
    pub(crate) objects: Objects,
    pub(crate) ctx: Ctx,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) dialect: Arc<TestDialect>,
    pub(crate) dir: tempfile::TempDir,
}

impl Deployment {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        Self::start_on(store, dir, |_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        Self::start_on(store, dir, change).await
    }

    pub(crate) async fn start_on(store: Store, dir: tempfile::TempDir, change: impl FnOnce(&mut Config)) -> Self {
        Self::start_by(Arc::new(TestLoader::default()), store, dir, change).await
    }

    /// With engines of another loader.
    pub(crate) async fn start_by(
        loader: Arc<dyn Loader>,
        store: Store,
        dir: tempfile::TempDir,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        Self::start_seeded(1, loader, store, dir, change).await
    }

    /// Another server on the same database, with a memory and a library of its own.
    pub(crate) async fn beside(&self) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(self.dir.path().join("root.key"), dir.path().join("root.key")).unwrap();
        let store = self.models.inner.store.clone();
        Self::start_seeded(2, Arc::new(TestLoader::default()), store, dir, |_| {}).await
    }

    async fn start_seeded(
        seed: u64,
        loader: Arc<dyn Loader>,
        store: Store,
        dir: tempfile::TempDir,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        install_tls();
        let clock = Arc::new(FixedClock::new(Timestamp(1_800_000_000_000)));
        let random = Arc::new(SeededRandom::new(seed));
        let key = dir.path().join("root.key");
        let defaults = Defaults { region: "us-east-1".parse().unwrap() };
        let root_key = RootKey::load_or_create(&key).unwrap();
        let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await.unwrap();
        let jobs = jobs::Jobs::open(store.clone(), clock.clone(), random.clone()).await.unwrap();
        let dialect = Arc::new(TestDialect::default());
        let mut config = Config::new(dir.path().join("models"), dir.path().join("imported"));
        config.sealing_key = Some(Arc::clone(identity.keyring()));
        change(&mut config);
        let http = reqwest::Client::new();
        let blobs = BlobPlace::Folder(dir.path().join("objects"));
        let objects = Objects::open(store.clone(), identity.clone(), blobs, clock.clone(), random.clone());
        let objects = objects.await.unwrap();
        let parts = Parts {
            store,
            jobs: jobs.clone(),
            identity: identity.clone(),
            objects: objects.clone(),
            loader,
            quantizer: Arc::new(checkpoint::Plain),
            dialects: dialect.clone(),
            clock: clock.clone(),
            random,
            http,
        };
        let models = Models::open(config, parts).await.unwrap();
        let ctx = context(&identity, ACCOUNT, "us-east-1").await;
        Self { models, identity, jobs, objects, ctx, clock, dialect, dir }
    }

    /// The same deployment as after the end of its process.
    pub(crate) async fn restart(self) -> Self {
        let dir = self.dir;
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        Self::start_on(store, dir, |_| {}).await
    }

    /// The root of an account, in a region.
    pub(crate) async fn context(&self, account: &str, region: &str) -> Ctx {
        context(&self.identity, account, region).await
    }

    /// Makes [`ACCOUNT`] the deployment's first account.
    pub(crate) async fn make_first(&self) {
        let root = identity::RootCredentials { account: Some(ACCOUNT.parse().unwrap()), ..Default::default() };
        self.identity.first_start(root).await.unwrap();
    }

    /// How many files the library keeps.
    pub(crate) fn blobs(&self) -> usize {
        std::fs::read_dir(self.dir.path().join("models/blobs")).unwrap().count()
    }

    /// Makes a model exist without pulling it. Names that end in `embed` are embedders.
    pub(crate) fn add_model(&self, name: &str) {
        add_model(&self.models.inner.library, &self.dir.path().join("models"), name, name.as_bytes());
    }
}

pub(crate) fn install_tls() {
    // An error says that another test did it before.
    drop(rustls::crypto::ring::default_provider().install_default());
}

async fn context(identity: &Identity, account: &str, region: &str) -> Ctx {
    let account: AccountId = account.parse().unwrap();
    let principal_arn = format!("arn:aws:iam::{account}:root");
    let region: Region = region.parse().unwrap();
    identity.job_ctx(&JobOwner { account, region, principal_arn, principal_id: None }).await.unwrap()
}

/// Puts a model of one file into a library.
pub(crate) fn add_model(library: &Library, root: &Path, name: &str, bytes: &[u8]) -> Manifest {
    use sha2::Digest as _;
    let sha256 = hex(&sha2::Sha256::digest(bytes));
    std::fs::write(root.join("blobs").join(format!("sha256-{sha256}")), bytes).unwrap();
    let embeds = name.ends_with("embed");
    let main = if embeds { "model.safetensors" } else { "model.gguf" }.to_owned();
    let manifest = Manifest {
        name: name.to_owned(),
        source: format!("file:/{name}"),
        provider: "test".to_owned(),
        licence: "unknown".to_owned(),
        licence_url: String::new(),
        main: main.clone(),
        files: vec![ManifestFile { name: main, sha256, bytes: bytes.len() as u64 }],
        facts: ManifestFacts {
            title: name.to_owned(),
            embeds,
            parameters: 1,
            context_length: 8,
            memory_bytes: 400,
            chat_template: None,
        },
        trust: Trust::Local,
        uploader: String::new(),
        publisher: String::new(),
        pulled_at: 0,
        broken: None,
        quantization: None,
        refused: Vec::new(),
        template: None,
    };
    library.commit(&manifest).unwrap();
    manifest
}

/// What the fake generator replies to prompts that hold the key; anything else gets a sentence of its own.
const REPLIES: &[(&str, &str)] = &[
    ("weather", "Let me see. <tool_call>{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}</tool_call>"),
    ("stops", "before STOP after"),
];

/// Whoever reads a passage whose prompt holds this goes on when the reading is cancelled, and not before.
pub(crate) const HELD: &str = "held until it is cancelled";

/// What a file of a test says of its prompts: after `template of another model`, DeepSeek's in the vocabulary of a Mistral.
fn prompting_of(bytes: &[u8]) -> inference::Prompting {
    if !bytes.starts_with(b"template of another model") {
        return inference::Prompting::default();
    }
    let template = "{% for m in messages %}<｜User｜>{{ m.content }}<｜Assistant｜>{% endfor %}".to_owned();
    let control_tokens = ["[INST]", "[/INST]", "[SYSTEM_PROMPT]"].map(str::to_owned).to_vec();
    inference::Prompting { template: Some(template), pre_tokenizer: String::new(), control_tokens }
}

/// Loads embedders of 400 bytes; `.gguf` files become the engines' own fake generator. A file that holds `corrupt` is, one
/// that begins with `embeds` is for that, and a `config.json` that holds `unknown` is of an architecture that is.
#[derive(Default)]
pub(crate) struct TestLoader {
    pub(crate) loads: AtomicUsize,
    /// What a model of this folder's name takes, where it is not 400 bytes.
    pub(crate) sizes: Mutex<HashMap<String, u64>>,
    /// What holds up who looks into the files of a model of this folder's name.
    holds: Mutex<HashMap<String, Arc<Hold>>>,
    /// The texts that were embedded, in their order.
    pub(crate) embedded: Arc<Mutex<Vec<String>>>,
}

/// Holds up who looks into the files of a model, until it is opened.
#[derive(Default)]
pub(crate) struct Hold {
    reached: AtomicBool,
    is_open: AtomicBool,
}

impl Hold {
    fn pass(&self) {
        self.reached.store(true, Ordering::SeqCst);
        // A test that failed before it opened ends all the same.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
        while !self.is_open.load(Ordering::SeqCst) && std::time::Instant::now() < until {
            std::thread::yield_now();
        }
    }

    /// Returns when somebody is held up, or was.
    pub(crate) async fn reached(&self) {
        while !self.reached.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    /// Holds up nobody any more.
    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

impl TestLoader {
    /// Holds up who looks into the files of a model of this folder's name from now on.
    pub(crate) fn hold(&self, folder: &str) -> Arc<Hold> {
        let mut holds = self.holds.lock().unwrap();
        holds.entry(folder.to_owned()).or_default().clone()
    }

    fn size(&self, files: &ModelFiles) -> u64 {
        let name = files.dir.file_name().unwrap().to_str().unwrap();
        self.sizes.lock().unwrap().get(name).copied().unwrap_or(400)
    }
}

impl Loader for TestLoader {
    fn inspect(&self, files: &ModelFiles) -> inference::Result<Facts> {
        let folder = files.dir.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let hold = self.holds.lock().unwrap().get(folder).cloned();
        if let Some(hold) = hold {
            hold.pass();
        }
        let config = files.dir.join("config.json");
        if std::fs::read(&config).is_ok_and(|config| config.starts_with(b"unknown")) {
            let reason = "the architecture is not supported".to_owned();
            return Err(inference::Error::ModelFile { file: config, reason, hint: String::new() });
        }
        let Ok(bytes) = std::fs::read(&files.main) else {
            let (file, reason) = (files.main.clone(), "cannot be read".to_owned());
            return Err(inference::Error::ModelFile { file, reason, hint: String::new() });
        };
        if bytes.starts_with(b"corrupt") {
            return Err(inference::Error::ModelFile {
                file: files.main.clone(),
                reason: "the magic number is wrong".to_owned(),
                hint: String::new(),
            });
        }
        let embeds = files.main.extension().is_some_and(|extension| extension == "safetensors");
        Ok(Facts {
            kind: if embeds { ModelKind::Embedder } else { ModelKind::Generator },
            name: "test".to_owned(),
            architecture: "test".to_owned(),
            parameters: 7,
            // The fake that reads real files reads them a byte a token.
            context_length: if bytes.starts_with(b"GGUF") { 8192 } else { 8 },
            vocabulary: 9,
            dimensions: 3,
            weights_bytes: self.size(files),
            cache_bytes_per_token: 0,
            working_bytes: 0,
            weights_format: "F32".to_owned(),
            has_chat_template: true,
            licence: None,
            shape: inference::Shape::default(),
            prompting: prompting_of(&bytes),
        })
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> inference::Result<Loaded> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        if files.main.extension().is_some_and(|extension| extension == "gguf") {
            let generator = inference::fake::FakeLoader::default().generator(options, REPLIES)?;
            return Ok(Loaded::Generator(Arc::new(generator)));
        }
        assert!(!files.dir.ends_with("panics-embed"), "told to panic");
        let info =
            EmbedderInfo { name: "test".to_owned(), dimensions: 3, max_tokens: 4, memory_bytes: self.size(files) };
        Ok(Loaded::Embedder(Arc::new(TestEmbedder { info, embedded: self.embedded.clone() })))
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> inference::Result<Vec<Vec<Vec<inference::Reading>>>> {
        while passages.iter().any(|passage| passage.prompt.contains(HELD)) && !cancelled.load(Ordering::Relaxed) {
            std::thread::yield_now();
        }
        let mut read = inference::fake::FakeLoader::default().read_all(files, options, passages, cancelled, done)?;
        let name = files.main.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains("worse") {
            // A model that foretells everything worse, and every third thing otherwise.
            for (at, reading) in read.iter_mut().flatten().flatten().enumerate() {
                reading.logprob -= 0.5 + (at % 3) as f32;
                reading.likeliest += u32::from(at % 3 == 0);
            }
        }
        Ok(read)
    }
}

/// Every text's vector is (0.6, 0, 0.8); a text has as many tokens as words.
struct TestEmbedder {
    info: EmbedderInfo,
    embedded: Arc<Mutex<Vec<String>>>,
}

impl Embedder for TestEmbedder {
    fn info(&self) -> &EmbedderInfo {
        &self.info
    }

    fn embed(&self, texts: &[String], truncate: Truncate) -> inference::Result<Embeddings> {
        self.embedded.lock().unwrap().extend_from_slice(texts);
        let mut embeddings = Embeddings::default();
        for (index, text) in texts.iter().enumerate() {
            let tokens = self.count(text)?;
            if tokens > 4 && truncate == Truncate::None {
                return Err(inference::Error::InputTooLong { index, tokens: tokens as usize, limit: 4 });
            }
            embeddings.vectors.push(vec![0.6, 0.0, 0.8]);
            embeddings.token_counts.push(tokens.min(4));
        }
        Ok(embeddings)
    }

    fn count(&self, text: &str) -> inference::Result<u32> {
        Ok(text.split_whitespace().count() as u32)
    }

    fn spans(&self, text: &str) -> inference::Result<Vec<std::ops::Range<usize>>> {
        let start = |word: &str| word.as_ptr() as usize - text.as_ptr() as usize;
        Ok(text.split_whitespace().map(|word| start(word)..start(word) + word.len()).collect())
    }
}

/// What a client sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the server answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The length that is declared, where it is not the body's: the connection then ends too early.
    pub(crate) declared: Option<usize>,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: 200, body: body.into(), ..Self::default() }
    }

    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// An HTTP/1.1 server on loopback, one request for each connection.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    pub(crate) async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let request = read_request(&mut socket).await;
                let reply = answer(&request);
                seen.lock().unwrap().push(request.clone());
                let length = reply.declared.unwrap_or(reply.body.len());
                let mut head =
                    format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {length}\r\n", reply.status);
                for (name, value) in &reply.headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str("\r\n");
                socket.write_all(head.as_bytes()).await.unwrap();
                if request.method != "HEAD" {
                    socket.write_all(&reply.body).await.unwrap();
                }
                socket.shutdown().await.unwrap();
            }
        });
        Self { url, requests }
    }

    pub(crate) fn seen(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

pub(crate) async fn read_request(socket: &mut tokio::net::TcpStream) -> Request {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the client went away");
        bytes.extend_from_slice(&buffer[..count]);
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, path) = (words.next().unwrap().to_owned(), words.next().unwrap().to_owned());
    let headers: HashMap<String, String> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "the client went away");
        body.extend_from_slice(&buffer[..count]);
    }
    Request { method, path, headers, body }
}

/// An executable script.
pub(crate) fn script(dir: &Path, name: &str, text: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = dir.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}
