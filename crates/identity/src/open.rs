//! Opening the identities of a deployment.

use std::sync::Arc;
use std::time::Duration;

use ::store::Store;
use base::{Clock, Error, ErrorKind, Random, Region, Result};
use tracing::warn;

use crate::authentication::SigningKey;
use crate::cache::Cache;
use crate::credentials::activity::Activity;
use crate::credentials::api_keys::BearerKey;
use crate::credentials::console::ConsoleFacts;
use crate::rights::Rights;
use crate::root_key::RootKey;
use crate::sign_in_limit::SignInLimit;
use crate::store;

/// A text of ours that is kept sealed, to tell whether a root key is the one that sealed the database's secrets.
const ROOT_KEY_CHECK: (&str, &[u8]) = ("root-key-check", b"craton root key check 1");

/// How often last uses are written and old audit entries are removed.
const UPKEEP: Duration = Duration::from_secs(60);

/// The accounts, principals and credentials of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Identity(pub(crate) Arc<Inner>);

/// What a request that does not say gets.
#[derive(Debug, Clone)]
pub struct Defaults {
    /// The region of requests without a credential scope, such as those with an API key.
    pub region: Region,
}

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) root_key: Arc<RootKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) defaults: Defaults,
    pub(crate) signing_keys: Cache<SigningKey>,
    pub(crate) bearer_keys: Cache<BearerKey>,
    pub(crate) console_sessions: Cache<ConsoleFacts>,
    pub(crate) rights: Cache<Rights>,
    pub(crate) activity: Activity,
    pub(crate) sign_ins: SignInLimit,
}

impl Identity {
    /// Opens the identities kept in `store`, whose secrets are sealed under `root_key`. A root key that was just made is
    /// saved to its file, but only where nothing is sealed yet. Needs a Tokio runtime: last uses are written by a task
    /// that ends with the last clone.
    ///
    /// # Errors
    /// Conflict, where the database's secrets were sealed under another root key or the key's file is missing; nothing
    /// is written then. Otherwise the store's errors, and those of writing the key's file.
    pub async fn open(
        store: Store,
        root_key: RootKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        defaults: Defaults,
    ) -> Result<Self> {
        store::migrate(&store).await?;
        let root_key = settle_root_key(&store, root_key).await?;
        let identity = Self(Arc::new(Inner {
            store,
            root_key: Arc::new(root_key),
            clock,
            random,
            defaults,
            signing_keys: Cache::new(),
            bearer_keys: Cache::new(),
            console_sessions: Cache::new(),
            rights: Cache::new(),
            activity: Activity::new(),
            sign_ins: SignInLimit::new(),
        }));
        identity.keep_up();
        Ok(identity)
    }

    /// The key that seals what other modules keep secret. Their purposes must not start with `access-key:`.
    #[must_use]
    pub fn root_key(&self) -> &Arc<RootKey> {
        &self.0.root_key
    }

    /// Starts the task that does the upkeep for as long as a clone of `self` lives.
    fn keep_up(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                let Some(inner) = inner.upgrade() else { return };
                let identity = Self(inner);
                for done in [identity.flush_last_used().await, identity.expire_audit().await] {
                    if let Err(error) = done {
                        warn!(?error, "upkeep of identities failed; it is tried again in a minute");
                    }
                }
            }
        });
    }
}

/// Makes sure that `root_key` is the key of the database, saving both the key and its check value when both are new.
async fn settle_root_key(store: &Store, mut root_key: RootKey) -> Result<RootKey> {
    let (purpose, text) = ROOT_KEY_CHECK;
    let kept = store::meta(store, purpose).await?;
    if let Some(kept) = kept {
        return verify_root_key(root_key, &kept);
    }
    let root_key = tokio::task::spawn_blocking(move || root_key.save().map(|()| root_key))
        .await
        .map_err(|error| Error::internal(format!("saving the root key: {error}")))??;
    let sealed = root_key.seal(purpose, text)?;
    // Another process may have been faster: the first value stays, and decides.
    let kept = store::set_meta_once(store, purpose, &sealed).await?;
    verify_root_key(root_key, &kept)
}

fn verify_root_key(root_key: RootKey, kept: &[u8]) -> Result<RootKey> {
    let (purpose, text) = ROOT_KEY_CHECK;
    let path = root_key.path().display();
    if !root_key.is_saved() {
        return Err(Error::new(ErrorKind::Conflict, format!("The root key file `{path}` is missing."))
            .with_hint("The database holds secrets sealed under it. Put the file back from a backup."));
    }
    if root_key.open(purpose, kept).ok().is_none_or(|opened| opened.as_slice() != text) {
        return Err(Error::new(ErrorKind::Conflict, format!("The root key `{path}` is not the one of this database."))
            .with_hint("Use the root key file that belongs to the database; nothing was changed."));
    }
    Ok(root_key)
}
