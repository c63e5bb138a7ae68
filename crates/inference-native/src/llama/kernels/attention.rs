//! Attention in one pass ("flash attention", <https://arxiv.org/abs/2205.14135>) over keys and values in half precision, by AVX2.
//!
//! Heads and tokens that read the same keys share what is made of them: a tile of keys and values is widened to floats once for up
//! to [`ROWS`] queries. Sums are floats. Positions are taken in parts of [`PART`], whose results are merged in order, so that
//! a query's result depends on the query, the keys and the values alone: neither on other queries nor on the threads.

use std::arch::x86_64::*;

use llama_cpp_sys_2 as sys;

use super::{LINE, Parameters, share};

/// Positions of a tile.
const TILE: usize = 32;
/// Positions of a part; a multiple of [`TILE`].
const PART: usize = 512;
/// Queries that share a widened tile, at most, where a key has fewer heads.
const ROWS: usize = 96;
/// Bytes of results of parts, at most, that threads keep for each other.
const SPLIT_MOST: usize = 16 << 20;
/// Floats of a register.
const LANES: usize = 8;
/// Half precision's negative infinity, which masks a position.
const MASKED: u16 = 0xfc00;

/// Where numbers stand: bytes from one token, head and stream to the next. A token's numbers of a head stand side by side.
#[derive(Debug, Clone, Copy)]
struct View {
    data: *const u8,
    token: usize,
    head: usize,
    stream: usize,
}

impl View {
    fn of(tensor: &sys::ggml_tensor) -> Self {
        Self { data: tensor.data.cast(), token: tensor.nb[1], head: tensor.nb[2], stream: tensor.nb[3] }
    }

    fn at<T>(&self, token: usize, head: usize, stream: usize) -> *const T {
        self.data.wrapping_add(token * self.token + head * self.head + stream * self.stream).cast()
    }
}

/// Attention of the queries of all heads, tokens and streams.
pub(super) struct Attention {
    queries: View,
    keys: View,
    values: View,
    /// What is added to the scores of a token at all positions, alike for all heads.
    mask: Option<View>,
    /// The results: of each stream, token and head its floats.
    to: *mut f32,
    /// Numbers of a query, a key and a value.
    width: usize,
    heads: usize,
    /// Heads that share keys and values.
    group: usize,
    tokens: usize,
    streams: usize,
    positions: usize,
    /// Scores are multiplied with it.
    scale: f32,
    /// What scores are bent to stay under; 0: not bent.
    cap: f32,
}

/// How many queries share a widened tile, and how the work is cut.
#[derive(Debug, Clone, Copy)]
struct Plan {
    /// Tokens whose queries share a tile.
    block: usize,
    blocks: usize,
    /// Blocks of all streams and heads of keys.
    units: usize,
    parts: usize,
    /// Whether parts of one block are computed by different threads.
    is_split: bool,
}

/// Rows of results that are not divided yet: of each its greatest score, the sum of its weights, and its floats.
#[derive(Clone, Copy)]
struct Rows {
    /// The scores, then the sums.
    heads: *mut [f32; 2],
    floats: *mut f32,
    width: usize,
}

impl Rows {
    const fn floats(rows: usize, width: usize) -> usize {
        rows * (width + 2)
    }

    /// # Safety
    /// At `place` there is room for so many rows.
    unsafe fn at(place: *mut f32, rows: usize, width: usize) -> Self {
        // SAFETY: as the caller promises.
        Self { heads: place.cast(), floats: unsafe { place.add(2 * rows) }, width }
    }

    fn head(&self, row: usize) -> *mut [f32; 2] {
        self.heads.wrapping_add(row)
    }

    fn row(&self, row: usize) -> *mut f32 {
        self.floats.wrapping_add(row * self.width)
    }

    /// Empties the first rows.
    unsafe fn clear(&self, rows: usize) {
        for row in 0..rows {
            // SAFETY: as the caller promises.
            unsafe { self.head(row).write([f32::NEG_INFINITY, 0.0]) }
        }
        // SAFETY: as the caller promises.
        unsafe { self.floats.write_bytes(0, rows * self.width) }
    }
}

/// What a thread works with.
struct Desk {
    keys: *mut f32,
    values: *mut f32,
    part: Rows,
    whole: Rows,
}

