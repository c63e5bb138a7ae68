use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::SeededRandom;
use futures::StreamExt;
use futures::executor::block_on;
use serde_json::json;

use super::*;
use crate::backend::{Backend, Care, Input, Layout};
use crate::engine::LoadOptions;
use crate::fake::{FakeBackend, FakeLoader, FakeOpen, FakeVocabulary};
use crate::generation::{Completion, Event};
use crate::generation::{Priority, Serving, Tenant};
use crate::reading::Reading;
use crate::sampling::Sampling;
use crate::scoring::Scores;
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
fn a_prompt_that_begins_alike_skips_what_was_read_and_a_deterministic_one_whole_pieces() {
    let model = fake(&[("shared", "yes")]);
    let prompt = |text: &str| GenerateRequest { serving: deterministic(), ..prompt(text) };
    let long = format!("shared {}", "word ".repeat(40));
    let first = answer(&model, prompt(&long)).unwrap();
    let second = answer(&model, prompt(&format!("{long} and more"))).unwrap();
    assert_eq!(first.finish.usage.cached_tokens, 0);
    assert_eq!(second.finish.usage.cached_tokens, 192);
    assert_eq!(second.text, "yes");
    // Of a prompt that is read wholly its last piece is read again, for its logits.
    let exact = "e".repeat(128);
    answer(&model, prompt(&exact)).unwrap();
    assert_eq!(answer(&model, prompt(&exact)).unwrap().finish.usage.cached_tokens, 96);
    let prompt = self::prompt;
    assert_eq!(answer(&model, prompt(&exact)).unwrap().finish.usage.cached_tokens, 127);
    let third = answer(&model, prompt(&format!("{long} and less"))).unwrap();
    assert_eq!(third.finish.usage.cached_tokens as usize, long.len() + " and ".len());
    assert_eq!(third.text, "yes");
}

#[test]
fn a_deterministic_request_shares_the_pieces_of_its_like_and_not_the_chunks_of_others() {
    let asked = |model: &Scheduler, serving: Serving, tail: &str| {
        let request = GenerateRequest { serving, ..prompt(&format!("{}{tail}", letters(3, 50))) };
        let answer = answer(model, request).unwrap();
        (answer.text, answer.finish.usage.cached_tokens)
    };
    let (model, fresh) = (fake(&[]), fake(&[]));
    // Less than a chunk is shared, and yet a piece of it.
    assert_eq!(asked(&model, deterministic(), "one").1, 0);
    let (text, cached) = asked(&model, deterministic(), "two");
    assert_eq!((text.clone(), cached), (asked(&fresh, deterministic(), "two").0, 32));
    let other = fake(&[]);
    assert_eq!(asked(&other, Serving::default(), "one").1, 0);
    assert_eq!(asked(&other, deterministic(), "two"), (text, 0), "it was read in one chunk");
    assert_eq!(
        asked(&other, Serving::default(), "three").1,
        51,
        "whoever does not mind takes all, and the `t` of `two`"
    );
}

fn deterministic() -> Serving {
    Serving { deterministic: true, ..Serving::default() }
}

fn of(tenant: u128) -> Serving {
    Serving { tenant: Tenant::of(tenant), ..Serving::default() }
}

fn text(text: &str) -> Prompt {
    Prompt::Text { text: text.to_owned(), parse_special: true, add_bos: true }
}

/// A prompt of so many letters that are drawn from the seed.
fn letters(seed: u64, count: usize) -> String {
    let random = SeededRandom::new(seed);
    (0..count).map(|_| char::from(b'a' + (random.next_u64() % 26) as u8)).collect()
}

#[test]
fn what_one_tenant_read_is_not_used_for_another_and_is_gone_when_it_is_forgotten() {
    let model = fake(&[]);
    let long = letters(1, 500);
    let cached = |tenant| {
        let request = GenerateRequest { serving: of(tenant), ..prompt(&long) };
        answer(&model, request).unwrap().finish.usage.cached_tokens
    };
    assert_eq!((cached(1), cached(2), cached(1), cached(2)), (0, 0, 499, 499));
    model.forget(Tenant::of(1));
    assert_eq!((cached(1), cached(2)), (0, 499));
}

