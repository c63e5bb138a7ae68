//! Access control lists: every bucket is its owner's, so a list says one thing and cannot be changed.

use base::AccountId;
use s3s::dto::*;

use super::Craton;
use super::buckets::{any_given, check_canned, check_one_way};
use super::convert::{bucket, canonical_id, owner};
use super::errors::Told;
use super::table::{Asked, Done, done};
use super::tags::object;

pub(crate) async fn of_bucket(s3: &Craton, asked: Asked<GetBucketAclInput>) -> Done<GetBucketAclOutput> {
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.bucket_acl(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetBucketAclOutput { grants: Some(vec![everything(&found.account)]), owner: Some(owner(&found.account)) })
}

pub(crate) async fn of_object(s3: &Craton, asked: Asked<GetObjectAclInput>) -> Done<GetObjectAclOutput> {
    let Asked { ctx, input, .. } = asked;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    let found = s3.objects.object_acl(&ctx, &object).await?;
    done(GetObjectAclOutput {
        grants: Some(vec![everything(&found.account)]),
        owner: Some(owner(&found.account)),
        request_charged: None,
    })
}

pub(crate) async fn put_of_bucket(s3: &Craton, asked: Asked<PutBucketAclInput>) -> Done<PutBucketAclOutput> {
    let Asked { ctx, input, .. } = asked;
    let grants = [
        &input.grant_full_control,
        &input.grant_read,
        &input.grant_read_acp,
        &input.grant_write,
        &input.grant_write_acp,
    ];
    check_one_of(input.acl.as_ref().map(|acl| acl.as_str()), &grants)?;
    s3.objects.put_bucket_acl(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(PutBucketAclOutput {})
}

/// A canned list, where one is named, must be one that S3 knows, and must be named without grants beside it.
fn check_one_of(acl: Option<&str>, grants: &[&Option<String>]) -> Result<(), Told> {
    let Some(acl) = acl else { return Ok(()) };
    check_canned(acl)?;
    check_one_way(any_given(grants))
}

pub(crate) async fn put_of_object(s3: &Craton, asked: Asked<PutObjectAclInput>) -> Done<PutObjectAclOutput> {
    let Asked { ctx, input, .. } = asked;
    let grants = [
        &input.grant_full_control,
        &input.grant_read,
        &input.grant_read_acp,
        &input.grant_write,
        &input.grant_write_acp,
    ];
    check_one_of(input.acl.as_ref().map(|acl| acl.as_str()), &grants)?;
    let object = object(input.bucket, input.expected_bucket_owner, input.key, input.version_id);
    s3.objects.put_object_acl(&ctx, &object).await?;
    done(PutObjectAclOutput::default())
}

/// The one grant there is.
fn everything(account: &AccountId) -> Grant {
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: Some(canonical_id(account)),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    Grant { grantee: Some(grantee), permission: Some(Permission::from_static(Permission::FULL_CONTROL)) }
}
