//! Scores: how likely continuations of one prompt are, and the tokens of a prompt itself.

use base::{Error, Result};
use futures::stream::{self, StreamExt as _};
use identity::Ctx;
use inference::{Generator, Loaded, Prompt, Reading};

use super::answer::{ChatEvent, ChatStream, ServedBy, Stop, Timing, TokenLogprob, Usage};
use super::request::{ContinuationRequest, RawPrompt, ScorePrompt, ScoreRequest};
use super::{Place, chat, choices, continuation, errors, local, render};
use crate::Models;
use crate::aliases::Resolved;
use crate::loaded::Lease;

/// The continuations that one request may score.
const MOST_CONTINUATIONS: usize = 1024;

/// How likely continuations are.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// The prompt's own tokens, where they were asked for. The first has no probability, and an opening token that the
    /// model wants is not among them.
    pub prompt: Vec<TokenLogprob>,
    /// One for each continuation, in order.
    pub continuations: Vec<Scored>,
    /// The tokens read: the continuations' are the output.
    pub usage: Usage,
    /// Who read them.
    pub served_by: ServedBy,
}

/// How likely one continuation is.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Its tokens, each after those before it; fewer than it has where only the likeliest was wanted and this is another,
    /// and where the rest does not tell it from the others, of which one has to follow.
    pub tokens: Vec<TokenLogprob>,
    /// How many tokens it has.
    pub length: usize,
    /// How many bytes they have.
    pub bytes: usize,
}

/// By what a continuation's log probability is divided before continuations are compared: a long one is less likely than a
/// short one for its length alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalize {
    /// Nothing.
    #[default]
    None,
    /// The number of its tokens.
    Tokens,
    /// The number of its bytes, which does not depend on the model's vocabulary.
    Bytes,
}

impl Scored {
    /// Whether it was read to its end. Of one that was not, the probability is the most that it can be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.tokens.len() == self.length
    }

    /// The natural logarithm of its probability.
    #[must_use]
    pub fn logprob(&self) -> f64 {
        self.tokens.iter().filter_map(|token| token.logprob).map(f64::from).sum()
    }

    /// That, divided as `by` says.
    #[must_use]
    pub fn normalized(&self, by: Normalize) -> f64 {
        self.logprob() / by.of(self.length, self.bytes)
    }

    /// The text of its tokens.
    #[must_use]
    pub fn text(&self) -> String {
        joined(&self.tokens)
    }
}

impl Normalize {
    /// By what the log probability of a continuation of so many tokens and bytes is divided.
    fn of(self, tokens: usize, bytes: usize) -> f64 {
        let length = match self {
            Self::None => 1,
            Self::Tokens => tokens,
            Self::Bytes => bytes,
        };
        length.max(1) as f64
    }
}

impl Scores {
    /// The probability of each continuation where one of them follows: a softmax over what [`Scored::normalized`] gives.
    /// Where not all are whole, no more than an estimate.
    #[must_use]
    pub fn probabilities(&self, by: Normalize) -> Vec<f64> {
        let values: Vec<f64> = self.continuations.iter().map(|scored| scored.normalized(by)).collect();
        let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if !highest.is_finite() {
            return vec![1.0 / values.len().max(1) as f64; values.len()];
        }
        let shares: Vec<f64> = values.iter().map(|value| (value - highest).exp()).collect();
        let sum: f64 = shares.iter().sum();
        shares.into_iter().map(|share| share / sum).collect()
    }

    /// The natural logarithm of the probability of each continuation where the model has to write one of them: of each
    /// token that tells some apart, among the tokens that lead on to one of them.
    #[must_use]
    pub fn choices(&self) -> Vec<f64> {
        let known = |token: &TokenLogprob| Some((token.id?, f64::from(token.logprob?)));
        let tokens = |scored: &Scored| scored.tokens.iter().filter_map(known).collect();
        choices::logprobs(&self.continuations.iter().map(tokens).collect::<Vec<_>>())
    }

    /// The number of the likeliest continuation, of equals the first; none where there is no continuation.
    #[must_use]
    pub fn best(&self, by: Normalize) -> Option<usize> {
        highest(self.continuations.iter().map(|scored| scored.normalized(by)))
    }

    /// The same by [`Scores::choices`].
    #[must_use]
    pub fn best_choice(&self) -> Option<usize> {
        highest(self.choices().into_iter())
    }
}

/// The place of the highest, of equals the first.
fn highest(values: impl Iterator<Item = f64>) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (at, value) in values.enumerate() {
        if best.is_none_or(|(_, highest)| value > highest) {
            best = Some((at, value));
        }
    }
    best.map(|(at, _)| at)
}

