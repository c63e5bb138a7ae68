//! JumpStart's content: the files that its SDK reads in the hub's bucket, made from the hub's models.
//!
//! The manifest names every model and the key of its spec; a spec tells the SDK how the model is deployed. Weights are
//! named by keys of the same bucket, and no bytes lie there: they come from the library.

mod card;
mod images;
mod spec;

#[cfg(test)]
mod tests;

use bytes::Bytes;
use models::{HubModel, Models};
use serde_json::{Value, json};
use sha2::Digest as _;

pub(crate) use card::document;

/// The manifest of the models whose weights are open.
const MANIFEST: &str = "models_manifest.json";
/// The manifest of vendors' own models: there is none.
const PROPRIETARY: &str = "proprietary-sdk-manifest.json";
/// The oldest SDK that knows the specs' form.
const LEAST_SDK: &str = "2.189.0";

/// A file of the hub's bucket.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Bytes,
}

impl File {
    fn json(key: impl Into<String>, value: &Value) -> Self {
        let bytes = serde_json::to_vec(value).unwrap_or_default();
        Self { key: key.into(), content_type: "application/json", bytes: bytes.into() }
    }

    /// What tells this content from another: of the form of S3's ETags, without their quotes.
    pub(crate) fn etag(&self) -> String {
        let digest = sha2::Sha256::digest(&self.bytes);
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The files of the region's bucket, in the order of their keys.
pub(crate) fn files(models: &Models, region: &str) -> Vec<File> {
    let known = models.hub_models();
    let mut files: Vec<File> = known.iter().flat_map(|model| of_model(model, region)).collect();
    files.push(File::json(MANIFEST, &Value::Array(known.iter().map(header).collect())));
    files.push(File::json(PROPRIETARY, &json!([])));
    files.sort_by(|a, b| a.key.cmp(&b.key));
    files
}

/// The file of that key.
pub(crate) fn file(models: &Models, region: &str, key: &str) -> Option<File> {
    files(models, region).into_iter().find(|file| file.key == key)
}

fn of_model(model: &HubModel, region: &str) -> Vec<File> {
    let mut files = vec![File::json(spec_key(model), &spec::spec(model, region))];
    if model.eula {
        files.push(File {
            key: terms_key(model),
            content_type: "text/plain; charset=utf-8",
            bytes: terms(model).into(),
        });
    }
    files
}

/// A model's line in the manifest.
fn header(model: &HubModel) -> Value {
    json!({
        "model_id": model.id,
        "version": model.version,
        "min_version": LEAST_SDK,
        "spec_key": spec_key(model),
        "search_keywords": spec::keywords(model),
    })
}

fn spec_key(model: &HubModel) -> String {
    format!("community_models/{}/specs_v{}.json", model.id, model.version)
}

/// Where the terms stand that must be accepted.
pub(crate) fn terms_key(model: &HubModel) -> String {
    format!("fmhMetadata/terms/{}.txt", model.id)
}

/// The text of the file that names the terms: they are the publisher's, and stand where it published them.
fn terms(model: &HubModel) -> String {
    format!(
        "{} by {} is licensed under {}.\nRead the terms at {} before you accept them.\n",
        model.title, model.provider, model.licence.name, model.licence.url
    )
}
