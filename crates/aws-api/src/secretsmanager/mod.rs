//! `secretsmanager`: secrets, their versions and policies. The permission of each operation is checked by the domain
//! function, which knows the secret's policy and its key's.

pub(crate) mod errors;
mod listing;
mod policies;
mod secrets;
mod values;

use aws_wire::Blob;
use base::{Error, Page, PageRequest, Secret};
use bytes::Bytes;
use futures::future::{BoxFuture, FutureExt as _};
use identity::Access;
use identity::secrets::{Secrets, Value};

use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    write("CreateSecret", "secretsmanager:CreateSecret", |call| secrets::create_secret(call).boxed()),
    read("DescribeSecret", "secretsmanager:DescribeSecret", |call| secrets::describe_secret(call).boxed()),
    write("UpdateSecret", "secretsmanager:UpdateSecret", |call| secrets::update_secret(call).boxed()),
    write("DeleteSecret", "secretsmanager:DeleteSecret", |call| secrets::delete_secret(call).boxed()),
    write("RestoreSecret", "secretsmanager:RestoreSecret", |call| secrets::restore_secret(call).boxed()),
    write("TagResource", "secretsmanager:TagResource", |call| secrets::tag_resource(call).boxed()),
    write("UntagResource", "secretsmanager:UntagResource", |call| secrets::untag_resource(call).boxed()),
    read("GetSecretValue", "secretsmanager:GetSecretValue", |call| values::get_secret_value(call).boxed()),
    read("BatchGetSecretValue", "secretsmanager:BatchGetSecretValue", |call| {
        values::batch_get_secret_value(call).boxed()
    }),
    write("PutSecretValue", "secretsmanager:PutSecretValue", |call| values::put_secret_value(call).boxed()),
    write("UpdateSecretVersionStage", "secretsmanager:UpdateSecretVersionStage", |call| {
        values::update_secret_version_stage(call).boxed()
    }),
    read("GetRandomPassword", "secretsmanager:GetRandomPassword", |call| values::get_random_password(call).boxed()),
    read("ListSecrets", "secretsmanager:ListSecrets", |call| listing::list_secrets(call).boxed()),
    read("ListSecretVersionIds", "secretsmanager:ListSecretVersionIds", |call| {
        listing::list_secret_version_ids(call).boxed()
    }),
    write("PutResourcePolicy", "secretsmanager:PutResourcePolicy", |call| policies::put_resource_policy(call).boxed()),
    read("GetResourcePolicy", "secretsmanager:GetResourcePolicy", |call| policies::get_resource_policy(call).boxed()),
    write("DeleteResourcePolicy", "secretsmanager:DeleteResourcePolicy", |call| {
        policies::delete_resource_policy(call).boxed()
    }),
    read("ValidateResourcePolicy", "secretsmanager:ValidateResourcePolicy", |call| {
        policies::validate_resource_policy(call).boxed()
    }),
];

type Handler = fn(AwsCall) -> BoxFuture<'static, Answer>;

const fn read(operation: &'static str, action: &'static str, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Read, check: Check::InDomain, handler }
}

const fn write(operation: &'static str, action: &'static str, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Write, check: Check::InDomain, handler }
}

/// Refuses an id of a version that is too short or too long, in this service's own words.
fn check_token(call: &AwsCall) -> Result<(), Failure> {
    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap_or_default();
    match body.get("ClientRequestToken").and_then(serde_json::Value::as_str) {
        Some(token) if !(32..=64).contains(&token.chars().count()) => {
            Err(Error::invalid("ClientRequestToken must be 32-64 characters long.").into())
        }
        _ => Ok(()),
    }
}

fn domain(call: &AwsCall) -> Secrets {
    call.api.identity().secrets()
}

/// The value that a request gives, if it gives one.
fn value(text: Option<String>, bytes: Option<Blob>) -> Result<Option<Value>, Failure> {
    match (text, bytes) {
        (Some(_), Some(_)) => Err(Error::invalid(
            "You can't specify both a binary secret value and a string secret value in the same secret.",
        )
        .into()),
        (Some(text), None) => Ok(Some(Value::Text(Secret::new(text)))),
        (None, Some(bytes)) => Ok(Some(Value::Bytes(Secret::new(bytes.0.to_vec())))),
        (None, None) => Ok(None),
    }
}

/// `SecretString` and `SecretBinary`.
fn shown(value: Value) -> (Option<String>, Option<Blob>) {
    match value {
        Value::Text(text) => (Some(text.reveal().clone()), None),
        Value::Bytes(bytes) => (None, Some(Blob(Bytes::copy_from_slice(bytes.reveal())))),
    }
}

/// The part of a listing that is asked for; `most` where no `MaxResults` is given.
fn page_request(max_results: Option<i32>, token: Option<&str>, most: u32) -> Result<PageRequest, Failure> {
    let limit = max_results.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(most);
    PageRequest::from_token(limit, token).map_err(|error| {
        Failure::Wire(aws_wire::WireError::with_status(400, "InvalidNextTokenException", error.public_text()))
    })
}

fn next<T>(page: &Page<T>) -> Option<String> {
    page.next_token()
}

/// Answers by name for an option that is not built.
fn refuse<T>(option: Option<T>, name: &str) -> Result<(), Failure> {
    match option {
        Some(_) => Err(Error::not_implemented(format!("`{name}` is not implemented.")).into()),
        None => Ok(()),
    }
}
