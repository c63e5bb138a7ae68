//! IAM's refusals in its own words and under its own names.

use base::{Error, ErrorKind};

use super::holder::HolderKind;
use crate::policy::{Fault, Malformed};

/// The refusal of a policy document.
pub(crate) fn malformed(malformed: Malformed) -> Error {
    match malformed.fault {
        Fault::Malformed => Error::from(malformed).with_code("MalformedPolicyDocument"),
        Fault::TooLarge => {
            let hint = malformed.advice();
            let mut error = limit_exceeded(malformed.message);
            error.hint = hint;
            error
        }
    }
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Conflict, message).with_code("LimitExceeded")
}

pub(crate) fn quota_exceeded(quota: &str, limit: i64) -> Error {
    limit_exceeded(format!("Cannot exceed quota for {quota}: {limit}"))
}

/// `what`: "must delete access keys first".
pub(crate) fn delete_conflict(what: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("Cannot delete entity, {what}.")).with_code("DeleteConflict")
}

/// The refusal of a deletion for another reason than what the entity has.
pub(crate) fn cannot_delete(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Conflict, message).with_code("DeleteConflict")
}

pub(crate) fn invalid_input(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code("InvalidInput")
}

pub(crate) fn no_such(kind: HolderKind, name: &str) -> Error {
    Error::not_found(format!("The {} with name {name} cannot be found.", kind.word()))
}

pub(crate) fn exists(kind: HolderKind, name: &str) -> Error {
    let word = match kind {
        HolderKind::User => "User",
        HolderKind::Group => "Group",
        HolderKind::Role => "Role",
    };
    Error::already_exists(format!("{word} with name {name} already exists."))
}

pub(crate) fn no_such_user(name: &str) -> Error {
    no_such(HolderKind::User, name)
}

pub(crate) fn user_exists(name: &str) -> Error {
    exists(HolderKind::User, name)
}

/// Where a policy is looked at or changed.
pub(crate) fn no_such_policy(arn: &str) -> Error {
    Error::not_found(format!("Policy {arn} was not found."))
}

/// Where a policy is to be attached.
pub(crate) fn not_attachable(arn: &str) -> Error {
    Error::not_found(format!("Policy {arn} does not exist or is not attachable."))
}

/// The refusal of a change of a service-linked role.
pub(crate) fn protected_role(name: &str) -> Error {
    let message =
        format!("Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS");
    Error::new(ErrorKind::Conflict, message).with_code("UnmodifiableEntity")
}
