//! The arguments of `craton score`.

use clap::Args;

use crate::chat_args::Priority;

/// `craton score`.
#[derive(Debug, Args)]
pub struct Score {
    /// Model id or name
    pub model: String,
    /// What the continuations follow, as it stands
    #[arg(long, conflicts_with = "message", required_unless_present = "message")]
    pub prompt: Option<String>,
    /// A question to a chat model, put into its own template: the continuations are its answers
    #[arg(long)]
    pub message: Option<String>,
    /// System prompt before the message
    #[arg(long, requires = "message")]
    pub system: Option<String>,
    /// By what a log probability is divided before they are compared: none, tokens or bytes; or choices: how likely the model
    /// writes each where it has to write one of them, of which no more is read than tells them apart
    #[arg(long, value_name = "BY", default_value = "none", value_parser = ["none", "tokens", "bytes", "choices"])]
    pub normalize: String,
    /// Tell only which is the likeliest, and read the others no further than is needed for it
    #[arg(long)]
    pub best_only: bool,
    /// Who is served first [default: normal]
    #[arg(long, value_enum, value_name = "PRIORITY")]
    pub priority: Option<Priority>,
    /// Give scores that depend on nothing that runs beside them or ran before
    #[arg(long)]
    pub deterministic: bool,
    /// What may follow; after a prompt as it stands, a word often begins with a blank
    #[arg(required = true)]
    pub continuations: Vec<String>,
}
