//! What an account may ask of a model: requests a minute, tokens a minute, requests at the same time.
//!
//! Requests and tokens are counted by token buckets that hold a minute's worth and fill steadily. A request is admitted
//! where its bucket holds one and the bucket of tokens is not empty; what it read and wrote is taken out when that is
//! known, so that one long request may bring the bucket below nothing and the next ones wait until it is filled again.
//! What is counted lies in memory and begins anew with the process; what is set for an account is kept in the database.

mod bucket;
mod setting;
mod store;

use std::collections::HashMap;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use base::{AccountId, Clock, Error, Result, Timestamp};
use futures::stream::Stream;

use self::bucket::Bucket;
pub use self::setting::{QuotaReport, QuotaSource, QuotaUse, SetQuota};
pub(crate) use self::store::TABLES;
use crate::{ChatEvent, Scores, ServedBy};

/// More pairs of account and model than this are only kept where they count something.
const PAIRS: usize = 1024;

/// What an account may ask of a model. None is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Quota {
    /// Requests a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, read and written.
    pub tokens_per_minute: Option<u32>,
    /// Requests at the same time.
    pub running: Option<u32>,
}

impl Quota {
    fn is_unlimited(self) -> bool {
        self == Self::default()
    }
}

impl FromStr for Quota {
    type Err = Error;

    /// Reads `requests=60,tokens=20000,running=4`, any of them left out.
    fn from_str(text: &str) -> Result<Self> {
        let mut quota = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let refused = || {
                Error::invalid(format!("`{part}` is no quota.")).with_hint(
                    "Write `requests=60,tokens=20000,running=4` with numbers of at least 1, or some of them.",
                )
            };
            let (name, number) = part.split_once('=').ok_or_else(refused)?;
            let number = number.trim().parse::<u32>().ok().filter(|number| *number > 0).ok_or_else(refused)?;
            let place = match name.trim() {
                "requests" => &mut quota.requests_per_minute,
                "tokens" => &mut quota.tokens_per_minute,
                "running" => &mut quota.running,
                _ => return Err(refused()),
            };
            *place = Some(number);
        }
        Ok(quota)
    }
}

/// Counts what accounts ask. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Quotas {
    default: Quota,
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    used: Mutex<HashMap<Pair, Used>>,
    set: Mutex<Set>,
    /// Held while what is set is read, so that nothing older takes the place of something newer.
    reading: tokio::sync::Mutex<()>,
}

/// What is set, as it was read last.
#[derive(Default)]
struct Set {
    of_accounts: HashMap<AccountId, Quota>,
    of_models: HashMap<Pair, Quota>,
    read_at: Option<Timestamp>,
}

/// An account and a model.
type Pair = (AccountId, String);

#[derive(Debug, Clone, Default)]
struct Used {
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    running: u32,
}

impl Quotas {
    /// With this quota for accounts for which nothing is set.
    pub(crate) fn new(default: Quota, clock: Arc<dyn Clock>) -> Self {
        Self {
            default,
            shared: Arc::new(Shared {
                clock,
                used: Mutex::default(),
                set: Mutex::default(),
                reading: tokio::sync::Mutex::default(),
            }),
        }
    }

    /// Takes what is set from now on, as it was read at `now`.
    fn replace(&self, all: &[SetQuota], now: Timestamp) {
        let mut set = Set { read_at: Some(now), ..Set::default() };
        for SetQuota { account, model, quota, .. } in all {
            match model {
                None => set.of_accounts.insert(account.clone(), *quota),
                Some(model) => set.of_models.insert((account.clone(), model.clone()), *quota),
            };
        }
        *self.shared.set() = set;
    }

    /// Waits until nobody else reads what is set.
    async fn reading(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.shared.reading.lock().await
    }

    /// When what is set was read; none before the first time.
    fn read_at(&self) -> Option<Timestamp> {
        self.shared.set().read_at
    }

    /// What an account may ask of a model, and where that comes from: the narrower wins as a whole.
    fn quota_of(&self, pair: &Pair) -> (Quota, QuotaSource) {
        let set = self.shared.set();
        if let Some(quota) = set.of_models.get(pair) {
            return (*quota, QuotaSource::Model);
        }
        match set.of_accounts.get(&pair.0) {
            Some(quota) => (*quota, QuotaSource::Account),
            None => (self.default, QuotaSource::Default),
        }
    }

    /// What is used, by account and model.
    fn used(&self) -> Vec<QuotaUse> {
        let now = self.shared.clock.now();
        let all = self.shared.lock().clone();
        let mut used: Vec<QuotaUse> = all
            .into_iter()
            .filter_map(|(pair, mut used)| {
                let (quota, source) = self.quota_of(&pair);
                used.refill(quota, now);
                used.counts(now).then(|| QuotaUse {
                    account: pair.0,
                    model: pair.1,
                    quota,
                    source,
                    requests_left: used.requests.map(|bucket| u32::try_from(bucket.left().max(0)).unwrap_or(u32::MAX)),
                    tokens_left: used.tokens.map(Bucket::left),
                    running: used.running,
                })
            })
            .collect();
        used.sort_by(|a, b| (&a.account, &a.model).cmp(&(&b.account, &b.model)));
        used
    }

