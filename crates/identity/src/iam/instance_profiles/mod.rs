//! Instance profiles: how a role is given to machines.

mod store;

use base::{Error, Page, PageRequest, Result, Timestamp};

use super::names::{arn, check_name, path};
use super::roles::Role;
use super::tags;
use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::users::{Tag, name_key};

pub(crate) use store::{count, of_role};

/// The most instance profiles of an account, as in AWS.
pub(crate) const PER_ACCOUNT: i64 = 1_000;

/// An instance profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceProfile {
    /// `AIPA…`
    pub id: String,
    /// The name, unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// `arn:aws:iam::ACCOUNT:instance-profilePATHNAME`
    pub arn: String,
    /// The tags in the order given.
    pub tags: Vec<Tag>,
    /// The role, if it has one.
    pub role: Option<Role>,
    /// When it was made.
    pub created: Timestamp,
}

impl Identity {
    /// Makes an instance profile without a role.
    ///
    /// # Errors
    /// Invalid, where a name, path or tag breaks AWS's rules; AlreadyExists; Conflict (`LimitExceeded`), where the
    /// account has 1,000.
    pub async fn create_instance_profile(
        &self,
        ctx: &Ctx,
        name: &str,
        given_path: Option<String>,
        tags: Vec<Tag>,
    ) -> Result<InstanceProfile> {
        check_name("instanceProfileName", name, 128)?;
        let path = path(given_path)?;
        tags::check(&tags)?;
        let profile = InstanceProfile {
            id: formats::instance_profile_id(self.0.random.as_ref()),
            name: name.to_owned(),
            arn: arn(ctx.account(), "instance-profile", &path, name),
            path,
            tags,
            role: None,
            created: self.0.clock.now(),
        };
        store::insert(&self.0.store, ctx.account(), &profile).await?;
        Ok(profile)
    }

    /// The instance profile of this name.
    ///
    /// # Errors
    /// NotFound.
    pub async fn get_instance_profile(&self, ctx: &Ctx, name: &str) -> Result<InstanceProfile> {
        store::read(&self.0.store, ctx.account(), name).await?.ok_or_else(|| no_such_profile(name))
    }

    /// The account's instance profiles whose path starts with `path_prefix`, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_instance_profiles(
        &self,
        ctx: &Ctx,
        path_prefix: &str,
        page: &PageRequest,
    ) -> Result<Page<InstanceProfile>> {
        let profiles = store::list(&self.0.store, ctx.account(), path_prefix, page).await?;
        Ok(Page::cut(page, profiles, |profile| name_key(&profile.name)))
    }

    /// The instance profiles that have a role, by name.
    ///
    /// # Errors
    /// NotFound, where there is no such role.
    pub async fn list_instance_profiles_for_role(
        &self,
        ctx: &Ctx,
        role: &str,
        page: &PageRequest,
    ) -> Result<Page<InstanceProfile>> {
        let profiles = store::list_for_role(&self.0.store, ctx.account(), role, page).await?;
        Ok(Page::cut(page, profiles, |profile| name_key(&profile.name)))
    }

    /// Puts a role into an instance profile, which has at most one.
    ///
    /// # Errors
    /// NotFound. Conflict (`LimitExceeded`), where it has one.
    pub async fn add_role_to_instance_profile(&self, ctx: &Ctx, profile: &str, role: &str) -> Result<()> {
        store::add_role(&self.0.store, ctx.account(), profile, role).await
    }

    /// Takes a role out of an instance profile.
    ///
    /// # Errors
    /// NotFound, where there is no such role or profile, or the role is not in it.
    pub async fn remove_role_from_instance_profile(&self, ctx: &Ctx, profile: &str, role: &str) -> Result<()> {
        store::remove_role(&self.0.store, ctx.account(), profile, role).await
    }

    /// Removes an instance profile without a role.
    ///
    /// # Errors
    /// NotFound. Conflict (`DeleteConflict`), where it has a role.
    pub async fn delete_instance_profile(&self, ctx: &Ctx, name: &str) -> Result<()> {
        store::delete(&self.0.store, ctx.account(), name).await
    }
}

pub(crate) fn no_such_profile(name: &str) -> Error {
    Error::not_found(format!("Instance Profile {name} cannot be found."))
}
