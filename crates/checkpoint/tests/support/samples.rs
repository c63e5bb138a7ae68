//! Small checkpoints, made up, and a reader of GGUF files: for the tests of this crate and of the engine.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Mutex;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use serde_json::{Value, json};

use checkpoint::{Examination, Plain, Plan, Quantization, Quantizer, Room, Sink, Source, SourceFile, examine};

/// Files in memory, given in pieces of a size that divides nothing.
#[derive(Debug, Clone, Default)]
pub struct Memory(pub BTreeMap<String, Vec<u8>>);

#[async_trait]
impl Source for Memory {
    async fn files(&self) -> base::Result<Vec<SourceFile>> {
        Ok(self.0.iter().map(|(name, bytes)| SourceFile { name: name.clone(), bytes: bytes.len() as u64 }).collect())
    }

    async fn read(
        &self,
        name: &str,
        offset: u64,
        length: u64,
    ) -> base::Result<BoxStream<'static, base::Result<Bytes>>> {
        let file = self.0.get(name).ok_or_else(|| base::Error::not_found(format!("`{name}` is gone.")))?;
        let start = (offset as usize).min(file.len());
        let end = (start + length as usize).min(file.len());
        let pieces: Vec<_> = file[start..end].chunks(1013).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        Ok(stream::iter(pieces).boxed())
    }
}

/// Keeps what is written.
#[derive(Debug, Default)]
pub struct Kept(pub Vec<u8>);

#[async_trait]
impl Sink for Kept {
    async fn write(&mut self, bytes: Bytes) -> base::Result<()> {
        self.0.extend_from_slice(&bytes);
        Ok(())
    }
}

pub const PLENTY: Room = Room {
    disk: u64::MAX,
    memory: u64::MAX,
    parallel: 1,
    context: 0,
    shared_cells: inference::SHARED_CELLS,
    replicas: 1,
    cache_type: inference::CacheType::F16,
};

/// Examines files in memory.
pub fn examined(source: &Memory) -> Examination {
    futures::executor::block_on(examine(source, Quantization::F16, PLENTY)).unwrap()
}

/// The whole file that a source becomes.
pub fn converted(source: &dyn Source, quantization: Quantization, quantizer: &dyn Quantizer) -> Vec<u8> {
    futures::executor::block_on(async {
        let examination = examine(source, quantization, PLENTY).await.unwrap();
        let accepted = examination.accepted.unwrap_or_else(|| panic!("refused: {:?}", examination.report));
        let plan = accepted.plan("sample", quantization);
        write(&plan, source, quantizer).await
    })
}

pub async fn write(plan: &Plan, source: &dyn Source, quantizer: &dyn Quantizer) -> Vec<u8> {
    let (mut kept, last) = (Kept::default(), Mutex::new(0));
    let mut progress = |read| {
        assert!(std::mem::replace(&mut *last.lock().unwrap(), read) < read, "progress goes on");
        ControlFlow::Continue(())
    };
    plan.write(source, &mut kept, quantizer, &mut progress).await.unwrap();
    assert_eq!(*last.lock().unwrap(), plan.source_bytes());
    assert_eq!(kept.0.len() as u64, plan.bytes());
    kept.0
}

/// In half precision, without llama.cpp.
pub fn halved(source: &Memory) -> Vec<u8> {
    converted(source, Quantization::F16, &Plain)
}

/// A tensor of a checkpoint.
#[derive(Debug, Clone)]
pub struct Tensor {
    pub name: String,
    pub dtype: &'static str,
    pub shape: Vec<u64>,
    pub bytes: Vec<u8>,
}

/// A checkpoint before it is written.
#[derive(Debug, Clone)]
pub struct Sample {
    pub config: Value,
    pub generation: Value,
    pub tokenizer: Value,
    pub settings: Value,
    pub tensors: Vec<Tensor>,
    /// Further files.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The sizes of a sample.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    pub hidden: u64,
    pub inner: u64,
    pub layers: u64,
    pub heads: u64,
    pub kv_heads: u64,
}

pub const SMALL: Sizes = Sizes { hidden: 64, inner: 96, layers: 2, heads: 4, kv_heads: 2 };

impl Sample {
    /// A model of the class, with a byte-level tokenizer as of SmolLM2, in one element type, of made-up weights.
    pub fn new(class: &str, sizes: Sizes, dtype: &'static str) -> Self {
        let tokenizer = byte_level();
        let vocabulary = tokenizer["model"]["vocab"].as_object().unwrap().len() as u64;
        Self::with_tokenizer(class, sizes, dtype, tokenizer, vocabulary)
    }

