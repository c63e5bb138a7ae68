//! The arguments of `craton batch`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `craton batch`.
#[derive(Debug, Subcommand)]
pub enum Batch {
    /// Start a batch inference job, and follow it where asked to
    ///
    /// Each line of the input is `{"recordId": …, "modelInput": {…}}`. Ctrl-C stops following; the job goes on.
    #[command(
        after_help = "Examples:\n  craton batch create --model anthropic.claude-3-haiku-20240307-v1:0 --from s3://batches/in/calls.jsonl --to s3://batches/out/ \\\n    --role-arn arn:aws:iam::111122223333:role/Batcher --wait\n  craton batch create --model smollm2-135m-instruct --from s3://batches/in/ --to s3://batches/out/ \\\n    --role-arn arn:aws:iam::111122223333:role/Batcher --type Converse --tag team=calls"
    )]
    Create(Box<Create>),
    /// Show a job: its status, its records, its tokens, the first records that failed
    #[command(
        after_help = "Examples:\n  craton batch status abc123def456\n  craton batch status abc123def456 --wait\n  craton batch status arn:aws:bedrock:us-east-1:111122223333:model-invocation-job/abc123def456 --output json"
    )]
    Status {
        /// The job's id or ARN
        job: String,
        /// Follow it to its end; exit status 1 where it fails
        #[arg(long)]
        wait: bool,
    },
    /// List jobs, the latest first
    #[command(
        after_help = "Examples:\n  craton batch list\n  craton batch list --status Completed --name calls\n  craton batch list --after 2026-05-01 --before 2026-06-01 --oldest-first"
    )]
    List(ListJobs),
    /// Stop a job; what was answered is written to its output
    #[command(after_help = "Examples:\n  craton batch stop abc123def456")]
    Stop {
        /// The job's id or ARN
        job: String,
    },
    /// Print the results of a job, or save them in a folder
    #[command(
        after_help = "Examples:\n  craton batch results abc123def456\n  craton batch results abc123def456 --errors\n  craton batch results abc123def456 --to results/"
    )]
    Results {
        /// The job's id or ARN
        job: String,
        /// Folder for one file of results for each file of the input
        #[arg(long, value_name = "FOLDER")]
        to: Option<PathBuf>,
        /// Only the records that failed
        #[arg(long)]
        errors: bool,
    },
}

/// `craton batch list`.
#[derive(Debug, Args)]
pub struct ListJobs {
    /// Only jobs in this state
    #[arg(long, value_enum, value_name = "STATUS")]
    pub status: Option<Status>,
    /// Only jobs whose name has this in it
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// Only jobs that were started after this: 2026-05-01, or 2026-05-01T08:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub after: Option<String>,
    /// Only jobs that were started before this
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub before: Option<String>,
    /// The oldest first
    #[arg(long)]
    pub oldest_first: bool,
}

/// `craton batch create`.
#[derive(Debug, Args)]
pub struct Create {
    /// Model id, ARN or inference profile
    #[arg(long, value_name = "ID")]
    pub model: String,
    /// A .jsonl file, or a folder of such files
    #[arg(long, value_name = "s3://BUCKET/PREFIX", value_parser = bucket)]
    pub from: String,
    /// The folder for the results, which lie in a folder of the job's id there
    #[arg(long, value_name = "s3://BUCKET/PREFIX/", value_parser = bucket)]
    pub to: String,
    /// The role that reads the input and writes the results; it trusts bedrock.amazonaws.com
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// Which operation's body the records have
    #[arg(long = "type", value_enum, ignore_case = true, default_value_t = Type::InvokeModel)]
    pub kind: Type,
    /// Name of the job [default: the model's name and the time]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Account that the input's bucket belongs to; another one's is refused
    #[arg(long, value_name = "ACCOUNT")]
    pub from_owner: Option<String>,
    /// Account that the results' bucket belongs to; another one's is refused
    #[arg(long, value_name = "ACCOUNT")]
    pub to_owner: Option<String>,
    /// KMS key to encrypt the results under: id, ARN or alias [default: the bucket's own]
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    /// Hours after which the job ends with what it has
    #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(24..=168))]
    pub timeout: Option<u32>,
    /// A tag of the job; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub tag: Vec<(String, String)>,
    /// Makes the same command again the same job and not another one
    #[arg(long, value_name = "TEXT")]
    pub request_token: Option<String>,
    /// Follow the job to its end; exit status 1 where it fails
    #[arg(long)]
    pub wait: bool,
}

/// Which operation's body records have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Type {
    /// The body of the model's vendor.
    #[value(name = "InvokeModel")]
    InvokeModel,
    /// Converse's.
    #[value(name = "Converse")]
    Converse,
}

impl Type {
    /// As AWS writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InvokeModel => "InvokeModel",
            Self::Converse => "Converse",
        }
    }
}

macro_rules! statuses {
    ($($name:ident),*) => {
        /// Where a job stands.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        #[allow(missing_docs)]
        pub enum Status {
            $(#[value(name = stringify!($name))] $name,)*
        }

        impl Status {
            /// As AWS writes it.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

statuses!(
    Submitted,
    Validating,
    Scheduled,
    InProgress,
    Completed,
    PartiallyCompleted,
    Failed,
    Stopping,
    Stopped,
    Expired
);

fn bucket(text: &str) -> Result<String, String> {
    match text.strip_prefix("s3://") {
        Some(rest) if !rest.trim_start_matches('/').is_empty() => Ok(text.to_owned()),
        _ => Err("a batch lies in a bucket: s3://BUCKET/PREFIX/".to_owned()),
    }
}

/// A date stands for its beginning in UTC.
fn moment(text: &str) -> Result<String, String> {
    let is_of = |pattern: &str, text: &str| {
        let fits = |(known, c): (char, char)| if known == '0' { c.is_ascii_digit() } else { known == c };
        pattern.len() == text.len() && pattern.chars().zip(text.chars()).all(fits)
    };
    if is_of("0000-00-00", text) {
        return Ok(format!("{text}T00:00:00Z"));
    }
    match is_of("0000-00-00T00:00:00Z", text) {
        true => Ok(text.to_owned()),
        false => Err("a time is 2026-05-01 or 2026-05-01T08:00:00Z".to_owned()),
    }
}

/// `KEY=VALUE`.
pub(crate) fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is KEY=VALUE".to_owned()),
    }
}
