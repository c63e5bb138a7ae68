//! Kills programs that evaluate, or compare pair by pair, at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use inference::fake::FakeLoader;
use orchestration::evaluations::EvaluationStatus;
use orchestration::evaluations::outcome::Tokens;
use orchestration::evaluations::pairwise::Pairwise;
use orchestration::evaluations::plan::{Parameters, System};
use store::crash::{Ending, Harness, Workload};
use store::params;

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{Deployment, JUDGE, line, own};

/// Deaths in one life of a folder.
const KILLS: usize = 4;
/// Records of the dataset.
const RECORDS: usize = 10;
/// What is kept of each record: its answer and three scores.
const PARTS: usize = 4;
/// What tells the question of the metric of each place; the third needs no judge.
const QUESTIONS: [&str; 2] = ["Is the response correct?", "Does the response say all that is needed?"];

/// A deployment that is ready to evaluate, and what comes of it where nobody dies.
fn ready() -> &'static (tempfile::TempDir, String) {
    static READY: OnceLock<(tempfile::TempDir, String)> = OnceLock::new();
    READY.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let results = block_on(async {
            let at = Deployment::open(dir.path(), Arc::new(FakeLoader::default()), 4).await.unwrap();
            let dataset: String = (0..RECORDS).map(|number| format!("{}\n", line(number))).collect();
            at.prepare(dir.path(), &dataset).await.unwrap();
            let metrics = ["Builtin.Correctness", "Builtin.Completeness", "Craton.TokenF1"];
            let job = at.evaluate("undisturbed", own(), &metrics).await.unwrap();
            while at.jobs.run_due_once().await.unwrap() > 0 {}
            let job = at.evaluations.get(&at.ctx, &job.id).await.unwrap();
            assert_eq!(job.status, EvaluationStatus::Completed, "{:?}", job.messages);
            let results = at.results("undisturbed").await.unwrap().remove(0);
            at.evaluations.delete(&at.ctx, &job.id).await.unwrap();
            at.store.close().await;
            results
        });
        assert_eq!(results.lines().count(), RECORDS);
        (dir, results)
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

/// The program that is killed.
fn child(dir: &Path, what: &str) -> Command {
    // Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
    let test = std::env::current_exe().unwrap();
    let mut command = Command::new(test.parent().unwrap().parent().unwrap().join("examples/evaluation_crash_child"));
    command.arg(dir).arg(what);
    command
}

/// What the engine was asked since it was looked at last.
fn asked(dir: &Path) -> Vec<String> {
    let asked = fs::read_to_string(dir.join("asked")).unwrap_or_default();
    fs::write(dir.join("asked"), "").unwrap();
    asked.lines().map(str::to_owned).collect()
}

struct Server {
    dir: tempfile::TempDir,
    deaths: usize,
    /// Deaths after which some and not all was kept.
    midway: usize,
    /// The records and metrics whose verdicts were kept when it was looked at last.
    kept: BTreeSet<(usize, usize)>,
}

/// The record and the metric that a prompt asks for.
fn asked_for(prompt: &str) -> Option<(usize, usize)> {
    let number = prompt.split("What is said of number ").nth(1)?.get(..3)?.parse().ok()?;
    Some((number, QUESTIONS.iter().position(|question| prompt.contains(question))?))
}

impl Workload for Server {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.kept.clear();
        copy(ready().0.path(), self.dir.path())
    }

    fn command(&mut self) -> Command {
        child(self.dir.path(), "evaluate")
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        for prompt in asked(self.dir.path()) {
            let place = asked_for(&prompt).ok_or_else(|| format!("nobody knows `{prompt}`"))?;
            if self.kept.contains(&place) {
                return Err(format!("the verdict of {place:?} was kept and was asked for again"));
            }
        }
        let found = block_on(look(self.dir.path()))?;
        if let Ending::Killed { .. } = ending {
            self.deaths += 1;
            self.midway += usize::from((1..RECORDS * PARTS).contains(&found.parts));
            self.kept.extend(found.verdicts);
            return Ok(());
        }
        match (found.status, found.parts) {
            (Some(EvaluationStatus::Completed), parts) if parts == RECORDS * PARTS => Ok(()),
            other => Err(format!("the evaluation has ended as {other:?}")),
        }
    }
}

