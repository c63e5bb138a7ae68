//! Accounts.

use base::{AccountId, Error, Page, PageRequest, Result, Timestamp};

use crate::ctx::Ctx;
use crate::first_start::AdminCredentials;
use crate::open::Identity;
use crate::store;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Twelve digits.
    pub id: AccountId,
    /// Whether it is the deployment's first account, whose administrators make the others.
    pub management: bool,
    /// When the account was made.
    pub created: Timestamp,
}

impl Identity {
    /// Makes an account with the given id, or with a random one, and a user `admin` who may do everything in it.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account. AlreadyExists, where the id is taken.
    pub async fn create_account(&self, ctx: &Ctx, id: Option<AccountId>) -> Result<AdminCredentials> {
        self.require_management(ctx).await?;
        let id = id.unwrap_or_else(|| AccountId::random(self.0.random.as_ref()));
        let account = Account { id, management: false, created: self.0.clock.now() };
        let administrator = self.new_administrator(&account.id, None)?;
        store::insert_account(&self.0.store, &account, &administrator).await?;
        Ok(administrator.credentials)
    }

    /// The deployment's accounts, by id.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account.
    pub async fn list_accounts(&self, ctx: &Ctx, page: &PageRequest) -> Result<Page<Account>> {
        self.require_management(ctx).await?;
        let accounts = store::list_accounts(&self.0.store, page).await?;
        Ok(Page::cut(page, accounts, |account| account.id.to_string()))
    }

    /// The account that sets what all accounts of the deployment share, its first one; none before that was made.
    ///
    /// # Errors
    /// The store's.
    pub async fn management_account(&self, _: &Ctx) -> Result<Option<AccountId>> {
        store::management_account(&self.0.store).await
    }

    /// Whether the caller's account may change what all accounts of the deployment share; whether the caller may in its
    /// account, its policies say.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account. Otherwise the store's.
    pub async fn require_management(&self, ctx: &Ctx) -> Result<()> {
        let management = store::management_account(&self.0.store).await?;
        if management.as_ref() == Some(ctx.account()) {
            return Ok(());
        }
        Err(Error::denied("You don't have permissions to access this resource.")
            .with_hint("Only the deployment's first account manages accounts."))
    }

    /// That there is an account, for what the management account does to others.
    ///
    /// # Errors
    /// Denied, where the caller is not of the management account; NotFound, where there is no such account.
    pub async fn require_account(&self, ctx: &Ctx, account: &AccountId) -> Result<()> {
        self.require_management(ctx).await?;
        if store::account_exists(&self.0.store, account).await? {
            return Ok(());
        }
        Err(Error::not_found(format!("There is no account `{account}` in this deployment."))
            .with_hint("`craton accounts list` shows the accounts."))
    }
}
