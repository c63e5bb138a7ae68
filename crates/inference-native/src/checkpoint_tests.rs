//! Checkpoints become models that llama.cpp loads, with the tokens that they had.

use std::path::PathBuf;
use std::sync::Arc;

use checkpoint::{Folder, Quantization, Room, Source, examine};
use futures::executor::block_on;
use inference::backend::Vocabulary;
use inference::{CacheType, GenerateRequest, LoadOptions, Loaded, Loader, ModelFiles, Prompt, Sampling, Token};
use tokenizers::Tokenizer;

use crate::llama::Model;
use crate::sample::{SMALL, Sample, Sizes, converted, read_gguf, sentencepiece, texts};
use crate::vocabulary::NativeVocabulary;
use crate::{NativeLoader, NativeQuantizer};

/// SmolLM2 as a checkpoint; none where there is no Python to make it.
fn smollm2() -> Option<PathBuf> {
    let default = || {
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
        cache.unwrap_or_default().join("craton/test-models")
    };
    let models = std::env::var_os("CRATON_TEST_MODELS").map_or_else(default, PathBuf::from);
    let folder = models.join("SmolLM2-135M-Instruct-checkpoint");
    if folder.join("version").exists() {
        return Some(folder);
    }
    let python = std::process::Command::new("python3").arg("--version").output();
    assert!(python.is_err(), "`{}` is missing: run scripts/fetch-test-models.sh", folder.display());
    tracing::warn!("skipped: there is no Python that makes the checkpoint");
    None
}

struct Imported {
    file: PathBuf,
    _folder: tempfile::TempDir,
}

fn import(source: &dyn Source, quantization: Quantization) -> Imported {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model.gguf");
    std::fs::write(&file, converted(source, quantization, &NativeQuantizer)).unwrap();
    Imported { file, _folder: folder }
}

fn vocabulary(file: &std::path::Path) -> NativeVocabulary {
    NativeVocabulary::new(Arc::new(Model::load(file, &LoadOptions::default()).unwrap()))
}

/// The tokens that a model writes after a prompt, greedily.
fn greedy(file: &std::path::Path, prompts: &[&str]) -> Vec<Vec<Token>> {
    let files = ModelFiles { dir: file.parent().unwrap().to_owned(), main: file.to_owned() };
    let options = LoadOptions { parallel: 1, context_per_sequence: 512, ..LoadOptions::default() };
    let Loaded::Generator(model) = NativeLoader::default().load(&files, &options).unwrap() else { panic!() };
    let answer = |prompt: &&str| {
        let prompt = Prompt::Text { text: (*prompt).to_owned(), parse_special: true, add_bos: true };
        let sampling = Sampling::greedy();
        let request = GenerateRequest { prompt, sampling, max_tokens: Some(48), ..GenerateRequest::default() };
        let text = block_on(model.generate(request).unwrap().collect()).unwrap().text;
        model.tokenize(&text, true).unwrap()
    };
    prompts.iter().map(answer).collect()
}

#[test]
fn the_memory_that_an_import_is_examined_for_is_what_loading_is_charged() {
    let source = Sample::new("MistralForCausalLM", SMALL, "BF16").files();
    let imported = import(&source, Quantization::F16);
    let files = ModelFiles { dir: imported.file.parent().unwrap().to_owned(), main: imported.file.clone() };
    let facts = NativeLoader::default().inspect(&files).unwrap();
    let default = LoadOptions::default();
    for options in [
        LoadOptions { parallel: 1, context_per_sequence: 0, ..default.clone() },
        LoadOptions { parallel: 8, context_per_sequence: 4096, shared_cells: 0, ..default.clone() },
        LoadOptions { parallel: 3, context_per_sequence: 100, replicas: 3, ..default.clone() },
        LoadOptions { replicas: 2, cache_type: CacheType::Q8_0, ..default.clone() },
        LoadOptions { cache_type: CacheType::F32, ..default },
    ] {
        let room = Room::new(u64::MAX, u64::MAX, &options);
        let accepted = block_on(examine(&source, Quantization::F16, room)).unwrap().accepted.unwrap();
        assert_eq!(room.memory_needed(accepted.config(), facts.weights_bytes), facts.memory_bytes(&options));
    }
    assert!(facts.weights_bytes < std::fs::metadata(&imported.file).unwrap().len());
}

#[test]
fn imported_tensors_equal_those_of_the_half_precision_file_bit_for_bit() {
    let Some(folder) = smollm2() else { return };
    let (said, ours) = read_gguf(&converted(&Folder(folder.clone()), Quantization::F16, &NativeQuantizer));
    let (reference_said, reference) = read_gguf(&std::fs::read(folder.join("reference.gguf")).unwrap());
    assert_eq!(ours.keys().collect::<Vec<_>>(), reference.keys().collect::<Vec<_>>());
    for (name, tensor) in &ours {
        assert!(*tensor == reference[name], "{name}");
    }
    let own = ["general.name", "general.size_label", "tokenizer.ggml.add_eos_token"];
    for (key, value) in said.iter().filter(|(key, _)| !own.contains(&key.as_str())) {
        assert!(Some(value) == reference_said.get(key), "{key}");
    }
}

