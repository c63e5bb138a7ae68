//! Kills a program that imports a model at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use base::PageRequest;
use models::at_rest::{Header, SealedModel};
use models::{ImportFilter, ImportStatus};
use store::crash::{CRASH_AT, CRASH_TRACE, Ending, Harness, Workload};

#[path = "support/deployment.rs"]
mod deployment;
#[path = "../../checkpoint/tests/support/samples.rs"]
mod samples;

use deployment::Deployment;
use samples::{Sample, Sizes};

/// Deaths in one life of a folder: an import is tried five times.
const KILLS: usize = 4;
/// Some MiB of weights, so that most writes are of chunks.
const SIZES: Sizes = Sizes { hidden: 512, inner: 1024, layers: 1, heads: 8, kv_heads: 4 };

/// A deployment that is ready to import, and the model that it must get.
struct Ready {
    dir: tempfile::TempDir,
    model: Vec<u8>,
}

fn ready() -> &'static Ready {
    static READY: OnceLock<Ready> = OnceLock::new();
    READY.get_or_init(|| {
        let files = Sample::new("LlamaForCausalLM", SIZES, "F16").sharded(2);
        let dir = tempfile::tempdir().unwrap();
        block_on(async {
            let deployment = Deployment::open(dir.path()).await.unwrap();
            deployment.prepare(files.0.clone()).await.unwrap();
            deployment.store.close().await;
        });
        Ready { dir, model: named(&files) }
    })
}

/// The model that is made of the files, under the name that the import gives it.
fn named(files: &samples::Memory) -> Vec<u8> {
    block_on(async {
        let examination = checkpoint::examine(files, checkpoint::Quantization::F16, samples::PLENTY).await.unwrap();
        let plan = examination.accepted.unwrap().plan("made-up", checkpoint::Quantization::F16);
        samples::write(&plan, files, &checkpoint::Plain).await
    })
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap().block_on(future)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &to)?,
            false => _ = fs::copy(entry.path(), to)?,
        }
    }
    Ok(())
}

struct Server {
    dir: tempfile::TempDir,
    deaths: usize,
    /// The names of the points that it died at.
    at: BTreeSet<String>,
}

impl Workload for Server {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        copy(ready().dir.path(), self.dir.path())
    }

    fn command(&mut self) -> Command {
        // Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
        let test = std::env::current_exe().unwrap();
        let child = test.parent().unwrap().parent().unwrap().join("examples/import_crash_child");
        let mut command = Command::new(child);
        command.arg(self.dir.path());
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        if let Ending::Killed { name, .. } = ending {
            self.deaths += 1;
            self.at.insert(name.clone());
        }
        let state = block_on(look(self.dir.path()))?;
        match (ending, state) {
            (Ending::Killed { .. }, _) | (Ending::Finished, Some(ImportStatus::Completed)) => Ok(()),
            (Ending::Finished, state) => Err(format!("the import has ended as {state:?}")),
        }
    }
}

/// The import's state, if it was asked for. Every model that there is is whole, and a start removes whatever else lies in
/// the folder.
async fn look(dir: &Path) -> Result<Option<ImportStatus>, String> {
    let failed = |error: base::Error| format!("{error:?}");
    let deployment = Deployment::open(dir).await.map_err(failed)?;
    let (filter, page) = (ImportFilter::default(), PageRequest { limit: 10, after: None });
    let jobs = deployment.models.import_jobs(&deployment.ctx, &filter, &page).await.map_err(failed)?.items;
    let listed = deployment.models.imported_models(&deployment.ctx, &filter, &page).await.map_err(failed)?.items;
    let known = deployment.models.imported_files().await.map_err(failed)?;
    let outcome = (|| {
        let completed = jobs.iter().filter(|job| job.status == ImportStatus::Completed).count();
        if jobs.len() > 1 || listed.len() != completed || known.len() != completed {
            return Err(format!("{jobs:?}, and the models {listed:?} with the files {known:?}"));
        }
        for (path, _) in &known {
            whole(&deployment, path)?;
        }
        let expected: BTreeSet<PathBuf> = known.iter().map(|(path, _)| path.clone()).collect();
        match folder(&dir.join("imported")) {
            found if found == expected => Ok(jobs.first().map(|job| job.status)),
            found => Err(format!("there should be {expected:?}, and there are {found:?}")),
        }
    })();
    deployment.store.close().await;
    outcome
}

