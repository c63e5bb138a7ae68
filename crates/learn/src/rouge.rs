//! ROUGE-1, -2, -L and -Lsum (Lin, 2004), equal to Google's `rouge-score` 0.1.2.

use std::collections::{BTreeSet, HashMap};

use crate::stem;

/// Whether words are reduced to their stems before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stemming {
    /// As they stand.
    #[default]
    None,
    /// Words of more than three letters by [`stem`].
    Porter,
}

/// What two texts share, of each of them: numbers from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Score {
    /// The share of the candidate.
    pub precision: f64,
    /// The share of the reference.
    pub recall: f64,
    /// The harmonic mean of both; 0 where both are.
    pub f1: f64,
}

/// The four scores of one candidate against one reference.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rouge {
    /// Shared words.
    pub rouge1: Score,
    /// Shared pairs of words.
    pub rouge2: Score,
    /// The longest common subsequence of words.
    pub rouge_l: Score,
    /// The same line by line: the union of each reference line's subsequences with the candidate's lines.
    pub rouge_lsum: Score,
}

impl Score {
    fn of(hits: usize, candidate: usize, reference: usize) -> Self {
        let precision = hits as f64 / candidate.max(1) as f64;
        let recall = hits as f64 / reference.max(1) as f64;
        let sum = precision + recall;
        let f1 = if sum > 0.0 { 2.0 * precision * recall / sum } else { 0.0 };
        Self { precision, recall, f1 }
    }
}

/// Scores a candidate against a reference.
#[must_use]
pub fn score(candidate: &str, reference: &str, stemming: Stemming) -> Rouge {
    let (words, wanted) = (tokens(candidate, stemming), tokens(reference, stemming));
    Rouge {
        rouge1: n_grams(&words, &wanted, 1),
        rouge2: n_grams(&words, &wanted, 2),
        rouge_l: subsequence(&words, &wanted),
        rouge_lsum: by_lines(candidate, reference, stemming),
    }
}

/// One of the four scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Shared words.
    Words,
    /// Shared pairs of words.
    Pairs,
    /// The longest common subsequence of words.
    Subsequence,
    /// The same line by line.
    Lines,
}

/// Scores a candidate against a reference in one way: what the others would take is not spent.
#[must_use]
pub fn only(variant: Variant, candidate: &str, reference: &str, stemming: Stemming) -> Score {
    if variant == Variant::Lines {
        return by_lines(candidate, reference, stemming);
    }
    let (words, wanted) = (tokens(candidate, stemming), tokens(reference, stemming));
    match variant {
        Variant::Words => n_grams(&words, &wanted, 1),
        Variant::Pairs => n_grams(&words, &wanted, 2),
        Variant::Subsequence | Variant::Lines => subsequence(&words, &wanted),
    }
}

/// Scores a candidate against each of several references and keeps, score by score, the one with the highest F1 (the
/// first of equals). Without a reference every score is 0.
#[must_use]
pub fn best(candidate: &str, references: &[&str], stemming: Stemming) -> Rouge {
    let scores: Vec<Rouge> = references.iter().map(|reference| score(candidate, reference, stemming)).collect();
    let best = |of: fn(&Rouge) -> Score| {
        scores.iter().map(of).fold(None, |best: Option<Score>, next| match best {
            Some(best) if best.f1 >= next.f1 => Some(best),
            _ => Some(next),
        })
    };
    Rouge {
        rouge1: best(|s| s.rouge1).unwrap_or_default(),
        rouge2: best(|s| s.rouge2).unwrap_or_default(),
        rouge_l: best(|s| s.rouge_l).unwrap_or_default(),
        rouge_lsum: best(|s| s.rouge_lsum).unwrap_or_default(),
    }
}

/// Words: runs of the letters a to z and the digits, in lower case.
#[must_use]
pub fn tokens(text: &str, stemming: Stemming) -> Vec<String> {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit())).filter(|word| !word.is_empty());
    match stemming {
        Stemming::None => words.map(str::to_owned).collect(),
        Stemming::Porter => words.map(|word| if word.len() > 3 { stem(word) } else { word.to_owned() }).collect(),
    }
}