    pub fn with_tokenizer(class: &str, sizes: Sizes, dtype: &'static str, tokenizer: Value, vocabulary: u64) -> Self {
        let family = class.trim_end_matches("ForCausalLM").to_lowercase();
        let Sizes { hidden, inner, layers, heads, kv_heads } = sizes;
        let config = json!({
            "architectures": [class], "model_type": family, "vocab_size": vocabulary, "hidden_size": hidden,
            "intermediate_size": inner, "num_hidden_layers": layers, "num_attention_heads": heads,
            "num_key_value_heads": kv_heads, "hidden_act": "silu", "max_position_embeddings": 512,
            "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false,
            "bos_token_id": 1, "eos_token_id": 2, "torch_dtype": "float32",
        });
        let width = hidden / heads * kv_heads;
        let mut shapes = vec![
            ("model.embed_tokens.weight".to_owned(), vec![vocabulary, hidden]),
            ("model.norm.weight".to_owned(), vec![hidden]),
            ("lm_head.weight".to_owned(), vec![vocabulary, hidden]),
        ];
        for layer in 0..layers {
            let mut add = |name: &str, shape: &[u64]| {
                shapes.push((format!("model.layers.{layer}.{name}"), shape.to_vec()));
            };
            add("input_layernorm.weight", &[hidden]);
            add("post_attention_layernorm.weight", &[hidden]);
            add("self_attn.q_proj.weight", &[hidden, hidden]);
            add("self_attn.k_proj.weight", &[width, hidden]);
            add("self_attn.v_proj.weight", &[width, hidden]);
            add("self_attn.o_proj.weight", &[hidden, hidden]);
            add("mlp.gate_proj.weight", &[inner, hidden]);
            add("mlp.up_proj.weight", &[inner, hidden]);
            add("mlp.down_proj.weight", &[hidden, inner]);
            if family == "qwen2" {
                add("self_attn.q_proj.bias", &[hidden]);
                add("self_attn.k_proj.bias", &[width]);
                add("self_attn.v_proj.bias", &[width]);
            }
        }
        let mut random = Random(7);
        let tensors = shapes.into_iter().map(|(name, shape)| Tensor {
            bytes: random.numbers(dtype, shape.iter().product::<u64>() as usize),
            name,
            dtype,
            shape,
        });
        Self {
            config,
            generation: json!({"eos_token_id": 2}),
            tokenizer,
            settings: json!({"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": TEMPLATE}),
            tensors: tensors.collect(),
            files: BTreeMap::new(),
        }
    }

    pub fn tensor(&mut self, name: &str) -> &mut Tensor {
        self.tensors.iter_mut().find(|tensor| tensor.name == name).unwrap()
    }

    /// All files, the weights in one.
    pub fn files(&self) -> Memory {
        let mut memory = self.small_files();
        memory.0.insert("model.safetensors".to_owned(), safetensors(&self.tensors));
        memory
    }

    /// All files, the weights in so many shards.
    pub fn sharded(&self, shards: usize) -> Memory {
        let mut memory = self.small_files();
        let mut map = BTreeMap::new();
        for shard in 0..shards {
            let name = format!("model-{:05}-of-{shards:05}.safetensors", shard + 1);
            let part: Vec<Tensor> = self.tensors.iter().skip(shard).step_by(shards).cloned().collect();
            part.iter().for_each(|tensor| _ = map.insert(tensor.name.clone(), name.clone()));
            memory.0.insert(name, safetensors(&part));
        }
        let index = json!({"metadata": {"total_size": 1}, "weight_map": map});
        memory.0.insert("model.safetensors.index.json".to_owned(), index.to_string().into_bytes());
        memory
    }

    fn small_files(&self) -> Memory {
        let mut files = self.files.clone();
        let json = [
            ("config.json", &self.config),
            ("generation_config.json", &self.generation),
            ("tokenizer.json", &self.tokenizer),
            ("tokenizer_config.json", &self.settings),
        ];
        for (name, value) in json.into_iter().filter(|(_, value)| !value.is_null()) {
            files.insert(name.to_owned(), value.to_string().into_bytes());
        }
        Memory(files)
    }
}

pub const TEMPLATE: &str = "{% for m in messages %}{% if m['role']=='user' %}[INST] {{ m['content'] }} [/INST]\
    {% else %}{{ m['content'] }}</s>{% endif %}{% endfor %}";

/// A safetensors file.
pub fn safetensors(tensors: &[Tensor]) -> Vec<u8> {
    let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!({"format": "pt"}))]);
    let mut at = 0;
    for Tensor { name, dtype, shape, bytes } in tensors {
        let end = at + bytes.len();
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [at, end]}));
        at = end;
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    tensors.iter().for_each(|tensor| file.extend_from_slice(&tensor.bytes));
    file
}

