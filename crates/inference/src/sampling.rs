//! Choosing the next token from the logits.
//!
//! The order is: logit bias, repeat penalty, frequency and presence penalties, the ban of repeated n-grams, the
//! constraint's mask, temperature, min-p, top-k, top-p. Where that ban leaves no token, it is lifted for this one: a
//! constraint and a logit bias outrank it. The logits are read where the engine left them: a few changed ones (biased or penalised
//! tokens) are laid over them, nothing of the vocabulary's size is copied or sorted.

mod ngram;

use std::cmp::Ordering;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::generation::TopLogprob;
use crate::{Error, Result, Token};

pub use ngram::{NgramIndex, NgramScope, NoRepeatNgram};

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
    /// Divides positive and multiplies negative logits of the last 64 tokens of prompt and answer; 1 is off.
    pub repeat_penalty: f32,
    /// Added to tokens' logits; −100 or less bans, 100 or more all but forces.
    pub logit_bias: Vec<(Token, f32)>,
    /// Bans the tokens that would repeat an n-gram.
    pub no_repeat_ngram: Option<NoRepeatNgram>,
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
            no_repeat_ngram: None,
        }
    }
}

impl Sampling {
    /// Always the likeliest token.
    pub fn greedy() -> Self {
        Self { temperature: 0.0, ..Self::default() }
    }

    /// Checks each parameter's range.
    pub fn validate(&self) -> Result<()> {
        let ranges = [
            ("temperature", self.temperature, 0.0, f32::MAX),
            ("top_p", self.top_p, 0.0, 1.0),
            ("min_p", self.min_p, 0.0, 1.0),
            ("frequency_penalty", self.frequency_penalty, -2.0, 2.0),
            ("presence_penalty", self.presence_penalty, -2.0, 2.0),
            ("repeat_penalty", self.repeat_penalty, f32::MIN_POSITIVE, 100.0),
        ];
        for (name, value, low, high) in ranges {
            if !(low..=high).contains(&value) {
                return Err(Error::Request { reason: format!("`{name}` is {value}: it must be {low} to {high}") });
            }
        }
        self.no_repeat_ngram.as_ref().map_or(Ok(()), NoRepeatNgram::validate)?;
        match self.logit_bias.iter().find(|(_, bias)| !bias.is_finite()) {
            Some((token, bias)) => {
                Err(Error::Request { reason: format!("the logit bias of token {token} is {bias}: it must be finite") })
            }
            None => Ok(()),
        }
    }
}

/// How many of the last tokens the repeat penalty looks at.
const REPEAT_WINDOW: usize = 64;
/// A token whose logit lies this many temperatures below the best has less than 2⁻⁴⁰ of its weight: all of a
/// vocabulary's such tokens together weigh less than the rounding of single precision, so they are never drawn.
const NEGLIGIBLE: f32 = 28.0;
/// A bias of this or less bans its token.
const BAN: f32 = -100.0;

/// Chooses the tokens of one answer.
#[derive(Debug)]
pub struct Sampler {
    sampling: Sampling,
    random: ChaCha8Rng,
    /// What is added to each biased token's logit, ordered by token; −∞ bans.
    biases: Vec<(Token, f32)>,
    /// The tokens of the prompt's end and of the answer, for the repeat penalty.
    recent: Vec<Token>,
    /// How often each token was written, ordered by token.
    written: Vec<(Token, u32)>,
    ngrams: Option<NgramIndex>,
    /// Logits that differ from the engine's, ordered by token. Kept to be refilled.
    changed: Vec<(Token, f32)>,
    /// Tokens that may be drawn. Kept to be refilled.
    candidates: Vec<Candidate>,
    nucleus: Nucleus,
}

#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// Its logit; its weight once it comes to drawing.
    logit: f32,
    token: Token,
}

impl Candidate {
    /// Likeliest first, of equals the lower token.
    fn order(&self, other: &Self) -> Ordering {
        other.logit.total_cmp(&self.logit).then(self.token.cmp(&other.token))
    }
}

impl Sampler {
    /// A sampler for an answer to the prompt. `seed` stands for [`Sampling::seed`] where that is `None`.
    pub fn new(sampling: Sampling, seed: u64, prompt: &[Token]) -> Self {
        let random = ChaCha8Rng::seed_from_u64(sampling.seed.unwrap_or(seed));
        let recent = match sampling.repeat_penalty == 1.0 {
            true => Vec::new(),
            false => prompt[prompt.len().saturating_sub(REPEAT_WINDOW)..].to_vec(),
        };
        Self {
            biases: merged(&sampling.logit_bias),
            ngrams: sampling.no_repeat_ngram.map(|rule| NgramIndex::new(rule, prompt)),
            sampling,
            random,
            recent,
            written: Vec::new(),
            changed: Vec::new(),
            candidates: Vec::new(),
            nucleus: Nucleus::default(),
        }
    }