fn n_grams(candidate: &[String], reference: &[String], n: usize) -> Score {
    let mut left: HashMap<&[String], usize> = HashMap::new();
    for gram in reference.windows(n) {
        *left.entry(gram).or_default() += 1;
    }
    let mut hits = 0;
    for gram in candidate.windows(n) {
        if let Some(count) = left.get_mut(gram).filter(|count| **count > 0) {
            *count -= 1;
            hits += 1;
        }
    }
    let count = |words: &[String]| (words.len() + 1).saturating_sub(n);
    Score::of(hits, count(candidate), count(reference))
}

fn subsequence(candidate: &[String], reference: &[String]) -> Score {
    let mut row = vec![0_usize; candidate.len() + 1];
    for wanted in reference {
        let mut diagonal = 0;
        for (at, word) in candidate.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if word == wanted { diagonal + 1 } else { above.max(row[at]) };
            diagonal = above;
        }
    }
    Score::of(row[candidate.len()], candidate.len(), reference.len())
}

fn by_lines(candidate: &str, reference: &str, stemming: Stemming) -> Score {
    let lines = |text: &str| -> Vec<Vec<String>> {
        text.split('\n').filter(|line| !line.is_empty()).map(|line| tokens(line, stemming)).collect()
    };
    let (candidate, reference) = (lines(candidate), lines(reference));
    let (mut of_candidate, mut of_reference) = (counts(&candidate), counts(&reference));
    let mut hits = 0;
    for line in &reference {
        let union: BTreeSet<usize> = candidate.iter().flat_map(|other| matched(line, other)).collect();
        for word in union.into_iter().map(|at| line[at].as_str()) {
            // Both counts bound what a word may add, so that lines that say the same are not counted twice.
            if let (Some(here), Some(there)) = (of_candidate.get_mut(word), of_reference.get_mut(word))
                && *here > 0
                && *there > 0
            {
                (*here, *there) = (*here - 1, *there - 1);
                hits += 1;
            }
        }
    }
    let length = |lines: &[Vec<String>]| lines.iter().map(Vec::len).sum();
    Score::of(hits, length(&candidate), length(&reference))
}

fn counts(lines: &[Vec<String>]) -> HashMap<&str, usize> {
    let mut counts = HashMap::new();
    for word in lines.iter().flatten() {
        *counts.entry(word.as_str()).or_default() += 1;
    }
    counts
}

/// The positions in `reference` of one longest common subsequence: read backwards from the end, where two are as long
/// the candidate's word is kept, as the package decides it.
fn matched(reference: &[String], candidate: &[String]) -> Vec<usize> {
    let width = candidate.len();
    // A bit for each pair of words: is the way back to the candidate's word before? Lengths need only a row.
    let mut goes_left = vec![0_u64; (reference.len() * width).div_ceil(64)];
    let mut row = vec![0_u32; width + 1];
    for (i, wanted) in reference.iter().enumerate() {
        let mut diagonal = 0;
        for (j, word) in candidate.iter().enumerate() {
            let (left, above) = (row[j], row[j + 1]);
            if left > above {
                let at = i * width + j;
                goes_left[at / 64] |= 1 << (at % 64);
            }
            row[j + 1] = if word == wanted { diagonal + 1 } else { left.max(above) };
            diagonal = above;
        }
    }
    let (mut i, mut j, mut positions) = (reference.len(), candidate.len(), Vec::new());
    while i > 0 && j > 0 {
        let at = (i - 1) * width + j - 1;
        if reference[i - 1] == candidate[j - 1] {
            (i, j) = (i - 1, j - 1);
            positions.push(i);
        } else if goes_left[at / 64] >> (at % 64) & 1 == 1 {
            j -= 1;
        } else {
            i -= 1;
        }
    }
    positions
}
