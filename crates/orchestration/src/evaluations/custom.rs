//! Metrics that a user defines.

use base::{Error, Result};

use super::dataset::{Record, Turn};
use super::metrics::Family;
use super::prompts;
use super::verdict::Scale;

/// A metric of a user's own.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomMetric {
    /// Its name.
    pub name: String,
    /// What the judge is told, with [`prompts::VARIABLES`] in double braces.
    pub instructions: String,
    /// The labels that the judge chooses from; without a scale its answer is kept as it is, and counts in no mean.
    pub scale: Option<Scale>,
}

/// A label of a rating scale, as it is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RatingItem {
    /// The label.
    pub definition: String,
    /// What it counts.
    pub value: RatingValue,
}

/// What a label counts.
#[derive(Debug, Clone, PartialEq)]
pub enum RatingValue {
    /// A number.
    Float(f64),
    /// A word.
    Text(String),
}

impl CustomMetric {
    /// A metric of this name, instructions and scale.
    ///
    /// # Errors
    /// Invalid, where the name is a built-in metric's, where the instructions name what there is not, or where the scale mixes
    /// numbers and words or does not tell its labels apart.
    pub fn new(name: String, instructions: String, items: &[RatingItem]) -> Result<Self> {
        if name.starts_with("Builtin.") || name.starts_with("Craton.") {
            return Err(Error::invalid(format!("The custom metric `{name}` has the name of a built-in one.")));
        }
        let named = |error: Error| Error { message: format!("The custom metric `{name}`: {}", error.message), ..error };
        prompts::check_instructions(&instructions).map_err(named)?;
        let scale = scale(items).map_err(named)?;
        Ok(Self { name, instructions, scale })
    }

    /// The variables that its instructions name, in the order of [`prompts::VARIABLES`].
    #[must_use]
    pub fn variables(&self) -> Vec<&'static str> {
        prompts::VARIABLES.into_iter().filter(|name| prompts::names(&self.instructions, name)).collect()
    }

    /// What its instructions name that no record of such a job has: it could have no score at all.
    pub(super) fn never_filled(&self, family: Family) -> Vec<String> {
        let (name, kind) = (&self.name, family.as_str());
        let told = |variable| {
            let what = stands_for(variable);
            format!("The metric `{name}` names `{{{{{variable}}}}}`, and a {kind} job has no {what}.")
        };
        self.variables().into_iter().filter(|variable| !is_in(family, variable)).map(told).collect()
    }

    /// What its instructions name that a record lacks: it would have no score there. Of a reference answer nothing is said, as
    /// without one the job itself fails; nor of what the job asks for, as that is not known before.
    pub(super) fn unfilled(&self, family: Family, record: &Record) -> Vec<String> {
        let told = |variable| {
            let turn = record.turns.iter().position(|turn| lacks(turn, variable))? + 1;
            let turn = if record.turns.len() > 1 { format!(" in turn {turn}") } else { String::new() };
            let (line, what, name) = (record.line, stands_for(variable), &self.name);
            Some(format!(
                "Line {line} of the dataset has no {what}{turn}, which the metric `{name}` names as `{{{{{variable}}}}}`."
            ))
        };
        self.variables().into_iter().filter(|variable| is_in(family, variable)).filter_map(told).collect()
    }
}

/// What a variable stands for.
fn stands_for(variable: &str) -> &'static str {
    match variable {
        "prediction" => "answer",
        "ground_truth" => "reference answer",
        "context" => "passages",
        "reference_contexts" => "reference contexts",
        _ => "prompt",
    }
}

/// Can a record of such a job have what a variable stands for?
fn is_in(family: Family, variable: &str) -> bool {
    match family {
        Family::Model => !matches!(variable, "context" | "reference_contexts"),
        Family::Retrieve => variable != "prediction",
        Family::RetrieveAndGenerate => true,
    }
}

fn lacks(turn: &Turn, variable: &str) -> bool {
    match variable {
        "reference_contexts" => turn.reference_contexts.is_empty(),
        "context" => turn.output.as_ref().is_some_and(|output| output.passages.is_empty()),
        _ => false,
    }
}

fn scale(items: &[RatingItem]) -> Result<Option<Scale>> {
    let (mut numbers, mut words) = (Vec::new(), Vec::new());
    for item in items {
        match &item.value {
            RatingValue::Float(value) => numbers.push((item.definition.clone(), *value)),
            RatingValue::Text(word) => words.push((item.definition.clone(), word.clone())),
        }
    }
    match (numbers.is_empty(), words.is_empty()) {
        (true, true) => Ok(None),
        (false, true) => Scale::numbers(&numbers).map(Some),
        (true, false) => Scale::words(&words).map(Some),
        (false, false) => Err(Error::invalid("The values of a rating scale are either all numbers or all texts.")),
    }
}

#[cfg(test)]
#[path = "custom_tests.rs"]
mod tests;