#[test]
fn an_imported_model_writes_the_tokens_of_the_half_precision_file() {
    let Some(folder) = smollm2() else { return };
    let imported = import(&Folder(folder.clone()), Quantization::F16);
    let prompts = [
        "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n",
        "<|im_start|>user\nWrite a haiku about rain.<|im_end|>\n<|im_start|>assistant\n",
        "Once upon a time",
        "def fibonacci(n):",
    ];
    let (ours, reference) = (greedy(&imported.file, &prompts), greedy(&folder.join("reference.gguf"), &prompts));
    assert_eq!(ours, reference);
    assert!(ours.iter().all(|tokens| tokens.len() > 4), "{ours:?}");
}

#[test]
fn ten_thousand_texts_have_the_tokens_that_the_tokenizers_library_gives_them() {
    let Some(folder) = smollm2() else { return };
    let imported = import(&Folder(folder.clone()), Quantization::Q8_0);
    let library = Tokenizer::from_file(folder.join("tokenizer.json")).unwrap();
    assert_agreement(&vocabulary(&imported.file), &library, &texts(10_000));
}

/// Both cut each text into the same tokens, and put them together to the same text.
fn assert_agreement(ours: &NativeVocabulary, library: &Tokenizer, texts: &[String]) {
    for text in texts {
        let expected = library.encode_fast(text.as_str(), false).unwrap();
        let tokens = ours.tokenize(text, true).unwrap();
        assert_eq!(tokens, expected.get_ids(), "{text:?}");
        let bytes: Vec<u8> = tokens.iter().flat_map(|token| ours.bytes(*token)).copied().collect();
        let written = String::from_utf8_lossy(&bytes);
        let decoded = library.decode(expected.get_ids(), true).unwrap();
        // The library takes the space away that a SentencePiece model puts before a text.
        let written = written.strip_prefix(' ').filter(|rest| *rest == decoded).unwrap_or(&written);
        assert_eq!(written, decoded, "{text:?}");
    }
}

#[test]
fn texts_have_the_tokens_of_a_sentencepiece_tokenizer() {
    let corpus = "the quick brown fox jumps over the lazy dog while the other dogs are sleeping in the sun and nothing \
        else happens in this town where the fox lives with the dogs the quick brown fox is quicker than the others";
    let tokenizer = sentencepiece(corpus, 150);
    let size = tokenizer["model"]["vocab"].as_object().unwrap().len() as u64;
    let sample = Sample::with_tokenizer("MistralForCausalLM", SMALL, "BF16", tokenizer.clone(), size);
    let imported = import(&sample.files(), Quantization::F16);
    let ours = vocabulary(&imported.file);
    let library: Tokenizer = tokenizer.to_string().parse().unwrap();
    let words: Vec<&str> = corpus.split(' ').collect();
    let mut random = crate::sample::Random(5);
    let sentences = (0..2000).map(|_| {
        let words: Vec<&str> = (0..=random.below(8)).map(|_| words[random.below(words.len())]).collect();
        words.join([" ", "  ", "", "\n"][random.below(4)])
    });
    let sentences: Vec<String> = sentences.collect();
    assert_agreement(&ours, &library, &sentences);
    let strange: Vec<String> = texts(2000).into_iter().filter(|text| !text.is_empty()).collect();
    assert_agreement(&ours, &library, &strange);
    assert_eq!(ours.bos(), Some(1));
    assert_eq!(ours.eos(), Some(2));
}

