//! Reports as JSON.

use serde_json::{Value, json};

use super::super::card::MetricSummary;
use super::super::outcome::{Score, Tokens};
use super::super::output::{objection, repeated, unsupported};
use super::super::passport::{Figure, Method, Passport, Tried};
use super::{ComparedMetric, JobComparison, Report, ReportRow, Section, Side};

/// A report.
#[must_use]
pub fn report_json(report: &Report) -> Value {
    let job = &report.job;
    json!({
        "jobArn": job.arn.to_string(),
        "jobName": job.name,
        "description": job.description,
        "tags": job.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect::<Vec<_>>(),
        "status": job.status.as_str(),
        "messages": job.messages,
        "kind": report.kind,
        "created": job.created.to_iso8601(),
        "ended": job.ended.map(|ended| ended.to_iso8601()),
        "total": job.total,
        "secondsLeft": report.seconds_left,
        "seconds": report.seconds,
        "machineCost": report.machine.map(|machine| json!({
            "pricePerHour": machine.per_hour, "seconds": machine.seconds, "cost": machine.cost,
        })),
        "askings": job.asked.askings,
        "embeddingModelId": job.asked.embedder,
        "progress": report.progress.iter().map(|progress| json!({
            "dataset": progress.dataset,
            "metricName": progress.metric,
            "done": progress.done,
        })).collect::<Vec<_>>(),
        "results": report.sections.iter().map(|section| json!({
            "dataset": section.dataset,
            "system": section.system,
            "judge": section.judge,
            "costs": section.costs.iter().map(|cost| json!({
                "modelId": cost.model, "tokens": tokens(&cost.tokens), "cost": cost.cost,
            })).collect::<Vec<_>>(),
            "unpriced": section.unpriced,
            "card": card(section),
        })).collect::<Vec<_>>(),
    })
}

fn card(section: &Section) -> Value {
    let card = &section.card;
    json!({
        "turns": card.turns,
        "unanswered": card.unanswered,
        "metrics": card.metrics.iter().map(|metric| summary(metric, section)).collect::<Vec<_>>(),
        "tokens": {
            "generator": tokens(&card.generator), "filter": tokens(&card.filter), "judge": tokens(&card.judge),
        },
        "cachedShare": card.cached.iter().map(|cached| json!({
            "reads": cached.group, "share": cached.share, "bound": cached.bound,
        })).collect::<Vec<_>>(),
        "warnings": card.warnings,
    })
}

fn summary(summary: &MetricSummary, section: &Section) -> Value {
    json!({
        "metricName": summary.name,
        "higherIsWorse": summary.is_higher_worse,
        "calibration": section.trust(&summary.name),
        "mean": summary.mean.map(|mean| json!({"value": mean.value, "low": mean.low, "high": mean.high})),
        "expected": summary.expected,
        "margin": summary.margin,
        "scored": summary.scored,
        "notApplicable": summary.not_applicable,
        "failed": summary.failed,
        "passagesLeftOut": summary.truncated,
        "histogram": summary.histogram.iter().map(|bar| json!({"from": bar.from, "to": bar.to, "count": bar.count})).collect::<Vec<_>>(),
        "labels": summary.labels.iter().map(|(label, count)| json!({"label": label, "count": count})).collect::<Vec<_>>(),
        "worst": summary.worst.iter().map(|(record, turn, result)| json!({"record": record, "turn": turn, "result": result})).collect::<Vec<_>>(),
        "calibrated": section.calibrated(&summary.name).map(|calibrated| json!({
            "value": calibrated.mean.value, "low": calibrated.mean.low, "high": calibrated.mean.high,
            "method": calibrated.method.as_str(),
        })),
        "repeated": summary.repeated.map(|repeated| json!({
            "askings": repeated.askings,
            "agreeing": repeated.agreeing,
            "deviation": repeated.deviation,
            "listedFalling": repeated.falling.map(|f| json!({"value": f.value, "low": f.low, "high": f.high})),
        })),
        "tokens": tokens(&summary.tokens),
    })
}

/// Tokens of a model.
pub(in super::super) fn tokens(tokens: &Tokens) -> Value {
    json!({"input": tokens.input, "cached": tokens.cached, "shared": tokens.shared, "output": tokens.output})
}

