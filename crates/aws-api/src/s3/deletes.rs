//! Deleting objects.

use objects::{DeleteEntry, DeleteObject, DeleteOutcome};
use s3s::S3Response;
use s3s::dto::*;

use super::Craton;
use super::convert::{bucket, condition, malformed_xml};
use super::errors::Told;
use super::table::{Asked, Done, done};
use super::tags::object;

/// Objects that one request may delete.
const MOST: usize = 1000;

pub(crate) async fn one(s3: &Craton, asked: Asked<DeleteObjectInput>) -> Done<DeleteObjectOutput> {
    let Asked { ctx, input, .. } = asked;
    if input.mfa.is_some() {
        return Err(Told::new(501, "NotImplemented", "MFA Delete is not implemented."));
    }
    if input.if_match_size.is_some() || input.if_match_last_modified_time.is_some() {
        let message = "Conditional deletes by size or time of modification are not implemented.";
        return Err(Told::new(501, "NotImplemented", message));
    }
    let ask = DeleteObject {
        object: object(input.bucket, input.expected_bucket_owner, input.key, input.version_id),
        if_match: condition(input.if_match),
        bypass: input.bypass_governance_retention.unwrap_or(false),
    };
    let deleted = s3.objects.delete_object(&ctx, &ask).await?;
    let output = DeleteObjectOutput {
        delete_marker: deleted.delete_marker.then_some(true),
        request_charged: None,
        version_id: deleted.version_id,
    };
    Ok(S3Response::with_status(output, http::StatusCode::NO_CONTENT))
}

pub(crate) async fn many(s3: &Craton, asked: Asked<DeleteObjectsInput>) -> Done<DeleteObjectsOutput> {
    let Asked { ctx, input, .. } = asked;
    if input.mfa.is_some() {
        return Err(Told::new(501, "NotImplemented", "MFA Delete is not implemented."));
    }
    let asked = input.delete.objects;
    if asked.is_empty() || asked.len() > MOST {
        return Err(malformed_xml());
    }
    if asked.iter().any(|object| object.size.is_some() || object.last_modified_time.is_some()) {
        let message = "Conditional deletes by size or time of modification are not implemented.";
        return Err(Told::new(501, "NotImplemented", message));
    }
    let bypass = input.bypass_governance_retention.unwrap_or(false);
    let entries = asked.into_iter().map(|object| DeleteEntry {
        key: object.key,
        version: object.version_id.filter(|version| !version.is_empty()),
        if_match: object.e_tag.map(|etag| format!("\"{}\"", etag.value())),
        bypass,
    });
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    let outcomes = s3.objects.delete_objects(&ctx, &bucket, entries.collect()).await?;
    let quiet = input.delete.quiet.unwrap_or(false);
    let mut output = DeleteObjectsOutput::default();
    for outcome in outcomes {
        let DeleteOutcome { key, version, result } = outcome;
        match result {
            Ok(_) if quiet => {}
            Ok(deleted) => output.deleted.get_or_insert_default().push(DeletedObject {
                delete_marker: deleted.delete_marker.then_some(true),
                delete_marker_version_id: deleted.version_id.filter(|_| deleted.delete_marker),
                key: Some(key),
                version_id: version,
            }),
            Err(error) => {
                let told = Told::from(error);
                output.errors.get_or_insert_default().push(Error {
                    code: Some(told.code),
                    key: Some(key),
                    message: Some(told.message),
                    version_id: version,
                });
            }
        }
    }
    done(output)
}
