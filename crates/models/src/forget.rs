//! Forgetting what models read: when somebody asks for it, and when an account or a key is gone.

use std::sync::Arc;

use base::{AccountId, Result};
use identity::{Ctx, Removal};

use crate::snapshots::{Forgotten, Snapshots, tenant};
use crate::{Models, imported, library, store};

impl Models {
    /// Forgets what a model of the library, or an imported one, read of the prompts of the caller's account, in memory and on
    /// disk. What a request uses goes when that ends.
    ///
    /// # Errors
    /// NotFound, where there is no such model; Unavailable, where a file cannot be removed.
    pub async fn forget(&self, ctx: &Ctx, model: &str) -> Result<()> {
        let name = match self.find_imported(ctx, model).await? {
            Some(imported) => imported.arn.to_string(),
            None => self.get(ctx, model).await?.name,
        };
        self.forget_both(ctx.account().clone(), Some(name)).await
    }

    /// Forgets what was read for an account that was closed.
    async fn forget_account(&self, account: AccountId) -> Result<()> {
        self.forget_both(account, None).await
    }

    /// What a model read for an account, or what all did and ever will.
    async fn forget_both(&self, account: AccountId, model: Option<String>) -> Result<()> {
        let models = self.clone();
        library::blocking(move || {
            let tenant = tenant(&account);
            let in_memory = || {
                let all = models.inner.loaded.generators(model.as_deref());
                all.iter().for_each(|generator| generator.forget(tenant));
            };
            let Some(snapshots) = &models.inner.snapshots else {
                in_memory();
                return Ok(());
            };
            let what = match &model {
                Some(model) => Forgotten::Both(&account, model),
                None => Forgotten::Account(&account),
            };
            snapshots.forget(what, in_memory)
        })
        .await
    }

    /// Removes what was kept on disk of a model, of all accounts. The model must be in memory no longer, or leave it.
    pub(crate) async fn forget_model(&self, name: &str) -> Result<()> {
        let Some(snapshots) = self.inner.snapshots.clone() else { return Ok(()) };
        let name = name.to_owned();
        library::blocking(move || snapshots.forget(Forgotten::Model(&name), || {})).await
    }

    /// Takes the models out of memory that are encrypted under a key that cannot be used any more, with what they read.
    async fn forget_key(&self, key: &str) -> Result<()> {
        let mut forgotten = Ok(());
        for name in imported::encrypted_under(&self.inner.store, key).await? {
            self.inner.loaded.forget(&name).await;
            forgotten = forgotten.and(self.forget_model(&name).await);
        }
        forgotten
    }

    /// Has everything forgotten that belongs to an account or a key when that goes.
    fn forget_removed(&self) {
        let inner = Arc::downgrade(&self.inner);
        self.inner.identity.on_removal(move |removal| {
            let inner = inner.clone();
            async move {
                let Some(inner) = inner.upgrade() else { return };
                let models = Self { inner };
                let forgotten = match &removal {
                    Removal::Account(account) => {
                        let removed = models.remove_endpoints_of(account).await;
                        let removed = removed.and(store::remove_aliases_of(&models.inner.store, account).await);
                        removed.and(models.forget_account(account.clone()).await)
                    }
                    Removal::Key(key) => models.forget_key(key).await,
                };
                if let Err(error) = forgotten {
                    tracing::error!(?error, ?removal, "what was to be removed may stay until the next start");
                }
            }
        });
    }

    /// Removes what earlier processes left behind and should not have, and keeps prefixes from now on, where the settings say so.
    pub(crate) async fn keep_snapshots(&self) -> Result<()> {
        self.forget_removed();
        for account in self.inner.identity.closed_accounts().await? {
            store::remove_aliases_of(&self.inner.store, &account).await?;
        }
        if let Some(snapshots) = &self.inner.snapshots {
            self.sweep_snapshots().await?;
            self.inner.loaded.keep_in(snapshots.clone());
        }
        Ok(())
    }

    /// Removes what is on disk of accounts and models that are gone, or whose keys cannot be used any more: what a process
    /// that died did not remove.
    async fn sweep_snapshots(&self) -> Result<()> {
        let Some(snapshots) = self.inner.snapshots.clone() else { return Ok(()) };
        let mut known = self.imported_with_prefixes(&snapshots).await?;
        known.extend(self.inner.library.manifests().await?.into_keys());
        let closed = self.inner.identity.closed_accounts().await?;
        library::blocking(move || snapshots.sweep(&known, closed)).await
    }

    /// The names of the imported models that have prefixes on disk and whose keys can be used.
    async fn imported_with_prefixes(&self, snapshots: &Arc<Snapshots>) -> Result<Vec<String>> {
        let all = imported::known_names(&self.inner.store).await?;
        let snapshots = snapshots.clone();
        let with =
            library::blocking(move || Ok(all.into_iter().filter(|name| snapshots.has(name)).collect::<Vec<_>>()));
        let mut usable = Vec::new();
        for name in with.await? {
            if self.is_usable(&name).await? {
                usable.push(name);
            }
        }
        Ok(usable)
    }
}
