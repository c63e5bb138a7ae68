//! New statements: exactly the request, and nothing else.

use serde_json::{Value, json};

use super::edit::{Draft, Edit, Mistake, Place};
use super::repair::{grant_to, mistake_of_action};
use crate::policy::{Attached, Caller, Kind, Policies, PolicyType, Request};

/// A statement that allows the request, added to the policy at `place`, or in a new policy there.
pub(super) fn statement(place: Place, policies: &Policies, request: &Request) -> Option<Edit> {
    let before = place.of(policies).cloned();
    let mut draft = match &before {
        Some(attached) => Draft::of(attached),
        None => new_policy(place, request)?,
    };
    let kind = before.as_ref().map_or_else(|| new_kind(place, request), |attached| attached.document.kind());
    let sid = sid(&draft, request);
    let index = draft.push(element(kind, &sid, request));
    let policy_type = match (place, kind) {
        (Place::Resource, Kind::Trust) => PolicyType::Trust,
        _ => place.policy_type(policies),
    };
    let (mistake, finding) = finding(place, policy_type, before.as_ref(), request);
    let after = draft.finish()?;
    let summary = match &before {
        Some(attached) => format!("add a statement that allows it to `{}`", attached.id),
        None => format!("give {} a policy that allows it", holder(place, request)),
    };
    Some(Edit { place, policy_type, before, after, statement: Some(index), mistake, finding, summary, mends: false })
}

fn holder(place: Place, request: &Request) -> String {
    match place {
        Place::Resource => format!("`{}`", bucket_of(request.resource())),
        _ => format!("`{}`", request.caller().principal_arn().unwrap_or_else(|| request.caller().arn())),
    }
}

fn element(kind: Kind, sid: &str, request: &Request) -> Value {
    let mut statement = json!({"Sid": sid, "Effect": "Allow"});
    let mut condition = None;
    if !kind.is_identity_based() {
        (statement["Principal"], condition) = grant_to(request);
    }
    statement["Action"] = json!(request.action());
    match kind {
        Kind::Trust => {}
        Kind::Key => statement["Resource"] = json!("*"),
        _ => statement["Resource"] = json!(request.resource()),
    }
    if let Some(condition) = condition {
        statement["Condition"] = condition;
    }
    statement
}

/// `AllowGetObject`, or with a number behind it where the policy has one.
fn sid(draft: &Draft, request: &Request) -> String {
    let action = request.action();
    let name: String =
        action.split_once(':').map_or(action, |(_, name)| name).chars().filter(char::is_ascii_alphanumeric).collect();
    let base = format!("Allow{name}");
    let numbered = (2..).map(|n| format!("{base}{n}"));
    std::iter::once(base.clone()).chain(numbered).find(|sid| !draft.has_sid(sid)).unwrap_or(base)
}

/// A policy that is not there yet.
fn new_policy(place: Place, request: &Request) -> Option<Draft> {
    let kind = new_kind(place, request);
    let action = request.action().replace([':', '*'], "-");
    let id = match (place, request.caller()) {
        (Place::Resource, _) => bucket_of(request.resource()).to_owned(),
        (Place::Identity(_), Caller::User(user)) => format!("user/{}/allow-{action}", user.name),
        (Place::Identity(_), Caller::Role(session)) => format!("role/{}/allow-{action}", session.role_name),
        (Place::ServiceControl(..), _) => format!("allow-{action}"),
        _ => return None,
    };
    Some(Draft::empty(id, kind))
}

fn new_kind(place: Place, request: &Request) -> Kind {
    match (place, request.caller()) {
        (Place::Resource, _) => resource_kind(request.action()),
        (Place::Identity(_), Caller::User(_)) => Kind::InlineUser,
        (Place::Identity(_), _) => Kind::InlineRole,
        (Place::ServiceControl(..), _) => Kind::ServiceControl,
        (Place::Session(_), _) => Kind::Session,
        (Place::Boundary, _) => Kind::Managed,
    }
}

/// The kind of policy that a resource has on which `action` is done.
pub(crate) fn resource_kind(action: &str) -> Kind {
    match action.split(':').next().unwrap_or_default() {
        "s3" => Kind::Bucket,
        "kms" => Kind::Key,
        "secretsmanager" => Kind::Secret,
        "sts" => Kind::Trust,
        _ => Kind::Resource,
    }
}

/// The ARN of what has the policy: of an object its bucket.
pub(crate) fn bucket_of(arn: &str) -> &str {
    let Some(rest) = arn.strip_prefix("arn:aws:s3:::") else { return arn };
    let name = rest.split('/').next().unwrap_or(rest);
    &arn[..arn.len() - rest.len() + name.len()]
}

fn finding(place: Place, policy_type: PolicyType, before: Option<&Attached>, request: &Request) -> (Mistake, String) {
    let (action, resource) = (request.action(), request.resource());
    let caller = request.caller().arn();
    match (place, before) {
        (Place::Boundary, Some(boundary)) => {
            (Mistake::Boundary, format!("The permissions boundary `{}` does not allow `{action}`.", boundary.id))
        }
        (Place::Session(_), _) => {
            (Mistake::SessionPolicy, format!("The policy passed to the session does not allow `{action}`."))
        }
        (Place::ServiceControl(level, _), _) => (
            Mistake::ServiceControlPolicy,
            format!("No service control policy of level {} of the organization allows `{action}`.", level + 1),
        ),
        (Place::Resource, None) => (
            Mistake::NoResourcePolicy,
            format!("`{}` has no policy, and the caller is of another account.", bucket_of(resource)),
        ),
        (Place::Resource, Some(_)) => (
            Mistake::PrincipalNotNamed,
            format!("No statement of the {} allows `{caller}` `{action}`.", policy_type.name()),
        ),
        _ => (mistake_of_action(action), format!("No policy of `{caller}` allows `{action}` on `{resource}`.")),
    }
}
