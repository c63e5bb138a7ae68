//! What can be typed after `craton quotas` and `craton requests`.

use clap::{Args, Subcommand};

/// `craton quotas`.
#[derive(Debug, Subcommand)]
pub enum Quotas {
    /// List the quotas that were set, and what accounts used of theirs
    #[command(after_help = "Examples:\n  craton quotas list\n  craton quotas list --output json")]
    List,
    /// Set what an account may ask, in place of what was set before; it counts at once
    ///
    /// A limit that is not given is none. Without --model the quota holds for each model that has no quota of its own: two
    /// models share no count.
    #[command(
        after_help = "Examples:\n  craton quotas set 111122223333 --requests 60 --tokens 20000\n  craton quotas set 111122223333 --model anthropic.claude-3-haiku-20240307-v1:0 --requests 600 --running 4\n  craton quotas set 111122223333 --unlimited"
    )]
    Set(SetQuota),
    /// Go back to what held before a quota was set
    #[command(
        after_help = "Examples:\n  craton quotas reset 111122223333\n  craton quotas reset 111122223333 --model anthropic.claude-3-haiku-20240307-v1:0"
    )]
    Reset {
        /// The account
        account_id: String,
        /// The model whose quota is removed [default: the one for the account's other models]
        #[arg(long, value_name = "ID")]
        model: Option<String>,
    },
}

/// `craton quotas set`.
#[derive(Debug, Args)]
#[command(group(clap::ArgGroup::new("limits").required(true).multiple(true)))]
pub struct SetQuota {
    /// The account
    pub account_id: String,
    /// The model that the quota is for [default: each that has none of its own]
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// Requests a minute
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), group = "limits")]
    pub requests: Option<u32>,
    /// Tokens a minute, read and written
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), group = "limits")]
    pub tokens: Option<u32>,
    /// Requests at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), group = "limits")]
    pub running: Option<u32>,
    /// No limit at all, whatever the server's settings say
    #[arg(long, conflicts_with_all = ["requests", "tokens", "running"], group = "limits")]
    pub unlimited: bool,
}

/// `craton requests`.
#[derive(Debug, Args)]
pub struct Requests {
    /// How many, the latest first; up to 1000
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub limit: u32,
}
