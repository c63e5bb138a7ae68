//! The file operations of an index: what it does to the disk goes through them, so that tests can let it fail at any point.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::Error;

/// A folder's files.
pub trait Files: Send + Sync {
    /// Where they are.
    fn folder(&self) -> &Path;
    /// Makes an empty file, in place of one of that name.
    ///
    /// # Errors
    /// The system's, as of all operations.
    fn create(&self, name: &str) -> io::Result<Box<dyn Append>>;
    /// Opens a file to append to, cut to `length`.
    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn Append>>;
    /// Gives a file another name, in place of one of that name.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names durable.
    fn sync_folder(&self) -> io::Result<()>;

    /// A file's path.
    fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// The names of all files.
    fn list(&self) -> io::Result<Vec<String>> {
        std::fs::read_dir(self.folder())?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }
}

/// A file that grows.
pub trait Append: Send {
    /// Writes all of `bytes` at the end.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts it to `length`.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// How a change of the files failed.
pub(crate) struct Failure {
    pub(crate) error: Error,
    /// Whether everything is as it was before; otherwise nobody knows what is on the disk.
    pub(crate) undone: bool,
}

/// The files of a folder on the disk.
#[derive(Debug)]
pub struct OnDisk {
    folder: PathBuf,
}

impl OnDisk {
    /// The files of a folder that exists.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }
}

impl Files for OnDisk {
    fn folder(&self) -> &Path {
        &self.folder
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Append>> {
        let path = self.path(name);
        // A new file rather than an emptied one: a snapshot may share the old one.
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(Box::new(OpenOptions::new().append(true).create_new(true).open(path)?)),
        }
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn Append>> {
        let file = OpenOptions::new().append(true).open(self.path(name))?;
        file.set_len(length)?;
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }
}

impl Append for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}
