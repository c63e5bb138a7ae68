//! One request that is being read, answered or scored.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::job::{Job, Scored, Work, Writing};
use super::ranking::Ranking;
use crate::backend::Vocabulary;
use crate::generation::{Event, Finish, StopReason, Timing, TokenLogprob, Usage};
use crate::reading::Reading;
use crate::sampling;
use crate::scoring::Scores;
use crate::{Error, Result, Token};

/// A request in a slot.
pub(super) struct Sequence {
    pub(super) job: Job,
    /// Whether the whole prompt was read.
    pub(super) is_read: bool,
    /// Written tokens that the backend has not read.
    pub(super) pending: VecDeque<Token>,
    /// How often another prompt was preferred.
    pub(super) passed_over: u32,
    /// The prompt's tokens that were taken from the cache.
    pub(super) cached: usize,
    /// The prompt's tokens that were read and then kept.
    pub(super) kept: usize,
    /// The continuations that are still to be read.
    ranking: Ranking,
    scores: Scores,
    written: u32,
    pub(super) taken: Instant,
    first_token: Option<Instant>,
    last_token: Instant,
    report: Report,
}

/// What becomes of a sequence after a step.
pub(super) enum Step {
    /// It goes on; the time since the token before, or since submission for the first token.
    Continues { since: Duration, first: bool },
    /// It is over.
    Finished,
}

impl Sequence {
    /// A request of whose prompt `cached` tokens are in the slot's cache.
    pub(super) fn new(job: Job, cached: usize, now: Instant) -> Self {
        let (continuations, ranking) = match &job.work {
            Work::Write(_) => (Vec::new(), Ranking::default()),
            Work::Score(scored) => (vec![Vec::new(); scored.continuations.len()], Ranking::new(scored)),
        };
        Self {
            job,
            is_read: false,
            pending: VecDeque::new(),
            passed_over: 0,
            cached,
            kept: 0,
            ranking,
            scores: Scores { continuations, ..Scores::default() },
            written: 0,
            taken: now,
            first_token: None,
            last_token: now,
            report: Report::default(),
        }
    }

    /// Tokens written so far.
    pub(super) fn written(&self) -> u32 {
        self.written
    }

    /// Whether it asks for the prompt's own log-probabilities.
    pub(super) fn echoes(&self) -> bool {
        matches!(&self.job.work, Work::Score(scored) if scored.echo)
    }

    /// Whether its prompt is read in the pieces of deterministic requests.
    pub(super) fn reads_exactly(&self) -> bool {
        self.job.serving.deterministic && !self.echoes()
    }

    /// The continuations to be scored; none of an answer to be written.
    pub(super) fn continuations(&self) -> &[Vec<Token>] {
        match &self.job.work {
            Work::Write(_) => &[],
            Work::Score(scored) => &scored.continuations,
        }
    }

    /// The continuation to be read next, if one may be read now.
    pub(super) fn next_scored(&self) -> Option<usize> {
        self.ranking.next()
    }

    /// Takes it as read in this step, as a whole.
    pub(super) fn take_scored(&mut self) -> Option<usize> {
        self.ranking.take()
    }

    /// Takes the logits after the prompt's last token, or after the last token that was written.
    pub(super) fn advance(&mut self, logits: &[f32], vocabulary: &dyn Vocabulary) -> Step {
        let now = Instant::now();
        let first = self.first_token.is_none();
        if first {
            self.first_token = Some(now);
            self.last_token = self.job.submitted;
        }
        let since = now - std::mem::replace(&mut self.last_token, now);
        let Usage { prompt_tokens, cached_tokens, cache_written_tokens, .. } = self.usage();
        let outcome = match &mut self.job.work {
            Work::Score(_) => self.score_first(logits).map(|()| None),
            Work::Write(writing) => {
                if first {
                    writing.sender.send(Ok(Event::Started { prompt_tokens, cached_tokens, cache_written_tokens }));
                }
                let mut answer = Answer {
                    writing,
                    report: &mut self.report,
                    written: &mut self.written,
                    pending: &mut self.pending,
                };
                answer.choose(logits, vocabulary)
            }
        };
        match outcome {
            Ok(None) => Step::Continues { since, first },
            Ok(Some(reason)) => {
                self.finish(reason);
                Step::Finished
            }
            Err(error) => {
                self.job.answer_with(error);
                Step::Finished
            }
        }
    }

