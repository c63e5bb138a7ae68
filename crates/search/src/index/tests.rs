//! The suite that every back end passes. PostgreSQL takes part where `CRATON_TEST_PGVECTOR_URL` names a server that has
//! pgvector; `scripts/pgvector.sh` starts one and prints its address.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use sqlx::Connection as _;

use super::*;
use crate::document::{Acl, Value};
use crate::embedded::tests::permissions::{history, is_permitted};
use crate::embedded::tests::{
    assert_same, delete, document, put, random_caller, random_document, random_query, rng, schema, scratch, state,
};
use crate::filter::Filter;
use crate::postgres::{Database, MOST_CONNECTIONS};
use crate::{Caller, Fusion};

async fn database() -> Option<Database> {
    let url = std::env::var("CRATON_TEST_PGVECTOR_URL").ok()?;
    Some(Database::connect(&url).await.unwrap())
}

fn a_name() -> String {
    format!("test-{}", rand::random::<u64>())
}

/// Runs `test` on an empty index of each back end.
fn each_backend(test: impl AsyncFn(&dyn Index)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = scratch();
        test(&Arc::new(Embedded::open(folder.path(), schema()).unwrap())).await;
        if let Some(database) = database().await {
            let postgres = database.index(&a_name(), schema()).await.unwrap();
            test(&postgres).await;
            postgres.remove().await.unwrap();
            database.close().await;
        }
    });
}

async fn found(index: &dyn Index, text: &str) -> Vec<String> {
    let results = index.search(Query::new(Caller::anonymous()).text(text)).await.unwrap();
    results.hits.into_iter().map(|hit| hit.key).collect()
}

#[test]
fn each_change_is_seen_by_the_next_query() {
    each_backend(async |index| {
        let applied = index.apply(vec![put("a", "river"), put("b", "river bank"), put("c/1", "x")]).await.unwrap();
        assert_eq!(applied, Applied { put: 3, ..Applied::default() });
        assert_eq!(found(index, "rivers").await, ["a", "b"]);
        index.apply(vec![put("a", "stone")]).await.unwrap();
        assert_eq!(found(index, "river").await, ["b"]);
        let secret = Change::SetAcl { key: "b".to_owned(), acl: Acl::default() };
        let gone = Change::DeletePrefix { prefix: "c/".to_owned() };
        let applied = index.apply(vec![secret, gone, delete("a"), delete("none")]).await.unwrap();
        assert_eq!(applied, Applied { put: 0, deleted: 2, permissions: 1 });
        assert!(found(index, "river stone").await.is_empty());
    });
}

#[test]
fn a_removed_index_of_the_database_leaves_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Ok(url) = std::env::var("CRATON_TEST_PGVECTOR_URL") else { return };
        let (database, name) = (Database::connect(&url).await.unwrap(), a_name());
        let open = async |schema| database.index(&name, schema).await;
        let first = open(schema()).await.unwrap();
        first.apply(vec![put("a", "river")]).await.unwrap();
        let again = open(schema()).await.unwrap();
        assert_eq!(again.keys("", None, 9).await.unwrap(), ["a"]);
        let other = crate::Schema { dimension: None, ..schema() };
        assert!(matches!(open(other).await.err(), Some(Error::Schema { .. })));
        again.remove().await.unwrap();
        assert!(first.get("a").await.unwrap().is_none());
        let renewed = open(schema()).await.unwrap();
        assert!(renewed.keys("", None, 9).await.unwrap().is_empty());
        renewed.remove().await.unwrap();
    });
}

#[test]
fn many_indexes_share_few_connections_and_outlive_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let Ok(url) = std::env::var("CRATON_TEST_PGVECTOR_URL") else { return };
        let name = a_name();
        let separator = if url.contains('?') { '&' } else { '?' };
        let named = format!("{url}{separator}application_name={name}");
        let database = Database::connect(&named).await.unwrap();
        let mut all = Vec::new();
        for at in 0..50 {
            all.push(database.index(&format!("{name}-{at}"), schema()).await.unwrap());
        }
        let mut work = tokio::task::JoinSet::new();
        for index in all.clone() {
            work.spawn(async move {
                index.apply(vec![put("a", "river")]).await.unwrap();
                found(&index, "river").await
            });
        }
        while let Some(found) = work.join_next().await {
            assert_eq!(found.unwrap(), ["a"]);
        }
        let mut other = sqlx::PgConnection::connect(&url).await.unwrap();
        let held = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
        let held: i64 = sqlx::query_scalar(held).bind(&name).fetch_one(&mut other).await.unwrap();
        assert!((1..=i64::from(MOST_CONNECTIONS)).contains(&held), "{held}");
        assert_eq!(i64::from(database.connections()), held);

        // As when the server is started anew.
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1";
        sqlx::query(end).bind(&name).execute(&mut other).await.unwrap();
        for index in all {
            assert_eq!(found(&index, "river").await, ["a"]);
            index.remove().await.unwrap();
        }
    });
}

