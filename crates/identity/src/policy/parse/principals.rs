//! Reads `Principal` and `NotPrincipal`.

use std::sync::Arc;

use super::super::arn;
use super::super::json::Json;
use super::super::kind::Kind;
use super::super::malformed::Malformed;
use super::super::principals::{Entry, Form, Group, Principals};
use super::{string, words};

pub(super) fn read(kind: Kind, negated: bool, json: &Json) -> Result<Principals, Malformed> {
    let entries = match json {
        Json::String(text) if text == "*" => {
            vec![Entry { group: Group::Everyone, text: "*".into(), form: Form::Everyone }]
        }
        Json::String(text) => {
            return Err(invalid(kind, "AWS", text)
                .with_hint("Besides `*`, a principal stands in an object: `{\"AWS\": \"arn:aws:iam::…\"}`."));
        }
        Json::Object(groups) if groups.is_empty() => return Err(empty()),
        Json::Object(groups) => entries(kind, groups)?,
        _ => return Err(words::wrong_type(kind, "Principal")),
    };
    Ok(Principals { negated, entries })
}

fn empty() -> Malformed {
    Malformed::new("Missing required field Principal cannot be empty!").at("Principal")
}

fn entries(kind: Kind, groups: &[(String, Json)]) -> Result<Vec<Entry>, Malformed> {
    let mut entries = Vec::new();
    for (name, json) in groups {
        let group = Group::parse(name).filter(|group| kind != Kind::Trust || *group != Group::CanonicalUser);
        let group = group.ok_or_else(|| {
            Malformed::new(format!("Invalid principal in policy: \"{name}\""))
                .with_hint(
                    "Principals are of type `AWS`, `Service`, `Federated`, or in bucket policies `CanonicalUser`.",
                )
                .at(name)
        })?;
        let texts = match json {
            Json::Array(texts) if texts.is_empty() => return Err(empty()),
            Json::Array(texts) => texts.as_slice(),
            one => std::slice::from_ref(one),
        };
        for text in texts {
            let text = string(kind, name, text)?;
            entries.push(Entry { group, text: text.into(), form: form(kind, group, text)? });
        }
    }
    Ok(entries)
}

fn form(kind: Kind, group: Group, text: &str) -> Result<Form, Malformed> {
    let well_formed = match group {
        Group::Everyone => return Ok(Form::Everyone),
        Group::Aws => return aws(kind, text),
        Group::Service => is_domain(text).then_some(Form::Service),
        Group::Federated => (is_domain(text) || is_provider(text)).then_some(Form::Federated),
        Group::CanonicalUser => {
            (text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())).then_some(Form::CanonicalUser)
        }
    };
    well_formed.ok_or_else(|| invalid(kind, &group.name().to_uppercase(), text))
}

/// AWS's words; where the mistake is known, with what was meant.
fn invalid(kind: Kind, group: &str, text: &str) -> Malformed {
    let malformed = match kind {
        Kind::Trust => Malformed::new(format!("Invalid principal in policy: \"{group}\":\"{text}\"")),
        Kind::Key => Malformed::new("Policy contains a statement with one or more invalid principals.")
            .with_hint(format!("`{text}` is not a principal.")),
        _ => Malformed::new("Invalid principal in policy").with_hint(format!("`{text}` is not a principal.")),
    };
    malformed.at(text)
}

fn aws(kind: Kind, text: &str) -> Result<Form, Malformed> {
    if text == "*" {
        return Ok(Form::Everyone);
    }
    if is_account(text) {
        return Ok(Form::Account(text.into()));
    }
    let is_unique_id = text.len() >= 16 && (text.starts_with("AIDA") || text.starts_with("AROA"));
    if is_unique_id && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
        return Ok(Form::UniqueId);
    }
    let Some(["arn", partition, service, region, account, resource]) = arn::split(text) else {
        return Err(invalid(kind, "AWS", text));
    };
    let known_partition = ["aws", "aws-cn", "aws-us-gov"].contains(&partition);
    if !known_partition || !region.is_empty() || !is_account(account) || text.contains(['*', '?']) {
        return Err(invalid(kind, "AWS", text));
    }
    match (service, resource.split_once('/')) {
        ("iam", None) if resource == "root" => Ok(Form::Account(Arc::from(account))),
        ("iam", Some(("user" | "role", name))) if is_name(name) => Ok(Form::Arn),
        ("sts", Some(("assumed-role", name))) if name.split('/').count() == 2 && is_name(name) => Ok(Form::Arn),
        ("sts", Some(("federated-user", name))) if is_name(name) => Ok(Form::Arn),
        ("sts", _) if resource == "root" || resource.starts_with("user/") || resource.starts_with("role/") => {
            Err(invalid(kind, "AWS", text)
                .with_hint(format!("Users and roles belong to `iam`: `arn:{partition}:iam::{account}:{resource}`.")))
        }
        ("iam", Some(("assumed-role", _))) => Err(invalid(kind, "AWS", text)
            .with_hint(format!("Sessions belong to `sts`: `arn:{partition}:sts::{account}:{resource}`."))),
        ("iam", Some(("group", _))) => {
            Err(invalid(kind, "AWS", text).with_hint("A group is not a principal; name its users."))
        }
        _ => Err(invalid(kind, "AWS", text)),
    }
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// A path and a name, none of whose parts is empty.
fn is_name(text: &str) -> bool {
    let is_valid = |c: char| c.is_ascii_graphic() && c != ':';
    text.split('/').all(|part| !part.is_empty()) && text.chars().all(is_valid)
}

/// A host name such as `bedrock.amazonaws.com`.
fn is_domain(text: &str) -> bool {
    let is_valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.contains('.') && text.split('.').all(|label| !label.is_empty() && label.bytes().all(is_valid))
}

fn is_provider(text: &str) -> bool {
    let Some(["arn", _, "iam", "", account, resource]) = arn::split(text) else { return false };
    let is_provider = resource.starts_with("saml-provider/") || resource.starts_with("oidc-provider/");
    is_account(account) && is_provider && !text.contains(['*', '?'])
}
