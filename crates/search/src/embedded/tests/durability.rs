use std::fs;
use std::path::Path;

use super::*;
use crate::embedded::base_writer::{Cut, Source, write_as};
use crate::embedded::manifest::MANIFEST;

fn filled(folder: &Path) -> Embedded {
    let index = Embedded::open(folder, schema()).unwrap();
    let mut rng = rng(3);
    let batch = (0..40).map(|at| Change::Put(random_document(&mut rng, format!("doc{at:02}")))).collect();
    index.apply(batch).unwrap();
    index.compact().unwrap();
    index.apply(vec![put("late", "river"), delete("doc03")]).unwrap();
    index
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

fn error_of(folder: &Path) -> Error {
    match Embedded::open(folder, schema()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

#[test]
fn a_compaction_leaves_three_files_and_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let index = filled(folder.path());
    assert_eq!(names(folder.path()), ["base-00000003", "lock", "log-00000002", "manifest.json"]);
    let statistics = index.statistics().unwrap();
    assert_eq!((statistics.documents, statistics.dead, statistics.recent, statistics.generation), (40, 1, 1, 3));
    assert!(statistics.bytes > 1_000);
}

#[test]
fn a_second_handle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let index = filled(folder.path());
    assert!(matches!(error_of(folder.path()), Error::InUse { .. }));
    drop(index);
    Embedded::open(folder.path(), schema()).unwrap();
}

#[test]
fn another_schema_is_refused_with_the_difference() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    for (other, word) in [
        (Schema { dimension: Some(5), ..schema() }, "dimension"),
        (Schema { language: Language::German, ..schema() }, "language"),
        (Schema { fields: schema().fields[..1].to_vec(), ..schema() }, "fields"),
    ] {
        match Embedded::open(folder.path(), other) {
            Err(Error::Schema { reason, .. }) => assert!(reason.contains(word)),
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn a_changed_byte_anywhere_is_noticed_and_the_file_named() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let mut rng = rng(5);
    for name in ["base-00000003", "log-00000002", "manifest.json"] {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        let mut noticed = 0;
        for _ in 0..150 {
            let mut bad = good.clone();
            let at = rng.random_range(0..bad.len());
            bad[at] ^= 1 << rng.random_range(0..8);
            fs::write(&path, &bad).unwrap();
            match Embedded::open(folder.path(), schema()) {
                Err(Error::Corrupt { file, .. } | Error::Format { file, .. }) => {
                    assert_eq!(file, path);
                    noticed += 1;
                }
                Err(error) => panic!("{error}"),
                // Padding between sections, and what follows the checksum.
                Ok(index) if name != "log-00000002" => assert_eq!(index.statistics().unwrap().documents, 40),
                // The only record of the log looks torn, and the state before it is there.
                Ok(index) => assert_eq!(index.statistics().unwrap().documents, 40),
            }
            fs::write(&path, &good).unwrap();
        }
        assert!(noticed > 0 || name == "log-00000002", "{name}");
    }
}

#[test]
fn a_damaged_record_with_a_good_one_behind_it_is_no_torn_end() {
    let folder = tempfile::tempdir().unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    index.apply(vec![put("a", "river")]).unwrap();
    index.apply(vec![put("b", "bank")]).unwrap();
    drop(index);
    let path = folder.path().join("log-00000001");
    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[40] ^= 1;
    fs::write(&path, &bad).unwrap();
    assert!(matches!(error_of(folder.path()), Error::Corrupt { file, .. } if file == path));
    assert_eq!(fs::read(&path).unwrap(), bad);
    for length in 17..good.len() {
        fs::write(&path, &good[..length]).unwrap();
        let index = Embedded::open(folder.path(), schema()).unwrap();
        assert_eq!(index.get("b").unwrap(), None);
        index.apply(vec![put("c", "stone")]).unwrap();
        assert_eq!(found(&index, "stone"), ["c"]);
    }
}

#[test]
fn missing_files_are_named() {
    for name in ["base-00000003", "log-00000002", "manifest.json"] {
        let folder = tempfile::tempdir().unwrap();
        drop(filled(folder.path()));
        fs::remove_file(folder.path().join(name)).unwrap();
        match error_of(folder.path()) {
            Error::Corrupt { file, .. } | Error::Io { file, .. } => assert_eq!(file, folder.path().join(name)),
            error => panic!("{error}"),
        }
    }
}

#[test]
fn what_a_crash_left_behind_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    for stray in ["base-00000009", "log-00000009"] {
        fs::write(folder.path().join(stray), b"x").unwrap();
    }
    drop(Embedded::open(folder.path(), schema()).unwrap());
    assert_eq!(names(folder.path()), ["base-00000003", "lock", "log-00000002", "manifest.json"]);
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let path = folder.path().join(MANIFEST);
    let content = r#"{"format": 2, "else": "unknown"}"#;
    fs::write(&path, format!("{content}\n{:08x}\n", crate::codec::checksum(&[content.as_bytes()]))).unwrap();
    assert_eq!(error_of(folder.path()), Error::Format { file: path, found: 2, newest: 1 });
}

/// A source that no other thread changes.
struct Still<'a>(&'a State);

