//! The rules of IAM's names and paths.

use base::{AccountId, Error, Result};

use crate::credentials::formats::check_path;

/// Checks a name of a new entity; `field` is what the API calls it.
pub(crate) fn check_name(field: &str, name: &str, longest: usize) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    if !name.bytes().all(allowed) || name.is_empty() {
        return Err(Error::invalid(format!(
            "The specified value for {field} is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-"
        )));
    }
    if name.len() > longest {
        return Err(Error::invalid(format!(
            "The specified value for {field} is invalid. It must be at most {longest} characters."
        )));
    }
    Ok(())
}

/// The path of a new entity: `/` where none is given.
pub(crate) fn path(given: Option<String>) -> Result<String> {
    let path = given.unwrap_or_else(|| "/".to_owned());
    check_path(&path)?;
    Ok(path)
}

/// `arn:aws:iam::ACCOUNT:KINDPATHNAME`
pub(crate) fn arn(account: &AccountId, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{account}:{kind}{path}{name}")
}

/// A path and a name from what stands behind the kind in an ARN: `/team/ada` is `/team/` and `ada`.
pub(crate) fn split_path(path_and_name: &str) -> (String, &str) {
    match path_and_name.rsplit_once('/') {
        Some((path, name)) => (format!("{path}/"), name),
        None => ("/".to_owned(), path_and_name),
    }
}
