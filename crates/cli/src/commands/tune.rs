//! `craton models tune` and `craton models tuning`, and how a report is told.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::{jobs, segment};
use crate::args::{Format, Tune, Tuning};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

const BROKEN_OFF: &str = "nothing was changed; the same command begins anew";
const WORKLOADS: [&str; 4] = ["chat", "moderation", "judge", "embed"];

pub(super) async fn run(client: &Client, asked: Tune, format: Format) -> Result<()> {
    let mut request = json!({
        "slo": asked.slo,
        "minutes": asked.minutes,
        "clients": asked.clients,
        "leastContext": asked.min_context,
        "boundedAnswers": asked.bounded_answers,
        "quantized": asked.quantized,
        "pricePerHour": asked.price_per_hour,
    });
    match WORKLOADS.contains(&asked.workload.as_str()) {
        true => request["workload"] = asked.workload.as_str().into(),
        false => request["requests"] = read_requests(Path::new(&asked.workload))?.into(),
    }
    let path = format!("/models/{}/tunings", segment(&asked.model));
    let answer = client.craton(Method::POST, &path, Some(&request)).await?;
    if asked.no_wait {
        let job = &answer["job"];
        return if format == Format::Json { output::json(job) } else { output::line(text(job, "id")) };
    }
    let job = jobs::follow(client, &answer["job"], &asked.model, BROKEN_OFF).await?;
    let report = client.craton(Method::GET, &format!("{path}/{}", segment(&text(&job, "id"))), None).await?;
    if format == Format::Json { output::json(&report) } else { tell(&report) }
}

pub(super) async fn tuning(client: &Client, command: Tuning, format: Format) -> Result<()> {
    match command {
        Tuning::Show { model } => {
            let path = format!("/models/{}/tunings", segment(&model));
            let tunings = client.craton(Method::GET, &path, None).await?;
            if format == Format::Json {
                return output::json(&tunings);
            }
            let profile = &tunings["profile"];
            output::line(match profile.is_object() {
                true => format!("{model} is loaded with {}", describe(&profile["settings"])),
                false => format!("{model} is loaded as the server's settings say"),
            })?;
            match items(&tunings).first() {
                Some(report) => tell(report),
                None => Ok(()),
            }
        }
        Tuning::Reset { model } => {
            client.craton(Method::DELETE, &format!("/models/{}/tuning", segment(&model)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "reset": model }))
            } else {
                output::line(format!("{model} is loaded as the server's settings say"))
            }
        }
    }
}

/// The requests of a file, one JSON object a line; empty lines are passed over.
fn read_requests(path: &Path) -> Result<Vec<Value>> {
    let file = fs::read_to_string(path).with_context(|| {
        format!("`{}` is neither a workload ({}) nor a file that can be read", path.display(), WORKLOADS.join(", "))
    })?;
    let lines = (1..).zip(file.lines()).filter(|(_, line)| !line.trim().is_empty());
    let parsed = lines.map(|(number, line)| {
        serde_json::from_str(line).with_context(|| {
            format!(
                "line {number} of `{}` is no JSON\nhint: a line is {{\"prompt\": \"…\", \"max_tokens\": 16}}, or has `messages`",
                path.display()
            )
        })
    });
    parsed.collect()
}

/// Tells a report: the machine, what no other beats, and the choice.
fn tell(report: &Value) -> Result<()> {
    for line in lines(report) {
        output::line(line)?;
    }
    Ok(())
}

fn lines(report: &Value) -> Vec<String> {
    let machine = &report["machine"];
    let speed = |value: &Value| format!("{}/s", output::bytes(value.as_f64().unwrap_or(0.0) as u64));
    let mut lines = vec![
        format!(
            "machine: {} cores, memory {} by one and {} by all; a token of one request reads {} of weights: at most {} tokens/s",
            machine["cores"],
            speed(&machine["coreBandwidthBytesPerSecond"]),
            speed(&machine["bandwidthBytesPerSecond"]),
            output::bytes(report["weightsBytes"].as_u64().unwrap_or(0)),
            number(&report["decodeCeilingTokensPerSecond"]),
        ),
        String::new(),
    ];
    let empty = Vec::new();
    let points = report["points"].as_array().unwrap_or(&empty);
    let chosen = report["chosen"].as_u64().unwrap_or(0) as usize;
    let shown = points.iter().enumerate().filter(|(at, point)| *at == 0 || *at == chosen || point["pareto"] == true);
    let rows: Vec<[String; 8]> = shown.map(|(at, point)| row(at, at == chosen, point)).collect();
    let titles = ["", "REQUESTS/S", "P50 MS", "P95 MS", "FIRST TOKEN P95 MS", "MEMORY", "BANDWIDTH", "PROFILE"];
    lines.extend(output::table(titles, &rows).trim_end().lines().map(str::to_owned));
    lines.push(String::new());
    lines.extend(verdict(report, points, chosen));
    if report["underLoad"] == true {
        lines.push("other requests were served meanwhile: the figures are those of a machine under load".to_owned());
    }
    lines
}

