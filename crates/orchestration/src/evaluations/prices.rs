//! What a job costs, by prices that whoever asked for it named: of models by their tokens, of the machine by its time.

use base::{Error, Result};
use serde::{Deserialize, Serialize};

use super::card::Card;
use super::outcome::Tokens;
use super::plan::{Asked, Metric, System};

/// So many tokens a price is for.
const PRICED_TOKENS: f64 = 1e6;
/// Seconds of an hour.
const HOUR: f64 = 3600.0;

/// Prices, in money of the caller's own.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Prices {
    /// That of the machine, for an hour.
    pub per_hour: Option<f64>,
    /// Those of models.
    pub models: Vec<ModelPrice>,
}

/// Prices of a model, each for 1,000,000 tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelPrice {
    /// The id by which the job names it.
    pub model: String,
    /// Of tokens that it reads.
    pub input: f64,
    /// Of tokens that come from a cache; none: that of those that it reads.
    pub cached: Option<f64>,
    /// Of tokens that it writes.
    pub output: f64,
}

/// What a model cost.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelCost {
    /// The id by which the job names it.
    pub model: String,
    /// What it read and wrote, as judge, as generator and to read conditions together.
    pub tokens: Tokens,
    /// In the caller's own money.
    pub cost: f64,
}

/// What the machine cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MachineCost {
    /// Its price for an hour.
    pub per_hour: f64,
    /// From when the job began to work until it ended.
    pub seconds: f64,
    /// In the caller's own money.
    pub cost: f64,
}

impl ModelPrice {
    /// The price of tokens.
    fn of(&self, tokens: Tokens) -> f64 {
        let read = tokens.input.saturating_sub(tokens.cached) as f64;
        let cached = tokens.cached as f64 * self.cached.unwrap_or(self.input);
        (read * self.input + cached + tokens.output as f64 * self.output) / PRICED_TOKENS
    }
}

impl Prices {
    /// Sees that each is a price of something that the job asks.
    ///
    /// # Errors
    /// Invalid, where one is negative, or a model has two, or is none that judges, answers or reads conditions in the job.
    pub(super) fn check(&self, asked: &Asked) -> Result<()> {
        let of_systems = asked.systems.iter().flat_map(|system| [system.generator(), system.filter_model()]);
        let judges = [asked.judge.as_deref(), asked.custom_judge.as_deref()];
        let known: Vec<&str> = of_systems.chain(judges).flatten().collect();
        for (at, price) in self.models.iter().enumerate() {
            let model = &price.model;
            if self.models[..at].iter().any(|other| other.model == *model) {
                return Err(Error::invalid(format!("The model `{model}` has two prices.")));
            }
            if !known.contains(&model.as_str()) {
                return Err(Error::invalid(format!(
                    "`{model}` has a price, and neither judges nor answers nor reads conditions in this job."
                ))
                .with_hint("Name the model in the price as the job names it."));
            }
        }
        let of_models = self.models.iter().flat_map(|price| [Some(price.input), price.cached, Some(price.output)]);
        match of_models.chain([self.per_hour]).flatten().all(|price| price.is_finite() && price >= 0.0) {
            true => Ok(()),
            false => Err(Error::invalid("A price is a number that is not negative.")),
        }
    }

    /// What the models of a card cost that have prices, the judges first, each once.
    pub(super) fn of_card(&self, asked: &Asked, system: &System, metrics: &[Metric], card: &Card) -> Vec<ModelCost> {
        let mut costs: Vec<ModelCost> = Vec::new();
        for (model, tokens) in spent(asked, system, metrics, card) {
            let Some(price) = self.models.iter().find(|price| price.model == model) else { continue };
            match costs.iter_mut().find(|cost| cost.model == price.model) {
                Some(cost) => cost.tokens += tokens,
                None => costs.push(ModelCost { model: price.model.clone(), tokens, cost: 0.0 }),
            }
        }
        for cost in &mut costs {
            let price = self.models.iter().find(|price| price.model == cost.model);
            cost.cost = price.map_or(0.0, |price| price.of(cost.tokens));
        }
        costs
    }

    /// The models of a card that took tokens and have no price, where others have one, each once.
    pub(super) fn unpriced(&self, asked: &Asked, system: &System, metrics: &[Metric], card: &Card) -> Vec<String> {
        let mut unpriced: Vec<String> = Vec::new();
        for (model, tokens) in spent(asked, system, metrics, card) {
            let has_price = self.models.is_empty() || self.models.iter().any(|price| price.model == model);
            if tokens != Tokens::default() && !has_price && !unpriced.iter().any(|known| known == model) {
                unpriced.push(model.to_owned());
            }
        }
        unpriced
    }

    /// What so many milliseconds of the machine cost; none where its price is not known.
    pub(super) fn of_time(&self, millis: i64) -> Option<MachineCost> {
        let (per_hour, seconds) = (self.per_hour?, millis.max(0) as f64 / 1000.0);
        Some(MachineCost { per_hour, seconds, cost: seconds * per_hour / HOUR })
    }
}

/// What the models of a card read and wrote: the judge for each metric, then the generator, then what reads conditions.
fn spent<'a>(asked: &'a Asked, system: &'a System, metrics: &[Metric], card: &Card) -> Vec<(&'a str, Tokens)> {
    let judged = metrics.iter().zip(&card.metrics).map(|(metric, summary)| {
        let judge = match metric {
            Metric::Builtin(_) => asked.judge.as_deref(),
            Metric::Custom(_) => asked.custom_judge.as_deref(),
            Metric::Computed(_) | Metric::Similarity => None,
        };
        (judge, summary.tokens)
    });
    let of_system = [(system.generator(), card.generator), (system.filter_model(), card.filter)];
    judged.chain(of_system).filter_map(|(model, tokens)| Some((model?, tokens))).collect()
}

/// A cost in digits; what is too small for them is told as less.
#[must_use]
pub(super) fn money(cost: f64) -> String {
    if cost > 0.0 && cost < 0.0001 { "less than 0.0001".to_owned() } else { format!("{cost:.4}") }
}

#[cfg(test)]
#[path = "prices_tests.rs"]
mod tests;
