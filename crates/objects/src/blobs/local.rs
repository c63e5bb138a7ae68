//! Blobs in a folder of this machine: `blobs/ab/ab…`, written as `tmp/ab…` first.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use base::{Error, ErrorKind, Result};
use store::crash::point;

use super::{Found, is_id};

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Paths>);

#[derive(Debug)]
struct Paths {
    root: PathBuf,
    blobs: PathBuf,
    temporary: PathBuf,
    /// Held, never used: closing it releases the lock.
    _lock: Option<File>,
}

/// A blob's temporary file. Unless it is finished, it is removed with the value.
#[derive(Debug)]
pub(super) struct Writer {
    folder: Folder,
    id: String,
    file: Option<File>,
}

/// A blob that is open for reading: it can be read even after it was removed.
#[derive(Debug)]
pub(super) struct OpenFile {
    file: File,
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(root: PathBuf) -> Result<Self> {
        Self::make(root, None)
    }

    /// # Errors
    /// Conflict, where another process has the folder.
    pub(super) fn open_locked(root: PathBuf) -> Result<Self> {
        make_folder(&root).map_err(|error| explain("use", &root, &error))?;
        let path = root.join("craton.lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = lock.map_err(|error| explain("lock", &path, &error))?;
        match lock.try_lock() {
            Ok(()) => Self::make(root, Some(lock)),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Conflict,
                format!("Another process uses the folder `{}` for its objects.", root.display()),
            )
            .with_hint("Several processes can share an object store, such as `s3://BUCKET`, but not a folder.")),
            Err(TryLockError::Error(error)) => Err(explain("lock", &path, &error)),
        }
    }

    fn make(root: PathBuf, lock: Option<File>) -> Result<Self> {
        let paths = Paths { blobs: root.join("blobs"), temporary: root.join("tmp"), root, _lock: lock };
        for path in [&paths.root, &paths.blobs, &paths.temporary] {
            make_folder(path).map_err(|error| explain("use", path, &error))?;
        }
        Ok(Self(Arc::new(paths)))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0.root
    }

    /// What the file `name` beside the blobs says, if there is one.
    pub(super) fn read_marker(&self, name: &str) -> Result<Option<String>> {
        let path = self.0.root.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(explain("read", &path, &error)),
        }
    }

    /// Writes the file `name` beside the blobs, whole or not at all.
    pub(super) fn write_marker(&self, name: &str, text: &str) -> Result<()> {
        let (path, partial) = (self.0.root.join(name), self.0.root.join(format!("{name}.partial")));
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&partial, &path)?;
            File::open(&self.0.root)?.sync_all()
        };
        write().map_err(|error| explain("write", &path, &error))
    }

    pub(super) fn create(&self, id: &str) -> Result<Writer> {
        let path = self.0.temporary.join(id);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| explain("write", &path, &error))?;
        point("objects.blob.created");
        Ok(Writer { folder: self.clone(), id: id.to_owned(), file: Some(file) })
    }

    pub(super) fn open_blob(&self, id: &str) -> Result<OpenFile> {
        let path = self.blob(id);
        match File::open(&path) {
            Ok(file) => Ok(OpenFile { file, path }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(crate::seal::damaged().with_detail(format!("`{}` is missing", path.display())))
            }
            Err(error) => Err(explain("read", &path, &error)),
        }
    }

    pub(super) fn remove(&self, id: &str) -> Result<()> {
        let path = self.blob(id);
        point("objects.blob.remove.before");
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(explain("remove", &path, &error)),
        }
    }

    pub(super) fn list(&self, shard: &str) -> Result<Vec<Found>> {
        let path = self.0.blobs.join(shard);
        let failed = |error: io::Error| explain("read", &path, &error);
        let entries = match fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // A name that is no id is not ours: it is left alone.
            if !is_id(&name) {
                continue;
            }
            let modified = match entry.metadata().and_then(|facts| facts.modified()) {
                Ok(modified) => modified,
                // Removed since.
                Err(_) => continue,
            };
            let age = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            found.push(Found { id: name, written: i64::try_from(age.as_millis()).unwrap_or(i64::MAX) });
        }
        Ok(found)
    }

    /// Removes the files in `tmp` but those that are `in_use`.
    pub(super) fn remove_stale_files(&self, in_use: impl Fn(&str) -> bool) -> Result<u64> {
        let path = &self.0.temporary;
        let failed = |error: io::Error| explain("read", path, &error);
        let mut removed = 0;
        for entry in fs::read_dir(path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if in_use(&entry.file_name().to_string_lossy()) {
                continue;
            }
            match fs::remove_file(entry.path()) {
                Ok(()) => removed += 1,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(explain("remove", &entry.path(), &error)),
            }
        }
        Ok(removed)
    }

    fn blob(&self, id: &str) -> PathBuf {
        debug_assert!(is_id(id), "`{id}` is no blob id");
        self.0.blobs.join(&id[..2]).join(id)
    }
}

impl Writer {
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let path = self.path();
        let file = self.file.as_mut().ok_or_else(|| Error::internal("a blob was written to after its end"))?;
        file.write_all(bytes).map_err(|error| explain("write", &path, &error))
    }

    /// Gives the file its name, and waits until its bytes and its name are on disk.
    ///
    /// The name comes first, so that a journalling file system writes both in one go. What a crash leaves under it is
    /// no blob of anything: no row names it before this returns.
    pub(super) fn finish(mut self) -> Result<()> {
        let from = self.path();
        let to = self.folder.blob(&self.id);
        let shard = to.parent().unwrap_or(&self.folder.0.blobs);
        let failed = |error: io::Error| explain("write", &to, &error);
        if make_folder(shard).map_err(failed)? {
            File::open(&self.folder.0.blobs).and_then(|folder| folder.sync_all()).map_err(failed)?;
        }
        point("objects.blob.rename.before");
        fs::rename(&from, &to).map_err(failed)?;
        let file = self.file.take().ok_or_else(|| Error::internal("a blob was finished twice"))?;
        point("objects.blob.sync.before");
        let synced = file.sync_all().and_then(|()| File::open(shard)?.sync_all());
        if let Err(error) = synced {
            // Nobody may count on the blob.
            let _ = fs::remove_file(&to);
            return Err(failed(error));
        }
        point("objects.blob.durable");
        Ok(())
    }

    fn path(&self) -> PathBuf {
        self.folder.0.temporary.join(&self.id)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // What cannot be removed now is the collector's.
            let _ = fs::remove_file(self.path());
        }
    }
}

impl OpenFile {
    pub(super) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(crate::seal::damaged().with_detail(format!("`{}` is too short", self.path.display())))
            }
            Err(error) => Err(explain("read", &self.path, &error)),
        }
    }
}

/// Makes the folder, for its owner only, where it is absent; says whether it did.
fn make_folder(path: &Path) -> io::Result<bool> {
    if path.is_dir() {
        return Ok(false);
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    Ok(true)
}

fn explain(verb: &str, path: &Path, error: &io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Error::unavailable("There is no space left to store objects.")
                .with_hint("Nothing of the request was kept. Free some space and try again.")
                .with_detail(format!("{verb} `{}`: {error}", path.display()))
        }
        _ => Error::unavailable("The storage of objects cannot be used.")
            .with_hint("Look at the server's log for the folder and the reason.")
            .with_detail(format!("cannot {verb} `{}`: {error}", path.display())),
    }
}
