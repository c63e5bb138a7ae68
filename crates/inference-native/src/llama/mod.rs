//! llama.cpp's C interface, made safe: the only code with `unsafe`.

#![allow(unsafe_code)]

mod context;
mod log;
mod model;
mod quantize;

use std::sync::Once;

use llama_cpp_sys_2 as sys;

pub(crate) use context::{Context, Parameters, Stop};
pub(crate) use model::{HAS_GPU, Model};
pub(crate) use quantize::{pack, unpack};

/// Readies llama.cpp's process-wide state at the first use; its log goes to `tracing`.
fn ready() {
    static READY: Once = Once::new();
    READY.call_once(|| {
        log::send_to_tracing();
        // SAFETY: called once, before any other function of llama.cpp but the setting of its log.
        unsafe { sys::llama_backend_init() }
    });
}
