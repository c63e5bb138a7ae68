//! A backup's folder while it is made.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base::{Error, ErrorKind, Result};
use jobs::{JobContext, Progress};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::manifest::FileEntry;

/// How much is read at once, in bytes.
const BLOCK: usize = 256 * 1024;

/// A folder that gets a backup's files. Its files can be read by their owner only.
pub struct Folder {
    root: PathBuf,
    job: Option<JobContext>,
    cancelled: CancellationToken,
    files: Arc<Mutex<Vec<FileEntry>>>,
}

impl Folder {
    /// A new folder at `root`, whose making `job` tells of and can cancel.
    pub(crate) fn make(root: PathBuf, job: Option<JobContext>) -> Result<Self> {
        DirBuilder::new().mode(0o700).create(&root).map_err(|error| cannot("make", &root, &error))?;
        let cancelled = job.as_ref().map(JobContext::cancelled).unwrap_or_default();
        Ok(Self { root, job, cancelled, files: Arc::default() })
    }

    /// Adds a copy of the file `from` as `name`.
    ///
    /// # Errors
    /// Conflict, where the disk is full or the backup was cancelled; Unavailable, where the file cannot be read or copied.
    pub async fn copy(&self, from: PathBuf, name: &str) -> Result<()> {
        self.add(from, name, false).await
    }

    /// As [`Folder::copy`], of a file that never changes: where the file system can, both are the same file.
    ///
    /// # Errors
    /// As [`Folder::copy`].
    pub async fn link(&self, from: PathBuf, name: &str) -> Result<()> {
        self.add(from, name, true).await
    }

    /// Adds copies of all files in and below the folder `from`, where it is there, under `name`.
    ///
    /// # Errors
    /// As [`Folder::copy`].
    pub async fn copy_all(&self, from: PathBuf, name: &str) -> Result<()> {
        for (path, below) in self.listing(from, name).await? {
            self.copy(path, &below).await?;
        }
        Ok(())
    }

    /// As [`Folder::copy_all`], of files that never change.
    ///
    /// # Errors
    /// As [`Folder::copy`].
    pub async fn link_all(&self, from: PathBuf, name: &str) -> Result<()> {
        for (path, below) in self.listing(from, name).await? {
            match self.link(path.clone(), &below).await {
                // What was not there for good, such as an upload that was given up.
                Err(_) if !path.exists() => {}
                added => added?,
            }
        }
        Ok(())
    }

    /// A file to write `name` to, which counts once [`NewFile::finish`] was called.
    ///
    /// # Errors
    /// Unavailable, where it cannot be made.
    pub(crate) fn create(&self, name: &str) -> Result<NewFile> {
        let path = self.place(name)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| cannot("write", &path, &error))?;
        Ok(NewFile {
            file,
            path,
            name: name.to_owned(),
            digest: Sha256::new(),
            bytes: 0,
            files: Arc::clone(&self.files),
        })
    }

    /// Everything added, by path.
    pub(crate) fn files(&self) -> Vec<FileEntry> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn cancelled(&self) -> &CancellationToken {
        &self.cancelled
    }

    /// Tells who watches what is being done.
    pub(crate) async fn tell(&self, doing: &str) {
        if let Some(job) = &self.job {
            let done = self.files.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|file| file.bytes).sum();
            let (unit, message) = ("bytes".to_owned(), doing.to_owned());
            job.progress(Progress { done, total: None, unit, message }).await;
        }
    }

    async fn add(&self, from: PathBuf, name: &str, link: bool) -> Result<()> {
        if self.cancelled.is_cancelled() {
            return Err(cancelled());
        }
        self.tell(name).await;
        let mut to = self.create_name(name)?;
        let stop = self.cancelled.clone();
        blocking(move || {
            if link && fs::hard_link(&from, &to.path).is_ok() {
                return to.read_back(&stop);
            }
            // The source first: of what is not there any more nothing may be left here.
            let mut source = File::open(&from).map_err(|error| cannot("read", &from, &error))?;
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to.path);
            let mut file = file.map_err(|error| cannot("write", &to.path, &error))?;
            // The kernel copies, and on file systems that can, shares the blocks.
            io::copy(&mut source, &mut file).map_err(|error| cannot("copy", &from, &error))?;
            file.sync_all().map_err(|error| cannot("write", &to.path, &error))?;
            to.read_back(&stop)
        })
        .await
    }

    fn create_name(&self, name: &str) -> Result<Named> {
        Ok(Named { path: self.place(name)?, name: name.to_owned(), files: Arc::clone(&self.files) })
    }

    /// Where `name` goes; its folder is made.
    fn place(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        let folder = path.parent().unwrap_or(&self.root);
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| cannot("make", folder, &error))?;
        Ok(path)
    }

    /// The files in and below `from`, and their names in the backup.
    async fn listing(&self, from: PathBuf, name: &str) -> Result<Vec<(PathBuf, String)>> {
        let name = name.to_owned();
        blocking(move || {
            let mut found = Vec::new();
            if from.exists() {
                walk(&from, &mut |path| {
                    if let Ok(below) = path.strip_prefix(&from) {
                        found.push((path.to_owned(), format!("{name}/{}", below.display())));
                    }
                })?;
            }
            found.sort();
            Ok(found)
        })
        .await
    }
}