fn row(at: usize, chosen: bool, point: &Value) -> [String; 8] {
    let measured = &point["measured"];
    let mark = match (chosen, point["meets"] == true) {
        (true, _) => "chosen",
        (false, true) => "meets",
        (false, false) => "misses",
    };
    let share = measured["bandwidthShare"].as_f64();
    let memory = measured["memoryBytes"].as_u64();
    let profile = describe(&point["settings"]);
    [
        mark.to_owned(),
        number(&measured["throughput"]),
        number(&measured["p50Ms"]),
        number(&measured["p95Ms"]),
        number(&measured["firstTokenP95Ms"]),
        memory.map_or_else(|| "-".to_owned(), output::bytes),
        share.map_or_else(|| "-".to_owned(), |share| format!("{:.0} %", 100.0 * share)),
        if at == 0 { format!("default: {profile}") } else { profile },
    ]
}

fn verdict(report: &Value, points: &[Value], chosen: usize) -> Vec<String> {
    let Some(point) = points.get(chosen) else { return Vec::new() };
    let mut lines = Vec::new();
    let gain = &report["gain"];
    let times = |value: &Value| format!("{:.2}", value.as_f64().unwrap_or(0.0));
    lines.push(match (chosen, report["met"] == true) {
        (0, true) => "chosen: the default, as nothing was faster in every pass of the last round".to_owned(),
        (0, false) => {
            "chosen: the default, as no profile meets the objective; ask for less, or try fewer clients".to_owned()
        }
        _ => format!(
            "chosen: {}, × {} the default's requests [{}, {}]",
            describe(&point["settings"]),
            times(&gain["median"]),
            times(&gain["low"]),
            times(&gain["high"]),
        ),
    });
    let price = point["pricePer1000"].as_f64().map(|price| format!(", {price:.4} in money")).unwrap_or_default();
    lines.push(format!("1,000 requests take {} s of this machine{price}", number(&point["secondsPer1000"])));
    lines
}

/// A profile in a few words.
fn describe(settings: &Value) -> String {
    let threads = |name: &str| match settings[name].as_u64() {
        Some(0) | None => "all".to_owned(),
        Some(threads) => threads.to_string(),
    };
    let batches = match settings["staticBatches"]["size"].as_u64() {
        Some(size) => format!(", static batches of {size}"),
        None => String::new(),
    };
    let weights = settings["weights"].as_str().map(|name| format!(", weights of {name}")).unwrap_or_default();
    format!(
        "threads {}/{}, parallel {}, context {}, shared {}{batches}{weights}",
        threads("prefillThreads"),
        threads("decodeThreads"),
        settings["parallel"],
        settings["contextPerSequence"],
        settings["sharedCells"],
    )
}

fn number(value: &Value) -> String {
    value.as_f64().map_or_else(|| "-".to_owned(), |number| format!("{number:.1}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(chosen: usize, met: bool) -> Value {
        let point = |parallel: u32, throughput: f64| {
            json!({
                "settings": {"prefillThreads": 0, "decodeThreads": 2, "parallel": parallel, "contextPerSequence": 4096,
                             "sharedCells": 0, "weights": null},
                "measured": {"throughput": throughput, "p50Ms": 1.0, "p95Ms": 2.0, "firstTokenP95Ms": null,
                             "memoryBytes": 1_000_000, "bandwidthShare": 0.5},
                "meets": met, "pareto": parallel == 16, "secondsPer1000": 1000.0 / throughput, "pricePer1000": 0.25,
            })
        };
        json!({
            "machine": {"cores": 2, "coreBandwidthBytesPerSecond": 1e10, "bandwidthBytesPerSecond": 2e10},
            "weightsBytes": 1_000_000, "decodeCeilingTokensPerSecond": 20000.0,
            "points": [point(8, 5.0), point(4, 4.0), point(16, 10.0)], "chosen": chosen, "met": met,
            "gain": {"median": 2.0, "low": 1.9, "high": 2.1}, "underLoad": true,
        })
    }

    #[test]
    fn a_report_tells_the_machine_the_best_and_the_choice() {
        let told = lines(&report(2, true)).join("\n");
        assert!(told.contains("2 cores, memory 10.0 GB/s by one and 20.0 GB/s by all"), "{told}");
        assert!(told.contains("default: threads all/2, parallel 8") && !told.contains("parallel 4,"), "{told}");
        assert!(
            told.contains(
                "chosen: threads all/2, parallel 16, context 4096, shared 0, × 2.00 the default's requests [1.90, 2.10]"
            ),
            "{told}"
        );
        assert!(told.contains("1,000 requests take 100.0 s of this machine, 0.2500 in money"), "{told}");
        assert!(told.contains("50 %") && told.contains("under load"), "{told}");
        assert!(lines(&report(0, false)).join("\n").contains("no profile meets the objective"));
        assert!(lines(&report(0, true)).join("\n").contains("nothing was faster in every pass"));
    }

    #[test]
    fn a_workload_of_a_file_is_read_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.jsonl");
        fs::write(&path, "{\"prompt\": \"a\", \"max_tokens\": 3}\n\n{\"messages\": []}\n").unwrap();
        assert_eq!(read_requests(&path).unwrap().len(), 2);
        fs::write(&path, "{\n").unwrap();
        assert!(read_requests(&path).unwrap_err().to_string().starts_with("line 1 of"));
        let none = read_requests(Path::new("judges")).unwrap_err().to_string();
        assert!(none.contains("`judges` is neither a workload (chat, moderation, judge, embed)"), "{none}");
    }
}
