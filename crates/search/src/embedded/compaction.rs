//! Compaction: the documents that are alive go into a new base file, and the logs they came from end.
//!
//! 1. Changes go to a new log from here on, and the state of this instant is noted.
//! 2. The base file is written from it, piece by piece, while queries and changes go on.
//! 3. A new state is read from that file, as when the index is opened, and the new log is applied to it.
//! 4. The manifest names the new files: this is the instant at which the compaction has happened.
//! 5. Queries get the new state, and the old files are removed.

use std::sync::atomic::Ordering;
use std::sync::{Weak, mpsc};
use std::thread::JoinHandle;

use super::base_writer::{Cut, Source, write};
use super::files::Failure;
use super::log::{Contents, Log};
use super::manifest::Manifest;
use super::opening::{load_base, replay};
use super::state::State;
use super::{Inner, Writer, panicked};
use crate::{Error, Result};

/// So many recent, dead or stale things are no reason yet.
const LEAST: usize = 8_192;
/// Beyond that, one in so many of all documents is a reason.
const SHARE: usize = 3;
/// After a failure it is tried again when so many more came.
const RETRY_AFTER: usize = 4_096;
/// So many bytes of logs are no reason yet. Beyond that they are where they are more than the base file's: then a change costs a
/// constant times its own bytes, and a log is never much longer than what is alive.
const LEAST_LOGGED: u64 = 32 << 20;
/// So many bytes of logs are a reason, however large the base file is: a log is in memory while it is read, a base file is not.
const MOST_LOGGED: u64 = 1 << 30;
/// After a failure it is tried again when the logs grew by so much.
const RETRY_AFTER_LOGGED: u64 = LEAST_LOGGED / 2;

/// What a compaction would do away with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Pending {
    /// Documents put since the base file, dead documents, or permissions that no document has, whichever are more.
    count: usize,
    /// Bytes of the logs.
    logged: u64,
}

/// How many bytes of logs beside a base file of so many bytes are a reason to compact.
pub(super) fn logged_at_most(base: u64) -> u64 {
    base.clamp(LEAST_LOGGED, MOST_LOGGED)
}

/// Starts the thread that compacts when it is woken and there is reason to.
pub(super) fn start(index: Weak<Inner>, woken: mpsc::Receiver<()>) -> Result<JoinHandle<()>> {
    let compact = move || {
        while woken.recv().is_ok() {
            let Some(inner) = index.upgrade() else { return };
            // Several changes may have woken it for one reason.
            if matches!(inner.is_compaction_due(), Ok(true))
                && let Err(error) = inner.compact()
                && !inner.stopping.load(Ordering::Relaxed)
            {
                tracing::warn!(folder = %inner.files.folder().display(), %error, "an index could not be compacted");
            }
        }
    };
    let thread = std::thread::Builder::new().name("search-compaction".to_owned()).spawn(compact);
    thread.map_err(|error| Error::Halted { reason: format!("no thread could be started: {error}") })
}

impl Inner {
    pub(super) fn is_compaction_due(&self) -> Result<bool> {
        let (pending, slots, base) = self.pending()?;
        let failed = self.failure.lock().map_err(|_| panicked())?.as_ref().map(|(_, then)| *then);
        let retried = failed.map_or(Pending::default(), |then| Pending {
            count: then.count + RETRY_AFTER,
            logged: then.logged + RETRY_AFTER_LOGGED,
        });
        let by_count = pending.count >= LEAST.max(slots / SHARE) && pending.count >= retried.count;
        let by_log = pending.logged >= logged_at_most(base) && pending.logged >= retried.logged;
        Ok(by_count || by_log)
    }

    /// What there is to compact, the documents that have a number, and the base file's bytes.
    fn pending(&self) -> Result<(Pending, usize, u64)> {
        let state = self.read()?;
        let (recent, alive) = (state.slots() - state.base_slots(), state.alive.count() as usize);
        let dead = state.slots() - alive;
        // Documents that share a permission make this less than there are.
        let stale = state.acls.len().saturating_sub(alive);
        let base = state.base.as_ref().map_or(0, |base| base.bytes());
        let pending = Pending { count: recent.max(dead).max(stale), logged: self.logged.load(Ordering::Relaxed) };
        Ok((pending, state.slots(), base))
    }