struct Found {
    status: Option<EvaluationStatus>,
    parts: usize,
    /// The records and metrics whose verdicts are kept.
    verdicts: BTreeSet<(usize, usize)>,
}

/// What is left. Results that there are are whole, and there are some of every evaluation that says that it is completed.
async fn look(dir: &Path) -> Result<Found, String> {
    let failed = |error: base::Error| format!("{error:?}");
    let at = Deployment::open(dir, Arc::new(FakeLoader::default()), 1).await.map_err(failed)?;
    let sql = "SELECT record, part FROM evaluations_parts WHERE record >= 0";
    let rows = at.store.read(|tx| async move { tx.fetch_all(sql, params![]).await }).await.map_err(failed)?;
    let jobs = at.all().await.map_err(failed)?;
    let results = at.results("once").await.map_err(failed)?;
    at.store.close().await;
    let status = match jobs.as_slice() {
        [] => None,
        [job] => Some(job.status),
        jobs => return Err(format!("{} evaluations", jobs.len())),
    };
    if results.len() > 1 || results.iter().any(|text| *text != ready().1) {
        return Err(format!("the results differ from those of an undisturbed run: {results:?}"));
    }
    if status == Some(EvaluationStatus::Completed) && results.is_empty() {
        return Err("a completed evaluation has no results".to_owned());
    }
    let place =
        |row: &store::Row| Some((row.int("record").ok()? as usize, usize::try_from(row.int("part").ok()?).ok()?));
    let verdicts = rows.iter().filter_map(place).filter(|(_, metric)| *metric < QUESTIONS.len()).collect();
    Ok(Found { status, parts: rows.len(), verdicts })
}

fn kill(seed: u64) {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server { dir, deaths: 0, midway: 0, kept: BTreeSet::new() };
    let harness = Harness { seed, rounds: 16, kills: KILLS, time_limit: Duration::from_secs(60) };
    if let Err(failure) = harness.run(&mut server) {
        panic!("{failure}");
    }
    assert!(server.deaths >= 25, "only {} deaths", server.deaths);
    assert!(server.midway >= 5, "only {} deaths in the midst of the records", server.midway);
}

/// Four seeds with at least 25 deaths each.
#[test]
fn an_evaluation_that_is_killed_at_any_write_is_completed_and_judges_nothing_again() {
    kill(3);
}

#[test]
fn an_evaluation_that_is_killed_at_any_write_is_completed_and_judges_nothing_again_2() {
    kill(11);
}

#[test]
fn an_evaluation_that_is_killed_at_any_write_is_completed_and_judges_nothing_again_3() {
    kill(17);
}

#[test]
fn an_evaluation_that_is_killed_at_any_write_is_completed_and_judges_nothing_again_4() {
    kill(29);
}

/// A deployment with two evaluations whose answers differ, and what comes of comparing them where nobody dies.
fn answered() -> &'static (tempfile::TempDir, Pairwise) {
    static ANSWERED: OnceLock<(tempfile::TempDir, Pairwise)> = OnceLock::new();
    ANSWERED.get_or_init(|| {
        let (dir, undisturbed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        copy(ready().0.path(), dir.path()).unwrap();
        block_on(async {
            let at = Deployment::open(dir.path(), Arc::new(FakeLoader::default()), 4).await.unwrap();
            let generator = System::Model { model: JUDGE.to_owned(), parameters: Parameters::default() };
            for (name, system) in [("first", own()), ("second", generator)] {
                at.evaluate(name, system, &["Craton.TokenF1"]).await.unwrap();
                while at.jobs.run_due_once().await.unwrap() > 0 {}
                assert_eq!(at.named(name).await.unwrap().status, EvaluationStatus::Completed);
            }
            at.store.close().await;
        });
        copy(dir.path(), undisturbed.path()).unwrap();
        let told = block_on(async {
            let at = Deployment::open(undisturbed.path(), Arc::new(FakeLoader::default()), 4).await.unwrap();
            let running = at.jobs.start(1);
            let told = at.compare_pairs("first", "second").await.unwrap();
            running.stop().await;
            at.store.close().await;
            told
        });
        assert_eq!((told.pairs, told.failed), (RECORDS, 0));
        (dir, untold(told))
    })
}

