//! `config.json`: what a checkpoint says of its model.

use serde_json::{Map, Value};

use crate::finding::{Finding, Report};

pub(crate) const FILE: &str = "config.json";

/// An architecture that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// `LlamaForCausalLM`: Llama 2, Llama 3 and what is built like them.
    Llama,
    /// `MistralForCausalLM`.
    Mistral,
    /// `Qwen2ForCausalLM`.
    Qwen2,
}

impl Architecture {
    const ALL: [Self; 3] = [Self::Llama, Self::Mistral, Self::Qwen2];

    /// The class that `config.json` names.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
        }
    }

    /// The family's name, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
        }
    }

    /// What GGUF calls it.
    pub(crate) fn gguf(self) -> &'static str {
        match self {
            Self::Llama | Self::Mistral => "llama",
            Self::Qwen2 => "qwen2",
        }
    }
}

/// How positions beyond those of the first training are encoded.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum RopeScaling {
    /// As all others.
    None,
    /// All frequencies are divided.
    Linear { factor: f32 },
    /// Low frequencies are divided (Llama 3.1).
    Llama3 { factor: f32, low: f32, high: f32, original: u64 },
    /// Interpolated by frequency (YaRN).
    Yarn { factor: f32, original: u64, beta_fast: Option<f32>, beta_slow: Option<f32>, attention: Option<f32> },
}

/// What was read of `config.json`, within the limits of what can be imported.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Config {
    pub architecture: Architecture,
    pub hidden: u64,
    pub intermediate: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
    pub head_dim: u64,
    /// Whether the file names `head_dim` itself.
    pub head_dim_named: bool,
    pub vocabulary: u64,
    pub context: u64,
    pub rms_epsilon: f32,
    pub rope_theta: f32,
    pub rope_scaling: RopeScaling,
    /// Whether the output matrix is that of the embeddings.
    pub tied: bool,
    pub qkv_bias: bool,
    pub output_bias: bool,
    pub mlp_bias: bool,
    /// The element type that it was saved in, as the file names it.
    pub dtype: Option<String>,
    /// Special tokens by their role: `bos`, `eos`, `unk`, `pad`.
    pub(crate) special: Map<String, Value>,
}

/// Weights of a head's queries, which are held at once; the largest models have 2 Mi.
const LARGEST_HEAD: u64 = 8 << 20;
const FIX_CONFIG: &str = "Upload the `config.json` that the model was saved with.";

impl Config {
    /// Bytes that a token takes in the cache of a loaded model: a key and a value of each layer, in half precision.
    #[must_use]
    pub fn cache_bytes_per_token(&self) -> u64 {
        2 * 2 * self.layers * self.kv_heads * self.head_dim
    }

    /// Reads the file; findings where it cannot be imported.
    pub(crate) fn read(json: &[u8], report: &mut Report) -> Option<Self> {
        let value = serde_json::from_slice::<Map<String, Value>>(json)
            .map_err(|error| Finding::error(FILE, format!("it is not JSON: {error}"), FIX_CONFIG));
        let map = report.keep(value)?;
        let architecture = report.keep(architecture(&map))?;
        let reader = Reader { map: &map };
        let config = report.keep(reader.config(architecture))?;
        report.keep(config.check(&map))?;
        config.warn(&map, report);
        Some(config)
    }

    fn check(&self, map: &Map<String, Value>) -> Result<(), Finding> {
        let wrong = |problem: String| Err(Finding::error(FILE, problem, FIX_CONFIG));
        if !self.heads.is_multiple_of(self.kv_heads) {
            return wrong(format!(
                "`num_attention_heads` is {}, which is not a multiple of `num_key_value_heads`, {}",
                self.heads, self.kv_heads
            ));
        }
        if !self.head_dim_named && !self.hidden.is_multiple_of(self.heads) {
            return wrong(format!(
                "`hidden_size` is {}, which is not a multiple of `num_attention_heads`, {}",
                self.hidden, self.heads
            ));
        }
        if !self.head_dim.is_multiple_of(2) || !(2..=512).contains(&self.head_dim) {
            return wrong(format!("a head has {} numbers; even ones from 2 to 512 can be imported", self.head_dim));
        }
        if self.head_dim * self.hidden > LARGEST_HEAD {
            return wrong(format!("a head has {} weights, and {LARGEST_HEAD} at most", self.head_dim * self.hidden));
        }
        if let Some(quantized) = map.get("quantization_config").filter(|value| !value.is_null()) {
            let method = quantized.get("quant_method").and_then(Value::as_str).unwrap_or("unknown");
            let problem = format!("the weights are quantized (`quant_method` `{method}`)");
            return Err(Finding::error(FILE, problem, "Import the original weights in BF16, F16 or F32."));
        }
        let act = map.get("hidden_act").and_then(Value::as_str).unwrap_or("silu");
        if act != "silu" {
            let problem = format!("`hidden_act` is `{act}`, and {} is computed with `silu`", self.architecture.class());
            return Err(Finding::error(FILE, problem, "This model cannot be imported."));
        }
        Ok(())
    }

