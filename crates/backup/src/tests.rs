use std::any::Any;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};

use ::store::testing::each_backend;
use ::store::{Migration, Module, Store, params};
use base::{Error, ErrorKind, Result, SystemClock, SystemRandom};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use identity::{Ctx, Defaults, Identity, JobOwner, RootCredentials, RootKey};
use jobs::{Job, JobId, Jobs, State};
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::*;

const NOTES: &[Migration] = &[Migration::same(
    1,
    "notes",
    "CREATE TABLE notes (id TEXT PRIMARY KEY, body BYTEA, made BIGINT, ready BOOLEAN, share DOUBLE PRECISION)",
)];
/// Every module's tables, those of the notes last.
static MODULES: LazyLock<Vec<Module>> =
    LazyLock::new(|| [identity::MODULES, &[jobs::TABLES, Module { name: "notes", migrations: NOTES }]].concat());

/// Files that never change, and waits that a test opens.
struct Blobs {
    data: PathBuf,
    held: Arc<AtomicUsize>,
    /// Saving takes one permit.
    open: Arc<Semaphore>,
    saving: Arc<Semaphore>,
}

struct Hold(Arc<AtomicUsize>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Part for Blobs {
    fn name(&self) -> &'static str {
        "blobs"
    }

    fn hold(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>>> {
        Box::pin(async {
            self.held.fetch_add(1, Ordering::SeqCst);
            Ok(Box::new(Hold(Arc::clone(&self.held))) as Box<dyn Any + Send>)
        })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, Result<()>> {
        Box::pin(async {
            assert_eq!(self.held.load(Ordering::SeqCst), 1, "held while saving");
            self.saving.add_permits(1);
            self.open.acquire().await.map_err(Error::internal)?.forget();
            into.link_all(self.data.join("blobs"), "blobs").await
        })
    }
}

/// The key file.
struct Key(PathBuf);

impl Part for Key {
    fn name(&self) -> &'static str {
        "key"
    }

    fn hold(&self) -> BoxFuture<'_, Result<Box<dyn Any + Send>>> {
        Box::pin(async { Ok(Box::new(()) as Box<dyn Any + Send>) })
    }

    fn save<'a>(&'a self, into: &'a Folder) -> BoxFuture<'a, Result<()>> {
        Box::pin(into.copy(self.0.clone(), "root.key"))
    }

    fn is_secret(&self) -> bool {
        true
    }
}

struct Deployment {
    dir: TempDir,
    store: Store,
    identity: Identity,
    jobs: Jobs,
    backups: Backups,
    ctx: Ctx,
    secret: String,
    key_id: String,
    held: Arc<AtomicUsize>,
    open: Arc<Semaphore>,
    saving: Arc<Semaphore>,
}

async fn open_identity(store: &Store, key: PathBuf) -> Result<Identity> {
    let defaults = Defaults { region: "us-east-1".parse()? };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    Identity::open(store.clone(), RootKey::load_or_create(key)?, clock, random, defaults).await
}

