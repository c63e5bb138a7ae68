//! Beginnings of prompts on disk, so that they outlive the model's time in memory and the process's.
//!
//! ```text
//! ACCOUNT/MODEL/RANDOM.prefix      one prefix each, see [`file`]; MODEL is a part of a hash of the model's name
//! ```
//!
//! A file is written beside its place and renamed, both durable. What is forgotten is removed under the lock under which
//! files are put in place, and what was on its way then is not put there: whoever writes says when it took from a model what
//! it writes. A folder that is removed is moved away first, to a name that is no account's: a start removes what is left.

mod file;
mod kept;
mod running;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use base::{AccountId, Error, Random, Result};
use identity::Keyring;
use inference::{KeptPrefix, Tenant};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::library::hex;
use file::{Seal, Useless};
pub(crate) use kept::Kept;
pub use running::Snapshotting;

/// The ending of complete files.
const COMPLETE: &str = "prefix";
/// The ending of files that are being written.
const PARTIAL: &str = "partial";
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Where prefixes are kept, and how many bytes of them.
#[derive(Debug, Clone)]
pub struct SnapshotPlace {
    /// The folder, of this deployment alone.
    pub folder: PathBuf,
    /// The most bytes of all files together; 0 keeps none, and removes those that are there.
    pub bytes: u64,
}

/// What the prefixes of a loaded model are bound to.
#[derive(Clone)]
pub(crate) struct Binding {
    /// The model's name.
    pub(crate) model: String,
    /// A digest of its weights.
    pub(crate) weights: String,
    /// What the engine says that states depend on.
    pub(crate) states: String,
    /// A key without which its prefixes must not open.
    pub(crate) secret: Option<Zeroizing<Vec<u8>>>,
}

/// The prefixes on disk. Everything blocks.
pub(crate) struct Snapshots {
    place: SnapshotPlace,
    keyring: Arc<Keyring>,
    random: Arc<dyn Random>,
    /// How often something was forgotten. It grows under the lock of `state`.
    forgotten: AtomicU64,
    state: Mutex<State>,
    /// The bytes of the complete files, which nobody has to look at the disk for.
    sizes: Mutex<HashMap<PathBuf, u64>>,
}

/// What was forgotten, each with how often anything was by then.
#[derive(Default)]
struct State {
    /// Models whose prefixes were forgotten.
    models: HashMap<String, u64>,
    /// What models read for accounts.
    both: HashMap<(AccountId, String), u64>,
    /// Accounts whose prefixes are not kept any more.
    closed: HashSet<AccountId>,
}

