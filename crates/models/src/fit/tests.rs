use inference::{CacheType, Matrices, Rate, Shape};

use super::core::*;
use super::sizes::of_entry;
use super::{FitAsk, check};
use crate::catalogue::Catalogue;
use crate::testing::Deployment;

fn sizes() -> Sizes {
    Sizes {
        shape: Shape {
            layers: 10,
            heads: 8,
            kv_heads: 2,
            head_size: 64,
            window: None,
            experts: (0, 0),
            matrices: vec![Matrices { format: "Q8_0".to_owned(), bytes: 1_000_000_000, numbers: 1_000_000_000 }],
        },
        vocabulary: 0,
        hidden: 512,
        context_length: 8192,
        weights_bytes: 1_000_000_000,
        cache_bytes_per_token: 5120,
        working_bytes: 1_000_000,
    }
}

fn machine() -> Machine {
    let rate = |format: &str, bytes: f64, numbers: f64| Rate {
        format: format.to_owned(),
        bytes_per_second: bytes,
        numbers_per_second: numbers,
    };
    Machine {
        bandwidth: 20.0e9,
        step_seconds: 0.0,
        rates: vec![rate("Q8_0", 10.0e9, 100.0e9), rate("F16", 10.0e9, 100.0e9)],
    }
}

fn asked() -> Asked {
    Asked { context: 1000, slots: 4, replicas: 1, shared: 500, cache_type: CacheType::F16 }
}

#[test]
fn memory_is_weights_caches_and_buffers() {
    let memory = memory(&sizes(), &asked());
    assert_eq!((memory.weights, memory.cache, memory.working), (1_000_000_000, 4500 * 5120, 1_000_000));
    assert_eq!(memory.total(), 1_000_000_000 + 4500 * 5120 + 1_000_000);
    assert_eq!(memory.total() - memory.at_load(), 500 * 5120, "the shared buffer comes later");
}

#[test]
fn replicas_share_the_weights_alone_and_fewer_bits_take_less_cache() {
    let two = memory(&sizes(), &Asked { replicas: 2, ..asked() });
    assert_eq!((two.weights, two.cache, two.working), (1_000_000_000, 2 * 4500 * 5120, 2_000_000));
    let packed = memory(&sizes(), &Asked { cache_type: CacheType::Q8_0, ..asked() });
    assert_eq!(packed.cache, 4500 * 5120 * 34 / 64);
}

#[test]
fn writing_reads_the_matrices_and_the_cache_once() {
    assert!((decode_rate(&sizes(), &machine(), 0) - 10.0).abs() < 1e-6);
    let deep = decode_rate(&sizes(), &machine(), 390_625);
    assert!((1.0 / deep - 0.2).abs() < 1e-6, "2 GB of cache at 20 GB/s: {deep}");
    let mut windowed = sizes();
    windowed.shape.window = Some(0);
    assert!(decode_rate(&windowed, &machine(), 390_625) > 9.9);
}

#[test]
fn reading_is_bound_by_the_products_and_longer_prompts_by_attention() {
    let (short, long) = (prefill_rate(&sizes(), &machine(), 512), prefill_rate(&sizes(), &machine(), 16_384));
    assert!(short < 100.0 && short > 90.0, "100 tokens a second by the products alone: {short}");
    assert!(long < short, "{long} {short}");
}

#[test]
fn each_step_costs_time_of_its_own() {
    let slow = Machine { step_seconds: 1e-3, ..machine() };
    assert!(decode_rate(&sizes(), &slow, 0) < decode_rate(&sizes(), &machine(), 0));
}

#[test]
fn a_format_that_was_not_measured_goes_by_the_bandwidth() {
    let mut other = sizes();
    other.shape.matrices[0].format = "IQ9".to_owned();
    assert!((decode_rate(&other, &machine(), 0) - 20.0).abs() < 1e-6);
}

#[test]
fn an_error_is_a_part_of_what_was_measured() {
    assert_eq!(error(110.0, 100.0).map(|error| (error * 100.0).round()), Some(10.0));
    assert_eq!(error(1.0, 0.0), None);
}

#[test]
fn the_catalogue_tells_what_a_model_that_is_not_pulled_takes() {
    let catalogue = Catalogue::built_in().unwrap();
    let small = of_entry(catalogue.get("smollm2-135m-instruct").unwrap());
    assert_eq!(small.weights_bytes, 98_362_432, "of the file, not of the package");
    assert_eq!(small.cache_bytes_per_token, 30 * 3 * 64 * 2 * 2);
    let large = of_entry(catalogue.get("mistral-small-24b-instruct-2501").unwrap());
    assert_eq!(large.cache_bytes_per_token, 40 * 8 * 128 * 2 * 2);
    // Its embeddings are another matrix than that of its answers, of which a token reads one row.
    assert!(large.shape.matrices[0].bytes < large.weights_bytes);
    assert_eq!(of_entry(catalogue.get("bge-small-en-v1.5").unwrap()).cache_bytes_per_token, 0);
}

#[test]
fn what_no_model_has_is_refused() {
    assert!(check(&FitAsk { context: Some(0), ..FitAsk::default() }).is_err());
    assert!(check(&FitAsk { slots: Some(0), ..FitAsk::default() }).is_err());
    assert!(check(&FitAsk { context: Some(4096), slots: Some(8), cache_type: None }).is_ok());
}

#[tokio::test]
async fn what_is_missing_is_told_and_the_machine_is_measured_once() {
    let deployment = Deployment::start_with(|config| config.memory_budget_bytes = 10_000_000_000).await;
    let ask = FitAsk { context: Some(4096), slots: Some(1), cache_type: None };
    let fit = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", ask).await.unwrap();
    assert!(!fit.fits && !fit.from_files && fit.measured.is_none());
    assert_eq!((fit.available_bytes, fit.missing_bytes), (10_000_000_000, fit.memory_bytes - 10_000_000_000));
    assert_eq!((fit.context, fit.slots), (4096, 1));
    let again = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", ask).await.unwrap();
    assert_eq!(again.basis, fit.basis);
    let unknown = deployment.models.fit(&deployment.ctx, "nothing", FitAsk::default()).await.unwrap_err();
    assert_eq!(unknown.kind, base::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_model_that_embeds_has_no_speed_of_writing() {
    let deployment = Deployment::start().await;
    let fit = deployment.models.fit(&deployment.ctx, "bge-small-en-v1.5", FitAsk::default()).await.unwrap();
    assert_eq!((fit.prefill_tokens_per_second, fit.decode_tokens_per_second), (None, None));
    assert!(fit.memory_bytes > 130_000_000 && fit.context == 512);
}
