//! Between s3s's types and those of `objects`, by hand.

use std::time::{Duration, UNIX_EPOCH};

use base::{AccountId, Timestamp};
use objects::{
    BucketRef, Checksum, ChecksumAlgorithm, ChecksumType, Checksums, Conditions, Encryption, Headers, Pairs, Sealed,
};
use s3s::dto;

use super::errors::Told;

/// A moment in whole seconds: S3 knows no finer ones.
pub(crate) fn moment(time: Timestamp) -> dto::Timestamp {
    let seconds = u64::try_from(time.as_millis().div_euclid(1000)).unwrap_or(0);
    dto::Timestamp::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// A moment that a request names.
pub(crate) fn timestamp(time: dto::Timestamp) -> Timestamp {
    let mut text = Vec::new();
    // A vector takes all that is written.
    let _ = time.format(dto::TimestampFormat::EpochSeconds, &mut text);
    let seconds: f64 = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    #[expect(clippy::cast_possible_truncation, reason = "S3's moments are between the years 0 and 9999")]
    Timestamp((seconds * 1000.0).round() as i64)
}

/// `Tue, 27 Mar 2007 19:36:42 GMT`
pub(crate) fn http_date(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.as_millis().div_euclid(1000)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&time).unwrap_or_default()
}

/// The moment of a `Date` header.
pub(crate) fn read_date(text: &str) -> Option<Timestamp> {
    let zoned = jiff::fmt::rfc2822::parse(text.trim()).map(|zoned| zoned.timestamp());
    let basic = || {
        let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text.trim()).ok()?;
        Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    Some(Timestamp(zoned.ok().or_else(basic)?.as_millisecond()))
}

/// The entity tag of an object.
pub(crate) fn etag(text: impl Into<String>) -> dto::ETag {
    dto::ETag::Strong(text.into())
}

/// The condition as its header had it.
pub(crate) fn condition(condition: Option<dto::ETagCondition>) -> Option<String> {
    condition.map(|condition| match condition {
        dto::ETagCondition::Any => "*".to_owned(),
        dto::ETagCondition::ETag(etag) => format!("\"{}\"", etag.value()),
    })
}

/// Conditions of a read or of a copy's source.
pub(crate) fn conditions(
    if_match: Option<dto::ETagCondition>,
    if_none_match: Option<dto::ETagCondition>,
    if_modified_since: Option<dto::Timestamp>,
    if_unmodified_since: Option<dto::Timestamp>,
) -> Conditions {
    Conditions {
        if_match: condition(if_match),
        if_none_match: condition(if_none_match),
        if_modified_since: if_modified_since.map(timestamp),
        if_unmodified_since: if_unmodified_since.map(timestamp),
    }
}

/// A bucket that a request names, with the account that it expects to own it.
pub(crate) fn bucket(name: impl Into<String>, expected_owner: Option<String>) -> BucketRef {
    BucketRef { expected_owner, ..BucketRef::new(name.into()) }
}

/// The owner of buckets and objects: the account.
pub(crate) fn owner(account: &AccountId) -> dto::Owner {
    dto::Owner { id: Some(canonical_id(account)), display_name: None }
}

/// The id by which S3 calls an account in lists of rights: 64 hexadecimal digits that say nothing of it.
pub(crate) fn canonical_id(account: &AccountId) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha256::digest(format!("s3:canonical:{}", account.as_str()));
    digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The algorithm that a request names.
pub(crate) fn algorithm(name: Option<&dto::ChecksumAlgorithm>) -> Result<Option<ChecksumAlgorithm>, Told> {
    let Some(name) = name.map(dto::ChecksumAlgorithm::as_str) else { return Ok(None) };
    match name.to_ascii_uppercase().parse() {
        Ok(algorithm) => Ok(Some(algorithm)),
        Err(_) => Err(Told::new(
            400,
            "InvalidRequest",
            "Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, \
             CRC64NVME, SHA1, SHA256]",
        )),
    }
}

/// The algorithm in s3s's terms.
pub(crate) fn algorithm_out(algorithm: ChecksumAlgorithm) -> dto::ChecksumAlgorithm {
    dto::ChecksumAlgorithm::from(algorithm.as_str().to_owned())
}

/// The kind of checksum that a request names.
pub(crate) fn checksum_type(name: Option<&dto::ChecksumType>) -> Result<Option<ChecksumType>, Told> {
    let Some(name) = name.map(dto::ChecksumType::as_str) else { return Ok(None) };
    name.parse().map(Some).map_err(|_| {
        Told::new(400, "InvalidRequest", format!("Value for x-amz-checksum-type header is invalid: {name}"))
    })
}

