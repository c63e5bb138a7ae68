//! A folder in a bucket as the source of a checkpoint, read on behalf of whoever the context names.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use base::{Error, ErrorKind, Result};
use bytes::Bytes;
use checkpoint::{Source, SourceFile};
use futures::stream::{self, BoxStream, StreamExt as _};
use identity::Ctx;
use objects::{BucketRef, ByteRange, Code, Conditions, GetObject, ListObjectsV2, ObjectRef, Objects};

/// More files are refused.
const MOST_FILES: usize = 10_000;

/// The objects below a prefix. Each list and read is permitted, or denied, to the context as any request is. An object that is
/// not the one that was listed any more is not read.
pub struct BucketFolder {
    objects: Objects,
    ctx: Ctx,
    bucket: String,
    prefix: String,
    /// The ETag that each file had when it was listed.
    listed: Mutex<HashMap<String, String>>,
}

impl BucketFolder {
    /// The folder that `prefix` names, with or without a slash at its end; all of the bucket where it is empty. A prefix
    /// `models/a` does not name what lies in `models/ab`.
    #[must_use]
    pub fn new(objects: Objects, ctx: Ctx, bucket: &str, prefix: &str) -> Self {
        let prefix = match prefix {
            "" => String::new(),
            folder if folder.ends_with('/') => folder.to_owned(),
            folder => format!("{folder}/"),
        };
        Self { objects, ctx, bucket: bucket.to_owned(), prefix, listed: Mutex::default() }
    }

    fn changed(&self, name: &str) -> Error {
        Error::conflict(format!("`s3://{}/{}{name}` was changed while it was read.", self.bucket, self.prefix))
            .with_hint("Leave the files as they are until the job is over, and start it again.")
    }

    fn etag(&self, name: &str) -> Option<String> {
        self.listed.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

#[async_trait]
impl Source for BucketFolder {
    async fn files(&self) -> Result<Vec<SourceFile>> {
        let (mut files, mut listed, mut token) = (Vec::new(), HashMap::new(), None);
        loop {
            let ask = ListObjectsV2 {
                bucket: BucketRef::new(&self.bucket),
                prefix: self.prefix.clone(),
                delimiter: None,
                start_after: None,
                token,
                max_keys: None,
            };
            let page = self.objects.list_objects_v2(&self.ctx, &ask).await.map_err(|error| error.error)?;
            for object in page.entries {
                let name = object.key.strip_prefix(&self.prefix).unwrap_or_default();
                // A key that ends with a slash is a folder's own.
                if !name.is_empty() && !name.ends_with('/') {
                    files.push(SourceFile { name: name.to_owned(), bytes: object.size });
                    listed.insert(name.to_owned(), object.etag);
                }
            }
            if files.len() > MOST_FILES {
                let place = format!("s3://{}/{}", self.bucket, self.prefix);
                return Err(Error::invalid(format!("There are more than {MOST_FILES} files in `{place}`."))
                    .with_hint("Name the folder that holds config.json, the tokenizer and the weights."));
            }
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = listed;
        Ok(files)
    }

    async fn read(&self, name: &str, offset: u64, length: u64) -> Result<BoxStream<'static, Result<Bytes>>> {
        let etag = self.etag(name).ok_or_else(|| self.changed(name))?;
        let Some(last) = length.checked_sub(1).and_then(|last| offset.checked_add(last)) else {
            return Ok(stream::empty().boxed());
        };
        let object = ObjectRef::new(&self.bucket, format!("{}{name}", self.prefix));
        let get = GetObject {
            range: Some(ByteRange::FromTo(offset, last)),
            conditions: Conditions { if_match: Some(format!("\"{etag}\"")), ..Conditions::default() },
            ..GetObject::new(object)
        };
        match self.objects.get_object(&self.ctx, &get).await {
            Ok(got) => Ok(got.body),
            Err(error) => Err(match error.code {
                Code::PreconditionFailed | Code::NoSuchKey | Code::InvalidRange => self.changed(name),
                // The object is there and cannot be decrypted: by a key that is not in use, or the client's own.
                Code::KmsDisabled
                | Code::KmsInvalidKeyUsage
                | Code::KmsInvalidState
                | Code::KmsNotFound
                | Code::InvalidRequest => Error { kind: ErrorKind::Denied, ..error.error },
                _ => error.error,
            }),
        }
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