    /// Takes the logits before the prompt's token at `at`, which are asked for where the prompt is echoed.
    pub(super) fn echo(&mut self, logits: &[f32], at: usize) -> Result<()> {
        let token = self.job.tokens[at];
        self.scores.prompt.push(Distribution::of(logits)?.reading(logits, token));
        if let Work::Score(Scored { top: count @ 1.., .. }) = self.job.work {
            self.scores.prompt_top.push(sampling::logprobs(logits, token, usize::from(count)).1);
        }
        Ok(())
    }

    /// Takes the logits before the token at `at` of a continuation.
    pub(super) fn score(&mut self, logits: &[f32], continuation: usize, at: usize) -> Result<()> {
        let token = self.continuations()[continuation][at];
        let reading = Distribution::of(logits)?.reading(logits, token);
        self.scores.continuations[continuation].push(reading);
        Ok(())
    }

    fn score_first(&mut self, logits: &[f32]) -> Result<()> {
        let distribution = Distribution::of(logits)?;
        for at in 0..self.scores.continuations.len() {
            let reading = distribution.reading(logits, self.continuations()[at][0]);
            self.scores.continuations[at].push(reading);
        }
        if let Work::Score(scored) = &self.job.work {
            self.ranking.begin(scored, &self.scores.continuations);
        }
        Ok(())
    }

    /// Answers a scored request once it is known all that is asked.
    pub(super) fn finish_scored(&mut self) -> bool {
        let usage = self.usage();
        let Work::Score(scored) = &mut self.job.work else { return false };
        if !self.is_read || !self.ranking.is_over(scored, &self.scores.continuations) {
            return false;
        }
        let completion_tokens = self.scores.continuations.iter().map(Vec::len).sum::<usize>() as u32;
        let scores = std::mem::take(&mut self.scores);
        scored.answer(Ok(Scores { usage: Usage { completion_tokens, ..usage }, ..scores }));
        true
    }

    fn usage(&self) -> Usage {
        Usage {
            prompt_tokens: self.job.tokens.len() as u32,
            cached_tokens: self.cached as u32,
            cache_written_tokens: self.kept as u32,
            completion_tokens: self.written,
        }
    }

    fn finish(&mut self, reason: StopReason) {
        let usage = self.usage();
        let first = self.first_token.unwrap_or(self.taken);
        let timing = Timing {
            queued: self.taken - self.job.submitted,
            prefill: first - self.taken,
            decode: self.last_token - first,
            first_token: first - self.job.submitted,
        };
        let Work::Write(writing) = &mut self.job.work else { return };
        if !matches!(reason, StopReason::StopSequence(_)) {
            let mut rest = String::new();
            writing.assembler.finish(&mut rest);
            self.report.add(&rest, 0, None);
            self.report.send(writing, rest);
        }
        writing.sender.send(Ok(Event::Finished(Finish { reason, usage, timing })));
    }
}

/// An answer that a token is added to.
struct Answer<'a> {
    writing: &'a mut Writing,
    report: &'a mut Report,
    written: &'a mut u32,
    pending: &'a mut VecDeque<Token>,
}

