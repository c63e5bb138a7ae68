//! Models of made-up weights, in memory: what they take to compute is measured as answers are computed, with the same graph,
//! threads and kernels.

use std::ffi::{CString, c_void};
use std::ptr::NonNull;

use checkpoint::ElementType;
use inference::LoadOptions;
use llama_cpp_sys_2 as sys;

use super::Model;

/// A vocabulary that costs nothing to choose from.
const VOCABULARY: u32 = 32;
/// Tokens that such a model may read.
pub(super) const CONTEXT: u32 = 2048;
/// A number of each float that is neither large nor so small that processors are slow with it.
const SMALL: f32 = 0.01;
/// The byte of which the weights of other formats are made: their scales and numbers are small and finite.
const BYTE: u8 = 0x11;

/// The sizes of a made-up model, which is built as Llama is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Form {
    pub(super) layers: u32,
    pub(super) hidden: u32,
    pub(super) feed_forward: u32,
    /// Heads that ask.
    pub(super) heads: u32,
    /// Heads that the cache holds.
    pub(super) kv_heads: u32,
    /// Numbers of each head; an even number.
    pub(super) head_size: u32,
    /// How the matrices of the layers are stored.
    pub(super) format: ElementType,
}

impl Form {
    /// The numbers of the layers' matrices.
    pub(super) fn numbers(&self) -> u64 {
        let [hidden, inner, heads, cached, layers] =
            [self.hidden, self.feed_forward, self.heads * self.head_size, self.kv_heads * self.head_size, self.layers]
                .map(u64::from);
        layers * hidden * (2 * heads + 2 * cached + 3 * inner)
    }

    /// The numbers that go into the layers' matrices and come out of them.
    pub(super) fn activations(&self) -> u64 {
        let [hidden, inner, heads, cached, layers] =
            [self.hidden, self.feed_forward, self.heads * self.head_size, self.kv_heads * self.head_size, self.layers]
                .map(u64::from);
        layers * (2 * (hidden + heads) + 2 * (hidden + cached) + 3 * (hidden + inner))
    }

    /// The bytes of the layers' matrices.
    pub(super) fn bytes(&self) -> u64 {
        self.numbers() / self.format.block * self.format.bytes
    }

    /// Makes the model; none where llama.cpp refuses it, or there is no memory for it.
    pub(super) fn load(&self, options: &LoadOptions) -> Option<Model> {
        super::ready();
        let metadata = Metadata::new(self)?;
        // SAFETY: returns a plain value.
        let mut parameters = unsafe { sys::llama_model_default_params() };
        parameters.n_gpu_layers = i32::try_from(options.gpu_layers).unwrap_or(i32::MAX);
        // SAFETY: the metadata live until the call has returned; the function takes no data of its own.
        let model = unsafe {
            sys::llama_model_init_from_user(metadata.file.as_ptr(), Some(fill), std::ptr::null_mut(), parameters)
        };
        NonNull::new(model).map(|pointer| Model { pointer })
    }

    /// The multiplications of so many tokens with so many others that each looks at: one with the key and one with the value.
    pub(super) fn attended(&self, tokens: u32, cells: u32) -> f64 {
        f64::from(2 * self.layers * self.heads * self.head_size) * f64::from(tokens) * f64::from(cells)
    }

    fn keys(&self) -> [(&'static str, u32); 10] {
        [
            ("llama.context_length", CONTEXT),
            ("llama.embedding_length", self.hidden),
            ("llama.block_count", self.layers),
            ("llama.feed_forward_length", self.feed_forward),
            ("llama.attention.head_count", self.heads),
            ("llama.attention.head_count_kv", self.kv_heads),
            ("llama.attention.key_length", self.head_size),
            ("llama.attention.value_length", self.head_size),
            ("llama.rope.dimension_count", self.head_size),
            ("llama.vocab_size", VOCABULARY),
        ]
    }

    fn matrices(&self) -> impl Iterator<Item = String> {
        const OF_A_LAYER: [&str; 7] = ["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"];
        (0..self.layers).flat_map(|layer| OF_A_LAYER.map(|name| format!("blk.{layer}.{name}.weight")))
    }
}

/// What a file of the model would say: its sizes, and how its matrices are stored.
struct Metadata {
    file: NonNull<sys::gguf_context>,
    tensors: NonNull<sys::ggml_context>,
}

impl Metadata {
    fn new(form: &Form) -> Option<Self> {
        let names: Vec<CString> = form.matrices().map(CString::new).collect::<Result<_, _>>().ok()?;
        // SAFETY: no arguments; the contexts are freed when this is dropped. Texts end with zeros and are copied; a tensor
        // of a whole block is of every format; there is room for the descriptions of all tensors and no data.
        unsafe {
            let parameters = sys::ggml_init_params {
                mem_size: sys::ggml_tensor_overhead() * (names.len() + 1),
                mem_buffer: std::ptr::null_mut(),
                no_alloc: true,
            };
            let tensors = NonNull::new(sys::ggml_init(parameters))?;
            let Some(file) = NonNull::new(sys::gguf_init_empty()) else {
                sys::ggml_free(tensors.as_ptr());
                return None;
            };
            let made = Self { file, tensors };
            let file = made.file.as_ptr();
            sys::gguf_set_val_str(file, c"general.architecture".as_ptr(), c"llama".as_ptr());
            sys::gguf_set_val_str(file, c"tokenizer.ggml.model".as_ptr(), c"none".as_ptr());
            sys::gguf_set_val_f32(file, c"llama.attention.layer_norm_rms_epsilon".as_ptr(), 1e-5);
            for (key, value) in form.keys() {
                let key = CString::new(key).ok()?;
                sys::gguf_set_val_u32(file, key.as_ptr(), value);
            }
            for name in names {
                let block = i64::try_from(form.format.block).ok()?;
                let tensor = sys::ggml_new_tensor_1d(made.tensors.as_ptr(), form.format.number, block);
                sys::ggml_set_name(tensor, name.as_ptr());
                sys::gguf_add_tensor(file, tensor);
            }
            Some(made)
        }
    }
}

impl Drop for Metadata {
    fn drop(&mut self) {
        // SAFETY: both were made by this, are freed once, and nothing refers to them any more.
        unsafe {
            sys::gguf_free(self.file.as_ptr());
            sys::ggml_free(self.tensors.as_ptr());
        }
    }
}

/// Gives a tensor its numbers.
unsafe extern "C" fn fill(tensor: *mut sys::ggml_tensor, _: *mut c_void) {
    // SAFETY: llama.cpp calls it with a tensor of the model, whose memory is as large as ggml says.
    unsafe {
        let bytes = sys::ggml_nbytes(tensor);
        let data = match (*tensor).type_ {
            // Norms and other vectors stay of the order of one, so that numbers neither grow nor vanish.
            sys::GGML_TYPE_F32 if (*tensor).ne[1] == 1 => repeated(&1.0_f32.to_le_bytes(), bytes),
            sys::GGML_TYPE_F32 => repeated(&SMALL.to_le_bytes(), bytes),
            sys::GGML_TYPE_BF16 => repeated(&SMALL.to_le_bytes()[2..], bytes),
            _ => repeated(&[BYTE], bytes),
        };
        sys::ggml_backend_tensor_set(tensor, data.as_ptr().cast::<c_void>(), 0, bytes);
    }
}

fn repeated(pattern: &[u8], bytes: usize) -> Vec<u8> {
    let mut data = pattern.repeat(bytes.div_ceil(pattern.len()));
    data.truncate(bytes);
    data
}
