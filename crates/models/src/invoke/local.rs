//! Answers of a loaded model.

use std::collections::VecDeque;
use std::sync::Arc;

use base::{Error, Random, Result};
use futures::stream::{self, StreamExt as _};
use inference::tool_calls::{self, Parser, Part};
use inference::{Constraint, Event, GenerateRequest, Generation, Generator, Loaded, Prompt, Serving, StopReason};

use super::answer::{ChatEvent, ChatStream, ServedBy, Stop, Timing, TokenLogprob, TopLogprob, Usage};
use super::request::{ChatRequest, CompletionRequest, ContinuationRequest, Sampling, ToolChoice};
use super::{cache_points, continuation, errors, render};
use crate::loaded::Lease;

const ID_ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Fewer tokens than this are what every prompt of a template begins with, and no prefix that a caller would know as theirs.
const FEWEST_CACHED: u32 = 16;

/// The tokens from the cache, as callers are told.
const fn worth_telling(cached: u32) -> u32 {
    if cached < FEWEST_CACHED { 0 } else { cached }
}

/// Answers a conversation.
pub(crate) async fn chat(
    lease: Lease,
    request: ChatRequest,
    serving: Serving,
    served_by: ServedBy,
    random: Arc<dyn Random>,
) -> Result<ChatStream> {
    let prepared = tokio::task::spawn_blocking(move || {
        let generator = generator(&lease)?;
        let mut prompt = render::prompt(&**generator, lease.name(), &request)?;
        let mut kept = Vec::new();
        if !request.cache_points.is_empty() {
            let located = cache_points::located(&**generator, &request, &prompt);
            let (tokens, points) = located.map_err(|error| errors::of_invocation(lease.name(), error))?;
            (prompt, kept) = (Prompt::Tokens(tokens), points);
        }
        let tools = render::offered(&request);
        let parser = (!tools.is_empty()).then(|| Parser::new(generator.info().tool_format, &tools));
        let constraint = constraint(&request, &tools).map_err(|error| errors::of_invocation(lease.name(), error))?;
        let asked = GenerateRequest {
            prompt,
            max_tokens: request.max_tokens,
            stop: request.stop,
            constraint,
            logprobs: request.logprobs,
            cache_points: kept,
            serving,
            ..drawn(&request.sampling)
        };
        let generation = start(&lease, asked)?;
        Ok::<_, Error>((lease, generation, parser))
    });
    let (lease, generation, parser) = prepared.await.map_err(Error::internal)??;
    Ok(stream(lease, generation, parser, served_by, random))
}

/// Answers a raw prompt by a model that has no template to put it into.
pub(crate) async fn complete(
    lease: Lease,
    request: CompletionRequest,
    serving: Serving,
    served_by: ServedBy,
) -> Result<ChatStream> {
    let text: Vec<String> = request.system.into_iter().chain([request.prompt]).collect();
    let prompt = Prompt::Text { text: text.join("\n\n"), parse_special: false, add_bos: true };
    let rest = ContinuationRequest {
        sampling: request.sampling,
        max_tokens: request.max_tokens,
        stop: request.stop,
        logprobs: request.logprobs,
        ..ContinuationRequest::default()
    };
    continue_after(lease, prompt, rest, serving, served_by).await
}

/// Continues a text as it stands.
pub(crate) async fn continue_prompt(
    lease: Lease,
    mut request: ContinuationRequest,
    serving: Serving,
    served_by: ServedBy,
) -> Result<ChatStream> {
    let prompt = continuation::prompt(std::mem::take(&mut request.prompt));
    continue_after(lease, prompt, request, serving, served_by).await
}

/// Writes what follows `prompt`; that of the request is not looked at.
async fn continue_after(
    lease: Lease,
    prompt: Prompt,
    request: ContinuationRequest,
    serving: Serving,
    served_by: ServedBy,
) -> Result<ChatStream> {
    let prepared = tokio::task::spawn_blocking(move || {
        let asked = GenerateRequest {
            prompt,
            max_tokens: request.max_tokens,
            stop: request.stop,
            constraint: request.constraint,
            logprobs: request.logprobs,
            serving,
            ..drawn(&request.sampling)
        };
        let generation = start(&lease, asked)?;
        Ok::<_, Error>((lease, generation))
    });
    let (lease, generation) = prepared.await.map_err(Error::internal)??;
    Ok(stream(lease, generation, None, served_by, Arc::new(base::SystemRandom)))
}