/// The letters of GPT-2 that stand for the bytes.
pub fn letters() -> Vec<char> {
    let mut next = 256;
    let plain = |byte: u32| (33..127).contains(&byte) || (161..173).contains(&byte) || (174..256).contains(&byte);
    let letter = |byte: u32| {
        if plain(byte) {
            return char::from_u32(byte).unwrap();
        }
        next += 1;
        char::from_u32(next - 1).unwrap()
    };
    (0..256).map(letter).collect()
}

/// A byte-level tokenizer cut as SmolLM2's: the bytes, three special tokens and a few merges.
pub fn byte_level() -> Value {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    tokens.extend(letters().iter().map(char::to_string));
    let merges = ["Ġ t", "h e", "Ġt he", "i n", "Ġ a", "1 2"];
    tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
    let vocabulary: serde_json::Map<_, _> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    json!({
        "version": "1.0", "added_tokens": added(&tokens[..3]), "normalizer": null, "post_processor": null,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true}, bytes]},
        "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": vocabulary, "merges": merges},
    })
}

pub fn added(tokens: &[String]) -> Vec<Value> {
    let one = |(id, token): (usize, &String)| {
        json!({"id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    tokens.iter().enumerate().map(one).collect()
}

/// A tokenizer as Llama 2's fast one: trained on a text, its merges listed as of a SentencePiece model.
pub fn sentencepiece(text: &str, merges: usize) -> Value {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).to_vec();
    tokens.extend((0..256).map(|byte| format!("<0x{byte:02X}>")));
    let mut words: Vec<Vec<String>> =
        text.split(' ').map(|word| format!("\u{2581}{word}").chars().map(String::from).collect()).collect();
    let characters: std::collections::BTreeSet<String> = words.iter().flatten().cloned().collect();
    let mut made = Vec::new();
    for _ in 0..merges {
        let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
        for word in &words {
            for pair in word.windows(2) {
                *counts.entry((pair[0].clone(), pair[1].clone())).or_default() += 1;
            }
        }
        let Some(((left, right), _)) = counts.into_iter().max_by_key(|(_, count)| *count) else { break };
        let token = format!("{left}{right}");
        for word in &mut words {
            let mut at = 0;
            while at + 1 < word.len() {
                if word[at] == left && word[at + 1] == right {
                    word[at] = token.clone();
                    word.remove(at + 1);
                }
                at += 1;
            }
        }
        if !made.contains(&token) {
            made.push(token);
        }
    }
    tokens.extend(made.iter().cloned());
    tokens.extend(characters);
    let known: std::collections::BTreeSet<&str> = tokens.iter().map(String::as_str).collect();
    let mut pairs = Vec::new();
    for token in &made {
        for (at, _) in token.char_indices().skip(1) {
            let (left, right) = token.split_at(at);
            if known.contains(left) && known.contains(right) {
                pairs.push(json!([left, right]));
            }
        }
    }
    let vocabulary: serde_json::Map<_, _> =
        tokens.iter().enumerate().map(|(id, token)| (token.clone(), json!(id))).collect();
    json!({
        "version": "1.0", "added_tokens": added(&tokens[..3]),
        "normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u{2581}"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u{2581}"}]},
        "pre_tokenizer": null,
        "post_processor": {"type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u{2581}"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null,
            "end_of_word_suffix": null, "fuse_unk": true, "byte_fallback": true, "ignore_merges": false,
            "vocab": vocabulary, "merges": pairs},
    })
}

/// Numbers that are the same each time (SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// About as weights are: around 0, most below 0.1.
    pub fn weight(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| (self.next() >> 40) as f32 / (1_u64 << 24) as f32 - 0.5).sum();
        sum * 0.1
    }

    fn numbers(&mut self, dtype: &str, count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            let number = self.weight();
            match dtype {
                "F32" => bytes.extend(number.to_le_bytes()),
                "F16" => bytes.extend(half::f16::from_f32(number).to_le_bytes()),
                _ => bytes.extend(half::bf16::from_f32(number).to_le_bytes()),
            }
        }
        bytes
    }
}

