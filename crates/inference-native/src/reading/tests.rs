use std::path::PathBuf;

use futures::executor::block_on;
use inference::{Error, GenerateRequest, Loaded, Loader, Prompt, Sampling, Token};

use super::*;

const TEXT: &str = "Paris is the capital and the largest city of France. It lies on the river Seine, in the north of the \
    country, and many people visit the city every year to see its museums, its churches and the Eiffel Tower.";

fn files() -> ModelFiles {
    let default = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
        cache.unwrap_or_default().join("craton/test-models")
    };
    let models = std::env::var_os("CRATON_TEST_MODELS").map_or_else(default, PathBuf::from);
    let main = models.join("SmolLM2-135M-Instruct.Q4_1.gguf");
    assert!(main.exists(), "`{}` is missing: run scripts/fetch-test-models.sh", main.display());
    ModelFiles { dir: models, main }
}

fn readings(text: &str, chunk: u32) -> Vec<Reading> {
    let told = (&AtomicBool::new(false), &AtomicUsize::new(0));
    let passages = [Passage::text(text)];
    let read = read_all(&NativeLoader::default(), &files(), &LoadOptions::default(), (&passages, chunk), told);
    read.unwrap().into_iter().flatten().next().unwrap()
}

fn perplexity(readings: &[Reading]) -> f64 {
    let sum: f64 = readings.iter().map(|reading| f64::from(reading.logprob)).sum();
    (-sum / readings.len() as f64).exp()
}

/// The same but for the rounding of activations to eight bits, which the last bit of a number may turn over.
fn assert_alike(one: &[Reading], other: &[Reading]) {
    assert_eq!(one.len(), other.len());
    let (mut apart, mut agreed) = (0.0, 0.0);
    for (one, other) in one.iter().zip(other) {
        assert_eq!(one.token, other.token);
        let difference = (one.logprob - other.logprob).abs();
        assert!(difference < 0.5, "{one:?} {other:?}");
        apart += f64::from(difference);
        agreed += f64::from(u8::from(one.likeliest == other.likeliest));
    }
    let count = one.len() as f64;
    assert!(apart < 0.1 * count && agreed > 0.85 * count, "{apart} {agreed} of {count}");
    assert!((perplexity(one).ln() - perplexity(other).ln()).abs() < 0.02);
}

#[test]
fn a_token_is_foretold_as_when_the_text_before_it_is_continued() {
    let readings = readings(TEXT, CHUNK);
    let options = LoadOptions { parallel: 1, context_per_sequence: 256, ..LoadOptions::default() };
    let Loaded::Generator(model) = NativeLoader::default().load(&files(), &options).unwrap() else { panic!() };
    let tokens = model.tokenize(TEXT, false).unwrap();
    assert_eq!(readings.iter().map(|reading| reading.token).collect::<Vec<_>>(), tokens[1..]);
    let continued = |at: usize| -> Reading {
        // The bias makes the text's token the chosen one; log-probabilities are the model's own.
        let sampling = Sampling { logit_bias: vec![(tokens[at], 1e4)], ..Sampling::greedy() };
        let prompt = Prompt::Tokens(tokens[..at].to_vec());
        let request =
            GenerateRequest { prompt, sampling, logprobs: Some(1), max_tokens: Some(1), ..GenerateRequest::default() };
        let answer = block_on(model.generate(request).unwrap().collect()).unwrap();
        let written = &answer.tokens[0];
        Reading { token: written.token, logprob: written.logprob, likeliest: written.top[0].token }
    };
    let expected: Vec<Reading> = (1..tokens.len()).map(continued).collect();
    assert_alike(&readings, &expected);
}

#[test]
fn a_sensible_text_is_foretold_better_than_its_words_in_another_order() {
    let mut words: Vec<&str> = TEXT.split(' ').collect();
    words.sort_by_key(|word| word.bytes().rev().collect::<Vec<_>>());
    let (sensible, shuffled) = (perplexity(&readings(TEXT, CHUNK)), perplexity(&readings(&words.join(" "), CHUNK)));
    assert!(sensible < 20.0 && shuffled > 10.0 * sensible, "{sensible} {shuffled}");
}

#[test]
fn the_length_of_a_step_does_not_matter() {
    let text = [TEXT; 3].join(" ");
    let whole = readings(&text, 512);
    for chunk in [1, 17, CHUNK] {
        assert_alike(&readings(&text, chunk), &whole);
    }
}

#[test]
fn a_text_longer_than_the_context_is_refused() {
    let options = LoadOptions { context_per_sequence: 16, ..LoadOptions::default() };
    let refused = NativeLoader::default().read_along(&files(), &options, TEXT, &AtomicBool::new(false));
    assert!(matches!(refused, Err(Error::ContextOverflow { prompt: 17.., context: 16 })), "{refused:?}");
    let few: Vec<Token> = readings("Paris", CHUNK).iter().map(|reading| reading.token).collect();
    assert_eq!(few, [0; 0]);
}

#[test]
fn passages_are_read_together_as_each_is_alone() {
    let passage = |prompt: &str, endings: &[&str]| Passage {
        prompt: prompt.to_owned(),
        endings: endings.iter().map(|ending| (*ending).to_owned()).collect(),
    };
    let passages = [
        passage("The capital of France is", &[" Paris", " London", " the city of light"]),
        passage("The capital of Spain is", &[" Paris", " Madrid"]),
        passage(TEXT, &[" Indeed.", ""]),
        Passage::text(TEXT),
    ];
    let (cancelled, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let read = |passages: &[Passage]| {
        NativeLoader::default().read_all(&files(), &LoadOptions::default(), passages, &cancelled, &done).unwrap()
    };
    let together = read(&passages);
    assert_eq!(done.swap(0, std::sync::atomic::Ordering::Relaxed), 4);
    for (passage, together) in passages.iter().zip(&together) {
        let alone = &read(std::slice::from_ref(passage))[0];
        assert_eq!((together.len(), alone.len()), (passage.endings.len(), passage.endings.len()));
        for (together, alone) in together.iter().zip(alone).filter(|(_, alone)| !alone.is_empty()) {
            assert_alike(together, alone);
        }
    }
    let likelihood = |at: usize, ending: usize| -> f32 { together[at][ending].iter().map(|read| read.logprob).sum() };
    assert!(likelihood(0, 0) > likelihood(0, 1) && likelihood(1, 1) > likelihood(1, 0));
    assert_eq!(together[2][1], []);
}
