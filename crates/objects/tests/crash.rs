//! Kills a program that puts, completes and deletes objects at drawn writes, and looks at what is left each time.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use base::{SystemClock, SystemRandom};
use futures::StreamExt as _;
use identity::{Ctx, Defaults, Identity, Origin, ProvenKey, RootCredentials, RootKey};
use objects::{BlobPlace, BucketRef, GetObject, ListUploads, ListVersions, ListedVersion, ObjectRef, Objects};
use store::Store;
use store::crash::{Ending, Harness, Workload};

struct Server {
    work: &'static str,
    dir: tempfile::TempDir,
    deaths: usize,
}

/// What the program wrote down.
#[derive(Default)]
struct Log {
    /// Acknowledged versions and the texts that their bytes follow from.
    put: HashMap<(String, String), String>,
    /// Versions whose deletion was begun.
    deleting: HashSet<(String, String)>,
    /// Versions whose deletion was acknowledged.
    deleted: HashSet<(String, String)>,
}

impl Workload for Server {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.dir = tempfile::tempdir()?;
        Ok(())
    }

    fn command(&mut self) -> Command {
        let mut command = Command::new(child());
        command.arg(self.dir.path()).arg(self.work);
        command
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        if matches!(ending, Ending::Killed { .. }) {
            self.deaths += 1;
        }
        let log = read_log(self.dir.path());
        if !self.dir.path().join("root.key").exists() {
            return if log.put.is_empty() { Ok(()) } else { Err("the root key is gone".to_owned()) };
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(look(self.dir.path(), &log))
    }
}

fn read_log(dir: &Path) -> Log {
    let mut log = Log::default();
    for line in fs::read_to_string(dir.join("log")).unwrap_or_default().lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["put", key, version, text] => {
                log.put.insert(((*key).to_owned(), (*version).to_owned()), (*text).to_owned());
            }
            ["deleting", key, version] => {
                log.deleting.insert(((*key).to_owned(), (*version).to_owned()));
            }
            ["deleted", key, version] => {
                log.deleted.insert(((*key).to_owned(), (*version).to_owned()));
            }
            other => panic!("{other:?}"),
        }
    }
    log
}

async fn look(dir: &Path, log: &Log) -> Result<(), String> {
    let store = Store::open_sqlite(&dir.join("craton.db")).await.map_err(|error| format!("{error:?}"))?;
    let (objects, ctx) = open(dir, &store).await.map_err(|error| format!("{error:?}"))?;
    let found = check_versions(&objects, &ctx, log).await;
    store.close().await;
    found
}

async fn open(dir: &Path, store: &Store) -> base::Result<(Objects, Ctx)> {
    let defaults = Defaults { region: "us-east-1".parse()? };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let root_key = RootKey::load_or_create(dir.join("root.key"))?;
    let identity = Identity::open(store.clone(), root_key, clock.clone(), random.clone(), defaults).await?;
    let admin = identity.first_start(RootCredentials::default()).await?;
    let key = identity.signing_key(&admin.access_key_id).await?.unwrap();
    let request_id = base::RequestId::random(&SystemRandom);
    let origin = Origin { request_id, source_ip: [127, 0, 0, 1].into(), secure: false };
    let ctx = identity.authenticate(ProvenKey::new(key, None), None, origin).await?;
    let place = BlobPlace::Folder(dir.join("objects"));
    Ok((Objects::open(store.clone(), identity, place, clock, random).await?, ctx))
}

/// What was acknowledged is there, everything that is there is whole, and after a collection nothing else is on disk.
async fn check_versions(objects: &Objects, ctx: &Ctx, log: &Log) -> Result<(), String> {
    let Some(found) = versions(objects, ctx).await else {
        return if log.put.is_empty() { Ok(()) } else { Err("the bucket is gone".to_owned()) };
    };
    let mut seen = HashSet::new();
    let mut blobs = 0;
    for version in &found {
        let name = (version.object.key.clone(), version.version_id.clone());
        if log.deleted.contains(&name) {
            return Err(format!("{name:?} was deleted and is there"));
        }
        if !version.delete_marker {
            check_bytes(objects, ctx, &name, log.put.get(&name)).await?;
            blobs += usize::from(version.object.size > objects::INLINE);
        }
        seen.insert(name);
    }
    for name in log.put.keys() {
        if !seen.contains(name) && !log.deleting.contains(name) {
            return Err(format!("{name:?} was acknowledged and is gone"));
        }
    }
    for (key, version) in &log.deleted {
        let hidden = || found.iter().any(|version| version.object.key == *key && version.delete_marker);
        if version == "-" && !hidden() {
            return Err(format!("the delete marker of {key} was acknowledged and is gone"));
        }
    }
    objects.collect().await.map_err(|error| format!("{error:?}"))?;
    let expected = blobs + parts_in_progress(objects, ctx).await?;
    let on_disk = files(objects.blob_folder().unwrap());
    if on_disk.len() != expected {
        return Err(format!("{expected} blobs are named, on disk are {on_disk:?}"));
    }
    match on_disk.iter().find(|file| file.parent().unwrap().ends_with("tmp")) {
        Some(file) => Err(format!("{} is left", file.display())),
        None => Ok(()),
    }
}

