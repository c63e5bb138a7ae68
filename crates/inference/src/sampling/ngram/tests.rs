use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::sampling::{Sampler, Sampling};

fn rule(size: u32, scope: NgramScope) -> NoRepeatNgram {
    NoRepeatNgram { size, scope }
}

/// The definition, as Transformers' `_calc_banned_ngram_tokens` states it.
fn banned(size: usize, text: &[Token]) -> BTreeSet<Token> {
    if text.len() + 1 < size {
        return BTreeSet::new();
    }
    let end = &text[text.len() + 1 - size..];
    text.windows(size).filter(|ngram| &ngram[..size - 1] == end).map(|ngram| ngram[size - 1]).collect()
}

fn of(index: &NgramIndex) -> BTreeSet<Token> {
    let all: Vec<Token> = index.banned().collect();
    let set: BTreeSet<Token> = all.iter().copied().collect();
    assert_eq!(all.len(), set.len(), "each once");
    set
}

proptest! {
    #[test]
    fn bans_are_those_of_the_definition_after_each_token(
        prompt in prop::collection::vec(0_u32..4, 0..60),
        answer in prop::collection::vec(0_u32..4, 0..60),
        size in 1_u32..6,
    ) {
        let mut whole = NgramIndex::new(rule(size, NgramScope::PromptAndOutput), &prompt);
        let mut output = NgramIndex::new(rule(size, NgramScope::Output), &prompt);
        let mut text = prompt.clone();
        for at in 0..=answer.len() {
            prop_assert_eq!(of(&whole), banned(size as usize, &text));
            prop_assert_eq!(of(&output), banned(size as usize, &answer[..at]));
            if let Some(token) = answer.get(at) {
                whole.push(*token);
                output.push(*token);
                text.push(*token);
            }
        }
    }

    #[test]
    fn no_ngram_is_written_twice_while_another_token_is_left(
        prompt in prop::collection::vec(0_u32..6, 1..40),
        size in 2_u32..5,
        seed in 0_u64..1000,
    ) {
        let rule = rule(size, NgramScope::PromptAndOutput);
        let sampling = Sampling { no_repeat_ngram: Some(rule), seed: Some(seed), ..Sampling::default() };
        let mut sampler = Sampler::new(sampling, 0, &prompt);
        let mut text = prompt.clone();
        for _ in 0..60 {
            let before = banned(size as usize, &text);
            let token = sampler.sample(&[0.5, 0.0, 3.0, 0.1, 0.2, 0.3], None).unwrap();
            prop_assert!(!before.contains(&token) || before.len() == 6, "{:?} then {}", text, token);
            sampler.accept(token);
            text.push(token);
        }
    }
}

fn greedy(rule: NoRepeatNgram, prompt: &[Token]) -> Sampler {
    Sampler::new(Sampling { no_repeat_ngram: Some(rule), ..Sampling::greedy() }, 0, prompt)
}

#[test]
fn the_prompt_counts_or_does_not() {
    let logits = [0.0, 1.0, 9.0, 5.0];
    let prompt = [1, 2, 3, 1];
    assert_eq!(greedy(rule(2, NgramScope::PromptAndOutput), &prompt).sample(&logits, None).unwrap(), 3);
    assert_eq!(greedy(rule(2, NgramScope::Output), &prompt).sample(&logits, None).unwrap(), 2);
}

#[test]
fn a_constraint_outranks_the_ban_and_so_does_an_empty_choice() {
    let logits = [0.0, 1.0, 9.0, 5.0];
    let all = [0, 1, 2, 3];
    let mut sampler = greedy(rule(1, NgramScope::PromptAndOutput), &all[1..]);
    assert_eq!(sampler.sample(&logits, None).unwrap(), 0, "the only token that is not banned");
    assert_eq!(sampler.sample(&logits, Some(&[0b1010])).unwrap(), 3, "the constraint allows banned tokens only");
    let mut sampler = greedy(rule(1, NgramScope::PromptAndOutput), &all);
    assert_eq!(sampler.sample(&logits, None).unwrap(), 2, "all tokens are banned");
}

#[test]
fn a_bias_that_bans_outranks_the_lifted_ban() {
    let rule = rule(1, NgramScope::PromptAndOutput);
    let bias = vec![(2, -100.0), (1, 100.0)];
    let sampling = Sampling { no_repeat_ngram: Some(rule), logit_bias: bias, ..Sampling::greedy() };
    let logits = [0.0, 1.0, 9.0, 5.0];
    assert_eq!(
        Sampler::new(sampling.clone(), 0, &[1]).sample(&logits, None).unwrap(),
        3,
        "a favoured token is banned too"
    );
    assert_eq!(Sampler::new(sampling, 0, &[0, 1, 2, 3]).sample(&logits, None).unwrap(), 1);
}

#[test]
fn known_ngrams_take_no_memory() {
    let text: Vec<Token> = (0..10_000).map(|at| at % 10).collect();
    let index = NgramIndex::new(rule(3, NgramScope::PromptAndOutput), &text);
    assert_eq!((index.followers.len(), index.known.len(), index.contexts.len()), (10, 10, 10));
}

#[test]
fn contexts_that_hash_alike_are_told_apart() {
    let mut index = NgramIndex::new(rule(2, NgramScope::Output), &[]);
    [1, 2].into_iter().for_each(|token| index.push(token));
    // The context [1] is moved to where [2] belongs.
    let context = index.contexts.drain().next().unwrap().1;
    let taken = index.hasher.hash_one(&[2_u32][..]);
    index.contexts.insert(taken, context);
    [7, 2].into_iter().for_each(|token| index.push(token));
    assert_eq!(of(&index), [7].into());
    assert_eq!(index.contexts.get(&taken).map(|context| context.start), Some(0));
}

#[test]
fn sizes_outside_their_range_are_refused() {
    for size in [0, NoRepeatNgram::LARGEST + 1] {
        let wrong = Sampling { no_repeat_ngram: Some(rule(size, NgramScope::Output)), ..Sampling::default() };
        assert!(matches!(wrong.validate(), Err(Error::Request { .. })), "{size}");
    }
    rule(NoRepeatNgram::LARGEST, NgramScope::Output).validate().unwrap();
}
