//! The arguments of `craton eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// `craton eval`.
#[derive(Debug, Subcommand)]
pub enum Eval {
    /// Turn pairs of prompts and completions into a dataset, here and without a server
    ///
    /// Reads JSON lines, CSV or Parquet. A sample is the one that Python draws with `random.seed(SEED)` and `random.sample`.
    #[command(
        after_help = "Examples:\n  craton eval convert dev1.jsonl dev1-eval.jsonl --sample 1000\n  craton eval convert dev1.csv dev1-eval.jsonl --template prompt.txt --prompt findings --completion impression\n  craton eval convert notes.parquet notes.jsonl --split train=0.8,dev=0.1,test=0.1"
    )]
    Convert(Convert),
    /// Look at a dataset before a job reads it: what is wrong, line by line
    ///
    /// Exit status 1 where something is wrong.
    #[command(
        after_help = "Examples:\n  craton eval validate dev1-eval.jsonl --kind rag --metric Builtin.Correctness\n  craton eval validate s3://evals/in.jsonl --kind model --own --metric Craton.RougeL\n  craton eval validate own-eval.jsonl --kind rag --own --custom-metric tone.json"
    )]
    Validate(Validate),
    /// Start an evaluation, and follow it where asked to
    #[command(
        after_help = "Examples:\n  craton eval run tones --judge smollm2-135m-instruct --generator smollm2-135m-instruct --dataset s3://evals/in.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator --metric Builtin.Correctness --wait\n  craton eval run own --judge smollm2-135m-instruct --own my-system --kind rag --dataset s3://evals/in.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator --metric Builtin.Faithfulness --metric Craton.RougeL\n  craton eval run two --judge smollm2-135m-instruct --generator amazon.nova-micro-v1:0 --generator amazon.nova-lite-v1:0 --temperature 0.2 --max-tokens 200 --custom-metric tone.json --dataset s3://evals/in.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator --description films --tag team=chest"
    )]
    Run(Box<Run>),
    /// List jobs, the latest first
    #[command(after_help = "Examples:\n  craton eval list\n  craton eval list --status Completed --name dev1")]
    List {
        /// Only jobs in this state
        #[arg(long, value_enum, value_name = "STATUS")]
        status: Option<Status>,
        /// Only jobs with this in their names
        #[arg(long, value_name = "PART")]
        name: Option<String>,
    },
    /// Tell how far a job is
    #[command(after_help = "Examples:\n  craton eval status abc123def456\n  craton eval status abc123def456 --wait")]
    Status {
        /// The job's id or ARN
        job: String,
        /// Follow it to its end; exit status 1 where it fails
        #[arg(long)]
        wait: bool,
    },
    /// Show the report card, or save it as a page
    #[command(
        after_help = "Examples:\n  craton eval report abc123def456\n  craton eval report abc123def456 --html report.html"
    )]
    Report {
        /// The job's id or ARN
        job: String,
        /// File for a page that needs nothing else
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
    },
    /// Compare two jobs on the records that they have in common
    ///
    /// Of jobs with several datasets or systems the first ones, unless others are named: by place from 0, or by name. One job named
    /// twice compares its systems. With `--pairwise` a judge is shown both answers to each prompt, in both orders: of all datasets,
    /// unless one is named; one job named twice then compares its two systems.
    #[command(
        after_help = "Examples:\n  craton eval compare abc123def456 def456abc123\n  craton eval compare abc123def456 abc123def456 --system 0 --other-system 1\n  craton eval compare abc123def456 def456abc123 --dataset dev2\n  craton eval compare abc123def456 def456abc123 --pairwise smollm2-135m-instruct\n  craton eval compare abc123def456 abc123def456 --pairwise smollm2-135m-instruct --dataset dev2"
    )]
    Compare(Compare),
    /// Show records with their scores and explanations, the lowest scores first where a metric is named
    #[command(
        after_help = "Examples:\n  craton eval show abc123def456 --metric Builtin.Correctness --limit 5\n  craton eval show abc123def456 --output json"
    )]
    Show {
        /// The job's id or ARN
        job: String,
        /// The metric whose lowest scores come first
        #[arg(long)]
        metric: Option<String>,
        /// The most records
        #[arg(long, default_value_t = 10)]
        limit: u32,
    },
    /// Compare a judge with people, and keep how far it agrees with them
    ///
    /// With `--dataset` the judge judges answers that people have rated: the job is started, followed, and compared with them. Each
    /// line is a record with its answer, as Bedrock has it, and beside it what people say: `"labels": {"Builtin.Correctness": 2}`,
    /// the place on the metric's scale from 0; of several turns a list of such objects, one a turn. Ctrl-C stops following; the job
    /// goes on.
    ///
    /// With `--labels` it is a job that has ended. Each line is `{"record": 1, "turn": 1, "metric": "Builtin.Correctness",
    /// "label": 2}`: the record's place in the dataset from 1, and the label's place on the metric's scale from 0.
    #[command(
        after_help = "Examples:\n  craton eval calibrate smollm2-135m-instruct --dataset rated.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator\n  craton eval calibrate smollm2-135m-instruct --dataset rated.jsonl --job abc123def456\n  craton eval calibrate abc123def456 --labels labels.jsonl"
    )]
    Calibrate(Box<Calibrate>),
    /// Show how far a judge agrees with people
    #[command(after_help = "Examples:\n  craton eval passport smollm2-135m-instruct")]
    Passport {
        /// The judge's model id
        judge: String,
    },
    /// Evaluate a knowledge base with several result counts, search types, chunkings and prompts, and recommend one setting
    ///
    /// Chunking belongs to a data source: name a knowledge base for each. Every setting is compared with the best on the same records.
    #[command(
        after_help = "Examples:\n  craton eval sweep depth --counts 3,5,10 --searches HYBRID,SEMANTIC --kind rag --knowledge-base ABCDEFGHIJ --generator smollm2-135m-instruct --judge smollm2-135m-instruct --dataset s3://evals/in.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator --metric Builtin.Correctness\n  craton eval sweep chunks --counts 5 --searches HYBRID --knowledge-bases ABCDEFGHIJ,KLMNOPQRST --prompts brief.txt,strict.txt --kind rag --generator smollm2-135m-instruct --judge smollm2-135m-instruct --dataset s3://evals/in.jsonl --to s3://evals/out/ --role-arn arn:aws:iam::111122223333:role/Evaluator --metric Builtin.Faithfulness"
    )]
    Sweep(Box<Sweep>),
    /// Stop a job
    #[command(after_help = "Examples:\n  craton eval stop abc123def456")]
    Stop {
        /// The job's id or ARN
        job: String,
    },
    /// Delete jobs that have ended; their results in the bucket stay
    #[command(
        after_help = "Examples:\n  craton eval delete abc123def456\n  craton eval delete abc123def456 def456abc123 --yes"
    )]
    Delete {
        /// Ids or ARNs
        #[arg(required = true, value_name = "JOB")]
        jobs: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `craton eval convert`.
#[derive(Debug, Args)]
pub struct Convert {
    /// CSV where the name ends with .csv, Parquet where it ends with .parquet, JSON lines otherwise
    pub from: PathBuf,
    /// The dataset to write
    pub to: PathBuf,
    /// How many records to draw; all in their order otherwise
    #[arg(long, value_name = "COUNT")]
    pub sample: Option<usize>,
    /// The seed of the draw and of the split
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    /// A text that stands before each prompt
    #[arg(long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// The member or column with the prompt
    #[arg(long, value_name = "NAME", default_value = "prompt")]
    pub prompt: String,
    /// The member or column with the completion
    #[arg(long, value_name = "NAME", default_value = "completion")]
    pub completion: String,
    /// For what: a knowledge base, or a model
    #[arg(long, value_enum, default_value_t = Kind::Rag)]
    pub kind: Kind,
    /// Parts and their shares, which sum to 1: each is a file of its own, named after the dataset
    ///
    /// Records with the same prompt come into the same part, and stay in it when other records come or go.
    #[arg(long, value_name = "NAME=SHARE", value_delimiter = ',', value_parser = part)]
    pub split: Vec<Part>,
}

/// A part of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// Its share of the records, above 0 and below 1.
    pub share: f64,
}

