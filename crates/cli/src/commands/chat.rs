//! `craton chat`: a conversation in the terminal, streamed.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context as _, Result, bail};
use aws_smithy_eventstream::frame::{DecodedFrame, MessageFrameDecoder};
use aws_smithy_types::event_stream::Message;
use bytes::BytesMut;
use futures::StreamExt as _;
use http::Method;
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::segment;
use crate::args::{Chat, Format};
use crate::client::{Client, served_by};
use crate::output;

pub(super) async fn run(client: &Client, args: Chat, format: Format) -> Result<()> {
    if !args.question.is_empty() {
        return turn(client, &args, format, &[], &args.question.join(" ")).await.map(drop);
    }
    if !std::io::stdin().is_terminal() {
        let question = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
        return turn(client, &args, format, &[], question.trim()).await.map(drop);
    }
    output::note(&format!(
        "Talking to {}. Ctrl-C ends an answer; an empty line, Ctrl-D or another Ctrl-C the talk.",
        args.model
    ));
    talk(client, &args, format).await
}

/// Asks what is typed, line by line.
async fn talk(client: &Client, args: &Chat, format: Format) -> Result<()> {
    let (mut history, mut typed) = (Vec::new(), typed());
    let mut interrupts = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    loop {
        output::piece("> ")?;
        let Some(line) = unless_interrupted(typed.recv(), interrupts.recv()).await else {
            return output::line("");
        };
        let question = match line {
            Some(line) => line.context("cannot read the terminal")?.trim().to_owned(),
            None => return output::line(""),
        };
        if question.is_empty() {
            return Ok(());
        }
        // An answer that is not waited for any more is dropped, which ends it at the server.
        match unless_interrupted(turn(client, args, format, &history, &question), interrupts.recv()).await {
            Some(Ok(answer)) => history.extend(remembered(&question, &answer)),
            Some(Err(error)) => output::error(&error),
            None => output::note("\n[stopped; this question is forgotten]"),
        }
    }
}

/// The lines that are typed. They are read by a thread of their own: one that nobody waits for when the program ends.
fn typed() -> tokio::sync::mpsc::UnboundedReceiver<std::io::Result<String>> {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines();
        for line in lines {
            let is_last = line.is_err();
            if sender.send(line).is_err() || is_last {
                return;
            }
        }
    });
    receiver
}

/// The outcome of `work`; none where it was interrupted before.
async fn unless_interrupted<T>(work: impl Future<Output = T>, interrupted: impl Future) -> Option<T> {
    tokio::select! {
        outcome = work => Some(outcome),
        _ = interrupted => None,
    }
}

/// What of a question and its answer the next one is asked with. A service takes no turn without text, so that a blank
/// answer would make every further question fail: both are dropped then.
fn remembered(question: &str, answer: &str) -> Vec<Value> {
    if answer.trim().is_empty() {
        output::note("[the answer is empty; this question is forgotten]");
        return Vec::new();
    }
    [("user", question), ("assistant", answer)]
        .map(|(role, text)| json!({ "role": role, "content": [{ "text": text }] }))
        .to_vec()
}

/// Asks one question after `history`, prints the answer as it comes, and returns it.
async fn turn(client: &Client, args: &Chat, format: Format, history: &[Value], question: &str) -> Result<String> {
    if question.is_empty() {
        bail!("there is no question\nhint: craton chat 'Why is the sky blue?'");
    }
    let asked = json!({ "role": "user", "content": [{ "text": question }] });
    let messages: Vec<&Value> = history.iter().chain([&asked]).collect();
    let mut body = json!({ "messages": messages, "inferenceConfig": { "maxTokens": args.max_tokens } });
    if let Some(temperature) = args.temperature {
        body["inferenceConfig"]["temperature"] = temperature.into();
    }
    if let Some(system) = &args.system {
        body["system"] = json!([{ "text": system }]);
    }
    if let Some(size) = args.no_repeat_ngram {
        body["additionalModelRequestFields"]["no_repeat_ngram_size"] = size.into();
    }
    if args.loop_detection {
        body["additionalModelRequestFields"]["loop_detection"] = true.into();
    }
    let path = format!("/model/{}/converse-stream", segment(&args.model));
    let response = client.send("bedrock", Method::POST, &path, serde_json::to_vec(&body)?).await?;
    let served_by = served_by(&response);
    let (answer, metadata, stop) = receive(response, format == Format::Text).await?;
    if format == Format::Json {
        output::json(&json!({
            "text": answer, "stopReason": stop, "usage": metadata["usage"], "metrics": metadata["metrics"], "servedBy": served_by,
        }))?;
        return Ok(answer);
    }
    output::line("")?;
    output::note(&summary(&metadata, served_by.as_deref()));
    Ok(answer)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_answer_is_forgotten_with_its_question() {
        assert_eq!(remembered("Why?", " \n"), Vec::<Value>::new());
        let turns = remembered("Why?", "Because.");
        assert_eq!(turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect::<Vec<_>>(), ["user", "assistant"]);
        assert_eq!(turns[1]["content"][0]["text"], "Because.");
    }

    #[tokio::test]
    async fn an_interruption_ends_what_is_waited_for() {
        assert_eq!(unless_interrupted(std::future::pending::<()>(), std::future::ready(())).await, None);
        assert_eq!(unless_interrupted(std::future::ready(1), std::future::pending::<()>()).await, Some(1));
    }
}
