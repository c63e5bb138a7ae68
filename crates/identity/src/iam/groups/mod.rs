//! Groups of users.

mod store;

use base::{AccountId, Page, PageRequest, Result, Timestamp};

use super::errors::no_such;
use super::holder::HolderKind;
use super::names::{arn, check_name, path};
use crate::credentials::formats;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::users::{User, name_key};

pub(crate) use store::{all, of_user, require_none};

/// The most groups of an account, as in AWS.
pub(crate) const PER_ACCOUNT: i64 = 300;
/// The most groups that a user is in, as in AWS.
pub(crate) const PER_USER: i64 = 10;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// `AGPA…`
    pub id: String,
    /// The name, unique in the account without regard to case.
    pub name: String,
    /// `/`, or a path that starts and ends with `/`.
    pub path: String,
    /// `arn:aws:iam::ACCOUNT:groupPATHNAME`
    pub arn: String,
    /// When the group was made.
    pub created: Timestamp,
}

impl Identity {
    /// Makes a group without members and rights.
    ///
    /// # Errors
    /// Invalid, where name or path break AWS's rules; AlreadyExists; Conflict (`LimitExceeded`), where the account has
    /// 300 groups.
    pub async fn create_group(&self, ctx: &Ctx, name: &str, given_path: Option<String>) -> Result<Group> {
        check_name("groupName", name, 128)?;
        let path = path(given_path)?;
        let group = Group {
            id: formats::group_id(self.0.random.as_ref()),
            name: name.to_owned(),
            arn: arn(ctx.account(), "group", &path, name),
            path,
            created: self.0.clock.now(),
        };
        store::insert(&self.0.store, ctx.account(), &group).await?;
        Ok(group)
    }

    /// The group of this name.
    ///
    /// # Errors
    /// NotFound.
    pub async fn get_group(&self, ctx: &Ctx, name: &str) -> Result<Group> {
        let group = store::read(&self.0.store, ctx.account(), name).await?;
        group.ok_or_else(|| no_such(HolderKind::Group, name))
    }

    /// The members of a group, by name.
    ///
    /// # Errors
    /// NotFound.
    pub async fn group_members(&self, ctx: &Ctx, name: &str, page: &PageRequest) -> Result<Page<User>> {
        let users = store::members(&self.0.store, ctx.account(), name, page).await?;
        Ok(Page::cut(page, users, |user| name_key(&user.name)))
    }

    /// The account's groups whose path starts with `path_prefix`, by name.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_groups(&self, ctx: &Ctx, path_prefix: &str, page: &PageRequest) -> Result<Page<Group>> {
        let groups = store::list(&self.0.store, ctx.account(), path_prefix, page).await?;
        Ok(Page::cut(page, groups, |group| name_key(&group.name)))
    }

    /// The groups that a user is in, by name.
    ///
    /// # Errors
    /// NotFound, where there is no such user.
    pub async fn list_groups_for_user(&self, ctx: &Ctx, user_name: &str, page: &PageRequest) -> Result<Page<Group>> {
        let groups = store::list_of_user(&self.0.store, ctx.account(), user_name, page).await?;
        Ok(Page::cut(page, groups, |group| name_key(&group.name)))
    }

    /// Gives a group another name or path; its members and policies stay.
    ///
    /// # Errors
    /// NotFound; AlreadyExists, where another group has the new name; Invalid.
    pub async fn update_group(
        &self,
        ctx: &Ctx,
        name: &str,
        new_name: Option<&str>,
        new_path: Option<String>,
    ) -> Result<()> {
        if let Some(name) = new_name {
            check_name("newGroupName", name, 128)?;
        }
        let new_path = new_path.map(|new| path(Some(new))).transpose()?;
        store::update(&self.0.store, ctx.account(), name, new_name, new_path.as_deref()).await?;
        self.forget_rights();
        Ok(())
    }

    /// Removes a group that has neither members nor policies.
    ///
    /// # Errors
    /// NotFound. Conflict (`DeleteConflict`).
    pub async fn delete_group(&self, ctx: &Ctx, name: &str) -> Result<()> {
        store::delete(&self.0.store, ctx.account(), name).await
    }

    /// Makes a user a member; doing so again changes nothing.
    ///
    /// # Errors
    /// NotFound, where there is no such user or group. Conflict (`LimitExceeded`), where the user is in ten.
    pub async fn add_user_to_group(&self, ctx: &Ctx, group: &str, user: &str) -> Result<()> {
        store::add_member(&self.0.store, ctx.account(), group, user).await?;
        self.forget_rights();
        Ok(())
    }

    /// Ends a user's membership.
    ///
    /// # Errors
    /// NotFound, where there is no such user, group or membership.
    pub async fn remove_user_from_group(&self, ctx: &Ctx, group: &str, user: &str) -> Result<()> {
        store::remove_member(&self.0.store, ctx.account(), group, user).await?;
        self.forget_rights();
        Ok(())
    }
}

impl Group {
    fn arn_of(account: &AccountId, path: &str, name: &str) -> String {
        arn(account, "group", path, name)
    }
}
