//! What can be typed after `craton import`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `craton import`.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Check, import a checkpoint of a bucket, and follow the job to its end
    ///
    /// The checks say what is missing on which side before a job is started. Ctrl-C stops following; the job goes on.
    #[command(
        after_help = "Examples:\n  craton import create --model-name mistral --from s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer\n  craton import create --model-name mistral --from s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer \\\n    --kms-key alias/imported --quantization Q8_0 --bound labels=0.97 --tag team=hosting --no-wait"
    )]
    Create(Box<Create>),
    /// Show an import job: its stage, its bytes, what was found in the checkpoint
    #[command(
        after_help = "Examples:\n  craton import status mistral-job\n  craton import status mistral-job --watch\n  craton import status arn:aws:bedrock:us-east-1:777788889999:model-import-job/abc123def456 --output json"
    )]
    Status {
        /// The job's name, id or ARN
        job: String,
        /// Follow it to its end; exit status 1 where it fails
        #[arg(long)]
        watch: bool,
    },
    /// List import jobs, the latest first
    #[command(after_help = "Examples:\n  craton import list\n  craton import list --status Failed")]
    List {
        /// Only jobs in this state
        #[arg(long, value_enum, value_name = "STATUS")]
        status: Option<Status>,
    },
    /// Cancel an import job; nothing is left of its model
    #[command(after_help = "Examples:\n  craton import cancel mistral-job")]
    Cancel {
        /// The job's name, id or ARN
        job: String,
    },
    /// Say what keeps a checkpoint from being imported, with file and fix, and how large it becomes
    ///
    /// A folder of this machine is examined here, without a server. A checkpoint in a bucket is examined by the server as the
    /// role, after its permissions. Nothing is copied or stored.
    #[command(
        after_help = "Examples:\n  craton import doctor ./mistral-7b\n  craton import doctor ./mistral-7b --quantization Q4_K_M --output json\n  craton import doctor s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer"
    )]
    Doctor(Doctor),
    /// Print the policies that each side needs, with the AWS CLI's command for each
    #[command(
        after_help = "Examples:\n  craton import policies --from s3://artifacts/mistral/ --role-arn arn:aws:iam::777788889999:role/Importer \\\n    --source-account 111122223333 --source-kms-key arn:aws:kms:us-east-1:111122223333:key/1234\n  craton import policies --from s3://artifacts/m/ --role-arn arn:aws:iam::777788889999:role/Importer --source-account 111122223333"
    )]
    Policies(Policies),
    /// List imported models, or show one with its card and its quality
    #[command(
        after_help = "Examples:\n  craton import models\n  craton import models mistral\n  craton import models mistral --output json"
    )]
    Models {
        /// The model's name, id or ARN
        model: Option<String>,
    },
    /// Delete an imported model and its bytes
    #[command(after_help = "Examples:\n  craton import delete mistral\n  craton import delete mistral --yes")]
    Delete {
        /// The model's name, id or ARN
        model: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `craton import create`.
#[derive(Debug, Args)]
pub struct Create {
    /// Name of the model, unique in the account
    #[arg(long, value_name = "NAME")]
    pub model_name: String,
    /// The folder that holds config.json, the tokenizer and the weights
    #[arg(long, value_name = "s3://BUCKET/PREFIX/", value_parser = bucket)]
    pub from: String,
    /// The role that reads the checkpoint and uses the keys; it trusts bedrock.amazonaws.com
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// Name of the job, unique in the account [default: the model's name and the time]
    #[arg(long, value_name = "NAME")]
    pub job_name: Option<String>,
    /// KMS key to encrypt the imported model under: id, ARN or alias [default: Craton's own]
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    /// How the weights are kept
    #[arg(long, value_enum, ignore_case = true, default_value_t = Quantization::F16)]
    pub quantization: Quantization,
    /// What the model must keep to against its weights as they came, at the worse end of each interval; `none` only measures
    /// [default: the type's own, see docs/quantization.md]
    #[arg(long, value_name = "labels=0.97,argmax=0.9,perplexity=1.02")]
    pub bound: Option<String>,
    /// A tag of the job; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub tag: Vec<(String, String)>,
    /// A tag of the model; may be given again
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    pub model_tag: Vec<(String, String)>,
    /// Only start the job
    #[arg(long)]
    pub no_wait: bool,
    /// Start the job without looking first whether it can succeed
    #[arg(long)]
    pub skip_checks: bool,
}

/// `craton import doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A folder of this machine, or s3://BUCKET/PREFIX/
    #[arg(value_name = "PATH")]
    pub place: String,
    /// The role that would read the bucket
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// KMS key that the imported model would be encrypted under
    #[arg(long, value_name = "KEY", requires = "role_arn")]
    pub kms_key: Option<String>,
    /// How the weights would be kept
    #[arg(long, value_enum, ignore_case = true, default_value_t = Quantization::F16)]
    pub quantization: Quantization,
}

