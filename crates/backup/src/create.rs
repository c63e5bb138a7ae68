//! Making a backup: a job.

use std::any::Any;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::store::crash::point;
use ::store::{Dumped, Store};
use base::{Clock, Error, ErrorKind, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::future::BoxFuture;
use identity::{Access, Ask, Ctx, Identity, JobOwner};
use jobs::{Handler, Job, JobContext, Jobs, NewJob, Owner};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::Part;
use crate::folder::{Folder, blocking, cancelled, cannot, hex};
use crate::manifest::{FORMAT, KeyPlace, MANIFEST, Manifest, ROWS, SUMS};

const JOB_KIND: &str = "backup";
/// Chunks of rows that wait to be compressed.
const WAITING: usize = 8;

/// What backups are made of.
pub struct Setup {
    /// The database.
    pub store: Store,
    /// Who may ask.
    pub identity: Identity,
    /// Durable work.
    pub jobs: Jobs,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Everything but the rows.
    pub parts: Vec<Arc<dyn Part>>,
    /// Where the root key is.
    pub root_key: KeyPlace,
    /// The data directory, which no backup may lie in.
    pub data_dir: PathBuf,
    /// Craton's version.
    pub version: &'static str,
}

/// Makes backups of a deployment. Cheap to clone.
#[derive(Clone)]
pub struct Backups(Arc<Setup>);

/// A backup to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBackup {
    /// The folder that it becomes: absolute, on the server's machine, not there yet.
    pub path: PathBuf,
    /// Whether the root key, kept credentials and the port's certificate are in it.
    pub with_keys: bool,
}

/// A backup's job, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Input {
    path: PathBuf,
    with_keys: bool,
}

impl Backups {
    /// Registers the job kind `backup` with the jobs.
    #[must_use]
    pub fn open(setup: Setup) -> Self {
        let backups = Self(Arc::new(setup));
        backups.0.jobs.register(JOB_KIND, Arc::new(backups.clone()));
        backups
    }

    /// Starts to make a backup. The job's progress counts bytes; its output is `{"path": …, "files": …, "bytes": …}`. A
    /// backup that the server's end breaks off fails and leaves nothing.
    ///
    /// # Errors
    /// Denied, where the caller's account is not the management account; Invalid, where the path is not absolute, lies in
    /// the data directory or its folder is not there; AlreadyExists, where something is there.
    pub async fn create(&self, ctx: &Ctx, new: NewBackup) -> Result<Job> {
        self.0.identity.require_management(ctx).await.map_err(only_management)?;
        let input = Input { path: self.check(new.path).await?, with_keys: new.with_keys };
        let owner = Owner {
            account: ctx.account().clone(),
            region: ctx.region().clone(),
            principal_arn: ctx.principal().arn(),
            principal_id: Some(ctx.principal().user_id()),
        };
        let dedup_key = Some(input.path.display().to_string());
        let input = serde_json::to_value(input).map_err(Error::internal)?;
        self.0.jobs.submit(NewJob { kind: JOB_KIND, owner, input, dedup_key, max_attempts: 1, run_at: None }).await
    }

    /// The path, if a backup may be made there.
    async fn check(&self, path: PathBuf) -> Result<PathBuf> {
        let data_dir = self.0.data_dir.clone();
        blocking(move || {
            let shown = path.display();
            let (Some(folder), Some(name), true) = (path.parent(), path.file_name(), path.is_absolute()) else {
                return Err(Error::invalid(format!("`{shown}` is not an absolute path."))
                    .with_hint("Name the folder that the backup becomes, from `/` on."));
            };
            let folder = folder.canonicalize().map_err(|error| {
                Error::invalid(format!("There is no folder for `{shown}`: {error}."))
                    .with_hint("The folder around the backup must be there, on the server's machine.")
            })?;
            let path = folder.join(name);
            if data_dir.canonicalize().is_ok_and(|data_dir| path.starts_with(data_dir)) {
                return Err(Error::invalid(format!("`{shown}` lies in the data directory.")).with_hint(
                    "A backup there is lost with what it is of. Name another place, on another disk at best.",
                ));
            }
            if path.symlink_metadata().is_ok() {
                return Err(Error::already_exists(format!("`{shown}` is there already.")));
            }
            Ok(path)
        })
        .await
    }

    async fn work(&self, job: JobContext) -> Result<Value> {
        let input: Input = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
        let owner = job.owner();
        let owner = JobOwner {
            account: owner.account.clone(),
            region: owner.region.clone(),
            principal_arn: owner.principal_arn.clone(),
            principal_id: owner.principal_id.clone(),
        };
        let ctx = self.0.identity.job_ctx(&owner).await?;
        self.0.identity.require_management(&ctx).await.map_err(only_management)?;
        // The job may have waited: the right may be gone since.
        let backups = format!("arn:aws:craton:{}:{}:backup/*", ctx.region(), ctx.account());
        self.0.identity.permit(&ctx, &Ask::new("craton:CreateBackup", backups), Access::Write).await?;
        let partial = partial(&input.path);
        remove(partial.clone()).await?;
        // Its own row is among those that are copied: without this a restored deployment would make the backup again.
        if job.checkpoint().is_some() {
            return Err(Error::new(ErrorKind::Conflict, "The server ended while the backup was made.")
                .with_hint("Start it again."));
        }
        job.save_checkpoint(json!({ "begun": true })).await?;
        let made = self.make(&input, partial.clone(), job).await;
        if made.is_err() {
            remove(partial).await?;
        }
        // Each backup is of its own moment: none goes on where another attempt failed.
        let (files, bytes) = made.map_err(|error| Error { kind: ErrorKind::Conflict, ..error })?;
        Ok(json!({ "path": input.path, "files": files, "bytes": bytes }))
    }

