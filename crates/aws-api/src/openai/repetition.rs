//! Members against repetition, which OpenAI's bodies and Converse's additional fields have in common:
//! `no_repeat_ngram_size`, `no_repeat_ngram_scope` and `loop_detection`.

use base::Result;
use models::{LoopDetector, NgramScope, NoRepeatNgram};
use serde_json::Value;

use crate::json_fields::Fields;

/// The rule against repeated n-grams; none where its size is 0.
pub(crate) fn no_repeat_ngram(root: &Fields<'_>) -> Result<Option<NoRepeatNgram>> {
    let scope = match root.optional("no_repeat_ngram_scope") {
        Some(scope) => match scope.one_of(&["prompt_and_output", "output"])? {
            "output" => NgramScope::Output,
            _ => NgramScope::PromptAndOutput,
        },
        None => NgramScope::default(),
    };
    let size = root.count("no_repeat_ngram_size", 0, NoRepeatNgram::LARGEST)?.filter(|size| *size > 0);
    Ok(size.map(|size| NoRepeatNgram { size, scope }))
}

/// When an answer counts as a loop; `true` and absent settings take the defaults.
pub(crate) fn loop_detector(root: &Fields<'_>) -> Result<Option<LoopDetector>> {
    let Some(node) = root.optional("loop_detection") else { return Ok(None) };
    let default = LoopDetector::default();
    match node.value {
        Value::Bool(wanted) => return Ok(wanted.then_some(default)),
        Value::Object(_) => {}
        _ => return Err(node.error("it must be true, false or an object of `repeats`, `max_period` and `min_tokens`")),
    }
    let settings = node.fields()?;
    settings.only(&["max_period", "min_tokens", "repeats"])?;
    Ok(Some(LoopDetector {
        repeats: settings.count("repeats", 2, 1_000)?.unwrap_or(default.repeats),
        max_period: settings.count("max_period", 1, 1_024)?.unwrap_or(default.max_period),
        min_tokens: settings.count("min_tokens", 1, 100_000)?.unwrap_or(default.min_tokens),
    }))
}
