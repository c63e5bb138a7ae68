//! The backend's sequences, and where a request begins: in which of them, and with what that was read before.

use std::sync::Arc;
use std::time::Instant;

use super::cells::Cells;
use super::job::{Job, Work};
use super::sequence::Sequence;
use crate::backend::{Backend, Layout};
use crate::generation::Tenant;
use crate::kept::KeptPrefix;
use crate::prefix::{PrefixCache, common, is_most};
use crate::{Error, Result, Token};

/// So many tokens more in the cache are worth a copy, and worth waiting for where they are being read.
const WORTH: usize = 32;
/// A prefix must be so long before sequences that share it are put together for its sake.
const SHARED_FROM: usize = 128;
/// So many tokens that are kept nowhere else are worth keeping.
const KEPT_FROM: usize = 64;
/// So many shared sequences stay filled when nobody uses them, for what they begin with.
const RESIDENTS: usize = 32;

/// A sequence of the backend.
#[derive(Default)]
pub(super) struct Slot {
    pub(super) running: Option<Sequence>,
    /// The tokens that the backend holds for it.
    pub(super) tokens: Vec<Token>,
    /// How many of the first ones were read exactly: in whole pieces of the length of deterministic requests, each alone.
    pub(super) exact: usize,
    /// Whose they are.
    tenant: Tenant,
    /// When the slot was last taken, counted in requests.
    pub(super) taken: u64,
    /// How many tokens the last request found read.
    again: usize,
    /// Whether what it holds is forgotten when its request ends.
    leaves: bool,
}

impl Slot {
    /// Whether requests of the tenant may begin with what it holds: not with what is to be forgotten.
    fn is_of(&self, tenant: Tenant) -> bool {
        self.tenant == tenant && !self.leaves
    }
}

/// What a request can begin with.
enum Source {
    Nothing,
    /// What the slot itself holds.
    Here,
    /// Cells of another shared slot.
    Shared(usize),
    /// A copy of what another slot holds.
    Copy(usize),
    /// A copy of what was kept.
    Kept(Arc<Vec<u8>>, usize),
}

/// A source and how many of the prompt's tokens it saves.
type Start = (Source, usize);

/// All slots, and what was kept of those that are gone.
pub(super) struct Slots {
    pub(super) all: Vec<Slot>,
    pub(super) layout: Layout,
    pub(super) kept: PrefixCache<Arc<Vec<u8>>>,
    cells: Cells,
    /// Whether the shared buffer can be used: it is made late, and there may be no memory for it.
    shares: bool,
    /// Whether all requests are put together that can be: those of a batch have one shape.
    pub(super) together: bool,
    grain: usize,
    turns: u64,
}

impl Slots {
    pub(super) fn new(grain: usize, budget: u64) -> Self {
        Self {
            all: Vec::new(),
            layout: Layout::default(),
            kept: PrefixCache::new(budget),
            cells: Cells::new(0, 0),
            shares: false,
            together: false,
            grain,
            turns: 0,
        }
    }

    /// Begins anew with a backend whose sequences are empty. What was kept stays.
    pub(super) fn open(&mut self, layout: Layout) {
        self.layout = layout;
        self.shares = layout.shared > 0;
        self.all = (0..layout.separate + layout.shared).map(|_| Slot::default()).collect();
        self.cells = Cells::new(layout.cells as usize, layout.shared as usize);
    }

    pub(super) fn running(&self) -> usize {
        self.all.iter().filter(|slot| slot.running.is_some()).count()
    }

    pub(super) fn is_shared(&self, index: usize) -> bool {
        index >= self.layout.separate as usize
    }

    /// Whether a running request is about to have read what this one begins with: then waiting is faster.
    pub(super) fn will_help(&self, job: &Job) -> bool {
        let tenant = job.serving.tenant;
        let reading =
            |slot: &&Slot| slot.is_of(tenant) && slot.running.as_ref().is_some_and(|sequence| !sequence.is_read);
        let soon = self.all.iter().filter(reading).map(|slot| {
            let running = slot.running.as_ref();
            let prompt = running.map_or(&[][..], |sequence| &sequence.job.tokens);
            let goes_on = slot.exact == slot.tokens.len() && running.is_some_and(Sequence::reads_exactly);
            let exact = if goes_on { prompt.len() } else { slot.exact };
            (slot, self.useful(job, common(prompt, &job.tokens), exact))
        });
        let Some((slot, soon)) = soon.max_by_key(|(_, soon)| *soon) else { return false };
        soon > slot.tokens.len() && soon >= self.held(job) + WORTH
    }

