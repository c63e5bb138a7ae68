//! The kinds of policy documents: what each may contain and how long it may be.

use super::malformed::Malformed;

/// What a policy document is attached to. The kind decides which elements it may have, which size, and how AWS words
/// the refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A managed policy: attached to users, groups and roles, or set as a permissions boundary.
    Managed,
    /// Embedded in a user.
    InlineUser,
    /// Embedded in a group.
    InlineGroup,
    /// Embedded in a role.
    InlineRole,
    /// Passed to `AssumeRole` and its like.
    Session,
    /// An organization's service control policy.
    ServiceControl,
    /// A role's trust policy.
    Trust,
    /// A bucket's policy.
    Bucket,
    /// A KMS key's policy.
    Key,
    /// A secret's resource policy.
    Secret,
    /// The policy of any other resource.
    Resource,
}

/// How a kind's length is measured and limited.
struct Limit {
    most: usize,
    counts_whitespace: bool,
}

/// The longest text that IAM's operations take at all, whitespace included (IAM API Reference, `policyDocumentType`).
const LONGEST_TEXT: usize = 131_072;

impl Kind {
    /// Whether it is attached to a principal (or limits one) and so names none.
    #[must_use]
    pub fn is_identity_based(self) -> bool {
        use Kind::{InlineGroup, InlineRole, InlineUser, Managed, ServiceControl, Session};
        matches!(self, Managed | InlineUser | InlineGroup | InlineRole | Session | ServiceControl)
    }

    /// Whether access needs this policy's consent even inside the resource's own account: key policies and trust
    /// policies (IAM User Guide, "Policy evaluation logic", "Resource-based policies").
    #[must_use]
    pub fn must_consent(self) -> bool {
        matches!(self, Self::Key | Self::Trust)
    }

    /// The most that [`Kind::size`] may be. For policies embedded in a user, group or role it is the most that all of
    /// them together may have.
    #[must_use]
    pub fn quota(self) -> usize {
        self.limit().most
    }

    /// A document's length as the quota counts it: characters without whitespace for IAM's policies, bytes for those
    /// of buckets, keys and other resources and for service control policies.
    #[must_use]
    pub fn size(self, text: &str) -> usize {
        if self.limit().counts_whitespace { text.len() } else { text.chars().filter(|c| !c.is_whitespace()).count() }
    }

    /// IAM and STS quotas (IAM User Guide, "IAM and AWS STS quotas"); Organizations, S3, KMS and Secrets Manager
    /// quotas from their guides.
    fn limit(self) -> Limit {
        let (most, counts_whitespace) = match self {
            Self::Managed => (6_144, false),
            Self::InlineUser => (2_048, false),
            Self::InlineGroup => (5_120, false),
            Self::InlineRole => (10_240, false),
            Self::Session => (2_048, false),
            Self::Trust => (2_048, false),
            Self::ServiceControl => (5_120, true),
            Self::Bucket | Self::Secret | Self::Resource => (20_480, true),
            Self::Key => (32_768, true),
        };
        Limit { most, counts_whitespace }
    }

    /// Refuses what is too long to be looked at.
    pub(super) fn check_bytes(self, bytes: &[u8]) -> Result<(), Malformed> {
        let limit = self.limit();
        if bytes.len() > LONGEST_TEXT || (limit.counts_whitespace && bytes.len() > limit.most) {
            return Err(self.too_large());
        }
        Ok(())
    }

    /// Refuses what exceeds the quota on its own.
    pub(super) fn check_size(self, text: &str) -> Result<(), Malformed> {
        if self.size(text) > self.quota() { Err(self.too_large()) } else { Ok(()) }
    }

    /// The refusal of a document that exceeds the quota, alone or together with the others of its holder.
    #[must_use]
    pub fn too_large(self) -> Malformed {
        let most = self.quota();
        let message = match self {
            Self::Managed => format!("Cannot exceed quota for PolicySize: {most}"),
            Self::Trust => format!("Cannot exceed quota for ACLSizePerRole: {most}"),
            Self::InlineUser => format!("Maximum policy size of {most} bytes exceeded for the user"),
            Self::InlineGroup => format!("Maximum policy size of {most} bytes exceeded for the group"),
            Self::InlineRole => format!("Maximum policy size of {most} bytes exceeded for the role"),
            Self::Session => format!("The session policy exceeds the maximum length of {most} characters"),
            _ => format!("Policy exceeds the maximum allowed document size of {most} bytes"),
        };
        Malformed::too_large(message)
    }
}
