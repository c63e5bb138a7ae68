//! Reading objects: whole, in ranges, their heads and their attributes.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use objects::{Attributes, ByteRange, Conditions, GetObject, Got, ObjectInfo, PartsAsk};
use s3s::S3Response;
use s3s::dto::*;

use super::Craton;
use super::body::from_store;
use super::buckets::any_given;
use super::convert::{algorithm_out, checksum_out, conditions, count, etag, expires, kind_of, length, moment, sealed};
use super::customer_keys::{self, customer_key};
use super::errors::Told;
use super::table::{Asked, Done};
use super::tags::object;
use super::{hub, locks};

pub(crate) async fn get(s3: &Craton, asked: Asked<GetObjectInput>) -> Done<GetObjectOutput> {
    if hub::is_hub(&asked.input.bucket) {
        return hub::get(s3, asked).await;
    }
    let Asked { ctx, input, headers, visit, .. } = asked;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    refuse_encryption(&headers)?;
    let overridden = any_given(&[
        &input.response_cache_control,
        &input.response_content_disposition,
        &input.response_content_encoding,
        &input.response_content_language,
        &input.response_content_type,
    ]);
    if overridden || input.response_expires.is_some() {
        refuse_overrides_of_strangers(&ctx)?;
    }
    let with_checksum = input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED");
    let ask = GetObject {
        object: object(input.bucket, input.expected_bucket_owner, input.key, input.version_id),
        range: input.range.map(byte_range),
        part: part(input.part_number)?,
        conditions: read_conditions(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        ),
        customer_key,
    };
    let got = s3.objects.get_object(&ctx, &ask).await?;
    let Got { object, lock, range, length: bytes, body } = got;
    let (object_lock_mode, object_lock_retain_until_date, object_lock_legal_hold_status) = locks::told(&lock);
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&object.sealed);
    let mut output = GetObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        body: Some(from_store(body)),
        bucket_key_enabled,
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        content_length: Some(length(bytes)),
        content_range: range.as_ref().map(range_text),
        content_type: Some(content_type(&object)),
        e_tag: Some(etag(object.etag.clone())),
        expires: expires(&object.headers),
        last_modified: Some(moment(object.modified)),
        metadata: metadata(&object),
        object_lock_legal_hold_status,
        object_lock_mode,
        object_lock_retain_until_date,
        parts_count: object.parts.filter(|_| ask.part.is_some()).map(count),
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        storage_class: storage_class(&object),
        tag_count: (object.tag_count > 0).then(|| count(object.tag_count)),
        version_id: object.version_id.clone(),
        website_redirect_location: object.headers.website_redirect.clone(),
        ..GetObjectOutput::default()
    };
    if with_checksum && range.is_none() {
        checksum_out!(&object.checksum, output);
        output.checksum_type = kind_of(object.checksum.as_ref());
    }
    Ok(S3Response::new(output))
}

