//! The library of model files on disk: content-addressed blobs, and one manifest for each model.
//!
//! ```text
//! blobs/sha256-HEX        the files' bytes, complete and verified
//! manifests/NAME.json     which blobs make up a model; its rename into place is what makes the model exist
//! models/NAME/FILE        links to the blobs, made again whenever they are missing
//! partial/                downloads that are not complete
//! locks/                  lock files, as several processes may share the library
//! ```

mod sweep;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base::{Error, ErrorKind, Result};
use inference::ModelFiles;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::catalogue::CardKind;
use crate::quality::QuantizationReport;
use crate::templates::TemplateReport;

/// Disk space that is left free beside what is written.
const SPACE_MARGIN: u64 = 64 << 20;
/// The bytes that are read or written at once.
const CHUNK: usize = 1 << 20;

/// The library. Its methods that say so block.
#[derive(Debug)]
pub(crate) struct Library {
    root: PathBuf,
    broken: Mutex<HashMap<String, String>>,
}

/// A pulled model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) name: String,
    /// Where it came from, as the pull command writes it.
    pub(crate) source: String,
    pub(crate) provider: String,
    pub(crate) licence: String,
    pub(crate) licence_url: String,
    /// The name of the file that is loaded.
    pub(crate) main: String,
    pub(crate) files: Vec<ManifestFile>,
    pub(crate) facts: ManifestFacts,
    pub(crate) trust: Trust,
    /// Who put the files where they came from; empty where it is not known.
    #[serde(default)]
    pub(crate) uploader: String,
    /// Who published the model that they are made of; empty where it is not known.
    #[serde(default)]
    pub(crate) publisher: String,
    /// Milliseconds since the epoch.
    pub(crate) pulled_at: i64,
    /// What it cost to make it of another model, where it was made so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) quantization: Option<QuantizationReport>,
    /// What was made of it and not accepted, a report for each name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) refused: Vec<QuantizationReport>,
    /// Whether its chat template is that of its family; none where an earlier version pulled it and did not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) template: Option<TemplateReport>,
    /// Why it could not be loaded, as far as this process has seen.
    #[serde(skip)]
    pub(crate) broken: Option<String>,
}

/// A file of a pulled model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestFile {
    /// Its path in the model's folder.
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
}

/// What the engine read in the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManifestFacts {
    pub(crate) title: String,
    pub(crate) embeds: bool,
    pub(crate) parameters: u64,
    pub(crate) context_length: u32,
    /// With the options of the server that pulled it.
    pub(crate) memory_bytes: u64,
    /// Whether the file has a chat template; none where an earlier version pulled it and did not look.
    #[serde(default)]
    pub(crate) chat_template: Option<bool>,
}

/// What vouches for a model's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trust {
    /// SHA-256 pinned in the catalogue.
    Pinned,
    /// The SHA-256 that was seen at the first download.
    FirstDownload,
    /// A file of this machine.
    Local,
}

impl Manifest {
    pub(crate) fn card_kind(&self) -> CardKind {
        if self.facts.embeds { CardKind::Embedding } else { CardKind::Text }
    }

    /// How its files can be had again.
    fn again(&self) -> String {
        match (&self.quantization, &self.name) {
            (Some(report), name) => {
                format!("Remove it with `craton models remove {name}` and quantize `{}` again.", report.source.name)
            }
            (None, name) => format!("Run `craton models pull {name}` to fetch it again."),
        }
    }

    /// The hashes of its files, in order.
    pub(crate) fn digest(&self) -> String {
        self.files.iter().map(|file| file.sha256.as_str()).collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn main_file(&self) -> Option<&ManifestFile> {
        self.files.iter().find(|file| file.name == self.main)
    }
}

impl Library {
    /// Opens the library, making its folders.
    ///
    /// # Errors
    /// Unavailable, where it cannot be written.
    pub(crate) async fn open(root: &Path) -> Result<Self> {
        let library = Self { root: root.to_owned(), broken: Mutex::default() };
        let root = library.root.clone();
        blocking(move || {
            for folder in ["blobs", "manifests", "models", "partial", "locks"] {
                fs::create_dir_all(root.join(folder)).map_err(|e| not_writable(&root, &e))?;
            }
            let probe = root.join("partial").join(format!("probe-{}", std::process::id()));
            File::create(&probe).and_then(|_| fs::remove_file(&probe)).map_err(|e| not_writable(&root, &e))
        })
        .await?;
        Ok(library)
    }

    /// Where partial downloads lie.
    pub(crate) fn partial(&self, name: &str) -> PathBuf {
        self.root.join("partial").join(name)
    }

