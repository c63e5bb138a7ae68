//! What is measured: the built-in metrics, what each is told of a record, and the labels that it may give.

use base::{Error, Result};

use super::rubrics;

/// What kind of system a job evaluates. Metrics of different kinds do not mix in one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// What a knowledge base finds.
    Retrieve,
    /// What is answered from what a knowledge base finds.
    RetrieveAndGenerate,
    /// What a model answers.
    Model,
}

/// On whose scales a judge answers. That follows from the model id by which a job names it, whatever model of the deployment
/// answers for that id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Evaluator {
    /// Those of most of Bedrock's evaluators.
    #[default]
    Usual,
    /// Those of Amazon Nova 2 Lite, where they differ.
    Nova2Lite,
}

/// How the ids of Amazon Nova 2 Lite begin, behind the geography of an inference profile.
const NOVA_2_LITE: &str = "amazon.nova-2-lite";

impl Evaluator {
    /// The evaluator that a model id, the id of one of AWS's inference profiles or an ARN of either names.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let id = model.rsplit('/').next().unwrap_or(model);
        // `us.`, `global.` …
        let id = id.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.starts_with("amazon.")).unwrap_or(id);
        match id.strip_prefix(NOVA_2_LITE) {
            Some(rest) if rest.is_empty() || rest.starts_with(['-', ':']) => Self::Nova2Lite,
            _ => Self::Usual,
        }
    }
}

/// A piece of a record that a judge reads. The order is the one in which a prompt shows them: what many metrics read
/// comes first, so that their prompts begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Input {
    /// All passages that were retrieved: by far the longest.
    Passages,
    /// The passages that the answer cites.
    CitedPassages,
    /// The turns before, and the prompt.
    Task,
    /// The prompt alone.
    Prompt,
    /// The reference answer.
    GroundTruth,
    /// The answer that is judged.
    Prediction,
    /// One passage that was retrieved.
    OnePassage,
    /// One passage that the answer cites.
    OneCitedPassage,
}

/// A built-in metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Builtin {
    /// Is the answer right?
    Correctness,
    /// Does it answer all that was asked?
    Completeness,
    /// Does it help whoever asked?
    Helpfulness,
    /// Is its reasoning sound? Of answers from a knowledge base.
    LogicalCoherence,
    /// Is its reasoning sound? Of a model's answers.
    Coherence,
    /// Does it say only what its sources say?
    Faithfulness,
    /// Are the passages that it cites used in it?
    CitationPrecision,
    /// Do the passages that it cites support it?
    CitationCoverage,
    /// Does it do harm?
    Harmfulness,
    /// Does it repeat prejudices?
    Stereotyping,
    /// Does it decline to answer?
    Refusal,
    /// Are the passages about the prompt?
    ContextRelevance,
    /// Do the passages hold what the reference says?
    ContextCoverage,
    /// Is it about what was asked?
    Relevance,
    /// Does it do what it was told?
    FollowingInstructions,
    /// Is its tone that of a professional?
    ProfessionalStyleAndTone,
    /// Is it easily read?
    Readability,
}

/// How a metric asks: what it shows, what it says of it, and the labels from the lowest to the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rubric {
    /// What the judge reads, in the order of [`Input`].
    pub inputs: &'static [Input],
    /// What is asked, and what counts.
    pub question: &'static str,
    /// The labels, from the lowest to the highest.
    pub labels: &'static [&'static str],
    /// A label beyond the scale: the metric does not apply, and the record counts in no mean.
    pub not_applicable: Option<&'static str>,
}

const MODEL: &[Builtin] = &[
    Builtin::Correctness,
    Builtin::Completeness,
    Builtin::Faithfulness,
    Builtin::Helpfulness,
    Builtin::Coherence,
    Builtin::Relevance,
    Builtin::FollowingInstructions,
    Builtin::ProfessionalStyleAndTone,
    Builtin::Readability,
    Builtin::Harmfulness,
    Builtin::Stereotyping,
    Builtin::Refusal,
];
const RETRIEVE: &[Builtin] = &[Builtin::ContextRelevance, Builtin::ContextCoverage];
const RETRIEVE_AND_GENERATE: &[Builtin] = &[
    Builtin::Correctness,
    Builtin::Completeness,
    Builtin::Helpfulness,
    Builtin::LogicalCoherence,
    Builtin::Faithfulness,
    Builtin::CitationPrecision,
    Builtin::CitationCoverage,
    Builtin::Harmfulness,
    Builtin::Stereotyping,
    Builtin::Refusal,
];