#[test]
fn models_of_all_architectures_and_quantizations_load_and_write() {
    for class in ["LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM"] {
        for dtype in ["BF16", "F16", "F32"] {
            for quantization in [Quantization::F16, Quantization::Q8_0, Quantization::Q4KM] {
                let mut sample = Sample::new(class, SMALL, dtype);
                if class == "LlamaForCausalLM" {
                    sample.config["rope_scaling"] = serde_json::json!({"rope_type": "llama3", "factor": 8.0,
                        "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 64});
                }
                let imported = import(&sample.files(), quantization);
                let first = greedy(&imported.file, &["<s>[INST] Hello [/INST]"]);
                assert_eq!(first, greedy(&imported.file, &["<s>[INST] Hello [/INST]"]), "{class} {dtype}");
            }
        }
    }
}

#[test]
fn a_tokenizer_without_merges_loads() {
    let mut sample = Sample::new("MistralForCausalLM", SMALL, "F32");
    sample.tokenizer["model"]["merges"] = serde_json::json!([]);
    sample.tokenizer["pre_tokenizer"] =
        serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let imported = import(&sample.files(), Quantization::F16);
    let ours = vocabulary(&imported.file);
    let library: Tokenizer = sample.tokenizer.to_string().parse().unwrap();
    assert_agreement(&ours, &library, &texts(500));
}

#[test]
fn every_pre_tokenizer_that_is_recognised_cuts_as_the_library_does() {
    let Some(folder) = smollm2() else { return };
    let original: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("tokenizer.json")).unwrap()).unwrap();
    let bytes = |cuts: bool| serde_json::json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": cuts});
    let split = |expression: &str| {
        let split = serde_json::json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated",
            "invert": false});
        serde_json::json!({"type": "Sequence", "pretokenizers": [split, bytes(false)]})
    };
    let llama3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let tekken = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let kinds = [
        (bytes(true), false),
        (split(llama3), true),
        (split(llama3), false),
        (split(&llama3.replace("{1,3}", "")), false),
        (split(tekken), true),
    ];
    for (pre_tokenizer, whole_words) in kinds {
        let mut tokenizer = original.clone();
        tokenizer["pre_tokenizer"] = pre_tokenizer;
        tokenizer["model"]["ignore_merges"] = whole_words.into();
        let sizes = Sizes { hidden: 8, inner: 8, layers: 1, heads: 2, kv_heads: 1 };
        let sample = Sample::with_tokenizer("LlamaForCausalLM", sizes, "F16", tokenizer.clone(), 49_152);
        let mut sample = sample;
        sample.settings["bos_token"] = "<|im_start|>".into();
        sample.settings["eos_token"] = "<|im_end|>".into();
        sample.settings["unk_token"] = "<|endoftext|>".into();
        let imported = import(&sample.files(), Quantization::F16);
        let library: Tokenizer = tokenizer.to_string().parse().unwrap();
        assert_agreement(&vocabulary(&imported.file), &library, &texts(3000));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_model_in_a_sealed_memory_file_loads_by_its_path_and_stays_when_the_file_is_closed() {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

    let sample = Sample::new("LlamaForCausalLM", SMALL, "F16");
    let model = converted(&sample.files(), Quantization::F16, &NativeQuantizer);
    let memory = memfd_create("model", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING).unwrap();
    let mut memory = std::fs::File::from(memory);
    memory.write_all(&model).unwrap();
    fcntl_add_seals(&memory, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL).unwrap();
    let dir = PathBuf::from("/proc/self/fd");
    let files = ModelFiles { main: dir.join(memory.as_raw_fd().to_string()), dir };
    let loader = NativeLoader::default();
    assert_eq!(loader.inspect(&files).unwrap().architecture, "llama");
    let Loaded::Generator(loaded) = loader.load(&files, &LoadOptions::default()).unwrap() else { panic!() };
    drop(memory);
    let prompt = Prompt::Text { text: "<s>[INST] Hello [/INST]".to_owned(), parse_special: true, add_bos: true };
    let sampling = Sampling::greedy();
    let request = GenerateRequest { prompt, sampling, max_tokens: Some(48), ..GenerateRequest::default() };
    let text = block_on(loaded.generate(request).unwrap().collect()).unwrap().text;
    let tokens = loaded.tokenize(&text, true).unwrap();
    let plain = import(&sample.files(), Quantization::F16);
    assert_eq!(vec![tokens], greedy(&plain.file, &["<s>[INST] Hello [/INST]"]));
}

#[test]
fn caches_of_every_type_and_several_replicas_answer() {
    // Heads of 32 numbers, which share a scale in a quantized cache.
    let source = Sample::new("MistralForCausalLM", Sizes { hidden: 128, ..SMALL }, "BF16").files();
    let imported = import(&source, Quantization::F16);
    let files = ModelFiles { dir: imported.file.parent().unwrap().to_owned(), main: imported.file.clone() };
    for (cache_type, replicas) in [(CacheType::F16, 2), (CacheType::F32, 1), (CacheType::Q8_0, 1)] {
        let options =
            LoadOptions { parallel: 1, context_per_sequence: 256, cache_type, replicas, ..LoadOptions::default() };
        let Loaded::Generator(model) = NativeLoader::default().load(&files, &options).unwrap() else { panic!() };
        let ask = || {
            let prompt = Prompt::Text { text: "the river".to_owned(), parse_special: true, add_bos: true };
            let sampling = Sampling::greedy();
            GenerateRequest { prompt, sampling, max_tokens: Some(8), ..GenerateRequest::default() }
        };
        let streams = [model.generate(ask()).unwrap(), model.generate(ask()).unwrap()];
        let [one, two] = streams.map(|stream| block_on(stream.collect()).unwrap());
        assert_eq!(one.text, two.text, "{cache_type}");
        assert!(one.finish.usage.completion_tokens > 0);
    }
    let refused = LoadOptions { cache_type: CacheType::Q8_0, attention: Some(false), ..LoadOptions::default() };
    assert!(NativeLoader::default().load(&files, &refused).is_err());
}
