//! What a job evaluates: the systems, the datasets, and the metrics with their judges.

use base::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::card::CardMetric;
use super::custom::{CustomMetric, RatingItem, RatingValue};
use super::dataset::{MOST_PROMPTS, Output, Record, Shape};
use super::lexical::Computed;
use super::metrics::{Builtin, Evaluator, Family, Input, builtin};
use super::prices::Prices;
use super::prompts::{self, Wording};
use super::similarity;
use super::verdict::{LabelValue, Scale};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// What is evaluated.
    pub systems: Vec<System>,
    /// On what, and what is measured there.
    pub datasets: Vec<AskedDataset>,
    /// The judge of built-in metrics: a model id.
    pub judge: Option<String>,
    /// Metrics of the user's own.
    pub custom: Vec<AskedCustom>,
    /// Their judge.
    pub custom_judge: Option<String>,
    /// The folder for the results: `s3://…`.
    pub output: String,
    /// May the datasets have more prompts than AWS takes?
    pub unlimited: bool,
    /// How often a judge is asked for each verdict, each time in another [`Wording`](super::prompts::Wording): once, or up to
    /// [`MOST_ASKINGS`] times.
    #[serde(default = "once")]
    pub askings: usize,
    /// The embedding model of [`similarity::NAME`](super::similarity::NAME); none: the one behind
    /// [`similarity::DEFAULT_MODEL`](super::similarity::DEFAULT_MODEL).
    #[serde(default)]
    pub embedder: Option<String>,
    /// What is paid, where that was said.
    #[serde(default)]
    pub prices: Prices,
}

/// How often a judge may be asked for one verdict: so many wordings there are.
pub const MOST_ASKINGS: usize = Wording::ALL.len();

fn once() -> usize {
    1
}

/// A system that is evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum System {
    /// A model of this deployment, asked with the text of each prompt.
    Model {
        /// Its id.
        model: String,
        /// How it is asked, where that is said.
        parameters: Parameters,
    },
    /// The answers of a model, in the dataset.
    ModelAnswers {
        /// The name that the dataset gives it.
        source: String,
    },
    /// A knowledge base, asked for passages.
    Retrieve {
        /// The configuration, as AWS writes it.
        configuration: Value,
    },
    /// A knowledge base, asked for answers.
    RetrieveAndGenerate {
        /// The configuration, as AWS writes it.
        configuration: Value,
    },
    /// What another system found, in the dataset.
    RetrieveAnswers {
        /// The name that the dataset gives it.
        source: String,
    },
    /// What another system answered, in the dataset.
    RagAnswers {
        /// The name that the dataset gives it.
        source: String,
    },
}

/// How a generator is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Parameters {
    /// 0 always takes the likeliest token; the default here, so that jobs repeat.
    pub temperature: Option<f32>,
    /// Nucleus sampling.
    pub top_p: Option<f32>,
    /// The most tokens of an answer.
    pub max_tokens: Option<u32>,
    /// Texts that end an answer.
    pub stop: Vec<String>,
    /// Only the likeliest so many tokens.
    pub top_k: Option<u32>,
    /// Only tokens at least this share as likely as the likeliest.
    pub min_p: Option<f32>,
    /// The same seed draws the same tokens; 0 where none is named.
    pub seed: Option<u64>,
    /// Subtracted from a token's logit for every time it occurred.
    pub frequency_penalty: Option<f32>,
    /// Subtracted from a token's logit once it occurred.
    pub presence_penalty: Option<f32>,
}

/// A dataset and what is measured on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskedDataset {
    /// Its name.
    pub name: String,
    /// Where it lies: `s3://…`.
    pub uri: String,
    /// What AWS calls the task: `Custom`, `QuestionAndAnswer` …
    pub task: String,
    /// The names of its metrics.
    pub metrics: Vec<String>,
}

/// A metric of the user's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskedCustom {
    /// Its name.
    pub name: String,
    /// What the judge is told.
    pub instructions: String,
    /// The labels with their numbers or words.
    pub scale: Vec<(String, AskedRating)>,
}

/// What a label of a user's own scale counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum AskedRating {
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

/// A metric of a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Metric {
    /// One of Bedrock's.
    Builtin(Builtin),
    /// One of the user's own.
    Custom(CustomMetric),
    /// One that needs no judge.
    Computed(Computed),
    /// How near an answer is to its references in the eyes of an embedding model.
    Similarity,
}

