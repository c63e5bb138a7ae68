//! CompleteMultipartUpload.

use ::store::Store;
use ::store::crash::point;
use identity::{Access, Ctx};

use super::UploadRef;
use super::store::{self, PartRow, UploadRow};
use crate::asks::{Writes, with_writes};
use crate::buckets::settings::malformed_xml;
use crate::buckets::store::BucketRow;
use crate::checksums::{Checksum, ChecksumType, Checksums, check_form, combine, multipart_etag, unhex};
use crate::conditions::{WriteConditions, unquoted};
use crate::error::{Code, Error, Result};
use crate::events::About;
use crate::keys;
use crate::open::Objects;
use crate::put::Put;
use crate::versions::store::{Inserted, NewVersion};
use crate::versions::{self, shown_version};

/// The least size of every part but the last: 5 MiB.
const SMALLEST: u64 = 5 * 1024 * 1024;
/// The most that an object may have: 5 TiB.
const LARGEST: u64 = 5 * 1024 * 1024 * 1024 * 1024;

/// A part as the caller lists it.
#[derive(Debug, Clone, Default)]
pub struct CompletePart {
    /// Its number.
    pub number: u32,
    /// Its ETag, with or without quotes.
    pub etag: String,
    /// Its checksums.
    pub checksums: Checksums,
}

/// A multipart upload to be completed.
#[derive(Debug, Clone)]
pub struct CompleteUpload {
    /// Which upload.
    pub upload: UploadRef,
    /// The parts that make the object, in ascending order.
    pub parts: Vec<CompletePart>,
    /// The object's checksum.
    pub checksums: Checksums,
    /// What the object's checksum is of.
    pub checksum_type: Option<ChecksumType>,
    /// `x-amz-mp-object-size`
    pub size: Option<u64>,
    /// `If-Match`
    pub if_match: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<String>,
}

impl Objects {
    /// Makes the listed parts an object; parts that are not listed are removed.
    ///
    /// # Errors
    /// NoSuchUpload, NoSuchBucket, AccessDenied; InvalidPart, InvalidPartOrder, EntityTooSmall, EntityTooLarge,
    /// MalformedXML for no parts; BadDigest, InvalidRequest where checksum, type or size are others;
    /// PreconditionFailed, NoSuchKey.
    pub async fn complete_multipart_upload(&self, ctx: &Ctx, complete: CompleteUpload) -> Result<Put> {
        let CompleteUpload { upload: asked, parts, checksums, checksum_type, size, .. } = &complete;
        keys::check(&asked.key)?;
        let row = self.known_bucket(ctx, &asked.bucket, "s3:PutObject").await?;
        let conditions = WriteConditions {
            if_match: complete.if_match.as_deref(),
            if_none_match: complete.if_none_match.as_deref(),
        };
        let writes =
            Writes { if_match: conditions.if_match, if_none_match: conditions.if_none_match, ..Writes::default() };
        let ask = with_writes(self.ask_object(ctx, &row, "s3:PutObject", &asked.key)?, &writes);
        self.identity().permit(ctx, &ask, Access::Write).await?;
        self.check_owner(&row, &asked.bucket)?;
        conditions.check_form()?;
        let bucket = row.bucket.name.as_str();
        let upload = store::read_upload(self.store(), bucket, &asked.key, &asked.upload_id).await?;
        let Some(upload) = upload else {
            return self.completed_before(&row, asked, parts).await;
        };
        let present = store::list(self.store(), &upload.id, 0, 10_001).await?;
        let chosen = choose(parts, present, &upload)?;
        let total: u64 = chosen.iter().map(|part| part.size).sum();
        check_size(*size, total)?;
        let checksum = object_checksum(&upload, &chosen, checksums, *checksum_type)?;
        let etag = multipart_etag(chosen.iter().map(|part| unhex(&part.etag).unwrap_or_default()));
        let (version, modified) = (self.new_version(), self.now());
        let new = NewVersion {
            bucket: &row.bucket,
            key: &asked.key,
            version: &version,
            id: &upload.id,
            size: total,
            etag: &etag,
            modified,
            blob: None,
            inline: None,
            parts: Some(u32::try_from(chosen.len()).map_err(base::Error::internal)?),
            envelope: Some(&upload.envelope),
            content: &upload.content,
            checksum: checksum.as_ref(),
        };
        point("objects.complete.commit.before");
        let inserted = commit(self.store(), &new, &chosen, &conditions).await?;
        point("objects.complete.commit.after");
        let version_id = shown_version(inserted.versioning, &inserted.version);
        let about = About { key: &asked.key, version_id: version_id.as_deref(), size: total, etag: &etag };
        self.tell(ctx, "ObjectCreated:CompleteMultipartUpload", &row.bucket, &about);
        self.nudge();
        Ok(Put { etag, version_id, checksum, sealed: upload.envelope.sealed, size: total, modified })
    }
}

impl Objects {
    /// What a completion answered that is asked for again with the same parts: a client that did not get the answer is
    /// told again, as in S3, whatever its conditions are.
    ///
    /// # Errors
    /// NoSuchUpload, where no version came of the upload, or of other parts.
    async fn completed_before(&self, row: &BucketRow, asked: &UploadRef, parts: &[CompletePart]) -> Result<Put> {
        let found = versions::store::of_upload(self.store(), &row.bucket.name, &asked.key, &asked.upload_id).await?;
        let version = found.ok_or_else(Error::no_such_upload)?;
        let present = store::list(self.store(), &version.id, 0, 10_001).await?;
        let same = present.len() == parts.len()
            && present
                .iter()
                .zip(parts)
                .all(|(row, part)| row.number == part.number && row.etag == unquoted(&part.etag));
        if !same {
            return Err(Error::no_such_upload());
        }
        Ok(Put {
            version_id: shown_version(row.versioning, &version.version),
            etag: version.etag,
            checksum: version.checksum,
            sealed: version.envelope.sealed,
            size: version.size,
            modified: version.modified,
        })
    }
}