fn part(text: &str) -> Result<Part, String> {
    let (name, share) = text.split_once('=').ok_or("it looks like `train=0.8`")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    let share: f64 = share.parse().map_err(|_| format!("`{share}` is no number"))?;
    match is_name && share > 0.0 && share < 1.0 {
        true => Ok(Part { name: name.to_owned(), share }),
        false => Err("a name has letters, digits, - and _; a share is above 0 and below 1".to_owned()),
    }
}

/// `craton eval validate`.
#[derive(Debug, Args)]
pub struct Validate {
    /// A file of JSON lines, or s3://BUCKET/KEY
    pub dataset: String,
    /// What is to be evaluated
    #[arg(long, value_enum, default_value_t = Kind::Model)]
    pub kind: Kind,
    /// Does the dataset bring the answers?
    #[arg(long)]
    pub own: bool,
    /// A metric that the job will have; several times for several
    #[arg(long = "metric", value_name = "NAME", required_unless_present = "custom_metrics")]
    pub metrics: Vec<String>,
    /// A metric of one's own that it will have: its definition as JSON, with `name` and `instructions`; several times for several
    #[arg(long = "custom-metric", value_name = "FILE")]
    pub custom_metrics: Vec<PathBuf>,
    /// The judge, on whose id the labels of some metrics depend, and with them whether labels of people beside the records are some: a
    /// model id
    #[arg(long, value_name = "ID")]
    pub judge: Option<String>,
    /// Take no more prompts than AWS does
    #[arg(long)]
    pub aws_limits: bool,
}

