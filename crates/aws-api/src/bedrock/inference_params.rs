//! How the generator of an evaluation is asked: `inferenceParams`.

use base::{Error, Result};
use models::Sampling;
use orchestration::evaluations::plan::Parameters;
use serde_json::{Map, Value};

use crate::bedrock_runtime::additional_fields;

/// The member with what models take beyond Converse's own parameters.
const ADDITIONAL: &str = "additionalModelRequestFields";
/// Members of it that generators of evaluations are not asked with: they all answer deterministically, behind others.
const NOT_FOR_JOBS: [&str; 5] =
    ["deterministic", "loop_detection", "no_repeat_ngram_scope", "no_repeat_ngram_size", "priority"];
/// What parameters are wrapped in: by Converse and Amazon Nova, and by Titan Text.
const WRAPPERS: [&str; 2] = ["inferenceConfig", "textGenerationConfig"];
/// The names by which vendors call the parameters that `inferenceConfig` has by the first one.
const TEMPERATURE: &[&str] = &["temperature"];
const TOP_P: &[&str] = &["topP", "top_p", "p"];
const TOP_K: &[&str] = &["topK", "top_k", "k"];
const MAX_TOKENS: &[&str] =
    &["maxTokens", "max_tokens", "max_new_tokens", "maxTokenCount", "max_gen_len", "max_tokens_to_sample"];
const STOP: &[&str] = &["stopSequences", "stop_sequences", "stop"];
const SEED: &[&str] = &["seed", "random_seed"];
/// Where `additionalModelRequestFields` may name them, too.
const NOWHERE_BEYOND: &[&str] = &[];
const TOP_K_BEYOND: &[&str] = &["/top_k", "/topK", "/inferenceConfig/topK"];
const SEED_BEYOND: &[&str] = &["/seed"];

