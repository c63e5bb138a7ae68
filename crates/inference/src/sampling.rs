//! Choosing the next token from the logits.

use crate::Token;

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// Divides the logits; 0 always takes the likeliest token.
    pub temperature: f32,
    /// Keeps the fewest likeliest tokens whose probabilities sum to this; 1 keeps all.
    pub top_p: f32,
    /// Keeps this many likeliest tokens; 0 keeps all.
    pub top_k: u32,
    /// Keeps tokens at least this times as likely as the likeliest; 0 keeps all.
    pub min_p: f32,
    /// The same seed and parameters give the same text; `None` draws a seed.
    pub seed: Option<u64>,
    /// Subtracted from a token's logit for each time it was written. −2 to 2.
    pub frequency_penalty: f32,
    /// Subtracted from a token's logit once it was written. −2 to 2.
    pub presence_penalty: f32,
    /// Divides positive and multiplies negative logits of tokens in the prompt's end and the answer; 1 is off.
    pub repeat_penalty: f32,
    /// Added to tokens' logits; −100 or less bans, 100 or more all but forces.
    pub logit_bias: Vec<(Token, f32)>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_p: 1.0,
            top_k: 0,
            min_p: 0.0,
            seed: None,
            frequency_penalty: 0.0,
            presence_penalty: 0.0,
            repeat_penalty: 1.0,
            logit_bias: Vec::new(),
        }
    }
}