#[test]
fn what_was_used_again_is_told_and_another_engine_begins_with_it() {
    let (before, rubric) = (fake(&[]), letters(1, 500));
    let ask = |model: &Scheduler, tenant: u128, tail: &str| {
        let serving = Serving { deterministic: true, ..of(tenant) };
        answer(model, GenerateRequest { serving, ..prompt(&format!("{rubric} {tail}")) }).unwrap()
    };
    ask(&before, 1, "one");
    assert_eq!(before.used_again(), vec![], "it was used once");
    let said = ask(&before, 1, "two");
    answer(&before, GenerateRequest { serving: of(2), ..prompt(&letters(2, 300)) }).unwrap();
    let told = before.used_again();
    let [kept] = told.as_slice() else { panic!("{} entries", told.len()) };
    assert_eq!((kept.tenant, kept.exact, kept.tokens.len() > 500), (Tenant::of(1), 480, true));

    let after = fake(&[]);
    after.remember(told.clone());
    assert_eq!(ask(&after, 2, "two").finish.usage.cached_tokens, 0, "nobody else begins with it");
    let again = ask(&after, 1, "two");
    assert_eq!((again.text, again.finish.usage.cached_tokens), (said.text, 480));
    assert_eq!(after.status().cache_entries, 1);
    after.forget(Tenant::of(1));
    assert_eq!(after.used_again(), vec![]);
    assert_eq!(ask(&after, 1, "two").finish.usage.cached_tokens, 0);
}

#[test]
fn a_cache_point_alone_makes_a_prefix_worth_keeping() {
    let model = fake(&[]);
    let request = GenerateRequest { cache_points: vec![300], serving: of(1), ..prompt(&letters(1, 500)) };
    answer(&model, request).unwrap();
    let told = model.used_again();
    assert_eq!(told.iter().map(|kept| kept.tokens.len()).collect::<Vec<_>>(), [300]);
}

#[test]
fn what_a_running_request_reads_is_forgotten_when_it_ends() {
    let (model, open, _) = gated(8, None, None, true);
    let long = letters(1, 60);
    let mut running = model.generate(GenerateRequest { serving: of(1), max_tokens: Some(3), ..prompt(&long) }).unwrap();
    open.send(()).unwrap();
    assert!(matches!(block_on(running.next()), Some(Ok(Event::Started { .. }))));
    model.forget(Tenant::of(1));
    drop(open);
    block_on(running.collect()).unwrap();
    let again = answer(&model, GenerateRequest { serving: of(1), max_tokens: Some(1), ..prompt(&long) }).unwrap();
    assert_eq!(again.finish.usage.cached_tokens, 0);
}

#[test]
fn what_is_to_be_forgotten_is_neither_kept_at_a_cache_point_nor_begun_with() {
    let (model, open, batches) = gated(8, None, None, true);
    let long = letters(1, 300);
    let request = GenerateRequest { serving: of(1), max_tokens: Some(9), ..prompt(&long) };
    let running = model.generate(GenerateRequest { cache_points: vec![200], ..request.clone() }).unwrap();
    open.send(()).unwrap();
    while batches.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    // It stands before its second batch, or comes there without more than the first.
    model.forget(Tenant::of(1));
    let after = model.generate(request).unwrap();
    drop(open);
    let running = block_on(running.collect()).unwrap().finish.usage;
    assert_eq!((running.prompt_tokens, running.cache_written_tokens), (300, 0));
    assert_eq!(block_on(after.collect()).unwrap().finish.usage.cached_tokens, 0);
    assert_eq!(model.used_again(), vec![]);
}

#[test]
fn an_engine_that_stopped_tells_nothing() {
    let (model, _open, _) = gated(8, None, None, false);
    model.shared.stop();
    assert_eq!(model.used_again(), vec![]);
}

#[test]
fn prefixes_outlive_their_sequences_under_the_budget() {
    let options = LoadOptions { parallel: 1, ..options() };
    let model = FakeLoader::default().generator(&options, &[]).unwrap();
    let cached =
        |model: &Scheduler, seed| answer(model, prompt(&letters(seed, 300))).unwrap().finish.usage.cached_tokens;
    let first: Vec<u32> = (0..5).map(|seed| cached(&model, seed)).collect();
    let again: Vec<u32> = (0..5).map(|seed| cached(&model, seed)).collect();
    assert_eq!((first, again), (vec![0; 5], vec![299; 5]));
    assert_eq!(model.status().cache_entries, 5);
    let small = LoadOptions { prefix_cache_bytes: 4 * 2 * 400, ..options };
    let model = FakeLoader::default().generator(&small, &[]).unwrap();
    (0..3).for_each(|seed| assert_eq!(cached(&model, seed), 0));
    assert_eq!(cached(&model, 0), 0, "there was no room for it");
    assert!(model.status().cache_bytes <= small.prefix_cache_bytes);
}

