//! Accounts of an organization: making, moving, closing and removing them.

use base::{AccountId, Page, PageRequest, Timestamp};

use super::change::Change;
use super::refusal::{Refusal, Result};
use super::tree::{Member, Node, Organization, Place, PlaceKind};
use super::units::appear;
use super::{Intent, Tags, by_age, page, store, tags};
use crate::accounts::Account;
use crate::credentials::formats::{self, LOWER_ALPHANUMERIC};
use crate::ctx::Ctx;
use crate::iam::check_name;
use crate::iam::roles::Role;
use crate::open::Identity;
use crate::removals::Removal;

/// The most accounts of an organization, closed ones included. AWS starts at 10 and raises it on demand.
const ACCOUNTS: usize = 5_000;
/// The role that the management account may assume in accounts that it makes, as in AWS.
const ACCESS_ROLE: &str = "OrganizationAccountAccessRole";

/// The account that is to be made.
#[derive(Debug, Clone, Default)]
pub struct NewAccount {
    /// The address of its owner, which no other account of the organization has.
    pub email: String,
    /// Its name.
    pub name: String,
    /// The role that principals of the management account may assume; `OrganizationAccountAccessRole` where `None`.
    pub role: Option<String>,
    /// Its tags.
    pub tags: Tags,
}

/// What became of the wish for an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRequest {
    /// `car-…`
    pub id: String,
    /// The wished name.
    pub name: String,
    /// The account, or why there is none: `EMAIL_ALREADY_EXISTS`, `ACCOUNT_LIMIT_EXCEEDED`.
    pub outcome: std::result::Result<AccountId, String>,
    /// When it was asked for and done.
    pub requested: Timestamp,
}

/// A new account with its role, to be stored.
#[derive(Debug)]
pub(super) struct NewMember {
    pub(super) account: Account,
    /// The role, which trusts the management account and may do everything.
    pub(super) role: Role,
}

impl Identity {
    /// Makes an account of the deployment that is in the caller's organization, right under the root, with a role that
    /// principals of the management account may assume. Like AWS, a wish that cannot be fulfilled has an outcome too.
    ///
    /// # Errors
    /// Denied, also where the organization is not that of the deployment's management account, which alone makes
    /// accounts; Invalid, where the role's name is none. `AWSOrganizationsNotInUseException`.
    pub async fn create_member_account(&self, ctx: &Ctx, new: NewAccount) -> Result<AccountRequest> {
        self.require_management(ctx).await?;
        let now = self.0.clock.now();
        let random = self.0.random.as_ref();
        let request_id = format!("car-{}", random.text(LOWER_ALPHANUMERIC, 32));
        let account = Account { id: AccountId::random(random), management: false, created: now };
        let role_name = new.role.as_deref().unwrap_or(ACCESS_ROLE);
        check_name("roleName", role_name, 64)?;
        let role = access_role(&account, formats::role_id(random), role_name, ctx.account());
        let intent = Intent::write("organizations:CreateAccount", &[]).tagged(&new.tags);
        self.change(ctx, intent, |organization| {
            tags::check(&[], &new.tags)?;
            let fulfilled = fulfillable(organization, &new.email).map(|()| account.id.clone());
            let request = AccountRequest {
                id: request_id.clone(),
                name: new.name.clone(),
                outcome: fulfilled.map_err(str::to_owned),
                requested: now,
            };
            let mut changes = vec![Change::AddRequest(request.clone())];
            if request.outcome.is_ok() {
                let root = &organization.root()?.id;
                let node = node(&account.id, root, Some((&new.email, &new.name)), Some(false), now);
                changes.push(Change::MakeAccount(Box::new(NewMember { account: account.clone(), role: role.clone() })));
                changes.extend(appear(organization, node, new.tags.clone()));
            }
            Ok((changes, request))
        })
        .await
    }

    /// The wish for an account `id`.
    ///
    /// # Errors
    /// Denied. `CreateAccountStatusNotFoundException`.
    pub async fn describe_account_request(&self, ctx: &Ctx, id: &str) -> Result<AccountRequest> {
        let intent = Intent::read("organizations:DescribeCreateAccountStatus", &[]);
        let organization = self.manage(ctx, intent).await?;
        let mut requests = store::requests(&self.0.store, &organization.id).await?.into_iter();
        requests.find(|request| request.id == id).ok_or_else(Refusal::no_request)
    }