impl Models {
    /// Tells how likely each of several continuations of one prompt is. The prompt is read once, or taken from the cache,
    /// and short continuations are read in one pass: nothing is written, so there is nothing to parse and no chance in it.
    ///
    /// # Errors
    /// Invalid for a prompt or a continuation that is empty, for one of more than some hundred tokens, where there is none to
    /// score and where one of which one has to follow begins with another; NotImplemented, where an upstream answers, as its
    /// dialect has no such request; Timeout, where it is not done at the context's deadline; otherwise as [`Models::chat`].
    pub async fn score(&self, ctx: &Ctx, request: ScoreRequest) -> Result<Scores> {
        check(&request)?;
        let resolved = self.resolve(ctx, &request.model).await?;
        self.score_with(ctx, resolved, request).await
    }

    /// [`Models::score`] by what was resolved already.
    ///
    /// # Errors
    /// As [`Models::score`].
    pub async fn score_with(&self, ctx: &Ctx, resolved: Resolved, request: ScoreRequest) -> Result<Scores> {
        check(&request)?;
        let serving = inference::Serving { deadline: ctx.deadline(), ..request.serving.of(ctx) };
        let request = &request;
        self.metered(ctx, resolved, |attempt| async move {
            let (place, served_by, _) = attempt.parts();
            match place {
                Place::Here(here) => {
                    let lease = self.lease_here(ctx, &here).await?;
                    scored(lease, request.clone(), serving, served_by).await
                }
                Place::Pool(_) => {
                    Err(Error::not_implemented("Scoring continuations by an upstream's model is not implemented.")
                        .with_hint("Score by a model of this deployment."))
                }
            }
        })
        .await
    }
}

/// Refuses what no model can score.
fn check(request: &ScoreRequest) -> Result<()> {
    match &request.prompt {
        ScorePrompt::Raw(prompt) if prompt.is_empty() => return Err(Error::invalid("The prompt is empty.")),
        ScorePrompt::Raw(_) => {}
        ScorePrompt::Chat(request) => chat::check(request)?,
    }
    if request.continuations.is_empty() && request.echo.is_none() {
        return Err(Error::invalid("There is no continuation to score."));
    }
    if request.continuations.len() > MOST_CONTINUATIONS {
        return Err(Error::invalid(format!("At most {MOST_CONTINUATIONS} continuations are scored at once.")));
    }
    match request.continuations.iter().position(RawPrompt::is_empty) {
        Some(at) => Err(Error::invalid(format!("Continuation {at} is empty."))),
        None => Ok(()),
    }
}

/// Has the model read them.
async fn scored(
    lease: Lease,
    request: ScoreRequest,
    serving: inference::Serving,
    served_by: ServedBy,
) -> Result<Scores> {
    let asked = lease.clone();
    let Started { scoring, shown, continuations } =
        tokio::task::spawn_blocking(move || start(&asked, request, serving)).await.map_err(Error::internal)??;
    let scores = scoring.collect().await.map_err(|error| errors::of_invocation(lease.name(), error))?;
    let generator = local::generator(&lease)?;
    let continuation = |(readings, (length, bytes)): (&Vec<Reading>, (usize, usize))| Scored {
        tokens: readings.iter().map(|reading| token(&**generator, reading.token, Some(reading.logprob))).collect(),
        length,
        bytes,
    };
    Ok(Scores {
        prompt: shown.map(|shown| echoed(&**generator, &shown, &scores)).unwrap_or_default(),
        continuations: scores.continuations.iter().zip(continuations).map(continuation).collect(),
        usage: Usage {
            input: scores.usage.prompt_tokens,
            output: scores.usage.completion_tokens,
            cached: scores.usage.cached_tokens,
            cache_written: scores.usage.cache_written_tokens,
        },
        served_by,
    })
}

/// The prompt's tokens of which something is told, and how many come before them.
struct Shown {
    tokens: Vec<inference::Token>,
    before: usize,
}

/// Scores to come.
struct Started {
    scoring: inference::Scoring,
    shown: Option<Shown>,
    /// How many tokens each continuation has, and how many bytes they have.
    continuations: Vec<(usize, usize)>,
}

fn start(lease: &Lease, request: ScoreRequest, serving: inference::Serving) -> Result<Started> {
    let generator = match lease.model() {
        Loaded::Generator(generator) => generator,
        Loaded::Embedder(_) => return Err(errors::wrong_kind(lease.name(), "foretell text")),
    };
    let failed = |error| errors::of_invocation(lease.name(), error);
    let mut prompt = match request.prompt {
        ScorePrompt::Raw(raw) => continuation::prompt(raw),
        ScorePrompt::Chat(chat) => render::prompt(&**generator, lease.name(), &chat)?,
    };
    let shown = match request.echo {
        None => None,
        Some(_) => {
            let (tokens, shown) = shown(&**generator, &prompt).map_err(failed)?;
            prompt = Prompt::Tokens(tokens);
            Some(shown)
        }
    };
    let read = |raw| generator.read(&follows(raw));
    let mut continuations: Vec<Vec<inference::Token>> =
        request.continuations.into_iter().map(read).collect::<inference::Result<_>>().map_err(failed)?;
    let bytes = |tokens: &[inference::Token]| tokens.iter().map(|token| generator.spelling(*token).len()).sum();
    let lengths: Vec<(usize, usize)> = continuations.iter().map(|tokens| (tokens.len(), bytes(tokens))).collect();
    if request.is_choice {
        let telling = choices::telling(&continuations)?;
        continuations.iter_mut().zip(telling).for_each(|(tokens, telling)| tokens.truncate(telling));
    }
    let divisor = |by: Normalize| lengths.iter().map(|(tokens, bytes)| by.of(*tokens, *bytes)).collect();
    let asked = inference::ScoreRequest {
        prompt,
        best_by: request.best_by.filter(|_| !request.is_choice).map(divisor),
        continuations: continuations.into_iter().map(Prompt::Tokens).collect(),
        echo: request.echo.is_some(),
        top: request.echo.unwrap_or(0),
        serving,
    };
    lease.recall(asked.serving.tenant);
    Ok(Started { scoring: generator.score(asked).map_err(failed)?, shown, continuations: lengths })
}