#[test]
fn a_cache_point_keeps_the_prompt_up_to_it() {
    let model = FakeLoader::default().generator(&LoadOptions { parallel: 1, ..options() }, &[]).unwrap();
    let long = letters(7, 200);
    let request = GenerateRequest { cache_points: vec![40, 100], ..prompt(&long) };
    let first = answer(&model, request.clone()).unwrap().finish.usage;
    assert_eq!((first.cached_tokens, first.cache_written_tokens), (0, 100));
    answer(&model, prompt(&letters(8, 300))).unwrap();
    answer(&model, prompt(&letters(9, 300))).unwrap();
    let usage = answer(&model, prompt(&format!("{}{}", &long[..100], letters(10, 50)))).unwrap().finish.usage;
    assert_eq!(usage.cached_tokens, 100);
    let again = answer(&model, request).unwrap().finish.usage;
    assert_eq!(again.cache_written_tokens, 0, "it is kept already");
}

#[test]
fn requests_that_begin_alike_wait_for_the_one_that_reads_it_and_share_it() {
    let (model, open, _) = gated_with(8, 8, None, None, true);
    let long = letters(3, 384);
    let streams: Vec<Generation> = (0..6).map(|at| model.generate(short(&format!("{long}{at}"))).unwrap()).collect();
    drop(open);
    let usages: Vec<u32> =
        streams.into_iter().map(|stream| block_on(stream.collect()).unwrap().finish.usage.cached_tokens).collect();
    assert_eq!(usages.iter().filter(|cached| **cached == 0).count(), 1, "{usages:?}");
    assert_eq!(usages.iter().filter(|cached| **cached == 384).count(), 5, "{usages:?}");
}

fn short(text: &str) -> GenerateRequest {
    GenerateRequest { max_tokens: Some(3), ..prompt(text) }
}

fn scores(model: &Scheduler, prompt: &str, continuations: &[&str], serving: Serving) -> Result<Scores> {
    let continuations = continuations.iter().map(|continuation| text(continuation)).collect();
    let request = ScoreRequest { prompt: text(prompt), continuations, serving, ..ScoreRequest::default() };
    block_on(model.score(request)?.collect())
}

#[test]
fn scores_are_the_log_probabilities_that_writing_gives_in_every_kind_of_sequence() {
    let model = fake(&[("weather", "sunny")]);
    let prompt_text = format!("{} weather?", letters(4, 200));
    let request = GenerateRequest { logprobs: Some(0), ..prompt(&prompt_text) };
    let written = answer(&model, request).unwrap();
    let expected: f64 = written.tokens.iter().map(|token| f64::from(token.logprob)).sum();
    let long = letters(5, 64);
    for serving in [Serving::default(), deterministic()] {
        let scores = scores(&model, &prompt_text, &["rain", "sunny", "s", &long], serving).unwrap();
        let sums = scores.logprobs();
        assert!((sums[1] - expected).abs() < 1e-3, "{} {expected}", sums[1]);
        assert!(sums[1] > sums[0] && sums[2] > sums[1]);
        let lengths: Vec<usize> = scores.continuations.iter().map(Vec::len).collect();
        assert_eq!(lengths, [4, 5, 1, 64]);
        assert_eq!(scores.usage.completion_tokens, 4 + 5 + 1 + 64);
        assert!(scores.continuations[1].iter().all(|reading| reading.likeliest == reading.token));
    }
    let again = scores(&model, &prompt_text, &["rain"], Serving::default()).unwrap();
    assert_eq!(again.usage.cached_tokens as usize, prompt_text.len() - 1);
}

#[test]
fn many_continuations_are_scored_in_waves_and_alike() {
    let model = fake(&[]);
    let all: Vec<String> = (0..50).map(|seed| letters(seed, 1 + seed as usize % 20)).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let together = scores(&model, "which?", &all, Serving::default()).unwrap();
    for (at, one) in all.iter().enumerate() {
        let alone = scores(&model, "which?", &[one], deterministic()).unwrap();
        assert_eq!(alone.continuations[0], together.continuations[at], "{one}");
    }
}

