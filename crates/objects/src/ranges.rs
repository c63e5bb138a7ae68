//! Byte ranges (RFC 9110, 14.1.2), one a request as in S3.

use std::str::FromStr;

use crate::error::{Code, Error, ErrorFacts, Result};

/// A range that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteRange {
    /// `bytes=A-`
    From(u64),
    /// `bytes=A-B`, both included.
    FromTo(u64, u64),
    /// `bytes=-N`
    Last(u64),
}

/// The bytes that an answer holds: `Content-Range: bytes FIRST-LAST/SIZE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    /// The first byte's offset.
    pub first: u64,
    /// The last byte's offset.
    pub last: u64,
    /// The object's size.
    pub size: u64,
}

impl ByteRange {
    /// The bytes of an object of `size` bytes that the range has.
    ///
    /// # Errors
    /// InvalidRange, where it has none.
    pub fn of(self, size: u64) -> Result<ContentRange> {
        let unsatisfiable = || {
            Error::new(Code::InvalidRange, "The requested range is not satisfiable")
                .with_facts(ErrorFacts { size: Some(size), ..ErrorFacts::default() })
        };
        let (first, last) = match self {
            Self::From(first) => (first, size.saturating_sub(1)),
            Self::FromTo(first, last) => (first, last.min(size.saturating_sub(1))),
            Self::Last(0) => return Err(unsatisfiable()),
            Self::Last(length) => (size.saturating_sub(length), size.saturating_sub(1)),
        };
        if first >= size || last < first {
            return Err(unsatisfiable());
        }
        Ok(ContentRange { first, last, size })
    }
}

impl FromStr for ByteRange {
    type Err = Error;

    /// Reads a `Range` header's value. S3 ignores what is of no form that it knows; so should the caller.
    ///
    /// # Errors
    /// InvalidArgument, where it is of another form.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::invalid_argument("The range specified is not valid");
        let (first, last) = text.strip_prefix("bytes=").and_then(|range| range.split_once('-')).ok_or_else(invalid)?;
        let number = |text: &str| text.trim().parse::<u64>().map_err(|_| invalid());
        match (first.trim(), last.trim()) {
            ("", last) => Ok(Self::Last(number(last)?)),
            (first, "") => Ok(Self::From(number(first)?)),
            (first, last) => match (number(first)?, number(last)?) {
                (first, last) if last < first => Err(invalid()),
                (first, last) => Ok(Self::FromTo(first, last)),
            },
        }
    }
}

impl ContentRange {
    /// How many bytes it has.
    #[must_use]
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str, size: u64) -> Option<(u64, u64)> {
        text.parse::<ByteRange>().unwrap().of(size).ok().map(|range| (range.first, range.last))
    }

    #[test]
    fn ranges_are_cut_to_the_object() {
        assert_eq!(bytes("bytes=0-4", 10), Some((0, 4)));
        assert_eq!(bytes("bytes=5-", 10), Some((5, 9)));
        assert_eq!(bytes("bytes=-3", 10), Some((7, 9)));
        assert_eq!(bytes("bytes=-30", 10), Some((0, 9)));
        assert_eq!(bytes("bytes=8-99", 10), Some((8, 9)));
        assert_eq!(bytes("bytes=10-", 10), None);
        assert_eq!(bytes("bytes=0-0", 0), None);
        assert_eq!(bytes("bytes=-0", 10), None);
        assert_eq!(bytes("bytes=-5", 0), None);
    }

    #[test]
    fn other_forms_are_told_apart() {
        for text in ["bytes=a-b", "bytes=5-4", "items=0-4", "bytes=0-1,3-4", "bytes=-", ""] {
            assert!(text.parse::<ByteRange>().is_err(), "{text}");
        }
    }
}
