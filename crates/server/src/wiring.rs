//! What `craton up` does: opens everything in order, serves, and closes it in the opposite order.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use aws_api::{Api, Deployment, Limits, Setup};
use backup::Backups;
use base::{Clock, Random, Secret, SystemClock, SystemRandom};
use cli::{Credentials, Endpoint, UpArgs, write_credentials, write_endpoint};
use identity::{AdminCredentials, Defaults, Identity, Keyring, RootCredentials, RootKey};
use inference::LoadOptions;
use inference::template::Program;
use inference_native::NativeQuantizer;
use jobs::Jobs;
use knowledge::Knowledge;
use models::{Config, HubConfig, Models, Parts, SnapshotPlace};
use objects::{BlobPlace, Objects, OtherOwner};
use orchestration::answers::Answers;
use orchestration::assistants::Assistants;
use orchestration::evaluations::{self, Evaluations};
use store::{DataDir, Store};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::front::Front;
use crate::knowledge::Embeddings;
use crate::settings::{EngineSettings, Machine, RootKeySource, Settings};
use crate::{backups, banner, engines, listener, signals, tables, telemetry, tls};

/// Jobs that run at the same time: mostly downloads, which wait for the network.
const JOB_WORKERS: usize = 4;
/// The word that makes this program a process that renders a chat template. It is no command: only a server starts it.
pub(crate) const RENDER_TEMPLATES: &str = "render-templates";
/// The word that makes this program a process that reads strangers' files, in the same way.
pub(crate) const READ_FILES: &str = "read-files";
/// The folder in the data folder with the objects of S3.
pub(crate) const OBJECTS: &str = "objects";
/// The folder of imported models in the data directory.
pub(crate) const IMPORTED: &str = "imported-models";
/// The folder of the search indexes of knowledge bases in the data directory.
pub(crate) const INDEXES: &str = "knowledge";
/// The folder of kept prefixes in the data directory.
const PREFIXES: &str = "prefix-snapshots";
/// Threads that serve requests; models run on threads of their own.
const MOST_SERVING_THREADS: usize = 4;

/// Resolves the settings and serves until the process is told to stop.
///
/// # Errors
/// What kept the server from starting.
pub(crate) fn up(args: UpArgs) -> Result<()> {
    let started = Instant::now();
    let machine = Machine::current();
    let settings = Settings::resolve(args, &machine)?;
    telemetry::start_logs(settings.log_format, &settings.log)?;
    if let Some(ignored) = settings.engine.ignored {
        tracing::warn!("{ignored}");
    }
    inference::template::isolate(Program { path: this_program()?, arguments: vec![RENDER_TEMPLATES.into()] });
    media::apart::isolate(media::apart::Program { path: this_program()?, arguments: vec![READ_FILES.into()] });
    let threads = usize::try_from(machine.cores).unwrap_or(1).clamp(1, MOST_SERVING_THREADS);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(run(&settings, started));
    // Blocking work that still runs, such as loading a model, must not hold up the end.
    runtime.shutdown_background();
    result
}

/// This very program, also after another version was put in its place.
fn this_program() -> Result<PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe().context("cannot find this program"),
    }
}

