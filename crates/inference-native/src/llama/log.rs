//! llama.cpp's log, sent to `tracing`.
//!
//! What it calls errors and warnings is of use only to who looks for a fault: what matters of them becomes an error of ours.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};

use llama_cpp_sys_2 as sys;

thread_local! {
    /// The level of the line that the thread is writing: what continues a line has the level of its beginning.
    static LEVEL: Cell<sys::ggml_log_level> = const { Cell::new(sys::GGML_LOG_LEVEL_INFO) };
    /// The first error of the thread since it was last taken.
    static ERROR: RefCell<Option<String>> = const { RefCell::new(None) };
}

pub(super) fn send_to_tracing() {
    // SAFETY: the callback is a function, needs no data and may be called by any thread.
    unsafe { sys::llama_log_set(Some(receive), std::ptr::null_mut()) }
}

/// The first error that llama.cpp told on this thread since the last call.
pub(super) fn take_error() -> Option<String> {
    ERROR.take()
}

unsafe extern "C" fn receive(level: sys::ggml_log_level, text: *const c_char, _: *mut c_void) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp gives a text that ends with a zero and lives as long as the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    let level = if level == sys::GGML_LOG_LEVEL_CONT { LEVEL.get() } else { level };
    LEVEL.set(level);
    if text.trim_matches('.').is_empty() {
        return;
    }
    if level == sys::GGML_LOG_LEVEL_ERROR {
        // Without the name of the function that tells it.
        let message = text.split_once(": ").map_or(text, |(_, message)| message);
        ERROR.with_borrow_mut(|error| _ = error.get_or_insert_with(|| message.to_owned()));
    }
    tracing::debug!(target: "llama.cpp", level, "{text}");
}
