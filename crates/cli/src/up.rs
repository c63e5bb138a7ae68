//! The arguments of `craton up`. The server resolves them with `craton.toml` into its settings.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where and how the server runs. What is not given here comes from `craton.toml`, then from the defaults.
#[derive(Debug, Clone, Default, Args)]
pub struct UpArgs {
    /// Settings file [default: `craton.toml` in the working directory, where there is one]
    #[arg(long, env = "CRATON_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder for everything that must be kept. An option of every command, so it is not parsed here.
    #[arg(skip)]
    pub data_dir: Option<PathBuf>,
    /// Address and port to serve; port 0 picks a free one [default: 127.0.0.1:4566]
    #[arg(long, env = "CRATON_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
    /// Folder of downloaded models, shared by all data folders [default: the user's data folder]
    #[arg(long, env = "CRATON_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// The root key.
    #[command(flatten)]
    pub root_key: RootKeyArgs,
    /// PostgreSQL instead of the embedded SQLite, as `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, env = "CRATON_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// PostgreSQL with pgvector for the search indexes of knowledge bases, instead of the data folder
    #[arg(long, env = "CRATON_VECTOR_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub vector_database_url: Option<String>,
    /// Where objects are stored instead of the data folder: `s3://BUCKET/PREFIX`, `gs://…`, `az://…` or `file:///FOLDER`
    #[arg(long, env = "CRATON_OBJECT_STORE_URL", value_name = "URL", hide_env_values = true)]
    pub object_store_url: Option<String>,
    /// Take the objects over from a deployment that is gone for good, after a restore of its backup
    #[arg(long)]
    pub claim_object_store: bool,
    /// Domain under which names are S3 buckets, as in `BUCKET.s3.example.com` [default: `localhost` alone]
    #[arg(long, env = "CRATON_S3_DOMAIN", value_name = "DOMAIN")]
    pub s3_domain: Option<String>,
    /// Region of requests that name none [default: us-east-1]
    #[arg(long, env = "CRATON_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// Refuse AWS model ids that another local model would answer
    #[arg(long, env = "CRATON_STRICT_ALIASES", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub strict_aliases: Option<bool>,
    /// What all imported models must keep to against their weights as they came: such as `labels=0.97`, `default` for each
    /// type's own bound, or `none` [default: each type's own, unless an import asks for another]
    #[arg(long, env = "CRATON_IMPORT_BOUND", value_name = "BOUND")]
    pub import_bound: Option<String>,
    /// Most memory for loaded models, such as `8GiB` [default: 70 % of the machine's]
    #[arg(long, env = "CRATON_MEMORY_BUDGET", value_name = "SIZE")]
    pub memory_budget: Option<String>,
    /// Most threads that process prompts; fewer are used beside busy programs [default: all cores]
    #[arg(long, env = "CRATON_PREFILL_THREADS", value_name = "N")]
    pub prefill_threads: Option<u32>,
    /// Most threads that generate; fewer are used beside busy programs [default: all cores]
    #[arg(long, env = "CRATON_DECODE_THREADS", value_name = "N")]
    pub decode_threads: Option<u32>,
    /// Requests that one model answers at the same time [default: 8]
    #[arg(long, env = "CRATON_PARALLEL", value_name = "N")]
    pub parallel: Option<u32>,
    /// Tokens that one request may use at most, prompt and answer together [default: 4096, or the model's limit]
    #[arg(long, env = "CRATON_CONTEXT", value_name = "TOKENS")]
    pub context: Option<u32>,
    /// Requests that wait for one model before more are turned away [default: 64]
    #[arg(long, env = "CRATON_QUEUE", value_name = "N")]
    pub queue: Option<usize>,
    /// Layers of a model that a GPU computes, in a build that has one [default: all]
    #[arg(long, env = "CRATON_GPU_LAYERS", value_name = "N")]
    pub gpu_layers: Option<u32>,
    /// How requests come together: `continuous`, or `static` for many short ones of one shape [default: continuous]
    #[arg(long, env = "CRATON_BATCHING", value_name = "MODE", help_heading = "Engines")]
    pub batching: Option<String>,
    /// Requests of a static batch [default: as many as --parallel]
    #[arg(long, env = "CRATON_STATIC_SIZE", value_name = "N", help_heading = "Engines")]
    pub static_size: Option<u32>,
    /// Milliseconds that a static batch waits to be full [default: 20]
    #[arg(long, env = "CRATON_STATIC_WAIT", value_name = "MS", help_heading = "Engines")]
    pub static_wait: Option<u64>,
    /// Most tokens of any answer of a static batch; it needs one
    #[arg(long, env = "CRATON_STATIC_MAX_TOKENS", value_name = "TOKENS", help_heading = "Engines")]
    pub static_max_tokens: Option<u32>,
    /// Engines that serve one model side by side; they share its weights and nothing else [default: one, or one a core set]
    #[arg(long, env = "CRATON_REPLICAS", value_name = "N", help_heading = "Engines")]
    pub replicas: Option<u32>,
    /// Cores of each replica, as `0-3:4-7` for two; Linux only [default: wherever the system likes]
    #[arg(long, env = "CRATON_CORES", value_name = "SETS", help_heading = "Engines")]
    pub cores: Option<String>,
    /// Numbers of the cache: `f16`, `f32`, or `q8_0` for half the memory [default: f16]
    #[arg(long, env = "CRATON_CACHE_TYPE", value_name = "TYPE", help_heading = "Engines")]
    pub cache_type: Option<String>,
    /// Whether attention is computed in one pass [default: by the model's size]
    #[arg(long, env = "CRATON_ONE_PASS_ATTENTION", value_name = "BOOL", help_heading = "Engines")]
    pub one_pass_attention: Option<bool>,
    /// Most memory of each model for beginnings of prompts, such as `2GiB`; 0 keeps none [default: 1GiB]
    #[arg(long, env = "CRATON_PREFIX_CACHE", value_name = "SIZE", help_heading = "Engines")]
    pub prefix_cache: Option<String>,
    /// Keep beginnings of prompts that are used again on disk, encrypted, so that they survive restarts [default: false]
    #[arg(long, env = "CRATON_PREFIX_SNAPSHOTS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", help_heading = "Engines")]
    pub prefix_snapshots: Option<bool>,
    /// Most disk space for them, of all models and accounts together [default: 2GiB]
    #[arg(long, env = "CRATON_PREFIX_SNAPSHOTS_SIZE", value_name = "SIZE", help_heading = "Engines")]
    pub prefix_snapshots_size: Option<String>,
    /// Tokens of the buffer that requests share which begin alike; 0 shares none [default: 8192]
    #[arg(long, env = "CRATON_SHARED_CELLS", value_name = "TOKENS", help_heading = "Engines")]
    pub shared_cells: Option<u32>,
    /// How a model is cut for several GPUs: `none`, `layer` or `row`; only in a build with GPUs [default: layer]
    #[arg(long, env = "CRATON_GPU_SPLIT", value_name = "SPLIT", help_heading = "Engines")]
    pub gpu_split: Option<String>,
    /// GPU of a model that is not cut; only in a build with GPUs [default: 0]
    #[arg(long, env = "CRATON_MAIN_GPU", value_name = "N", help_heading = "Engines")]
    pub main_gpu: Option<u32>,
    /// Shares of the GPUs in a model, as `3,1`; only in a build with GPUs [default: by their free memory]
    #[arg(long, env = "CRATON_GPU_SHARES", value_name = "SHARES", help_heading = "Engines")]
    pub gpu_shares: Option<String>,
    /// GPU of each replica, as `0,1`: each has the whole model there; only in a build with GPUs [default: as the split says]
    #[arg(long, env = "CRATON_REPLICA_GPUS", value_name = "GPUS", help_heading = "Engines")]
    pub replica_gpus: Option<String>,
    /// What each account may ask of each model, as `requests=60,tokens=20000,running=4`, the first two a minute
    /// [default: no limit]
    #[arg(long, env = "CRATON_QUOTA", value_name = "QUOTA", help_heading = "Engines")]
    pub quota: Option<String>,
    /// Largest request body, such as `64MiB` [default: 25MiB]
    #[arg(long, env = "CRATON_MAX_BODY", value_name = "SIZE")]
    pub max_body: Option<String>,
    /// Largest request head, such as `64KiB` [default: 64KiB]
    #[arg(long, env = "CRATON_MAX_HEADERS", value_name = "SIZE")]
    pub max_headers: Option<String>,
    /// Requests that are served at the same time [default: 1024]
    #[arg(long, env = "CRATON_MAX_CONCURRENT_REQUESTS", value_name = "N")]
    pub max_concurrent_requests: Option<usize>,
    /// Seconds until a request that has not begun to answer is ended [default: 900]
    #[arg(long, env = "CRATON_REQUEST_TIMEOUT", value_name = "SECONDS")]
    pub request_timeout: Option<u64>,
    /// Seconds that running requests get to finish at shutdown [default: 30]
    #[arg(long, env = "CRATON_SHUTDOWN_GRACE", value_name = "SECONDS")]
    pub shutdown_grace: Option<u64>,
    /// Serve TLS with a certificate made by Craton, kept under the data folder
    #[arg(long, env = "CRATON_TLS_SELF_SIGNED", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub tls_self_signed: Option<bool>,
    /// Serve TLS with this certificate chain (PEM)
    #[arg(long, env = "CRATON_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate (PEM)
    #[arg(long, env = "CRATON_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
    /// Listen beyond this machine without TLS
    #[arg(long, env = "CRATON_ALLOW_PLAIN_REMOTE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub allow_plain_remote: Option<bool>,
    /// Let OpenID Connect providers be inside the server's own network, or be reached without TLS
    #[arg(long, env = "CRATON_ALLOW_PRIVATE_ISSUERS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub allow_private_issuers: Option<bool>,
    /// What answers: models, or a deterministic fake for tests of your own code
    #[arg(long, env = "CRATON_ENGINE", value_name = "ENGINE")]
    pub engine: Option<EngineChoice>,
    /// Format of the log on standard error [default: text]
    #[arg(long, env = "CRATON_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// What is logged, such as `info` or `models=debug,info` [default: info, warnings of llama.cpp]
    #[arg(long, env = "CRATON_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Account made at first start [default: a random one]
    #[arg(long, env = "CRATON_ROOT_ACCOUNT_ID", value_name = "ID", hide = true)]
    pub root_account_id: Option<String>,
    /// Access key id of that account's administrator
    #[arg(long, env = "CRATON_ROOT_ACCESS_KEY_ID", value_name = "ID", hide = true)]
    pub root_access_key_id: Option<String>,
    /// Secret of that access key. Not an argument, so that it never shows in a list of processes.
    #[arg(skip)]
    pub root_secret_access_key: Option<String>,
}

