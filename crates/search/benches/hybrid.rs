//! The cost of a query over 100,000 documents of which the caller may see about 12 %: by words, by vector, by both; and
//! of putting one document, durably.

#![allow(clippy::expect_used, missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use search::{Change, Query};

mod corpus;

fn hybrid(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut corpus = corpus::Corpus::new();
    let index = corpus.index(folder.path(), 100_000);
    let queries: Vec<Query> = (0..64).map(|_| corpus.query()).collect();
    let mut measure = |name: &str, of: fn(Query) -> Query| {
        let queries: Vec<Query> = queries.iter().cloned().map(of).collect();
        let mut next = queries.iter().cycle();
        criterion.bench_function(name, |bench| {
            bench.iter(|| index.search(next.next().expect("it never ends")).expect("an answer"));
        });
    };
    measure("lexical", |query| Query { vector: None, ..query });
    measure("vector", |query| Query { text: None, ..query });
    measure("hybrid", |query| query);
    criterion.bench_function("put", |bench| {
        bench.iter(|| index.apply(vec![Change::Put(corpus.document(500))]).expect("a change"));
    });
}

criterion_group!(benches, hybrid);
criterion_main!(benches);
