//! `InvokeModel` and `InvokeModelWithResponseStream`: the vendor's own body in, the vendor's own body out.

use std::time::{Duration, Instant};

use aws_wire::Blob;
use aws_wire::generated::bedrock_runtime::{
    InvokeModelRequest, InvokeModelResponse, InvokeModelWithResponseStreamRequest,
    InvokeModelWithResponseStreamResponse, PayloadPart, ResponseStream,
};
use base::{Error, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use models::{ChatEvent, ChatStream, EmbedResponse, ServedBy, Timing, Usage};
use serde_json::{Value, json};

use super::errors::Exceptions;
use super::event_stream;
use super::providers::{self, Decoded, Encode, Origin};
use super::usage::Counted;
use crate::body::{full, streamed};
use crate::call::{Answer, is_json, name_model};
use crate::dispatch::AwsCall;
use crate::openai::sse::started;

/// Answers as a whole.
pub(super) async fn invoke_model(call: AwsCall) -> Answer {
    let input: InvokeModelRequest = call.decode()?;
    refuse_guardrail(input.guardrail_identifier.as_deref())?;
    check_accept(input.accept.as_deref())?;
    let arrived = Instant::now();
    let body = body(&call, input.body)?;
    let decoded = decode(&call, &input.model_id, &body).await?;
    let pointed = is_pointed(&decoded);
    let (answer, tokens, served_by) = match decoded {
        Decoded::Embed(request, encode) => {
            let answer = call.api.models().embed(&call.ctx, request).await?;
            let served_by = answer.served_by.clone();
            let tokens = embedded_tokens(&answer);
            (encode(answer), tokens, served_by)
        }
        Decoded::Chat(request, encode) => collect(call.chat(*request).await?, encode.as_ref()).await?,
        Decoded::Completion(request, encode) => collect(call.complete(*request).await?, encode.as_ref()).await?,
        Decoded::Continuation(request, encode) => collect(call.continue_text(*request).await?, encode.as_ref()).await?,
    };
    let output = InvokeModelResponse {
        body: Blob::from(answer.to_string()),
        content_type: "application/json".to_owned(),
        performance_config_latency: None,
        service_tier: None,
    };
    let mut response = call.encode(&output).map(full);
    tell_tokens(response.headers_mut(), tokens, pointed, arrived.elapsed());
    name_model(&mut response, &served_by);
    Ok(response)
}

/// Answers in chunks.
pub(super) async fn invoke_model_with_response_stream(call: AwsCall) -> Answer {
    let input: InvokeModelWithResponseStreamRequest = call.decode()?;
    refuse_guardrail(input.guardrail_identifier.as_deref())?;
    check_accept(input.accept.as_deref())?;
    let arrived = Instant::now();
    let body = body(&call, input.body)?;
    let decoded = decode(&call, &input.model_id, &body).await?;
    let pointed = is_pointed(&decoded);
    let (events, mut encode) = match decoded {
        Decoded::Embed(..) => return Err(Error::invalid("The model is unsupported for streaming.").into()),
        Decoded::Chat(request, encode) => (call.chat(*request).await?, encode),
        Decoded::Completion(request, encode) => (call.complete(*request).await?, encode),
        Decoded::Continuation(request, encode) => (call.continue_text(*request).await?, encode),
    };
    let output = InvokeModelWithResponseStreamResponse {
        content_type: "application/json".to_owned(),
        performance_config_latency: None,
        service_tier: None,
    };
    let served_by = events.served_by().clone();
    let pieces = event_stream::write(started(events).await?, Exceptions::InvokeModel, move |event| {
        let mut chunks = encode.chunks(event);
        if let (ChatEvent::Finished { usage, timing, .. }, Some(last)) = (event, chunks.last_mut()) {
            last["amazon-bedrock-invocationMetrics"] = invocation_metrics(*usage, pointed, timing, arrived.elapsed());
        }
        chunks.iter().map(chunk).collect()
    });
    let mut response = call.encode_stream_head(&output).map(|()| streamed(pieces));
    name_model(&mut response, &served_by);
    Ok(response)
}

fn chunk(chunk: &Value) -> Bytes {
    let bytes = Some(Blob::from(chunk.to_string()));
    aws_wire::event(&ResponseStream::Chunk(PayloadPart { bytes }))
}

async fn collect(events: ChatStream, encode: &dyn Encode) -> Result<(Value, Tokens, ServedBy)> {
    let chat = events.collect().await?.in_blocks()?;
    Ok((encode.answer(&chat), Tokens::Chat(chat.usage), chat.served_by))
}

/// What an answer cost.
enum Tokens {
    Chat(Usage),
    /// Vectors have no output tokens.
    Embedded(u32),
}

fn embedded_tokens(answer: &EmbedResponse) -> Tokens {
    Tokens::Embedded(answer.token_counts.iter().sum())
}

/// Whether the request has cache points.
fn is_pointed(decoded: &Decoded) -> bool {
    matches!(decoded, Decoded::Chat(request, _) if !request.cache_points.is_empty())
}

/// The body as JSON, and what the vendor's decoder makes of it.
async fn decode(call: &AwsCall, model: &str, body: &Value) -> Result<Decoded> {
    let resolved = call.api.models().resolve(&call.ctx, model).await?;
    let origin =
        Origin { requested: model.to_owned(), model: resolved.aws_id, unique: call.api.unique(), time: call.ctx.now() };
    providers::decode(resolved.provider, origin, body)
}

fn body(call: &AwsCall, body: Option<Blob>) -> Result<Value> {
    // Several SDKs call a body whose type is not given `application/octet-stream`.
    let taken = |value: &HeaderValue| is_json(value) || value == "*/*" || value == "application/octet-stream";
    if call.parts.headers.get(http::header::CONTENT_TYPE).is_some_and(|value| !taken(value)) {
        return Err(Error::invalid("The provided content type is not supported by this model.")
            .with_hint("Send `application/json`, or no content type."));
    }
    parse(&body.unwrap_or_default().0)
}

/// A model's body as JSON.
pub(super) fn parse(body: &[u8]) -> Result<Value> {
    serde_json::from_slice(body).map_err(|e| {
        Error::invalid("Malformed input request, please reformat your input and try again.").with_detail(e)
    })
}

fn check_accept(accept: Option<&str>) -> Result<()> {
    let accepted = |media: &str| {
        matches!(media.split(';').next().unwrap_or_default().trim(), "*/*" | "application/json" | "application/*" | "")
    };
    if accept.is_none_or(|accept| accept.split(',').any(accepted)) {
        return Ok(());
    }
    Err(Error::invalid("The provided accept type is not supported by this model.")
        .with_hint("Ask for `application/json`, or for nothing."))
}

/// Guardrails are named, not ignored: an answer that should have been checked must not look as if it had been.
pub(super) fn refuse_guardrail(guardrail: Option<&str>) -> Result<()> {
    match guardrail.filter(|id| !id.is_empty()) {
        Some(id) => Err(Error::not_implemented(format!("Guardrails are not implemented (`{id}`)."))
            .with_hint("Send the request without a guardrail.")),
        None => Ok(()),
    }
}

/// The headers in which the service tells what an answer cost.
fn tell_tokens(headers: &mut HeaderMap, tokens: Tokens, pointed: bool, took: Duration) {
    match tokens {
        Tokens::Chat(usage) => {
            let counted = Counted::of(usage, pointed);
            headers.insert("x-amzn-bedrock-input-token-count", HeaderValue::from(counted.input));
            headers.insert("x-amzn-bedrock-output-token-count", HeaderValue::from(counted.output));
            if pointed {
                let (read, written) = (counted.cache_read, counted.cache_write);
                headers.insert("x-amzn-bedrock-cache-read-input-token-count", HeaderValue::from(read));
                headers.insert("x-amzn-bedrock-cache-write-input-token-count", HeaderValue::from(written));
            }
        }
        Tokens::Embedded(count) => {
            headers.insert("x-amzn-bedrock-input-token-count", HeaderValue::from(count));
        }
    }
    headers.insert("x-amzn-bedrock-invocation-latency", HeaderValue::from(millis(took)));
}

fn invocation_metrics(usage: Usage, pointed: bool, timing: &Timing, took: Duration) -> Value {
    let counted = Counted::of(usage, pointed);
    let mut metrics = json!({
        "inputTokenCount": counted.input,
        "outputTokenCount": counted.output,
        "invocationLatency": millis(took),
        "firstByteLatency": millis(timing.first_token),
    });
    if pointed {
        metrics["cacheReadInputTokenCount"] = counted.cache_read.into();
        metrics["cacheWriteInputTokenCount"] = counted.cache_write.into();
    }
    metrics
}

/// Whole milliseconds.
pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
