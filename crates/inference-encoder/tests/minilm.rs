//! all-MiniLM-L6-v2 against vectors and tokens of independent implementations (`fixtures/make_reference.py`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should fail")]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use inference::{Embedder, Error, LoadOptions, Loaded, Loader, ModelFiles, ModelKind, Truncate};
use inference_encoder::EncoderLoader;

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    ids: Vec<u32>,
    every12th: Vec<f32>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("fixtures/reference.json")).unwrap()
}

fn texts() -> Vec<String> {
    cases().into_iter().map(|case| case.text).filter(|text| text.len() < 2000).collect()
}

fn folder() -> PathBuf {
    let models = std::env::var_os("CRATON_TEST_MODELS").map(PathBuf::from).unwrap_or_else(|| {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
        cache.unwrap_or_else(home).join("craton/test-models")
    });
    let folder = models.join("all-MiniLM-L6-v2");
    assert!(folder.exists(), "`{}` is missing: run scripts/fetch-test-models.sh", folder.display());
    folder
}

fn files(dir: &Path) -> ModelFiles {
    ModelFiles { main: dir.join("model.safetensors"), dir: dir.to_owned() }
}

fn load(dir: &Path, threads: u32) -> Arc<dyn Embedder> {
    let options = LoadOptions { prefill_threads: threads, ..LoadOptions::default() };
    match EncoderLoader.load(&files(dir), &options).unwrap() {
        Loaded::Embedder(embedder) => embedder,
        Loaded::Generator(_) => panic!("an encoder was loaded as a generator"),
    }
}

fn embedder() -> Arc<dyn Embedder> {
    static EMBEDDER: OnceLock<Arc<dyn Embedder>> = OnceLock::new();
    Arc::clone(EMBEDDER.get_or_init(|| load(&folder(), 2)))
}

#[test]
fn vectors_and_token_counts_are_those_of_the_reference() {
    let embedder = embedder();
    let mut compared = 0;
    for case in cases() {
        let count = case.ids.len();
        assert_eq!(embedder.count(&case.text).unwrap() as usize, count, "{:?}", case.text);
        if count > embedder.info().max_tokens as usize {
            continue;
        }
        let embeddings = embedder.embed(std::slice::from_ref(&case.text), Truncate::None).unwrap();
        assert_eq!(embeddings.token_counts, [count as u32]);
        let vector = &embeddings.vectors[0];
        let length: f64 = vector.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        assert!((length - 1.0).abs() < 1e-6, "{:?} has the length {length}", case.text);
        for (got, expected) in vector.iter().step_by(12).zip(&case.every12th) {
            assert!((got - expected).abs() < 2e-6, "{:?}: {got} is not {expected}", case.text);
        }
        compared += 1;
    }
    assert!(compared >= 20, "only {compared} texts were compared");
}

#[test]
fn a_vector_has_the_same_bits_alone_and_among_others_on_any_number_of_threads() {
    let texts = texts();
    let together = embedder().embed(&texts, Truncate::End).unwrap();
    let three = load(&folder(), 3);
    for (index, text) in texts.iter().enumerate() {
        let alone = embedder().embed(std::slice::from_ref(text), Truncate::End).unwrap();
        assert_eq!(alone.vectors[0], together.vectors[index], "{text:?} alone");
        let filler = texts.iter().cycle().skip(index * 5 + 1).take(index % 7 + 1).cloned();
        let others: Vec<String> = filler.chain([text.clone()]).collect();
        let among = three.embed(&others, Truncate::End).unwrap();
        assert_eq!(among.vectors.last(), Some(&together.vectors[index]), "{text:?} among others");
    }
}

#[test]
fn callers_on_several_threads_get_the_vectors_of_one() {
    let texts = texts();
    let expected = embedder().embed(&texts, Truncate::End).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(embedder().embed(&texts, Truncate::End).unwrap(), expected));
        }
    });
}

#[test]
fn a_text_over_the_limit_is_an_error_or_is_cut_where_asked() {
    let embedder = embedder();
    let words = |range: std::ops::Range<usize>| -> String {
        let names = ["red", "green", "blue", "white", "black"];
        range.map(|i| names[i % 5]).collect::<Vec<_>>().join(" ")
    };
    let long = vec!["short".to_owned(), words(0..300)];
    let error = embedder.embed(&long, Truncate::None).unwrap_err();
    assert_eq!(error, Error::InputTooLong { index: 1, tokens: 302, limit: 256 });
    for (truncate, kept) in [(Truncate::End, words(0..254)), (Truncate::Start, words(46..300))] {
        let cut = embedder.embed(&long, truncate).unwrap();
        let whole = embedder.embed(&["short".to_owned(), kept], Truncate::None).unwrap();
        assert_eq!(cut.token_counts, [3, 256]);
        assert_eq!(cut, whole);
    }
}

#[test]
fn no_texts_give_no_vectors() {
    assert!(embedder().embed(&[], Truncate::None).unwrap().vectors.is_empty());
}

#[test]
fn facts_are_those_of_the_files() {
    let facts = EncoderLoader.inspect(&files(&folder())).unwrap();
    assert_eq!(facts.kind, ModelKind::Embedder);
    assert_eq!((facts.dimensions, facts.context_length, facts.vocabulary), (384, 256, 30522));
    assert_eq!(facts.parameters, 22_713_216);
    assert_eq!(facts.weights_format, "F32");
    assert_eq!(facts.weights_bytes, 4 * (22_713_216 - 384 * 384 - 384));
    assert_eq!(embedder().info().dimensions, 384);
}
