use std::sync::atomic::{AtomicUsize, Ordering};

use base::SeededRandom;
use futures::StreamExt;
use futures::executor::block_on;
use serde_json::json;

use super::*;
use crate::backend::{Backend, Input};
use crate::engine::LoadOptions;
use crate::fake::{FakeBackend, FakeLoader, FakeOpen, FakeVocabulary};
use crate::generation::{Completion, Event};
use crate::sampling::Sampling;
use crate::tool_calls::ToolFormat;

fn options() -> LoadOptions {
    LoadOptions { context_per_sequence: 1024, ..LoadOptions::default() }
}

fn fake(replies: &[(&str, &str)]) -> Scheduler {
    FakeLoader::default().generator(&options(), replies).unwrap()
}

fn prompt(text: &str) -> GenerateRequest {
    let prompt = Prompt::Text { text: text.to_owned(), parse_special: true, add_bos: true };
    GenerateRequest { prompt, sampling: Sampling::greedy(), ..GenerateRequest::default() }
}

fn answer(model: &Scheduler, request: GenerateRequest) -> Result<Completion> {
    block_on(model.generate(request)?.collect())
}

fn sampled(at: usize) -> GenerateRequest {
    let sampling = Sampling { temperature: 1.5, top_p: 0.9, seed: Some(at as u64), ..Sampling::default() };
    GenerateRequest { sampling, max_tokens: Some(40), ..prompt(&format!("{} tell {at}", "long ".repeat(at * 9))) }
}

#[test]
fn interleaved_requests_answer_as_each_alone() {
    let model = fake(&[]);
    let alone: Vec<String> = (0..8).map(|at| answer(&model, sampled(at)).unwrap().text).collect();
    let together: Vec<Generation> = (0..8).map(|at| model.generate(sampled(at)).unwrap()).collect();
    let together: Vec<String> = together.into_iter().map(|stream| block_on(stream.collect()).unwrap().text).collect();
    assert_eq!(alone, together);
    let reversed: Vec<Generation> = (0..8).rev().map(|at| model.generate(sampled(at)).unwrap()).collect();
    let reversed: Vec<String> = reversed.into_iter().map(|stream| block_on(stream.collect()).unwrap().text).collect();
    assert!(alone.iter().rev().eq(&reversed));
}

#[test]
fn an_answer_is_the_script_and_ends_by_itself() {
    let model = fake(&[("capital", "Paris, naturellement — où sinon?")]);
    let answer = answer(&model, prompt("What is the capital?")).unwrap();
    assert_eq!(answer.text, "Paris, naturellement — où sinon?");
    assert_eq!(answer.finish.reason, StopReason::EndOfTurn);
    assert_eq!(answer.finish.usage.prompt_tokens, 20);
    assert_eq!(answer.finish.usage.completion_tokens as usize, answer.text.len());
}

#[test]
fn max_tokens_of_one_and_beyond_the_context_are_kept() {
    let model = fake(&[("count", &"x".repeat(5000))]);
    let one = answer(&model, GenerateRequest { max_tokens: Some(1), ..prompt("count") }).unwrap();
    assert_eq!((one.text.as_str(), one.finish.reason), ("x", StopReason::MaxTokens));
    let all = answer(&model, GenerateRequest { max_tokens: Some(u32::MAX), ..prompt("count") }).unwrap();
    assert_eq!((all.text.len(), all.finish.reason), (1024 - 5, StopReason::ContextFull));
    let none = model.generate(GenerateRequest { max_tokens: Some(0), ..prompt("count") });
    assert!(matches!(none, Err(Error::Request { .. })));
}

#[test]
fn a_prompt_that_does_not_fit_is_refused_with_both_numbers() {
    let model = fake(&[]);
    let refused = model.generate(prompt(&"a".repeat(1024))).unwrap_err();
    assert_eq!(refused, Error::ContextOverflow { prompt: 1024, context: 1024 });
    assert!(matches!(model.generate(prompt(&"a".repeat(9 << 20))), Err(Error::ContextOverflow { .. })));
    assert!(answer(&model, prompt(&"a".repeat(1023))).is_ok());
    assert!(matches!(model.generate(prompt("")), Err(Error::Request { .. })));
    let unknown = GenerateRequest { prompt: Prompt::Tokens(vec![999]), ..GenerateRequest::default() };
    assert!(matches!(model.generate(unknown), Err(Error::Request { .. })));
}

