//! Opening the identities of a deployment.

use std::sync::Arc;
use std::time::Duration;

use ::store::{Module, Store};
use base::{Clock, Random, Region, Result};
use tokio::sync::Notify;
use tracing::warn;

use crate::audit;
use crate::authentication::SigningKey;
use crate::cache::Cache;
use crate::credentials::activity::Activity;
use crate::credentials::api_keys::BearerKey;
use crate::credentials::console::ConsoleFacts;
use crate::keyring::Keyring;
use crate::organizations::{self, Membership};
use crate::removals::Listeners;
use crate::resources::Resources;
use crate::rights::Rights;
use crate::root_key::RootKey;
use crate::sign_in_limit::SignInLimit;
use crate::{iam, kms, sealing, secrets, store, sts};

/// The tables of each part, in the order in which they are made.
pub const MODULES: &[Module] = &[
    store::TABLES,
    iam::store::TABLES,
    iam::oidc_providers::store::TABLES,
    audit::store::TABLES,
    organizations::store::TABLES,
    sts::store::TABLES,
    kms::store::TABLES,
    secrets::store::TABLES,
];

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
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) defaults: Defaults,
    pub(crate) signing_keys: Cache<SigningKey>,
    pub(crate) bearer_keys: Cache<BearerKey>,
    pub(crate) console_sessions: Cache<ConsoleFacts>,
    pub(crate) rights: Cache<Rights>,
    pub(crate) kms: kms::Caches,
    pub(crate) memberships: Cache<Membership>,
    pub(crate) activity: Activity,
    pub(crate) resources: Resources,
    pub(crate) sign_ins: SignInLimit,
    pub(crate) issuers: Arc<sts::Issuers>,
    pub(crate) issuer_keys: sts::IssuerKeys,
    pub(crate) listeners: Listeners,
    /// Told when so many audit entries wait that they are written without waiting for the time.
    pub(crate) many_entries: Arc<Notify>,
}

impl Identity {
    /// Opens the identities kept in `store`, whose secrets `root_key` opens: it wraps the database's [`Keyring`], under which
    /// they are sealed. A root key that was just made is saved to its file, but only where nothing is sealed yet. Needs a Tokio runtime: last uses are written by a task
    /// that ends with the last clone.
    ///
    /// # Errors
    /// Conflict, where the database's secrets were sealed under another root key or the key's file is missing; nothing
    /// is touched then. Otherwise the store's errors, and those of writing the key's file.
    pub async fn open(
        store: Store,
        root_key: RootKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        defaults: Defaults,
    ) -> Result<Self> {
        let identity = Self::open_idle(store, root_key, clock, random, defaults).await?;
        identity.keep_up();
        identity.write_audit();
        Ok(identity)
    }

    /// The same, but nothing is done beside requests: what waits to be written waits.
    ///
    /// # Errors
    /// As [`Identity::open`].
    pub(crate) async fn open_idle(
        store: Store,
        root_key: RootKey,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        defaults: Defaults,
    ) -> Result<Self> {
        let proven = sealing::prove(&store, root_key).await?;
        for tables in MODULES {
            store.migrate(tables.name, tables.migrations).await?;
        }
        let keyring = sealing::settle(&store, proven).await?;
        let issuer_keys = sts::IssuerKeys::new(Arc::clone(&clock));
        Ok(Self(Arc::new(Inner {
            store,
            keyring: Arc::new(keyring),
            clock,
            random,
            defaults,
            signing_keys: Cache::new(),
            bearer_keys: Cache::new(),
            console_sessions: Cache::new(),
            rights: Cache::new(),
            kms: kms::Caches::new(),
            memberships: Cache::new(),
            activity: Activity::new(),
            resources: Resources::default(),
            sign_ins: SignInLimit::new(),
            issuers: Arc::default(),
            issuer_keys,
            listeners: Listeners::default(),
            many_entries: Arc::default(),
        })))
    }

    /// What seals the secrets that other modules keep. Their purposes must not start with `access-key:`.
    #[must_use]
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.0.keyring
    }

    /// What is done every minute, each with its outcome.
    async fn upkeep(&self) -> [Result<()>; 5] {
        let kms = self.kms();
        [
            self.flush_last_used().await,
            self.expire_audit().await,
            kms.delete_due_keys().await,
            kms.rotate_due_keys().await,
            self.secrets().purge().await,
        ]
    }

    /// Starts the task that writes the entries of allowed reads, for as long as a clone of `self` lives.
    fn write_audit(&self) {
        let (inner, many) = (Arc::downgrade(&self.0), Arc::clone(&self.0.many_entries));
        tokio::spawn(async move {
            let (mut failed, nobody) = (false, Notify::new());
            loop {
                let time = tokio::time::sleep(audit::INTERVAL);
                // What failed is tried again in its time, however many wait.
                let told = if failed { &nobody } else { &*many };
                let Some(written) = audit::write_due(&inner, told, time).await else { return };
                failed = written.is_err();
                if let Err(error) = written {
                    warn!(?error, "the audit record of reads could not be written; it is tried again in half a second");
                }
            }
        });
    }

    /// Starts the task that does the upkeep for as long as a clone of `self` lives.
    fn keep_up(&self) {
        let inner = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(UPKEEP).await;
                let Some(inner) = inner.upgrade() else { return };
                let identity = Self(inner);
                for done in identity.upkeep().await {
                    if let Err(error) = done {
                        warn!(?error, "upkeep of identities failed; it is tried again in a minute");
                    }
                }
            }
        });
    }
}
