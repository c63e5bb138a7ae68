//! Writing objects.

use http::HeaderMap;
use objects::{Body, ChecksumAlgorithm, Checksums, PutObject};
use s3s::TrailingHeaders;
use s3s::dto::*;

use super::Craton;
use super::body::to_store;
use super::buckets::{any_given, check_canned, check_one_way};
use super::convert::{
    EncryptionAsk, algorithm, bucket, checksum_out, checksums_in, condition, etag, headers_in, kind_of, metadata,
    sealed, trailing,
};
use super::customer_keys::{self, customer_key};
use super::errors::Told;
use super::locks::lock_in;
use super::table::{Asked, Done, done};
use super::visit::Visit;

/// The largest object that one request may bring.
const LARGEST_PUT: i64 = 5 << 30;

pub(crate) async fn put(s3: &Craton, asked: Asked<PutObjectInput>) -> Done<PutObjectOutput> {
    let Asked { ctx, mut input, headers, trailers, visit } = asked;
    if input.write_offset_bytes.is_some() {
        return Err(Told::new(501, "NotImplemented", "x-amz-write-offset-bytes is not implemented."));
    }
    let lock = lock_in!(input)?;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    let length = checked_length(input.content_length)?;
    let body = incoming(input.body.take(), length, trailers, &headers, &visit);
    let ask = PutObject {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner.take()),
        headers: headers_in!(input),
        metadata: metadata(input.metadata.take()),
        tags: tags(input.tagging.as_deref())?,
        storage_class: input.storage_class.take().map(|class| class.as_str().to_owned()),
        encryption: EncryptionAsk {
            kind: input.server_side_encryption.take(),
            key: input.ssekms_key_id.take(),
            bucket_key: input.bucket_key_enabled,
            context: input.ssekms_encryption_context.take(),
        }
        .read()?,
        customer_key,
        lock,
        content_md5: input.content_md5.take(),
        checksums: checksums_in!(input),
        algorithm: wanted_algorithm(input.checksum_algorithm.as_ref(), &headers)?,
        if_match: condition(input.if_match.take()),
        if_none_match: condition(input.if_none_match.take()),
        acl: acl(
            input.acl.as_ref().map(ObjectCannedACL::as_str),
            &[&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp],
        )?,
        key: input.key,
    };
    let stored = s3.objects.put_object(&ctx, ask, body).await?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&stored.sealed);
    let mut output = PutObjectOutput {
        bucket_key_enabled,
        checksum_type: kind_of(stored.checksum.as_ref()),
        e_tag: Some(etag(stored.etag)),
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        version_id: stored.version_id,
        ..PutObjectOutput::default()
    };
    checksum_out!(&stored.checksum, output);
    done(output)
}

/// The length that the request's head says.
pub(crate) fn checked_length(length: Option<i64>) -> Result<u64, Told> {
    match length {
        None => Err(Told::new(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")),
        Some(length) if length > LARGEST_PUT => {
            Err(Told::new(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
                .about("ProposedSize", length.to_string())
                .about("MaxSizeAllowed", LARGEST_PUT.to_string()))
        }
        Some(length) => u64::try_from(length)
            .map_err(|_| Told::new(400, "InvalidArgument", "The Content-Length header must not be negative.")),
    }
}

/// A body that is stored as it comes.
pub(crate) fn incoming(
    blob: Option<StreamingBlob>,
    length: u64,
    trailers: Option<TrailingHeaders>,
    headers: &HeaderMap,
    visit: &Visit,
) -> Body {
    let Some(blob) = blob else { return Body::empty() };
    let announced = headers.get("x-amz-trailer").and_then(|value| value.to_str().ok()).map(str::to_ascii_lowercase);
    let announced = announced.filter(|names| names.contains("x-amz-checksum-"));
    let trailers = trailers.zip(announced).map(|(trailers, announced)| {
        let read = move || trailing_checksums(&trailers, &announced);
        Box::new(read) as Box<dyn FnOnce() -> objects::Result<Checksums> + Send>
    });
    Body { stream: to_store(blob, visit), length: Some(length), trailers }
}

/// The checksums that came after the body; those that were announced must be there.
fn trailing_checksums(trailers: &TrailingHeaders, announced: &str) -> objects::Result<Checksums> {
    let found = trailers.take().unwrap_or_default();
    let missing = announced.split(',').map(str::trim).find(|name| !found.contains_key(*name));
    if missing.is_some() {
        let error = base::Error::invalid("The request contained trailing data that was not well-formed");
        return Err(error.into());
    }
    Ok(trailing(&found))
}

/// The algorithm that a request wants its object's checksum in.
pub(crate) fn wanted_algorithm(
    decoded: Option<&s3s::dto::ChecksumAlgorithm>,
    headers: &HeaderMap,
) -> Result<Option<ChecksumAlgorithm>, Told> {
    let named = headers.get("x-amz-sdk-checksum-algorithm").and_then(|value| value.to_str().ok());
    let named = named.map(|name| s3s::dto::ChecksumAlgorithm::from(name.to_owned()));
    algorithm(named.as_ref().or(decoded))
}

/// The tags of an `x-amz-tagging` header.
pub(crate) fn tags(header: Option<&str>) -> Result<objects::Pairs, Told> {
    Ok(header.map(objects::parse_tagging_header).transpose()?.unwrap_or_default())
}

/// Whether a request asks for rights that the owner of the bucket does not have anyway.
pub(crate) fn acl(canned: Option<&str>, grants: &[&Option<String>]) -> Result<bool, Told> {
    if let Some(canned) = canned {
        check_canned(canned)?;
        check_one_way(any_given(grants))?;
    }
    let harmless = canned.is_none_or(|canned| matches!(canned, "bucket-owner-full-control" | "private"));
    Ok(!harmless || any_given(grants))
}
