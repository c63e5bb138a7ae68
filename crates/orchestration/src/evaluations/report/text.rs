//! Reports for a terminal.

use std::fmt::Write as _;

use super::super::card::{Bar, CachedShare, MetricSummary, RepeatedSummary};
use super::super::prices::{MachineCost, ModelCost, money};
use super::{Calibrated, ComparedMetric, JobComparison, Report, Section};

/// A report card.
#[must_use]
pub fn report_text(report: &Report) -> String {
    let job = &report.job;
    let mut text = format!("{}  {}  {}\n", job.name, job.status.as_str(), report.kind);
    if let Some(description) = &job.description {
        text.push_str(&format!("{description}\n"));
    }
    if !job.tags.is_empty() {
        text.push_str(&format!("tags: {}\n", tags(&job.tags)));
    }
    for message in &job.messages {
        text.push_str(&format!("! {message}\n"));
    }
    if let (Some(total), Some(seconds)) = (job.total, report.seconds_left) {
        let done: u64 = report.progress.iter().map(|progress| progress.done).sum();
        text.push_str(&format!("{done} of {total} answers and scores, about {seconds} s left\n"));
    }
    if let Some(seconds) = report.seconds {
        text.push_str(&format!("took {seconds} s\n"));
    }
    if let Some(MachineCost { per_hour, seconds, cost }) = report.machine {
        text.push_str(&format!("the machine cost {}: {seconds:.0} s at {per_hour} an hour\n", money(cost)));
    }
    report.sections.iter().for_each(|section| of_section(&mut text, section));
    text
}

fn of_section(text: &mut String, section: &Section) {
    let card = &section.card;
    text.push_str(&format!("\n{} on {}: {} turns", section.system, section.dataset, card.turns));
    if card.unanswered > 0 {
        text.push_str(&format!(", {} of them unanswered", card.unanswered));
    }
    text.push('\n');
    if let Some(judge) = &section.judge {
        text.push_str(&format!("judge: {judge}\n"));
    }
    for warning in &card.warnings {
        text.push_str(&format!("! {warning}\n"));
    }
    let width = card.metrics.iter().map(|metric| metric.name.len()).max().unwrap_or(0);
    for metric in &card.metrics {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {:width$}  {}", metric.name, figures(metric));
        if let Some(trust) = section.trust(&metric.name) {
            let _ = writeln!(text, "  {:width$}  judge {trust}", "");
        }
        if let Some(Calibrated { mean, method, .. }) = section.calibrated(&metric.name) {
            let (figures, by) = (format!("{:.2} [{:.2}, {:.2}]", mean.value, mean.low, mean.high), method.as_str());
            let _ = writeln!(text, "  {:width$}  people would probably say {figures}, by the {by}", "");
        }
        if let Some(repeated) = &metric.repeated {
            let _ = writeln!(text, "  {:width$}  {}", "", varied(repeated));
        }
    }
    for CachedShare { group, share, bound } in &card.cached {
        let (share, bound) = (share * 100.0, bound * 100.0);
        text.push_str(&format!(
            "  {share:.0} % of the tokens of {group} came from the cache; the prompts on a record allow {bound:.0} %\n"
        ));
    }
    let (judge, generator) = (&card.judge, &card.generator);
    text.push_str(&format!(
        "  tokens: judge {} read, {} written; generator {} read, {} written",
        judge.input, judge.output, generator.input, generator.output
    ));
    if card.filter.input > 0 {
        text.push_str(&format!("; implicit filter {} read, {} written", card.filter.input, card.filter.output));
    }
    text.push('\n');
    for ModelCost { model, cost, .. } in &section.costs {
        text.push_str(&format!("  {model} cost {}\n", money(*cost)));
    }
    for model in &section.unpriced {
        text.push_str(&format!("  {model} has no price: its tokens are in no cost\n"));
    }
}

/// The tags of a job.
pub(super) fn tags(tags: &[(String, String)]) -> String {
    tags.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(", ")
}

