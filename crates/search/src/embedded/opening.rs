//! Opening an index: what its manifest names is read, the log is applied, and what a crash left is removed.

use std::collections::HashSet;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, RwLock};

use super::base_file::BaseFile;
use super::files::Files;
use super::log::{Contents, Log};
use super::manifest::{MANIFEST, Manifest};
use super::records::read_batch;
use super::state::{Prepared, State};
use super::{Inner, Writer};
use crate::codec::Malformed;
use crate::document::{Change, Schema};
use crate::{Error, Result};

const LOCK: &str = "lock";

/// Opens the index of a folder that exists.
pub(super) fn open(files: Arc<dyn Files>, schema: Schema) -> Result<Inner> {
    schema.validate()?;
    let lock = lock(files.folder())?;
    let (manifest, (log, logged_before), state) = match Manifest::read(files.folder())? {
        Some(manifest) => {
            same_schema(files.folder(), &manifest.schema, &schema)?;
            existing(files.as_ref(), manifest)?
        }
        None => new(files.as_ref(), schema)?,
    };
    let logged = logged_before + log.length();
    Ok(Inner {
        schema: Arc::clone(&state.schema),
        state: RwLock::new(state),
        writer: Mutex::new(Writer { log, logged_before, manifest, halted: None }),
        logged: AtomicU64::new(logged),
        compacting: Mutex::new(()),
        failure: Mutex::new(None),
        stopping: AtomicBool::new(false),
        files,
        _lock: lock,
    })
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| Error::io(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(error)) => Err(Error::io(&path, &error)),
    }
}

fn same_schema(folder: &Path, found: &Schema, wanted: &Schema) -> Result<()> {
    let differs = |reason: String| Err(Error::Schema { folder: folder.to_owned(), reason });
    if found.fields != wanted.fields {
        return differs(format!("text fields {:?} rather than {:?}", found.fields, wanted.fields));
    }
    if found.language != wanted.language {
        return differs(format!("language {:?} rather than {:?}", found.language, wanted.language));
    }
    if found.dimension != wanted.dimension {
        return differs(format!("dimension {:?} rather than {:?}", found.dimension, wanted.dimension));
    }
    Ok(())
}

/// Makes an empty index. A folder that holds documents but no manifest lost it, and is left as it is.
fn new(files: &dyn Files, schema: Schema) -> Result<(Manifest, (Log, u64), State)> {
    let names = files.list().map_err(|error| Error::io(files.folder(), &error))?;
    let name = Manifest::log_name(1);
    let log = files.path(&name);
    let has_base = names.iter().any(|name| name.starts_with("base-"));
    // A crash while the index was made leaves a log that is empty or not whole.
    let has_records = names.contains(&name) && Contents::read(&log, true).is_ok_and(|contents| contents.count() > 0);
    if has_base || has_records {
        return Err(Error::corrupt(&files.path(MANIFEST), "it is missing, and there are files that it should name"));
    }
    let log = Log::create(files, &name)?;
    let manifest = Manifest::new(schema.clone(), name);
    manifest.write(files).map_err(|failure| failure.error)?;
    Ok((manifest, (log, 0), State::new(Arc::new(schema))))
}

/// The files of an index, with the newest log and the bytes of those before it.
fn existing(files: &dyn Files, manifest: Manifest) -> Result<(Manifest, (Log, u64), State)> {
    let mut state = load_base(files, &manifest)?;
    let (mut logged, mut newest) = (0, None::<(&String, Contents)>);
    for (at, name) in manifest.logs.iter().enumerate() {
        let is_newest = at + 1 == manifest.logs.len();
        let path = files.path(name);
        let contents = Contents::read(&path, is_newest)?;
        replay(&mut state, &contents, 0, &path)?;
        logged += newest.map_or(0, |(_, before)| before.length);
        newest = Some((name, contents));
    }
    let Some((name, contents)) = newest else {
        return Err(Error::corrupt(&files.path(MANIFEST), "it names no log"));
    };
    let log = Log::reopen(files, name, &contents)?;
    remove_strays(files, &manifest);
    Ok((manifest, (log, logged), state))
}

/// The state of the manifest's base file. One whose terms were made by other rules is analysed anew.
pub(super) fn load_base(files: &dyn Files, manifest: &Manifest) -> Result<State> {
    let schema = Arc::new(manifest.schema.clone());
    let mut state = State::new(Arc::clone(&schema));
    let Some(name) = &manifest.base else { return Ok(state) };
    let base = BaseFile::open(&files.path(name), &schema)?;
    let is_analysed_as_now = base.is_analysed_as_now();
    base.load(&mut state)?;
    if is_analysed_as_now {
        return Ok(state);
    }
    let mut renewed = State::new(Arc::clone(&schema));
    for slot in state.alive.iter() {
        renewed.apply(vec![Prepared::new(Change::Put(state.document(slot as u32)), &schema)]);
    }
    Ok(renewed)
}

/// Applies a log's records from the `skipped`-th on.
pub(super) fn replay(state: &mut State, contents: &Contents, skipped: usize, path: &Path) -> Result<()> {
    for payload in contents.payloads(skipped) {
        let batch = read_batch(payload).map_err(|Malformed(reason)| Error::corrupt(path, reason))?;
        let schema = Arc::clone(&state.schema);
        state.apply(batch.into_iter().map(|change| Prepared::new(change, &schema)).collect());
    }
    Ok(())
}

/// Removes files that a crash left behind. What cannot be removed does no harm.
fn remove_strays(files: &dyn Files, manifest: &Manifest) {
    let names: HashSet<String> = files.list().unwrap_or_default().into_iter().collect();
    let ours = |name: &&String| name.starts_with("base-") || name.starts_with("log-");
    for name in names.iter().filter(ours).filter(|name| !manifest.has(name)) {
        if let Err(error) = files.remove(name)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %files.path(name).display(), %error, "cannot remove a file that is no longer used");
        }
    }
}
