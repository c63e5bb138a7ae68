//! `craton chat`: a conversation in the terminal, streamed.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, bail};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use futures::StreamExt as _;
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Chat, Format};
use crate::client::Client;
use crate::output;

pub(super) async fn run(client: &Client, args: Chat, format: Format) -> Result<()> {
    let mut history = Vec::new();
    if !args.question.is_empty() {
        return turn(client, &args, format, &mut history, args.question.join(" ")).await;
    }
    let terminal = std::io::stdin().is_terminal();
    if !terminal {
        let question = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        return turn(client, &args, format, &mut history, question.trim().to_owned()).await;
    }
    output::note(&format!("Talking to {}. An empty line or Ctrl-D ends.", args.model));
    loop {
        output::piece("> ")?;
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line).context("cannot read the terminal")?;
        if read == 0 || line.trim().is_empty() {
            return Ok(());
        }
        if let Err(error) = turn(client, &args, format, &mut history, line.trim().to_owned()).await {
            output::error(&error);
            history.pop();
        }
    }
}

/// Asks one question, prints the answer as it comes, and adds both to `history`.
async fn turn(client: &Client, args: &Chat, format: Format, history: &mut Vec<Value>, question: String) -> Result<()> {
    if question.is_empty() {
        bail!("there is no question\nhint: craton chat 'Why is the sky blue?'");
    }
    history.push(json!({ "role": "user", "content": [{ "text": question }] }));
    let mut body = json!({ "messages": history, "inferenceConfig": { "maxTokens": args.max_tokens } });
    if let Some(temperature) = args.temperature {
        body["inferenceConfig"]["temperature"] = temperature.into();
    }
    if let Some(system) = &args.system {
        body["system"] = json!([{ "text": system }]);
    }
    let path = format!("/model/{}/converse-stream", segment(&args.model));
    let response = client.send("bedrock", Method::POST, &path, serde_json::to_vec(&body)?).await?;
    let served_by = response.headers().get("x-craton-served-by").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let (answer, metadata, stop) = receive(response, format == Format::Text).await?;
    history.push(json!({ "role": "assistant", "content": [{ "text": answer }] }));
    if format == Format::Json {
        return output::json(&json!({
            "text": answer, "stopReason": stop, "usage": metadata["usage"], "metrics": metadata["metrics"], "servedBy": served_by,
        }));
    }
    output::line("")?;
    output::note(&summary(&metadata, served_by.as_deref()));
    Ok(())
}

/// Reads the event stream to its end: the text, the metadata event and the stop reason.
async fn receive(response: reqwest::Response, print: bool) -> Result<(String, Value, Value)> {
    let (mut text, mut metadata, mut stop) = (String::new(), Value::Null, Value::Null);
    let (mut decoder, mut buffer) = (MessageFrameDecoder::new(), BytesMut::new());
    let mut stream = response.bytes_stream();
    while let Some(chunk) = stream.next().await {
        buffer.extend_from_slice(&chunk.context("the connection broke off")?);
        while let DecodedFrame::Complete(message) =
            decoder.decode_frame(&mut buffer).context("the answer's framing is broken")?
        {
            let event: Value = serde_json::from_slice(message.payload()).unwrap_or_default();
            match header(&message, ":event-type").or_else(|| header(&message, ":exception-type")) {
                Some("contentBlockDelta") => {
                    let piece = event.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default();
                    text.push_str(piece);
                    if print {
                        output::written(piece)?;
                    }
                }
                Some("messageStop") => stop = event["stopReason"].clone(),
                Some("metadata") => metadata = event,
                Some(name) if name.ends_with("Exception") => bail!("{}", event["message"].as_str().unwrap_or(name)),
                _ => {}
            }
        }
    }
    if metadata.is_null() {
        bail!("the answer ended early");
    }
    Ok((text, metadata, stop))
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    let header = message.headers().iter().find(|header| header.name().as_str() == name)?;
    header.value().as_string().ok().map(aws_smithy_types::str_bytes::StrBytes::as_str)
}

fn summary(metadata: &Value, served_by: Option<&str>) -> String {
    let count = |name: &str| metadata["usage"][name].as_u64().unwrap_or_default();
    let seconds = metadata.pointer("/metrics/latencyMs").and_then(Value::as_f64).unwrap_or_default() / 1000.0;
    let by = served_by.map(|name| format!(", answered by {name}")).unwrap_or_default();
    format!("[{} tokens in, {} out, {seconds:.1} s{by}]", count("inputTokens"), count("outputTokens"))
}
