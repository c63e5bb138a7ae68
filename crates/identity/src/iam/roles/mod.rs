//! Roles.

pub mod service_linked;
mod store;

use std::sync::Arc;

use base::{AccountId, Error, Page, PageRequest, Region, Result, Timestamp};

use super::errors::malformed;
use super::holder::HolderName;
use super::names::{arn, check_name, path};
use super::principals::names;
use super::tags;
use crate::credentials::activity::Used;
use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};
use crate::users::{Tag, name_key};

pub(crate) use store::{add, all, with_id, write_use};

/// The most roles of an account, as in AWS.
pub(crate) const PER_ACCOUNT: i64 = 1_000;
/// How long a session of a role may last where nothing is said, in seconds.
const SESSION: i64 = 3_600;

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// `AROA…`
    pub id: String,
    /// The account that the role belongs to.
    pub account: AccountId,
    /// The name, unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// `arn:aws:iam::ACCOUNT:rolePATHNAME`
    pub arn: String,
    /// What its maker said of it.
    pub description: Option<String>,
    /// The trust policy, which names who is gone by id.
    pub trust: String,
    /// The longest session, in seconds.
    pub max_session: i64,
    /// The ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// The service that the role is linked to: `sagemaker.amazonaws.com`.
    pub service: Option<String>,
    /// The tags in the order given.
    pub tags: Vec<Tag>,
    /// When the role was made.
    pub created: Timestamp,
    /// When and in which region a session of the role was last used.
    pub last_used: Option<(Timestamp, Option<String>)>,
}

/// What a new role shall be.
#[derive(Debug, Clone, Default)]
pub struct NewRole {
    /// 1 to 64 letters, digits and `+=,.@_-`.
    pub name: String,
    /// `None` stands for `/`.
    pub path: Option<String>,
    /// At most 1,000 characters.
    pub description: Option<String>,
    /// The trust policy.
    pub trust: String,
    /// The longest session in seconds, 3,600 to 43,200; `None` stands for an hour.
    pub max_session: Option<i64>,
    /// The ARN of a managed policy that limits the role.
    pub boundary: Option<String>,
    /// At most 50.
    pub tags: Vec<Tag>,
}

impl Role {
    /// The trust policy, compiled.
    ///
    /// # Errors
    /// Internal, where what is stored is no trust policy.
    pub fn trust_policy(&self) -> Result<Attached> {
        let document = Document::parse(Kind::Trust, &self.trust)
            .map_err(|fault| Error::internal(format!("the trust policy of `{}` is malformed: {fault}", self.arn)))?;
        Ok(Attached { id: self.arn.as_str().into(), document: Arc::new(document) })
    }
}

impl Identity {
    /// Makes a role without any rights.
    ///
    /// # Errors
    /// Invalid, where a name, path, tag or the trust policy breaks AWS's rules (`MalformedPolicyDocument`); NotFound,
    /// where there is no such boundary; AlreadyExists; Conflict (`LimitExceeded`), where the account has 1,000 roles.
    pub async fn create_role(&self, ctx: &Ctx, new: NewRole) -> Result<Role> {
        check_name("roleName", &new.name, 64)?;
        let path = path(new.path)?;
        tags::check(&new.tags)?;
        let trusted = trusted(&new.trust)?;
        let role = Role {
            id: formats::role_id(self.0.random.as_ref()),
            account: ctx.account().clone(),
            arn: arn(ctx.account(), "role", &path, &new.name),
            name: new.name,
            path,
            description: new.description,
            trust: new.trust,
            max_session: new.max_session.unwrap_or(SESSION),
            boundary: new.boundary,
            service: None,
            tags: new.tags,
            created: self.0.clock.now(),
            last_used: None,
        };
        store::insert(&self.0.store, &role, &trusted).await?;
        self.forget_rights();
        Ok(role)
    }

