//! A secret, as it is kept and as requests name it.

use std::collections::BTreeMap;

use base::{AccountId, Arn, Region, Timestamp};

use super::error::{Code, Error, Result};
use crate::ctx::Ctx;

/// A secret without its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its ARN, which ends with a hyphen and six random characters.
    pub arn: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The region it is in.
    pub region: Region,
    /// Its name, unique in account and region.
    pub name: String,
    /// What its owner says of it.
    pub description: Option<String>,
    /// The key that encrypts it, as it was named; `None` for the account's key for secrets.
    pub kms_key: Option<String>,
    /// Its tags, by name.
    pub tags: Vec<(String, String)>,
    /// Whether it has tags or had some.
    pub tagged: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// The day on which its value was last read.
    pub accessed: Option<Timestamp>,
    /// When it was deleted, if it was.
    pub deleted: Option<Timestamp>,
    /// When a deleted secret is gone for good.
    pub purge: Option<Timestamp>,
    /// The stages of each version that has any.
    pub stages: BTreeMap<String, Vec<String>>,
}

/// One version of a secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its id.
    pub id: String,
    /// Its stages; none for a version that is out of use.
    pub stages: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// The day on which it was last read.
    pub accessed: Option<Timestamp>,
    /// The ARN of the key that encrypts it.
    pub key_arn: String,
}

/// The value of a version.
#[derive(Debug, Clone)]
pub enum Value {
    /// Text.
    Text(base::Secret<String>),
    /// Bytes.
    Bytes(base::Secret<Vec<u8>>),
}

/// A secret as a request names it: by name, by ARN, or by ARN without the six random characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRef(String);

/// Which secret a request names, seen from a caller.
pub(super) struct Target {
    pub(super) account: AccountId,
    /// The whole ARN; a name is none.
    pub(super) arn: Option<String>,
    pub(super) name: String,
}

impl Value {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.reveal().as_bytes(),
            Self::Bytes(bytes) => bytes.reveal(),
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self, Self::Text(_))
    }
}

impl SecretRef {
    /// What `SecretId` holds.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn target(&self, ctx: &Ctx) -> Result<Target> {
        if !self.0.starts_with("arn:") {
            return Ok(Target { account: ctx.account().clone(), arn: None, name: self.0.clone() });
        }
        let invalid = || Error::new(Code::InvalidParameter, format!("Invalid ARN: {}", self.0));
        let arn: Arn = self.0.parse().map_err(|_| invalid())?;
        let name = arn.resource.strip_prefix("secret:").ok_or_else(invalid)?.to_owned();
        if arn.service != super::SERVICE || name.is_empty() {
            return Err(invalid());
        }
        if arn.region != ctx.region().as_str() {
            return Err(no_such_secret().with_hint(format!("The request is for the region {}.", ctx.region())));
        }
        Ok(Target { account: arn.account.parse().map_err(|_| invalid())?, arn: Some(self.0.clone()), name })
    }
}

impl Target {
    /// The ARN that such a secret would have, as far as it is known.
    pub(super) fn likely_arn(&self, ctx: &Ctx) -> String {
        match &self.arn {
            Some(arn) => arn.clone(),
            None => secret_arn(&self.account, ctx.region(), &self.name, "??????"),
        }
    }
}

/// The ARN of the secret `name`; `suffix` are its six random characters.
pub(super) fn secret_arn(account: &AccountId, region: &Region, name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-{suffix}")
}

pub(super) fn no_such_secret() -> Error {
    Error::new(Code::ResourceNotFound, "Secrets Manager can't find the specified secret.")
}
