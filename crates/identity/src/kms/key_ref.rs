//! How a request names a key: by id, ARN, alias or the alias's ARN.

use std::fmt;

use base::{AccountId, Arn};

use super::error::{Code, Error, Result};
use crate::ctx::Ctx;

/// A key as a request names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KeyRef(Name);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    /// An id, or an alias with its `alias/`.
    Short(String),
    Arn(Arn),
}

/// Which key a request names, seen from a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) account: AccountId,
    pub(super) name: TargetName,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TargetName {
    Id(String),
    /// With its `alias/`.
    Alias(String),
}

/// What every alias starts with.
pub(super) const ALIAS: &str = "alias/";

impl KeyRef {
    /// Reads what `KeyId` holds.
    ///
    /// # Errors
    /// [`Code::InvalidArn`] for an ARN that is none of a key or an alias, [`Code::NotFound`] for an id that no key can
    /// have.
    pub fn parse(text: &str) -> Result<Self> {
        if text.starts_with("arn:") {
            let invalid = || Error::new(Code::InvalidArn, format!("Invalid arn {text}"));
            let arn: Arn = text.parse().map_err(|_| invalid())?;
            if arn.service != "kms" || arn.region.is_empty() || arn.account.parse::<AccountId>().is_err() {
                return Err(invalid());
            }
            match arn.resource.split_once('/') {
                Some(("key", id)) if is_id(id) => {}
                Some(("key", id)) => return Err(no_such_id(id)),
                Some(("alias", name)) if !name.is_empty() => {}
                _ => return Err(invalid()),
            }
            return Ok(Self(Name::Arn(arn)));
        }
        if text.starts_with(ALIAS) || is_id(text) {
            return Ok(Self(Name::Short(text.to_owned())));
        }
        Err(no_such_id(text))
    }

    /// The key that an account has for the service `name` (`s3`, `secretsmanager`): made on its first use.
    #[must_use]
    pub fn aws_managed(name: &str) -> Self {
        Self(Name::Short(format!("{ALIAS}aws/{name}")))
    }

    /// Whether the key is named by its ARN or its alias's: the only ways to name one of another account.
    #[must_use]
    pub fn is_arn(&self) -> bool {
        matches!(self.0, Name::Arn(_))
    }

    /// Whether it is an alias, or the ARN of one.
    pub(super) fn is_alias(&self) -> bool {
        match &self.0 {
            Name::Short(text) => text.starts_with(ALIAS),
            Name::Arn(arn) => arn.resource.starts_with(ALIAS),
        }
    }

    /// Which key it is for the caller.
    ///
    /// # Errors
    /// [`Code::NotFound`], where it is in another region.
    pub(super) fn target(&self, ctx: &Ctx) -> Result<Target> {
        let (account, resource) = match &self.0 {
            Name::Short(text) => (ctx.account().clone(), text.as_str()),
            Name::Arn(arn) => {
                if arn.region != ctx.region().as_str() {
                    return Err(Error::new(Code::NotFound, format!("Invalid arn {}", arn.region))
                        .with_hint(format!("The request is for the region {}.", ctx.region())));
                }
                (arn.account.parse()?, arn.resource.as_str())
            }
        };
        let name = match resource.strip_prefix("key/") {
            Some(id) => TargetName::Id(id.to_owned()),
            None if resource.starts_with(ALIAS) => TargetName::Alias(resource.to_owned()),
            None => TargetName::Id(resource.to_owned()),
        };
        Ok(Target { account, name })
    }
}

impl fmt::Display for KeyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Short(text) => f.write_str(text),
            Name::Arn(arn) => arn.fmt(f),
        }
    }
}

impl Target {
    /// The ARN of the key or alias.
    pub(super) fn arn(&self, ctx: &Ctx) -> String {
        match &self.name {
            TargetName::Id(id) => key_arn(&self.account, ctx.region().as_str(), id),
            TargetName::Alias(alias) => alias_arn(&self.account, ctx.region().as_str(), alias),
        }
    }
}

/// The ARN of the key `id`.
pub(super) fn key_arn(account: &AccountId, region: &str, id: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:key/{id}")
}

/// The ARN of `alias`, which starts with `alias/`.
pub(super) fn alias_arn(account: &AccountId, region: &str, alias: &str) -> String {
    format!("arn:aws:kms:{region}:{account}:{alias}")
}

/// Whether it is a UUID as KMS writes them. Ids of multi-region keys (`mrk-…`) name nothing here.
fn is_id(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_digit() || (b'a'..=b'f').contains(&b),
        })
}

fn no_such_id(text: &str) -> Error {
    Error::new(Code::NotFound, format!("Invalid keyId '{text}'"))
}
