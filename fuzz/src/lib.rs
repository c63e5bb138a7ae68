//! What is fuzzed: one module a target, each with one function that takes any bytes. The crates replay `corpus/` through
//! the same files as ordinary tests.

pub mod policies;
pub mod safetensors;
pub mod signatures;
pub mod tokenizers;
