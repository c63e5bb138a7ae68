//! DeleteObject and DeleteObjects.

use ::store::crash::point;
use identity::{Access, Ctx};

use crate::asks::{by_version, with_existing_tags, with_version};
use crate::buckets::settings::malformed_xml;
use crate::buckets::store::BucketRow;
use crate::buckets::{BucketRef, Versioning};
use crate::conditions::matches;
use crate::error::{Error, Result};
use crate::events::About;
use crate::keys;
use crate::locks::{check_removal, is_governed};
use crate::open::Objects;
use crate::versions::store::{Content, NewVersion, VersionRow, find, insert, remove};
use crate::versions::{self, NULL, ObjectRef, shown_version};

/// The most objects that one request may delete.
const MOST_AT_ONCE: usize = 1_000;

/// An object to be deleted.
#[derive(Debug, Clone)]
pub struct DeleteObject {
    /// Which object. With a version that version goes for good; without one a bucket that keeps versions gets a delete
    /// marker.
    pub object: ObjectRef,
    /// `If-Match`
    pub if_match: Option<String>,
    /// Whether to remove a version though governance retains it.
    pub bypass: bool,
}

/// One of several objects to be deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeleteEntry {
    /// Its key.
    pub key: String,
    /// Its version.
    pub version: Option<String>,
    /// The ETag that it must have.
    pub if_match: Option<String>,
    /// Whether to remove a version though governance retains it.
    pub bypass: bool,
}

/// What a deletion did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// The version that was removed, or that of the delete marker that was made.
    pub version_id: Option<String>,
    /// Whether a delete marker was made or removed.
    pub delete_marker: bool,
}

/// What became of one of several deletions.
#[derive(Debug)]
pub struct DeleteOutcome {
    /// The key.
    pub key: String,
    /// The version that was named.
    pub version: Option<String>,
    /// What was done.
    pub result: Result<Deleted>,
}

impl Objects {
    /// Deletes an object. Deleting what is absent succeeds, as in S3.
    ///
    /// # Errors
    /// NoSuchBucket, AccessDenied, PreconditionFailed; NoSuchKey for an `If-Match` of an absent object.
    pub async fn delete_object(&self, ctx: &Ctx, delete: &DeleteObject) -> Result<Deleted> {
        let object = &delete.object;
        let action = by_version(["s3:DeleteObject", "s3:DeleteObjectVersion"], object.version.as_deref());
        let row = self.known_bucket(ctx, &object.bucket, action).await?;
        let entry = DeleteEntry {
            key: object.key.clone(),
            version: object.version.clone(),
            if_match: delete.if_match.clone(),
            bypass: delete.bypass,
        };
        let deleted = self.delete_entry(ctx, &row, &object.bucket, &entry).await;
        self.nudge();
        deleted
    }