/// How verdicts vary with the wording.
pub(super) fn varied(repeated: &RepeatedSummary) -> String {
    let mut varied = format!("asked {} times: the same label in {:.0} %", repeated.askings, repeated.agreeing * 100.0);
    if let Some(deviation) = repeated.deviation {
        varied.push_str(&format!(", expected scores within ±{deviation:.3}"));
    }
    if let Some(falling) = repeated.falling {
        let (value, low, high) = (falling.value, falling.low, falling.high);
        varied.push_str(&format!(", {value:+.3} [{low:+.3}, {high:+.3}] with the labels listed from the highest down"));
    }
    varied
}

/// How often each label of words was chosen.
pub(super) fn labels(labels: &[(String, usize)]) -> String {
    labels.iter().map(|(label, count)| format!("{label} {count}")).collect::<Vec<_>>().join(", ")
}

/// How many scores fall to each bar, as bars of one line; the first is that of the lowest scores.
fn histogram(bars: &[Bar]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let level = |bar: &Bar| if bar.count == 0 { '·' } else { LEVELS[(bar.count * LEVELS.len()).div_ceil(most) - 1] };
    bars.iter().map(level).collect()
}

fn figures(metric: &MetricSummary) -> String {
    let mut figures = match metric.mean {
        Some(mean) => format!("{:.2} [{:.2}, {:.2}]", mean.value, mean.low, mean.high),
        None => "-".to_owned(),
    };
    if let Some(expected) = metric.expected {
        figures.push_str(&format!("  expected {expected:.3}"));
    }
    if let Some(margin) = metric.margin {
        figures.push_str(&format!("  margin {margin:.2}"));
    }
    figures.push_str(&format!("  n={}", metric.scored));
    for (count, what) in [
        (metric.failed, "failed"),
        (metric.not_applicable, "not applicable"),
        (metric.truncated, "with passages left out"),
    ] {
        if count > 0 {
            figures.push_str(&format!(", {count} {what}"));
        }
    }
    if metric.is_higher_worse {
        figures.push_str("  (higher is worse)");
    }
    if metric.histogram.iter().any(|bar| bar.count > 0) {
        figures.push_str(&format!("  {}", histogram(&metric.histogram)));
    }
    if !metric.labels.is_empty() {
        figures.push_str(&format!("  {}", labels(&metric.labels)));
    }
    let worst: Vec<String> = metric.worst.iter().map(|(record, turn, _)| format!("{record}.{turn}")).collect();
    if !worst.is_empty() {
        figures.push_str(&format!("  worst: {}", worst.join(" ")));
    }
    figures
}

/// How two jobs differ.
#[must_use]
pub fn comparison_text(comparison: &JobComparison) -> String {
    let (first, second) = (&comparison.first.name, &comparison.second.name);
    let mut text = format!("{first} - {second}, on {} turns\n", comparison.turns);
    if comparison.is_judged_differently() {
        text.push_str("! the two have different judges: a difference may be theirs\n");
    }
    let width = comparison.metrics.iter().map(|metric| metric.scores.name.len()).max().unwrap_or(0);
    for ComparedMetric { scores: metric, trust, .. } in &comparison.metrics {
        let figures = match (metric.means, metric.paired) {
            (Some((first, second)), Some(paired)) => format!(
                "{first:.3} - {second:.3}: {:+.3} [{:+.3}, {:+.3}], p {:.3}, McNemar {:.3}, n={}",
                paired.difference.value,
                paired.difference.low,
                paired.difference.high,
                paired.p,
                metric.mcnemar.unwrap_or(1.0),
                metric.turns
            ),
            _ => "-".to_owned(),
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {:width$}  {figures}  {}", metric.name, metric.judgement.as_str());
        match trust {
            [Some(one), Some(other)] if one == other => drop(writeln!(text, "  {:width$}  judge {one}", "")),
            both => {
                for (name, told) in [first, second].into_iter().zip(both) {
                    let Some(told) = told else { continue };
                    let _ = writeln!(text, "  {:width$}  judge of {name} {told}", "");
                }
            }
        }
    }
    text
}