    fn warn(&self, map: &Map<String, Value>, report: &mut Report) {
        let window = map.get("sliding_window").and_then(Value::as_u64);
        let used = match self.architecture {
            Architecture::Mistral => true,
            Architecture::Qwen2 => map.get("use_sliding_window").and_then(Value::as_bool).unwrap_or(false),
            Architecture::Llama => false,
        };
        if let Some(window) = window.filter(|window| used && *window < self.context) {
            let problem = format!("tokens attend to the last {window} (`sliding_window`); here they attend to all");
            report.add(Finding::warning(FILE, problem, format!("Keep prompts within {window} tokens.")));
        }
        let kind = map.get("model_type").and_then(Value::as_str).unwrap_or(self.architecture.name());
        if kind != self.architecture.name() {
            let problem = format!("`model_type` is `{kind}`, and `architectures` names {}", self.architecture.class());
            report.add(Finding::warning(FILE, problem, "The model is read as `architectures` says."));
        }
    }

    /// The numbers of a layer's keys, or of its values.
    pub(crate) fn kv_width(&self) -> u64 {
        self.kv_heads * self.head_dim
    }

    pub(crate) fn query_width(&self) -> u64 {
        self.heads * self.head_dim
    }
}

fn architecture(map: &Map<String, Value>) -> Result<Architecture, Finding> {
    let known =
        "Models of LlamaForCausalLM (Llama 2, Llama 3), MistralForCausalLM and Qwen2ForCausalLM can be imported.";
    let named: Vec<&str> =
        map.get("architectures").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    match named.as_slice() {
        [] => Err(Finding::error(FILE, "it names no architecture (`architectures`)", known)),
        [one] => Architecture::ALL.into_iter().find(|architecture| architecture.class() == *one).ok_or_else(|| {
            let one: String = one.chars().take(100).collect();
            Finding::error(FILE, format!("the architecture `{one}` is not supported"), known)
        }),
        several => Err(Finding::error(FILE, format!("it names {} architectures", several.len()), known)),
    }
}

struct Reader<'a> {
    map: &'a Map<String, Value>,
}

