//! The file of a model that is being made: written once, hashed on the way, removed unless the library takes it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use base::Result;
use bytes::Bytes;
use checkpoint::Sink;
use sha2::{Digest as _, Sha256};

use crate::library::{Library, hex, io_error};

/// What the names of such files begin with, in the library's folder of partial files.
const PREFIX: &str = "quantize-";

/// A file that no model has yet: removed when this is dropped, unless the library has taken it.
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    /// The file of the model `name`. What another attempt left of it is written over.
    pub(super) fn of(library: &Library, name: &str) -> Self {
        Self { path: library.partial(&format!("{PREFIX}{name}.gguf")) }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // What cannot be removed now is removed at a start.
        if let Err(error) = fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(?error, path = %self.path.display(), "the file of a failed quantization stays");
        }
    }
}

/// Writes a file and its SHA-256.
pub(super) struct Hashed {
    file: File,
    path: PathBuf,
    digest: Sha256,
}

impl Hashed {
    /// # Errors
    /// Conflict, where the disk is full; Unavailable, where it fails otherwise.
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(|error| io_error("write", path, &error))?;
        Ok(Self { file, path: path.to_owned(), digest: Sha256::new() })
    }

    pub(super) fn finish(self) -> String {
        hex(&self.digest.finalize())
    }
}

#[async_trait]
impl Sink for Hashed {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        ::store::crash::point("models.quantize.write");
        self.digest.update(&bytes);
        self.file.write_all(&bytes).map_err(|error| io_error("write", &self.path, &error))
    }
}

/// Blocks. Removes what quantizations left whose process ended, when none is to go on here. Those of other processes go on:
/// they hold the locks of their models' names.
pub(crate) fn sweep(library: &Library) -> Result<()> {
    let folder = library.partial("");
    for entry in fs::read_dir(&folder).map_err(|error| io_error("read", &folder, &error))? {
        let path = entry.map_err(|error| io_error("read", &folder, &error))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some(model) = name.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(".gguf")) else { continue };
        if let Some(_alone) = library.try_lock(&crate::pull::model_lock(model))? {
            tracing::info!(path = %path.display(), "removed what a quantization left behind");
            drop(Unfinished { path });
        }
    }
    Ok(())
}