    /// How many of the prompt's tokens are in some slot.
    fn held(&self, job: &Job) -> usize {
        let theirs = self.all.iter().filter(|slot| slot.is_of(job.serving.tenant));
        theirs.map(|slot| self.useful(job, common(&slot.tokens, &job.tokens), slot.exact)).max().unwrap_or(0)
    }

    /// How many tokens are saved where `common` are the same and `exact` of them were read exactly: never the last of
    /// the prompt, whose logits are needed.
    fn useful(&self, job: &Job, common: usize, exact: usize) -> usize {
        let most = common.min(job.tokens.len() - 1);
        match (&job.work, job.serving.deterministic) {
            (Work::Score(scored), _) if scored.echo => 0,
            (_, true) => most.min(exact) / self.grain * self.grain,
            (_, false) => most,
        }
    }

    /// Puts a request into a slot. Gives it back with the reason where that cannot be done.
    pub(super) fn place(
        &mut self,
        backend: &mut dyn Backend,
        job: Job,
    ) -> std::result::Result<usize, Box<(Job, Error)>> {
        let shared = self.wants_to_share(&job).then(|| self.find_shared(backend, &job)).flatten();
        let begun = shared.and_then(|(index, start)| match self.begin(backend, &job, index, start) {
            Ok(cached) => Some((index, cached)),
            Err(error) => {
                tracing::warn!(%error, "sequences share no buffer from now on");
                self.shares = false;
                self.abandon(backend, index);
                None
            }
        });
        let begun = match begun {
            Some(begun) => Ok(begun),
            None => self.begin_separate(backend, &job),
        };
        let (index, cached) = match begun {
            Ok(begun) => begun,
            Err(error) => return Err(Box::new((job, error))),
        };
        self.turns += 1;
        let slot = &mut self.all[index];
        (slot.taken, slot.tenant) = (self.turns, job.serving.tenant);
        (slot.again, slot.leaves) = (cached, false);
        slot.running = Some(Sequence::new(job, cached, Instant::now()));
        Ok(index)
    }

    fn begin_separate(&mut self, backend: &mut dyn Backend, job: &Job) -> Result<(usize, usize)> {
        let found = self.find_separate(job);
        let (index, start) = found.ok_or_else(|| Error::Engine { reason: "no sequence is free".to_owned() })?;
        match self.begin(backend, job, index, start) {
            Ok(cached) => Ok((index, cached)),
            Err(error) => {
                self.abandon(backend, index);
                Err(error)
            }
        }
    }

    /// Forgets what a slot holds that could not be used.
    fn abandon(&mut self, backend: &mut dyn Backend, index: usize) {
        if let Err(error) = self.clear(backend, index) {
            tracing::debug!(%error, "a sequence could not be cleared");
        }
    }

    /// Whether the request belongs into the shared buffer: scores do, and answers of which at least half as many as all
    /// that run begin alike.
    fn wants_to_share(&self, job: &Job) -> bool {
        if !self.shares || job.serving.deterministic {
            return false;
        }
        if self.together || matches!(job.work, Work::Score(_)) {
            return true;
        }
        let least = SHARED_FROM.max(job.tokens.len() / 2);
        let alike = |slot: &&Slot| {
            let tokens = slot.running.as_ref().map(|sequence| &sequence.job.tokens);
            slot.is_of(job.serving.tenant) && tokens.is_some_and(|other| common(other, &job.tokens) >= least)
        };
        let alike = self.all.iter().filter(|slot| slot.running.is_some()).filter(alike).count();
        alike > 0 && (alike + 1) * 2 > self.running()
    }

