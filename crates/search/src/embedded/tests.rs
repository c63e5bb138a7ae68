use std::collections::BTreeMap;

use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::analysis::Language;
use crate::document::{Acl, TextField, Value};
use crate::filter::Filter;
use crate::fusion::Fusion;
use crate::principals::Groups;
use crate::query::Languages;

mod bounds;
mod durability;
mod faults;
mod formulas;
mod layout;
#[path = "../../tests/support/scratch.rs"]
mod memory;
pub(crate) mod permissions;
mod visibility;

/// An empty folder, in memory where that can be: a test that makes hundreds of changes would wait for the disk at each, and what a
/// disk may lose `faults` takes away itself.
pub(crate) fn scratch() -> tempfile::TempDir {
    memory::scratch().unwrap()
}

/// Two text fields of different weight, vectors of four dimensions.
pub(crate) fn schema() -> Schema {
    let field = |name: &str, weight| TextField { name: name.to_owned(), weight };
    Schema { fields: vec![field("title", 2.0), field("body", 1.0)], language: Language::English, dimension: Some(4) }
}

pub(crate) fn document(key: &str, body: &str) -> Document {
    Document {
        key: key.to_owned(),
        fields: [("body".to_owned(), body.to_owned())].into(),
        language: None,
        metadata: BTreeMap::new(),
        acl: Acl::public(),
        vector: None,
    }
}

pub(crate) fn put(key: &str, body: &str) -> Change {
    Change::Put(document(key, body))
}

pub(crate) fn delete(key: &str) -> Change {
    Change::Delete { key: key.to_owned() }
}

pub(crate) fn found(index: &Embedded, text: &str) -> Vec<String> {
    let results = index.search(&Query::new(Caller::anonymous()).text(text)).unwrap();
    results.hits.into_iter().map(|hit| hit.key).collect()
}

const WORDS: [&str; 14] = [
    "river", "bank", "loan", "water", "stone", "bridge", "house", "the", "running", "runs", "quick", "水", "über",
    "ocean",
];

pub(crate) fn words(rng: &mut ChaCha8Rng, most: usize) -> String {
    let count = rng.random_range(0..=most);
    // Squared, so that some words are common and some rare.
    let word = |rng: &mut ChaCha8Rng| WORDS[(rng.random::<f64>().powi(2) * WORDS.len() as f64) as usize];
    (0..count).map(|_| word(rng)).collect::<Vec<_>>().join(" ")
}

pub(crate) fn vector(rng: &mut ChaCha8Rng) -> Vec<f32> {
    // Of few values, so that many similarities are equal.
    loop {
        let vector: Vec<f32> = (0..4).map(|_| rng.random_range(-2..=2) as f32).collect();
        if vector.iter().any(|x| *x != 0.0) {
            return vector;
        }
    }
}

pub(crate) fn some_names(rng: &mut ChaCha8Rng, kind: &str, chance: f64) -> std::collections::BTreeSet<String> {
    (0..5).filter(|_| rng.random_bool(chance)).map(|at| format!("{kind}{at}")).collect()
}

pub(crate) fn acl(rng: &mut ChaCha8Rng) -> Acl {
    Acl {
        public: rng.random_bool(0.2),
        allowed_users: some_names(rng, "user", 0.15),
        allowed_groups: some_names(rng, "group", 0.15),
        denied_users: some_names(rng, "user", 0.05),
        denied_groups: some_names(rng, "group", 0.05),
    }
}

pub(crate) fn random_document(rng: &mut ChaCha8Rng, key: String) -> Document {
    let mut metadata = BTreeMap::new();
    if rng.random_bool(0.8) {
        metadata.insert("year".to_owned(), Value::Number(f64::from(rng.random_range(2020..2025))));
    }
    if rng.random_bool(0.5) {
        metadata.insert("team".to_owned(), Value::Text(["red", "blue", "green"][rng.random_range(0..3)].to_owned()));
    }
    Document {
        key,
        fields: [("title".to_owned(), words(rng, 3)), ("body".to_owned(), words(rng, 12))].into(),
        language: rng.random_bool(0.1).then(|| [Language::Any, Language::German][rng.random_range(0..2)]),
        metadata,
        acl: acl(rng),
        vector: rng.random_bool(0.8).then(|| vector(rng)),
    }
}

pub(crate) fn random_caller(rng: &mut ChaCha8Rng) -> Caller {
    let mut groups = Groups::default();
    for at in 0..4 {
        groups.add_group(&format!("group{at}"), &format!("group{}", rng.random_range(0..5)));
    }
    let user = format!("user{}", rng.random_range(0..5));
    for group in some_names(rng, "group", 0.3) {
        groups.add_user(&user, &group);
    }
    groups.resolve(&user)
}