    /// The wishes for accounts, those that failed or those that were fulfilled, or all where neither is asked for.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_account_requests(
        &self,
        ctx: &Ctx,
        fulfilled: Option<bool>,
        request: &PageRequest,
    ) -> Result<Page<AccountRequest>> {
        let intent = Intent::read("organizations:ListCreateAccountStatus", &[]);
        let organization = self.manage(ctx, intent).await?;
        let requests = store::requests(&self.0.store, &organization.id).await?.into_iter();
        let wanted = requests.filter(|item| fulfilled.is_none_or(|fulfilled| item.outcome.is_ok() == fulfilled));
        Ok(page(request, wanted, |item| by_age(item.requested, &item.id)))
    }

    /// The accounts of the organization.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_member_accounts(&self, ctx: &Ctx, request: &PageRequest) -> Result<Page<Member>> {
        let organization = self.manage(ctx, Intent::read("organizations:ListAccounts", &[])).await?;
        Ok(page(request, organization.accounts(), |member| by_age(member.joined, &member.id)))
    }

    /// The account `id` of the organization.
    ///
    /// # Errors
    /// Denied. `AccountNotFoundException`.
    pub async fn describe_member_account(&self, ctx: &Ctx, id: &str) -> Result<Member> {
        let organization = self.manage(ctx, Intent::read("organizations:DescribeAccount", &[id])).await?;
        organization.nodes.get(id).and_then(|node| organization.member(node)).ok_or_else(Refusal::no_account)
    }

    /// Moves an account from the root or unit that it is in to another.
    ///
    /// # Errors
    /// Denied. `AccountNotFoundException`, `SourceParentNotFoundException`, `DestinationParentNotFoundException`,
    /// `DuplicateAccountException`.
    pub async fn move_account(&self, ctx: &Ctx, id: &str, from: &str, to: &str) -> Result<()> {
        let on = [id, from, to];
        self.change(ctx, Intent::write("organizations:MoveAccount", &on), |organization| {
            let node = organization.node(id, &[PlaceKind::Account]).ok_or_else(Refusal::no_account)?;
            organization.parent(from).ok_or_else(Refusal::no_source_parent)?;
            organization.parent(to).ok_or_else(Refusal::no_destination_parent)?;
            if node.parent.as_deref() == Some(to) {
                return Err(Refusal::duplicate_account());
            }
            if node.parent.as_deref() != Some(from) {
                return Err(Refusal::no_source_parent());
            }
            Ok((vec![Change::MoveNode { id: id.to_owned(), parent: to.to_owned() }], ()))
        })
        .await
    }

    /// Takes an account out of the organization. It goes on to exist.
    ///
    /// # Errors
    /// Denied. `AccountNotFoundException`, `MasterCannotLeaveOrganizationException`.
    pub async fn remove_account(&self, ctx: &Ctx, id: &str) -> Result<()> {
        let on = [id];
        let intent = Intent::write("organizations:RemoveAccountFromOrganization", &on);
        self.change(ctx, intent, |organization| depart(organization, id)).await
    }

    /// Takes the caller's account out of its organization.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`, `MasterCannotLeaveOrganizationException`.
    pub async fn leave_organization(&self, ctx: &Ctx) -> Result<()> {
        let organization = self.enter(ctx, Intent::write("organizations:LeaveOrganization", &[])).await?;
        self.apply(&organization.id, |organization| depart(organization, ctx.account().as_str())).await
    }

    /// Closes an account: its credentials prove nothing any more. It stays in the organization.
    ///
    /// # Errors
    /// Denied. `AccountNotFoundException`, `AccountAlreadyClosedException`; `ConstraintViolationException` for the
    /// management account.
    pub async fn close_account(&self, ctx: &Ctx, id: &str) -> Result<()> {
        let now = self.0.clock.now();
        let on = [id];
        self.change(ctx, Intent::write("organizations:CloseAccount", &on), |organization| {
            let node = organization.nodes.get(id).and_then(|node| organization.member(node));
            let member = node.ok_or_else(Refusal::no_account)?;
            if id == organization.management.as_str() {
                let message = "You attempted to close the management account.";
                return Err(Refusal::constraint("CANNOT_CLOSE_MANAGEMENT_ACCOUNT", message));
            }
            if member.closed.is_some() {
                return Err(Refusal::already_closed());
            }
            Ok((vec![Change::CloseAccount { id: id.to_owned(), at: now }], ()))
        })
        .await?;
        self.removed(Removal::Account(id.parse()?)).await;
        Ok(())
    }
}

/// The node of an account under `parent`. An account that nobody named has a name and an address made from its id.
pub(super) fn node(
    account: &AccountId,
    parent: &str,
    named: Option<(&str, &str)>,
    invited: Option<bool>,
    now: Timestamp,
) -> Node {
    let made_up = (format!("root@{account}.craton.internal"), format!("account {account}"));
    let (email, name) = named.map_or(made_up, |(email, name)| (email.to_owned(), name.to_owned()));
    Node {
        id: account.to_string(),
        parent: Some(parent.to_owned()),
        name,
        created: now,
        place: Place::Account { email, invited: invited.unwrap_or(true), closed: None },
    }
}

fn access_role(account: &Account, id: String, name: &str, management: &AccountId) -> Role {
    Role {
        id,
        account: account.id.clone(),
        name: name.to_owned(),
        path: "/".to_owned(),
        arn: format!("arn:aws:iam::{}:role/{name}", account.id),
        description: None,
        trust: format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\":\
             \"arn:aws:iam::{management}:root\"}},\"Action\":\"sts:AssumeRole\"}}]}}"
        ),
        max_session: 3_600,
        boundary: None,
        service: None,
        tags: Vec::new(),
        created: account.created,
        last_used: None,
    }
}

/// Whether there is room for one more account.
pub(super) fn has_room(organization: &Organization) -> bool {
    organization.accounts().count() < ACCOUNTS
}

fn fulfillable(organization: &Organization, email: &str) -> std::result::Result<(), &'static str> {
    if !has_room(organization) {
        return Err("ACCOUNT_LIMIT_EXCEEDED");
    }
    if organization.accounts().any(|member| member.email.eq_ignore_ascii_case(email)) {
        return Err("EMAIL_ALREADY_EXISTS");
    }
    Ok(())
}

fn depart(organization: &Organization, id: &str) -> Result<(Vec<Change>, ())> {
    let node = organization.node(id, &[PlaceKind::Account]).ok_or_else(Refusal::no_account)?;
    if id == organization.management.as_str() {
        return Err(Refusal::management_stays());
    }
    // That it is closed stands with its place in the organization: without the place its keys would open it again.
    if organization.member(node).is_some_and(|member| member.closed.is_some()) {
        return Err(Refusal::already_closed());
    }
    Ok((vec![Change::RemoveNode { id: id.to_owned() }], ()))
}