    /// A free shared slot with room for the request, which may be made by giving up what nobody uses.
    fn find_shared(&mut self, backend: &mut dyn Backend, job: &Job) -> Option<(usize, Start)> {
        let first = self.layout.separate as usize;
        let base = self.best(job, first..self.all.len(), |_| true);
        let (source, saved) = match base {
            Some((at, saved)) if saved >= WORTH => (Source::Shared(at), saved),
            _ if self.layout.exchanges => self.copied(job, 0),
            _ => (Source::Nothing, 0),
        };
        let keep = if let Source::Shared(at) = source { Some(at) } else { None };
        let own = if keep.is_some() { saved } else { 0 };
        let room = job.tokens.len() + job.room();
        if room - own > self.layout.cells as usize {
            return None;
        }
        if keep.is_none() {
            self.clear_crowd(backend);
        }
        while self.cells.free() < room - own || self.cells.vacant().is_none() {
            self.clear_oldest(backend, keep)?;
        }
        let at = self.cells.vacant()?;
        self.cells.take(at, keep.map(|base| (base - first, saved)), room);
        Some((first + at, (source, saved)))
    }

    /// Empties the shared buffer, where everything in it costs time and nothing runs there, of what comes back as a copy.
    fn clear_crowd(&mut self, backend: &mut dyn Backend) {
        let first = self.layout.separate as usize;
        if !self.layout.all_cells || self.all[first..].iter().any(|slot| slot.running.is_some()) {
            return;
        }
        for index in first..self.all.len() {
            self.keep_what_is_lost(backend, index, 0);
            let slot = &self.all[index];
            let length = slot.tokens.len();
            let is_kept = length < self.kept.longest(slot.tenant, &slot.tokens) + KEPT_FROM.max(length / 8);
            if length > 0 && self.is_kept_of(index) && is_kept {
                self.abandon(backend, index);
            }
        }
    }

    /// Empties the shared slot that was not used for the longest time; `None` where all are in use.
    fn clear_oldest(&mut self, backend: &mut dyn Backend, but: Option<usize>) -> Option<()> {
        let first = self.layout.separate as usize;
        let idle = self.all.iter().enumerate().skip(first);
        let idle = idle.filter(|(at, slot)| slot.running.is_none() && !slot.tokens.is_empty() && Some(*at) != but);
        let (at, _) = idle.min_by_key(|(_, slot)| slot.taken)?;
        self.keep_what_is_lost(backend, at, 0);
        self.clear(backend, at).ok()
    }

    /// The free separate slot that is best for the request.
    fn find_separate(&mut self, job: &Job) -> Option<(usize, Start)> {
        let separate = 0..self.layout.separate as usize;
        let here = self.best(job, separate.clone(), |slot| slot.running.is_none());
        let saved = here.map_or(0, |(_, saved)| saved);
        let (source, copied) = self.copied(job, saved + WORTH);
        if let Some((at, saved)) = here.filter(|_| copied == 0) {
            return Some((at, (Source::Here, saved)));
        }
        // The one that was not used for the longest time; of equals the lowest: backends compute neighbours together.
        let idle = self.all[separate].iter().enumerate().filter(|(_, slot)| slot.running.is_none());
        let (at, _) = idle.min_by_key(|(_, slot)| (!slot.tokens.is_empty(), slot.taken))?;
        Some((at, (source, copied)))
    }

    /// The slot that holds most of what the request begins with.
    fn best(&self, job: &Job, among: std::ops::Range<usize>, may: impl Fn(&Slot) -> bool) -> Option<(usize, usize)> {
        let slots = among.filter(|at| self.all[*at].is_of(job.serving.tenant) && may(&self.all[*at]));
        let saved = |at: usize| self.useful(job, common(&self.all[at].tokens, &job.tokens), self.all[at].exact);
        let best = slots.map(|at| (saved(at), at)).max_by_key(|(saved, at)| (*saved, std::cmp::Reverse(*at)));
        best.filter(|(saved, _)| *saved > 0).map(|(saved, at)| (at, saved))
    }

    /// What saves most by a copy, where that is at least so many tokens.
    fn copied(&mut self, job: &Job, least: usize) -> Start {
        if !self.layout.copies {
            return (Source::Nothing, 0);
        }
        let least = least.max(WORTH);
        let kinds = if self.layout.exchanges { self.all.len() } else { self.layout.separate as usize };
        let slot = self.best(job, 0..kinds, |_| true);
        let (tenant, grain) = (job.serving.tenant, self.grain);
        let last = job.tokens.len() - 1;
        let deterministic = job.serving.deterministic;
        let echo = matches!(&job.work, Work::Score(scored) if scored.echo);
        let useful = |common: usize, exact: usize| match (echo, deterministic) {
            (true, _) => 0,
            (_, true) => common.min(last).min(exact) / grain * grain,
            (_, false) => common.min(last),
        };
        let kept = self.kept.find(tenant, &job.tokens, useful);
        let kept = kept.map(|kept| (useful(kept.common, kept.exact), kept));
        match (slot, kept) {
            (slot, Some((saved, kept))) if saved >= least && slot.is_none_or(|(_, other)| saved >= other) => {
                (Source::Kept(kept.value, kept.exact), saved)
            }
            (Some((at, saved)), _) if saved >= least => (Source::Copy(at), saved),
            _ => (Source::Nothing, 0),
        }
    }

