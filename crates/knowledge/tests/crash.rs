//! Kills a program that synchronises a bucket at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base::PageRequest;
use futures::StreamExt as _;
use knowledge::{
    DocumentName, DocumentStatus, IngestionFilter, IngestionJob, IngestionStatus, KnowledgeBase, Location, Origin,
    Retrieve,
};
use store::crash::{Ending, Harness, Workload};

#[path = "support/deployment.rs"]
mod deployment;
// What a killed process wrote is there wherever it wrote it, so that nothing is proven by waiting for a disk, thousands of times.
#[path = "../../search/tests/support/scratch.rs"]
mod scratch;

use deployment::{BUCKET, Deployment, HANDED_IN};
use scratch::scratch;

/// Deaths in one life of a folder.
const KILLS: usize = 4;
/// After each so many deaths, it is looked whether the bucket can be as it was before.
const REVERTED: usize = 15;
/// Lives.
const ROUNDS: usize = 80;
/// In each so many lives, documents are written in windows of [`FEW`]: it dies while some are written and the next are embedded.
const IN_WINDOWS: usize = 3;
const FEW: usize = 2;
/// Documents that stay, are changed, are said something else of, are new, and are gone.
const EACH: usize = 3;

fn text(kind: &str, number: usize) -> String {
    let word = ["kestrel", "heron", "avocet"][number];
    format!("The {kind} document about the {word}. It has {kind}{number} as its own word. It ends here.")
}

/// A deployment whose bucket was synchronised once and then changed.
fn ready() -> tempfile::TempDir {
    let dir = scratch().unwrap();
    block_on(async {
        let at = Deployment::open(dir.path()).await.unwrap();
        at.prepare().await.unwrap();
        for number in 0..EACH {
            for kind in ["kept", "changed", "said", "gone"] {
                at.put(&format!("{kind}{number}.txt"), text(kind, number)).await.unwrap();
            }
        }
        let base = at.base().await.unwrap();
        let source = at.source(&base, None).await.unwrap();
        let job = at.sync(&base, &source).await.unwrap();
        assert_eq!(job.statistics.added, 4 * EACH as u64, "{job:?}");
        let notes = at.source_of(&base, Origin::Custom, None).await.unwrap();
        at.knowledge.ingest_documents(&at.ctx, &base.id, &notes.id, deployment::handed_in("old"), None).await.unwrap();
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        let words = words_of(&at, &base, None).await.unwrap();
        assert_eq!(words.len(), 2 * HANDED_IN, "{words:?}");
        for number in 0..EACH {
            at.put(&format!("changed{number}.txt"), text("altered", number)).await.unwrap();
            let secret = r#"{"accessControlList":[{"name":"ana","type":"USER","access":"ALLOW"}]}"#;
            at.put(&format!("said{number}.txt.metadata.json"), secret).await.unwrap();
            at.put(&format!("new{number}.txt"), text("new", number)).await.unwrap();
            at.remove(&format!("gone{number}.txt")).await.unwrap();
        }
        at.store.close().await;
    });
    dir
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
    /// What each life begins with.
    ready: tempfile::TempDir,
    dir: tempfile::TempDir,
    deaths: usize,
    /// Deaths after which some and not all changes were counted.
    midway: usize,
    /// Deaths between two windows of documents.
    between_windows: usize,
    /// The most documents of a window in this life, where it is not the usual number.
    window: Option<usize>,
}

impl Workload for Server {
    fn reset(&mut self, round: usize) -> io::Result<()> {
        // The first life tells how many points there are; in windows there are more.
        self.window = (round > 0 && round.is_multiple_of(IN_WINDOWS)).then_some(FEW);
        self.dir = scratch()?;
        copy(self.ready.path(), self.dir.path())
    }

