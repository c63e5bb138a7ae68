use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;

use futures::StreamExt as _;
use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::Batching;
use crate::backend::{Backend, Care, Input, Layout, Open};
use crate::fake::{FakeBackend, FakeLoader, FakeOpen, FakeVocabulary};
use crate::generation::{Event, Serving};
use crate::sampling::Sampling;
use crate::scheduler::{Config, Model};

const MINE: Tenant = Tenant::of(1);
const YOURS: Tenant = Tenant::of(2);

fn text(text: &str) -> Prompt {
    Prompt::Text { text: text.to_owned(), parse_special: false, add_bos: false }
}

fn ask(tenant: Tenant, prompt: &str) -> GenerateRequest {
    let serving = Serving { tenant, ..Serving::default() };
    GenerateRequest { prompt: text(prompt), sampling: Sampling::greedy(), serving, ..GenerateRequest::default() }
}

fn options(replicas: u32) -> LoadOptions {
    LoadOptions { replicas, parallel: 2, context_per_sequence: 4096, ..LoadOptions::default() }
}

fn fakes(number: u32) -> Replicas {
    let one = LoadOptions { replicas: 1, ..options(number) };
    Replicas::of((0..number).map(|_| FakeLoader::default().generator(&one, &[]).unwrap()).collect()).unwrap()
}

fn answer(model: &dyn Generator, request: GenerateRequest) -> String {
    block_on(model.generate(request).unwrap().collect()).unwrap().text
}

/// A fake that waits for permission before each batch, and panics when it is told to.
struct Held {
    gate: mpsc::Receiver<()>,
    panics: Arc<AtomicBool>,
}

struct HeldBackend<'a> {
    inner: FakeBackend,
    held: &'a Held,
}

impl Open for Held {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let inner = FakeBackend::new(&FakeOpen { parallel: 1, replies: vec![(String::new(), "answer".to_owned())] });
        drive(&mut HeldBackend { inner, held: self });
        Ok(())
    }
}

impl Backend for HeldBackend<'_> {
    fn layout(&self) -> Layout {
        Layout { separate: 1, batch: self.inner.layout().batch, ..Layout::default() }
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        // A gate that is gone lets all pass.
        let _ = self.held.gate.recv();
        assert!(!self.held.panics.swap(false, Ordering::SeqCst), "as the test asked");
        self.inner.decode(batch, care)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        self.inner.truncate(sequence, from)
    }
}

/// Replicas of one sequence and a queue of `queue` each, what opens their gates, and what makes them panic.
fn held(number: usize, queue: usize) -> (Replicas, Vec<mpsc::Sender<()>>, Vec<Arc<AtomicBool>>) {
    let info = FakeLoader::default().generator(&options(1), &[]).unwrap().info().clone();
    let (mut all, mut gates, mut panics) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..number {
        let (open, gate) = mpsc::channel();
        let told = Arc::new(AtomicBool::new(false));
        let info = ModelInfo { parallel: 1, ..info.clone() };
        let model = Model { info, vocabulary: Arc::new(FakeVocabulary), template: None };
        let config = Config {
            queue,
            chunk: 64,
            grain: 32,
            batching: Batching::Continuous,
            cache_bytes: 0,
            random: Arc::new(base::SeededRandom::new(1)),
        };
        all.push(Scheduler::start(model, config, Held { gate, panics: told.clone() }).unwrap());
        gates.push(open);
        panics.push(told);
    }
    (Replicas::of(all).unwrap(), gates, panics)
}

fn loads(model: &Replicas) -> Vec<usize> {
    model.all.iter().map(|replica| load(replica.status())).collect()
}

#[test]
fn one_replica_is_the_scheduler_itself_and_several_count_together() {
    let one = FakeLoader::default().replicas(&options(1), &[]).unwrap();
    let three = FakeLoader::default().replicas(&options(3), &[]).unwrap();
    assert_eq!((one.info().parallel, three.info().parallel), (2, 6));
    assert!(three.info().memory_bytes > 2 * one.info().memory_bytes);
    assert!(FakeLoader::default().replicas(&options(0), &[]).is_err());
    assert!(Replicas::of(Vec::new()).is_err());
}

