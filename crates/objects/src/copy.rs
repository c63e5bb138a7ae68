//! CopyObject.

use futures::StreamExt as _;
use identity::{Access, Ctx};
use percent_encoding::percent_decode_str;

use crate::asks::Writes;
use crate::blobs::ingest_object;
use crate::body::Body;
use crate::buckets::settings::no_acls;
use crate::checksums::ChecksumAlgorithm;
use crate::conditions::Conditions;
use crate::customer_keys::CustomerKey;
use crate::encryption::Sealed;
use crate::error::{Code, Error, Result};
use crate::keys;
use crate::open::Objects;
use crate::put::{Commit, MOST_AT_ONCE, Put, PutObject};
use crate::tags::Pairs;
use crate::versions::{ObjectRef, shown_version};

/// Where a copy has its metadata, or its tags, from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Directive {
    /// From the source.
    #[default]
    Copy,
    /// From the request.
    Replace,
}

/// A copy to be made.
#[derive(Debug, Clone)]
pub struct CopyObject {
    /// What is copied.
    pub source: ObjectRef,
    /// Under which conditions on the source.
    pub source_conditions: Conditions,
    /// The key of the client's own that the source was written with.
    pub source_key: Option<CustomerKey>,
    /// What it becomes; headers and metadata are looked at only where the metadata is replaced, tags only where the
    /// tags are.
    pub to: PutObject,
    /// Where headers and metadata come from.
    pub metadata_directive: Directive,
    /// Where the tags come from.
    pub tagging_directive: Directive,
}

/// A copy that was made.
#[derive(Debug, Clone)]
pub struct Copied {
    /// The new object.
    pub put: Put,
    /// The source's version, where its bucket keeps versions.
    pub source_version: Option<String>,
}

impl Objects {
    /// Copies an object of up to 5 GiB inside the deployment.
    ///
    /// # Errors
    /// Those of [`Objects::get_object`] for the source and of [`Objects::put_object`] for the copy; InvalidRequest,
    /// where an object is copied onto itself unchanged or is too large; PreconditionFailed.
    pub async fn copy_object(&self, ctx: &Ctx, copy: CopyObject) -> Result<Copied> {
        let CopyObject { source, source_conditions, source_key, mut to, metadata_directive, tagging_directive } = copy;
        keys::check(&to.key)?;
        let row = self.known_bucket(ctx, &to.bucket, "s3:PutObject").await?;
        let found = self.object(ctx, &source, ["s3:GetObject", "s3:GetObjectVersion"], Access::Read).await?;
        if tagging_directive == Directive::Copy {
            to.tags = self.source_tags(ctx, &source, found.row.content.tags.len()).await?;
        }
        let named = format!("{}/{}", source.bucket.name, source.key);
        let writes = Writes {
            tags: &to.tags,
            encryption: to.encryption.as_ref(),
            storage_class: to.storage_class.as_deref(),
            copy_source: Some(&named),
            if_match: to.if_match.as_deref(),
            if_none_match: to.if_none_match.as_deref(),
            lock: to.lock,
        };
        self.permit_write(ctx, &row, &to.key, &writes).await?;
        self.check_owner(&row, &to.bucket)?;
        if to.acl {
            return Err(no_acls());
        }
        source_conditions.check_source(&found.row.etag, found.row.modified)?;
        // The copy is encrypted by the bucket's default, which may be another way than the source's.
        let reencrypts = row.settings.encryption.is_some() || found.row.envelope.sealed != Sealed::S3;
        if !reencrypts {
            check_change(&source, &to, metadata_directive)?;
        }
        let size = found.row.size;
        if size > MOST_AT_ONCE {
            return Err(Error::new(
                Code::InvalidRequest,
                format!(
                    "The specified copy source is larger than the maximum allowable size for a copy source: {MOST_AT_ONCE}"
                ),
            ));
        }
        if metadata_directive == Directive::Copy {
            let own_redirect = to.headers.website_redirect.take();
            to.headers = found.row.content.headers.clone();
            to.headers.website_redirect = own_redirect;
            to.metadata = found.row.content.metadata.clone();
        }
        let asked = to.check()?;
        let content = to.content()?;
        row.check_lock(ctx, &to.lock)?;
        let own = found.row.checksum.as_ref().map(|checksum| checksum.algorithm);
        let algorithm = asked.or(own).or(Some(ChecksumAlgorithm::Crc64Nvme));
        let stream = self.open_body(ctx, &found, 0, size, source_key.as_ref()).await?;
        let stream = stream.map(|piece| piece.map_err(std::io::Error::other)).boxed();
        let mut body = Body { stream, length: Some(size), trailers: None };
        let (key, envelope) =
            self.new_data_key(ctx, &row, &to.key, to.encryption.as_ref(), to.customer_key.as_ref()).await?;
        let ingested = ingest_object(self.blobs(), self.random(), &key, &mut body, MOST_AT_ONCE, algorithm).await?;
        let checksum = ingested.digests.stored();
        let conditions = to.conditions();
        let event = "ObjectCreated:Copy";
        let commit = Commit { row: &row, key: &to.key, ingested, envelope, content, checksum, conditions, event };
        let put = self.commit_version(ctx, commit).await?;
        let source_version = shown_version(found.bucket.versioning, &found.row.version);
        Ok(Copied { put, source_version })
    }

