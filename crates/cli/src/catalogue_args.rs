//! What some of the commands on models take.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `craton models list`.
#[derive(Debug, Args)]
pub struct ListModels {
    /// Words that stand in a model's name, title, provider, description or ids
    pub search: Vec<String>,
    /// Only models for a task: chat, text-generation, tool-use, embedding
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// Only models for a language, such as `de`
    #[arg(long, value_name = "LANGUAGE")]
    pub language: Option<String>,
    /// Only models of a provider, or a part of its name
    #[arg(long, value_name = "NAME")]
    pub provider: Option<String>,
    /// Only models under a licence, or a part of its name
    #[arg(long, value_name = "NAME")]
    pub licence: Option<String>,
    /// Only models that fit the memory for models
    #[arg(long)]
    pub fits: bool,
    /// Only models in a state: not-pulled, pulling, ready, broken
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
}

/// `craton models fit`.
#[derive(Debug, Args)]
pub struct Fit {
    /// The model's name
    pub name: String,
    /// Tokens of context of each sequence; as the server's settings say, where nothing is said
    #[arg(long, value_name = "TOKENS")]
    pub context: Option<u32>,
    /// Sequences side by side; likewise
    #[arg(long, value_name = "COUNT")]
    pub slots: Option<u32>,
    /// How the cache's numbers are stored: f16, f32 or q8_0; likewise
    #[arg(long, value_name = "TYPE")]
    pub cache_type: Option<String>,
    /// Measure the machine anew, which takes some seconds: it may be busier or idler than when it was first measured
    #[arg(long)]
    pub measure: bool,
}

/// `craton models alias`.
#[derive(Debug, Subcommand)]
pub enum Alias {
    /// List which model answers which AWS id
    #[command(after_help = "Examples:\n  craton models alias list")]
    List,
    /// Let a local model or an OpenAI-compatible server answer an AWS model id
    #[command(
        after_help = "Examples:\n  craton models alias set anthropic.claude-3-haiku-20240307-v1:0 qwen2.5-7b-instruct\n  craton models alias set anthropic.claude-3-sonnet-20240229-v1:0 --upstream http://127.0.0.1:8000/v1 --upstream-model NAME"
    )]
    Set {
        /// The AWS model id
        model_id: String,
        /// Name of the local model, or `pool:NAME`
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
    #[command(after_help = "Examples:\n  craton models alias remove anthropic.claude-3-haiku-20240307-v1:0")]
    Remove {
        /// The AWS model id
        model_id: String,
    },
}
