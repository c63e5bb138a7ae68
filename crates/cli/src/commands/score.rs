//! `craton score`: how likely continuations of one prompt are.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use crate::args::Format;
use crate::client::Client;
use crate::output;
use crate::score_args::Score;

pub(super) async fn run(client: &Client, args: &Score, format: Format) -> Result<()> {
    let answer = client.craton(Method::POST, "/score", Some(&body(args))).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    output::line(table(&answer))
}

fn body(args: &Score) -> Value {
    let mut body = json!({
        "model": args.model, "continuations": args.continuations, "normalize": args.normalize,
    });
    if args.best_only {
        body["bestOnly"] = json!(true);
    }
    if let Some(priority) = args.priority {
        body["priority"] = json!(priority.name());
    }
    if args.deterministic {
        body["deterministic"] = json!(true);
    }
    if let Some(prompt) = &args.prompt {
        body["prompt"] = json!(prompt);
    }
    if let Some(message) = &args.message {
        body["messages"] = json!([{ "role": "user", "content": message }]);
    }
    if let Some(system) = &args.system {
        body["system"] = json!(system);
    }
    body
}

/// The continuations, the likeliest first. Where only that was asked for, the others have no share, and of those that were
/// not read to their ends it is told what they can be at most.
fn table(answer: &Value) -> String {
    let mut scores: Vec<&Value> = answer["scores"].as_array().into_iter().flatten().collect();
    let logprob = |score: &Value| score["logProbability"].as_f64().unwrap_or_default();
    let compared = |score: &Value| score["normalizedLogProbability"].as_f64().unwrap_or_else(|| logprob(score));
    scores.sort_by(|a, b| compared(b).total_cmp(&compared(a)));
    let row = |score: &&Value| {
        let at_most = if score["atMost"] == json!(true) { "≤ " } else { "" };
        [
            score["probability"].as_f64().map_or_else(|| "–".to_owned(), |share| format!("{:.1} %", 100.0 * share)),
            format!("{at_most}{:.3}", logprob(score)),
            score["tokens"].as_array().map_or(0, Vec::len).to_string(),
            score["text"].as_str().unwrap_or_default().to_owned(),
        ]
    };
    let rows: Vec<[String; 4]> = scores.iter().map(row).collect();
    output::table(["SHARE", "LOG PROBABILITY", "TOKENS", "CONTINUATION"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_continuation_stands_first() {
        let score = |text: &str, share: f64| json!({"text": text, "logProbability": share.ln(), "probability": share, "tokens": [text]});
        let table = table(&json!({"scores": [score(" no", 0.25), score(" yes", 0.75)]}));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].contains("75.0 %") && lines[1].contains("yes"), "{table}");
        assert!(lines[2].contains("25.0 %") && lines[2].contains("-1.386"), "{table}");
    }

    #[test]
    fn what_was_not_read_to_its_end_has_no_share_and_a_bound() {
        let score = |text: &str, logprob: f64, at_most: bool| json!({"text": text, "logProbability": logprob, "atMost": at_most, "tokens": [text]});
        let table = table(&json!({"scores": [score(" no", -2.5, true), score(" yes", -0.5, false)]}));
        let lines: Vec<&str> = table.lines().collect();
        assert!(lines[1].starts_with('–') && lines[1].contains(" -0.500"), "{table}");
        assert!(lines[2].contains("≤ -2.500"), "{table}");
    }

    #[test]
    fn a_message_is_sent_as_a_conversation() {
        let args = Score {
            model: "m".to_owned(),
            prompt: None,
            message: Some("Good?".to_owned()),
            system: Some("Judge.".to_owned()),
            normalize: "tokens".to_owned(),
            best_only: true,
            priority: Some(crate::chat_args::Priority::Low),
            deterministic: true,
            continuations: vec!["yes".to_owned()],
        };
        let body = body(&args);
        assert_eq!((&body["messages"][0]["content"], &body["system"]), (&json!("Good?"), &json!("Judge.")));
        assert!(body.get("prompt").is_none());
        assert_eq!(body["bestOnly"], json!(true));
        assert_eq!((&body["priority"], &body["deterministic"]), (&json!("low"), &json!(true)));
    }
}