    /// Chooses a token. `mask` has one bit for each token, the lowest first, set where the token is allowed.
    ///
    /// An error where no token is allowed, or the logits are not numbers.
    pub fn sample(&mut self, logits: &[f32], mask: Option<&[u32]>) -> Result<Token> {
        self.lay_changes(logits);
        let banned = self.ban_repetition();
        let mut best = View { logits, changed: &self.changed, mask }.best();
        if best.is_none() && banned {
            self.lay_changes(logits);
            best = View { logits, changed: &self.changed, mask }.best();
        }
        let best = best.ok_or_else(|| Error::Engine {
            reason: "no token can follow: the logits are not numbers, or the constraint allows none".to_owned(),
        })?;
        if self.sampling.temperature == 0.0 || self.sampling.top_k == 1 {
            return Ok(best.token);
        }
        let temperature = self.sampling.temperature.max(1e-4);
        let below = NEGLIGIBLE.min(-self.sampling.min_p.max(f32::MIN_POSITIVE).ln());
        let view = View { logits, changed: &self.changed, mask };
        view.at_least(best.logit - temperature * below, &mut self.candidates);
        self.keep_top_k();
        Ok(self.draw(best.logit, temperature))
    }

    /// Remembers a token that was written.
    pub fn accept(&mut self, token: Token) {
        if self.sampling.frequency_penalty != 0.0 || self.sampling.presence_penalty != 0.0 {
            match self.written.binary_search_by_key(&token, |(token, _)| *token) {
                Ok(at) => self.written[at].1 += 1,
                Err(at) => self.written.insert(at, (token, 1)),
            }
        }
        if self.sampling.repeat_penalty != 1.0 {
            if self.recent.len() == REPEAT_WINDOW {
                self.recent.remove(0);
            }
            self.recent.push(token);
        }
        if let Some(ngrams) = &mut self.ngrams {
            ngrams.push(token);
        }
    }

    /// Bans in `changed` the tokens that would repeat an n-gram; whether there are any.
    fn ban_repetition(&mut self) -> bool {
        let Some(ngrams) = &self.ngrams else { return false };
        let before = self.changed.len();
        self.changed.extend(ngrams.banned().map(|token| (token, f32::NEG_INFINITY)));
        if self.changed.len() == before {
            return false;
        }
        // Of two entries of a token the lower counts: the ban.
        self.changed.sort_unstable_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)));
        self.changed.dedup_by_key(|(token, _)| *token);
        true
    }

    /// Fills `changed` with the logits of biased and penalised tokens.
    fn lay_changes(&mut self, logits: &[f32]) {
        self.changed.clear();
        let sampling = &self.sampling;
        if self.biases.is_empty() && self.written.is_empty() && self.recent.is_empty() {
            return;
        }
        let tokens = self.biases.iter().map(|(token, _)| *token);
        let tokens = tokens.chain(self.written.iter().map(|(token, _)| *token)).chain(self.recent.iter().copied());
        self.changed.extend(tokens.filter_map(|token| Some((token, *logits.get(token as usize)?))));
        self.changed.sort_unstable_by_key(|(token, _)| *token);
        self.changed.dedup_by_key(|(token, _)| *token);
        for (token, logit) in &mut self.changed {
            if let Ok(at) = self.biases.binary_search_by_key(token, |(token, _)| *token) {
                *logit += self.biases[at].1;
            }
            if self.recent.contains(token) {
                *logit *= if *logit > 0.0 { sampling.repeat_penalty.recip() } else { sampling.repeat_penalty };
            }
            if let Ok(at) = self.written.binary_search_by_key(token, |(token, _)| *token) {
                *logit -= sampling.presence_penalty + sampling.frequency_penalty * self.written[at].1 as f32;
            }
        }
    }

    fn keep_top_k(&mut self) {
        let keep = self.sampling.top_k as usize;
        if keep > 0 && keep < self.candidates.len() {
            self.candidates.select_nth_unstable_by(keep - 1, Candidate::order);
            self.candidates.truncate(keep);
        }
    }

    /// Draws one of the candidates by its weight, within the likeliest that hold `top_p` of all weight. Turns their
    /// logits into weights.
    fn draw(&mut self, best: f32, temperature: f32) -> Token {
        for candidate in &mut self.candidates {
            candidate.logit = exp((candidate.logit - best) / temperature);
        }
        if self.sampling.top_p < 1.0 {
            self.nucleus.keep(&mut self.candidates, f64::from(self.sampling.top_p));
        }
        let mut rest = self.random.random::<f64>() * weight(&self.candidates);
        for candidate in &self.candidates {
            rest -= f64::from(candidate.logit);
            if rest < 0.0 {
                return candidate.token;
            }
        }
        // Rounding left a rest. There is a candidate: the best one has weight 1.
        self.candidates.last().map_or(0, |candidate| candidate.token)
    }
}