impl Deployment {
    async fn start(store: &Store) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir_all(data.join("blobs/ab")).unwrap();
        let identity = open_identity(store, data.join("root.key")).await.unwrap();
        let admin = identity.first_start(RootCredentials::default()).await.unwrap();
        let jobs = Jobs::open(store.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
        store.migrate("notes", NOTES).await.unwrap();
        let (held, open, saving) =
            (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let blobs =
            Blobs { data: data.clone(), held: Arc::clone(&held), open: Arc::clone(&open), saving: Arc::clone(&saving) };
        let backups = Backups::open(Setup {
            store: store.clone(),
            identity: identity.clone(),
            jobs: jobs.clone(),
            clock: Arc::new(SystemClock),
            parts: vec![Arc::new(blobs), Arc::new(Key(data.join("root.key")))],
            root_key: KeyPlace::Included,
            data_dir: data,
            version: "1.2.3",
        });
        let owner = JobOwner {
            account: admin.account.clone(),
            region: "us-east-1".parse().unwrap(),
            principal_arn: format!("arn:aws:iam::{}:root", admin.account),
            principal_id: None,
        };
        let ctx = identity.job_ctx(&owner).await.unwrap();
        let (secret, key_id) = (admin.secret.reveal().clone(), admin.access_key_id);
        Self { dir, store: store.clone(), identity, jobs, backups, ctx, secret, key_id, held, open, saving }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn blob(&self, name: &str) {
        fs::write(self.path("data/blobs/ab").join(name), format!("the blob {name}")).unwrap();
    }

    async fn note(&self, id: &str) {
        let sql = "INSERT INTO notes (id, body, made, ready, share) VALUES ($1, $2, 17, TRUE, 0.1)";
        self.store.write(|tx| async move { tx.execute(sql, params![id, vec![0_u8, 255]]).await }).await.unwrap();
    }

    async fn create(&self, name: &str, with_keys: bool) -> Result<Job> {
        self.backups.create(&self.ctx, NewBackup { path: self.path(name), with_keys }).await
    }

    /// The job's end.
    async fn ended(&self, id: &JobId) -> Job {
        self.jobs.watch(self.ctx.account(), id).for_each(|_| async {}).await;
        self.jobs.get(self.ctx.account(), id).await.unwrap()
    }

    /// A backup that is made at once.
    async fn made(&self, name: &str, with_keys: bool) -> PathBuf {
        let running = self.jobs.start(1);
        self.open.add_permits(1);
        let job = self.create(name, with_keys).await.unwrap();
        let job = self.ended(&job.id).await;
        assert_eq!(job.state, State::Succeeded, "{job:?}");
        running.stop().await;
        self.path(name)
    }
}

fn unchanged(_: Store) -> BoxFuture<'static, Result<()>> {
    Box::pin(async { Ok(()) })
}

fn target(data_dir: PathBuf) -> Target<'static> {
    Target { data_dir, database_url: None, modules: &MODULES, finish: unchanged }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_backup_has_what_was_there_when_it_was_asked_for_and_restores_to_a_deployment_that_works() {
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        for name in ["one", "two"] {
            d.note(name).await;
            d.blob(name);
        }
        let running = d.jobs.start(1);
        let job = d.create("backup", true).await.unwrap();
        // The rows were read; others write on, and nothing may be removed.
        d.saving.acquire().await.unwrap().forget();
        d.note("three").await;
        d.blob("three");
        d.open.add_permits(1);
        let job = d.ended(&job.id).await;
        assert_eq!(job.state, State::Succeeded, "{job:?}");
        assert_eq!(d.held.load(Ordering::SeqCst), 0, "no longer held");
        running.stop().await;
        let backup = d.path("backup");
        let output = job.output.unwrap();
        assert_eq!((output["path"].as_str(), output["files"].as_u64()), (backup.to_str(), Some(5)));

        let manifest = verify(&backup).unwrap();
        assert_eq!((manifest.craton.as_str(), manifest.root_key), ("1.2.3", KeyPlace::Included));
        let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(paths, ["blobs/ab/one", "blobs/ab/three", "blobs/ab/two", "database.jsonl.gz", "root.key"]);
        let mode = |path: &str| fs::metadata(backup.join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(""), mode("root.key"), mode("database.jsonl.gz")), (0o700, 0o600, 0o600));
        let file = |path: PathBuf| fs::metadata(path).unwrap().ino();
        assert_eq!(file(backup.join("blobs/ab/one")), file(d.path("data/blobs/ab/one")), "the same file twice");
        assert_ne!(file(backup.join("root.key")), file(d.path("data/root.key")));
        assert_eq!(names(d.dir.path()), ["backup", "data"], "nothing else is left");

        let data = d.path("deep/restored");
        let restored = restore(&backup, &target(data.clone())).await.unwrap();
        assert_eq!(restored, manifest);
        assert_eq!(names(&data), ["blobs", "craton.db", "root.key"]);
        assert_eq!(names(&d.path("deep")), ["restored"]);
        assert_eq!(fs::read_to_string(data.join("blobs/ab/two")).unwrap(), "the blob two");
        assert_eq!(fs::metadata(data.join("root.key")).unwrap().permissions().mode() & 0o777, 0o600);
        let again = Store::open_sqlite(&data.join("craton.db")).await.unwrap();
        let notes = again
            .read(|tx| async move { tx.fetch_all("SELECT id, share, body FROM notes ORDER BY id", params![]).await })
            .await
            .unwrap();
        let ids: Vec<String> = notes.iter().map(|row| row.text("id").unwrap()).collect();
        assert_eq!(ids, ["one", "two"], "the rows of the moment when it was asked for");
        assert_eq!((notes[0].real("share").unwrap(), notes[0].bytes("body").unwrap()), (0.1, vec![0, 255]));
        let identity = open_identity(&again, data.join("root.key")).await.unwrap();
        let key = identity.signing_key(&d.key_id).await.unwrap().unwrap();
        assert_eq!(key.secret.reveal(), &d.secret);