impl Attention {
    /// What a step of a graph attends to, where it is one that is computed here.
    ///
    /// # Safety
    /// The step and what goes into it are alive and not written to.
    pub(super) unsafe fn of(step: *const sys::ggml_tensor) -> Option<Self> {
        // SAFETY: see above; steps of attention have three sources and may have more.
        let (step, queries, keys, values, mask) = unsafe {
            let step = step.as_ref()?;
            if step.op != sys::GGML_OP_FLASH_ATTN_EXT || !step.src[4].is_null() {
                return None;
            }
            (step, step.src[0].as_ref()?, step.src[1].as_ref()?, step.src[2].as_ref()?, step.src[3].as_ref())
        };
        let [scale, bias, cap] = [0, 1, 2].map(|at: usize| f32::from_bits(step.op_params[at] as u32));
        let is_half = |tensor: &sys::ggml_tensor| tensor.type_ == sys::GGML_TYPE_F16 && tensor.nb[0] == 2;
        let is_float = |tensor: &sys::ggml_tensor| tensor.type_ == sys::GGML_TYPE_F32 && tensor.nb[0] == 4;
        let [width, tokens, heads, streams] = queries.ne;
        let is_ours = is_half(keys)
            && is_half(values)
            && is_float(queries)
            && is_float(step)
            && width % (4 * LANES as i64) == 0
            && keys.ne == [width, keys.ne[1], keys.ne[2], streams]
            && values.ne == keys.ne
            && keys.ne[1] > 0
            && keys.ne[2] > 0
            && heads > 0
            && heads % keys.ne[2] == 0
            && step.nb[1] == 4 * width as usize
            // Positions weigh as they are, as the mask says.
            && bias == 0.0
            && mask.is_none_or(|mask| {
                let is_whole = mask.ne[0] >= keys.ne[1] && mask.ne[1] >= tokens;
                is_half(mask) && is_whole && mask.ne[2] == 1 && mask.ne[3] == streams
            });
        is_ours.then(|| Self {
            queries: View::of(queries),
            keys: View::of(keys),
            values: View::of(values),
            mask: mask.map(View::of),
            to: step.data.cast(),
            width: width as usize,
            heads: heads as usize,
            group: (heads / keys.ne[2]) as usize,
            tokens: tokens as usize,
            streams: streams as usize,
            positions: keys.ne[1] as usize,
            scale: if cap == 0.0 { scale } else { scale / cap },
            cap,
        })
    }

    fn plan(&self, threads: usize) -> Plan {
        let block = (ROWS / self.group).clamp(1, self.tokens.max(1));
        let blocks = self.tokens.div_ceil(block);
        let units = self.streams * (self.heads / self.group) * blocks;
        let parts = self.positions.div_ceil(PART);
        let kept = 4 * units * parts * Rows::floats(block * self.group, self.width);
        Plan { block, blocks, units, parts, is_split: parts > 1 && units < 4 * threads && kept <= SPLIT_MOST }
    }

    /// Floats that a thread works with.
    fn desk(&self, plan: Plan) -> usize {
        let rows = Rows::floats(plan.block * self.group, self.width);
        (2 * TILE * self.width + 2 * rows).next_multiple_of(LINE / 4)
    }

    /// Bytes of room for so many threads.
    pub(super) fn room(&self, threads: usize) -> usize {
        let plan = self.plan(threads);
        let split = if plan.is_split { plan.units * plan.parts } else { 0 };
        let parts = split * Rows::floats(plan.block * self.group, self.width);
        4 * (self.desk(plan) * threads + parts) + LINE
    }