impl Reader<'_> {
    fn config(&self, architecture: Architecture) -> Result<Config, Finding> {
        let (kv_default, context_default) = match architecture {
            Architecture::Llama => (None, 2048),
            Architecture::Mistral => (Some(8), 131_072),
            Architecture::Qwen2 => (Some(32), 32_768),
        };
        let heads = self.whole("num_attention_heads", 1..=1024, None)?;
        let hidden = self.whole("hidden_size", 1..=65_536, None)?;
        let head_dim_named = self.map.get("head_dim").is_some_and(|value| !value.is_null());
        let context = self.whole("max_position_embeddings", 1..=1 << 27, Some(context_default))?;
        let bias = self.flag("attention_bias", false)? && architecture == Architecture::Llama;
        let rope = self.rope()?;
        let special = ["bos", "eos", "unk", "pad"]
            .into_iter()
            .filter_map(|role| self.map.get(&format!("{role}_token_id")).map(|value| (role.to_owned(), value.clone())));
        Ok(Config {
            architecture,
            hidden,
            intermediate: self.whole("intermediate_size", 1..=1 << 20, None)?,
            layers: self.whole("num_hidden_layers", 1..=512, None)?,
            heads,
            kv_heads: self.whole("num_key_value_heads", 1..=1024, Some(kv_default.unwrap_or(heads)))?,
            head_dim: self.whole("head_dim", 0..=1 << 20, Some(hidden / heads))?,
            head_dim_named,
            vocabulary: self.whole("vocab_size", 1..=1 << 20, None)?,
            context,
            rms_epsilon: self.real("rms_norm_eps", Some(1e-6))?,
            rope_theta: rope.real_or("rope_theta", self.real("rope_theta", Some(10_000.0))?)?,
            rope_scaling: rope.scaling(self)?,
            tied: self.flag("tie_word_embeddings", false)?,
            qkv_bias: bias || architecture == Architecture::Qwen2,
            output_bias: bias,
            mlp_bias: self.flag("mlp_bias", false)? && architecture == Architecture::Llama,
            dtype: ["torch_dtype", "dtype"].iter().find_map(|key| self.map.get(*key)?.as_str()).map(str::to_owned),
            special: special.collect(),
        })
    }

    fn whole(&self, key: &str, range: std::ops::RangeInclusive<u64>, default: Option<u64>) -> Result<u64, Finding> {
        let number = match self.map.get(key).filter(|value| !value.is_null()) {
            None => default.ok_or_else(|| Finding::error(FILE, format!("`{key}` is missing"), FIX_CONFIG))?,
            Some(value) => value.as_u64().ok_or_else(|| {
                Finding::error(FILE, format!("`{key}` is `{}`, not a number", brief(value)), FIX_CONFIG)
            })?,
        };
        if !range.contains(&number) {
            let problem = format!("`{key}` is {number}, and {} to {} can be imported", range.start(), range.end());
            return Err(Finding::error(FILE, problem, FIX_CONFIG));
        }
        Ok(number)
    }

    fn real(&self, key: &str, default: Option<f32>) -> Result<f32, Finding> {
        let number = match self.map.get(key).filter(|value| !value.is_null()) {
            None => default,
            Some(value) => value.as_f64().map(|number| number as f32),
        };
        match number {
            Some(number) if number.is_finite() && number > 0.0 => Ok(number),
            _ => Err(Finding::error(FILE, format!("`{key}` is missing or is not a number above 0"), FIX_CONFIG)),
        }
    }

    fn real_or(&self, key: &str, default: f32) -> Result<f32, Finding> {
        self.real(key, Some(default))
    }

    fn optional(&self, key: &str) -> Result<Option<f32>, Finding> {
        match self.map.get(key).filter(|value| !value.is_null()) {
            None => Ok(None),
            Some(_) => self.real(key, None).map(Some),
        }
    }

    fn flag(&self, key: &str, default: bool) -> Result<bool, Finding> {
        match self.map.get(key).filter(|value| !value.is_null()) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => {
                let problem = format!("`{key}` is `{}`, not true or false", brief(other));
                Err(Finding::error(FILE, problem, FIX_CONFIG))
            }
        }
    }

    /// `rope_parameters`, as newer versions of transformers write, or `rope_scaling`; empty where there is neither.
    fn rope(&self) -> Result<Reader<'_>, Finding> {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        for key in ["rope_parameters", "rope_scaling"] {
            match self.map.get(key) {
                None | Some(Value::Null) => {}
                Some(Value::Object(map)) => return Ok(Reader { map }),
                Some(other) => {
                    let problem = format!("`{key}` is `{}`, not an object", brief(other));
                    return Err(Finding::error(FILE, problem, FIX_CONFIG));
                }
            }
        }
        Ok(Reader { map: &NONE })
    }

    /// The scaling that these parameters name, in the configuration `outer`.
    fn scaling(&self, outer: &Reader<'_>) -> Result<RopeScaling, Finding> {
        let kind = ["rope_type", "type"].iter().find_map(|key| self.map.get(*key)?.as_str()).unwrap_or("default");
        let original = |default: u64| {
            let key = "original_max_position_embeddings";
            let outer = outer.whole(key, 1..=1 << 27, Some(default))?;
            self.whole(key, 1..=1 << 27, Some(outer))
        };
        match kind {
            "default" => Ok(RopeScaling::None),
            "linear" => Ok(RopeScaling::Linear { factor: self.real("factor", None)? }),
            "llama3" => {
                let (low, high) = (self.real("low_freq_factor", Some(1.0))?, self.real("high_freq_factor", Some(4.0))?);
                if high <= low {
                    let problem = format!("`high_freq_factor`, {high}, is not above `low_freq_factor`, {low}");
                    return Err(Finding::error(FILE, problem, FIX_CONFIG));
                }
                Ok(RopeScaling::Llama3 {
                    factor: self.real("factor", Some(8.0))?,
                    low,
                    high,
                    original: original(8192)?,
                })
            }
            "yarn" => Ok(RopeScaling::Yarn {
                factor: self.real("factor", None)?,
                original: original(outer.whole("max_position_embeddings", 1..=1 << 27, Some(32_768))?)?,
                beta_fast: self.optional("beta_fast")?,
                beta_slow: self.optional("beta_slow")?,
                attention: self.optional("attention_factor")?,
            }),
            other => {
                let other: String = other.chars().take(100).collect();
                let problem = format!("the position scaling `{other}` (`rope_scaling`) is not supported");
                Err(Finding::error(FILE, problem, "`linear`, `llama3` and `yarn` are supported."))
            }
        }
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(60).collect()
}
