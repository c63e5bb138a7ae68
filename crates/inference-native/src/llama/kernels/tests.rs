//! The kernels, as ggml's graphs ask for them.

use std::ptr::null_mut;

use half::f16;

use super::*;
use crate::llama::{ready, unpack};

/// Numbers between -1 and 1 from a fixed sequence.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// The formats of four-bit blocks.
const FORMATS: [sys::ggml_type; 2] = [sys::GGML_TYPE_Q4_0, sys::GGML_TYPE_Q4_1];

/// A matrix of such blocks.
fn packed(format: sys::ggml_type, width: usize, rows: usize) -> Vec<u8> {
    let numbers = numbers(width * rows, 7);
    // SAFETY: ggml packs `rows` rows of `width` numbers, whole blocks, into as many bytes as it says that they take.
    unsafe {
        let mut bytes = vec![0; sys::ggml_row_size(format, width as i64) * rows];
        let (from, to) = (numbers.as_ptr(), bytes.as_mut_ptr());
        let written = sys::ggml_quantize_chunk(format, from, to.cast(), 0, rows as i64, width as i64, std::ptr::null());
        assert_eq!(written, bytes.len());
        bytes
    }
}

/// Tensors, and a graph of steps over them.
struct Graph(*mut sys::ggml_context);

impl Graph {
    fn new() -> Self {
        ready();
        let parameters = sys::ggml_init_params { mem_size: 64 << 20, mem_buffer: null_mut(), no_alloc: false };
        // SAFETY: makes a context of its own.
        Self(unsafe { sys::ggml_init(parameters) })
    }

    fn tensor<T: Copy>(&self, kind: sys::ggml_type, ne: [i64; 4], data: &[T]) -> *mut sys::ggml_tensor {
        // SAFETY: the tensor is made with room for its data, whose size is compared.
        unsafe {
            let tensor = sys::ggml_new_tensor_4d(self.0, kind, ne[0], ne[1], ne[2], ne[3]);
            assert_eq!(sys::ggml_nbytes(tensor), size_of_val(data));
            sys::ggml_get_data(tensor).cast::<T>().copy_from_nonoverlapping(data.as_ptr(), data.len());
            tensor
        }
    }

    fn compute(&self, step: *mut sys::ggml_tensor, threads: i32) -> Vec<f32> {
        // SAFETY: the graph and its tensors are this context's.
        unsafe {
            assert!(craton_kernels_take(step), "the step is not computed here");
            let graph = sys::ggml_new_graph(self.0);
            sys::ggml_build_forward_expand(graph, step);
            assert_eq!(sys::ggml_graph_compute_with_ctx(self.0, graph, threads), sys::GGML_STATUS_SUCCESS);
            let count = sys::ggml_nbytes(step) / size_of::<f32>();
            std::slice::from_raw_parts(sys::ggml_get_data(step).cast::<f32>(), count).to_vec()
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: made by ggml, freed once.
        unsafe { sys::ggml_free(self.0) }
    }
}

fn product(
    format: sys::ggml_type,
    (width, rows, count): (usize, usize, usize),
    floats: &[f32],
    threads: i32,
) -> Vec<f32> {
    let graph = Graph::new();
    let weights = graph.tensor(format, [width as i64, rows as i64, 1, 1], &packed(format, width, rows));
    let floats = graph.tensor(sys::GGML_TYPE_F32, [width as i64, count as i64, 1, 1], &floats[..width * count]);
    // SAFETY: both are this context's tensors.
    let step = unsafe { sys::ggml_mul_mat(graph.0, weights, floats) };
    graph.compute(step, threads)
}

#[test]
fn products_are_those_of_the_numbers_that_the_blocks_stand_for() {
    if !can() {
        return;
    }
    for format in FORMATS {
        for (width, rows, count) in [(32, 1, 1), (64, 13, 3), (576, 40, 6), (576, 41, 7), (1536, 24, 19), (96, 8, 300)]
        {
            let floats = numbers(width * count, 3);
            let products = product(format, (width, rows, count), &floats, 2);
            let mut weights = Vec::new();
            unpack(format, &packed(format, width, rows), &mut weights).unwrap();
            for (row, floats) in floats.chunks(width).enumerate() {
                for (column, weights) in weights.chunks(width).enumerate() {
                    let exact: f64 = weights.iter().zip(floats).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                    // Floats are rounded to a 127th of their block's greatest, of which the errors add up at random.
                    let bound = 0.007 * (width as f64).sqrt();
                    let product = f64::from(products[row * rows + column]);
                    assert!((product - exact).abs() < bound, "format {format} {width}: {product} for {exact}");
                }
            }
        }
    }
}

#[test]
fn a_product_does_not_depend_on_what_it_is_computed_with() {
    if !can() {
        return;
    }
    for format in FORMATS {
        let (width, rows) = (192, 77);
        let floats = numbers(width * 300, 5);
        let all = product(format, (width, rows, 300), &floats, 2);
        for count in [1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 64, 253] {
            for threads in [1, 2, 3, 8] {
                let some = product(format, (width, rows, count), &floats, threads);
                assert_eq!(some, all[..rows * count], "format {format}, {count} rows, {threads} threads");
            }
        }
    }
}

#[test]
fn the_greatest_sums_of_a_block_fit() {
    if !can() {
        return;
    }
    let graph = Graph::new();
    // 1 * 15 + 0 at all places, times 127.
    let block = [&f16::from_f32(1.0).to_le_bytes()[..], &[0, 0], &[0xff; 16]].concat();
    let weights = graph.tensor(sys::GGML_TYPE_Q4_1, [32, 8, 1, 1], &block.repeat(8));
    let floats = graph.tensor(sys::GGML_TYPE_F32, [32, 2, 1, 1], &[[127.0f32; 32], [-127.0; 32]].concat());
    // SAFETY: both are this context's tensors.
    let products = graph.compute(unsafe { sys::ggml_mul_mat(graph.0, weights, floats) }, 1);
    assert_eq!(products, [[60_960.0f32; 8], [-60_960.0; 8]].concat());
}

#[test]
fn a_row_of_zeros_and_great_numbers_are_multiplied_too() {
    if !can() {
        return;
    }
    let floats = [vec![0.0; 64], vec![1e30; 64], vec![-127.0; 64]].concat();
    let products = product(sys::GGML_TYPE_Q4_1, (64, 8, 3), &floats, 1);
    assert!(products[..8].iter().all(|product| *product == 0.0));
    assert!(products.iter().all(|product| product.is_finite()));
}

/// A question of attention.
#[derive(Clone)]
struct Case {
    width: usize,
    heads: usize,
    key_heads: usize,
    positions: usize,
    /// Of each stream and token the positions that it does not see.
    masked: Vec<Vec<Vec<bool>>>,
    cap: f32,
}

impl Case {
    fn tokens(&self) -> usize {
        self.masked[0].len()
    }