/// What is asked for, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What kind of systems.
    pub family: Family,
    /// On whose scales the judge of built-in metrics answers.
    pub evaluator: Evaluator,
    /// Are the answers in the dataset?
    pub brings_answers: bool,
    /// The metrics of each dataset.
    pub metrics: Vec<Vec<Metric>>,
    shape: Shape,
    /// What the dataset may call the source of its answers, where it brings them. One name, but in jobs of earlier versions.
    sources: Vec<String>,
}

impl System {
    /// What kind of system it is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Model { .. } | Self::ModelAnswers { .. } => Family::Model,
            Self::Retrieve { .. } | Self::RetrieveAnswers { .. } => Family::Retrieve,
            Self::RetrieveAndGenerate { .. } | Self::RagAnswers { .. } => Family::RetrieveAndGenerate,
        }
    }

    /// Are its answers in the dataset?
    #[must_use]
    pub fn brings_answers(&self) -> bool {
        self.source().is_some()
    }

    /// What the dataset calls the source of its answers, where these are there.
    #[must_use]
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::ModelAnswers { source } | Self::RetrieveAnswers { source } | Self::RagAnswers { source } => {
                Some(source)
            }
            Self::Model { .. } | Self::Retrieve { .. } | Self::RetrieveAndGenerate { .. } => None,
        }
    }

    /// The model that writes its answers, where a model of this deployment does.
    #[must_use]
    pub fn generator(&self) -> Option<&str> {
        match self {
            Self::Model { model, .. } => Some(model),
            Self::RetrieveAndGenerate { configuration } => {
                configuration["knowledgeBaseConfiguration"]["modelArn"].as_str()
            }
            _ => None,
        }
    }

    /// The model that reads conditions out of prompts before they are searched for, where one does.
    #[must_use]
    pub fn filter_model(&self) -> Option<&str> {
        let search = match self {
            Self::Retrieve { configuration } => &configuration["knowledgeBaseRetrievalConfiguration"],
            Self::RetrieveAndGenerate { configuration } => {
                &configuration["knowledgeBaseConfiguration"]["retrievalConfiguration"]
            }
            _ => return None,
        };
        search["vectorSearchConfiguration"]["implicitFilterConfiguration"]["modelArn"].as_str()
    }

    /// What it is called in folders and reports.
    #[must_use]
    pub fn label(&self) -> &str {
        match self {
            Self::Model { model, .. } => model,
            Self::ModelAnswers { source } | Self::RetrieveAnswers { source } | Self::RagAnswers { source } => source,
            Self::Retrieve { configuration } => configuration["knowledgeBaseId"].as_str().unwrap_or("knowledge-base"),
            Self::RetrieveAndGenerate { configuration } => {
                configuration["knowledgeBaseConfiguration"]["knowledgeBaseId"].as_str().unwrap_or("knowledge-base")
            }
        }
    }
}

