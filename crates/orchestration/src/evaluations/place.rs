//! Places in S3.

use base::{Error, ErrorKind, Result};
use futures::StreamExt as _;
use identity::Ctx;
use objects::{Body, BucketRef, Code, Encryption, GetObject, ObjectRef, Objects, PutObject};

use super::job::is_fault;

/// Bytes that a dataset may have.
const MOST_BYTES: u64 = 256 << 20;

/// A bucket and what is named in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    bucket: String,
    /// A key, or the beginning of keys; may be empty.
    path: String,
}

impl Place {
    /// # Errors
    /// Invalid.
    pub(super) fn parse(uri: &str) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!("The S3 URI `{uri}` is invalid.")).with_hint("It looks like `s3://BUCKET/PREFIX/`.")
        };
        let rest = uri.strip_prefix("s3://").ok_or_else(invalid)?;
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.len() < 3 || path.starts_with('/') {
            return Err(invalid());
        }
        Ok(Self { bucket: bucket.to_owned(), path: path.to_owned() })
    }

    /// A key below the folder that the place names.
    pub(super) fn below(&self, key: &str) -> String {
        let separator = if self.path.is_empty() || self.path.ends_with('/') { "" } else { "/" };
        format!("{}{separator}{key}", self.path)
    }

    /// The text of the object that the place names.
    ///
    /// # Errors
    /// Denied, where `ctx` may not read it; Invalid, where there is none, or it is no text or too long.
    pub(super) async fn read(&self, objects: &Objects, ctx: &Ctx) -> Result<String> {
        let uri = format!("s3://{}/{}", self.bucket, self.path);
        let object = ObjectRef { bucket: BucketRef::new(&self.bucket), ..ObjectRef::new(&self.bucket, &self.path) };
        let got = match objects.get_object(ctx, &GetObject::new(object)).await {
            Ok(got) => got,
            Err(error) if error.code == Code::NoSuchKey => {
                return Err(Error::invalid(format!("There is no dataset at `{uri}`.")));
            }
            Err(error) => return Err(because(format!("The dataset `{uri}` cannot be read."), error.error)),
        };
        if got.object.size > MOST_BYTES {
            return Err(Error::invalid(format!("The dataset `{uri}` has more than {MOST_BYTES} bytes.")));
        }
        let (mut bytes, mut body) = (Vec::new(), got.body);
        while let Some(piece) = body.next().await {
            bytes.extend_from_slice(&piece?);
        }
        String::from_utf8(bytes).map_err(|error| {
            let line = error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            Error::invalid(format!("Line {line} of the dataset `{uri}` is not UTF-8."))
        })
    }

    /// Writes an object below the place.
    ///
    /// # Errors
    /// Denied, where `ctx` may not write it.
    pub(super) async fn write(
        &self,
        objects: &Objects,
        ctx: &Ctx,
        (key, text): (&str, String),
        encrypted_under: Option<&str>,
    ) -> Result<()> {
        let key = self.below(key);
        let encryption =
            encrypted_under.map(|key| Encryption::Kms { key: Some(key.to_owned()), bucket_key: None, context: None });
        let put = PutObject { encryption, ..PutObject::new(&self.bucket, &key) };
        let written = objects.put_object(ctx, put, Body::from_bytes(text)).await;
        let failed = |error: objects::Error| {
            because(format!("The results cannot be written to `s3://{}/{key}`.", self.bucket), error.error)
        };
        written.map(drop).map_err(failed)
    }
}

/// `message`, and what was refused. Faults of the server are what they are, so that they are tried again.
fn because(message: String, error: Error) -> Error {
    if is_fault(&error) {
        return error;
    }
    let kind = if error.kind == ErrorKind::NotFound { ErrorKind::Invalid } else { error.kind };
    Error { kind, message: format!("{message} {}", error.message), ..error }
}
