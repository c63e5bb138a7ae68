//! A text read along: how well a model foretells each of its tokens.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::backend::{Backend, Input, Open, Vocabulary};
use crate::{Error, Result, Token};

/// What a model made of one token of a text, having read all tokens before it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// The token that stands there.
    pub token: Token,
    /// The natural logarithm of the probability that the model gave it (log-softmax over the whole vocabulary).
    pub logprob: f32,
    /// The token that the model held to be likeliest, of equals the lowest.
    pub likeliest: Token,
}

/// The tokens of a text as [`read_along`] reads them: the opening token where the model wants one, then the text's,
/// in which control tokens are not recognised.
///
/// # Errors
/// ContextOverflow, where there are more than the context holds.
pub fn tokens_to_read(vocabulary: &dyn Vocabulary, text: &str, context: u32) -> Result<Vec<Token>> {
    let mut tokens: Vec<Token> = vocabulary.bos().into_iter().collect();
    tokens.extend(vocabulary.tokenize(text, false)?);
    match tokens.len() > context as usize {
        true => Err(Error::ContextOverflow { prompt: tokens.len(), context: context as usize }),
        false => Ok(tokens),
    }
}

/// Reads tokens in a sequence of their own, `chunk` at a time: one reading for each but the first. Ends soon after
/// `cancelled` became true.
///
/// # Errors
/// The backend's; Engine, where its logits are not numbers; Cancelled.
pub fn read_along(open: &mut impl Open, tokens: &[Token], chunk: u32, cancelled: &AtomicBool) -> Result<Vec<Reading>> {
    let mut readings = Ok(Vec::new());
    if tokens.len() > 1 {
        open.open(&mut |backend| readings = read(backend, tokens, chunk.max(1) as usize, cancelled))?;
    }
    readings
}

fn read(backend: &mut dyn Backend, tokens: &[Token], chunk: usize, cancelled: &AtomicBool) -> Result<Vec<Reading>> {
    let mut readings = Vec::with_capacity(tokens.len() - 1);
    let mut batch = Vec::with_capacity(chunk);
    // The last token is foretold and foretells nothing.
    let read = &tokens[..tokens.len() - 1];
    for (at, part) in read.chunks(chunk).enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::Cancelled);
        }
        let start = at * chunk;
        let input = |(position, token): (usize, &Token)| Input {
            sequence: 0,
            position: position as u32,
            token: *token,
            logits: true,
        };
        batch.clear();
        batch.extend((start..).zip(part).map(input));
        backend.decode(&batch)?;
        for index in 0..part.len() {
            readings.push(reading(backend.logits(index)?, tokens[start + index + 1])?);
        }
    }
    Ok(readings)
}

fn reading(logits: &[f32], token: Token) -> Result<Reading> {
    let unusable = || Error::Engine { reason: "the logits are not numbers".to_owned() };
    let own = *logits.get(token as usize).ok_or_else(unusable)?;
    let (mut likeliest, mut highest) = (0, f32::NEG_INFINITY);
    for (other, logit) in (0..).zip(logits) {
        if *logit > highest {
            (likeliest, highest) = (other, *logit);
        }
    }
    // A NaN anywhere makes the sum one; an infinity makes the difference one.
    let highest = f64::from(highest);
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - highest).exp()).sum();
    match sum.is_finite() {
        true => Ok(Reading { token, logprob: (f64::from(own) - highest - sum.ln()) as f32, likeliest }),
        false => Err(unusable()),
    }
}

#[cfg(test)]
mod tests;
