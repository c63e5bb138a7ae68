//! A report as one page that needs nothing else, to be read in light and dark, and printed.

use super::super::card::{Bar, MetricSummary};
use super::super::prices::{MachineCost, ModelCost, money};
use super::text::{labels, tags, varied};
use super::{Report, ReportRow, Section};

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#16191f;--paper:#fff;--soft:#eaeded;--bar:#0972d3;--bad:#d91515}
@media(prefers-color-scheme:dark){:root{--ink:#d1d5db;--paper:#0f1b2a;--soft:#22303f;--bar:#539fe5;--bad:#eb6f6f}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:70rem;margin:2rem auto;padding:0 1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--soft);vertical-align:top}
.n{text-align:right;font-variant-numeric:tabular-nums}.bars{display:flex;align-items:flex-end;gap:2px;height:3rem}
.bars i{display:block;width:1.1rem;background:var(--bar)}.w{border-left:4px solid var(--bad);padding-left:.6rem}
mark{background:none;color:var(--bad);text-decoration:underline}details{margin:.3rem 0}pre{white-space:pre-wrap;font:inherit}
@media print{details::details-content{content-visibility:visible;display:block}body{margin:0}tr{break-inside:avoid}}";

/// The page: the cards, then the turns that are given, which are those with the lowest score of a metric where one is named.
#[must_use]
pub fn html(report: &Report, rows: &[ReportRow], lowest: Option<&str>) -> String {
    let job = &report.job;
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{name}</title><style>{STYLE}</style></head><body><h1>{name}</h1><p>{} evaluation, {}, {}</p>",
        report.kind,
        job.status.as_str(),
        job.created.to_iso8601(),
        name = escaped(&job.name),
    );
    if let Some(description) = &job.description {
        page.push_str(&format!("<p>{}</p>", escaped(description)));
    }
    if !job.tags.is_empty() {
        page.push_str(&format!("<p>Tags: {}</p>", escaped(&tags(&job.tags))));
    }
    for message in &job.messages {
        page.push_str(&format!("<p class=\"w\">{}</p>", escaped(message)));
    }
    if let Some(MachineCost { per_hour, seconds, cost }) = report.machine {
        page.push_str(&format!("<p>The machine cost {}: {seconds:.0} s at {per_hour} an hour.</p>", money(cost)));
    }
    report.sections.iter().for_each(|section| of_section(&mut page, section));
    if !rows.is_empty() {
        let turns: usize = report.sections.iter().map(|section| section.card.turns).sum();
        let order = lowest.map_or_else(
            || "in the order of the dataset".to_owned(),
            |metric| format!("those with the worst {} first", escaped(metric)),
        );
        page.push_str(&format!("<h2>Records</h2><p>{} of {turns}, {order}.</p>", rows.len()));
        page.push_str(
            "<table><thead><tr><th>Conversation input</th><th>Generation output</th>\
             <th class=\"n\">Retrieved sources</th><th>Ground truth</th><th>Scores</th></tr></thead><tbody>",
        );
        rows.iter().for_each(|row| of_row(&mut page, row));
        page.push_str("</tbody></table>");
    }
    page.push_str("</body></html>\n");
    page
}

fn of_section(page: &mut String, section: &Section) {
    let card = &section.card;
    page.push_str(&format!("<h2>{} on {}</h2>", escaped(&section.system), escaped(&section.dataset)));
    page.push_str(&format!("<p>{} turns, {} unanswered.", card.turns, card.unanswered));
    if let Some(judge) = &section.judge {
        page.push_str(&format!(" Judge: {}.", escaped(judge)));
    }
    page.push_str("</p>");
    for warning in &card.warnings {
        page.push_str(&format!("<p class=\"w\">{}</p>", escaped(warning)));
    }
    page.push_str(
        "<table><thead><tr><th>Metric</th><th class=\"n\">Mean</th><th class=\"n\">95 % interval</th><th class=\"n\">Expected</th>\
         <th class=\"n\">Scored</th><th class=\"n\">Failed</th><th>Scores</th><th>Worst</th></tr></thead><tbody>",
    );
    card.metrics.iter().for_each(|metric| of_metric(page, metric, section));
    page.push_str("</tbody></table>");
    for ModelCost { model, cost, .. } in &section.costs {
        page.push_str(&format!("<p>{} cost {}.</p>", escaped(model), money(*cost)));
    }
    for model in &section.unpriced {
        page.push_str(&format!("<p>{} has no price: its tokens are in no cost.</p>", escaped(model)));
    }
    for cached in &card.cached {
        page.push_str(&format!(
            "<p>{:.0} % of the tokens of {} came from the cache; the prompts on a record allow {:.0} %.</p>",
            cached.share * 100.0,
            escaped(&cached.group),
            cached.bound * 100.0
        ));
    }
}

fn of_metric(page: &mut String, metric: &MetricSummary, section: &Section) {
    let trust = section
        .trust(&metric.name)
        .map_or_else(String::new, |trust| format!("<br><small>Judge {}</small>", escaped(&trust)));
    let calibrated = section.calibrated(&metric.name).map_or_else(String::new, |calibrated| {
        let (mean, by) = (calibrated.mean, calibrated.method.as_str());
        let (value, low, high) = (mean.value, mean.low, mean.high);
        format!("<br><small>People would probably say {value:.2} ({low:.2} to {high:.2}), by the {by}</small>")
    });
    let number = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.2}"));
    let interval = metric.mean.map_or_else(|| "-".to_owned(), |mean| format!("{:.2} to {:.2}", mean.low, mean.high));
    let worse = if metric.is_higher_worse { " (higher is worse)" } else { "" };
    let worst: Vec<String> = metric.worst.iter().map(|(record, turn, _)| format!("{record}.{turn}")).collect();
    let more: String = notes(metric).iter().map(|note| format!("<br><small>{}</small>", escaped(note))).collect();
    page.push_str(&format!(
        "<tr><td>{}{worse}{trust}{calibrated}{more}</td><td class=\"n\">{}</td><td class=\"n\">{interval}</td><td class=\"n\">{}</td>\
         <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td></tr>",
        escaped(&metric.name),
        number(metric.mean.map(|mean| mean.value)),
        number(metric.expected),
        metric.scored,
        metric.failed,
        bars(&metric.histogram),
        worst.join(", "),
    ));
}