    /// Makes the slot hold what the request begins with; how many tokens that are.
    fn begin(&mut self, backend: &mut dyn Backend, job: &Job, index: usize, start: Start) -> Result<usize> {
        let (source, saved) = start;
        if matches!(source, Source::Here) {
            self.keep_what_is_lost(backend, index, saved);
            return self.cut(backend, index, saved);
        }
        self.keep_what_is_lost(backend, index, 0);
        self.cut(backend, index, 0)?;
        let exact = match source {
            Source::Nothing | Source::Here => return Ok(0),
            Source::Shared(from) => {
                backend.share(from as u32, index as u32, saved as u32)?;
                self.all[from].exact
            }
            Source::Copy(from) => {
                let mut state = Vec::new();
                let copied = backend.save(from as u32, &mut state);
                if !is_restored(copied.and_then(|()| backend.restore(index as u32, &state))) {
                    return Ok(0);
                }
                let (tokens, exact) = (self.all[from].tokens.clone(), self.all[from].exact);
                self.keep(self.all[from].tenant, &tokens, exact, state);
                exact
            }
            Source::Kept(state, exact) => match is_restored(backend.restore(index as u32, &state)) {
                true => exact,
                false => return Ok(0),
            },
        };
        let slot = &mut self.all[index];
        slot.tokens = job.tokens[..saved].to_vec();
        slot.exact = exact.min(saved) / self.grain * self.grain;
        match backend.truncate(index as u32, saved as u32)? {
            true => Ok(saved),
            false => {
                (slot.exact, slot.tokens) = (0, Vec::new());
                Ok(0)
            }
        }
    }

    /// Cuts what the slot holds to its first tokens; how many it then holds.
    fn cut(&mut self, backend: &mut dyn Backend, index: usize, to: usize) -> Result<usize> {
        let slot = &mut self.all[index];
        let kept = match backend.truncate(index as u32, to as u32)? {
            true => to,
            false => 0,
        };
        slot.tokens.truncate(kept);
        slot.exact = slot.exact.min(kept) / self.grain * self.grain;
        Ok(kept)
    }

    /// Keeps a copy of what the slot holds beyond its first `stays` tokens, where that is much and kept nowhere else.
    fn keep_what_is_lost(&mut self, backend: &mut dyn Backend, index: usize, stays: usize) {
        let slot = &self.all[index];
        let length = slot.tokens.len();
        let worth = KEPT_FROM.max(length / 8);
        if !self.is_kept_of(index) || length < stays + worth {
            return;
        }
        let (tenant, tokens) = (slot.tenant, slot.tokens.clone());
        let is_used = is_most(slot.again, length);
        // It is counted once.
        self.all[index].again = 0;
        let elsewhere = match is_used {
            true => self.kept.longest_used(tenant, &tokens),
            false => self.kept.longest(tenant, &tokens),
        };
        if elsewhere > 0 && length < elsewhere + worth {
            return;
        }
        let mut state = Vec::new();
        match backend.save(index as u32, &mut state) {
            Ok(()) => {
                self.keep(tenant, &tokens, self.all[index].exact, state);
                if is_used {
                    self.kept.note_use(tenant, &tokens);
                }
            }
            Err(error) => tracing::debug!(%error, "a sequence is not kept"),
        }
    }

    /// Keeps a copy of what the slot holds now, unless that is to be forgotten.
    pub(super) fn keep_now(&mut self, backend: &mut dyn Backend, index: usize) -> Result<()> {
        if !self.is_kept_of(index) || self.all[index].leaves {
            return Err(Error::Engine { reason: "what this sequence reads cannot be kept".to_owned() });
        }
        let slot = &self.all[index];
        if self.kept.longest(slot.tenant, &slot.tokens) == slot.tokens.len() {
            return Ok(());
        }
        let mut state = Vec::new();
        backend.save(index as u32, &mut state)?;
        let (tenant, tokens) = (slot.tenant, slot.tokens.clone());
        self.keep(tenant, &tokens, slot.exact, state);
        self.kept.note_use(tenant, &tokens);
        Ok(())
    }