#[test]
fn a_question_is_read_in_the_languages_that_its_reader_may_see() {
    use crate::analysis::Language;
    use crate::query::Languages;
    each_backend(async |index| {
        let written = |key: &str, text: &str, language| Document { language: Some(language), ..document(key, text) };
        let german = written("de", "Die Erstattungen folgen.", Language::German);
        let ana = Acl { allowed_users: ["ana".to_owned()].into(), ..Acl::default() };
        let batch = [written("en", "Refunds are paid.", Language::English), Document { acl: ana, ..german }];
        index.apply(batch.map(Change::Put).into()).await.unwrap();
        let ask = async |user: Option<&str>, languages| {
            let caller = Caller { user: user.map(str::to_owned), ..Caller::anonymous() };
            let query = Query { languages, ..Query::new(caller).text("refunded Erstattung") };
            let hits = index.search(query).await.unwrap().hits;
            let terms =
                |hit: &crate::Hit| hit.explanation.terms.iter().map(|term| term.term.clone()).collect::<Vec<_>>();
            hits.iter().map(|hit| (hit.key.clone(), terms(hit))).collect::<BTreeMap<_, _>>()
        };
        let one = |key: &str, term: &str| (key.to_owned(), vec![term.to_owned()]);
        let both = BTreeMap::from([one("en", "refund"), one("de", "erstatt")]);
        assert_eq!(ask(Some("ana"), Languages::Visible).await, both);
        assert_eq!(ask(Some("ana"), Languages::Only(Language::German)).await, BTreeMap::from([one("de", "erstatt")]));
        assert_eq!(ask(None, Languages::Visible).await, BTreeMap::from([one("en", "refund")]));
        assert_eq!(ask(Some("ana"), Languages::Index).await, BTreeMap::from([one("en", "refund")]));
    });
}

#[test]
fn a_common_word_is_as_common_in_a_language_of_few_documents() {
    use crate::analysis::Language;
    use crate::bm25::FieldStatistics;
    use crate::query::Languages;
    each_backend(async |index| {
        let written = |key: String, text: &str, language| {
            Change::Put(Document { language: Some(language), ..document(&key, text) })
        };
        let mut batch: Vec<Change> =
            (0..40).map(|at| written(format!("en{at:02}"), "Vehicles are washed.", Language::English)).collect();
        // Of a language that is not stemmed.
        batch.push(written("pl".to_owned(), "Napis na bramie brzmi vehicles i nic poza tym", Language::Any));
        index.apply(batch).await.unwrap();
        let asked = Query::new(Caller::anonymous()).text("vehicles");
        let results = index.search(Query { languages: Languages::Visible, limit: 100, ..asked }).await.unwrap();
        assert_eq!(results.hits.len(), 41);
        let field = FieldStatistics::new(41, 40 * 3 + 9);
        for hit in &results.hits {
            let (term, length) = if hit.key == "pl" { ("vehicles", 9) } else { ("vehicl", 3) };
            let [part] = hit.explanation.terms.as_slice() else { panic!("{hit:?}") };
            assert_eq!((part.term.as_str(), part.documents), (term, 41));
            let score = field.idf(41) * field.saturation(1, length);
            assert!((hit.explanation.lexical.unwrap().score - score).abs() < 1e-9, "{hit:?} {score}");
        }
        assert_eq!(results.hits.last().unwrap().key, "pl");
    });
}

#[test]
fn a_batch_with_one_bad_change_does_nothing() {
    each_backend(async |index| {
        let bad = Document { vector: Some(vec![1.0]), ..document("b", "x") };
        let error = index.apply(vec![put("a", "river"), Change::Put(bad)]).await.unwrap_err();
        assert!(matches!(error, Error::Invalid { .. }));
        assert_eq!(index.get("a").await.unwrap(), None);
        for nul in [document("a\0", "x"), document("a", "x\0y")] {
            assert!(matches!(index.apply(vec![Change::Put(nul)]).await, Err(Error::Invalid { .. })));
        }
    });
}

