//! How deep the compiler of a schema may descend, and the stack for it: it calls itself for each schema within a schema
//! and for each reference that it sees for the first time, and nothing but the stack's end stops it.

use std::collections::HashSet;
use std::thread;

use serde_json::Value;

use crate::{Error, Result};

/// The deepest descent that is tried.
const DEEPEST: usize = 8192;
/// Bytes of stack for one step of the descent: above what it takes in a build without optimisation.
const STACK_PER_STEP: usize = 64 << 10;
/// Bytes of stack for all else.
const STACK: usize = 1 << 20;

/// Runs `compile`, which descends into `schema`, on a stack that is big enough.
///
/// # Errors
/// Constraint, where the schema is too deep; Engine, where no thread can be had.
pub(super) fn with_room_for<T: Send>(schema: &Value, compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let depth = bound(schema);
    if depth > DEEPEST {
        return Err(Error::Constraint {
            reason: "the schema's definitions refer to one another too deeply".to_owned(),
        });
    }
    let failed = |reason: String| Error::Engine { reason: format!("a thread for a schema: {reason}") };
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("schema".to_owned()).stack_size(STACK + depth * STACK_PER_STEP);
        let thread = builder.spawn_scoped(scope, compile).map_err(|error| failed(error.to_string()))?;
        thread.join().unwrap_or_else(|_| Err(failed("it panicked".to_owned())))
    })
}

/// The most steps that a descent can have: it follows each reference once, and below each of them lies at most what lies
/// below the root.
fn bound(document: &Value) -> usize {
    let mut references = HashSet::new();
    let height = measure(document, &mut references);
    (height + 1) * (references.len() + 1)
}

/// The nesting of the document, whose references are added to `references`.
fn measure<'a>(document: &'a Value, references: &mut HashSet<&'a str>) -> usize {
    let below = match document {
        Value::Object(members) => {
            references.extend(members.get("$ref").and_then(Value::as_str));
            members.values().map(|value| measure(value, references)).max()
        }
        Value::Array(items) => items.iter().map(|value| measure(value, references)).max(),
        _ => return 0,
    };
    below.unwrap_or(0) + 1
}
