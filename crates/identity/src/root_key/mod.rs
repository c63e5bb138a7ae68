//! The key that opens everything: where it comes from.

mod command;
mod file;
mod passphrase;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{Error, ErrorKind, Result, Secret};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::cipher::{CipherKey, KEY_BYTES};
use crate::keyring::Keyring;
use file::KeyFile;
use passphrase::Stretching;

/// The purpose of the wrapped keyring.
const PURPOSE: &[u8] = b"craton keyring";
/// The wrapped keyring's format.
const FORMAT: u32 = 1;

/// The deployment's root key, which wraps its [`Keyring`]. Losing it loses every secret.
pub struct RootKey(Source);

enum Source {
    File(KeyFile),
    Passphrase(Secret<String>),
    Command { command: String, key: CipherKey },
}

/// A keyring as the database keeps it.
#[derive(Serialize, Deserialize)]
struct Wrapped {
    format: u32,
    /// How the root key is made of a passphrase; absent where the root key is 32 bytes that came from elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<Stretching>,
    /// In base64.
    keyring: String,
}

/// How a root key and a wrapped keyring go together.
pub(crate) enum Unwrapped {
    /// The root key opens it.
    Open(Keyring),
    /// It does not; the error says why and what to do.
    Refused(Error),
}

impl RootKey {
    /// Reads the key from the file `path`: 32 bytes that only the file's owner may read. Where no file is there, a new key is
    /// made and kept in memory; [`crate::Identity::open`] saves it to `path` once it is sure that the database holds
    /// nothing sealed under another key.
    ///
    /// # Errors
    /// Invalid, where the file can be read by others than its owner or is not 32 bytes long, or cannot be read.
    pub fn load_or_create(path: impl Into<PathBuf>) -> Result<Self> {
        KeyFile::load(path.into()).map(Source::File).map(Self)
    }

    /// The key that Argon2id (RFC 9106) makes of `passphrase`, with a salt and costs that the database keeps.
    ///
    /// # Errors
    /// Invalid, where it has fewer than 8 characters.
    pub fn from_passphrase(passphrase: Secret<String>) -> Result<Self> {
        passphrase::check(&passphrase)?;
        Ok(Self(Source::Passphrase(passphrase)))
    }

    /// As [`RootKey::from_passphrase`], of the first line of the file `path`, which only its owner may read.
    ///
    /// # Errors
    /// Invalid, where the file cannot be read, can be read by others, or holds more than one line.
    pub fn from_passphrase_file(path: &Path) -> Result<Self> {
        Self::from_passphrase(passphrase::read(path)?)
    }

    /// The key that the shell command `command` prints within `limit`: 32 bytes as they are, in hexadecimal or in base64.
    /// Blocks.
    ///
    /// # Errors
    /// Unavailable, where the command fails, takes too long or prints something else.
    pub fn from_command(command: &str, limit: Duration) -> Result<Self> {
        let key = command::run(command, limit)?;
        Ok(Self(Source::Command { command: command.to_owned(), key }))
    }

