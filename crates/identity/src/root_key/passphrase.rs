//! A root key made of a passphrase.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base::{Error, Random as _, Result, Secret, SystemRandom};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::cipher::{CipherKey, KEY_BYTES};

/// The fewest characters of a passphrase.
const SHORTEST: usize = 8;
/// The most bytes of a file with a passphrase.
const LONGEST_FILE: u64 = 4096;
const SALT_BYTES: usize = 16;
/// RFC 9106, section 4, second recommended option: 64 MiB, three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;

/// How a key is made of a passphrase: Argon2id, its salt and its costs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stretching {
    /// In base64.
    salt: String,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Stretching {
    /// With a new salt and today's costs.
    pub(super) fn new() -> Self {
        let mut salt = [0; SALT_BYTES];
        SystemRandom.fill(&mut salt);
        Self { salt: super::base64(&salt), memory_kib: MEMORY_KIB, passes: PASSES, lanes: LANES }
    }

    /// The key. Takes a tenth of a second or more, and `memory_kib` of memory.
    ///
    /// # Errors
    /// Internal, where the kept salt or costs are damaged.
    pub(super) fn stretch(&self, passphrase: &Secret<String>) -> Result<CipherKey> {
        let salt = super::from_base64(&self.salt).ok_or_else(|| Error::internal("the salt of the root key"))?;
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_BYTES)).map_err(Error::internal)?;
        let mut memory = vec![Block::default(); params.block_count()];
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let made =
            argon.hash_password_into_with_memory(passphrase.reveal().as_bytes(), &salt, key.as_mut(), &mut memory);
        memory.iter_mut().for_each(|block| block.zeroize());
        made.map_err(Error::internal)?;
        Ok(CipherKey::new(key))
    }
}

/// Whether it is long enough.
pub(super) fn check(passphrase: &Secret<String>) -> Result<()> {
    if passphrase.reveal().chars().count() < SHORTEST {
        return Err(Error::invalid(format!("The passphrase of the root key has fewer than {SHORTEST} characters."))
            .with_hint("Five words drawn from a list of thousands are a good one."));
    }
    Ok(())
}

/// The one line of a file.
pub(super) fn read(path: &Path) -> Result<Secret<String>> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Error::invalid(format!("Cannot read the passphrase in `{shown}`: {error}."))
            .with_hint("The file must exist and be readable by the user that runs Craton.")
    };
    let file = File::open(path).map_err(unreadable)?;
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Error::invalid(format!("Others may read the passphrase in `{shown}` (mode {mode:03o})."))
            .with_hint(format!("Run `chmod 600 {shown}`, and think about who may have read it.")));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST_FILE).read_to_string(&mut text).map_err(unreadable)?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.contains('\n') {
        return Err(Error::invalid(format!("`{shown}` holds more than one line."))
            .with_hint("A passphrase is one line of text."));
    }
    Ok(Secret::new(line.to_owned()))
}