#[test]
fn the_likeliest_continuation_alone_is_found_by_reading_fewer() {
    let model = fake(&[("weather", "sunny")]);
    let mut continuations: Vec<String> = (0..60).map(|seed| letters(seed, 2 + seed as usize % 9)).collect();
    continuations.push("sunny".to_owned());
    let asked: Vec<Prompt> = continuations.iter().map(|continuation| text(continuation)).collect();
    let by_tokens: Vec<f64> = continuations.iter().map(|continuation| continuation.len() as f64).collect();
    let value = |readings: &[Reading], length: f64| -> f64 {
        readings.iter().map(|reading| f64::from(reading.logprob)).sum::<f64>() / length
    };
    for (end, lengths) in [("weather?", vec![1.0; 61]), ("weather?", by_tokens.clone()), ("what?", by_tokens)] {
        for serving in [Serving::default(), deterministic()] {
            let request = ScoreRequest {
                prompt: text(&format!("{} {end}", letters(3, 90))),
                continuations: asked.clone(),
                serving,
                ..ScoreRequest::default()
            };
            let all = block_on(model.score(request.clone()).unwrap().collect()).unwrap();
            let best = ScoreRequest { best_by: Some(lengths.clone()), ..request };
            let best = block_on(model.score(best).unwrap().collect()).unwrap();
            let values: Vec<f64> =
                all.continuations.iter().zip(&lengths).map(|(readings, length)| value(readings, *length)).collect();
            let likeliest = (0..61).rev().max_by(|one, other| values[*one].total_cmp(&values[*other])).unwrap();
            assert_eq!(best.continuations[likeliest], all.continuations[likeliest]);
            for (at, readings) in best.continuations.iter().enumerate() {
                assert!(!readings.is_empty() && all.continuations[at].starts_with(readings));
                let is_whole = readings.len() == all.continuations[at].len();
                assert!(is_whole || value(readings, lengths[at]) < values[likeliest], "{at}");
            }
            let read = |scores: &Scores| scores.continuations.iter().map(Vec::len).sum::<usize>();
            assert_eq!(best.usage.completion_tokens as usize, read(&best));
            assert!(end == "what?" || read(&best) < read(&all) / 2, "{}", read(&best));
        }
    }
}

#[test]
fn continuations_are_compared_by_one_positive_length_each() {
    let model = fake(&[]);
    for lengths in [vec![1.0], vec![1.0, 0.0], vec![1.0, f64::NAN]] {
        let request = ScoreRequest {
            prompt: text("a"),
            continuations: vec![text("b"), text("c")],
            best_by: Some(lengths),
            ..ScoreRequest::default()
        };
        assert!(matches!(model.score(request), Err(Error::Request { .. })));
    }
}

#[test]
fn the_prompts_own_log_probabilities_are_told_where_it_is_echoed() {
    let model = fake(&[]);
    let long = letters(6, 150);
    let echoed = |serving| {
        let request = ScoreRequest { prompt: text(&long), echo: true, serving, ..ScoreRequest::default() };
        block_on(model.score(request).unwrap().collect()).unwrap()
    };
    let one = echoed(Serving::default());
    assert_eq!(one.prompt.len(), 149);
    assert_eq!(one.prompt, echoed(deterministic()).prompt);
    assert!(one.prompt.iter().zip(long.bytes().skip(1)).all(|(reading, byte)| reading.token == u32::from(byte)));
}

#[test]
fn what_cannot_be_scored_is_refused() {
    let model = fake(&[]);
    let refused = |continuation: &str| scores(&model, "p", &[continuation], Serving::default()).unwrap_err();
    assert!(refused("").to_string().contains("continuation 0 is empty"));
    assert!(refused(&letters(1, 65)).to_string().contains("at most 64"));
    assert!(matches!(refused(&letters(1, 1024)), Error::ContextOverflow { .. }));
    let late = Serving { deadline: Some(Instant::now()), ..Serving::default() };
    assert_eq!(scores(&model, "p", &["a"], late).unwrap_err(), Error::DeadlineExceeded);
}

#[test]
fn answers_of_one_prompt_are_written_together_as_alone() {
    let model = fake(&[]);
    let long = letters(11, 300);
    let request = |at: usize| {
        let sampling = Sampling { temperature: 1.2, seed: Some(at as u64), ..Sampling::default() };
        GenerateRequest { sampling, max_tokens: Some(30), ..prompt(&format!("{long} {at}")) }
    };
    let alone: Vec<String> = (0..8)
        .map(|at| {
            let alone = GenerateRequest { serving: deterministic(), ..request(at) };
            answer(&fake(&[]), alone).unwrap().text
        })
        .collect();
    for _ in 0..3 {
        let together: Vec<Generation> = (0..8).map(|at| model.generate(request(at)).unwrap()).collect();
        let together: Vec<String> = together.into_iter().map(|one| block_on(one.collect()).unwrap().text).collect();
        assert_eq!(alone, together);
    }
}

