//! Whose rows: an account in a region. And what rows of all tables share.

use base::{AccountId, Arn, Error, Region, Result};
use identity::Ctx;
use jobs::Owner;
use ring::digest::{SHA256, digest};
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
    digest(&SHA256, bytes.as_ref()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
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