impl Answer<'_> {
    /// Chooses a token, and writes it with those that can only follow it. Returns why the answer ends, if it does.
    fn choose(&mut self, logits: &[f32], vocabulary: &dyn Vocabulary) -> Result<Option<StopReason>> {
        let (before, ended) = (*self.written, self.write_forced(vocabulary)?);
        if ended.is_some() || *self.written > before {
            return Ok(ended);
        }
        let mask = self.writing.follower.as_mut().map(|follower| follower.mask()).transpose()?;
        let token = self.writing.sampler.sample(logits, mask.as_ref().map(|mask| mask.bits()))?;
        if vocabulary.ends(token) {
            return Ok(Some(StopReason::EndOfTurn));
        }
        if let Some(follower) = &mut self.writing.follower {
            follower.accept(token)?;
        }
        let logprob = self.writing.logprobs.map(|count| describe(token, logits, count, vocabulary));
        match self.write(token, logprob, vocabulary) {
            None => self.write_forced(vocabulary),
            ended => Ok(ended),
        }
    }

    /// Writes the tokens that can only come next; they are then read in one batch. Where log-probabilities are asked for,
    /// each has to be read by itself.
    fn write_forced(&mut self, vocabulary: &dyn Vocabulary) -> Result<Option<StopReason>> {
        let follower = self.writing.follower.as_mut().filter(|_| self.writing.logprobs.is_none());
        for token in follower.map(|follower| follower.forced()).unwrap_or_default() {
            if let Some(follower) = &mut self.writing.follower {
                follower.accept(token)?;
            }
            let ended = self.write(token, None, vocabulary);
            if ended.is_some() {
                return Ok(ended);
            }
        }
        Ok(None)
    }

    fn write(
        &mut self,
        token: Token,
        logprob: Option<TokenLogprob>,
        vocabulary: &dyn Vocabulary,
    ) -> Option<StopReason> {
        let writing = &mut *self.writing;
        writing.sampler.accept(token);
        *self.written += 1;
        self.pending.push_back(token);
        let mut text = String::new();
        let stop = writing.assembler.push(vocabulary.bytes(token), &mut text).map(str::to_owned);
        self.report.add(&text, writing.assembler.held(), logprob);
        if let Some(stop) = stop {
            self.report.cut();
            self.report.send(writing, text);
            return Some(StopReason::StopSequence(stop));
        }
        self.report.send(writing, text);
        if writing.follower.as_ref().is_some_and(|follower| follower.is_complete()) {
            return Some(StopReason::EndOfTurn);
        }
        if writing.loops.as_mut().is_some_and(|loops| loops.push(token)) {
            return Some(StopReason::Loop);
        }
        (*self.written == writing.limit).then(|| writing.limit_reason.clone())
    }
}

/// A softmax over the vocabulary, without its values.
struct Distribution {
    likeliest: Token,
    /// The natural logarithm of the sum of all logits' exponentials.
    log_sum: f32,
}

impl Distribution {
    /// # Errors
    /// Engine, where the logits are not numbers.
    fn of(logits: &[f32]) -> Result<Self> {
        let (likeliest, log_sum) = sampling::softmax(logits);
        match log_sum.is_finite() {
            true => Ok(Self { likeliest, log_sum }),
            false => Err(Error::Engine { reason: "the logits are not numbers".to_owned() }),
        }
    }

    fn reading(&self, logits: &[f32], token: Token) -> Reading {
        let logit = logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
        Reading { token, logprob: logit - self.log_sum, likeliest: self.likeliest }
    }
}

fn describe(token: Token, logits: &[f32], count: u8, vocabulary: &dyn Vocabulary) -> TokenLogprob {
    let (logprob, mut top) = sampling::logprobs(logits, token, usize::from(count));
    for best in &mut top {
        best.bytes = spelling(best.token, vocabulary);
    }
    TokenLogprob { token, bytes: spelling(token, vocabulary), logprob, top }
}

/// The text that the token writes; of a control token its own name.
pub(super) fn spelling(token: Token, vocabulary: &dyn Vocabulary) -> Vec<u8> {
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

    fn send(&mut self, writing: &Writing, text: String) {
        let tokens = self.released();
        if !text.is_empty() || !tokens.is_empty() {
            writing.sender.send(Ok(Event::Text { text, tokens }));
        }
    }
}
