//! Where a checkpoint lies in S3, and reading it there as the role that the job was given.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use base::{Error, Result};
use bytes::Bytes;
use checkpoint::{Source, SourceFile};
use futures::stream::BoxStream;
use identity::Ctx;
use objects::{BucketRef, ByteRange, Conditions, GetObject, ListObjectsV2, ObjectRef, Objects};

/// The most files that are looked at: no checkpoint has more, and a prefix that has is another thing.
const MOST_FILES: usize = 10_000;

/// `s3://BUCKET/PREFIX`: a folder, so that `weights` does not begin `weights-2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) bucket: String,
    /// Empty, or with a `/` at its end.
    pub(crate) prefix: String,
}

impl Location {
    /// # Errors
    /// Invalid.
    pub(crate) fn parse(uri: &str) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!("The S3 URI `{uri}` is invalid."))
                .with_hint("Name the folder that holds config.json: `s3://BUCKET/PREFIX/`.")
        };
        let rest = uri.strip_prefix("s3://").ok_or_else(invalid)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        if !is_bucket || prefix.starts_with('/') || uri.len() > 1024 {
            return Err(invalid());
        }
        let mut prefix = prefix.to_owned();
        if !prefix.is_empty() && !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Self { bucket: bucket.to_owned(), prefix })
    }

    /// The URI as AWS writes it in messages: without a `/` at its end.
    pub(crate) fn in_messages(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix).trim_end_matches('/').to_owned()
    }
}

/// A checkpoint in a bucket, read with the rights of a role. Each file is the one that was listed: one that is written
/// anew meanwhile ends the reading.
pub(crate) struct S3Source {
    objects: Objects,
    role: Ctx,
    location: Location,
    etags: Mutex<BTreeMap<String, String>>,
}

impl S3Source {
    pub(crate) fn new(objects: Objects, role: Ctx, location: Location) -> Self {
        Self { objects, role, location, etags: Mutex::default() }
    }

    fn etag(&self, name: &str) -> Option<String> {
        self.etags.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(name).cloned()
    }
}

#[async_trait]
impl Source for S3Source {
    async fn files(&self) -> Result<Vec<SourceFile>> {
        let (mut files, mut etags, mut token) = (Vec::new(), BTreeMap::new(), None);
        loop {
            let list = ListObjectsV2 {
                bucket: BucketRef::new(&self.location.bucket),
                prefix: self.location.prefix.clone(),
                delimiter: None,
                start_after: None,
                token: token.take(),
                max_keys: None,
            };
            let page = self.objects.list_objects_v2(&self.role, &list).await?;
            for entry in page.entries {
                let Some(name) = entry.key.strip_prefix(&self.location.prefix).filter(|name| !name.is_empty()) else {
                    continue;
                };
                etags.insert(name.to_owned(), entry.etag);
                files.push(SourceFile { name: name.to_owned(), bytes: entry.size });
            }
            if files.len() > MOST_FILES {
                let uri = self.location.in_messages();
                return Err(Error::invalid(format!("There are more than {MOST_FILES} objects under {uri}."))
                    .with_hint("Name the folder of one checkpoint."));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        *self.etags.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = etags;
        Ok(files)
    }

    async fn read(&self, name: &str, offset: u64, length: u64) -> Result<BoxStream<'static, Result<Bytes>>> {
        if length == 0 {
            return Ok(Box::pin(futures::stream::empty()));
        }
        let key = format!("{}{name}", self.location.prefix);
        let get = GetObject {
            object: ObjectRef::new(self.location.bucket.as_str(), key),
            range: Some(ByteRange::FromTo(offset, offset + length - 1)),
            part: None,
            conditions: Conditions { if_match: self.etag(name), ..Conditions::default() },
        };
        let got = self.objects.get_object(&self.role, &get).await.map_err(|error| match error.code {
            objects::Code::PreconditionFailed | objects::Code::NoSuchKey | objects::Code::InvalidRange => {
                Error::conflict(format!("The object `{name}` was changed while it was read."))
                    .with_hint("Start the import again when nobody writes to the folder any more.")
            }
            _ => error.into(),
        })?;
        Ok(got.body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_a_folder() {
        for (uri, bucket, prefix) in [
            ("s3://models", "models", ""),
            ("s3://models/", "models", ""),
            ("s3://models/a/b", "models", "a/b/"),
            ("s3://models/a/b/", "models", "a/b/"),
        ] {
            let location = Location::parse(uri).unwrap();
            assert_eq!((location.bucket.as_str(), location.prefix.as_str()), (bucket, prefix), "{uri}");
        }
        for uri in ["", "models", "s3:/models", "s3://m", "s3://Models/a", "s3://models//a", "https://models/a"] {
            assert!(Location::parse(uri).is_err(), "{uri}");
        }
        assert_eq!(Location::parse("s3://models/weights/").unwrap().in_messages(), "s3://models/weights");
    }
}
