//! `craton models tune` and `craton models tuning`, and how a report is told.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use http::Method;
use serde_json::{Value, json};

use super::{jobs, segment};
use crate::args::{Format, Tune, Tuning};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

const BROKEN_OFF: &str = "nothing was changed; the same command begins anew";
const LINE: &str = "a line is {\"prompt\": \"…\", \"max_tokens\": 16}, or has `messages` of `role` and `content`";
const WORKLOADS: [&str; 4] = ["chat", "moderation", "judge", "embed"];

pub(super) async fn run(client: &Client, asked: Tune, format: Format) -> Result<()> {
    let mut request = json!({
        "slo": asked.slo,
        "minutes": asked.minutes,
        "clients": asked.clients,
        "leastContext": asked.min_context,
        "boundedAnswers": asked.bounded_answers,
        "quantized": asked.quantized,
        "allow": asked.allow.iter().map(|one| one.name()).collect::<Vec<&str>>(),
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
        Tuning::Show { model, job: Some(job) } => {
            let path = format!("/models/{}/tunings/{}", segment(&model), segment(&job));
            let report = client.craton(Method::GET, &path, None).await?;
            if format == Format::Json { output::json(&report) } else { tell(&report) }
        }
        Tuning::Show { model, job: None } => {
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
    lines
        .map(|(number, line)| {
            read_request(line).map_err(|what| anyhow!("line {number} of `{}` {what}\nhint: {LINE}", path.display()))
        })
        .collect()
}

/// One request, or what is wrong with it.
fn read_request(line: &str) -> std::result::Result<Value, String> {
    let request: Value = serde_json::from_str(line).map_err(|error| format!("is no JSON: {error}"))?;
    let Some(members) = request.as_object() else { return Err("is no JSON object".to_owned()) };
    if let Some(other) = members.keys().find(|name| !["prompt", "messages", "max_tokens"].contains(&name.as_str())) {
        return Err(format!("has `{other}`, which no request has"));
    }
    let given = |name: &str| members.get(name).filter(|value| !value.is_null());
    match (given("prompt"), given("messages")) {
        (Some(prompt), None) if prompt.as_str().is_some_and(|text| !text.is_empty()) => {}
        (None, Some(messages))
            if messages.as_array().is_some_and(|all| !all.is_empty() && all.iter().all(is_message)) => {}
        (Some(_), Some(_)) => return Err("has both `prompt` and `messages`".to_owned()),
        (None, None) => return Err("has neither `prompt` nor `messages`".to_owned()),
        (Some(_), None) => return Err("has a `prompt` that is no text, or an empty one".to_owned()),
        (None, Some(_)) => return Err("has `messages` that are no turns of a conversation".to_owned()),
    }
    match given("max_tokens") {
        Some(tokens) if !tokens.as_u64().is_some_and(|tokens| (1..=4096).contains(&tokens)) => {
            Err("has a `max_tokens` that is not 1 to 4,096".to_owned())
        }
        _ => Ok(request),
    }
}

fn is_message(message: &Value) -> bool {
    let role = message["role"].as_str().is_some_and(|role| ["system", "user", "assistant"].contains(&role));
    role && message["content"].is_string() && message.as_object().is_some_and(|members| members.len() == 2)
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
    let memory = match (machine["memoryBytes"].as_u64(), machine["memoryBytesPerCore"].as_u64()) {
        (Some(all), Some(each)) => format!("{} of memory ({} a core), ", output::bytes(all), output::bytes(each)),
        _ => String::new(),
    };
    let mut lines = vec![
        format!(
            "machine: {} cores, {memory}read at {} by one core and {} by all",
            machine["cores"],
            speed(&machine["coreBandwidthBytesPerSecond"]),
            speed(&machine["bandwidthBytesPerSecond"]),
        ),
        format!(
            "ceiling: a token of one request reads {} of weights, so {} tokens/s at most, by one core {}",
            output::bytes(report["weightsBytes"].as_u64().unwrap_or(0)),
            number(&report["decodeCeilingTokensPerSecond"]),
            number(&report["coreDecodeCeilingTokensPerSecond"]),
        ),
    ];
    lines.extend(weights(report));
    lines.push(String::new());
    let empty = Vec::new();
    let points = report["points"].as_array().unwrap_or(&empty);
    let chosen = report["chosen"].as_u64().unwrap_or(0) as usize;
    let shown = points.iter().enumerate().filter(|(at, point)| *at == 0 || *at == chosen || point["pareto"] == true);
    let rows: Vec<[String; 10]> = shown.map(|(at, point)| row(at, at == chosen, point)).collect();
    let titles = [
        "",
        "REQUESTS/S",
        "P50 MS",
        "P95 MS",
        "FIRST TOKEN P95 MS",
        "TOKENS/S",
        "AT MOST",
        "MEMORY",
        "BANDWIDTH",
        "PROFILE",
    ];
    lines.extend(output::table(titles, &rows).trim_end().lines().map(str::to_owned));
    lines.push(String::new());
    lines.extend(verdict(report, points, chosen));
    if report["underLoad"] == true {
        lines.push("other requests were served meanwhile: the figures are those of a machine under load".to_owned());
    }
    lines
}

/// Which files were measured, where there were several.
fn weights(report: &Value) -> Vec<String> {
    let Some(all) = report["weights"].as_array().filter(|all| all.len() > 1) else { return Vec::new() };
    let share = |value: &Value| format!("{:.1} %", 100.0 * value.as_f64().unwrap_or(0.0));
    let of = |one: &Value| {
        let labels = &one["labelAgreement"];
        let labels = match labels.is_object() {
            true => format!(
                ", {} the same labels [{}, {}]",
                share(&labels["share"]),
                share(&labels["low"]),
                share(&labels["high"])
            ),
            false => String::new(),
        };
        let bytes = output::bytes(one["bytes"].as_u64().unwrap_or(0));
        format!("weights: {}, file {}, {}, {bytes}{labels}", text(one, "model"), text(one, "file"), text(one, "format"))
    };
    all.iter().map(of).collect()
}

fn row(at: usize, chosen: bool, point: &Value) -> [String; 10] {
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
        number(&measured["tokensPerSecond"]),
        number(&point["ceilingTokensPerSecond"]),
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
        (_, false) => format!(
            "kept: {}, though no profile meets the objective; ask for less, or try fewer clients",
            describe(&point["settings"])
        ),
        (_, true) => format!(
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
    let cores: Vec<&str> = settings["cores"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let cores = if cores.is_empty() { String::new() } else { format!(" on cores {}", cores.join(":")) };
    let replicas = match settings["replicas"].as_u64() {
        Some(0 | 1) | None => String::new(),
        Some(replicas) => format!("{replicas} replicas{cores}, "),
    };
    let cache = match settings["cacheType"].as_str() {
        None | Some("f16") => String::new(),
        Some(other) => format!(", cache {other}"),
    };
    let attention = match settings["onePassAttention"].as_bool() {
        None => "",
        Some(true) => ", attention in one pass",
        Some(false) => ", attention in steps",
    };
    format!(
        "{replicas}threads {}/{}, parallel {}, context {}, shared {}{cache}{attention}{batches}{weights}",
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
                "settings": {"replicas": parallel / 8, "cores": ["0", "1"], "cacheType": "q8_0", "prefillThreads": 0, "decodeThreads": 2, "parallel": parallel, "contextPerSequence": 4096,
                             "sharedCells": 0, "weights": null},
                "ceilingTokensPerSecond": 70.0,
                "measured": {"throughput": throughput, "p50Ms": 1.0, "p95Ms": 2.0, "firstTokenP95Ms": null, "tokensPerSecond": 65.5,
                             "memoryBytes": 1_000_000, "bandwidthShare": 0.5},
                "meets": met, "pareto": parallel == 16, "secondsPer1000": 1000.0 / throughput, "pricePer1000": 0.25,
            })
        };
        json!({
            "weights": [
                {"model": "m", "file": "m.gguf", "format": "F16", "bytes": 2_000_000, "labelAgreement": null},
                {"model": "m-q8_0", "file": "model.gguf", "format": "Q8_0", "bytes": 1_000_000,
                 "labelAgreement": {"share": 0.998, "low": 0.99, "high": 1.0}},
            ],
            "machine": {"cores": 2, "memoryBytes": 8_000_000_000_u64, "memoryBytesPerCore": 4_000_000_000_u64, "coreBandwidthBytesPerSecond": 1e10, "bandwidthBytesPerSecond": 2e10},
            "weightsBytes": 1_000_000, "decodeCeilingTokensPerSecond": 20000.0, "coreDecodeCeilingTokensPerSecond": 10000.0,
            "points": [point(8, 5.0), point(4, 4.0), point(16, 10.0)], "chosen": chosen, "met": met,
            "gain": {"median": 2.0, "low": 1.9, "high": 2.1}, "underLoad": true,
        })
    }

    #[test]
    fn a_profile_that_is_kept_though_it_misses_the_objective_is_told_so() {
        let told = lines(&report(2, false)).join("\n");
        assert!(told.contains("kept: ") && told.contains("no profile meets the objective"), "{told}");
    }

    #[test]
    fn a_report_tells_the_machine_the_best_and_the_choice() {
        let told = lines(&report(2, true)).join("\n");
        assert!(
            told.contains(
                "2 cores, 8.0 GB of memory (4.0 GB a core), read at 10.0 GB/s by one core and 20.0 GB/s by all"
            ),
            "{told}"
        );
        assert!(told.contains("20000.0 tokens/s at most, by one core 10000.0"), "{told}");
        assert!(
            told.contains("weights: m-q8_0, file model.gguf, Q8_0, 1.0 MB, 99.8 % the same labels [99.0 %, 100.0 %]"),
            "{told}"
        );
        assert!(told.contains("AT MOST") && told.contains("65.5") && told.contains("70.0"), "{told}");
        assert!(told.contains("default: threads all/2, parallel 8") && !told.contains("parallel 4,"), "{told}");
        assert!(
            told.contains(
                "chosen: 2 replicas on cores 0:1, threads all/2, parallel 16, context 4096, shared 0, cache q8_0, × 2.00 the default's requests [1.90, 2.10]"
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
        fs::write(
            &path,
            "{\"prompt\": \"a\", \"max_tokens\": 3}\n\n{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]}\n",
        )
        .unwrap();
        assert_eq!(read_requests(&path).unwrap().len(), 2);
        for (line, says) in [
            ("{", "is no JSON"),
            ("[1]", "is no JSON object"),
            ("{}", "neither"),
            (r#"{"prompt": 7}"#, "a `prompt` that is no text"),
            (r#"{"prompt": "a", "messages": []}"#, "both"),
            (r#"{"messages": []}"#, "no turns"),
            (r#"{"messages": [{"role": "judge", "content": "a"}]}"#, "no turns"),
            (r#"{"messages": [{"role": "user"}]}"#, "no turns"),
            (r#"{"prompt": "a", "max_tokens": 0}"#, "not 1 to 4,096"),
            (r#"{"prompt": "a", "temperature": 0}"#, "`temperature`"),
        ] {
            // Lines are counted as an editor counts them.
            fs::write(&path, format!("{{\"prompt\": \"a\"}}\n\n{line}\n")).unwrap();
            let error = read_requests(&path).unwrap_err().to_string();
            assert!(
                error.starts_with("line 3 of") && error.contains(says) && error.contains("hint: a line is"),
                "{error}"
            );
        }
        let none = read_requests(Path::new("judges")).unwrap_err().to_string();
        assert!(none.contains("`judges` is neither a workload (chat, moderation, judge, embed)"), "{none}");
    }
}
