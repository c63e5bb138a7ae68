//! The first account, and the credentials that a deployment starts with.

use base::{AccountId, Error, ErrorKind, Result, Secret};

use crate::accounts::Account;
use crate::credentials::access_keys::{AccessKey, Status};
use crate::credentials::formats;
use crate::credentials::store as tables;
use crate::open::Identity;
use crate::principal::user_arn;
use crate::store;
use crate::users::User;

/// What the operator says about the root account of the deployment, its management account. What is not said is made at
/// the first start and kept.
#[derive(Debug, Clone, Default)]
pub struct RootCredentials {
    /// The account's id.
    pub account: Option<AccountId>,
    /// The id of an access key of its administrator: 3 to 128 letters, digits or underscores.
    pub access_key_id: Option<String>,
    /// The key's secret: 8 to 128 printable characters.
    pub secret: Option<Secret<String>>,
}

/// Credentials that may do everything in an account.
#[derive(Debug, Clone)]
pub struct AdminCredentials {
    /// The account.
    pub account: AccountId,
    /// `AKIA…`, or what the operator chose.
    pub access_key_id: String,
    /// The secret access key.
    pub secret: Secret<String>,
}

/// An administrator who is to be stored.
pub(crate) struct NewAdministrator {
    pub(crate) user: User,
    pub(crate) key: SealedKey,
    pub(crate) credentials: AdminCredentials,
}

/// An access key that is to be stored.
pub(crate) struct SealedKey {
    pub(crate) key: AccessKey,
    pub(crate) sealed_secret: Vec<u8>,
}

/// An id and a secret that the operator chose.
struct Chosen {
    access_key_id: String,
    secret: Secret<String>,
}

