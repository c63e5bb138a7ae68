//! Searching the cards.

use base::{Error, Result};
use identity::Ctx;

use super::card::{Card, CardFilter, CardState};
use crate::Models;

/// Which cards are searched for. What is not said does not matter; letters' cases never do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Words that each stand somewhere in a card's name, title, provider, description, tasks or id in JumpStart, or are an AWS
    /// id that it answers.
    pub text: Option<String>,
    /// A task, such as `chat`.
    pub task: Option<String>,
    /// A language (BCP 47); models for many languages have all of them.
    pub language: Option<String>,
    /// Who trained it, or a part of that name.
    pub provider: Option<String>,
    /// A licence's name, or a part of it.
    pub licence: Option<String>,
    /// Whether it fits the memory for models.
    pub fits: Option<bool>,
    /// A state: `not-pulled`, `pulling`, `ready`, `broken`.
    pub state: Option<String>,
}

/// The states by their names.
const STATES: [&str; 4] = ["not-pulled", "pulling", "ready", "broken"];
/// What a model for many languages names beside those that its publisher lists.
const MANY: &str = "mul";

impl Models {
    /// The cards that are searched for, in the order of [`Models::list`].
    ///
    /// # Errors
    /// Invalid for a state that there is not; Unavailable, where the library or the database cannot be read.
    pub async fn search(&self, ctx: &Ctx, search: &Search) -> Result<Vec<Card>> {
        if let Some(state) = search.state.as_deref().filter(|state| !STATES.contains(state)) {
            let known = STATES.map(|state| format!("`{state}`")).join(", ");
            return Err(Error::invalid(format!("`{state}` is no state of a model: there are {known}.")));
        }
        let mut cards = self.list(ctx, CardFilter::default()).await?;
        cards.retain(|card| search.finds(card));
        Ok(cards)
    }
}

impl Search {
    /// Whether a card is searched for.
    pub(super) fn finds(&self, card: &Card) -> bool {
        let within = |text: &str, part: &Option<String>| part.as_ref().is_none_or(|part| contains(text, part));
        self.text.as_ref().is_none_or(|text| text.split_whitespace().all(|word| says(card, word)))
            && self.task.as_ref().is_none_or(|task| card.tasks.iter().any(|one| one.eq_ignore_ascii_case(task)))
            && self.language.as_ref().is_none_or(|language| speaks(card, language))
            && within(&card.provider, &self.provider)
            && within(&card.licence.name, &self.licence)
            && self.fits.is_none_or(|fits| card.fits == fits)
            && self.state.as_ref().is_none_or(|state| card.state.name() == state)
    }
}

impl CardState {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NotPulled => "not-pulled",
            Self::Pulling { .. } => "pulling",
            Self::Ready => "ready",
            Self::Broken { .. } => "broken",
        }
    }
}

fn says(card: &Card, word: &str) -> bool {
    let texts = [&card.name, &card.title, &card.provider, &card.description];
    let texts = texts.into_iter().chain(&card.jumpstart_id).chain(&card.tasks);
    // What stands in for a vendor's model is found by that one's id, and not by its vendor's name.
    let answers = card.serves_aws_ids.iter().any(|id| id.eq_ignore_ascii_case(word));
    answers || texts.into_iter().any(|text| contains(text, word))
}

fn speaks(card: &Card, language: &str) -> bool {
    // Of `pt-BR`, the language is `pt`.
    let primary = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
    card.languages.iter().any(|one| one == MANY || primary(one) == primary(language))
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}
