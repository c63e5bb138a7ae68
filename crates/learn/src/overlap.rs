//! Exact match and token F1, as the evaluation script of SQuAD 2.0 computes them.

use std::collections::HashMap;

/// Lower case, without ASCII punctuation and English articles, with single spaces.
#[must_use]
pub fn normalize(text: &str) -> String {
    let bare = text.to_lowercase().replace(|c: char| c.is_ascii_punctuation(), "");
    // A word is what Python's `\b` delimits: letters, digits and underscores; an article among them becomes a space.
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut kept, mut rest) = (String::with_capacity(bare.len()), bare.as_str());
    while let Some(first) = rest.chars().next() {
        let same = |c: char| is_word(c) != is_word(first);
        let (run, after) = rest.split_at(rest.find(same).unwrap_or(rest.len()));
        kept.push_str(if matches!(run, "a" | "an" | "the") { " " } else { run });
        rest = after;
    }
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether two texts are the same after [`normalize`].
#[must_use]
pub fn exact_match(prediction: &str, reference: &str) -> bool {
    normalize(prediction) == normalize(reference)
}

/// The harmonic mean of the shares of tokens, counted with repetition, that each text shares with the other. Where one of
/// them has no token, 1 if neither has, else 0.
#[must_use]
pub fn token_f1(prediction: &str, reference: &str) -> f64 {
    let (prediction, reference) = (normalize(prediction), normalize(reference));
    let (prediction, reference): (Vec<&str>, Vec<&str>) =
        (prediction.split_whitespace().collect(), reference.split_whitespace().collect());
    if prediction.is_empty() || reference.is_empty() {
        return if prediction.is_empty() && reference.is_empty() { 1.0 } else { 0.0 };
    }
    let mut left: HashMap<&str, usize> = HashMap::new();
    for token in &reference {
        *left.entry(token).or_default() += 1;
    }
    let mut shared = 0_usize;
    for token in &prediction {
        if let Some(count) = left.get_mut(token).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1;
        }
    }
    if shared == 0 {
        return 0.0;
    }
    let precision = shared as f64 / prediction.len() as f64;
    let recall = shared as f64 / reference.len() as f64;
    2.0 * precision * recall / (precision + recall)
}
