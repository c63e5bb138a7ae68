//! A root key in a file.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ::store::crash::point;
use base::{Error, Random as _, Result, SystemRandom};
use zeroize::Zeroizing;

use crate::cipher::{CipherKey, KEY_BYTES};

/// A key file, and the one beside it (`root.key.next`) that a rotation stages before the database is wrapped under it.
/// A death in between leaves both; whichever opens the database is the right one.
pub(super) struct KeyFile {
    path: PathBuf,
    /// Of the file, or new.
    key: CipherKey,
    saved: bool,
    staged: Option<CipherKey>,
}

impl KeyFile {
    pub(super) fn load(path: PathBuf) -> Result<Self> {
        let staged = read_if_there(&staging(&path))?;
        let (key, saved) = match read_if_there(&path)? {
            Some(key) => (key, true),
            None => (CipherKey::random(), false),
        };
        Ok(Self { path, key, saved, staged })
    }

    /// A new key in the staging file, in place of one that a rotation left there and that opens nothing.
    pub(super) fn stage(path: PathBuf) -> Result<Self> {
        let (key, next) = (CipherKey::random(), staging(&path));
        point("identity.root_key.stage.before");
        remove_if_there(&next)
            .and_then(|()| write_new(&next, key.bytes()))
            .and_then(|()| sync_folder(&next))
            .map_err(|error| file_error("write", &next, &error))?;
        point("identity.root_key.stage.after");
        let copy = CipherKey::new(Zeroizing::new(*key.bytes()));
        Ok(Self { path, key, saved: false, staged: Some(copy) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn is_saved(&self) -> bool {
        self.saved
    }

    pub(super) fn key(&self) -> &CipherKey {
        &self.key
    }

    /// Decrypts with the file's key, else with the staged one, which is the file's key from then on.
    pub(super) fn decrypt(&mut self, purpose: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if self.saved
            && let Some(opened) = self.key.decrypt(purpose, sealed)
        {
            return Some(opened);
        }
        let staged = self.staged.as_ref()?;
        let opened = staged.decrypt(purpose, sealed)?;
        self.key = CipherKey::new(Zeroizing::new(*staged.bytes()));
        self.saved = false;
        Some(opened)
    }

    /// Ends a rotation: the staged key takes the file's place where it is the key that opened or wrapped the database, and
    /// is removed where it is not.
    pub(super) fn settle(&mut self) -> Result<()> {
        let Some(staged) = self.staged.take() else { return Ok(()) };
        let next = staging(&self.path);
        point("identity.root_key.promote.before");
        let settled =
            if staged.bytes() == self.key.bytes() { fs::rename(&next, &self.path) } else { fs::remove_file(&next) };
        settled.and_then(|()| sync_folder(&self.path)).map_err(|error| file_error("replace", &self.path, &error))?;
        point("identity.root_key.promote.after");
        self.saved = true;
        Ok(())
    }

    pub(super) fn save(&mut self) -> Result<()> {
        if self.saved {
            return Ok(());
        }
        // A name of its own: neither a rival nor what a crash left behind may stand in the way.
        let temporary = self.path.with_extension(format!("{:016x}.new", SystemRandom.next_u64()));
        point("identity.root_key.before");
        let written = write_new(&temporary, self.key.bytes())
            .and_then(|()| fs::hard_link(&temporary, &self.path))
            .and_then(|()| fs::remove_file(&temporary))
            .and_then(|()| sync_folder(&self.path));
        point("identity.root_key.saved");
        if let Err(error) = written {
            // What is left of the attempt holds a key that nothing uses; the first error is the one worth reporting.
            let _ = fs::remove_file(&temporary);
            if error.kind() == ErrorKind::AlreadyExists {
                return Err(super::conflict(format!(
                    "The root key file `{}` appeared while it was being made.",
                    self.path.display()
                ))
                .with_hint("Another server may be starting on the same folder. Start again."));
            }
            return Err(file_error("write", &self.path, &error));
        }
        self.saved = true;
        Ok(())
    }
}

/// The file that a rotation writes the next key of `path` to.
fn staging(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".next");
    name.into()
}

fn read_if_there(path: &Path) -> Result<Option<CipherKey>> {
    match File::open(path) {
        Ok(file) => read(path, file).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error("read", path, &error)),
    }
}

fn read(path: &Path, mut file: File) -> Result<CipherKey> {
    let facts = file.metadata().map_err(|error| file_error("read", path, &error))?;
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::invalid(format!(
            "Others may use the root key file `{}` (mode {mode:03o}).",
            path.display()
        ))
        .with_hint(format!("Run `chmod 600 {}`, and think about who may have read it.", path.display())));
    }
    if !facts.is_file() || facts.len() != KEY_BYTES as u64 {
        return Err(Error::invalid(format!(
            "`{}` is not a root key: it is not {KEY_BYTES} bytes long.",
            path.display()
        ))
        .with_hint("Put the file back from a backup; without it the secrets in the database cannot be read."));
    }
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    file.read_exact(bytes.as_mut()).map_err(|error| file_error("read", path, &error))?;
    Ok(CipherKey::new(bytes))
}

fn remove_if_there(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn file_error(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::invalid(format!("Cannot {verb} the root key file `{}`: {error}.", path.display()))
        .with_hint("The folder must exist and be writable by the user that runs Craton.")
}