#[test]
fn replicas_answer_as_one_alone_does() {
    let (one, three) = (FakeLoader::default().replicas(&options(1), &[]).unwrap(), fakes(3));
    for at in 0..9 {
        let request = ask(MINE, &format!("Question {at}"));
        assert_eq!(answer(&three, request.clone()), answer(&*one, request));
    }
    assert_eq!(three.status().prompt_tokens, one.status().prompt_tokens);
    assert_eq!(three.status().generated_tokens, one.status().generated_tokens);
    let score =
        ScoreRequest { prompt: text("ab"), continuations: vec![text("c"), text("d")], ..ScoreRequest::default() };
    let scores = |model: &dyn Generator| block_on(model.score(score.clone()).unwrap().collect()).unwrap().continuations;
    assert_eq!(scores(&three), scores(&*one));
    assert_eq!(three.count(&text("four")).unwrap(), one.count(&text("four")).unwrap());
}

#[test]
fn requests_spread_over_replicas_and_are_refused_when_all_are_full() {
    let (model, gates, _) = held(3, 1);
    let streams: Vec<Generation> = (0..6).map(|at| model.generate(ask(MINE, &format!("{at}"))).unwrap()).collect();
    assert_eq!(loads(&model), [2, 2, 2]);
    let full = model.generate(ask(MINE, "7")).unwrap_err();
    assert!(matches!(full, Error::QueueFull { queued, .. } if queued >= 3), "{full}");
    assert_eq!((model.status().active + model.status().queued) as usize, 6);
    drop(gates);
    for stream in streams {
        assert_eq!(block_on(stream.collect()).unwrap().text, "answer");
    }
    assert!(model.lock().iter().all(|known| known.coming == 0));
}

#[test]
fn a_request_goes_where_its_beginning_was_read() {
    let model = fakes(3);
    let (long, other) = ("a long beginning ".repeat(100), "another beginning ".repeat(100));
    for at in 0..6 {
        answer(&model, ask(MINE, &format!("{long}{at}")));
        answer(&model, ask(MINE, &format!("{other}{at}")));
    }
    let mut read: Vec<u64> = model.all.iter().map(|replica| replica.status().prompt_tokens).collect();
    read.sort_unstable();
    assert_eq!(read[0], 0, "two beginnings need two replicas");
    let cached = model.status().cached_tokens;
    assert!(cached >= 5 * (long.len() + other.len()) as u64 * 9 / 10, "{cached}");
}

#[test]
fn what_a_tenant_sent_draws_no_request_of_another_and_is_forgotten() {
    let model = fakes(2);
    let long = "a long beginning ".repeat(100);
    answer(&model, ask(MINE, &long));
    let helps = |tenant| model.lock().iter().map(|known| known.read.helps(tenant, &hashes(tenant, &text(&long)))).max();
    assert_eq!((helps(MINE), helps(YOURS)), (Some(long.len() / CHUNK), Some(0)));
    model.forget(MINE);
    assert_eq!(helps(MINE), Some(0));
    assert!(model.lock().iter().all(|known| known.read.order.is_empty()));
}

#[test]
fn a_panic_ends_the_requests_of_its_replica_alone() {
    let (model, gates, panics) = held(2, 4);
    let streams: Vec<Generation> = (0..4).map(|at| model.generate(ask(MINE, &format!("{at}"))).unwrap()).collect();
    assert_eq!(loads(&model), [2, 2]);
    panics[0].store(true, Ordering::SeqCst);
    drop(gates);
    let outcomes: Vec<bool> = streams.into_iter().map(|stream| block_on(stream.collect()).is_ok()).collect();
    // One request was running where it panicked, and one waited there.
    assert_eq!(outcomes.iter().filter(|ok| !**ok).count(), 1, "{outcomes:?}");
    for at in 0..4 {
        assert_eq!(answer(&model, ask(MINE, &format!("again {at}"))), "answer");
    }
}

#[test]
fn a_replica_that_is_gone_is_passed_over() {
    struct Once(bool);
    impl Open for Once {
        fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
            if std::mem::replace(&mut self.0, true) {
                return Err(Error::NoMemory { what: "caches".to_owned(), bytes: 1 });
            }
            let (_, gate) = mpsc::channel();
            Held { gate, panics: Arc::new(AtomicBool::new(true)) }.open(drive)
        }
    }
    let healthy = FakeLoader::default().generator(&options(1), &[]).unwrap();
    let model = Model { info: healthy.info().clone(), vocabulary: Arc::new(FakeVocabulary), template: None };
    let config = Config {
        queue: 4,
        chunk: 64,
        grain: 32,
        batching: Batching::Continuous,
        cache_bytes: 0,
        random: Arc::new(base::SeededRandom::new(1)),
    };
    let broken = Scheduler::start(model, config, Once(false)).unwrap();
    let model = Replicas::of(vec![broken, healthy]).unwrap();
    assert!(block_on(model.generate(ask(MINE, "first")).unwrap().collect()).is_err());
    for at in 0..3 {
        let mut stream = model.generate(ask(MINE, &format!("{at}"))).unwrap();
        while let Some(event) = block_on(stream.next()) {
            if let Ok(Event::Finished(finish)) = event {
                assert!(finish.usage.completion_tokens > 0);
            }
        }
    }
    assert!(!answer(&model, ask(MINE, "at last")).is_empty());
}