#[test]
fn requests_that_do_not_all_fit_the_shared_buffer_answer_as_each_alone() {
    let options = LoadOptions { context_per_sequence: 2048, ..LoadOptions::default() };
    let shared = letters(1, 700);
    let request = |at: u64| {
        // Together they need more than twice the cells that the fake shares.
        let text = format!("{shared}{}", letters(100 + at, 300 + 90 * at as usize));
        let sampling = Sampling { seed: Some(at), ..Sampling::default() };
        GenerateRequest { sampling, max_tokens: Some(200), ..prompt(&text) }
    };
    let alone = |at: u64| {
        let model = FakeLoader::default().generator(&options, &[]).unwrap();
        answer(&model, request(at)).unwrap().text
    };
    let model = FakeLoader::default().generator(&options, &[]).unwrap();
    let together: Vec<Generation> = (0..12).map(|at| model.generate(request(at)).unwrap()).collect();
    let scored = scores(&model, &shared, &[" one", " other"], Serving::default()).unwrap();
    for (at, stream) in (0..).zip(together) {
        assert_eq!(block_on(stream.collect()).unwrap().text, alone(at), "request {at}");
    }
    let apart = scores(&fake(&[]), &shared, &[" one", " other"], Serving::default()).unwrap();
    assert_eq!(scored.continuations, apart.continuations);
    assert_eq!(model.status().active, 0);
}

#[test]
fn tenants_take_turns_and_priorities_go_first() {
    let (model, open, _) = gated_with(1, 64, None, None, true);
    let busy = model.generate(short("busy")).unwrap();
    let mut waiting = Vec::new();
    let mut ask = |name: &str, serving: Serving| {
        let asked = Instant::now();
        waiting.push((name.to_owned(), asked, model.generate(GenerateRequest { serving, ..short(name) }).unwrap()));
    };
    for at in 0..4 {
        ask(&format!("greedy{at}"), of(1));
    }
    ask("modest", of(2));
    ask("urgent", Serving { priority: Priority::High, ..of(1) });
    ask("later", Serving { priority: Priority::Low, ..of(3) });
    drop(open);
    block_on(busy.collect()).unwrap();
    let taken = |(name, asked, stream): (String, Instant, Generation)| {
        (asked + block_on(stream.collect()).unwrap().finish.timing.queued, name)
    };
    let mut order: Vec<(Instant, String)> = waiting.into_iter().map(taken).collect();
    order.sort();
    let order: Vec<String> = order.into_iter().map(|(_, name)| name).collect();
    let place = |name: &str, order: &[String]| order.iter().position(|other| other == name).unwrap();
    assert!(place("modest", &order) <= 3, "{order:?}");
    assert!(place("urgent", &order) <= 1, "{order:?}");
    assert!(place("later", &order) >= 5, "{order:?}");
}

#[test]
fn a_batch_that_finds_no_room_ends_its_requests_and_the_next_ones_are_served() {
    let (model, _open, _) = gated_with(8, 8, Some(2), None, false);
    let failed = scores(&model, &letters(1, 300), &["ab"], Serving::default()).unwrap_err();
    assert_eq!(failed, Error::Engine { reason: "as the test asked".to_owned() });
    assert!(scores(&model, &letters(1, 300), &["ab"], Serving::default()).is_ok());
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
    assert_eq!(events.first(), Some(&Event::Started { prompt_tokens: 2, cached_tokens: 0, cache_written_tokens: 0 }));
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
    let late =
        GenerateRequest { serving: Serving { deadline: Some(Instant::now()), ..Serving::default() }, ..prompt("late") };
    assert_eq!(answer(&model, late).unwrap_err(), Error::DeadlineExceeded);
    assert!(answer(&model, prompt("in time")).is_ok());
}

/// A fake that waits for permission before each batch, and fails or panics at a given one.
struct Gated {
    parallel: u32,
    gate: Option<mpsc::Receiver<()>>,
    batches: Arc<AtomicUsize>,
    /// The last characters of the prompts in the order in which they were read: all but `x`, which the answers are made of.
    read: Arc<Mutex<Vec<char>>>,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
}

struct GatedBackend<'a> {
    inner: FakeBackend,
    gated: &'a Gated,
}

impl Open for Gated {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let inner =
            FakeBackend::new(&FakeOpen { parallel: self.parallel, replies: vec![(String::new(), "x".repeat(500))] });
        drive(&mut GatedBackend { inner, gated: self });
        Ok(())
    }
}