    /// The pulled model of that name.
    pub(crate) async fn manifest(&self, name: &str) -> Result<Option<Manifest>> {
        if !is_name(name) {
            return Ok(None);
        }
        let path = self.manifest_path(name);
        let read = blocking(move || read_manifest(&path)).await?;
        Ok(read.map(|manifest| self.with_failures(manifest)))
    }

    /// Every pulled model, by name.
    pub(crate) async fn manifests(&self) -> Result<BTreeMap<String, Manifest>> {
        let folder = self.root.join("manifests");
        let read = blocking(move || {
            let mut manifests = BTreeMap::new();
            for file in fs::read_dir(&folder).map_err(|e| io_error("read", &folder, &e))? {
                let path = file.map_err(|e| io_error("read", &folder, &e))?.path();
                if path.extension().is_some_and(|extension| extension == "json")
                    && let Some(manifest) = read_manifest(&path)?
                {
                    manifests.insert(manifest.name.clone(), manifest);
                }
            }
            Ok(manifests)
        });
        let manifests = read.await?;
        Ok(manifests.into_iter().map(|(name, manifest)| (name, self.with_failures(manifest))).collect())
    }

    /// The model's files under their names.
    ///
    /// # Errors
    /// Damaged, where a blob is missing or has not its size: the model is then remembered as broken.
    pub(crate) async fn files(&self, name: &str, manifest: &Manifest) -> Result<ModelFiles> {
        let (root, manifest) = (self.root.clone(), manifest.clone());
        let linked = blocking(move || link(&root, &manifest)).await;
        linked.map_err(|error| self.note_failure(name, error))
    }

    /// Remembers that a model could not be loaded, where its files are at fault. Returns the error.
    pub(crate) fn note_failure(&self, name: &str, error: Error) -> Error {
        if error.kind == ErrorKind::Damaged {
            let mut broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
            broken.insert(name.to_owned(), error.message.clone());
        }
        error
    }

    /// Blocks. Makes the model exist: its blobs must be in place.
    pub(crate) fn commit(&self, manifest: &Manifest) -> Result<()> {
        let path = self.manifest_path(&manifest.name);
        let text = serde_json::to_vec_pretty(manifest).map_err(Error::internal)?;
        let partial = self.partial(&format!("{}.json", manifest.name));
        write_durably(&partial, &text).map_err(|e| io_error("write", &partial, &e))?;
        put_in_place(&partial, &path)?;
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).remove(&manifest.name);
        Ok(())
    }

    /// Blocks. Makes the links of a model that is about to exist.
    pub(crate) fn link(&self, manifest: &Manifest) -> Result<ModelFiles> {
        link(&self.root, manifest)
    }

    /// Blocks. Makes links to the blobs in a folder of the library.
    pub(crate) fn lay_out(&self, dir: &Path, files: &[ManifestFile]) -> Result<()> {
        lay_out(&self.root, dir, files)
    }

    /// Blocks. Removes a folder of the library.
    pub(crate) fn discard(&self, dir: &Path) -> Result<()> {
        remove_folder(dir)
    }

    /// Removes a model and the blobs that no other model uses; whether it was there. Where a pull goes on, which may need
    /// them, the blobs stay for a later sweep.
    pub(crate) async fn remove(&self, name: &str) -> Result<bool> {
        if !is_name(name) {
            return Ok(false);
        }
        let (path, root, owned) = (self.manifest_path(name), self.root.clone(), name.to_owned());
        let removed = blocking(move || {
            let Some(manifest) = read_manifest(&path)? else { return Ok(false) };
            store::crash::point("models.manifest.remove.before");
            fs::remove_file(&path).map_err(|e| io_error("remove", &path, &e))?;
            sync_folder(&root.join("manifests"))?;
            store::crash::point("models.manifest.remove.after");
            remove_folder(&root.join("models").join(&owned))?;
            sweep::remove_unused(&root, &manifest.files)?;
            Ok(true)
        });
        let removed = removed.await?;
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(removed)
    }

