use super::*;
use crate::Error;
use crate::engine::{Embedder, Truncate};

#[test]
fn equal_texts_have_equal_vectors_and_related_ones_are_nearer() {
    let texts = ["the quick fox", "the quick dog", "an unrelated thing"].map(str::to_owned);
    let vectors = FakeEmbedder::new(64).embed(&texts, Truncate::None).unwrap().vectors;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    assert!((dot(&vectors[0], &vectors[0]) - 1.0).abs() < 1e-5);
    assert!(dot(&vectors[0], &vectors[1]) > dot(&vectors[0], &vectors[2]));
}

#[test]
fn a_text_that_is_too_long_is_refused_or_cut() {
    let texts = [format!("first {}", "word ".repeat(600))];
    let embedder = FakeEmbedder::new(8);
    assert_eq!(embedder.embed(&texts, Truncate::None), Err(Error::InputTooLong { index: 0, tokens: 601, limit: 512 }));
    assert_eq!(embedder.embed(&texts, Truncate::End).unwrap().token_counts, [512]);
    assert_ne!(embedder.embed(&texts, Truncate::End), embedder.embed(&texts, Truncate::Start));
    assert_eq!(embedder.count(&texts[0]), Ok(601));
}

#[test]
fn text_becomes_bytes_and_control_tokens() {
    assert_eq!(FakeVocabulary.tokenize("a<|im_end|>é", true).unwrap(), [97, END, 0xc3, 0xa9]);
    assert_eq!(FakeVocabulary.tokenize("<|im_end|>", false).unwrap().len(), 10);
}

#[test]
fn replies_are_short_sentences() {
    for seed in 0..50 {
        let text = sentence(seed);
        assert!(text.ends_with('.') && text.len() < 200 && text.starts_with(char::is_uppercase), "{text}");
    }
}
