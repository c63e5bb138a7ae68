//! One request that is being read or answered.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::queue::Job;
use crate::backend::Vocabulary;
use crate::generation::{Event, Finish, StopReason, Timing, TokenLogprob, Usage};
use crate::sampling;
use crate::{Error, Result, Token};

/// A request in a slot.
pub(super) struct Sequence {
    pub(super) job: Job,
    /// Tokens in the backend's cache.
    pub(super) position: usize,
    /// The token to be read next, once the prompt was read.
    pub(super) next: Option<Token>,
    /// How often another prompt was preferred.
    pub(super) passed_over: u32,
    cached: usize,
    written: u32,
    taken: Instant,
    first_token: Option<Instant>,
    last_token: Instant,
    report: Report,
}

/// What becomes of a sequence after a token.
pub(super) enum Step {
    /// It goes on; the time since the token before, or since submission for the first token.
    Continues { since: Duration, first: bool },
    /// It is over.
    Finished,
}

impl Sequence {
    /// A request of whose prompt `cached` tokens are in the slot's cache.
    pub(super) fn new(job: Job, cached: usize, now: Instant) -> Self {
        Self {
            job,
            position: cached,
            next: None,
            passed_over: 0,
            cached,
            written: 0,
            taken: now,
            first_token: None,
            last_token: now,
            report: Report::default(),
        }
    }

    /// Chunks of the prompt that are still to be read.
    pub(super) fn chunks_left(&self, chunk: usize) -> usize {
        (self.job.tokens.len() - self.position).div_ceil(chunk)
    }

    /// Chooses the next token from the logits and sends what is certain of its text.
    pub(super) fn advance(&mut self, logits: &[f32], vocabulary: &dyn Vocabulary) -> Step {
        let now = Instant::now();
        let first = self.first_token.is_none();
        if first {
            self.first_token = Some(now);
            self.last_token = self.job.submitted;
            self.job.sender.send(Ok(Event::Started { prompt_tokens: self.job.tokens.len() as u32 }));
        }
        let since = now - std::mem::replace(&mut self.last_token, now);
        match self.choose(logits, vocabulary) {
            Ok(None) => Step::Continues { since, first },
            Ok(Some(reason)) => {
                self.finish(reason);
                Step::Finished
            }
            Err(error) => {
                self.job.sender.send(Err(error));
                Step::Finished
            }
        }
    }

    /// Ends the request with an error.
    pub(super) fn fail(&self, error: Error) {
        self.job.sender.send(Err(error));
    }

    /// Tokens written so far.
    pub(super) fn written(&self) -> u32 {
        self.written
    }

    /// Returns why the answer ends with this token, if it does.
    fn choose(&mut self, logits: &[f32], vocabulary: &dyn Vocabulary) -> Result<Option<StopReason>> {
        let job = &mut self.job;
        let mask = job.follower.as_mut().map(|follower| follower.mask()).transpose()?;
        let token = job.sampler.sample(logits, mask.as_ref().map(|mask| mask.bits()))?;
        if vocabulary.ends(token) {
            return Ok(Some(StopReason::EndOfTurn));
        }
        job.sampler.accept(token);
        if let Some(follower) = &mut job.follower {
            follower.accept(token)?;
        }
        self.written += 1;
        self.next = Some(token);
        let logprob = job.logprobs.map(|count| describe(token, logits, count, vocabulary));
        let mut text = String::new();
        let stop = job.assembler.push(vocabulary.bytes(token), &mut text).map(str::to_owned);
        self.report.add(&text, job.assembler.held(), logprob);
        if let Some(stop) = stop {
            self.report.cut();
            self.send(text);
            return Ok(Some(StopReason::StopSequence(stop)));
        }
        self.send(text);
        if self.job.follower.as_ref().is_some_and(|follower| follower.is_complete()) {
            return Ok(Some(StopReason::EndOfTurn));
        }
        if self.job.loops.as_mut().is_some_and(|loops| loops.push(token)) {
            return Ok(Some(StopReason::Loop));
        }
        Ok((self.written == self.job.limit).then(|| self.job.limit_reason.clone()))
    }

    fn send(&mut self, text: String) {
        let tokens = self.report.released();
        if !text.is_empty() || !tokens.is_empty() {
            self.job.sender.send(Ok(Event::Text { text, tokens }));
        }
    }

    fn finish(&mut self, reason: StopReason) {
        if !matches!(reason, StopReason::StopSequence(_)) {
            let mut rest = String::new();
            self.job.assembler.finish(&mut rest);
            self.report.add(&rest, 0, None);
            self.send(rest);
        }
        let first = self.first_token.unwrap_or(self.taken);
        let usage = Usage {
            prompt_tokens: self.job.tokens.len() as u32,
            cached_tokens: self.cached as u32,
            completion_tokens: self.written,
        };
        let timing = Timing {
            queued: self.taken - self.job.submitted,
            prefill: first - self.taken,
            decode: self.last_token - first,
            first_token: first - self.job.submitted,
        };
        self.job.sender.send(Ok(Event::Finished(Finish { reason, usage, timing })));
    }
}

fn describe(token: Token, logits: &[f32], count: u8, vocabulary: &dyn Vocabulary) -> TokenLogprob {
    let (logprob, mut top) = sampling::logprobs(logits, token, usize::from(count));
    for best in &mut top {
        best.bytes = spelling(best.token, vocabulary);
    }
    TokenLogprob { token, bytes: spelling(token, vocabulary), logprob, top }
}

fn spelling(token: Token, vocabulary: &dyn Vocabulary) -> Vec<u8> {
    match vocabulary.special(token) {
        Some(name) => name.as_bytes().to_vec(),
        None => vocabulary.bytes(token).to_vec(),
    }
}

/// Holds back the log-probabilities of tokens whose text is held back.
#[derive(Default)]
struct Report {
    sent: usize,
    length: usize,
    /// Tokens with the stretch of the answer's text that they wrote.
    waiting: VecDeque<(usize, usize, TokenLogprob)>,
}

impl Report {
    /// Notes that `text` is sent and `held` bytes after it are not, and the token that caused it.
    fn add(&mut self, text: &str, held: usize, token: Option<TokenLogprob>) {
        let start = self.length;
        self.sent += text.len();
        self.length = self.sent + held;
        if let Some(token) = token {
            self.waiting.push_back((start, self.length, token));
        }
    }

    /// The rest of the text was cut off by a stop sequence: forgets the tokens that wrote nothing else.
    fn cut(&mut self) {
        let sent = self.sent;
        self.waiting.retain(|(start, _, _)| *start < sent);
        self.waiting.iter_mut().for_each(|(_, end, _)| *end = sent.min(*end));
    }

    /// The tokens whose text was sent.
    fn released(&mut self) -> Vec<TokenLogprob> {
        let count = self.waiting.partition_point(|(_, end, _)| *end <= self.sent);
        self.waiting.drain(..count).map(|(_, _, token)| token).collect()
    }
}
