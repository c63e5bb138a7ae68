//! Tags of buckets and objects.

use objects::ObjectRef;
use s3s::S3Response;
use s3s::dto::*;

use super::Craton;
use super::convert::{bucket, tags_in, tags_out};
use super::table::{Asked, Done, done};

pub(crate) async fn put_of_bucket(s3: &Craton, asked: Asked<PutBucketTaggingInput>) -> Done<PutBucketTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    let tags = tags_in(input.tagging.tag_set)?;
    s3.objects.put_bucket_tagging(&ctx, &bucket(input.bucket, input.expected_bucket_owner), tags).await?;
    Ok(S3Response::with_status(PutBucketTaggingOutput {}, http::StatusCode::NO_CONTENT))
}

pub(crate) async fn of_bucket(s3: &Craton, asked: Asked<GetBucketTaggingInput>) -> Done<GetBucketTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    let tags = s3.objects.bucket_tagging(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetBucketTaggingOutput { tag_set: tags_out(tags) })
}

pub(crate) async fn delete_of_bucket(
    s3: &Craton,
    asked: Asked<DeleteBucketTaggingInput>,
) -> Done<DeleteBucketTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_bucket_tagging(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketTaggingOutput {})
}

pub(crate) async fn put_of_object(s3: &Craton, asked: Asked<PutObjectTaggingInput>) -> Done<PutObjectTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    let tags = tags_in(input.tagging.tag_set)?;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let version_id = s3.objects.put_object_tagging(&ctx, &object, tags).await?;
    done(PutObjectTaggingOutput { version_id })
}

pub(crate) async fn of_object(s3: &Craton, asked: Asked<GetObjectTaggingInput>) -> Done<GetObjectTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let found = s3.objects.object_tagging(&ctx, &object).await?;
    done(GetObjectTaggingOutput { tag_set: tags_out(found.tags), version_id: found.version_id })
}

pub(crate) async fn delete_of_object(
    s3: &Craton,
    asked: Asked<DeleteObjectTaggingInput>,
) -> Done<DeleteObjectTaggingOutput> {
    let Asked { ctx, input, .. } = asked;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let version_id = s3.objects.delete_object_tagging(&ctx, &object).await?;
    done(DeleteObjectTaggingOutput { version_id })
}

/// The object, or the version of it, that a request names.
pub(crate) fn object(name: String, owner: Option<String>, key: String, version: Option<String>) -> ObjectRef {
    ObjectRef { bucket: bucket(name, owner), key, version: version.filter(|version| !version.is_empty()) }
}
