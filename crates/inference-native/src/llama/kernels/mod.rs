//! Steps of llama.cpp's graphs that are computed here, by ggml's threads: products with four-bit matrices, and attention.
//!
//! Both give numbers that depend on what they are of alone, however many others are computed with them and by however many
//! threads, and both are faster than what ggml has for weights that stay mapped: see `docs/decisions/017-own-kernels.md`.

mod attention;
mod product;
mod quants;

use std::ffi::{c_int, c_void};

use llama_cpp_sys_2 as sys;

use attention::Attention;
use product::Product;

/// Counts up with each change of what is computed, by a bit of it.
const FORM: u32 = 1;
/// Bytes of a line of a cache.
const LINE: usize = 64;

/// Whether this processor has the instructions.
pub(super) fn can() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// Has ggml ask here from now on, where the processor can. Called once.
///
/// # Safety
/// Nothing computes yet.
pub(super) unsafe fn register() {
    if can() {
        // SAFETY: nothing reads ggml's list meanwhile.
        unsafe { craton_kernels_register() }
    }
}

/// What of it shows in numbers.
pub(super) fn form() -> String {
    if can() { format!("kernels {FORM}") } else { String::new() }
}

/// ggml's `ggml_compute_params`.
#[repr(C)]
struct Parameters {
    thread: c_int,
    threads: c_int,
    room_bytes: usize,
    room: *mut c_void,
    pool: *mut c_void,
    reference: bool,
}

unsafe extern "C" {
    fn craton_kernels_register();
    fn ggml_barrier(pool: *mut c_void);
    fn ggml_threadpool_chunk_set(pool: *mut c_void, value: c_int);
    fn ggml_threadpool_chunk_add(pool: *mut c_void, value: c_int) -> c_int;
}

/// Shares pieces of work among the threads, each of which calls it: whoever is free takes the next one. What each thread wrote
/// before is seen by all in the pieces.
///
/// # Safety
/// All threads of the pool call it with the same number.
unsafe fn share(by: &Parameters, pieces: usize, mut work: impl FnMut(usize)) {
    // SAFETY: the pool is alive while it computes.
    unsafe {
        if by.thread == 0 {
            ggml_threadpool_chunk_set(by.pool, by.threads);
        }
        ggml_barrier(by.pool);
        let mut next = by.thread as usize;
        while next < pieces {
            work(next);
            next = ggml_threadpool_chunk_add(by.pool, 1) as usize;
        }
    }
}

/// A step that is computed here.
enum Step {
    Product(Product),
    Attention(Attention),
}

impl Step {
    /// # Safety
    /// The step and what goes into it are alive and not written to.
    unsafe fn of(step: *const sys::ggml_tensor) -> Option<Self> {
        // SAFETY: see above.
        unsafe { Product::of(step).map(Self::Product).or_else(|| Attention::of(step).map(Self::Attention)) }
    }
}

/// Whether a step of a graph is computed here.
///
/// # Safety
/// The step and what goes into it are alive.
#[unsafe(no_mangle)]
unsafe extern "C" fn craton_kernels_take(step: *const sys::ggml_tensor) -> bool {
    // SAFETY: see above.
    unsafe { Step::of(step) }.is_some()
}

/// The bytes of room that so many threads need.
///
/// # Safety
/// The step and what goes into it are alive.
#[unsafe(no_mangle)]
unsafe extern "C" fn craton_kernels_room(threads: c_int, step: *const sys::ggml_tensor) -> usize {
    let threads = threads.max(1) as usize;
    // SAFETY: see above.
    match unsafe { Step::of(step) } {
        Some(Step::Product(product)) => product.room(threads),
        Some(Step::Attention(attention)) => attention.room(threads),
        None => 0,
    }
}

/// Does a thread's part of a step; `false` where it is not computed here.
///
/// # Safety
/// As ggml calls it: all threads of a pool with the same step, whose room is theirs.
#[unsafe(no_mangle)]
unsafe extern "C" fn craton_kernels_compute(by: *const Parameters, step: *mut sys::ggml_tensor) -> bool {
    // SAFETY: see above.
    unsafe {
        match Step::of(step) {
            Some(Step::Product(product)) => product.compute(&*by),
            Some(Step::Attention(attention)) => attention.compute(&*by),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests;
