//! Where a compaction puts documents, and that they are found there.

use std::collections::BTreeSet;

use super::*;

#[test]
fn a_compaction_puts_the_documents_of_a_permission_next_to_each_other() {
    let folder = scratch();
    let mut rng = rng(51);
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let of_group =
        |at: usize| Acl { allowed_groups: [format!("group{at}"), "staff".to_owned()].into(), ..Acl::default() };
    for round in 0..3 {
        let changed = |rng: &mut ChaCha8Rng, at: u32| {
            let acl = of_group(rng.random_range(0..7));
            Change::Put(Document { acl, ..random_document(rng, format!("doc{at:03}")) })
        };
        // Some take the place of those of the round before.
        index.apply((round * 100..round * 100 + 150).map(|at| changed(&mut rng, at)).collect()).unwrap();
        index.compact().unwrap();
        let state = index.inner.read().unwrap();
        let runs: Vec<&Acl> = state.acl_of.chunk_by(|a, b| a == b).map(|run| state.acls.get(run[0]).as_ref()).collect();
        let expected: Vec<Acl> = (0..7).map(of_group).collect();
        assert_eq!(runs, expected.iter().collect::<Vec<_>>(), "each once, and those that begin alike together");
        let base = state.base.as_ref().unwrap();
        assert!(base.terms() > 10);
        for at in 0..base.terms() {
            let (slots, frequencies) = base.postings_of(at);
            assert!(slots.windows(2).all(|pair| pair[0] < pair[1]) && slots.len() == frequencies.len());
        }
    }
}

#[test]
fn keys_are_found_and_listed_wherever_their_documents_lie() {
    let folder = scratch();
    let mut rng = rng(52);
    let mut index = Embedded::open(folder.path(), schema()).unwrap();
    let mut expected = BTreeSet::new();
    for round in 0..240 {
        let key = format!("{}/{}", ["a", "ab", "b"][rng.random_range(0..3)], rng.random_range(0..40));
        match rng.random_range(0..10) {
            0 => {
                expected.remove(&key);
                assert_eq!(index.apply(vec![delete(&key)]).unwrap().put, 0);
            }
            1 => {
                let prefix = &key[..3];
                expected.retain(|key: &String| !key.starts_with(prefix));
                index.apply(vec![Change::DeletePrefix { prefix: prefix.to_owned() }]).unwrap();
            }
            _ => {
                index.apply(vec![put(&key, "river")]).unwrap();
                expected.insert(key.clone());
            }
        }
        match round % 40 {
            19 => index.compact().unwrap(),
            39 => {
                drop(index);
                index = Embedded::open(folder.path(), schema()).unwrap();
            }
            _ => {}
        }
        let listed = |prefix: &str, after: &str, limit: usize| {
            let those = expected.iter().filter(|key| key.starts_with(prefix) && key.as_str() > after);
            those.take(limit).cloned().collect::<Vec<String>>()
        };
        assert_eq!(index.keys("", None, usize::MAX).unwrap(), listed("", "", usize::MAX));
        assert_eq!(index.keys("a", Some("a/3"), 7).unwrap(), listed("a", "a/3", 7));
        assert_eq!(index.keys("ab/", Some(&key), 5).unwrap(), listed("ab/", &key, 5));
        assert_eq!(index.get(&key).unwrap().is_some(), expected.contains(&key));
        assert_eq!(index.statistics().unwrap().documents, expected.len() as u64);
    }
    assert!(expected.len() > 10 && index.statistics().unwrap().recent > 0);
}
