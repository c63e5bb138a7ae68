//! `craton chat --compare`: the same question to two at once, and what each took for its answer.

use anyhow::{Result, bail};
use futures::future::join;
use serde_json::{Value, json};

use super::{Answer, asked, question, remembered, talk};
use crate::args::{Chat, Format};
use crate::client::Client;
use crate::commands::endpoints;
use crate::output;

/// One of the two.
struct Side<'a> {
    /// As it was named.
    name: &'a str,
    /// The model id that is asked.
    model: String,
    /// The turns before.
    history: Vec<Value>,
}

pub(super) async fn run(client: &Client, args: &Chat, names: [&str; 2], format: Format) -> Result<()> {
    let [one, other] = names;
    let (one, other) = join(side(client, one), side(client, other)).await;
    let mut sides = [one, other];
    if let Some(question) = question(args)? {
        return both(client, args, &mut sides, &question, format).await;
    }
    talk(&names.join(" and "), async |question: &str| both(client, args, &mut sides, question, format).await).await
}

/// Who is meant: an endpoint, where one has the name, or else a model. Whoever may not know of endpoints means models.
async fn side<'a>(client: &Client, name: &'a str) -> Side<'a> {
    let is_id = name.contains(':');
    let endpoint = if is_id { None } else { endpoints::arn_of(client, name).await.ok() };
    Side { name, model: endpoint.unwrap_or_else(|| name.to_owned()), history: Vec::new() }
}

/// Asks both, and shows what they answer. What one fails at is told beside the answer of the other.
async fn both(client: &Client, args: &Chat, sides: &mut [Side<'_>; 2], question: &str, format: Format) -> Result<()> {
    let answers = {
        let ask = |side: &Side<'_>| {
            let (model, history) = (side.model.clone(), side.history.clone());
            async move { asked(client, (args, &model), (&history, question), false).await }
        };
        let [one, other] = &*sides;
        join(ask(one), ask(other)).await
    };
    let answers = [answers.0, answers.1];
    match format {
        Format::Json => {
            let told: Vec<Value> = sides.iter().zip(&answers).map(|(side, answer)| described(side, answer)).collect();
            output::json(&json!({ "answers": told }))?;
        }
        Format::Text => {
            for (side, answer) in sides.iter().zip(&answers) {
                output::line(format!("{}:", side.name))?;
                match answer {
                    Ok(answer) => {
                        output::written(answer.text.trim_end())?;
                        output::line("\n")?;
                    }
                    Err(error) => output::line(format!("{}\n", output::error_text(error)))?,
                }
            }
            output::line(figures(sides.iter().map(|side| side.name).zip(&answers)))?;
        }
    }
    let failed: Vec<&str> =
        sides.iter().zip(&answers).filter(|(_, answer)| answer.is_err()).map(|(side, _)| side.name).collect();
    if !failed.is_empty() {
        let failed: Vec<String> = failed.iter().map(|name| format!("`{name}`")).collect();
        bail!("{} did not answer", failed.join(" and "));
    }
    for (side, answer) in sides.iter_mut().zip(answers.into_iter().flatten()) {
        side.history.extend(remembered(question, &answer.text));
    }
    Ok(())
}

/// The figures of the answers, one line for each.
fn figures<'a>(answers: impl Iterator<Item = (&'a str, &'a Result<Answer>)>) -> String {
    let rows: Vec<[String; 6]> = answers
        .map(|(name, answer)| {
            let Ok(answer) = answer else {
                return [name.to_owned(), "-".into(), "-".into(), "-".into(), "-".into(), "failed".into()];
            };
            let millis = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{time:.0} ms"));
            let speed = answer.tokens_per_second().map_or("-".to_owned(), |speed| format!("{speed:.1}"));
            let tokens = answer.metadata["usage"]["outputTokens"].to_string();
            let by = answer.served_by.as_deref().and_then(|by| by.strip_suffix("; substituted=true"));
            let name = by.map_or_else(|| name.to_owned(), |by| format!("{name} (answered by {by}, a substitute)"));
            let [first, whole] = answer.millis();
            [name, millis(first), speed, millis(whole), tokens, answer.stop.as_str().unwrap_or("-").to_owned()]
        })
        .collect();
    output::table(["MODEL", "FIRST TOKEN", "TOKENS/S", "WHOLE ANSWER", "TOKENS", "ENDED"], &rows)
}

/// An answer as JSON: speeds are null where there is too little to measure.
fn described(side: &Side<'_>, answer: &Result<Answer>) -> Value {
    match answer {
        Ok(answer) => {
            let [first, whole] = answer.millis();
            json!({
                "name": side.name,
                "modelId": side.model,
                "text": answer.text,
                "stopReason": answer.stop,
                "usage": answer.metadata["usage"],
                "servedBy": answer.served_by,
                "firstTokenMs": first,
                "wholeAnswerMs": whole,
                "tokensPerSecond": answer.tokens_per_second(),
            })
        }
        Err(error) => json!({ "name": side.name, "modelId": side.model, "error": output::error_text(error) }),
    }
}

impl Answer {
    /// The milliseconds to the first text and to the last.
    fn millis(&self) -> [Option<f64>; 2] {
        let (first, last) = self.texts.unzip();
        [first, last].map(|time| time.map(|time| time.as_secs_f64() * 1000.0))
    }

    /// Tokens a second from the first text to the last, the first token not counted, as the playground tells it; none where
    /// there is too little to measure.
    fn tokens_per_second(&self) -> Option<f64> {
        let (first, last) = self.texts?;
        let tokens = self.metadata["usage"]["outputTokens"].as_f64().filter(|tokens| *tokens >= 2.0)?;
        let seconds = last.saturating_sub(first).as_secs_f64();
        (seconds > 0.0).then(|| (tokens - 1.0) / seconds)
    }
}

#[cfg(test)]
#[path = "compare_tests.rs"]
mod tests;
