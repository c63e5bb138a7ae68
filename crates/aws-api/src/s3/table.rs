//! Every operation of S3 that is served, and who serves it.
//!
//! s3s decodes requests and encodes answers. The permission is asked in `objects`, where bucket policies and condition
//! keys are known.

use http::HeaderMap;
use identity::Ctx;
use s3s::dto::*;
use s3s::region::Region;
use s3s::{S3, S3ErrorCode, S3Request, S3Response, S3Result, TrailingHeaders};

use super::errors::{self, Told};
use super::visit::Visit;
use super::{
    Craton, absent, acls, buckets, copies, deletes, forms, listings, locks, multipart, reads, settings, tags, writes,
};

/// A decoded request of a known caller.
pub(crate) struct Asked<T> {
    pub(crate) ctx: Ctx,
    pub(crate) input: T,
    pub(crate) headers: HeaderMap,
    /// What a chunked body brings after its end.
    pub(crate) trailers: Option<TrailingHeaders>,
    pub(crate) visit: Visit,
}

/// What handlers give.
pub(crate) type Done<T> = Result<S3Response<T>, Told>;

/// An answer without further headers.
pub(crate) fn done<T>(output: T) -> Done<T> {
    Ok(S3Response::new(output))
}

/// A form, whose caller is known only when its fields are.
pub(crate) struct Form {
    pub(crate) request: S3Request<PostObjectInput>,
    pub(crate) region: Option<Region>,
}

macro_rules! operations {
    ($($operation:literal: $method:ident($input:ident) -> $output:ident => $handler:path;)*) => {
        /// The served operations by AWS's names.
        pub(crate) const SERVED: &[&str] = &[$($operation),*];

        #[async_trait::async_trait]
        impl S3 for Craton {
            $(async fn $method(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                let asked = asked(request)?;
                let visit = asked.visit.clone();
                $handler(self, asked).await.map(with_status).map_err(|told| errors::refuse(&visit, told))
            })*

            async fn post_object(&self, request: S3Request<PostObjectInput>) -> S3Result<S3Response<PostObjectOutput>> {
                let Some(visit) = Visit::of(&request.extensions).cloned() else {
                    return Err(S3ErrorCode::InternalError.into());
                };
                let region = request.region.clone();
                let form = Form { request, region };
                forms::post_object(self, form, &visit).await.map_err(|told| errors::refuse(&visit, told))
            }
        }
    };
}

