//! `craton chat`: a conversation in the terminal, streamed.

mod compare;

use std::io::{BufRead as _, IsTerminal as _};
use std::time::{Duration, Instant};

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
    if let [one, other] = args.compare.as_slice() {
        return compare::run(client, &args, [one, other], format).await;
    }
    if let Some(question) = question(&args)? {
        return turn(client, &args, format, &[], &question).await.map(drop);
    }
    let mut history = Vec::new();
    talk(&args.model, async |question: &str| {
        let answer = turn(client, &args, format, &history, question).await?;
        history.extend(remembered(question, &answer));
        Ok(())
    })
    .await
}

/// The one question that is asked: that of the command line, or else all of standard input; none, where questions are typed.
fn question(args: &Chat) -> Result<Option<String>> {
    if !args.question.is_empty() {
        return Ok(Some(args.question.join(" ")));
    }
    if std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let question = std::io::read_to_string(std::io::stdin()).context("cannot read standard input")?;
    Ok(Some(question.trim().to_owned()))
}

/// Asks what is typed, line by line.
async fn talk(to: &str, mut ask: impl AsyncFnMut(&str) -> Result<()>) -> Result<()> {
    output::note(&format!("Talking to {to}. Ctrl-C ends an answer; an empty line, Ctrl-D or another Ctrl-C the talk."));
    let mut typed = typed();
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
        match unless_interrupted(ask(&question), interrupts.recv()).await {
            Some(Ok(())) => {}
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
    let Answer { text, metadata, stop, served_by, .. } =
        asked(client, (args, &args.model), (history, question), format == Format::Text).await?;
    if format == Format::Json {
        output::json(&json!({
            "text": text, "stopReason": stop, "usage": metadata["usage"], "metrics": metadata["metrics"], "servedBy": served_by,
        }))?;
        return Ok(text);
    }
    output::line("")?;
    output::note(&summary(&metadata, served_by.as_deref()));
    Ok(text)
}

/// An answer.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    text: String,
    /// The metadata event: usage and metrics.
    metadata: Value,
    stop: Value,
    served_by: Option<String>,
    /// When its first text and its last came, from when it was asked for; none of an answer without text.
    texts: Option<(Duration, Duration)>,
}

/// What a model answers to a question after `history`; printed as it comes, where that is wished.
async fn asked(
    client: &Client,
    (args, model): (&Chat, &str),
    (history, question): (&[Value], &str),
    print: bool,
) -> Result<Answer> {
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
    let path = format!("/model/{}/converse-stream", segment(model));
    let (begun, body) = (Instant::now(), serde_json::to_vec(&body)?);
    let response = client.send("bedrock", Method::POST, &path, body).await?;
    receive(response, begun, print).await
}

/// Reads the event stream of what was asked for at `begun` to its end.
async fn receive(response: reqwest::Response, begun: Instant, print: bool) -> Result<Answer> {
    let mut answer = Answer { served_by: served_by(&response), ..Answer::default() };
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
                    let now = begun.elapsed();
                    answer.texts = Some((answer.texts.map_or(now, |(first, _)| first), now));
                    answer.text.push_str(piece);
                    if print {
                        output::written(piece)?;
                    }
                }
                Some("messageStop") => answer.stop = event["stopReason"].clone(),
                Some("metadata") => answer.metadata = event,
                Some(name) if name.ends_with("Exception") => bail!("{}", event["message"].as_str().unwrap_or(name)),
                _ => {}
            }
        }
    }
    if answer.metadata.is_null() {
        bail!("the answer ended early");
    }
    Ok(answer)
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
