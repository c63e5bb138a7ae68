//! Products of matrices of four-bit blocks with rows of floats, eight rows of the matrix side by side, by AVX2.
//!
//! A row of floats is rounded to eight bits in blocks of 32, as ggml does. The products of a block's integers are exact, and
//! their sums are added block by block, so that a number of the result depends on its two rows alone: neither on how many
//! other rows are multiplied with the matrix, nor on the threads.

use std::arch::x86_64::*;

/// Numbers of a block, in the matrix and in the rows.
pub(super) const BLOCK: usize = 32;
/// Rows of the matrix that are computed side by side.
pub(super) const SIDE: usize = 8;
/// Rows of floats that share what was unpacked of the matrix, at most: their sums fill the registers.
const TILE: usize = 6;
/// Rows of floats whose numbers stay in the second cache while rows of the matrix pass by.
const NEAR: usize = 252;

/// How the blocks of a matrix are stored: 32 numbers of four bits, the first 16 in the lower halves of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// A number is `d * (q - 8)`; d in half precision stands before them.
    Q4_0,
    /// A number is `d * q + m`; d and m in half precision stand before them.
    Q4_1,
}

impl Format {
    /// Bytes of a block.
    pub(super) const fn bytes(self) -> usize {
        self.head() + BLOCK / 2
    }

    const fn head(self) -> usize {
        match self {
            Self::Q4_0 => 2,
            Self::Q4_1 => 4,
        }
    }
}

/// A matrix: `rows` of `blocks` blocks, each row `stride` bytes after the one before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix {
    pub(super) format: Format,
    pub(super) data: *const u8,
    pub(super) stride: usize,
    pub(super) rows: usize,
    pub(super) blocks: usize,
}

/// Rows of floats, rounded: of each its numbers, and of each block what one is worth and what all are worth together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rounded {
    numbers: *mut i8,
    worths: *mut [f32; 2],
    blocks: usize,
}

impl Rounded {
    /// Bytes that so many rows take.
    pub(super) const fn bytes(rows: usize, blocks: usize) -> usize {
        rows * blocks * (BLOCK + size_of::<[f32; 2]>())
    }

    /// # Safety
    /// At `place`, which is aligned to 32 bytes, there are as many bytes as the rows take.
    pub(super) unsafe fn at(place: *mut u8, rows: usize, blocks: usize) -> Self {
        let numbers = place.cast();
        // SAFETY: as the caller promises.
        Self { numbers, worths: unsafe { place.add(rows * blocks * BLOCK) }.cast(), blocks }
    }

    fn numbers(self, row: usize, block: usize) -> *mut i8 {
        self.numbers.wrapping_add((row * self.blocks + block) * BLOCK)
    }

    fn worths(self, row: usize, block: usize) -> *mut [f32; 2] {
        self.worths.wrapping_add(row * self.blocks + block)
    }

    /// Rounds blocks of a row.
    ///
    /// # Safety
    /// The row and the block are there, and nobody else writes or reads them; 32 floats stand at `from`; [`can`].
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn round(self, row: usize, block: usize, from: *const f32) {
        // SAFETY: as the caller promises.
        unsafe {
            let floats: [__m256; 4] = std::array::from_fn(|at| _mm256_loadu_ps(from.add(8 * at)));
            let size = |x| _mm256_andnot_ps(_mm256_set1_ps(-0.0), x);
            let most = _mm256_max_ps(
                _mm256_max_ps(size(floats[0]), size(floats[1])),
                _mm256_max_ps(size(floats[2]), size(floats[3])),
            );
            let most = _mm_max_ps(_mm256_extractf128_ps::<1>(most), _mm256_castps256_ps128(most));
            let most = _mm_max_ps(most, _mm_movehl_ps(most, most));
            let most = _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
            let scale = _mm256_set1_ps(if most == 0.0 { 0.0 } else { 127.0 / most });
            let whole: [__m256i; 4] = floats.map(|x| _mm256_cvtps_epi32(_mm256_mul_ps(x, scale)));
            let sum = _mm256_add_epi32(_mm256_add_epi32(whole[0], whole[1]), _mm256_add_epi32(whole[2], whole[3]));
            let sum = _mm_add_epi32(_mm256_extracti128_si256::<1>(sum), _mm256_castsi256_si128(sum));
            let sum = _mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum));
            let sum = _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_shuffle_epi32::<1>(sum)));
            // Packing goes by halves of a register; the permutation puts the numbers into order again.
            let packed =
                _mm256_packs_epi16(_mm256_packs_epi32(whole[0], whole[1]), _mm256_packs_epi32(whole[2], whole[3]));
            let packed = _mm256_permutevar8x32_epi32(packed, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
            _mm256_storeu_si256(self.numbers(row, block).cast(), packed);
            let worth = most / 127.0;
            self.worths(row, block).write([worth, worth * sum as f32]);
        }
    }
}

/// Room for what is unpacked of eight rows of the matrix.
pub(super) struct Panel {
    quants: *mut u8,
    worths: *mut f32,
}