    /// The file of the key, where it comes from one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Source::File(file) => Some(file.path()),
            _ => None,
        }
    }

    /// Whether the key is somewhere else than in this process's memory.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        match &self.0 {
            Source::File(file) => file.is_saved(),
            _ => true,
        }
    }

    /// Writes a new key to its file, readable by the owner only, and waits until file and folder are on disk. Never
    /// replaces a file. A key that comes from elsewhere is kept there.
    ///
    /// # Errors
    /// Conflict, where a file is there now; Invalid, where it cannot be written.
    pub(crate) fn save(&mut self) -> Result<()> {
        match &mut self.0 {
            Source::File(file) => file.save(),
            _ => Ok(()),
        }
    }

    /// A new key for the file `path`, staged beside it: [`RootKey::promote`] puts it in place.
    ///
    /// # Errors
    /// Invalid, where it cannot be written.
    pub(crate) fn stage(path: PathBuf) -> Result<Self> {
        KeyFile::stage(path).map(Source::File).map(Self)
    }

    /// Makes the staged key, where it is what the database was wrapped under last, the key of the file; removes it where it
    /// is not. Does nothing for a key that comes from elsewhere.
    ///
    /// # Errors
    /// Invalid, where the files cannot be changed.
    pub(crate) fn promote(&mut self) -> Result<()> {
        match &mut self.0 {
            Source::File(file) => file.settle(),
            _ => Ok(()),
        }
    }

    /// Wraps `keyring` for the database. Blocks: a passphrase is stretched.
    ///
    /// # Errors
    /// Internal only.
    pub(crate) fn wrap(&self, keyring: &Keyring) -> Result<Vec<u8>> {
        let (passphrase, sealed) = match &self.0 {
            Source::File(file) => (None, file.key().encrypt(PURPOSE, &keyring.encode())?),
            Source::Command { key, .. } => (None, key.encrypt(PURPOSE, &keyring.encode())?),
            Source::Passphrase(passphrase) => {
                let stretching = Stretching::new();
                let key = stretching.stretch(passphrase)?;
                (Some(stretching), key.encrypt(PURPOSE, &keyring.encode())?)
            }
        };
        let wrapped = Wrapped { format: FORMAT, passphrase, keyring: base64(&sealed) };
        serde_json::to_vec(&wrapped).map_err(Error::internal)
    }

    /// Opens a wrapped keyring. Blocks: a passphrase is stretched.
    ///
    /// # Errors
    /// Internal, where `wrapped` is damaged.
    pub(crate) fn unwrap(&mut self, wrapped: &[u8]) -> Result<Unwrapped> {
        let damaged = |why: &str| Error::internal(format!("the wrapped keyring: {why}"));
        let wrapped: Wrapped = serde_json::from_slice(wrapped).map_err(Error::internal)?;
        if wrapped.format != FORMAT {
            return Err(damaged("an unknown format"));
        }
        let sealed = from_base64(&wrapped.keyring).ok_or_else(|| damaged("no base64"))?;
        let opened = match (&mut self.0, &wrapped.passphrase) {
            (Source::Passphrase(passphrase), Some(stretching)) => {
                stretching.stretch(passphrase)?.decrypt(PURPOSE, &sealed)
            }
            (Source::Passphrase(_), None) => return Ok(Unwrapped::Refused(not_by_passphrase())),
            (_, Some(_)) => return Ok(Unwrapped::Refused(by_passphrase())),
            (Source::File(file), None) => file.decrypt(PURPOSE, &sealed),
            (Source::Command { key, .. }, None) => key.decrypt(PURPOSE, &sealed),
        };
        match opened {
            Some(bytes) => Keyring::decode(&bytes).map(Unwrapped::Open).ok_or_else(|| damaged("no keys")),
            None => Ok(Unwrapped::Refused(self.refusal())),
        }
    }

    /// Whether the key is the one that version 0.1 sealed `text` under as `sealed`, for `purpose`; if so, the key.
    pub(crate) fn first_format(&self, purpose: &str, text: &[u8], sealed: &[u8]) -> Result<&CipherKey> {
        let key = match &self.0 {
            Source::File(file) if file.is_saved() => file.key(),
            Source::Command { key, .. } => key,
            Source::File(_) => return Err(self.refusal()),
            Source::Passphrase(_) => return Err(not_by_passphrase()),
        };
        // The first byte was the format's.
        let opened = sealed.get(1..).and_then(|sealed| key.decrypt(purpose.as_bytes(), sealed));
        if opened.is_none_or(|opened| opened.as_slice() != text) {
            return Err(self.refusal());
        }
        Ok(key)
    }

    /// Why the database does not open with this key.
    fn refusal(&self) -> Error {
        match &self.0 {
            Source::File(file) if !file.is_saved() => {
                conflict(format!("The root key file `{}` is missing.", file.path().display()))
                    .with_hint("The database holds secrets sealed under it. Put the file back from a backup.")
            }
            Source::File(file) => {
                conflict(format!("The root key `{}` is not the one of this database.", file.path().display()))
                    .with_hint("Use the root key file that belongs to the database; nothing was changed.")
            }
            Source::Passphrase(_) => conflict("The passphrase is not the one of this database's root key.")
                .with_hint("Give the passphrase that belongs to the database; nothing was changed."),
            Source::Command { command, .. } => {
                conflict(format!("The root key that `{command}` gives is not the one of this database."))
                    .with_hint("Let the command give the key that belongs to the database; nothing was changed.")
            }
        }
    }
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::File(file) => {
                f.debug_struct("RootKey").field("path", &file.path()).field("saved", &file.is_saved()).finish()
            }
            Source::Passphrase(_) => f.write_str("RootKey(passphrase)"),
            Source::Command { command, .. } => f.debug_struct("RootKey").field("command", command).finish(),
        }
    }
}

fn not_by_passphrase() -> Error {
    conflict("The root key of this database is not made of a passphrase.").with_hint(
        "Give its key file or command; `craton root-key rotate` changes to a passphrase. Nothing was changed.",
    )
}

fn by_passphrase() -> Error {
    conflict("The root key of this database is made of a passphrase.").with_hint(
        "Give the passphrase; `craton root-key rotate` changes to a key file or command. Nothing was changed.",
    )
}

fn conflict(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Conflict, message)
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(text).ok().map(Zeroizing::new)
}

/// The key that `printed` is: 32 bytes as they are, or in hexadecimal or base64 with white space around.
fn parse(printed: &[u8]) -> Option<CipherKey> {
    if printed.len() == KEY_BYTES {
        return CipherKey::from_slice(printed);
    }
    let text = std::str::from_utf8(printed).ok()?.trim();
    if text.len() == 2 * KEY_BYTES {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        return Some(CipherKey::new(bytes));
    }
    CipherKey::from_slice(&from_base64(text)?)
}