#[test]
fn a_stop_sequence_cuts_the_text_and_its_log_probabilities() {
    let model = fake(&[("go", "one two three")]);
    let stopped = GenerateRequest { stop: vec!["tw".to_owned()], logprobs: Some(2), ..prompt("go") };
    let answer = answer(&model, stopped).unwrap();
    assert_eq!(answer.text, "one ");
    assert_eq!(answer.finish.reason, StopReason::StopSequence("tw".to_owned()));
    let spelled: Vec<u8> = answer.tokens.iter().flat_map(|token| token.bytes.clone()).collect();
    assert_eq!(spelled, b"one ");
    assert!(answer.tokens.iter().all(|token| token.top.len() == 2 && token.top[0].token == token.token));
}

#[test]
fn a_constraint_shapes_the_answer() {
    let schema = json!({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"],
        "additionalProperties": false});
    let model = fake(&[]);
    for seed in 0..5 {
        let sampling = Sampling { seed: Some(seed), ..Sampling::default() };
        let constraint = Some(Constraint::JsonSchema(schema.clone()));
        let answer = answer(&model, GenerateRequest { sampling, constraint, ..prompt("json") }).unwrap();
        let value: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert!(value["ok"].is_boolean());
    }
    let malformed = GenerateRequest { constraint: Some(Constraint::Regex("(".to_owned())), ..prompt("x") };
    assert!(matches!(model.generate(malformed), Err(Error::Constraint { .. })));
}

#[test]
fn a_prompt_that_begins_alike_skips_whole_chunks() {
    let model = fake(&[("shared", "yes")]);
    let long = format!("shared {}", "word ".repeat(40));
    let first = answer(&model, prompt(&long)).unwrap();
    let second = answer(&model, prompt(&format!("{long} and more"))).unwrap();
    assert_eq!(first.finish.usage.cached_tokens, 0);
    assert_eq!(second.finish.usage.cached_tokens, 192);
    assert_eq!(second.text, "yes");
    // Of a prompt that is read wholly its last chunk is read again, for its logits.
    let exact = "e".repeat(128);
    answer(&model, prompt(&exact)).unwrap();
    assert_eq!(answer(&model, prompt(&exact)).unwrap().finish.usage.cached_tokens, 64);
}

#[test]
fn events_come_in_order_and_text_that_waits_is_joined() {
    let model = fake(&[("go", "ab")]);
    let mut stream = model.generate(prompt("go")).unwrap();
    let events: Vec<Event> = block_on(async {
        let mut events = Vec::new();
        while let Some(event) = stream.next().await {
            events.push(event.unwrap());
        }
        events
    });
    assert_eq!(events.first(), Some(&Event::Started { prompt_tokens: 2 }));
    assert!(matches!(events.last(), Some(Event::Finished(_))));
    let text: String = events
        .iter()
        .filter_map(|event| if let Event::Text { text, .. } = event { Some(text.as_str()) } else { None })
        .collect();
    assert_eq!(text, "ab");
}

#[test]
fn a_deadline_that_passed_ends_the_request() {
    let model = fake(&[]);
    let late = GenerateRequest { deadline: Some(Instant::now()), ..prompt("late") };
    assert_eq!(answer(&model, late).unwrap_err(), Error::DeadlineExceeded);
    assert!(answer(&model, prompt("in time")).is_ok());
}

/// A fake that waits for permission before each batch, and fails or panics at a given one.
struct Gated {
    gate: Option<mpsc::Receiver<()>>,
    batches: Arc<AtomicUsize>,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
}

struct GatedBackend<'a> {
    inner: FakeBackend,
    gated: &'a Gated,
}

impl Open for Gated {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let inner = FakeBackend::new(&FakeOpen { parallel: 2, replies: vec![(String::new(), "x".repeat(500))] });
        drive(&mut GatedBackend { inner, gated: self });
        Ok(())
    }
}

impl Backend for GatedBackend<'_> {
    fn decode(&mut self, batch: &[Input]) -> Result<()> {
        if let Some(gate) = &self.gated.gate {
            // A gate that is gone lets all pass.
            let _ = gate.recv();
        }
        let at = self.gated.batches.fetch_add(1, Ordering::SeqCst);
        assert_ne!(Some(at), self.gated.panic_at, "as the test asked");
        let one_sequence = batch.iter().all(|input| input.sequence == batch[0].sequence);
        assert!(one_sequence || batch.iter().all(|input| input.logits), "prompts and answers never share a batch");
        if Some(at) == self.gated.fail_at {
            return Err(Error::Engine { reason: "as the test asked".to_owned() });
        }
        self.inner.decode(batch)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        self.inner.truncate(sequence, from)
    }
}

