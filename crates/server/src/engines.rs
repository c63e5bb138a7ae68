//! Which engine loads which model file.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use base::{Clock, Random};
use cli::EngineChoice;
use inference::fake::FakeLoader;
use inference::{Error, Facts, Heads, LoadOptions, Loaded, Loader, ModelFiles, Passage, Reading, Result, Speeds};
use inference_encoder::EncoderLoader;
use inference_native::NativeLoader;

/// The loader of `choice`.
pub(crate) fn loader(choice: EngineChoice, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Arc<dyn Loader> {
    match choice {
        EngineChoice::Native => {
            Arc::new(ByFormat { generators: NativeLoader::new(clock, random), embedders: EncoderLoader })
        }
        EngineChoice::Fake => Arc::new(FakeLoader::new(clock, random)),
    }
}

/// The engine's name, for people.
pub(crate) fn name(choice: EngineChoice) -> &'static str {
    match choice {
        EngineChoice::Native => "native",
        EngineChoice::Fake => "fake",
    }
}

/// GGUF files generate through llama.cpp; safetensors files are BERT-style encoders.
struct ByFormat {
    generators: NativeLoader,
    embedders: EncoderLoader,
}

impl ByFormat {
    fn of(&self, files: &ModelFiles) -> Result<&dyn Loader> {
        match files.main.extension().and_then(|extension| extension.to_str()) {
            Some("gguf") => Ok(&self.generators),
            // Files in memory have no name.
            None if is_gguf(&files.main) => Ok(&self.generators),
            Some("safetensors") => Ok(&self.embedders),
            _ => Err(Error::ModelFile {
                file: files.main.clone(),
                reason: "its format is not known".to_owned(),
                hint: "Models are `.gguf` files, or `.safetensors` files of BERT-style encoders.".to_owned(),
            }),
        }
    }
}

/// Whether a file begins as GGUF files do.
fn is_gguf(file: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"GGUF"
}

impl Loader for ByFormat {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts> {
        self.of(files)?.inspect(files)
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded> {
        self.of(files)?.load(files, options)
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>> {
        self.of(files)?.read_all(files, options, passages, cancelled, done)
    }

    fn speeds(&self, formats: &[String], heads: Heads, options: &LoadOptions) -> Speeds {
        self.generators.speeds(formats, heads, options)
    }

    fn attends_in_one_pass(&self, weights_bytes: u64, options: &LoadOptions) -> bool {
        self.generators.attends_in_one_pass(weights_bytes, options)
    }
}
