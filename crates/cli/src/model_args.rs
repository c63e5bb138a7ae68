//! The commands about pools, profiles, quantization and tuning.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `craton models profile`.
#[derive(Debug, Subcommand)]
pub enum Profile {
    /// List the account's own inference profiles and those that are routed
    #[command(after_help = "Examples:\n  craton models profile list\n  craton models profile list --all")]
    List {
        /// AWS's own, too
        #[arg(long)]
        all: bool,
    },
    /// Make an application profile of a model or of one of AWS's profiles
    ///
    /// It answers by its id and its ARN, has tags of its own, and is sent where the profile is sent that it was made of until it
    /// is routed itself.
    #[command(
        after_help = "Examples:\n  craton models profile create support --from anthropic.claude-3-haiku-20240307-v1:0\n  craton models profile create nightly --from us.anthropic.claude-3-haiku-20240307-v1:0 --tag team=reports"
    )]
    Create {
        /// Name for people
        name: String,
        /// The model's or the profile's id or ARN
        #[arg(long, value_name = "ID|ARN")]
        from: String,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// A tag of the profile; may be given again
        #[arg(long, value_name = "KEY=VALUE", value_parser = crate::batch_args::tag)]
        tag: Vec<(String, String)>,
    },
    /// Delete an application profile with its routing
    #[command(after_help = "Examples:\n  craton models profile delete abc123def456")]
    Delete {
        /// The profile's id or ARN
        id: String,
    },
    /// Show a profile: its models, where its requests are sent, and whether anybody answers there
    #[command(after_help = "Examples:\n  craton models profile show us.anthropic.claude-3-haiku-20240307-v1:0")]
    Show {
        /// The profile's id or ARN
        id: String,
    },
    /// Send a profile's requests to these targets, each where the one before does not answer
    #[command(
        after_help = "Examples:\n  craton models profile route us.anthropic.claude-3-haiku-20240307-v1:0 --to us-1=pool:east --to us-2=pool:west --to here=smollm2-135m-instruct\n  craton models profile route ID --weighted --to a=pool:big,weight=3 --to b=pool:small"
    )]
    Route {
        /// The profile's id or ARN
        id: String,
        /// A region in your own words, and what answers there: `pool:NAME`, a local model or another model id
        #[arg(long = "to", value_name = "REGION=TARGET[,weight=N]", required = true)]
        targets: Vec<String>,
        /// Draw the first target of each request by the weights
        #[arg(long)]
        weighted: bool,
    },
    /// Let what answers for a profile's model answer for the profile again
    #[command(after_help = "Examples:\n  craton models profile unroute us.anthropic.claude-3-haiku-20240307-v1:0")]
    Unroute {
        /// The profile's id or ARN
        id: String,
    },
}

/// `craton models pool`.
#[derive(Debug, Subcommand)]
pub enum Pool {
    /// List the pools
    #[command(after_help = "Examples:\n  craton models pool list")]
    List,
    /// Show a pool's members and what they are doing
    #[command(after_help = "Examples:\n  craton models pool show chat")]
    Show {
        /// The pool's name
        name: String,
    },
    /// Make a pool, or change one: its members are those that are given
    #[command(
        after_help = "Examples:\n  craton models pool set chat --member http://gpu-1:8000/v1=qwen --member http://gpu-2:8000/v1=qwen,weight=2,region=eu\n  craton models pool set chat --member https://host/v1=qwen,key-file=key.txt,max=32 --queue 200"
    )]
    Set {
        /// The pool's name
        name: String,
        /// A server and its name of the model, then, where wanted, `weight=N`, `max=N` (requests at once), `region=NAME`
        /// and `key-file=FILE` or `no-key`; without either of these a member that is there keeps its key
        #[arg(long = "member", value_name = "URL=MODEL[,…]", required = true)]
        members: Vec<String>,
        /// The most requests of an account that wait while every member has as many as it takes
        #[arg(long, value_name = "N")]
        queue: Option<u32>,
    },
    /// Remove a pool
    #[command(after_help = "Examples:\n  craton models pool remove chat")]
    Remove {
        /// The pool's name
        name: String,
    },
}