    /// The source's tags, for a caller who may read them; nothing is asked where there are none.
    async fn source_tags(&self, ctx: &Ctx, source: &ObjectRef, count: usize) -> Result<Pairs> {
        if count == 0 {
            return Ok(Pairs::new());
        }
        let actions = ["s3:GetObjectTagging", "s3:GetObjectVersionTagging"];
        Ok(self.object(ctx, source, actions, Access::Read).await?.row.content.tags)
    }
}

/// A copy onto itself must change something.
fn check_change(source: &ObjectRef, to: &PutObject, metadata: Directive) -> Result<()> {
    let same = source.bucket.name == to.bucket.name && source.key == to.key && source.version.is_none();
    let changes = metadata == Directive::Replace
        || to.storage_class.is_some()
        || to.encryption.is_some()
        || to.customer_key.is_some()
        || to.headers.website_redirect.is_some();
    if same && !changes {
        return Err(Error::new(
            Code::InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the object's \
             metadata, storage class, website redirect location or encryption attributes.",
        ));
    }
    Ok(())
}

/// The object that an `x-amz-copy-source` names: `BUCKET/KEY`, percent-encoded, with or without a leading `/` and
/// `?versionId=…`; or `arn:aws:s3:::BUCKET/KEY`.
///
/// # Errors
/// InvalidArgument, where it is of another form.
pub fn parse_copy_source(text: &str) -> Result<ObjectRef> {
    let invalid =
        || Error::invalid_argument("Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
    let (path, version) = match text.rsplit_once("?versionId=") {
        Some((path, version)) => (path, Some(version.to_owned())),
        None => (text, None),
    };
    let path = percent_decode_str(path).decode_utf8().map_err(|_| invalid())?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let path = path.strip_prefix("arn:aws:s3:::").unwrap_or(path);
    let (bucket, key) =
        path.split_once('/').filter(|(bucket, key)| !bucket.is_empty() && !key.is_empty()).ok_or_else(invalid)?;
    let version = version.filter(|version| !version.is_empty());
    Ok(ObjectRef { version, ..ObjectRef::new(bucket, key) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_sources_are_read_in_all_their_forms() {
        for text in ["b/a%20b/c", "/b/a%20b/c", "arn:aws:s3:::b/a%20b/c", "b%2Fa%20b/c"] {
            assert_eq!(parse_copy_source(text).unwrap(), ObjectRef::new("b", "a b/c"), "{text}");
        }
        let versioned = parse_copy_source("b/k?versionId=v.1").unwrap();
        assert_eq!(versioned.version.as_deref(), Some("v.1"));
        assert_eq!(parse_copy_source("b/a+b").unwrap().key, "a+b");
        for text in ["b", "b/", "/", "", "/b"] {
            assert!(parse_copy_source(text).is_err(), "{text}");
        }
    }
}