impl Metric {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Builtin(metric) => metric.name(),
            Self::Custom(metric) => &metric.name,
            Self::Computed(metric) => metric.name(),
            Self::Similarity => similarity::NAME,
        }
    }

    /// The metric of a user's own; none where it is another one.
    #[must_use]
    pub fn custom(&self) -> Option<&CustomMetric> {
        match self {
            Self::Custom(metric) => Some(metric),
            Self::Builtin(_) | Self::Computed(_) | Self::Similarity => None,
        }
    }

    /// A hash of all that a judge is asked: the question, the labels, what is shown, and in which form. Empty where no judge is.
    #[must_use]
    pub fn rubric_key(&self, family: Family, evaluator: Evaluator) -> String {
        let asked = match self {
            Self::Builtin(metric) => {
                format!("{:?}", [true, false].map(|reference| metric.rubric(family, evaluator, reference)))
            }
            Self::Custom(metric) => format!("{:?} {:?}", metric.instructions, metric.scale),
            Self::Computed(_) | Self::Similarity => return String::new(),
        };
        sha256(format!("{} {asked}", prompts::FORM).as_bytes())
    }

    /// Is its judge asked today as it was in prompts of this form, of a turn with a reference answer or of one without? So is one
    /// that nobody asks.
    pub(super) fn is_asked_as_in(&self, form: u32, family: Family, has_ground_truth: bool) -> bool {
        match self {
            // What a judge reads does not depend on its scales.
            Self::Builtin(metric) => {
                prompts::reads_as_in(form, metric.rubric(family, Evaluator::Usual, has_ground_truth).inputs)
            }
            Self::Custom(_) => prompts::reads_custom_as_in(form),
            Self::Computed(_) | Self::Similarity => true,
        }
    }

    /// Is a higher score a worse answer?
    #[must_use]
    pub fn is_higher_worse(&self) -> bool {
        matches!(self, Self::Builtin(metric) if metric.is_higher_worse())
    }

    /// How a report card shows it.
    #[must_use]
    pub fn card(&self, family: Family, evaluator: Evaluator) -> CardMetric {
        let (scale, group) = match self {
            Self::Builtin(metric) => {
                let rubric = metric.rubric(family, evaluator, true);
                let scale = (!metric.is_by_passage()).then(|| Scale::ordinal(rubric.labels, None));
                (scale, rubric.inputs.iter().copied().map(word).collect::<Vec<_>>().join(" + "))
            }
            Self::Custom(metric) => (metric.scale.clone(), metric.name.clone()),
            Self::Computed(_) | Self::Similarity => (None, self.name().to_owned()),
        };
        let steps = scale.iter().flat_map(|scale| (0..scale.len()).filter_map(|at| scale.value(at)));
        let steps = steps.filter_map(|value| match value {
            LabelValue::Score(score) => Some((score * 1000.0).round() as u32),
            LabelValue::Word(_) | LabelValue::NotApplicable => None,
        });
        CardMetric {
            name: self.name().to_owned(),
            is_higher_worse: self.is_higher_worse(),
            steps: steps.collect(),
            group,
        }
    }
}

/// Checks that a new job has one source of answers, where the dataset brings them.
///
/// # Errors
/// Invalid.
pub(super) fn check_sources(asked: &Asked) -> Result<()> {
    if asked.systems.len() > 1 && asked.systems.iter().all(System::brings_answers) {
        let error = Error::invalid("A dataset has one answer to each prompt: one source of answers goes into a job.");
        return Err(error.with_hint("Start a job for each source, and compare the jobs."));
    }
    Ok(())
}

/// Does a judge give the scores of the metric of this name?
#[must_use]
pub fn needs_judge(metric: &str) -> bool {
    !metric.starts_with("Craton.")
}

/// The SHA-256 of bytes, in hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn word(input: Input) -> &'static str {
    match input {
        Input::Task => "task",
        Input::Prompt => "prompt",
        Input::GroundTruth => "ground truth",
        Input::Passages => "passages",
        Input::CitedPassages => "cited passages",
        Input::Prediction => "response",
        Input::OnePassage => "one passage",
        Input::OneCitedPassage => "one cited passage",
    }
}

impl Plan {
    /// Checks what is asked for.
    ///
    /// # Errors
    /// Invalid, where kinds of systems are mixed, where a metric is unknown or of another kind, twice there or without a
    /// judge, where nothing is measured, or where a price is none of the job's.
    pub fn new(asked: &Asked) -> Result<Self> {
        let first = asked.systems.first().ok_or_else(|| Error::invalid("Nothing is named that could be evaluated."))?;
        let (family, brings_answers) = (first.family(), first.brings_answers());
        if asked.systems.iter().any(|system| system.family() != family || system.brings_answers() != brings_answers) {
            return Err(Error::invalid("Systems of different kinds do not go into one job."));
        }
        if asked.datasets.is_empty() {
            return Err(Error::invalid("No dataset is named."));
        }
        let custom = asked.custom.iter().map(custom).collect::<Result<Vec<_>>>()?;
        let metrics = asked.datasets.iter().map(|dataset| of_dataset(dataset, &custom, family));
        let metrics = metrics.collect::<Result<Vec<_>>>()?;
        let has = |is: fn(&Metric) -> bool| metrics.iter().flatten().any(is);
        if has(|metric| matches!(metric, Metric::Builtin(_))) && asked.judge.is_none() {
            return Err(Error::invalid("Built-in metrics need an evaluator model.")
                .with_hint("Name one in `evaluatorModelConfig`."));
        }
        if has(|metric| matches!(metric, Metric::Custom(_))) && asked.custom_judge.is_none() {
            return Err(Error::invalid("Custom metrics need an evaluator model.")
                .with_hint("Name one in `customMetricConfig.evaluatorModelConfig`."));
        }
        if !(1..=MOST_ASKINGS).contains(&asked.askings) {
            return Err(Error::invalid(format!("A judge cannot be asked {} times for a verdict.", asked.askings))
                .with_hint(format!("It is asked 1 to {MOST_ASKINGS} times: so many wordings there are.")));
        }
        asked.prices.check(asked)?;
        let most = (!asked.unlimited).then_some(MOST_PROMPTS);
        let evaluator = asked.judge.as_deref().map(Evaluator::of).unwrap_or_default();
        let sources = asked.systems.iter().filter_map(System::source).map(str::to_owned).collect();
        let shape = Shape { family, brings_answers, most };
        Ok(Self { family, evaluator, brings_answers, metrics, shape, sources })
    }