/// The kind in s3s's terms.
pub(crate) fn checksum_type_out(kind: ChecksumType) -> dto::ChecksumType {
    dto::ChecksumType::from(kind.as_str().to_owned())
}

/// The checksums of a request, from the fields of that name of any of s3s's structures.
macro_rules! checksums_in {
    ($from:expr) => {
        objects::Checksums {
            crc32: $from.checksum_crc32.take(),
            crc32c: $from.checksum_crc32c.take(),
            crc64nvme: $from.checksum_crc64nvme.take(),
            sha1: $from.checksum_sha1.take(),
            sha256: $from.checksum_sha256.take(),
        }
    };
}
pub(crate) use checksums_in;

/// Sets a stored checksum in the field of its name of any of s3s's structures.
macro_rules! checksum_out {
    ($checksum:expr, $into:expr) => {
        if let Some(checksum) = $checksum {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                objects::ChecksumAlgorithm::Crc32 => $into.checksum_crc32 = value,
                objects::ChecksumAlgorithm::Crc32c => $into.checksum_crc32c = value,
                objects::ChecksumAlgorithm::Crc64Nvme => $into.checksum_crc64nvme = value,
                objects::ChecksumAlgorithm::Sha1 => $into.checksum_sha1 = value,
                objects::ChecksumAlgorithm::Sha256 => $into.checksum_sha256 = value,
            }
        }
    };
}
pub(crate) use checksum_out;

/// The kind of a stored checksum.
pub(crate) fn kind_of(checksum: Option<&Checksum>) -> Option<dto::ChecksumType> {
    checksum.map(|checksum| checksum_type_out(checksum.kind))
}

/// The checksums in the trailer of a chunked body.
pub(crate) fn trailing(headers: &http::HeaderMap) -> Checksums {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
    Checksums {
        crc32: value("x-amz-checksum-crc32"),
        crc32c: value("x-amz-checksum-crc32c"),
        crc64nvme: value("x-amz-checksum-crc64nvme"),
        sha1: value("x-amz-checksum-sha1"),
        sha256: value("x-amz-checksum-sha256"),
    }
}

/// The encryption that a request asks for.
pub(crate) struct EncryptionAsk {
    pub(crate) kind: Option<dto::ServerSideEncryption>,
    pub(crate) key: Option<String>,
    pub(crate) bucket_key: Option<bool>,
    pub(crate) context: Option<String>,
}

impl EncryptionAsk {
    /// What is asked for; `None` leaves it to the bucket's default.
    pub(crate) fn read(self) -> Result<Option<Encryption>, Told> {
        let invalid = |message: &str| Err(Told::new(400, "InvalidArgument", message));
        match self.kind.as_ref().map(dto::ServerSideEncryption::as_str) {
            None if self.key.is_some() || self.context.is_some() => invalid(
                "The header x-amz-server-side-encryption-aws-kms-key-id needs x-amz-server-side-encryption: aws:kms.",
            ),
            None => Ok(None),
            Some("AES256") if self.key.is_some() => invalid(
                "x-amz-server-side-encryption-aws-kms-key-id is only for x-amz-server-side-encryption: aws:kms.",
            ),
            Some("AES256") => Ok(Some(Encryption::S3)),
            Some("aws:kms") => Ok(Some(Encryption::Kms {
                key: self.key,
                bucket_key: self.bucket_key,
                context: self.context.as_deref().map(context).transpose()?,
            })),
            Some("aws:kms:dsse") => {
                Err(Told::new(501, "NotImplemented", "Dual-layer encryption (aws:kms:dsse) is not implemented."))
            }
            Some(_) => invalid("The encryption method specified is not supported"),
        }
    }
}

/// The encryption context of a header: JSON in base64.
fn context(text: &str) -> Result<Pairs, Told> {
    use base64::Engine as _;
    let invalid = || {
        Told::new(
            400,
            "InvalidArgument",
            "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON which \
             represents a string-string map",
        )
    };
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).map_err(|_| invalid())?;
    let tree: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
    tree.into_iter()
        .map(|(name, value)| match value {
            serde_json::Value::String(value) => Ok((name, value)),
            _ => Err(invalid()),
        })
        .collect()
}

