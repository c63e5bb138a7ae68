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
    fn decode(&mut self, _batch: &[Input], _care: Care) -> Result<()> {
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
        let input = Input { sequence: 0, position: position as u32, token, logits: true, also: (0, 0) };
        backend.decode(&[input], Care::Exact).unwrap();
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

/// A backend of five tokens whose logits depend on all that the sequence holds, and that counts what it reads.
#[derive(Default)]
struct Remembering {
    held: Vec<Token>,
    rows: Vec<[f32; 5]>,
    reads: usize,
}

impl Backend for Remembering {
    fn decode(&mut self, batch: &[Input], _care: Care) -> Result<()> {
        self.rows.clear();
        for input in batch {
            assert_eq!(input.position as usize, self.held.len());
            self.held.push(input.token);
            self.reads += 1;
            let state = self.held.iter().fold(7_u32, |state, token| state.wrapping_mul(31).wrapping_add(*token + 1));
            self.rows.push([0, 1, 2, 3, 4].map(|at: u32| (state.wrapping_mul(at + 3) % 97) as f32 / 10.0));
        }
        Ok(())
    }

    fn logits(&mut self, index: usize) -> Result<&[f32]> {
        Ok(&self.rows[index])
    }

    fn truncate(&mut self, _sequence: u32, from: u32) -> Result<bool> {
        self.held.truncate(from as usize);
        Ok(true)
    }
}

impl Open for Remembering {
    fn open(&mut self, drive: &mut dyn FnMut(&mut dyn Backend)) -> Result<()> {
        self.held.clear();
        drive(self);
        Ok(())
    }
}

fn read_together(backend: &mut Remembering, passages: &[PassageTokens]) -> Vec<Vec<Vec<Reading>>> {
    let done = AtomicUsize::new(0);
    let read = read_all(backend, passages, 4, &AtomicBool::new(false), &done).unwrap();
    assert_eq!(done.into_inner(), passages.len());
    read
}

#[test]
fn passages_are_read_together_as_each_ending_is_alone() {
    let passage = |prompt: &[Token], endings: &[&[Token]]| PassageTokens {
        prompt: prompt.to_vec(),
        endings: endings.iter().map(|ending| ending.to_vec()).collect(),
    };
    let passages = [
        passage(&[1, 2, 3, 4, 1, 2], &[&[3], &[4, 4, 1], &[4, 4, 2, 0], &[]]),
        passage(&[1, 2, 3, 4, 1, 3, 3], &[&[0], &[1]]),
        passage(&[1, 2, 3], &[&[4, 1]]),
        passage(&[], &[&[2, 1, 0]]),
    ];
    let mut backend = Remembering::default();
    let together = read_together(&mut backend, &passages);
    for (passage, together) in passages.iter().zip(&together) {
        for (ending, together) in passage.endings.iter().zip(together) {
            let alone = PassageTokens { prompt: passage.prompt.clone(), endings: vec![ending.clone()] };
            let alone = read_together(&mut Remembering::default(), &[alone]);
            assert_eq!(alone, [[together.clone()]]);
            let first = usize::from(passage.prompt.is_empty()).min(ending.len());
            assert_eq!(together.iter().map(|reading| reading.token).collect::<Vec<_>>(), ending[first..]);
        }
    }
    let apart: usize = passages.iter().map(|passage| passage.prompt.len() * passage.endings.len()).sum();
    assert!(backend.reads < apart, "the prompt of an ending is read once: {} of {apart}", backend.reads);
    // The prompt, two and three of its long endings; what the next prompt has of its own; the end of the third and one of
    // its ending; the text.
    assert_eq!(backend.reads, 6 + 2 + 3 + 2 + 1 + 1 + 2);
}

#[test]
fn passages_end_where_they_are_cancelled() {
    let passage = PassageTokens { prompt: vec![0, 1], endings: vec![vec![2]] };
    let done = AtomicUsize::new(0);
    let read = read_all(&mut Remembering::default(), &[passage], 4, &AtomicBool::new(true), &done);
    assert_eq!((read, done.into_inner()), (Err(Error::Cancelled), 0));
}
