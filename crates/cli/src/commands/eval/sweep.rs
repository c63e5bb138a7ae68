//! `craton eval sweep`: the same evaluation with several settings, and the one to choose.

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::request::body;
use super::{path_of, progress, report, standing};
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::eval_args::{Kind, Run, Sweep};
use crate::output;

/// A setting, its job, and the mean of the first metric.
struct Tried {
    label: String,
    job: String,
    mean: Option<f64>,
    higher_is_worse: bool,
}

/// Starts a job for each setting, waits for all, and compares each with the best.
pub(super) async fn run(client: &Client, args: &Sweep, format: Format) -> Result<()> {
    let (mut tried, bodies) = (Vec::new(), bodies(args)?);
    let metric = bodies.first().and_then(|(_, body)| {
        let asked = &body["evaluationConfig"]["automated"]["datasetMetricConfigs"][0];
        asked["metricNames"][0].as_str().map(str::to_owned)
    });
    for (label, body) in bodies {
        let answer = client.craton(Method::POST, "/evaluation-jobs", Some(&body)).await?;
        let job = answer["jobId"].as_str().context("the server's answer names no job")?.to_owned();
        tried.push(Tried { label, job, mean: None, higher_is_worse: false });
    }
    for tried in &mut tried {
        let report = ended(client, tried).await?;
        let metric = &report["results"][0]["card"]["metrics"][0];
        tried.mean = metric["mean"]["value"].as_f64();
        tried.higher_is_worse = metric["higherIsWorse"].as_bool().unwrap_or_default();
    }
    let best = best(&tried).context("no job has a score")?;
    let mut rows = Vec::new();
    for other in &tried {
        let (judgement, difference) = if other.job == tried[best].job {
            ("best mean".to_owned(), Value::Null)
        } else {
            let path = format!("{}/compare/{}", path_of(&tried[best].job), segment(&other.job));
            let compared = client.craton(Method::GET, &path, None).await?;
            let compared = &compared["metrics"][0];
            let judgement = match compared["judgement"].as_str().unwrap_or_default() {
                "the first is better" => "worse",
                "the second is better" => "better",
                told => told,
            };
            (judgement.to_owned(), compared["difference"].clone())
        };
        rows.push(Row { tried: other, judgement, difference });
    }
    show(&rows, &tried[best].label, metric.as_deref().unwrap_or_default(), format)
}

/// A setting beside the best one.
struct Row<'a> {
    tried: &'a Tried,
    judgement: String,
    /// The best one's mean less this one's on the same records, with its interval; null of the best.
    difference: Value,
}

/// The request of each setting. All are made before one is sent: what is wrong with the last leaves no job of the first.
fn bodies(args: &Sweep) -> Result<Vec<(String, Value)>> {
    if args.run.kind == Kind::Model || args.run.own.is_some() {
        bail!(
            "a sweep tries settings of a knowledge base, and none is asked here\n\
             hint: --kind rag or --kind retrieve, with --knowledge-base or --knowledge-bases"
        );
    }
    runs(args).into_iter().map(|(label, run)| Ok((label, body(&run)?))).collect()
}

/// A run for each setting, with what the setting is called.
fn runs(args: &Sweep) -> Vec<(String, Run)> {
    let bases = some_or(&args.knowledge_bases, args.run.knowledge_base.as_ref());
    let prompts = some_or(&args.prompts, args.run.prompt.as_ref());
    let mut runs = Vec::new();
    for (base_number, base) in (1..).zip(&bases) {
        for (prompt_number, prompt) in (1..).zip(&prompts) {
            for search in &args.searches {
                for results in &args.counts {
                    let mut label = format!("{search} {results}");
                    let mut name = format!("{}-{}-{results}", args.run.name, search.to_lowercase());
                    if let (Some(base), true) = (base, bases.len() > 1) {
                        label.push_str(&format!(" {base}"));
                        name.push_str(&format!("-base{base_number}"));
                    }
                    if let (Some(prompt), true) = (prompt, prompts.len() > 1) {
                        label.push_str(&format!(" {}", prompt.display()));
                        name.push_str(&format!("-prompt{prompt_number}"));
                    }
                    let (knowledge_base, prompt, search) = (base.clone(), prompt.clone(), search.clone());
                    let results = *results;
                    runs.push((label, Run { name, knowledge_base, prompt, search, results, ..args.run.clone() }));
                }
            }
        }
    }
    runs
}

/// Those that are to be tried, or else the only one that there is, or none.
fn some_or<T: Clone>(tried: &[T], only: Option<&T>) -> Vec<Option<T>> {
    if tried.is_empty() { vec![only.cloned()] } else { tried.iter().cloned().map(Some).collect() }
}

/// The report of a job once it has ended.
async fn ended(client: &Client, tried: &Tried) -> Result<Value> {
    let mut said = String::new();
    loop {
        let standing = standing(client, &tried.job).await?;
        if matches!(standing["status"].as_str(), Some("Completed" | "Failed" | "Stopped")) {
            return report(client, &tried.job).await;
        }
        let line = format!("{}: {}", tried.label, progress(&standing));
        if line != said {
            output::note(&line);
            said = line;
        }
        tokio::time::sleep(super::PAUSE).await;
    }
}

/// The setting with the best mean; of equals the first.
fn best(tried: &[Tried]) -> Option<usize> {
    let worth = |at: usize| tried[at].mean.map(|mean| if tried[at].higher_is_worse { -mean } else { mean });
    let better = |best: Option<usize>, at: usize| match (best.and_then(worth), worth(at)) {
        (None, Some(_)) => Some(at),
        (Some(known), Some(value)) if value > known => Some(at),
        _ => best,
    };
    (0..tried.len()).fold(None, better)
}