    /// The places of a dataset's metrics in the order in which they are worked on: those that read the same follow each other,
    /// so that what one of them has read is still there for the next.
    #[must_use]
    pub fn order(&self, dataset: usize) -> Vec<usize> {
        let reads = |at: &usize| match &self.metrics[dataset][*at] {
            Metric::Builtin(metric) => (0, metric.rubric(self.family, self.evaluator, true).inputs),
            Metric::Custom(_) => (1, &[][..]),
            Metric::Computed(_) | Metric::Similarity => (2, &[][..]),
        };
        let mut order: Vec<usize> = (0..self.metrics[dataset].len()).collect();
        order.sort_by_key(reads);
        order
    }

    /// Does a metric need an embedding model?
    #[must_use]
    pub fn needs_embedder(&self) -> bool {
        self.metrics.iter().flatten().any(|metric| *metric == Metric::Similarity)
    }

    /// Is a knowledge base asked?
    #[must_use]
    pub fn needs_knowledge_base(&self) -> bool {
        self.family != Family::Model && !self.brings_answers
    }

    /// Reads the records of a dataset, and sees whether they have what its metrics need.
    ///
    /// # Errors
    /// Invalid, naming the line.
    pub fn records(&self, dataset: usize, text: &str) -> Result<Vec<Record>> {
        let records = super::dataset::read(text, self.shape)?;
        for metric in &self.metrics[dataset] {
            for record in &records {
                lacks(metric, record).map_or(Ok(()), Err)?;
            }
        }
        Ok(records)
    }

    /// Sees whether the answers that records bring are of the source that the job names.
    ///
    /// # Errors
    /// Invalid, naming the line.
    pub(super) fn check_named(&self, records: &[Record]) -> Result<()> {
        let named = |source: &str| self.sources.iter().any(|known| known == source);
        if let (Some(first), Some((line, source))) =
            (self.sources.first(), records.iter().find_map(|record| source_of(record, |source| !named(source))))
        {
            let name = if self.family == Family::Model { "inferenceSourceIdentifier" } else { "ragSourceIdentifier" };
            return Err(misnamed(self.family, (line, source), &format!("the job's `{name}` is `{first}`")));
        }
        Ok(())
    }

    /// All that is wrong with a dataset, at most `most` of it: what metrics of users' own name that none of its records can have,
    /// then the lines in their order, with what such metrics name and they lack. What the job will call the source of answers is
    /// not known here; all lines must call it as the first one does. Beside it the number of the dataset's records.
    #[must_use]
    pub fn check(&self, dataset: usize, text: &str, most: usize) -> (usize, Vec<Problem>) {
        let (metrics, family) = (&self.metrics[dataset], self.family);
        let custom: Vec<&CustomMetric> = metrics.iter().filter_map(Metric::custom).collect();
        let never = custom.iter().flat_map(|metric| metric.never_filled(family));
        let mut problems: Vec<Problem> = never.map(|message| Problem { line: None, message }).collect();
        let (mut records, mut first) = (0, None);
        for (line, read) in super::dataset::lines(text, self.shape) {
            records += 1;
            let found = match read {
                Err(error) => vec![error.message],
                Ok(record) => {
                    let lacking = metrics.iter().filter_map(|metric| lacks(metric, &record)).map(|error| error.message);
                    let unfilled = custom.iter().flat_map(|metric| metric.unfilled(family, &record));
                    let unlike = unlike_the_first(family, &record, &mut first);
                    lacking.chain(unfilled).chain(unlike).collect()
                }
            };
            problems.extend(found.into_iter().map(|message| Problem { line: Some(line), message }));
        }
        if let Err(error) = super::dataset::check_count(records, self.shape) {
            problems.push(Problem { line: None, message: error.message });
        }
        problems.truncate(most);
        (records, problems)
    }
}