pub(crate) fn random_query(rng: &mut ChaCha8Rng, caller: Caller) -> Query {
    let mut query = Query::new(caller);
    query.limit = rng.random_range(1..20);
    query.candidates = rng.random_range(1..30);
    let sides = rng.random_range(0..4);
    if sides != 0 {
        query.text = Some(words(rng, 5));
    }
    if sides != 1 {
        query.vector = Some(vector(rng));
    }
    query.fusion = match rng.random_range(0..2) {
        0 => Fusion::ReciprocalRank { k: 60.0, lexical: 1.0, vector: 0.7 },
        _ => Fusion::default(),
    };
    query.languages = match rng.random_range(0..3) {
        0 => Languages::Index,
        1 => Languages::Only(Language::German),
        _ => Languages::Visible,
    };
    query.filter = match rng.random_range(0..4) {
        0 => Some(Filter::GreaterThan("year".to_owned(), Value::Number(2021.0))),
        1 => Some(Filter::Not(Box::new(Filter::Equals("team".to_owned(), Value::Text("red".to_owned()))))),
        _ => None,
    };
    query
}

/// A state in memory alone.
pub(crate) fn state(documents: impl IntoIterator<Item = Document>) -> State {
    let mut state = State::new(Arc::new(schema()));
    apply(&mut state, documents.into_iter().map(Change::Put).collect());
    state
}

pub(crate) fn apply(state: &mut State, mut changes: Vec<Change>) {
    let schema = Arc::clone(&state.schema);
    changes.iter_mut().for_each(|change| change.normalise(&schema).unwrap());
    state.apply(changes.into_iter().map(|change| Prepared::new(change, &schema)).collect());
}

#[test]
fn where_much_is_asked_for_both_sides_rank_as_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    let rng = &mut rng(11);
    let documents = 5_000;
    let public =
        |rng: &mut ChaCha8Rng, at: u32| Document { acl: Acl::public(), ..random_document(rng, format!("{at:04}")) };
    index.apply((0..documents).map(|at| Change::Put(public(rng, at))).collect()).unwrap();
    // The half of them in a base file, the rest after it.
    index.compact().unwrap();
    index.apply((documents..2 * documents).map(|at| Change::Put(public(rng, at))).collect()).unwrap();
    for _ in 0..5 {
        let query = || Query { limit: 100, ..Query::new(Caller::anonymous()) };
        let (text, near) = (words(rng, 6) + " river", vector(rng));
        let both = index.search(&query().text(text.clone()).vector(near.clone())).unwrap();
        assert!(both.matching > 4_096 && both.hits.len() == 100);
        let lexical = index.search(&query().text(text)).unwrap();
        let vectors = index.search(&query().vector(near)).unwrap();
        let alone = |results: &Results, of: fn(&crate::query::Explanation) -> Option<crate::fusion::Part>| {
            let part = |hit: &crate::Hit| (hit.key.clone(), of(&hit.explanation).map(|part| (part.rank, part.score)));
            results.hits.iter().map(part).collect::<BTreeMap<_, _>>()
        };
        let (by_words, by_vector) = (alone(&lexical, |why| why.lexical), alone(&vectors, |why| why.vector));
        let mut ranked = (0, 0);
        for hit in &both.hits {
            let part = |part: crate::fusion::Part| (part.rank, part.score);
            if let Some(own) = hit.explanation.lexical.filter(|own| own.rank.is_some()) {
                assert_eq!(by_words[&hit.key], Some(part(own)));
                ranked.0 += 1;
            }
            if let Some(own) = hit.explanation.vector.filter(|own| own.rank.is_some()) {
                assert_eq!(by_vector[&hit.key], Some(part(own)));
                ranked.1 += 1;
            }
        }
        assert!(ranked.0 > 0 && ranked.1 > 0, "{ranked:?}");
    }
}

/// Asserts that both found the same documents in the same order with the same explanations.
pub(crate) fn assert_same(one: &Results, other: &Results) {
    assert_eq!((one.visible, one.matching), (other.visible, other.matching));
    let keys = |results: &Results| results.hits.iter().map(|hit| hit.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(one), keys(other));
    for (a, b) in one.hits.iter().zip(&other.hits) {
        assert!((a.score - b.score).abs() < 1e-5, "{a:?} {b:?}");
        assert_eq!((&a.fields, &a.metadata), (&b.fields, &b.metadata));
        let sides = |hit: &crate::Hit| [hit.explanation.lexical, hit.explanation.vector];
        for (a, b) in sides(a).into_iter().zip(sides(b)) {
            let numbers = |part: Option<crate::fusion::Part>| part.map(|part| (part.rank, part.score, part.normalised));
            match (numbers(a), numbers(b)) {
                (Some(a), Some(b)) => {
                    assert_eq!(a.0, b.0);
                    assert!((a.1 - b.1).abs() < 1e-5 && (a.2 - b.2).abs() < 1e-5, "{a:?} {b:?}");
                }
                (a, b) => assert_eq!(a, b),
            }
        }
        assert_eq!(a.explanation.terms.len(), b.explanation.terms.len());
        for (a, b) in a.explanation.terms.iter().zip(&b.explanation.terms) {
            assert_eq!((&a.term, a.frequency, a.documents), (&b.term, b.frequency, b.documents));
        }
    }
}

pub(crate) fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}