#[test]
fn documents_are_read_as_they_were_put() {
    each_backend(async |index| {
        let mut expected = document("a", "Ünïcode \"text\"");
        expected.language = Some(crate::analysis::Language::German);
        expected.vector = Some(vec![0.0, 0.6, 0.8, 0.0]);
        expected.acl =
            Acl { allowed_users: ["ana".to_owned()].into(), denied_groups: ["x".to_owned()].into(), ..Acl::default() };
        expected.metadata = [
            ("text".to_owned(), Value::Text("a'b\\c".to_owned())),
            ("number".to_owned(), Value::Number(0.1)),
            ("whole".to_owned(), Value::Number(3.0)),
            ("flag".to_owned(), Value::Boolean(true)),
            ("tags".to_owned(), Value::TextList(vec!["x".to_owned(), String::new()])),
            ("seen".to_owned(), Value::Time(-5)),
        ]
        .into();
        index.apply(vec![Change::Put(expected.clone())]).await.unwrap();
        assert_eq!(index.get("a").await.unwrap().as_ref(), Some(&expected));
        assert_eq!(index.get_permitted(&Caller::user("ana"), "a").await.unwrap(), Some(expected));
        assert_eq!(index.get_permitted(&Caller::user("ben"), "a").await.unwrap(), None);
        assert_eq!(index.get("b").await.unwrap(), None);
    });
}

#[test]
fn keys_are_listed_by_their_bytes() {
    each_backend(async |index| {
        index.apply(["pa", "pB", "p_", "pé", "q", "o"].map(|key| put(key, "")).into()).await.unwrap();
        assert_eq!(index.keys("p", None, 3).await.unwrap(), ["pB", "p_", "pa"]);
        assert_eq!(index.keys("p", Some("pa"), 9).await.unwrap(), ["pé"]);
        assert_eq!(index.keys("", None, usize::MAX).await.unwrap().len(), 6);
    });
}

/// Filters over fields that some documents have, with values of every type.
fn filters() -> Vec<Filter> {
    let name = |name: &str| name.to_owned();
    let text = |text: &str| Value::Text(text.to_owned());
    let values = [text("red"), Value::Number(2022.0), Value::Boolean(true), Value::Time(2_022), text("")];
    let mut filters = Vec::new();
    for field in ["team", "year", "flag", "seen", "tags", "none"] {
        for value in &values {
            let (field, value) = (name(field), value.clone());
            filters.extend([
                Filter::Equals(field.clone(), value.clone()),
                Filter::NotEquals(field.clone(), value.clone()),
                Filter::In(field.clone(), vec![value.clone(), text("blue")]),
                Filter::NotIn(field.clone(), vec![value.clone(), text("blue")]),
                Filter::GreaterThan(field.clone(), value.clone()),
                Filter::GreaterThanOrEquals(field.clone(), value.clone()),
                Filter::LessThan(field.clone(), value.clone()),
                Filter::LessThanOrEquals(field.clone(), value.clone()),
                Filter::Range(field.clone(), Bound::Included(value.clone()), Bound::Unbounded),
                Filter::Range(field.clone(), Bound::Unbounded, Bound::Excluded(value)),
            ]);
        }
        let field = name(field);
        filters.extend([
            Filter::Range(field.clone(), Bound::Unbounded, Bound::Unbounded),
            Filter::In(field.clone(), vec![]),
            Filter::NotIn(field.clone(), vec![]),
            Filter::StartsWith(field.clone(), name("r")),
            Filter::StringContains(field.clone(), name("e")),
            Filter::ListContains(field, name("red")),
        ]);
    }
    let complements: Vec<Filter> = filters.iter().map(|filter| Filter::Not(Box::new(filter.clone()))).collect();
    let pairs: Vec<Filter> = filters.windows(2).step_by(9).map(|pair| Filter::Or(pair.to_vec())).collect();
    filters.extend(complements);
    filters.extend([Filter::And(pairs.clone()), Filter::And(vec![]), Filter::Or(vec![])]);
    filters.extend(pairs);
    filters
}

#[test]
fn filters_find_what_they_hold_for() {
    each_backend(async |index| {
        let mut documents = BTreeMap::new();
        for at in 0..24_u32 {
            let mut metadata = BTreeMap::new();
            let mut set = |bit: u32, name: &str, value: Value| {
                if at >> bit & 1 == 0 {
                    metadata.insert(name.to_owned(), value);
                }
            };
            set(0, "team", Value::Text(["red", "green", ""][at as usize % 3].to_owned()));
            set(1, "year", Value::Number(2021.0 + f64::from(at % 3)));
            set(2, "flag", Value::Boolean(at % 3 == 0));
            set(3, "seen", Value::Time(i64::from(2_021 + at % 3)));
            set(
                1,
                "tags",
                Value::TextList(["red", "a red one", "blue"][at as usize % 3..].iter().map(|&t| t.into()).collect()),
            );
            documents.insert(format!("{at:02}"), Document { metadata, ..document(&format!("{at:02}"), "river") });
        }
        index.apply(documents.values().cloned().map(Change::Put).collect()).await.unwrap();
        for filter in filters() {
            let mut query = Query::new(Caller::anonymous()).text("river").filter(filter.clone());
            query.limit = 100;
            let results = index.search(query).await.unwrap();
            let mut keys: Vec<String> = results.hits.into_iter().map(|hit| hit.key).collect();
            keys.sort();
            let holds = |document: &&Document| filter.holds(&|name: &str| document.metadata.get(name));
            let expected: Vec<String> = documents.values().filter(holds).map(|document| document.key.clone()).collect();
            assert_eq!(keys, expected, "{filter}");
            assert_eq!((results.visible, results.matching), (24, expected.len() as u64), "{filter}");
        }
    });
}