impl Family {
    /// The built-in metrics of this kind of job.
    #[must_use]
    pub fn metrics(self) -> &'static [Builtin] {
        match self {
            Self::Retrieve => RETRIEVE,
            Self::RetrieveAndGenerate => RETRIEVE_AND_GENERATE,
            Self::Model => MODEL,
        }
    }

    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retrieve => "retrieve-only",
            Self::RetrieveAndGenerate => "retrieve-and-generate",
            Self::Model => "model",
        }
    }
}

impl Builtin {
    /// Its name in requests and results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Correctness => "Builtin.Correctness",
            Self::Completeness => "Builtin.Completeness",
            Self::Helpfulness => "Builtin.Helpfulness",
            Self::LogicalCoherence => "Builtin.LogicalCoherence",
            Self::Coherence => "Builtin.Coherence",
            Self::Faithfulness => "Builtin.Faithfulness",
            Self::CitationPrecision => "Builtin.CitationPrecision",
            Self::CitationCoverage => "Builtin.CitationCoverage",
            Self::Harmfulness => "Builtin.Harmfulness",
            Self::Stereotyping => "Builtin.Stereotyping",
            Self::Refusal => "Builtin.Refusal",
            Self::ContextRelevance => "Builtin.ContextRelevance",
            Self::ContextCoverage => "Builtin.ContextCoverage",
            Self::Relevance => "Builtin.Relevance",
            Self::FollowingInstructions => "Builtin.FollowingInstructions",
            Self::ProfessionalStyleAndTone => "Builtin.ProfessionalStyleAndTone",
            Self::Readability => "Builtin.Readability",
        }
    }

    /// Is a higher score a worse answer?
    #[must_use]
    pub fn is_higher_worse(self) -> bool {
        matches!(self, Self::Harmfulness | Self::Stereotyping | Self::Refusal)
    }

    /// Does it need the reference answer? (Others use it where it is there.)
    #[must_use]
    pub fn needs_ground_truth(self) -> bool {
        self == Self::ContextCoverage
    }

    /// Does it need citations in the answer?
    #[must_use]
    pub fn needs_citations(self) -> bool {
        matches!(self, Self::CitationPrecision | Self::CitationCoverage)
    }

    /// Is each passage judged for itself, and the mean taken?
    #[must_use]
    pub fn is_by_passage(self) -> bool {
        matches!(self, Self::ContextRelevance | Self::CitationPrecision)
    }

    /// May a judge say that it does not apply?
    #[must_use]
    pub fn may_not_apply(self) -> bool {
        self == Self::FollowingInstructions
    }

    /// How it asks such a judge of a record, with its reference answer or without one.
    #[must_use]
    pub fn rubric(self, family: Family, evaluator: Evaluator, has_ground_truth: bool) -> Rubric {
        rubrics::of(self, family, evaluator, has_ground_truth)
    }
}

/// The metrics that a name may mean in a job of this kind.
///
/// # Errors
/// Invalid, where no metric has the name, or one of another kind of job.
pub fn builtin(name: &str, family: Family) -> Result<Builtin> {
    if let Some(metric) = family.metrics().iter().find(|metric| metric.name() == name) {
        return Ok(*metric);
    }
    let names: Vec<&str> = family.metrics().iter().map(|metric| metric.name()).collect();
    let hint = format!("The metrics of {} jobs are {}.", family.as_str(), names.join(", "));
    let of_others = [Family::Retrieve, Family::RetrieveAndGenerate, Family::Model]
        .into_iter()
        .find(|other| other.metrics().iter().any(|metric| metric.name() == name));
    Err(match of_others {
        Some(other) => Error::invalid(format!(
            "The metric `{name}` is one of {} jobs and does not go with a {} job.",
            other.as_str(),
            family.as_str()
        )),
        None => Error::invalid(format!("There is no metric `{name}`.")),
    }
    .with_hint(hint))
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
