//! Whose rows: an account in a region. And what rows of all tables share.

use base::{AccountId, Arn, Error, Region, Result};
use identity::Ctx;
use jobs::Owner;
use ring::digest::{Context, SHA256, digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Pairs of names and values that a resource is tagged with.
pub type Tags = Vec<(String, String)>;

/// An account in a region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Realm {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

impl Realm {
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self { account: ctx.account().clone(), region: ctx.region().clone() }
    }

    pub(crate) fn of_job(owner: &Owner) -> Self {
        Self { account: owner.account.clone(), region: owner.region.clone() }
    }

    /// The ARN of a knowledge base.
    pub(crate) fn arn(&self, id: &str) -> String {
        let resource = format!("knowledge-base/{id}");
        Arn::new("bedrock", Some(&self.region), Some(&self.account), resource).to_string()
    }

    /// The id that an id or ARN means; none, where it is the ARN of anything but a knowledge base of this realm.
    pub(crate) fn id_of<'a>(&self, identifier: &'a str) -> Option<&'a str> {
        if !identifier.starts_with("arn:") {
            return Some(identifier);
        }
        let id = identifier.rsplit('/').next()?;
        (self.arn(id) == identifier).then_some(id)
    }
}

/// For whom a job works.
pub(crate) fn owner(ctx: &Ctx) -> Owner {
    Owner {
        account: ctx.account().clone(),
        region: ctx.region().clone(),
        principal_arn: ctx.principal().arn(),
        principal_id: Some(ctx.principal().user_id()),
    }
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(crate) fn hash(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(digest(&SHA256, bytes.as_ref()).as_ref())
}

/// The SHA-256 of a list of texts, in hexadecimal digits: of each its length, and then itself.
pub(crate) fn hash_of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut whole = Context::new(&SHA256);
    for part in parts {
        whole.update(&(part.len() as u64).to_be_bytes());
        whole.update(part);
    }
    hexadecimal(whole.finish().as_ref())
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// A column of JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// What a column of JSON holds.
pub(crate) fn parse<T: DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::internal(format!("the column `{column}`: {error}")))
}

/// A count as columns have it.
pub(crate) fn integer(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(Error::internal)
}

/// A count out of a column.
pub(crate) fn count(value: i64) -> Result<u64> {
    u64::try_from(value).map_err(Error::internal)
}