/// Without its tokens: how many of them came from the cache depends on what ran beside.
fn untold(told: Pairwise) -> Pairwise {
    Pairwise { tokens: Tokens::default(), ..told }
}

struct Comparing {
    dir: tempfile::TempDir,
    deaths: usize,
    /// Deaths after which some and not all pairs were kept.
    midway: usize,
    /// The pairs whose verdicts were kept when it was looked at last.
    kept: BTreeSet<usize>,
}

impl Workload for Comparing {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        self.kept.clear();
        copy(answered().0.path(), self.dir.path())
    }

    fn command(&mut self) -> Command {
        child(self.dir.path(), "compare")
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        for prompt in asked(self.dir.path()) {
            let number = prompt.split("What is said of number ").nth(1).and_then(|rest| rest.get(..3)?.parse().ok());
            let pair: usize = number.ok_or_else(|| format!("nobody knows `{prompt}`"))?;
            if self.kept.contains(&pair) {
                return Err(format!("the verdict on pair {pair} was kept and was asked for again"));
            }
        }
        let (kept, told) = block_on(compared(self.dir.path()))?;
        if let Some(told) = told.iter().find(|told| **told != answered().1) {
            return Err(format!("the comparison differs from an undisturbed one: {told:?}"));
        }
        self.kept = kept;
        match ending {
            Ending::Killed { .. } => {
                self.deaths += 1;
                self.midway += usize::from((1..RECORDS).contains(&self.kept.len()));
                Ok(())
            }
            Ending::Finished if told.is_empty() || self.kept.len() != RECORDS => {
                Err(format!("{} comparisons have ended, {} pairs are kept", told.len(), self.kept.len()))
            }
            Ending::Finished => Ok(()),
        }
    }
}

/// The pairs whose verdicts are kept, and what came of the comparisons that have ended.
async fn compared(dir: &Path) -> Result<(BTreeSet<usize>, Vec<Pairwise>), String> {
    let failed = |error: base::Error| format!("{error:?}");
    let at = Deployment::open(dir, Arc::new(FakeLoader::default()), 1).await.map_err(failed)?;
    let sql = "SELECT pair FROM evaluations_duels";
    let rows = at.store.read(|tx| async move { tx.fetch_all(sql, params![]).await }).await.map_err(failed)?;
    let page = base::PageRequest { limit: 100, after: None };
    let works = at.jobs.list(at.ctx.account(), &page).await.map_err(failed)?.items;
    let mut told = Vec::new();
    for work in works.iter().filter(|work| work.kind == orchestration::evaluations::pairwise::JOB_KIND) {
        told.extend(at.evaluations.pairwise(&at.ctx, work.id.as_str()).await.map_err(failed)?.1.map(untold));
    }
    at.store.close().await;
    let pairs = rows.iter().map(|row| Ok(row.int("pair").map_err(failed)? as usize));
    Ok((pairs.collect::<Result<_, String>>()?, told))
}

/// One seed with at least ten deaths.
#[test]
fn a_comparison_that_is_killed_at_any_write_is_completed_and_judges_no_pair_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut comparing = Comparing { dir, deaths: 0, midway: 0, kept: BTreeSet::new() };
    let harness = Harness { seed: 5, rounds: 6, kills: 3, time_limit: Duration::from_secs(60) };
    if let Err(failure) = harness.run(&mut comparing) {
        panic!("{failure}");
    }
    assert!(comparing.deaths >= 10, "only {} deaths", comparing.deaths);
    assert!(comparing.midway >= 3, "only {} deaths in the midst of the pairs", comparing.midway);
}
