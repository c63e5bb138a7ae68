//! Where a checkpoint lies in S3.

use base::{Error, Result};

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
