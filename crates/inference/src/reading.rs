//! Texts read along: how well a model foretells each of their tokens.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::backend::{Backend, Care, Input, Open, Vocabulary};
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

/// A text, and how it may go on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Passage {
    /// What is read first, and not foretold. Passages that begin alike are best read one after another.
    pub prompt: String,
    /// Each follows the prompt by itself.
    pub endings: Vec<String>,
}

impl Passage {
    /// A text that is foretold from its beginning.
    pub fn text(text: impl Into<String>) -> Self {
        Self { prompt: String::new(), endings: vec![text.into()] }
    }
}

/// A passage as [`read_all`] reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PassageTokens {
    /// The opening token where the model wants one, then the prompt's.
    pub prompt: Vec<Token>,
    /// Each ending's.
    pub endings: Vec<Vec<Token>>,
}

impl PassageTokens {
    /// Splits a passage into tokens: prompt and endings each for themselves, without control tokens.
    ///
    /// # Errors
    /// ContextOverflow, where the context does not hold the prompt with an ending.
    pub fn new(vocabulary: &dyn Vocabulary, passage: &Passage, context: u32) -> Result<Self> {
        let prompt = tokens_to_read(vocabulary, &passage.prompt, context)?;
        let endings: Vec<Vec<Token>> =
            passage.endings.iter().map(|ending| vocabulary.tokenize(ending, false)).collect::<Result<_>>()?;
        let tokens = Self { prompt, endings };
        match tokens.longest() > context as usize {
            true => Err(Error::ContextOverflow { prompt: tokens.longest(), context: context as usize }),
            false => Ok(tokens),
        }
    }

    /// Tokens of the prompt with the longest ending.
    pub fn longest(&self) -> usize {
        self.prompt.len() + self.endings.iter().map(Vec::len).max().unwrap_or(0)
    }
}

/// Reads tokens in a sequence of their own, `chunk` at a time: one reading for each but the first. Ends soon after
/// `cancelled` became true.
///
/// # Errors
/// The backend's; Engine, where its logits are not numbers; Cancelled.
pub fn read_along(open: &mut impl Open, tokens: &[Token], chunk: u32, cancelled: &AtomicBool) -> Result<Vec<Reading>> {
    let passage = PassageTokens { prompt: Vec::new(), endings: vec![tokens.to_vec()] };
    let read = read_all(open, &[passage], chunk, cancelled, &AtomicUsize::new(0))?;
    Ok(read.into_iter().flatten().next().unwrap_or_default())
}

/// Reads passages one after another in one sequence, `chunk` tokens at a time: for each of their endings one reading for
/// each of its tokens, but for the first where nothing stands before it. What a passage has in common with the beginning
/// of the one before is not read again. Counts the passages in `done`; ends soon after `cancelled` became true.
///
/// # Errors
/// As [`read_along`].
pub fn read_all(
    open: &mut impl Open,
    passages: &[PassageTokens],
    chunk: u32,
    cancelled: &AtomicBool,
    done: &AtomicUsize,
) -> Result<Vec<Vec<Vec<Reading>>>> {
    let mut readings = Ok(Vec::new());
    if passages.iter().all(|passage| passage.longest() < 2) {
        return Ok(passages.iter().map(|passage| vec![Vec::new(); passage.endings.len()]).collect());
    }
    open.open(&mut |backend| {
        let mut reader = Reader { backend, chunk: chunk.max(1) as usize, cancelled, read: Vec::new() };
        let one = |passage| {
            let read = reader.passage(passage)?;
            done.fetch_add(1, Ordering::Relaxed);
            Ok(read)
        };
        readings = passages.iter().map(one).collect();
    })?;
    readings
}

struct Reader<'a> {
    backend: &'a mut dyn Backend,
    chunk: usize,
    cancelled: &'a AtomicBool,
    /// What the sequence holds.
    read: Vec<Token>,
}

impl Reader<'_> {
    fn passage(&mut self, passage: &PassageTokens) -> Result<Vec<Vec<Reading>>> {
        let start = passage.prompt.len();
        let mut after_prompt: Option<Vec<f32>> = None;
        if start > 0 {
            self.advance(&passage.prompt, start - 1, &mut |_, logits| {
                after_prompt = Some(logits.to_vec());
                Ok(())
            })?;
        }
        let mut all = Vec::with_capacity(passage.endings.len());
        for ending in &passage.endings {
            let mut readings = Vec::with_capacity(ending.len());
            if let (Some(logits), Some(first)) = (&after_prompt, ending.first()) {
                readings.push(reading(logits, *first)?);
            }
            // The last token is foretold and foretells nothing.
            if let Some((_, foretelling)) = ending.split_last().filter(|(_, before)| !before.is_empty()) {
                let tokens = [passage.prompt.as_slice(), foretelling].concat();
                self.advance(&tokens, start, &mut |position, logits| {
                    readings.push(reading(logits, ending[position + 1 - start])?);
                    Ok(())
                })?;
            }
            all.push(readings);
        }
        Ok(all)
    }

    /// Has the sequence hold `tokens`, and is told the logits after those at `from` and later.
    fn advance(
        &mut self,
        tokens: &[Token],
        from: usize,
        told: &mut dyn FnMut(usize, &[f32]) -> Result<()>,
    ) -> Result<()> {
        let common = self.read.iter().zip(tokens).take_while(|(read, token)| read == token).count().min(from);
        if common < self.read.len() {
            let kept = if self.backend.truncate(0, common as u32)? { common } else { 0 };
            self.read.truncate(kept);
        }
        let mut batch = Vec::with_capacity(self.chunk);
        while self.read.len() < tokens.len() {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Error::Cancelled);
            }
            let start = self.read.len();
            let part = &tokens[start..tokens.len().min(start + self.chunk)];
            let input = |(position, token): (usize, &Token)| Input {
                sequence: 0,
                position: position as u32,
                token: *token,
                logits: position >= from,
                also: (0, 0),
            };
            batch.clear();
            batch.extend((start..).zip(part).map(input));
            self.backend.decode(&batch, Care::Exact)?;
            for (index, position) in (start..start + part.len()).enumerate().filter(|(_, position)| *position >= from) {
                told(position, self.backend.logits(index)?)?;
            }
            self.read.extend(part);
        }
        Ok(())
    }
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
