//! The arguments of `craton chat`, and those about answers, which `craton endpoints chat` has as well.

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

/// What stands for loop detection with its usual settings.
const USUAL: &str = "on";

/// `craton chat`.
#[derive(Debug, Args)]
pub struct Chat {
    /// Model id or name
    #[arg(long, default_value = "anthropic.claude-3-haiku-20240307-v1:0")]
    pub model: String,
    /// Put the same question to two at once, each a model or an endpoint by id, ARN or name, and show their answers with first
    /// token and tokens a second
    #[arg(long, num_args = 2, value_names = ["MODEL_OR_ENDPOINT", "MODEL_OR_ENDPOINT"], conflicts_with = "model")]
    pub compare: Vec<String>,
    /// Only tell how many tokens the question is, in the model's template and with the system prompt
    #[arg(long, conflicts_with = "compare")]
    pub count_tokens: bool,
    /// How answers are generated.
    #[command(flatten)]
    pub generation: Generation,
    /// Ask this one question and end
    pub question: Vec<String>,
}

/// How answers are generated.
#[derive(Debug, Args)]
pub struct Generation {
    /// System prompt
    #[arg(long)]
    pub system: Option<String>,
    /// Most tokens of an answer
    #[arg(long, default_value_t = 512)]
    pub max_tokens: u32,
    /// 0 gives the same answer every time
    #[arg(long, help_heading = "Sampling")]
    pub temperature: Option<f64>,
    /// Draw from the likeliest tokens that have this probability together
    #[arg(long, value_name = "0-1", help_heading = "Sampling")]
    pub top_p: Option<f64>,
    /// Draw from so many of the likeliest tokens
    #[arg(long, value_name = "N", help_heading = "Sampling")]
    pub top_k: Option<u32>,
    /// Draw from tokens that have at least this share of the likeliest one's probability
    #[arg(long, value_name = "0-1", help_heading = "Sampling")]
    pub min_p: Option<f64>,
    /// Draw the same way as another request with this number
    #[arg(long, value_name = "N", help_heading = "Sampling")]
    pub seed: Option<u64>,
    /// Make tokens less likely the more often the answer has them
    #[arg(long, value_name = "-2 to 2", allow_negative_numbers = true, help_heading = "Sampling")]
    pub frequency_penalty: Option<f64>,
    /// Make tokens less likely that the answer has
    #[arg(long, value_name = "-2 to 2", allow_negative_numbers = true, help_heading = "Sampling")]
    pub presence_penalty: Option<f64>,
    /// A text that ends the answer and is not part of it; may be given four times
    #[arg(long, value_name = "TEXT", help_heading = "Repetition and end")]
    pub stop: Vec<String>,
    /// Never write this many tokens in a row twice
    #[arg(long, value_name = "SIZE", help_heading = "Repetition and end")]
    pub no_repeat_ngram: Option<u32>,
    /// Where tokens count as written before [default: prompt_and_output]
    #[arg(long, value_enum, value_name = "SCOPE", requires = "no_repeat_ngram", help_heading = "Repetition and end")]
    pub no_repeat_ngram_scope: Option<NgramScope>,
    /// End an answer that repeats itself without end: that many copies of a block of so many tokens at most, with so many tokens
    /// together [default: repeats=4,max_period=128,min_tokens=64]
    #[arg(
        long,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = USUAL,
        value_name = "repeats=N,max_period=N,min_tokens=N",
        value_parser = loop_detection,
        help_heading = "Repetition and end"
    )]
    pub loop_detection: Option<Value>,
    /// Write JSON of this schema; `@FILE` reads it from a file
    #[arg(
        long,
        value_name = "JSON|@FILE",
        value_parser = schema,
        conflicts_with_all = ["regex", "grammar", "choice"],
        help_heading = "Form of the answer"
    )]
    pub schema: Option<Value>,
    /// Write text that this regular expression matches as a whole
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["grammar", "choice"], help_heading = "Form of the answer")]
    pub regex: Option<String>,
    /// Write text of this Lark grammar; `@FILE` reads it from a file
    #[arg(
        long,
        value_name = "GRAMMAR|@FILE",
        value_parser = text_or_file,
        conflicts_with = "choice",
        help_heading = "Form of the answer"
    )]
    pub grammar: Option<String>,
    /// Write one of these texts; to be given for each
    #[arg(long, value_name = "TEXT", help_heading = "Form of the answer")]
    pub choice: Vec<String>,
    /// Who is served first [default: normal]
    #[arg(long, value_enum, value_name = "PRIORITY", help_heading = "Serving")]
    pub priority: Option<Priority>,
    /// Give an answer that depends on nothing that runs beside it or ran before
    #[arg(long, help_heading = "Serving")]
    pub deterministic: bool,
    /// Keep what comes before this place for later requests that begin alike
    #[arg(long, value_enum, value_name = "PLACE", requires_if("system", "system"), help_heading = "Serving")]
    pub cache_point: Option<CachePoint>,
}

/// Where tokens count as written before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NgramScope {
    /// In the prompt and in the answer.
    #[value(name = "prompt_and_output")]
    PromptAndOutput,
    /// In the answer alone.
    #[value(name = "output")]
    Output,
}

impl NgramScope {
    /// As requests say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PromptAndOutput => "prompt_and_output",
            Self::Output => "output",
        }
    }
}

/// Who is served first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Priority {
    /// Before all others.
    High,
    /// As everybody.
    Normal,
    /// In the background.
    Low,
}

impl Priority {
    /// As requests say it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// Up to where a prompt is worth keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CachePoint {
    /// After the system prompt.
    System,
    /// After the question.
    Conversation,
}

/// When an answer counts as a loop, as requests say it.
fn loop_detection(text: &str) -> Result<Value, String> {
    if text == USUAL {
        return Ok(Value::Bool(true));
    }
    let mut settings = Map::new();
    for part in text.split(',') {
        let (name, number) = part.split_once('=').unwrap_or((part, ""));
        match (name, number.parse::<u32>()) {
            ("repeats" | "max_period" | "min_tokens", Ok(number)) => settings.insert(name.to_owned(), number.into()),
            _ => return Err("it is made of repeats=N, max_period=N and min_tokens=N".to_owned()),
        };
    }
    Ok(Value::Object(settings))
}

fn schema(argument: &str) -> Result<Value, String> {
    serde_json::from_str(&text_or_file(argument)?).map_err(|error| format!("it is no JSON: {error}"))
}

/// The text itself, or with `@` before it that of a file.
fn text_or_file(argument: &str) -> Result<String, String> {
    match argument.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path).map_err(|error| format!("cannot read `{path}`: {error}")),
        None => Ok(argument.to_owned()),
    }
}
