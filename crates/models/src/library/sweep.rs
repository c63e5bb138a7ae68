//! Removing what nobody needs. Several processes may share the library: each pull holds it shared while it works, and
//! nothing that no model names is removed unless it can be held alone.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use base::Result;
use tokio_util::sync::CancellationToken;

use super::{
    Library, Manifest, ManifestFile, blob_path, ignoring_absence, io_error, read_manifest, remove_folder, stopped,
};

/// The lock that pulls share. Blobs and model names have locks of their own beside it.
const LOCK: &str = "library";
/// How long something that no model names is left for a pull that goes on with it: one that this process does not know, of
/// another process or of a user who tries again.
const STALE_AFTER: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Library {
    /// Blocks until nobody sweeps, or the work is cancelled. What is fetched while the file is held stays.
    pub(crate) fn share(&self, cancelled: &CancellationToken) -> Result<File> {
        let path = self.root.join("locks").join(LOCK);
        let file = File::create(&path).map_err(|e| io_error("write", &path, &e))?;
        loop {
            match file.try_lock_shared() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) if cancelled.is_cancelled() => return Err(stopped()),
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
                Err(fs::TryLockError::Error(e)) => return Err(io_error("lock", &path, &e)),
            }
        }
    }

    /// Blocks. Removes those of the blobs that no model names; leaves them where a pull goes on, which may need them.
    pub(crate) fn remove_unused(&self, files: &[ManifestFile]) -> Result<()> {
        remove_unused(&self.root, files)
    }

    /// Blocks. Removes the files of a manifest that did not come to be: the blobs that no model names, and the links, unless
    /// another version of the model `is_here`.
    pub(crate) fn forget(&self, manifest: &Manifest, is_here: bool) -> Result<()> {
        if !is_here {
            remove_folder(&self.root.join("models").join(&manifest.name))?;
        }
        remove_unused(&self.root, &manifest.files)
    }

    /// Blocks. Removes what is left of pulls that nobody takes up any more: blobs that no model names, partial downloads
    /// and folders of links without a model, each untouched for a week. Does nothing where a pull goes on.
    pub(crate) fn sweep(&self, now: SystemTime) -> Result<()> {
        let Some(_alone) = alone(&self.root)? else { return Ok(()) };
        let used = used(&self.root)?;
        for path in entries(&self.root.join("blobs"))? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let is_used = name.strip_prefix("sha256-").is_some_and(|sha256| used.contains(sha256));
            if !is_used && is_stale(&path, now) {
                remove(&path)?;
            }
        }
        for path in entries(&self.root.join("partial"))?.into_iter().filter(|path| is_stale(path, now)) {
            remove(&path)?;
        }
        for path in entries(&self.root.join("models"))? {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if !self.manifest_path(&name).exists() && is_stale(&path, now) {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

pub(super) fn remove_unused(root: &Path, files: &[ManifestFile]) -> Result<()> {
    let Some(_alone) = alone(root)? else { return Ok(()) };
    let used = used(root)?;
    for file in files.iter().filter(|file| !used.contains(&file.sha256)) {
        let blob = blob_path(root, &file.sha256);
        ignoring_absence(fs::remove_file(&blob)).map_err(|e| io_error("remove", &blob, &e))?;
    }
    Ok(())
}

/// The library for oneself, unless a pull holds it.
fn alone(root: &Path) -> Result<Option<File>> {
    let path = root.join("locks").join(LOCK);
    let file = File::create(&path).map_err(|e| io_error("write", &path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(e)) => Err(io_error("lock", &path, &e)),
    }
}

/// The SHA-256 of every blob that a model names.
fn used(root: &Path) -> Result<HashSet<String>> {
    let mut used = HashSet::new();
    for path in entries(&root.join("manifests"))? {
        if let Some(manifest) = read_manifest(&path)? {
            used.extend(manifest.files.into_iter().map(|file| file.sha256));
        }
    }
    Ok(used)
}

fn entries(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let read = |e: std::io::Error| io_error("read", folder, &e);
    fs::read_dir(folder).map_err(read)?.map(|entry| Ok(entry.map_err(read)?.path())).collect()
}

/// Whether nothing was written to a file, or directly into a folder, for long. What cannot be told is not stale.
fn is_stale(path: &Path, now: SystemTime) -> bool {
    let modified = fs::symlink_metadata(path).and_then(|facts| facts.modified());
    modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > STALE_AFTER))
}

fn remove(path: &Path) -> Result<()> {
    tracing::info!(path = %path.display(), "removed what a pull left behind");
    if path.is_dir() && !path.is_symlink() {
        return remove_folder(path);
    }
    ignoring_absence(fs::remove_file(path)).map_err(|e| io_error("remove", path, &e))
}
