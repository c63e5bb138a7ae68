//! Which local model or upstream answers for a model id.

use base::{ErrorKind, Result, Secret};
use http::StatusCode;
use models::{Alias, Target};
use serde_json::{Value, json};

use super::no_content;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// The aliases of the caller's account, and the built-in ones.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let aliases = call.api.models().aliases(&call.ctx).await?;
    Ok(respond(StatusCode::OK, &json!({"items": aliases.iter().map(describe).collect::<Vec<Value>>()})))
}

/// Sets one.
pub(super) async fn put(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let target = decode(&Fields::root(&body, Wording::OpenAi)?)?;
    if matches!(target, Target::Remote { .. }) {
        may_connect(&call).await?;
    }
    let alias = call.api.models().set_alias(&call.ctx, call.label(0), target).await?;
    Ok(respond(StatusCode::OK, &describe(&alias)))
}

/// # Errors
/// Denied, unless the caller may make this server send requests to an address of its choice.
pub(super) async fn may_connect(call: &Call<Labels>) -> Result<()> {
    call.api.identity().require_management(&call.ctx).await.map_err(|error| match error.kind {
        ErrorKind::Denied => error.with_hint(
            "An upstream is reached from this server's own network. Ask an administrator of the deployment's first account to set it.",
        ),
        _ => error,
    })
}

/// Takes one back.
pub(super) async fn delete(call: Call<Labels>) -> Answer {
    call.api.models().remove_alias(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

fn decode(root: &Fields<'_>) -> Result<Target> {
    root.only(&["local", "upstream", "pool"])?;
    match (root.text("local")?, root.object("upstream")?, root.text("pool")?) {
        (Some(name), None, None) => Ok(Target::Local { name: name.to_owned() }),
        (None, None, Some(name)) => Ok(Target::Pool { name: name.to_owned() }),
        (None, Some(upstream), None) => {
            upstream.only(&["baseUrl", "model", "apiKey"])?;
            Ok(Target::Remote {
                base_url: upstream.required("baseUrl")?.text()?.to_owned(),
                model: upstream.required("model")?.text()?.to_owned(),
                api_key: upstream.text("apiKey")?.filter(|key| !key.is_empty()).map(|key| Secret::new(key.to_owned())),
            })
        }
        _ => Err(root.error("give one of `local`, `upstream` and `pool`")),
    }
}

/// An upstream's key is never told, only that there is one.
fn describe(alias: &Alias) -> Value {
    let (local, upstream, pool) = match &alias.target {
        Target::Local { name } => (Some(name.clone()), None, None),
        Target::Imported { model } => (Some(model.arn.to_string()), None, None),
        Target::Remote { base_url, model, .. } => {
            (None, Some(json!({"baseUrl": base_url, "model": model, "hasApiKey": alias.has_api_key})), None)
        }
        Target::Pool { name } => (None, None, Some(name)),
        // No alias names a profile.
        Target::Endpoint(_) | Target::Routed { .. } => (None, None, None),
    };
    json!({
        "modelId": alias.model_id,
        "local": local,
        "upstream": upstream,
        "pool": pool,
        "builtIn": alias.built_in,
        "updatedAt": alias.updated_at.map(base::Timestamp::to_iso8601),
    })
}
