//! Files that fail or stop at a chosen operation. A stop is a power failure: what was not made durable is lost in part.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use super::*;
use crate::embedded::files::{Append, OnDisk};

/// What happens at the chosen operation.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    /// It fails, and so does every later one.
    Stop,
    /// It fails for lack of space, and every later one succeeds.
    Full,
}

struct Plan {
    fault: Fault,
    /// How many operations succeed before the fault.
    left: u64,
    stopped: bool,
    rng: ChaCha8Rng,
    /// Every file's length and how much of it is durable.
    lengths: BTreeMap<String, (u64, u64)>,
    /// Names that are not durable yet.
    created: BTreeSet<String>,
    /// Renames that are not durable yet: the target and what it was before.
    renamed: Vec<(String, Option<Vec<u8>>)>,
}

impl Plan {
    /// Counts an operation; fails where it is the chosen one.
    fn step(&mut self) -> io::Result<()> {
        if self.stopped {
            return Err(io::Error::other("stopped"));
        }
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None if self.fault == Fault::Stop => {
                self.stopped = true;
                Err(io::Error::other("stopped"))
            }
            None => {
                self.left = u64::MAX;
                Err(io::ErrorKind::StorageFull.into())
            }
        }
    }
}

struct Faulty {
    disk: OnDisk,
    plan: Arc<Mutex<Plan>>,
}

struct FaultyFile {
    name: String,
    file: Box<dyn Append>,
    plan: Arc<Mutex<Plan>>,
}

impl Faulty {
    fn new(folder: &Path, fault: Fault, after: u64, seed: u64) -> Self {
        let plan = Plan {
            fault,
            left: after,
            stopped: false,
            rng: rng(seed),
            lengths: BTreeMap::new(),
            created: BTreeSet::new(),
            renamed: Vec::new(),
        };
        Self { disk: OnDisk::new(folder), plan: Arc::new(Mutex::new(plan)) }
    }

    fn file(&self, name: &str, file: Box<dyn Append>, length: u64) -> Box<dyn Append> {
        self.plan.lock().unwrap().lengths.insert(name.to_owned(), (length, length));
        Box::new(FaultyFile { name: name.to_owned(), file, plan: Arc::clone(&self.plan) })
    }
}

impl Files for Faulty {
    fn folder(&self) -> &Path {
        self.disk.folder()
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Append>> {
        self.plan.lock().unwrap().step()?;
        let file = self.disk.create(name)?;
        self.plan.lock().unwrap().created.insert(name.to_owned());
        Ok(self.file(name, file, 0))
    }

    fn append(&self, name: &str, length: u64) -> io::Result<Box<dyn Append>> {
        self.plan.lock().unwrap().step()?;
        let file = self.disk.append(name, length)?;
        Ok(self.file(name, file, length))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.step()?;
        let before = fs::read(self.path(to)).ok();
        self.disk.rename(from, to)?;
        plan.created.remove(from);
        if let Some(lengths) = plan.lengths.remove(from) {
            plan.lengths.insert(to.to_owned(), lengths);
        }
        plan.renamed.push((to.to_owned(), before));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.step()?;
        plan.lengths.remove(name);
        plan.created.remove(name);
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.step()?;
        plan.created.clear();
        plan.renamed.clear();
        Ok(())
    }
}

impl Append for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        let step = plan.step();
        let written = match step {
            Ok(()) => bytes.len(),
            // A part of it, as a full disk takes.
            Err(_) => plan.rng.random_range(0..=bytes.len()),
        };
        self.file.write(&bytes[..written])?;
        plan.lengths.entry(self.name.clone()).or_default().0 += written as u64;
        step
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.step()?;
        let lengths = plan.lengths.entry(self.name.clone()).or_default();
        lengths.1 = lengths.0;
        Ok(())
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        plan.step()?;
        self.file.cut(length)?;
        let lengths = plan.lengths.entry(self.name.clone()).or_default();
        *lengths = (length, lengths.1.min(length));
        Ok(())
    }
}

/// Takes away what a power failure would, with the dice of the plan.
fn lose(folder: &Path, plan: &mut Plan) {
    let Plan { rng, lengths, created, renamed, .. } = plan;
    for (name, (length, durable)) in lengths.iter() {
        let path = folder.join(name);
        if length > durable && path.exists() {
            let kept = rng.random_range(*durable..=*length);
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            file.set_len(kept).unwrap();
            if rng.random_bool(0.3) {
                // The length is on the disk and the content is not.
                file.set_len(*length).unwrap();
            }
        }
    }
    for name in created.iter().filter(|_| rng.random_bool(0.5)) {
        let _ = fs::remove_file(folder.join(name));
    }
    for (name, before) in renamed.iter().rev().filter(|_| rng.random_bool(0.5)) {
        match before {
            Some(before) => fs::write(folder.join(name), before).unwrap(),
            None => fs::remove_file(folder.join(name)).unwrap(),
        }
    }
}

