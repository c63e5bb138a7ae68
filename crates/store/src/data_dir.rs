//! The data directory: one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base::{Error, ErrorKind, Result};

/// The lock file's name. The lock is the kernel's (`flock`), so it ends with the process however that dies; the file
/// stays and holds the last owner's process id.
const LOCK_FILE: &str = "craton.lock";

/// A data directory that this process has for itself until the value is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// Held, never used: closing it releases the lock.
    _lock: File,
}

impl DataDir {
    /// Takes the directory `path`, making it (accessible to its owner only) where it is absent.
    ///
    /// # Errors
    /// Conflict, where another process has it; Invalid, where it is not a directory; Unavailable, where it cannot be
    /// made or written.
    pub fn lock(path: &Path) -> Result<Self> {
        make(path).map_err(|error| explain(path, &error))?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join(LOCK_FILE))
            .map_err(|error| explain(path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(explain(path, &error)),
        }
        write_owner(&mut file).map_err(|error| explain(path, &error))?;
        Ok(Self { path: path.to_owned(), _lock: file })
    }

    /// As [`DataDir::lock`], of a directory that is there.
    ///
    /// # Errors
    /// As [`DataDir::lock`]; NotFound, where it is absent.
    pub fn lock_existing(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Error::not_found(format!("There is no data directory `{}`.", path.display()))
                .with_hint("Name the server's with `--data-dir`."));
        }
        Self::lock(path)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The SQLite database's file in it.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.path.join("craton.db")
    }
}

fn make(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(io::ErrorKind::NotADirectory.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            DirBuilder::new().recursive(true).mode(0o700).create(path)
        }
        Err(error) => Err(error),
    }
}

fn write_owner(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

fn taken(path: &Path, file: &mut File) -> Error {
    let mut owner = String::new();
    let process = match file.take(20).read_to_string(&mut owner) {
        Ok(_) if !owner.trim().is_empty() => format!(" (process {})", owner.trim()),
        _ => String::new(),
    };
    Error::new(ErrorKind::Conflict, format!("Another Craton{process} uses the data directory `{}`.", path.display()))
        .with_hint("Stop it, or name another directory with `--data-dir`.")
}

fn explain(path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    match error.kind() {
        io::ErrorKind::NotADirectory => Error::invalid(format!("The data directory `{path}` is not a directory."))
            .with_hint("Name a directory with `--data-dir`."),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Error::unavailable(format!("The data directory `{path}` is not writable: {error}."))
                .with_hint("Give this user the right to write there, or name another directory with `--data-dir`.")
        }
        io::ErrorKind::StorageFull => Error::unavailable(format!("The disk of the data directory `{path}` is full."))
            .with_hint("Free some space and try again."),
        _ => Error::unavailable(format!("The data directory `{path}` cannot be used: {error}."))
            .with_hint("Name another directory with `--data-dir`."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_may_not_be_written_is_named_with_the_way_out() {
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            let error = explain(Path::new("/srv/craton"), &kind.into());
            assert_eq!(error.kind, ErrorKind::Unavailable);
            assert!(error.message.starts_with("The data directory `/srv/craton` is not writable"), "{error}");
            assert!(error.hint.is_some_and(|hint| hint.contains("--data-dir")));
        }
    }
}
