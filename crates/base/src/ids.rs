//! Identifiers that every layer passes around.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Random};

/// An AWS account id: twelve decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(String);

impl AccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands where a request belongs to no account: no account has this id, so no row is its own.
    #[must_use]
    pub fn nobody() -> Self {
        Self("anonymous".to_owned())
    }

    /// A new random account id; the first digit is not zero, as in AWS.
    pub fn random(random: &dyn Random) -> Self {
        let number = 100_000_000_000 + random.next_u64() % 900_000_000_000;
        Self(number.to_string())
    }
}

impl FromStr for AccountId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(format!("`{text}` is not an account id.")).with_hint("An account id has 12 digits."))
        }
    }
}

/// The name of an AWS region such as `us-east-1`, or another that a client is set to, such as `local`: up to 32 small
/// letters, digits and hyphens, which neither begin nor end it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region(String);

impl Region {
    /// The region's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let inside = text.bytes().all(|b| alphanumeric(b) || b == b'-');
        let ends = [text.bytes().next(), text.bytes().last()];
        if text.len() <= 32 && inside && ends.into_iter().all(|end| end.is_some_and(alphanumeric)) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(format!("`{text}` is not a region name.")).with_hint("Regions look like `us-east-1`."))
        }
    }
}

/// The id of one request, a version 4 UUID: in every response, log line and audit entry of that request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// A new id.
    pub fn random(random: &dyn Random) -> Self {
        Self(random.uuid())
    }

    /// The id's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RequestId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let shape = |(i, b): (usize, u8)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        };
        if text.len() == 36 && text.bytes().enumerate().all(shape) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(format!("`{text}` is not a request id.")).with_hint("Request ids are UUIDs."))
        }
    }
}

macro_rules! display {
    ($($name:ident),*) => {
        $(impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        })*
    };
}

display!(AccountId, Region, RequestId);