/// `craton models quantize`.
#[derive(Debug, Args)]
pub struct Quantize {
    /// The model's name: a GGUF file whose weights are in F16, BF16 or F32
    pub model: String,
    /// The type: q8_0, q6_k, q5_k_m, q5_k_s, q4_k_m, q4_k_s, or f16
    #[arg(long, value_name = "TYPE")]
    pub to: String,
    /// What it may cost at most [default: the type's own bound]
    #[arg(long, value_name = "labels=N,argmax=N,perplexity=N")]
    pub bound: Option<String>,
    /// Name of the new model [default: MODEL-TYPE]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Label tasks in place of the fixed ones: a line is {"text": "…", "labels": ["…", "…"]}
    #[arg(long, value_name = "FILE.jsonl")]
    pub tasks: Option<PathBuf>,
    /// Pack weights again that are quantized already
    #[arg(long)]
    pub allow_requantize: bool,
    /// Only start the job
    #[arg(long)]
    pub no_wait: bool,
}

/// `craton models tune`.
#[derive(Debug, Args)]
pub struct Tune {
    /// The model's name
    pub model: String,
    /// What the answers must keep to: p50, p95 and first-token (the 95th percentile of the first token's time)
    #[arg(long, value_name = "p95=300ms[,…]")]
    pub slo: String,
    /// What is asked: one of these shapes, or lines of {"prompt": "…", "max_tokens": N}, or with `messages`
    #[arg(long, value_name = "chat|moderation|judge|embed|FILE.jsonl")]
    pub workload: String,
    /// How long is measured, with warming up; on slow machines up to half as long again, and loading the model comes on top
    #[arg(long, value_name = "N", default_value_t = 5.0)]
    pub minutes: f64,
    /// Clients that ask at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub clients: u32,
    /// Tokens of context that a request must keep; less than the settings' own is tried then
    #[arg(long, value_name = "TOKENS")]
    pub min_context: Option<u32>,
    /// Most tokens of any answer, if answers may be bounded: static batches are tried then
    #[arg(long, value_name = "TOKENS")]
    pub bounded_answers: Option<u32>,
    /// Try the model's quantizations in the library, too: answers may then come from fewer bits
    #[arg(long)]
    pub quantized: bool,
    /// Try what changes answers a little, too: `kv-q8_0` rounds the caches to eight bits
    #[arg(long, value_name = "WHAT")]
    pub allow: Vec<Allowed>,
    /// Price of this machine by the hour, to tell what 1,000 requests cost
    #[arg(long, value_name = "N")]
    pub price_per_hour: Option<f64>,
    /// Only start the job
    #[arg(long)]
    pub no_wait: bool,
}

/// What a tuning may change about answers, beside the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Allowed {
    /// Caches of eight bits.
    #[value(name = "kv-q8_0")]
    KvQ8,
}

impl Allowed {
    /// As Craton's API calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::KvQ8 => "kv-q8_0",
        }
    }
}

/// `craton models tuning`.
#[derive(Debug, Subcommand)]
pub enum Tuning {
    /// Show how a model is loaded, and the report of its latest tuning
    #[command(
        after_help = "Examples:\n  craton models tuning show smollm2-135m-instruct\n  craton models tuning show smollm2-135m-instruct --job 01234567-89ab-7cde-8f01-23456789abcd"
    )]
    Show {
        /// The model's name
        model: String,
        /// The report of this tuning instead: the id of its job
        #[arg(long, value_name = "ID")]
        job: Option<String>,
    },
    /// Load a model as the server's settings say again
    #[command(after_help = "Examples:\n  craton models tuning reset smollm2-135m-instruct")]
    Reset {
        /// The model's name
        model: String,
    },
}