pub(crate) fn generator(lease: &Lease) -> Result<&Arc<dyn Generator>> {
    match lease.model() {
        Loaded::Generator(generator) => Ok(generator),
        Loaded::Embedder(_) => Err(errors::wrong_kind(lease.name(), "generate text")),
    }
}

fn constraint(request: &ChatRequest, tools: &[inference::ToolSpec]) -> inference::Result<Option<Constraint>> {
    let of_schema = if request.lenient_schema { Constraint::JsonSchemaLeniently } else { Constraint::JsonSchema };
    match (&request.tool_choice, &request.response_schema) {
        (ToolChoice::Any | ToolChoice::Tool(_), _) => tool_calls::forced(tools).map(Some),
        (_, Some(schema)) if tools.is_empty() => Ok(Some(of_schema(schema.clone()))),
        (_, Some(schema)) => tool_calls::offered(tools, schema).map(of_schema).map(Some),
        (_, None) => Ok(request.constraint.clone()),
    }
}

fn start(lease: &Lease, request: GenerateRequest) -> Result<Generation> {
    let generator = generator(lease)?;
    lease.recall(request.serving.tenant);
    generator.generate(request).map_err(|error| errors::of_invocation(lease.name(), error))
}

/// A request whose tokens are drawn so.
fn drawn(sampling: &Sampling) -> GenerateRequest {
    let loop_detector = sampling.loop_detector;
    GenerateRequest { sampling: engine_sampling(sampling), loop_detector, ..GenerateRequest::default() }
}

fn engine_sampling(asked: &Sampling) -> inference::Sampling {
    let default = inference::Sampling::default();
    inference::Sampling {
        temperature: asked.temperature.unwrap_or(default.temperature),
        top_p: asked.top_p.unwrap_or(default.top_p),
        top_k: asked.top_k.unwrap_or(default.top_k),
        min_p: asked.min_p.unwrap_or(default.min_p),
        seed: asked.seed,
        frequency_penalty: asked.frequency_penalty.unwrap_or(default.frequency_penalty),
        presence_penalty: asked.presence_penalty.unwrap_or(default.presence_penalty),
        logit_bias: asked.logit_bias.clone(),
        no_repeat_ngram: asked.no_repeat_ngram,
        ..default
    }
}

fn stream(
    lease: Lease,
    generation: Generation,
    parser: Option<Parser>,
    served_by: ServedBy,
    random: Arc<dyn Random>,
) -> ChatStream {
    let served_by = ServedBy { replica: generation.replica(), ..served_by };
    let answer = Answer {
        lease,
        generation,
        parser,
        served_by: served_by.clone(),
        random,
        calls: 0,
        ready: VecDeque::new(),
        over: false,
    };
    let events = stream::unfold(answer, |mut answer| async move { answer.next().await.map(|event| (event, answer)) });
    ChatStream::new(served_by, events)
}

/// An answer being written. It holds the model in memory and, dropped, stops the generation.
struct Answer {
    lease: Lease,
    generation: Generation,
    parser: Option<Parser>,
    served_by: ServedBy,
    random: Arc<dyn Random>,
    calls: usize,
    ready: VecDeque<ChatEvent>,
    over: bool,
}

