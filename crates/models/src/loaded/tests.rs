use base::ErrorKind;

use super::*;
use crate::at_rest::{Header, Writer};
use crate::testing::TestLoader;

/// Two models of 400 bytes fit.
fn pool() -> (Pool, Arc<TestLoader>, tempfile::TempDir) {
    let loader = Arc::new(TestLoader::default());
    let options = LoadOptions { queue: 1, ..LoadOptions::default() };
    (Pool::new(loader.clone(), options, 1000), loader, tempfile::tempdir().unwrap())
}

fn files(dir: &tempfile::TempDir, name: &str) -> ModelFiles {
    let dir = dir.path().join(name);
    std::fs::create_dir_all(&dir).unwrap();
    let main = dir.join("model.safetensors");
    std::fs::write(&main, if name.starts_with("corrupt") { "corrupt" } else { "fine" }).unwrap();
    ModelFiles { dir, main }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_does_not_fit_any_more_is_passed_over_and_the_status_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let files = ModelFiles { dir: dir.path().to_owned(), main: dir.path().join("model.gguf") };
    let options = LoadOptions { parallel: 1, ..LoadOptions::default() };
    let tuned = |parallel| crate::Tuned {
        job: "j".to_owned(),
        settings: crate::TunedSettings { parallel, ..crate::TunedSettings::of(&options) },
        pinned: None,
    };
    let load = async |parallel| {
        let pool = Pool::new(Arc::new(inference::fake::FakeLoader::default()), options.clone(), 1_300_000);
        pool.set_tuned("m", Some(tuned(parallel)));
        let lease = pool.acquire("m", files.clone()).await.unwrap();
        let Loaded::Generator(generator) = lease.model() else { panic!("it generates") };
        (generator.info().parallel, pool.status(|_| true).loaded[0].profile.clone())
    };
    assert_eq!(load(4).await, (4, ProfileInUse::Tuned("j".to_owned())));
    let (parallel, profile) = load(32).await;
    let ProfileInUse::Unfit { reason } = profile else { panic!("{profile:?}") };
    assert_eq!((parallel, reason.as_str()), (1, "Its profile needs 2 MiB and models may take 2 MiB."));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_is_passed_over_lends_no_weights() {
    let (pool, loader, dir) = pool();
    loader.sizes.lock().unwrap().insert("m-huge-embed".to_owned(), 5 << 20);
    let (own, other) = (files(&dir, "m-embed"), files(&dir, "m-huge-embed"));
    let settings = crate::TunedSettings::of(pool.options());
    let tuned = crate::Tuned {
        job: "j".to_owned(),
        settings: crate::TunedSettings { weights: Some("other".to_owned()), ..settings },
        pinned: None,
    };
    pool.set_tuned("m", Some(tuned.clone()));
    let huge = Borrowed { tuned: tuned.clone(), whose: "other".to_owned(), weights: Ok(Weights::from(other)) };
    let lease = pool.acquire("m", Sources::new(own.into(), Some(huge))).await.unwrap();
    let loaded = pool.status(|_| true).loaded;
    assert!(matches!(&loaded[0].profile, ProfileInUse::Unfit { reason } if reason.contains("MiB")), "{loaded:?}");
    assert_eq!((loaded[0].memory_bytes, lease.model().memory_bytes()), (400, 400));
    drop(lease);
    pool.unload("m").await.unwrap();
    // Nor are damaged ones the model's own affair.
    let corrupt = Borrowed { tuned, whose: "other".to_owned(), weights: Ok(files(&dir, "corrupt-embed").into()) };
    drop(pool.acquire("m", Sources::new(files(&dir, "m-embed").into(), Some(corrupt))).await.unwrap());
    let loaded = pool.status(|_| true).loaded;
    assert!(matches!(&loaded[0].profile, ProfileInUse::Unfit { reason } if reason.contains("cannot be read")));
}

#[tokio::test]
async fn the_room_beside_a_model_is_what_the_others_leave() {
    let (pool, _, dir) = pool();
    assert_eq!(pool.room_beside("a"), 1000);
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    assert_eq!((pool.room_beside("a"), pool.room_beside("b")), (1000, 600));
}

#[test]
fn the_trials_of_a_model_are_one_in_metrics() {
    let trial = format!("m{TRIAL}7");
    assert_eq!((label(&trial), label("m"), label("arn:x")), ("m#tuning".into(), "m".into(), "imported-model".into()));
}

fn names(pool: &Pool) -> Vec<String> {
    pool.status(|_| true).loaded.into_iter().map(|model| model.name).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_first_users_load_a_model_once() {
    let (pool, loader, dir) = pool();
    let files = files(&dir, "a");
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (pool, files) = (pool.clone(), files.clone());
            tokio::spawn(async move { pool.acquire("a", files).await.unwrap() })
        })
        .collect();
    let mut leases = Vec::new();
    for caller in callers {
        leases.push(caller.await.unwrap());
    }
    assert_eq!(loader.loads.load(Ordering::SeqCst), 1);
    let status = pool.status(|_| true);
    assert_eq!((status.used_bytes, status.loaded[0].leases), (400, 16));
    drop(leases);
    assert_eq!(pool.status(|_| true).loaded[0].leases, 0);
}