impl Source for Still<'_> {
    fn read(&self, read: &mut dyn FnMut(&State)) -> Result<()> {
        read(self.0);
        Ok(())
    }
}

#[test]
fn terms_made_by_older_rules_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()));
    let old = folder.path().join("base-00000003");
    fs::remove_file(&old).unwrap();
    // Terms that today's rules would not make: those of another text.
    let mut state = state([document("a", "river")]);
    state.tail_terms[1] = [("ancient".into(), state.tail_terms[1].remove("river").unwrap())].into();
    let files = OnDisk::new(folder.path());
    write_as(&files, "base-00000003", &Cut::of(&state), &Still(&state), 0).unwrap();
    let index = Embedded::open(folder.path(), schema()).unwrap();
    assert_eq!(found(&index, "river"), ["a", "late"]);
    assert!(found(&index, "ancient").is_empty());
    index.compact().unwrap();
    drop(index);
    let index = Embedded::open(folder.path(), schema()).unwrap();
    assert_eq!(found(&index, "river"), ["a", "late"]);
}

/// Written by the first version of the format, and never written again.
#[test]
fn an_index_of_format_1_is_read() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1");
    let folder = tempfile::tempdir().unwrap();
    for name in names(&kept) {
        fs::copy(kept.join(&name), folder.path().join(&name)).unwrap();
    }
    let index = Embedded::open(folder.path(), schema()).unwrap();
    assert_eq!(index.statistics().unwrap().documents, 3);
    assert_eq!(found(&index, "running rivers"), ["base", "log"]);
    let base = index.get("base").unwrap().unwrap();
    assert_eq!(base.fields["title"], "Rivers");
    assert_eq!(base.metadata["seen"], Value::Time(1_700_000_000_000));
    assert_eq!(base.acl.denied_groups.iter().collect::<Vec<_>>(), ["guests"]);
    let near = index.search(&Query::new(Caller::anonymous()).vector(vec![0.0, 1.0, 0.0, 0.0])).unwrap();
    assert_eq!(near.hits[0].key, "base");
    index.compact().unwrap();
    assert_eq!(found(&index, "running rivers"), ["base", "log"]);
}

#[test]
fn a_snapshot_is_the_index_at_one_instant() {
    let folder = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let index = filled(folder.path());
    let (first, second) = (copies.path().join("first"), copies.path().join("second"));
    index.snapshot(&first).unwrap();
    index.apply(vec![put("later", "ocean"), delete("late")]).unwrap();
    index.compact().unwrap();
    index.snapshot(&second).unwrap();
    assert!(matches!(index.snapshot(&second), Err(Error::Invalid { .. })));
    let first = Embedded::open(&first, schema()).unwrap();
    assert!(first.get("late").unwrap().is_some() && first.get("later").unwrap().is_none());
    first.apply(vec![put("own", "stone")]).unwrap();
    assert!(index.get("own").unwrap().is_none());
    let second = Embedded::open(&second, schema()).unwrap();
    assert!(second.get("late").unwrap().is_none() && second.get("later").unwrap().is_some());
}
