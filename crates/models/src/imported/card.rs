//! What is known of an imported model beside what AWS tells of it.

use checkpoint::{ModelFacts, Quantization, Report, Severity};
use serde::{Deserialize, Serialize};

use crate::quality::{Bound, Comparison};

/// An imported model's card.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// The class that its configuration names: `MistralForCausalLM`.
    pub class: String,
    /// The number of parameters.
    pub parameters: u64,
    /// Layers.
    pub layers: u64,
    /// Numbers of the hidden state.
    pub hidden: u64,
    /// Tokens that it was trained to read at most.
    pub context_length: u64,
    /// Tokens that it knows.
    pub vocabulary: u64,
    /// The element type of most of its weights before the import.
    pub dtype: Option<String>,
    /// Bytes of its weights before the import.
    pub source_bytes: u64,
    /// How its weights are kept.
    pub quantization: String,
    /// What the examination warned of.
    pub warnings: Vec<String>,
    /// What it was asked before the import was complete, and what it answered.
    pub trial: Option<Trial>,
    /// What the import changed.
    pub quality: Option<Quality>,
}

/// The test of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// What it was asked.
    pub prompt: String,
    /// What it answered.
    pub answer: String,
    /// How long that took, in milliseconds.
    pub millis: u64,
}

/// How well a model expects a fixed text, and how much of that the import cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The name of the text.
    pub text: String,
    /// Tokens of the text that were read.
    pub tokens: u64,
    /// The perplexity of the text: e to the mean of the tokens' negative log-probabilities. Lower is better.
    pub perplexity: f64,
    /// The same of the weights as they were, where they were compared.
    pub exact: Option<Exact>,
    /// Why they were not.
    pub unmeasured: Option<String>,
    /// What had to hold, where the deployment asked for something.
    #[serde(default)]
    pub bound: Option<Bound>,
}

/// How the weights expect the text as they were before the import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    /// The perplexity of the same text.
    pub perplexity: f64,
    /// The share of tokens, from 0 to 1, at which both hold the same one to be likeliest.
    pub agreement: f64,
    /// How they were kept for that: `F16` or `F32`, whichever holds them exactly.
    pub format: String,
    /// All that was compared, with intervals; none where an earlier version imported the model.
    #[serde(default)]
    pub comparison: Option<Comparison>,
}

impl Card {
    pub(super) fn new(
        facts: &ModelFacts,
        report: &Report,
        quantization: Quantization,
        quality: Quality,
        trial: Trial,
    ) -> Self {
        let warnings = report.findings.iter().filter(|finding| finding.severity == Severity::Warning);
        Self {
            class: facts.class.to_owned(),
            parameters: facts.parameters,
            layers: facts.layers,
            hidden: facts.hidden,
            context_length: facts.context_length,
            vocabulary: facts.vocabulary,
            dtype: facts.dtype.clone(),
            source_bytes: facts.source_bytes,
            quantization: quantization.name().to_owned(),
            warnings: warnings.map(ToString::to_string).collect(),
            trial: Some(trial),
            quality: Some(quality),
        }
    }
}
