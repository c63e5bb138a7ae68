use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::engine::{Generator, LoadOptions};
use crate::fake::FakeLoader;
use crate::{GenerateRequest, Prompt, Sampling, StopReason};

fn detector(repeats: u32, max_period: u32, min_tokens: u32) -> LoopDetector {
    LoopDetector { repeats, max_period, min_tokens }
}

/// After how many tokens the answer is a loop.
fn found(detector: LoopDetector, answer: impl IntoIterator<Item = Token>) -> Option<usize> {
    let mut state = LoopState::new(detector);
    answer.into_iter().position(|token| state.push(token)).map(|at| at + 1)
}

/// The definition: the end is `repeats` or more copies of a block, `min_tokens` or more in all.
fn is_loop(detector: LoopDetector, answer: &[Token]) -> bool {
    (1..=detector.max_period as usize).any(|period| {
        let needed = (detector.repeats as usize * period).max(detector.min_tokens as usize);
        needed <= answer.len() && {
            let end = &answer[answer.len() - needed..];
            end.iter().zip(&end[period..]).all(|(one, other)| one == other)
        }
    })
}

#[test]
fn a_repeated_block_ends_the_answer_with_its_last_copy() {
    let block = [5, 6, 7];
    let answer = || [1, 2, 3, 4].into_iter().chain(std::iter::repeat_n(block, 100).flatten());
    assert_eq!(found(detector(4, 8, 1), answer()), Some(4 + 12));
    assert_eq!(found(detector(4, 8, 20), answer()), Some(4 + 20), "the copies are too short");
    assert_eq!(found(detector(4, 2, 1), answer()), None, "the block is too long");
    assert_eq!(found(LoopDetector::default(), answer()), Some(4 + 64));
}

#[test]
fn a_loop_is_found_wherever_the_answer_turns_into_one() {
    for before in 0..300 {
        let answer = (1000..1000 + before).chain((0..).map(|at| at % 50)).take(2000);
        assert_eq!(found(LoopDetector::default(), answer), Some(before as usize + 200), "after {before} tokens");
    }
}

#[test]
fn counting_and_varied_text_are_no_loops() {
    assert_eq!(found(LoopDetector::default(), 0..10_000), None);
    let rows = (0..2_000).map(|at| if at % 8 == 0 { 10_000 + at } else { at % 8 });
    assert_eq!(found(LoopDetector::default(), rows), None, "a table whose rows differ in one cell");
    assert_eq!(found(LoopDetector::default(), std::iter::repeat_n(7, 63)), None, "a ruler");
}

#[test]
fn settings_outside_their_range_are_refused() {
    for wrong in [
        detector(1, 8, 8),
        detector(1_001, 8, 8),
        detector(2, 0, 8),
        detector(2, 1_025, 8),
        detector(2, 8, 0),
        detector(2, 8, 100_001),
    ] {
        assert!(matches!(wrong.validate(), Err(Error::Request { .. })), "{wrong:?}");
    }
    assert!(LoopDetector::default().validate().is_ok());
    let refused = detector(1, 8, 8).validate().unwrap_err().to_string();
    assert!(refused.ends_with("`loop_detection.repeats` is 1: it must be 2 to 1000"), "{refused}");
}

#[test]
fn an_answer_that_loops_ends_with_its_own_reason_and_only_where_that_is_asked_for() {
    let reply = format!("Once more: {}", "again and ".repeat(40));
    let options = LoadOptions { context_per_sequence: 1024, ..LoadOptions::default() };
    let model = FakeLoader::default().generator(&options, &[("tell", &reply)]).unwrap();
    let ask = |loop_detector| {
        let prompt = Prompt::Text { text: "tell".to_owned(), parse_special: false, add_bos: false };
        let request = GenerateRequest { prompt, sampling: Sampling::greedy(), loop_detector, ..Default::default() };
        model.generate(request).and_then(|generation| block_on(generation.collect()))
    };
    let cut = ask(Some(detector(3, 16, 8))).unwrap();
    assert_eq!((cut.finish.reason, cut.text.as_str()), (StopReason::Loop, "Once more: again and again and again and"));
    assert_eq!(cut.finish.usage.completion_tokens as usize, cut.text.len());
    let whole = ask(None).unwrap();
    assert_eq!((whole.finish.reason, whole.text), (StopReason::EndOfTurn, reply));
    assert!(matches!(ask(Some(detector(0, 16, 8))), Err(Error::Request { .. })));
}

proptest! {
    #[test]
    fn what_is_found_is_what_the_definition_says(
        answer in prop::collection::vec(0_u32..3, 0..120),
        repeats in 2_u32..5,
        max_period in 1_u32..10,
        min_tokens in 1_u32..30,
    ) {
        let detector = detector(repeats, max_period, min_tokens);
        let mut state = LoopState::new(detector);
        for length in 1..=answer.len() {
            prop_assert_eq!(state.push(answer[length - 1]), is_loop(detector, &answer[..length]), "{} tokens", length);
        }
    }
}
