//! Quotas that are set for an account, and what is used of them.

use base::{AccountId, Error, Result, Timestamp};
use identity::Ctx;

use super::{Quota, store};
use crate::{Models, model_id};

/// For so many milliseconds what was read of the table is taken for what it says; another process may write it, too.
const FRESH: i64 = 10_000;

/// A quota that was set for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetQuota {
    /// Whose requests it limits.
    pub account: AccountId,
    /// The model that it is for; none: each model for which the account has no quota of its own.
    pub model: Option<String>,
    /// What the account may ask.
    pub quota: Quota,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// Where a quota comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaSource {
    /// The server's settings.
    Default,
    /// It was set for the account.
    Account,
    /// It was set for the account and the model.
    Model,
}

/// What an account used of its quota for a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaUse {
    /// The account.
    pub account: AccountId,
    /// The model, by the id that requests name.
    pub model: String,
    /// What the account may ask.
    pub quota: Quota,
    /// Where that comes from.
    pub source: QuotaSource,
    /// Requests that it may send at once; none where they are not limited.
    pub requests_left: Option<u32>,
    /// Tokens that it may still use; below 0 where a long answer took more than there were. None where they are not
    /// limited.
    pub tokens_left: Option<i64>,
    /// Requests that are running.
    pub running: u32,
}

/// The quotas of a deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaReport {
    /// What an account may ask for which nothing was set: the server's settings.
    pub default: Quota,
    /// What was set, by account and model.
    pub set: Vec<SetQuota>,
    /// What is used, by account and model: of pairs that sent a request since the server started and have not got all of
    /// it back.
    pub used: Vec<QuotaUse>,
}

impl Models {
    /// The quotas of all accounts, and what is used of them.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account.
    pub async fn quotas(&self, ctx: &Ctx) -> Result<QuotaReport> {
        self.inner.identity.require_management(ctx).await?;
        let set = self.reload_quotas().await?;
        let quotas = &self.inner.quotas;
        Ok(QuotaReport { default: quotas.default, set, used: quotas.used() })
    }

    /// Sets what an account may ask of a model, or of each model where none is named, in place of what was set before. It
    /// counts at once: what the account used of the quota before it has used of this one. No limit at all is a quota,
    /// too: it exempts the account from the default.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account; NotFound, where there is no such account; Invalid, where
    /// `model` can name no model, or a limit is 0.
    pub async fn set_quota(
        &self,
        ctx: &Ctx,
        account: &AccountId,
        model: Option<&str>,
        quota: Quota,
    ) -> Result<SetQuota> {
        self.inner.identity.require_account(ctx, account).await?;
        let limits = [quota.requests_per_minute, quota.tokens_per_minute, quota.running];
        if limits.contains(&Some(0)) {
            return Err(Error::invalid("A limit of a quota is at least 1.")
                .with_hint("To shut an account out, deny it `bedrock:InvokeModel` by a policy."));
        }
        let model = canonical(ctx, account, model)?;
        let set = SetQuota { account: account.clone(), model, quota, updated_at: self.inner.clock.now() };
        store::put(&self.inner.store, &set).await?;
        self.reload_quotas().await?;
        Ok(set)
    }

    /// Removes what was set for an account and a model, or for the account's other models where none is named.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account; NotFound, where nothing was set; Invalid, where `model`
    /// can name no model.
    pub async fn reset_quota(&self, ctx: &Ctx, account: &AccountId, model: Option<&str>) -> Result<()> {
        self.inner.identity.require_management(ctx).await?;
        let model = canonical(ctx, account, model)?;
        if !store::delete(&self.inner.store, account, model.as_deref()).await? {
            let of = model.map_or_else(String::new, |model| format!(" for `{model}`"));
            return Err(Error::not_found(format!("The account `{account}` has no quota{of} that was set."))
                .with_hint("`craton quotas list` shows the quotas."));
        }
        self.reload_quotas().await?;
        Ok(())
    }

    /// Reads what is set, where it was not read lately.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub(crate) async fn read_quotas(&self) -> Result<()> {
        if self.quotas_are_fresh() {
            return Ok(());
        }
        let _reading = self.inner.quotas.reading().await;
        // Another request may have read them meanwhile.
        if !self.quotas_are_fresh() {
            self.take_quotas().await?;
        }
        Ok(())
    }

    fn quotas_are_fresh(&self) -> bool {
        let (now, read_at) = (self.inner.clock.now().0, self.inner.quotas.read_at());
        read_at.is_some_and(|at| (at.0..at.0 + FRESH).contains(&now))
    }

    async fn reload_quotas(&self) -> Result<Vec<SetQuota>> {
        let _reading = self.inner.quotas.reading().await;
        self.take_quotas().await
    }

    async fn take_quotas(&self) -> Result<Vec<SetQuota>> {
        let now = self.inner.clock.now();
        let set = store::list(&self.inner.store).await?;
        self.inner.quotas.replace(&set, now);
        Ok(set)
    }
}

/// A model's id as requests are counted by it: an inference profile counts as its model.
fn canonical(ctx: &Ctx, account: &AccountId, model: Option<&str>) -> Result<Option<String>> {
    let Some(model) = model else { return Ok(None) };
    let id = model_id::parse_for(account.as_str(), ctx.region().as_str(), model)?;
    if id.application {
        return Err(Error::invalid(format!("`{model}` is an application inference profile."))
            .with_hint("Quotas are for models: name the model behind it."));
    }
    Ok(Some(id.model))
}
