//! Comparing a backup with what it says of itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use base::{Error, Result};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::folder::{cannot, digest, hex, walk};
use crate::manifest::{FileEntry, MANIFEST, Manifest, SUMS};

/// The most findings that an error names.
const TOLD: usize = 5;

/// Reads every file of the backup in `folder` and compares it with the manifest. Blocks.
///
/// # Errors
/// NotFound, where no backup is there; Invalid, where another version's layout is; Damaged, where a file was changed, is
/// missing or does not belong there, with the names of those.
pub fn verify(folder: &Path) -> Result<Manifest> {
    let text = read(folder, MANIFEST)?.ok_or_else(|| {
        Error::not_found(format!("`{}` is not a backup: it has no `{MANIFEST}`.", folder.display()))
            .with_hint("Name the folder that `craton backup create` made.")
    })?;
    let manifest = Manifest::parse(&text)?;
    let mut findings = Vec::new();
    match read(folder, SUMS)? {
        Some(sums) => compare_sums(&sums, &text, &manifest, &mut findings),
        None => findings.push(format!("`{SUMS}` is missing")),
    }
    for file in &manifest.files {
        findings.extend(compare(folder, file)?);
    }
    let known: BTreeSet<_> = manifest.files.iter().map(|file| folder.join(&file.path)).collect();
    walk(folder, &mut |path| {
        let ours = known.contains(path) || path == folder.join(MANIFEST) || path == folder.join(SUMS);
        if !ours {
            findings.push(format!("`{}` does not belong to it", path.strip_prefix(folder).unwrap_or(path).display()));
        }
    })?;
    if findings.is_empty() {
        return Ok(manifest);
    }
    let more = findings.len().saturating_sub(TOLD);
    let mut told = findings[..findings.len() - more].join(", ");
    if more > 0 {
        told.push_str(&format!(", and {more} more"));
    }
    Err(Error::damaged(format!("The backup `{}` is damaged: {told}.", folder.display()))
        .with_hint("Use another backup; nothing was restored from this one."))
}

/// What is wrong with a file.
fn compare(folder: &Path, file: &FileEntry) -> Result<Option<String>> {
    let path = folder.join(&file.path);
    match path.symlink_metadata() {
        Ok(found) if !found.is_file() => return Ok(Some(format!("`{}` is no file", file.path))),
        Ok(found) if found.len() != file.bytes => {
            return Ok(Some(format!("`{}` has {} bytes and not {}", file.path, found.len(), file.bytes)));
        }
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Some(format!("`{}` is missing", file.path)));
        }
        Err(error) => return Err(cannot("read", &path, &error)),
    }
    let (_, sha256) = digest(&path, &CancellationToken::new())?;
    Ok((sha256 != file.sha256).then(|| format!("`{}` was changed", file.path)))
}

/// The sums stand for the manifest, too.
fn compare_sums(sums: &[u8], text: &[u8], manifest: &Manifest, findings: &mut Vec<String>) {
    let mut wanted = vec![format!("{}  {MANIFEST}", hex(&Sha256::digest(text)))];
    wanted.extend(manifest.files.iter().map(|file| format!("{}  {}", file.sha256, file.path)));
    let sums = String::from_utf8_lossy(sums);
    let given: Vec<&str> = sums.lines().collect();
    if given.first() != wanted.first().map(String::as_str).as_ref() {
        findings.push(format!("`{MANIFEST}` was changed"));
    } else if given != wanted {
        findings.push(format!("`{SUMS}` was changed"));
    }
}

fn read(folder: &Path, name: &str) -> Result<Option<Vec<u8>>> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot("read", &path, &error)),
    }
}
