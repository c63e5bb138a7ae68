//! Safetensors files: the header alone, checked strictly, and which shard holds which tensor.
//!
//! The format (<https://github.com/huggingface/safetensors#format>): eight bytes with the header's length, the header
//! in JSON, the tensors' bytes without gaps.

mod header;
mod shards;

pub use header::{Dtype, Entry, Header, LONGEST_HEADER, header_length};
pub(crate) use shards::{Located, locate};
pub use shards::{is_plain_name, parse_index};
