//! The catalogue: cards, downloads, removal.
//!
//! All accounts share the files and the memory of models, and a source may name a file of the machine: only
//! administrators of the deployment change them.

use base::ErrorKind;
use http::StatusCode;
use models::{Acceptance, Card, CardSource, CardState, Figure, PullRequest, Search, TemplateReport};
use serde_json::{Value, json};

use super::no_content;
use super::quantizations;
use super::status::kind;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// The cards that are searched for; all, where nothing is said.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let text = |name: &str| call.query(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let fits = match text("fits").as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(other) => {
            let message = format!("`fits` is `true` or `false`, and not `{other}`.");
            return Err(base::Error::invalid(message).into());
        }
    };
    let search = Search {
        text: text("search"),
        task: text("task"),
        language: text("language"),
        provider: text("provider"),
        licence: text("licence"),
        fits,
        state: text("state"),
    };
    let cards = call.api.models().search(&call.ctx, &search).await?;
    Ok(respond(StatusCode::OK, &json!({"items": cards.iter().map(describe).collect::<Vec<Value>>()})))
}

/// One card.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let card = call.api.models().get(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&card)))
}

/// Starts a download.
pub(super) async fn pull(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["source", "acceptTerms", "allowTemplate"])?;
    let request = PullRequest {
        source: root.required("source")?.text()?.to_owned(),
        accept_terms: root.boolean("acceptTerms")?.unwrap_or(false),
        allow_template: root.boolean("allowTemplate")?.unwrap_or(false),
    };
    let job = call.api.models().pull(&call.ctx, request).await?;
    Ok(respond(StatusCode::ACCEPTED, &json!({"job": super::jobs::describe(&job)})))
}

/// Accepts a model's terms for the caller's account.
pub(super) async fn accept_terms(call: Call<Labels>) -> Answer {
    let acceptance = call.api.models().accept_terms(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &accepted(&acceptance)))
}

/// Looks at a pulled model's chat template now.
pub(super) async fn verify_template(call: Call<Labels>) -> Answer {
    let report = call.api.models().verify_template(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &template(&report)))
}

/// Removes a model's files.
pub(super) async fn remove(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    call.api.models().remove(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

/// Takes a model out of memory.
pub(super) async fn unload(call: Call<Labels>) -> Answer {
    may_change(&call).await?;
    call.api.models().unload(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

/// Forgets what a model read of the prompts of the caller's account.
pub(super) async fn forget(call: Call<Labels>) -> Answer {
    call.api.models().forget(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

/// Whether the caller may change what all accounts share.
pub(super) async fn may_change(call: &Call<Labels>) -> base::Result<()> {
    call.api.identity().require_management(&call.ctx).await.map_err(|error| match error.kind {
        ErrorKind::Denied => error.with_hint(
            "All accounts share the models. Ask an administrator of the deployment's first account to change them.",
        ),
        _ => error,
    })
}

/// Sizes that are not known are null.
fn describe(card: &Card) -> Value {
    let known = |n: u64| (n > 0).then_some(n);
    let (reason, job) = match &card.state {
        CardState::NotPulled | CardState::Ready => (None, None),
        CardState::Pulling { job } => (None, Some(job)),
        CardState::Broken { reason } => (Some(reason), None),
    };
    json!({
        "name": card.name,
        "title": card.title,
        "provider": card.provider,
        "kind": kind(card.kind),
        "licence": {
            "name": card.licence.name,
            "url": Some(&card.licence.url).filter(|url| !url.is_empty()),
            "mustAccept": card.licence.terms_must_be_accepted,
            "accepted": card.accepted.as_ref().map(accepted),
        },
        "parameters": known(card.parameters),
        "contextLength": known(u64::from(card.context_length)),
        "downloadBytes": known(card.download_bytes),
        "memoryBytes": known(card.memory_bytes),
        "sizesAreApproximate": card.sizes_are_approximate,
        "languages": card.languages,
        "description": card.description,
        "chats": card.chats,
        "sources": card.sources.iter().map(|source| source.label.as_str()).collect::<Vec<&str>>(),
        "origins": card.sources.iter().map(origin).collect::<Vec<Value>>(),
        "pulledFrom": card.pulled_from.as_ref().map(origin),
        "servesAwsIds": card.serves_aws_ids,
        "jumpstartId": card.jumpstart_id,
        "tasks": card.tasks,
        "format": card.format,
        "quality": card.quality.iter().map(figure).collect::<Vec<Value>>(),
        "fits": card.fits,
        "template": card.template.as_ref().map(template),
        "state": card.state.name(),
        "stateReason": reason,
        "jobId": job,
        "loaded": card.loaded,
        "sha256": card.sha256,
        "quantization": card.quantization.as_ref().map(quantizations::describe),
        "refusedQuantizations": card.refused_quantizations.iter().map(quantizations::describe).collect::<Vec<Value>>(),
    })
}

/// A published figure, and where it stands.
fn figure(figure: &Figure) -> Value {
    json!({
        "benchmark": figure.benchmark,
        "setting": figure.setting,
        "value": figure.value,
        "source": figure.source,
    })
}

/// Terms that were accepted.
fn accepted(acceptance: &Acceptance) -> Value {
    json!({
        "model": acceptance.model,
        "licence": acceptance.licence,
        "url": acceptance.url,
        "acceptedBy": acceptance.accepted_by,
        "acceptedAt": acceptance.accepted_at.to_iso8601(),
    })
}

/// What a look at a template found.
fn template(report: &TemplateReport) -> Value {
    json!({
        "verdict": report.verdict.name(),
        "family": report.family,
        "detail": report.detail,
        "allowedBy": report.allowed_by,
    })
}

/// A source, with those who stand behind it where they are known.
fn origin(source: &CardSource) -> Value {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({
        "source": source.label,
        "uploader": known(&source.uploader),
        "publisher": known(&source.publisher),
    })
}
