//! Files that are in memory only, and are opened by a path that this process alone has.

use std::fs::File;
use std::path::PathBuf;

use base::{Error, Result};
use inference::ModelFiles;

/// A file in memory. It is gone when the last handle and the last mapping of it are.
#[derive(Debug)]
pub struct MemoryFile {
    file: File,
}

#[cfg(target_os = "linux")]
impl MemoryFile {
    /// A file of so many zeros, which take no memory before they are written.
    ///
    /// # Errors
    /// Unavailable, where the system gives none.
    pub(super) fn new(bytes: u64) -> Result<Self> {
        use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
        let failed =
            |error: rustix::io::Errno| Error::unavailable("The system gives no memory file.").with_detail(error);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = memfd_create("craton-model", flags).map_err(failed)?;
        ftruncate(&file, bytes).map_err(failed)?;
        Ok(Self { file: file.into() })
    }

    pub(super) fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        use std::os::unix::fs::FileExt as _;
        self.file
            .write_all_at(bytes, offset)
            .map_err(|error| Error::unavailable("There is not enough memory for the model.").with_detail(error))
    }

    /// From now on nobody can change it, its length, or this.
    pub(super) fn seal(&self) -> Result<()> {
        use rustix::fs::{SealFlags, fcntl_add_seals};
        let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
        fcntl_add_seals(&self.file, seals).map_err(Error::internal)
    }

    /// Where the engine finds it, as long as this value lives.
    #[must_use]
    pub fn files(&self) -> ModelFiles {
        use std::os::fd::AsRawFd as _;
        let dir = PathBuf::from("/proc/self/fd");
        ModelFiles { main: dir.join(self.file.as_raw_fd().to_string()), dir }
    }
}

#[cfg(not(target_os = "linux"))]
impl MemoryFile {
    pub(super) fn new(_: u64) -> Result<Self> {
        Err(Error::not_implemented("Loading an encrypted model needs memory files, which this system does not have."))
    }

    pub(super) fn write_at(&self, _: u64, _: &[u8]) -> Result<()> {
        Err(Error::internal("a memory file on a system that has none"))
    }

    pub(super) fn seal(&self) -> Result<()> {
        Err(Error::internal("a memory file on a system that has none"))
    }

    /// Where the engine finds it, as long as this value lives.
    #[must_use]
    pub fn files(&self) -> ModelFiles {
        let _ = &self.file;
        ModelFiles { main: PathBuf::new(), dir: PathBuf::new() }
    }
}
