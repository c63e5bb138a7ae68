//! Settings: arguments, then environment, then `craton.toml`, then defaults; resolved once into one struct.

mod load;
mod model_room;
mod root_key;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use base::{AccountId, Region, Secret};
use cli::{EngineChoice, LogFormat, UpArgs};

use serde::Deserialize;

pub(crate) use model_room::ModelRoom;
pub(crate) use root_key::{NewKey, RestorePlace, RootKeySource, Rotation};

/// Requests that a model answers at the same time.
const PARALLEL: u32 = 8;
/// Tokens of one request.
const CONTEXT: u32 = 4096;

/// Everything the server needs to know before it starts.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) root_key: RootKeySource,
    pub(crate) listen: SocketAddr,
    pub(crate) models_dir: PathBuf,
    pub(crate) database_url: Option<Secret<String>>,
    /// PostgreSQL with pgvector for the search indexes of knowledge bases; the data folder otherwise.
    pub(crate) vector_database_url: Option<Secret<String>>,
    /// Where objects are stored instead of the data directory. May hold a password.
    pub(crate) object_store_url: Option<Secret<String>>,
    /// The domain under which names are buckets, beside `localhost`.
    /// Whether the object store is taken over from the deployment that it belongs to.
    pub(crate) claim_object_store: bool,
    pub(crate) s3_domain: Option<String>,
    pub(crate) region: Region,
    pub(crate) strict_aliases: bool,
    /// What imported models must keep to.
    pub(crate) import_bound: Option<String>,
    /// Whether issuers of tokens may be inside the server's network, or be reached without TLS.
    pub(crate) allow_private_issuers: bool,
    pub(crate) engine: EngineSettings,
    pub(crate) limits: Limits,
    pub(crate) tls: Tls,
    pub(crate) root: RootSettings,
    pub(crate) log_format: LogFormat,
    pub(crate) log: String,
}

/// How models run.
#[derive(Debug)]
pub(crate) struct EngineSettings {
    pub(crate) choice: EngineChoice,
    /// Bytes.
    pub(crate) memory_budget: u64,
    pub(crate) prefill_threads: u32,
    /// 0 leaves the choice to the engine.
    pub(crate) decode_threads: u32,
    pub(crate) parallel: u32,
    pub(crate) context: u32,
    pub(crate) queue: usize,
    pub(crate) gpu_layers: u32,
    /// What the other members leave open.
    pub(crate) load: inference::LoadOptions,
    /// What is asked for and does nothing here, for the log.
    pub(crate) ignored: Option<&'static str>,
    /// Bytes of beginnings of prompts that are kept on disk; 0: none.
    pub(crate) snapshot_bytes: u64,
    /// What each account may ask of each model.
    pub(crate) quota: models::Quota,
}

/// What a client may use of the server.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Bytes.
    pub(crate) body: usize,
    /// Bytes.
    pub(crate) headers: usize,
    pub(crate) concurrent_requests: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) shutdown_grace: Duration,
}

/// Whether and how the port speaks TLS.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    SelfSigned,
    Files { certificate: PathBuf, key: PathBuf },
}

/// Credentials of the first account's administrator, where the operator chose them.
#[derive(Debug)]
pub(crate) struct RootSettings {
    pub(crate) account: Option<AccountId>,
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<Secret<String>>,
}

/// `craton.toml`: the arguments' names with underscores.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data_dir: Option<PathBuf>,
    root_key_file: Option<PathBuf>,
    root_key_passphrase_file: Option<PathBuf>,
    root_key_command: Option<String>,
    listen: Option<SocketAddr>,
    models_dir: Option<PathBuf>,
    database_url: Option<String>,
    vector_database_url: Option<String>,
    object_store_url: Option<String>,
    s3_domain: Option<String>,
    region: Option<String>,
    strict_aliases: Option<bool>,
    import_bound: Option<String>,
    memory_budget: Option<String>,
    prefill_threads: Option<u32>,
    decode_threads: Option<u32>,
    parallel: Option<u32>,
    context: Option<u32>,
    queue: Option<usize>,
    gpu_layers: Option<u32>,
    batching: Option<String>,
    static_size: Option<u32>,
    static_wait: Option<u64>,
    static_max_tokens: Option<u32>,
    replicas: Option<u32>,
    cores: Option<String>,
    cache_type: Option<String>,
    one_pass_attention: Option<bool>,
    prefix_cache: Option<String>,
    prefix_snapshots: Option<bool>,
    prefix_snapshots_size: Option<String>,
    shared_cells: Option<u32>,
    gpu_split: Option<String>,
    main_gpu: Option<u32>,
    gpu_shares: Option<String>,
    replica_gpus: Option<String>,
    quota: Option<String>,
    max_body: Option<String>,
    max_headers: Option<String>,
    max_concurrent_requests: Option<usize>,
    request_timeout: Option<u64>,
    shutdown_grace: Option<u64>,
    tls_self_signed: Option<bool>,
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    allow_plain_remote: Option<bool>,
    allow_private_issuers: Option<bool>,
    log_format: Option<String>,
    log: Option<String>,
}