/// What is forgotten.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Forgotten<'a> {
    /// An account's, for good.
    Account(&'a AccountId),
    /// A model's.
    Model(&'a str),
    /// What a model read for an account.
    Both(&'a AccountId, &'a str),
}

/// A file and how it stands among the others.
struct Listed {
    path: PathBuf,
    account: String,
    bytes: u64,
    used: SystemTime,
}

impl Snapshots {
    pub(crate) fn new(place: SnapshotPlace, keyring: Arc<Keyring>, random: Arc<dyn Random>) -> Self {
        Self { place, keyring, random, forgotten: AtomicU64::new(0), state: Mutex::default(), sizes: Mutex::default() }
    }

    /// Whether any are kept.
    pub(crate) fn are_kept(&self) -> bool {
        self.place.bytes > 0
    }

    /// The bytes of an account's files. It does not wait for the disk.
    pub(crate) fn bytes(&self, account: &AccountId) -> u64 {
        let folder = self.place.folder.join(account.as_str());
        self.sizes().iter().filter(|(path, _)| path.starts_with(&folder)).map(|(_, bytes)| *bytes).sum()
    }

    fn sizes(&self) -> MutexGuard<'_, HashMap<PathBuf, u64>> {
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything is on disk of a model.
    pub(crate) fn has(&self, model: &str) -> bool {
        folders(&self.place.folder).iter().any(|account| account.join(label(model)).is_dir())
    }

    /// Removes what is left of writers that are gone, and what is of closed accounts or of models that are not `known`; all,
    /// where none are kept.
    ///
    /// # Errors
    /// Unavailable, where something cannot be removed; the rest is.
    pub(crate) fn sweep(&self, known: &[String], closed: Vec<AccountId>) -> Result<()> {
        let mut state = self.lock();
        state.closed.extend(closed);
        if !self.are_kept() {
            return remove_folder(&self.place.folder);
        }
        let known: HashSet<String> = known.iter().map(|name| label(name)).collect();
        let mut gone = Vec::new();
        for account in folders(&self.place.folder) {
            if name_of(&account).parse::<AccountId>().map_or(true, |account| state.closed.contains(&account)) {
                gone.push(account);
                continue;
            }
            let (stay, go): (Vec<_>, Vec<_>) =
                folders(&account).into_iter().partition(|model| known.contains(&name_of(model)));
            stay.iter().for_each(|model| remove_partial(model));
            gone.extend(go);
        }
        let removed = self.remove_folders(gone);
        let there = self.list(&self.place.folder).into_iter().map(|file| (file.path, file.bytes));
        *self.sizes() = there.collect();
        removed
    }

    /// Forgets, and calls `also` before anything can be put in place again.
    ///
    /// # Errors
    /// Unavailable, where something cannot be removed; the rest is.
    pub(crate) fn forget(&self, what: Forgotten<'_>, also: impl FnOnce()) -> Result<()> {
        let mut state = self.lock();
        also();
        // After that, so that what left a model's place in memory meanwhile, where `also` did not find it, is older.
        let now = self.forgotten.fetch_add(1, Ordering::SeqCst) + 1;
        let folders = match what {
            Forgotten::Account(account) => {
                state.closed.insert(account.clone());
                vec![self.place.folder.join(account.as_str())]
            }
            Forgotten::Model(model) => {
                state.models.insert(model.to_owned(), now);
                folders(&self.place.folder).into_iter().map(|account| account.join(label(model))).collect()
            }
            Forgotten::Both(account, model) => {
                state.both.insert((account.clone(), model.to_owned()), now);
                vec![self.of(account, model)]
            }
        };
        self.remove_folders(folders)
    }

    /// Removes folders, all that can be removed.
    fn remove_folders(&self, folders: Vec<PathBuf>) -> Result<()> {
        let removed: Vec<Result<()>> = folders.iter().map(|folder| self.remove(folder)).collect();
        removed.into_iter().collect()
    }

    /// Removes a folder with all that is in it, durably; it need not be there. It is moved away first, so that nobody adds to
    /// it meanwhile.
    fn remove(&self, folder: &Path) -> Result<()> {
        let away = self.place.folder.join(format!("removed-{}", self.random.text(LETTERS, 24)));
        match fs::rename(folder, &away) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(unremoved(error)),
            Ok(()) => {}
        }
        ::store::crash::point("models.snapshot.away.after");
        self.sizes().retain(|path, _| !path.starts_with(folder));
        sync(folder.parent())?;
        remove_folder(&away)
    }

    /// What [`Snapshots::keep`] and [`Snapshots::unless_forgotten`] want to know: how often something was forgotten so far. It
    /// does not wait.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten.load(Ordering::SeqCst)
    }

    /// The most bytes of all files together.
    pub(crate) fn most(&self) -> u64 {
        self.place.bytes
    }

    /// Whether what a model read for an account was forgotten `since`.
    pub(crate) fn is_forgotten(&self, since: u64, account: &AccountId, model: &str) -> bool {
        self.lock().is_forgotten(since, account, model)
    }

    /// Does something unless what a model read for an account was forgotten since, and tells whether it did; nothing is
    /// forgotten meanwhile.
    pub(crate) fn unless_forgotten(&self, since: u64, account: &AccountId, model: &str, act: impl FnOnce()) -> bool {
        let state = self.lock();
        let may = !state.is_forgotten(since, account, model);
        if may {
            act();
        }
        may
    }

    /// The prefixes that a model read for an account, the last used first, of at most so many bytes. Files that are of no
    /// use are removed.
    pub(crate) fn read(&self, account: &AccountId, binding: &Binding, most: u64) -> Vec<(PathBuf, KeptPrefix)> {
        let mut files = self.list(&self.of(account, &binding.model));
        files.sort_by_key(|file| std::cmp::Reverse(file.used));
        let (purpose, tenant) = (purpose(account, &binding.model), tenant(account));
        let (mut read, mut bytes) = (Vec::new(), 0);
        for found in files {
            bytes += found.bytes;
            if bytes > most {
                break;
            }
            match file::read(&found.path, &self.seal(&purpose, binding), tenant) {
                Ok(prefix) => read.push((found.path, prefix)),
                Err(Useless::Unreadable(error)) => {
                    tracing::warn!(%error, file = %found.path.display(), "a kept prefix cannot be read");
                }
                Err(useless) => {
                    tracing::warn!(?useless, file = %found.path.display(), "a kept prefix is of no use and is removed");
                    self.discard(&found.path);
                }
            }
        }
        read
    }

    /// Keeps a prefix of an account's; where, or none where it is not kept: it was forgotten `since`, or it alone is above
    /// the budget.
    ///
    /// # Errors
    /// Unavailable, where it cannot be written.
    pub(crate) fn keep(
        &self,
        since: u64,
        account: &AccountId,
        binding: &Binding,
        prefix: &KeptPrefix,
    ) -> Result<Option<PathBuf>> {
        let bytes = file::length(prefix);
        if bytes > self.place.bytes {
            return Ok(None);
        }
        let folder = self.of(account, &binding.model);
        fs::create_dir_all(&folder).map_err(unwritten)?;
        let partial = Partial(folder.join(format!("{}.{PARTIAL}", self.random.text(LETTERS, 24))));
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&partial.0).map_err(unwritten)?;
        let purpose = purpose(account, &binding.model);
        file::write(&mut file, &self.seal(&purpose, binding), prefix, self.random.as_ref())?;
        ::store::crash::point("models.snapshot.sync.before");
        file.sync_all().map_err(unwritten)?;
        let state = self.lock();
        match state.is_forgotten(since, account, &binding.model) {
            true => Ok(None),
            false => self.put_in_place(&partial, bytes).map(Some),
        }
    }

    /// Completes a file; the lock is held.
    fn put_in_place(&self, partial: &Partial, bytes: u64) -> Result<PathBuf> {
        self.make_room(bytes);
        let path = partial.0.with_extension(COMPLETE);
        ::store::crash::point("models.snapshot.rename.before");
        fs::rename(&partial.0, &path).map_err(unwritten)?;
        ::store::crash::point("models.snapshot.rename.after");
        self.sizes().insert(path.clone(), bytes);
        sync(path.parent())?;
        Ok(path)
    }

    /// Removes files until so many bytes more are within the budget: the account with the most bytes gives up what it used
    /// the longest time ago.
    fn make_room(&self, bytes: u64) {
        let mut files = self.list(&self.place.folder);
        files.sort_by_key(|file| std::cmp::Reverse(file.used));
        let mut total: u64 = files.iter().map(|file| file.bytes).sum();
        while total + bytes > self.place.bytes {
            let of =
                |account: &str| files.iter().filter(|file| file.account == account).map(|file| file.bytes).sum::<u64>();
            let Some(largest) = files.iter().map(|file| file.account.as_str()).max_by_key(|account| of(account)) else {
                return;
            };
            let Some(oldest) = files.iter().rposition(|file| file.account == largest) else { return };
            let file = files.remove(oldest);
            self.discard(&file.path);
            total -= file.bytes;
        }
    }

    /// Removes a complete file.
    pub(crate) fn discard(&self, path: &Path) {
        remove_file(path);
        self.sizes().remove(path);
    }

    /// Notes that a file's prefix was used.
    pub(crate) fn note_use(&self, path: &Path) {
        let noted = File::options().append(true).open(path).and_then(|file| file.set_modified(SystemTime::now()));
        if let Err(error) = noted {
            tracing::debug!(%error, file = %path.display(), "the use of a kept prefix is not noted");
        }
    }

    fn seal<'a>(&'a self, purpose: &'a str, binding: &'a Binding) -> Seal<'a> {
        Seal {
            keyring: &self.keyring,
            purpose,
            made_by: file::made_by(&binding.weights, &binding.states),
            secret: binding.secret.as_ref().map(|secret| secret.as_slice()),
        }
    }

    fn of(&self, account: &AccountId, model: &str) -> PathBuf {
        self.place.folder.join(account.as_str()).join(label(model))
    }

    /// The complete files under a folder. What cannot be looked at is not there.
    fn list(&self, folder: &Path) -> Vec<Listed> {
        let (mut all, mut left) = (Vec::new(), vec![folder.to_owned()]);
        while let Some(folder) = left.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(facts) = entry.metadata() else { continue };
                if facts.is_dir() {
                    left.push(path);
                } else if path.extension().is_some_and(|ending| ending == COMPLETE) {
                    let account = path.ancestors().nth(2).map(name_of).unwrap_or_default();
                    let used = facts.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                    all.push(Listed { path, account, bytes: facts.len(), used });
                }
            }
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether what a model read for an account was forgotten after so many other things were.
    fn is_forgotten(&self, since: u64, account: &AccountId, model: &str) -> bool {
        let both = self.both.get(&(account.clone(), model.to_owned()));
        let last = self.models.get(model).max(both);
        self.closed.contains(account) || last.is_some_and(|last| *last > since)
    }
}

