//! Settings of buckets: policy, public access, versioning, encryption, CORS, ownership.

use objects::{CorsRule, DefaultEncryption, Encryption, PublicAccessBlock, Versioning};
use s3s::dto::*;

use super::Craton;
use super::convert::{EncryptionAsk, bucket, malformed_xml};
use super::errors::Told;
use super::table::{Asked, Done, done};

pub(crate) async fn put_policy(s3: &Craton, asked: Asked<PutBucketPolicyInput>) -> Done<PutBucketPolicyOutput> {
    let Asked { ctx, input, .. } = asked;
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_bucket_policy(&ctx, &bucket, &input.policy).await?;
    let mut response = s3s::S3Response::new(PutBucketPolicyOutput {});
    response.status = Some(http::StatusCode::NO_CONTENT);
    Ok(response)
}

pub(crate) async fn policy(s3: &Craton, asked: Asked<GetBucketPolicyInput>) -> Done<GetBucketPolicyOutput> {
    let Asked { ctx, input, .. } = asked;
    let text = s3.objects.bucket_policy(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetBucketPolicyOutput { policy: Some(text) })
}

pub(crate) async fn delete_policy(
    s3: &Craton,
    asked: Asked<DeleteBucketPolicyInput>,
) -> Done<DeleteBucketPolicyOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_bucket_policy(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketPolicyOutput {})
}

pub(crate) async fn policy_status(
    s3: &Craton,
    asked: Asked<GetBucketPolicyStatusInput>,
) -> Done<GetBucketPolicyStatusOutput> {
    let Asked { ctx, input, .. } = asked;
    let public = s3.objects.bucket_policy_status(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetBucketPolicyStatusOutput { policy_status: Some(PolicyStatus { is_public: Some(public) }) })
}

pub(crate) async fn put_public_access(
    s3: &Craton,
    asked: Asked<PutPublicAccessBlockInput>,
) -> Done<PutPublicAccessBlockOutput> {
    let Asked { ctx, input, .. } = asked;
    let wanted = input.public_access_block_configuration;
    let block = PublicAccessBlock {
        block_public_acls: wanted.block_public_acls.unwrap_or(false),
        ignore_public_acls: wanted.ignore_public_acls.unwrap_or(false),
        block_public_policy: wanted.block_public_policy.unwrap_or(false),
        restrict_public_buckets: wanted.restrict_public_buckets.unwrap_or(false),
    };
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_public_access_block(&ctx, &bucket, block).await?;
    done(PutPublicAccessBlockOutput {})
}

pub(crate) async fn public_access(
    s3: &Craton,
    asked: Asked<GetPublicAccessBlockInput>,
) -> Done<GetPublicAccessBlockOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.public_access_block(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetPublicAccessBlockOutput {
        public_access_block_configuration: Some(PublicAccessBlockConfiguration {
            block_public_acls: Some(found.block_public_acls),
            block_public_policy: Some(found.block_public_policy),
            ignore_public_acls: Some(found.ignore_public_acls),
            restrict_public_buckets: Some(found.restrict_public_buckets),
        }),
    })
}

pub(crate) async fn delete_public_access(
    s3: &Craton,
    asked: Asked<DeletePublicAccessBlockInput>,
) -> Done<DeletePublicAccessBlockOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_public_access_block(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeletePublicAccessBlockOutput {})
}

pub(crate) async fn put_versioning(
    s3: &Craton,
    asked: Asked<PutBucketVersioningInput>,
) -> Done<PutBucketVersioningOutput> {
    let Asked { ctx, input, .. } = asked;
    let wanted = input.versioning_configuration;
    if input.mfa.is_some() || wanted.mfa_delete.is_some_and(|mfa| mfa.as_str() == "Enabled") {
        return Err(Told::new(501, "NotImplemented", "MFA Delete is not implemented."));
    }
    let versioning = match wanted.status.as_ref().map(BucketVersioningStatus::as_str) {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        None => {
            let message = "The Versioning element must be specified";
            return Err(Told::new(400, "IllegalVersioningConfigurationException", message));
        }
        Some(_) => return Err(malformed_xml()),
    };
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_bucket_versioning(&ctx, &bucket, versioning).await?;
    done(PutBucketVersioningOutput {})
}

pub(crate) async fn versioning(s3: &Craton, asked: Asked<GetBucketVersioningInput>) -> Done<GetBucketVersioningOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.bucket_versioning(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let status = match found {
        Versioning::Unversioned => None,
        Versioning::Enabled => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::ENABLED)),
        Versioning::Suspended => Some(BucketVersioningStatus::from_static(BucketVersioningStatus::SUSPENDED)),
    };
    done(GetBucketVersioningOutput { status, ..GetBucketVersioningOutput::default() })
}

