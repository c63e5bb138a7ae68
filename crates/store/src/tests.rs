use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use base::{Error, ErrorKind, Result, Timestamp};

use crate::testing::{each_backend, each_database};
use crate::{DataDir, Migration, Module, Statement, Store, params};

const TABLES: &[Migration] = &[Migration::same(
    1,
    "things",
    "CREATE TABLE things (
        id TEXT PRIMARY KEY, size BIGINT, share DOUBLE PRECISION, ready BOOLEAN NOT NULL DEFAULT FALSE, body BYTEA
    );
    CREATE TABLE parts (
        id TEXT PRIMARY KEY, thing TEXT NOT NULL REFERENCES things (id)
    );",
)];

async fn things(store: Store) -> Store {
    store.migrate("things", TABLES).await.unwrap();
    store
}

async fn add(store: &Store, id: &str, size: i64) -> Result<u64> {
    store
        .write(|tx| async move { tx.execute("INSERT INTO things (id, size) VALUES ($1, $2)", params![id, size]).await })
        .await
}

async fn count(store: &Store) -> i64 {
    store
        .read(|tx| async move { tx.fetch_one("SELECT COUNT(*) AS n FROM things", params![]).await?.int("n") })
        .await
        .unwrap()
}

#[tokio::test]
async fn every_type_comes_back_as_it_was_written_and_as_null() {
    each_backend(async |store| {
        let store = things(store).await;
        store
            .write(|tx| async move {
                let sql = "INSERT INTO things (id, size, share, ready, body) VALUES ($1, $2, $3, $4, $5)";
                tx.execute(sql, params!["full ü✓", i64::MIN, 0.1, true, vec![0_u8, 255]]).await?;
                tx.execute(sql, params!["null", None::<Timestamp>, None::<f64>, false, None::<&[u8]>]).await
            })
            .await
            .unwrap();
        let rows = store
            .read(|tx| async move {
                tx.fetch_all("SELECT * FROM things WHERE ready OR size IS NULL ORDER BY id", params![]).await
            })
            .await
            .unwrap();
        let [full, null] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!(full.text("id").unwrap(), "full ü✓");
        assert_eq!(full.int("size").unwrap(), i64::MIN);
        assert_eq!(full.real("share").unwrap(), 0.1);
        assert!(full.bool("ready").unwrap());
        assert_eq!(full.bytes("body").unwrap(), [0, 255]);
        assert_eq!(null.opt_time("size").unwrap(), None);
        assert_eq!(null.opt_real("share").unwrap(), None);
        assert!(!null.bool("ready").unwrap());
        assert_eq!(null.opt_bytes("body").unwrap(), None);
        assert_eq!(null.int("size").unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(null.text("absent").unwrap_err().kind, ErrorKind::Internal);
    })
    .await;
}

#[tokio::test]
async fn an_error_undoes_the_whole_transaction() {
    each_backend(async |store| {
        let store = things(store).await;
        let result: Result<()> = store
            .write(|tx| async move {
                tx.execute("INSERT INTO things (id) VALUES ('a')", params![]).await?;
                Err(Error::invalid("no"))
            })
            .await;
        assert_eq!(result.unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(count(&store).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_violated_key_is_told_by_kind_and_ends_the_transaction() {
    each_backend(async |store| {
        let store = things(store).await;
        add(&store, "a", 1).await.unwrap();
        assert_eq!(add(&store, "a", 2).await.unwrap_err().kind, ErrorKind::AlreadyExists);
        let orphan = store
            .write(
                |tx| async move { tx.execute("INSERT INTO parts (id, thing) VALUES ('p', 'none')", params![]).await },
            )
            .await;
        assert_eq!(orphan.unwrap_err().kind, ErrorKind::Conflict);
        let ignored = store
            .write(|tx| async move {
                let _ = tx.execute("INSERT INTO things (id) VALUES ('a')", params![]).await;
                let _ = tx.execute("INSERT INTO things (id) VALUES ('b')", params![]).await;
                Ok(())
            })
            .await;
        assert_eq!(ignored.unwrap_err().kind, ErrorKind::Internal);
        assert_eq!(count(&store).await, 1);
    })
    .await;
}

#[tokio::test]
async fn text_with_nul_is_refused() {
    each_backend(async |store| {
        let store = things(store).await;
        assert_eq!(add(&store, "a\0b", 1).await.unwrap_err().kind, ErrorKind::Invalid);
        assert_eq!(count(&store).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_read_sees_one_snapshot_and_cannot_write() {
    each_backend(async |store| {
        let store = things(store).await;
        let seen = store
            .read(|tx| {
                let store = store.clone();
                async move {
                    let before = tx.fetch_one("SELECT COUNT(*) AS n FROM things", params![]).await?.int("n")?;
                    add(&store, "meanwhile", 1).await?;
                    let after = tx.fetch_one("SELECT COUNT(*) AS n FROM things", params![]).await?.int("n")?;
                    Ok((before, after))
                }
            })
            .await
            .unwrap();
        assert_eq!(seen, (0, 0));
        assert_eq!(count(&store).await, 1);
        let write = store.read(|tx| async move { tx.execute("DELETE FROM things", params![]).await }).await;
        assert!(write.is_err());
        assert_eq!(count(&store).await, 1);
    })
    .await;
}

#[tokio::test]
async fn transactions_behave_as_if_run_one_after_another() {
    each_backend(async |store| {
        let store = things(store).await;
        add(&store, "counter", 0).await.unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let store = store.clone();
            tasks.spawn(async move {
                store
                    .write(|tx| async move {
                        let row = tx.fetch_one("SELECT size FROM things WHERE id = 'counter'", params![]).await?;
                        let next = row.int("size")? + 1;
                        tx.execute("UPDATE things SET size = $1 WHERE id = 'counter'", params![next]).await
                    })
                    .await
            });
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap().unwrap();
        }
        let size = store
            .read(|tx| async move { tx.fetch_one("SELECT size FROM things", params![]).await?.int("size") })
            .await
            .unwrap();
        assert_eq!(size, 16);
    })
    .await;
}

#[tokio::test]
async fn a_dropped_transaction_keeps_nothing_and_blocks_nobody() {
    each_backend(async |store| {
        let store = things(store).await;
        {
            let written = tokio::sync::Notify::new();
            let unfinished = store.write(|tx| {
                let written = &written;
                async move {
                    tx.execute("INSERT INTO things (id) VALUES ('a')", params![]).await?;
                    written.notify_one();
                    std::future::pending::<Result<()>>().await
                }
            });
            tokio::select! {
                _ = unfinished => unreachable!("it never ends"),
                () = written.notified() => {}
            }
        }
        add(&store, "b", 1).await.unwrap();
        assert_eq!(count(&store).await, 1);
    })
    .await;
}

fn later(id: &str) -> Statement {
    Statement::new("INSERT INTO things (id, size) VALUES ($1, $2) ON CONFLICT DO NOTHING", params![id, 1])
}

#[tokio::test]
async fn what_is_deferred_is_written_with_the_next_commit_or_by_itself() {
    each_backend(async |store| {
        let store = things(store).await;
        store.defer(vec![later("a"), later("b\0")]);
        assert_eq!((count(&store).await, store.deferred()), (0, 2));
        let failed: Result<()> = store.write(|_| async { Err(Error::invalid("no")) }).await;
        failed.unwrap_err();
        assert_eq!((count(&store).await, store.deferred()), (0, 2));
        add(&store, "own", 1).await.unwrap();
        let waiting = if store.takes_along() { 0 } else { 2 };
        assert_eq!((count(&store).await, store.deferred()), (3 - waiting, waiting as usize));
        store.write_deferred().await.unwrap();
        store.write_deferred().await.unwrap();
        assert_eq!((count(&store).await, store.deferred()), (3, 0));
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_recorded_does_not_happen() {
    each_backend(async |store| {
        let store = things(store).await;
        store.defer(vec![later("a"), Statement::new("INSERT INTO nowhere VALUES ($1)", params![1])]);
        assert_eq!(add(&store, "own", 1).await.is_err(), store.takes_along());
        store.write_deferred().await.unwrap_err();
        assert_eq!(store.deferred(), 2);
        assert_eq!(count(&store).await, if store.takes_along() { 0 } else { 1 });
    })
    .await;
}

#[tokio::test]
async fn nobody_goes_on_without_what_another_has_not_written() {
    each_backend(async |store| {
        let store = things(store).await;
        store.defer(vec![later("a")]);
        let first = store.deferred.take().await;
        let mut second = std::pin::pin!(store.deferred.take());
        assert!(futures::poll!(&mut second).is_pending());
        // The first did not commit: the second has it.
        drop(first);
        drop(second.await);
        assert_eq!(store.deferred(), 1);
        store.write_deferred().await.unwrap();
        assert_eq!((count(&store).await, store.deferred()), (1, 0));
    })
    .await;
}

#[tokio::test]
async fn of_many_writers_none_commits_before_what_it_deferred() {
    each_backend(async |store| {
        let store = things(store).await;
        let writers = (0..20).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("later-{number}");
                store.defer(vec![later(&id)]);
                if number % 5 == 0 || !store.takes_along() {
                    store.write_deferred().await.unwrap();
                }
                let id = &id;
                let sql = "SELECT COUNT(*) AS n FROM things WHERE id = $1";
                add(&store, &format!("own-{number}"), 1).await.unwrap();
                store.read(|tx| async move { tx.fetch_one(sql, params![id]).await?.int("n") }).await.unwrap()
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            assert_eq!(writer.await.unwrap(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn listings_are_ordered_by_bytes() {
    each_backend(async |store| {
        let store = things(store).await;
        for id in ["b", "A", "_", "a", "é", "Z"] {
            add(&store, id, 0).await.unwrap();
        }
        let rows = store
            .read(|tx| async move { tx.fetch_all("SELECT id FROM things ORDER BY id", params![]).await })
            .await
            .unwrap();
        let ids: Vec<String> = rows.iter().map(|row| row.text("id").unwrap()).collect();
        assert_eq!(ids, ["A", "Z", "_", "a", "b", "é"]);
    })
    .await;
}

#[tokio::test]
async fn migrations_run_once_and_in_order() {
    each_backend(async |store| {
        let store = things(store).await;
        store.migrate("things", TABLES).await.unwrap();
        let more = [TABLES[0], Migration::same(2, "colour", "ALTER TABLE things ADD COLUMN colour TEXT")];
        store.migrate("things", &more).await.unwrap();
        store.migrate("things", &more).await.unwrap();
        store
            .write(
                |tx| async move { tx.execute("INSERT INTO things (id, colour) VALUES ('a', 'red')", params![]).await },
            )
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn servers_that_start_together_migrate_once() {
    each_database(async |database| {
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let store = database.open().await.unwrap();
            tasks.spawn(async move { store.migrate("things", TABLES).await });
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap().unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_untouched() {
    each_backend(async |store| {
        let newer = [TABLES[0], Migration::same(2, "colour", "ALTER TABLE things ADD COLUMN colour TEXT")];
        store.migrate("things", &newer).await.unwrap();
        let error = store.migrate("things", TABLES).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("newer version of Craton"), "{error}");
        store.migrate("things", &newer).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_database_is_looked_at_as_a_whole_before_it_is_touched() {
    each_backend(async |store| {
        const LATER: &[Migration] =
            &[TABLES[0], Migration::same(2, "colour", "ALTER TABLE things ADD COLUMN colour TEXT")];
        const OTHER: &[Migration] = &[Migration::same(1, "other", "CREATE TABLE other (id TEXT PRIMARY KEY)")];
        let known = [Module { name: "things", migrations: TABLES }, Module { name: "other", migrations: OTHER }];
        assert!(store.is_empty().await.unwrap());
        store.check_modules(&known).await.unwrap();
        assert_eq!(store.applied("things").await.unwrap(), 0);
        assert!(store.is_empty().await.unwrap(), "looking makes nothing");
        let store = things(store).await;
        store.check_modules(&known).await.unwrap();
        assert_eq!((store.applied("things").await.unwrap(), store.applied("other").await.unwrap()), (1, 0));
        // A module that this version does not know, and a step of a known one.
        let error = store.check_modules(&known[1..]).await.unwrap_err();
        assert!(error.kind == ErrorKind::Conflict && error.message.contains("newer version of Craton"), "{error}");
        store.migrate("things", LATER).await.unwrap();
        assert_eq!(store.check_modules(&known).await.unwrap_err().kind, ErrorKind::Conflict);
        store.check_modules(&[Module { name: "things", migrations: LATER }]).await.unwrap();
    })
    .await;
}

/// All lines of a dump.
async fn dumped(store: &Store) -> (crate::Dumped, Vec<String>) {
    let (send, mut receive) = tokio::sync::mpsc::channel(4);
    let collect = async move {
        let mut text = Vec::new();
        while let Some(chunk) = receive.recv().await {
            text.extend(chunk);
        }
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    };
    let (dumped, lines) = tokio::join!(store.dump(send), collect);
    (dumped.unwrap(), lines)
}

async fn load(store: &Store, lines: &[String]) -> Result<u64> {
    store.load(lines.iter().cloned().map(Ok)).await
}

/// Things of every type, NULLs and extremes among them, and rows that refer to a row that comes later.
async fn fill(store: &Store) {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO things (id, size, share, ready, body) VALUES ($1, $2, $3, $4, $5)";
            for (id, size, share) in
                [("a \"ü✓\"\n", i64::MIN, 0.1), ("b", i64::MAX, f64::MIN_POSITIVE), ("c", 0, -1e300)]
            {
                tx.execute(sql, params![id, size, share, true, vec![0_u8, 255, 10]]).await?;
            }
            tx.execute(sql, params!["null", None::<i64>, None::<f64>, false, None::<&[u8]>]).await?;
            let sql = "INSERT INTO chain (id, next) VALUES ($1, $2)";
            tx.execute(sql, params!["z", None::<&str>]).await?;
            tx.execute(sql, params!["y", "z"]).await?;
            tx.execute(sql, params!["x", "y"]).await?;
            tx.execute("INSERT INTO parts (id, thing) VALUES ('p', 'b')", params![]).await
        })
        .await
        .unwrap();
}

const CHAIN: &[Migration] =
    &[Migration::same(1, "chain", "CREATE TABLE chain (id TEXT PRIMARY KEY, next TEXT REFERENCES chain (id))")];

async fn things_and_chain(store: Store) -> Store {
    let store = things(store).await;
    store.migrate("chain", CHAIN).await.unwrap();
    store
}

#[tokio::test]
async fn a_dump_is_the_same_on_every_database_and_loads_on_every_database() {
    let dumps = std::sync::Mutex::new(Vec::new());
    each_backend(async |store| {
        let store = things_and_chain(store).await;
        fill(&store).await;
        let (facts, lines) = dumped(&store).await;
        assert_eq!(facts.modules, [("chain".to_owned(), 1), ("things".to_owned(), 1)]);
        assert_eq!(facts.rows, 8);
        dumps.lock().unwrap().push(lines);
    })
    .await;
    let dumps = dumps.into_inner().unwrap();
    assert!(dumps.iter().all(|dump| *dump == dumps[0]), "{dumps:?}");
    each_backend(async |store| {
        let store = things_and_chain(store).await;
        add(&store, "replaced", 1).await.unwrap();
        // A row that refers to a later one.
        let mut lines = dumps[0].clone();
        let row = |id: &str| lines.iter().position(|line| line.starts_with(&format!("[\"{id}\","))).unwrap();
        let (x, z) = (row("x"), row("z"));
        lines.swap(x, z);
        assert_eq!(load(&store, &lines).await.unwrap(), 8);
        let (_, again) = dumped(&store).await;
        assert_eq!(again, lines);
        // The constraints hold again.
        let astray = "INSERT INTO parts (id, thing) VALUES ('q', 'nowhere')";
        let error = store.write(|tx| async move { tx.execute(astray, params![]).await }).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
    })
    .await;
}

#[tokio::test]
async fn a_dump_that_does_not_fit_changes_nothing() {
    each_backend(async |store| {
        let store = things_and_chain(store).await;
        fill(&store).await;
        let (_, lines) = dumped(&store).await;
        let with = |at: usize, line: &str| {
            let mut lines = lines.clone();
            lines[at] = line.to_owned();
            lines
        };
        let parts = lines.iter().position(|line| line.contains("\"parts\"")).unwrap();
        for wrong in [
            with(0, "{\"table\":\"elsewhere\",\"columns\":[]}"),
            with(0, "{\"table\":\"things\",\"columns\":[[\"id\",\"text\"]]}"),
            with(1, "[\"a\"]"),
            with(1, "[1,2,3,4,5]"),
            with(1, "half a li"),
            with(0, "[]"),
            with(parts + 1, "[\"p\",\"nowhere\"]"),
        ] {
            assert!(load(&store, &wrong).await.is_err(), "{wrong:?}");
            assert_eq!(dumped(&store).await.1, lines);
        }
        let broken = vec![Ok(lines[0].clone()), Err(std::io::ErrorKind::UnexpectedEof.into())];
        assert_eq!(store.load(broken.into_iter()).await.unwrap_err().kind, ErrorKind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_dump_shows_one_moment_while_others_write() {
    each_backend(async |store| {
        let store = things_and_chain(store).await;
        let body = &vec![7_u8; 1000];
        store
            .write(|tx| async move {
                for number in 0..300 {
                    let sql = "INSERT INTO things (id, body) VALUES ($1, $2)";
                    tx.execute(sql, params![format!("before-{number}"), body]).await?;
                }
                Ok(())
            })
            .await
            .unwrap();
        // One chunk at a time, and a row after each.
        let (send, mut receive) = tokio::sync::mpsc::channel(1);
        let write = async {
            let mut chunks = 0;
            let mut text = Vec::new();
            while let Some(chunk) = receive.recv().await {
                chunks += 1;
                add(&store, &format!("during-{chunks}"), 1).await.unwrap();
                text.extend(chunk);
            }
            (chunks, String::from_utf8(text).unwrap())
        };
        let (facts, (chunks, text)) = tokio::join!(store.dump(send), write);
        assert!(chunks > 2, "{chunks}");
        assert_eq!(facts.unwrap().rows, 300);
        assert!(text.contains("before-299") && !text.contains("during"));
        assert_eq!(count(&store).await, 300 + chunks);
    })
    .await;
}

#[tokio::test]
async fn a_changed_migration_is_refused() {
    each_backend(async |store| {
        let store = things(store).await;
        let changed = [Migration::same(1, "things", "CREATE TABLE other (id TEXT)")];
        let error = store.migrate("things", &changed).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains("`things`"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn a_failing_migration_leaves_nothing_behind() {
    each_backend(async |store| {
        let broken = [TABLES[0], Migration::same(2, "typo", "ALTER TABLE thinsg ADD COLUMN colour TEXT")];
        let error = store.migrate("things", &broken).await.unwrap_err();
        assert!(error.detail.as_deref().is_some_and(|detail| detail.contains("things/2 `typo`")), "{error:?}");
        store.migrate("things", TABLES).await.unwrap();
        let gap = [Migration::same(2, "things", "SELECT 1")];
        assert_eq!(store.migrate("gap", &gap).await.unwrap_err().kind, ErrorKind::Internal);
    })
    .await;
}

#[tokio::test]
async fn a_raced_transaction_is_given_up_in_the_end() {
    each_backend(async |store| {
        let store = things(store).await;
        add(&store, "a", 0).await.unwrap();
        let runs = AtomicU32::new(0);
        let result = store
            .write(|tx| {
                runs.fetch_add(1, Ordering::SeqCst);
                let rival = store.clone();
                async move {
                    tx.fetch_one("SELECT size FROM things WHERE id = 'a'", params![]).await?;
                    if rival.dialect(false, true) {
                        let update = "UPDATE things SET size = size + 1 WHERE id = 'a'";
                        rival.write(|tx| async move { tx.execute(update, params![]).await }).await?;
                    }
                    tx.execute("UPDATE things SET size = 0 WHERE id = 'a'", params![]).await
                }
            })
            .await;
        if store.dialect(true, false) {
            assert_eq!((result.unwrap(), runs.into_inner()), (1, 1));
        } else {
            assert_eq!(result.unwrap_err().kind, ErrorKind::Unavailable);
            assert_eq!(runs.into_inner(), 16);
        }
    })
    .await;
}

#[tokio::test]
async fn the_database_file_is_readable_by_its_owner_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("craton.db");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let store = things(Store::open_sqlite(&path).await.unwrap()).await;
    add(&store, "a", 1).await.unwrap();
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn the_database_is_written_through_to_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap();
    let pragmas = store
        .write(|tx| async move {
            let mode = tx.fetch_one("PRAGMA journal_mode", params![]).await?.text("journal_mode")?;
            let synchronous = tx.fetch_one("PRAGMA synchronous", params![]).await?.int("synchronous")?;
            let keys = tx.fetch_one("PRAGMA foreign_keys", params![]).await?.int("foreign_keys")?;
            Ok((mode, synchronous, keys))
        })
        .await
        .unwrap();
    assert_eq!(pragmas, ("wal".to_owned(), 2, 1));
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_refused_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("craton.db");
    std::fs::write(&path, "this is a text, and not a short one").unwrap();
    let error = Store::open_sqlite(&path).await.unwrap_err();
    assert!(error.message.contains(path.to_str().unwrap()) && error.message.contains("not a database"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), b"this is a text, and not a short one");

    let foreign = dir.path().join("foreign.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(&foreign).create_if_missing(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::raw_sql("CREATE TABLE theirs (id TEXT)").execute(&pool).await.unwrap();
    pool.close().await;
    let error = Store::open_sqlite(&foreign).await.unwrap_err();
    assert!(error.message.contains("another program"), "{error}");
}

#[tokio::test]
async fn a_damaged_database_is_told_as_such() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("craton.db");
    let store = things(Store::open_sqlite(&path).await.unwrap()).await;
    add(&store, "a", 1).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..].fill(0x55);
    std::fs::write(&path, bytes).unwrap();
    let error = match Store::open_sqlite(&path).await {
        Ok(store) => store.migrate("things", TABLES).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("damaged") && error.message.contains("craton.db"), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("backup")));
}

#[tokio::test]
async fn a_full_disk_is_told_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = things(Store::open_sqlite(&dir.path().join("craton.db")).await.unwrap()).await;
    add(&store, "kept", 1).await.unwrap();
    // SQLite answers FULL beyond this many pages, as it does where the disk has no more room.
    store.write(|tx| async move { tx.fetch_one("PRAGMA max_page_count = 1", params![]).await }).await.unwrap();
    let body = &vec![1_u8; 1 << 20];
    let error = store
        .write(|tx| async move { tx.execute("INSERT INTO things (id, body) VALUES ('big', $1)", params![body]).await })
        .await
        .unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("is full"), "{error}");
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn an_unreachable_or_malformed_address_is_told_without_its_password() {
    let error = Store::open_postgres("postgres://user:hidden@127.0.0.1:1/craton").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains("`127.0.0.1:1/craton`"), "{error}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    assert_eq!(Store::open_postgres("mysql//x").await.unwrap_err().kind, ErrorKind::Invalid);
    let missing = Store::open_sqlite(Path::new("/nonexistent/craton.db")).await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::Unavailable);
    assert!(missing.message.contains("`/nonexistent/craton.db`"), "{missing}");
}

#[test]
fn a_data_directory_belongs_to_one_holder_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("data");
    let held = DataDir::lock(&path).unwrap();
    assert_eq!(held.path(), path);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let error = DataDir::lock(&path).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains(path.to_str().unwrap()), "{error}");
    assert!(error.message.contains(&std::process::id().to_string()), "{error}");
    drop(held);
    DataDir::lock(&path).unwrap();
}

#[test]
fn a_file_is_no_data_directory() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = DataDir::lock(file.path()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert!(error.message.contains("is not a directory"), "{error}");
    assert_eq!(DataDir::lock(&file.path().join("below")).unwrap_err().kind, ErrorKind::Invalid);
}

#[tokio::test]
async fn a_full_database_is_named_and_nothing_is_half_written() {
    let database = crate::testing::TestDatabase::sqlite().unwrap();
    let store = things(database.open().await.unwrap()).await;
    add(&store, "before", 1).await.unwrap();
    // SQLite then fails as on a full disk. The limit is that of the connection, of which there is one that writes.
    let limit = "PRAGMA max_page_count = 20";
    store.write(|tx| async move { tx.fetch_one(limit, params![]).await.map(drop) }).await.unwrap();
    let whole = store
        .write(|tx| async move {
            tx.execute("INSERT INTO things (id) VALUES ('first')", params![]).await?;
            let body = vec![7_u8; 1 << 20];
            tx.execute("INSERT INTO things (id, ready, body) VALUES ('second', TRUE, $1)", params![body]).await
        })
        .await;
    let error = whole.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(
        error.message.starts_with("The disk of the database `") && error.message.ends_with("` is full."),
        "{error:?}"
    );
    assert_eq!(count(&store).await, 1, "the first insert is undone with the second");

    // With room again, all goes on.
    add(&store, "after", 1).await.unwrap();
    assert_eq!(count(&store).await, 2);
    store.close().await;
}