/// The biases by token, those of one token summed.
fn merged(biases: &[(Token, f32)]) -> Vec<(Token, f32)> {
    let effect = |bias: f32| if bias <= BAN { f32::NEG_INFINITY } else { bias };
    let mut sorted: Vec<(Token, f32)> = biases.iter().map(|(token, bias)| (*token, effect(*bias))).collect();
    sorted.sort_by_key(|(token, _)| *token);
    sorted.dedup_by(|(token, bias), (kept, sum)| {
        let same = token == kept;
        if same {
            *sum += *bias;
        }
        same
    });
    sorted
}

fn weight(candidates: &[Candidate]) -> f64 {
    candidates.iter().map(|candidate| f64::from(candidate.logit)).sum()
}

/// Finds the fewest heaviest candidates that hold a share of all weight, without sorting them.
///
/// Bits of positive floats order like their values, so a histogram over a weight's exponent and first five bits finds
/// the bin in which the boundary lies. Only the candidates of that bin are sorted.
#[derive(Debug, Default)]
struct Nucleus {
    /// The weight in each bin, heaviest first. Kept to be refilled.
    bins: Vec<f64>,
    /// The candidates of the boundary's bin. Kept to be refilled.
    boundary: Vec<Candidate>,
}

impl Nucleus {
    /// The bits of a weight that do not count for its bin.
    const IGNORED: u32 = 18;
    /// Bins down to weights of 2⁻⁶⁴; lighter ones share the last.
    const BINS: usize = 64 * 32 + 1;

    /// Drops the candidates outside the nucleus of `share` of all weight. Weights are in (0, 1].
    fn keep(&mut self, candidates: &mut Vec<Candidate>, share: f64) {
        self.bins.clear();
        self.bins.resize(Self::BINS, 0.0);
        for candidate in candidates.iter() {
            self.bins[Self::bin(candidate)] += f64::from(candidate.logit);
        }
        let mut enough = self.bins.iter().sum::<f64>() * share;
        let mut limit = 0;
        // An empty bin holds no boundary, not even that of a share of 0.
        while limit + 1 < Self::BINS && self.bins[limit] < enough.max(f64::MIN_POSITIVE) {
            enough -= self.bins[limit];
            limit += 1;
        }
        self.boundary.clear();
        let mut kept = 0;
        for at in 0..candidates.len() {
            let candidate = candidates[at];
            let bin = Self::bin(&candidate);
            candidates[kept] = candidate;
            kept += usize::from(bin < limit);
            if bin == limit {
                self.boundary.push(candidate);
            }
        }
        candidates.truncate(kept);
        self.boundary.sort_unstable_by(Candidate::order);
        for candidate in &self.boundary {
            candidates.push(*candidate);
            enough -= f64::from(candidate.logit);
            if enough <= 0.0 {
                return;
            }
        }
    }

    fn bin(candidate: &Candidate) -> usize {
        let heaviest = 1.0_f32.to_bits() >> Self::IGNORED;
        let bits = candidate.logit.to_bits() >> Self::IGNORED;
        (heaviest.saturating_sub(bits) as usize).min(Self::BINS - 1)
    }
}

/// `e` to the power of `x` for `x` ≤ 0, within 2 units of the last place: by range reduction and the polynomial of
/// Cephes (S. Moshier), without branches, so that loops over it are vectorised.
fn exp(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.max(-87.0);
    let power = (x * std::f32::consts::LOG2_E).round_ties_even();
    let r = x - power * LN_2_HIGH - power * LN_2_LOW;
    let mut sum = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        sum = sum * r + coefficient;
    }
    let fraction = sum * r * r + r + 1.0;
    fraction * f32::from_bits(((power as i32 + 127) << 23) as u32)
}

/// The logits with the changes laid over them and the forbidden ones hidden.
struct View<'a> {
    logits: &'a [f32],
    changed: &'a [(Token, f32)],
    mask: Option<&'a [u32]>,
}

