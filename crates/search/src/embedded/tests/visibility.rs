use std::sync::atomic::AtomicUsize;

use super::*;

#[test]
fn every_change_is_seen_by_the_next_query() {
    let folder = scratch();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let applied = index.apply(vec![put("a", "river"), put("b", "river bank")]).unwrap();
    assert_eq!(applied, Applied { put: 2, ..Applied::default() });
    assert_eq!(found(&index, "river"), ["a", "b"]);
    index.apply(vec![put("a", "stone")]).unwrap();
    assert_eq!(found(&index, "river"), ["b"]);
    assert_eq!(found(&index, "stones"), ["a"]);
    let secret = Change::SetAcl { key: "b".to_owned(), acl: Acl::default() };
    assert_eq!(index.apply(vec![secret]).unwrap().permissions, 1);
    assert!(found(&index, "river").is_empty());
    assert_eq!(index.apply(vec![delete("a"), delete("none")]).unwrap().deleted, 1);
    assert!(found(&index, "stone").is_empty());
}

#[test]
fn a_prefix_removes_what_begins_so() {
    let folder = scratch();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    index.apply(["s/1", "s/2", "s0", "t/1"].map(|key| put(key, "river")).into()).unwrap();
    let applied = index.apply(vec![Change::DeletePrefix { prefix: "s/".to_owned() }]).unwrap();
    assert_eq!(applied.deleted, 2);
    assert_eq!(index.keys("", None, 10).unwrap(), ["s0", "t/1"]);
}

#[test]
fn keys_are_listed_page_by_page() {
    let folder = scratch();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    index.apply(["c", "pa", "pb", "pc", "q"].map(|key| put(key, "")).into()).unwrap();
    assert_eq!(index.keys("p", None, 2).unwrap(), ["pa", "pb"]);
    assert_eq!(index.keys("p", Some("pb"), 2).unwrap(), ["pc"]);
    assert_eq!(index.keys("p", Some("a"), 9).unwrap(), ["pa", "pb", "pc"]);
    assert!(index.keys("p", Some("pc"), 9).unwrap().is_empty());
}

#[test]
fn a_document_is_read_as_it_was_put() {
    let folder = scratch();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let mut rng = rng(1);
    let mut expected = random_document(&mut rng, "a".to_owned());
    expected.fields.retain(|_, text| !text.is_empty());
    expected.metadata.extend([
        ("flag".to_owned(), Value::Boolean(true)),
        ("tags".to_owned(), Value::TextList(vec!["x".to_owned(), String::new()])),
        ("seen".to_owned(), Value::Time(-5)),
    ]);
    expected.vector = Some(vec![0.0, 1.0, 0.0, 0.0]);
    index.apply(vec![Change::Put(expected.clone())]).unwrap();
    assert_eq!(index.get("a").unwrap().unwrap(), expected);
    index.compact().unwrap();
    assert_eq!(index.get("a").unwrap().unwrap(), expected);
    drop(index);
    let index = Embedded::open(folder.path(), schema()).unwrap();
    assert_eq!(index.get("a").unwrap().unwrap(), expected);
}

#[test]
fn results_are_the_same_through_compactions_and_reopening() {
    let folder = scratch();
    let mut rng = rng(7);
    let mut index = Embedded::open(folder.path(), schema()).unwrap();
    let mut expected = BTreeMap::new();
    for round in 0..12 {
        for _ in 0..rng.random_range(1..30) {
            let key = format!("doc{}", rng.random_range(0..60));
            if rng.random_bool(0.2) {
                index.apply(vec![delete(&key)]).unwrap();
                expected.remove(&key);
            } else {
                let document = random_document(&mut rng, key.clone());
                index.apply(vec![Change::Put(document.clone())]).unwrap();
                expected.insert(key, document);
            }
        }
        match round % 3 {
            0 => index.compact().unwrap(),
            1 => {
                drop(index);
                index = Embedded::open(folder.path(), schema()).unwrap();
            }
            _ => {}
        }
        let fresh = state(expected.values().cloned());
        for _ in 0..30 {
            let caller = random_caller(&mut rng);
            let query = random_query(&mut rng, caller);
            assert_same(&index.search(&query).unwrap(), &fresh.search(&query).unwrap());
        }
    }
    let statistics = index.statistics().unwrap();
    assert_eq!(statistics.documents, expected.len() as u64);
}

#[test]
fn readers_and_writers_and_compactions_go_on_together() {
    let folder = scratch();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for at in 0..200 {
                // The second replaces and the third revokes what the first put.
                index.apply(vec![put("public", &format!("river{at}"))]).unwrap();
                acknowledged.store(at + 1, Ordering::SeqCst);
            }
        });
        scope.spawn(|| (0..5).for_each(|_| index.compact().unwrap()));
        for _ in 0..2 {
            scope.spawn(|| {
                while acknowledged.load(Ordering::SeqCst) < 200 {
                    let before = acknowledged.load(Ordering::SeqCst);
                    let all = Query::new(Caller::anonymous()).vector(vec![1.0; 4]);
                    index.search(&all).unwrap();
                    if let Some(old) = before.checked_sub(2) {
                        assert!(found(&index, &format!("river{old}")).is_empty());
                    }
                }
            });
        }
    });
    assert_eq!(found(&index, "river199"), ["public"]);
}

#[test]
fn a_compaction_happens_by_itself_once_there_is_reason() {
    let folder = scratch();
    let schema = Schema::text(Language::Any, None);
    let index = Embedded::open(folder.path(), schema.clone()).unwrap();
    let change = |at: usize| {
        let mut document = document(&at.to_string(), "");
        document.fields = [("text".to_owned(), format!("word{at}"))].into();
        Change::Put(document)
    };
    index.apply((0..8_191).map(change).collect()).unwrap();
    assert!(!index.inner.is_compaction_due().unwrap());
    index.apply((8_191..8_193).map(change).collect()).unwrap();
    // This one waits for the other, or happens in its place.
    index.compact().unwrap();
    assert!(!index.inner.is_compaction_due().unwrap());
    assert_eq!(index.statistics().unwrap().recent, 0);
    assert_eq!(found(&index, "word8192"), ["8192"]);
}