impl Doctor {
    /// The folder, where it is one of this machine.
    pub(crate) fn folder(&self) -> Option<PathBuf> {
        (!self.place.starts_with("s3://")).then(|| PathBuf::from(&self.place))
    }
}

/// `craton import policies`.
#[derive(Debug, Args)]
pub struct Policies {
    /// The folder of the checkpoint
    #[arg(long, value_name = "s3://BUCKET/PREFIX/", value_parser = bucket)]
    pub from: String,
    /// The role that the import will use; it need not exist yet
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// The account that owns the bucket
    #[arg(long, value_name = "ID")]
    pub source_account: String,
    /// ARN of the KMS key that the checkpoint is encrypted under
    #[arg(long, value_name = "ARN")]
    pub source_kms_key: Option<String>,
    /// ARN of the KMS key that the imported model is encrypted under
    #[arg(long, value_name = "ARN")]
    pub kms_key: Option<String>,
}

/// How the weights of an imported model are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Quantization {
    /// Half precision.
    #[value(name = "F16")]
    F16,
    /// Eight-bit integers: about half of F16.
    #[value(name = "Q8_0")]
    Q8,
    /// Mostly four bits: about a third of F16.
    #[value(name = "Q4_K_M")]
    Q4,
}

impl Quantization {
    /// Its name, as requests have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::Q8 => "Q8_0",
            Self::Q4 => "Q4_K_M",
        }
    }
}

/// Where an import job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs)]
pub enum Status {
    #[value(name = "InProgress")]
    InProgress,
    #[value(name = "Completed")]
    Completed,
    #[value(name = "Failed")]
    Failed,
}

impl Status {
    /// As AWS writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
        }
    }
}

fn bucket(text: &str) -> Result<String, String> {
    match text.strip_prefix("s3://") {
        Some(rest) if !rest.trim_start_matches('/').is_empty() => Ok(text.to_owned()),
        _ => Err("a checkpoint is imported from a bucket: s3://BUCKET/PREFIX/".to_owned()),
    }
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn parsed(line: &str) -> Result<Import, String> {
        match Cli::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())?.command {
            Command::Import(import) => Ok(import),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_import_is_read_with_its_tags_and_its_quantization() {
        let line = "craton import create --model-name m --from s3://b/p/ --role-arn r --quantization q8_0 --bound none --tag a=b=c --tag d= \
                    --model-tag e=f";
        let Import::Create(create) = parsed(line).unwrap() else { panic!() };
        assert_eq!((create.quantization.name(), create.bound.as_deref()), ("Q8_0", Some("none")));
        assert_eq!(create.tag, [("a".to_owned(), "b=c".to_owned()), ("d".to_owned(), String::new())]);
        assert_eq!(create.model_tag, [("e".to_owned(), "f".to_owned())]);
        assert!(!create.no_wait && !create.skip_checks && create.job_name.is_none() && create.kms_key.is_none());
    }

    #[test]
    fn what_cannot_be_imported_is_refused_before_anything_is_asked() {
        let create = |more: &str| format!("craton import create --model-name m --role-arn r {more}");
        for (more, says) in [
            ("--from ./folder", "s3://BUCKET/PREFIX/"),
            ("--from s3://", "s3://BUCKET/PREFIX/"),
            ("--from s3://b/ --tag x", "KEY=VALUE"),
            ("--from s3://b/ --quantization Q2_K", "F16, Q8_0, Q4_K_M"),
            ("", "--from"),
        ] {
            let error = parsed(&create(more)).unwrap_err();
            assert!(error.contains(says), "{more}: {error}");
        }
        let error = parsed("craton import doctor ./m --kms-key k").unwrap_err();
        assert!(error.contains("--role-arn"), "{error}");
    }

    #[test]
    fn quantizations_are_called_as_they_are_typed() {
        for quantization in Quantization::value_variants() {
            assert_eq!(quantization.to_possible_value().unwrap().get_name(), quantization.name());
        }
        for status in Status::value_variants() {
            assert_eq!(status.to_possible_value().unwrap().get_name(), status.name());
        }
    }
}
