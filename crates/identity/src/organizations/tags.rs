//! Tags of roots, units, accounts and policies.

use super::change::Change;
use super::refusal::{Refusal, Result};
use super::{Intent, Tags};
use crate::ctx::Ctx;
use crate::open::Identity;

/// The most tags of one thing, as in AWS.
const TAGS: usize = 50;

impl Identity {
    /// Adds tags to a root, unit, account or policy; a tag with the same key is replaced.
    ///
    /// # Errors
    /// Denied. `TargetNotFoundException`; `ConstraintViolationException`, where there would be more than 50;
    /// `InvalidInputException`, where a key is AWS's own or stands twice.
    pub async fn tag_organization_resource(&self, ctx: &Ctx, resource: &str, tags: Tags) -> Result<()> {
        let on = [resource];
        let intent = Intent::write("organizations:TagResource", &on).tagged(&tags);
        self.change(ctx, intent, |organization| {
            if !organization.has(resource) {
                return Err(Refusal::no_target());
            }
            check(&organization.tags_of(resource), &tags)?;
            Ok((vec![Change::PutTags { resource: resource.to_owned(), tags: tags.clone() }], ()))
        })
        .await
    }

    /// Removes the tags with these keys.
    ///
    /// # Errors
    /// Denied. `TargetNotFoundException`.
    pub async fn untag_organization_resource(&self, ctx: &Ctx, resource: &str, keys: &[String]) -> Result<()> {
        let on = [resource];
        self.change(ctx, Intent::write("organizations:UntagResource", &on), |organization| {
            if !organization.has(resource) {
                return Err(Refusal::no_target());
            }
            Ok((vec![Change::RemoveTags { resource: resource.to_owned(), keys: keys.to_vec() }], ()))
        })
        .await
    }

    /// The tags of a root, unit, account or policy, by key.
    ///
    /// # Errors
    /// Denied. `TargetNotFoundException`.
    pub async fn list_organization_tags(&self, ctx: &Ctx, resource: &str) -> Result<Tags> {
        let organization = self.manage(ctx, Intent::read("organizations:ListTagsForResource", &[resource])).await?;
        if organization.has(resource) { Ok(organization.tags_of(resource)) } else { Err(Refusal::no_target()) }
    }
}

/// Refuses `new` beside the tags that are there.
pub(super) fn check(there: &[(String, String)], new: &[(String, String)]) -> Result<()> {
    for (i, (key, _)) in new.iter().enumerate() {
        if key.to_ascii_lowercase().starts_with("aws:") {
            let message = "You specified a tag key that begins with \"aws:\", which is reserved.";
            return Err(Refusal::input("INVALID_SYSTEM_TAGS_PARAMETER", message));
        }
        if new[..i].iter().any(|(other, _)| other == key) {
            return Err(Refusal::input("DUPLICATE_TAG_KEY", "Tag keys must be unique among the tags attached."));
        }
    }
    let kept = there.iter().filter(|(key, _)| !new.iter().any(|(other, _)| other == key));
    if kept.count() + new.len() > TAGS {
        let message = "You have exceeded the number of tags allowed on this resource.";
        return Err(Refusal::constraint("MAX_TAG_LIMIT_EXCEEDED", message));
    }
    Ok(())
}
