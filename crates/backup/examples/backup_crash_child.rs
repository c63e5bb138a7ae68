//! The program that `tests/crash.rs` kills: makes a user, makes a backup, and restores it into a new data directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use backup::{Backups, KeyPlace, NewBackup, Setup, Target, restore};
use base::{Error, PageRequest, Result, SystemClock, SystemRandom};
use futures::StreamExt as _;
use identity::{Ctx, Defaults, Identity, JobOwner, NewUser, RootCredentials, RootKey};
use jobs::Jobs;
use store::{DataDir, Store};

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
    let owner = JobOwner {
        account: admin.account.clone(),
        region: "us-east-1".parse()?,
        principal_arn: format!("arn:aws:iam::{}:root", admin.account),
        principal_id: None,
    };
    let ctx = identity.job_ctx(&owner).await?;
    let users = add_user(&identity, &ctx).await?;
    std::fs::write(dir.join(format!("acknowledged-{users}")), "").map_err(Error::internal)?;

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
    let running = jobs.start(1);
    // Taken up first: what a death left unfinished.
    for job in jobs.list(&admin.account, &PageRequest { limit: 100, after: None }).await?.items {
        jobs.watch(&admin.account, &job.id).for_each(|_| async {}).await;
    }
    let path = dir.join(format!("backup-{users}"));
    let job = backups.create(&ctx, NewBackup { path: path.clone(), with_keys: true }).await?;
    jobs.watch(&admin.account, &job.id).for_each(|_| async {}).await;
    running.stop().await;
    restored(&path, &dir.join(format!("restored-{users}"))).await?;
    store.close().await;
    Ok(())
}

/// Makes one more user; how many there are then.
async fn add_user(identity: &Identity, ctx: &Ctx) -> Result<usize> {
    let users = identity.list_users(ctx, "/", &PageRequest { limit: 1000, after: None }).await?.items.len();
    identity.create_user(ctx, NewUser { name: format!("user-{users}"), ..NewUser::default() }).await?;
    Ok(users + 1)
}

async fn restored(from: &Path, to: &Path) -> Result<()> {
    let modules = [identity::MODULES, &[jobs::TABLES]].concat();
    restore(
        from,
        &Target {
            data_dir: to.to_owned(),
            database_url: None,
            modules: &modules,
            finish: |_| Box::pin(async { Ok(()) }),
        },
    )
    .await
    .map(drop)
}
