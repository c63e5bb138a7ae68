//! Access keys of users and of an account's root.

use base::{AccountId, Error, Page, PageRequest, Result, Secret, Timestamp};

use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::ctx::Ctx;
use crate::first_start::SealedKey;
use crate::iam::no_such_user;
use crate::open::Identity;
use crate::store;

/// The most access keys of a user, as in AWS.
pub(crate) const KEYS_PER_USER: i64 = 2;

/// An access key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// `AKIA…`
    pub id: String,
    /// The user whose key it is; `None` for the account's root.
    pub user_name: Option<String>,
    /// Whether the key may be used.
    pub status: Status,
    /// When the key was made.
    pub created: Timestamp,
    /// When the key was last used, up to two minutes behind.
    pub last_used: Option<Timestamp>,
}

/// What an access key was last used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastUse {
    /// The region of the request.
    pub region: Option<String>,
    /// The signing name of the service: `s3`.
    pub service: Option<String>,
}

/// Whether an access key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// It may not, until it is made active again.
    Inactive,
}

/// An access key just made: the only time that its secret is shown.
#[derive(Debug, Clone)]
pub struct NewAccessKey {
    /// The key.
    pub key: AccessKey,
    /// The secret access key.
    pub secret: Secret<String>,
}

/// Whose key it is, as the database has it.
pub(crate) struct Owner {
    /// The user's id; empty for the account's root.
    pub(crate) user_id: String,
    pub(crate) user_name: Option<String>,
}

impl Identity {
    /// Makes an access key for the user of this name, or for the caller where no name is given.
    ///
    /// # Errors
    /// NotFound, where there is no such user. Conflict, where the user has two keys.
    pub async fn create_access_key(&self, ctx: &Ctx, user_name: Option<&str>) -> Result<NewAccessKey> {
        let owner = self.owner(ctx, user_name).await?;
        let id = formats::access_key_id(self.0.random.as_ref());
        let secret = Secret::new(formats::secret_access_key(self.0.random.as_ref()));
        let sealed_secret = self.seal_secret(ctx.account(), &id, &secret)?;
        let key = AccessKey {
            id,
            user_name: owner.user_name.clone(),
            status: Status::Active,
            created: self.0.clock.now(),
            last_used: None,
        };
        let sealed = SealedKey { key, sealed_secret };
        tables::insert_access_key(&self.0.store, ctx.account(), &owner, &sealed).await?;
        Ok(NewAccessKey { key: sealed.key, secret })
    }

    /// The access keys of the user of this name, or of the caller where no name is given, by id.
    ///
    /// # Errors
    /// NotFound, where there is no such user.
    pub async fn list_access_keys(
        &self,
        ctx: &Ctx,
        user_name: Option<&str>,
        page: &PageRequest,
    ) -> Result<Page<AccessKey>> {
        let owner = self.owner(ctx, user_name).await?;
        let keys = tables::list_access_keys(&self.0.store, ctx.account(), &owner, page).await?;
        Ok(Page::cut(page, keys, |key| key.id.clone()))
    }

    /// An access key of the account, and what it was last used for.
    ///
    /// # Errors
    /// NotFound, where the account has no such key.
    pub async fn access_key_last_used(&self, ctx: &Ctx, id: &str) -> Result<(AccessKey, LastUse)> {
        self.flush_last_used().await?;
        tables::access_key_last_used(&self.0.store, ctx.account(), id).await?.ok_or_else(|| no_such_key(id))
    }

    /// Makes an access key active or inactive. While a key is inactive its temporary credentials are refused too; its
    /// console sessions end for good.
    ///
    /// # Errors
    /// NotFound, where there is no such user, or no such key of the user.
    pub async fn update_access_key(&self, ctx: &Ctx, user_name: Option<&str>, id: &str, status: Status) -> Result<()> {
        let owner = self.owner(ctx, user_name).await?;
        tables::set_access_key_status(&self.0.store, ctx.account(), &owner, id, status).await?;
        self.forget_credentials();
        Ok(())
    }

    /// Removes an access key, and with it the temporary credentials and console sessions that came from it. (AWS lets
    /// temporary credentials outlive the key that asked for them; here revoking a key revokes all of it.)
    ///
    /// # Errors
    /// NotFound, where there is no such user, or no such key of the user.
    pub async fn delete_access_key(&self, ctx: &Ctx, user_name: Option<&str>, id: &str) -> Result<()> {
        let owner = self.owner(ctx, user_name).await?;
        tables::delete_access_key(&self.0.store, ctx.account(), &owner, id).await?;
        self.forget_credentials();
        Ok(())
    }

    /// The user of this name, or the caller.
    pub(crate) async fn owner(&self, ctx: &Ctx, user_name: Option<&str>) -> Result<Owner> {
        let principal = ctx.principal();
        match (user_name, principal.user_name()) {
            (Some(name), _) => {
                let user = store::read_user(&self.0.store, ctx.account(), name).await?;
                let user = user.ok_or_else(|| no_such_user(name))?;
                Ok(Owner { user_id: user.id, user_name: Some(user.name) })
            }
            (None, Some(name)) => Ok(Owner { user_id: principal.user_id(), user_name: Some(name.to_owned()) }),
            (None, None) if principal.is_root() => Ok(Owner { user_id: String::new(), user_name: None }),
            (None, None) => Err(Error::invalid("Must specify userName when calling with non-User credentials")),
        }
    }

    /// Seals the secret of the access key `id` of `account`, for no other.
    pub(crate) fn seal_secret(&self, account: &AccountId, id: &str, secret: &Secret<String>) -> Result<Vec<u8>> {
        self.0.keyring.seal(&purpose(account, id), secret.reveal().as_bytes())
    }

    /// The secret that [`Identity::seal_secret`] sealed.
    pub(crate) fn unseal_secret(&self, account: &AccountId, id: &str, sealed: &[u8]) -> Result<Secret<String>> {
        let secret = self.0.keyring.open(&purpose(account, id), sealed)?;
        let text = std::str::from_utf8(&secret)
            .map_err(|_| Error::internal(format!("the secret of access key `{id}` is not text")))?;
        Ok(Secret::new(text.to_owned()))
    }
}

/// What the secret of an access key or a session is sealed for.
pub(crate) fn purpose(account: &AccountId, id: &str) -> String {
    format!("access-key:{account}:{id}")
}

pub(crate) fn no_such_key(id: &str) -> Error {
    Error::not_found(format!("The Access Key with id {id} cannot be found."))
}