/// The parameters that a text of JSON names: `{"inferenceConfig": {"maxTokens", "temperature", "topP", "stopSequences"},
/// "additionalModelRequestFields": {…}}`, or those of `inferenceConfig` by themselves or in `textGenerationConfig`, as vendors call
/// them. Numbers may be written as texts.
///
/// # Errors
/// Invalid, where it is no JSON object, a member has no such value, or two name one parameter; NotImplemented, naming a member
/// that is not known.
pub(super) fn parameters(text: &str) -> Result<Parameters> {
    let invalid = || {
        Error::invalid("`inferenceParams` is no JSON object.")
            .with_hint(r#"It looks like `{"inferenceConfig":{"maxTokens":512,"temperature":0.7,"topP":0.9}}`."#)
    };
    let value: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let mut root = value.as_object().ok_or_else(invalid)?.clone();
    let additional = root.remove(ADDITIONAL).unwrap_or_default();
    let config = unwrapped(root)?;
    known(&config, &[TEMPERATURE, TOP_P, TOP_K, MAX_TOKENS, STOP, SEED])?;
    let only_there = [TOP_P, MAX_TOKENS, STOP].map(|names| (names, NOWHERE_BEYOND));
    for (names, paths) in only_there.into_iter().chain([(TOP_K, TOP_K_BEYOND), (SEED, SEED_BEYOND)]) {
        once((&config, names), (&additional, paths))?;
    }
    let more = beyond(&additional)?;
    Ok(Parameters {
        temperature: number(&config, TEMPERATURE, 1.0)?,
        top_p: number(&config, TOP_P, 1.0)?,
        max_tokens: count(&config, MAX_TOKENS, 1)?,
        stop: texts(&config, STOP)?,
        top_k: count(&config, TOP_K, 0)?.filter(|k| *k > 0).or(more.top_k),
        min_p: more.min_p,
        seed: whole(&config, SEED, (0, i64::MAX.unsigned_abs()))?.or(more.seed),
        frequency_penalty: more.frequency_penalty,
        presence_penalty: more.presence_penalty,
    })
}

/// The parameters themselves, which may be wrapped.
fn unwrapped(mut root: Map<String, Value>) -> Result<Map<String, Value>> {
    let found = WRAPPERS.map(|name| (name, root.remove(name).unwrap_or_default()));
    let mut found = found.into_iter().filter(|(_, value)| !value.is_null());
    match (found.next(), found.next()) {
        (None, _) => Ok(root),
        (Some((_, Value::Object(config))), None) => {
            known(&root, &[])?;
            Ok(config)
        }
        (Some((name, _)), None) => Err(wrong(name, "an object")),
        (Some((first, _)), Some((second, _))) => Err(named_twice(first, second)),
    }
}

/// Sees that a parameter has one name alone: one of the members of a configuration, or a path of the fields beyond it.
fn once((config, names): (&Map<String, Value>, &[&str]), (additional, paths): (&Value, &[&str])) -> Result<()> {
    let in_config = names.iter().filter(|name| config.get(**name).is_some_and(|value| !value.is_null()));
    let in_config = in_config.map(|name| (*name).to_owned());
    let beyond = paths.iter().filter(|path| additional.pointer(path).is_some_and(|value| !value.is_null()));
    let mut named = in_config.chain(beyond.map(|path| format!("{ADDITIONAL}{}", path.replace('/', "."))));
    match (named.next(), named.next()) {
        (Some(first), Some(second)) => Err(named_twice(&first, &second)),
        _ => Ok(()),
    }
}

fn named_twice(first: &str, second: &str) -> Error {
    Error::invalid(format!("`{first}` and `{second}` of `inferenceParams` mean the same."))
        .with_hint("Leave one of them out.")
}

/// What `additionalModelRequestFields` names.
fn beyond(fields: &Value) -> Result<Sampling> {
    if let Some(name) = NOT_FOR_JOBS.into_iter().find(|name| fields.get(name).is_some()) {
        return Err(unknown(&format!("{ADDITIONAL}.{name}")));
    }
    let mut sampling = Sampling::default();
    additional_fields(fields, &mut sampling)?;
    Ok(sampling)
}

fn known(fields: &Map<String, Value>, names: &[&[&str]]) -> Result<()> {
    match fields.keys().find(|key| !names.iter().any(|names| names.contains(&key.as_str()))) {
        Some(key) => Err(unknown(key)),
        None => Ok(()),
    }
}

fn unknown(name: &str) -> Error {
    Error::not_implemented(format!("`{name}` of `inferenceParams` is not implemented for evaluations.")).with_hint(
        format!(
            "`inferenceConfig` takes maxTokens, temperature, topP, topK, stopSequences and seed; see also `{ADDITIONAL}`."
        ),
    )
}

fn wrong(name: &str, what: &str) -> Error {
    Error::invalid(format!("`{name}` of `inferenceParams` is not {what}."))
}

/// The member of one of these names that is there and not `null`.
fn member<'a>(fields: &'a Map<String, Value>, names: &[&'static str]) -> Option<(&'static str, &'a Value)> {
    names.iter().find_map(|name| Some((*name, fields.get(*name).filter(|value| !value.is_null())?)))
}

fn number(fields: &Map<String, Value>, names: &[&'static str], most: f64) -> Result<Option<f32>> {
    let Some((name, value)) = member(fields, names) else { return Ok(None) };
    let number = value.as_f64().or_else(|| value.as_str()?.parse().ok()).filter(|number| (0.0..=most).contains(number));
    #[expect(clippy::cast_possible_truncation, reason = "sampling parameters are single precision")]
    let number = number.map(|number| number as f32);
    number.map(Some).ok_or_else(|| wrong(name, &format!("a number from 0 to {most}")))
}

fn count(fields: &Map<String, Value>, names: &[&'static str], least: u32) -> Result<Option<u32>> {
    let count = whole(fields, names, (least.into(), u32::MAX.into()))?;
    count.map(|count| u32::try_from(count).map_err(Error::internal)).transpose()
}

fn whole(fields: &Map<String, Value>, names: &[&'static str], (least, most): (u64, u64)) -> Result<Option<u64>> {
    let Some((name, value)) = member(fields, names) else { return Ok(None) };
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    let number = number.filter(|number| (least..=most).contains(number));
    number.map(Some).ok_or_else(|| wrong(name, &format!("a whole number from {least} to {most}")))
}

fn texts(fields: &Map<String, Value>, names: &[&'static str]) -> Result<Vec<String>> {
    let Some((name, value)) = member(fields, names) else { return Ok(Vec::new()) };
    let texts = value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    texts.ok_or_else(|| wrong(name, "a list of texts"))
}

#[cfg(test)]
#[path = "inference_params_tests.rs"]
mod tests;
