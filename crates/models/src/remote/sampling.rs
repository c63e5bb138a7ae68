//! How tokens are drawn, in OpenAI's dialect and with the members that its servers add to it.

use base::{Error, Result};
use serde_json::{Map, Value};

use crate::invoke::request::Sampling;

/// Refuses what no server of OpenAI's dialect does under a name that all share.
///
/// # Errors
/// Not implemented, by the member's name.
pub(super) fn refuse(sampling: &Sampling) -> Result<()> {
    let refused = [
        ("no_repeat_ngram_size", sampling.no_repeat_ngram.is_some()),
        ("loop_detection", sampling.loop_detector.is_some()),
    ];
    match refused.iter().find(|(_, asked)| *asked) {
        Some((name, _)) => Err(Error::not_implemented(format!("Asking an upstream for `{name}` is not implemented."))
            .with_hint("Ask without it, or ask a local model.")),
        None => Ok(()),
    }
}

/// Sets in `body` what `sampling` asks for.
pub(super) fn write(body: &mut Value, sampling: &Sampling) {
    let Some(body) = body.as_object_mut() else { return };
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("temperature", sampling.temperature.map(Value::from));
    set("top_p", sampling.top_p.map(Value::from));
    set("top_k", sampling.top_k.map(Value::from));
    set("min_p", sampling.min_p.map(Value::from));
    set("seed", sampling.seed.map(Value::from));
    set("frequency_penalty", sampling.frequency_penalty.map(Value::from));
    set("presence_penalty", sampling.presence_penalty.map(Value::from));
    let biases: Map<String, Value> =
        sampling.logit_bias.iter().map(|(token, bias)| (token.to_string(), Value::from(*bias))).collect();
    set("logit_bias", (!biases.is_empty()).then_some(Value::Object(biases)));
}
