//! Binds llama.cpp: the only crate with a native build.

use inference::{Facts, LoadOptions, Loaded, Loader, ModelFiles, Result};

/// Loads GGUF files.
#[derive(Debug, Clone, Copy, Default)]
pub struct NativeLoader;

impl Loader for NativeLoader {
    fn inspect(&self, _files: &ModelFiles) -> Result<Facts> {
        todo!()
    }

    fn load(&self, _files: &ModelFiles, _options: &LoadOptions) -> Result<Loaded> {
        todo!()
    }
}