type Model = BTreeMap<String, Document>;

fn change(rng: &mut ChaCha8Rng, model: &mut Model) -> Vec<Change> {
    let mut batch = Vec::new();
    for _ in 0..rng.random_range(1..4) {
        let key = format!("doc{}", rng.random_range(0..12));
        if rng.random_bool(0.25) {
            model.remove(&key);
            batch.push(Change::Delete { key });
        } else {
            let mut document = random_document(rng, key.clone());
            document.fields.retain(|_, text| !text.is_empty());
            document.vector = document.vector.map(|_| vec![0.0, 0.0, 1.0, 0.0]);
            model.insert(key, document.clone());
            batch.push(Change::Put(document));
        }
    }
    batch
}

fn contents(index: &Embedded) -> Model {
    let keys = index.keys("", None, usize::MAX).unwrap();
    keys.into_iter().map(|key| (key.clone(), index.get(&key).unwrap().unwrap())).collect()
}

/// Works on an index until something fails. The models that it may hold afterwards.
fn work(files: Faulty, seed: u64) -> (Vec<Model>, bool) {
    let mut rng = rng(seed);
    let mut model = Model::new();
    let index = match Embedded::open_on(Arc::new(files), schema()) {
        Ok(index) => index,
        Err(_) => return (vec![model], false),
    };
    for step in 0..24 {
        if step % 6 == 5 {
            if index.compact().is_err() {
                return (vec![model], false);
            }
            continue;
        }
        let mut next = model.clone();
        let batch = change(&mut rng, &mut next);
        if index.apply(batch).is_err() {
            return (vec![model, next], false);
        }
        model = next;
    }
    (vec![model], true)
}

#[test]
fn what_was_acknowledged_is_there_after_a_power_failure_at_any_operation() {
    let mut stops = 0;
    for seed in 0..260 {
        let folder = scratch();
        let files = Faulty::new(folder.path(), Fault::Stop, seed % 130, seed);
        let plan = Arc::clone(&files.plan);
        let (possible, _) = work(files, seed);
        let mut plan = plan.lock().unwrap();
        stops += u64::from(plan.stopped);
        lose(folder.path(), &mut plan);
        let index = Embedded::open(folder.path(), schema()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let held = contents(&index);
        assert!(possible.contains(&held), "seed {seed}");
        // It is a whole index: it ranks like one that was made of these documents, and takes changes.
        let fresh = state(held.values().cloned());
        let mut rng = rng(seed);
        for _ in 0..5 {
            let caller = random_caller(&mut rng);
            let query = random_query(&mut rng, caller);
            assert_same(&index.search(&query).unwrap(), &fresh.search(&query).unwrap());
        }
        index.apply(vec![put("after", "river")]).unwrap();
        index.compact().unwrap();
        assert!(index.get("after").unwrap().is_some());
    }
    assert!(stops >= 200, "{stops}");
}

#[test]
fn a_full_disk_is_told_and_changes_nothing() {
    let mut told = 0;
    for after in 0..110 {
        let folder = scratch();
        let files = Faulty::new(folder.path(), Fault::Full, after, after);
        let Ok(index) = Embedded::open_on(Arc::new(files), schema()) else { continue };
        let mut rng = rng(after);
        let mut model = Model::new();
        for step in 0..20 {
            if step % 7 == 6 {
                // Whatever becomes of it, nothing that was acknowledged changes.
                let _ = index.compact();
                assert_eq!(contents(&index), model);
                continue;
            }
            let mut next = model.clone();
            match index.apply(change(&mut rng, &mut next)) {
                Ok(_) => model = next,
                Err(Error::DiskFull { .. }) => told += 1,
                // The one that failed left open what is on the disk.
                Err(Error::Halted { .. }) => break,
                Err(error) => panic!("{error}"),
            }
            assert_eq!(contents(&index), model);
        }
        drop(index);
        let reopened = contents(&Embedded::open(folder.path(), schema()).unwrap());
        assert!(reopened.iter().filter(|(key, document)| model.get(*key) != Some(document)).count() <= 3);
    }
    assert!(told > 10, "{told}");
}
