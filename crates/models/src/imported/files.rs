//! The files of imported models, and the room for more.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{Error, Result};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::at_rest;
use crate::library::blocking;

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

    /// Keeps the files of models from being removed as long as the value lives.
    pub(super) async fn hold(&self) -> OwnedRwLockReadGuard<()> {
        self.stays.clone().read_owned().await
    }

    /// Removes the file of a model that is deleted, when nobody holds it.
    pub(super) async fn remove_model(&self, name: &str) -> Result<()> {
        let _free = self.stays.write().await;
        self.remove(name).await
    }

    /// The name of the file that an attempt to import a model writes: attempts do not write over one another.
    pub(super) fn name(model: &str, attempt: u32) -> String {
        format!("{model}-{attempt}.model")
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

    /// Removes what is left of imports, when none runs.
    pub(super) async fn sweep(&self, known: Vec<String>) -> Result<()> {
        let folder = self.folder.clone();
        let kept: HashSet<PathBuf> = known.iter().map(|name| self.path(name)).collect();
        blocking(move || match at_rest::sweep(&folder, &kept)? {
            0 => Ok(()),
            files => {
                tracing::info!(files, "removed what unfinished imports had left");
                Ok(())
            }
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
