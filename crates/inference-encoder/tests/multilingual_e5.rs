//! multilingual-e5-small in 4-bit blocks against tokens and vectors of independent implementations
//! (`fixtures/make_e5_reference.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should fail")]

use std::path::PathBuf;
use std::sync::Arc;

use inference::{Embedder, LoadOptions, Loaded, Loader, ModelFiles, Truncate};
use inference_encoder::EncoderLoader;

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
    every12th: Vec<f32>,
    loader: Vec<i32>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/e5_reference.json")).unwrap()
}

fn files() -> ModelFiles {
    let models = std::env::var_os("CRATON_TEST_MODELS").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
        cache.unwrap_or_else(home).join("craton/test-models")
    });
    let dir = models.join("multilingual-e5-small");
    assert!(dir.exists(), "`{}` is missing: run scripts/fetch-test-models.sh", dir.display());
    ModelFiles { main: dir.join("model.safetensors"), dir }
}

fn load() -> Arc<dyn Embedder> {
    let options = LoadOptions { prefill_threads: 2, ..LoadOptions::default() };
    match EncoderLoader.load(&files(), &options).unwrap() {
        Loaded::Embedder(embedder) => embedder,
        Loaded::Generator(_) => panic!("an encoder was loaded as a generator"),
    }
}

#[test]
fn tokens_and_vectors_are_those_of_the_references() {
    let embedder = load();
    let cases = cases();
    assert!(cases.len() >= 15);
    let texts: Vec<String> = cases.iter().map(|case| case.text.clone()).collect();
    let embeddings = embedder.embed(&texts, Truncate::None).unwrap();
    let tokenizer = tokenizers::Tokenizer::from_file(files().dir.join("tokenizer.json")).unwrap();
    for (index, case) in cases.iter().enumerate() {
        assert_eq!(tokenizer.encode(case.text.as_str(), true).unwrap().get_ids(), case.ids, "{:?}", case.text);
        assert_eq!(embeddings.token_counts[index] as usize, case.ids.len());
        let vector = &embeddings.vectors[index];
        for (got, expected) in vector.iter().step_by(12).zip(&case.every12th) {
            assert!((got - expected).abs() < 5e-6, "{:?}: {got} is not {expected}", case.text);
        }
        // The package rounds what goes between its layers to 8 bits: where there is no word, rounding is what is left.
        if matches!(case.text.as_str(), "query: " | "passage: ") {
            continue;
        }
        let dot: f64 = vector.iter().zip(&case.loader).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        let length = case.loader.iter().map(|y| f64::from(*y).powi(2)).sum::<f64>().sqrt();
        assert!(dot / length >= 0.999, "{:?}: cosine {} to the package's engine", case.text, dot / length);
    }
}

#[test]
fn passages_are_found_by_queries_in_another_language() {
    let queries = ["query: How do I return a rented car?", "query: Wie hoch ist der Mount Everest?"];
    let passages = [
        "passage: Höchster Berg der Erde ist der Mount Everest mit 8849 Metern.",
        "passage: Das gemietete Auto geben Sie mit vollem Tank an der Station zurück, an der Sie es abgeholt haben.",
        "passage: Le musée est ouvert tous les jours sauf le mardi.",
    ];
    let texts: Vec<String> = queries.into_iter().chain(passages).map(str::to_owned).collect();
    let vectors = load().embed(&texts, Truncate::None).unwrap().vectors;
    let best = |query: usize| {
        let cosine = |passage: &usize| {
            let pairs = vectors[query].iter().zip(&vectors[2 + passage]);
            pairs.map(|(x, y)| f64::from(x * y)).sum::<f64>()
        };
        (0..passages.len()).max_by(|a, b| cosine(a).total_cmp(&cosine(b))).unwrap()
    };
    assert_eq!((best(0), best(1)), (1, 0));
}

#[test]
fn the_table_of_words_stays_in_blocks_in_memory() {
    let facts = EncoderLoader.inspect(&files()).unwrap();
    assert_eq!((facts.dimensions, facts.context_length, facts.vocabulary), (384, 512, 250_037));
    assert_eq!((facts.parameters, facts.weights_format.as_str()), (117_505_920, "Q4_0"));
    let words: u64 = 250_037 * 384;
    assert_eq!(facts.weights_bytes, words / 32 * 18 + 4 * (facts.parameters - words));
}
