//! llama.cpp's C interface, made safe, and our kernels: the only code with `unsafe`.

#![allow(unsafe_code)]

mod context;
#[cfg(target_arch = "x86_64")]
mod kernels;
mod log;
mod model;
mod pool;
mod probe;
mod quantize;
mod rates;

use std::ffi::CStr;
use std::sync::{Once, OnceLock};

use inference::{Facts, Shape};
use llama_cpp_sys_2 as sys;

pub(crate) use context::{Context, Parameters, Stop};
pub(crate) use model::{HAS_GPU, Model};
pub(crate) use pool::Pool;
pub(crate) use quantize::{pack, unpack};
pub(crate) use rates::speeds;

/// Readies llama.cpp's process-wide state at the first use; its log goes to `tracing`.
fn ready() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        log::send_to_tracing();
        // SAFETY: called once, before any other function of llama.cpp but the setting of its log.
        unsafe { sys::llama_backend_init() }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: nothing computes before this ends.
        unsafe {
            kernels::register();
        }
    });
}

/// The version of the binding, which brings llama.cpp with it: another one may write sequences down, and round, otherwise.
pub(crate) const VERSION: &str = "0.1.161";

/// Bytes of a number in half precision.
const HALF: u64 = 2;
/// Architectures whose attention in one pass is all of the kind that [`kernels`] compute.
const ATTENDED: [&str; 7] = ["gemma", "gemma2", "gemma3", "llama", "phi3", "qwen2", "qwen3"];

/// Whether attention in one pass, over caches in half precision, is computed by our kernels, whose numbers do not depend on
/// the threads.
pub(crate) fn attends(facts: &Facts) -> bool {
    #[cfg(target_arch = "x86_64")]
    let can = kernels::can();
    #[cfg(not(target_arch = "x86_64"))]
    let can = false;
    let Shape { kv_heads, head_size, layers, .. } = facts.shape;
    // Keys and values of heads of one width, in all layers.
    let of_heads = u64::from(kv_heads) * 2 * u64::from(head_size) * u64::from(layers) * HALF;
    can && head_size > 0
        && head_size.is_multiple_of(32)
        && facts.cache_bytes_per_token == of_heads
        && ATTENDED.contains(&facts.architecture.as_str())
}

/// The number of GPUs that llama.cpp sees.
#[cfg(test)]
pub(crate) fn gpus() -> usize {
    ready();
    // SAFETY: the devices are as many as llama.cpp says, and stay.
    let is_gpu = |at: &usize| unsafe {
        sys::ggml_backend_dev_type(sys::ggml_backend_dev_get(*at)) == sys::GGML_BACKEND_DEVICE_TYPE_GPU
    };
    // SAFETY: returns a number.
    (0..unsafe { sys::ggml_backend_dev_count() }).filter(is_gpu).count()
}

/// The instructions and devices that are computed with on this machine, and in which way.
pub(crate) fn machine() -> &'static str {
    static MACHINE: OnceLock<String> = OnceLock::new();
    MACHINE.get_or_init(|| {
        ready();
        // SAFETY: gives a text that ends with a zero and stays until the function is called again, which nobody does.
        let text = unsafe { CStr::from_ptr(sys::llama_print_system_info()) };
        let text = text.to_string_lossy().into_owned();
        #[cfg(target_arch = "x86_64")]
        let text = text + &kernels::form();
        text
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_that_of_the_binding_which_is_built() {
        let locked = include_str!("../../../../Cargo.lock");
        assert!(locked.contains(&format!("name = \"llama-cpp-sys-2\"\nversion = \"{}\"", super::VERSION)));
    }
}