    /// Deletes up to 1,000 objects, each on its own.
    ///
    /// # Errors
    /// MalformedXML for none or too many; NoSuchBucket. What is refused of single objects is in their outcomes.
    pub async fn delete_objects(
        &self,
        ctx: &Ctx,
        bucket: &BucketRef,
        entries: Vec<DeleteEntry>,
    ) -> Result<Vec<DeleteOutcome>> {
        let row = self.known_bucket(ctx, bucket, "s3:DeleteObject").await?;
        self.check_owner(&row, bucket)?;
        if entries.is_empty() || entries.len() > MOST_AT_ONCE {
            return Err(malformed_xml());
        }
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            let result = self.delete_entry(ctx, &row, bucket, &entry).await;
            outcomes.push(DeleteOutcome { key: entry.key, version: entry.version, result });
        }
        self.nudge();
        Ok(outcomes)
    }

    async fn delete_entry(
        &self,
        ctx: &Ctx,
        row: &BucketRow,
        bucket: &BucketRef,
        entry: &DeleteEntry,
    ) -> Result<Deleted> {
        keys::check(&entry.key)?;
        let version = entry.version.as_deref();
        keys::check_version(version)?;
        let action = by_version(["s3:DeleteObject", "s3:DeleteObjectVersion"], version);
        let present = versions::store::read(self.store(), &row.bucket.name, &entry.key, version).await?;
        let mut ask = with_version(self.ask_object(ctx, row, action, &entry.key)?, version);
        if let Some(present) = &present {
            ask = with_existing_tags(ask, &present.content.tags);
        }
        self.identity().permit(ctx, &ask, Access::Write).await?;
        self.check_owner(row, bucket)?;
        let governed = present.is_some_and(|present| is_governed(&present.content.lock, ctx.now()));
        if entry.bypass && governed {
            let ask = self.ask_object(ctx, row, "s3:BypassGovernanceRetention", &entry.key)?;
            self.identity().permit(ctx, &ask, Access::Write).await?;
        }
        match version {
            Some(version) => self.delete_version(ctx, row, entry, version, governed).await,
            None => self.delete_latest(ctx, row, entry).await,
        }
    }

    /// Removes one version for good. Whether it was `governed` when the caller's permissions were asked decides whether
    /// governance is bypassed.
    async fn delete_version(
        &self,
        ctx: &Ctx,
        row: &BucketRow,
        entry: &DeleteEntry,
        version: &str,
        governed: bool,
    ) -> Result<Deleted> {
        let (bucket, now) = (row.bucket.name.as_str(), self.now());
        point("objects.delete.commit.before");
        let removed = self
            .store()
            .write(|tx| async move {
                let found = find(&tx, bucket, &entry.key, Some(version)).await?;
                if let Err(refused) = check(entry, found.as_ref()) {
                    return Ok(Err(refused));
                }
                if let Some(found) = &found {
                    // What governs now was asked about before, unless it came meanwhile.
                    if let Err(refused) = check_removal(&found.content.lock, now, entry.bypass && governed) {
                        return Ok(Err(refused));
                    }
                    remove(&tx, bucket, found, now).await?;
                }
                Ok(Ok(found))
            })
            .await??;
        point("objects.delete.commit.after");
        let version_id = shown_version(row.versioning, version);
        if removed.is_some() {
            let about = About { key: &entry.key, version_id: version_id.as_deref(), ..About::default() };
            self.tell(ctx, "ObjectRemoved:Delete", &row.bucket, &about);
        }
        // AWS answers with the version that was named, whether it was there or not.
        Ok(Deleted { version_id, delete_marker: removed.is_some_and(|row| row.marker) })
    }

    /// Removes the latest version, or hides it behind a delete marker.
    async fn delete_latest(&self, ctx: &Ctx, row: &BucketRow, entry: &DeleteEntry) -> Result<Deleted> {
        let (bucket, now) = (row.bucket.name.as_str(), self.now());
        let (version, id) = (self.new_version(), self.new_object_id());
        let content = Content::default();
        let marker = NewVersion {
            bucket: &row.bucket,
            key: &entry.key,
            version: &version,
            id: &id,
            size: 0,
            etag: "",
            modified: now,
            blob: None,
            inline: None,
            parts: None,
            envelope: None,
            content: &content,
            checksum: None,
        };
        let marker = &marker;
        point("objects.delete.commit.before");
        let done = versions::store::transact(self.store(), |tx| async move {
            let present =
                crate::buckets::store::find(&tx, bucket).await?.filter(|present| present.bucket == row.bucket);
            let Some(present) = present else {
                return Ok(Err(Error::no_such_bucket(bucket)));
            };
            if present.versioning == Versioning::Unversioned {
                let found = find(&tx, bucket, &entry.key, Some(NULL)).await?;
                if let Err(refused) = check(entry, found.as_ref()) {
                    return Ok(Err(refused));
                }
                if let Some(found) = &found {
                    if let Err(refused) = check_removal(&found.content.lock, now, false) {
                        return Ok(Err(refused));
                    }
                    remove(&tx, bucket, found, now).await?;
                }
                return Ok(Ok(Done::Removed(found.is_some())));
            }
            Ok(insert(&tx, marker, |latest| check(entry, latest)).await?.map(|marker| Done::Marked(marker.version)))
        })
        .await??;
        point("objects.delete.commit.after");
        let about = |version_id| About { key: &entry.key, version_id, ..About::default() };
        match done {
            Done::Removed(found) => {
                if found {
                    self.tell(ctx, "ObjectRemoved:Delete", &row.bucket, &about(None));
                }
                Ok(Deleted::default())
            }
            Done::Marked(version) => {
                self.tell(ctx, "ObjectRemoved:DeleteMarkerCreated", &row.bucket, &about(Some(&version)));
                Ok(Deleted { version_id: Some(version), delete_marker: true })
            }
        }
    }
}

/// What a deletion without a version did.
enum Done {
    /// Whether there was something to remove.
    Removed(bool),
    /// The delete marker's version.
    Marked(String),
}

/// Whether the object is the one that the caller means.
fn check(entry: &DeleteEntry, found: Option<&VersionRow>) -> Result<()> {
    match (&entry.if_match, found) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Error::no_such_key(&entry.key)),
        (Some(tags), Some(row)) if !matches(tags, &row.etag) => Err(Error::precondition_failed("If-Match")),
        (Some(_), Some(_)) => Ok(()),
    }
}
