//! A disk that is full, a database that goes and comes back, and many knowledge bases in one database.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{Clock, ErrorKind, FixedClock, SystemClock};
use knowledge::{
    CustomBody, DataSource, Disk, DocumentStatus, IngestionJob, IngestionStatus, KnowledgeBase, Location, NewContent,
    NewDocument, NewKnowledgeBase, Origin, Retrieve, SearchType,
};
use search::{Append, Files, OnDisk};
use store::testing::OwnServer;
use store::{Store, params};

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{Deployment, Setting};

/// Ten minutes, within which every wait between attempts, and every lease of a dead worker, ends.
const LATER_MS: i64 = 600_000;

/// A disk on which nothing can be written as long as it is full.
struct Fillable(OnDisk, Arc<AtomicBool>);

struct FillableFile(Box<dyn Append>, Arc<AtomicBool>);

impl Files for Fillable {
    fn folder(&self) -> &Path {
        self.0.folder()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(FillableFile(self.0.create(name)?, Arc::clone(&self.1))))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn Append>> {
        Ok(Box::new(FillableFile(self.0.append(name, length)?, Arc::clone(&self.1))))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.0.sync_folder()
    }
}

impl Append for FillableFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            // A full disk takes a part.
            self.0.write(&bytes[..bytes.len() / 2])?;
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.0.cut(length)
    }
}

/// Runs jobs until none is left, however long they would wait between attempts.
async fn work_off(at: &Deployment, clock: &FixedClock) {
    for _ in 0..20 {
        while at.jobs.run_due_once().await.unwrap() > 0 {}
        clock.advance(LATER_MS);
    }
}

async fn synced(at: &Deployment, clock: &FixedClock, base: &KnowledgeBase, source: &DataSource) -> IngestionJob {
    let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None)).await.unwrap();
    work_off(at, clock).await;
    at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await.unwrap()
}

async fn found(at: &Deployment, base: &KnowledgeBase, text: &str) -> Vec<String> {
    let found = at.ask(&at.ctx, base, text).await.unwrap();
    found.passages.into_iter().map(|passage| passage.text).collect()
}

