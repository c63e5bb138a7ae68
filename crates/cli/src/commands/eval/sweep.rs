//! `craton eval sweep`: the same evaluation with several settings of the search, and the one to choose.

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::{body, path_of, progress, report, standing};
use crate::args::Format;
use crate::client::Client;
use crate::commands::segment;
use crate::eval_args::{Run, Sweep};
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
    let mut tried = Vec::new();
    for run in runs(args) {
        let answer = client.craton(Method::POST, "/evaluation-jobs", Some(&body(&run)?)).await?;
        let job = answer["jobId"].as_str().context("the server's answer names no job")?.to_owned();
        let label = format!("{} {}", run.search, run.results);
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
        let judgement = if other.job == tried[best].job {
            "best mean".to_owned()
        } else {
            let path = format!("{}/compare/{}", path_of(&tried[best].job), segment(&other.job));
            let compared = client.craton(Method::GET, &path, None).await?;
            match compared["metrics"][0]["judgement"].as_str().unwrap_or_default() {
                "the first is better" => "worse".to_owned(),
                "the second is better" => "better".to_owned(),
                told => told.to_owned(),
            }
        };
        rows.push((other, judgement));
    }
    show(&rows, &tried[best].label, &args.run.metrics[0], format)
}

/// A run for each setting.
fn runs(args: &Sweep) -> Vec<Run> {
    let of_search = |search: &String| {
        let named = |results: &u32| Run {
            name: format!("{}-{}-{results}", args.run.name, search.to_lowercase()),
            search: search.clone(),
            results: *results,
            ..args.run.clone()
        };
        args.counts.iter().map(named).collect::<Vec<_>>()
    };
    args.searches.iter().flat_map(of_search).collect()
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

fn show(rows: &[(&Tried, String)], best: &str, metric: &str, format: Format) -> Result<()> {
    if format == Format::Json {
        let rows = rows.iter().map(|(tried, judgement)| {
            json!({"setting": tried.label, "jobId": tried.job, "mean": tried.mean, "judgement": judgement})
        });
        return output::json(&json!({"metricName": metric, "recommended": best, "settings": rows.collect::<Vec<_>>()}));
    }
    let rows = rows.iter().map(|(tried, judgement)| {
        let mean = tried.mean.map_or_else(|| "-".to_owned(), |mean| format!("{mean:.3}"));
        [tried.label.clone(), mean, judgement.clone(), tried.job.clone()]
    });
    output::line(output::table(["SETTING", "MEAN", "AGAINST THE BEST", "JOB"], &rows.collect::<Vec<_>>()))?;
    output::line(format!(
        "{best} has the best mean of {metric}; what is not distinguishable from it may be chosen as well."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(mean: Option<f64>, higher_is_worse: bool) -> Tried {
        Tried { label: String::new(), job: String::new(), mean, higher_is_worse }
    }

    #[test]
    fn the_best_mean_is_found_whichever_way_is_better() {
        assert_eq!(best(&[tried(None, false), tried(Some(0.2), false), tried(Some(0.7), false)]), Some(2));
        assert_eq!(best(&[tried(Some(0.2), true), tried(Some(0.7), true)]), Some(0));
        assert_eq!(best(&[tried(None, false)]), None);
    }
}