fn gated(
    queue: usize,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
    closed: bool,
) -> (Scheduler, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (open, gate) = mpsc::channel();
    let batches = Arc::new(AtomicUsize::new(0));
    let info = ModelInfo {
        name: "gated".to_owned(),
        architecture: "fake".to_owned(),
        parameters: 0,
        context_length: 1024,
        vocabulary: 258,
        memory_bytes: 0,
        has_chat_template: false,
        tool_format: ToolFormat::default(),
        parallel: 2,
    };
    let model = Model { info, vocabulary: Arc::new(FakeVocabulary), template: None };
    let config = Config { queue, chunk: 64, random: Arc::new(SeededRandom::new(1)) };
    let gate = closed.then_some(gate);
    let gated = Gated { gate, batches: batches.clone(), fail_at, panic_at };
    (Scheduler::start(model, config, gated).unwrap(), open, batches)
}

#[test]
fn a_full_queue_refuses_at_once_and_a_departed_waiter_makes_room() {
    let (model, open, _) = gated(2, None, None, true);
    // Two run or may run, two wait.
    let mut streams: Vec<Generation> = (0..4).map(|_| model.generate(prompt("a")).unwrap()).collect();
    assert_eq!(
        model.generate(prompt("b")).unwrap_err().to_string(),
        format!("{} requests are waiting for the model already", model.status().queued)
    );
    streams.pop();
    let replaced = model.generate(prompt("c"));
    assert!(replaced.is_ok());
    drop(open);
}

#[test]
fn dropping_a_stream_frees_its_sequence_within_one_step() {
    let (model, open, batches) = gated(8, None, None, true);
    let mut first = model.generate(GenerateRequest { max_tokens: Some(400), ..prompt("a") }).unwrap();
    open.send(()).unwrap();
    assert!(matches!(block_on(first.next()), Some(Ok(Event::Started { .. }))));
    drop(first);
    // The step that may have begun, then the next request's own two.
    drop(open);
    let second = answer(&model, GenerateRequest { max_tokens: Some(2), ..prompt("b") }).unwrap();
    assert_eq!(second.text, "xx");
    assert!(batches.load(Ordering::SeqCst) <= 1 + 1 + 2);
}

#[test]
fn an_error_mid_way_ends_its_requests_and_the_next_one_is_served() {
    let (model, _open, _) = gated(8, Some(3), None, false);
    assert_eq!(answer(&model, prompt("a")).unwrap_err(), Error::Engine { reason: "as the test asked".to_owned() });
    assert_eq!(answer(&model, prompt("b")).unwrap().text.len(), 500);
}

#[test]
fn a_panic_ends_its_requests_and_the_next_one_is_served() {
    let (model, _open, _) = gated(8, None, Some(3), false);
    let failed = answer(&model, prompt("a")).unwrap_err();
    assert!(failed.to_string().contains("panicked"), "{failed}");
    assert_eq!(answer(&model, prompt("b")).unwrap().text.len(), 500);
}

#[test]
fn a_backend_that_cannot_be_opened_fails_the_start() {
    struct Broken;
    impl Open for Broken {
        fn open(&mut self, _: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
            Err(Error::Engine { reason: "no memory".to_owned() })
        }
    }
    let model = Model { info: fake(&[]).info().clone(), vocabulary: Arc::new(FakeVocabulary), template: None };
    let config = Config { queue: 1, chunk: 64, random: Arc::new(SeededRandom::new(1)) };
    let failed = Scheduler::start(model, config, Broken).unwrap_err();
    assert_eq!(failed, Error::Engine { reason: "no memory".to_owned() });
}

#[test]
fn dropping_the_model_ends_its_streams() {
    let (model, open, _) = gated(8, None, None, true);
    let stream = model.generate(prompt("a")).unwrap();
    open.send(()).unwrap();
    let dropping = std::thread::spawn(move || drop(model));
    drop(open);
    let ended = block_on(stream.collect());
    assert!(matches!(ended, Err(Error::Stopped)) || ended.is_ok());
    dropping.join().unwrap();
}
