//! `craton batch results`.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context as _, Result, bail};
use http::Method;
use serde_json::Value;

use crate::client::Client;
use crate::commands::{objects, segment};
use crate::fields::text;
use crate::output;

/// The results of all records, or of those that failed alone.
pub(super) async fn run(client: &Client, job: &str, to: Option<&Path>, only_errors: bool) -> Result<()> {
    let batch = client.craton(Method::GET, &format!("/batches/{}", segment(job)), None).await?;
    let status = text(&batch, "status");
    if !matches!(status.as_str(), "Completed" | "PartiallyCompleted" | "Stopped") {
        bail!("the batch `{job}` has no results: it is {status}");
    }
    let place = text(&batch, "resultsUri");
    let files = batch["resultFiles"].as_array().map_or(&[][..], Vec::as_slice);
    for name in files.iter().filter_map(Value::as_str) {
        let bytes = objects::get(client, &format!("{place}{name}")).await?;
        let bytes = if only_errors { errors_of(&bytes) } else { bytes };
        match to {
            None => output::piece(&String::from_utf8_lossy(&bytes))?,
            Some(folder) => save(folder, name, &bytes)?,
        }
    }
    Ok(())
}

/// The lines of the records that failed.
fn errors_of(results: &[u8]) -> Vec<u8> {
    let failed = |line: &&[u8]| serde_json::from_slice::<Value>(line).is_ok_and(|result| result["error"].is_object());
    results.split_inclusive(|byte| *byte == b'\n').filter(failed).flatten().copied().collect()
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
    fn results_are_saved_in_the_folder_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        save(folder.path(), "deep/a.jsonl.out", b"x").unwrap();
        assert_eq!(fs::read(folder.path().join("deep/a.jsonl.out")).unwrap(), b"x");
        assert!(save(folder.path(), "../a.jsonl.out", b"x").is_err());
        assert!(save(folder.path(), "/tmp/a.jsonl.out", b"x").is_err());
    }
}
