//! Quantization of pulled models, and what it cost.
//!
//! As all accounts share the models, only administrators of the deployment make new ones.

use base::Error;
use http::StatusCode;
use models::{Bound, Comparison, FileType, Kept, LabelTask, QuantizationReport, QuantizeRequest, Ratio, Share};
use serde_json::{Value, json};

use super::models::may_change;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Node, Wording};

/// Starts to make a model of another, in fewer bits.
pub(super) async fn quantize(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["to", "name", "bound", "tasks", "allowRequantize"])?;
    let request = QuantizeRequest {
        source: call.label(0).to_owned(),
        to: file_type(root.required("to")?.text()?)?,
        name: root.text("name")?.map(str::to_owned),
        bound: root.text("bound")?.unwrap_or_default().to_owned(),
        tasks: root.optional("tasks").map(|tasks| tasks.list()?.iter().map(task).collect()).transpose()?,
        requantize: root.boolean("allowRequantize")?.unwrap_or(false),
    };
    let job = call.api.models().quantize(&call.ctx, request).await?;
    Ok(respond(StatusCode::ACCEPTED, &json!({"job": super::jobs::describe(&job)})))
}

fn file_type(name: &str) -> base::Result<FileType> {
    FileType::from_name(name).ok_or_else(|| {
        let known: Vec<String> = FileType::ALL.iter().map(|known| known.name().to_lowercase()).collect();
        Error::invalid(format!("`{name}` is no type that models are quantized to."))
            .with_hint(format!("The types are {}.", known.join(", ")))
    })
}

fn task(node: &Node<'_>) -> base::Result<LabelTask> {
    let fields = node.fields()?;
    fields.only(&["text", "labels"])?;
    Ok(LabelTask { text: fields.required("text")?.text()?.to_owned(), labels: fields.required("labels")?.texts()? })
}

/// A report as JSON.
pub(super) fn describe(report: &QuantizationReport) -> Value {
    json!({
        "accepted": report.accepted(),
        "to": report.to,
        "jobId": report.job,
        "source": kept(&report.source),
        "made": kept(&report.made),
        "measured": comparison(&report.measured),
        "bound": bound(&report.bound),
        "broken": report.broken,
        "measuredAt": report.measured_at().to_iso8601(),
    })
}

fn kept(kept: &Kept) -> Value {
    json!({"name": kept.name, "sha256": kept.sha256, "format": kept.format, "weightsBytes": kept.weights_bytes})
}

/// What two models made of the same, as JSON.
pub(super) fn comparison(measured: &Comparison) -> Value {
    json!({
        "text": measured.text,
        "tokens": measured.tokens,
        "tasks": measured.tasks,
        "perplexityBefore": measured.perplexity_before,
        "perplexityAfter": measured.perplexity_after,
        "perplexityRatio": ratio(&measured.perplexity),
        "argmaxAgreement": share(&measured.argmax),
        "labelAgreement": share(&measured.labels),
    })
}

/// A bound as JSON: null where nothing is bound.
pub(super) fn bound(bound: &Bound) -> Value {
    let ratio = Some(bound.perplexity).filter(|ratio| *ratio < f64::MAX);
    json!({"labels": bound.labels, "argmax": bound.argmax, "perplexity": ratio})
}

/// A share with its interval, as JSON.
pub(super) fn share(share: &Share) -> Value {
    json!({"agreed": share.agreed, "of": share.of, "share": share.share, "low": share.low, "high": share.high})
}

fn ratio(ratio: &Ratio) -> Value {
    let high = Some(ratio.high).filter(|high| *high < f64::MAX);
    json!({"ratio": ratio.ratio, "low": ratio.low, "high": high})
}