/// Texts of many scripts, code, digits, spaces, emojis; each time the same.
pub fn texts(count: usize) -> Vec<String> {
    const PARTS: [&str; 48] = [
        "the ",
        "Hello",
        " world",
        "don't",
        "I'll",
        " WE'VE",
        "it's",
        "\n",
        "\n\n",
        "  ",
        "    ",
        "\t",
        "\r\n",
        " ",
        "0",
        "12",
        "345",
        "2026",
        "3.14",
        "1,000",
        "٣٤",
        "Ⅷ",
        "½",
        "für",
        "café",
        "cafe\u{301}",
        "Привет",
        " мир",
        "مرحبا",
        "שלום",
        "नमस्ते",
        "สวัสดี",
        "你好",
        "世界",
        "こんにちは",
        "안녕하세요",
        "🙂",
        "👩‍🚀",
        "🇫🇷",
        "fn main() {",
        "}\n",
        "x += 1;",
        "<tag/>",
        "!?...",
        "\u{a0}",
        "\u{200b}",
        "–—",
        "_snake_case",
    ];
    const CHARACTERS: [(u32, u32); 20] = [
        (0x01, 0x250),
        (0x250, 0x370),
        (0x391, 0x3a2),
        (0x3a3, 0x530),
        (0x5d0, 0x5eb),
        (0x620, 0x700),
        (0x904, 0x950),
        (0xe01, 0xe3b),
        (0x10d0, 0x1100),
        (0x1e00, 0x1f00),
        (0x2010, 0x2065),
        (0x20a0, 0x20c0),
        (0x2190, 0x2400),
        (0x2500, 0x2800),
        (0x3041, 0x3097),
        (0x3400, 0x4dc0),
        (0x4e00, 0xa000),
        (0xac00, 0xd7a4),
        (0x1_f300, 0x1_f650),
        (0x2_0000, 0x2_a6d0),
    ];
    let mut random = Random(42);
    let one = |_| {
        let mut text = String::new();
        for _ in 0..=random.below(24) {
            match random.below(8) {
                // llama.cpp cuts at code points that no character has, the library does not: all of these are
                // characters.
                0 => {
                    let (from, to) = CHARACTERS[random.below(CHARACTERS.len())];
                    text.extend(char::from_u32(from + random.below((to - from) as usize) as u32));
                }
                1 => text.push((32 + random.below(95) as u8) as char),
                _ => text.push_str(PARTS[random.below(PARTS.len())]),
            }
        }
        text.replace('\0', "")
    };
    (0..count).map(one).collect()
}

/// A tensor of a GGUF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub kind: u32,
    /// The fastest dimension first.
    pub shape: Vec<u64>,
    pub bytes: Vec<u8>,
}

/// A GGUF file's metadata, each value as its bytes, and its tensors.
pub fn read_gguf(file: &[u8]) -> (BTreeMap<String, Vec<u8>>, BTreeMap<String, Stored>) {
    let mut reader = Bytewise { file, at: 0 };
    assert_eq!(reader.take(4), b"GGUF");
    assert_eq!(reader.u32(), 3);
    let (tensors, pairs) = (reader.u64(), reader.u64());
    let mut metadata = BTreeMap::new();
    for _ in 0..pairs {
        let key = reader.text();
        let start = reader.at;
        let kind = reader.u32();
        reader.skip(kind);
        metadata.insert(key, file[start..reader.at].to_vec());
    }
    let described: Vec<_> = (0..tensors)
        .map(|_| {
            let name = reader.text();
            let dimensions = reader.u32();
            let shape: Vec<u64> = (0..dimensions).map(|_| reader.u64()).collect();
            (name, shape, reader.u32(), reader.u64())
        })
        .collect();
    let data = reader.at.next_multiple_of(32);
    let stored = described.into_iter().map(|(name, shape, kind, offset)| {
        assert_eq!(offset % 32, 0, "{name}");
        let (numbers, size) = match kind {
            0 => (1, 4),
            1 => (1, 2),
            2 | 3 => (32, if kind == 2 { 18 } else { 20 }),
            6 => (32, 22),
            7 => (32, 24),
            8 => (32, 34),
            12 => (256, 144),
            13 => (256, 176),
            14 => (256, 210),
            other => panic!("{name} is of type {other}"),
        };
        let bytes = shape.iter().product::<u64>() / numbers * size;
        let start = data + offset as usize;
        let bytes = file[start..start + bytes as usize].to_vec();
        (name, Stored { kind, shape, bytes })
    });
    let stored = stored.collect();
    (metadata, stored)
}

struct Bytewise<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Bytewise<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        self.at += length;
        &self.file[self.at - length..self.at]
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take(4).try_into().unwrap())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take(8).try_into().unwrap())
    }

    fn text(&mut self) -> String {
        let length = self.u64() as usize;
        String::from_utf8(self.take(length).to_vec()).unwrap()
    }

    fn skip(&mut self, kind: u32) {
        match kind {
            0 | 1 | 7 => drop(self.take(1)),
            2 | 3 => drop(self.take(2)),
            4..=6 => drop(self.take(4)),
            10..=12 => drop(self.take(8)),
            8 => drop(self.text()),
            9 => {
                let (kind, count) = (self.u32(), self.u64());
                (0..count).for_each(|_| self.skip(kind));
            }
            other => panic!("metadata of type {other}"),
        }
    }
}