    /// The account's role of this name.
    ///
    /// # Errors
    /// NotFound.
    pub async fn get_role(&self, ctx: &Ctx, name: &str) -> Result<Role> {
        let role = self.read_role(ctx.account(), name).await?;
        role.ok_or_else(|| super::errors::no_such(super::holder::HolderKind::Role, name))
    }

    /// The role `name` of any account, for the services that sessions are made by.
    pub(crate) async fn read_role(&self, account: &AccountId, name: &str) -> Result<Option<Role>> {
        store::read(&self.0.store, account, name).await
    }

    /// The role with this id (`AROA…`) of any account.
    pub(crate) async fn read_role_by_id(&self, id: &str) -> Result<Option<Role>> {
        store::read_by_id(&self.0.store, id).await
    }

    /// The role with exactly this ARN, of any account.
    pub(crate) async fn read_role_by_arn(&self, role_arn: &str) -> Result<Option<Role>> {
        let Ok(parsed) = role_arn.parse::<base::Arn>() else { return Ok(None) };
        let (Ok(account), Some(rest)) = (parsed.account.parse(), parsed.resource.strip_prefix("role/")) else {
            return Ok(None);
        };
        let name = rest.rsplit('/').next().unwrap_or(rest);
        Ok(self.read_role(&account, name).await?.filter(|role| role.arn == role_arn))
    }

    /// Notes that a session of the role made a request in `region`; written within a minute.
    pub(crate) fn note_role_use(&self, role_id: &str, region: &Region) {
        let used = Used::Role { id: role_id.to_owned(), region: region.as_str().to_owned() };
        self.0.activity.note_always(used, self.0.clock.now());
    }

    /// The account's roles whose path starts with `path_prefix`, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_roles(&self, ctx: &Ctx, path_prefix: &str, page: &PageRequest) -> Result<Page<Role>> {
        let roles = store::list(&self.0.store, ctx.account(), path_prefix, page).await?;
        Ok(Page::cut(page, roles, |role| name_key(&role.name)))
    }

    /// Changes what a role says of itself; `max_session` of `None` is an hour, as in AWS.
    ///
    /// # Errors
    /// NotFound. Conflict (`UnmodifiableEntity`) for a role that is linked to a service.
    pub async fn update_role(
        &self,
        ctx: &Ctx,
        name: &str,
        description: Option<&str>,
        max_session: Option<i64>,
    ) -> Result<()> {
        let max_session = Some(max_session.unwrap_or(SESSION));
        store::update(&self.0.store, ctx.account(), name, description, max_session).await
    }

    /// Changes a role's description.
    ///
    /// # Errors
    /// As [`Identity::update_role`].
    pub async fn update_role_description(&self, ctx: &Ctx, name: &str, description: &str) -> Result<Role> {
        store::update(&self.0.store, ctx.account(), name, Some(description), None).await?;
        self.get_role(ctx, name).await
    }

    /// Puts another trust policy in the place of the role's.
    ///
    /// # Errors
    /// NotFound; Invalid (`MalformedPolicyDocument`); Conflict (`UnmodifiableEntity`, `LimitExceeded`).
    pub async fn update_assume_role_policy(&self, ctx: &Ctx, name: &str, trust: &str) -> Result<()> {
        let trusted = trusted(trust)?;
        store::set_trust(&self.0.store, ctx.account(), HolderName::role(name), trust, &trusted).await?;
        self.forget_rights();
        Ok(())
    }

    /// Removes a role that nothing is attached to. Its sessions may do nothing from then on.
    ///
    /// # Errors
    /// NotFound. Conflict: `DeleteConflict`, where it has policies or is in an instance profile, `UnmodifiableEntity`,
    /// where it is linked to a service.
    pub async fn delete_role(&self, ctx: &Ctx, name: &str) -> Result<()> {
        store::delete(&self.0.store, ctx.account(), HolderName::role(name)).await?;
        self.forget_credentials();
        Ok(())
    }
}

/// Whom a trust policy names, once it is known to be one.
fn trusted(trust: &str) -> Result<Vec<String>> {
    Ok(names(&Document::parse(Kind::Trust, trust).map_err(malformed)?))
}
