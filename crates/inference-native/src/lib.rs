//! Binds llama.cpp: the only crate with a native build.
//!
//! [`NativeLoader`] loads GGUF files of models that generate text. A file's header is checked in Rust before llama.cpp
//! sees it, because llama.cpp ends the process on some damaged files.

mod backend;
mod gguf;
mod llama;
mod quantizer;
mod reading;
mod state;
mod threads;
mod vocabulary;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use base::{Clock, Random, SystemClock, SystemRandom};
use inference::backend::Vocabulary as _;
use inference::scheduler::{Config, Model, Scheduler};
use inference::template::{ChatTemplate, Tokens};
use inference::{
    CHUNK, Error, Facts, GRAIN, Heads, LoadOptions, Loaded, Loader, ModelFiles, ModelInfo, ModelKind, Passage, Pinned,
    Reading, Replicas, Result, Speeds, ToolFormat,
};

use backend::{NativeContext, Shape};
use gguf::Gguf;
use llama::Model as NativeModel;
use vocabulary::NativeVocabulary;

pub use quantizer::NativeQuantizer;

/// Loads GGUF files of models that generate text.
#[derive(Clone)]
pub struct NativeLoader {
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl NativeLoader {
    /// A loader. Templates that ask for the date get the clock's; requests without a seed get one from `random`.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { clock, random }
    }
}

impl Default for NativeLoader {
    fn default() -> Self {
        Self::new(Arc::new(SystemClock), Arc::new(SystemRandom))
    }
}

impl std::fmt::Debug for NativeLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NativeLoader").finish_non_exhaustive()
    }
}

impl Loader for NativeLoader {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts> {
        let facts = Gguf::open(&files.main)?.facts(&files.main)?;
        match facts.kind {
            ModelKind::Generator => Ok(facts),
            ModelKind::Embedder => Err(refused(
                &files.main,
                format!(
                    "its architecture `{}` embeds text, and GGUF files are loaded to generate text",
                    facts.architecture
                ),
                "pull an embedding model as safetensors: `hf:ORG/REPO` of a BERT encoder such as all-MiniLM-L6-v2",
            )),
        }
    }

    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded> {
        let file = files.main.as_path();
        options.validate()?;
        let header = Gguf::open(file)?;
        let facts = self.inspect(files)?;
        // By the GPU; there is one where the build has none.
        let mut weights: BTreeMap<u32, Arc<NativeVocabulary>> = BTreeMap::new();
        let start = |replica| {
            let own = if llama::HAS_GPU { options.of_replica(replica) } else { options.clone() };
            let vocabulary = match weights.entry(own.main_gpu) {
                Entry::Occupied(loaded) => loaded.into_mut(),
                Entry::Vacant(free) => free.insert(Arc::new(self.weights(file, &own)?)),
            };
            self.replica(&header, &facts, vocabulary, &own, replica)
        };
        Ok(Loaded::Generator(Replicas::start(options, start)?))
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        options: &LoadOptions,
        passages: &[Passage],
        cancelled: &AtomicBool,
        done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>> {
        reading::read_all(self, files, options, (passages, reading::CHUNK), (cancelled, done))
    }

    fn speeds(&self, formats: &[String], heads: Heads, options: &LoadOptions) -> Speeds {
        llama::speeds(formats, heads, options)
    }

    fn attends_in_one_pass(&self, weights_bytes: u64, options: &LoadOptions) -> bool {
        // A GPU chooses for itself, and both were measured as it chose.
        backend::one_pass(weights_bytes, options).unwrap_or(true)
    }
}

impl NativeLoader {
    /// Starts one replica over the loaded weights.
    fn replica(
        &self,
        header: &Gguf,
        facts: &Facts,
        vocabulary: &Arc<NativeVocabulary>,
        options: &LoadOptions,
        replica: usize,
    ) -> Result<Scheduler> {
        let shape = Shape::new(facts, options, (replica, CHUNK, header.rows_alike()));
        let template = header.chat_template().map(|source| self.template(source, vocabulary)).transpose()?;
        let info = ModelInfo {
            name: options.name.clone().unwrap_or_else(|| facts.name.clone()),
            architecture: facts.architecture.clone(),
            parameters: facts.parameters,
            context_length: shape.context.min(facts.context_length.max(1)),
            vocabulary: vocabulary.size(),
            memory_bytes: facts.memory_bytes(options),
            has_chat_template: template.is_some(),
            tool_format: template.as_ref().map_or(ToolFormat::default(), ChatTemplate::tool_format),
            parallel: shape.parallel,
            states: states(vocabulary.model(), &shape, options),
        };
        let context = NativeContext::new(vocabulary.model().clone(), shape);
        let open = Pinned::new(options.cores_of(replica).cloned(), context);
        let (queue, cache_bytes) = (options.queue_of_each(), options.prefix_cache_of_each());
        let (batching, random) = (options.batching, self.random.clone());
        let config = Config { queue, chunk: CHUNK, grain: grain(), batching, cache_bytes, random };
        Scheduler::start(Model { info, vocabulary: vocabulary.clone(), template }, config, open)
    }

    fn weights(&self, file: &Path, options: &LoadOptions) -> Result<NativeVocabulary> {
        let model = NativeModel::load(file, options)
            .map_err(|reason| refused(file, reason, "the log at level `debug` says more"))?;
        Ok(NativeVocabulary::new(Arc::new(model)))
    }

    fn template(&self, source: &str, vocabulary: &NativeVocabulary) -> Result<ChatTemplate> {
        let tokens = Tokens { bos: vocabulary.bos_text(), eos: vocabulary.eos_text() };
        ChatTemplate::new(source, tokens, self.clock.clone())
    }
}

/// The tokens that a deterministic request reads in one step. A GPU would stand idle in short ones.
fn grain() -> u32 {
    if llama::HAS_GPU { CHUNK } else { GRAIN }
}

/// What the form and the rounding of sequences' states depend on beside the weights; empty where they cannot be copied.
fn states(model: &NativeModel, shape: &Shape, options: &LoadOptions) -> String {
    if !model.has_whole_states() {
        return String::new();
    }
    format!(
        "llama.cpp {}; craton {}; {}; {}; {} layers on GPUs, {:?} {} {:?}",
        llama::VERSION,
        env!("CARGO_PKG_VERSION"),
        llama::machine(),
        shape.states(CHUNK, grain()),
        options.gpu_layers,
        options.split,
        options.main_gpu,
        options.tensor_split,
    )
}

fn refused(file: &Path, reason: impl Into<String>, hint: &str) -> Error {
    Error::ModelFile { file: file.to_owned(), reason: reason.into(), hint: hint.to_owned() }
}

#[cfg(test)]
mod checkpoint_tests;
#[cfg(test)]
mod split_tests;

/// Made-up checkpoints.
#[cfg(test)]
#[path = "../../checkpoint/tests/support/samples.rs"]
mod sample;
