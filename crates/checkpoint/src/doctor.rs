//! The examination of a checkpoint before anything is copied.

use inference::{CacheType, LoadOptions};
use serde_json::{Map, Value};

use crate::config::{Config, FILE as CONFIG};
use crate::convert::Plan;
use crate::error::Result;
use crate::expected::{Expected, pair};
use crate::finding::{Finding, Report};
use crate::quantization::{Precision, Quantization};
use crate::safetensors::{Located, locate};
use crate::source::{Source, SourceFile, read_file};
use crate::template;
use crate::tokenizer::{self, Files, Vocabulary};

/// Longer settings are refused.
const LONGEST_SETTINGS: u64 = 4 << 20;
/// Longer tokenizers are refused.
const LONGEST_TOKENIZER: u64 = 64 << 20;

/// The room that the model would have, in bytes, and how it would be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Where it is kept.
    pub disk: u64,
    /// Where it is loaded.
    pub memory: u64,
    /// The requests that each replica answers at the same time.
    pub parallel: u32,
    /// The tokens of each of them; 0: as many as it was trained for.
    pub context: u32,
    /// The tokens of the buffer that requests share, in each replica.
    pub shared_cells: u32,
    /// The engines that serve it, each with caches of its own.
    pub replicas: u32,
    /// How the caches' numbers are stored.
    pub cache_type: CacheType,
}

impl Room {
    /// The room for a model that is loaded with these options.
    #[must_use]
    pub const fn new(disk: u64, memory: u64, options: &LoadOptions) -> Self {
        Self {
            disk,
            memory,
            parallel: options.parallel,
            context: options.context_per_sequence,
            shared_cells: options.shared_cells,
            replicas: options.replicas,
            cache_type: options.cache_type,
        }
    }

    /// The memory that a model of `weights` bytes takes when it is loaded, as the engine charges it: its weights once, and
    /// of each replica the caches of all requests and working buffers.
    #[must_use]
    pub fn memory_needed(&self, config: &Config, weights: u64) -> u64 {
        let context = self.context_of(config).saturating_mul(u64::from(self.parallel.max(1)));
        let cells = context.saturating_add(u64::from(self.shared_cells));
        let caches = self.cache_type.bytes(cells.saturating_mul(config.cache_bytes_per_token()));
        let working = inference::working_bytes(config.vocabulary, config.hidden);
        let each = caches.saturating_add(working);
        weights.saturating_add(each.saturating_mul(u64::from(self.replicas.max(1))))
    }

    /// The tokens of one request.
    fn context_of(&self, config: &Config) -> u64 {
        match self.context {
            0 => config.context,
            asked => config.context.min(u64::from(asked)),
        }
    }
}

/// What an examination found.
#[derive(Debug, Clone)]
pub struct Examination {
    /// Everything that was found, good to know or in the way.
    pub report: Report,
    /// Facts for the model's card, where the configuration could be read.
    pub facts: Option<ModelFacts>,
    /// The checkpoint, if nothing stands in the way.
    pub accepted: Option<Accepted>,
}

/// What a checkpoint's headers say of its model.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelFacts {
    /// The class that `config.json` names: `MistralForCausalLM`.
    pub class: &'static str,
    /// The family: `mistral`.
    pub architecture: &'static str,
    /// The number of parameters; 0 where the weights could not be read.
    pub parameters: u64,
    /// Layers.
    pub layers: u64,
    /// Numbers of the hidden state.
    pub hidden: u64,
    /// Tokens that it was trained to read at most.
    pub context_length: u64,
    /// Tokens that it knows.
    pub vocabulary: u64,
    /// The element type of most weights.
    pub dtype: Option<String>,
    /// Bytes of the weights as they are.
    pub source_bytes: u64,
    /// Bytes of the model that is made of them; 0 where it cannot be made.
    pub model_bytes: u64,
}

/// A checkpoint that can be imported.
#[derive(Debug, Clone)]
pub struct Accepted {
    config: Config,
    vocabulary: Vocabulary,
    tensors: Vec<(Located, Expected)>,
}

impl Accepted {
    /// What `config.json` says.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How it becomes a model that calls itself `name`.
    #[must_use]
    pub fn plan(&self, name: &str, quantization: Quantization) -> Plan {
        Plan::new(name, &self.config, &self.vocabulary, Precision::Quantized(quantization), &self.tensors)
    }

    /// How it becomes one with the very numbers that it has, to compare others with: matrices of half precision stay so,
    /// those in BF16 and F32 become F32, as do all vectors.
    #[must_use]
    pub fn exact(&self, name: &str) -> Plan {
        Plan::new(name, &self.config, &self.vocabulary, Precision::Exact, &self.tensors)
    }
}

