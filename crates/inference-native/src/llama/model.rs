//! A loaded model and its vocabulary.

use std::ffi::{CStr, CString, c_char};
use std::path::Path;
use std::ptr::NonNull;

use inference::{LoadOptions, MOST_SHARES, Split};
use llama_cpp_sys_2 as sys;

use super::log;

/// Whether the build computes on GPUs. llama.cpp refuses to be told of GPUs where there are none.
pub(crate) const HAS_GPU: bool = cfg!(any(feature = "cuda", feature = "metal", feature = "vulkan"));

const fn split_mode(split: Split) -> sys::llama_split_mode {
    match split {
        Split::None => sys::LLAMA_SPLIT_MODE_NONE,
        Split::Layer => sys::LLAMA_SPLIT_MODE_LAYER,
        Split::Row => sys::LLAMA_SPLIT_MODE_ROW,
    }
}

/// A share for each device that llama.cpp may have; those that are not given get nothing.
fn shares(given: &[f32]) -> Vec<f32> {
    // SAFETY: returns a number.
    let devices = unsafe { sys::llama_max_devices() }.max(MOST_SHARES);
    given.iter().copied().chain(std::iter::repeat(0.0)).take(devices).collect()
}

/// A model in memory. Dropping it unloads it.
pub(crate) struct Model {
    pub(super) pointer: NonNull<sys::llama_model>,
}

// SAFETY: llama.cpp does not change a model once it is loaded; all functions used here take it as constant.
unsafe impl Send for Model {}
// SAFETY: as above.
unsafe impl Sync for Model {}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: the model was made by llama.cpp and is freed once; contexts keep it alive by sharing it.
        unsafe { sys::llama_model_free(self.pointer.as_ptr()) }
    }
}

impl Model {
    /// Loads a GGUF file, on GPUs as the options say where the build has some.
    ///
    /// # Errors
    /// Says why not.
    pub(crate) fn load(file: &Path, options: &LoadOptions) -> Result<Self, String> {
        super::ready();
        let path = file.to_str().and_then(|path| CString::new(path).ok()).ok_or("its path is not plain text")?;
        log::take_error();
        // SAFETY: returns a plain value.
        let mut parameters = unsafe { sys::llama_model_default_params() };
        // Weights as the file has them: repacked ones are multiplied by other code for four rows than for one, which rounds
        // differently.
        parameters.use_extra_bufts = false;
        parameters.n_gpu_layers = i32::try_from(options.gpu_layers).unwrap_or(i32::MAX);
        // Lives as long as the parameters, which point to it.
        let shares = shares(&options.tensor_split);
        if HAS_GPU {
            parameters.split_mode = split_mode(options.split);
            parameters.main_gpu = i32::try_from(options.main_gpu).unwrap_or(i32::MAX);
            if !options.tensor_split.is_empty() {
                parameters.tensor_split = shares.as_ptr();
            }
        }
        // SAFETY: the path ends with a zero and outlives the call; the parameters are llama.cpp's own, and the shares are as
        // many as it reads and outlive the call.
        let pointer = unsafe { sys::llama_model_load_from_file(path.as_ptr(), parameters) };
        NonNull::new(pointer).map(|pointer| Self { pointer }).ok_or_else(|| match log::take_error() {
            Some(error) => format!("llama.cpp refused it: {error}"),
            None => "llama.cpp refused it".to_owned(),
        })
    }

    fn vocabulary(&self) -> *const sys::llama_vocab {
        // SAFETY: the model is alive, and its vocabulary lives as long.
        unsafe { sys::llama_model_get_vocab(self.pointer.as_ptr()) }
    }

    /// Whether a sequence's cache can be cut back to any earlier length.
    pub(crate) fn has_plain_cache(&self) -> bool {
        // SAFETY: the model is alive.
        unsafe {
            !sys::llama_model_is_recurrent(self.pointer.as_ptr()) && !sys::llama_model_is_hybrid(self.pointer.as_ptr())
        }
    }

    /// Whether what is written down of a sequence holds all its tokens: models that look back over a window write down no
    /// more than that.
    pub(crate) fn has_whole_states(&self) -> bool {
        // SAFETY: the model is alive.
        self.has_plain_cache() && unsafe { sys::llama_model_n_swa(self.pointer.as_ptr()) == 0 }
    }

    /// The number of tokens.
    pub(crate) fn tokens(&self) -> i32 {
        // SAFETY: the vocabulary is alive.
        unsafe { sys::llama_vocab_n_tokens(self.vocabulary()) }
    }

