//! What changes leave behind stays in proportion to what is alive.

use super::*;

/// Compacts where that is due.
fn compact_if_due(index: &Embedded) {
    if index.inner.is_compaction_due().unwrap() {
        // This one waits for the thread's, or happens in its place.
        index.compact().unwrap();
    }
}

fn logged(index: &Embedded) -> u64 {
    index.inner.logged.load(Ordering::Relaxed)
}

/// Bytes of the logs in the folder.
fn logs(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let logs = files.filter(|file| file.file_name().to_string_lossy().starts_with("log-"));
    logs.map(|file| file.metadata().unwrap().len()).sum()
}

fn assert_as_made_of(index: &Embedded, expected: &BTreeMap<String, Document>, rng: &mut ChaCha8Rng) {
    let fresh = state(expected.values().cloned());
    for _ in 0..20 {
        let caller = random_caller(rng);
        let query = random_query(rng, caller);
        assert_same(&index.search(&query).unwrap(), &fresh.search(&query).unwrap());
    }
}

#[test]
fn changed_permissions_alone_leave_no_log_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut index = Embedded::open(folder.path(), schema()).unwrap();
    let mut rng = rng(31);
    let mut expected: BTreeMap<String, Document> =
        (0..40).map(|at| format!("doc{at:02}")).map(|key| (key.clone(), random_document(&mut rng, key))).collect();
    index.apply(expected.values().cloned().map(Change::Put).collect()).unwrap();
    let mut longest = 0;
    for round in 0..32 {
        let mut batch = Vec::new();
        for at in 0..100 {
            let key = format!("doc{:02}", rng.random_range(0..40));
            // Twelve names as long as names may be, so that few changes fill a log.
            let mut acl = acl(&mut rng);
            acl.denied_users.extend((0..12).map(|name| format!("{round}-{at}-{name}-{}", "x".repeat(2_000))));
            expected.get_mut(&key).unwrap().acl = acl.clone();
            batch.push(Change::SetAcl { key, acl });
        }
        index.apply(batch).unwrap();
        longest = longest.max(logged(&index));
        compact_if_due(&index);
        if round % 10 == 9 {
            assert_as_made_of(&index, &expected, &mut rng);
        }
        if round == 20 {
            drop(index);
            index = Embedded::open(folder.path(), schema()).unwrap();
            assert_eq!(logged(&index), logs(folder.path()));
        }
    }
    // In all 77 MB were written.
    assert!(longest < 40 << 20, "{longest} bytes");
    assert!(index.statistics().unwrap().generation >= 5, "compacted twice at least");
    assert!(index.inner.read().unwrap().acls.len() < 1_000);
    assert_eq!(logged(&index), logs(folder.path()));
    assert_as_made_of(&index, &expected, &mut rng);
}

#[test]
fn no_base_file_is_so_large_that_a_log_fills_the_memory() {
    let at_most = [0, 40 << 20, 10 << 30].map(compaction::logged_at_most);
    assert_eq!(at_most, [32 << 20, 40 << 20, 1 << 30]);
}

#[test]
fn permissions_that_no_document_has_any_more_are_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    index.apply(vec![put("a", "river"), put("b", "bank")]).unwrap();
    let change = |at: u64| {
        let acl = Acl { allowed_users: [format!("user{at}")].into(), ..Acl::default() };
        Change::SetAcl { key: "a".to_owned(), acl }
    };
    index.apply((0..8_190).map(change).collect()).unwrap();
    assert!(!index.inner.is_compaction_due().unwrap());
    index.apply((8_190..8_200).map(change).collect()).unwrap();
    index.compact().unwrap();
    assert!(!index.inner.is_compaction_due().unwrap());
    assert_eq!(index.inner.read().unwrap().acls.len(), 2);
    let find = |user: &str| {
        let caller = Groups::default().resolve(user);
        index.search(&Query::new(caller).text("river")).unwrap().hits.len()
    };
    assert_eq!((find("user8199"), find("user8198"), find("user0")), (1, 0, 0));
}