/// What is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// Answers from a knowledge base
    Rag,
    /// Passages from a knowledge base
    Retrieve,
    /// Answers of a model
    Model,
}

/// `craton eval compare`.
#[derive(Debug, Args)]
pub struct Compare {
    /// The first job's id or ARN
    pub first: String,
    /// The second job's id or ARN
    pub second: String,
    /// The dataset, by its place from 0 or its name [default: the first, with --pairwise all]
    #[arg(long, value_name = "PLACE|NAME")]
    pub dataset: Option<String>,
    /// The system, by its place from 0 or its name [default: the first]
    #[arg(long, value_name = "PLACE|NAME")]
    pub system: Option<String>,
    /// The second job's dataset [default: that of --dataset]
    #[arg(long, value_name = "PLACE|NAME")]
    pub other_dataset: Option<String>,
    /// The second job's system [default: that of --system; with --pairwise, of one job twice, its other one]
    #[arg(long, value_name = "PLACE|NAME")]
    pub other_system: Option<String>,
    /// A judge that chooses between the answers themselves: a model id
    #[arg(long, value_name = "JUDGE")]
    pub pairwise: Option<String>,
}

/// `craton eval calibrate`.
#[derive(Debug, Clone, Args)]
pub struct Calibrate {
    /// With --dataset the judge: a model id; with --labels the id or ARN of a job
    #[arg(value_name = "JUDGE|JOB")]
    pub named: String,
    /// What people say of the records of a job that has ended, as JSON lines
    #[arg(long, value_name = "FILE", required_unless_present = "dataset", conflicts_with = "dataset")]
    pub labels: Option<PathBuf>,
    /// Records with answers and people's labels, as JSON lines: a file, or s3://BUCKET/KEY
    #[arg(long, value_name = "FILE|URI")]
    pub dataset: Option<String>,
    /// The job that was started for this dataset before: go on with it
    #[arg(long, value_name = "JOB", requires = "dataset", conflicts_with_all = ["to", "role_arn", "metrics", "custom_metrics", "askings"])]
    pub job: Option<String>,
    /// Folder for the results and for a copy of the dataset: s3://BUCKET/PREFIX/
    #[arg(long, value_name = "URI", requires = "dataset", required_unless_present_any = ["labels", "job"])]
    pub to: Option<String>,
    /// The role that reads, asks and writes
    #[arg(long, value_name = "ARN", requires = "dataset", required_unless_present_any = ["labels", "job"])]
    pub role_arn: Option<String>,
    /// The job's name [default: the judge's and the time]
    #[arg(long, value_name = "NAME", requires = "dataset", conflicts_with = "job")]
    pub name: Option<String>,
    /// A metric beside those with labels, as one without a judge that may do better; several times for several
    #[arg(long = "metric", value_name = "NAME", requires = "dataset")]
    pub metrics: Vec<String>,
    /// A metric of one's own with labels: its definition as JSON; several times for several
    #[arg(long = "custom-metric", value_name = "FILE", requires = "dataset")]
    pub custom_metrics: Vec<PathBuf>,
    /// How often the judge is asked for each verdict: what the order of the labels does is told, too
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=6))]
    pub askings: u32,
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Status {
    /// It works, or waits to.
    #[value(name = "InProgress")]
    InProgress,
    /// Its results are written.
    #[value(name = "Completed")]
    Completed,
    /// It has failed.
    #[value(name = "Failed")]
    Failed,
    /// It is being stopped.
    #[value(name = "Stopping")]
    Stopping,
    /// It was stopped.
    #[value(name = "Stopped")]
    Stopped,
    /// It is being deleted.
    #[value(name = "Deleting")]
    Deleting,
}

