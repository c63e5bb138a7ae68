//! IAM users.

use base::{AccountId, Error, ErrorKind, Page, PageRequest, Result, Timestamp};

use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::principal::{Principal, user_arn};
use crate::store;

/// The most users of an account, as in AWS.
pub(crate) const USERS_PER_ACCOUNT: i64 = 5_000;
/// The most tags of a user, as in AWS.
const TAGS_PER_USER: usize = 50;

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
    /// Whether the user may do everything in the account.
    pub administrator: bool,
}

/// A label of a user.
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
        check_tags(&new.tags)?;
        let user = User {
            id: formats::user_id(self.0.random.as_ref()),
            arn: user_arn(ctx.account(), &path, &new.name),
            name: new.name,
            path,
            tags: new.tags,
            created: self.0.clock.now(),
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

    /// Removes a user who has no keys any more.
    ///
    /// # Errors
    /// NotFound. Conflict, where the user has access keys or API keys.
    pub async fn delete_user(&self, ctx: &Ctx, name: &str) -> Result<()> {
        store::delete_user(&self.0.store, ctx.account(), name).await?;
        self.forget_credentials();
        Ok(())
    }

    /// Forgets what is cached of credentials, after a committed write that revoked or changed one.
    pub(crate) fn forget_credentials(&self) {
        self.0.signing_keys.clear();
        self.0.bearer_keys.clear();
        self.0.console_sessions.clear();
        self.forget_rights();
    }
}

impl User {
    pub(crate) fn into_principal(self, account: AccountId) -> Principal {
        let Self { id, name, path, administrator, .. } = self;
        Principal::User { account, id, name, path, administrator }
    }
}

/// How names are compared.
pub(crate) fn name_key(name: &str) -> String {
    name.to_ascii_lowercase()
}

pub(crate) fn no_such_user(name: &str) -> Error {
    Error::not_found(format!("The user with name {name} cannot be found."))
}

pub(crate) fn user_exists(name: &str) -> Error {
    Error::already_exists(format!("User with name {name} already exists."))
}

pub(crate) fn delete_conflict(what: &str) -> Error {
    Error::new(ErrorKind::Conflict, format!("Cannot delete entity, must delete {what} first."))
}

pub(crate) fn quota_exceeded(quota: &str, limit: i64) -> Error {
    Error::new(ErrorKind::Conflict, format!("Cannot exceed quota for {quota}: {limit}"))
}

fn check_tags(tags: &[Tag]) -> Result<()> {
    if tags.len() > TAGS_PER_USER {
        return Err(Error::invalid(format!("A user can have at most {TAGS_PER_USER} tags.")));
    }
    for (i, tag) in tags.iter().enumerate() {
        let length = tag.key.chars().count();
        if !(1..=128).contains(&length) || tag.value.chars().count() > 256 {
            return Err(Error::invalid(format!("The tag `{}` is too long or has no key.", tag.key))
                .with_hint("Tag keys have 1 to 128 characters, values at most 256."));
        }
        if tags[..i].iter().any(|other| other.key.eq_ignore_ascii_case(&tag.key)) {
            return Err(Error::invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
    }
    Ok(())
}