async fn versions(objects: &Objects, ctx: &Ctx) -> Option<Vec<ListedVersion>> {
    let list = ListVersions {
        bucket: BucketRef::new("notes"),
        prefix: String::new(),
        delimiter: None,
        key_marker: None,
        version_marker: None,
        max_keys: None,
    };
    Some(objects.list_object_versions(ctx, &list).await.ok()?.versions)
}

/// Reads the version to its end; its bytes must follow from the text in its metadata, which was acknowledged or not.
async fn check_bytes(
    objects: &Objects,
    ctx: &Ctx,
    (key, version): &(String, String),
    text: Option<&String>,
) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Debug| format!("{key} {version}: {error:?}");
    let object = ObjectRef { version: Some(version.clone()), ..ObjectRef::new("notes", key.as_str()) };
    let got = objects.get_object(ctx, &GetObject::new(object)).await.map_err(|error| failed(&error))?;
    let own = got.object.metadata[0].1.clone();
    let mut body = got.body;
    let mut expected = own.bytes().cycle();
    let mut length = 0;
    while let Some(piece) = body.next().await {
        for byte in piece.map_err(|error| failed(&error))? {
            length += 1;
            if Some(byte) != expected.next() {
                return Err(failed(&format!("byte {length} is another one")));
            }
        }
    }
    if length != got.object.size || text.is_some_and(|text| *text != own) {
        return Err(failed(&format!("{length} bytes of `{own}`")));
    }
    Ok(())
}

/// How many parts of unfinished uploads are kept.
async fn parts_in_progress(objects: &Objects, ctx: &Ctx) -> Result<usize, String> {
    let failed = |error: objects::Error| format!("{error:?}");
    let list = ListUploads {
        bucket: BucketRef::new("notes"),
        prefix: String::new(),
        delimiter: None,
        key_marker: None,
        upload_marker: None,
        max: None,
    };
    let mut count = 0;
    for upload in objects.list_multipart_uploads(ctx, &list).await.map_err(failed)?.uploads {
        let upload = objects::UploadRef { bucket: BucketRef::new("notes"), key: upload.key, upload_id: upload.id };
        let ask = objects::ListParts::default();
        count += objects.list_parts(ctx, &upload, ask).await.map_err(failed)?.parts.len();
    }
    Ok(count)
}

/// Everything but what says whose the folder is.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("craton-deployment") => {}
                false => files.push(path),
            }
        }
    }
    files
}

/// Examples are built beside the tests: `target/debug/examples/` next to `target/debug/deps/`.
fn child() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/objects_crash_child")
}

fn kill(work: &'static str, seed: u64) {
    let mut server = Server { work, dir: tempfile::tempdir().unwrap(), deaths: 0 };
    let harness = Harness { seed, rounds: 18, kills: 5, time_limit: Duration::from_secs(120) };
    harness.run(&mut server).unwrap();
    assert!(server.deaths >= 70, "only {} deaths", server.deaths);
}

#[test]
fn puts_survive_death_at_any_write() {
    kill("puts", 3);
}

#[test]
fn completions_survive_death_at_any_write() {
    kill("completions", 5);
}

#[test]
fn deletions_survive_death_at_any_write() {
    kill("deletions", 7);
}

/// A limit on the size of files stands for the end of the disk: the write fails in the same way. Blocks are of 512
/// bytes, or of 1024 in some shells.
#[test]
fn a_full_disk_refuses_what_does_not_fit_and_leaves_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let script = "trap '' XFSZ; ulimit -f 16384; exec \"$0\" \"$1\" full";
    let status = Command::new("sh").arg("-c").arg(script).arg(child()).arg(dir.path()).status().unwrap();
    assert!(status.success(), "{status}");
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines[1].starts_with("refused ServiceUnavailable: There is no space left to store objects."), "{log}");
    assert_eq!(files(&dir.path().join("objects")).len(), 2);
}

#[test]
fn sixteen_uploads_at_once_stay_below_200_mb() {
    let dir = tempfile::tempdir().unwrap();
    let status = Command::new(child()).arg(dir.path()).arg("memory").status().unwrap();
    assert!(status.success(), "{status}");
    let log = fs::read_to_string(dir.path().join("log")).unwrap();
    let kilobytes: u64 = log.trim().strip_prefix("memory ").unwrap().strip_suffix(" kB").unwrap().parse().unwrap();
    assert!(kilobytes < 200_000, "{kilobytes} kB");
}