/// Something that is wrong with a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; none where it is the dataset as a whole.
    pub line: Option<usize>,
    /// What.
    pub message: String,
}

/// What the answers of a record call their source, the first of which this holds, with the record's line.
fn source_of(record: &Record, is: impl Fn(&str) -> bool) -> Option<(usize, &str)> {
    let outputs = record.turns.iter().filter_map(|turn| turn.output.as_ref());
    let mut sources = outputs.filter_map(|output| output.source.as_deref().or(output.model.as_deref()));
    sources.find(|source| is(source)).map(|source| (record.line, source))
}

/// That a line names another source of answers than `wanted` says.
fn misnamed(family: Family, (line, source): (usize, &str), wanted: &str) -> Error {
    let name = if family == Family::Model { "modelIdentifier" } else { "knowledgeBaseIdentifier" };
    Error::invalid(format!("Line {line} of the dataset names `{source}` as `{name}`, and {wanted}."))
        .with_hint("A job evaluates one source of answers, and every line names it as the job does.")
}

/// That a record names another source of answers than the first one of the dataset, which is kept in `first` with its line.
fn unlike_the_first(family: Family, record: &Record, first: &mut Option<(usize, String)>) -> Option<String> {
    let (line, source) = source_of(record, |_| true)?;
    let (at, known) = first.get_or_insert_with(|| (line, source.to_owned()));
    let other = source_of(record, |source| source != known.as_str())?;
    Some(misnamed(family, other, &format!("line {at} names `{known}`")).message)
}

/// What a record lacks that a metric needs.
fn lacks(metric: &Metric, record: &Record) -> Option<Error> {
    let needs_reference = match metric {
        Metric::Builtin(metric) => metric.needs_ground_truth(),
        Metric::Custom(metric) => prompts::names(&metric.instructions, "ground_truth"),
        Metric::Computed(metric) => metric.needs_ground_truth(),
        Metric::Similarity => true,
    };
    let needs_citations = matches!(metric, Metric::Builtin(metric) if metric.needs_citations());
    let (name, line) = (metric.name(), record.line);
    if needs_reference && record.turns.iter().any(|turn| turn.references.is_empty()) {
        return Some(Error::invalid(format!(
            "Line {line} of the dataset has no reference answer, which the metric `{name}` needs."
        )));
    }
    let uncited = |output: &Output| output.citations.is_empty();
    if needs_citations && record.turns.iter().any(|turn| turn.output.as_ref().is_some_and(uncited)) {
        return Some(Error::invalid(format!(
            "Line {line} of the dataset has no citations, which the metric `{name}` needs."
        )));
    }
    None
}

fn of_dataset(dataset: &AskedDataset, custom: &[CustomMetric], family: Family) -> Result<Vec<Metric>> {
    let mut metrics: Vec<Metric> = Vec::new();
    for name in &dataset.metrics {
        let own = custom.iter().find(|metric| metric.name == *name);
        let metric = match own {
            Some(own) => Metric::Custom(own.clone()),
            None if name == similarity::NAME => Metric::Similarity,
            None if name.starts_with("Craton.") => Metric::Computed(Computed::named(name)?),
            None => Metric::Builtin(builtin(name, family)?),
        };
        if family == Family::Retrieve && !needs_judge(name) {
            return Err(Error::invalid(format!(
                "The metric `{name}` judges answers, and a retrieve-only job has none."
            )));
        }
        if metrics.contains(&metric) {
            return Err(Error::invalid(format!("The metric `{name}` is named twice.")));
        }
        metrics.push(metric);
    }
    if metrics.is_empty() {
        return Err(Error::invalid(format!("No metric is named for the dataset `{}`.", dataset.name)));
    }
    Ok(metrics)
}

fn custom(asked: &AskedCustom) -> Result<CustomMetric> {
    let items = asked.scale.iter().map(|(definition, value)| RatingItem {
        definition: definition.clone(),
        value: match value {
            AskedRating::Float(value) => RatingValue::Float(*value),
            AskedRating::Text(word) => RatingValue::Text(word.clone()),
        },
    });
    CustomMetric::new(asked.name.clone(), asked.instructions.clone(), &items.collect::<Vec<_>>())
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