    /// Whether copies of what the slot holds are of use.
    fn is_kept_of(&self, index: usize) -> bool {
        self.layout.copies && (self.layout.exchanges || !self.is_shared(index))
    }

    fn keep(&mut self, tenant: Tenant, tokens: &[Token], exact: usize, state: Vec<u8>) {
        let bytes = (state.len() + size_of_val(tokens)) as u64;
        self.kept.insert(tenant, tokens, exact, Arc::new(state), bytes);
    }

    /// Takes the ended request out of its slot. What a shared slot holds stays only where no other holds nearly as much.
    pub(super) fn end(&mut self, backend: &mut dyn Backend, index: usize) -> Option<Sequence> {
        let sequence = self.all[index].running.take()?;
        if self.all[index].leaves {
            self.abandon(backend, index);
        } else if self.is_shared(index) {
            self.settle(backend, index);
        }
        Some(sequence)
    }

    fn settle(&mut self, backend: &mut dyn Backend, index: usize) {
        let first = self.layout.separate as usize;
        let slot = &self.all[index];
        let length = slot.tokens.len();
        self.cells.settle(index - first, length);
        let others = self.all.iter().enumerate().skip(first).filter(|(at, _)| *at != index);
        let others = others.filter(|(_, other)| other.is_of(slot.tenant));
        let elsewhere = others.map(|(_, other)| common(&other.tokens, &slot.tokens)).max().unwrap_or(0);
        let residents = self.all[first..].iter().filter(|slot| !slot.tokens.is_empty()).count();
        let superfluous = length < elsewhere + KEPT_FROM.max(length / 8) || residents > RESIDENTS;
        if superfluous && let Err(error) = self.clear(backend, index) {
            tracing::warn!(%error, "a sequence could not be cleared");
        }
    }

    /// Forgets what was kept of a tenant's, and what slots hold of it: what a request uses when that ends.
    pub(super) fn forget(&mut self, backend: &mut dyn Backend, tenant: Tenant) {
        self.kept.forget(tenant);
        for index in 0..self.all.len() {
            let slot = &mut self.all[index];
            slot.leaves |= slot.tenant == tenant && slot.running.is_some();
            let idle = slot.tenant == tenant && slot.running.is_none() && !slot.tokens.is_empty();
            if idle && let Err(error) = self.clear(backend, index) {
                tracing::warn!(%error, "a sequence could not be cleared");
            }
        }
    }

    /// What was used again of what is kept; where nothing runs, so that nobody waits for the copies, also of what slots hold.
    pub(super) fn used(&mut self, backend: &mut dyn Backend) -> Vec<KeptPrefix> {
        if self.running() == 0 {
            for index in 0..self.all.len() {
                let slot = &self.all[index];
                if is_most(slot.again, slot.tokens.len()) {
                    self.keep_what_is_lost(backend, index, 0);
                }
            }
        }
        self.kept.used().into_iter().map(KeptPrefix::from).collect()
    }

    /// Keeps what was kept before, perhaps by another process. It counts as used again.
    pub(super) fn remember(&mut self, prefix: KeptPrefix) {
        if !self.layout.copies {
            return;
        }
        let bytes = (prefix.state.len() + size_of_val(prefix.tokens.as_slice())) as u64;
        self.kept.insert(prefix.tenant, &prefix.tokens, prefix.exact, prefix.state, bytes);
        self.kept.note_use(prefix.tenant, &prefix.tokens);
    }

    /// Forgets what the slot holds.
    pub(super) fn clear(&mut self, backend: &mut dyn Backend, index: usize) -> Result<()> {
        let first = self.layout.separate as usize;
        if index >= first && self.all[index].running.is_none() {
            self.cells.leave(index - first);
        }
        let slot = &mut self.all[index];
        slot.tokens.clear();
        slot.exact = 0;
        backend.truncate(index as u32, 0).map(|_| ())
    }
}

/// Whether a copy is there. Where it is not, the prompt is read from its beginning.
fn is_restored(outcome: Result<()>) -> bool {
    if let Err(error) = &outcome {
        tracing::warn!(%error, "what was read before cannot be used");
    }
    outcome.is_ok()
}
