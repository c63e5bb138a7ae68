//! Plays a workload: some clients in a closed loop, each asks again as soon as it has its answer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use base::{Error, Result};
use futures::stream::StreamExt as _;
use inference::{
    ChatPrompt, EngineStatus, Event, GenerateRequest, Generator, Loaded, Prompt, Sampling, ScoreRequest, Serving,
    Tenant, Truncate,
};

use super::report::{Measurement, percentile};
use super::workload::{Ask, Client, Scale, Workload, words};
use crate::invoke::errors;
use crate::loaded::Lease;

/// Who the tuner's requests are from: what is cached for them is nobody else's.
const TENANT: Tenant = Tenant::of(0x7475_6e65_7221);

/// What is played.
#[derive(Debug, Clone)]
pub(super) struct Play {
    pub(super) model: String,
    pub(super) workload: Arc<Workload>,
    pub(super) clients: u32,
    /// How long is played, with the warm-up.
    pub(super) seconds: f64,
    /// The tokens of context that every candidate has.
    pub(super) context: u32,
    /// The bytes of weights that are read for each batch.
    pub(super) weights_bytes: u64,
}

/// One request that was answered.
#[derive(Debug, Clone, Copy, Default)]
struct Sample {
    latency: Duration,
    first_token: Option<Duration>,
    tokens: u32,
}

/// Plays a workload to a loaded model. Each client asks once to warm up, for a short answer, which is a part of the time but not
/// of what is measured, and then at least once; what was asked in time is answered to its end. Dropping the future ends the
/// requests.
///
/// # Errors
/// Those of the first request that fails.
pub(super) async fn play(lease: &Lease, plan: &Play) -> Result<Measurement> {
    let scale = scale(lease, plan).await?;
    let client = |number: u32| Client::new(plan.workload.clone(), scale, u64::from(number));
    let mut clients: Vec<Client> = (0..plan.clients).map(client).collect();
    let warming = Instant::now();
    let until = warming + Duration::from_secs_f64(plan.seconds);
    let warm = clients.iter_mut().map(|client| {
        let asked = client.next().brief();
        ask(lease, plan, client, asked)
    });
    futures::future::try_join_all(warm).await?;
    let (before, started) = (work(lease), Instant::now());
    let asked = clients.iter_mut().map(|client| ask_until(lease, plan, client, until));
    let samples: Vec<Sample> = futures::future::try_join_all(asked).await?.concat();
    let seconds = started.elapsed().as_secs_f64().max(1e-9);
    let done = before.zip(work(lease)).map(|(before, after)| {
        ((after.batches - before.batches) as f64, (after.batch_sequences - before.batch_sequences) as f64)
    });
    Ok(Measurement {
        seconds,
        warming_seconds: Some((started - warming).as_secs_f64()),
        requests: samples.len() as u64,
        throughput: samples.len() as f64 / seconds,
        tokens_per_second: samples.iter().map(|sample| f64::from(sample.tokens)).sum::<f64>() / seconds,
        memory_bytes: lease.model().memory_bytes(),
        weights_bytes_per_second: done.map(|(batches, _)| batches * plan.weights_bytes as f64 / seconds),
        occupancy: done.filter(|(batches, _)| *batches > 0.0).map(|(batches, requests)| requests / batches),
        under_load: false,
        ..latencies(&samples)
    })
}

fn latencies(samples: &[Sample]) -> Measurement {
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let all: Vec<f64> = samples.iter().map(|sample| millis(sample.latency)).collect();
    let first: Vec<f64> = samples.iter().filter_map(|sample| sample.first_token).map(millis).collect();
    Measurement {
        p50_ms: percentile(&all, 0.5).unwrap_or_default(),
        p95_ms: percentile(&all, 0.95).unwrap_or_default(),
        first_token_p50_ms: percentile(&first, 0.5),
        first_token_p95_ms: percentile(&first, 0.95),
        ..Measurement::default()
    }
}

/// How many tokens the model makes of words.
async fn scale(lease: &Lease, plan: &Play) -> Result<Scale> {
    let (text, count, model) = (words(1, 256), 256, lease.model().clone());
    let tokens = tokio::task::spawn_blocking(move || match model {
        Loaded::Generator(generator) => generator.tokenize(&text, false).map(|tokens| tokens.len()),
        Loaded::Embedder(embedder) => embedder.count(&text).map(|tokens| tokens as usize),
    });
    let tokens = tokens.await.map_err(Error::internal)?.map_err(|error| errors::of_invocation(&plan.model, error))?;
    Ok(Scale::of(count, tokens, plan.context))
}

fn work(lease: &Lease) -> Option<EngineStatus> {
    match lease.model() {
        Loaded::Generator(generator) => Some(generator.status()),
        Loaded::Embedder(_) => None,
    }
}