impl Backend for GatedBackend<'_> {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        if let Some(gate) = &self.gated.gate {
            // A gate that is gone lets all pass.
            let _ = gate.recv();
        }
        let wanted = batch.iter().filter(|input| input.logits);
        let ends = wanted.filter_map(|input| u8::try_from(input.token).ok()).map(char::from).filter(|end| *end != 'x');
        self.gated.read.lock().unwrap().extend(ends);
        let at = self.gated.batches.fetch_add(1, Ordering::SeqCst);
        assert_ne!(Some(at), self.gated.panic_at, "as the test asked");
        if Some(at) == self.gated.fail_at {
            return Err(Error::Engine { reason: "as the test asked".to_owned() });
        }
        self.inner.decode(batch, care)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        self.inner.truncate(sequence, from)
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        self.inner.share(from, to, tokens)
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        self.inner.save(sequence, state)
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        self.inner.restore(sequence, state)
    }
}

/// A model without a template, and how its scheduler works.
fn plain(parallel: u32, queue: usize) -> (Model, Config) {
    let info = ModelInfo {
        name: "gated".to_owned(),
        architecture: "fake".to_owned(),
        parameters: 0,
        context_length: 1024,
        vocabulary: 258,
        memory_bytes: 0,
        has_chat_template: false,
        tool_format: ToolFormat::default(),
        parallel,
        states: String::new(),
    };
    let model = Model { info, vocabulary: Arc::new(FakeVocabulary), template: None };
    let config = Config {
        queue,
        chunk: 64,
        grain: 32,
        batching: Batching::Continuous,
        cache_bytes: 1 << 20,
        random: Arc::new(SeededRandom::new(1)),
    };
    (model, config)
}

fn gated(
    queue: usize,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
    closed: bool,
) -> (Scheduler, mpsc::Sender<()>, Arc<AtomicUsize>) {
    gated_with(2, queue, fail_at, panic_at, closed)
}

fn gated_with(
    parallel: u32,
    queue: usize,
    fail_at: Option<usize>,
    panic_at: Option<usize>,
    closed: bool,
) -> (Scheduler, mpsc::Sender<()>, Arc<AtomicUsize>) {
    let (open, gate) = mpsc::channel();
    let batches = Arc::new(AtomicUsize::new(0));
    let (model, config) = plain(parallel, queue);
    let gate = closed.then_some(gate);
    let gated = Gated { parallel, gate, batches: batches.clone(), read: Arc::default(), fail_at, panic_at };
    (Scheduler::start(model, config, gated).unwrap(), open, batches)
}

/// Notes the most tokens that shared sequences held which were not in the batch of a step there.
struct Crowd {
    inner: FakeBackend,
    all_cells: bool,
    held: std::collections::BTreeMap<u32, usize>,
    most: Arc<AtomicUsize>,
}

struct OpenCrowd(bool, Arc<AtomicUsize>);

impl Open for OpenCrowd {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        let inner = FakeBackend::new(&FakeOpen { parallel: 2, replies: Vec::new() });
        let held = std::collections::BTreeMap::new();
        drive(&mut Crowd { inner, all_cells: self.0, held, most: self.1.clone() });
        Ok(())
    }
}

impl Backend for Crowd {
    fn layout(&self) -> Layout {
        Layout { all_cells: self.all_cells, ..self.inner.layout() }
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        let layout = self.inner.layout();
        let shared = layout.separate..layout.separate + layout.shared;
        for input in batch {
            *self.held.entry(input.sequence).or_default() += 1;
        }
        if shared.contains(&batch[0].sequence) {
            let stands = |sequence: &u32| batch.iter().any(|input| input.sequence == *sequence);
            let others = self.held.iter().filter(|(sequence, _)| shared.contains(sequence) && !stands(sequence));
            self.most.fetch_max(others.map(|(_, held)| *held).sum(), Ordering::SeqCst);
        }
        self.inner.decode(batch, care)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        let held = self.held.entry(sequence).or_default();
        *held = (*held).min(from as usize);
        self.inner.truncate(sequence, from)
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        self.held.insert(to, tokens as usize);
        self.inner.share(from, to, tokens)
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        self.inner.save(sequence, state)
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        // It is cut to what is used of it at once.
        self.held.insert(sequence, usize::MAX);
        self.inner.restore(sequence, state)
    }
}

