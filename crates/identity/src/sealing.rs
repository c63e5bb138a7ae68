//! The root key and the keyring of a database: made together, opened together, changed one by one.

use ::store::Store;
use base::{Error, Result};

use crate::keyring::Keyring;
use crate::root_key::{RootKey, Unwrapped};
use crate::store;

/// Where the database keeps its keyring, wrapped under the root key.
const KEYRING: &str = "keyring";

/// A text that version 0.1 kept sealed under the root key, to tell whether a root key was the database's.
const FIRST_FORMAT_CHECK: (&str, &[u8]) = ("root-key-check", b"craton root key check 1");

/// A root key that is known to fit the database.
pub(crate) enum Proven {
    /// It opens the database's keyring.
    Keyring(Keyring, RootKey),
    /// It sealed the secrets of a database of version 0.1.
    FirstFormat(Keyring, RootKey),
    /// Nothing is sealed yet.
    Unused(RootKey),
}

/// Compares `root_key` with the database, before anything in it is touched.
///
/// # Errors
/// Conflict, where the database's secrets were sealed under another root key or the key's file is missing.
pub(crate) async fn prove(store: &Store, root_key: RootKey) -> Result<Proven> {
    if store.applied(store::TABLES.name).await? == 0 {
        return Ok(Proven::Unused(root_key));
    }
    if let Some(wrapped) = store::meta(store, KEYRING).await? {
        return unwrap(root_key, wrapped).await;
    }
    let (purpose, text) = FIRST_FORMAT_CHECK;
    let Some(sealed) = store::meta(store, purpose).await? else { return Ok(Proven::Unused(root_key)) };
    let keyring = Keyring::adopting(root_key.first_format(purpose, text, &sealed)?);
    Ok(Proven::FirstFormat(keyring, root_key))
}

/// The keyring, once the tables are there: made and saved with the root key where nothing was sealed, and taken over from
/// version 0.1, whose secrets are sealed anew.
///
/// # Errors
/// Conflict, where another process made another root key meanwhile; the store's, and those of writing the key's file.
pub(crate) async fn settle(store: &Store, proven: Proven) -> Result<Keyring> {
    let keyring = match proven {
        Proven::Keyring(keyring, root_key) => {
            if let Err(error) = promoted(root_key).await {
                tracing::warn!(?error, "a rotation of the root key was not tidied up; the next start tries again");
            }
            keyring
        }
        Proven::FirstFormat(keyring, root_key) => keep(store, keyring, root_key).await?,
        Proven::Unused(root_key) => {
            let root_key = blocking(move || {
                let mut root_key = root_key;
                root_key.save().map(|()| root_key)
            })
            .await?;
            keep(store, Keyring::random(), root_key).await?
        }
    };
    if keyring.is_adopted() {
        store::reseal(store, &keyring).await?;
    }
    Ok(keyring)
}

/// Wraps the keyring of `store` under `new` instead of `old`, and gives it a new key that seals from now on. A death at any
/// point leaves a database that opens with `old` or with `new`, and a key file that is the right one or is made so when
/// the database is opened next. For the operator of the machine; no request may reach this.
///
/// # Errors
/// Conflict, where `old` is not the root key of the database; the store's, and those of writing the key's file.
pub async fn rotate_root_key(store: &Store, old: RootKey, new: NewRootKey) -> Result<()> {
    let proven = match prove(store, old).await? {
        Proven::Unused(_) => {
            return Err(Error::not_found("Nothing is sealed in this database yet.")
                .with_hint("The first start of the server makes the root key."));
        }
        // A staged key file may hold the only copy of the key. It must be in place before another is staged.
        Proven::Keyring(keyring, old) => Proven::Keyring(keyring, promoted(old).await?),
        proven => proven,
    };
    store.migrate(store::TABLES.name, store::TABLES.migrations).await?;
    let keyring = settle(store, proven).await?.renewed();
    let (new, wrapped) = blocking(move || {
        let new = match new {
            NewRootKey::File(path) => RootKey::stage(path)?,
            NewRootKey::Given(key) => key,
        };
        let wrapped = new.wrap(&keyring)?;
        Ok((new, wrapped))
    })
    .await?;
    store::set_meta(store, KEYRING, &wrapped).await?;
    promoted(new).await.map(drop)
}

/// The root key of the time after a rotation.
#[derive(Debug)]
pub enum NewRootKey {
    /// A new key in this file, in place of the one that may be there.
    File(std::path::PathBuf),
    /// A key that is kept elsewhere.
    Given(RootKey),
}

/// The root key, its file being in place.
async fn promoted(root_key: RootKey) -> Result<RootKey> {
    blocking(move || {
        let mut root_key = root_key;
        root_key.promote().map(|()| root_key)
    })
    .await
}

/// Stores the keyring, unless another process was faster; gives the one that is stored then.
async fn keep(store: &Store, keyring: Keyring, root_key: RootKey) -> Result<Keyring> {
    let (wrapped, root_key) = blocking(move || Ok((root_key.wrap(&keyring)?, root_key))).await?;
    let kept = store::keep_keyring(store, KEYRING, &wrapped, FIRST_FORMAT_CHECK.0).await?;
    match unwrap(root_key, kept).await? {
        Proven::Keyring(keyring, _) => Ok(keyring),
        _ => Err(Error::internal("a wrapped keyring that is none")),
    }
}

async fn unwrap(root_key: RootKey, wrapped: Vec<u8>) -> Result<Proven> {
    blocking(move || {
        let mut root_key = root_key;
        match root_key.unwrap(&wrapped)? {
            Unwrapped::Open(keyring) => Ok(Proven::Keyring(keyring, root_key)),
            Unwrapped::Refused(error) => Err(error),
        }
    })
    .await
}

/// Stretching a passphrase and writing files take their time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("the root key: {error}")))?
}
