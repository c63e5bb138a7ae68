//! What a judge was shown of a record, prompt by prompt: how much of each it had read before, which is what a cache can give.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use models::{Content, Message, Usage};

use super::outcome::Tokens;
use super::prompts::{JudgePrompt, preambles};

/// What stands between the texts of a prompt, as the words of a chat template do.
const BETWEEN: &str = "\0";

/// The prompts on one record so far, by the model that read them: no model has what another one read. Preambles count as seen
/// from the first: every record before had them.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<String, Vec<String>>>);

impl Seen {
    /// The tokens of a prompt that a model answered, with those of them that another one of its prompts had begun with: the
    /// share of its bytes, as tokens are told in total alone.
    pub(super) fn note(&self, model: &str, prompt: &JudgePrompt, more: &[Message], usage: Usage) -> Tokens {
        let mut text = format!("{}{BETWEEN}{}", prompt.system, prompt.user);
        for piece in more.iter().flat_map(|message| &message.content) {
            if let Content::Text(said) = piece {
                text.push_str(BETWEEN);
                text.push_str(said);
            }
        }
        let mut models = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begun = || preambles().map(|text| format!("{text}{BETWEEN}")).collect();
        let seen = models.entry(model.to_owned()).or_insert_with(begun);
        let common = seen.iter().map(|other| common(other, &text)).max().unwrap_or(0);
        let tokens = Tokens::from(usage);
        let shared = u128::from(tokens.input) * common as u128 / text.len().max(1) as u128;
        seen.push(text);
        // No more than the prompt has.
        Tokens { shared: shared as u64, ..tokens }
    }
}

/// The bytes that two texts begin with alike.
fn common(one: &str, other: &str) -> usize {
    one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
#[path = "seen_tests.rs"]
mod tests;
