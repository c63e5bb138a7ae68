//! `iam`: users and their access keys.

mod access_keys;
pub(crate) mod errors;
mod simulate;
mod users;

use base::{Page, PageRequest, Result};
use futures::future::FutureExt as _;
use identity::Access;

use crate::call::{Check, Row};
use crate::dispatch::AwsCall;

pub(crate) use simulate::ROWS as SIMULATOR_ROWS;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    Row {
        operation: "CreateUser",
        action: "iam:CreateUser",
        access: Access::Write,
        check: Check::Arn(user),
        handler: |call| users::create_user(call).boxed(),
    },
    Row {
        operation: "GetUser",
        action: "iam:GetUser",
        access: Access::Read,
        check: Check::Arn(user),
        handler: |call| users::get_user(call).boxed(),
    },
    Row {
        operation: "ListUsers",
        action: "iam:ListUsers",
        access: Access::Read,
        check: Check::Arn(|call| format!("arn:aws:iam::{}:user/", call.ctx.account())),
        handler: |call| users::list_users(call).boxed(),
    },
    Row {
        operation: "DeleteUser",
        action: "iam:DeleteUser",
        access: Access::Write,
        check: Check::Arn(user),
        handler: |call| users::delete_user(call).boxed(),
    },
    Row {
        operation: "CreateAccessKey",
        action: "iam:CreateAccessKey",
        access: Access::Write,
        check: Check::Arn(user),
        handler: |call| access_keys::create_access_key(call).boxed(),
    },
    Row {
        operation: "ListAccessKeys",
        action: "iam:ListAccessKeys",
        access: Access::Read,
        check: Check::Arn(user),
        handler: |call| access_keys::list_access_keys(call).boxed(),
    },
    Row {
        operation: "DeleteAccessKey",
        action: "iam:DeleteAccessKey",
        access: Access::Write,
        check: Check::Arn(user),
        handler: |call| access_keys::delete_access_key(call).boxed(),
    },
    Row {
        operation: "UpdateAccessKey",
        action: "iam:UpdateAccessKey",
        access: Access::Write,
        check: Check::Arn(user),
        handler: |call| access_keys::update_access_key(call).boxed(),
    },
];

/// The user that the request names, or the caller.
fn user(call: &AwsCall) -> String {
    match call.parameter("UserName") {
        Some(name) => format!("arn:aws:iam::{}:user/{name}", call.ctx.account()),
        None => call.ctx.principal().arn(),
    }
}

/// What IAM lists at once where nothing is said.
const PAGE: u32 = 100;

fn page_request(max_items: Option<i32>, marker: Option<&str>) -> Result<PageRequest> {
    PageRequest::from_token(max_items.and_then(|n| u32::try_from(n).ok()).unwrap_or(PAGE), marker)
}

/// `IsTruncated` and `Marker`.
fn rest<T>(page: &Page<T>) -> (Option<bool>, Option<String>) {
    let marker = page.next_token();
    (Some(marker.is_some()), marker)
}
