//! A pool at work: who has which member, and the checks of their health.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base::{Clock, Random};
use futures::future::join_all;
use inference::Tenant;

use super::state::{Ask, Asking, Outcome, Refusal, State, Turn};
use super::{Member, MemberStatus, breaker};
use crate::config::PoolChecks;
use crate::remote::{Client, Upstream};

/// What a pool at work is made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spec {
    /// The pool's name; none for the one upstream of an alias.
    pub(crate) name: Option<String>,
    pub(crate) members: Vec<Member>,
    pub(crate) max_queue: u32,
}

/// A pool at work.
pub(crate) struct Live {
    pub(super) spec: Spec,
    /// Who set it.
    account: String,
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

impl Live {
    pub(super) fn new(spec: Spec, account: &str, threshold: u32, clock: Arc<dyn Clock>) -> Self {
        let settings = breaker::Settings { threshold, ..breaker::Settings::default() };
        let state = State::new(&spec.members, spec.max_queue, settings);
        Self { spec, account: account.to_owned(), state: Mutex::new(state), clock }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn now(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(super) fn ticket(&self) -> u64 {
        self.state().ticket()
    }

    /// A member that is not `excluded`, once one is free.
    pub(super) async fn slot(
        self: &Arc<Self>,
        asking: &Asking,
        excluded: &BTreeSet<usize>,
        first: bool,
    ) -> Result<Slot, Refusal> {
        let asked = self.state().ask(self.now(), asking, excluded, first);
        let turn = match asked {
            Ask::Turn(turn) => turn,
            Ask::Refused(refusal) => return Err(refusal),
            Ask::Wait(receiver) => {
                let mut waiting = Waiting { live: self, ticket: asking.ticket, receiver: Some(receiver) };
                let Some(receiver) = &mut waiting.receiver else { return Err(Refusal::Full) };
                let given = receiver.await;
                waiting.receiver = None;
                given.unwrap_or(Err(Refusal::Full))?
            }
        };
        Ok(Slot { live: Arc::clone(self), turn: Some(turn), started: Instant::now() })
    }

    /// What is left, in milliseconds, of the shortest pause after which a member may be asked.
    pub(super) fn shortest_pause(&self) -> Option<i64> {
        self.state().shortest_pause(self.now())
    }

    /// When one who is refused for a full queue may come again.
    pub(super) fn wait_for_room(&self) -> Duration {
        self.state().wait_for_room(self.now())
    }

    /// How many requests wait, and what the members are doing, with as much of their errors as this tenant may know.
    pub(super) fn status(&self, tenant: Tenant) -> (usize, Vec<MemberStatus>) {
        let state = self.state();
        (state.queued(), state.status(tenant))
    }

    /// Asks every member whether it is there.
    pub(super) async fn check(&self, client: &Client) {
        let found = join_all(self.spec.members.iter().map(|member| client.probe(&member.upstream))).await;
        for (at, found) in found.into_iter().enumerate() {
            if let Err(why) = &found {
                let member = self.spec.members[at].upstream.base_url.as_str();
                tracing::debug!(pool = self.label(), member, why, "a member of a pool does not answer");
            }
            metrics::gauge!("craton_pool_member_healthy", &self.labels(at)).set(if found.is_ok() { 1.0 } else { 0.0 });
            let now = self.now();
            self.state().checked(at, found, now);
        }
    }

    fn release(&self, turn: Turn, outcome: Outcome) {
        let (at, told) = (turn.member, outcome.as_str());
        let mut labels = self.labels(at);
        let in_flight = {
            let (now, mut state) = (self.now(), self.state());
            state.release(turn, outcome, now);
            metrics::gauge!("craton_pool_queued", &labels[..2]).set(state.queued() as f64);
            state.in_flight(at)
        };
        metrics::gauge!("craton_pool_member_in_flight", &labels).set(f64::from(in_flight));
        labels.push(("outcome", told.to_owned()));
        metrics::counter!("craton_pool_requests_total", &labels).increment(1);
    }

    fn label(&self) -> &str {
        self.spec.name.as_deref().unwrap_or("-")
    }

    fn labels(&self, at: usize) -> Vec<(&'static str, String)> {
        vec![
            ("account", self.account.clone()),
            ("pool", self.label().to_owned()),
            ("member", self.spec.members[at].upstream.base_url.clone()),
        ]
    }
}

/// One who waits; forgotten when dropped.
struct Waiting<'a> {
    live: &'a Arc<Live>,
    ticket: u64,
    receiver: Option<tokio::sync::oneshot::Receiver<Result<Turn, Refusal>>>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(mut receiver) = self.receiver.take() else { return };
        self.live.state().leave(self.ticket);
        // It may have been given a member that it does not take any more.
        if let Ok(Ok(turn)) = receiver.try_recv() {
            self.live.release(turn, Outcome::Left);
        }
    }
}

/// A request's place at a member, which is given back when this is dropped.
pub(crate) struct Slot {
    live: Arc<Live>,
    turn: Option<Turn>,
    started: Instant,
}

impl Slot {
    pub(super) fn member(&self) -> usize {
        self.turn.as_ref().map_or(0, |turn| turn.member)
    }