async fn ask_until(lease: &Lease, plan: &Play, client: &mut Client, until: Instant) -> Result<Vec<Sample>> {
    let mut samples = Vec::new();
    loop {
        let asked = client.next();
        samples.push(ask(lease, plan, client, asked).await?);
        if Instant::now() >= until {
            return Ok(samples);
        }
    }
}

async fn ask(lease: &Lease, plan: &Play, client: &mut Client, asked: Ask) -> Result<Sample> {
    let started = Instant::now();
    let answered = match lease.model() {
        Loaded::Generator(generator) => generate(generator.clone(), asked).await,
        Loaded::Embedder(_) => return embed(lease, plan, asked).await,
    };
    let (sample, answer) = answered?.map_err(|error| errors::of_invocation(&plan.model, error))?;
    client.hear(&answer);
    Ok(Sample { latency: started.elapsed(), ..sample })
}

async fn embed(lease: &Lease, plan: &Play, asked: Ask) -> Result<Sample> {
    let (Ask::Embed { text } | Ask::Text { text, .. }) = asked else {
        return Err(errors::wrong_kind(&plan.model, "generate text"));
    };
    let Loaded::Embedder(embedder) = lease.model().clone() else {
        return Err(errors::wrong_kind(&plan.model, "embed text"));
    };
    let started = Instant::now();
    let serving = Serving { tenant: TENANT, ..Serving::default() };
    let turn = lease.turn_to_embed(serving, text.len() as u64).await?;
    let embedded = tokio::task::spawn_blocking(move || {
        let embedded = embedder.embed(&[text], Truncate::End);
        drop(turn);
        embedded
    });
    let embedded =
        embedded.await.map_err(Error::internal)?.map_err(|error| errors::of_invocation(&plan.model, error))?;
    Ok(Sample { latency: started.elapsed(), first_token: None, tokens: embedded.token_counts.iter().sum() })
}

/// The answer of an engine, and what it took.
type Answered = inference::Result<(Sample, String)>;

async fn generate(generator: Arc<dyn Generator>, asked: Ask) -> Result<Answered> {
    let serving = Serving { tenant: TENANT, ..Serving::default() };
    let (prompt, max_tokens) = match asked {
        Ask::Score { prompt, continuations } => return score(generator, prompt, continuations, serving).await,
        Ask::Chat { messages, max_tokens } => (Err(messages), max_tokens),
        Ask::Text { text, max_tokens } => (Ok(text), max_tokens),
        Ask::Embed { text } => (Ok(text), 1),
    };
    let started = tokio::task::spawn_blocking(move || {
        let prompt = match prompt {
            Ok(text) => Prompt::Text { text, parse_special: false, add_bos: true },
            Err(messages) if generator.info().has_chat_template => {
                let text = generator.render_chat(&ChatPrompt::new(messages))?;
                Prompt::Text { text, parse_special: true, add_bos: true }
            }
            Err(messages) => {
                let lines: Vec<String> = messages.into_iter().map(|message| message.content).collect();
                Prompt::Text { text: lines.join("\n"), parse_special: false, add_bos: true }
            }
        };
        let sampling = Sampling { temperature: 0.0, ..Sampling::default() };
        generator.generate(GenerateRequest {
            prompt,
            max_tokens: Some(max_tokens),
            sampling,
            serving,
            ..GenerateRequest::default()
        })
    });
    let mut generation = match started.await.map_err(Error::internal)? {
        Ok(generation) => generation,
        Err(error) => return Ok(Err(error)),
    };
    let mut answer = String::new();
    while let Some(event) = generation.next().await {
        match event {
            Ok(Event::Started { .. }) => {}
            Ok(Event::Text { text, .. }) => answer.push_str(&text),
            Ok(Event::Finished(finish)) => {
                let (tokens, first_token) = (finish.usage.completion_tokens, Some(finish.timing.first_token));
                return Ok(Ok((Sample { latency: Duration::ZERO, first_token, tokens }, answer)));
            }
            Err(error) => return Ok(Err(error)),
        }
    }
    Err(Error::internal("a generation ended without its finish"))
}

async fn score(
    generator: Arc<dyn Generator>,
    prompt: String,
    continuations: Vec<String>,
    serving: Serving,
) -> Result<Answered> {
    let text = |text, add_bos| Prompt::Text { text, parse_special: false, add_bos };
    let request = ScoreRequest {
        prompt: text(prompt, true),
        continuations: continuations.into_iter().map(|one| text(one, false)).collect(),
        serving,
        ..ScoreRequest::default()
    };
    let scoring = tokio::task::spawn_blocking(move || generator.score(request)).await.map_err(Error::internal)?;
    let scores = match scoring {
        Ok(scoring) => scoring.collect().await,
        Err(error) => Err(error),
    };
    let sample = |tokens| Sample { latency: Duration::ZERO, first_token: None, tokens };
    Ok(scores.map(|scores| (sample(scores.usage.completion_tokens), String::new())))
}
