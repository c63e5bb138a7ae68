//! From the domain's types to IAM's shapes, and back.

use aws_wire::generated::iam::{
    AttachedPermissionsBoundary, AttachedPolicy, Group, InstanceProfile, PermissionsBoundaryAttachmentType, Policy,
    PolicyVersion, Role, RoleLastUsed, Tag, User,
};
use base::{Page, PageRequest, Result};
use identity::iam;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What IAM lists at once where nothing is said.
const PAGE: u32 = 100;

/// What stands for itself in a URL (RFC 3986).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The part of a listing that is asked for.
pub(super) fn page_request(max_items: Option<i32>, marker: Option<&str>) -> Result<PageRequest> {
    PageRequest::from_token(max_items.and_then(|n| u32::try_from(n).ok()).unwrap_or(PAGE), marker)
}

/// `IsTruncated` and `Marker`.
pub(super) fn rest<T>(page: &Page<T>) -> (Option<bool>, Option<String>) {
    let marker = page.next_token();
    (Some(marker.is_some()), marker)
}

/// A policy document as IAM answers with it: as in a URL.
pub(super) fn document(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

pub(super) fn tags(tags: Vec<identity::Tag>) -> Vec<Tag> {
    tags.into_iter().map(|tag| Tag { key: tag.key, value: tag.value }).collect()
}

/// Tags, where there are any.
pub(super) fn some_tags(list: Vec<identity::Tag>) -> Option<Vec<Tag>> {
    (!list.is_empty()).then(|| tags(list))
}

pub(super) fn from_tags(tags: Option<Vec<Tag>>) -> Vec<identity::Tag> {
    tags.unwrap_or_default().into_iter().map(|tag| identity::Tag { key: tag.key, value: tag.value }).collect()
}

pub(super) fn boundary(arn: Option<String>) -> Option<AttachedPermissionsBoundary> {
    arn.map(|arn| AttachedPermissionsBoundary {
        permissions_boundary_type: Some(PermissionsBoundaryAttachmentType::PermissionsBoundaryPolicy),
        permissions_boundary_arn: Some(arn),
    })
}

pub(super) fn user(user: identity::User) -> User {
    User {
        path: user.path,
        user_name: user.name,
        user_id: user.id,
        arn: user.arn,
        create_date: user.created.into(),
        password_last_used: None,
        permissions_boundary: boundary(user.boundary),
        tags: some_tags(user.tags),
    }
}

/// A user in a list, where IAM leaves tags and boundary out.
pub(super) fn listed_user(listed: identity::User) -> User {
    User { tags: None, permissions_boundary: None, ..user(listed) }
}

pub(super) fn group(group: iam::groups::Group) -> Group {
    Group {
        path: group.path,
        group_name: group.name,
        group_id: group.id,
        arn: group.arn,
        create_date: group.created.into(),
    }
}

pub(super) fn role(role: iam::roles::Role) -> Role {
    Role {
        path: role.path,
        role_name: role.name,
        role_id: role.id,
        arn: role.arn,
        create_date: role.created.into(),
        assume_role_policy_document: Some(document(&role.trust)),
        description: role.description,
        max_session_duration: i32::try_from(role.max_session).ok(),
        permissions_boundary: boundary(role.boundary),
        tags: some_tags(role.tags),
        role_last_used: None,
        source_role_template: None,
    }
}

/// A role in a list, where IAM leaves tags and boundary out.
pub(super) fn listed_role(listed: iam::roles::Role) -> Role {
    Role { tags: None, permissions_boundary: None, ..role(listed) }
}

/// When a role was last used: nothing where it never was.
pub(super) fn last_used(role: &iam::roles::Role) -> RoleLastUsed {
    match &role.last_used {
        Some((at, region)) => RoleLastUsed { last_used_date: Some((*at).into()), region: region.clone() },
        None => RoleLastUsed::default(),
    }
}

pub(super) fn policy(policy: iam::policies::Policy) -> Policy {
    Policy {
        policy_name: Some(policy.name),
        policy_id: Some(policy.id),
        arn: Some(policy.arn),
        path: Some(policy.path),
        default_version_id: Some(policy.default_version),
        attachment_count: i32::try_from(policy.attachments).ok(),
        permissions_boundary_usage_count: i32::try_from(policy.boundary_uses).ok(),
        is_attachable: Some(true),
        description: policy.description,
        create_date: Some(policy.created.into()),
        update_date: Some(policy.updated.into()),
        tags: Some(tags(policy.tags)),
    }
}

/// A policy in a list, where IAM leaves tags and description out.
pub(super) fn listed_policy(listed: iam::policies::Policy) -> Policy {
    Policy { tags: None, description: None, ..policy(listed) }
}

pub(super) fn version(version: iam::policies::PolicyVersion) -> PolicyVersion {
    PolicyVersion {
        document: Some(document(&version.document)),
        version_id: Some(version.id),
        is_default_version: Some(version.default),
        create_date: Some(version.created.into()),
    }
}

/// A version in a list, where IAM leaves the document out.
pub(super) fn listed_version(listed: iam::policies::PolicyVersion) -> PolicyVersion {
    PolicyVersion { document: None, ..version(listed) }
}

pub(super) fn attached(policy: iam::attachments::AttachedPolicy) -> AttachedPolicy {
    AttachedPolicy { policy_name: Some(policy.name), policy_arn: Some(policy.arn) }
}

pub(super) fn instance_profile(profile: iam::instance_profiles::InstanceProfile) -> InstanceProfile {
    InstanceProfile {
        path: profile.path,
        instance_profile_name: profile.name,
        instance_profile_id: profile.id,
        arn: profile.arn,
        create_date: profile.created.into(),
        roles: profile.role.into_iter().map(listed_role).collect(),
        tags: Some(tags(profile.tags)),
    }
}

/// An instance profile in a list, where IAM leaves the tags out.
pub(super) fn listed_profile(listed: iam::instance_profiles::InstanceProfile) -> InstanceProfile {
    InstanceProfile { tags: None, ..instance_profile(listed) }
}
