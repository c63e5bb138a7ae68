//! Checkpoints of Hugging Face's layout: safetensors in, GGUF out.
//!
//! [`examine`] reads a checkpoint's headers and small files and reports everything that stands between it and a model
//! that serves, with the file and the fix, before anything is copied. What it accepts becomes a [`Plan`], which knows
//! every byte of the result's layout in advance; [`Plan::write`] reads the weights once, in order, and writes the GGUF
//! file once, in order, holding a few MiB at a time.
//!
//! A model that is a GGUF file already is a [`ModelFile`], which becomes a plan of the same model in fewer bits.
//!
//! [`e5s1`] reads the one other format that a model of the catalogue comes in.
//!
//! Where the bytes come from and go to is the caller's affair: a [`Source`] gives ranges of named files, a [`Sink`]
//! takes blocks. Names, metadata and alignment are those that llama.cpp's own converter writes.

mod config;
mod convert;
mod doctor;
pub mod e5s1;
mod element_type;
mod error;
mod expected;
mod file_type;
mod finding;
mod gguf;
mod model_file;
mod quantization;
pub mod safetensors;
mod source;
mod template;
pub mod tokenizer;
mod values;

#[cfg(test)]
extern crate self as checkpoint;

/// Made-up checkpoints.
#[cfg(test)]
#[path = "../tests/support/samples.rs"]
mod samples;

pub use config::{Architecture, Config, RopeScaling};
pub use convert::{Plan, Sink};
pub use doctor::{Accepted, Examination, ModelFacts, Room, examine};
pub use element_type::ElementType;
pub use error::{Error, Result};
pub use file_type::FileType;
pub use finding::{Finding, Report, Severity};
pub use model_file::ModelFile;
pub use quantization::{Format, Plain, Quantization, Quantizer};
pub use source::{Folder, Source, SourceFile};