    /// Each token sees what stands before it, as when a prompt ends where the positions end.
    fn causal(positions: usize, tokens: usize, streams: usize) -> Self {
        let token = |token: usize| (0..positions).map(|at| at > positions - tokens + token).collect();
        let masked = vec![(0..tokens).map(token).collect(); streams];
        Self { width: 64, heads: 9, key_heads: 3, positions, masked, cap: 0.0 }
    }

    /// Numbers of a stream, each of its own seed, so that streams can be taken alone.
    fn of_streams(&self, each: usize, seed: u64) -> Vec<f32> {
        (0..self.masked.len() as u64).flat_map(|stream| numbers(each, seed + 100 * stream)).collect()
    }

    fn compute(&self, threads: i32) -> Vec<f32> {
        let graph = Graph::new();
        let (tokens, streams) = (self.tokens(), self.masked.len());
        let shape = |second: usize, heads: usize| [self.width as i64, second as i64, heads as i64, streams as i64];
        let queries = self.of_streams(self.width * tokens * self.heads, 1);
        let halves = |seed| {
            let numbers = self.of_streams(self.width * self.positions * self.key_heads, seed);
            numbers.into_iter().map(|number| f16::from_f32(number).to_bits()).collect::<Vec<u16>>()
        };
        let masked = self.masked.iter().flatten().flatten();
        let mask: Vec<u16> = masked.map(|masked| if *masked { MASKED } else { 0 }).collect();
        let queries = graph.tensor(sys::GGML_TYPE_F32, shape(tokens, self.heads), &queries);
        let keys = graph.tensor(sys::GGML_TYPE_F16, shape(self.positions, self.key_heads), &halves(2));
        let values = graph.tensor(sys::GGML_TYPE_F16, shape(self.positions, self.key_heads), &halves(3));
        let mask_shape = [self.positions as i64, tokens as i64, 1, streams as i64];
        let mask = graph.tensor(sys::GGML_TYPE_F16, mask_shape, &mask);
        // SAFETY: all are this context's tensors.
        let step = unsafe { sys::ggml_flash_attn_ext(graph.0, queries, keys, values, mask, 0.125, 0.0, self.cap) };
        graph.compute(step, threads)
    }

