//! Pools: several servers that speak OpenAI's dialect as one model.
//!
//! A request goes to the least loaded member, and to another one where that fails before its first token. An alias's one
//! upstream is a pool of one.
//!
//! Pools are the deployment's: its first account sets them, and the aliases and inference profiles of all accounts name them in
//! the region in which they were set. Who waits for a member waits in one queue, in which accounts take turns. What a pool is
//! doing for all accounts together is told to the first one alone.

mod breaker;
pub(crate) mod dispatch;
pub(crate) mod live;
mod state;
pub(crate) mod store;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{Error, Result, Secret, Timestamp};
use identity::Ctx;

pub use breaker::Circuit;

use self::live::{Key, Live, Spec, Which};
use self::store::{MemberRow, Named, Owner, PoolRow};
use crate::Models;
use crate::aliases::{POOL_PREFIX, check_key, check_upstream_model};
use crate::remote::{self, Upstream};
use crate::snapshots::tenant;

/// What the sealing of members' keys is bound to.
pub(crate) const KEY_PURPOSE: &str = "models/pool/api-key";
/// The most members of a pool.
const MOST_MEMBERS: usize = 64;
/// The most requests that wait where nothing is said.
const DEFAULT_QUEUE: u32 = 64;
/// The most requests that a member has at once where nothing is said.
const DEFAULT_IN_FLIGHT: u32 = 64;
/// The most of either.
const MOST: u32 = 10_000;
/// The heaviest weight.
const MOST_WEIGHT: u32 = 1_000;

/// A pool, and what it is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// Whether the caller's account set it. Another one is told of its members whether they are well, and none of the counts and
    /// errors, which are of the requests of all accounts.
    pub managed: bool,
    /// The most requests of an account that wait while every member has as many as it takes.
    pub max_queue: u32,
    /// Requests that wait now.
    pub queued: usize,
    /// Its members, in the order in which they were given.
    pub members: Vec<PoolMember>,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// A member of a pool.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolMember {
    /// What `/chat/completions` is appended to.
    pub base_url: String,
    /// The server's own name of the model.
    pub model: String,
    /// Whether the server is sent a key. The key is never given back.
    pub has_api_key: bool,
    /// Its share of the requests, beside the other members' weights.
    pub weight: u32,
    /// The most requests that it has at once.
    pub max_in_flight: u32,
    /// Where it is, in its owner's words.
    pub region: Option<String>,
    /// What it is doing, since the server started or the pool was set.
    pub status: MemberStatus,
}

/// What a member is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberStatus {
    /// What the last check of its health, or the last answer, said; none before the first.
    pub healthy: Option<bool>,
    /// Whether it is sent requests.
    pub circuit: Circuit,
    /// Requests that it is answering.
    pub in_flight: u32,
    /// Requests that were sent to it.
    pub requests: u64,
    /// Those of them that it failed.
    pub failures: u64,
    /// The running mean of its times to the first token, in milliseconds.
    pub first_token_millis: Option<f64>,
    /// The last error.
    pub last_error: Option<String>,
}

impl Default for MemberStatus {
    fn default() -> Self {
        Self {
            healthy: None,
            circuit: Circuit::Closed,
            in_flight: 0,
            requests: 0,
            failures: 0,
            first_token_millis: None,
            last_error: None,
        }
    }
}

/// A pool to be set.
#[derive(Debug, Clone, Default)]
pub struct NewPool {
    /// Its members.
    pub members: Vec<NewMember>,
    /// As [`Pool::max_queue`]; none: 64.
    pub max_queue: Option<u32>,
}

/// A member to be set.
#[derive(Debug, Clone, Default)]
pub struct NewMember {
    /// As [`PoolMember::base_url`].
    pub base_url: String,
    /// As [`PoolMember::model`].
    pub model: String,
    /// Its bearer key.
    pub api_key: MemberKey,
    /// As [`PoolMember::weight`]; none: 1.
    pub weight: Option<u32>,
    /// As [`PoolMember::max_in_flight`]; none: 64.
    pub max_in_flight: Option<u32>,
    /// As [`PoolMember::region`].
    pub region: Option<String>,
}

