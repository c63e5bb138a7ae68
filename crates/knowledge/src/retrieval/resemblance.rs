//! Texts that say nearly the same.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

/// Words that are compared together (A. Broder, "On the resemblance and containment of documents", 1997).
const SHINGLE: usize = 3;
/// Two texts say nearly the same where they share this part of their shingles.
const NEARLY: f64 = 0.9;

/// What a text has in common with those that say nearly the same.
pub(super) struct Shingles(HashSet<u64>);

impl Shingles {
    pub(super) fn of(text: &str) -> Self {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let hash = |words: &[String]| {
            let mut hasher = DefaultHasher::new();
            words.hash(&mut hasher);
            hasher.finish()
        };
        match words.len() {
            length if length < SHINGLE => Self([hash(&words)].into()),
            _ => Self(words.windows(SHINGLE).map(hash).collect()),
        }
    }

    /// Whether they share nearly all of what either has.
    pub(super) fn resemble(&self, other: &Self) -> bool {
        let common = self.0.intersection(&other.0).count();
        let all = self.0.len() + other.0.len() - common;
        common as f64 >= NEARLY * all as f64
    }
}
