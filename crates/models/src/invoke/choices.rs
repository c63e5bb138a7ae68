//! Continuations of which one has to follow, as where a grammar lets a model write nothing else: which of their tokens tell
//! them apart, and how likely each of them is then.
//!
//! Their tokens make a tree. Where it parts, each branch has the probability of its token among the tokens that lead on; where
//! it does not, the next token is certain, whatever the model thinks of it. So nothing behind the last parting is read, which
//! for labels that begin differently is nothing at all: the prompt's last token foretells them.

use base::{Error, Result};
use inference::Token;

/// How many of each continuation's first tokens tell it from all others: at least one.
///
/// # Errors
/// Invalid, where one is the beginning of another: no token tells that it ends there.
pub(super) fn telling(continuations: &[Vec<Token>]) -> Result<Vec<usize>> {
    let mut order: Vec<usize> = (0..continuations.len()).collect();
    order.sort_by_key(|at| &continuations[*at]);
    let mut telling = vec![1; continuations.len()];
    for pair in order.windows(2) {
        let (one, other) = (pair[0], pair[1]);
        let (tokens, longer) = (&continuations[one], &continuations[other]);
        let shared = tokens.iter().zip(longer).take_while(|(token, other)| token == other).count();
        if shared == tokens.len() {
            let hint = "End each with what can only come behind it, such as a quotation mark or a line break.";
            return Err(Error::invalid(format!("Continuation {other} begins with continuation {one}.")).with_hint(hint));
        }
        for at in [one, other] {
            telling[at] = telling[at].max(shared + 1);
        }
    }
    Ok(telling)
}

/// The natural logarithm of each one's probability, by the tokens that tell it from the others, each with its own.
pub(super) fn logprobs(continuations: &[Vec<(Token, f64)>]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..continuations.len()).collect();
    order.sort_by_key(|at| continuations[*at].iter().map(|(token, _)| *token).collect::<Vec<_>>());
    let mut found = vec![0.0; continuations.len()];
    // Those that begin alike, how many tokens they have in common, and how likely these are.
    let mut open = vec![(order.as_slice(), 0, 0.0)];
    while let Some((alike, depth, logprob)) = open.pop() {
        if let [alone] = alike {
            found[*alone] = logprob;
            continue;
        }
        let next = |at: &usize| continuations[*at].get(depth).copied();
        if alike.iter().all(|at| next(at).is_none()) {
            // Nothing tells them apart.
            let share = -(alike.len() as f64).ln();
            alike.iter().for_each(|at| found[*at] = logprob + share);
            continue;
        }
        let branches: Vec<(&[usize], f64)> = alike
            .chunk_by(|one, other| next(one).map(|(token, _)| token) == next(other).map(|(token, _)| token))
            .map(|branch| (branch, next(&branch[0]).map_or(f64::NEG_INFINITY, |(_, logprob)| logprob)))
            .collect();
        let total = log_sum(branches.iter().map(|(_, logprob)| *logprob));
        for (branch, own) in &branches {
            let share = if total.is_finite() { own - total } else { -(branches.len() as f64).ln() };
            open.push((*branch, depth + 1, logprob + share));
        }
    }
    found
}

/// The logarithm of the sum of what these are logarithms of.
fn log_sum(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let highest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if !highest.is_finite() {
        return highest;
    }
    highest + values.map(|value| (value - highest).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_tells_them_apart_ends_where_the_last_other_one_parts() {
        let continuations = [vec![1, 2, 3, 4], vec![5], vec![1, 2, 9], vec![1, 8, 8]];
        assert_eq!(telling(&continuations).unwrap(), [3, 1, 3, 2]);
        assert_eq!(telling(&[vec![7, 7]]).unwrap(), [1]);
    }

    #[test]
    fn one_that_begins_with_another_is_refused_by_number() {
        for (continuations, said) in [
            (vec![vec![1, 2, 3], vec![1, 2]], "Continuation 0 begins with continuation 1."),
            (vec![vec![1, 2], vec![3], vec![1, 2]], "Continuation 2 begins with continuation 0."),
        ] {
            let error = telling(&continuations).unwrap_err();
            assert_eq!((error.message.as_str(), error.hint.is_some()), (said, true));
        }
    }

    #[test]
    fn shares_are_those_of_the_branches_on_the_way() {
        // 1 or 5; behind 1 always 2; behind that 3 or 9.
        let way = |last: Token, share: f64| vec![(1, 0.2_f64.ln()), (2, 0.001_f64.ln()), (last, share.ln())];
        let found = logprobs(&[way(3, 0.3), vec![(5, 0.6_f64.ln())], way(9, 0.1)]);
        for (found, expected) in found.iter().zip([0.25 * 0.75, 0.75, 0.25 * 0.25]) {
            assert!((found.exp() - expected).abs() < 1e-12, "{found}");
        }
        assert_eq!(logprobs(&[vec![(1, -30.0)]]), [0.0], "one alone is certain");
        let same = logprobs(&[vec![(1, -1.0)], vec![(1, -1.0)]]);
        assert!(same.iter().all(|one| (one.exp() - 0.5).abs() < 1e-12), "what nothing tells apart shares alike");
        let nowhere = logprobs(&[vec![(1, f64::NEG_INFINITY)], vec![(2, f64::NEG_INFINITY)]]);
        assert!(nowhere.iter().all(|one| (one.exp() - 0.5).abs() < 1e-12));
    }
}
