//! Copies of objects, whole and into parts.

use objects::{Checksums, CopyObject, CopyPart, Directive, ObjectRef, PartRef, PutObject, UploadRef};
use s3s::dto::*;

use super::Craton;
use super::convert::{
    EncryptionAsk, bucket, checksum_out, conditions, etag, headers_in, kind_of, metadata, moment, sealed,
};
use super::customer_keys::{self, customer_key, source_key};
use super::errors::Told;
use super::locks::lock_in;
use super::reads::part;
use super::table::{Asked, Done, done};
use super::writes::{acl, tags, wanted_algorithm};

pub(crate) async fn copy(s3: &Craton, asked: Asked<CopyObjectInput>) -> Done<CopyObjectOutput> {
    let Asked { ctx, mut input, headers, visit, .. } = asked;
    let lock = lock_in!(input)?;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    let source_key = source_key!(input, &visit)?;
    let from = source(&input.copy_source, input.expected_source_bucket_owner.take())?;
    let source_name = from.key.clone();
    let ask = CopyObject {
        source_conditions: conditions(
            input.copy_source_if_match.take(),
            input.copy_source_if_none_match.take(),
            input.copy_source_if_modified_since.take(),
            input.copy_source_if_unmodified_since.take(),
        ),
        source: from,
        source_key,
        to: PutObject {
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
            content_md5: None,
            checksums: Checksums::default(),
            algorithm: wanted_algorithm(input.checksum_algorithm.as_ref(), &headers)?,
            if_match: header(&headers, "if-match"),
            if_none_match: header(&headers, "if-none-match"),
            acl: acl(
                input.acl.as_ref().map(ObjectCannedACL::as_str),
                &[&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp],
            )?,
            key: input.key.clone(),
        },
        metadata_directive: directive(input.metadata_directive.as_ref().map(MetadataDirective::as_str), "metadata")?,
        tagging_directive: directive(input.tagging_directive.as_ref().map(TaggingDirective::as_str), "tagging")?,
    };
    let copied = s3.objects.copy_object(&ctx, ask).await.map_err(|error| of_source(error, &source_name))?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&copied.put.sealed);
    let mut result = CopyObjectResult {
        checksum_type: kind_of(copied.put.checksum.as_ref()),
        e_tag: Some(etag(copied.put.etag)),
        last_modified: Some(moment(copied.put.modified)),
        ..CopyObjectResult::default()
    };
    checksum_out!(&copied.put.checksum, result);
    done(CopyObjectOutput {
        bucket_key_enabled,
        copy_object_result: Some(result),
        copy_source_version_id: copied.source_version,
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        version_id: copied.put.version_id,
        ..CopyObjectOutput::default()
    })
}

pub(crate) async fn copy_part(s3: &Craton, asked: Asked<UploadPartCopyInput>) -> Done<UploadPartCopyOutput> {
    let Asked { ctx, mut input, visit, .. } = asked;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    let source_key = source_key!(input, &visit)?;
    let number = part(Some(input.part_number))?.unwrap_or_default();
    let upload = UploadRef {
        bucket: bucket(input.bucket, input.expected_bucket_owner),
        key: input.key,
        upload_id: input.upload_id,
    };
    let to = PartRef { upload, number };
    let from = source(&input.copy_source, input.expected_source_bucket_owner.take())?;
    let source_name = from.key.clone();
    let ask = CopyPart {
        source: from,
        source_key,
        customer_key,
        range: input.copy_source_range.take().map(|range| range.parse()).transpose()?,
        conditions: conditions(
            input.copy_source_if_match.take(),
            input.copy_source_if_none_match.take(),
            input.copy_source_if_modified_since.take(),
            input.copy_source_if_unmodified_since.take(),
        ),
    };
    let copied = s3.objects.upload_part_copy(&ctx, &to, &ask).await.map_err(|error| of_source(error, &source_name))?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&copied.part.sealed);
    let mut result = CopyPartResult {
        e_tag: Some(etag(copied.part.etag)),
        last_modified: Some(moment(copied.modified)),
        ..CopyPartResult::default()
    };
    checksum_out!(&copied.part.checksum, result);
    done(UploadPartCopyOutput {
        bucket_key_enabled,
        copy_part_result: Some(result),
        copy_source_version_id: copied.source_version,
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        ..UploadPartCopyOutput::default()
    })
}

/// What is missing is the source, whatever key the request's path names.
fn of_source(error: objects::Error, key: &str) -> Told {
    let missing = matches!(error.code, objects::Code::NoSuchKey | objects::Code::NoSuchVersion);
    let told = Told::from(error);
    if missing { told.about("Key", key) } else { told }
}

/// The object that is copied.
fn source(source: &CopySource, expected_owner: Option<String>) -> Result<ObjectRef, Told> {
    match source {
        CopySource::Bucket { bucket: name, key, version_id } => Ok(ObjectRef {
            bucket: bucket(name.as_ref(), expected_owner),
            key: key.as_ref().to_owned(),
            version: version_id.as_ref().map(|version| version.as_ref().to_owned()),
        }),
        CopySource::AccessPoint { .. } | CopySource::Outpost { .. } => {
            Err(Told::new(501, "NotImplemented", "Copies from access points are not implemented."))
        }
    }
}

fn directive(name: Option<&str>, what: &str) -> Result<Directive, Told> {
    match name {
        None | Some("COPY") => Ok(Directive::Copy),
        Some("REPLACE") => Ok(Directive::Replace),
        Some(other) => Err(Told::new(400, "InvalidArgument", format!("Unknown {what} directive."))
            .about("ArgumentName", format!("x-amz-{what}-directive"))
            .about("ArgumentValue", other)),
    }
}

fn header(headers: &http::HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}
