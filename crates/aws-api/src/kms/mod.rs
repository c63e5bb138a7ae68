//! `kms`: keys, their policies, grants and aliases, and what is encrypted with them. The permission of each operation
//! is checked by the domain function, which knows the key's policy and grants.

mod aliases;
mod cryptography;
pub(crate) mod errors;
mod grants;
mod keys;
mod policies;
mod rotation;
mod tags;

use std::collections::BTreeMap;

use base::{Error, Page, PageRequest};
use futures::future::{BoxFuture, FutureExt as _};
use identity::Access;
use identity::kms::{EncryptionContext, Kms, UseOptions};

use crate::call::{Answer, Check, Row};
use crate::dispatch::AwsCall;
use crate::errors::Failure;

/// The operations.
pub(crate) const ROWS: &[Row<aws_wire::Routed>] = &[
    write("CreateKey", "kms:CreateKey", |call| keys::create_key(call).boxed()),
    read("DescribeKey", "kms:DescribeKey", |call| keys::describe_key(call).boxed()),
    read("ListKeys", "kms:ListKeys", |call| keys::list_keys(call).boxed()),
    write("EnableKey", "kms:EnableKey", |call| keys::enable_key(call).boxed()),
    write("DisableKey", "kms:DisableKey", |call| keys::disable_key(call).boxed()),
    write("ScheduleKeyDeletion", "kms:ScheduleKeyDeletion", |call| keys::schedule_key_deletion(call).boxed()),
    write("CancelKeyDeletion", "kms:CancelKeyDeletion", |call| keys::cancel_key_deletion(call).boxed()),
    write("UpdateKeyDescription", "kms:UpdateKeyDescription", |call| keys::update_key_description(call).boxed()),
    write("PutKeyPolicy", "kms:PutKeyPolicy", |call| policies::put_key_policy(call).boxed()),
    read("GetKeyPolicy", "kms:GetKeyPolicy", |call| policies::get_key_policy(call).boxed()),
    read("ListKeyPolicies", "kms:ListKeyPolicies", |call| policies::list_key_policies(call).boxed()),
    write("CreateAlias", "kms:CreateAlias", |call| aliases::create_alias(call).boxed()),
    write("UpdateAlias", "kms:UpdateAlias", |call| aliases::update_alias(call).boxed()),
    write("DeleteAlias", "kms:DeleteAlias", |call| aliases::delete_alias(call).boxed()),
    read("ListAliases", "kms:ListAliases", |call| aliases::list_aliases(call).boxed()),
    write("CreateGrant", "kms:CreateGrant", |call| grants::create_grant(call).boxed()),
    read("ListGrants", "kms:ListGrants", |call| grants::list_grants(call).boxed()),
    write("RevokeGrant", "kms:RevokeGrant", |call| grants::revoke_grant(call).boxed()),
    write("RetireGrant", "kms:RetireGrant", |call| grants::retire_grant(call).boxed()),
    read("ListRetirableGrants", "kms:ListRetirableGrants", |call| grants::list_retirable_grants(call).boxed()),
    write("TagResource", "kms:TagResource", |call| tags::tag_resource(call).boxed()),
    write("UntagResource", "kms:UntagResource", |call| tags::untag_resource(call).boxed()),
    read("ListResourceTags", "kms:ListResourceTags", |call| tags::list_resource_tags(call).boxed()),
    write("EnableKeyRotation", "kms:EnableKeyRotation", |call| rotation::enable_key_rotation(call).boxed()),
    write("DisableKeyRotation", "kms:DisableKeyRotation", |call| rotation::disable_key_rotation(call).boxed()),
    read("GetKeyRotationStatus", "kms:GetKeyRotationStatus", |call| rotation::get_key_rotation_status(call).boxed()),
    write("RotateKeyOnDemand", "kms:RotateKeyOnDemand", |call| rotation::rotate_key_on_demand(call).boxed()),
    read("ListKeyRotations", "kms:ListKeyRotations", |call| rotation::list_key_rotations(call).boxed()),
    read("Encrypt", "kms:Encrypt", |call| cryptography::encrypt(call).boxed()),
    read("Decrypt", "kms:Decrypt", |call| cryptography::decrypt(call).boxed()),
    read("ReEncrypt", "kms:ReEncryptFrom", |call| cryptography::re_encrypt(call).boxed()),
    read("GenerateDataKey", "kms:GenerateDataKey", |call| cryptography::generate_data_key(call).boxed()),
    read("GenerateDataKeyWithoutPlaintext", "kms:GenerateDataKeyWithoutPlaintext", |call| {
        cryptography::generate_data_key_without_plaintext(call).boxed()
    }),
    read("GenerateRandom", "kms:GenerateRandom", |call| cryptography::generate_random(call).boxed()),
];

type Handler = fn(AwsCall) -> BoxFuture<'static, Answer>;

const fn read(operation: &'static str, action: &'static str, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Read, check: Check::InDomain, handler }
}

const fn write(operation: &'static str, action: &'static str, handler: Handler) -> Row<aws_wire::Routed> {
    Row { operation, action, access: Access::Write, check: Check::InDomain, handler }
}

fn kms(call: &AwsCall) -> Kms {
    call.api.identity().kms()
}

fn context(pairs: Option<BTreeMap<String, String>>) -> EncryptionContext {
    EncryptionContext::from_pairs(pairs.unwrap_or_default())
}

fn options(grant_tokens: Option<Vec<String>>, dry_run: Option<bool>) -> UseOptions {
    UseOptions { grant_tokens: grant_tokens.unwrap_or_default(), dry_run: dry_run.unwrap_or_default() }
}

/// The part of a listing that is asked for; `most` where no `Limit` is given.
fn page_request(limit: Option<i32>, marker: Option<&str>, most: u32) -> Result<PageRequest, Failure> {
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(most);
    PageRequest::from_token(limit, marker).map_err(|error| {
        Failure::Wire(aws_wire::WireError::with_status(400, "InvalidMarkerException", error.public_text()))
    })
}

/// `NextMarker` and `Truncated`.
fn rest<T>(page: &Page<T>) -> (Option<String>, Option<bool>) {
    let marker = page.next_token();
    let truncated = marker.is_some();
    (marker, Some(truncated))
}

/// Answers by name for an option that is not built.
fn refuse<T>(option: Option<T>, name: &str) -> Result<(), Failure> {
    match option {
        Some(_) => Err(Error::not_implemented(format!("`{name}` is not implemented.")).into()),
        None => Ok(()),
    }
}
