use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

use inference::{Error, Facts, LoadOptions, Loaded, Loader, ModelFiles, ModelKind, Passage, Reading};

use crate::activation::Norm;
use crate::blocks::{BLOCK, BLOCK_BYTES};
use crate::config::Config;
use crate::embedder::EncoderEmbedder;
use crate::encoder::{Encoder, Layer};
use crate::files::{Tensors, model_file_error};
use crate::gemm::Linear;
use crate::tokenizer::Tokenizer;

/// Bytes of working buffers that one thread takes, about.
const WORKING_BYTES_PER_THREAD: u64 = 16 << 20;

/// Loads BERT-style encoders in the layout of sentence-transformers: `model.safetensors`, `config.json` and
/// `tokenizer.json`; `1_Pooling/config.json` and `sentence_bert_config.json` if they are there.
#[derive(Debug, Clone, Copy, Default)]
pub struct EncoderLoader;

impl Loader for EncoderLoader {
    fn inspect(&self, files: &ModelFiles) -> Result<Facts, Error> {
        let config = Config::read(files)?;
        let weights = Weights::open(&files.main, &config)?;
        weights.check()?;
        Ok(Facts {
            kind: ModelKind::Embedder,
            name: config.name.clone(),
            architecture: "bert".to_owned(),
            parameters: weights.tensors.parameters(),
            context_length: config.max_tokens as u32,
            vocabulary: config.vocabulary as u32,
            dimensions: config.hidden as u32,
            weights_bytes: weights.bytes()?,
            cache_bytes_per_token: 0,
            working_bytes: WORKING_BYTES_PER_THREAD * threads(&LoadOptions::default())? as u64,
            weights_format: weights.format()?,
            has_chat_template: false,
            licence: None,
            shape: inference::Shape::default(),
            prompting: inference::Prompting::default(),
        })
    }

    /// `prefill_threads` is the number of threads; the other options are of no concern to an encoder.
    fn load(&self, files: &ModelFiles, options: &LoadOptions) -> Result<Loaded, Error> {
        let config = Config::read(files)?;
        let weights = Weights::open(&files.main, &config)?;
        weights.check()?;
        let tokenizer = Tokenizer::read(&files.dir, config.vocabulary, config.max_tokens)?;
        let threads = threads(options)?;
        let memory_bytes = weights.bytes()? + WORKING_BYTES_PER_THREAD * threads as u64;
        let encoder = weights.read()?;
        tracing::debug!(file = %files.main.display(), threads, "loaded an encoder");
        let embedder = EncoderEmbedder::new(config, tokenizer, encoder, threads, memory_bytes)?;
        Ok(Loaded::Embedder(Arc::new(embedder)))
    }

    fn read_all(
        &self,
        files: &ModelFiles,
        _options: &LoadOptions,
        _passages: &[Passage],
        _cancelled: &AtomicBool,
        _done: &AtomicUsize,
    ) -> Result<Vec<Vec<Vec<Reading>>>, Error> {
        Err(Error::foretells_nothing(&files.main))
    }
}

fn threads(options: &LoadOptions) -> Result<usize, Error> {
    match options.prefill_threads {
        0 => std::thread::available_parallelism()
            .map(usize::from)
            .map_err(|error| Error::Engine { reason: format!("the number of cores is unknown: {error}") }),
        threads => Ok(threads as usize),
    }
}

/// A model's weights file beside what it should hold.
struct Weights<'a> {
    tensors: Tensors,
    config: &'a Config,
    prefix: &'static str,
}

/// A tensor's name and shape.
type Expected = (String, Vec<usize>);

impl<'a> Weights<'a> {
    fn open(path: &Path, config: &'a Config) -> Result<Self, Error> {
        if path.extension().is_none_or(|extension| extension != "safetensors") {
            return Err(model_file_error(path, "not a `.safetensors` file", "encoders are loaded from safetensors"));
        }
        let tensors = Tensors::open(path)?;
        // Models saved with a head on top keep the encoder under `bert.`.
        let prefix = if tensors.contains("bert.embeddings.word_embeddings.weight") { "bert." } else { "" };
        Ok(Self { tensors, config, prefix })
    }

    /// Bytes that the weights take in memory: four a number, but for a table in blocks, which stays as it is.
    fn bytes(&self) -> Result<u64, Error> {
        let (words, shape) = self.words();
        let blocks = self.tensors.check(&words, &shape)? == "Q4_0";
        let size = |(name, shape): &Expected| match shape.iter().product::<usize>() as u64 {
            numbers if blocks && *name == words => numbers / BLOCK as u64 * BLOCK_BYTES as u64,
            numbers => 4 * numbers,
        };
        Ok(self.expected().iter().map(size).sum())
    }

    fn format(&self) -> Result<String, Error> {
        let (name, shape) = self.words();
        self.tensors.check(&name, &shape)
    }

    /// Checks that every tensor is there.
    fn check(&self) -> Result<(), Error> {
        self.expected().iter().try_for_each(|(name, shape)| self.tensors.check(name, shape).map(drop))
    }