/// Bytes of the quants of eight rows of a block when they are unpacked.
const UNPACKED: usize = SIDE * BLOCK;

impl Panel {
    /// Bytes that it takes; a multiple of 64.
    pub(super) const fn bytes(blocks: usize) -> usize {
        blocks * (UNPACKED + 2 * SIDE * size_of::<f32>())
    }

    /// # Safety
    /// At `place`, which is aligned to 32 bytes, there are as many bytes as it takes.
    pub(super) unsafe fn at(place: *mut u8, blocks: usize) -> Self {
        // SAFETY: as the caller promises.
        Self { quants: place, worths: unsafe { place.add(blocks * UNPACKED) }.cast() }
    }
}

/// A block of eight rows: its quants, four of each row in a register, and of each row what a quant and what zero is worth.
struct Unpacked {
    quants: [__m256i; 8],
    worth: __m256,
    zero: __m256,
}

/// Where the blocks of eight rows come from.
trait Blocks {
    unsafe fn block(&self, block: usize) -> Unpacked;
}

/// As the matrix has them.
struct Stored {
    format: Format,
    rows: [*const u8; SIDE],
    /// Bytes to the rows that come next.
    ahead: usize,
}

impl Stored {
    /// The rows from `row` on; the last one again where there are fewer than eight.
    fn of(matrix: &Matrix, row: usize) -> Self {
        let rows = std::array::from_fn(|at| matrix.data.wrapping_add((row + at).min(matrix.rows - 1) * matrix.stride));
        Self { format: matrix.format, rows, ahead: SIDE * matrix.stride }
    }
}

impl Blocks for Stored {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn block(&self, block: usize) -> Unpacked {
        // SAFETY: as the caller promises.
        unsafe {
            let offset = block * self.format.bytes();
            // Of the next eight rows as many bytes as are read here of these: without it they come too late.
            let ahead = self.rows[0].wrapping_add(self.ahead + SIDE * offset);
            for line in (0..SIDE * self.format.bytes()).step_by(64) {
                _mm_prefetch::<_MM_HINT_T0>(ahead.wrapping_add(line).cast());
            }
            let low = _mm_set1_epi8(15);
            let row = |at: usize| {
                let quants = _mm_loadu_si128(self.rows[at].add(offset + self.format.head()).cast());
                let high = _mm_and_si128(_mm_srli_epi16::<4>(quants), low);
                _mm256_set_m128i(high, _mm_and_si128(quants, low))
            };
            let r: [__m256i; 8] = std::array::from_fn(row);
            // Four quants of a row are a number of 32 bits, and these are transposed.
            let pairs = [
                _mm256_unpacklo_epi32(r[0], r[1]),
                _mm256_unpackhi_epi32(r[0], r[1]),
                _mm256_unpacklo_epi32(r[2], r[3]),
                _mm256_unpackhi_epi32(r[2], r[3]),
                _mm256_unpacklo_epi32(r[4], r[5]),
                _mm256_unpackhi_epi32(r[4], r[5]),
                _mm256_unpacklo_epi32(r[6], r[7]),
                _mm256_unpackhi_epi32(r[6], r[7]),
            ];
            let fours = |a: usize, b: usize| {
                (_mm256_unpacklo_epi64(pairs[a], pairs[b]), _mm256_unpackhi_epi64(pairs[a], pairs[b]))
            };
            let ((a0, a1), (a2, a3)) = (fours(0, 2), fours(1, 3));
            let ((b0, b1), (b2, b3)) = (fours(4, 6), fours(5, 7));
            let quants = [
                _mm256_permute2x128_si256::<0x20>(a0, b0),
                _mm256_permute2x128_si256::<0x20>(a1, b1),
                _mm256_permute2x128_si256::<0x20>(a2, b2),
                _mm256_permute2x128_si256::<0x20>(a3, b3),
                _mm256_permute2x128_si256::<0x31>(a0, b0),
                _mm256_permute2x128_si256::<0x31>(a1, b1),
                _mm256_permute2x128_si256::<0x31>(a2, b2),
                _mm256_permute2x128_si256::<0x31>(a3, b3),
            ];
            let head = |at: usize| self.rows[at].add(offset).cast::<u32>().read_unaligned() as i32;
            let heads = _mm256_setr_epi32(head(0), head(1), head(2), head(3), head(4), head(5), head(6), head(7));
            let halves = |numbers: __m256i| {
                let packed = _mm256_packus_epi32(numbers, numbers);
                _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b1000>(packed)))
            };
            let worth = halves(_mm256_and_si256(heads, _mm256_set1_epi32(0xffff)));
            let zero = match self.format {
                Format::Q4_0 => _mm256_mul_ps(worth, _mm256_set1_ps(-8.0)),
                Format::Q4_1 => halves(_mm256_srli_epi32::<16>(heads)),
            };
            Unpacked { quants, worth, zero }
        }
    }
}

