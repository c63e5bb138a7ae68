//! `craton models quantize`, and how a report of it is told.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::{jobs, segment};
use crate::args::{Format, Quantize};
use crate::client::Client;
use crate::fields::text;
use crate::output;

const BROKEN_OFF: &str = "nothing was put into the library; the same command begins anew";

pub(super) async fn run(client: &Client, asked: Quantize, format: Format) -> Result<()> {
    let tasks = asked.tasks.as_deref().map(read_tasks).transpose()?;
    let request = json!({
        "to": asked.to,
        "name": asked.name,
        "bound": asked.bound,
        "tasks": tasks,
        "allowRequantize": asked.allow_requantize,
    });
    let path = format!("/models/{}/quantize", segment(&asked.model));
    let answer = client.craton(Method::POST, &path, Some(&request)).await?;
    if asked.no_wait {
        let job = &answer["job"];
        return if format == Format::Json { output::json(job) } else { output::line(text(job, "id")) };
    }
    let job = jobs::follow(client, &answer["job"], &asked.model, BROKEN_OFF).await?;
    let name = job.pointer("/output/name").and_then(Value::as_str).unwrap_or_default();
    let card = client.craton(Method::GET, &format!("/models/{}", segment(name)), None).await?;
    if format == Format::Json {
        return output::json(&card["quantization"]);
    }
    output::line(format!("{name} is ready"))?;
    for (title, value) in lines(&card["quantization"]) {
        output::line(format!("{title:<12} {value}"))?;
    }
    Ok(())
}

/// The tasks of a file, one JSON object a line; empty lines are passed over.
fn read_tasks(path: &Path) -> Result<Vec<Value>> {
    let file = fs::read_to_string(path).with_context(|| format!("cannot read the tasks in `{}`", path.display()))?;
    let lines = (1..).zip(file.lines()).filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(number, line)| {
        serde_json::from_str(line).with_context(|| {
            format!(
                "line {number} of `{}` is no JSON\nhint: a line is {{\"text\": \"…\", \"labels\": [\"…\", \"…\"]}}",
                path.display()
            )
        })
    });
    parsed.collect()
}

/// What a report says, line by line.
pub(super) fn lines(report: &Value) -> Vec<(&'static str, String)> {
    let measured = &report["measured"];
    let bytes = |of: &str| report[of]["weightsBytes"].as_u64().unwrap_or(0);
    let (before, after) = (bytes("source"), bytes("made"));
    let (source, made) = (&report["source"], &report["made"]);
    let size = format!(
        "{} {} of {} {} ({:.1} %)",
        output::bytes(after),
        text(made, "format"),
        output::bytes(before),
        text(source, "format"),
        100.0 * after as f64 / before.max(1) as f64
    );
    let ratio = &measured["perplexityRatio"];
    let number = |value: &Value| value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"));
    let perplexity = format!(
        "{:.3} to {:.3}, × {} [{}, {}], bound {}",
        measured["perplexityBefore"].as_f64().unwrap_or(0.0),
        measured["perplexityAfter"].as_f64().unwrap_or(0.0),
        number(&ratio["ratio"]),
        number(&ratio["low"]),
        number(&ratio["high"]),
        number(&report["bound"]["perplexity"]),
    );
    let share = |member: &str, bound: &str| {
        let share = &measured[member];
        let percent = |value: &Value| format!("{:.2} %", 100.0 * value.as_f64().unwrap_or(0.0));
        format!(
            "{} of {} [{}, {}], bound {}",
            percent(&share["share"]),
            share["of"],
            percent(&share["low"]),
            percent(&share["high"]),
            percent(&report["bound"][bound]),
        )
    };
    let accepted = if report["accepted"] == true { "accepted" } else { "refused" };
    let broken = report["broken"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut lines = vec![
        ("made", format!("{} of {}, {accepted}", text(made, "name"), text(source, "name"))),
        ("weights", size),
        ("perplexity", perplexity),
        ("same token", share("argmaxAgreement", "argmax")),
        ("same label", format!("{} ({} tasks)", share("labelAgreement", "labels"), text(measured, "tasks"))),
    ];
    lines.extend(broken.map(|why| ("broken", why.to_owned())));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_read_line_by_line_and_the_bad_one_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tasks.jsonl");
        fs::write(&path, "{\"text\": \"a\", \"labels\": [\"x\", \"y\"]}\n\n{\"text\": \"b\", \"labels\": []}\n")
            .unwrap();
        let tasks = read_tasks(&path).unwrap();
        assert_eq!((tasks.len(), text(&tasks[1], "text")), (2, "b".to_owned()));
        fs::write(&path, "{}\n{\n").unwrap();
        assert!(read_tasks(&path).unwrap_err().to_string().starts_with("line 2 of"));
        assert!(read_tasks(&folder.path().join("none")).unwrap_err().to_string().contains("cannot read the tasks"));
    }

    #[test]
    fn a_report_is_told_with_its_intervals() {
        let share = json!({"agreed": 479, "of": 480, "share": 0.9979, "low": 0.9883, "high": 0.9996});
        let report = json!({
            "accepted": true,
            "source": {"name": "m", "format": "F16", "weightsBytes": 2_000_000},
            "made": {"name": "m-q8_0", "format": "Q8_0", "weightsBytes": 1_062_500},
            "measured": {
                "tasks": "craton-labels-1",
                "perplexityBefore": 20.0,
                "perplexityAfter": 20.02,
                "perplexityRatio": {"ratio": 1.001, "low": 0.999, "high": null},
                "argmaxAgreement": share,
                "labelAgreement": share,
            },
            "bound": {"labels": 0.97, "argmax": 0.9, "perplexity": null},
            "broken": [],
        });
        let told = lines(&report);
        assert_eq!(told[0].1, "m-q8_0 of m, accepted");
        assert!(told[1].1.ends_with("(53.1 %)"), "{}", told[1].1);
        assert_eq!(told[2].1, "20.000 to 20.020, × 1.0010 [0.9990, -], bound -");
        assert_eq!(told[4].1, "99.79 % of 480 [98.83 %, 99.96 %], bound 97.00 % (craton-labels-1 tasks)");
        assert_eq!(told.len(), 5);
        let mut refused = report.clone();
        refused["broken"] = json!(["label agreement 90.0 % of 480"]);
        assert_eq!(lines(&refused)[5], ("broken", "label agreement 90.0 % of 480".to_owned()));
    }
}
