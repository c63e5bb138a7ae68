//! A data directory made of a backup.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use ::store::crash::point;
use ::store::{Module, Store};
use base::{Error, ErrorKind, Random as _, Result, SystemRandom};
use flate2::read::GzDecoder;
use futures::future::BoxFuture;

use crate::create::sync_folders;
use crate::folder::{blocking, cannot};
use crate::manifest::{Manifest, ROWS};
use crate::verify::verify;

/// The database's file in a data directory.
const DATABASE: &str = "craton.db";

/// Where a backup is restored to.
#[derive(Debug)]
pub struct Target<'a> {
    /// The data directory: absent or empty.
    pub data_dir: PathBuf,
    /// The PostgreSQL database, empty, that gets the rows instead of SQLite in the data directory.
    pub database_url: Option<&'a str>,
    /// The tables of every module of this version.
    pub modules: &'a [Module],
    /// What is done to the restored database at last, before anything is in its place.
    pub finish: Finish,
}

/// Changes a restored database, which is not that of the deployment any more that the backup is of.
pub type Finish = fn(Store) -> BoxFuture<'static, Result<()>>;

/// Verifies the backup in `from` and makes a data directory of it, whole or not at all. Works while no server runs on the
/// target. For the operator of the machine; no request may reach this.
///
/// # Errors
/// As [`verify`]; Conflict, where the target is not empty, or where a newer version of Craton made the backup; Unavailable,
/// where the target cannot be written.
pub async fn restore(from: &Path, target: &Target<'_>) -> Result<Manifest> {
    let folder = from.to_owned();
    let manifest = blocking(move || verify(&folder)).await?;
    check_version(&manifest, target.modules)?;
    let place = target.data_dir.clone();
    let partial = blocking(move || prepare(&place)).await?;
    let made = fill(from, &manifest, target, &partial).await;
    let (place, keep) = (target.data_dir.clone(), made.is_ok());
    let settled = blocking(move || {
        let settled = if keep { settle(&partial, &place) } else { Ok(()) };
        // Settled, there is nothing to remove.
        let _ = fs::remove_dir_all(&partial);
        settled
    })
    .await;
    made?;
    settled?;
    Ok(manifest)
}

/// Whether this version has all the tables of the backup's.
fn check_version(manifest: &Manifest, modules: &[Module]) -> Result<()> {
    let known =
        |name: &str| modules.iter().find(|module| module.name == name).map_or(0, |module| module.migrations.len());
    match manifest.modules.iter().find(|(name, version)| known(name) < usize::try_from(**version).unwrap_or(usize::MAX))
    {
        None => Ok(()),
        Some((name, version)) => Err(Error::new(
            ErrorKind::Conflict,
            format!(
                "The backup was made by Craton {}, which is newer than this one (`{name}` {version}, known here: {}).",
                manifest.craton,
                known(name)
            ),
        )
        .with_hint("Use that version. Nothing was changed.")),
    }
}

/// Looks whether `place` may become the data directory, and makes a folder beside it.
fn prepare(place: &Path) -> Result<PathBuf> {
    let shown = place.display();
    match fs::read_dir(place) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(Error::new(ErrorKind::Conflict, format!("The data directory `{shown}` is not empty."))
                    .with_hint("A backup is restored into an empty directory only; name another with `--data-dir`."));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(cannot("read", place, &error)),
    }
    let place = std::path::absolute(place).map_err(|error| cannot("find", place, &error))?;
    let (Some(around), Some(name)) = (place.parent(), place.file_name()) else {
        return Err(Error::invalid(format!("`{shown}` cannot be a data directory.")));
    };
    fs::create_dir_all(around).map_err(|error| cannot("make", around, &error))?;
    let partial =
        around.join(format!(".{}.restoring-{:08x}", name.to_string_lossy(), SystemRandom.next_u64() & 0xffff_ffff));
    DirBuilder::new().mode(0o700).create(&partial).map_err(|error| cannot("make", &partial, &error))?;
    Ok(partial)
}

/// The files first: a database elsewhere is filled only when all else is in its place.
async fn fill(from: &Path, manifest: &Manifest, target: &Target<'_>, partial: &Path) -> Result<()> {
    let (source, place, files) = (from.to_owned(), partial.to_owned(), manifest.files.clone());
    blocking(move || {
        for file in files.iter().filter(|file| file.path != ROWS) {
            point("backup.restore.file");
            copy(&source.join(&file.path), &place.join(&file.path))?;
        }
        Ok(())
    })
    .await?;
    let store = match target.database_url {
        Some(url) => Store::open_postgres(url).await?,
        None => Store::open_sqlite(&partial.join(DATABASE)).await?,
    };
    let filled = rows(from, manifest, target, &store).await;
    store.close().await;
    filled?;
    let partial = partial.to_owned();
    blocking(move || sync_folders(&partial)).await
}

/// Makes the tables as they were, and fills them.
async fn rows(from: &Path, manifest: &Manifest, target: &Target<'_>, store: &Store) -> Result<()> {
    if !store.is_empty().await? {
        return Err(Error::new(ErrorKind::Conflict, "The database that the rows are to be restored to is not empty.")
            .with_hint("Make a new one and name it with `--database-url`."));
    }
    for module in target.modules {
        let steps = manifest.modules.get(module.name).map_or(0, |steps| usize::try_from(*steps).unwrap_or(0));
        if steps > 0 {
            store.migrate(module.name, &module.migrations[..steps]).await?;
        }
    }
    let path = from.join(ROWS);
    let file = File::open(&path).map_err(|error| cannot("read", &path, &error))?;
    let loaded = store.load(BufReader::new(GzDecoder::new(BufReader::new(file))).lines()).await?;
    if loaded != manifest.rows {
        return Err(Error::damaged(format!("The backup has {loaded} rows and says that it has {}.", manifest.rows)));
    }
    (target.finish)(store.clone()).await
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| cannot("make", folder, &error))?;
    }
    let mut source = File::open(from).map_err(|error| cannot("read", from, &error))?;
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to);
    let mut file = file.map_err(|error| cannot("write", to, &error))?;
    io::copy(&mut source, &mut file).map_err(|error| cannot("write", to, &error))?;
    file.sync_all().map_err(|error| cannot("write", to, &error))
}

/// Puts the filled folder in its place, which is absent or an empty folder.
fn settle(partial: &Path, place: &Path) -> Result<()> {
    point("backup.restore.rename.before");
    fs::rename(partial, place).map_err(|error| match error.kind() {
        io::ErrorKind::DirectoryNotEmpty => {
            Error::new(ErrorKind::Conflict, format!("The data directory `{}` is not empty any more.", place.display()))
                .with_hint("Something used it while the backup was restored; name another with `--data-dir`.")
        }
        _ => cannot("make", place, &error),
    })?;
    point("backup.restore.rename.after");
    let place = std::path::absolute(place).map_err(|error| cannot("find", place, &error))?;
    let around = place.parent().unwrap_or(Path::new("/"));
    File::open(around).and_then(|folder| folder.sync_all()).map_err(|error| cannot("write", around, &error))
}
