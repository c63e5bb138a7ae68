//! Answers that must have a form: JSON of a schema, a regular expression, a grammar.

use serde_json::Value;

/// What an answer must look like.
#[derive(Debug, Clone, PartialEq)]
pub enum Constraint {
    /// JSON that the schema admits.
    JsonSchema(Value),
    /// Text that the regular expression matches as a whole.
    Regex(String),
    /// Text of the Lark grammar.
    Lark(String),
}