    /// Blocks until no one else writes the blob, or the work is cancelled. The lock ends when the file is dropped.
    pub(crate) fn lock(&self, key: &str, cancelled: &CancellationToken) -> Result<File> {
        let path = self.root.join("locks").join(key);
        let file = File::create(&path).map_err(|e| io_error("write", &path, &e))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(fs::TryLockError::WouldBlock) if cancelled.is_cancelled() => return Err(stopped()),
                Err(fs::TryLockError::WouldBlock) => std::thread::sleep(std::time::Duration::from_millis(100)),
                Err(fs::TryLockError::Error(e)) => return Err(io_error("lock", &path, &e)),
            }
        }
    }

    /// Blocks. The lock of that key, unless somebody else has it.
    pub(crate) fn try_lock(&self, key: &str) -> Result<Option<File>> {
        let path = self.root.join("locks").join(key);
        let file = File::create(&path).map_err(|e| io_error("write", &path, &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(e)) => Err(io_error("lock", &path, &e)),
        }
    }

    /// Blocks. Whether the blob is in place with that size; its bytes are verified where `verify` is asked for, and a
    /// blob that fails is removed.
    pub(crate) fn has_blob(&self, sha256: &str, verify: Option<&CancellationToken>) -> Result<Option<u64>> {
        let path = self.blob(sha256);
        let Ok(facts) = fs::metadata(&path) else { return Ok(None) };
        if let Some(cancelled) = verify
            && hash_file(&path, cancelled)? != sha256
        {
            tracing::warn!(blob = %path.display(), "a damaged file was removed from the library");
            fs::remove_file(&path).map_err(|e| io_error("remove", &path, &e))?;
            return Ok(None);
        }
        Ok(Some(facts.len()))
    }

    /// Blocks. Puts a complete, verified partial file in place as a blob.
    pub(crate) fn adopt(&self, partial: &Path, sha256: &str) -> Result<()> {
        let file = File::open(partial).map_err(|e| io_error("read", partial, &e))?;
        file.sync_all().map_err(|e| io_error("write", partial, &e))?;
        put_in_place(partial, &self.blob(sha256))
    }

    /// Blocks. Refuses to begin what the disk has no room for.
    ///
    /// # Errors
    /// Conflict, with the numbers.
    pub(crate) fn check_space(&self, bytes: u64) -> Result<()> {
        let free = free_space(&self.root)?;
        if free < bytes.saturating_add(SPACE_MARGIN) {
            return Err(no_space(&self.root, bytes, free));
        }
        Ok(())
    }

    fn blob(&self, sha256: &str) -> PathBuf {
        blob_path(&self.root, sha256)
    }

    fn manifest_path(&self, name: &str) -> PathBuf {
        self.root.join("manifests").join(format!("{name}.json"))
    }

    fn with_failures(&self, mut manifest: Manifest) -> Manifest {
        let broken = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        manifest.broken = broken.get(&manifest.name).cloned();
        manifest
    }
}

/// Whether a text can be the name of a model: it is also a file name.
pub(crate) fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    (1..=128).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(allowed)
}

/// Blocks. The SHA-256 of a file in lower-case hexadecimal.
pub(crate) fn hash_file(path: &Path, cancelled: &CancellationToken) -> Result<String> {
    let mut file = File::open(path).map_err(|e| io_error("read", path, &e))?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; CHUNK]);
    loop {
        if cancelled.is_cancelled() {
            return Err(stopped());
        }
        match file.read(&mut buffer).map_err(|e| io_error("read", path, &e))? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}

