//! Tags of users, roles, policies, instance profiles and providers.

mod store;

use base::{Error, Page, PageRequest, Result};

use super::errors::{invalid_input, limit_exceeded};
use super::policies::check_own;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::users::Tag;

/// The most tags of an entity, as in AWS.
pub(crate) const MOST: usize = 50;

/// What has tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tagged<'a> {
    /// The user of this name.
    User(&'a str),
    /// The role of this name.
    Role(&'a str),
    /// The policy with this ARN.
    Policy(&'a str),
    /// The instance profile of this name.
    InstanceProfile(&'a str),
    /// The OpenID Connect provider with this ARN.
    OidcProvider(&'a str),
}

impl Identity {
    /// Adds tags; a key that is there gets the new value.
    ///
    /// # Errors
    /// NotFound, where there is no such thing. Invalid, where a tag breaks AWS's rules. Conflict: `LimitExceeded`, where
    /// there would be more than 50, `UnmodifiableEntity` for a service-linked role. Denied for AWS's policies.
    pub async fn tag(&self, ctx: &Ctx, tagged: Tagged<'_>, new: &[Tag]) -> Result<()> {
        check(new)?;
        self.change_tags(ctx, tagged, |tags| with(tags, new)).await
    }

    /// Removes the tags with these keys; those that are not there are no error.
    ///
    /// # Errors
    /// As [`Identity::tag`].
    pub async fn untag(&self, ctx: &Ctx, tagged: Tagged<'_>, keys: &[String]) -> Result<()> {
        self.change_tags(ctx, tagged, |tags| Ok(without(tags, keys))).await
    }

    /// The tags, by key.
    ///
    /// # Errors
    /// NotFound, where there is no such thing.
    pub async fn list_tags(&self, ctx: &Ctx, tagged: Tagged<'_>, page: &PageRequest) -> Result<Page<Tag>> {
        let mut tags = match tagged {
            Tagged::Policy(arn) => self.get_policy(ctx, arn).await?.tags,
            other => store::read(&self.0.store, ctx.account(), other).await?,
        };
        tags.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let after = page.after.as_deref().unwrap_or_default();
        tags.retain(|tag| tag.key.as_str() > after);
        Ok(Page::cut(page, tags, |tag| tag.key.clone()))
    }

    async fn change_tags(
        &self,
        ctx: &Ctx,
        tagged: Tagged<'_>,
        change: impl Fn(Vec<Tag>) -> Result<Vec<Tag>> + Sync,
    ) -> Result<()> {
        if let Tagged::Policy(arn) = tagged {
            check_own(arn)?;
        }
        store::change(&self.0.store, ctx.account(), tagged, &change).await?;
        self.forget_rights();
        Ok(())
    }
}

/// Checks the tags of a new entity, or those that are to be added.
pub(crate) fn check(tags: &[Tag]) -> Result<()> {
    if tags.len() > MOST {
        return Err(Error::invalid(format!("At most {MOST} tags can be given.")));
    }
    for (i, tag) in tags.iter().enumerate() {
        let length = tag.key.chars().count();
        if !(1..=128).contains(&length) || tag.value.chars().count() > 256 {
            return Err(Error::invalid(format!("The tag `{}` is too long or has no key.", tag.key))
                .with_hint("Tag keys have 1 to 128 characters, values at most 256."));
        }
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(invalid_input("Tag keys that start with `aws:` are reserved for AWS."));
        }
        if tags[..i].iter().any(|other| same_key(&other.key, &tag.key)) {
            return Err(invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive."));
        }
    }
    Ok(())
}

/// `tags` with `new` put in: a key that is there already, in whatever case, is replaced.
pub(crate) fn with(mut tags: Vec<Tag>, new: &[Tag]) -> Result<Vec<Tag>> {
    for tag in new {
        match tags.iter_mut().find(|old| same_key(&old.key, &tag.key)) {
            Some(old) => *old = tag.clone(),
            None => tags.push(tag.clone()),
        }
    }
    if tags.len() > MOST {
        return Err(limit_exceeded("The number of tags has reached the maximum limit."));
    }
    Ok(tags)
}

/// `tags` without those of `keys`.
pub(crate) fn without(tags: Vec<Tag>, keys: &[String]) -> Vec<Tag> {
    tags.into_iter().filter(|tag| !keys.iter().any(|key| same_key(key, &tag.key))).collect()
}

fn same_key(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

/// How tags are stored.
pub(crate) fn to_text(tags: &[Tag]) -> Result<String> {
    let pairs: Vec<[&str; 2]> = tags.iter().map(|tag| [tag.key.as_str(), tag.value.as_str()]).collect();
    serde_json::to_string(&pairs).map_err(Error::internal)
}

/// What [`to_text`] wrote.
pub(crate) fn from_text(text: &str) -> Result<Vec<Tag>> {
    let pairs: Vec<[String; 2]> = serde_json::from_str(text).map_err(Error::internal)?;
    Ok(pairs.into_iter().map(|[key, value]| Tag { key, value }).collect())
}

/// As conditions ask for them.
pub(crate) fn pairs(tags: &[Tag]) -> Vec<(String, String)> {
    tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}
