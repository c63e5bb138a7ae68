//! How deep the compiler of a constraint may descend, and the stack for it: it calls itself for each schema within a schema
//! and for each reference that it sees for the first time, for each definition of a grammar and each group in it, and
//! nothing but the stack's end stops it.

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

/// The most definitions and groups of a grammar, and so the deepest descent into it. What is made of it is followed on
/// ordinary stacks later.
const MOST_DEFINITIONS: usize = 4096;
/// The deepest descent into a regular expression, whose parser admits no more.
const DEEPEST_REGEX: usize = 256;
/// Bytes of a grammar or a regular expression.
const LONGEST: usize = 64 << 10;
/// Backslashes in it: each may begin a class of characters that takes some 16 KiB while it is compiled.
const MOST_ESCAPES: usize = 8192;
/// What the compiler would read in another language, or by a descent of its own.
const NESTING: [&str; 4] = ["%json", "%lark", "%llguidance", "%if"];

/// Runs `compile`, which descends into `schema`, on a stack that is big enough.
///
/// # Errors
/// Constraint, where the schema is too deep; Engine, where no thread can be had.
pub(super) fn with_room_for<T: Send>(schema: &Value, compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let depth = bound(schema);
    if depth > DEEPEST {
        return Err(refused("the schema's definitions refer to one another too deeply"));
    }
    descend(depth, compile)
}

/// Runs `compile`, which descends into `grammar`, on a stack that is big enough.
///
/// # Errors
/// Constraint, where the grammar is long, has many definitions, or holds what is not bounded by them; Engine, where no
/// thread can be had.
pub(super) fn with_room_for_grammar<T: Send>(grammar: &str, compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    check_size("grammar", grammar)?;
    if let Some(directive) = NESTING.iter().find(|directive| grammar.contains(**directive)) {
        return Err(refused(format!("`{directive}` is not admitted in a grammar")));
    }
    // Each definition is entered once, and each has a colon. What of these stands in texts counts for nothing, but
    // cannot be told apart without reading the grammar.
    let depth = grammar.bytes().filter(|byte| b":([{~".contains(byte)).count();
    if depth > MOST_DEFINITIONS {
        return Err(refused(format!("the grammar has more than {MOST_DEFINITIONS} definitions and groups")));
    }
    descend(depth, compile)
}

/// Runs `compile`, which descends into the regular expression, on a stack that is big enough.
///
/// # Errors
/// Constraint, where it is long; Engine, where no thread can be had.
pub(super) fn with_room_for_regex<T: Send>(regex: &str, compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    check_size("regular expression", regex)?;
    descend(DEEPEST_REGEX, compile)
}

fn check_size(what: &str, text: &str) -> Result<()> {
    let length = text.len();
    if length > LONGEST {
        return Err(refused(format!("the {what} has {length} bytes, and at most {LONGEST} are read")));
    }
    if text.bytes().filter(|byte| *byte == b'\\').count() > MOST_ESCAPES {
        return Err(refused(format!("the {what} has more than {MOST_ESCAPES} backslashes")));
    }
    Ok(())
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Constraint { reason: reason.into() }
}

/// Runs `compile` on a stack for so many steps.
fn descend<T: Send>(depth: usize, compile: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let failed = |reason: String| Error::Engine { reason: format!("a thread for a constraint: {reason}") };
    thread::scope(|scope| {
        let builder = thread::Builder::new().name("constraint".to_owned()).stack_size(STACK + depth * STACK_PER_STEP);
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
