//! Tags of users, roles, policies and instance profiles.

use base::{Error, Result};

use super::errors::{invalid_input, limit_exceeded};
use crate::users::Tag;

/// The most tags of an entity, as in AWS.
pub(crate) const MOST: usize = 50;

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
