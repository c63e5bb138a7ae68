//! `craton chat`: a conversation in the terminal, streamed.

mod compare;
mod request;

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
    let question = question(&args)?;
    if args.count_tokens {
        return count(client, &args, question.as_deref().unwrap_or_default(), format).await;
    }
    if let Some(question) = question {
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
    output::note(&summary(&metadata, &stop, served_by.as_deref()));
    Ok(text)
}

/// Tells how many tokens a question is.
async fn count(client: &Client, args: &Chat, question: &str, format: Format) -> Result<()> {
    let body = serde_json::to_vec(&request::to_count(&args.generation, vec![asking(question)?]))?;
    let path = format!("/model/{}/count-tokens", segment(&args.model));
    let response = client.send("bedrock", Method::POST, &path, body).await?;
    let served_by = served_by(&response);
    let answer: Value = response.json().await.context("the server's answer is not JSON")?;
    let tokens = &answer["inputTokens"];
    if format == Format::Json {
        return output::json(&json!({ "inputTokens": tokens, "servedBy": served_by }));
    }
    output::line(format!("{tokens} tokens"))?;
    if let Some(name) = served_by {
        output::note(&format!("counted by {name}"));
    }
    Ok(())
}

/// The turn that asks a question; an error where there is none.
fn asking(question: &str) -> Result<Value> {
    if question.is_empty() {
        bail!("there is no question\nhint: craton chat 'Why is the sky blue?'");
    }
    Ok(json!({ "role": "user", "content": [{ "text": question }] }))
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
    let messages = history.iter().cloned().chain([asking(question)?]).collect();
    let body = request::body(&args.generation, messages);
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
                Some("messageStop") => answer.stop = request::stop_reason(&event),
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

/// An answer's figures: the whole prompt, what of it came from the cache and was kept at cache points, and why it ended where it
/// was not done.
fn summary(metadata: &Value, stop: &Value, served_by: Option<&str>) -> String {
    let count = |name: &str| metadata["usage"][name].as_u64().unwrap_or_default();
    let (written, all) = (count("outputTokens"), count("totalTokens"));
    let part = |name: &str, what: &str| match count(name) {
        0 => String::new(),
        tokens => format!(", {tokens} {what}"),
    };
    let cached = part("cacheReadInputTokens", "from the cache");
    let kept = part("cacheWriteInputTokens", "kept");
    let seconds = metadata.pointer("/metrics/latencyMs").and_then(Value::as_f64).unwrap_or_default() / 1000.0;
    let ended = match stop.as_str() {
        Some("loop") => ", ended as it repeated itself",
        _ => "",
    };
    let by = served_by.map(|name| format!(", answered by {name}")).unwrap_or_default();
    let read = all.saturating_sub(written);
    format!("[{read} tokens in{cached}{kept}, {written} out, {seconds:.1} s{ended}{by}]")
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_blank_answer_is_forgotten_with_its_question() {
        assert_eq!(remembered("Why?", " \n"), Vec::<Value>::new());
        let turns = remembered("Why?", "Because.");
        assert_eq!(turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect::<Vec<_>>(), ["user", "assistant"]);
        assert_eq!(turns[1]["content"][0]["text"], "Because.");
    }

    #[test]
    fn an_answer_s_figures_tell_the_cache_and_a_loop() {
        let usage = json!({
            "inputTokens": 4, "cacheReadInputTokens": 60, "cacheWriteInputTokens": 40, "outputTokens": 2, "totalTokens": 106,
        });
        let told = summary(&json!({ "usage": usage, "metrics": { "latencyMs": 1_200 } }), &"loop".into(), Some("m"));
        let wanted =
            "[104 tokens in, 60 from the cache, 40 kept, 2 out, 1.2 s, ended as it repeated itself, answered by m]";
        assert_eq!(told, wanted);
        let plain = json!({ "usage": { "inputTokens": 4, "outputTokens": 2, "totalTokens": 6 } });
        assert_eq!(summary(&plain, &"end_turn".into(), None), "[4 tokens in, 2 out, 0.0 s]");
    }

    #[tokio::test]
    async fn tokens_are_counted_and_nothing_is_asked() {
        let (client, asked) = crate::fake::server(&[(200, r#"{"inputTokens":12}"#)]);
        let chat = match crate::args::Cli::try_parse_from([
            "craton",
            "chat",
            "--count-tokens",
            "--model",
            "a.b",
            "--system",
            "Short.",
            "Why?",
        ]) {
            Ok(crate::args::Cli { command: crate::args::Command::Chat(chat), .. }) => *chat,
            other => panic!("{other:?}"),
        };
        run(&client, chat, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        assert_eq!(asked[0].line, "POST /model/a%2Eb/count-tokens HTTP/1.1");
        let counted = json!({
            "system": [{ "text": "Short." }], "messages": [{ "role": "user", "content": [{ "text": "Why?" }] }],
        });
        assert_eq!(asked[0].json(), json!({ "input": { "converse": counted } }));
        assert!(asking("").unwrap_err().to_string().contains("there is no question"));
    }

    #[tokio::test]
    async fn an_interruption_ends_what_is_waited_for() {
        assert_eq!(unless_interrupted(std::future::pending::<()>(), std::future::ready(())).await, None);
        assert_eq!(unless_interrupted(std::future::ready(1), std::future::pending::<()>()).await, Some(1));
    }
}
