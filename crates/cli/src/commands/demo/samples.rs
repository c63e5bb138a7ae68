//! The documents of the chapter `knowledge`, which are part of this program.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rust_embed::Embed;

/// A company's handbook, with its sidecars.
#[derive(Embed)]
#[folder = "../../demo/samples/rental"]
struct Documents;

/// Writes the documents into a folder below `folder` that then holds nothing else; gives that folder.
///
/// # Errors
/// The file that cannot be written.
pub(super) fn write(folder: &Path) -> Result<PathBuf> {
    let target = folder.join("rental");
    if target.exists() {
        fs::remove_dir_all(&target).with_context(|| format!("cannot remove `{}`", target.display()))?;
    }
    for name in Documents::iter() {
        let (path, file) = (target.join(&*name), Documents::get(&name).context("a document is not in this build")?);
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
        let target = write(folder.path()).unwrap();
        fs::write(target.join("left.txt"), "").unwrap();
        assert_eq!(write(folder.path()).unwrap(), target);
        assert!(!target.join("left.txt").exists());
        let documents: Vec<_> = Documents::iter().filter(|name| !name.ends_with(".metadata.json")).collect();
        assert_eq!(documents.len(), 49);
        for name in documents {
            assert!(target.join(&*name).is_file() && target.join(format!("{name}.metadata.json")).is_file(), "{name}");
        }
    }
}