    fn command(&mut self) -> Command {
        // Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
        let test = std::env::current_exe().unwrap();
        let child = test.parent().unwrap().parent().unwrap().join("examples/ingestion_crash_child");
        let mut command = Command::new(child);
        command.arg(self.dir.path());
        command.args(self.window.map(|window| window.to_string()));
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        let dir = scratch().unwrap();
        // A copy is looked at: opening a deployment ends what was broken off.
        copy(self.dir.path(), dir.path()).unwrap();
        let job = block_on(look(dir.path(), matches!(ending, Ending::Finished)))?;
        if let Ending::Killed { .. } = ending {
            self.deaths += 1;
            let counted = job.map(|job| job.statistics).unwrap_or_default();
            self.midway += usize::from((1..2 * EACH as u64).contains(&(counted.added + counted.deleted)));
            let of_some = [counted.added, counted.modified, counted.metadata_modified];
            self.between_windows += usize::from(of_some.iter().any(|count| (1..EACH as u64).contains(count)));
            if self.deaths.is_multiple_of(REVERTED) {
                let dir = scratch().unwrap();
                copy(self.dir.path(), dir.path()).unwrap();
                return block_on(revert(dir.path()));
            }
            return Ok(());
        }
        let job = job.ok_or("there is no job")?;
        let counted = job.statistics;
        let each = EACH as u64;
        let whole = (counted.added, counted.modified, counted.metadata_modified, counted.deleted, counted.failed)
            == (each, each, each, each, 0);
        match job.status == IngestionStatus::Complete && whole {
            true => Ok(()),
            false => Err(format!("{job:?}")),
        }
    }
}

/// What is left: every document is whole in the index, as it was or as it is now, and what was counted is so. `done`: as it
/// is now.
async fn look(dir: &Path, done: bool) -> Result<Option<IngestionJob>, String> {
    let failed = |error: base::Error| format!("{error:?}");
    let at = Deployment::open(dir).await.map_err(failed)?;
    let (base, page) = (at.base().await.map_err(failed)?, PageRequest { limit: 100, after: None });
    let source = at.source(&base, None).await.map_err(failed)?;
    for number in 0..EACH {
        for (kind, now) in [("kept", "kept"), ("changed", "altered"), ("said", "said"), ("new", "new")] {
            let document = format!("s3://{BUCKET}/{kind}{number}.txt");
            let name = DocumentName {
                knowledge_base: base.id.clone(),
                data_source: source.id.clone(),
                document: document.clone(),
            };
            match at.knowledge.document_text(&at.ctx, &name).await {
                Ok(found) if found.text == text(now, number) => {}
                Ok(found) if !done && found.text == text(kind, number) => {}
                Err(_) if !done && kind == "new" => {}
                other => return Err(format!("{document}: {other:?}")),
            }
            let location = vec![Location::S3 { uri: document.clone() }];
            let detail = at.knowledge.documents(&at.ctx, &base.id, &source.id, location).await.map_err(failed)?;
            if done && detail[0].status != DocumentStatus::Indexed {
                return Err(format!("{detail:?}"));
            }
        }
        let gone = Retrieve { results: 50, ..Retrieve::new(&base.id, format!("gone{number}")) };
        let found = at.knowledge.retrieve(&at.ctx, gone).await.map_err(failed)?;
        let names: Vec<&str> = found.passages.iter().map(|passage| passage.document.as_str()).collect();
        if done && names.iter().any(|name| name.contains("/gone") || name.contains("/said")) {
            return Err(format!("found what is gone or secret: {names:?}"));
        }
    }
    let everybody = words_of(&at, &base, None).await.map_err(failed)?;
    if let Some(leaked) = everybody.iter().find(|text| text.contains("new words")) {
        return Err(format!("everybody reads `{leaked}`"));
    }
    let ana = words_of(&at, &base, Some("ana")).await.map_err(failed)?;
    if done {
        let mut expected: Vec<String> = (0..HANDED_IN)
            .flat_map(|number| {
                ["note", "private"].map(|kind| format!("The new words of {kind}{number}. They end here."))
            })
            .collect();
        expected.sort();
        if !everybody.is_empty() || ana != expected {
            return Err(format!("handed in: everybody reads {everybody:?}, ana {ana:?}"));
        }
    }
    let filter = IngestionFilter::default();
    let jobs = at.knowledge.ingestion_jobs(&at.ctx, &base.id, &source.id, &filter, &page).await.map_err(failed)?.items;
    at.store.close().await;
    if jobs.len() > 2 {
        return Err(format!("{} jobs", jobs.len()));
    }
    // The first one made the deployment.
    Ok((jobs.len() == 2).then(|| jobs.into_iter().next()).flatten())
}

