//! Invitations of accounts into an organization.

use base::{AccountId, Error, Page, PageRequest, Timestamp};

use super::change::Change;
use super::refusal::{Refusal, Result};
use super::tree::Organization;
use super::units::appear;
use super::{Intent, Tags, accounts, page, store, tags};
use crate::credentials::formats::LOWER_ALPHANUMERIC;
use crate::ctx::Ctx;
use crate::open::Identity;

/// How long an invitation is open, in seconds: 15 days, as in AWS.
const OPEN: i64 = 15 * 24 * 3600;

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handshake {
    /// `h-…`
    pub id: String,
    /// Its ARN.
    pub arn: String,
    /// The organization: `o-…`.
    pub organization: String,
    /// The organization's management account.
    pub management: AccountId,
    /// The address of the management account.
    pub management_email: String,
    /// Whether the organization has all features.
    pub all_features: bool,
    /// Who is invited.
    pub account: AccountId,
    /// What became of it.
    pub state: State,
    /// What the inviting wrote.
    pub notes: String,
    /// The tags that the account gets when it joins.
    pub tags: Tags,
    /// When the account was invited.
    pub requested: Timestamp,
    /// When the invitation ends.
    pub expires: Timestamp,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It was sent.
    Open,
    /// The invited account joined.
    Accepted,
    /// The invited account did not want to.
    Declined,
    /// It was withdrawn.
    Canceled,
    /// Nobody answered in time.
    Expired,
}

impl State {
    /// AWS's name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Canceled => "CANCELED",
            Self::Expired => "EXPIRED",
        }
    }

    pub(super) fn parse(text: &str) -> base::Result<Self> {
        let all = [Self::Open, Self::Accepted, Self::Declined, Self::Canceled, Self::Expired];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| Error::internal(format!("`{text}` is no state of a handshake")))
    }
}

impl Handshake {
    /// As it is at `now`.
    fn at(mut self, now: Timestamp) -> Self {
        if self.state == State::Open && self.expires <= now {
            self.state = State::Expired;
        }
        self
    }

    /// Refuses to turn into `state` what is over.
    fn may_become(&self, state: State) -> Result<()> {
        match self.state {
            State::Open => Ok(()),
            present if present == state => Err(Refusal::handshake_in_state()),
            _ => Err(Refusal::handshake_over()),
        }
    }
}

impl Identity {
    /// Invites an account of the deployment into the organization.
    ///
    /// # Errors
    /// Denied. `InvalidInputException`, where there is no such account; `DuplicateHandshakeException`;
    /// `HandshakeConstraintViolationException`, where the account is in an organization or this one is full.
    pub async fn invite_account(&self, ctx: &Ctx, account: &str, notes: &str, tags: Tags) -> Result<Handshake> {
        let intent_on = [account];
        let intent = Intent::write("organizations:InviteAccountToOrganization", &intent_on).tagged(&tags);
        let organization = self.manage(ctx, intent).await?;
        let invited = account.parse::<AccountId>().ok();
        let (present, elsewhere) = match &invited {
            Some(id) => {
                let store = &self.0.store;
                (crate::store::account_exists(store, id).await?, store::organization_of(store, id).await?)
            }
            None => (false, None),
        };
        let Some(account) = invited.filter(|_| present) else {
            return Err(Refusal::input("INVALID_PARTY_TYPE_TARGET", "You specified an account that doesn't exist."));
        };
        if elsewhere.is_some() {
            return Err(already_in_an_organization());
        }
        tags::check(&[], &tags)?;
        let now = self.0.clock.now();
        let open = store::handshakes(&self.0.store, &organization.id).await?.into_iter().map(|item| item.at(now));
        if open.filter(|item| item.state == State::Open).any(|item| item.account == account) {
            return Err(Refusal::duplicate_handshake());
        }
        let id = format!("h-{}", self.0.random.text(LOWER_ALPHANUMERIC, 32));
        let handshake = Handshake {
            arn: organization.arn_of(&id),
            id,
            organization: organization.id.clone(),
            management: organization.management.clone(),
            management_email: organization.management_email().to_owned(),
            all_features: organization.all_features,
            account,
            state: State::Open,
            notes: notes.to_owned(),
            tags,
            requested: now,
            expires: now.plus_seconds(OPEN),
        };
        self.apply(&organization.id, |organization| {
            if !accounts::has_room(organization) {
                return Err(full());
            }
            Ok((vec![Change::AddHandshake(handshake.clone())], handshake.clone()))
        })
        .await
    }

