//! `POST /craton/v1/policies/validate`: what is to be said of a policy document before it is set.

use base::Error;
use http::StatusCode;
use identity::PolicyFinding;
use identity::policy::Kind;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// The types by the names that requests give them.
const TYPES: [(&str, Kind); 11] = [
    ("identity", Kind::Managed),
    ("inline-user", Kind::InlineUser),
    ("inline-group", Kind::InlineGroup),
    ("inline-role", Kind::InlineRole),
    ("session", Kind::Session),
    ("scp", Kind::ServiceControl),
    ("trust", Kind::Trust),
    ("bucket", Kind::Bucket),
    ("key", Kind::Key),
    ("secret", Kind::Secret),
    ("resource", Kind::Resource),
];

/// Takes the document as text, so that lines and columns are those of whoever writes it.
pub(super) async fn validate(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["policyDocument", "type"])?;
    let kind = kind(root.text("type")?.unwrap_or("identity"))?;
    let text = root.required("policyDocument")?.text()?;
    let findings = call.api.identity().check_policy(&call.ctx, kind, text).await?;
    Ok(respond(
        StatusCode::OK,
        &json!({
            "valid": !findings.iter().any(|finding| finding.refused),
            "findings": findings.iter().map(describe).collect::<Vec<_>>(),
        }),
    ))
}

fn kind(name: &str) -> Result<Kind, Error> {
    let known = TYPES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind);
    known.ok_or_else(|| {
        Error::invalid(format!("`{name}` is not a type of policy."))
            .with_hint(format!("One of: {}.", TYPES.map(|(name, _)| name).join(", ")))
    })
}

fn describe(finding: &PolicyFinding) -> Value {
    json!({
        "severity": if finding.refused { "error" } else { "warning" },
        "code": finding.code,
        "message": finding.message,
        "hint": finding.hint,
        "line": finding.position.map(|at| at.line),
        "column": finding.position.map(|at| at.column),
    })
}
