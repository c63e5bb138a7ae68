//! The arguments of `craton kb`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `craton kb`.
#[derive(Debug, Subcommand)]
pub enum Kb {
    /// Make a knowledge base over the objects of a bucket, and read them in; or one that files are put into
    ///
    /// Without --role-arn a role is made, or used again, that may read the bucket, decrypt with its key, and use the embedding model.
    #[command(
        after_help = "Examples:\n  craton kb create handbook --from s3://documents/handbook/\n  craton kb create handbook --from s3://documents/ --chunking fixed --chunk-tokens 200 --chunk-overlap 10\n  craton kb create handbook --from s3://documents/ --chunking hierarchical --parent-tokens 1000 --chunk-tokens 250\n  craton kb create scans --from s3://scans/ --embedding-model multilingual-e5-small --chunking page\n  craton kb create handbook --from s3://documents/ --role-arn arn:aws:iam::111122223333:role/Reader --no-sync\n  craton kb create notes"
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
    /// It tells which documents could not be read in, and why: the first hundred. Ctrl-C stops following; the sync goes on.
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
    /// List the syncs, the latest of each data source first: what each did
    #[command(after_help = "Examples:\n  craton kb syncs handbook\n  craton kb syncs handbook --source ABCDEF1234")]
    Syncs {
        /// Its name or id
        base: String,
        /// The data source, by name or id [default: each that has a bucket]
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
    },
    /// Follow a sync to its end: what it did, and which documents could not be read in, and why
    ///
    /// Of one that has ended it is told at once. Exit status 1 where it failed. Ctrl-C stops following; the sync goes on.
    #[command(after_help = "Examples:\n  craton kb follow handbook ABCDEF1234")]
    Follow {
        /// Its name or id
        base: String,
        /// The sync's id, as `craton kb syncs` tells it
        job: String,
    },
    /// Stop a sync; what it has read in stays, and the next one does the rest
    #[command(after_help = "Examples:\n  craton kb stop handbook ABCDEF1234")]
    Stop {
        /// Its name or id
        base: String,
        /// The sync's id, as `craton kb syncs` tells it
        job: String,
    },
    /// Put files into a knowledge base, without a bucket
    ///
    /// A file's name is the document's id; a document of the same id is replaced. They go into the data source of the type CUSTOM,
    /// which is made where there is none.
    #[command(
        after_help = "Examples:\n  craton kb add handbook opening-hours.txt fees.pdf\n  craton kb add handbook notes.md --id winter-tyres --metadata department=fleet --metadata year=2026 --wait\n  craton kb add handbook pay-bands.docx --reader ana --reader ben"
    )]
    Add(Add),
    /// Take documents out of a knowledge base
    ///
    /// Objects stay in their bucket, and the next sync reads them in again.
    #[command(
        after_help = "Examples:\n  craton kb remove handbook winter-tyres opening-hours.txt\n  craton kb remove handbook s3://documents/handbook/old.pdf --wait"
    )]
    Remove {
        /// Its name or id
        base: String,
        /// The documents, as `craton kb documents` tells them
        #[arg(required = true, value_name = "DOCUMENT")]
        documents: Vec<String>,
        /// The data source, by name or id [default: the one that has the document]
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
        /// Come back only when they are gone; exit status 1 where one stays
        #[arg(long)]
        wait: bool,
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
    /// Show how a document is cut: its chunks, and where each begins and ends in the text, in characters
    ///
    /// It needs `craton:ReadKnowledgeBaseDocument`. The texts are shortened; `--output json` gives them whole.
    #[command(
        after_help = "Examples:\n  craton kb chunks handbook winter-tyres\n  craton kb chunks handbook s3://documents/handbook/fees.pdf --output json"
    )]
    Chunks {
        /// Its name or id
        base: String,
        /// The document, as `craton kb documents` tells it
        document: String,
        /// The data source, by name or id [default: the one that has the document]
        #[arg(long, value_name = "SOURCE")]
        source: Option<String>,
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
    /// Where the documents are [default: nowhere; they are put in with `craton kb add`]
    #[arg(long, value_name = "s3://BUCKET/PREFIX")]
    pub from: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The model that embeds: a name, an id or an ARN
    #[arg(long, value_name = "ID", default_value = "all-minilm-l6-v2")]
    pub embedding_model: String,
    /// How documents are cut
    #[command(flatten)]
    pub cut: Cut,
    /// The role that reads the documents; it trusts bedrock.amazonaws.com [default: one is made]
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// Read nothing in yet
    #[arg(long)]
    pub no_sync: bool,
}

/// `craton kb add`.
#[derive(Debug, Args)]
pub struct Add {
    /// The knowledge base's name or id
    pub base: String,
    /// The files: text, Markdown, HTML, CSV, JSON, PDF, DOCX, XLSX, PPTX; of at most 5 MiB each
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The document's id, where there is one file [default: the file's name]
    #[arg(long, value_name = "ID")]
    pub id: Option<String>,
    /// An attribute of the documents, for filters; may be given again
    ///
    /// Numbers, true, false and lists of texts are what they are in JSON, and everything else is text: year=2026, draft=false,
    /// tags=["fees","fleet"], room="12".
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub metadata: Vec<(String, String)>,
    /// A user who may read the documents; may be given again [default: everybody who may ask]
    #[arg(long, value_name = "NAME")]
    pub reader: Vec<String>,
    /// The data source, by name or id [default: the one of the type CUSTOM]
    #[arg(long, value_name = "SOURCE")]
    pub source: Option<String>,
    /// Come back only when they are indexed; exit status 1 where one cannot be
    #[arg(long)]
    pub wait: bool,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("an attribute is KEY=VALUE".to_owned()),
    }
}

/// How documents are cut into chunks.
#[derive(Debug, Args)]
pub struct Cut {
    /// How documents are cut
    #[arg(long, value_enum, default_value_t = Chunking::Default)]
    pub chunking: Chunking,
    /// The most tokens of a chunk; of the small ones, where there are larger ones around them [default: 300; page: 8192]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub chunk_tokens: Option<u32>,
    /// How much of a chunk the next one repeats: percent of it with fixed [default: 20], tokens with hierarchical [default: a fifth
    /// of the small chunks]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub chunk_overlap: Option<u32>,
    /// The most tokens of the larger chunks, with hierarchical [default: 1500]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=8_192))]
    pub parent_tokens: Option<u32>,
    /// How many sentences on each side are compared along with one, with semantic [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=1))]
    pub buffer_sentences: Option<u32>,
    /// Above which percentile of all distances the subject changes, with semantic [default: 95]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(50..=99))]
    pub breakpoint_percentile: Option<u32>,
}

/// A way of cutting documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Chunking {
    /// Some 300 tokens, whole sentences
    Default,
    /// Chunks of a size, whole sentences, that overlap
    Fixed,
    /// Small chunks to find, the larger ones around them to read
    Hierarchical,
    /// Where the subject changes
    Semantic,
    /// One for each page
    Page,
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