    /// Joins the organization that invited the caller's account.
    ///
    /// # Errors
    /// Denied. `HandshakeNotFoundException`, `HandshakeAlreadyInStateException`, `InvalidHandshakeTransitionException`;
    /// `HandshakeConstraintViolationException`, where the account is in an organization or that one is full.
    pub async fn accept_handshake(&self, ctx: &Ctx, id: &str) -> Result<Handshake> {
        let handshake = self.invitation(ctx, "organizations:AcceptHandshake", id).await?;
        handshake.may_become(State::Accepted)?;
        if store::organization_of(&self.0.store, ctx.account()).await?.is_some() {
            return Err(already_in_an_organization());
        }
        let now = self.0.clock.now();
        self.apply(&handshake.organization, |organization| {
            if !accounts::has_room(organization) {
                return Err(full());
            }
            let node = accounts::node(ctx.account(), &organization.root()?.id, None, Some(true), now);
            let mut changes = appear(organization, node, handshake.tags.clone());
            changes.push(Change::EndHandshake { id: id.to_owned(), state: State::Accepted });
            Ok((changes, ()))
        })
        .await?;
        Ok(Handshake { state: State::Accepted, ..handshake })
    }

    /// Refuses an invitation of the caller's account.
    ///
    /// # Errors
    /// As [`Identity::accept_handshake`].
    pub async fn decline_handshake(&self, ctx: &Ctx, id: &str) -> Result<Handshake> {
        let handshake = self.invitation(ctx, "organizations:DeclineHandshake", id).await?;
        self.end(handshake, State::Declined).await
    }

    /// Withdraws an invitation that the caller's organization sent.
    ///
    /// # Errors
    /// As [`Identity::accept_handshake`].
    pub async fn cancel_handshake(&self, ctx: &Ctx, id: &str) -> Result<Handshake> {
        let organization = self.manage(ctx, Intent::write("organizations:CancelHandshake", &[id])).await?;
        let handshake = self.handshake(id).await?.filter(|item| item.organization == organization.id);
        self.end(handshake.ok_or_else(Refusal::no_handshake)?, State::Canceled).await
    }

    /// An invitation that the caller's account sent or got.
    ///
    /// # Errors
    /// Denied. `HandshakeNotFoundException`.
    pub async fn describe_handshake(&self, ctx: &Ctx, id: &str) -> Result<Handshake> {
        self.permit_intent(ctx, &Intent::read("organizations:DescribeHandshake", &[id]), None).await?;
        let concerns = |item: &Handshake| [&item.account, &item.management].contains(&ctx.account());
        self.handshake(id).await?.filter(concerns).ok_or_else(Refusal::no_handshake)
    }

    /// The invitations of the caller's account.
    ///
    /// # Errors
    /// Denied.
    pub async fn list_handshakes_for_account(&self, ctx: &Ctx, request: &PageRequest) -> Result<Page<Handshake>> {
        let intent = Intent::read("organizations:ListHandshakesForAccount", &[]);
        self.permit_intent(ctx, &intent, None).await?;
        let now = self.0.clock.now();
        let items =
            store::handshakes(&self.0.store, ctx.account().as_str()).await?.into_iter().map(|item| item.at(now));
        Ok(page(request, items, |item| item.id.clone()))
    }

    /// The invitations that the organization sent.
    ///
    /// # Errors
    /// Denied. `AWSOrganizationsNotInUseException`.
    pub async fn list_handshakes_for_organization(&self, ctx: &Ctx, request: &PageRequest) -> Result<Page<Handshake>> {
        let intent = Intent::read("organizations:ListHandshakesForOrganization", &[]);
        let organization = self.manage(ctx, intent).await?;
        let now = self.0.clock.now();
        let items = store::handshakes(&self.0.store, &organization.id).await?.into_iter().map(|item| item.at(now));
        Ok(page(request, items, |item| item.id.clone()))
    }

    /// The invitation `id` of the caller's account, for a caller who may do `action`.
    async fn invitation(&self, ctx: &Ctx, action: &'static str, id: &str) -> Result<Handshake> {
        self.permit_intent(ctx, &Intent::write(action, &[id]), None).await?;
        let handshake = self.handshake(id).await?.filter(|item| item.account == *ctx.account());
        handshake.ok_or_else(Refusal::no_handshake)
    }

    async fn handshake(&self, id: &str) -> Result<Option<Handshake>> {
        let now = self.0.clock.now();
        Ok(store::handshakes(&self.0.store, id).await?.pop().filter(|item| item.id == id).map(|item| item.at(now)))
    }

    async fn end(&self, handshake: Handshake, state: State) -> Result<Handshake> {
        handshake.may_become(state)?;
        let id = &handshake.id;
        self.apply(&handshake.organization, |_: &Organization| {
            Ok((vec![Change::EndHandshake { id: id.clone(), state }], ()))
        })
        .await?;
        Ok(Handshake { state, ..handshake })
    }
}

fn already_in_an_organization() -> Refusal {
    let message = "The AWS account is already a member of an organization.";
    Refusal::handshake_constraint("ALREADY_IN_AN_ORGANIZATION", message)
}

fn full() -> Refusal {
    let message = "You have exceeded the allowed number of AWS accounts in the organization.";
    Refusal::handshake_constraint("ACCOUNT_NUMBER_LIMIT_EXCEEDED", message)
}