    /// Admits a request; it runs until the admission is dropped.
    ///
    /// # Errors
    /// Throttled, with when to try again.
    pub(crate) fn admit(&self, account: &AccountId, model: &str) -> Result<Admission> {
        let pair = (account.clone(), model.to_owned());
        let (quota, _) = self.quota_of(&pair);
        if quota.is_unlimited() {
            return Ok(Admission(None));
        }
        let now = self.shared.clock.now();
        let mut all = self.shared.lock();
        if all.len() >= PAIRS {
            all.retain(|_, used| used.counts(now));
        }
        let used = all.entry(pair.clone()).or_default();
        used.refill(quota, now);
        used.admit(quota).map_err(|refusal| refusal.told(model))?;
        drop(all);
        Ok(Admission(Some(Admitted { pair, shared: self.shared.clone() })))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<Pair, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self) -> MutexGuard<'_, Set> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    fn refill(&mut self, quota: Quota, now: Timestamp) {
        let filled = |bucket: Option<Bucket>, limit: Option<u32>| {
            let limit = limit?;
            Some(bucket.unwrap_or(Bucket::full(limit, now)).at(now).limited(limit))
        };
        self.requests = filled(self.requests, quota.requests_per_minute);
        self.tokens = filled(self.tokens, quota.tokens_per_minute);
    }

    fn admit(&mut self, quota: Quota) -> std::result::Result<(), Refusal> {
        if quota.running.is_some_and(|most| self.running >= most) {
            return Err(Refusal { what: "requests", seconds: 1 });
        }
        if let Some(wait) = self.tokens.and_then(|bucket| bucket.wait_for(1)) {
            return Err(Refusal { what: "tokens", seconds: wait.div_ceil(1000) });
        }
        if let Some(wait) = self.requests.and_then(|bucket| bucket.wait_for(1)) {
            return Err(Refusal { what: "requests", seconds: wait.div_ceil(1000) });
        }
        self.requests = self.requests.map(|bucket| bucket.without(1));
        self.running += 1;
        Ok(())
    }

    /// Whether it differs from what a pair begins with.
    fn counts(&self, now: Timestamp) -> bool {
        let is_used = |bucket: Option<Bucket>| bucket.is_some_and(|bucket| !bucket.at(now).is_full());
        self.running > 0 || is_used(self.requests) || is_used(self.tokens)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refusal {
    what: &'static str,
    seconds: u64,
}

impl Refusal {
    fn told(self, model: &str) -> Error {
        let Self { what, seconds } = self;
        Error::throttled(format!("Too many {what}, please wait before trying again."))
            .with_hint(format!("The account's quota of {what} for `{model}` is used up. Try again in {seconds} s."))
            .with_retry_after(Duration::from_secs(seconds))
    }
}

/// A request that runs. Dropping it ends it.
pub(crate) struct Admission(Option<Admitted>);

struct Admitted {
    pair: Pair,
    shared: Arc<Shared>,
}

impl Admission {
    /// Counts tokens that were read and written.
    pub(crate) fn spend(&self, tokens: u64) {
        let Some(Admitted { pair, shared }) = &self.0 else { return };
        let now = shared.clock.now();
        if let Some(used) = shared.lock().get_mut(pair) {
            used.tokens = used.tokens.map(|bucket| bucket.at(now).without(tokens));
        }
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if let Some(used) = self.shared.lock().get_mut(&self.pair) {
            used.running = used.running.saturating_sub(1);
        }
    }
}

/// What answers a request, and tells what it used.
pub(crate) trait Metered {
    /// The same, which counts what it uses and ends the request when it is over.
    fn metered(self, admission: Admission) -> Self;
}

/// Vectors, the tokens that were read of each text, and who answered.
impl Metered for (Vec<Vec<f32>>, Vec<u32>, ServedBy) {
    fn metered(self, admission: Admission) -> Self {
        admission.spend(self.1.iter().map(|tokens| u64::from(*tokens)).sum());
        self
    }
}

impl Metered for Scores {
    fn metered(self, admission: Admission) -> Self {
        admission.spend(u64::from(self.usage.input) + u64::from(self.usage.output));
        self
    }
}

/// Events of an answer that counts against a quota: with what its end tells, or, where it is dropped before, with its prompt
/// and the pieces that came until then.
pub(crate) struct MeteredEvents<S> {
    events: S,
    admission: Admission,
    /// What is to be counted where the end does not come.
    open: u64,
}

impl<S> MeteredEvents<S> {
    pub(crate) fn new(events: S, admission: Admission) -> Self {
        Self { events, admission, open: 0 }
    }

    fn note(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Started { prompt_tokens, .. } => self.open += u64::from(*prompt_tokens),
            // A piece has at least one token.
            ChatEvent::Text { .. } | ChatEvent::ToolUseInput { .. } => self.open += 1,
            ChatEvent::Finished { usage, .. } => {
                self.admission.spend(u64::from(usage.input) + u64::from(usage.output));
                self.open = 0;
            }
            _ => {}
        }
    }
}

impl<S> Drop for MeteredEvents<S> {
    fn drop(&mut self) {
        self.admission.spend(self.open);
    }
}

impl<S: Stream<Item = Result<ChatEvent>> + Unpin> Stream for MeteredEvents<S> {
    type Item = Result<ChatEvent>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut self.events).poll_next(context);
        if let Poll::Ready(Some(Ok(event))) = &polled {
            self.note(event);
        }
        polled
    }
}

#[cfg(test)]
mod tests;