fn folder(folder: &Path) -> BTreeSet<PathBuf> {
    match fs::read_dir(folder) {
        // The folder's own file says whose it is.
        Ok(entries) => {
            entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("deployment")).collect()
        }
        Err(_) => BTreeSet::new(),
    }
}

/// The file holds the model that an undisturbed import makes.
fn whole(deployment: &Deployment, path: &Path) -> Result<(), String> {
    let failed = |error: base::Error| format!("{}: {error:?}", path.display());
    let header = Header::read(path).map_err(failed)?;
    let keyring = deployment.identity.keyring();
    let key = keyring.open("models/imported/data-key", &header.wrapped_key).map_err(failed)?;
    let memory = SealedModel::new(path.to_owned(), key).open().and_then(|opening| opening.finish()).map_err(failed)?;
    let model = fs::read(memory.files().main).map_err(|error| error.to_string())?;
    if model == ready().model { Ok(()) } else { Err(format!("{} is another model", path.display())) }
}

fn kill(seed: u64) {
    let (dir, at) = (tempfile::tempdir().unwrap(), BTreeSet::new());
    let mut server = Server { dir, deaths: 0, at };
    let harness = Harness { seed, rounds: 12, kills: KILLS, time_limit: Duration::from_secs(60) };
    if let Err(failure) = harness.run(&mut server) {
        panic!("{failure}");
    }
    assert!(server.deaths >= 40, "only {} deaths", server.deaths);
    assert!(server.at.len() >= 4, "died at {:?} alone", server.at);
}

/// The seeded kills seldom meet the few writes of a file's beginning and end, so each of them is met here.
#[test]
fn an_import_that_is_killed_at_a_write_of_its_file_is_completed_and_leaves_nothing() {
    let mut server = Server { dir: tempfile::tempdir().unwrap(), deaths: 0, at: BTreeSet::new() };
    server.reset(0).unwrap();
    let trace = server.dir.path().join("trace");
    assert!(server.command().env(CRASH_TRACE, &trace).status().unwrap().success());
    let points = fs::read_to_string(trace).unwrap();
    let writes: Vec<_> = (1..).zip(points.lines()).filter(|(_, name)| name.starts_with("models.import.")).collect();
    assert!(writes.len() >= 8, "{points}");
    for (number, name) in writes {
        server.reset(0).unwrap();
        // How often an import tells of its progress is open, so now and then the point lies elsewhere, or behind the end.
        let died = !server.command().env(CRASH_AT, u64::to_string(&number)).status().unwrap().success();
        let ending = Ending::Killed { number, name: name.to_owned() };
        for ending in died.then_some(ending).into_iter().chain([Ending::Finished]) {
            if ending == Ending::Finished {
                assert!(server.command().status().unwrap().success());
            }
            server.check(&ending).unwrap();
        }
    }
}

/// Four seeds with up to 48 deaths each.
#[test]
fn an_import_that_is_killed_at_any_write_is_completed_and_leaves_nothing() {
    kill(1);
}

#[test]
fn an_import_that_is_killed_at_any_write_is_completed_and_leaves_nothing_2() {
    kill(7);
}

#[test]
fn an_import_that_is_killed_at_any_write_is_completed_and_leaves_nothing_3() {
    kill(5);
}

#[test]
fn an_import_that_is_killed_at_any_write_is_completed_and_leaves_nothing_4() {
    kill(4);
}