fn note(id: &str, text: &str) -> NewDocument {
    let content = NewContent::Custom { id: id.to_owned(), body: CustomBody::Text(text.to_owned()) };
    NewDocument { content, metadata: None, acl: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_work_with_its_reason_and_loses_nothing_that_was_there() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let (clock, full) = (Arc::new(FixedClock::new(SystemClock.now())), Arc::new(AtomicBool::new(false)));
    let filled = Arc::clone(&full);
    let disk = Disk::new(move |folder| Arc::new(Fillable(OnDisk::new(folder), Arc::clone(&filled))));
    let setting = Setting { clock: clock.clone(), disk, ..Setting::default() };
    let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
    at.prepare().await.unwrap();
    at.put("refunds.txt", "Refunds take five days.").await.unwrap();
    at.put("keys.txt", "Keys are left at the desk.").await.unwrap();
    let base = at.base().await.unwrap();
    let source = at.source(&base, None).await.unwrap();
    assert_eq!(synced(&at, &clock, &base, &source).await.statistics.added, 2);
    let notes = at.source_of(&base, Origin::Custom, None).await.unwrap();

    full.store(true, Ordering::SeqCst);
    at.put("refunds.txt", "Refunds take seven days.").await.unwrap();
    at.remove("keys.txt").await.unwrap();
    at.put("damage.txt", "Damage is reported within an hour.").await.unwrap();
    let job = synced(&at, &clock, &base, &source).await;
    assert_eq!(job.status, IngestionStatus::Failed, "{job:?}");
    assert!(job.failure_reasons[0].contains("The disk of the search index is full."), "{job:?}");
    let handed = vec![note("fees", "A fee is due.")];
    at.knowledge.ingest_documents(&at.ctx, &base.id, &notes.id, handed.clone(), None).await.unwrap();
    work_off(&at, &clock).await;
    let fees = vec![Location::Custom { id: "fees".to_owned() }];
    let detail = &at.knowledge.documents(&at.ctx, &base.id, &notes.id, fees.clone()).await.unwrap()[0];
    assert_eq!(detail.status, DocumentStatus::Failed);
    assert!(detail.reason.as_ref().unwrap().contains("The disk of the search index is full."), "{detail:?}");
    let mut texts = found(&at, &base, "refunds keys damage fee").await;
    texts.sort();
    assert_eq!(texts, ["Keys are left at the desk.", "Refunds take five days."]);

    full.store(false, Ordering::SeqCst);
    let job = synced(&at, &clock, &base, &source).await;
    let counted = job.statistics;
    assert_eq!(job.status, IngestionStatus::Complete, "{job:?}");
    assert_eq!((counted.added, counted.modified, counted.deleted, counted.failed), (1, 1, 1, 0));
    at.knowledge.ingest_documents(&at.ctx, &base.id, &notes.id, handed, None).await.unwrap();
    work_off(&at, &clock).await;
    let mut texts = found(&at, &base, "refunds keys damage fee").await;
    texts.sort();
    assert_eq!(texts, ["A fee is due.", "Damage is reported within an hour.", "Refunds take seven days."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_ready_is_written_and_counted_once_when_the_next_documents_cannot_be_read_or_embedded() {
    // Of four documents in windows of two, the third is the first of the second window: one token count each, one call of the
    // model for each window.
    for (what, calls) in [("embed", 1), ("read", 2)] {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
        let clock = Arc::new(FixedClock::new(SystemClock.now()));
        let setting = Setting { clock: clock.clone(), window: Some(2), ..Setting::default() };
        let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
        at.prepare().await.unwrap();
        let all = ["avocet", "heron", "kestrel", "wren"].map(|bird| format!("The {bird} lives near the yard."));
        for (number, text) in all.iter().enumerate() {
            at.put(&format!("{number}.txt"), text.as_str()).await.unwrap();
        }
        let base = at.base().await.unwrap();
        let source = at.source(&base, None).await.unwrap();
        let away = if what == "embed" { &at.embedder.away } else { &at.embedder.away_from_tokens };
        away.after(calls);
        let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None)).await.unwrap();
        at.jobs.run_due_once().await.unwrap();
        let midway = at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await.unwrap();
        assert_eq!((midway.status, midway.statistics.added), (IngestionStatus::InProgress, 2), "{what}: {midway:?}");
        let mut texts = found(&at, &base, "Who lives near the yard?").await;
        texts.sort();
        assert_eq!(texts, all[..2], "{what}");

        work_off(&at, &clock).await;
        let done = at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await.unwrap();
        let counted = (done.statistics.added, done.statistics.modified, done.statistics.failed);
        assert_eq!((done.status, counted), (IngestionStatus::Complete, (4, 0, 0)), "{what}: {done:?}");
        // What was written is not embedded again.
        assert_eq!(at.embedder.embedded.load(Ordering::SeqCst), 4, "{what}");
        let mut texts = found(&at, &base, "Who lives near the yard?").await;
        texts.sort();
        assert_eq!(texts, all, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingestion_goes_on_after_the_database_was_started_again() {
    let Some(server) = OwnServer::start().unwrap().map(Arc::new) else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_postgres(&server.url()).await.unwrap();
    let clock = Arc::new(FixedClock::new(SystemClock.now()));
    let setting = Setting { clock: clock.clone(), ..Setting::default() };
    let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
    at.prepare().await.unwrap();
    at.put("refunds.txt", "Refunds take five days.").await.unwrap();
    at.put("keys.txt", "Keys are left at the desk.").await.unwrap();
    let base = at.base().await.unwrap();
    let source = at.source(&base, None).await.unwrap();

    // It dies while the documents are embedded, and is there again some time later.
    let dying = Arc::clone(&server);
    *at.embedder.before.lock().unwrap() = Some(Box::new(move || dying.crash().unwrap()));
    let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None)).await.unwrap();
    let error = at.jobs.run_due_once().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    let error = at.ask(&at.ctx, &base, "refunds").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    server.start_again().unwrap();
    work_off(&at, &clock).await;
    let job = at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await.unwrap();
    assert_eq!((job.status, job.statistics.added), (IngestionStatus::Complete, 2), "{job:?}");
    assert_eq!(found(&at, &base, "How long do refunds take?").await[0], "Refunds take five days.");

    // Restarted at once, nobody notices but by broken connections.
    at.put("damage.txt", "Damage is reported within an hour.").await.unwrap();
    let restarting = Arc::clone(&server);
    *at.embedder.before.lock().unwrap() = Some(Box::new(move || {
        restarting.crash().unwrap();
        restarting.start_again().unwrap();
    }));
    let job = synced(&at, &clock, &base, &source).await;
    assert_eq!((job.status, job.statistics.added), (IngestionStatus::Complete, 1), "{job:?}");
    assert_eq!(found(&at, &base, "damage hour").await[0], "Damage is reported within an hour.");
    at.store.close().await;
}

/// The programs of the PostgreSQL that has pgvector, which `scripts/pgvector.sh` puts beside the socket that it names.
fn with_pgvector() -> Option<PathBuf> {
    let url = std::env::var("CRATON_TEST_PGVECTOR_URL").ok()?;
    let socket = Path::new(url.split_once("host=")?.1.split('&').next()?);
    let bin = socket.parent()?.join("server/pgserver/pginstall/bin");
    bin.join("initdb").is_file().then_some(bin)
}

/// Of words alone: where a processor has no AVX-512, the package's pgvector was seen to die of comparing such vectors.
fn by_words(base: &KnowledgeBase, text: &str) -> Retrieve {
    Retrieve { search: Some(SearchType::Lexical), ..Retrieve::new(&base.id, text) }
}

async fn found_by_words(at: &Deployment, base: &KnowledgeBase, text: &str) -> Vec<String> {
    let found = at.knowledge.retrieve(&at.ctx, by_words(base, text)).await.unwrap();
    found.passages.into_iter().map(|passage| passage.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingestion_goes_on_after_the_database_of_its_index_was_started_again() {
    let Some(bin) = with_pgvector() else { return };
    let server = Arc::new(OwnServer::start_in(bin).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let clock = Arc::new(FixedClock::new(SystemClock.now()));
    let setting = Setting { clock: clock.clone(), postgres: Some(server.url()), ..Setting::default() };
    let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
    at.prepare().await.unwrap();
    at.put("refunds.txt", "Refunds take five days.").await.unwrap();
    at.put("keys.txt", "Keys are left at the desk.").await.unwrap();
    let base = at.base().await.unwrap();
    let source = at.source(&base, None).await.unwrap();
    assert_eq!(synced(&at, &clock, &base, &source).await.statistics.added, 2);

    // It dies while a changed document is embedded, and is there again some time later.
    at.put("refunds.txt", "Refunds take seven days.").await.unwrap();
    at.remove("keys.txt").await.unwrap();
    let dying = Arc::clone(&server);
    *at.embedder.before.lock().unwrap() = Some(Box::new(move || dying.crash().unwrap()));
    let job = at.knowledge.start_ingestion(&at.ctx, &base.id, &source.id, (None, None)).await.unwrap();
    at.jobs.run_due_once().await.unwrap();
    let asked = at.knowledge.retrieve(&at.ctx, by_words(&base, "refunds")).await;
    let error = asked.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error:?}");
    server.start_again().unwrap();
    let mut texts = found_by_words(&at, &base, "refunds keys").await;
    assert_eq!(texts, ["Refunds take five days."]);
    work_off(&at, &clock).await;
    let job = at.knowledge.ingestion_job(&at.ctx, &base.id, &source.id, &job.id).await.unwrap();
    let counted = job.statistics;
    assert_eq!((job.status, counted.modified, counted.deleted), (IngestionStatus::Complete, 1, 1), "{job:?}");
    texts = found_by_words(&at, &base, "refunds keys").await;
    assert_eq!(texts, ["Refunds take seven days."]);

    // Restarted at once, nobody notices but by broken connections.
    at.put("damage.txt", "Damage is reported within an hour.").await.unwrap();
    let restarting = Arc::clone(&server);
    *at.embedder.before.lock().unwrap() = Some(Box::new(move || {
        restarting.crash().unwrap();
        restarting.start_again().unwrap();
    }));
    let job = synced(&at, &clock, &base, &source).await;
    assert_eq!((job.status, job.statistics.added), (IngestionStatus::Complete, 1), "{job:?}");
    assert_eq!(found_by_words(&at, &base, "damage hour").await[0], "Damage is reported within an hour.");
    at.knowledge.delete_knowledge_base(&at.ctx, &base.id).await.unwrap();
    work_off(&at, &clock).await;
    at.store.close().await;
}

/// Where `CRATON_TEST_PGVECTOR_URL` names a server that has pgvector; `scripts/pgvector.sh` starts one.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_knowledge_bases_share_few_connections_of_one_database() {
    let Ok(url) = std::env::var("CRATON_TEST_PGVECTOR_URL") else { return };
    let name = format!("craton-test-{}", std::process::id());
    let separator = if url.contains('?') { '&' } else { '?' };
    let postgres = Some(format!("{url}{separator}application_name={name}"));
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let at = Deployment::open_with(dir.path(), store, Setting { postgres, ..Setting::default() }).await.unwrap();
    at.prepare().await.unwrap();
    let mut bases = Vec::new();
    for number in 0..50 {
        let new = NewKnowledgeBase {
            name: format!("base-{number}"),
            description: None,
            role_arn: at.role_arn(),
            embedding_model: deployment::MODEL.to_owned(),
            dimensions: None,
            configuration: serde_json::json!({"type": "VECTOR"}),
            storage: None,
            tags: Vec::new(),
            request_token: None,
        };
        bases.push(at.knowledge.create_knowledge_base(&at.ctx, new).await.unwrap());
    }
    let asked = bases.iter().map(|base| at.ask(&at.ctx, base, "refunds"));
    let answers = futures::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().passages.is_empty()));
    let watching = Store::open_postgres(&url).await.unwrap();
    let name = name.as_str();
    let held = watching.read(|tx| async move {
        let sql = "SELECT count(*) AS held FROM pg_stat_activity WHERE application_name = $1";
        tx.fetch_optional(sql, params![name]).await?.unwrap().int("held")
    });
    let held = held.await.unwrap();
    assert!((1..=i64::from(search::MOST_CONNECTIONS)).contains(&held), "{held}");
    watching.close().await;
    for base in &bases {
        at.knowledge.delete_knowledge_base(&at.ctx, &base.id).await.unwrap();
    }
}
