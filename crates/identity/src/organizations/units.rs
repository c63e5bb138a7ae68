//! Organizational units, and what lies where in the tree.

use base::{Page, PageRequest, Timestamp};

use super::change::Change;
use super::refusal::{Refusal, Result};
use super::tree::{FULL_ACCESS, Member, Node, Organization, Place, PlaceKind, PlaceName};
use super::{Intent, Tags, by_age, page, tags};
use crate::credentials::formats::LOWER_ALPHANUMERIC;
use crate::ctx::Ctx;
use crate::open::Identity;

/// The most units of an organization, as in AWS.
const UNITS: usize = 2_000;
/// The most units on the way from the root to a unit, as in AWS.
const DEPTH: usize = 5;

impl Identity {
    /// Makes a unit under a root or unit.
    ///
    /// # Errors
    /// Denied. `ParentNotFoundException`, `DuplicateOrganizationalUnitException`; `ConstraintViolationException`, where
    /// there are 2,000 units or the parent lies five units deep.
    pub async fn create_unit(&self, ctx: &Ctx, parent: &str, name: &str, tags: Tags) -> Result<PlaceName> {
        let now = self.0.clock.now();
        let random = self.0.random.text(LOWER_ALPHANUMERIC, 8);
        let on = [parent];
        let intent = Intent::write("organizations:CreateOrganizationalUnit", &on).tagged(&tags);
        self.change(ctx, intent, |organization| {
            organization.parent(parent).ok_or_else(Refusal::no_parent)?;
            unused(organization, parent, name)?;
            let units = organization.nodes.values().filter(|node| node.kind() == PlaceKind::Unit);
            if units.count() >= UNITS {
                let message = "You have reached the maximum number of organizational units.";
                return Err(Refusal::constraint("OU_NUMBER_LIMIT_EXCEEDED", message));
            }
            if organization.depth(parent) >= DEPTH {
                let message = "You have exceeded the maximum depth of organizational units.";
                return Err(Refusal::constraint("OU_DEPTH_LIMIT_EXCEEDED", message));
            }
            tags::check(&[], &tags)?;
            let suffix = organization.root()?.id.trim_start_matches("r-");
            let node = Node {
                id: format!("ou-{suffix}-{random}"),
                parent: Some(parent.to_owned()),
                name: name.to_owned(),
                created: now,
                place: Place::Unit,
            };
            let made = organization.named(&node);
            Ok((appear(organization, node, tags.clone()), made))
        })
        .await
    }

    /// The unit `id`.
    ///
    /// # Errors
    /// Denied. `OrganizationalUnitNotFoundException`.
    pub async fn describe_unit(&self, ctx: &Ctx, id: &str) -> Result<PlaceName> {
        let organization = self.manage(ctx, Intent::read("organizations:DescribeOrganizationalUnit", &[id])).await?;
        Ok(organization.named(unit(&organization, id)?))
    }

    /// Gives the unit `id` another name, if one is given.
    ///
    /// # Errors
    /// Denied. `OrganizationalUnitNotFoundException`, `DuplicateOrganizationalUnitException`.
    pub async fn rename_unit(&self, ctx: &Ctx, id: &str, name: Option<&str>) -> Result<PlaceName> {
        let on = [id];
        self.change(ctx, Intent::write("organizations:UpdateOrganizationalUnit", &on), |organization| {
            let node = unit(organization, id)?;
            let name = name.unwrap_or(&node.name);
            if name != node.name {
                unused(organization, node.parent.as_deref().unwrap_or_default(), name)?;
            }
            let renamed = PlaceName { name: name.to_owned(), ..organization.named(node) };
            Ok((vec![Change::RenameNode { id: id.to_owned(), name: name.to_owned() }], renamed))
        })
        .await
    }

    /// Removes the unit `id`, which must be empty.
    ///
    /// # Errors
    /// Denied. `OrganizationalUnitNotFoundException`, `OrganizationalUnitNotEmptyException`.
    pub async fn delete_unit(&self, ctx: &Ctx, id: &str) -> Result<()> {
        let on = [id];
        self.change(ctx, Intent::write("organizations:DeleteOrganizationalUnit", &on), |organization| {
            unit(organization, id)?;
            if organization.nodes.values().any(|node| node.parent.as_deref() == Some(id)) {
                return Err(Refusal::unit_not_empty());
            }
            Ok((vec![Change::RemoveNode { id: id.to_owned() }], ()))
        })
        .await
    }