#[tokio::test]
async fn the_least_recently_used_idle_model_makes_room() {
    let (pool, loader, dir) = pool();
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    drop(pool.acquire("b", files(&dir, "b")).await.unwrap());
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    drop(pool.acquire("c", files(&dir, "c")).await.unwrap());
    assert_eq!(names(&pool), ["a", "c"]);
    assert_eq!(loader.loads.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_model_in_use_is_never_unloaded() {
    let (pool, _, dir) = pool();
    let a = pool.acquire("a", files(&dir, "a")).await.unwrap();
    let b = pool.acquire("b", files(&dir, "b")).await.unwrap();
    let error = pool.acquire("c", files(&dir, "c")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Throttled);
    assert!(error.message.contains("needs 1 MiB"), "{}", error.message);
    assert_eq!(names(&pool), ["a", "b"]);
    assert_eq!(pool.unload("a").await.unwrap_err().kind, ErrorKind::Conflict);
    drop(b);
    let c = pool.acquire("c", files(&dir, "c")).await.unwrap();
    assert_eq!(names(&pool), ["a", "c"]);
    drop((a, c));
    pool.unload("a").await.unwrap();
    assert_eq!(names(&pool), ["c"]);
    assert_eq!(pool.unload("a").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn a_model_above_the_budget_evicts_nobody_and_says_the_numbers() {
    let (pool, loader, dir) = pool();
    loader.sizes.lock().unwrap().insert("huge".to_owned(), 5 << 20);
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    let error = pool.acquire("huge", files(&dir, "huge")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.message, "The model `huge` needs 5 MiB and models may take 1 MiB.");
    assert!(error.hint.unwrap().contains("memory_budget"));
    assert_eq!(names(&pool), ["a"]);
    assert_eq!(pool.status(|_| true).used_bytes, 400);
}

#[tokio::test]
async fn a_damaged_file_is_named_with_reason_and_hint_and_leaves_nothing_behind() {
    let (pool, _, dir) = pool();
    let error = pool.acquire("corrupt", files(&dir, "corrupt")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Damaged);
    assert!(error.message.contains("corrupt/model.safetensors") && error.message.contains("magic number"));
    assert!(error.hint.unwrap().contains("craton models pull corrupt"));
    assert!(names(&pool).is_empty());
    assert_eq!(pool.status(|_| true).used_bytes, 0);
}

/// An encrypted model.
async fn sealed(dir: &tempfile::TempDir, name: &str, bytes: &'static [u8]) -> SealedModel {
    use checkpoint::Sink as _;
    let path = dir.path().join(name).with_extension("model");
    let header = Header { bytes: bytes.len() as u64, head: 1, wrapped_key: Vec::new() };
    let mut writer = Writer::create(&path, header, &[1; 32]).await.unwrap();
    writer.write(bytes::Bytes::from_static(bytes)).await.unwrap();
    writer.finish().await.unwrap();
    SealedModel::new(path, zeroize::Zeroizing::new(vec![1; 32]))
}

#[tokio::test]
async fn an_encrypted_model_is_loaded_from_memory_and_charged_to_the_budget() {
    let (pool, loader, dir) = pool();
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    drop(pool.acquire("b", files(&dir, "b")).await.unwrap());
    let lease = pool.acquire("imported", sealed(&dir, "imported", b"fine").await).await.unwrap();
    assert_eq!(names(&pool), ["b", "imported"], "one had to leave for it");
    assert_eq!((pool.status(|_| true).used_bytes, loader.loads.load(Ordering::SeqCst)), (800, 3));
    drop(lease);
    loader.sizes.lock().unwrap().insert("fd".to_owned(), 5 << 20);
    let error = pool.acquire("huge", sealed(&dir, "huge", b"fine").await).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_encrypted_model_that_cannot_be_loaded_is_to_be_imported_again() {
    let (pool, _, dir) = pool();
    let error = pool.acquire("bad", sealed(&dir, "bad", b"corrupt").await).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Damaged);
    assert!(error.hint.unwrap().contains("import it again"));
    let model = sealed(&dir, "gone", b"fine").await;
    std::fs::remove_file(dir.path().join("gone.model")).unwrap();
    assert_eq!(pool.acquire("gone", model).await.err().unwrap().kind, ErrorKind::NotFound);
    assert_eq!(pool.status(|_| true).used_bytes, 0);
}

#[tokio::test]
async fn an_engine_that_panics_leaves_nothing_behind() {
    let (pool, _, dir) = pool();
    let error = pool.acquire("panics-embed", files(&dir, "panics-embed")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Internal);
    assert_eq!(pool.status(|_| true).used_bytes, 0);
    assert!(pool.acquire("a", files(&dir, "a")).await.is_ok());
}

#[tokio::test]
async fn a_caller_who_goes_away_does_not_stop_the_load() {
    let (pool, loader, dir) = pool();
    let files = files(&dir, "a");
    {
        let acquire = pool.acquire("a", files.clone());
        tokio::pin!(acquire);
        // Polled once: the load has begun, and the caller is dropped.
        assert!(futures::poll!(acquire.as_mut()).is_pending());
    }
    let lease = pool.acquire("a", files).await.unwrap();
    assert_eq!((lease.name(), loader.loads.load(Ordering::SeqCst)), ("a", 1));
}

#[tokio::test]
async fn embedding_is_throttled_when_the_queue_is_full() {
    let (pool, _, dir) = pool();
    let lease = pool.acquire("a", files(&dir, "a")).await.unwrap();
    let cores = std::thread::available_parallelism().unwrap().get();
    let mut turns = Vec::new();
    for _ in 0..cores {
        turns.push(lease.turn_to_embed(Serving::default(), 1).await.unwrap());
    }
    let waiting = lease.turn_to_embed(Serving::default(), 1);
    tokio::pin!(waiting);
    assert!(futures::poll!(waiting.as_mut()).is_pending());
    let refused = lease.turn_to_embed(Serving::default(), 1).await.err().unwrap();
    assert_eq!((refused.kind, refused.retry_after_seconds()), (ErrorKind::Throttled, Some(1)));
    assert_eq!(
        (pool.status(|_| true).loaded[0].active_sequences as usize, pool.status(|_| true).loaded[0].queued),
        (cores, 1)
    );
    drop(turns);
    drop(waiting.await.unwrap());
}

#[tokio::test]
async fn a_model_that_is_being_removed_is_not_loaded() {
    let (pool, loader, dir) = pool();
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    let retired = pool.retire("a").await.unwrap();
    assert!(names(&pool).is_empty());
    assert_eq!(pool.acquire("a", files(&dir, "a")).await.err().unwrap().kind, ErrorKind::NotFound);
    assert_eq!(pool.retire("a").await.err().unwrap().kind, ErrorKind::Conflict);
    drop(retired);
    drop(pool.acquire("a", files(&dir, "a")).await.unwrap());
    assert_eq!(loader.loads.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_model_that_is_being_loaded_or_used_cannot_be_removed() {
    let (pool, _, dir) = pool();
    let files = files(&dir, "a");
    {
        let acquire = pool.acquire("a", files.clone());
        tokio::pin!(acquire);
        assert!(futures::poll!(acquire.as_mut()).is_pending());
        assert_eq!(pool.retire("a").await.err().unwrap().kind, ErrorKind::Conflict);
    }
    let lease = pool.acquire("a", files).await.unwrap();
    assert_eq!(pool.retire("a").await.err().unwrap().kind, ErrorKind::Conflict);
    drop(lease);
    assert!(pool.retire("a").await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_not_be_used_any_more_is_not_there_when_it_has_come() {
    let (pool, _, dir) = pool();
    let files = files(&dir, "a");
    let Found::Loading(mut over) = pool.find_or_start("a", &files.clone().into(), None).unwrap() else {
        panic!("loaded")
    };
    pool.forget("a").await;
    let outcome = over.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!(outcome.is_ok(), pool.is_loaded("a"));
    pool.forget("a").await;
    assert!(!pool.is_loaded("a"));
    drop(pool.acquire("a", files).await.unwrap());
    assert_eq!(names(&pool), ["a"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_not_be_used_any_more_is_not_loaded_to_the_end_and_its_memory_is_waited_for() {
    let (pool, loader, dir) = pool();
    let (files, hold) = (files(&dir, "a"), loader.hold("a"));
    let Found::Loading(mut over) = pool.find_or_start("a", &files.into(), None).unwrap() else { panic!("loaded") };
    hold.reached().await;
    let before = pool.is_draining();
    pool.forget("a").await;
    let during = pool.is_draining();
    hold.open();
    let outcome = over.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert_eq!(outcome.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(loader.loads.load(Ordering::SeqCst), 0);
    assert_eq!((before, during, pool.is_draining()), (false, true, false));
}

#[test]
fn metrics_do_not_name_imported_models() {
    assert_eq!(label("arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijk1"), "imported-model");
    assert_eq!(label("smollm2-135m-instruct"), "smollm2-135m-instruct");
}