    /// Fills a folder beside the backup's, which takes its name when it is whole.
    async fn make(&self, input: &Input, partial: PathBuf, job: JobContext) -> Result<(usize, u64)> {
        let parts: Vec<&Arc<dyn Part>> =
            self.0.parts.iter().filter(|part| input.with_keys || !part.is_secret()).collect();
        let folder = Folder::make(partial, Some(job))?;
        let mut held: Vec<Box<dyn Any + Send>> = Vec::new();
        for part in &parts {
            held.push(part.hold().await?);
        }
        let created = self.0.clock.now().to_iso8601();
        let dumped = self.rows(&folder).await?;
        for part in &parts {
            part.save(&folder).await?;
        }
        drop(held);
        let root_key = match self.0.root_key {
            KeyPlace::Included if !input.with_keys => KeyPlace::LeftOut,
            place => place,
        };
        let files = folder.files();
        let manifest = Manifest {
            format: FORMAT,
            craton: self.0.version.to_owned(),
            created,
            modules: dumped.modules.into_iter().collect(),
            rows: dumped.rows,
            root_key,
            files,
        };
        let totals = (manifest.files.len(), manifest.bytes());
        let path = input.path.clone();
        blocking(move || finish(&folder, &manifest, &path)).await?;
        Ok(totals)
    }

    /// Reads the rows in one snapshot, and compresses them on another thread.
    async fn rows(&self, folder: &Folder) -> Result<Dumped> {
        folder.tell("the database").await;
        let mut file = GzEncoder::new(folder.create(ROWS)?, Compression::fast());
        let (send, mut receive) = tokio::sync::mpsc::channel::<Vec<u8>>(WAITING);
        let path = folder.root().join(ROWS);
        let writing = tokio::task::spawn_blocking(move || {
            while let Some(chunk) = receive.blocking_recv() {
                file.write_all(&chunk).map_err(|error| cannot("write", &path, &error))?;
            }
            file.finish().map_err(|error| cannot("write", &path, &error))?.finish()
        });
        let dumped = tokio::select! {
            dumped = self.0.store.dump(send) => dumped,
            () = folder.cancelled().cancelled() => Err(cancelled()),
        };
        let written = writing.await.map_err(Error::internal)?;
        // Where writing failed, the dump only knows that nobody took it.
        written?;
        dumped
    }
}

impl Handler for Backups {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(self.work(job))
    }
}

fn only_management(error: Error) -> Error {
    match error.kind {
        ErrorKind::Denied => {
            error.with_hint("A backup holds all accounts. Only the deployment's first account makes one.")
        }
        _ => error,
    }
}

/// The folder that a backup is filled in.
fn partial(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.craton-partial"))
}

async fn remove(folder: PathBuf) -> Result<()> {
    blocking(move || match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(cannot("remove", &folder, &error)),
        _ => Ok(()),
    })
    .await
}

/// Writes the manifest and the sums, and gives the folder its name.
fn finish(folder: &Folder, manifest: &Manifest, path: &Path) -> Result<()> {
    let text = serde_json::to_vec_pretty(manifest).map_err(Error::internal)?;
    let mut sums = format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text)));
    for file in &manifest.files {
        sums.push_str(&format!("{}  {}\n", file.sha256, file.path));
    }
    for (name, text) in [(MANIFEST, text.as_slice()), (SUMS, sums.as_bytes())] {
        let mut file = folder.create(name)?;
        file.write_all(text).map_err(|error| cannot("write", &folder.root().join(name), &error))?;
        file.finish()?;
    }
    if folder.cancelled().is_cancelled() {
        return Err(cancelled());
    }
    sync_folders(folder.root())?;
    if path.symlink_metadata().is_ok() {
        return Err(Error::already_exists(format!("`{}` appeared while the backup was made.", path.display())));
    }
    point("backup.rename.before");
    fs::rename(folder.root(), path).map_err(|error| cannot("make", path, &error))?;
    point("backup.rename.after");
    let around = path.parent().unwrap_or(Path::new("/"));
    File::open(around).and_then(|folder| folder.sync_all()).map_err(|error| cannot("write", around, &error))
}

/// Waits until the names in `folder` and below are on disk.
pub(crate) fn sync_folders(folder: &Path) -> Result<()> {
    let failed = |error: std::io::Error| cannot("write", folder, &error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}