    /// The one root of the organization, and whether service control policies are enabled in it.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_roots(&self, ctx: &Ctx) -> Result<(PlaceName, bool)> {
        let organization = self.manage(ctx, Intent::read("organizations:ListRoots", &[])).await?;
        Ok((organization.named(organization.root()?), organization.service_control))
    }

    /// The root or unit that the unit or account `child` is in.
    ///
    /// # Errors
    /// Denied. `ChildNotFoundException`.
    pub async fn parent_of(&self, ctx: &Ctx, child: &str) -> Result<PlaceName> {
        let organization = self.manage(ctx, Intent::read("organizations:ListParents", &[child])).await?;
        let node = organization.node(child, &[PlaceKind::Unit, PlaceKind::Account]).ok_or_else(Refusal::no_child)?;
        let parent = node.parent.as_deref().and_then(|parent| organization.parent(parent));
        Ok(organization.named(parent.ok_or_else(Refusal::no_parent)?))
    }

    /// The units or the accounts right under `parent`, for `ListChildren`.
    ///
    /// # Errors
    /// Denied. `ParentNotFoundException`.
    pub async fn list_children(
        &self,
        ctx: &Ctx,
        parent: &str,
        kind: PlaceKind,
        request: &PageRequest,
    ) -> Result<Page<PlaceName>> {
        self.under(ctx, "organizations:ListChildren", parent, kind, request).await
    }

    /// The units right under `parent`.
    ///
    /// # Errors
    /// Denied. `ParentNotFoundException`.
    pub async fn list_units(&self, ctx: &Ctx, parent: &str, request: &PageRequest) -> Result<Page<PlaceName>> {
        let action = "organizations:ListOrganizationalUnitsForParent";
        self.under(ctx, action, parent, PlaceKind::Unit, request).await
    }

    /// The accounts right under `parent`.
    ///
    /// # Errors
    /// Denied. `ParentNotFoundException`.
    pub async fn list_accounts_under(&self, ctx: &Ctx, parent: &str, request: &PageRequest) -> Result<Page<Member>> {
        let intent_on = [parent];
        let organization = self.manage(ctx, Intent::read("organizations:ListAccountsForParent", &intent_on)).await?;
        organization.parent(parent).ok_or_else(Refusal::no_parent)?;
        let children = organization.children(parent, PlaceKind::Account);
        let members = children.filter_map(|node| organization.member(node));
        Ok(page(request, members, |member| by_age(member.joined, &member.id)))
    }

    async fn under(
        &self,
        ctx: &Ctx,
        action: &'static str,
        parent: &str,
        kind: PlaceKind,
        request: &PageRequest,
    ) -> Result<Page<PlaceName>> {
        let organization = self.manage(ctx, Intent::read(action, &[parent])).await?;
        organization.parent(parent).ok_or_else(Refusal::no_parent)?;
        let children = organization.children(parent, kind);
        let made = |id: &str| organization.nodes.get(id).map_or(Timestamp(0), |node| node.created);
        let places = children.map(|node| organization.named(node));
        Ok(page(request, places, |place| by_age(made(&place.id), &place.id)))
    }
}

/// The changes that put a new node into the tree.
pub(super) fn appear(organization: &Organization, node: Node, tags: Tags) -> Vec<Change> {
    let id = node.id.clone();
    let mut changes = vec![Change::AddNode(node)];
    if organization.service_control {
        changes.push(Change::Attach { policy: FULL_ACCESS.to_owned(), target: id.clone() });
    }
    if !tags.is_empty() {
        changes.push(Change::PutTags { resource: id, tags });
    }
    changes
}

fn unit<'a>(organization: &'a Organization, id: &str) -> Result<&'a Node> {
    organization.node(id, &[PlaceKind::Unit]).ok_or_else(Refusal::no_unit)
}

fn unused(organization: &Organization, parent: &str, name: &str) -> Result<()> {
    if organization.children(parent, PlaceKind::Unit).any(|unit| unit.name == name) {
        return Err(Refusal::duplicate_unit());
    }
    Ok(())
}
