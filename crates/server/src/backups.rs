//! What a deployment's backups are made of, and the commands on them that need no server.

use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use backup::{Backups, Finish, Folder, KeyPlace, Manifest, Part, Setup, Target};
use base::Clock;
use cli::{BackupFacts, RestoreArgs};
use futures::future::BoxFuture;
use identity::Identity;
use jobs::Jobs;
use knowledge::Knowledge;
use models::Models;
use objects::Objects;
use store::{DataDir, Store};

use crate::settings::{RestorePlace, RootKeySource, Settings};
use crate::tables;
use crate::wiring::{IMPORTED, INDEXES, OBJECTS};

/// The root key's file in a backup and in a restored data directory.
const ROOT_KEY: &str = "root.key";
/// The folder of whole blobs in that of the objects.
const BLOBS: &str = "blobs";
/// The folder in the data folder for the copies of search indexes while a backup is made.
const INDEX_COPIES: &str = "knowledge-copies";

/// The deployment's backups.
pub(crate) fn open(
    settings: &Settings,
    data: &DataDir,
    (store, identity, jobs, objects, models, knowledge): (&Store, &Identity, &Jobs, &Objects, &Models, &Knowledge),
    clock: &Arc<dyn Clock>,
) -> Backups {
    let root_key = match &settings.root_key {
        RootKeySource::File(_) => KeyPlace::Included,
        RootKeySource::Passphrase(_) | RootKeySource::PassphraseFile(_) => KeyPlace::Passphrase,
        RootKeySource::Command(_) => KeyPlace::Command,
    };
    Backups::open(Setup {
        store: store.clone(),
        identity: identity.clone(),
        jobs: jobs.clone(),
        clock: clock.clone(),
        parts: vec![
            Arc::new(Keys { data: data.path().to_owned(), root_key: settings.root_key.clone() }),
            Arc::new(Blobs(objects.clone())),
            Arc::new(Imported(models.clone())),
            Arc::new(Indexes { knowledge: knowledge.clone(), data: data.path().to_owned() }),
        ],
        root_key,
        data_dir: data.path().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
    })
}

/// What a data folder keeps in files of its own: the root key, the accounts' kept credentials, the port's certificate.
struct Keys {
    data: PathBuf,
    root_key: RootKeySource,
}

impl Part for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn hold(&self) -> BoxFuture<'_, base::Result<Box<dyn Any + Send>>> {
        // Its files are replaced by renames, and never removed.
        Box::pin(async { Ok(Box::new(()) as Box<dyn Any + Send>) })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, base::Result<()>> {
        Box::pin(async {
            if let RootKeySource::File(path) = &self.root_key {
                into.copy(path.clone(), ROOT_KEY).await?;
            }
            for folder in ["credentials", "tls"] {
                into.copy_all(self.data.join(folder), folder).await?;
            }
            Ok(())
        })
    }

    fn is_secret(&self) -> bool {
        true
    }
}

/// The bytes of objects, where they are on this machine. In an object store they stay where they are.
struct Blobs(Objects);

impl Part for Blobs {
    fn name(&self) -> &'static str {
        "objects"
    }

    fn hold(&self) -> BoxFuture<'_, base::Result<Box<dyn Any + Send>>> {
        Box::pin(async { Ok(Box::new(self.0.hold_collection().await) as Box<dyn Any + Send>) })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, base::Result<()>> {
        Box::pin(async {
            match self.0.blob_folder() {
                Some(folder) => into.link_all(folder.join(BLOBS), &format!("{OBJECTS}/{BLOBS}")).await,
                None => Ok(()),
            }
        })
    }
}

/// The files of imported models, encrypted as they are.
struct Imported(Models);

impl Part for Imported {
    fn name(&self) -> &'static str {
        "imported models"
    }

    fn hold(&self) -> BoxFuture<'_, base::Result<Box<dyn Any + Send>>> {
        Box::pin(async { Ok(Box::new(self.0.hold_imported().await) as Box<dyn Any + Send>) })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, base::Result<()>> {
        Box::pin(async {
            for (path, name) in self.0.imported_files().await? {
                into.link(path, &format!("{IMPORTED}/{name}")).await?;
            }
            Ok(())
        })
    }
}

/// The search indexes of knowledge bases, where they are on this machine.
struct Indexes {
    knowledge: Knowledge,
    data: PathBuf,
}

impl Part for Indexes {
    fn name(&self) -> &'static str {
        "search indexes"
    }

    fn hold(&self) -> BoxFuture<'_, base::Result<Box<dyn Any + Send>>> {
        Box::pin(async { Ok(self.knowledge.hold_still().await) })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, base::Result<()>> {
        Box::pin(async {
            // Beside the indexes, so that files are linked rather than copied. What an earlier backup left there goes.
            let copies = self.data.join(INDEX_COPIES);
            remove(&copies)?;
            let saved = async {
                self.knowledge.snapshot(&copies).await?;
                into.link_all(copies.clone(), INDEXES).await
            };
            let saved = saved.await;
            remove(&copies)?;
            saved
        })
    }
}

fn remove(folder: &Path) -> base::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(base::Error::unavailable(format!("`{}` cannot be removed: {error}.", folder.display())))
        }
        _ => Ok(()),
    }
}

/// Compares a backup with its manifest.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn verify(path: &Path) -> Result<BackupFacts> {
    Ok(facts(path, &backup::verify(path)?))
}

/// Makes a data directory of a backup.
///
/// # Errors
/// What kept it from being made; nothing is there then.
pub(crate) fn restore(args: RestoreArgs) -> Result<BackupFacts> {
    let path = args.path.clone();
    let place = RestorePlace::resolve(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.context("cannot start the runtime")?;
    let database_url = place.database_url.as_ref().map(|url| url.reveal().as_str());
    let modules = tables::modules();
    let finish: Finish = |store| Box::pin(async move { objects::forget_deployment(&store).await });
    let target = Target { data_dir: place.data_dir, database_url, modules: &modules, finish };
    let manifest = runtime.block_on(backup::restore(&path, &target))?;
    Ok(facts(&target.data_dir, &manifest))
}

fn facts(path: &Path, manifest: &Manifest) -> BackupFacts {
    let needs = match manifest.root_key {
        KeyPlace::Included => None,
        KeyPlace::LeftOut => {
            Some("its root key was left out: put the key file of its time into the data folder as `root.key`")
        }
        KeyPlace::Passphrase => Some("its root key is made of a passphrase"),
        KeyPlace::Command => Some("its root key is what the server's command prints"),
    };
    BackupFacts {
        path: path.to_owned(),
        craton: manifest.craton.clone(),
        created: manifest.created.clone(),
        files: manifest.files.len(),
        bytes: manifest.bytes(),
        rows: manifest.rows,
        needs,
    }
}