/// A file that is not complete; it is gone with this, unless it was renamed.
struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        remove_file(&self.0);
    }
}

/// The tenant under which engines know an account.
pub(crate) fn tenant(account: &AccountId) -> Tenant {
    Tenant::of(account.as_str().parse().unwrap_or_default())
}

/// The account of a tenant; none, where it is none's.
fn account(tenant: Tenant) -> Option<AccountId> {
    format!("{:012}", tenant.number()).parse().ok()
}

fn label(model: &str) -> String {
    hex(&Sha256::digest(model)[..16])
}

fn purpose(account: &AccountId, model: &str) -> String {
    format!("models/prefix-snapshot/{account}/{model}")
}

fn name_of(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The folders in a folder, which need not be there.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn remove_partial(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|ending| ending == PARTIAL) {
            remove_file(&entry.path());
        }
    }
}

/// Removes a file, where it is there.
fn remove_file(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        tracing::warn!(%error, file = %path.display(), "a kept prefix stays");
    }
}

/// Removes a folder with all that is in it, durably; it need not be there.
fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(unremoved(error)),
        Ok(()) => {
            ::store::crash::point("models.snapshot.remove.after");
            sync(folder.parent())
        }
    }
}

/// Makes the entries of a folder durable.
fn sync(folder: Option<&Path>) -> Result<()> {
    match folder.map(File::open).transpose().and_then(|folder| folder.map_or(Ok(()), |folder| folder.sync_all())) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(unwritten(error)),
        _ => Ok(()),
    }
}

fn unremoved(error: std::io::Error) -> Error {
    Error::unavailable("Kept prefixes cannot be removed.").with_detail(error)
}

fn unwritten(error: std::io::Error) -> Error {
    Error::unavailable("A prefix cannot be kept.").with_detail(error)
}