    fn words(&self) -> Expected {
        let name = format!("{}embeddings.word_embeddings.weight", self.prefix);
        (name, vec![self.config.vocabulary, self.config.hidden])
    }

    fn expected(&self) -> Vec<Expected> {
        let Config { hidden, wide, positions, segments, .. } = *self.config;
        let embeddings = format!("{}embeddings", self.prefix);
        let mut all = vec![
            self.words(),
            (format!("{embeddings}.position_embeddings.weight"), vec![positions, hidden]),
            (format!("{embeddings}.token_type_embeddings.weight"), vec![segments, hidden]),
        ];
        let pair = |name: String, shape: Vec<usize>| {
            [(format!("{name}.bias"), vec![shape[0]]), (format!("{name}.weight"), shape)]
        };
        all.extend(pair(format!("{embeddings}.LayerNorm"), vec![hidden]));
        for layer in 0..self.config.layers {
            let layer = self.layer(layer);
            for part in ["query", "key", "value"] {
                all.extend(pair(format!("{layer}.attention.self.{part}"), vec![hidden, hidden]));
            }
            all.extend(pair(format!("{layer}.attention.output.dense"), vec![hidden, hidden]));
            all.extend(pair(format!("{layer}.attention.output.LayerNorm"), vec![hidden]));
            all.extend(pair(format!("{layer}.intermediate.dense"), vec![wide, hidden]));
            all.extend(pair(format!("{layer}.output.dense"), vec![hidden, wide]));
            all.extend(pair(format!("{layer}.output.LayerNorm"), vec![hidden]));
        }
        all
    }

    fn layer(&self, index: usize) -> String {
        format!("{}encoder.layer.{index}", self.prefix)
    }

    fn read(&self) -> Result<Encoder, Error> {
        let Config { hidden, positions, segments, .. } = *self.config;
        let embeddings = format!("{}embeddings", self.prefix);
        let (words, shape) = self.words();
        let words = self.tensors.read_table(&words, &shape)?;
        let segment = self.tensors.read(&format!("{embeddings}.token_type_embeddings.weight"), &[segments, hidden])?;
        let mut places =
            self.tensors.read(&format!("{embeddings}.position_embeddings.weight"), &[positions, hidden])?;
        for place in places.chunks_exact_mut(hidden) {
            place.iter_mut().zip(&segment).for_each(|(place, segment)| *place += segment);
        }
        let layers = (0..self.config.layers).map(|layer| self.read_layer(&self.layer(layer)));
        Ok(Encoder {
            hidden,
            heads: self.config.heads,
            words,
            positions: places,
            norm: self.read_norm(&embeddings)?,
            layers: layers.collect::<Result<_, _>>()?,
            pooling: self.config.pooling,
        })
    }

    fn read_layer(&self, layer: &str) -> Result<Layer, Error> {
        let Config { hidden, wide, .. } = *self.config;
        Ok(Layer {
            query_key_value: self.read_query_key_value(layer)?,
            attended: self.read_linear(&format!("{layer}.attention.output.dense"), hidden, hidden)?,
            attended_norm: self.read_norm(&format!("{layer}.attention.output"))?,
            wide: self.read_linear(&format!("{layer}.intermediate.dense"), hidden, wide)?,
            narrow: self.read_linear(&format!("{layer}.output.dense"), wide, hidden)?,
            output_norm: self.read_norm(&format!("{layer}.output"))?,
        })
    }

    fn read_query_key_value(&self, layer: &str) -> Result<Linear, Error> {
        let hidden = self.config.hidden;
        let (mut weights, mut biases) = (Vec::new(), Vec::new());
        for part in ["query", "key", "value"] {
            let name = format!("{layer}.attention.self.{part}");
            weights.extend(self.tensors.read(&format!("{name}.weight"), &[hidden, hidden])?);
            biases.extend(self.tensors.read(&format!("{name}.bias"), &[hidden])?);
        }
        // Attention divides the products of queries and keys by the root of the head's size: the queries carry it.
        let factor = 1.0 / ((hidden / self.config.heads) as f32).sqrt();
        let queries = weights[..hidden * hidden].iter_mut().chain(&mut biases[..hidden]);
        queries.for_each(|number| *number *= factor);
        Ok(Linear::new(&weights, &biases, hidden))
    }

    fn read_linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, Error> {
        let weight = self.tensors.read(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.tensors.read(&format!("{name}.bias"), &[outputs])?;
        Ok(Linear::new(&weight, &bias, inputs))
    }

    fn read_norm(&self, name: &str) -> Result<Norm, Error> {
        let hidden = self.config.hidden;
        let scale = self.tensors.read(&format!("{name}.LayerNorm.weight"), &[hidden])?;
        let shift = self.tensors.read(&format!("{name}.LayerNorm.bias"), &[hidden])?;
        Ok(Norm::new(&scale, &shift, self.config.epsilon))
    }
}
