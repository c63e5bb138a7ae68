//! The files of imported models, and the room for more.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::{Error, Random, Result};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

use crate::at_rest;
use crate::library::blocking;

/// The file that says whose the folder is.
const MARKER: &str = "deployment";

/// The folder that the files lie in.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    /// Held for reading while the files of models must stay.
    stays: Arc<RwLock<()>>,
}

impl Files {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, stays: Arc::default() }
    }

    /// Keeps models from being removed as long as the value lives.
    pub(super) async fn hold(&self) -> OwnedRwLockReadGuard<()> {
        self.stays.clone().read_owned().await
    }

    /// Waits until nobody holds the models; they are not held before the value is dropped.
    pub(super) async fn free(&self) -> OwnedRwLockWriteGuard<()> {
        self.stays.clone().write_owned().await
    }

    /// The file that a run of an import writes: removed, unless it is kept.
    pub(super) fn unfinished(&self, model: &str, random: &dyn Random) -> Unfinished {
        let name = format!("{model}-{}.model", random.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 8));
        Unfinished { path: Mutex::new(Some(self.path(&name))), name }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Removes a file; there need not be one.
    pub(super) async fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        blocking(move || {
            ::store::crash::point("models.import.remove.before");
            match fs::remove_file(&path) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    Err(Error::unavailable("The model's file cannot be removed.").with_detail(error))
                }
                _ => {
                    ::store::crash::point("models.import.remove.after");
                    sync(path.parent())
                }
            }
        })
        .await
    }

    /// Removes what is left of imports, when none runs. What lies in a folder that is another deployment's, or that nobody
    /// has claimed and that holds models that this one does not know, is left as it is.
    pub(super) async fn sweep(&self, deployment: String, known: Vec<String>) -> Result<()> {
        let folder = self.folder.clone();
        let kept: HashSet<PathBuf> = known.iter().map(|name| self.path(name)).collect();
        blocking(move || {
            if !claim(&folder, &deployment, &kept)? {
                tracing::warn!(folder = %folder.display(), "the imported models there are another deployment's");
                return Ok(());
            }
            let files = at_rest::sweep(&folder, &kept)?;
            if files > 0 {
                tracing::info!(files, "removed what unfinished imports had left");
            }
            Ok(())
        })
        .await
    }

    /// Bytes that the disk has room for.
    pub(super) async fn free_space(&self) -> Result<u64> {
        let folder = self.folder.clone();
        blocking(move || {
            let failed = |error: &dyn std::fmt::Display| {
                Error::unavailable("The folder of imported models cannot be used.").with_detail(error)
            };
            fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
            free(&folder).map_err(|error| failed(&error))
        })
        .await
    }
}

/// Whether the folder is the deployment's, which it becomes where it is nobody's and holds no models of others.
fn claim(folder: &Path, deployment: &str, known: &HashSet<PathBuf>) -> Result<bool> {
    let failed =
        |error: std::io::Error| Error::unavailable("The folder of imported models cannot be used.").with_detail(error);
    let marker = folder.join(MARKER);
    match fs::read_to_string(&marker) {
        Ok(owner) => return Ok(owner.trim() == deployment),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        Err(_) => {}
    }
    fs::create_dir_all(folder).map_err(failed)?;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "model") && !known.contains(&path) {
            return Ok(false);
        }
    }
    // Whole or not at all.
    let made = folder.join(format!("{MARKER}.new"));
    fs::write(&made, deployment).map_err(failed)?;
    fs::rename(&made, &marker).map_err(failed)?;
    Ok(true)
}

/// A file that no model has yet.
pub(super) struct Unfinished {
    path: Mutex<Option<PathBuf>>,
    name: String,
}

impl Unfinished {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// A model has it, or may have it.
    pub(super) fn keep(&self) {
        self.take();
    }

    fn take(&self) -> Option<PathBuf> {
        self.path.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        if let Some(path) = self.take()
            && let Err(error) = fs::remove_file(&path)
            && error.kind() != ErrorKind::NotFound
        {
            tracing::warn!(?error, path = %path.display(), "the file of a failed import stays");
        }
    }
}

#[cfg(unix)]
fn free(folder: &Path) -> std::result::Result<u64, rustix::io::Errno> {
    rustix::fs::statvfs(folder).map(|facts| facts.f_bavail.saturating_mul(facts.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> std::result::Result<u64, std::io::Error> {
    Ok(u64::MAX)
}

/// Makes the removal durable.
fn sync(folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else { return Ok(()) };
    match fs::File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::unavailable("The removal of a model's file cannot be made durable.").with_detail(error))
        }
        _ => Ok(()),
    }
}