pub(crate) async fn head(s3: &Craton, asked: Asked<HeadObjectInput>) -> Done<HeadObjectOutput> {
    if hub::is_hub(&asked.input.bucket) {
        return hub::head(s3, asked).await;
    }
    let Asked { ctx, input, headers, visit, .. } = asked;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    refuse_encryption(&headers)?;
    let overrides = overrides(&input)?;
    if !overrides.is_empty() {
        refuse_overrides_of_strangers(&ctx)?;
    }
    let with_checksum = input.checksum_mode.as_ref().is_some_and(|mode| mode.as_str() == "ENABLED");
    let ask = GetObject {
        object: object(input.bucket, input.expected_bucket_owner, input.key, input.version_id),
        range: input.range.map(byte_range),
        part: part(input.part_number)?,
        conditions: read_conditions(
            input.if_match,
            input.if_none_match,
            input.if_modified_since,
            input.if_unmodified_since,
        ),
        customer_key,
    };
    let Got { object, lock, range, length: bytes, .. } = s3.objects.head_object(&ctx, &ask).await?;
    let (object_lock_mode, object_lock_retain_until_date, object_lock_legal_hold_status) = locks::told(&lock);
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&object.sealed);
    let mut output = HeadObjectOutput {
        accept_ranges: Some("bytes".to_owned()),
        bucket_key_enabled,
        cache_control: object.headers.cache_control.clone(),
        content_disposition: object.headers.content_disposition.clone(),
        content_encoding: object.headers.content_encoding.clone(),
        content_language: object.headers.content_language.clone(),
        content_length: Some(length(bytes)),
        content_range: range.as_ref().map(range_text),
        content_type: Some(content_type(&object)),
        e_tag: Some(etag(object.etag.clone())),
        expires: expires(&object.headers),
        last_modified: Some(moment(object.modified)),
        metadata: metadata(&object),
        object_lock_legal_hold_status,
        object_lock_mode,
        object_lock_retain_until_date,
        parts_count: object.parts.filter(|_| ask.part.is_some()).map(count),
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        storage_class: storage_class(&object),
        version_id: object.version_id.clone(),
        website_redirect_location: object.headers.website_redirect.clone(),
        ..HeadObjectOutput::default()
    };
    if with_checksum && range.is_none() {
        checksum_out!(&object.checksum, output);
        output.checksum_type = kind_of(object.checksum.as_ref());
    }
    let mut response = S3Response::new(output);
    response.headers = overrides;
    if object.tag_count > 0 {
        response.headers.insert(HeaderName::from_static("x-amz-tagging-count"), HeaderValue::from(object.tag_count));
    }
    response.status = range.map(|_| StatusCode::PARTIAL_CONTENT);
    Ok(response)
}

pub(crate) async fn attributes(s3: &Craton, asked: Asked<GetObjectAttributesInput>) -> Done<GetObjectAttributesOutput> {
    let Asked { ctx, input, headers, visit, .. } = asked;
    let customer_key = customer_key!(input, &visit)?;
    let _ = input.object_attributes;
    // A client may write the list in one header or in several.
    let lines = headers.get_all("x-amz-object-attributes").into_iter().filter_map(|value| value.to_str().ok());
    let wanted: Vec<String> = lines.flat_map(|line| line.split(',')).map(|name| name.trim().to_owned()).collect();
    const KNOWN: [&str; 5] = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];
    if wanted.iter().any(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Told::new(400, "InvalidArgument", "Invalid attribute name specified.")
            .about("ArgumentName", "x-amz-object-attributes"));
    }
    let wants = |name: &str| wanted.iter().any(|wanted| wanted == name);
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let most = input.max_parts.map(|most| u32::try_from(most).unwrap_or(0));
    let after = input.part_number_marker.map(|after| u32::try_from(after).unwrap_or(0));
    let ask = PartsAsk { max: most, after };
    let found = s3.objects.get_object_attributes(&ctx, &object, ask, customer_key.as_ref()).await?;
    let info = &found.object;
    let output = GetObjectAttributesOutput {
        checksum: wants("Checksum").then(|| whole_checksum(info)).flatten(),
        e_tag: wants("ETag").then(|| etag(info.etag.clone())),
        last_modified: Some(moment(info.modified)),
        object_parts: wants("ObjectParts").then(|| parts(&found, after, most)).flatten(),
        object_size: wants("ObjectSize").then(|| length(info.size)),
        storage_class: wants("StorageClass").then(|| StorageClass::from(info.storage_class.clone())),
        version_id: info.version_id.clone(),
        ..GetObjectAttributesOutput::default()
    };
    Ok(S3Response::new(output))
}

fn whole_checksum(info: &ObjectInfo) -> Option<Checksum> {
    info.checksum.as_ref()?;
    let mut checksum = Checksum { checksum_type: kind_of(info.checksum.as_ref()), ..Checksum::default() };
    checksum_out!(&info.checksum, checksum);
    Some(checksum)
}

