//! What changes while a source is synchronised, one window of documents after the other.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base::PageRequest;
use futures::future::BoxFuture;
use identity::Ctx;
use knowledge::{DataSource, IngestionStatus, KnowledgeBase};
use objects::{Body, DeleteObject, ObjectRef, Objects, PutObject};
use store::Store;

#[path = "support/deployment.rs"]
mod deployment;

use deployment::{BUCKET, Deployment, Setting};

/// The documents of a window.
const WINDOW: usize = 12;
/// With `zebra.txt` those of two windows. Eight are read at once: the last of a window is not read yet when its first one is.
const NOTES: usize = 2 * WINDOW - 1;
/// What the first document of each window says.
const FIRST: &str = "note 00.";
const SECOND: &str = "note 12.";
const ZEBRA: &str = "The zebra of the yard.";

/// A deployment whose bucket has the documents of two windows; the last is `zebra.txt`.
async fn two_windows() -> (tempfile::TempDir, Deployment, KnowledgeBase, DataSource) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let setting = Setting { window: Some(WINDOW), ..Setting::default() };
    let at = Deployment::open_with(dir.path(), store, setting).await.unwrap();
    at.prepare().await.unwrap();
    put_notes(&at, "old").await;
    at.put("zebra.txt", ZEBRA).await.unwrap();
    let base = at.base().await.unwrap();
    let source = at.source(&base, None).await.unwrap();
    (dir, at, base, source)
}

async fn put_notes(at: &Deployment, age: &str) {
    for number in 0..NOTES {
        at.put(&format!("notes/{number:02}.txt"), format!("The {age} note {number:02}.")).await.unwrap();
    }
}

/// Who may read a document: ana alone.
fn secret() -> String {
    r#"{"accessControlList":[{"name":"ana","type":"USER","access":"ALLOW"}]}"#.to_owned()
}

/// What happens to the bucket when a document is read that has these words: what goes, and then what comes.
fn when_read(at: &Deployment, words: &'static str, gone: &[&'static str], came: &[(&'static str, String)]) {
    let (objects, ctx, gone, came) = (at.objects.clone(), at.ctx.clone(), gone.to_vec(), came.to_vec());
    let change: BoxFuture<'static, ()> = Box::pin(async move {
        for key in gone {
            let delete = DeleteObject { object: ObjectRef::new(BUCKET, key), if_match: None, bypass: false };
            objects.delete_object(&ctx, &delete).await.unwrap();
        }
        for (key, content) in came {
            put(&objects, &ctx, key, content).await;
        }
    });
    at.embedder.while_reading.lock().unwrap().push_back((words, change));
}

async fn put(objects: &Objects, ctx: &Ctx, key: &str, content: String) -> String {
    let body = Body::from_bytes(content.into_bytes());
    objects.put_object(ctx, PutObject::new(BUCKET, key), body).await.unwrap().etag
}