impl Status {
    /// As AWS writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::InProgress => "InProgress",
            Self::Completed => "Completed",
            Self::Failed => "Failed",
            Self::Stopping => "Stopping",
            Self::Stopped => "Stopped",
            Self::Deleting => "Deleting",
        }
    }
}

/// `craton eval sweep`.
#[derive(Debug, Args)]
pub struct Sweep {
    /// Result counts to try
    #[arg(long, value_delimiter = ',', default_value = "3,5,10")]
    pub counts: Vec<u32>,
    /// Search types to try
    #[arg(long, value_delimiter = ',', default_value = "HYBRID,SEMANTIC", value_parser = ["HYBRID", "SEMANTIC"])]
    pub searches: Vec<String>,
    /// Knowledge bases to try, of the same documents chunked otherwise [default: the one of --knowledge-base]
    #[arg(long, value_name = "ID", value_delimiter = ',', conflicts_with_all = ["knowledge_base", "own"])]
    pub knowledge_bases: Vec<String>,
    /// Prompt templates to try [default: the one of --prompt]
    #[arg(long, value_name = "FILE", value_delimiter = ',', conflicts_with_all = ["prompt", "own"])]
    pub prompts: Vec<PathBuf>,
    /// What is run each time
    #[command(flatten)]
    pub run: Run,
}

