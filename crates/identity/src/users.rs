//! IAM users.

use base::{AccountId, Error, Page, PageRequest, Result, Timestamp};

use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::iam::{no_such_user, tags};
use crate::open::Identity;
use crate::principal::{Principal, user_arn};
use crate::store;

/// The most users of an account, as in AWS.
pub(crate) const USERS_PER_ACCOUNT: i64 = 5_000;

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `AIDA…`
    pub id: String,
    /// The name, unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// `arn:aws:iam::ACCOUNT:userPATHNAME`
    pub arn: String,
    /// The tags in the order given.
    pub tags: Vec<Tag>,
    /// When the user was made.
    pub created: Timestamp,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Whether the deployment made the user as the account's administrator.
    pub administrator: bool,
}

/// A label of a user, a role, a policy or an instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// 1 to 128 characters, unique without regard to case.
    pub key: String,
    /// At most 256 characters.
    pub value: String,
}

/// What a new user shall be.
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// 1 to 64 letters, digits and `+=,.@_-`.
    pub name: String,
    /// `None` stands for `/`.
    pub path: Option<String>,
    /// At most 50.
    pub tags: Vec<Tag>,
    /// The ARN of a managed policy that limits the user.
    pub boundary: Option<String>,
}

impl Identity {
    /// Makes a user without any rights.
    ///
    /// # Errors
    /// Invalid, where a name, path or tag breaks AWS's rules; AlreadyExists; Conflict, where the account has 5,000 users.
    pub async fn create_user(&self, ctx: &Ctx, new: NewUser) -> Result<User> {
        formats::check_user_name(&new.name)?;
        let path = new.path.unwrap_or_else(|| "/".to_owned());
        formats::check_path(&path)?;
        tags::check(&new.tags)?;
        let user = User {
            id: formats::user_id(self.0.random.as_ref()),
            arn: user_arn(ctx.account(), &path, &new.name),
            name: new.name,
            path,
            tags: new.tags,
            created: self.0.clock.now(),
            boundary: new.boundary,
            administrator: false,
        };
        store::insert_user(&self.0.store, ctx.account(), &user).await?;
        Ok(user)
    }

    /// The user of this name, or the caller where no name is given.
    ///
    /// # Errors
    /// NotFound. Invalid, where no name is given and the caller is no user.
    pub async fn get_user(&self, ctx: &Ctx, name: Option<&str>) -> Result<User> {
        let name = match (name, ctx.principal().user_name()) {
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => return Err(Error::invalid("Must specify userName when calling with non-User credentials")),
        };
        store::read_user(&self.0.store, ctx.account(), name).await?.ok_or_else(|| no_such_user(name))
    }

    /// The account's users whose path starts with `path_prefix`, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_users(&self, ctx: &Ctx, path_prefix: &str, page: &PageRequest) -> Result<Page<User>> {
        let users = store::list_users(&self.0.store, ctx.account(), path_prefix, page).await?;
        Ok(Page::cut(page, users, |user| name_key(&user.name)))
    }

    /// Gives a user another name or path. The user's keys, policies and groups stay; policies of resources that name it
    /// go on to mean it.
    ///
    /// # Errors
    /// NotFound; AlreadyExists, where another user has the new name; Invalid.
    pub async fn update_user(
        &self,
        ctx: &Ctx,
        name: &str,
        new_name: Option<&str>,
        new_path: Option<&str>,
    ) -> Result<()> {
        if let Some(new) = new_name {
            formats::check_user_name(new)?;
        }
        if let Some(new) = new_path {
            formats::check_path(new)?;
        }
        store::update_user(&self.0.store, ctx.account(), name, new_name, new_path).await?;
        self.forget_credentials();
        Ok(())
    }

    /// Removes a user who has no keys, policies and groups any more.
    ///
    /// # Errors
    /// NotFound. Conflict (`DeleteConflict`), where the user has any of them.
    pub async fn delete_user(&self, ctx: &Ctx, name: &str) -> Result<()> {
        store::delete_user(&self.0.store, ctx.account(), name).await?;
        self.forget_credentials();
        Ok(())
    }

    /// Forgets what is cached of credentials, after a committed write that revoked or changed one.
    pub(crate) fn forget_credentials(&self) {
        self.0.bearer_keys.clear();
        self.0.console_sessions.clear();
        self.forget_rights();
    }
}

impl User {
    pub(crate) fn into_principal(self, account: AccountId) -> Principal {
        let Self { id, name, path, .. } = self;
        Principal::User { account, id, name, path }
    }
}

/// How names are compared.
pub(crate) fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}
