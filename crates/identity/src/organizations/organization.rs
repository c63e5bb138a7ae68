//! Making and ending an organization.

use std::collections::{BTreeMap, BTreeSet};

use super::change::Change;
use super::refusal::{Refusal, Result};
use super::tree::{FULL_ACCESS, Node, Organization, Place, PlaceKind};
use super::{Intent, accounts, store};
use crate::credentials::formats::LOWER_ALPHANUMERIC;
use crate::ctx::Ctx;
use crate::open::Identity;

impl Identity {
    /// Makes an organization whose management account is the caller's: with all features and service control policies,
    /// or with consolidated billing alone.
    ///
    /// # Errors
    /// Denied. `AlreadyInOrganizationException`.
    pub async fn create_organization(&self, ctx: &Ctx, all_features: bool) -> Result<Organization> {
        self.permit_intent(ctx, &Intent::write("organizations:CreateOrganization", &[]), None).await?;
        let text = |n| self.0.random.text(LOWER_ALPHANUMERIC, n);
        let now = self.0.clock.now();
        let root = Node {
            id: format!("r-{}", text(4)),
            parent: None,
            name: "Root".to_owned(),
            created: now,
            place: Place::Root,
        };
        let account = accounts::node(ctx.account(), &root.id, None, None, now);
        let attachments = if all_features {
            let everywhere = [&root, &account].map(|node| (node.id.clone(), BTreeSet::from([FULL_ACCESS.to_owned()])));
            BTreeMap::from(everywhere)
        } else {
            BTreeMap::new()
        };
        let organization = Organization {
            id: format!("o-{}", text(10)),
            management: ctx.account().clone(),
            all_features,
            service_control: all_features,
            nodes: [root, account].into_iter().map(|node| (node.id.clone(), node)).collect(),
            policies: BTreeMap::new(),
            attachments,
            tags: BTreeMap::new(),
        };
        if !store::insert_organization(&self.0.store, &organization, now).await? {
            return Err(Refusal::already_in_organization());
        }
        self.forget_rights();
        Ok(organization)
    }

    /// The organization of the caller's account.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn describe_organization(&self, ctx: &Ctx) -> Result<Organization> {
        self.enter(ctx, Intent::read("organizations:DescribeOrganization", &[])).await
    }

    /// Ends the organization of the caller's account, which must have no other account any more.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`, `OrganizationNotEmptyException`.
    pub async fn delete_organization(&self, ctx: &Ctx) -> Result<()> {
        let intent = Intent::write("organizations:DeleteOrganization", &[]);
        self.change(ctx, intent, |organization| {
            let accounts = organization.nodes.values().filter(|node| node.kind() == PlaceKind::Account);
            if accounts.count() > 1 {
                return Err(Refusal::organization_not_empty());
            }
            Ok((vec![Change::RemoveOrganization], ()))
        })
        .await
    }
}