#[test]
fn a_buffer_whose_every_cell_costs_time_holds_one_prefix_and_brings_the_others_back() {
    for (all_cells, crowd) in [(true, 0), (false, 299)] {
        let most = Arc::new(AtomicUsize::new(0));
        let (model, config) = plain(2, 8);
        let model = Scheduler::start(model, config, OpenCrowd(all_cells, most.clone())).unwrap();
        let (first, second) = (letters(7, 300), letters(8, 300));
        let alone = scores(&model, &first, &["rain"], Serving::default()).unwrap();
        scores(&model, &second, &["rain"], Serving::default()).unwrap();
        assert!(if crowd == 0 { most.load(Ordering::SeqCst) == 0 } else { most.load(Ordering::SeqCst) >= crowd });
        let again = scores(&model, &first, &["rain"], Serving::default()).unwrap();
        assert_eq!(again.usage.cached_tokens as usize, first.len() - 1, "{all_cells}");
        assert_eq!(again.logprobs(), alone.logprobs());
    }
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
    let config = Config {
        queue: 1,
        chunk: 64,
        grain: 32,
        batching: Batching::Continuous,
        cache_bytes: 0,
        random: Arc::new(SeededRandom::new(1)),
    };
    let failed = Scheduler::start(model, config, Broken).unwrap_err();
    assert_eq!(failed, Error::Engine { reason: "no memory".to_owned() });
}

/// Opens a backend that panics, then none as often as it is told to, then one that answers.
struct Failing {
    /// Each opening that fails waits for one of these.
    gate: mpsc::Receiver<()>,
    reached: mpsc::Sender<()>,
    opened: usize,
    fails: usize,
}

impl Open for Failing {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        self.opened += 1;
        if (2..2 + self.fails).contains(&self.opened) {
            let _ = self.reached.send(());
            let _ = self.gate.recv();
            return Err(Error::NoMemory { what: "caches".to_owned(), bytes: 1 });
        }
        let panic_at = (self.opened == 1).then_some(1);
        let (batches, read) = (Arc::default(), Arc::default());
        Gated { parallel: 2, gate: None, batches, read, fail_at: None, panic_at }.open(drive)
    }
}

#[test]
fn an_engine_that_cannot_be_opened_again_refuses_until_it_can() {
    let ((open, gate), (reached, at)) = (mpsc::channel(), mpsc::channel());
    let (model, config) = plain(2, 8);
    let failing = Failing { gate, reached, opened: 0, fails: 3 };
    let model = Scheduler::start_resting(model, config, failing, Duration::ZERO).unwrap();
    assert!(answer(&model, prompt("a")).unwrap_err().to_string().contains("panicked"));
    at.recv().unwrap();
    open.send(()).unwrap();
    // It is being opened for the second time: what came until now has failed.
    at.recv().unwrap();
    let refused = answer(&model, prompt("b")).unwrap_err();
    assert_eq!(refused, Error::NoMemory { what: "caches".to_owned(), bytes: 1 });
    assert!(model.used_again().is_empty(), "nobody waits for what is not there");
    open.send(()).unwrap();
    open.send(()).unwrap();
    let answered = loop {
        match answer(&model, prompt("c")) {
            Err(Error::NoMemory { .. }) => std::thread::yield_now(),
            other => break other,
        }
    };
    assert_eq!(answered.unwrap().text.len(), 500);
}