impl Identity {
    /// Makes the management account, an access key of its root, and its administrator `admin` with an access key, where
    /// they are not there yet; gives the administrator's credentials. A pair that `root` names becomes the
    /// administrator's and replaces the one that an earlier start made or was given; otherwise the kept one is returned.
    /// An administrator who was deleted or has no active key gets a new one: who can start the process owns the
    /// deployment.
    ///
    /// # Errors
    /// Invalid, where an id comes without a secret, or one of them has the wrong form. Conflict, where the deployment
    /// belongs to another account. AlreadyExists, where the access key id is another principal's.
    pub async fn first_start(&self, root: RootCredentials) -> Result<AdminCredentials> {
        let chosen = chosen(&root)?;
        let account = match store::management_account(&self.0.store).await? {
            Some(account) => account,
            None => self.create_management_account(&root, chosen.as_ref()).await?,
        };
        if let Some(wished) = root.account.filter(|wished| *wished != account) {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("The root account of this deployment is `{account}`; it cannot become `{wished}`."),
            )
            .with_hint("Leave the account id out, or use another data directory."));
        }
        match chosen {
            None => self.administrator_credentials(&account).await,
            Some(chosen) => self.install_chosen_key(account, chosen).await,
        }
    }

    /// Credentials of the administrator of `account`, made anew where none is active. For the operator of the machine;
    /// no request may reach this.
    ///
    /// # Errors
    /// NotFound, where there is no such account.
    pub async fn administrator_credentials(&self, account: &AccountId) -> Result<AdminCredentials> {
        let admin = self.administrator(account).await?;
        if let Some(key) = tables::active_key(&self.0.store, account, &admin.id).await? {
            return self.unseal_credentials(account, key);
        }
        let (key, credentials) = self.new_key(account, Some(&admin.name), None)?;
        tables::replace_start_keys(&self.0.store, account, &admin.id, &key).await?;
        self.forget_credentials();
        Ok(credentials)
    }

    /// The credentials of the management account's root, made at the first start. For the operator of the machine; no
    /// request may reach this.
    ///
    /// # Errors
    /// NotFound, where they were deleted or made inactive.
    pub async fn root_credentials(&self) -> Result<AdminCredentials> {
        let gone = || Error::not_found("The root of the deployment has no active access key.");
        let account = store::management_account(&self.0.store).await?.ok_or_else(gone)?;
        let key = tables::active_key(&self.0.store, &account, "").await?.ok_or_else(gone)?;
        self.unseal_credentials(&account, key)
    }

    /// A user `admin` of `account` with an access key, to be stored.
    pub(crate) fn new_administrator(&self, account: &AccountId, name: Option<String>) -> Result<NewAdministrator> {
        self.new_administrator_with(account, name, None)
    }

    fn new_administrator_with(
        &self,
        account: &AccountId,
        name: Option<String>,
        chosen: Option<&Chosen>,
    ) -> Result<NewAdministrator> {
        let name = name.unwrap_or_else(|| "admin".to_owned());
        let (key, credentials) = self.new_key(account, Some(&name), chosen)?;
        let user = User {
            id: formats::user_id(self.0.random.as_ref()),
            arn: user_arn(account, "/", &name),
            name,
            path: "/".to_owned(),
            tags: Vec::new(),
            created: self.0.clock.now(),
            boundary: None,
            administrator: true,
        };
        Ok(NewAdministrator { user, key, credentials })
    }

    /// Makes the management account, unless another process does so at the same time. Returns the one there is then.
    async fn create_management_account(&self, root: &RootCredentials, chosen: Option<&Chosen>) -> Result<AccountId> {
        let id = root.account.clone().unwrap_or_else(|| AccountId::random(self.0.random.as_ref()));
        let account = Account { id, management: true, created: self.0.clock.now() };
        let administrator = self.new_administrator_with(&account.id, None, chosen)?;
        let (root_key, _) = self.new_key(&account.id, None, None)?;
        store::insert_management_account(&self.0.store, &account, &administrator, &root_key).await
    }

    /// The first administrator of `account`, made anew where there is none.
    async fn administrator(&self, account: &AccountId) -> Result<User> {
        if let Some(user) = store::first_administrator(&self.0.store, account).await? {
            return Ok(user);
        }
        if !store::account_exists(&self.0.store, account).await? {
            return Err(Error::not_found(format!("There is no account `{account}`."))
                .with_hint("`craton accounts create` makes one."));
        }
        // The name may have been taken by a user without rights, who must not gain any.
        let taken = store::read_user(&self.0.store, account, "admin").await?.is_some();
        let name = taken.then(|| format!("admin-{}", self.0.random.text(b"abcdefghijkmnpqrstuvwxyz23456789", 6)));
        let administrator = self.new_administrator(account, name)?;
        store::insert_administrator(&self.0.store, account, &administrator).await?;
        Ok(administrator.user)
    }

    /// Makes the chosen pair the administrator's, in place of the one made or given at an earlier start.
    async fn install_chosen_key(&self, account: AccountId, chosen: Chosen) -> Result<AdminCredentials> {
        let admin = self.administrator(&account).await?;
        if let Some(key) = self.signing_key(&chosen.access_key_id).await? {
            if key.principal.account() != &account || key.principal.user_id() != admin.id {
                // An administrator that lost the rights for which a start gave it the operator's key has no use for it.
                if !tables::release_start_key(&self.0.store, &account, &chosen.access_key_id).await? {
                    let message = format!("The access key id `{}` is in use.", chosen.access_key_id);
                    return Err(Error::already_exists(message));
                }
                self.forget_credentials();
            }
            let is_own = key.principal.user_id() == admin.id;
            if is_own && key.status == Status::Active && formats::same(key.secret.reveal(), chosen.secret.reveal()) {
                let Chosen { access_key_id, secret } = chosen;
                return Ok(AdminCredentials { account, access_key_id, secret });
            }
        }
        let (key, credentials) = self.new_key(&account, Some(&admin.name), Some(&chosen))?;
        tables::replace_start_keys(&self.0.store, &account, &admin.id, &key).await?;
        self.forget_credentials();
        Ok(credentials)
    }

    fn new_key(
        &self,
        account: &AccountId,
        user_name: Option<&str>,
        chosen: Option<&Chosen>,
    ) -> Result<(SealedKey, AdminCredentials)> {
        let (access_key_id, secret) = match chosen {
            Some(chosen) => (chosen.access_key_id.clone(), chosen.secret.clone()),
            None => (
                formats::access_key_id(self.0.random.as_ref()),
                Secret::new(formats::secret_access_key(self.0.random.as_ref())),
            ),
        };
        let key = AccessKey {
            id: access_key_id.clone(),
            user_name: user_name.map(str::to_owned),
            status: Status::Active,
            created: self.0.clock.now(),
            last_used: None,
        };
        let sealed_secret = self.seal_secret(account, &access_key_id, &secret)?;
        Ok((SealedKey { key, sealed_secret }, AdminCredentials { account: account.clone(), access_key_id, secret }))
    }

    fn unseal_credentials(&self, account: &AccountId, key: SealedKey) -> Result<AdminCredentials> {
        let secret = self.unseal_secret(account, &key.key.id, &key.sealed_secret)?;
        Ok(AdminCredentials { account: account.clone(), access_key_id: key.key.id, secret })
    }
}

fn chosen(root: &RootCredentials) -> Result<Option<Chosen>> {
    match (&root.access_key_id, &root.secret) {
        (None, None) => Ok(None),
        (Some(id), Some(secret)) => {
            formats::check_access_key_id(id)?;
            formats::check_secret(secret.reveal())?;
            Ok(Some(Chosen { access_key_id: id.clone(), secret: secret.clone() }))
        }
        _ => Err(Error::invalid("An access key id was given without its secret, or a secret without its id.")
            .with_hint("Give both `CRATON_ROOT_ACCESS_KEY_ID` and `CRATON_ROOT_SECRET_ACCESS_KEY`, or neither.")),
    }
}