    /// Does a thread's part.
    ///
    /// # Safety
    /// All threads of the pool call it with the same step, and with room of as many bytes as [`Self::room`] says;
    /// [`can`](super::can).
    pub(super) unsafe fn compute(&self, by: &Parameters) {
        let (thread, threads) = (by.thread as usize, by.threads as usize);
        debug_assert!(self.room(threads) <= by.room_bytes);
        let plan = self.plan(threads);
        let (rows, width) = (plan.block * self.group, self.width);
        let room = by.room.cast::<u8>();
        let room = room.wrapping_add(room.align_offset(LINE)).cast::<f32>();
        let of_rows = Rows::floats(rows, width);
        let desk_floats = self.desk(plan);
        // SAFETY: the room is as large as was asked for; each thread has a desk of its own, and writes the results of its own
        // units, or of its own parts, which are merged after all have been computed.
        unsafe {
            let mine = room.add(thread * desk_floats);
            let desk = Desk {
                keys: mine,
                values: mine.add(TILE * width),
                part: Rows::at(mine.add(2 * TILE * width), rows, width),
                whole: Rows::at(mine.add(2 * TILE * width + of_rows), rows, width),
            };
            let kept = |unit: usize, part: usize| {
                Rows::at(room.add(threads * desk_floats + (unit * plan.parts + part) * of_rows), rows, width)
            };
            if !plan.is_split {
                share(by, plan.units, |unit| {
                    let rows = self.rows(plan, unit);
                    desk.whole.clear(rows);
                    for part in 0..plan.parts {
                        self.attend(plan, unit, part, &desk, desk.part);
                        merge(desk.part, desk.whole, rows);
                    }
                    self.finish(plan, unit, desk.whole);
                });
                return;
            }
            share(by, plan.units * plan.parts, |at| {
                let (unit, part) = (at / plan.parts, at % plan.parts);
                self.attend(plan, unit, part, &desk, kept(unit, part));
            });
            super::ggml_barrier(by.pool);
            for unit in (thread..plan.units).step_by(threads) {
                let rows = self.rows(plan, unit);
                desk.whole.clear(rows);
                for part in 0..plan.parts {
                    merge(kept(unit, part), desk.whole, rows);
                }
                self.finish(plan, unit, desk.whole);
            }
        }
    }

    /// A unit's stream, head of keys and tokens.
    fn unit(&self, plan: Plan, unit: usize) -> (usize, usize, std::ops::Range<usize>) {
        let first = unit % plan.blocks * plan.block;
        let head = unit / plan.blocks % (self.heads / self.group);
        let stream = unit / plan.blocks / (self.heads / self.group);
        (stream, head, first..(first + plan.block).min(self.tokens))
    }

    /// How many queries a unit has.
    fn rows(&self, plan: Plan, unit: usize) -> usize {
        self.unit(plan, unit).2.len() * self.group
    }