/// Turns, for whoever looks closer.
#[must_use]
pub fn rows_json(rows: &[ReportRow]) -> Value {
    let row = |row: &ReportRow| {
        let output = row.outcome.output.as_ref();
        json!({
            "dataset": row.dataset,
            "system": row.system,
            "record": row.record,
            "turn": row.turn,
            "conversationInput": row.shown.prompt,
            "generationOutput": output.and_then(|output| output.text.as_ref()),
            "retrievedSources": output.map_or(0, |output| output.passages.len()),
            "passages": output.iter().flat_map(|output| &output.passages).map(|passage| json!({
                "name": passage.name, "text": passage.text,
            })).collect::<Vec<_>>(),
            "groundTruth": row.shown.references,
            "error": row.outcome.error,
            "unsupported": row.outcome.unsupported.iter().map(unsupported).collect::<Vec<_>>(),
            "scores": row.outcome.scores.iter().map(score).collect::<Vec<_>>(),
        })
    };
    json!({"rows": rows.iter().map(row).collect::<Vec<_>>()})
}

fn score(score: &Score) -> Value {
    json!({
        "metricName": score.metric,
        "result": score.result,
        "label": score.label,
        "expected": score.expected,
        "margin": score.margin,
        "explanation": score.explanation,
        "objections": score.objections.iter().map(objection).collect::<Vec<_>>(),
        "passagesLeftOut": score.left_out,
        "repeated": score.repeated.as_ref().map(repeated),
        "error": score.error,
    })
}

/// How two jobs differ.
#[must_use]
pub fn comparison_json(comparison: &JobComparison) -> Value {
    let side = |side: &Side| json!({"dataset": side.dataset, "system": side.system});
    let metric = |ComparedMetric { scores, judges, trust, is_judged_differently }: &ComparedMetric| {
        json!({
            "metricName": scores.name,
            "turns": scores.turns,
            "means": scores.means.map(|(first, second)| [first, second]),
            "difference": scores.paired.map(|paired| json!({
                "value": paired.difference.value, "low": paired.difference.low, "high": paired.difference.high, "p": paired.p,
            })),
            "mcnemar": scores.mcnemar,
            "judgement": scores.judgement.as_str(),
            "judges": judges,
            "judgedDifferently": is_judged_differently,
            "calibrations": trust,
        })
    };
    json!({
        "first": comparison.first.name,
        "second": comparison.second.name,
        "sides": [side(&comparison.first), side(&comparison.second)],
        "turns": comparison.turns,
        "judgedDifferently": comparison.is_judged_differently(),
        "metrics": comparison.metrics.iter().map(metric).collect::<Vec<_>>(),
    })
}

fn tried(tried: &Tried) -> Value {
    let told = |f: Figure| json!({"value": f.value, "low": f.low, "high": f.high});
    json!({
        "method": tried.method.as_str(),
        "balancedAccuracy": told(tried.accuracy),
        "gain": told(tried.gain),
    })
}

/// What is known of a judge.
#[must_use]
pub fn passport_json(passport: &Passport) -> Value {
    let told = |figure: Option<Figure>| figure.map(|f| json!({"value": f.value, "low": f.low, "high": f.high}));
    json!({
        "metricName": passport.metric,
        "rubric": passport.rubric,
        "labels": passport.labels,
        "items": passport.items,
        "kappa": told(passport.kappa),
        "quadraticKappa": told(passport.quadratic_kappa),
        "spearman": told(passport.spearman),
        "kendall": told(passport.kendall),
        "balancedAccuracy": told(passport.balanced_accuracy),
        "baseline": passport.baseline,
        "bias": told(passport.bias),
        "verbosity": told(passport.verbosity),
        "calibrated": told(passport.calibrated),
        "position": told(passport.position),
        "methods": passport.methods.iter().map(tried).collect::<Vec<_>>(),
        "recommended": passport.recommended.as_ref().map(Method::as_str),
        "mapping": passport.mapping,
        "recommendedBeatsBaseline": passport.is_telling(),
        "outdated": passport.is_outdated(),
        "usable": passport.is_usable,
        "summary": passport.line(),
    })
}
