//! Files mapped into memory, and dot products with the instructions that the processor has. All `unsafe` of the crate
//! stands here.

#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

#[cfg(test)]
mod tests;

/// A whole file as memory.
#[derive(Debug)]
pub(crate) struct Map(Mmap);

impl Map {
    /// Maps a file that is complete. Its pages are read when they are used.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the mapped bytes must not change while the map lives. Files are mapped only after they are complete;
        // none is written to or cut afterwards, only removed as a whole, which leaves a map intact. The index's lock
        // keeps other processes of this program away. Bytes are only ever read as plain numbers, of which every bit
        // pattern is one, or as text that is checked first.
        unsafe { Mmap::map(&file) }.map(Self)
    }

    /// Lets go of the pages that were read so far: they need no memory of this process until they are read again.
    pub(crate) fn let_go(&mut self) {
        #[cfg(unix)]
        {
            // SAFETY: nothing borrows from the map, which is `&mut`; pages of a file that is only read come back from it as
            // they were.
            let done = unsafe { self.0.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
            if let Err(error) = done {
                tracing::debug!(%error, "the system keeps the pages of a map");
            }
        }
    }
}

impl Deref for Map {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Has the processor fetch what will be read soon, without waiting for it.
#[inline]
pub(crate) fn fetch<T>(row: &[T]) {
    #[cfg(target_arch = "x86_64")]
    {
        const LINE: usize = 64;
        let start = row.as_ptr().cast::<i8>();
        for at in (0..size_of_val(row)).step_by(LINE) {
            // SAFETY: the address lies within the row; fetching changes nothing but the processor's caches.
            unsafe { std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(start.add(at)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = row;
}

/// The dot product of two vectors of one length, summed in an order that depends on the processor's kind alone.
#[inline]
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has AVX2 and FMA, as was just asked.
        return unsafe { x86::dot(a, b) };
    }
    dot_portable(a, b)
}

/// The dot product of two vectors of one length of integers from -127 to 127. Exact up to 130,000 dimensions.
#[inline]
pub(crate) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
    assert_eq!(a.len(), b.len());
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, as was just asked.
        return unsafe { x86::dot_i8(a, b) };
    }
    dot_i8_portable(a, b)
}

fn dot_portable(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (blocks_a, blocks_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = blocks_a.remainder().iter().zip(blocks_b.remainder()).map(|(x, y)| x * y).sum();
    for (block_a, block_b) in blocks_a.zip(blocks_b) {
        for lane in 0..LANES {
            sums[lane] += block_a[lane] * block_b[lane];
        }
    }
    sums.iter().sum::<f32>() + rest
}

fn dot_i8_portable(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(x, y)| i32::from(*x) * i32::from(*y)).sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    /// Four sums of eight lanes each, so that additions need not wait for each other.
    #[target_feature(enable = "avx2,fma")]
    pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [_mm256_setzero_ps(); 4];
        let (blocks_a, blocks_b) = (a.chunks_exact(32), b.chunks_exact(32));
        let rest = super::dot_portable(blocks_a.remainder(), blocks_b.remainder());
        for (block_a, block_b) in blocks_a.zip(blocks_b) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                // SAFETY: both blocks have 32 numbers, and the last load ends at 3 · 8 + 8.
                let (x, y) = unsafe {
                    (_mm256_loadu_ps(block_a.as_ptr().add(lane * 8)), _mm256_loadu_ps(block_b.as_ptr().add(lane * 8)))
                };
                *sum = _mm256_fmadd_ps(x, y, *sum);
            }
        }
        let [p, q, r, s] = sums;
        let eight = _mm256_add_ps(_mm256_add_ps(p, q), _mm256_add_ps(r, s));
        let four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps::<1>(eight));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        let one = _mm_add_ss(two, _mm_shuffle_ps::<1>(two, two));
        _mm_cvtss_f32(one) + rest
    }

    /// Multiplies the sizes of the one's numbers by the other's, which take their signs, adds neighbours into 16 bits, and
    /// these into 32. Of numbers from -127 to 127 two products fit into 16 bits: they are 32,258 at most.
    #[target_feature(enable = "avx2")]
    pub(super) fn dot_i8(a: &[i8], b: &[i8]) -> i32 {
        let ones = _mm256_set1_epi16(1);
        let mut sums = [_mm256_setzero_si256(); 2];
        let (blocks_a, blocks_b) = (a.chunks_exact(64), b.chunks_exact(64));
        let rest = super::dot_i8_portable(blocks_a.remainder(), blocks_b.remainder());
        for (block_a, block_b) in blocks_a.zip(blocks_b) {
            for (lane, sum) in sums.iter_mut().enumerate() {
                // SAFETY: both blocks have 64 bytes, and the last load ends at 32 + 32.
                let (x, y) = unsafe {
                    (
                        _mm256_loadu_si256(block_a.as_ptr().add(lane * 32).cast()),
                        _mm256_loadu_si256(block_b.as_ptr().add(lane * 32).cast()),
                    )
                };
                let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(y, x));
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(pairs, ones));
            }
        }
        let eight = _mm256_add_epi32(sums[0], sums[1]);
        let four = _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256::<1>(eight));
        let two = _mm_add_epi32(four, _mm_shuffle_epi32::<0b00_00_11_10>(four));
        let one = _mm_add_epi32(two, _mm_shuffle_epi32::<1>(two));
        _mm_cvtsi128_si32(one) + rest
    }
}
