//! `craton batch results`.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context as _, Result, bail};
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::client::Client;
use crate::commands::segment;
use crate::fields::text;
use crate::output;

/// What is escaped in the key of an object's path: slashes stay.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) async fn run(client: &Client, job: &str, to: Option<&Path>) -> Result<()> {
    let batch = client.craton(Method::GET, &format!("/batches/{}", segment(job)), None).await?;
    let status = text(&batch, "status");
    if !matches!(status.as_str(), "Completed" | "PartiallyCompleted" | "Stopped") {
        bail!("the batch `{job}` has no results: it is {status}");
    }
    let place = text(&batch, "resultsUri");
    let files = batch["resultFiles"].as_array().map_or(&[][..], Vec::as_slice);
    for name in files.iter().filter_map(Value::as_str) {
        let Some(path) = object_path(&format!("{place}{name}")) else { bail!("`{place}` is no place in S3") };
        let bytes = client.send("s3", Method::GET, &path, Vec::new()).await?.bytes().await?;
        match to {
            None => output::piece(&String::from_utf8_lossy(&bytes))?,
            Some(folder) => save(folder, name, &bytes)?,
        }
    }
    Ok(())
}

/// The path of the object that an S3 URI names.
fn object_path(uri: &str) -> Option<String> {
    let (bucket, key) = uri.strip_prefix("s3://")?.split_once('/')?;
    Some(format!("/{bucket}/{}", utf8_percent_encode(key, KEY)))
}

/// Writes a file below the folder, whatever its name.
fn save(folder: &Path, name: &str, bytes: &[u8]) -> Result<()> {
    let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
    if !inside {
        bail!("the file `{name}` would not lie in `{}`", folder.display());
    }
    let path = folder.join(name);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("cannot make `{}`", parent.display()))?;
    }
    fs::write(&path, bytes).with_context(|| format!("cannot write `{}`", path.display()))?;
    output::line(path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_an_object_keeps_its_slashes_alone() {
        assert_eq!(object_path("s3://b/out/x y/a.jsonl.out").unwrap(), "/b/out/x%20y/a.jsonl.out");
        assert_eq!(object_path("b/out"), None);
    }

    #[test]
    fn results_are_saved_in_the_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "deep/a.jsonl.out", b"x").unwrap();
        assert_eq!(fs::read(folder.path().join("deep/a.jsonl.out")).unwrap(), b"x");
        assert!(save(folder.path(), "../a.jsonl.out", b"x").is_err());
        assert!(save(folder.path(), "/tmp/a.jsonl.out", b"x").is_err());
    }
}
