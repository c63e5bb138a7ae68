//! Uploads in parts.

use objects::{CompletePart, CompleteUpload, ListParts, ListUploads, NewUpload, PartChecks, PartRef, UploadRef};
use s3s::dto::*;

use super::Craton;
use super::convert::{
    EncryptionAsk, algorithm_out, bucket, checksum_out, checksum_type, checksum_type_out, checksums_in, condition,
    count, etag, headers_in, kind_of, length, malformed_xml, metadata, moment, owner, sealed,
};
use super::customer_keys::{self, customer_key};
use super::encoding::Encoding;
use super::errors::Told;
use super::locks::lock_in;
use super::reads::part;
use super::table::{Asked, Done, done};
use super::writes::{acl, checked_length, incoming, tags, wanted_algorithm};

pub(crate) async fn create(s3: &Craton, asked: Asked<CreateMultipartUploadInput>) -> Done<CreateMultipartUploadOutput> {
    let Asked { ctx, mut input, headers, visit, .. } = asked;
    let lock = lock_in!(input)?;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    let ask = NewUpload {
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
        algorithm: wanted_algorithm(input.checksum_algorithm.as_ref(), &headers)?,
        checksum_type: checksum_type(input.checksum_type.as_ref())?,
        acl: acl(
            input.acl.as_ref().map(ObjectCannedACL::as_str),
            &[&input.grant_full_control, &input.grant_read, &input.grant_read_acp, &input.grant_write_acp],
        )?,
        key: input.key,
    };
    let upload = s3.objects.create_multipart_upload(&ctx, ask).await?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&upload.sealed);
    done(CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        bucket_key_enabled,
        checksum_algorithm: upload.algorithm.map(algorithm_out),
        checksum_type: upload.checksum_type.map(checksum_type_out),
        key: Some(upload.key),
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        upload_id: Some(upload.id),
        ..CreateMultipartUploadOutput::default()
    })
}

pub(crate) async fn upload(s3: &Craton, asked: Asked<UploadPartInput>) -> Done<UploadPartOutput> {
    let Asked { ctx, mut input, headers, trailers, visit } = asked;
    let number = part(Some(input.part_number))?.unwrap_or_default();
    let length = checked_length(input.content_length)?;
    let customer_key = customer_key!(input, &visit)?;
    let (sse_customer_algorithm, sse_customer_key_md5) = customer_keys::told(customer_key.as_ref());
    let checks = PartChecks {
        customer_key,
        content_md5: input.content_md5.take(),
        checksums: checksums_in!(input),
        algorithm: wanted_algorithm(input.checksum_algorithm.as_ref(), &headers)?,
    };
    let body = incoming(input.body.take(), length, trailers, &headers, &visit);
    let upload = UploadRef {
        bucket: bucket(input.bucket, input.expected_bucket_owner),
        key: input.key,
        upload_id: input.upload_id,
    };
    let to = PartRef { upload, number };
    let stored = s3.objects.upload_part(&ctx, &to, checks, body).await?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&stored.sealed);
    let mut output = UploadPartOutput {
        bucket_key_enabled,
        e_tag: Some(etag(stored.etag)),
        server_side_encryption,
        sse_customer_algorithm,
        sse_customer_key_md5,
        ssekms_key_id,
        ..UploadPartOutput::default()
    };
    checksum_out!(&stored.checksum, output);
    done(output)
}

pub(crate) async fn complete(
    s3: &Craton,
    asked: Asked<CompleteMultipartUploadInput>,
) -> Done<CompleteMultipartUploadOutput> {
    let Asked { ctx, mut input, headers, .. } = asked;
    let listed = input.multipart_upload.take().and_then(|upload| upload.parts).unwrap_or_default();
    if listed.is_empty() {
        return Err(malformed_xml());
    }
    let parts = listed.into_iter().map(complete_part).collect::<Result<Vec<_>, Told>>()?;
    let size = input.mpu_object_size.map(|size| u64::try_from(size).map_err(|_| negative_size()));
    let ask = CompleteUpload {
        upload: UploadRef {
            bucket: bucket(input.bucket.clone(), input.expected_bucket_owner.take()),
            key: input.key.clone(),
            upload_id: input.upload_id.clone(),
        },
        parts,
        checksums: checksums_in!(input),
        checksum_type: checksum_type(input.checksum_type.as_ref())?,
        size: size.transpose()?,
        if_match: condition(input.if_match.take()),
        if_none_match: condition(input.if_none_match.take()),
    };
    let stored = s3.objects.complete_multipart_upload(&ctx, ask).await?;
    let (server_side_encryption, ssekms_key_id, bucket_key_enabled) = sealed(&stored.sealed);
    let host = headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = percent_encoding::utf8_percent_encode(&input.key, super::encoding::PATH);
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("http://{host}/{}/{path}", input.bucket)),
        bucket: Some(input.bucket),
        bucket_key_enabled,
        checksum_type: kind_of(stored.checksum.as_ref()),
        e_tag: Some(etag(stored.etag)),
        key: Some(input.key),
        server_side_encryption,
        ssekms_key_id,
        version_id: stored.version_id,
        ..CompleteMultipartUploadOutput::default()
    };
    checksum_out!(&stored.checksum, output);
    done(output)
}