impl Blocks for Panel {
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn block(&self, block: usize) -> Unpacked {
        // SAFETY: as the caller promises.
        unsafe {
            let place: *const __m256i = self.quants.add(block * UNPACKED).cast();
            let worths = self.worths.add(block * 2 * SIDE);
            Unpacked {
                quants: std::array::from_fn(|at| _mm256_loadu_si256(place.add(at))),
                worth: _mm256_loadu_ps(worths),
                zero: _mm256_loadu_ps(worths.add(SIDE)),
            }
        }
    }
}

impl Panel {
    #[target_feature(enable = "avx2,fma,f16c")]
    unsafe fn fill(&mut self, from: &Stored, blocks: usize) {
        for block in 0..blocks {
            // SAFETY: as the caller promises.
            unsafe {
                let unpacked = from.block(block);
                let place: *mut __m256i = self.quants.add(block * UNPACKED).cast();
                for (at, quants) in unpacked.quants.into_iter().enumerate() {
                    _mm256_storeu_si256(place.add(at), quants);
                }
                let worths = self.worths.add(block * 2 * SIDE);
                _mm256_storeu_ps(worths, unpacked.worth);
                _mm256_storeu_ps(worths.add(SIDE), unpacked.zero);
            }
        }
    }
}

/// Where results go: the first rows' products with a row of floats stand side by side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Products {
    pub(super) data: *mut f32,
    /// Floats from those of one row of floats to those of the next.
    pub(super) stride: usize,
}

/// The products of rows `of` the matrix, which begin at a multiple of eight, with the first `count` rounded rows.
///
/// # Safety
/// The matrix, the rounded rows, the panel and the products are as large as they say; nobody writes the first two, nor anything
/// to what the others hold of these rows; [`can`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) unsafe fn multiply(
    matrix: &Matrix,
    of: std::ops::Range<usize>,
    (rounded, count): (Rounded, usize),
    panel: &mut Panel,
    to: Products,
) {
    for near in (0..count).step_by(NEAR) {
        let end = (near + NEAR).min(count);
        for row in of.clone().step_by(SIDE) {
            let stored = Stored::of(matrix, row);
            let place = (row, SIDE.min(matrix.rows - row));
            // SAFETY: as the caller promises.
            unsafe {
                if end - near <= TILE {
                    tiles(&stored, near..end, rounded, place, to);
                } else {
                    panel.fill(&stored, matrix.blocks);
                    tiles(&*panel, near..end, rounded, place, to);
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tiles(
    blocks: &impl Blocks,
    columns: std::ops::Range<usize>,
    rounded: Rounded,
    place: (usize, usize),
    to: Products,
) {
    let mut first = columns.start;
    // SAFETY: as the caller promises.
    unsafe {
        while first < columns.end {
            match columns.end - first {
                1 => tile::<1>(blocks, first, rounded, place, to),
                2 => tile::<2>(blocks, first, rounded, place, to),
                3 => tile::<3>(blocks, first, rounded, place, to),
                4 => tile::<4>(blocks, first, rounded, place, to),
                5 => tile::<5>(blocks, first, rounded, place, to),
                _ => tile::<TILE>(blocks, first, rounded, place, to),
            }
            first += TILE;
        }
    }
}

/// The products of eight rows of the matrix with `N` rows of floats.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const N: usize>(
    blocks: &impl Blocks,
    first: usize,
    rounded: Rounded,
    (row, rows): (usize, usize),
    to: Products,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let numbers: [*const i8; N] = std::array::from_fn(|at| rounded.numbers(first + at, 0).cast_const());
        let worths: [*const [f32; 2]; N] = std::array::from_fn(|at| rounded.worths(first + at, 0).cast_const());
        let mut sums = [_mm256_setzero_ps(); N];
        for block in 0..rounded.blocks {
            let unpacked = blocks.block(block);
            // Eight sums of two products of at most 15 * 128 stay within 16 bits.
            let mut short = [_mm256_setzero_si256(); N];
            for (at, quants) in unpacked.quants.into_iter().enumerate() {
                for column in 0..N {
                    let four = numbers[column].add(block * BLOCK + 4 * at).cast::<i32>().read_unaligned();
                    let products = _mm256_maddubs_epi16(quants, _mm256_set1_epi32(four));
                    short[column] = _mm256_add_epi16(short[column], products);
                }
            }
            for column in 0..N {
                let [worth, all] = *worths[column].add(block);
                let whole = _mm256_cvtepi32_ps(_mm256_madd_epi16(short[column], _mm256_set1_epi16(1)));
                let worth = _mm256_mul_ps(unpacked.worth, _mm256_set1_ps(worth));
                sums[column] = _mm256_fmadd_ps(worth, whole, sums[column]);
                sums[column] = _mm256_fmadd_ps(unpacked.zero, _mm256_set1_ps(all), sums[column]);
            }
        }
        for (column, sum) in sums.into_iter().enumerate() {
            let place = to.data.add((first + column) * to.stride + row);
            if rows == SIDE {
                _mm256_storeu_ps(place, sum);
            } else {
                let mut all = [0.0f32; SIDE];
                _mm256_storeu_ps(all.as_mut_ptr(), sum);
                place.copy_from_nonoverlapping(all.as_ptr(), rows);
            }
        }
    }
}
