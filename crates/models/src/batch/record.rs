//! A line of an input file, and a line of an output file.

use base::{Error, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::lines::Line;

/// Letters of the ids that are made for records without one.
const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// How long these are.
const LENGTH: usize = 11;

/// What a line is read as.
#[derive(Debug)]
pub(super) struct Record {
    /// The record's id, its own or one made for it.
    pub(super) id: String,
    /// Whether the id is its own.
    pub(super) named: bool,
    /// The record's `modelInput`; null where the line has none.
    pub(super) input: Value,
    /// Why it can never be answered.
    pub(super) broken: Option<Error>,
}

/// Reads the line `number` of the file `file` of a job, both counted from 0. Every line is a record, broken or not.
pub(super) fn read(job: &str, (file, number): (u32, u32), line: &Line) -> Record {
    let made = || made_id(job, file, number);
    let broken = |id: Option<String>, input: Value, message: String| {
        let message = format!("Line {}: {message}", number + 1);
        Record { named: id.is_some(), id: id.unwrap_or_else(made), input, broken: Some(Error::invalid(message)) }
    };
    let bytes = match line {
        Line::Whole(bytes) => bytes,
        Line::TooLong { limit } => {
            return broken(None, Value::Null, format!("the record is longer than {limit} bytes."));
        }
    };
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.trim(),
        Err(_) => return broken(None, Value::Null, "the record is not UTF-8.".to_owned()),
    };
    if text.is_empty() {
        return broken(None, Value::Null, "the line is empty.".to_owned());
    }
    let mut members = match serde_json::from_str(text) {
        Ok(Value::Object(members)) => members,
        Ok(_) => return broken(None, Value::Null, "the record is not a JSON object.".to_owned()),
        Err(error) => return broken(None, Value::Null, format!("the record is not JSON: {error}.")),
    };
    let input = members.remove("modelInput");
    let id = match members.remove("recordId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if !id.is_empty() => Some(id),
        Some(_) => {
            let message = "`recordId` must be a string that is not empty.".to_owned();
            return broken(None, input.unwrap_or(Value::Null), message);
        }
    };
    match input {
        Some(input @ Value::Object(_)) => {
            Record { named: id.is_some(), id: id.unwrap_or_else(made), input, broken: None }
        }
        Some(other) => broken(id, other, "`modelInput` must be a JSON object.".to_owned()),
        None => broken(id, Value::Null, "the record has no `modelInput`.".to_owned()),
    }
}

/// The error of a record whose id another one before it in the file has.
pub(super) fn duplicate(number: u32, id: &str) -> Error {
    Error::invalid(format!("Line {}: the recordId `{id}` is used by an earlier record of the file.", number + 1))
}

/// What is kept of a record that failed, in place of its answer.
pub(super) fn error_object(status: u16, error: &Error) -> Value {
    json!({"errorCode": status, "errorMessage": error.public_text()})
}

/// The line of an output file.
///
/// # Errors
/// Internal, where `answer` is not JSON.
pub(super) fn write(record: Record, succeeded: bool, answer: &[u8]) -> Result<String> {
    let answer: Value = serde_json::from_slice(answer).map_err(Error::internal)?;
    let member = if succeeded { "modelOutput" } else { "error" };
    let mut line = json!({"recordId": record.id, "modelInput": record.input, member: answer}).to_string();
    line.push('\n');
    Ok(line)
}

/// The id of a record that has none: always the same for the same line of the same job.
fn made_id(job: &str, file: u32, number: u32) -> String {
    let digest = Sha256::digest(format!("{job}/{file}/{number}"));
    digest.iter().take(LENGTH).map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect()
}

/// What tells one record's id from another's.
pub(super) fn id_hash(id: &str) -> u128 {
    let digest = Sha256::digest(id);
    digest.iter().take(16).fold(0, |hash, byte| hash << 8 | u128::from(*byte))
}
