//! How fast ggml multiplies on this machine, by the format of the weights: as the engine does it, without one.

use std::time::Instant;

use checkpoint::ElementType;
use inference::Rate;
use llama_cpp_sys_2 as sys;

/// Numbers of a row of the weights: whole blocks of every format.
const WIDTH: u64 = 2048;
/// The bytes of weights that are read for one row: more than caches hold, where they are not large.
const READ: u64 = 64 << 20;
/// Rows of the weights that a chunk is multiplied with.
const ROWS: u64 = 1024;
/// Rows of a chunk, as prompts are read.
const CHUNK: u64 = 512;
/// Steps of the graph by which the cost of a step is told.
const STEPS: u64 = 400;
/// The best of so many counts: what else the machine does only makes it slower.
const REPEATS: usize = 4;

/// The speed with weights of this format on so many threads; none where ggml does not know it, or there is no memory.
/// Blocks for up to a second.
pub(crate) fn rate(format: &str, threads: u32) -> Option<Rate> {
    let kind = (0..64).filter_map(ElementType::of).find(|kind| kind.name == format)?;
    if kind.block > WIDTH || !WIDTH.is_multiple_of(kind.block) {
        return None;
    }
    let row = WIDTH / kind.block * kind.bytes;
    let rows = (READ / row).max(1);
    let alone = Multiplication { kind: kind.number, rows, row, columns: 1, times: 1 }.seconds(threads)?;
    let chunk = Multiplication { kind: kind.number, rows: ROWS, row, columns: CHUNK, times: 1 }.seconds(threads)?;
    Some(Rate {
        format: format.to_owned(),
        bytes_per_second: (rows * row) as f64 / alone.max(1e-9),
        numbers_per_second: (ROWS * WIDTH * CHUNK) as f64 / chunk.max(1e-9),
    })
}

/// What a step of a graph costs beside its work, in seconds: the threads wait for each other.
pub(crate) fn step_seconds(threads: u32) -> Option<f64> {
    let row = WIDTH * 4;
    let whole = Multiplication { kind: sys::GGML_TYPE_F32, rows: 4, row, columns: 1, times: STEPS }.seconds(threads)?;
    Some(whole / STEPS as f64)
}

/// A product of weights with the rows of a batch, so many times.
struct Multiplication {
    kind: u32,
    /// Rows of the weights.
    rows: u64,
    /// Bytes of each.
    row: u64,
    columns: u64,
    times: u64,
}

impl Multiplication {
    /// How long the fastest of some takes.
    fn seconds(&self, threads: u32) -> Option<f64> {
        super::ready();
        let threads = i32::try_from(threads.max(1)).ok()?;
        let product = self.rows * self.columns * 4;
        let batch = WIDTH * self.columns * 4;
        // The work space holds the batch packed like the weights, which is no larger than as floats.
        let room = self.rows * self.row + 2 * batch + product * self.times + (8 << 20);
        let parameters = sys::ggml_init_params {
            mem_size: usize::try_from(room).ok()?,
            mem_buffer: std::ptr::null_mut(),
            no_alloc: false,
        };
        // SAFETY: the context lives until it is freed below; everything made in it is freed with it.
        let context = unsafe { sys::ggml_init(parameters) };
        if context.is_null() {
            return None;
        }
        let seconds = self.compute(context, threads);
        // SAFETY: made above, freed once, and nothing of it is used any more.
        unsafe { sys::ggml_free(context) };
        seconds
    }

    fn compute(&self, context: *mut sys::ggml_context, threads: i32) -> Option<f64> {
        let (width, rows, columns) = (WIDTH as i64, i64::try_from(self.rows).ok()?, self.columns as i64);
        // SAFETY: the context has room for the weights, the batch, the products and the graph, as it was made for them;
        // widths are whole blocks; each tensor's memory is as large as ggml says.
        unsafe {
            let weights = sys::ggml_new_tensor_2d(context, self.kind, width, rows);
            let batch = sys::ggml_new_tensor_2d(context, sys::GGML_TYPE_F32, width, columns);
            for tensor in [weights, batch] {
                let (data, bytes) = (sys::ggml_get_data(tensor), sys::ggml_nbytes(tensor));
                if data.is_null() {
                    return None;
                }
                // Any numbers do, as long as each page is a page of its own: these are small and finite in every format.
                std::ptr::write_bytes(data.cast::<u8>(), 0x11, bytes);
            }
            let graph = sys::ggml_new_graph(context);
            for _ in 0..self.times {
                sys::ggml_build_forward_expand(graph, sys::ggml_mul_mat(context, weights, batch));
            }
            let mut best = f64::INFINITY;
            for _ in 0..REPEATS {
                let started = Instant::now();
                if sys::ggml_graph_compute_with_ctx(context, graph, threads) != sys::GGML_STATUS_SUCCESS {
                    return None;
                }
                best = best.min(started.elapsed().as_secs_f64());
            }
            Some(best)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_format_is_multiplied_at_some_speed() {
        for format in ["F32", "F16", "Q8_0", "Q4_1", "Q4_K", "Q6_K"] {
            let rate = rate(format, 1).unwrap();
            assert!(rate.bytes_per_second > 1e6 && rate.bytes_per_second.is_finite(), "{rate:?}");
            assert!(rate.numbers_per_second > 1e6 && rate.numbers_per_second.is_finite(), "{rate:?}");
        }
        assert!(rate("Q17_X", 1).is_none());
        assert!(step_seconds(1).is_some_and(|seconds| seconds > 0.0 && seconds < 0.1));
    }
}