#[test]
fn an_engine_that_cannot_be_opened_again_is_unloaded_at_once() {
    let ((open, gate), (reached, at)) = (mpsc::channel(), mpsc::channel());
    let (model, config) = plain(2, 8);
    let failing = Failing { gate, reached, opened: 0, fails: usize::MAX - 2 };
    let model = Scheduler::start_resting(model, config, failing, Duration::from_secs(3600)).unwrap();
    assert!(answer(&model, prompt("a")).is_err());
    at.recv().unwrap();
    open.send(()).unwrap();
    // It waits for an hour, but for this.
    drop(model);
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

#[test]
fn static_batches_hold_requests_of_one_shape_and_answer_as_each_alone() {
    let batching = Batching::Static { size: 4, wait: Duration::from_millis(5), max_tokens: 12 };
    let static_options = LoadOptions { batching, ..options() };
    let model = FakeLoader::default().generator(&static_options, &[]).unwrap();
    let alone = fake(&[]);
    let ask = |at: usize| GenerateRequest { max_tokens: Some(9), ..prompt(&letters(at as u64, 20 + at % 3)) };
    let streams: Vec<Generation> = (0..12).map(|at| model.generate(ask(at)).unwrap()).collect();
    for (at, stream) in streams.into_iter().enumerate() {
        assert_eq!(block_on(stream.collect()).unwrap().text, answer(&alone, ask(at)).unwrap().text);
    }
    let status = model.status();
    assert!(status.batch_sequences >= status.batches * 2, "{status:?}");
    let long = answer(&model, prompt("unbounded")).unwrap();
    assert!(long.finish.usage.completion_tokens <= 12);
    drop(model.generate(prompt("left")).unwrap());
    assert!(answer(&model, prompt("served")).is_ok());
}

#[test]
fn what_a_static_batch_left_behind_waits_behind_urgent_requests_and_takes_turns_with_other_tenants() {
    let (open, gate) = mpsc::channel();
    let (model, mut config) = plain(2, 64);
    config.batching = Batching::Static { size: 2, wait: Duration::from_secs(3600), max_tokens: 2 };
    let read = Arc::<Mutex<Vec<char>>>::default();
    let (batches, gate) = (Arc::default(), Some(gate));
    let gated = Gated { parallel: 2, gate, batches, read: read.clone(), fail_at: None, panic_at: None };
    let model = Scheduler::start(model, config, gated).unwrap();
    let mut waiting = Vec::new();
    let mut ask = |name: &str, serving: Serving| {
        waiting.push(model.generate(GenerateRequest { serving, ..short(name) }).unwrap());
    };
    for at in 0..6 {
        ask(&format!("greedy{at}"), of(1));
    }
    while model.status().active < 2 {
        std::thread::yield_now();
    }
    ask("modest", of(2));
    for at in 8..10 {
        ask(&format!("urgent{at}"), Serving { priority: Priority::High, ..of(1) });
    }
    ask("later", Serving { priority: Priority::Low, ..of(3) });
    drop(open);
    for stream in waiting {
        block_on(stream.collect()).unwrap();
    }
    let mut batches: Vec<Vec<char>> = read.lock().unwrap().chunks(2).map(<[char]>::to_vec).collect();
    batches.iter_mut().for_each(|batch| batch.sort_unstable());
    let expected = [['0', '1'], ['8', '9'], ['2', 't'], ['3', '4'], ['5', 'r']];
    assert_eq!(batches, expected);
}

/// A fake that has no memory for the shared buffer, or cannot restore what it saved.
struct Poor {
    inner: FakeBackend,
    shares: bool,
    restores: bool,
}

impl Backend for Poor {
    fn layout(&self) -> Layout {
        self.inner.layout()
    }

    fn decode(&mut self, batch: &[Input], care: Care) -> Result<()> {
        self.inner.decode(batch, care)
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        self.inner.logits(index)
    }

    fn truncate(&mut self, sequence: u32, from: u32) -> Result<bool> {
        match self.shares || sequence < self.layout().separate {
            true => self.inner.truncate(sequence, from),
            false => Err(Error::Engine { reason: "no memory".to_owned() }),
        }
    }

    fn share(&mut self, from: u32, to: u32, tokens: u32) -> Result<()> {
        self.inner.share(from, to, tokens)
    }

    fn save(&mut self, sequence: u32, state: &mut Vec<u8>) -> Result<()> {
        self.inner.save(sequence, state)
    }

    fn restore(&mut self, sequence: u32, state: &[u8]) -> Result<()> {
        match self.restores {
            true => self.inner.restore(sequence, state),
            false => Err(Error::Engine { reason: "incompatible".to_owned() }),
        }
    }
}

fn poor(parallel: u32, shares: bool, restores: bool) -> Scheduler {
    struct Open(u32, bool, bool);
    impl crate::backend::Open for Open {
        fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
            let inner = FakeBackend::new(&FakeOpen { parallel: self.0, replies: Vec::new() });
            drive(&mut Poor { inner, shares: self.1, restores: self.2 });
            Ok(())
        }
    }
    let info = ModelInfo { parallel, ..fake(&[]).info().clone() };
    let model = Model { info, vocabulary: Arc::new(FakeVocabulary), template: None };
    let random = Arc::new(SeededRandom::new(1));
    let config =
        Config { queue: 8, chunk: 64, grain: 32, batching: Batching::Continuous, cache_bytes: 1 << 20, random };
    Scheduler::start(model, config, Open(parallel, shares, restores)).unwrap()
}

#[test]
fn without_memory_for_the_shared_buffer_scores_are_the_same() {
    let (model, rich) = (poor(2, false, true), fake(&[]));
    for _ in 0..2 {
        let own = scores(&model, "which?", &["this", "that one"], Serving::default()).unwrap();
        let theirs = scores(&rich, "which?", &["this", "that one"], Serving::default()).unwrap();
        assert_eq!(own.continuations, theirs.continuations);
    }
}

#[test]
fn what_cannot_be_restored_is_read_again() {
    let model = poor(1, true, false);
    let (one, other) = (letters(1, 300), letters(2, 300));
    let first = answer(&model, prompt(&one)).unwrap();
    answer(&model, prompt(&other)).unwrap();
    let again = answer(&model, prompt(&one)).unwrap();
    assert_eq!((again.text, again.finish.usage.cached_tokens), (first.text, 0));
}