async fn run(settings: &Settings, started: Instant) -> Result<()> {
    let data = DataDir::lock(&settings.data_dir)?;
    let socket = bind(settings.listen).await?;
    let address = socket.local_addr()?;
    // First of all: a data folder that does not open is left as it is.
    let services = open(settings, &data).await?;
    let acceptor = tls::acceptor(&settings.tls, data.path(), settings.listen)?;

    let scheme = if acceptor.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}", reachable(address));
    let endpoint = Endpoint {
        url: url.clone(),
        process_id: std::process::id(),
        account_id: services.administrator.account.to_string(),
        region: settings.region.to_string(),
        certificate: acceptor.as_ref().map(|a| absolute(&a.certificate)),
    };
    keep_credentials(data.path(), &services.administrator)?;

    let api = Api::new(Setup {
        identity: services.identity.clone(),
        models: services.models.clone(),
        assistants: services.assistants.clone(),
        knowledge: services.knowledge.clone(),
        answers: services.answers.clone(),
        evaluations: services.evaluations.clone(),
        jobs: services.jobs.clone(),
        backups: services.backups.clone(),
        objects: services.objects.clone(),
        s3_domain: settings.s3_domain.clone(),
        clock: services.clock.clone(),
        random: services.random.clone(),
        limits: Limits {
            model_body: settings.limits.body,
            body: settings.limits.body.min(Limits::default().body),
            time: settings.limits.request_timeout,
        },
        deployment: deployment(settings, &url, &data),
    });
    let front = Arc::new(Front::new(api, telemetry::metrics()?, &settings.limits));
    let (stop, now) = (CancellationToken::new(), CancellationToken::new());
    signals::watch(stop.clone(), now.clone())?;
    let running = services.jobs.start(JOB_WORKERS);
    let collector = services.objects.start();
    let snapshots = services.models.start_snapshots();
    let endpoints = services.models.start_endpoints();
    front.begin();
    // Commands look for this file, so it is written when the server can answer.
    write_endpoint(data.path(), &endpoint)?;
    let account = services.administrator.account.clone();
    let ctx = services.identity.service_ctx(account, settings.region.clone(), "startup");
    banner::print(&url, &services.models, &ctx, settings, started.elapsed()).await?;

    let serving = listener::serve(socket, acceptor.map(|a| a.acceptor), front, &settings.limits, stop.clone(), now);
    tokio::select! {
        () = serving => {}
        () = end_watches(&services.jobs, stop) => {}
    }
    running.stop().await;
    collector.stop().await;
    endpoints.stop().await;
    snapshots.stop().await;
    services.identity.flush_last_used().await?;
    services.identity.flush_audit().await?;
    let _ = std::fs::remove_file(data.path().join("endpoint.json"));
    services.store.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Ends the answers that could last as long as a job when stopping begins; never ends by itself.
async fn end_watches(jobs: &Jobs, stop: CancellationToken) {
    stop.cancelled().await;
    jobs.end_watches();
    std::future::pending().await
}

/// What the server is made of.
struct Services {
    store: Store,
    identity: Identity,
    jobs: Jobs,
    objects: Objects,
    models: Models,
    assistants: Assistants,
    knowledge: Knowledge,
    answers: Answers,
    evaluations: Evaluations,
    backups: Backups,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    administrator: AdminCredentials,
}

async fn open(settings: &Settings, data: &DataDir) -> Result<Services> {
    let root_key = load_root_key(&settings.root_key).await?;
    let store = open_store(settings.database_url.as_ref(), data).await?;
    let opened = open_on(&store, root_key, settings, data).await;
    if opened.is_err() {
        // A database that is refused is left as it was: closing takes away what SQLite laid beside it.
        store.close().await;
    }
    opened
}

async fn open_on(store: &Store, root_key: RootKey, settings: &Settings, data: &DataDir) -> Result<Services> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    tables::check(store).await?;
    let defaults = Defaults { region: settings.region.clone() };
    let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
    if settings.allow_private_issuers {
        identity.allow_private_issuers();
    }
    let root = RootCredentials {
        account: settings.root.account.clone(),
        access_key_id: settings.root.access_key_id.clone(),
        secret: settings.root.secret_access_key.clone(),
    };
    let administrator = identity.first_start(root).await?;
    let jobs = Jobs::open(store.clone(), clock.clone(), random.clone()).await?;
    let place = match &settings.object_store_url {
        Some(url) => BlobPlace::from_url(url.reveal())?,
        None => BlobPlace::Folder(data.path().join(OBJECTS)),
    };
    let other = if settings.claim_object_store { OtherOwner::Replace } else { OtherOwner::Refuse };
    let objects =
        Objects::open_at(store.clone(), identity.clone(), (place, other), clock.clone(), random.clone()).await?;
    let parts = Parts {
        store: store.clone(),
        jobs: jobs.clone(),
        identity: identity.clone(),
        objects: objects.clone(),
        loader: engines::loader(settings.engine.choice, clock.clone(), random.clone()),
        quantizer: Arc::new(NativeQuantizer),
        dialects: aws_api::record_dialects(),
        clock: clock.clone(),
        random: random.clone(),
        http: http_client()?,
    };
    let models = Models::open(config(settings, data, Arc::clone(identity.keyring())), parts).await?;
    let assistants = Assistants::open(store.clone()).await?;
    let parts = knowledge::Parts {
        store: store.clone(),
        jobs: jobs.clone(),
        identity: identity.clone(),
        objects: objects.clone(),
        embedder: Arc::new(Embeddings { identity: identity.clone(), models: models.clone() }),
        clock: clock.clone(),
        random: random.clone(),
    };
    let indexes = knowledge::Config {
        postgres: settings.vector_database_url.clone(),
        ..knowledge::Config::new(data.path().join(INDEXES))
    };
    let knowledge = Knowledge::open(indexes, parts).await?;
    let parts = orchestration::answers::Parts {
        store: store.clone(),
        identity: identity.clone(),
        models: models.clone(),
        objects: objects.clone(),
        library: Arc::new(knowledge.clone()),
        clock: clock.clone(),
        random: random.clone(),
    };
    let answers = Answers::open(parts).await?;
    let evaluations = Evaluations::open(evaluations::Parts {
        store: store.clone(),
        jobs: jobs.clone(),
        identity: identity.clone(),
        objects: objects.clone(),
        models: models.clone(),
        clock: clock.clone(),
        random: random.clone(),
        at_once: evaluations::AT_ONCE,
        first_pause: evaluations::FIRST_PAUSE,
    });
    let evaluations = evaluations.await?;
    let asked = aws_api::evaluated(answers.clone(), identity.clone(), knowledge.clone(), models.clone());
    evaluations.ask_knowledge_bases(asked);
    let backups = backups::open(settings, data, (store, &identity, &jobs, &objects, &models, &knowledge), &clock);
    let store = store.clone();
    Ok(Services {
        store,
        identity,
        jobs,
        objects,
        models,
        assistants,
        knowledge,
        answers,
        evaluations,
        backups,
        clock,
        random,
        administrator,
    })
}

