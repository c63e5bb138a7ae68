//! The program that `tests/crash.rs` kills: adds a note, makes a backup, and restores it into a new data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup::{Backups, KeyPlace, NewBackup, Setup, Target, restore};
use base::{Error, Result, SystemClock, SystemRandom};
use futures::StreamExt as _;
use identity::{Defaults, Identity, JobOwner, RootCredentials, RootKey};
use jobs::Jobs;
use store::{DataDir, Migration, Module, Store, params};

const NOTES: &[Migration] = &[Migration::same(1, "notes", "CREATE TABLE notes (id BIGINT PRIMARY KEY)")];

#[tokio::main]
async fn main() -> Result<()> {
    let dir = PathBuf::from(std::env::args_os().nth(1).ok_or_else(|| Error::invalid("no directory given"))?);
    let data = DataDir::lock(&dir.join("data"))?;
    let store = Store::open_sqlite(&data.database()).await?;
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let root_key = RootKey::load_or_create(data.path().join("root.key"))?;
    let defaults = Defaults { region: "us-east-1".parse()? };
    let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
    let admin = identity.first_start(RootCredentials::default()).await?;
    let jobs = Jobs::open(store.clone(), clock.clone(), random).await?;
    store.migrate("notes", NOTES).await?;
    let notes = add_note(&store).await?;
    std::fs::write(dir.join(format!("acknowledged-{notes}")), "").map_err(Error::internal)?;

    let backups = Backups::open(Setup {
        store: store.clone(),
        identity: identity.clone(),
        jobs: jobs.clone(),
        clock,
        parts: Vec::new(),
        root_key: KeyPlace::Included,
        data_dir: data.path().to_owned(),
        version: "1.2.3",
    });
    let owner = JobOwner {
        account: admin.account.clone(),
        region: "us-east-1".parse()?,
        principal_arn: format!("arn:aws:iam::{}:user/admin", admin.account),
    };
    let ctx = identity.job_ctx(&owner).await?;
    let running = jobs.start(1);
    // Taken up first: what a death left unfinished.
    for job in jobs.list(&admin.account, &base::PageRequest { limit: 100, after: None }).await?.items {
        jobs.watch(&admin.account, &job.id).for_each(|_| async {}).await;
    }
    let path = dir.join(format!("backup-{notes}"));
    let job = backups.create(&ctx, NewBackup { path: path.clone(), with_keys: true }).await?;
    jobs.watch(&admin.account, &job.id).for_each(|_| async {}).await;
    running.stop().await;
    restored(&path, &dir.join(format!("restored-{notes}"))).await?;
    store.close().await;
    Ok(())
}

async fn add_note(store: &Store) -> Result<i64> {
    store
        .write(|tx| async move {
            let sql = "SELECT COUNT(*) + 1 AS n FROM notes";
            let id = tx.fetch_one(sql, params![]).await?.int("n")?;
            tx.execute("INSERT INTO notes (id) VALUES ($1)", params![id]).await?;
            Ok(id)
        })
        .await
}

async fn restored(from: &Path, to: &Path) -> Result<()> {
    let modules = [identity::MODULES, &[jobs::TABLES, Module { name: "notes", migrations: NOTES }]].concat();
    restore(from, &Target { data_dir: to.to_owned(), database_url: None, modules: &modules }).await.map(drop)
}
