//! Objects in buckets, by their S3 URIs.

use anyhow::{Context as _, Result};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::Client;

/// What is escaped in the key of an object's path: slashes stay.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The path of the object that an S3 URI names; none where it names none.
pub(super) fn path(uri: &str) -> Option<String> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(format!("/{bucket}/{}", utf8_percent_encode(key, KEY)))
}

/// The bytes of an object.
pub(super) async fn get(client: &Client, uri: &str) -> Result<Vec<u8>> {
    let path = path(uri).with_context(|| format!("`{uri}` is no place in S3"))?;
    let found = client.send("s3", Method::GET, &path, Vec::new()).await;
    Ok(found.with_context(|| format!("cannot read `{uri}`"))?.bytes().await?.to_vec())
}

/// Writes an object of JSON lines.
pub(super) async fn put_lines(client: &Client, uri: &str, lines: &str) -> Result<()> {
    let path = path(uri).with_context(|| format!("`{uri}` is no place in S3"))?;
    let headers = [("content-type", "application/jsonl")];
    let written = client.send_with("s3", Method::PUT, &path, &headers, lines.as_bytes().to_vec()).await;
    written.with_context(|| format!("cannot write `{uri}`")).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_object_keeps_its_slashes_alone() {
        assert_eq!(path("s3://b/out/x y/a.jsonl.out").unwrap(), "/b/out/x%20y/a.jsonl.out");
        assert_eq!(path("b/out"), None);
    }
}