#[test]
fn every_back_end_ranks_like_a_fresh_index_of_the_same_documents() {
    each_backend(async |index| {
        let mut rng = rng(77);
        let mut documents = BTreeMap::new();
        for at in 0..120 {
            let document = random_document(&mut rng, format!("doc{}", at % 80));
            documents.insert(document.key.clone(), document.clone());
            index.apply(vec![Change::Put(document)]).await.unwrap();
        }
        let fresh = state(documents.into_values());
        for round in 0..150 {
            let caller = random_caller(&mut rng);
            let mut query = of_all(random_query(&mut rng, caller));
            if round % 2 == 0 {
                query.fusion = Fusion::default();
            }
            let (one, other) = (index.search(query.clone()).await.unwrap(), fresh.search(&query).unwrap());
            assert_same(&settled(&query, one), &settled(&query, other));
        }
    });
}

/// The query for every document that there is: sums that are added in another order differ in their last digits, which would
/// part equal scores at the candidates' end.
fn of_all(query: Query) -> Query {
    Query { candidates: 1_000, limit: 100, ..query }
}

/// Results without what such digits decide: the order of ties, and the ranks and the scores of ranks that follow from it.
fn settled(query: &Query, mut results: Results) -> Results {
    results.hits.iter_mut().for_each(|hit| {
        let parts = [&mut hit.explanation.lexical, &mut hit.explanation.vector];
        parts.into_iter().flatten().for_each(|part| part.rank = part.rank.map(|_| 0));
    });
    if query.fusion == Fusion::default() {
        results.hits.sort_by(|a, b| ((b.score * 1e6) as i64, &a.key).cmp(&((a.score * 1e6) as i64, &b.key)));
    } else {
        results.hits.iter_mut().for_each(|hit| hit.score = 0.0);
        results.hits.sort_by(|a, b| a.key.cmp(&b.key));
    }
    results
}

/// Corpora, readers of each, and queries of each reader: as many as PostgreSQL answers in a few seconds. The embedded back end
/// is compared for thousands in its own tests.
const CASES: (u32, u32, u32) = (6, 3, 12);

/// Compares what indexes that `make` makes find for readers with what an index finds that never held what they may not read.
async fn compare_with_what_is_permitted<I: Index>(make: impl AsyncFn() -> I, remove: impl AsyncFn(I)) {
    let (corpora, readers, queries) = CASES;
    let (mut rng, mut hidden) = (rng(1_907), 0);
    for _ in 0..corpora {
        let (changes, documents) = history(&mut rng);
        let all = make().await;
        for change in changes {
            all.apply(vec![change]).await.unwrap();
        }
        for _ in 0..readers {
            let caller = random_caller(&mut rng);
            let permitted: Vec<Document> =
                documents.values().filter(|document| is_permitted(&document.acl, &caller)).cloned().collect();
            hidden += documents.len() - permitted.len();
            let alone = make().await;
            alone.apply(permitted.into_iter().map(Change::Put).collect()).await.unwrap();
            for _ in 0..queries {
                let query = of_all(random_query(&mut rng, caller.clone()));
                let (one, other) =
                    (all.search(query.clone()).await.unwrap(), alone.search(query.clone()).await.unwrap());
                assert_same(&settled(&query, one), &settled(&query, other));
            }
            remove(alone).await;
        }
        remove(all).await;
    }
    assert!(hidden > 50, "only {hidden} documents were hidden");
}

#[test]
fn results_of_each_back_end_equal_those_of_one_that_never_held_the_forbidden_documents() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = scratch();
        let embedded = async || Arc::new(Embedded::open(&folder.path().join(a_name()), schema()).unwrap());
        compare_with_what_is_permitted(embedded, async |index| drop(index)).await;
        let Some(database) = database().await else { return };
        let postgres = async || database.index(&a_name(), schema()).await.unwrap();
        compare_with_what_is_permitted(postgres, async |index| index.remove().await.unwrap()).await;
        database.close().await;
    });
}