/// How many documents a reader may see.
async fn visible(at: &Deployment, reader: &Ctx, base: &KnowledgeBase) -> u64 {
    at.ask(reader, base, "zebra").await.unwrap().visible
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_that_the_source_is_seen_to_lack_is_not_asked_for() {
    let (_dir, at, base, source) = two_windows().await;
    at.put("cars.txt", "The car in the yard.").await.unwrap();
    at.put("cars.txt.metadata.json", r#"{"metadataAttributes":{"year":2024}}"#).await.unwrap();
    let job = at.sync(&base, &source).await.unwrap();
    let all = NOTES + 2;
    assert_eq!((job.statistics.added, job.statistics.failed), (all as u64, 0), "{job:?}");
    let page = PageRequest { limit: 1_000, after: None };
    let record = at.identity.list_audit(&at.ctx, &page).await.unwrap().items;
    let read = |ending: &str| {
        let read = record.iter().filter(|entry| entry.action == "s3:GetObject" && entry.resource.ends_with(ending));
        read.map(|entry| entry.resource.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(read(".txt").len(), all);
    // The first document of a window is not on the page that shows the others; of the first window it is the one that has a sidecar.
    let asked = read(".metadata.json");
    assert!(asked.contains(&format!("arn:aws:s3:::{BUCKET}/cars.txt.metadata.json").as_str()), "{asked:?}");
    assert!(asked.len() <= all.div_ceil(WINDOW), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_comes_with_its_sidecar_while_others_are_read_is_for_whom_that_names() {
    let (_dir, at, base, source) = two_windows().await;
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&at, &ana, &base).await, visible(&at, &ben, &base).await), (24, 24));
    put_notes(&at, "new").await;
    at.put("zebra.txt", "The new zebra.").await.unwrap();
    let came = [("zebra.txt.metadata.json", secret()), ("zebra.txt", "The secret zebra.".to_owned())];
    when_read(&at, SECOND, &[], &came);
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.modified, job.statistics.failed), (24, 0), "{job:?}");
    assert_eq!((visible(&at, &ana, &base).await, visible(&at, &ben, &base).await), (24, 23));
    assert_eq!(at.ask(&ana, &base, "zebra").await.unwrap().passages[0].text, "The secret zebra.");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_for_a_moment_while_it_is_looked_for_is_never_found_by_all() {
    type Moment = (bool, &'static [&'static str], Vec<(&'static str, String)>);
    let sidecar = ("zebra.txt.metadata.json", secret());
    let text = ("zebra.txt", ZEBRA.to_owned());
    // Whether there was a sidecar when the job listed the bucket, what is gone when the second window is listed, and what is back
    // when that is read. The text is the same, and so is its ETag.
    let moments: [Moment; 3] = [
        (true, &["zebra.txt.metadata.json"], vec![sidecar.clone()]),
        (true, &["zebra.txt", "zebra.txt.metadata.json"], vec![sidecar.clone(), text.clone()]),
        (false, &["zebra.txt"], vec![sidecar, text]),
    ];
    for (was_listed, gone, back) in moments {
        let (_dir, at, base, source) = two_windows().await;
        let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
        let etag = put(&at.objects, &at.ctx, "zebra.txt", ZEBRA.to_owned()).await;
        assert_eq!(put(&at.objects, &at.ctx, "zebra.txt", ZEBRA.to_owned()).await, etag);
        if was_listed {
            at.put("zebra.txt.metadata.json", secret()).await.unwrap();
        }
        when_read(&at, FIRST, gone, &[]);
        when_read(&at, SECOND, &[], &back);
        let job = at.sync(&base, &source).await.unwrap();
        assert_eq!((job.statistics.added, job.statistics.failed), (24, 0), "{gone:?}: {job:?}");
        assert!(at.embedder.while_reading.lock().unwrap().is_empty(), "{gone:?}");
        let seen = (visible(&at, &ana, &base).await, visible(&at, &ben, &base).await);
        assert_eq!(seen, (24, 23), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sidecar_that_comes_after_its_window_was_listed_takes_effect_in_the_next_job() {
    let (_dir, at, base, source) = two_windows().await;
    let (ana, ben) = (at.user("ana").await.unwrap(), at.user("ben").await.unwrap());
    when_read(&at, SECOND, &[], &[("zebra.txt.metadata.json", secret())]);
    at.sync(&base, &source).await.unwrap();
    assert_eq!((visible(&at, &ana, &base).await, visible(&at, &ben, &base).await), (24, 24));
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.statistics.metadata_modified, job.statistics.modified), (1, 0), "{job:?}");
    assert_eq!((visible(&at, &ana, &base).await, visible(&at, &ben, &base).await), (24, 23));
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_of_another_model_are_not_written_though_the_right_one_is_back_by_then() {
    let (_dir, at, base, source) = two_windows().await;
    // The id means another model while the first window is embedded, and the right one again once the second is read, before the first
    // is written.
    let embedder = Arc::clone(&at.embedder);
    *at.embedder.before.lock().unwrap() = Some(Box::new(move || embedder.version.store(1, Ordering::SeqCst)));
    let embedder = Arc::clone(&at.embedder);
    let back: BoxFuture<'static, ()> = Box::pin(async move { embedder.version.store(0, Ordering::SeqCst) });
    at.embedder.while_reading.lock().unwrap().push_back((SECOND, back));
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.status, job.statistics.added), (IngestionStatus::Failed, 0), "{job:?}");
    assert!(job.failure_reasons[0].contains("another one now"), "{:?}", job.failure_reasons);
    assert_eq!(at.embedder.version.load(Ordering::SeqCst), 0);
    let job = at.sync(&base, &source).await.unwrap();
    assert_eq!((job.status, job.statistics.added), (IngestionStatus::Complete, 24), "{job:?}");
}
