use inference::ModelKind;

use super::*;

fn facts(weights_bytes: u64) -> Facts {
    Facts {
        kind: ModelKind::Generator,
        name: "m".to_owned(),
        architecture: "llama".to_owned(),
        parameters: 1,
        context_length: 4096,
        vocabulary: 10,
        dimensions: 8,
        weights_bytes,
        cache_bytes_per_token: 64,
        working_bytes: 0,
        weights_format: "F16".to_owned(),
        has_chat_template: false,
        licence: None,
        shape: inference::Shape::default(),
        prompting: inference::Prompting::default(),
    }
}

fn shape(weights: u64, options: &LoadOptions) -> Shape {
    Shape::new(&facts(weights), options, (0, 512, 7))
}

#[test]
fn attention_is_what_is_asked_for_or_what_the_cache_needs_or_what_suits_the_size() {
    let one_pass = |weights, attention, cache_type| {
        shape(weights, &LoadOptions { attention, cache_type, ..LoadOptions::default() }).one_pass
    };
    if !HAS_GPU {
        assert_eq!(one_pass(1, None, CacheType::F16), Some(true));
        assert_eq!(one_pass(SMALL_WEIGHTS, None, CacheType::F16), Some(false));
    }
    assert_eq!(one_pass(SMALL_WEIGHTS, Some(true), CacheType::F16), Some(true));
    assert_eq!(one_pass(1, Some(false), CacheType::F32), Some(false));
    assert_eq!(one_pass(SMALL_WEIGHTS, None, CacheType::Q8_0), Some(true));
}

#[test]
fn reading_for_measurements_is_the_same_under_all_options() {
    let options = LoadOptions { attention: Some(true), cache_type: CacheType::F32, ..LoadOptions::default() };
    let (odd, plain) = (shape(1, &options).in_steps(), shape(1, &LoadOptions::default()).in_steps());
    assert_eq!((odd.one_pass, odd.cache_type), (plain.one_pass, plain.cache_type));
}

#[test]
fn threads_show_where_attention_in_one_pass_is_ggmls() {
    let facts = |architecture: &str, head_size, cache_bytes_per_token| {
        let shape = inference::Shape { layers: 2, heads: 6, kv_heads: 3, head_size, ..inference::Shape::default() };
        Facts { architecture: architecture.to_owned(), cache_bytes_per_token, shape, ..facts(1) }
    };
    let shape = |facts: &Facts, cache_type| {
        let options = LoadOptions { attention: Some(true), cache_type, ..LoadOptions::default() };
        Shape::new(facts, &options, (0, 512, 7))
    };
    // Keys and values of two bytes, three heads and two layers.
    let bytes = |width: u64| 2 * 2 * 3 * 2 * width;
    let plain = facts("llama", 64, bytes(64));
    let threads_show = HAS_GPU || !llama::attends(&plain);
    assert_eq!(shape(&plain, CacheType::F16).shows_threads(CUT_FROM), threads_show);
    assert!(shape(&plain, CacheType::Q8_0).shows_threads(CUT_FROM));
    // Of an odd width, of an architecture that is not known for it, and of values that are wider than keys.
    for odd in [facts("llama", 80, bytes(80)), facts("mpt", 64, bytes(64)), facts("llama", 64, bytes(80))] {
        let shape = shape(&odd, CacheType::F16);
        assert!(shape.shows_threads(CUT_FROM) && !shape.shows_threads(0));
    }
}

#[test]
fn a_core_set_bounds_the_threads() {
    let cores = vec!["0-2".parse::<CoreSet>().unwrap()];
    let all = shape(1, &LoadOptions { cores: cores.clone(), ..LoadOptions::default() });
    assert_eq!((all.prefill_threads, all.decode_threads), (3, 3));
    let asked = LoadOptions { cores, prefill_threads: 9, decode_threads: 2, ..LoadOptions::default() };
    let asked = shape(1, &asked);
    assert_eq!((asked.prefill_threads, asked.decode_threads), (3, 2));
    let free = shape(1, &LoadOptions { prefill_threads: 9, ..LoadOptions::default() });
    assert_eq!(free.prefill_threads, 9);
}

#[test]
fn a_context_that_cannot_be_made_says_how_much_its_caches_take() {
    let options =
        LoadOptions { parallel: 4, context_per_sequence: 1000, cache_type: CacheType::F32, ..LoadOptions::default() };
    let shape = shape(1, &options);
    let parameters = |unified| Parameters {
        sequences: 4,
        context: shape.context,
        unified,
        batch: shape.batch,
        flash_attention: None,
        cache_type: shape.cache_type,
    };
    // 1,024 tokens of 64 bytes in half precision for each sequence.
    let apart = Error::NoMemory { what: "caches of 4096 tokens".to_owned(), bytes: 4 * 1024 * 128 };
    assert_eq!(shape.no_memory(&parameters(false)), apart);
    let one = Error::NoMemory { what: "caches of 1024 tokens".to_owned(), bytes: 1024 * 128 };
    assert_eq!(shape.no_memory(&parameters(true)), one);
}