/// A file that was laid into the folder, not yet counted.
struct Named {
    path: PathBuf,
    name: String,
    files: Arc<Mutex<Vec<FileEntry>>>,
}

impl Named {
    /// Reads the file as it lies there, and counts it.
    fn read_back(&mut self, stop: &CancellationToken) -> Result<()> {
        let (bytes, sha256) = digest(&self.path, stop)?;
        let entry = FileEntry { path: std::mem::take(&mut self.name), bytes, sha256 };
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }
}

/// A file that is being written, with its length and digest.
pub(crate) struct NewFile {
    file: File,
    path: PathBuf,
    name: String,
    digest: Sha256,
    bytes: u64,
    files: Arc<Mutex<Vec<FileEntry>>>,
}

impl NewFile {
    /// Waits until the file is on disk, and counts it.
    pub(crate) fn finish(self) -> Result<()> {
        self.file.sync_all().map_err(|error| cannot("write", &self.path, &error))?;
        let entry = FileEntry { path: self.name, bytes: self.bytes, sha256: hex(&self.digest.finalize()) };
        self.files.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.digest.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Length and SHA-256 of a file.
pub(crate) fn digest(path: &Path, stop: &CancellationToken) -> Result<(u64, String)> {
    let mut file = File::open(path).map_err(|error| cannot("read", path, &error))?;
    let (mut digest, mut bytes, mut block) = (Sha256::new(), 0, vec![0; BLOCK]);
    loop {
        if stop.is_cancelled() {
            return Err(cancelled());
        }
        match file.read(&mut block).map_err(|error| cannot("read", path, &error))? {
            0 => return Ok((bytes, hex(&digest.finalize()))),
            read => {
                digest.update(&block[..read]);
                bytes += read as u64;
            }
        }
    }
}

/// Calls `each` for every file in and below `folder`. Links are not followed.
pub(crate) fn walk(folder: &Path, each: &mut dyn FnMut(&Path)) -> Result<()> {
    let unreadable = |error: io::Error| cannot("read", folder, &error);
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let kind = entry.file_type().map_err(unreadable)?;
        if kind.is_dir() {
            walk(&entry.path(), each)?;
        } else if kind.is_file() {
            each(&entry.path());
        }
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Conflict, "The backup was cancelled.")
}

pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Error {
    let path = path.display();
    if error.kind() == io::ErrorKind::StorageFull {
        return Error::new(ErrorKind::Conflict, format!("The disk is full: cannot write `{path}`."))
            .with_hint("Free some space, or name a place on another disk.");
    }
    Error::unavailable(format!("Cannot {verb} `{path}`: {error}."))
}

/// Files take their time.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("a backup's files: {error}")))?
}
