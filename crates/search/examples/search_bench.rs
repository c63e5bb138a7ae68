//! Percentiles of filtered queries and of updates, and what an index takes of disk and memory.
//!
//! ```text
//! cargo run --release -p search --example search_bench -- [DOCUMENTS] [QUERIES] [FOLDER]
//! ```
//!
//! With a folder, what was indexed and asked is written there for `bench/search.py`. In the end a process of its own opens the index
//! (`search_bench open INDEX QUERIES`), which has in memory nothing of how it was made.

#![allow(clippy::expect_used, clippy::print_stdout)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use search::analysis::Language;
use search::{Caller, Change, Embedded, Query, Schema};
use serde_json::json;

#[path = "../benches/corpus/mod.rs"]
mod corpus;

fn main() {
    if std::env::args().nth(1).as_deref() == Some("open") {
        let argument = |at: usize| std::env::args().nth(at).expect("an index and a number of queries");
        return opened_anew(Path::new(&argument(2)), argument(3).parse().expect("a number"));
    }
    let number = |at: usize, otherwise: usize| {
        std::env::args().nth(at).map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (documents, queries) = (number(1, 100_000), number(2, 1_000));
    let folder = tempfile::tempdir().expect("a folder");
    let mut corpus = corpus::Corpus::new();
    let started = Instant::now();
    let index = corpus.index(folder.path(), documents);
    println!("documents {documents}, made and indexed in {:.1} s", started.elapsed().as_secs_f64());
    let queries: Vec<Query> = (0..queries).map(|_| corpus.query()).collect();
    let visible: u64 = queries.iter().take(20).map(|query| index.search(query).expect("an answer").visible).sum();
    println!("visible to a caller {:.1} %", visible as f64 / 20.0 / documents as f64 * 100.0);
    if let Some(folder) = std::env::args().nth(3) {
        write_down(Path::new(&folder), documents, &queries, &index).expect("room for the documents");
    }
    report("lexical", queries.iter().cloned().map(|query| Query { vector: None, ..query }), &index);
    report("vector", queries.iter().cloned().map(|query| Query { text: None, ..query }), &index);
    let mean = report("hybrid", queries.iter().cloned(), &index);
    let changes: Vec<Change> = (0..64).map(|at| Change::Put(corpus.document(at * 11 % documents))).collect();
    print("hybrid at 30 % of capacity", open_loop(&index, &queries, mean, &[]));
    print("the same beside 20 puts a second", open_loop(&index, &queries, mean, &changes));
    let mut updates = Vec::new();
    for at in 0..300 {
        let mut document = corpus.document(at * 7 % documents);
        document.acl.public = true;
        document.fields.insert("text".to_owned(), format!("update{at}"));
        let started = Instant::now();
        index.apply(vec![Change::Put(document)]).expect("a change");
        let found = index.search(&Query::new(Caller::anonymous()).text(format!("update{at}"))).expect("an answer");
        assert_eq!(found.hits.len(), 1);
        updates.push(started.elapsed());
    }
    print("update to visible", updates);
    println!("on disk {} MB", index.statistics().expect("statistics").bytes / 1_000_000);
    resident("by who made it");
    drop(index);
    let mut opening = Command::new(std::env::current_exe().expect("this program"));
    opening.arg("open").arg(folder.path()).arg(queries.len().to_string());
    assert!(opening.status().expect("a process").success());
}

/// Opens an index that another process made, and asks so many queries.
fn opened_anew(folder: &Path, queries: usize) {
    let started = Instant::now();
    let schema = Schema::text(Language::English, Some(corpus::DIMENSION));
    let index = Embedded::open(folder, schema).expect("what was written");
    println!("opened in {:.0} ms", started.elapsed().as_secs_f64() * 1e3);
    let mut corpus = corpus::Corpus::new();
    let queries: Vec<Query> = (0..queries).map(|_| corpus.query()).collect();
    report("hybrid, opened anew", queries.into_iter(), &index);
    resident("opened anew and asked");
}

/// Writes documents and queries, each as lines of JSON beside a file of vectors. A query's `nearest` are the keys of the ten
/// nearest documents that its caller may see.
fn write_down(folder: &Path, documents: usize, queries: &[Query], index: &Embedded) -> std::io::Result<()> {
    let file = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let (mut lines, mut vectors) = (file("documents.jsonl")?, file("documents.f32")?);
    let mut corpus = corpus::Corpus::new();
    for key in 0..documents {
        let document = corpus.document(key);
        let groups = &document.acl.allowed_groups;
        writeln!(lines, "{}", json!({"key": document.key, "text": document.fields["text"], "groups": groups}))?;
        write_vector(&mut vectors, document.vector.as_deref())?;
    }
    let (mut lines, mut vectors) = (file("queries.jsonl")?, file("queries.f32")?);
    for query in queries {
        let found = index.search(&Query { text: None, ..query.clone() }).expect("an answer");
        let nearest: Vec<String> = found.hits.into_iter().map(|hit| hit.key).collect();
        writeln!(lines, "{}", json!({"text": query.text, "groups": query.caller.groups, "nearest": nearest}))?;
        write_vector(&mut vectors, query.vector.as_deref())?;
    }
    Ok(())
}

fn write_vector(out: &mut impl Write, vector: Option<&[f32]>) -> std::io::Result<()> {
    vector.unwrap_or_default().iter().try_for_each(|number| out.write_all(&number.to_le_bytes()))
}

/// Prints the percentiles; gives the mean.
fn report(name: &str, queries: impl Iterator<Item = Query>, index: &Embedded) -> Duration {
    let time = |query: Query| {
        let started = Instant::now();
        index.search(&query).expect("an answer");
        started.elapsed()
    };
    let times: Vec<Duration> = queries.map(time).collect();
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    print(name, times);
    mean
}

/// Asks the queries at fixed times, whether or not the one before is answered, while a writer puts `changes` over and
/// over; each time is from when the query was due.
fn open_loop(index: &Embedded, queries: &[Query], mean: Duration, changes: &[Change]) -> Vec<Duration> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for change in changes.iter().cycle() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                index.apply(vec![change.clone()]).expect("a change");
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        let started = Instant::now();
        let ask = |(at, query): (u32, &Query)| {
            let due = started + mean * at * 10 / 3;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            index.search(query).expect("an answer");
            due.elapsed()
        };
        let times = (0..).zip(queries).map(ask).collect();
        over.store(true, Ordering::Relaxed);
        times
    })
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("{name}: p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.95), at(0.99));
}

/// Prints the process's resident memory: its own, and what it has mapped of files, which the system takes back when others need it.
fn resident(name: &str) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024 / 1_000_000
    };
    let (whole, own, mapped) = (megabytes("VmRSS:"), megabytes("RssAnon:"), megabytes("RssFile:"));
    println!("resident, {name}: {whole} MB, of which {own} MB of its own and {mapped} MB of mapped files");
}