/// `craton eval run`.
#[derive(Debug, Clone, Args)]
pub struct Run {
    /// The job's name
    pub name: String,
    /// The judge: a model id
    #[arg(long, value_name = "ID")]
    pub judge: Option<String>,
    /// The judge of metrics of one's own [default: that of --judge]
    #[arg(long, value_name = "ID", requires = "custom_metrics")]
    pub custom_judge: Option<String>,
    /// The model that answers: of a model job, where there may be two, or of a knowledge base
    #[arg(long = "generator", value_name = "ID")]
    pub generators: Vec<String>,
    /// The temperature that it answers with, from 0 to 1 [default: 0]
    #[arg(long, value_name = "N", value_parser = up_to_one, conflicts_with = "own")]
    pub temperature: Option<f64>,
    /// Only the likeliest tokens whose probabilities sum to this, from 0 to 1 [default: all]
    #[arg(long, value_name = "N", value_parser = up_to_one, conflicts_with = "own")]
    pub top_p: Option<f64>,
    /// A text that ends an answer and is no part of it; several times for several
    #[arg(long = "stop", value_name = "TEXT", conflicts_with = "own")]
    pub stop_sequences: Vec<String>,
    /// The most tokens of an answer
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=65_536), conflicts_with = "own")]
    pub max_tokens: Option<u32>,
    /// How soon a model answers, as Bedrock's `performanceConfig` has it; no model here is served with the latency optimized
    #[arg(long, value_name = "LATENCY", value_parser = ["standard", "optimized"], conflicts_with = "own")]
    pub latency: Option<String>,
    /// The knowledge base that is asked
    #[arg(long, value_name = "ID", conflicts_with = "own")]
    pub knowledge_base: Option<String>,
    /// Results of each search
    #[arg(long, default_value_t = 10)]
    pub results: u32,
    /// How the knowledge base is searched
    #[arg(long, value_name = "TYPE", default_value = "HYBRID", value_parser = ["HYBRID", "SEMANTIC"])]
    pub search: String,
    /// The prompt that a knowledge base's answers are written by, with $search_results$ where the passages belong; the server's own
    /// otherwise
    #[arg(long, value_name = "FILE", conflicts_with = "own")]
    pub prompt: Option<PathBuf>,
    /// The dataset brings the answers of the system that it calls so
    #[arg(long, value_name = "NAME", conflicts_with = "generators")]
    pub own: Option<String>,
    /// What is evaluated
    #[arg(long, value_enum, default_value_t = Kind::Model)]
    pub kind: Kind,
    /// The dataset: s3://BUCKET/KEY
    #[arg(long, value_name = "URI")]
    pub dataset: String,
    /// Folder for the results: s3://BUCKET/PREFIX/
    #[arg(long, value_name = "URI")]
    pub to: String,
    /// The role that reads, asks and writes
    #[arg(long, value_name = "ARN")]
    pub role_arn: String,
    /// A KMS key to encrypt the results under: id, ARN or alias [default: the bucket's own]
    #[arg(long, value_name = "KEY")]
    pub kms_key: Option<String>,
    /// What the job is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A tag of the job; several times for several
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = tag)]
    pub tags: Vec<(String, String)>,
    /// A metric; several times for several
    #[arg(long = "metric", value_name = "NAME", required_unless_present = "custom_metrics")]
    pub metrics: Vec<String>,
    /// A metric of one's own: its definition as JSON, with `name` and `instructions`; several times for several
    #[arg(long = "custom-metric", value_name = "FILE")]
    pub custom_metrics: Vec<PathBuf>,
    /// How often the judge is asked for each verdict, each time in other words or with its labels in another order: what varies
    /// is told
    #[arg(long, value_name = "TIMES", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=6))]
    pub askings: u32,
    /// The embedding model of Craton.EmbeddingSimilarity [default: the one behind amazon.titan-embed-text-v2:0]
    #[arg(long, value_name = "ID")]
    pub embedding_model: Option<String>,
    /// Price of this machine by the hour, to tell what the job cost
    #[arg(long, value_name = "N", value_parser = amount)]
    pub price_per_hour: Option<f64>,
    /// Prices of a model for 1,000,000 tokens that it reads, that it writes and, where they differ from those that it reads, that come
    /// from a cache; several times for several
    #[arg(long = "price", value_name = "MODEL=INPUT,OUTPUT[,CACHED]", value_parser = price)]
    pub prices: Vec<Price>,
    /// Follow it to its end; exit status 1 where it fails
    #[arg(long)]
    pub wait: bool,
}

/// Prices of a model for 1,000,000 tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// The model's id.
    pub model: String,
    /// Of tokens that it reads.
    pub input: f64,
    /// Of tokens that it writes.
    pub output: f64,
    /// Of tokens that come from a cache; none: as those that it reads.
    pub cached: Option<f64>,
}

fn up_to_one(text: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number from 0 to 1"))
}

fn tag(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a tag is KEY=VALUE".to_owned()),
    }
}

/// A sum of money.
fn amount(text: &str) -> Result<f64, String> {
    let amount = text.trim().parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| format!("`{text}` is no price"))
}

fn price(text: &str) -> Result<Price, String> {
    let (model, prices) = text.rsplit_once('=').ok_or("it looks like `MODEL=0.8,4`")?;
    let prices = prices.split(',').map(amount);
    let (input, output, cached) = match prices.collect::<Result<Vec<_>, _>>()?[..] {
        [input, output] => (input, output, None),
        [input, output, cached] => (input, output, Some(cached)),
        _ => return Err("two prices are needed, or three: input,output,cached".to_owned()),
    };
    Ok(Price { model: model.to_owned(), input, output, cached })
}
