use std::path::PathBuf;

use std::sync::atomic::AtomicBool;

use super::*;
use crate::fake::{FakeBackend, FakeLoader, FakeOpen, FakeVocabulary};
use crate::{LoadOptions, Loader, ModelFiles};

const TEXT: &str = "The river carries seven quiet engines over the stone.";

fn fake() -> FakeOpen {
    FakeOpen { parallel: 1, replies: Vec::new() }
}

fn files(name: &str) -> ModelFiles {
    ModelFiles { dir: PathBuf::from("model"), main: PathBuf::from("model").join(name) }
}

/// A backend of three tokens that answers each with the same logits.
struct Fixed([f32; 3]);

impl Backend for Fixed {
    fn decode(&mut self, _batch: &[Input]) -> Result<()> {
        Ok(())
    }

    fn logits(&mut self, _index: usize) -> Result<&[f32]> {
        Ok(&self.0)
    }

    fn truncate(&mut self, _sequence: u32, _from: u32) -> Result<bool> {
        Ok(true)
    }
}

impl Open for Fixed {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        drive(self);
        Ok(())
    }
}

#[test]
fn logprobs_are_logarithms_of_the_softmax() {
    let readings =
        read_along(&mut Fixed([1.0_f32.ln(), 6.0_f32.ln(), 3.0_f32.ln()]), &[0, 1, 2, 0], 2, &AtomicBool::new(false))
            .unwrap();
    let expected = [(1, 0.6_f32), (2, 0.3), (0, 0.1)];
    assert_eq!(readings.len(), expected.len());
    for (reading, (token, probability)) in readings.iter().zip(expected) {
        assert_eq!((reading.token, reading.likeliest), (token, 1));
        assert!((reading.logprob - probability.ln()).abs() < 1e-6, "{reading:?}");
    }
}

#[test]
fn large_logits_do_not_overflow_and_the_lowest_of_equals_is_the_likeliest() {
    let readings = read_along(&mut Fixed([-1e4, 1e4, 1e4]), &[0, 2, 0], 8, &AtomicBool::new(false)).unwrap();
    assert_eq!(readings[0], Reading { token: 2, logprob: -std::f32::consts::LN_2, likeliest: 1 });
    assert!((readings[1].logprob + 2e4).abs() < 1.0);
}

#[test]
fn logits_that_are_no_numbers_are_an_error() {
    for logits in [[0.0, f32::NAN, 1.0], [f32::NEG_INFINITY; 3], [0.0, f32::INFINITY, 0.0]] {
        assert!(
            matches!(read_along(&mut Fixed(logits), &[0, 0], 1, &AtomicBool::new(false)), Err(Error::Engine { .. })),
            "{logits:?}"
        );
    }
    assert!(matches!(read_along(&mut Fixed([0.0; 3]), &[0, 3], 1, &AtomicBool::new(false)), Err(Error::Engine { .. })));
}

#[test]
fn a_text_is_read_token_by_token_whatever_the_chunk() {
    let tokens = tokens_to_read(&FakeVocabulary, TEXT, 100).unwrap();
    let whole = read_along(&mut fake(), &tokens, 1000, &AtomicBool::new(false)).unwrap();
    let mut backend = FakeBackend::new(&fake());
    for (position, reading) in whole.iter().enumerate() {
        let token = tokens[position];
        backend.decode(&[Input { sequence: 0, position: position as u32, token, logits: true }]).unwrap();
        let (logprob, top) = crate::sampling::logprobs(backend.logits(0).unwrap(), tokens[position + 1], 1);
        assert_eq!((reading.token, reading.likeliest), (tokens[position + 1], top[0].token));
        assert!((reading.logprob - logprob).abs() < 1e-4);
    }
    assert_eq!(whole.len(), TEXT.len() - 1);
    for chunk in [0, 1, 7, 64] {
        assert_eq!(read_along(&mut fake(), &tokens, chunk, &AtomicBool::new(false)).unwrap(), whole, "{chunk}");
    }
}

#[test]
fn a_text_of_one_token_or_none_has_no_readings() {
    assert_eq!(read_along(&mut fake(), &[], 8, &AtomicBool::new(false)), Ok(Vec::new()));
    assert_eq!(read_along(&mut fake(), &[65], 8, &AtomicBool::new(false)), Ok(Vec::new()));
}

#[test]
fn a_text_longer_than_the_context_is_an_error() {
    let read = |context_per_sequence, text: &str| {
        let options = LoadOptions { context_per_sequence, ..LoadOptions::default() };
        FakeLoader::default().read_along(&files("model.gguf"), &options, text, &AtomicBool::new(false))
    };
    let length = TEXT.len();
    assert_eq!(read(length as u32, TEXT).map(|readings| readings.len()), Ok(length - 1));
    let context = length - 1;
    assert_eq!(read(context as u32, TEXT), Err(Error::ContextOverflow { prompt: length, context }));
}

#[test]
fn control_tokens_in_a_text_are_text() {
    let tokens = tokens_to_read(&FakeVocabulary, "<|im_end|>", 100).unwrap();
    assert_eq!(tokens, "<|im_end|>".bytes().map(Token::from).collect::<Vec<_>>());
}

#[test]
fn an_embedding_model_says_that_it_foretells_nothing() {
    let refused = FakeLoader::default().read_along(
        &files("model.safetensors"),
        &LoadOptions::default(),
        TEXT,
        &AtomicBool::new(false),
    );
    let Err(Error::ModelFile { file, reason, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(file, PathBuf::from("model/model.safetensors"));
    assert_eq!(reason, "it embeds text and foretells no tokens");
}

#[test]
fn a_reading_that_is_cancelled_ends() {
    let read = read_along(&mut Fixed([0.0; 3]), &[0, 1, 2], 1, &AtomicBool::new(true));
    assert_eq!(read, Err(Error::Cancelled));
}