    /// What a unit's queries find in a part of the positions.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn attend(&self, plan: Plan, unit: usize, part: usize, desk: &Desk, to: Rows) {
        let (stream, head, tokens) = self.unit(plan, unit);
        let end = ((part + 1) * PART).min(self.positions);
        // SAFETY: as the caller promises.
        unsafe {
            to.clear(self.rows(plan, unit));
            for first in (part * PART..end).step_by(TILE) {
                let count = TILE.min(end - first);
                let mut is_widened = false;
                for token in tokens.clone() {
                    let Some(bias) = self.bias(stream, token, first, count) else { continue };
                    if !is_widened {
                        self.widen(self.keys, (first, count), (head, stream), desk.keys);
                        self.widen(self.values, (first, count), (head, stream), desk.values);
                        is_widened = true;
                    }
                    for at in 0..self.group {
                        let query = self.queries.at(token, head * self.group + at, stream);
                        self.add(query, bias, desk, to, (token - tokens.start) * self.group + at);
                    }
                }
            }
        }
    }

    /// What is added to a token's scores of a tile; `None` where it sees nothing of it.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn bias(&self, stream: usize, token: usize, first: usize, count: usize) -> Option<[__m256; 4]> {
        let mut numbers = [MASKED; TILE];
        let place = match &self.mask {
            Some(mask) if count == TILE => mask.at::<u16>(token, 0, stream).wrapping_add(first),
            Some(mask) => {
                let from = mask.at::<u16>(token, 0, stream).wrapping_add(first);
                // SAFETY: as the caller promises.
                unsafe { numbers.as_mut_ptr().copy_from_nonoverlapping(from, count) }
                numbers.as_ptr()
            }
            None => {
                numbers[..count].fill(0);
                numbers.as_ptr()
            }
        };
        // SAFETY: as the caller promises.
        unsafe {
            let halves: [__m256i; 2] = [_mm256_loadu_si256(place.cast()), _mm256_loadu_si256(place.add(16).cast())];
            let masked = halves.map(|half| _mm256_cmpeq_epi16(half, _mm256_set1_epi16(MASKED as i16)));
            if _mm256_movemask_epi8(_mm256_and_si256(masked[0], masked[1])) == -1 {
                return None;
            }
            let wide = |at: usize| _mm256_cvtph_ps(_mm_loadu_si128(place.add(LANES * at).cast()));
            Some([wide(0), wide(1), wide(2), wide(3)])
        }
    }

    /// Widens a tile's keys or values; what is not there is zero.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn widen(&self, from: View, (first, count): (usize, usize), (head, stream): (usize, usize), to: *mut f32) {
        for at in 0..TILE {
            // SAFETY: as the caller promises.
            unsafe {
                let place = to.add(at * self.width);
                if at >= count {
                    place.write_bytes(0, self.width);
                    continue;
                }
                let halves: *const u16 = from.at(first + at, head, stream);
                for number in (0..self.width).step_by(LANES) {
                    let wide = _mm256_cvtph_ps(_mm_loadu_si128(halves.add(number).cast()));
                    _mm256_storeu_ps(place.add(number), wide);
                }
            }
        }
    }

    /// Adds what a query finds in a tile to its row.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn add(&self, query: *const f32, bias: [__m256; 4], desk: &Desk, to: Rows, row: usize) {
        let width = self.width;
        // SAFETY: as the caller promises.
        unsafe {
            let mut scores = [_mm256_setzero_ps(); 4];
            for (at, score) in scores.iter_mut().enumerate() {
                let keys = desk.keys.add(at * LANES * width);
                let mut sums = [_mm256_setzero_ps(); LANES];
                for number in (0..width).step_by(LANES) {
                    let part = _mm256_loadu_ps(query.add(number));
                    for (key, sum) in sums.iter_mut().enumerate() {
                        *sum = _mm256_fmadd_ps(part, _mm256_loadu_ps(keys.add(key * width + number)), *sum);
                    }
                }
                *score = _mm256_mul_ps(across(sums), _mm256_set1_ps(self.scale));
                if self.cap != 0.0 {
                    *score = bent(*score, self.cap);
                }
                // What is masked is not there, be it no number.
                let is_masked = _mm256_cmp_ps::<_CMP_EQ_OQ>(bias[at], _mm256_set1_ps(f32::NEG_INFINITY));
                *score = _mm256_blendv_ps(_mm256_add_ps(*score, bias[at]), bias[at], is_masked);
            }
            let most = _mm256_max_ps(_mm256_max_ps(scores[0], scores[1]), _mm256_max_ps(scores[2], scores[3]));
            let [before, sum] = to.head(row).read();
            let most = greatest(most).max(before);
            let fade = single_exp(before - most);
            let most_everywhere = _mm256_set1_ps(most);
            let weights = scores.map(|score| exp(_mm256_sub_ps(score, most_everywhere)));
            let all = _mm256_add_ps(_mm256_add_ps(weights[0], weights[1]), _mm256_add_ps(weights[2], weights[3]));
            to.head(row).write([most, sum * fade + total(all)]);
            let mut weight = [0.0f32; TILE];
            for (at, weights) in weights.into_iter().enumerate() {
                _mm256_storeu_ps(weight.as_mut_ptr().add(at * LANES), weights);
            }
            let mut number = 0;
            while number + 8 * LANES <= width {
                values::<8>(&weight, desk.values.add(number), width, to.row(row).add(number), fade);
                number += 8 * LANES;
            }
            if number < width {
                values::<4>(&weight, desk.values.add(number), width, to.row(row).add(number), fade);
            }
        }
    }

    /// Divides a unit's rows and puts them where results go.
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn finish(&self, plan: Plan, unit: usize, from: Rows) {
        let (stream, head, tokens) = self.unit(plan, unit);
        for (at, token) in tokens.enumerate() {
            for of_group in 0..self.group {
                let row = at * self.group + of_group;
                let place = (stream * self.tokens + token) * self.heads + head * self.group + of_group;
                // SAFETY: as the caller promises.
                unsafe {
                    let [_, sum] = from.head(row).read();
                    let scale = _mm256_set1_ps(if sum == 0.0 { 0.0 } else { 1.0 / sum });
                    let to = self.to.add(place * self.width);
                    for number in (0..self.width).step_by(LANES) {
                        let floats = _mm256_loadu_ps(from.row(row).add(number));
                        _mm256_storeu_ps(to.add(number), _mm256_mul_ps(floats, scale));
                    }
                }
            }
        }
    }
}