/// The database of a data folder, or the one that `url` names.
pub(crate) async fn open_store(url: Option<&Secret<String>>, data: &DataDir) -> base::Result<Store> {
    match url {
        Some(url) => Store::open_postgres(url.reveal()).await,
        None => Store::open_sqlite(&data.database()).await,
    }
}

async fn load_root_key(source: &RootKeySource) -> Result<RootKey> {
    let source = source.clone();
    Ok(tokio::task::spawn_blocking(move || source.load()).await.context("reading the root key")??)
}

fn config(settings: &Settings, data: &DataDir, sealing_key: Arc<Keyring>) -> Config {
    let EngineSettings { memory_budget, prefill_threads, decode_threads, parallel, context, queue, .. } =
        settings.engine;
    Config {
        quota: settings.engine.quota,
        sealing_key: Some(sealing_key),
        memory_budget_bytes: memory_budget,
        strict_aliases: settings.strict_aliases,
        import_bound: settings.import_bound.clone(),
        load: LoadOptions {
            parallel,
            context_per_sequence: context,
            queue,
            prefill_threads,
            decode_threads,
            gpu_layers: settings.engine.gpu_layers,
            ..settings.engine.load.clone()
        },
        hub: HubConfig::from_env(),
        snapshots: Some(SnapshotPlace { folder: data.path().join(PREFIXES), bytes: settings.engine.snapshot_bytes }),
        ..Config::new(&settings.models_dir, data.path().join(IMPORTED))
    }
}

/// The client of upstreams and hubs.
fn http_client() -> Result<reqwest::Client> {
    // An error says that the process chose its cryptography before.
    drop(rustls::crypto::ring::default_provider().install_default());
    let agent = concat!("craton/", env!("CARGO_PKG_VERSION"));
    reqwest::Client::builder().user_agent(agent).build().context("cannot set up outgoing HTTP")
}

fn deployment(settings: &Settings, url: &str, data: &DataDir) -> Deployment {
    Deployment {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        listen: url.to_owned(),
        data_dir: absolute(data.path()).display().to_string(),
        models_dir: absolute(&settings.models_dir).display().to_string(),
        engine: engines::name(settings.engine.choice).to_owned(),
        prefill_threads: settings.engine.prefill_threads,
        decode_threads: settings.engine.decode_threads,
    }
}

async fn bind(listen: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(listen).await.map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program has that port; choose another with --listen, or 0 for a free one"
            }
            std::io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose another with --listen",
            std::io::ErrorKind::AddrNotAvailable => "this machine does not have that address",
            _ => "choose another address with --listen",
        };
        anyhow::anyhow!("cannot listen on `{listen}`: {error}\nhint: {hint}")
    })
}

/// The address that a client on this machine uses.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(a) if a.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], a.port())),
        SocketAddr::V6(a) if a.ip().is_unspecified() => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, a.port())),
        address => address,
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn keep_credentials(data: &Path, administrator: &AdminCredentials) -> Result<()> {
    write_credentials(
        data,
        &Credentials {
            account_id: administrator.account.to_string(),
            access_key_id: administrator.access_key_id.clone(),
            secret_access_key: administrator.secret.reveal().clone(),
            session_token: None,
        },
    )
}