/// The bearer key of a member.
#[derive(Debug, Clone, Default)]
pub enum MemberKey {
    /// What the member of the same URL and model has; none, where there is no such member.
    #[default]
    Kept,
    /// None.
    Absent,
    /// This.
    Given(Secret<String>),
}

/// A member as requests are sent to it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) upstream: Upstream,
    pub(crate) weight: u32,
    pub(crate) max_in_flight: u32,
    pub(crate) region: Option<String>,
}

impl Models {
    /// The pools of the caller's region, by name.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn pools(&self, ctx: &Ctx) -> Result<Vec<Pool>> {
        let Some(owner) = self.pools_owner(ctx).await? else { return Ok(Vec::new()) };
        let rows = store::list(&self.inner.store, &owner).await?;
        Ok(rows.into_iter().map(|row| self.pool_at_work(ctx, &owner, row)).collect())
    }

    /// One pool.
    ///
    /// # Errors
    /// NotFound.
    pub async fn pool(&self, ctx: &Ctx, name: &str) -> Result<Pool> {
        let (owner, row) = self.pool_row(ctx, name).await?;
        Ok(self.pool_at_work(ctx, &owner, row))
    }

    /// Sets a pool, in place of the one of its name. Its members' health is looked at at once.
    ///
    /// # Errors
    /// Denied, where the caller is not of the deployment's first account; Invalid, where a name, a URL, a key or a number is
    /// wrong.
    pub async fn put_pool(&self, ctx: &Ctx, name: &str, new: NewPool) -> Result<Pool> {
        self.inner.identity.require_management(ctx).await?;
        check_name(name)?;
        if new.members.is_empty() || new.members.len() > MOST_MEMBERS {
            return Err(Error::invalid(format!("A pool has 1 to {MOST_MEMBERS} members.")));
        }
        let members = new.members.iter().map(|member| self.checked(member)).collect::<Result<Vec<_>>>()?;
        for (at, (member, _)) in members.iter().enumerate() {
            let same =
                |(other, _): &(MemberRow, bool)| (&other.base_url, &other.model) == (&member.base_url, &member.model);
            if members[..at].iter().any(same) {
                return Err(Error::invalid(format!(
                    "The member `{}` with the model `{}` is given twice.",
                    member.base_url, member.model
                ))
                .with_hint("Give it a greater weight instead."));
            }
        }
        let max_queue = number("queue", new.max_queue, DEFAULT_QUEUE, 0, MOST)?;
        let updated = self.inner.clock.now();
        let pool = PoolRow { name: name.to_owned(), max_queue, members: Vec::new(), updated };
        let merged = |there: Vec<MemberRow>| Ok(members.iter().map(|member| with_key(member, &there)).collect());
        let owner = Owner::of(ctx);
        store::put(&self.inner.store, &owner, &pool, merged).await?;
        self.live_pool(ctx, name).await?;
        self.pool(ctx, name).await
    }

    /// Removes a pool. Requests that are being answered go on.
    ///
    /// # Errors
    /// Denied, where the caller is not of the deployment's first account; NotFound; Conflict, while aliases of any account name
    /// it.
    pub async fn delete_pool(&self, ctx: &Ctx, name: &str) -> Result<()> {
        self.inner.identity.require_management(ctx).await?;
        let owner = Owner::of(ctx);
        let target = format!("{POOL_PREFIX}{name}");
        match store::delete(&self.inner.store, &owner, name, &target).await? {
            Ok(true) => {
                self.inner.pools.forget(&key(&owner, Which::Named(name.to_owned())));
                Ok(())
            }
            Ok(false) => Err(missing(name)),
            Err(aliases) => Err(named_by(name, &owner, aliases)),
        }
    }

    /// The pool, for a request.
    ///
    /// # Errors
    /// NotFound.
    pub(crate) async fn live_pool(&self, ctx: &Ctx, name: &str) -> Result<Arc<Live>> {
        let (owner, row) = self.pool_row(ctx, name).await?;
        let member = |row: MemberRow| -> Result<Member> {
            let open = |sealed: Vec<u8>| self.inner.aliases.unseal_key(KEY_PURPOSE, &sealed);
            let api_key = row.sealed_api_key.map(open).transpose()?;
            Ok(Member {
                upstream: Upstream { base_url: row.base_url, model: row.model, api_key },
                weight: row.weight,
                max_in_flight: row.max_in_flight,
                region: row.region,
            })
        };
        let members = row.members.into_iter().map(member).collect::<Result<_>>()?;
        let spec = Spec { name: Some(name.to_owned()), members, max_queue: row.max_queue };
        Ok(self.inner.pools.of(key(&owner, Which::Named(name.to_owned())), spec))
    }

    /// The pool of one that an alias's upstream is.
    pub(crate) fn live_upstream(&self, ctx: &Ctx, upstream: Upstream) -> Arc<Live> {
        let which = Which::Upstream { base_url: upstream.base_url.clone(), model: upstream.model.clone() };
        let member = Member { upstream, weight: 1, max_in_flight: MOST, region: None };
        let owner = Owner::of(ctx);
        self.inner.pools.of(key(&owner, which), Spec { name: None, members: vec![member], max_queue: DEFAULT_QUEUE })
    }

    /// What is known of an alias's upstream; nothing before it was asked.
    pub(crate) fn upstream_status(&self, ctx: &Ctx, base_url: &str, model: &str) -> Option<MemberStatus> {
        let which = Which::Upstream { base_url: base_url.to_owned(), model: model.to_owned() };
        let live = self.inner.pools.known(&key(&Owner::of(ctx), which))?;
        live.status(tenant(ctx.account())).1.into_iter().next()
    }

    /// Whose the pools of the caller's region are; nobody's before the deployment has its first account.
    async fn pools_owner(&self, ctx: &Ctx) -> Result<Option<Owner>> {
        let account = match self.inner.first_account.get() {
            Some(account) => account.clone(),
            None => match self.inner.identity.management_account(ctx).await? {
                // It never becomes another one.
                Some(account) => self.inner.first_account.get_or_init(|| account).clone(),
                None => return Ok(None),
            },
        };
        Ok(Some(Owner { account, region: ctx.region().clone() }))
    }

    async fn pool_row(&self, ctx: &Ctx, name: &str) -> Result<(Owner, PoolRow)> {
        let owner = self.pools_owner(ctx).await?.ok_or_else(|| missing(name))?;
        let row = store::find(&self.inner.store, &owner, name).await?.ok_or_else(|| missing(name))?;
        Ok((owner, row))
    }

    fn pool_at_work(&self, ctx: &Ctx, owner: &Owner, row: PoolRow) -> Pool {
        let managed = owner.account == *ctx.account();
        let live = self.inner.pools.known(&key(owner, Which::Named(row.name.clone())));
        // Another process may have set the pool since.
        let live = live.filter(|live| live.spec.members.len() == row.members.len());
        let (queued, status) = live.map(|live| live.status(tenant(ctx.account()))).unwrap_or_default();
        let told = |status: MemberStatus| match managed {
            true => status,
            false => MemberStatus { healthy: status.healthy, circuit: status.circuit, ..MemberStatus::default() },
        };
        let (queued, mut status) = (if managed { queued } else { 0 }, status.into_iter().map(told));
        let members = row.members.into_iter().map(|member| PoolMember {
            base_url: member.base_url,
            model: member.model,
            has_api_key: member.sealed_api_key.is_some(),
            weight: member.weight,
            max_in_flight: member.max_in_flight,
            region: member.region,
            status: status.next().unwrap_or_default(),
        });
        let members = members.collect();
        Pool { name: row.name, managed, max_queue: row.max_queue, queued, members, updated_at: row.updated }
    }

    /// A member as it is kept, and whether it keeps the key that it may have.
    fn checked(&self, member: &NewMember) -> Result<(MemberRow, bool)> {
        let base_url = remote::check_base_url(&member.base_url)?;
        check_upstream_model(&member.model)?;
        if let Some(region) = &member.region
            && (region.is_empty() || region.len() > 64 || !region.bytes().all(|b| b.is_ascii_graphic()))
        {
            return Err(Error::invalid("A member's region has 1 to 64 printable ASCII characters without spaces."));
        }
        let sealed_api_key = match &member.api_key {
            MemberKey::Kept | MemberKey::Absent => None,
            MemberKey::Given(key) => {
                check_key(key)?;
                Some(self.inner.aliases.seal_key(KEY_PURPOSE, key)?)
            }
        };
        let row = MemberRow {
            base_url,
            model: member.model.clone(),
            sealed_api_key,
            weight: number("weight", member.weight, 1, 1, MOST_WEIGHT)?,
            max_in_flight: number("limit of requests", member.max_in_flight, DEFAULT_IN_FLIGHT, 1, MOST)?,
            region: member.region.clone(),
        };
        Ok((row, matches!(member.api_key, MemberKey::Kept)))
    }
}

