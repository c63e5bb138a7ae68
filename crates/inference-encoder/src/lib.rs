//! Embeds text with BERT-style encoders on the CPU.
//!
//! [`EncoderLoader`] loads a model such as all-MiniLM-L6-v2 from safetensors; what it returns is used through
//! [`inference::Embedder`]. A text's vector is the same, bit for bit, whatever other texts are embedded with it, on
//! however many threads.

mod activation;
mod blocks;
mod config;
mod embedder;
mod encoder;
mod files;
mod gemm;
mod loader;
mod tokenizer;
mod workers;

pub use loader::EncoderLoader;