impl Settings {
    /// Resolves `args` (which hold the environment already), the settings file and the defaults.
    ///
    /// # Errors
    /// A setting that cannot be read, is unknown, or contradicts another, named with a hint.
    pub(crate) fn resolve(args: UpArgs, machine: &Machine) -> Result<Self> {
        let file = File::read(args.config.as_deref())?;
        let load = load::resolve(&args, &file, machine)?;
        let ignored = load::ignored(&args, &file, machine);
        let snapshot_bytes = load::snapshot_bytes(&args, &file)?;
        let data_dir = data_dir(args.data_dir, &file);
        let root_key = RootKeySource::resolve(args.root_key, &file, &data_dir)?;
        let listen = args.listen.or(file.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 4566)));
        let tls = tls(
            args.tls_self_signed.or(file.tls_self_signed),
            args.tls_cert.or(file.tls_cert),
            args.tls_key.or(file.tls_key),
        )?;
        let plain_allowed = args.allow_plain_remote.or(file.allow_plain_remote).unwrap_or(false);
        if !listen.ip().is_loopback() && tls == Tls::Off && !plain_allowed {
            bail!(
                "`{listen}` can be reached from other machines and TLS is off\n\
                 hint: add --tls-self-signed or --tls-cert and --tls-key; --allow-plain-remote serves it unprotected"
            );
        }
        let models_dir = match args.models_dir.or(file.models_dir) {
            Some(dir) => dir,
            None => default_models_dir(machine)?,
        };
        let quota = args.quota.or(file.quota).map_or(Ok(models::Quota::default()), |text| text.parse())?;
        let memory = memory_budget(args.memory_budget.or(file.memory_budget).as_deref(), machine)?;
        Ok(Self {
            data_dir,
            root_key,
            listen,
            models_dir,
            database_url: args.database_url.or(file.database_url).map(Secret::new),
            vector_database_url: args.vector_database_url.or(file.vector_database_url).map(Secret::new),
            object_store_url: args.object_store_url.or(file.object_store_url).map(Secret::new),
            claim_object_store: args.claim_object_store,
            s3_domain: args.s3_domain.or(file.s3_domain),
            region: args.region.or(file.region).as_deref().unwrap_or("us-east-1").parse()?,
            strict_aliases: args.strict_aliases.or(file.strict_aliases).unwrap_or(false),
            import_bound: args.import_bound.or(file.import_bound),
            allow_private_issuers: args.allow_private_issuers.or(file.allow_private_issuers).unwrap_or(false),
            engine: EngineSettings {
                choice: args.engine.unwrap_or(EngineChoice::Native),
                memory_budget: memory,
                prefill_threads: positive("prefill_threads", args.prefill_threads.or(file.prefill_threads))?
                    .unwrap_or(machine.cores),
                decode_threads: args.decode_threads.or(file.decode_threads).unwrap_or(0),
                parallel: positive("parallel", args.parallel.or(file.parallel))?.unwrap_or(PARALLEL),
                context: positive("context", args.context.or(file.context))?.unwrap_or(CONTEXT),
                queue: args.queue.or(file.queue).unwrap_or(64),
                gpu_layers: args.gpu_layers.or(file.gpu_layers).unwrap_or(u32::MAX),
                load,
                ignored,
                snapshot_bytes,
                quota,
            },
            limits: Limits {
                body: to_usize(size("max_body", args.max_body.or(file.max_body).as_deref().unwrap_or("25MiB"))?),
                headers: to_usize(size(
                    "max_headers",
                    args.max_headers.or(file.max_headers).as_deref().unwrap_or("64KiB"),
                )?)
                .max(8192),
                concurrent_requests: args
                    .max_concurrent_requests
                    .or(file.max_concurrent_requests)
                    .unwrap_or(1024)
                    .max(1),
                request_timeout: Duration::from_secs(args.request_timeout.or(file.request_timeout).unwrap_or(900)),
                shutdown_grace: Duration::from_secs(args.shutdown_grace.or(file.shutdown_grace).unwrap_or(30)),
            },
            tls,
            root: root(args.root_account_id, args.root_access_key_id, args.root_secret_access_key)?,
            log_format: match (args.log_format, file.log_format.as_deref()) {
                (Some(format), _) => format,
                (None, None | Some("text")) => LogFormat::Text,
                (None, Some("json")) => LogFormat::Json,
                (None, Some(other)) => bail!("`{other}` is not a log format\nhint: use `text` or `json`"),
            },
            log: args.log.or(file.log).unwrap_or_else(|| "info,llama-cpp-2=warn,s3s=off".to_owned()),
        })
    }
}