    pub(super) fn upstream(&self) -> Upstream {
        self.live.spec.members[self.member()].upstream.clone()
    }

    /// The member has begun to answer.
    pub(super) fn answered(&self) {
        let (Some(turn), took) = (&self.turn, self.started.elapsed()) else { return };
        self.live.state().answered(turn, took);
        let labels = self.live.labels(turn.member);
        metrics::histogram!("craton_pool_first_token_seconds", &labels).record(took.as_secs_f64());
    }

    /// The request is over.
    pub(super) fn ended(mut self, outcome: Outcome) {
        if let Some(turn) = self.turn.take() {
            self.live.release(turn, outcome);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.live.release(turn, Outcome::Left);
        }
    }
}

/// Whose pool it is, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) which: Which,
}

/// A pool by its name, or the one upstream of aliases.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Which {
    Named(String),
    Upstream { base_url: String, model: String },
}

/// The pools at work.
pub(crate) struct Registry {
    client: Client,
    checks: PoolChecks,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    live: Mutex<HashMap<Key, Arc<Live>>>,
}

impl Registry {
    pub(crate) fn new(client: Client, checks: PoolChecks, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { client, checks, clock, random, live: Mutex::default() }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    fn live(&self) -> MutexGuard<'_, HashMap<Key, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The pool for a use. Where `spec` is not what it was, it begins anew.
    pub(crate) fn of(&self, key: Key, spec: Spec) -> Arc<Live> {
        let live = {
            let mut all = self.live();
            let known = all.get(&key).filter(|live| live.spec == spec).cloned();
            known.unwrap_or_else(|| {
                let new = Arc::new(Live::new(spec, &key.account, self.checks.failures, Arc::clone(&self.clock)));
                all.insert(key, Arc::clone(&new));
                new
            })
        };
        self.touch(&live);
        live
    }

    /// The pool as it is at work, if it is.
    pub(super) fn known(&self, key: &Key) -> Option<Arc<Live>> {
        self.live().get(key).cloned()
    }

    /// Forgets a pool. What is going on in it goes on.
    pub(super) fn forget(&self, key: &Key) {
        self.live().remove(key);
    }

    /// Checks the members' health now and again while the pool is in use.
    fn touch(&self, live: &Arc<Live>) {
        let now = live.now();
        if !live.state().touch(now) {
            return;
        }
        let (weak, client, checks) = (Arc::downgrade(live), self.client.clone(), self.checks);
        let random = Arc::clone(&self.random);
        tokio::spawn(async move {
            loop {
                let Some(live) = weak.upgrade() else { return };
                live.check(&client).await;
                drop(live);
                tokio::time::sleep(jittered(checks.every, random.next_u64())).await;
                let Some(live) = weak.upgrade() else { return };
                let idle = i64::try_from(checks.idle.as_millis()).unwrap_or(i64::MAX);
                let now = live.now();
                if live.state().is_idle(now, idle) {
                    return;
                }
            }
        });
    }
}

/// `every`, up to a fifth less or more, so that pools are not checked in step.
fn jittered(every: Duration, random: u64) -> Duration {
    let share = (random % 1_000) as f64 / 1_000.0;
    every.mul_f64(0.8 + 0.4 * share)
}
