//! What is asked of the policies for each operation: actions, resources and condition keys (Service Authorization
//! Reference, "Actions, resources, and condition keys for Amazon S3").

use base::AccountId;
use identity::{Ask, Ctx};

use crate::buckets::policy::is_public;
use crate::buckets::store::BucketRow;
use crate::encryption::Encryption;
use crate::error::Result;
use crate::locks::ObjectLock;
use crate::open::Objects;
use crate::tags::Pairs;

impl Objects {
    /// `action` on the bucket.
    pub(crate) fn ask_bucket(&self, ctx: &Ctx, row: &BucketRow, action: &str) -> Result<Ask> {
        let ask = self.ask(ctx, row, action, row.bucket.arn())?;
        Ok(ask.resource_tags(&row.tags()?))
    }

    /// `action` on the object `key` of the bucket, which need not exist.
    pub(crate) fn ask_object(&self, ctx: &Ctx, row: &BucketRow, action: &str, key: &str) -> Result<Ask> {
        self.ask(ctx, row, action, format!("{}/{key}", row.bucket.arn()))
    }

    fn ask(&self, ctx: &Ctx, row: &BucketRow, action: &str, resource: String) -> Result<Ask> {
        let owner: AccountId = row.bucket.owner.clone();
        let ask = Ask::new(action, resource).key("s3:ResourceAccount", owner.as_str()).owned_by(owner);
        let Some(text) = &row.policy else { return Ok(ask) };
        let policy = self.compiled(&row.bucket.name, text)?;
        let restricted = row.public_access()?.restrict_public_buckets && is_public(&policy.document);
        // A restricted bucket whose policy is public is closed to other accounts, which have no other way in than the
        // policy: without it they are denied. Inside the account it applies.
        Ok(if restricted && ctx.account() != &row.bucket.owner { ask } else { ask.policy(policy) })
    }
}

/// What is known of an upload.
#[derive(Debug, Default)]
pub(crate) struct Writes<'a> {
    pub(crate) tags: &'a [(String, String)],
    pub(crate) encryption: Option<&'a Encryption>,
    pub(crate) storage_class: Option<&'a str>,
    /// `/BUCKET/KEY` of what is copied.
    pub(crate) copy_source: Option<&'a str>,
    pub(crate) if_match: Option<&'a str>,
    pub(crate) if_none_match: Option<&'a str>,
    pub(crate) lock: ObjectLock,
}

/// Adds what is known of an upload to the question about it.
pub(crate) fn with_writes(ask: Ask, writes: &Writes<'_>) -> Ask {
    let ask = with_encryption(ask, writes.encryption)
        .key_if("s3:x-amz-storage-class", writes.storage_class)
        .key_if("s3:x-amz-copy-source", writes.copy_source)
        .key_if("s3:if-match", writes.if_match)
        .key_if("s3:if-none-match", writes.if_none_match);
    with_request_tags(ask, writes.tags)
}

/// The keys of the encryption that a request names itself; a bucket's default has none.
fn with_encryption(ask: Ask, encryption: Option<&Encryption>) -> Ask {
    match encryption {
        None => ask,
        Some(Encryption::S3) => ask.key("s3:x-amz-server-side-encryption", "AES256"),
        Some(Encryption::Kms { key, .. }) => ask
            .key("s3:x-amz-server-side-encryption", "aws:kms")
            .key_if("s3:x-amz-server-side-encryption-aws-kms-key-id", key.as_deref()),
    }
}

/// What is asked for the object's protection (Service Authorization Reference, `s3:object-lock-…`).
pub(crate) fn with_lock(mut ask: Ask, lock: &ObjectLock, ctx: &Ctx) -> Ask {
    if let Some(retention) = &lock.retention {
        let remaining = (retention.until_ms - ctx.now().as_millis()).div_euclid(24 * 60 * 60 * 1000);
        ask = ask
            .key("s3:object-lock-mode", retention.mode.as_str())
            .key("s3:object-lock-retain-until-date", retention.until().to_iso8601())
            .key("s3:object-lock-remaining-retention-days", remaining.to_string());
    }
    match lock.legal_hold {
        Some(hold) => ask.key("s3:object-lock-legal-hold", if hold { "ON" } else { "OFF" }),
        None => ask,
    }
}

pub(crate) fn with_request_tags(mut ask: Ask, tags: &[(String, String)]) -> Ask {
    if tags.is_empty() {
        return ask;
    }
    for (name, value) in tags {
        ask = ask.key(format!("s3:RequestObjectTag/{name}"), value);
    }
    ask.keys("s3:RequestObjectTagKeys", tags.iter().map(|(name, _)| name.clone()).collect())
}

/// The tags that the object has.
pub(crate) fn with_existing_tags(mut ask: Ask, tags: &Pairs) -> Ask {
    for (name, value) in tags {
        ask = ask.key(format!("s3:ExistingObjectTag/{name}"), value);
    }
    ask
}

/// The version that a request names.
pub(crate) fn with_version(ask: Ask, version: Option<&str>) -> Ask {
    ask.key_if("s3:VersionId", version)
}

/// The object action for a request that names a version or does not.
pub(crate) fn by_version(actions: [&'static str; 2], version: Option<&str>) -> &'static str {
    let [plain, versioned] = actions;
    if version.is_some() { versioned } else { plain }
}

/// What a listing asks for.
pub(crate) fn with_listing(ask: Ask, prefix: &str, delimiter: Option<&str>, max_keys: u32) -> Ask {
    ask.key("s3:prefix", prefix).key_if("s3:delimiter", delimiter).key("s3:max-keys", max_keys.to_string())
}
