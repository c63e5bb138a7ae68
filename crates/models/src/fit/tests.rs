use inference::{AttentionRate, ByThreads, CacheType, Matrices, Rate, Shape};

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
            matrices: vec![Matrices {
                format: "Q8_0".to_owned(),
                bytes: 1_000_000_000,
                numbers: 1_000_000_000,
                activations: 1_000_000,
            }],
            output: Matrices { format: "Q8_0".to_owned(), ..Matrices::default() },
        },
        vocabulary: 0,
        context_length: 8192,
        weights_bytes: 1_000_000_000,
        cache_bytes_per_token: 5120,
        working_bytes: 1_000_000,
    }
}

fn even(figure: f64) -> ByThreads {
    ByThreads { one: figure, all: figure }
}

fn machine() -> Machine {
    let rate = |format: &str, bytes: f64, numbers: f64| Rate {
        format: format.to_owned(),
        bytes_per_second: even(bytes),
        numbers_per_second: numbers,
        ..Rate::default()
    };
    Machine {
        bandwidth: 20.0e9,
        step_seconds: ByThreads::default(),
        rates: vec![rate("Q8_0", 10.0e9, 100.0e9), rate("F16", 10.0e9, 100.0e9)],
        in_one_pass: AttentionRate { alone_per_second: even(100.0e9), together_per_second: 50.0e9 },
        in_steps: AttentionRate { alone_per_second: even(200.0e9), together_per_second: 50.0e9 },
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
    assert!((decode_rate(&sizes(), &machine(), 0, true) - 10.0).abs() < 1e-6);
    let deep = decode_rate(&sizes(), &machine(), 390_625, true);
    assert!((1.0 / deep - 0.2).abs() < 1e-6, "2 GB of cache at 20 GB/s: {deep}");
    let mut windowed = sizes();
    windowed.shape.window = Some(0);
    assert!(decode_rate(&windowed, &machine(), 390_625, true) > 9.9);
    windowed.shape.output.bytes = 1_000_000_000;
    assert!((decode_rate(&windowed, &machine(), 0, true) - 5.0).abs() < 1e-6, "the output is read for each token");
}

#[test]
fn attention_costs_what_it_was_measured_to_cost_in_its_way() {
    let slow = AttentionRate { alone_per_second: even(1.0e6), together_per_second: 1.0e6 };
    let (slow_in_steps, slow_in_one_pass) =
        (Machine { in_steps: slow, ..machine() }, Machine { in_one_pass: slow, ..machine() });
    // 2 products with 5,120 numbers of a layer's heads, in 10 layers, for each of 100 or of whole parts of 256 cells.
    let seconds = |machine: &Machine, one_pass| 1.0 / decode_rate(&sizes(), machine, 100, one_pass);
    assert!((seconds(&slow_in_one_pass, true) - 0.1 - 1.024).abs() < 1e-6);
    assert!((seconds(&slow_in_steps, false) - 0.1 - 2.621_44).abs() < 1e-6);
    assert!(seconds(&slow_in_steps, true) < 0.101);
    assert!(
        prefill_rate(&sizes(), &slow_in_one_pass, 512, true) < prefill_rate(&sizes(), &machine(), 512, true) / 10.0
    );
    // Three chunks in steps: each with all before it and all of itself, so 512 · (512 + 1,024 + 1,536) pairs.
    let pairs = 512.0 * f64::from(512 + 1024 + 1536);
    let reading = 1536.0 / prefill_rate(&sizes(), &slow_in_steps, 1536, false);
    let beside = 1536.0 / prefill_rate(&sizes(), &slow_in_steps, 1536, true);
    assert!((reading / (10_240.0 * pairs / 1.0e6) - 1.0).abs() < 0.01 && beside < 20.0, "{reading} {beside}");
    let unknown = Machine { in_one_pass: AttentionRate::default(), ..machine() };
    assert_eq!(unknown.attention(true).alone_per_second, even(50.0e9), "half the speed of 16-bit matrices is presumed");
}

#[test]
fn of_a_prompt_only_the_last_token_is_multiplied_with_the_output() {
    let mut wide = sizes();
    wide.shape.output = wide.shape.matrices[0].clone();
    let seconds = |sizes: &Sizes| 512.0 / prefill_rate(sizes, &machine(), 512, true);
    assert!((seconds(&wide) - seconds(&sizes()) - 0.1).abs() < 1e-6);
}

#[test]
fn reading_is_bound_by_the_products_and_longer_prompts_by_attention() {
    let (short, long) =
        (prefill_rate(&sizes(), &machine(), 512, true), prefill_rate(&sizes(), &machine(), 16_384, true));
    assert!(short < 100.0 && short > 90.0, "100 tokens a second by the products alone: {short}");
    assert!(long < short, "{long} {short}");
}

#[test]
fn a_token_is_written_by_one_thread_or_all_whatever_is_faster() {
    let waiting = Machine { step_seconds: ByThreads { one: 0.0, all: 1.0 }, ..machine() };
    let alone = Machine { step_seconds: ByThreads { one: 1.0, all: 0.0 }, ..machine() };
    let slow = |machine: &Machine| decode_rate(&sizes(), machine, 300, true) < 1.0;
    assert!(!slow(&waiting) && !slow(&alone));
    assert!(slow(&Machine { step_seconds: even(1.0), ..machine() }));
}

#[test]
fn no_prompt_is_read_slower_than_its_tokens_are_written() {
    let waiting = Machine { step_seconds: ByThreads { one: 0.0, all: 1000.0 }, ..machine() };
    assert_eq!(prefill_rate(&sizes(), &waiting, 512, true), decode_rate(&sizes(), &waiting, 256, true));
    assert!(prefill_rate(&sizes(), &machine(), 512, true) > decode_rate(&sizes(), &machine(), 256, true));
}

#[test]
fn attention_that_was_measured_by_some_threads_alone_is_presumed_of_the_others() {
    let measured = |one, all| {
        let rate = AttentionRate { alone_per_second: ByThreads { one, all }, together_per_second: 1.0e9 };
        Machine { in_steps: rate, ..machine() }.attention(false).alone_per_second
    };
    assert_eq!(measured(2.0e9, 0.0), even(2.0e9));
    assert_eq!(measured(0.0, 3.0e9), even(3.0e9));
    assert_eq!(measured(2.0e9, 3.0e9), ByThreads { one: 2.0e9, all: 3.0e9 });
    assert_eq!(measured(0.0, 0.0), even(50.0e9), "half the speed of 16-bit matrices");
}

#[test]
fn what_goes_into_the_matrices_and_comes_out_costs_time_where_that_was_measured() {
    let mut slow = machine();
    (slow.rates[0].activations_alone_per_second, slow.rates[0].activations_together_per_second) =
        (even(10.0e6), 100.0e6);
    let reading = |machine: &Machine| 1.0 / prefill_rate(&sizes(), machine, 512, true);
    assert!((reading(&slow) - reading(&machine()) - 0.01).abs() < 1e-6, "a million, for each token of a prompt");
    let writing = |machine: &Machine| 1.0 / decode_rate(&sizes(), machine, 0, true);
    assert!((writing(&slow) - writing(&machine()) - 0.1).abs() < 1e-6, "a million for each of an answer");
}

#[test]
fn each_step_costs_time_of_its_own() {
    let slow = Machine { step_seconds: even(1e-3), ..machine() };
    assert!(decode_rate(&sizes(), &slow, 0, true) < decode_rate(&sizes(), &machine(), 0, true));
}

#[test]
fn a_format_that_was_not_measured_goes_by_the_bandwidth() {
    let mut other = sizes();
    other.shape.matrices[0].format = "IQ9".to_owned();
    assert!((decode_rate(&other, &machine(), 0, true) - 20.0).abs() < 1e-6);
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
    let read = large.shape.matrices[0].bytes + large.shape.output.bytes;
    assert!(read < large.weights_bytes && large.shape.output.numbers == 131_072 * 5120);
    let all = small.shape.matrices[0].bytes + small.shape.output.bytes;
    assert!(all.abs_diff(small.weights_bytes) < 2, "{all}");
    assert_eq!(of_entry(catalogue.get("bge-small-en-v1.5").unwrap()).cache_bytes_per_token, 0);
}

#[test]
fn what_no_model_has_is_refused() {
    assert!(check(&FitAsk { context: Some(0), ..FitAsk::default() }).is_err());
    assert!(check(&FitAsk { slots: Some(0), ..FitAsk::default() }).is_err());
    assert!(check(&FitAsk { context: Some(4096), slots: Some(8), ..FitAsk::default() }).is_ok());
}

#[tokio::test]
async fn what_is_missing_is_told_and_the_machine_is_measured_once() {
    let deployment = Deployment::start_with(|config| config.memory_budget_bytes = 10_000_000_000).await;
    let ask = FitAsk { context: Some(4096), slots: Some(1), ..FitAsk::default() };
    let fit = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", ask).await.unwrap();
    assert!(!fit.fits && !fit.from_files && fit.measured.is_none());
    assert_eq!((fit.available_bytes, fit.missing_bytes), (10_000_000_000, fit.memory_bytes - 10_000_000_000));
    assert_eq!((fit.context, fit.slots), (4096, 1));
    let again = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", ask).await.unwrap();
    assert_eq!(again.basis, fit.basis);
    let anew = FitAsk { anew: true, ..ask };
    let anew = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", anew).await.unwrap();
    assert_ne!(anew.basis.bandwidth, fit.basis.bandwidth, "it was measured again, to the last bit another way");
    let kept = deployment.models.fit(&deployment.ctx, "mistral-small-24b-instruct-2501", ask).await.unwrap();
    assert_eq!(kept.basis, anew.basis, "the latest measurement is kept");
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
