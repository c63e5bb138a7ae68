//! Tags of sessions.

use base::{Error, Result};

use super::assume_role::RoleAssumption;
use super::session_policies::SessionPolicies;
use crate::principal::RoleSession;

/// The most tags of a session, as in AWS.
const TAGS: usize = 50;
/// The space for policies and tags, in characters. AWS packs both in a form of its own; here each character counts.
const SPACE: usize = 2_048;

/// What the tags of a new session are.
#[derive(Debug, Default)]
pub(super) struct SessionTags {
    /// Those passed with the request and those that come with the asking session: `aws:RequestTag/…`.
    pub(super) requested: Vec<(String, String)>,
    /// Those that the session keeps, beside those of the role.
    pub(super) of_session: Vec<(String, String)>,
    /// The keys of those that go on to further sessions.
    pub(super) transitive: Vec<String>,
}

impl SessionTags {
    /// The tags of the session that `wish` asks for, where `caller` is the role session that asks.
    pub(super) fn of(wish: &RoleAssumption, caller: Option<&RoleSession>) -> Result<Self> {
        check(wish)?;
        let inherited = caller.map(inherited).unwrap_or_default();
        if let Some((key, _)) = wish.tags.iter().find(|(key, _)| has(&inherited, key)) {
            return Err(Error::invalid(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key \
                 from the calling session.",
            )
            .with_hint(format!("The session's tag `{key}` is transitive.")));
        }
        let mut transitive: Vec<String> = inherited.iter().map(|(key, _)| key.clone()).collect();
        transitive.extend(wish.transitive_tag_keys.iter().cloned());
        let requested: Vec<_> = inherited.into_iter().chain(wish.tags.iter().cloned()).collect();
        if requested.len() > TAGS {
            return Err(Error::invalid(format!("A session can have at most {TAGS} tags.")));
        }
        Ok(Self { of_session: requested.clone(), requested, transitive })
    }

    /// How much of the space is used, in percent; `None` where nothing was passed.
    pub(super) fn packed_with(&self, policies: &SessionPolicies) -> Result<Option<u32>> {
        let size = policies.size() + self.requested.iter().map(|(key, value)| chars(key) + chars(value)).sum::<usize>();
        let percent = (size * 100).div_ceil(SPACE);
        if percent <= 100 {
            return Ok((size > 0).then_some(u32::try_from(percent).unwrap_or(u32::MAX)));
        }
        let message = match policies.size() {
            0 => format!("Packed size of session tags consumes {percent}% of allotted space."),
            _ => format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."),
        };
        Err(Error::invalid(message).with_code("PackedPolicyTooLarge"))
    }
}

fn check(wish: &RoleAssumption) -> Result<()> {
    for (i, (key, _)) in wish.tags.iter().enumerate() {
        if wish.tags[..i].iter().any(|(other, _)| other.eq_ignore_ascii_case(key)) {
            return Err(Error::invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
                .with_code("InvalidParameterValue"));
        }
        if key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Error::invalid(format!("The tag key `{key}` is reserved.")).with_code("InvalidParameterValue"));
        }
    }
    if wish.transitive_tag_keys.iter().all(|key| has(&wish.tags, key)) {
        return Ok(());
    }
    Err(Error::invalid("The specified transitive tag key must be included in the requested tags.")
        .with_code("InvalidParameterValue"))
}

fn inherited(caller: &RoleSession) -> Vec<(String, String)> {
    let transitive = |key: &String| caller.transitive_tags.iter().any(|other| other.eq_ignore_ascii_case(key));
    caller.role.tags.iter().filter(|(key, _)| transitive(key)).cloned().collect()
}

fn has(tags: &[(String, String)], key: &str) -> bool {
    tags.iter().any(|(other, _)| other.eq_ignore_ascii_case(key))
}

fn chars(text: &str) -> usize {
    text.chars().count()
}

/// The tags of a session as policies see them: those of the role, and those passed, which win.
pub(super) fn together(role: &[crate::users::Tag], session: &[(String, String)]) -> Vec<(String, String)> {
    let of_role = role.iter().filter(|tag| !has(session, &tag.key));
    of_role.map(|tag| (tag.key.clone(), tag.value.clone())).chain(session.iter().cloned()).collect()
}