/// Blocks. Copies everything of `reader` to the end of `writer`, adding to the digest; more than `limit` bytes fail.
pub(crate) fn copy_hashed(
    reader: &mut dyn std::io::Read,
    writer: &mut File,
    digest: &mut Sha256,
    limit: u64,
    mut moved: impl FnMut(u64) -> Result<()>,
) -> Result<u64> {
    let (mut total, mut buffer) = (0_u64, vec![0; CHUNK]);
    loop {
        let count = reader.read(&mut buffer).map_err(|e| Error::invalid(format!("The source cannot be read: {e}.")))?;
        if count == 0 {
            return Ok(total);
        }
        total += count as u64;
        if total > limit {
            return Err(Error::invalid(format!("The source holds more than the {limit} bytes that it declares.")));
        }
        digest.update(&buffer[..count]);
        writer.write_all(&buffer[..count]).map_err(|e| io_error("write", Path::new("the model library"), &e))?;
        moved(count as u64)?;
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The error of work that was told to stop.
pub(crate) fn stopped() -> Error {
    Error::unavailable("The pull was stopped.")
}

/// The error of a file operation.
pub(crate) fn io_error(verb: &str, path: &Path, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::StorageFull || error.kind() == std::io::ErrorKind::QuotaExceeded {
        return Error::conflict(format!("The disk is full: cannot {verb} `{}`.", path.display()))
            .with_hint("Free some space, or choose another `models_dir`, and pull again.");
    }
    Error::unavailable(format!("Cannot {verb} `{}`: {error}.", path.display()))
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn not_writable(root: &Path, error: &std::io::Error) -> Error {
    Error::unavailable(format!("The models directory `{}` cannot be written: {error}.", root.display()))
        .with_hint("Set `models_dir` (CRATON_MODELS_DIR) to a folder that this user can write.")
}

fn no_space(root: &Path, bytes: u64, free: u64) -> Error {
    let (needs, has) = (bytes.div_ceil(1 << 20), free >> 20);
    Error::conflict(format!("`{}` has {has} MiB free and {needs} MiB are needed.", root.display()))
        .with_hint("Free some space, or choose another `models_dir`.")
}

fn free_space(root: &Path) -> Result<u64> {
    let facts = rustix::fs::statvfs(root).map_err(|e| io_error("measure", root, &e.into()))?;
    Ok(facts.f_bavail.saturating_mul(facts.f_frsize))
}

fn blob_path(root: &Path, sha256: &str) -> PathBuf {
    root.join("blobs").join(format!("sha256-{sha256}"))
}

fn read_manifest(path: &Path) -> Result<Option<Manifest>> {
    match fs::read(path) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|e| {
            Error::unavailable(format!("The manifest `{}` is damaged: {e}.", path.display()))
                .with_hint("Remove the file and pull the model again; what is downloaded is found again.")
        }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(io_error("read", path, &e)),
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Renames a complete file into place and waits until the folder is on disk.
fn put_in_place(from: &Path, to: &Path) -> Result<()> {
    store::crash::point("models.rename.before");
    fs::rename(from, to).map_err(|e| io_error("write", to, &e))?;
    if let Some(folder) = to.parent() {
        sync_folder(folder)?;
    }
    store::crash::point("models.rename.after");
    Ok(())
}

fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(|e| io_error("write", folder, &e))
}

/// Makes the folder of links, in place of whatever is there.
fn link(root: &Path, manifest: &Manifest) -> Result<ModelFiles> {
    let dir = root.join("models").join(&manifest.name);
    for file in &manifest.files {
        let blob = blob_path(root, &file.sha256);
        let bytes = fs::metadata(&blob).map(|facts| facts.len()).unwrap_or(0);
        if bytes != file.bytes {
            let (name, path) = (&manifest.name, blob.display());
            return Err(Error::damaged(format!(
                "The model `{name}` cannot be loaded: model file `{path}`: it has {bytes} of {} bytes.",
                file.bytes
            ))
            .with_hint(manifest.again()));
        }
    }
    lay_out(root, &dir, &manifest.files)?;
    remove_others(&dir, &dir, &manifest.files)?;
    check_inside(&manifest.main)?;
    Ok(ModelFiles { main: dir.join(&manifest.main), dir })
}

/// Makes links to the blobs in a folder below the root.
fn lay_out(root: &Path, dir: &Path, files: &[ManifestFile]) -> Result<()> {
    for file in files {
        check_inside(&file.name)?;
        let link = dir.join(&file.name);
        let folder = link.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(|e| io_error("write", folder, &e))?;
        // Relative, so that the library can be moved: one `..` for every folder between the link and the root.
        let depth = link.components().count() - root.components().count() - 1;
        let target: PathBuf = std::iter::repeat_n("..", depth).collect();
        point_at(&link, &target.join("blobs").join(format!("sha256-{}", file.sha256)))?;
    }
    Ok(())
}

/// Refuses names that lead out of the model's folder.
fn check_inside(name: &str) -> Result<()> {
    let mut parts = Path::new(name).components().peekable();
    if parts.peek().is_none() || !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(Error::invalid(format!("`{name}` is no name of a model's file.")));
    }
    Ok(())
}

/// Removes what an earlier version of the model had and this one has not.
fn remove_others(dir: &Path, folder: &Path, files: &[ManifestFile]) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io_error("read", folder, &e)),
    };
    for entry in entries {
        let path = entry.map_err(|e| io_error("read", folder, &e))?.path();
        let facts = fs::symlink_metadata(&path).map_err(|e| io_error("read", &path, &e))?;
        if facts.is_dir() {
            remove_others(dir, &path, files)?;
        } else if !files.iter().any(|file| dir.join(&file.name) == path) {
            ignoring_absence(fs::remove_file(&path)).map_err(|e| io_error("remove", &path, &e))?;
        }
    }
    Ok(())
}

fn ignoring_absence(outcome: std::io::Result<()>) -> std::io::Result<()> {
    outcome.or_else(|e| if e.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(e) })
}

fn point_at(link: &Path, target: &Path) -> Result<()> {
    if fs::read_link(link).is_ok_and(|current| current == target) {
        return Ok(());
    }
    let fresh = link.with_extension(format!("new-{}", std::process::id()));
    let _ = fs::remove_file(&fresh);
    std::os::unix::fs::symlink(target, &fresh)
        .and_then(|()| fs::rename(&fresh, link))
        .map_err(|e| io_error("write", link, &e))
}

fn remove_folder(folder: &Path) -> Result<()> {
    ignoring_absence(fs::remove_dir_all(folder)).map_err(|e| io_error("remove", folder, &e))
}
