use super::*;

/// How many (user, query, corpus) triples are compared; `CRATON_SEARCH_TRIPLES` asks for more.
fn triples() -> usize {
    std::env::var("CRATON_SEARCH_TRIPLES").ok().and_then(|count| count.parse().ok()).unwrap_or(4_000)
}

pub(crate) fn is_permitted(acl: &Acl, caller: &Caller) -> bool {
    let user =
        |users: &std::collections::BTreeSet<String>| caller.user.as_ref().is_some_and(|user| users.contains(user));
    let group = |groups: &std::collections::BTreeSet<String>| !groups.is_disjoint(&caller.groups);
    let allowed = acl.public || user(&acl.allowed_users) || group(&acl.allowed_groups);
    allowed && !user(&acl.denied_users) && !group(&acl.denied_groups)
}

/// A history of puts, replacements, deletions and changed permissions, and the documents that it leaves.
pub(crate) fn history(rng: &mut ChaCha8Rng) -> (Vec<Change>, BTreeMap<String, Document>) {
    let (mut changes, mut expected) = (Vec::new(), BTreeMap::new());
    for _ in 0..rng.random_range(1..40) {
        let key = format!("doc{}", rng.random_range(0..25));
        changes.push(match rng.random_range(0..8) {
            0 => {
                expected.remove(&key);
                Change::Delete { key }
            }
            1 => {
                let acl = acl(rng);
                expected.entry(key.clone()).and_modify(|document: &mut Document| document.acl = acl.clone());
                Change::SetAcl { key, acl }
            }
            _ => {
                let document = random_document(rng, key.clone());
                expected.insert(key, document.clone());
                Change::Put(document)
            }
        });
    }
    (changes, expected)
}

/// Documents as such a history left them.
fn corpus(rng: &mut ChaCha8Rng) -> (State, BTreeMap<String, Document>) {
    let mut state = State::new(Arc::new(schema()));
    let (changes, expected) = history(rng);
    for change in changes {
        apply(&mut state, vec![change]);
    }
    (state, expected)
}

#[test]
fn results_equal_those_of_an_index_that_never_held_the_forbidden_documents() {
    let mut rng = rng(20);
    let mut compared = 0;
    while compared < triples() {
        let (all, documents) = corpus(&mut rng);
        for _ in 0..4 {
            let caller = random_caller(&mut rng);
            let permitted = documents.values().filter(|document| is_permitted(&document.acl, &caller)).cloned();
            let alone = state(permitted);
            for _ in 0..20 {
                let query = random_query(&mut rng, caller.clone());
                assert_same(&all.search(&query).unwrap(), &alone.search(&query).unwrap());
                compared += 1;
            }
        }
    }
}

#[test]
fn a_denial_outweighs_every_allowance_and_nothing_is_seen_by_default() {
    let of = |acl: Acl| {
        let state = state([Document { acl, ..document("a", "river") }]);
        let mut caller = Caller::user("ana");
        caller.groups.insert("staff".to_owned());
        state.search(&Query::new(caller).text("river")).unwrap().hits.len()
    };
    let ana = || ["ana".to_owned()].into();
    let staff = || ["staff".to_owned()].into();
    assert_eq!(of(Acl::default()), 0);
    assert_eq!(of(Acl::public()), 1);
    assert_eq!(of(Acl { allowed_users: ana(), ..Acl::default() }), 1);
    assert_eq!(of(Acl { allowed_groups: staff(), ..Acl::default() }), 1);
    assert_eq!(of(Acl { allowed_users: staff(), allowed_groups: ana(), ..Acl::default() }), 0);
    assert_eq!(of(Acl { denied_groups: staff(), allowed_users: ana(), ..Acl::public() }), 0);
    assert_eq!(of(Acl { denied_users: ana(), allowed_groups: staff(), ..Acl::public() }), 0);
}

#[test]
fn members_of_nested_groups_are_members() {
    let mut groups = Groups::default();
    groups.add_user("ana", "backend");
    groups.add_group("backend", "engineering");
    groups.add_group("engineering", "staff");
    groups.add_group("staff", "backend");
    let caller = groups.resolve("ana");
    assert_eq!(caller.groups.into_iter().collect::<Vec<_>>(), ["backend", "engineering", "staff"]);
    assert!(groups.resolve("ben").groups.is_empty());
}

#[test]
fn a_forbidden_document_is_not_read_by_its_key_either() {
    let folder = tempfile::tempdir().unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let acl = Acl { allowed_users: ["ana".to_owned()].into(), ..Acl::default() };
    index.apply(vec![Change::Put(Document { acl, ..document("a", "river") })]).unwrap();
    assert!(index.get_permitted(&Caller::user("ana"), "a").unwrap().is_some());
    assert!(index.get_permitted(&Caller::user("ben"), "a").unwrap().is_none());
    assert!(index.get_permitted(&Caller::user("ana"), "b").unwrap().is_none());
    assert!(index.get("a").unwrap().is_some());
}