    /// The text's tokens, without an opening token; `parse_special` recognises control tokens. `None` for a text of 2 GiB
    /// or more.
    pub(crate) fn tokenize(&self, text: &str, parse_special: bool) -> Option<Vec<i32>> {
        let length = i32::try_from(text.len()).ok()?;
        let mut tokens = vec![0; text.len() / 2 + 8];
        loop {
            let room = i32::try_from(tokens.len()).ok()?;
            // SAFETY: text and tokens are of the given lengths.
            let written = unsafe {
                sys::llama_tokenize(
                    self.vocabulary(),
                    text.as_ptr().cast::<c_char>(),
                    length,
                    tokens.as_mut_ptr(),
                    room,
                    false,
                    parse_special,
                )
            };
            match usize::try_from(written) {
                Ok(written) => {
                    tokens.truncate(written);
                    return Some(tokens);
                }
                // The room was too small: the negative number says how many there are.
                Err(_) => tokens.resize(usize::try_from(written.checked_neg()?).ok()?, 0),
            }
        }
    }

    /// The bytes that the token writes: none for a control token, or one that does not exist.
    pub(crate) fn piece(&self, token: i32) -> Vec<u8> {
        let mut bytes = vec![0_u8; 32];
        if !self.has(token) {
            return Vec::new();
        }
        loop {
            let room = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            // SAFETY: the buffer has the given length, the token exists.
            let written = unsafe {
                sys::llama_token_to_piece(self.vocabulary(), token, bytes.as_mut_ptr().cast::<c_char>(), room, 0, false)
            };
            match usize::try_from(written) {
                Ok(written) => {
                    bytes.truncate(written);
                    return bytes;
                }
                Err(_) => bytes.resize(written.unsigned_abs() as usize, 0),
            }
        }
    }

    /// How the vocabulary spells the token; nothing for one that does not exist.
    pub(crate) fn spelling(&self, token: i32) -> String {
        if !self.has(token) {
            return String::new();
        }
        // SAFETY: the token exists; its text ends with a zero and lives as long as the vocabulary.
        let text = unsafe { CStr::from_ptr(sys::llama_vocab_get_text(self.vocabulary(), token)) };
        text.to_string_lossy().into_owned()
    }

    /// Whether the token steers and writes no text.
    pub(crate) fn is_control(&self, token: i32) -> bool {
        // SAFETY: the token exists.
        self.has(token) && unsafe { sys::llama_vocab_is_control(self.vocabulary(), token) }
    }

    /// Whether the token ends an answer.
    pub(crate) fn ends(&self, token: i32) -> bool {
        // SAFETY: the token exists.
        self.has(token) && unsafe { sys::llama_vocab_is_eog(self.vocabulary(), token) }
    }

    /// The token that opens a text.
    pub(crate) fn bos(&self) -> Option<i32> {
        // SAFETY: the vocabulary is alive.
        self.known(unsafe { sys::llama_vocab_bos(self.vocabulary()) })
    }

    /// Whether prompts should begin with the opening token.
    pub(crate) fn adds_bos(&self) -> bool {
        // SAFETY: the vocabulary is alive.
        unsafe { sys::llama_vocab_get_add_bos(self.vocabulary()) }
    }

    /// The token that ends a text.
    pub(crate) fn eos(&self) -> Option<i32> {
        // SAFETY: the vocabulary is alive.
        self.known(unsafe { sys::llama_vocab_eos(self.vocabulary()) })
    }

    /// The token that ends a turn.
    pub(crate) fn eot(&self) -> Option<i32> {
        // SAFETY: the vocabulary is alive.
        self.known(unsafe { sys::llama_vocab_eot(self.vocabulary()) })
    }

    fn known(&self, token: i32) -> Option<i32> {
        self.has(token).then_some(token)
    }

    fn has(&self, token: i32) -> bool {
        (0..self.tokens()).contains(&token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_without_a_share_get_nothing() {
        let all = shares(&[3.0, 1.0]);
        assert!(all.len() >= MOST_SHARES);
        assert_eq!(all[..2], [3.0, 1.0]);
        assert!(all[2..].iter().all(|share| *share == 0.0));
    }

    #[test]
    fn ways_to_cut_are_those_of_llama_cpp() {
        // SAFETY: returns a plain value.
        let defaults = unsafe { sys::llama_model_default_params() };
        assert_eq!(split_mode(Split::default()), defaults.split_mode);
        assert_ne!(split_mode(Split::None), split_mode(Split::Row));
    }
}
