//! Conditional requests (RFC 9110, 13.2.2, as S3 applies it).

use base::Timestamp;

use crate::error::{Code, Error, ErrorFacts, Result};
use crate::versions::store::VersionRow;

/// The conditions of a read, or of the source of a copy: the headers' values as they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `If-Match`
    pub if_match: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<String>,
    /// `If-Modified-Since`
    pub if_modified_since: Option<Timestamp>,
    /// `If-Unmodified-Since`
    pub if_unmodified_since: Option<Timestamp>,
}

impl Conditions {
    /// Whether an object of that ETag, written at `modified`, may be read.
    ///
    /// # Errors
    /// PreconditionFailed, NotModified.
    pub(crate) fn check(&self, etag: &str, modified: Timestamp) -> Result<()> {
        let facts = || ErrorFacts { etag: Some(etag.to_owned()), modified: Some(modified), ..ErrorFacts::default() };
        match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) if !matches(tags, etag) => return Err(failed("If-Match", facts())),
            (Some(_), _) => {}
            (None, Some(since)) if seconds(modified) > seconds(since) => {
                return Err(failed("If-Unmodified-Since", facts()));
            }
            (None, _) => {}
        }
        match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) if matches(tags, etag) => Err(not_modified(facts())),
            (Some(_), _) => Ok(()),
            (None, Some(since)) if seconds(modified) <= seconds(since) => Err(not_modified(facts())),
            (None, _) => Ok(()),
        }
    }

    /// As [`Conditions::check`] for the source of a copy, of which no condition is answered with 304.
    ///
    /// # Errors
    /// PreconditionFailed.
    pub(crate) fn check_source(&self, etag: &str, modified: Timestamp) -> Result<()> {
        self.check(etag, modified).map_err(|error| match error.code {
            Code::NotModified if self.if_none_match.is_some() => {
                Error::precondition_failed("x-amz-copy-source-If-None-Match")
            }
            Code::NotModified => Error::precondition_failed("x-amz-copy-source-If-Modified-Since"),
            _ => error,
        })
    }
}

/// The conditions of a write.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct WriteConditions<'a> {
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
}

impl WriteConditions<'_> {
    /// Whether `key` may be written, given its latest version, delete markers left out.
    ///
    /// # Errors
    /// PreconditionFailed, NoSuchKey; NotImplemented for an `If-None-Match` other than `*`, as in S3.
    pub(crate) fn check(&self, key: &str, latest: Option<&VersionRow>) -> Result<()> {
        self.check_form()?;
        if let (Some(_), Some(_)) = (self.if_none_match, latest) {
            return Err(Error::precondition_failed("If-None-Match"));
        }
        match (self.if_match, latest) {
            (Some(_), None) => Err(Error::no_such_key(key)),
            (Some(tags), Some(row)) if !matches(tags, &row.etag) => Err(Error::precondition_failed("If-Match")),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// As [`WriteConditions::check`], as far as it can be told without the object.
    pub(crate) fn check_form(&self) -> Result<()> {
        match self.if_none_match {
            None | Some("*") => Ok(()),
            Some(_) => Err(Error::new(
                Code::NotImplemented,
                "A header you provided implies functionality that is not implemented",
            )
            .with_hint("`If-None-Match` of a write takes only `*`.")),
        }
    }
}

/// Whether `*`, or a list of ETags with or without quotes, has `etag`.
pub(crate) fn matches(tags: &str, etag: &str) -> bool {
    tags.trim() == "*" || tags.split(',').any(|tag| unquoted(tag) == etag)
}

/// The ETag without its quotes.
pub(crate) fn unquoted(tag: &str) -> &str {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).unwrap_or(tag)
}

fn seconds(time: Timestamp) -> i64 {
    time.as_millis().div_euclid(1000)
}

fn failed(condition: &'static str, facts: ErrorFacts) -> Error {
    Error::precondition_failed(condition).with_facts(ErrorFacts { condition: Some(condition), ..facts })
}

fn not_modified(facts: ErrorFacts) -> Error {
    Error::new(Code::NotModified, "Not Modified").with_facts(facts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "abc";
    const AT: Timestamp = Timestamp(1_000_500);

    /// What S3 answers for each pair of headers (S3 API Reference, "GetObject", and RFC 9110).
    #[test]
    fn conditions_are_checked_in_the_order_of_rfc_9110() {
        let (early, late) = (Some(Timestamp(999_000)), Some(Timestamp(1_001_000)));
        let table = [
            // (If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, answer)
            (None, None, None, None, None),
            (Some("\"abc\""), None, None, None, None),
            (Some("\"x\", \"abc\""), None, None, None, None),
            (Some("*"), None, None, None, None),
            (Some("\"x\""), None, None, None, Some(Code::PreconditionFailed)),
            (None, early, None, None, Some(Code::PreconditionFailed)),
            (None, late, None, None, None),
            // A match makes the date irrelevant; a mismatch is not saved by it.
            (Some("\"abc\""), early, None, None, None),
            (Some("\"x\""), late, None, None, Some(Code::PreconditionFailed)),
            (None, None, Some("\"abc\""), None, Some(Code::NotModified)),
            (None, None, Some("*"), None, Some(Code::NotModified)),
            (None, None, Some("\"x\""), None, None),
            (None, None, None, late, Some(Code::NotModified)),
            (None, None, None, early, None),
            (None, None, Some("\"x\""), late, None),
            (None, None, Some("\"abc\""), early, Some(Code::NotModified)),
            (Some("\"x\""), None, Some("\"abc\""), None, Some(Code::PreconditionFailed)),
            // The same second counts as not modified.
            (None, None, None, Some(Timestamp(1_000_000)), Some(Code::NotModified)),
            (None, Some(Timestamp(1_000_000)), None, None, None),
        ];
        for (index, (m, u, n, s, expected)) in table.into_iter().enumerate() {
            let conditions = Conditions {
                if_match: m.map(str::to_owned),
                if_unmodified_since: u,
                if_none_match: n.map(str::to_owned),
                if_modified_since: s,
            };
            assert_eq!(conditions.check(OWN, AT).err().map(|error| error.code), expected, "row {index}");
            let of_source = conditions.check_source(OWN, AT).err().map(|error| error.code);
            assert_eq!(of_source, expected.map(|_| Code::PreconditionFailed), "row {index}");
        }
    }

    #[test]
    fn a_304_carries_the_etag() {
        let conditions = Conditions { if_none_match: Some("abc".to_owned()), ..Conditions::default() };
        let facts = conditions.check(OWN, AT).unwrap_err().facts.unwrap();
        assert_eq!((facts.etag.as_deref(), facts.modified), (Some(OWN), Some(AT)));
    }
}