    pub(super) fn compact(&self) -> Result<()> {
        let _one = self.compacting.lock().map_err(|_| panicked())?;
        let compacted = self.compact_alone();
        let (pending, ..) = self.pending()?;
        let mut failure = self.failure.lock().map_err(|_| panicked())?;
        *failure = compacted.as_ref().err().map(|error| (error.clone(), pending));
        compacted
    }

    fn compact_alone(&self) -> Result<()> {
        let (cut, next) = self.begin()?;
        let Some(base) = &next.base else { return Ok(()) };
        write(self.files.as_ref(), base, &cut, self)?;
        drop(cut);
        self.finish(next)
    }

    /// Turns to a new log. Gives the state at this instant, and the manifest that names the base file to be written of it.
    fn begin(&self) -> Result<(Cut, Manifest)> {
        let mut writer = self.changing()?;
        let mut manifest = writer.manifest.clone();
        manifest.generation += 1;
        let name = Manifest::log_name(manifest.generation);
        let log = Log::create(self.files.as_ref(), &name)?;
        manifest.logs.push(name.clone());
        if let Err(failure) = manifest.write(self.files.as_ref()) {
            return Err(self.undo(&mut writer, failure, &name));
        }
        writer.logged_before += writer.log.length();
        writer.log = log;
        writer.manifest = manifest.clone();
        let cut = Cut::of(&*self.read()?);
        manifest.generation += 1;
        manifest.base = Some(Manifest::base_name(manifest.generation));
        manifest.logs = vec![name];
        Ok((cut, manifest))
    }

    /// Turns to the new base file.
    fn finish(&self, next: Manifest) -> Result<()> {
        let base = next.base.clone().unwrap_or_default();
        let reloaded = self.reload(&next).and_then(|(state, applied)| Ok((state, applied, self.changing()?)));
        let (mut state, applied, mut writer) = reloaded.inspect_err(|_| self.remove(&base))?;
        // The rest of what came since is applied while changes wait.
        let caught_up = self.apply_log(&mut state, &next, applied);
        caught_up.inspect_err(|_| self.remove(&base))?;
        if let Err(failure) = next.write(self.files.as_ref()) {
            return Err(self.undo(&mut writer, failure, &base));
        }
        let old = std::mem::replace(&mut writer.manifest, next);
        writer.logged_before = 0;
        self.logged.store(writer.log.length(), Ordering::Relaxed);
        let replaced = std::mem::replace(&mut *self.state.write().map_err(|_| panicked())?, state);
        let gone: Vec<String> =
            old.base.into_iter().chain(old.logs).filter(|name| !writer.manifest.has(name)).collect();
        drop(writer);
        drop(replaced);
        gone.iter().for_each(|name| self.remove(name));
        Ok(())
    }

    /// The state of the new base file with what came since, and how many of the new log's records that was.
    fn reload(&self, next: &Manifest) -> Result<(State, usize)> {
        let mut state = load_base(self.files.as_ref(), next)?;
        let applied = self.apply_log(&mut state, next, 0)?;
        Ok((state, applied))
    }

    /// Applies the new log's records from the `skipped`-th on; how many there are.
    fn apply_log(&self, state: &mut State, next: &Manifest, skipped: usize) -> Result<usize> {
        let log = self.path(&next.logs[0]);
        let contents = Contents::read(&log, true)?;
        replay(state, &contents, skipped, &log)?;
        Ok(contents.count())
    }

    /// After a manifest that was not written: removes the file that it would have named, or, where it may be in place,
    /// allows no more changes.
    fn undo(&self, writer: &mut Writer, failure: Failure, name: &str) -> Error {
        if failure.undone {
            self.remove(name);
        } else {
            writer.halted = Some(failure.error.to_string());
        }
        failure.error
    }

    fn remove(&self, name: &str) {
        if let Err(error) = self.files.remove(name) {
            tracing::warn!(file = %self.path(name).display(), %error, "cannot remove a file that is not used");
        }
    }
}

impl Source for Inner {
    fn read(&self, read: &mut dyn FnMut(&State)) -> Result<()> {
        if self.stopping.load(Ordering::Relaxed) {
            return Err(Error::Halted { reason: "the index is being closed".to_owned() });
        }
        read(&*Inner::read(self)?);
        Ok(())
    }
}