fn with_key((member, keeps): &(MemberRow, bool), there: &[MemberRow]) -> MemberRow {
    let same = |other: &&MemberRow| (&other.base_url, &other.model) == (&member.base_url, &member.model);
    let kept = there.iter().find(same).and_then(|other| other.sealed_api_key.clone()).filter(|_| *keeps);
    MemberRow { sealed_api_key: member.sealed_api_key.clone().or(kept), ..member.clone() }
}

fn key(owner: &Owner, which: Which) -> Key {
    Key { account: owner.account.to_string(), region: owner.region.to_string(), which }
}

/// The error of a pool that aliases name. Those of other accounts are theirs: of them only the account is told.
fn named_by(name: &str, owner: &Owner, aliases: Vec<Named>) -> Error {
    let (own, others): (Vec<Named>, Vec<Named>) = aliases.into_iter().partition(|(of, _)| *of == owner.account);
    let mut accounts: Vec<String> = others.into_iter().map(|(account, _)| account.to_string()).collect();
    accounts.dedup();
    let mut said: Vec<String> = Vec::new();
    if !own.is_empty() {
        let ids: Vec<String> = own.into_iter().map(|(_, id)| id).collect();
        said.push(format!("answers for `{}`", ids.join("`, `")));
    }
    if !accounts.is_empty() {
        said.push(format!("is named by aliases of the accounts `{}`", accounts.join("`, `")));
    }
    Error::conflict(format!("The pool `{name}` {}.", said.join(" and ")))
        .with_hint("Remove the aliases first, each in its account: `craton models alias remove ID`.")
}

fn check_name(name: &str) -> Result<()> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if begins && name.len() <= 63 && name.bytes().all(good) {
        return Ok(());
    }
    Err(Error::invalid(format!("`{name}` is no name of a pool."))
        .with_hint("It has 1 to 63 lower case letters, digits, `-`, `_` and `.`, and begins with a letter or a digit."))
}

fn number(what: &str, given: Option<u32>, usual: u32, least: u32, most: u32) -> Result<u32> {
    match given.unwrap_or(usual) {
        number if (least..=most).contains(&number) => Ok(number),
        number => Err(Error::invalid(format!("The {what} is {number}; it must be {least} to {most}."))),
    }
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("There is no pool `{name}` in this region."))
        .with_hint("`craton models pool list` shows the pools, which the deployment's first account sets.")
}