/// The parts of an object that was uploaded in parts. AWS lists them only where each has a checksum of its own.
fn parts(found: &Attributes, after: Option<u32>, most: Option<u32>) -> Option<GetObjectAttributesParts> {
    let total = found.object.parts?;
    let listed: Vec<ObjectPart> = found
        .parts
        .iter()
        .filter(|part| part.checksum.is_some())
        .map(|part| {
            let mut listed = ObjectPart {
                part_number: Some(count(part.number)),
                size: Some(length(part.size)),
                ..ObjectPart::default()
            };
            checksum_out!(&part.checksum, listed);
            listed
        })
        .collect();
    Some(GetObjectAttributesParts {
        is_truncated: Some(found.truncated),
        max_parts: Some(count(most.unwrap_or(1000))),
        next_part_number_marker: found.parts.last().map(|part| count(part.number)),
        part_number_marker: Some(count(after.unwrap_or(0))),
        parts: (!listed.is_empty()).then_some(listed),
        total_parts_count: Some(count(total)),
    })
}

/// How an object was encrypted is not for its readers to say.
fn refuse_encryption(headers: &HeaderMap) -> Result<(), Told> {
    const NAME: &str = "x-amz-server-side-encryption";
    match headers.get(NAME).and_then(|value| value.to_str().ok()) {
        None => Ok(()),
        Some(value) => {
            let message = format!("{NAME} header is not supported for this operation.");
            Err(Told::new(400, "InvalidArgument", message).about("ArgumentName", NAME).about("ArgumentValue", value))
        }
    }
}

fn refuse_overrides_of_strangers(ctx: &identity::Ctx) -> Result<(), Told> {
    if matches!(ctx.principal(), identity::Principal::Anonymous { .. }) {
        let message = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(Told::new(400, "InvalidRequest", message));
    }
    Ok(())
}

fn read_conditions(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    modified: Option<Timestamp>,
    unmodified: Option<Timestamp>,
) -> Conditions {
    conditions(if_match, if_none_match, modified, unmodified)
}

fn byte_range(range: Range) -> ByteRange {
    match range {
        Range::Int { first, last: Some(last) } => ByteRange::FromTo(first, last),
        Range::Int { first, last: None } => ByteRange::From(first),
        Range::Suffix { length } => ByteRange::Last(length),
    }
}

/// The number of a part that a request names.
pub(crate) fn part(number: Option<i32>) -> Result<Option<u32>, Told> {
    let Some(number) = number else { return Ok(None) };
    match u32::try_from(number) {
        Ok(number) if (1..=10_000).contains(&number) => Ok(Some(number)),
        _ => Err(Told::new(400, "InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
            .about("ArgumentName", "partNumber")
            .about("ArgumentValue", number.to_string())),
    }
}

/// The headers that a request wants in the answer in place of the object's own.
fn overrides(input: &HeadObjectInput) -> Result<HeaderMap, Told> {
    let expires = input.response_expires.clone().map(|time| super::convert::http_date(super::convert::timestamp(time)));
    let wanted = [
        (header::CACHE_CONTROL, input.response_cache_control.clone()),
        (header::CONTENT_DISPOSITION, input.response_content_disposition.clone()),
        (header::CONTENT_ENCODING, input.response_content_encoding.clone()),
        (header::CONTENT_LANGUAGE, input.response_content_language.clone()),
        (header::CONTENT_TYPE, input.response_content_type.clone()),
        (header::EXPIRES, expires),
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in wanted {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(&value)
            .map_err(|_| Told::new(400, "InvalidArgument", "Header value cannot be represented using ISO-8859-1."))?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn range_text(range: &objects::ContentRange) -> String {
    format!("bytes {}-{}/{}", range.first, range.last, range.size)
}

fn content_type(object: &ObjectInfo) -> String {
    object.headers.content_type.clone().unwrap_or_else(|| "binary/octet-stream".to_owned())
}

/// AWS names the class only where it is not the standard one.
fn storage_class(object: &ObjectInfo) -> Option<StorageClass> {
    (object.storage_class != StorageClass::STANDARD).then(|| StorageClass::from(object.storage_class.clone()))
}

fn metadata(object: &ObjectInfo) -> Option<Metadata> {
    (!object.metadata.is_empty()).then(|| object.metadata.iter().cloned().collect())
}

/// The algorithm of a listed object, as a list of one.
pub(crate) fn algorithms(algorithm: Option<objects::ChecksumAlgorithm>) -> Option<ChecksumAlgorithmList> {
    algorithm.map(|algorithm| vec![algorithm_out(algorithm)])
}
