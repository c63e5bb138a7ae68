//! What operations change in an organization.

use base::Timestamp;

use super::Tags;
use super::accounts::{AccountRequest, NewMember};
use super::handshakes::{Handshake, State};
use super::tree::Node;

/// One change. Operations decide on a whole organization which changes are to be made, and touch nothing themselves.
#[derive(Debug)]
pub(super) enum Change {
    AddNode(Node),
    MoveNode {
        id: String,
        parent: String,
    },
    RenameNode {
        id: String,
        name: String,
    },
    RemoveNode {
        id: String,
    },
    CloseAccount {
        id: String,
        at: Timestamp,
    },
    /// An account that did not exist before.
    MakeAccount(Box<NewMember>),
    AddRequest(AccountRequest),
    AddPolicy(PolicyText),
    ReplacePolicy(PolicyText),
    RemovePolicy {
        id: String,
    },
    Attach {
        policy: String,
        target: String,
    },
    Detach {
        policy: String,
        target: String,
    },
    SetServiceControl {
        enabled: bool,
    },
    PutTags {
        resource: String,
        tags: Tags,
    },
    RemoveTags {
        resource: String,
        keys: Vec<String>,
    },
    AddHandshake(Handshake),
    EndHandshake {
        id: String,
        state: State,
    },
    RemoveOrganization,
}

/// A service control policy to be stored.
#[derive(Debug, Clone)]
pub(super) struct PolicyText {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) content: String,
    pub(super) now: Timestamp,
}