/// The texts that were handed in and that a user, or else the caller, finds.
async fn words_of(at: &Deployment, base: &KnowledgeBase, user: Option<&str>) -> base::Result<Vec<String>> {
    let user = user.map(str::to_owned);
    let ask = Retrieve { results: 50, user, near_duplicates: true, ..Retrieve::new(&base.id, "words") };
    let found = at.knowledge.retrieve(&at.ctx, ask).await?.passages.into_iter();
    let handed_in = found.filter(|passage| matches!(passage.location, Location::Custom { .. }));
    let mut texts: Vec<String> = handed_in.map(|passage| passage.text).collect();
    texts.sort();
    Ok(texts)
}

/// The bucket is as it was before all changes: after two synchronisations so is the index, whatever was half done.
async fn revert(dir: &Path) -> Result<(), String> {
    let failed = |error: base::Error| format!("{error:?}");
    let at = Deployment::open(dir).await.map_err(failed)?;
    let base = at.base().await.map_err(failed)?;
    let source = at.source(&base, None).await.map_err(failed)?;
    for number in 0..EACH {
        for kind in ["changed", "gone"] {
            at.put(&format!("{kind}{number}.txt"), text(kind, number)).await.map_err(failed)?;
        }
        at.remove(&format!("said{number}.txt.metadata.json")).await.map_err(failed)?;
        at.remove(&format!("new{number}.txt")).await.map_err(failed)?;
    }
    // The job that was broken off.
    let running = at.jobs.start(1);
    let (filter, page) = (IngestionFilter::default(), PageRequest { limit: 100, after: None });
    let jobs = at.knowledge.ingestion_jobs(&at.ctx, &base.id, &source.id, &filter, &page).await.map_err(failed)?.items;
    for work in jobs.into_iter().filter_map(|job| job.work) {
        at.jobs.watch(at.ctx.account(), &work).for_each(|_| async {}).await;
    }
    running.stop().await;
    at.sync(&base, &source).await.map_err(failed)?;
    let all = Retrieve { results: 50, ..Retrieve::new(&base.id, "document") };
    let found = at.knowledge.retrieve(&at.ctx, all).await.map_err(failed)?;
    let from_bucket = found.passages.into_iter().filter(|found| matches!(found.location, Location::S3 { .. }));
    let mut found: Vec<(String, String)> = from_bucket.map(|found| (found.document, found.text)).collect();
    found.sort();
    let mut expected = Vec::new();
    for number in 0..EACH {
        for kind in ["kept", "changed", "said", "gone"] {
            expected.push((format!("s3://{BUCKET}/{kind}{number}.txt"), text(kind, number)));
        }
    }
    expected.sort();
    at.store.close().await;
    if found == expected { Ok(()) } else { Err(format!("reverted: {found:?}")) }
}

#[test]
fn no_document_is_lost_or_counted_twice_however_often_the_server_dies() {
    let (ready, dir) = (ready(), scratch().unwrap());
    let mut server = Server { ready, dir, deaths: 0, midway: 0, between_windows: 0, window: None };
    let harness = Harness { seed: 7, rounds: ROUNDS, kills: KILLS, time_limit: Duration::from_secs(60) };
    harness.run(&mut server).unwrap();
    assert!(server.deaths >= 200, "only {} deaths", server.deaths);
    assert!(server.midway > 0, "no death came between two documents");
    assert!(server.between_windows > 0, "no death came between two windows");
}