impl View<'_> {
    /// The likeliest token, of equals the lowest; `None` where none is allowed or all are NaN or −∞.
    fn best(&self) -> Option<Candidate> {
        let mut best: Option<Candidate> = None;
        let mut offer = |logit: f32, token: Token| {
            let better = match best {
                Some(best) => logit > best.logit || (logit == best.logit && token < best.token),
                None => logit > f32::NEG_INFINITY,
            };
            if better {
                best = Some(Candidate { logit, token });
            }
        };
        match self.mask {
            Some(mask) => for_each_set(mask, self.logits.len(), |token| offer(self.at(token), token)),
            None => {
                self.for_each_run(|first, run| {
                    let highest = maximum(run);
                    if let Some(at) = run.iter().position(|logit| *logit == highest) {
                        offer(highest, first + at as Token);
                    }
                });
                self.changed.iter().for_each(|(token, logit)| offer(*logit, *token));
            }
        }
        best
    }

    /// Collects the allowed tokens with at least this logit, in a fixed order.
    fn at_least(&self, threshold: f32, candidates: &mut Vec<Candidate>) {
        candidates.clear();
        let mut offer = |logit: f32, token: Token| {
            if logit >= threshold {
                candidates.push(Candidate { logit, token });
            }
        };
        match self.mask {
            Some(mask) => for_each_set(mask, self.logits.len(), |token| offer(self.at(token), token)),
            None => {
                self.for_each_run(|first, run| {
                    (first..).zip(run).for_each(|(token, logit)| offer(*logit, token));
                });
                self.changed.iter().for_each(|(token, logit)| offer(*logit, *token));
            }
        }
    }

    fn at(&self, token: Token) -> f32 {
        match self.changed.binary_search_by_key(&token, |(token, _)| *token) {
            Ok(at) => self.changed[at].1,
            Err(_) => self.logits[token as usize],
        }
    }

    /// Visits the stretches between changed tokens.
    fn for_each_run(&self, mut visit: impl FnMut(Token, &[f32])) {
        let mut first = 0;
        for (token, _) in self.changed {
            let token = *token as usize;
            visit(first as Token, &self.logits[first..token]);
            first = token + 1;
        }
        visit(first as Token, &self.logits[first..]);
    }
}

/// The largest value; NaNs are passed over. Lanes let the compiler use vector instructions.
fn maximum(values: &[f32]) -> f32 {
    let mut lanes = [f32::NEG_INFINITY; 32];
    let (blocks, rest) = values.as_chunks::<32>();
    for block in blocks {
        for (lane, value) in lanes.iter_mut().zip(block) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    lanes.iter().chain(rest).fold(f32::NEG_INFINITY, |most, value| if *value > most { *value } else { most })
}

fn for_each_set(mask: &[u32], size: usize, mut visit: impl FnMut(Token)) {
    for (index, word) in mask.iter().enumerate() {
        let mut word = *word;
        while word != 0 {
            let token = index * 32 + word.trailing_zeros() as usize;
            if token >= size {
                return;
            }
            visit(token as Token);
            word &= word - 1;
        }
    }
}

/// The likeliest token (of equals the lowest) and the natural logarithm of the sum of all logits' exponentials; not a
/// finite number where a logit is none.
pub fn softmax(logits: &[f32]) -> (Token, f32) {
    let highest = maximum(logits);
    let likeliest = logits.iter().position(|logit| *logit == highest).unwrap_or(0);
    // Summed in lanes, each in single precision over at most some thousand values.
    let mut total = 0.0;
    for part in logits.chunks(4096) {
        let mut lanes = [0.0f32; 16];
        let (blocks, rest) = part.as_chunks::<16>();
        for block in blocks {
            for (lane, logit) in lanes.iter_mut().zip(block) {
                *lane += exp(logit - highest);
            }
        }
        total += lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>();
        total += rest.iter().map(|logit| f64::from(exp(logit - highest))).sum::<f64>();
    }
    let unusable = logits.iter().any(|logit| logit.is_nan()) || !highest.is_finite();
    let log_sum = if unusable { f32::NAN } else { highest + total.ln() as f32 };
    (likeliest as Token, log_sum)
}

/// The natural logarithms of the chosen token's probability and of the `count` likeliest tokens' (log-softmax over the
/// whole vocabulary, before any sampling parameter). The likeliest come without their bytes.
pub fn logprobs(logits: &[f32], chosen: Token, count: usize) -> (f32, Vec<TopLogprob>) {
    let highest = maximum(logits);
    let sum: f64 = logits.iter().map(|logit| f64::from(exp(logit - highest))).sum();
    let log_sum = highest + sum.ln() as f32;
    let mut top: Vec<Candidate> = Vec::with_capacity(count + 1);
    for (token, logit) in (0..).zip(logits) {
        let candidate = Candidate { logit: *logit, token };
        if top.len() < count || top.last().is_some_and(|last| candidate.order(last).is_lt()) {
            let at = top.partition_point(|other| other.order(&candidate).is_lt());
            top.insert(at, candidate);
            top.truncate(count);
        }
    }
    let top = top.iter().map(|best| TopLogprob { token: best.token, bytes: Vec::new(), logprob: best.logit - log_sum });
    (logits.get(chosen as usize).map_or(f32::NEG_INFINITY, |logit| logit - log_sum), top.collect())
}

#[cfg(test)]
mod tests;