/// Reads headers and small files and reports everything that would keep the model from serving.
///
/// # Errors
/// The source's. What is wrong with the files is in the report.
pub async fn examine(source: &dyn Source, quantization: Quantization, room: Room) -> Result<Examination> {
    let failed = |error| crate::Error::Source { file: String::new(), error };
    let files = source.files().await.map_err(failed)?;
    let mut report = Report::default();
    let mut reader = Reader { source, files: &files, report: &mut report };
    let Some(json) = reader.required(CONFIG).await? else {
        return Ok(Examination { report, facts: None, accepted: None });
    };
    let config = Config::read(&json, reader.report);
    let Some(config) = config else { return Ok(Examination { report, facts: None, accepted: None }) };
    let vocabulary = reader.vocabulary(&config).await?;
    let located = locate(source, &files, reader.report).await?;
    let mut facts = facts(&config, located.as_deref().unwrap_or_default());
    let tensors = located.map(|located| pair(&config, located, &mut report));
    let accepted = match (vocabulary, tensors) {
        (Some(vocabulary), Some(tensors)) if report.passes() => Some(Accepted { config, vocabulary, tensors }),
        _ => None,
    };
    let Some(accepted) = accepted else { return Ok(Examination { report, facts: Some(facts), accepted: None }) };
    facts.model_bytes = accepted.plan("", quantization).bytes();
    check_room(facts.model_bytes, accepted.config(), room, &mut report);
    let accepted = report.passes().then_some(accepted);
    Ok(Examination { report, facts: Some(facts), accepted })
}

struct Reader<'a> {
    source: &'a dyn Source,
    files: &'a [SourceFile],
    report: &'a mut Report,
}

impl Reader<'_> {
    async fn file(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>> {
        let read = read_file(self.source, self.files, name, limit).await?;
        Ok(self.report.keep(read).flatten())
    }

    async fn required(&mut self, name: &str) -> Result<Option<Vec<u8>>> {
        if !self.files.iter().any(|file| file.name == name) {
            let nested = self.files.iter().find(|file| file.name.ends_with(&format!("/{name}")));
            let problem = match nested {
                Some(file) => format!("it is missing here; there is one at `{}`", file.name),
                None => "it is missing".to_owned(),
            };
            let fix = "Name the folder that holds config.json, the tokenizer and the weights.";
            self.report.add(Finding::error(name, problem, fix));
            return Ok(None);
        }
        self.file(name, LONGEST_SETTINGS).await
    }

    /// A file of settings; none where there is no such file or it is damaged.
    async fn settings(&mut self, name: &str) -> Result<Option<Map<String, Value>>> {
        let Some(json) = self.file(name, LONGEST_SETTINGS).await? else { return Ok(None) };
        let read = serde_json::from_slice(&json).map_err(|error| {
            Finding::error(name, format!("it is not JSON: {error}"), "Upload the file that the model was saved with.")
        });
        Ok(self.report.keep(read))
    }

    /// The tokenizer and the chat template.
    async fn vocabulary(&mut self, config: &Config) -> Result<Option<Vocabulary>> {
        let settings = self.settings(tokenizer::CONFIG).await?.unwrap_or_default();
        let generation = self.settings(tokenizer::GENERATION).await?;
        let json = self.file(tokenizer::JSON, LONGEST_TOKENIZER).await?;
        let model = self.file(tokenizer::MODEL, LONGEST_TOKENIZER).await?;
        let added = self.file(tokenizer::ADDED, LONGEST_SETTINGS).await?;
        let files = Files {
            json: json.as_deref(),
            model: model.as_deref(),
            added: added.as_deref(),
            config: &settings,
            generation: generation.as_ref(),
        };
        let jinja = self.file(template::JINJA, LONGEST_SETTINGS).await?;
        let other = self.file(template::JSON, LONGEST_SETTINGS).await?;
        let Some(mut vocabulary) = Vocabulary::read(&files, config, self.report) else { return Ok(None) };
        vocabulary.template =
            template::read(jinja.as_deref(), other.as_deref(), &settings, &vocabulary, self.report).await?;
        Ok(Some(vocabulary))
    }
}

fn facts(config: &Config, located: &[Located]) -> ModelFacts {
    let mut dtypes = std::collections::HashMap::<_, u64>::new();
    for located in located {
        *dtypes.entry(located.entry.dtype).or_default() += located.entry.bytes;
    }
    let commonest = dtypes.into_iter().max_by_key(|(_, bytes)| *bytes).map(|(dtype, _)| dtype.name().to_owned());
    ModelFacts {
        class: config.architecture.class(),
        architecture: config.architecture.name(),
        parameters: located.iter().map(|located| located.entry.shape.iter().product::<u64>()).sum(),
        layers: config.layers,
        hidden: config.hidden,
        context_length: config.context,
        vocabulary: config.vocabulary,
        dtype: commonest.or_else(|| config.dtype.clone()),
        source_bytes: located.iter().map(|located| located.entry.bytes).sum(),
        model_bytes: 0,
    }
}

fn check_room(bytes: u64, config: &Config, room: Room, report: &mut Report) {
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut add = |problem, fix: &str| {
        let mut finding = Finding::error("", problem, fix);
        finding.file = None;
        report.add(finding);
    };
    if bytes > room.disk {
        let problem = format!("the model takes {} MiB, and {} MiB of disk are free", mib(bytes), mib(room.disk));
        add(problem, "Free space, or import it with the quantization Q8_0 or Q4_K_M.");
    }
    let needed = room.memory_needed(config, bytes);
    if needed > room.memory {
        let problem = format!(
            "the model takes {} MiB of memory with the caches of {} requests of {} tokens, and models may take {} MiB",
            mib(needed),
            u64::from(room.parallel.max(1)) * u64::from(room.replicas.max(1)),
            room.context_of(config),
            mib(room.memory)
        );
        let fix = "Raise `memory_budget`, lower `parallel`, `context` or `replicas`, or import it with the quantization Q8_0 or Q4_K_M.";
        add(problem, fix);
    }
}

#[cfg(test)]
#[path = "doctor_tests.rs"]
mod tests;
