//! Metrics that a user defines.

use base::{Error, Result};

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
