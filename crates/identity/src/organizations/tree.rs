//! An organization as a whole: its root, units and accounts, its policies and where they are attached.

use std::collections::{BTreeMap, BTreeSet};

use base::{AccountId, Timestamp};

use super::Tags;
use super::refusal::{Refusal, Result};

/// The policy of AWS that allows everything, and which is attached everywhere at first.
pub(crate) const FULL_ACCESS: &str = "p-FullAWSAccess";

/// An organization: accounts in a tree of units, under policies that the management account sets.
#[derive(Debug, Clone)]
pub struct Organization {
    /// `o-…`
    pub id: String,
    /// The account that made it and alone may change it.
    pub management: AccountId,
    /// Whether it has all features or consolidated billing alone.
    pub all_features: bool,
    /// Whether service control policies are enabled in its root.
    pub service_control: bool,
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) policies: BTreeMap<String, Policy>,
    /// The policies of each node.
    pub(super) attachments: BTreeMap<String, BTreeSet<String>>,
    /// The tags of each node and policy.
    pub(super) tags: BTreeMap<String, BTreeMap<String, String>>,
}

/// The root, a unit, or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) id: String,
    /// `None` for the root.
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) created: Timestamp,
    pub(super) place: Place,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    Unit,
    Account { email: String, invited: bool, closed: Option<Timestamp> },
}

/// A service control policy without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: String,
    pub(super) created: Timestamp,
}

/// The kinds of places in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceKind {
    /// The root.
    Root,
    /// An organizational unit.
    Unit,
    /// An account.
    Account,
}

/// An account of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Twelve digits.
    pub id: String,
    /// `arn:aws:organizations::…:account/o-…/…`
    pub arn: String,
    /// The address that it was made with.
    pub email: String,
    /// The name that it was made with.
    pub name: String,
    /// Its place: `o-…/r-…/ou-…/ACCOUNT/`.
    pub path: String,
    /// Whether it was invited, or else made in the organization.
    pub invited: bool,
    /// When it joined.
    pub joined: Timestamp,
    /// When it was closed.
    pub closed: Option<Timestamp>,
}

/// A root, a unit, or an account, as lists name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceName {
    /// `r-…`, `ou-…` or an account's id.
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// Its place: `o-…/r-…/ou-…/`.
    pub path: String,
    /// What it is.
    pub kind: PlaceKind,
}

/// A service control policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySummary {
    /// `p-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// Its name, unique in the organization.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is AWS's own.
    pub aws_managed: bool,
}

impl Node {
    pub(super) fn kind(&self) -> PlaceKind {
        match self.place {
            Place::Root => PlaceKind::Root,
            Place::Unit => PlaceKind::Unit,
            Place::Account { .. } => PlaceKind::Account,
        }
    }
}

impl Organization {
    /// The organization's ARN.
    #[must_use]
    pub fn arn(&self) -> String {
        format!("arn:aws:organizations::{}:organization/{}", self.management, self.id)
    }

    /// The ARN of the management account in the organization.
    #[must_use]
    pub fn management_arn(&self) -> String {
        self.arn_of(self.management.as_str())
    }

    /// The address of the management account.
    #[must_use]
    pub fn management_email(&self) -> &str {
        match self.nodes.get(self.management.as_str()).map(|node| &node.place) {
            Some(Place::Account { email, .. }) => email,
            _ => "",
        }
    }

    /// The ARN of a root, unit, account, policy or handshake of the organization, whether or not there is one.
    pub(super) fn arn_of(&self, id: &str) -> String {
        let (management, organization) = (&self.management, &self.id);
        if id == FULL_ACCESS {
            return format!("arn:aws:organizations::aws:policy/service_control_policy/{id}");
        }
        let (path, end) = match id.split_once('-') {
            Some(("r", _)) => ("root", id),
            Some(("ou", _)) => ("ou", id),
            Some(("p", _)) => {
                return format!(
                    "arn:aws:organizations::{management}:policy/{organization}/service_control_policy/{id}"
                );
            }
            Some(("h", _)) => {
                return format!("arn:aws:organizations::{management}:handshake/{organization}/invite/{id}");
            }
            _ => ("account", id),
        };
        format!("arn:aws:organizations::{management}:{path}/{organization}/{end}")
    }