pub(crate) async fn put_encryption(
    s3: &Craton,
    asked: Asked<PutBucketEncryptionInput>,
) -> Done<PutBucketEncryptionOutput> {
    let Asked { ctx, input, .. } = asked;
    let mut rules = input.server_side_encryption_configuration.rules.into_iter();
    let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(malformed_xml()) };
    let default = rule.apply_server_side_encryption_by_default.ok_or_else(malformed_xml)?;
    if !["AES256", "aws:kms", "aws:kms:dsse"].contains(&default.sse_algorithm.as_str()) {
        return Err(malformed_xml());
    }
    let ask = EncryptionAsk {
        kind: Some(default.sse_algorithm),
        key: default.kms_master_key_id,
        bucket_key: rule.bucket_key_enabled,
        context: None,
    };
    let encryption = ask.read()?.ok_or_else(malformed_xml)?;
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_bucket_encryption(&ctx, &bucket, DefaultEncryption { encryption }).await?;
    done(PutBucketEncryptionOutput {})
}

pub(crate) async fn encryption(s3: &Craton, asked: Asked<GetBucketEncryptionInput>) -> Done<GetBucketEncryptionOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.bucket_encryption(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let (algorithm, key, bucket_key) = match found.encryption {
        Encryption::S3 => (ServerSideEncryption::AES256, None, false),
        Encryption::Kms { key, bucket_key, .. } => (ServerSideEncryption::AWS_KMS, key, bucket_key.unwrap_or(false)),
    };
    let default = ServerSideEncryptionByDefault {
        kms_master_key_id: key,
        sse_algorithm: ServerSideEncryption::from_static(algorithm),
    };
    let rule = ServerSideEncryptionRule {
        apply_server_side_encryption_by_default: Some(default),
        bucket_key_enabled: Some(bucket_key),
    };
    let configuration = ServerSideEncryptionConfiguration { rules: vec![rule] };
    done(GetBucketEncryptionOutput { server_side_encryption_configuration: Some(configuration) })
}

pub(crate) async fn delete_encryption(
    s3: &Craton,
    asked: Asked<DeleteBucketEncryptionInput>,
) -> Done<DeleteBucketEncryptionOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_bucket_encryption(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketEncryptionOutput {})
}

pub(crate) async fn put_cors(s3: &Craton, asked: Asked<PutBucketCorsInput>) -> Done<PutBucketCorsOutput> {
    let Asked { ctx, input, .. } = asked;
    let rules = input.cors_configuration.cors_rules.into_iter().map(|rule| CorsRule {
        id: rule.id,
        allowed_headers: rule.allowed_headers.unwrap_or_default(),
        allowed_methods: rule.allowed_methods,
        allowed_origins: rule.allowed_origins,
        expose_headers: rule.expose_headers.unwrap_or_default(),
        max_age_seconds: rule.max_age_seconds,
    });
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_bucket_cors(&ctx, &bucket, rules.collect()).await?;
    done(PutBucketCorsOutput {})
}

pub(crate) async fn cors(s3: &Craton, asked: Asked<GetBucketCorsInput>) -> Done<GetBucketCorsOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.bucket_cors(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let some = |list: Vec<String>| (!list.is_empty()).then_some(list);
    let rules = found.into_iter().map(|rule| CORSRule {
        allowed_headers: some(rule.allowed_headers),
        allowed_methods: rule.allowed_methods,
        allowed_origins: rule.allowed_origins,
        expose_headers: some(rule.expose_headers),
        id: rule.id,
        max_age_seconds: rule.max_age_seconds,
    });
    done(GetBucketCorsOutput { cors_rules: Some(rules.collect()) })
}

pub(crate) async fn delete_cors(s3: &Craton, asked: Asked<DeleteBucketCorsInput>) -> Done<DeleteBucketCorsOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_bucket_cors(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketCorsOutput {})
}

pub(crate) async fn put_ownership(
    s3: &Craton,
    asked: Asked<PutBucketOwnershipControlsInput>,
) -> Done<PutBucketOwnershipControlsOutput> {
    let Asked { ctx, input, .. } = asked;
    let mut rules = input.ownership_controls.rules.into_iter();
    let (Some(rule), None) = (rules.next(), rules.next()) else { return Err(malformed_xml()) };
    let bucket = bucket(input.bucket, input.expected_bucket_owner);
    s3.objects.put_ownership_controls(&ctx, &bucket, rule.object_ownership.as_str()).await?;
    done(PutBucketOwnershipControlsOutput {})
}

pub(crate) async fn ownership(
    s3: &Craton,
    asked: Asked<GetBucketOwnershipControlsInput>,
) -> Done<GetBucketOwnershipControlsOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.ownership_controls(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let rules = vec![OwnershipControlsRule { object_ownership: ObjectOwnership::from(found) }];
    done(GetBucketOwnershipControlsOutput { ownership_controls: Some(OwnershipControls { rules }) })
}

pub(crate) async fn delete_ownership(
    s3: &Craton,
    asked: Asked<DeleteBucketOwnershipControlsInput>,
) -> Done<DeleteBucketOwnershipControlsOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_ownership_controls(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketOwnershipControlsOutput {})
}