        // The backup's own job is among the rows, and does not make a backup where it is restored.
        let jobs = Jobs::open(again.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await.unwrap();
        let own = jobs.get(d.ctx.account(), &job.id).await.unwrap();
        assert_eq!(own.state, State::Running);
        again.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_backup_restores_to_postgresql_from_either_database() {
    let backups = std::sync::Mutex::new(Vec::new());
    each_backend(async |store| {
        let d = Deployment::start(&store).await;
        d.note("one").await;
        d.made("backup", true).await;
        backups.lock().unwrap().push(d.dir);
    })
    .await;
    let backups = backups.into_inner().unwrap();
    ::store::testing::each_database(async |database| {
        for dir in &backups {
            if !database.url().starts_with("postgres") {
                continue;
            }
            let data = dir.path().join("restored");
            let url = database.url();
            let target = Target { database_url: Some(&url), ..target(data.clone()) };
            let store = database.open().await.unwrap();
            if !store.is_empty().await.unwrap() {
                let error = restore(&dir.path().join("backup"), &target).await.unwrap_err();
                assert!(error.kind == ErrorKind::Conflict && error.message.contains("not empty"), "{error}");
                assert!(!data.exists());
                continue;
            }
            restore(&dir.path().join("backup"), &target).await.unwrap();
            assert_eq!(names(&data), ["root.key"]);
            open_identity(&store, data.join("root.key")).await.unwrap();
            let notes = "SELECT COUNT(*) AS n FROM notes";
            let notes = store.read(|tx| async move { tx.fetch_one(notes, params![]).await?.int("n") }).await.unwrap();
            assert_eq!(notes, 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_backup_without_keys_holds_none() {
    let (d, _database) = sqlite().await;
    let backup = d.made("backup", false).await;
    assert_eq!(names(&backup), ["SHA256SUMS", "database.jsonl.gz", "manifest.json"]);
    assert_eq!(verify(&backup).unwrap().root_key, KeyPlace::LeftOut);
    restore(&backup, &target(d.path("restored"))).await.unwrap();
    assert_eq!(names(&d.path("restored")), ["craton.db"]);
}

#[tokio::test]
async fn a_cancelled_backup_leaves_nothing() {
    let (d, _database) = sqlite().await;
    d.blob("one");
    let running = d.jobs.start(1);
    let job = d.create("backup", true).await.unwrap();
    d.saving.acquire().await.unwrap().forget();
    d.jobs.cancel(d.ctx.account(), &job.id).await.unwrap();
    d.open.add_permits(1);
    assert_eq!(d.ended(&job.id).await.state, State::Cancelled);
    running.stop().await;
    assert_eq!(names(d.dir.path()), ["data"]);
    assert_eq!(d.held.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_backup_that_the_server_s_end_broke_off_fails_and_leaves_nothing() {
    let (d, database) = sqlite().await;
    let running = d.jobs.start(1);
    let job = d.create("backup", true).await.unwrap();
    d.saving.acquire().await.unwrap().forget();
    // The server stops: the job is put back.
    let stop = running.stop();
    d.open.add_permits(1);
    stop.await;
    // What a kill would have left as well.
    fs::create_dir_all(d.path(".backup.craton-partial/blobs")).unwrap();
    let running = d.jobs.start(1);
    let job = d.ended(&job.id).await;
    running.stop().await;
    assert_eq!(job.state, State::Failed);
    assert!(job.error.unwrap().message.contains("ended while the backup was made"));
    assert_eq!(names(d.dir.path()), ["data"]);
    drop(database);
}

#[tokio::test]
async fn a_backup_whose_files_cannot_be_copied_says_why_and_leaves_nothing() {
    let (d, _database) = sqlite().await;
    fs::remove_dir_all(d.path("data/blobs")).unwrap();
    fs::write(d.path("data/blobs"), "no folder").unwrap();
    let running = d.jobs.start(1);
    d.open.add_permits(1);
    let job = d.create("backup", true).await.unwrap();
    let job = d.ended(&job.id).await;
    running.stop().await;
    assert_eq!(job.state, State::Failed);
    assert!(job.error.unwrap().message.contains("Cannot read `"));
    assert_eq!(names(d.dir.path()), ["data"]);
    assert_eq!(d.held.load(Ordering::SeqCst), 0);
    let full = folder::cannot("write", Path::new("/mnt/b"), &std::io::ErrorKind::StorageFull.into());
    assert!(full.message.starts_with("The disk is full") && full.hint.is_some(), "{full}");
}

#[tokio::test]
async fn places_that_no_backup_can_have_are_refused() {
    let (d, _database) = sqlite().await;
    let create = async |path: PathBuf| {
        let error = d.backups.create(&d.ctx, NewBackup { path, with_keys: true }).await.unwrap_err();
        (error.kind, error.message)
    };
    for (path, kind, told) in [
        ("relative".into(), ErrorKind::Invalid, "not an absolute path"),
        ("/".into(), ErrorKind::Invalid, "not an absolute path"),
        (d.path("absent/backup"), ErrorKind::Invalid, "no folder for"),
        (d.path("data/backup"), ErrorKind::Invalid, "lies in the data directory"),
        (d.path("data/../data/backup"), ErrorKind::Invalid, "lies in the data directory"),
        (d.path("data"), ErrorKind::Invalid, "lies in the data directory"),
    ] {
        let (found, message) = create(path).await;
        assert_eq!(found, kind, "{message}");
        assert!(message.contains(told), "{message}");
    }
    fs::create_dir(d.path("there")).unwrap();
    assert_eq!(create(d.path("there")).await.0, ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn only_the_management_account_makes_backups() {
    let (d, _database) = sqlite().await;
    let other = d.identity.create_account(&d.ctx, None).await.unwrap();
    let owner = JobOwner {
        account: other.account.clone(),
        region: "us-east-1".parse().unwrap(),
        principal_arn: format!("arn:aws:iam::{}:root", other.account),
        principal_id: None,
    };
    let ctx = d.identity.job_ctx(&owner).await.unwrap();
    let error = d.backups.create(&ctx, NewBackup { path: d.path("backup"), with_keys: true }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.hint.unwrap().contains("first account"));
}

#[tokio::test]
async fn every_damage_is_found_and_not_restored() {
    let (d, _database) = sqlite().await;
    d.blob("one");
    let whole = d.made("backup", true).await;
    let damaged = d.path("damaged");
    type Damage = (&'static str, fn(&Path));
    let damages: &[Damage] = &[
        ("`blobs/ab/one` was changed", |path| fs::write(path.join("blobs/ab/one"), "the blob onE").unwrap()),
        ("`blobs/ab/one` has 3 bytes and not 12", |path| fs::write(path.join("blobs/ab/one"), "the").unwrap()),
        ("`root.key` is missing", |path| fs::remove_file(path.join("root.key")).unwrap()),
        ("`blobs/ab/one` is no file", |path| {
            fs::remove_file(path.join("blobs/ab/one")).unwrap();
            fs::create_dir(path.join("blobs/ab/one")).unwrap();
        }),
        ("`blobs/more` does not belong to it", |path| fs::write(path.join("blobs/more"), "x").unwrap()),
        ("`manifest.json` was changed", |path| {
            let text = fs::read_to_string(path.join("manifest.json")).unwrap();
            fs::write(path.join("manifest.json"), text.replace("1.2.3", "1.2.4")).unwrap();
        }),
        ("`SHA256SUMS` is missing", |path| fs::remove_file(path.join("SHA256SUMS")).unwrap()),
        ("`SHA256SUMS` was changed", |path| {
            let text = fs::read_to_string(path.join("SHA256SUMS")).unwrap();
            fs::write(path.join("SHA256SUMS"), text + "x\n").unwrap();
        }),
    ];
    for (told, damage) in damages {
        copy_folder(&whole, &damaged);
        damage(&damaged);
        let error = verify(&damaged).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged, "{error}");
        assert!(error.message.contains(told), "{error}");
        let error = restore(&damaged, &target(d.path("restored"))).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Damaged);
        fs::remove_dir_all(&damaged).unwrap();
    }
    for (name, flip) in [("database.jsonl.gz", 40), ("manifest.json", 5)] {
        copy_folder(&whole, &damaged);
        let mut bytes = fs::read(damaged.join(name)).unwrap();
        bytes[flip] ^= 1;
        fs::write(damaged.join(name), bytes).unwrap();
        assert!(verify(&damaged).is_err(), "{name}");
        fs::remove_dir_all(&damaged).unwrap();
    }
    assert_eq!(verify(&d.path("data")).unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(names(d.dir.path()), ["backup", "data"], "nothing was restored");
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn a_directory_that_is_not_empty_is_never_restored_to() {
    let (d, _database) = sqlite().await;
    let backup = d.made("backup", true).await;
    let place = d.path("place");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("mine"), "kept").unwrap();
    let error = restore(&backup, &target(place.clone())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("is not empty"), "{error}");
    assert_eq!(names(&place), ["mine"]);
    fs::remove_file(place.join("mine")).unwrap();
    restore(&backup, &target(place.clone())).await.unwrap();
    assert_eq!(names(&place), ["craton.db", "root.key"]);
    assert_eq!(names(d.dir.path()), ["backup", "data", "place"]);
}

/// A backup whose manifest and sums were written anew.
fn rewritten(backup: &Path, change: impl Fn(&str) -> String) {
    use sha2::Digest as _;
    let text = change(&fs::read_to_string(backup.join("manifest.json")).unwrap());
    let sums = fs::read_to_string(backup.join("SHA256SUMS")).unwrap();
    let (_, rest) = sums.split_once('\n').unwrap();
    let sum = folder::hex(&sha2::Sha256::digest(&text));
    fs::write(backup.join("SHA256SUMS"), format!("{sum}  manifest.json\n{rest}")).unwrap();
    fs::write(backup.join("manifest.json"), text).unwrap();
}

#[tokio::test]
async fn the_backup_of_another_version_is_refused_by_its_name() {
    let (d, _database) = sqlite().await;
    let backup = d.made("backup", true).await;
    // Of a version before, which had fewer tables: restored as it was.
    let fewer = Target { modules: &MODULES[..MODULES.len() - 1], ..target(d.path("restored")) };
    let error = restore(&backup, &fewer).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("Craton 1.2.3, which is newer") && error.message.contains("`notes` 1"), "{error}");
    rewritten(&backup, |text| text.replace("\"format\": 1", "\"format\": 2"));
    let error = restore(&backup, &target(d.path("restored"))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("Craton 1.2.3 in its layout 2"), "{error}");
    rewritten(&backup, |text| {
        text.replace("\"format\": 2", "\"format\": 1").replace("\"root.key\"", "\"../root.key\"")
    });
    assert!(verify(&backup).unwrap_err().message.contains("outside its folder"));
    assert_eq!(names(d.dir.path()), ["backup", "data"]);
}

#[tokio::test]
async fn a_backup_of_fewer_steps_is_restored_with_the_tables_of_its_time() {
    const MORE: &[Migration] = &[NOTES[0], Migration::same(2, "colour", "ALTER TABLE notes ADD COLUMN colour TEXT")];
    let (d, _database) = sqlite().await;
    d.note("one").await;
    let backup = d.made("backup", true).await;
    let mut modules = MODULES.clone();
    modules.pop();
    modules.push(Module { name: "notes", migrations: MORE });
    let place = Target { modules: &modules, ..target(d.path("restored")) };
    restore(&backup, &place).await.unwrap();
    let store = Store::open_sqlite(&d.path("restored/craton.db")).await.unwrap();
    assert_eq!(store.applied("notes").await.unwrap(), 1);
    // The next start brings them up to date.
    store.migrate("notes", MORE).await.unwrap();
    store.close().await;
}

async fn sqlite() -> (Deployment, ::store::testing::TestDatabase) {
    let database = ::store::testing::TestDatabase::sqlite().unwrap();
    (Deployment::start(&database.open().await.unwrap()).await, database)
}

#[tokio::test]
async fn a_file_that_went_meanwhile_leaves_no_trace_in_the_backup() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::make(dir.path().join("backup"), None).unwrap();
    let (gone, kept) = (dir.path().join("gone"), dir.path().join("kept"));
    assert!(folder.link(gone.clone(), "blobs/a").await.is_err());
    assert!(folder.copy(gone.clone(), "blobs/b").await.is_err());
    assert!(folder.files().is_empty() && names(&dir.path().join("backup/blobs")).is_empty());
    // The name is still free, and what is there is taken whole.
    fs::write(&kept, "bytes").unwrap();
    folder.link(kept, "blobs/a").await.unwrap();
    assert_eq!(folder.files().len(), 1);
    // A folder that is not there has no files.
    folder.link_all(gone.clone(), "none").await.unwrap();
    folder.copy_all(gone, "none").await.unwrap();
    assert_eq!(folder.files().len(), 1);
}
