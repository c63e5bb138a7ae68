//! Checking a policy document that is still being written: what it would be refused for, and what it says that was
//! hardly meant.

use base::{ErrorKind, Result};

use crate::ctx::Ctx;
use crate::explain::{known_action_like, reaches};
use crate::iam::principals;
use crate::open::Identity;
use crate::policy::{Document, Kind, Malformed, Position, Version, position_of};

/// Something about a policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyFinding {
    /// Whether the document would be refused for it; otherwise it is only hardly meant.
    pub refused: bool,
    /// The error code of a refusal in IAM; `None` for what is not refused.
    pub code: Option<&'static str>,
    /// AWS's words for a refusal.
    pub message: String,
    /// What is wrong in this document, and what to write instead.
    pub hint: Option<String>,
    /// Where in the text.
    pub position: Option<Position>,
}

impl Identity {
    /// What is to be said of `text` as a policy of `kind`. AWS tells one refusal at a time, and so does this. Nothing is stored. A policy of a bucket, a key or a secret can still be refused when it is set, for
    /// what only the resource tells.
    ///
    /// # Errors
    /// The store's.
    pub async fn check_policy(&self, _ctx: &Ctx, kind: Kind, text: &str) -> Result<Vec<PolicyFinding>> {
        let document = match Document::parse(kind, text) {
            Ok(document) => document,
            Err(malformed) => return Ok(vec![refused(malformed)]),
        };
        for name in principals::names(&document) {
            match self.check_principal(&name).await {
                Err(error) if error.kind == ErrorKind::Invalid => {
                    return Ok(vec![PolicyFinding {
                        refused: true,
                        code: Some("MalformedPolicyDocument"),
                        position: position_of(text, &name),
                        message: error.message,
                        hint: error.hint,
                    }]);
                }
                Err(error) => return Err(error),
                Ok(()) => {}
            }
        }
        Ok(doubts(&document))
    }
}

fn refused(malformed: Malformed) -> PolicyFinding {
    PolicyFinding {
        refused: true,
        code: Some(malformed.fault.code()),
        position: malformed.position,
        message: malformed.message,
        hint: malformed.hint,
    }
}

/// What a valid document says that was hardly meant.
fn doubts(document: &Document) -> Vec<PolicyFinding> {
    let mut doubts = variables_without_version(document);
    for statement in document.statements() {
        let (actions, _) = statement.actions();
        for action in actions {
            doubts.extend(misspelt(document, action));
        }
        if let (Some((resources, false)), (actions, false)) = (statement.resources(), statement.actions()) {
            let resources: Vec<&str> = resources.iter().map(|text| &**text).collect();
            doubts.extend(actions.iter().filter_map(|action| reaches_nothing(document, action, &resources)));
        }
    }
    doubts
}

fn doubt(document: &Document, word: &str, message: String, hint: String) -> PolicyFinding {
    let position = position_of(document.text(), word);
    PolicyFinding { refused: false, code: None, message, hint: Some(hint), position }
}

/// Documents of the old version take variables for plain text.
fn variables_without_version(document: &Document) -> Vec<PolicyFinding> {
    if document.version() == Some(Version::V2012) {
        return Vec::new();
    }
    let statements = document.statements().iter();
    let resources = statements.clone().filter_map(|statement| statement.resources()).flat_map(|(texts, _)| texts);
    let values = statements.flat_map(|statement| statement.conditions()).flat_map(|condition| condition.values());
    let variable = resources.chain(values).find(|text| text.contains("${"));
    let finding = variable.map(|text| {
        let message = format!("`{text}` is plain text here: policies without the present version have no variables.");
        doubt(document, text, message, "Add `\"Version\": \"2012-10-17\"`.".to_owned())
    });
    finding.into_iter().collect()
}

fn misspelt(document: &Document, action: &str) -> Option<PolicyFinding> {
    let meant = known_action_like(action)?;
    let message = format!("`{action}` is no action that is known here.");
    Some(doubt(document, action, message, format!("Did you mean `{meant}`?")))
}

/// An action of S3 on objects beside buckets only, or the other way about.
fn reaches_nothing(document: &Document, action: &str, resources: &[&str]) -> Option<PolicyFinding> {
    let is_in_s3 = |text: &&str| text.starts_with("arn:aws:s3:::");
    if !resources.iter().all(is_in_s3) || resources.iter().any(|resource| reaches(action, resource) != Some(false)) {
        return None;
    }
    let first = resources.first()?;
    let hint = match first.split_once('/') {
        Some((bucket, _)) => format!("`{action}` is about buckets: add `{bucket}`."),
        None => format!("`{action}` is about objects: add `{first}/*`."),
    };
    if document.kind() == Kind::Bucket {
        let message = "Action does not apply to any resource(s) in statement".to_owned();
        let refusal = doubt(document, action, message, hint);
        return Some(PolicyFinding { refused: true, code: Some("MalformedPolicy"), ..refusal });
    }
    let message =
        format!("`{action}` applies to none of the statement's resources, so the statement says nothing of it.");
    Some(doubt(document, action, message, hint))
}