/// How an object is stored, as answers say it: method, key, bucket key.
pub(crate) type SealedOut = (Option<dto::ServerSideEncryption>, Option<String>, Option<bool>);

/// How an object is stored, as answers say it.
pub(crate) fn sealed(sealed: &Sealed) -> SealedOut {
    match sealed {
        Sealed::Customer => (None, None, None),
        Sealed::S3 => (Some(dto::ServerSideEncryption::from_static("AES256")), None, None),
        Sealed::Kms { key_arn, bucket_key } => {
            (Some(dto::ServerSideEncryption::from_static("aws:kms")), Some(key_arn.clone()), bucket_key.then_some(true))
        }
    }
}

/// The headers of an object's content, from the fields of any of s3s's structures.
macro_rules! headers_in {
    ($from:expr) => {
        objects::Headers {
            content_type: $from.content_type.take(),
            cache_control: $from.cache_control.take(),
            content_disposition: $from.content_disposition.take(),
            content_encoding: $from.content_encoding.take().and_then($crate::s3::convert::content_encoding),
            content_language: $from.content_language.take(),
            expires: $from
                .expires
                .take()
                .map(|time| $crate::s3::convert::http_date($crate::s3::convert::timestamp(time))),
            website_redirect: $from.website_redirect_location.take(),
        }
    };
}
pub(crate) use headers_in;

/// `aws-chunked` is how the body travels, not what the object is.
pub(crate) fn content_encoding(text: String) -> Option<String> {
    if !text.to_ascii_lowercase().contains("aws-chunked") {
        return Some(text);
    }
    let rest = text.split(',').map(str::trim).filter(|part| !part.eq_ignore_ascii_case("aws-chunked"));
    let rest: Vec<&str> = rest.collect();
    (!rest.is_empty()).then(|| rest.join(","))
}

/// `Expires` of a stored object.
pub(crate) fn expires(headers: &Headers) -> Option<dto::Timestamp> {
    headers.expires.as_deref().and_then(read_date).map(moment)
}

/// A request's metadata.
pub(crate) fn metadata(map: Option<dto::Metadata>) -> Pairs {
    let mut pairs: Pairs = map.into_iter().flatten().collect();
    pairs.sort();
    pairs
}

/// Tags of a request.
pub(crate) fn tags_in(tags: dto::TagSet) -> Result<Pairs, Told> {
    let read = |tag: dto::Tag| match (tag.key, tag.value) {
        (Some(key), Some(value)) => Ok((key, value)),
        _ => Err(malformed_xml()),
    };
    tags.into_iter().map(read).collect()
}

/// Tags of an answer.
pub(crate) fn tags_out(tags: Pairs) -> dto::TagSet {
    tags.into_iter().map(|(key, value)| dto::Tag { key: Some(key), value: Some(value) }).collect()
}

/// A body that is not what the operation takes.
pub(crate) fn malformed_xml() -> Told {
    let message = "The XML you provided was not well-formed or did not validate against our published schema";
    Told::new(400, "MalformedXML", message)
}

/// A length, as s3s counts.
pub(crate) fn length(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// A count, as s3s counts.
pub(crate) fn count(count: impl TryInto<i32>) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_headers_are_read_and_written() {
        let time = Timestamp(1_175_024_202_000);
        assert_eq!(http_date(time), "Tue, 27 Mar 2007 19:36:42 GMT");
        for text in ["Tue, 27 Mar 2007 19:36:42 GMT", "Tue, 27 Mar 2007 21:36:42 +0200", "20070327T193642Z"] {
            assert_eq!(read_date(text), Some(time), "{text}");
        }
        assert_eq!(read_date("yesterday"), None);
        assert_eq!(timestamp(moment(Timestamp(time.0 + 999))), time);
    }

    #[test]
    fn the_way_a_body_travels_is_no_encoding_of_the_object() {
        assert_eq!(content_encoding("gzip".into()), Some("gzip".into()));
        assert_eq!(content_encoding("aws-chunked".into()), None);
        assert_eq!(content_encoding("gzip, aws-chunked".into()), Some("gzip".into()));
    }

    #[test]
    fn an_encryption_context_is_json_in_base64() {
        assert_eq!(context("eyJhIjoiYiJ9").unwrap(), [("a".to_owned(), "b".to_owned())]);
        for bad in ["{}", "eyJhIjoxfQ==", "W10="] {
            assert_eq!(context(bad).unwrap_err().code, "InvalidArgument", "{bad}");
        }
    }
}
