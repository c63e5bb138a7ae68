//! The arguments of `craton demo`.

use std::path::PathBuf;

use clap::Args;

/// `craton demo`.
#[derive(Debug, Args)]
pub struct Demo {
    /// What to show [default: knowledge, then foundation]
    #[arg(value_enum)]
    pub chapter: Option<Chapter>,
    /// Leave the server running until Ctrl-C, to look at the console
    #[arg(long)]
    pub keep: bool,
    /// Folder of downloaded models
    #[arg(long, env = "CRATON_MODELS_DIR", value_name = "DIR")]
    pub models_dir: Option<PathBuf>,
    /// Models of the chapter `hub`: the one that is deployed, and one that it is compared with [default:
    /// smollm2-135m-instruct and its weights in eight bits, made on the spot]
    #[arg(long, value_name = "NAME,NAME", value_delimiter = ',', num_args = 1..=2)]
    pub models: Vec<String>,
    /// Checkpoint that the chapter `import` imports [default: the one that scripts/checkpoint/make.sh makes]
    #[arg(long, env = "CRATON_DEMO_CHECKPOINT", value_name = "DIR")]
    pub checkpoint: Option<PathBuf>,
    /// Records that the chapter `evaluation` evaluates
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub records: u16,
    /// Folder of pairs that the chapter `evaluation` uses: JSON lines or CSV (`.gz` too) with `prompt` and `completion`, or
    /// `findings` and `impression` [default: sample reports]
    #[arg(long, env = "CRATON_DEMO_PAIRS", value_name = "DIR")]
    pub pairs: Option<PathBuf>,
    /// Python with boto3 [default: one is set up in the user's cache folder]
    #[arg(long, env = "CRATON_DEMO_PYTHON", value_name = "FILE")]
    pub python: Option<PathBuf>,
}

impl Demo {
    /// The chapters that are shown, in their order.
    #[must_use]
    pub fn chapters(&self) -> &[Chapter] {
        match &self.chapter {
            Some(chapter) => std::slice::from_ref(chapter),
            None => &[Chapter::Knowledge, Chapter::Foundation],
        }
    }
}

/// A part of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Chapter {
    /// A company's handbook becomes a knowledge base: cited answers, readers that see what they may, moto beside it
    Knowledge,
    /// Models answer
    Foundation,
    /// A request is denied, explained, repaired and allowed; a backup is restored
    Permissions,
    /// A checkpoint of another account is imported, once its grants are right, and answers until its key is revoked
    Import,
    /// Prompts that begin alike, an answer of a form, a tuning of a minute, records as a batch
    Inference,
    /// A model is deployed, asked, compared with another, measured and removed
    Hub,
    /// Radiology reports become a knowledge base, a judge evaluates its answers, and rules find what contradicts the findings
    Evaluation,
}
