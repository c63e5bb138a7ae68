//! Pools: several servers that speak OpenAI's dialect as one model.
//!
//! A request goes to the least loaded member, and to another one where that fails before its first token. An alias's one
//! upstream is a pool of one.

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
use self::store::{MemberRow, PoolRow};
use crate::Models;
use crate::aliases::{POOL_PREFIX, check_key, check_upstream_model};
use crate::remote::{self, Upstream};

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

/// A pool of the caller's account, and what it is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: String,
    /// The most requests that wait while every member has as many as it takes.
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
    /// The pools of the caller's account and region, by name.
    ///
    /// # Errors
    /// Unavailable, where the database cannot be read.
    pub async fn pools(&self, ctx: &Ctx) -> Result<Vec<Pool>> {
        let rows = store::list(&self.inner.store, ctx).await?;
        Ok(rows.into_iter().map(|row| self.pool_at_work(ctx, row)).collect())
    }

    /// One pool.
    ///
    /// # Errors
    /// NotFound.
    pub async fn pool(&self, ctx: &Ctx, name: &str) -> Result<Pool> {
        self.pool_row(ctx, name).await.map(|row| self.pool_at_work(ctx, row))
    }

    /// Sets a pool, in place of the one of its name. Its members' health is looked at at once.
    ///
    /// # Errors
    /// Invalid, where a name, a URL, a key or a number is wrong.
    pub async fn put_pool(&self, ctx: &Ctx, name: &str, new: NewPool) -> Result<Pool> {
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
        store::put(&self.inner.store, ctx, &pool, merged).await?;
        self.live_pool(ctx, name).await?;
        self.pool(ctx, name).await
    }

    /// Removes a pool. Requests that are being answered go on.
    ///
    /// # Errors
    /// NotFound; Conflict, while aliases name it.
    pub async fn delete_pool(&self, ctx: &Ctx, name: &str) -> Result<()> {
        let target = format!("{POOL_PREFIX}{name}");
        match store::delete(&self.inner.store, ctx, name, &target).await? {
            Ok(true) => {
                self.inner.pools.forget(&key(ctx, Which::Named(name.to_owned())));
                Ok(())
            }
            Ok(false) => Err(missing(name)),
            Err(aliases) => Err(Error::new(
                base::ErrorKind::Conflict,
                format!("The pool `{name}` answers for `{}`.", aliases.join("`, `")),
            )
            .with_hint("Remove the alias first: `craton models alias remove ID`.")),
        }
    }

    /// The pool, for a request.
    ///
    /// # Errors
    /// NotFound.
    pub(crate) async fn live_pool(&self, ctx: &Ctx, name: &str) -> Result<Arc<Live>> {
        let row = self.pool_row(ctx, name).await?;
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
        Ok(self.inner.pools.of(key(ctx, Which::Named(name.to_owned())), spec))
    }

    /// The pool of one that an alias's upstream is.
    pub(crate) fn live_upstream(&self, ctx: &Ctx, upstream: Upstream) -> Arc<Live> {
        let which = Which::Upstream { base_url: upstream.base_url.clone(), model: upstream.model.clone() };
        let member = Member { upstream, weight: 1, max_in_flight: MOST, region: None };
        self.inner.pools.of(key(ctx, which), Spec { name: None, members: vec![member], max_queue: DEFAULT_QUEUE })
    }

    async fn pool_row(&self, ctx: &Ctx, name: &str) -> Result<PoolRow> {
        store::find(&self.inner.store, ctx, name).await?.ok_or_else(|| missing(name))
    }

    fn pool_at_work(&self, ctx: &Ctx, row: PoolRow) -> Pool {
        let live = self.inner.pools.known(&key(ctx, Which::Named(row.name.clone())));
        // Another process may have set the pool since.
        let live = live.filter(|live| live.spec.members.len() == row.members.len());
        let (queued, status) = live.map(|live| live.status()).unwrap_or_default();
        let mut status = status.into_iter();
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
        Pool { name: row.name, max_queue: row.max_queue, queued, members, updated_at: row.updated }
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

fn key(ctx: &Ctx, which: Which) -> Key {
    Key { account: ctx.account().to_string(), region: ctx.region().to_string(), which }
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
    Error::not_found(format!("There is no pool `{name}` in this account and region."))
        .with_hint("`craton models pool list` shows the pools.")
}
