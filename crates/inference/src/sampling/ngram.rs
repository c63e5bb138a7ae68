//! Control of repeated n-grams: no run of so many tokens is written twice.
//!
//! The definition is that of Transformers' `NoRepeatNGramLogitsProcessor`: of the tokens counted so far, those are banned
//! that followed an occurrence of their last n−1. [`NgramScope::PromptAndOutput`] counts the prompt too, as Transformers
//! does for decoders; [`NgramScope::Output`] counts the answer alone. Tokens that end an answer are banned like any other.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::{Error, Result, Token};

/// No n-gram is written twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRepeatNgram {
    /// Its length, 1 to [`NoRepeatNgram::LARGEST`].
    pub size: u32,
    /// Where an earlier one counts.
    pub scope: NgramScope,
}

/// Where an earlier n-gram counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NgramScope {
    /// In the prompt, its template included, and in the answer.
    #[default]
    PromptAndOutput,
    /// In the answer alone.
    Output,
}

impl NoRepeatNgram {
    /// The longest n-gram: the cost of a token grows with its length.
    pub const LARGEST: u32 = 256;

    /// Checks the length.
    ///
    /// # Errors
    /// Request, where it is out of range.
    pub fn validate(&self) -> Result<()> {
        match (1..=Self::LARGEST).contains(&self.size) {
            true => Ok(()),
            false => Err(Error::Request {
                reason: format!("`no_repeat_ngram_size` is {}: it must be 1 to {}", self.size, Self::LARGEST),
            }),
        }
    }
}

/// The n-grams of a growing text. A token costs one look-up, whatever came before; memory grows by at most one entry a
/// token, and by none for an n-gram that is known.
#[derive(Debug)]
pub struct NgramIndex {
    size: usize,
    history: Vec<Token>,
    hasher: RandomState,
    /// What followed n−1 tokens, by a hash of them.
    contexts: HashMap<u64, Context>,
    /// Each context, by its first follower's number, with each token that followed it.
    known: HashSet<(u32, Token)>,
    followers: Vec<Follower>,
}

/// n−1 tokens that were followed by others.
#[derive(Debug, Clone, Copy)]
struct Context {
    /// Where in the text they stand first.
    start: u32,
    /// The first follower's number: it names the context.
    first: u32,
    /// The last follower's number.
    last: u32,
}

/// A token that followed a context.
#[derive(Debug, Clone, Copy)]
struct Follower {
    token: Token,
    /// The number of the one before it in the same context; its own where there is none.
    before: u32,
}

impl NgramIndex {
    /// An index of the prompt's n-grams, where the scope has it count.
    pub fn new(rule: NoRepeatNgram, prompt: &[Token]) -> Self {
        let mut index = Self {
            size: (rule.size as usize).max(1),
            history: Vec::new(),
            hasher: RandomState::new(),
            contexts: HashMap::new(),
            known: HashSet::new(),
            followers: Vec::new(),
        };
        if rule.scope == NgramScope::PromptAndOutput {
            index.history.reserve(prompt.len());
            prompt.iter().for_each(|token| index.push(*token));
        }
        index
    }

    /// Adds a token to the text.
    pub fn push(&mut self, token: Token) {
        if let Some(context) = self.history.len().checked_sub(self.size - 1) {
            self.note(context, token);
        }
        self.history.push(token);
    }

    /// The tokens that would end an n-gram that is in the text already, each once.
    pub fn banned(&self) -> impl Iterator<Item = Token> {
        let context = self.history.len().checked_sub(self.size - 1).map(|start| self.place(start));
        let mut next = context.and_then(|place| self.contexts.get(&place)).map(|context| context.last);
        std::iter::from_fn(move || {
            let at = next?;
            let follower = self.followers[at as usize];
            next = (follower.before != at).then_some(follower.before);
            Some(follower.token)
        })
    }

    /// Notes that the token follows the n−1 tokens from `start`, the last ones of the text.
    fn note(&mut self, start: usize, token: Token) {
        // A text has fewer than 2³² tokens, as the context that it stands in.
        let number = self.followers.len() as u32;
        let place = self.place(start);
        let new = Context { start: start as u32, first: number, last: number };
        let context = self.contexts.entry(place).or_insert(new);
        if self.known.insert((context.first, token)) {
            self.followers.push(Follower { token, before: context.last });
            context.last = number;
        }
    }

    /// Where the n−1 tokens from `start` stand or belong among the contexts: at the first of their hashes that no other
    /// tokens took.
    fn place(&self, start: usize) -> u64 {
        let tokens = |start: usize| &self.history[start..start + self.size - 1];
        let mut hash = self.hasher.hash_one(tokens(start));
        while self.contexts.get(&hash).is_some_and(|other| tokens(other.start as usize) != tokens(start)) {
            hash = self.hasher.hash_one(hash);
        }
        hash
    }
}

#[cfg(test)]
mod tests;