    pub(super) fn root(&self) -> Result<&Node> {
        self.nodes.values().find(|node| node.parent.is_none()).ok_or_else(Refusal::no_root)
    }

    /// The node `id` that is one of `kinds`.
    pub(super) fn node(&self, id: &str, kinds: &[PlaceKind]) -> Option<&Node> {
        self.nodes.get(id).filter(|node| kinds.contains(&node.kind()))
    }

    /// The root or the unit `id`.
    pub(super) fn parent(&self, id: &str) -> Option<&Node> {
        self.node(id, &[PlaceKind::Root, PlaceKind::Unit])
    }

    pub(super) fn children(&self, parent: &str, kind: PlaceKind) -> impl Iterator<Item = &Node> {
        self.nodes.values().filter(move |node| node.parent.as_deref() == Some(parent) && node.kind() == kind)
    }

    pub(super) fn accounts(&self) -> impl Iterator<Item = Member> {
        self.nodes.values().filter_map(|node| self.member(node))
    }

    pub(super) fn member(&self, node: &Node) -> Option<Member> {
        let Place::Account { email, invited, closed } = &node.place else { return None };
        Some(Member {
            id: node.id.clone(),
            arn: self.arn_of(&node.id),
            email: email.clone(),
            name: node.name.clone(),
            path: self.path_of(node),
            invited: *invited,
            joined: node.created,
            closed: *closed,
        })
    }

    pub(super) fn named(&self, node: &Node) -> PlaceName {
        PlaceName {
            id: node.id.clone(),
            arn: self.arn_of(&node.id),
            name: node.name.clone(),
            path: self.path_of(node),
            kind: node.kind(),
        }
    }

    fn path_of(&self, node: &Node) -> String {
        let parent = node.parent.as_deref().and_then(|parent| self.nodes.get(parent));
        let above = parent.map_or_else(|| format!("{}/", self.id), |parent| self.path_of(parent));
        format!("{above}{}/", node.id)
    }

    /// How many units lie on the way from the root to `id`, itself included.
    pub(super) fn depth(&self, id: &str) -> usize {
        let mut depth = 0;
        let mut at = self.nodes.get(id);
        while let Some(node) = at.filter(|node| node.kind() == PlaceKind::Unit) {
            depth += 1;
            at = node.parent.as_ref().and_then(|parent| self.nodes.get(parent));
        }
        depth
    }

    pub(super) fn attached_to(&self, target: &str) -> impl Iterator<Item = &str> {
        self.attachments.get(target).into_iter().flatten().map(String::as_str)
    }

    pub(super) fn targets_of<'a>(&'a self, policy: &'a str) -> impl Iterator<Item = &'a Node> {
        self.nodes.values().filter(move |node| self.attached_to(&node.id).any(|attached| attached == policy))
    }

    /// What is known of the policy `id`, AWS's own included.
    pub(super) fn policy(&self, id: &str) -> Result<PolicySummary> {
        if id == FULL_ACCESS {
            return Ok(PolicySummary {
                id: id.to_owned(),
                arn: self.arn_of(id),
                name: "FullAWSAccess".to_owned(),
                description: "Allows access to every operation".to_owned(),
                aws_managed: true,
            });
        }
        let policy = self.policies.get(id).ok_or_else(Refusal::no_policy)?;
        Ok(PolicySummary {
            id: policy.id.clone(),
            arn: self.arn_of(id),
            name: policy.name.clone(),
            description: policy.description.clone(),
            aws_managed: false,
        })
    }

    /// The tags of a node or a policy.
    pub(super) fn tags_of(&self, resource: &str) -> Tags {
        let tags = self.tags.get(resource).into_iter().flatten();
        tags.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Whether there is such a root, unit, account or policy of the organization.
    pub(super) fn has(&self, resource: &str) -> bool {
        self.nodes.contains_key(resource) || self.policies.contains_key(resource)
    }
}