/// What else is known of a metric's scores.
fn notes(metric: &MetricSummary) -> Vec<String> {
    let mut notes = Vec::new();
    for (count, what) in
        [(metric.not_applicable, "to which it does not apply"), (metric.truncated, "with passages left out")]
    {
        if count > 0 {
            notes.push(format!("{count} {what}"));
        }
    }
    notes.extend(metric.margin.map(|margin| format!("Margin {margin:.2}")));
    if !metric.labels.is_empty() {
        notes.push(labels(&metric.labels));
    }
    notes.extend(metric.repeated.as_ref().map(varied));
    notes
}

/// A histogram, with its figures for whoever does not see it.
fn bars(bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    let told: Vec<String> = bars.iter().map(|bar| format!("{}: {}", range(bar), bar.count)).collect();
    let drawn: String = bars
        .iter()
        .map(|bar| {
            let height = 100 * bar.count / most;
            format!("<i style=\"height:{height}%\" title=\"{}: {}\"></i>", range(bar), bar.count)
        })
        .collect();
    format!("<div class=\"bars\" role=\"img\" aria-label=\"{}\">{drawn}</div>", told.join(", "))
}

fn range(bar: &Bar) -> String {
    if bar.from == bar.to { format!("{:.2}", bar.from) } else { format!("{:.1} to {:.1}", bar.from, bar.to) }
}

fn of_row(page: &mut String, row: &ReportRow) {
    let output = row.outcome.output.as_ref();
    let answer = match output.and_then(|output| output.text.as_deref()) {
        Some(text) => marked(text, row),
        None => escaped(row.outcome.error.as_deref().unwrap_or("-")),
    };
    let passages: String = output
        .iter()
        .flat_map(|output| &output.passages)
        .map(|passage| format!("<pre>{}</pre>", escaped(&passage.text)))
        .collect();
    let sources = output.map_or(0, |output| output.passages.len());
    let sources = if sources == 0 {
        "0".to_owned()
    } else {
        format!("<details><summary>{sources}</summary>{passages}</details>")
    };
    let scores: String = row
        .outcome
        .scores
        .iter()
        .map(|score| {
            let result = score.result.map_or_else(|| "-".to_owned(), |result| format!("{result:.2}"));
            let why = score.error.as_deref().unwrap_or(&score.explanation);
            format!("<details><summary>{} {result}</summary>{}</details>", escaped(&score.metric), escaped(why))
        })
        .collect();
    page.push_str(&format!(
        "<tr><td><pre>{}</pre></td><td><pre>{answer}</pre></td><td class=\"n\">{sources}</td><td><pre>{}</pre></td><td>{scores}</td></tr>",
        escaped(&row.shown.prompt),
        escaped(&row.shown.references.join("\n")),
    ));
}

/// The answer, with what nothing supports marked.
fn marked(text: &str, row: &ReportRow) -> String {
    let chars: Vec<char> = text.chars().collect();
    let (mut marked, mut at) = (String::new(), 0);
    let part =
        |from: usize, to: usize| escaped(&chars[from.min(chars.len())..to.min(chars.len())].iter().collect::<String>());
    // A claim within a sentence that is unsupported as a whole is marked with it.
    for span in &row.outcome.unsupported {
        if span.end <= at {
            continue;
        }
        marked.push_str(&part(at, span.start.max(at)));
        marked.push_str(&format!("<mark>{}</mark>", part(span.start.max(at), span.end.max(at))));
        at = span.end.max(at);
    }
    marked.push_str(&part(at, chars.len()));
    marked
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
