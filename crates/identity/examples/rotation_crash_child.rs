//! The program that `tests/crash.rs` kills: opens a deployment in a folder and rotates its root key once, from the kind of
//! key that opens it to the next kind.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::{Error, Result, Secret, SystemClock, SystemRandom};
use identity::{Defaults, Identity, NewRootKey, RootCredentials, RootKey, rotate_root_key};
use store::Store;

/// The key file, a second key file, a passphrase, a command.
const KINDS: usize = 4;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no directory given"))?);
    let store = Store::open_sqlite(&dir.join("craton.db")).await?;
    let now = match opening(&store, &dir).await? {
        Some(kind) => kind,
        None => {
            let admin = open(&store, root_key(&dir, 0)?).await?.first_start(RootCredentials::default()).await?;
            // What the test looks for; its name comes last, so that a death leaves it whole or not at all.
            std::fs::write(dir.join("starting"), format!("{} {}", admin.access_key_id, admin.secret.reveal()))
                .and_then(|()| std::fs::rename(dir.join("starting"), dir.join("started")))
                .map_err(Error::internal)?;
            0
        }
    };
    let next = (now + 1) % KINDS;
    let new = root_key(&dir, next)?;
    let new = match new.path() {
        Some(path) => NewRootKey::File(path.to_owned()),
        None => NewRootKey::Given(new),
    };
    rotate_root_key(&store, root_key(&dir, now)?, new).await?;
    store.close().await;
    Ok(())
}

/// The kind of key that opens the database; none where nothing was made yet.
async fn opening(store: &Store, dir: &Path) -> Result<Option<usize>> {
    if store.applied("identity").await? == 0 || !dir.join("started").exists() {
        return Ok(None);
    }
    for kind in 0..KINDS {
        if open(store, root_key(dir, kind)?).await.is_ok() {
            return Ok(Some(kind));
        }
    }
    Err(Error::invalid("no key opens the database"))
}

async fn open(store: &Store, root_key: RootKey) -> Result<Identity> {
    let defaults = Defaults { region: "us-east-1".parse()? };
    Identity::open(store.clone(), root_key, Arc::new(SystemClock), Arc::new(SystemRandom), defaults).await
}

fn root_key(dir: &Path, kind: usize) -> Result<RootKey> {
    match kind {
        0 | 1 => RootKey::load_or_create(dir.join(format!("key-{kind}"))),
        2 => RootKey::from_passphrase(Secret::new("correct horse battery".to_owned())),
        _ => RootKey::from_command("echo AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", Duration::from_secs(60)),
    }
}