operations! {
    "AbortMultipartUpload": abort_multipart_upload(AbortMultipartUploadInput)
        -> AbortMultipartUploadOutput => multipart::abort;
    "CompleteMultipartUpload": complete_multipart_upload(CompleteMultipartUploadInput)
        -> CompleteMultipartUploadOutput => multipart::complete;
    "CopyObject": copy_object(CopyObjectInput) -> CopyObjectOutput => copies::copy;
    "CreateBucket": create_bucket(CreateBucketInput) -> CreateBucketOutput => buckets::create;
    "CreateMultipartUpload": create_multipart_upload(CreateMultipartUploadInput)
        -> CreateMultipartUploadOutput => multipart::create;
    "DeleteBucket": delete_bucket(DeleteBucketInput) -> DeleteBucketOutput => buckets::delete;
    "DeleteBucketCors": delete_bucket_cors(DeleteBucketCorsInput) -> DeleteBucketCorsOutput => settings::delete_cors;
    "DeleteBucketEncryption": delete_bucket_encryption(DeleteBucketEncryptionInput)
        -> DeleteBucketEncryptionOutput => settings::delete_encryption;
    "DeleteBucketLifecycle": delete_bucket_lifecycle(DeleteBucketLifecycleInput)
        -> DeleteBucketLifecycleOutput => absent::no_lifecycle;
    "DeleteBucketOwnershipControls": delete_bucket_ownership_controls(DeleteBucketOwnershipControlsInput)
        -> DeleteBucketOwnershipControlsOutput => settings::delete_ownership;
    "DeleteBucketPolicy": delete_bucket_policy(DeleteBucketPolicyInput)
        -> DeleteBucketPolicyOutput => settings::delete_policy;
    "DeleteBucketReplication": delete_bucket_replication(DeleteBucketReplicationInput)
        -> DeleteBucketReplicationOutput => absent::no_replication;
    "DeleteBucketTagging": delete_bucket_tagging(DeleteBucketTaggingInput)
        -> DeleteBucketTaggingOutput => tags::delete_of_bucket;
    "DeleteBucketWebsite": delete_bucket_website(DeleteBucketWebsiteInput)
        -> DeleteBucketWebsiteOutput => absent::no_website;
    "DeleteObject": delete_object(DeleteObjectInput) -> DeleteObjectOutput => deletes::one;
    "DeleteObjectTagging": delete_object_tagging(DeleteObjectTaggingInput)
        -> DeleteObjectTaggingOutput => tags::delete_of_object;
    "DeleteObjects": delete_objects(DeleteObjectsInput) -> DeleteObjectsOutput => deletes::many;
    "DeletePublicAccessBlock": delete_public_access_block(DeletePublicAccessBlockInput)
        -> DeletePublicAccessBlockOutput => settings::delete_public_access;
    "GetBucketAccelerateConfiguration": get_bucket_accelerate_configuration(GetBucketAccelerateConfigurationInput)
        -> GetBucketAccelerateConfigurationOutput => absent::acceleration;
    "GetBucketAcl": get_bucket_acl(GetBucketAclInput) -> GetBucketAclOutput => acls::of_bucket;
    "GetBucketCors": get_bucket_cors(GetBucketCorsInput) -> GetBucketCorsOutput => settings::cors;
    "GetBucketEncryption": get_bucket_encryption(GetBucketEncryptionInput)
        -> GetBucketEncryptionOutput => settings::encryption;
    "GetBucketLifecycleConfiguration": get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput)
        -> GetBucketLifecycleConfigurationOutput => absent::lifecycle;
    "GetBucketLocation": get_bucket_location(GetBucketLocationInput) -> GetBucketLocationOutput => buckets::location;
    "GetBucketLogging": get_bucket_logging(GetBucketLoggingInput) -> GetBucketLoggingOutput => absent::logging;
    "GetBucketNotificationConfiguration": get_bucket_notification_configuration(GetBucketNotificationConfigurationInput)
        -> GetBucketNotificationConfigurationOutput => absent::notification;
    "GetBucketOwnershipControls": get_bucket_ownership_controls(GetBucketOwnershipControlsInput)
        -> GetBucketOwnershipControlsOutput => settings::ownership;
    "GetBucketPolicy": get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput => settings::policy;
    "GetBucketPolicyStatus": get_bucket_policy_status(GetBucketPolicyStatusInput)
        -> GetBucketPolicyStatusOutput => settings::policy_status;
    "GetBucketReplication": get_bucket_replication(GetBucketReplicationInput)
        -> GetBucketReplicationOutput => absent::replication;
    "GetBucketRequestPayment": get_bucket_request_payment(GetBucketRequestPaymentInput)
        -> GetBucketRequestPaymentOutput => absent::request_payment;
    "GetBucketTagging": get_bucket_tagging(GetBucketTaggingInput) -> GetBucketTaggingOutput => tags::of_bucket;
    "GetBucketVersioning": get_bucket_versioning(GetBucketVersioningInput)
        -> GetBucketVersioningOutput => settings::versioning;
    "GetBucketWebsite": get_bucket_website(GetBucketWebsiteInput) -> GetBucketWebsiteOutput => absent::website;
    "GetObject": get_object(GetObjectInput) -> GetObjectOutput => reads::get;
    "GetObjectAcl": get_object_acl(GetObjectAclInput) -> GetObjectAclOutput => acls::of_object;
    "GetObjectAttributes": get_object_attributes(GetObjectAttributesInput)
        -> GetObjectAttributesOutput => reads::attributes;
    "GetObjectLegalHold": get_object_legal_hold(GetObjectLegalHoldInput)
        -> GetObjectLegalHoldOutput => locks::legal_hold;
    "GetObjectLockConfiguration": get_object_lock_configuration(GetObjectLockConfigurationInput)
        -> GetObjectLockConfigurationOutput => locks::configuration;
    "GetObjectRetention": get_object_retention(GetObjectRetentionInput)
        -> GetObjectRetentionOutput => locks::retention;
    "GetObjectTagging": get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput => tags::of_object;
    "GetPublicAccessBlock": get_public_access_block(GetPublicAccessBlockInput)
        -> GetPublicAccessBlockOutput => settings::public_access;
    "HeadBucket": head_bucket(HeadBucketInput) -> HeadBucketOutput => buckets::head;
    "HeadObject": head_object(HeadObjectInput) -> HeadObjectOutput => reads::head;
    "ListBucketAnalyticsConfigurations": list_bucket_analytics_configurations(ListBucketAnalyticsConfigurationsInput)
        -> ListBucketAnalyticsConfigurationsOutput => absent::analytics;
    "ListBucketIntelligentTieringConfigurations": list_bucket_intelligent_tiering_configurations(
        ListBucketIntelligentTieringConfigurationsInput
    ) -> ListBucketIntelligentTieringConfigurationsOutput => absent::tiering;
    "ListBucketInventoryConfigurations": list_bucket_inventory_configurations(ListBucketInventoryConfigurationsInput)
        -> ListBucketInventoryConfigurationsOutput => absent::inventory;
    "ListBucketMetricsConfigurations": list_bucket_metrics_configurations(ListBucketMetricsConfigurationsInput)
        -> ListBucketMetricsConfigurationsOutput => absent::metrics;
    "ListBuckets": list_buckets(ListBucketsInput) -> ListBucketsOutput => buckets::list;
    "ListMultipartUploads": list_multipart_uploads(ListMultipartUploadsInput)
        -> ListMultipartUploadsOutput => multipart::uploads;
    "ListObjectVersions": list_object_versions(ListObjectVersionsInput)
        -> ListObjectVersionsOutput => listings::versions;
    "ListObjects": list_objects(ListObjectsInput) -> ListObjectsOutput => listings::version_1;
    "ListObjectsV2": list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output => listings::version_2;
    "ListParts": list_parts(ListPartsInput) -> ListPartsOutput => multipart::parts;
    "PutBucketAcl": put_bucket_acl(PutBucketAclInput) -> PutBucketAclOutput => acls::put_of_bucket;
    "PutBucketCors": put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput => settings::put_cors;
    "PutBucketEncryption": put_bucket_encryption(PutBucketEncryptionInput)
        -> PutBucketEncryptionOutput => settings::put_encryption;
    "PutBucketOwnershipControls": put_bucket_ownership_controls(PutBucketOwnershipControlsInput)
        -> PutBucketOwnershipControlsOutput => settings::put_ownership;
    "PutBucketPolicy": put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput => settings::put_policy;
    "PutBucketTagging": put_bucket_tagging(PutBucketTaggingInput) -> PutBucketTaggingOutput => tags::put_of_bucket;
    "PutBucketVersioning": put_bucket_versioning(PutBucketVersioningInput)
        -> PutBucketVersioningOutput => settings::put_versioning;
    "PutObject": put_object(PutObjectInput) -> PutObjectOutput => writes::put;
    "PutObjectAcl": put_object_acl(PutObjectAclInput) -> PutObjectAclOutput => acls::put_of_object;
    "PutObjectLegalHold": put_object_legal_hold(PutObjectLegalHoldInput)
        -> PutObjectLegalHoldOutput => locks::put_legal_hold;
    "PutObjectLockConfiguration": put_object_lock_configuration(PutObjectLockConfigurationInput)
        -> PutObjectLockConfigurationOutput => locks::put_configuration;
    "PutObjectRetention": put_object_retention(PutObjectRetentionInput)
        -> PutObjectRetentionOutput => locks::put_retention;
    "PutObjectTagging": put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput => tags::put_of_object;
    "PutPublicAccessBlock": put_public_access_block(PutPublicAccessBlockInput)
        -> PutPublicAccessBlockOutput => settings::put_public_access;
    "UploadPart": upload_part(UploadPartInput) -> UploadPartOutput => multipart::upload;
    "UploadPartCopy": upload_part_copy(UploadPartCopyInput) -> UploadPartCopyOutput => copies::copy_part;
}