fn complete_part(mut listed: CompletedPart) -> Result<CompletePart, Told> {
    let checksums = checksums_in!(listed);
    let number = listed.part_number.ok_or_else(malformed_xml)?;
    Ok(CompletePart {
        number: u32::try_from(number).map_err(|_| malformed_xml())?,
        etag: listed.e_tag.ok_or_else(malformed_xml)?.value().to_owned(),
        checksums,
    })
}

fn negative_size() -> Told {
    Told::new(400, "InvalidRequest", "Value for x-amz-mp-object-size header is invalid.")
}

pub(crate) async fn abort(s3: &Craton, asked: Asked<AbortMultipartUploadInput>) -> Done<AbortMultipartUploadOutput> {
    let Asked { ctx, input, .. } = asked;
    let upload = UploadRef {
        bucket: bucket(input.bucket, input.expected_bucket_owner),
        key: input.key,
        upload_id: input.upload_id,
    };
    s3.objects.abort_multipart_upload(&ctx, &upload).await?;
    done(AbortMultipartUploadOutput::default())
}

pub(crate) async fn parts(s3: &Craton, asked: Asked<ListPartsInput>) -> Done<ListPartsOutput> {
    let Asked { ctx, input, .. } = asked;
    let upload = UploadRef {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner),
        key: input.key.clone(),
        upload_id: input.upload_id.clone(),
    };
    let after = input.part_number_marker.map(part_marker).transpose()?;
    let found = s3.objects.list_parts(&ctx, &upload, ListParts { max: input.max_parts.map(i64::from), after }).await?;
    let parts = found.parts.iter().map(|part| {
        let mut listed = Part {
            e_tag: Some(etag(part.etag.clone())),
            last_modified: Some(moment(part.modified)),
            part_number: Some(count(part.number)),
            size: Some(length(part.size)),
            ..Part::default()
        };
        checksum_out!(&part.checksum, listed);
        listed
    });
    done(ListPartsOutput {
        bucket: Some(input.bucket),
        checksum_algorithm: found.upload.algorithm.map(algorithm_out),
        checksum_type: found.upload.checksum_type.map(checksum_type_out),
        initiator: Some(initiator(&found.upload.initiator_arn)),
        is_truncated: Some(found.truncated),
        key: Some(input.key),
        max_parts: Some(count(found.max)),
        next_part_number_marker: Some(count(found.next_after.unwrap_or(0))),
        owner: Some(owner(&found.upload.owner)),
        part_number_marker: Some(count(after.unwrap_or(0))),
        parts: Some(parts.collect()),
        storage_class: Some(StorageClass::from(found.upload.storage_class.clone())),
        upload_id: Some(input.upload_id),
        ..ListPartsOutput::default()
    })
}

/// The number after which a list of parts begins.
fn part_marker(after: i32) -> Result<u32, Told> {
    u32::try_from(after).map_err(|_| {
        let message = "Argument part-number-marker must be an integer between 0 and 2147483647";
        Told::new(400, "InvalidArgument", message)
            .about("ArgumentName", "part-number-marker")
            .about("ArgumentValue", after.to_string())
    })
}

fn initiator(arn: &str) -> Initiator {
    Initiator { display_name: None, id: Some(arn.to_owned()) }
}

pub(crate) async fn uploads(s3: &Craton, asked: Asked<ListMultipartUploadsInput>) -> Done<ListMultipartUploadsOutput> {
    let Asked { ctx, input, .. } = asked;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let delimiter = input.delimiter.filter(|delimiter| !delimiter.is_empty());
    let ask = ListUploads {
        bucket: bucket(input.bucket.clone(), input.expected_bucket_owner),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: delimiter.clone(),
        key_marker: input.key_marker.clone().filter(|marker| !marker.is_empty()),
        upload_marker: input.upload_id_marker.clone().filter(|marker| !marker.is_empty()),
        max: input.max_uploads.map(i64::from),
    };
    let found = s3.objects.list_multipart_uploads(&ctx, &ask).await?;
    let uploads = found.uploads.iter().map(|upload| MultipartUpload {
        checksum_algorithm: upload.algorithm.map(algorithm_out),
        checksum_type: upload.checksum_type.map(checksum_type_out),
        initiated: Some(moment(upload.initiated)),
        initiator: Some(initiator(&upload.initiator_arn)),
        key: Some(encoding.write(&upload.key)),
        owner: Some(owner(&upload.owner)),
        storage_class: Some(StorageClass::from(upload.storage_class.clone())),
        upload_id: Some(upload.id.clone()),
    });
    done(ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(encoding.prefixes(&found.prefixes)),
        delimiter: delimiter.map(|delimiter| encoding.write(&delimiter)),
        encoding_type: encoding.name(),
        is_truncated: Some(found.truncated),
        key_marker: Some(encoding.write(&input.key_marker.unwrap_or_default())),
        max_uploads: Some(count(found.max)),
        next_key_marker: found.next_key_marker.as_deref().map(|key| encoding.write(key)),
        next_upload_id_marker: found.next_upload_marker,
        prefix: Some(encoding.write(&input.prefix.unwrap_or_default())),
        upload_id_marker: Some(input.upload_id_marker.unwrap_or_default()),
        uploads: Some(uploads.collect()),
        ..ListMultipartUploadsOutput::default()
    })
}