/// Where the root key is, which opens everything that is sealed. At most one of them.
#[derive(Debug, Clone, Default, Args)]
pub struct RootKeyArgs {
    /// File of the root key, made at the first start [default: `root.key` in the data folder]
    #[arg(long, env = "CRATON_ROOT_KEY_FILE", value_name = "FILE", help_heading = "Root key")]
    pub root_key_file: Option<PathBuf>,
    /// File with a passphrase that the root key is made of; CRATON_ROOT_KEY_PASSPHRASE may hold the passphrase itself
    #[arg(long, env = "CRATON_ROOT_KEY_PASSPHRASE_FILE", value_name = "FILE", help_heading = "Root key")]
    pub root_key_passphrase_file: Option<PathBuf>,
    /// Shell command that prints the root key: 32 bytes, in hexadecimal, in base64 or as they are
    #[arg(long, env = "CRATON_ROOT_KEY_COMMAND", value_name = "COMMAND", help_heading = "Root key")]
    pub root_key_command: Option<String>,
    /// The passphrase. Not an argument, so that it never shows in a list of processes.
    #[arg(skip)]
    pub root_key_passphrase: Option<String>,
}

/// `craton root-key rotate`: the root key now, and the one from now on.
#[derive(Debug, Clone, Default, Args)]
pub struct RotateArgs {
    /// Settings file [default: `craton.toml` in the working directory, where there is one]
    #[arg(long, env = "CRATON_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The server's data folder. An option of every command, so it is not parsed here.
    #[arg(skip)]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL instead of the embedded SQLite, as the server has it
    #[arg(long, env = "CRATON_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// The root key as it is.
    #[command(flatten)]
    pub root_key: RootKeyArgs,
    /// File that gets a new random key [default: the one that holds the key now]
    #[arg(long, value_name = "FILE", help_heading = "New root key")]
    pub new_key_file: Option<PathBuf>,
    /// File with a passphrase that the new key is made of; CRATON_NEW_ROOT_KEY_PASSPHRASE may hold the passphrase itself
    #[arg(long, value_name = "FILE", help_heading = "New root key")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Shell command that prints the new key
    #[arg(long, value_name = "COMMAND", help_heading = "New root key")]
    pub new_key_command: Option<String>,
    /// The new passphrase. Not an argument, so that it never shows in a list of processes.
    #[arg(skip)]
    pub new_passphrase: Option<String>,
}

/// `craton backup restore`.
#[derive(Debug, Clone, Default, Args)]
pub struct RestoreArgs {
    /// The backup's folder
    pub path: PathBuf,
    /// Settings file [default: `craton.toml` in the working directory, where there is one]
    #[arg(long, env = "CRATON_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data folder to make: absent or empty. An option of every command, so it is not parsed here.
    #[arg(skip)]
    pub data_dir: Option<PathBuf>,
    /// Empty PostgreSQL database that gets the rows, instead of SQLite in the data folder
    #[arg(long, env = "CRATON_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,
}

/// What answers requests to models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// Models run.
    Native,
    /// Deterministic made-up answers, said so in every answer's header.
    Fake,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