/// Fades `8 * N` numbers of a row, and adds a tile's values by their weights.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn values<const N: usize>(weights: &[f32; TILE], values: *const f32, width: usize, to: *mut f32, fade: f32) {
    // SAFETY: as the caller promises.
    unsafe {
        let fade = _mm256_set1_ps(fade);
        let mut sums: [__m256; N] = std::array::from_fn(|at| _mm256_mul_ps(_mm256_loadu_ps(to.add(at * LANES)), fade));
        for (at, weight) in weights.iter().enumerate() {
            let weight = _mm256_set1_ps(*weight);
            for (part, sum) in sums.iter_mut().enumerate() {
                *sum = _mm256_fmadd_ps(weight, _mm256_loadu_ps(values.add(at * width + part * LANES)), *sum);
            }
        }
        for (at, sum) in sums.into_iter().enumerate() {
            _mm256_storeu_ps(to.add(at * LANES), sum);
        }
    }
}

/// Merges rows of a later part into those of the parts before it.
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn merge(part: Rows, whole: Rows, rows: usize) {
    for row in 0..rows {
        // SAFETY: as the caller promises.
        unsafe {
            let ([score, sum], [before, all]) = (part.head(row).read(), whole.head(row).read());
            if sum == 0.0 {
                continue;
            }
            let most = score.max(before);
            let (old, new) = (single_exp(before - most), single_exp(score - most));
            whole.head(row).write([most, all * old + sum * new]);
            let (old, new) = (_mm256_set1_ps(old), _mm256_set1_ps(new));
            for number in (0..whole.width).step_by(LANES) {
                let to = whole.row(row).add(number);
                let added = _mm256_mul_ps(_mm256_loadu_ps(part.row(row).add(number)), new);
                _mm256_storeu_ps(to, _mm256_fmadd_ps(_mm256_loadu_ps(to), old, added));
            }
        }
    }
}

/// The sum of each register, side by side.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn across(sums: [__m256; LANES]) -> __m256 {
    let pair = |a: usize| _mm256_hadd_ps(sums[a], sums[a + 1]);
    let (low, high) = (_mm256_hadd_ps(pair(0), pair(2)), _mm256_hadd_ps(pair(4), pair(6)));
    _mm256_add_ps(_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn greatest(numbers: __m256) -> f32 {
    let four = _mm_max_ps(_mm256_extractf128_ps::<1>(numbers), _mm256_castps256_ps128(numbers));
    let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn total(numbers: __m256) -> f32 {
    let four = _mm_add_ps(_mm256_extractf128_ps::<1>(numbers), _mm256_castps256_ps128(numbers));
    let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
}

/// `e` to the power of numbers of at most 0, by their parts of 2's powers and a Taylor series of what is left, to about 1e-7 of
/// them; what is under the smallest normal float is 0.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn exp(numbers: __m256) -> __m256 {
    /// The natural logarithm of 2, of which the first part has few digits, so that its multiples are exact.
    const LN_2: (f32, f32) = (0.693_359_4, -2.121_944_4e-4);
    const LEAST: f32 = -87.0;
    let least = _mm256_set1_ps(LEAST);
    // Where either is no number, the second one is taken: what is none stays none.
    let x = _mm256_max_ps(least, numbers);
    let whole = _mm256_mul_ps(x, _mm256_set1_ps(std::f32::consts::LOG2_E));
    let whole = _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(whole);
    let rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(LN_2.0), x);
    let rest = _mm256_fnmadd_ps(whole, _mm256_set1_ps(LN_2.1), rest);
    let mut sum = _mm256_set1_ps(1.0 / 720.0);
    for coefficient in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        sum = _mm256_fmadd_ps(sum, rest, _mm256_set1_ps(coefficient));
    }
    let power = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(whole), _mm256_set1_epi32(127)));
    let power = _mm256_mul_ps(sum, _mm256_castsi256_ps(power));
    _mm256_and_ps(power, _mm256_cmp_ps::<_CMP_NLT_UQ>(numbers, least))
}

/// The same of a single number.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn single_exp(number: f32) -> f32 {
    _mm256_cvtss_f32(exp(_mm256_set1_ps(number)))
}

/// Scores bent to stay under the cap: `cap * tanh(score)`.
#[target_feature(enable = "avx2,fma,f16c")]
fn bent(scores: __m256, cap: f32) -> __m256 {
    let mut numbers = [0.0f32; LANES];
    // SAFETY: there is room for eight floats.
    unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), scores) }
    let numbers = numbers.map(|score| cap * score.tanh());
    // SAFETY: there are eight floats.
    unsafe { _mm256_loadu_ps(numbers.as_ptr()) }
}