fn show(rows: &[Row<'_>], best: &str, metric: &str, format: Format) -> Result<()> {
    if format == Format::Json {
        let rows = rows.iter().map(|Row { tried, judgement, difference }| {
            json!({"setting": tried.label, "jobId": tried.job, "mean": tried.mean, "judgement": judgement,
                "difference": difference})
        });
        return output::json(&json!({"metricName": metric, "recommended": best, "settings": rows.collect::<Vec<_>>()}));
    }
    let rows = rows.iter().map(|Row { tried, judgement, difference }| {
        let mean = tried.mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.3}"));
        [tried.label.clone(), mean, less(difference), judgement.clone(), tried.job.clone()]
    });
    let head = ["SETTING", "MEAN", "LESS THAN THE BEST BY (95 %)", "AGAINST THE BEST", "JOB"];
    output::line(output::table(head, &rows.collect::<Vec<_>>()))?;
    output::line(format!(
        "{best} has the best mean of {metric}; what is not distinguishable from it may be chosen as well."
    ))
}

/// A paired difference with its interval.
fn less(difference: &Value) -> String {
    let figure = |name: &str| difference[name].as_f64();
    match (figure("value"), figure("low"), figure("high")) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        _ => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(mean: Option<f64>, higher_is_worse: bool) -> Tried {
        Tried { label: String::new(), job: String::new(), mean, higher_is_worse }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        sweep: Sweep,
    }

    fn sweep(more: &[&str]) -> Result<Sweep, clap::Error> {
        let usual = ["x", "depth", "--dataset", "s3://b/d", "--to", "s3://b/o/", "--role-arn", "r", "--metric", "m"];
        <Line as clap::Parser>::try_parse_from(usual.iter().chain(more)).map(|line| line.sweep)
    }

    fn settings(more: &[&str]) -> Vec<(String, String)> {
        runs(&sweep(more).unwrap()).into_iter().map(|(label, run)| (label, run.name)).collect()
    }

    #[test]
    fn no_job_starts_where_a_later_prompt_cannot_be_read() {
        let dir = tempfile::tempdir().unwrap();
        let [good, missing] = ["good.txt", "typo.txt"].map(|name| dir.path().join(name).display().to_string());
        std::fs::write(&good, "$search_results$").unwrap();
        let of = |prompts: &str| {
            let more = ["--kind", "rag", "--knowledge-base", "A", "--generator", "g", "--prompts", prompts];
            bodies(&sweep(&more).unwrap())
        };
        assert_eq!(of(&good).unwrap().len(), 6);
        let error = of(&format!("{good},{missing}")).unwrap_err().to_string();
        assert!(error.contains("typo.txt"), "{error}");
    }

    #[test]
    fn what_asks_no_knowledge_base_has_no_settings_to_try() {
        for more in [["--knowledge-bases", "A,B"], ["--prompts", "p.txt,q.txt"]] {
            let own = sweep(&[&["--kind", "rag", "--own", "x"][..], &more].concat());
            assert_eq!(own.unwrap_err().kind(), clap::error::ErrorKind::ArgumentConflict);
        }
        for more in [&["--generator", "g", "--knowledge-bases", "A,B"][..], &["--kind", "rag", "--own", "x"]] {
            let error = bodies(&sweep(more).unwrap()).unwrap_err().to_string();
            assert!(error.contains("hint: --kind rag"), "{error}");
        }
    }

    #[test]
    fn prices_are_read_and_what_is_none_is_refused() {
        let of = |price: &str| sweep(&["--price", price]).map(|sweep| sweep.run.prices[0].clone());
        let read = of("arn:aws:bedrock:x=0.8,4,0.1").unwrap();
        assert_eq!(
            (read.model.as_str(), read.input, read.output, read.cached),
            ("arn:aws:bedrock:x", 0.8, 4.0, Some(0.1))
        );
        assert_eq!(of("m=0.8,4").unwrap().cached, None);
        assert!(of("m=1").is_err() && of("m=a,b").is_err() && of("m").is_err() && of("m=1,2,3,4").is_err());
    }

    #[test]
    fn every_setting_has_a_label_and_a_job_of_its_own() {
        let of = |label: &str, name: &str| (label.to_owned(), name.to_owned());
        let one = settings(&["--counts", "3,10", "--searches", "HYBRID", "--knowledge-base", "A"]);
        assert_eq!(one, [of("HYBRID 3", "depth-hybrid-3"), of("HYBRID 10", "depth-hybrid-10")]);
        let more = ["--counts", "5", "--searches", "HYBRID", "--knowledge-bases", "A,B", "--prompts", "p.txt,q.txt"];
        let all = settings(&more);
        assert_eq!(all.len(), 4);
        assert_eq!(all[3], of("HYBRID 5 B q.txt", "depth-hybrid-5-base2-prompt2"));
    }

    #[test]
    fn a_difference_is_told_with_its_interval() {
        assert_eq!(less(&json!({"value": 0.1, "low": -0.05, "high": 0.25})), "0.100 [-0.050, 0.250]");
        assert_eq!(less(&Value::Null), "-");
    }

    #[test]
    fn the_best_mean_is_found_whichever_way_is_better() {
        assert_eq!(best(&[tried(None, false), tried(Some(0.2), false), tried(Some(0.7), false)]), Some(2));
        assert_eq!(best(&[tried(Some(0.2), true), tried(Some(0.7), true)]), Some(0));
        assert_eq!(best(&[tried(None, false)]), None);
    }
}
