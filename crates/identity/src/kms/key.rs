//! A key, as it is kept.

use base::{AccountId, Region, Timestamp};

use super::key_ref::key_arn;
use crate::policy::Attached;

/// A key without its material.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// A UUID, unique in the deployment.
    pub id: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The region it is in.
    pub region: Region,
    /// What its owner says of it.
    pub description: String,
    /// Who looks after it.
    pub manager: Manager,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it is deleted, if that is planned.
    pub deletion: Option<Timestamp>,
    /// The waiting time that was chosen for the deletion, in days.
    pub pending_window: Option<u32>,
    /// How its material is changed by itself, if it is.
    pub rotation: Option<Rotation>,
    /// Its tags, by name.
    pub tags: Vec<(String, String)>,
}

/// Who looks after a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// The service that it was made for.
    Aws,
    /// Its account.
    Customer,
}

/// How a key's material is changed by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// Every so many days.
    pub period_days: u32,
    /// When next.
    pub next: Timestamp,
}

/// What may be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Everything.
    Enabled,
    /// Everything but cryptography.
    Disabled,
    /// Nothing but looking at it, and calling the deletion off.
    PendingDeletion,
}

impl KeyState {
    /// The state's name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Disabled => "Disabled",
            Self::PendingDeletion => "PendingDeletion",
        }
    }
}

impl Manager {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Customer => "CUSTOMER",
        }
    }
}

impl Key {
    /// Its ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        key_arn(&self.account, self.region.as_str(), &self.id)
    }

    /// What may be done with it.
    #[must_use]
    pub fn state(&self) -> KeyState {
        match (self.deletion, self.enabled) {
            (Some(_), _) => KeyState::PendingDeletion,
            (None, true) => KeyState::Enabled,
            (None, false) => KeyState::Disabled,
        }
    }
}

/// A key with everything that its use needs.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) key: Key,
    pub(super) arn: String,
    pub(super) policy: Attached,
    pub(super) policy_text: String,
    /// With their `alias/`.
    pub(super) aliases: Vec<String>,
    /// The oldest first; the last one encrypts.
    pub(crate) backing: Vec<Backing>,
}

/// One generation of a key's material, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Backing {
    pub(super) id: String,
    pub(super) sealed: Vec<u8>,
    /// When it came into use.
    pub(super) since: Timestamp,
    /// How it came: `None` for the key's first.
    pub(super) rotation: Option<RotationType>,
}

/// What changed a key's material.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationType {
    /// Time.
    Automatic,
    /// A request.
    OnDemand,
}

impl RotationType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::OnDemand => "ON_DEMAND",
        }
    }
}
