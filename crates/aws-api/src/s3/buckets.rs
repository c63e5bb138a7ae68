//! Buckets themselves.

use objects::{ListBuckets, NewBucket};
use s3s::S3Response;
use s3s::dto::*;

use super::Craton;
use super::convert::{bucket, moment, owner};
use super::errors::Told;
use super::table::{Asked, Done, done};

pub(crate) async fn create(s3: &Craton, asked: Asked<CreateBucketInput>) -> Done<CreateBucketOutput> {
    let Asked { ctx, input, headers, .. } = asked;
    check_namespace(&headers, &input.bucket, &ctx)?;
    let granted = any_given(&[
        &input.grant_full_control,
        &input.grant_read,
        &input.grant_read_acp,
        &input.grant_write,
        &input.grant_write_acp,
    ]);
    let acl = input.acl.as_ref().map(BucketCannedACL::as_str);
    if let Some(acl) = acl {
        check_canned(acl)?;
        check_one_way(granted)?;
    }
    if granted || acl.is_some_and(|acl| acl != "private") {
        let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
        return Err(Told::new(400, "InvalidBucketAclWithObjectOwnership", message));
    }
    let location = input.create_bucket_configuration.and_then(|configuration| configuration.location_constraint);
    let made = s3.objects.create_bucket(
        &ctx,
        NewBucket {
            name: input.bucket,
            location: location.map(|location| location.as_str().to_owned()),
            ownership: input.object_ownership.map(|ownership| ownership.as_str().to_owned()),
            acl: false,
            object_lock: input.object_lock_enabled_for_bucket.unwrap_or(false),
            tags: Vec::new(),
        },
    );
    let made = made.await?;
    let mut response = S3Response::new(CreateBucketOutput { location: Some(format!("/{}", made.name)) });
    if let Ok(arn) = http::HeaderValue::from_str(&made.arn()) {
        response.headers.insert("x-amz-bucket-arn", arn);
    }
    Ok(response)
}

/// Whether a name is one of the account's own namespace, where the request says that it is. Such a name is like any
/// other here: buckets of other accounts do not take it.
fn check_namespace(headers: &http::HeaderMap, bucket: &str, ctx: &identity::Ctx) -> Result<(), Told> {
    let suffix = format!("-{}-{}-an", ctx.account(), ctx.region());
    match headers.get("x-amz-bucket-namespace").and_then(|value| value.to_str().ok()) {
        Some("account-regional") if !bucket.ends_with(&suffix) => Err(Told::new(
            400,
            "InvalidNamespaceHeader",
            format!(
                "The requested bucket name did not include the account-regional namespace suffix, but the provided \
                 x-amz-bucket-namespace header value is account-regional. Specify {suffix} as the bucket name suffix to \
                 create a bucket in your account-regional namespace, or remove the header."
            ),
        )),
        _ => Ok(()),
    }
}

/// Whether a request has any of these.
pub(crate) fn any_given(parameters: &[&Option<String>]) -> bool {
    parameters.iter().any(|parameter| parameter.is_some())
}

/// # Errors
/// InvalidRequest, where a request with a canned list of rights names some `granted` ones, too.
pub(crate) fn check_one_way(granted: bool) -> Result<(), Told> {
    if granted {
        let message = "Specifying both Canned ACLs and Header Grants is not allowed";
        return Err(Told::new(400, "InvalidRequest", message));
    }
    Ok(())
}

/// Whether `acl` is one of S3's: no bucket takes it, but what is none is told apart.
pub(crate) fn check_canned(acl: &str) -> Result<(), Told> {
    const CANNED: [&str; 9] = [
        "private",
        "public-read",
        "public-read-write",
        "authenticated-read",
        "aws-exec-read",
        "bucket-owner-read",
        "bucket-owner-full-control",
        "log-delivery-write",
        "",
    ];
    if CANNED.contains(&acl) {
        return Ok(());
    }
    Err(Told::new(400, "InvalidArgument", "").about("ArgumentName", "x-amz-acl").about("ArgumentValue", acl))
}

pub(crate) async fn delete(s3: &Craton, asked: Asked<DeleteBucketInput>) -> Done<DeleteBucketOutput> {
    let Asked { ctx, input, .. } = asked;
    s3.objects.delete_bucket(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(DeleteBucketOutput {})
}

pub(crate) async fn head(s3: &Craton, asked: Asked<HeadBucketInput>) -> Done<HeadBucketOutput> {
    if super::hub::is_hub(&asked.input.bucket) {
        return super::hub::head_bucket(s3, asked).await;
    }
    let Asked { ctx, input, .. } = asked;
    let found = s3.objects.head_bucket(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    let output = HeadBucketOutput {
        access_point_alias: Some(false),
        bucket_region: Some(found.region.as_str().to_owned()),
        ..HeadBucketOutput::default()
    };
    let mut response = S3Response::new(output);
    response.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    Ok(response)
}

pub(crate) async fn location(s3: &Craton, asked: Asked<GetBucketLocationInput>) -> Done<GetBucketLocationOutput> {
    let Asked { ctx, input, .. } = asked;
    let location = s3.objects.bucket_location(&ctx, &bucket(input.bucket, input.expected_bucket_owner)).await?;
    done(GetBucketLocationOutput { location_constraint: location.map(BucketLocationConstraint::from) })
}

pub(crate) async fn list(s3: &Craton, asked: Asked<ListBucketsInput>) -> Done<ListBucketsOutput> {
    let Asked { ctx, input, .. } = asked;
    let limit = match input.max_buckets {
        Some(most) => Some(u32::try_from(most).ok().filter(|most| (1..=10_000).contains(most)).ok_or_else(|| {
            let message = "Argument max-buckets must be an integer between 1 and 10000";
            Told::new(400, "InvalidArgument", message)
        })?),
        None => None,
    };
    // AWS says the region of each only where one of the newer parameters is there.
    let newer = limit.is_some()
        || input.prefix.is_some()
        || input.bucket_region.is_some()
        || input.continuation_token.is_some();
    let ask = ListBuckets {
        prefix: input.prefix.clone(),
        region: input.bucket_region,
        limit,
        token: input.continuation_token,
    };
    let page = s3.objects.list_buckets(&ctx, &ask).await?;
    let buckets = page.buckets.into_iter().map(|found| Bucket {
        bucket_region: newer.then(|| found.region.as_str().to_owned()),
        creation_date: Some(moment(found.created)),
        name: Some(found.name),
    });
    done(ListBucketsOutput {
        buckets: Some(buckets.collect()),
        continuation_token: page.next_token,
        owner: Some(owner(&page.owner)),
        prefix: input.prefix,
    })
}
