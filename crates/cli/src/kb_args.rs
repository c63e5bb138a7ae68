//! The arguments of `craton kb`.

use clap::{Args, Subcommand, ValueEnum};

/// `craton kb`.
#[derive(Debug, Subcommand)]
pub enum Kb {
    /// Make a knowledge base over the objects of a bucket, and read them in
    ///
    /// Without --role-arn a role is made, or used again, that may read the bucket, decrypt with its key, and use the embedding model.
    #[command(
        after_help = "Examples:\n  craton kb create handbook --from s3://documents/handbook/\n  craton kb create handbook --from s3://documents/ --embedding-model amazon.titan-embed-text-v2:0 --chunking hierarchical\n  craton kb create handbook --from s3://documents/ --role-arn arn:aws:iam::111122223333:role/Reader --no-sync"
    )]
    Create(Box<Create>),
    /// List knowledge bases
    #[command(after_help = "Examples:\n  craton kb list\n  craton kb list --output json")]
    List,
    /// Show a knowledge base: its model, its data sources, their latest syncs
    #[command(after_help = "Examples:\n  craton kb show handbook")]
    Show {
        /// Its name or id
        base: String,
    },
    /// Read in what changed in the data sources, and follow it to its end
    ///
    /// Ctrl-C stops following; the sync goes on.
    #[command(
        after_help = "Examples:\n  craton kb sync handbook\n  craton kb sync handbook --source ABCDEF1234 --no-wait"
    )]
    Sync {
        /// Its name or id
        base: String,
        /// The data source, by name or id [default: each that has a bucket]
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// Do not follow it
        #[arg(long)]
        no_wait: bool,
    },
    /// List the documents: what became of each
    #[command(after_help = "Examples:\n  craton kb documents handbook\n  craton kb documents handbook --failed")]
    Documents {
        /// Its name or id
        base: String,
        /// Only those that could not be read in
        #[arg(long)]
        failed: bool,
    },
    /// Ask a question; the answer cites where it is said
    ///
    /// Without --model the best sentences of the documents answer, as they stand.
    #[command(
        after_help = "Examples:\n  craton kb ask handbook \"How long is a deposit held?\"\n  craton kb ask handbook \"How long is a deposit held?\" --model smollm2-135m-instruct\n  craton kb ask handbook \"Who approves overtime?\" --user ana"
    )]
    Ask {
        #[command(flatten)]
        query: Query,
        /// The model that writes the answer
        #[arg(long, value_name = "ID")]
        model: Option<String>,
        /// The session that the question continues
        #[arg(long, value_name = "ID")]
        session: Option<String>,
    },
    /// Search for passages
    #[command(
        after_help = "Examples:\n  craton kb search handbook \"deposit\"\n  craton kb search handbook \"deposit\" --by lexical --results 10\n  craton kb search handbook \"deposit\" --filter '{\"equals\": {\"key\": \"department\", \"value\": \"fleet\"}}'"
    )]
    Search(Query),
    /// Tell why passages are found: their ranks by words and by meaning, their terms, the filter
    #[command(after_help = "Examples:\n  craton kb explain handbook \"deposit\"")]
    Explain(Query),
    /// Delete a knowledge base with its data sources; the documents in the bucket stay
    #[command(after_help = "Examples:\n  craton kb delete handbook\n  craton kb delete handbook --yes")]
    Delete {
        /// Its name or id
        base: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `craton kb create`.
#[derive(Debug, Args)]
pub struct Create {
    /// What to call it: letters, digits, hyphens and underscores
    pub name: String,
    /// Where the documents are
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub from: String,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The model that embeds: a name, an id or an ARN
    #[arg(long, value_name = "ID", default_value = "all-minilm-l6-v2")]
    pub embedding_model: String,
    /// How documents are cut
    #[arg(long, value_enum, default_value_t = Chunking::Default)]
    pub chunking: Chunking,
    /// The role that reads the documents; it trusts bedrock.amazonaws.com [default: one is made]
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Read nothing in yet
    #[arg(long)]
    pub no_sync: bool,
}

/// How documents are cut into chunks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Chunking {
    /// Some 300 tokens, whole sentences
    Default,
    /// 300 tokens that overlap by a fifth
    Fixed,
    /// Small chunks to find, the larger ones around them to read
    Hierarchical,
    /// Where the subject changes
    Semantic,
    /// Not at all
    None,
}

/// What is asked of a knowledge base.
#[derive(Debug, Args)]
pub struct Query {
    /// The knowledge base's name or id
    pub base: String,
    /// The question, or words to search for
    pub text: String,
    /// How many passages
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub results: u32,
    /// How passages are ranked
    #[arg(long, value_enum, default_value_t = By::Hybrid)]
    pub by: By,
    /// What their metadata must meet: a filter as `Retrieve` takes it, in JSON
    #[arg(long, value_name = "JSON")]
    pub filter: Option<String>,
    /// Who reads [default: whose access key is used]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// How many chunks before and after each passage are joined to it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10))]
    pub neighbours: Option<u32>,
    /// Keep passages that say nearly the same as a better one
    #[arg(long)]
    pub keep_duplicates: bool,
    /// The model that puts the passages into order: a name, an id or an ARN
    #[arg(long, value_name = "ID")]
    pub rerank: Option<String>,
}

/// How passages are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// By words and by meaning
    Hybrid,
    /// By meaning
    Semantic,
    /// By words
    Lexical,
}