/// Bytes that loaded models may take.
fn memory_budget(named: Option<&str>, machine: &Machine) -> Result<u64> {
    match named {
        Some(text) => size("memory_budget", text),
        None => Ok(machine.memory_bytes / 10 * 7),
    }
}

fn data_dir(named: Option<PathBuf>, file: &File) -> PathBuf {
    named.or_else(|| file.data_dir.clone()).unwrap_or_else(|| PathBuf::from("craton-data"))
}

impl File {
    fn read(given: Option<&Path>) -> Result<Self> {
        match cli::read_settings(given)? {
            Some((path, text)) => cli::parse_settings(&path, &text),
            None => Ok(Self::default()),
        }
    }
}

/// What the defaults depend on.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) cores: u32,
    /// Bytes.
    pub(crate) memory_bytes: u64,
    /// Does this build compute on GPUs?
    pub(crate) has_gpus: bool,
    pub(crate) data_home: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
}

impl Machine {
    /// This machine, as the operating system describes it.
    pub(crate) fn current() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(u32::MAX));
        let folder = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        Self {
            cores,
            memory_bytes: memory_bytes().unwrap_or(4 << 30),
            has_gpus: cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan")),
            data_home: folder("XDG_DATA_HOME"),
            home: folder("HOME"),
        }
    }
}

/// The machine's memory in bytes, less where a control group allows less. Only Linux tells.
fn memory_bytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("MemTotal:"))?;
    let total = line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1024;
    let group =
        std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse::<u64>().ok());
    Some(group.map_or(total, |limit| limit.min(total)))
}

fn default_models_dir(machine: &Machine) -> Result<PathBuf> {
    let base = match (&machine.data_home, &machine.home) {
        (Some(dir), _) => dir.clone(),
        (None, Some(home)) => home.join(".local/share"),
        (None, None) => bail!("there is no home folder to keep models in\nhint: set CRATON_MODELS_DIR"),
    };
    Ok(base.join("craton/models"))
}

fn tls(self_signed: Option<bool>, certificate: Option<PathBuf>, key: Option<PathBuf>) -> Result<Tls> {
    match (self_signed.unwrap_or(false), certificate, key) {
        (false, None, None) => Ok(Tls::Off),
        (true, None, None) => Ok(Tls::SelfSigned),
        (false, Some(certificate), Some(key)) => Ok(Tls::Files { certificate, key }),
        (true, ..) => bail!("a certificate and --tls-self-signed exclude each other\nhint: give one of them"),
        _ => bail!("TLS needs both a certificate and its key\nhint: give --tls-cert and --tls-key"),
    }
}

fn root(account: Option<String>, access_key_id: Option<String>, secret: Option<String>) -> Result<RootSettings> {
    if access_key_id.is_some() != secret.is_some() {
        bail!(
            "CRATON_ROOT_ACCESS_KEY_ID and CRATON_ROOT_SECRET_ACCESS_KEY belong together\n\
             hint: set both, or neither to have them made"
        );
    }
    Ok(RootSettings {
        account: account.map(|id| id.parse()).transpose()?,
        access_key_id,
        secret_access_key: secret.map(Secret::new),
    })
}

fn positive(name: &str, value: Option<u32>) -> Result<Option<u32>> {
    match value {
        Some(0) => bail!("`{name}` must be at least 1"),
        value => Ok(value),
    }
}

fn to_usize(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// Bytes of a size such as `512MiB`, `8GB` or `1048576`.
fn size(name: &str, text: &str) -> Result<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "t" | "tib" => 1 << 40,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        _ => bail!("`{text}` is not a size for `{name}`\nhint: write sizes like `512MiB` or `8GiB`"),
    };
    let number: u64 =
        digits.trim().parse().ok().with_context(|| {
            format!("`{text}` is not a size for `{name}`\nhint: write sizes like `512MiB` or `8GiB`")
        })?;
    number.checked_mul(unit).with_context(|| format!("`{text}` is too large for `{name}`"))
}

#[cfg(test)]
#[path = "settings/tests.rs"]
mod tests;