#[test]
fn hashes_tell_beginnings_and_tenants_apart() {
    let long = "x".repeat(CHUNK * 3 + 1);
    let (mine, yours) = (hashes(MINE, &text(&long)), hashes(YOURS, &text(&long)));
    assert_eq!(mine.len(), 3);
    assert!(mine.iter().all(|hash| !yours.contains(hash)));
    let other_end = format!("{}y{}", "x".repeat(CHUNK), "x".repeat(CHUNK * 2));
    let other = hashes(MINE, &text(&other_end));
    assert_eq!(mine.iter().zip(&other).take_while(|(a, b)| a == b).count(), 1);
    assert_eq!(hashes(MINE, &Prompt::Tokens(vec![7; CHUNK])).len(), 4);
    assert_eq!(hashes(MINE, &text(&"x".repeat(CHUNK * (CHUNKS + 9)))).len(), CHUNKS);
}

#[test]
fn the_oldest_of_what_was_read_is_forgotten() {
    let mut read = Read::default();
    for number in 0..HASHES as u64 + 10 {
        read.note(MINE, &[number]);
    }
    assert_eq!((read.order.len(), read.by[&MINE].len()), (HASHES, HASHES));
    assert_eq!((read.helps(MINE, &[9]), read.helps(MINE, &[10])), (0, 1));
}

#[test]
fn refusals_of_room_are_told_before_others() {
    let full =
        |queued, seconds| Error::QueueFull { queued, retry_after: Some(std::time::Duration::from_secs(seconds)) };
    let all = refused(vec![full(3, 5), Error::Stopped, full(4, 2)]);
    assert_eq!(all, full(7, 2));
    assert_eq!(refused(vec![Error::Stopped]), Error::Stopped);
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0..20_usize, 0..5_usize, 0..5_usize, 0..3_usize);
    prop::collection::vec(one, 1..6).prop_map(|all| {
        let number = |(at, (load, helps, most, remembers))| Candidate { at, load, helps, most, remembers };
        all.into_iter().enumerate().map(number).collect()
    })
}

proptest! {
    #[test]
    fn the_chosen_is_never_busier_than_its_help_is_worth(all in candidates()) {
        let least = all.iter().map(|c| c.load).min().unwrap();
        let chosen = all[best(all.clone()).unwrap()];
        prop_assert!(chosen.load - least <= chosen.helps.min(chosen.most));
        // Nobody who is as little busy, and may be chosen, helps more.
        let may = |c: &Candidate| c.load - least <= c.helps.min(c.most);
        prop_assert!(all.iter().filter(|c| may(c)).all(|c| c.load > chosen.load || c.helps <= chosen.helps));
    }

    #[test]
    fn without_help_the_least_busy_is_chosen(loads in prop::collection::vec(0..20_usize, 1..6)) {
        let all = loads.iter().enumerate().map(|(at, load)| Candidate { at, load: *load, helps: 0, most: 4, remembers: 0 });
        let chosen = best(all.collect()).unwrap();
        prop_assert_eq!(Some(&loads[chosen]), loads.iter().min());
    }
}

#[test]
fn an_answer_tells_which_replica_writes_it() {
    // Neither answers before both have been asked.
    let (model, gates, _) = held(2, 4);
    let two: Vec<Generation> = (0..2).map(|at| model.generate(ask(MINE, &format!("{at}"))).unwrap()).collect();
    let mut replicas: Vec<Option<u32>> = two.iter().map(Generation::replica).collect();
    replicas.sort_unstable();
    assert_eq!(replicas, [Some(0), Some(1)]);
    drop(gates);
    let one = FakeLoader::default().generator(&options(1), &[]).unwrap();
    assert_eq!(one.generate(ask(MINE, "x")).unwrap().replica(), None);
}
