//! The samples of the chapters `knowledge` and `evaluation`, which are part of this program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rust_embed::Embed;

/// A company's handbook, with its sidecars.
#[derive(Embed)]
#[folder = "../../demo/samples/rental"]
struct Documents;

/// Findings and impressions of radiology reports, and the prompt that asks for an impression.
#[derive(Embed)]
#[folder = "../../demo/samples/radiology"]
struct Reports;

/// Writes the documents into a folder below `folder` that then holds nothing else; gives that folder.
///
/// # Errors
/// The file that cannot be written.
pub(super) fn write_documents(folder: &Path) -> Result<PathBuf> {
    write::<Documents>(folder.join("rental"))
}

/// Writes the reports, as [`write_documents`] does.
///
/// # Errors
/// The file that cannot be written.
pub(super) fn write_reports(folder: &Path) -> Result<PathBuf> {
    write::<Reports>(folder.join("radiology"))
}

fn write<Samples: Embed>(target: PathBuf) -> Result<PathBuf> {
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("cannot remove `{}`", target.display()))?;
    }
    for name in Samples::iter() {
        let (path, file) = (target.join(&*name), Samples::get(&name).context("a sample is not in this build")?);
        let parent = path.parent().unwrap_or(&target);
        fs::create_dir_all(parent).with_context(|| format!("cannot make the folder `{}`", parent.display()))?;
        fs::write(&path, &file.data).with_context(|| format!("cannot write `{}`", path.display()))?;
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_written_beside_its_sidecar_and_what_was_there_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let target = write_documents(folder.path()).unwrap();
        fs::write(target.join("left.txt"), "").unwrap();
        assert_eq!(write_documents(folder.path()).unwrap(), target);
        assert!(!target.join("left.txt").exists());
        let documents: Vec<_> = Documents::iter().filter(|name| !name.ends_with(".metadata.json")).collect();
        assert_eq!(documents.len(), 49);
        for name in documents {
            assert!(target.join(&*name).is_file() && target.join(format!("{name}.metadata.json")).is_file(), "{name}");
        }
    }

    #[test]
    fn the_reports_are_pairs_and_their_prompt_ends_with_the_heading_of_the_findings() {
        let folder = tempfile::tempdir().unwrap();
        let target = write_reports(folder.path()).unwrap();
        for file in ["reports.jsonl", "dev1.jsonl"] {
            for line in fs::read_to_string(target.join(file)).unwrap().lines() {
                let pair: serde_json::Value = serde_json::from_str(line).unwrap();
                assert!(pair["prompt"].is_string() && pair["completion"].is_string(), "{line}");
            }
        }
        assert!(fs::read_to_string(target.join("prompt.txt")).unwrap().ends_with("Findings: \n"));
    }
}