impl Answer {
    async fn next(&mut self) -> Option<Result<ChatEvent>> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(Ok(event));
            }
            if self.over {
                return None;
            }
            match self.generation.next().await {
                Some(Ok(event)) => {
                    if let Err(error) = self.take(event) {
                        return Some(Err(self.broke_off(error)));
                    }
                }
                Some(Err(error)) => {
                    let error = errors::of_invocation(self.lease.name(), error);
                    return Some(Err(self.broke_off(error)));
                }
                None => {
                    let error = Error::internal("a generation ended without its finish");
                    return Some(Err(self.broke_off(error)));
                }
            }
        }
    }

    fn broke_off(&mut self, error: Error) -> Error {
        self.over = true;
        self.lease.note_failure(&error);
        error
    }

    fn take(&mut self, event: Event) -> Result<()> {
        match event {
            Event::Started { prompt_tokens, cached_tokens, cache_written_tokens } => {
                let served_by = self.served_by.clone();
                let (cached, cache_written) = (worth_telling(cached_tokens), cache_written_tokens);
                self.ready.push_back(ChatEvent::Started { served_by, prompt_tokens, cached, cache_written });
            }
            Event::Text { text, tokens } => {
                let logprobs = tokens.into_iter().map(logprob).collect();
                self.take_text(text, logprobs);
            }
            Event::Finished(finish) => {
                self.over = true;
                let rest = self.parser.take().map(Parser::finish).unwrap_or_default();
                rest.into_iter().for_each(|part| self.push(part));
                self.lease.note_answer(&finish);
                let reason = self.reason(finish.reason)?;
                self.ready.push_back(ChatEvent::Finished {
                    reason,
                    usage: Usage {
                        input: finish.usage.prompt_tokens,
                        output: finish.usage.completion_tokens,
                        cached: worth_telling(finish.usage.cached_tokens),
                        cache_written: finish.usage.cache_written_tokens,
                    },
                    timing: Timing {
                        queued: finish.timing.queued,
                        prefill: finish.timing.prefill,
                        decode: finish.timing.decode,
                        first_token: finish.timing.first_token,
                    },
                });
            }
        }
        Ok(())
    }

    fn take_text(&mut self, text: String, logprobs: Vec<TokenLogprob>) {
        let Some(parser) = &mut self.parser else {
            self.ready.push_back(ChatEvent::Text { text, logprobs });
            return;
        };
        if !logprobs.is_empty() {
            self.ready.push_back(ChatEvent::Text { text: String::new(), logprobs });
        }
        for part in parser.push(&text) {
            self.push(part);
        }
    }

    fn push(&mut self, part: Part) {
        match part {
            Part::Text(text) if text.is_empty() => {}
            Part::Text(text) => self.ready.push_back(ChatEvent::Text { text, logprobs: Vec::new() }),
            Part::Call { name, arguments } => {
                let index = self.calls;
                self.calls += 1;
                let id = format!("tooluse_{}", self.random.text(ID_ALPHABET, 22));
                self.ready.push_back(ChatEvent::ToolUseStart { index, id, name });
                self.ready.push_back(ChatEvent::ToolUseInput { index, json_fragment: arguments.to_string() });
                self.ready.push_back(ChatEvent::ToolUseEnd { index });
            }
        }
    }

    fn reason(&self, reason: StopReason) -> Result<Stop> {
        Ok(match reason {
            StopReason::Cancelled => return Err(errors::of_invocation(self.lease.name(), inference::Error::Cancelled)),
            _ if self.calls > 0 => Stop::ToolUse,
            StopReason::EndOfTurn => Stop::EndTurn,
            StopReason::MaxTokens => Stop::MaxTokens,
            StopReason::StopSequence(text) => Stop::StopSequence(text),
            StopReason::ContextFull => Stop::ContextFull,
            StopReason::Loop => Stop::Loop,
        })
    }
}

/// One of the likeliest tokens, as callers see it.
pub(crate) fn top(top: inference::TopLogprob) -> TopLogprob {
    let token = String::from_utf8_lossy(&top.bytes).into_owned();
    TopLogprob { token, bytes: top.bytes, logprob: top.logprob }
}

fn logprob(token: inference::TokenLogprob) -> TokenLogprob {
    TokenLogprob {
        id: Some(token.token),
        token: String::from_utf8_lossy(&token.bytes).into_owned(),
        bytes: token.bytes,
        logprob: Some(token.logprob),
        top: token.top.into_iter().map(top).collect(),
    }
}
