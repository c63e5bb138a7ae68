//! The AWS CLI's command that makes a change.

use super::edit::{Edit, Place};
use crate::policy::{Caller, Kind, Request};

/// The lines to run in a shell; none where there is nothing to run: a session's policy is passed anew.
pub(super) fn of(edit: &Edit, request: &Request) -> Vec<String> {
    let document = quote(edit.after.document.text());
    let id = &*edit.after.id;
    match edit.place {
        Place::Session(_) => Vec::new(),
        Place::ServiceControl(..) => service_control(edit, request, &document),
        Place::Resource => vec![resource(edit.after.document.kind(), id, &document)],
        Place::Boundary if edit.before.is_none() => boundary(id, request, &document),
        Place::Identity(_) | Place::Boundary => vec![identity(edit.after.document.kind(), id, &document)],
    }
}

fn identity(kind: Kind, id: &str, document: &str) -> String {
    let mut parts = id.split('/').skip(1);
    let (holder, name) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (verb, option) = match kind {
        Kind::InlineUser => ("put-user-policy", "--user-name"),
        Kind::InlineGroup => ("put-group-policy", "--group-name"),
        Kind::InlineRole => ("put-role-policy", "--role-name"),
        _ => {
            return format!(
                "aws iam create-policy-version --policy-arn {} --set-as-default --policy-document {document}",
                quote(id)
            );
        }
    };
    format!("aws iam {verb} {option} {} --policy-name {} --policy-document {document}", quote(holder), quote(name))
}

/// What a caller with policies of its own is called in commands, and its name.
pub(super) fn holder(caller: &Caller) -> Option<(&'static str, &str)> {
    match caller {
        Caller::User(user) => Some(("user", &user.name)),
        Caller::Role(session) => Some(("role", &session.role_name)),
        _ => None,
    }
}

fn boundary(arn: &str, request: &Request, document: &str) -> Vec<String> {
    let Some((kind, name)) = holder(request.caller()) else { return Vec::new() };
    let policy = arn.rsplit('/').next().unwrap_or(arn);
    vec![
        format!("aws iam create-policy --policy-name {} --policy-document {document}", quote(policy)),
        format!(
            "aws iam put-{kind}-permissions-boundary --{kind}-name {} --permissions-boundary {}",
            quote(name),
            quote(arn)
        ),
    ]
}

fn service_control(edit: &Edit, request: &Request, document: &str) -> Vec<String> {
    let id = edit.after.id.rsplit('/').next().unwrap_or_default();
    if edit.before.is_some() {
        return vec![format!("aws organizations update-policy --policy-id {} --content {document}", quote(id))];
    }
    let account = request.caller().account().map_or("ACCOUNT", |account| account.as_str());
    vec![
        format!(
            "policy=$(aws organizations create-policy --type SERVICE_CONTROL_POLICY --name {} --description {} \
             --content {document} --query Policy.PolicySummary.Id --output text)",
            quote(id),
            quote(id)
        ),
        format!("aws organizations attach-policy --policy-id \"$policy\" --target-id {account}"),
    ]
}

fn resource(kind: Kind, arn: &str, document: &str) -> String {
    let last = arn.rsplit(['/', ':']).next().unwrap_or(arn);
    let region = arn.split(':').nth(3).filter(|region| !region.is_empty());
    let region = region.map_or_else(String::new, |region| format!(" --region {}", quote(region)));
    match kind {
        Kind::Bucket => format!("aws s3api put-bucket-policy --bucket {} --policy {document}", quote(last)),
        Kind::Key => {
            format!("aws kms put-key-policy{region} --key-id {} --policy-name default --policy {document}", quote(last))
        }
        Kind::Secret => format!(
            "aws secretsmanager put-resource-policy{region} --secret-id {} --resource-policy {document}",
            quote(arn)
        ),
        Kind::Trust => {
            format!("aws iam update-assume-role-policy --role-name {} --policy-document {document}", quote(last))
        }
        _ => format!("# the policy of {arn}: {document}"),
    }
}

/// One word of a shell.
fn quote(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Whom a caller is called by in a sentence.
pub(super) fn name(caller: &Caller) -> String {
    caller.principal_arn().unwrap_or_else(|| caller.arn())
}
