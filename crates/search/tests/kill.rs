//! What was acknowledged is there after the process was killed.

#![allow(clippy::unwrap_used, missing_docs)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use search::analysis::Language;
use search::{Acl, Caller, Change, Document, Embedded, Query, Schema};

#[path = "support/scratch.rs"]
mod scratch;

use scratch::scratch;

const FOLDER: &str = "CRATON_SEARCH_KILLED_FOLDER";

fn open(folder: &Path) -> Embedded {
    Embedded::open(folder, Schema::text(Language::Any, Some(3))).unwrap()
}

/// Puts documents and says so until it is killed. Without the folder's name it has nothing to do.
#[test]
fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let index = open(Path::new(&folder));
    let first = index.keys("", None, usize::MAX).unwrap().len();
    for at in first.. {
        let document = Document {
            key: format!("{at:06}"),
            fields: [("text".to_owned(), format!("word{at}"))].into(),
            language: None,
            metadata: Default::default(),
            acl: Acl::public(),
            vector: Some(vec![1.0, at as f32, 0.0]),
        };
        index.apply(vec![Change::Put(document)]).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "\nput {at}").unwrap();
        out.flush().unwrap();
        if at % 16 == 15 {
            index.compact().unwrap();
        }
    }
}

#[test]
fn every_acknowledged_document_survives_being_killed() {
    // In memory where that can be: what a killed process wrote is there wherever it wrote it, and a disk would only be waited for.
    let folder = scratch().unwrap();
    for round in 1..=12 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let acknowledged = (0..round * 2)
            .map(|_| lines.by_ref().find_map(|line| line.unwrap().strip_prefix("put ").map(str::to_owned)).unwrap())
            .last()
            .unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let index = open(folder.path());
        for at in 0..=acknowledged.parse::<usize>().unwrap() {
            let found = index.search(&Query::new(Caller::anonymous()).text(format!("word{at}"))).unwrap();
            assert_eq!(found.hits[0].key, format!("{at:06}"));
        }
    }
}