fn asked<T>(request: S3Request<T>) -> S3Result<Asked<T>> {
    let S3Request { input, headers, mut extensions, trailing_headers, .. } = request;
    match (extensions.remove::<Ctx>(), extensions.remove::<Visit>()) {
        (Some(ctx), Some(visit)) => Ok(Asked { ctx, input, headers, trailers: trailing_headers, visit }),
        // The access check puts both there.
        _ => Err(S3ErrorCode::InternalError.into()),
    }
}

/// s3s leaves the status of an answer out: it travels beside it.
fn with_status<T>(mut response: S3Response<T>) -> S3Response<T> {
    if let Some(status) = response.status {
        response.extensions.insert(status);
    }
    response
}

/// Refuses what AWS has and Craton has not. s3s takes a parameter that it does not know for none: a request for an
/// operation that is newer than it would otherwise be taken for another.
pub(crate) fn check_served(visit: &Visit, found: &str) -> Result<(), Told> {
    match visit.arrived().operation {
        Some(asked) if asked.name != found && !asked.served() => Err(errors::not_implemented(asked.name)),
        // Before its body is decoded: what is not built says so, however its request looks.
        _ if !SERVED.contains(&found) && found != "PostObject" => Err(errors::not_implemented(found)),
        _ => Ok(()),
    }
}
