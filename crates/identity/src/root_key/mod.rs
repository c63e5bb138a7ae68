//! The key under which every secret at rest is sealed.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use ::store::crash::point;
use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use base::{Error, Random, Result, SystemRandom};
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
/// The first byte of everything sealed: AES-256-GCM with a random nonce.
const FORMAT: u8 = 1;

/// The deployment's root key: 32 random bytes in a file that only its owner may read. Losing it loses every secret.
pub struct RootKey {
    bytes: Zeroizing<[u8; KEY_BYTES]>,
    path: PathBuf,
    saved: bool,
}

impl RootKey {
    /// Reads the key from `path`, or makes a new one where no file is there. A new key is kept in memory;
    /// [`crate::Identity::open`] saves it to `path` once it is sure that the database holds nothing sealed under
    /// another key.
    ///
    /// # Errors
    /// Invalid, where the file can be read by others than its owner or is not 32 bytes long; Internal, where it cannot
    /// be read.
    pub fn load_or_create(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        match File::open(&path) {
            Ok(file) => Ok(Self { bytes: read(&path, file)?, path, saved: true }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut bytes = Zeroizing::new([0; KEY_BYTES]);
                SystemRandom.fill(bytes.as_mut());
                Ok(Self { bytes, path, saved: false })
            }
            Err(error) => Err(file_error("read", &path, &error)),
        }
    }

    /// Where the key is kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the key stands in its file.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        self.saved
    }

    /// Writes a new key to its file, readable by the owner only, and waits until file and folder are on disk. Never
    /// replaces a file.
    ///
    /// # Errors
    /// Conflict, where a file is there now; Internal, where it cannot be written.
    pub(crate) fn save(&mut self) -> Result<()> {
        if self.saved {
            return Ok(());
        }
        // A name of its own: neither a rival nor what a crash left behind may stand in the way.
        let temporary = self.path.with_extension(format!("{:016x}.new", SystemRandom.next_u64()));
        point("identity.root_key.before");
        let written = write_new(&temporary, self.bytes.as_slice())
            .and_then(|()| fs::hard_link(&temporary, &self.path))
            .and_then(|()| fs::remove_file(&temporary))
            .and_then(|()| sync_folder(&self.path));
        point("identity.root_key.saved");
        if let Err(error) = written {
            // What is left of the attempt holds a key that nothing uses; the first error is the one worth reporting.
            let _ = fs::remove_file(&temporary);
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                return Err(Error::new(
                    base::ErrorKind::Conflict,
                    format!("The root key file `{}` appeared while it was being made.", self.path.display()),
                )
                .with_hint("Another server may be starting on the same folder. Start again."));
            }
            return Err(file_error("write", &self.path, &error));
        }
        self.saved = true;
        Ok(())
    }

    /// Encrypts and authenticates `plaintext` for `purpose`; only [`RootKey::open`] with the same purpose gives it back.
    ///
    /// The result is 29 bytes longer than `plaintext`: a format byte, a random nonce of 12 bytes, the ciphertext and a
    /// tag of 16 bytes (AES-256-GCM, NIST SP 800-38D; the purpose is its additional data).
    ///
    /// # Errors
    /// Internal, where `plaintext` is longer than the cipher allows (64 GiB).
    pub fn seal(&self, purpose: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_BYTES];
        SystemRandom.fill(&mut nonce);
        let payload = Payload { msg: plaintext, aad: purpose.as_bytes() };
        let ciphertext = self
            .cipher()
            .encrypt(Nonce::from_slice(&nonce), payload)
            .map_err(|_| Error::internal("plaintext too long to seal"))?;
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        Ok(sealed)
    }

    /// Decrypts what [`RootKey::seal`] made for the same `purpose`.
    ///
    /// # Errors
    /// Internal, where `sealed` was changed, or was sealed for another purpose or under another key.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let refused = || Error::internal(format!("what was sealed for `{purpose}` does not open"));
        if sealed.len() < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] != FORMAT {
            return Err(refused());
        }
        let (nonce, ciphertext) = sealed[1..].split_at(NONCE_BYTES);
        let payload = Payload { msg: ciphertext, aad: purpose.as_bytes() };
        self.cipher().decrypt(Nonce::from_slice(nonce), payload).map(Zeroizing::new).map_err(|_| refused())
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(self.bytes.as_slice()))
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RootKey").field("path", &self.path).field("saved", &self.saved).finish_non_exhaustive()
    }
}

fn read(path: &Path, mut file: File) -> Result<Zeroizing<[u8; KEY_BYTES]>> {
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
    Ok(bytes)
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