/// Makes the parts an object in one transaction. Nothing is changed before all is known to be well: what is refused
/// then leaves all as it was.
async fn commit(
    store: &Store,
    new: &NewVersion<'_>,
    chosen: &[PartRow],
    conditions: &WriteConditions<'_>,
) -> Result<Inserted> {
    let inserted = versions::store::transact(store, |tx| async move {
        if !store::is_present(&tx, &upload_key(new)).await? {
            return Ok(Err(Error::no_such_upload()));
        }
        if !store::are_unchanged(&tx, new.id, chosen).await? {
            return Ok(Err(invalid_part("A part was uploaded again meanwhile.".to_owned())));
        }
        let inserted = versions::store::insert(&tx, new, |latest| conditions.check(new.key, latest)).await?;
        if inserted.is_ok() {
            store::take(&tx, new.id, chosen, new.modified).await?;
        }
        Ok(inserted)
    });
    inserted.await?
}

/// The uploaded parts that the caller lists.
fn choose(asked: &[CompletePart], present: Vec<PartRow>, upload: &UploadRow) -> Result<Vec<PartRow>> {
    if asked.is_empty() || asked.len() > 10_000 {
        return Err(malformed_xml());
    }
    if !asked.is_sorted_by(|a, b| a.number < b.number) {
        return Err(Error::new(
            Code::InvalidPartOrder,
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        ));
    }
    let mut present = present.into_iter();
    let mut chosen = Vec::with_capacity(asked.len());
    for part in asked {
        let found = present.find(|row| row.number >= part.number).filter(|row| row.number == part.number);
        let found = found
            .filter(|row| row.etag == unquoted(&part.etag))
            .ok_or_else(|| invalid_part(format!("It is part {}.", part.number)))?;
        check_part(part, &found, upload)?;
        chosen.push(found);
    }
    let small = chosen.split_last().and_then(|(_, others)| others.iter().find(|part| part.size < SMALLEST));
    if let Some(small) = small {
        return Err(Error::new(Code::EntityTooSmall, "Your proposed upload is smaller than the minimum allowed size")
            .with_hint(format!(
                "Part {} has {} bytes; every part but the last needs {SMALLEST}.",
                small.number, small.size
            )));
    }
    Ok(chosen)
}

/// Whether the checksums that the caller lists for a part are those that it was uploaded with.
fn check_part(asked: &CompletePart, found: &PartRow, upload: &UploadRow) -> Result<()> {
    for (algorithm, value) in asked.checksums.given() {
        if upload.algorithm != Some(algorithm) || found.checksum.as_deref() != Some(value) {
            return Err(invalid_part(format!("The {algorithm} of part {} is another one.", asked.number)));
        }
    }
    Ok(())
}

fn invalid_part(hint: String) -> Error {
    Error::new(
        Code::InvalidPart,
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified \
         entity tag may not match the part's entity tag.",
    )
    .with_hint(hint)
}

fn check_size(asked: Option<u64>, total: u64) -> Result<()> {
    if asked.is_some_and(|asked| asked != total) {
        return Err(Error::new(
            Code::InvalidRequest,
            format!("The provided 'x-amz-mp-object-size' header does not match what was computed: {total}."),
        ));
    }
    if total > LARGEST {
        return Err(Error::new(Code::EntityTooLarge, "Your proposed upload exceeds the maximum allowed size"));
    }
    Ok(())
}

/// The object's checksum, which must be the one that the caller gives.
fn object_checksum(
    upload: &UploadRow,
    parts: &[PartRow],
    given: &Checksums,
    kind: Option<ChecksumType>,
) -> Result<Option<Checksum>> {
    let (Some(algorithm), Some(own)) = (upload.algorithm, upload.checksum_type) else { return Ok(None) };
    if kind.is_some_and(|kind| kind != own) {
        return Err(Error::new(
            Code::InvalidRequest,
            format!(
                "The upload was created using the {} checksum mode. The complete request must use the same checksum \
                 mode.",
                own.as_str()
            ),
        ));
    }
    let values: Option<Vec<(String, u64)>> =
        parts.iter().map(|part| Some((part.checksum.clone()?, part.size))).collect();
    let Some(values) = values else { return Ok(None) };
    let checksum = combine(algorithm, own, &values)?;
    for (other, value) in given.given() {
        let plain = value.split_once('-').map_or(value, |(value, _)| value);
        check_form(other, plain)?;
        let computed = checksum.value.split_once('-').map_or(checksum.value.as_str(), |(value, _)| value);
        if other != algorithm || plain != computed {
            return Err(Error::new(
                Code::BadDigest,
                format!("The {other} you specified did not match the calculated checksum."),
            ));
        }
    }
    Ok(Some(checksum))
}

/// The bucket, key and id of the upload that becomes a version.
fn upload_key<'a>(new: &'a NewVersion<'_>) -> [&'a str; 3] {
    [&new.bucket.name, new.key, new.id]
}