    /// The same by its definition.
    fn exact(&self) -> Vec<f64> {
        let (width, tokens, group) = (self.width, self.tokens(), self.heads / self.key_heads);
        let half = |number: f32| f64::from(f16::from_f32(number).to_f32());
        let mut results = Vec::new();
        for (stream, masked) in self.masked.iter().enumerate() {
            let seed = 100 * stream as u64;
            let queries = numbers(width * tokens * self.heads, 1 + seed);
            let keys = numbers(width * self.positions * self.key_heads, 2 + seed);
            let values = numbers(width * self.positions * self.key_heads, 3 + seed);
            for (token, masked) in masked.iter().enumerate() {
                for head in 0..self.heads {
                    let query = &queries[(head * tokens + token) * width..][..width];
                    let of = |all: &[f32], at: usize| {
                        let from = (head / group * self.positions + at) * width;
                        all[from..from + width].iter().map(|number| half(*number)).collect::<Vec<f64>>()
                    };
                    let seen: Vec<usize> = (0..self.positions).filter(|at| !masked[*at]).collect();
                    let score = |at: &usize| {
                        let key = of(&keys, *at);
                        let score = 0.125 * key.iter().zip(query).map(|(a, b)| a * f64::from(*b)).sum::<f64>();
                        let cap = f64::from(self.cap);
                        if cap == 0.0 { score } else { cap * (score / cap).tanh() }
                    };
                    let weights: Vec<f64> = seen.iter().map(|at| score(at).exp()).collect();
                    let all: f64 = weights.iter().sum();
                    let mut sums = vec![0.0; width];
                    for (at, weight) in seen.iter().zip(&weights) {
                        let value = of(&values, *at);
                        sums.iter_mut().zip(value).for_each(|(sum, value)| *sum += weight * value / all);
                    }
                    results.extend(sums);
                }
            }
        }
        results
    }
}

#[test]
fn attention_is_what_its_definition_says() {
    if !can() {
        return;
    }
    let plain = Case::causal(40, 5, 1);
    let cases = [
        // A single token of several parts, tokens of a prompt over several blocks, and streams of different masks.
        Case::causal(1100, 1, 1),
        Case::causal(768, 70, 1),
        Case::causal(1100, 9, 1),
        Case::causal(256, 1, 8),
        plain.clone(),
        Case { cap: 2.0, ..plain.clone() },
        Case { width: 32, heads: 4, key_heads: 4, ..plain.clone() },
        Case { width: 96, heads: 8, key_heads: 1, ..plain.clone() },
        Case { width: 256, heads: 2, key_heads: 1, ..plain },
    ];
    for (number, case) in cases.into_iter().enumerate() {
        for (result, exact) in case.compute(2).into_iter().zip(case.exact()) {
            assert!((f64::from(result) - exact).abs() < 1e-5, "case {number}: {result} for {exact}");
        }
    }
}

#[test]
fn attention_does_not_depend_on_what_it_is_computed_with() {
    if !can() {
        return;
    }
    // One token over parts, alone by any threads and as one of eight streams, of which the others are longer or shorter.
    let mut eight = Case::causal(1280, 1, 8);
    for (stream, masked) in eight.masked.iter_mut().enumerate() {
        masked[0].iter_mut().enumerate().for_each(|(at, masked)| *masked = at > 150 * (stream + 1));
    }
    let together = eight.compute(2);
    let each = together.len() / 8;
    for threads in [1, 2, 3, 8] {
        assert_eq!(eight.compute(threads), together, "{threads} threads");
        let alone = Case { masked: vec![eight.masked[0].clone()], ..eight.clone() };
        assert_eq!(alone.compute(threads), together[..each], "{threads} threads");
    }
    // And where fewer positions are there, of which it sees the same.
    let short =
        Case { positions: 256, masked: vec![vec![eight.masked[0][0][..256].to_vec()]], key_heads: 1, ..eight.clone() };
    let long = Case { masked: vec![eight.masked[0].clone()], key_heads: 1, ..eight };
    assert_eq!(short.compute(2), long.compute(2));
}

#[test]
fn a_token_that_sees_nothing_finds_nothing() {
    if !can() {
        return;
    }
    let blind = Case { masked: vec![vec![vec![true; 64]]], ..Case::causal(64, 1, 1) };
    assert!(blind.compute(1).iter().all(|number| *number == 0.0));
}

/// Results of one query with keys and values of which one position is masked.
fn around(masked: u16, seen: u16) -> Vec<f32> {
    let graph = Graph::new();
    let halves =
        |odd: u16, at: usize| (0..64 * 32).map(|n| if n / 32 == at { odd } else { 0x3c00 }).collect::<Vec<u16>>();
    let queries = graph.tensor(sys::GGML_TYPE_F32, [32, 1, 1, 1], &[1f32; 32]);
    let keys = [halves(masked, 63), halves(seen, 5)];
    let keys = graph.tensor(sys::GGML_TYPE_F16, [32, 64, 1, 1], if seen == 0x3c00 { &keys[0] } else { &keys[1] });
    let values = graph.tensor(sys::GGML_TYPE_F16, [32, 64, 1, 1], &halves(0x3c00, 0));
    let mask: Vec<u16> = (0..64).map(|at| if at == 63 { MASKED } else { 0 }).collect();
    let mask = graph.tensor(sys::GGML_TYPE_F16, [64, 1, 1, 1], &mask);
    // SAFETY: all are this context's tensors.
    graph.compute(unsafe { sys::ggml_flash_attn_ext(graph.0, queries, keys, values, mask, 1.0, 0.0, 0.0) }, 1)
}

#[test]
fn what_is_no_number_shows_where_it_is_seen_alone() {
    if !can() {
        return;
    }
    let nan = f16::NAN.to_bits();
    assert!(around(nan, 0x3c00).iter().all(|number| *number == 1.0));
    assert!(around(0x3c00, nan).iter().all(|number| number.is_nan()));
}

#[test]
fn what_parts_leave_to_each_other_is_bounded() {
    let graph = Graph::new();
    let tensor = |kind, ne: [i64; 4]| {
        // SAFETY: makes a tensor without data in a context of its own.
        unsafe { sys::ggml_new_tensor_4d(graph.0, kind, ne[0], ne[1], ne[2], ne[3]) }
    };
    // SAFETY: only shapes are looked at.
    unsafe {
        sys::ggml_set_no_alloc(graph.0, true);
        for (tokens, positions) in [(1, 4096), (512, 32_768), (512, 131_072)] {
            let queries = tensor(sys::GGML_TYPE_F32, [128, tokens, 32, 1]);
            let keys = tensor(sys::GGML_TYPE_F16, [128, positions, 8, 1]);
            let values = tensor(sys::GGML_TYPE_F16, [128, positions, 8, 1]);
            let mask = tensor(sys::GGML_TYPE_F16, [positions, tokens, 1, 1]);
            let step = sys::ggml_flash_attn_ext(graph.0, queries, keys, values, mask, 1.0, 0.0, 0.0);
            assert!(craton_kernels_take(step));
            // A desk of some 140 KB for each thread, and 16 MiB.
            assert!(craton_kernels_room(64, step) < 64 * 160_000 + (16 << 20));
        }
    }
}

/// Half precision's negative infinity.
const MASKED: u16 = 0xfc00;

#[test]
fn other_steps_stay_ggmls() {
    let graph = Graph::new();
    let halves = graph.tensor(sys::GGML_TYPE_F16, [32, 4, 1, 1], &[0u16; 128]);
    let floats = graph.tensor(sys::GGML_TYPE_F32, [32, 2, 1, 1], &[0f32; 64]);
    // SAFETY: all are this context's tensors.
    unsafe {
        assert!(!craton_kernels_take(sys::ggml_mul_mat(graph.0, halves, floats)));
        assert!(!craton_kernels_take(sys::ggml_add(graph.0, floats, floats)));
        assert!(!craton_kernels_take(floats));
        let attention = |width, cache, bias, values| {
            let queries = graph.tensor(sys::GGML_TYPE_F32, [width, 1, 1, 1], &vec![0f32; width as usize]);
            let bytes = |width| vec![0u8; sys::ggml_row_size(cache, width) * 4];
            let keys = graph.tensor(cache, [width, 4, 1, 1], &bytes(width));
            let values = graph.tensor(cache, [values, 4, 1, 1], &bytes(values));
            let mask = graph.tensor(sys::GGML_TYPE_F16, [4, 1, 1, 1], &[0u16; 4]);
            let step = sys::ggml_flash_attn_ext(graph.0, queries, keys, values, mask, 1.0, bias, 0.0);
            craton_kernels_take(step)
        };
        assert!(attention(64, sys::GGML_TYPE_F16, 0.0, 64));
        assert!(!attention(80, sys::GGML_TYPE_F16, 0.0, 80));
        assert!(!attention(64, sys::GGML_TYPE_F16, 8.0, 64));
        assert!(!attention(64, sys::GGML_TYPE_F16, 0.0, 32));
        assert!(!attention(64, sys::GGML_TYPE_F32, 0.0, 64));
        assert!(!attention(64, sys::GGML_TYPE_Q8_0, 0.0, 64));
    }
}
