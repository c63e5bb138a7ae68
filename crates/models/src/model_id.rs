//! Reading the model ids that clients send: ids, inference profiles, ARNs of either, Craton's own names.

use base::{Arn, Error, Result};
use identity::Ctx;

use crate::profiles::system;

#[cfg(test)]
#[path = "model_id_tests.rs"]
mod tests;

/// The longest id that AWS takes for `modelId`.
const MAX_LENGTH: usize = 2048;

/// What a client's model id names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelId {
    /// The id without an ARN around it; an inference profile's id keeps its prefix.
    pub(crate) id: String,
    /// The id without an inference profile's prefix.
    pub(crate) model: String,
    /// Whether it is the ARN of an imported model.
    pub(crate) imported: bool,
    /// Whether it is the ARN of an application inference profile, whose id `id` is then.
    pub(crate) application: bool,
    /// Whether it is the ARN of an endpoint.
    pub(crate) endpoint: bool,
}

impl ModelId {
    fn named(id: &str, model: &str) -> Self {
        Self { id: id.to_owned(), model: model.to_owned(), imported: false, application: false, endpoint: false }
    }
}

/// Reads a model id, for a caller of `ctx`'s account and region.
///
/// Spaces around an id are refused as AWS refuses them; the hint names the id without them.
///
/// # Errors
/// Invalid, where it can name no model; NotImplemented, for ARNs of other resources.
pub(crate) fn parse(ctx: &Ctx, text: &str) -> Result<ModelId> {
    parse_for(ctx.account().as_str(), ctx.region().as_str(), text)
}

/// The error for an id that names no model, in AWS's words.
pub(crate) fn invalid() -> Error {
    Error::invalid("The provided model identifier is invalid.")
}

/// As [`parse`], for a caller of this account and region.
///
/// # Errors
/// As [`parse`].
pub(crate) fn parse_for(account: &str, region: &str, text: &str) -> Result<ModelId> {
    let trimmed = text.trim();
    if trimmed != text && !trimmed.is_empty() {
        return Err(invalid().with_hint(format!("Remove the spaces around it: `{trimmed}`.")));
    }
    if text.is_empty() || text.len() > MAX_LENGTH || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(invalid().with_hint("`craton models list` shows the names."));
    }
    if text.starts_with("arn:") {
        return from_arn(account, region, text);
    }
    Ok(ModelId::named(text, without_profile_prefix(text)))
}

fn from_arn(account: &str, region: &str, text: &str) -> Result<ModelId> {
    let arn: Arn = text.parse().map_err(|_| invalid())?;
    let is_endpoint = arn.service == "sagemaker" && arn.resource_type() == Some("endpoint");
    if arn.service != "bedrock" && !is_endpoint {
        return Err(invalid().with_hint(format!("`{text}` is not an ARN of Bedrock.")));
    }
    if arn.region != region {
        return Err(invalid().with_hint(format!("`{text}` is in another region than the request, `{region}`.")));
    }
    if !arn.account.is_empty() && arn.account != account {
        return Err(invalid().with_hint(format!("`{text}` belongs to another account.")));
    }
    if is_endpoint {
        return Ok(ModelId { endpoint: true, ..ModelId::named(text, text) });
    }
    let id = arn.resource_id();
    match arn.resource_type() {
        Some("foundation-model") => Ok(ModelId::named(id, id)),
        Some("inference-profile") => Ok(ModelId::named(id, without_profile_prefix(id))),
        Some("imported-model") if !arn.account.is_empty() => {
            Ok(ModelId { imported: true, ..ModelId::named(text, text) })
        }
        Some("application-inference-profile") if !arn.account.is_empty() => {
            Ok(ModelId { application: true, ..ModelId::named(id, id) })
        }
        Some(
            kind @ ("provisioned-model"
            | "custom-model"
            | "custom-model-deployment"
            | "prompt"
            | "prompt-router"
            | "default-prompt-router"
            | "marketplace/model-endpoint"),
        ) => Err(Error::not_implemented(format!("Invoking a `{kind}` is not implemented."))
            .with_hint("Name a foundation model, an inference profile or an imported model.")),
        _ => Err(invalid()),
    }
}

fn without_profile_prefix(id: &str) -> &str {
    system::split(id).map_or(id, |(_, model)| model)
}
