//! Ranks the queries of a test collection by every method and prints the rankings, for evaluation by other programs.
//!
//! ```text
//! search_eval FOLDER LANGUAGE [LIMIT]
//! ```
//!
//! The folder has `corpus.jsonl` and `queries.jsonl`, each line an object with `key` and `text`, and optionally
//! `corpus.f32` and `queries.f32`, their vectors in the same order as little-endian numbers. A line that is printed is
//! `METHOD QUERY DOCUMENT RANK SCORE`, separated by tabs.

#![allow(clippy::expect_used, clippy::print_stdout)]

use std::fmt::Write as _;
use std::path::Path;

use search::analysis::Language;
use search::{Acl, Caller, Change, Document, Embedded, Fusion, Query, Schema};

struct Text {
    key: String,
    text: String,
    vector: Option<Vec<f32>>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, language, rest @ ..] = arguments.as_slice() else {
        println!("usage: search_eval FOLDER LANGUAGE [LIMIT]");
        return;
    };
    let limit = rest.first().map_or(100, |limit| limit.parse().expect("a number"));
    let folder = Path::new(folder);
    let corpus = read(folder, "corpus");
    let queries = read(folder, "queries");
    let dimension = corpus.first().and_then(|text| text.vector.as_ref()).map(Vec::len);
    let place = tempfile::tempdir().expect("a folder");
    let schema = Schema::text(Language::from_code(language), dimension);
    let index = Embedded::open(place.path(), schema).expect("an index");
    let changes: Vec<Change> = corpus.into_iter().map(|text| Change::Put(document(text))).collect();
    for batch in changes.chunks(1_000) {
        index.apply(batch.to_vec()).expect("a batch");
    }
    index.compact().expect("a compaction");
    for query in &queries {
        let text = || Query { limit, ..Query::new(Caller::anonymous()).text(query.text.as_str()) };
        rank(&index, "lexical", &query.key, text());
        let Some(vector) = &query.vector else { continue };
        let both = || text().vector(vector.clone());
        rank(&index, "vector", &query.key, Query { text: None, ..both() });
        let fusion = Fusion::ReciprocalRank { k: 60.0, lexical: 1.0, vector: 1.0 };
        rank(&index, "reciprocal", &query.key, Query { fusion, ..both() });
        rank(&index, "hybrid", &query.key, both());
    }
}

fn document(text: Text) -> Document {
    Document {
        key: text.key,
        fields: [("text".to_owned(), text.text)].into(),
        language: None,
        metadata: Default::default(),
        acl: Acl::public(),
        vector: text.vector,
    }
}

fn rank(index: &Embedded, method: &str, query: &str, asked: Query) {
    let results = index.search(&asked).expect("an answer");
    let mut lines = String::new();
    for (rank, hit) in (1..).zip(results.hits) {
        let lexical = hit.explanation.lexical.filter(|_| method == "lexical").map(|part| part.score);
        let score = lexical.unwrap_or(hit.score);
        writeln!(lines, "{method}\t{query}\t{}\t{rank}\t{score:.9}", hit.key).expect("memory");
    }
    print!("{lines}");
}

fn read(folder: &Path, name: &str) -> Vec<Text> {
    let lines = std::fs::read_to_string(folder.join(name).with_extension("jsonl")).expect("the texts");
    let vectors = std::fs::read(folder.join(name).with_extension("f32")).ok();
    let count = lines.lines().count();
    let row = vectors.as_ref().map_or(1, |bytes| bytes.len() / count.max(1));
    let vector = |at: usize| {
        let bytes = &vectors.as_ref()?[at * row..(at + 1) * row];
        Some(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
    };
    let text = |(at, line): (usize, &str)| {
        let value: serde_json::Value = serde_json::from_str(line).expect("an object a line");
        let member = |name: &str| value[name].as_str().expect("key and text").to_owned();
        Text { key: member("key"), text: member("text"), vector: vector(at) }
    };
    lines.lines().enumerate().map(text).collect()
}