/// The tokens of a prompt, and those of them that its text has.
fn shown(generator: &dyn Generator, prompt: &Prompt) -> inference::Result<(Vec<inference::Token>, Shown)> {
    let tokens = generator.read(prompt)?;
    let before = match prompt {
        Prompt::Tokens(_) => 0,
        Prompt::Text { text, parse_special, .. } => {
            tokens.len().saturating_sub(generator.tokenize(text, *parse_special)?.len())
        }
    };
    let shown = Shown { tokens: tokens[before..].to_vec(), before };
    Ok((tokens, shown))
}

/// A continuation as the engine takes it.
fn follows(raw: RawPrompt) -> Prompt {
    match raw {
        RawPrompt::Text(text) => Prompt::Text { text, parse_special: false, add_bos: false },
        RawPrompt::Tokens(tokens) => Prompt::Tokens(tokens),
    }
}

fn token(generator: &dyn Generator, id: inference::Token, logprob: Option<f32>) -> TokenLogprob {
    let bytes = generator.spelling(id);
    TokenLogprob { id: Some(id), token: String::from_utf8_lossy(&bytes).into_owned(), bytes, logprob, top: Vec::new() }
}

/// The prompt's tokens, of which the first that is shown has no probability: nothing that the caller sees is before it.
fn echoed(generator: &dyn Generator, shown: &Shown, scores: &inference::Scores) -> Vec<TokenLogprob> {
    let one = |(at, id): (usize, &inference::Token)| {
        let read = (at + shown.before).checked_sub(1).filter(|_| at > 0);
        let logprob = read.and_then(|read| scores.prompt.get(read)).map(|reading| reading.logprob);
        let tops = read.and_then(|read| scores.prompt_top.get(read)).map_or(&[][..], Vec::as_slice);
        let named = |top: &inference::TopLogprob| {
            local::top(inference::TopLogprob { bytes: generator.spelling(top.token), ..top.clone() })
        };
        TokenLogprob { top: tops.iter().map(named).collect(), ..token(generator, *id, logprob) }
    };
    shown.tokens.iter().enumerate().map(one).collect()
}

fn joined(tokens: &[TokenLogprob]) -> String {
    let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.bytes.iter().copied()).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Continues a prompt as it stands, which the answer begins with.
pub(super) async fn continue_echoed(
    lease: Lease,
    request: ContinuationRequest,
    serving: inference::Serving,
    served_by: ServedBy,
) -> Result<ChatStream> {
    let asked = ScoreRequest {
        prompt: request.prompt.clone().into(),
        echo: Some(request.logprobs.unwrap_or(0)),
        ..ScoreRequest::default()
    };
    let scores = scored(lease.clone(), asked, serving, served_by.clone()).await?;
    let text = match &request.prompt {
        RawPrompt::Text(text) => text.clone(),
        RawPrompt::Tokens(_) => joined(&scores.prompt),
    };
    let logprobs = if request.logprobs.is_some() { scores.prompt } else { Vec::new() };
    let echo = ChatEvent::Text { text, logprobs };
    if request.max_tokens == Some(0) {
        let started = ChatEvent::Started {
            served_by: served_by.clone(),
            prompt_tokens: scores.usage.input,
            cached: scores.usage.cached,
            cache_written: scores.usage.cache_written,
        };
        let finished = ChatEvent::Finished { reason: Stop::MaxTokens, usage: scores.usage, timing: Timing::default() };
        return Ok(ChatStream::new(served_by, stream::iter([started, echo, finished].map(Ok))));
    }
    let serving = inference::Serving { deadline: None, ..serving };
    let answer = local::continue_prompt(lease, request, serving, served_by.clone()).await?;
    let mut echo = Some(echo);
    let events = answer.flat_map(move |event| {
        let started = matches!(event, Ok(ChatEvent::Started { .. }));
        let echo = echo.take_if(|_| started).map(Ok);
        stream::iter(std::iter::once(event).chain(echo))
    });
    Ok(ChatStream::new(served_by, events))
}

#[cfg(test)]
#[path = "score_tests.rs"]
mod tests;
