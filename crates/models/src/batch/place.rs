//! Places in S3: where a batch is read from and where its results are written.

use base::{Error, Result};
use objects::{BucketRef, ObjectRef};

/// A bucket and what is named in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    bucket: String,
    /// The account that is taken for the bucket's owner.
    owner: Option<String>,
    /// A key, or the beginning of keys; may be empty.
    path: String,
}

impl Place {
    /// # Errors
    /// Invalid.
    pub(crate) fn parse(uri: &str, owner: Option<&str>) -> Result<Self> {
        let invalid = || {
            Error::invalid(format!("The S3 URI `{uri}` is invalid.")).with_hint("It looks like `s3://BUCKET/PREFIX/`.")
        };
        let rest = uri.strip_prefix("s3://").ok_or_else(invalid)?;
        let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        if !is_bucket || path.starts_with('/') || uri.len() > 1024 {
            return Err(invalid());
        }
        Ok(Self { bucket: bucket.to_owned(), owner: owner.map(str::to_owned), path: path.to_owned() })
    }

    /// The bucket.
    pub(crate) fn bucket(&self) -> BucketRef {
        BucketRef { expected_owner: self.owner.clone(), ..BucketRef::new(&self.bucket) }
    }

    /// The key that the URI names, where it names one.
    pub(crate) fn key(&self) -> Option<&str> {
        (!self.path.is_empty() && !self.path.ends_with('/')).then_some(self.path.as_str())
    }

    /// The folder that the URI names: empty, or with a `/` at its end, so that `in` does not begin `in-2`.
    pub(crate) fn folder(&self) -> String {
        match self.key() {
            Some(key) => format!("{key}/"),
            None => self.path.clone(),
        }
    }

    /// An object of the bucket.
    pub(crate) fn object(&self, key: &str) -> ObjectRef {
        ObjectRef { bucket: self.bucket(), ..ObjectRef::new(&self.bucket, key) }
    }

    /// The URI of a key of the bucket, for people.
    pub(crate) fn uri(&self, key: &str) -> String {
        format!("s3://{}/{key}", self.bucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_key_or_a_folder() {
        for (uri, key, folder) in [
            ("s3://batches", None, ""),
            ("s3://batches/", None, ""),
            ("s3://batches/in", Some("in"), "in/"),
            ("s3://batches/in/", None, "in/"),
            ("s3://batches/in/a.jsonl", Some("in/a.jsonl"), "in/a.jsonl/"),
        ] {
            let place = Place::parse(uri, None).unwrap();
            assert_eq!((place.key(), place.folder().as_str()), (key, folder), "{uri}");
        }
        for uri in ["", "batches", "s3:/batches", "s3://b", "s3://Batches/a", "s3://batches//a", "https://batches/a"] {
            assert!(Place::parse(uri, None).is_err(), "{uri}");
        }
    }
}
