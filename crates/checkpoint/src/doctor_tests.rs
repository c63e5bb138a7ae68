use futures::executor::block_on;
use serde_json::json;

use super::*;
use crate::samples::{Memory, PLENTY, SMALL, Sample, examined};
use crate::{Error, Severity};

fn mistral() -> Sample {
    Sample::new("MistralForCausalLM", SMALL, "BF16")
}

/// The only error of an examination, as file, problem and fix.
fn only(source: &Memory) -> (String, String, String) {
    let examination = examined(source);
    assert!(examination.accepted.is_none());
    let errors: Vec<_> = examination.report.errors().cloned().collect();
    let [finding] = errors.as_slice() else { panic!("{errors:?}") };
    assert!(!finding.fix.is_empty());
    (finding.file.clone().unwrap_or_default(), finding.problem.clone(), finding.fix.clone())
}

#[test]
fn a_good_checkpoint_is_accepted_with_its_facts() {
    let sample = mistral();
    for source in [sample.files(), sample.sharded(3)] {
        let examination = examined(&source);
        assert_eq!(examination.report, Report::default());
        let facts = examination.facts.unwrap();
        assert_eq!((facts.class, facts.architecture), ("MistralForCausalLM", "mistral"));
        assert_eq!((facts.layers, facts.hidden, facts.context_length, facts.vocabulary), (2, 64, 512, 265));
        assert_eq!(facts.dtype.as_deref(), Some("BF16"));
        let bytes: usize = sample.tensors.iter().map(|tensor| tensor.bytes.len()).sum();
        assert_eq!((facts.source_bytes, facts.parameters), (bytes as u64, bytes as u64 / 2));
        let plan = examination.accepted.unwrap().plan("", Quantization::F16);
        assert_eq!((facts.model_bytes, facts.source_bytes), (plan.bytes(), plan.source_bytes()));
    }
}

#[test]
fn what_is_wrong_is_said_with_its_file_and_the_fix() {
    type Change = fn(&mut Memory);
    let cases: [(Change, &str, &str); 22] = [
        (|files| drop(files.0.remove("config.json")), "config.json", "it is missing"),
        (|files| _ = files.0.insert("config.json".into(), b"{".to_vec()), "config.json", "it is not JSON"),
        (|files| _ = files.0.insert("config.json".into(), vec![b' '; 5 << 20]), "config.json", "at most"),
        (|files| drop(files.0.remove("tokenizer.json")), "tokenizer.json", "the tokenizer is missing"),
        (|files| _ = files.0.insert("tokenizer.json".into(), b"{}".to_vec()), "tokenizer.json", "it is no tokenizer"),
        (|files| drop(files.0.remove("model.safetensors")), "model.safetensors", "there is none"),
        (
            |files| {
                let weights = files.0.remove("model.safetensors").unwrap();
                files.0.insert("pytorch_model.bin".into(), weights);
            },
            "model.safetensors",
            "`pytorch_model.bin` is in a format that can run code",
        ),
        (
            |files| {
                let weights = files.0.remove("model.safetensors").unwrap();
                files.0.insert("model-00001-of-00002.safetensors".into(), weights);
            },
            "model.safetensors.index.json",
            "is one shard of several",
        ),
        (|files| files.0.get_mut("model.safetensors").unwrap().truncate(7), "model.safetensors", "truncated"),
        (|files| files.0.get_mut("model.safetensors").unwrap().truncate(999), "model.safetensors", "truncated"),
        (
            |files| {
                let weights = files.0.get_mut("model.safetensors").unwrap();
                weights.truncate(weights.len() - 1);
            },
            "model.safetensors",
            "truncated",
        ),
        (|files| files.0.get_mut("model.safetensors").unwrap().push(0), "model.safetensors", "1 bytes at its end"),
        (|files| files.0.get_mut("model.safetensors").unwrap()[3] = 1, "model.safetensors", "header"),
        (|files| index(files, json!({"a": "../model.safetensors"})), INDEX, "not a name in this folder"),
        (|files| index(files, json!({"a": "/etc/passwd"})), INDEX, "not a name in this folder"),
        (|files| index(files, json!({"a": "..\\model.safetensors"})), INDEX, "not a name in this folder"),
        (|files| index(files, json!({"a": "model-00001-of-00001.safetensors"})), INDEX, "which is not there"),
        (|files| index(files, json!({"a": "model.safetensors"})), INDEX, "it says that tensor `a` is in"),
        (|files| index(files, json!({"lm_head.weight": "model.safetensors"})), INDEX, "it does not name tensor"),
        (|files| index(files, json!({})), INDEX, "it names no tensor"),
        (
            |files| {
                _ = files
                    .0
                    .insert(INDEX.into(), br#"{"weight_map":{"a":"b.safetensors","a":"b.safetensors"}}"#.to_vec())
            },
            INDEX,
            "tensor `a` appears twice",
        ),
        (
            |files| _ = files.0.insert("generation_config.json".into(), b"[".to_vec()),
            "generation_config.json",
            "not JSON",
        ),
    ];
    for (at, (change, file, problem)) in cases.into_iter().enumerate() {
        let mut files = mistral().files();
        change(&mut files);
        let found = only(&files);
        assert_eq!(found.0, file, "{at}: {found:?}");
        assert!(found.1.contains(problem), "{at}: {found:?}");
    }
}

const INDEX: &str = "model.safetensors.index.json";

fn index(files: &mut Memory, map: Value) {
    files.0.insert(INDEX.into(), json!({"weight_map": map}).to_string().into_bytes());
}

#[test]
fn shards_that_contradict_their_index_are_found() {
    let sharded = mistral().sharded(3);
    let missing = {
        let mut files = sharded.clone();
        files.0.remove("model-00002-of-00003.safetensors");
        only(&files)
    };
    assert_eq!(missing.0, INDEX);
    assert!(missing.1.contains("`model-00002-of-00003.safetensors`, which is not there"), "{missing:?}");
    assert!(missing.2.contains("Upload `model-00002-of-00003.safetensors`"));
    let swapped = {
        let mut files = sharded.clone();
        let (one, two) = ("model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors");
        let first = files.0.remove(one).unwrap();
        let second = files.0.insert(two.into(), first).unwrap();
        files.0.insert(one.into(), second);
        only(&files)
    };
    assert!(swapped.1.contains("and it is in"), "{swapped:?}");
    let twice = {
        let mut files = sharded.clone();
        let first = files.0["model-00001-of-00003.safetensors"].clone();
        files.0.insert("model-00002-of-00003.safetensors".into(), first);
        only(&files)
    };
    assert!(twice.1.contains("is also in"), "{twice:?}");
}

/// A checkpoint whose index names `shards` files with these headers and no bytes.
fn headers(shards: usize, header: impl Fn(usize) -> String) -> Memory {
    let mut files = mistral().files();
    files.0.remove("model.safetensors");
    let name = |at: usize| format!("shard-{at:02}.safetensors");
    index(&mut files, (0..shards).map(|at| (format!("t{at}"), json!(name(at)))).collect());
    for at in 0..shards {
        let header = header(at);
        let length = (header.len() as u64).to_le_bytes();
        files.0.insert(name(at), [&length, header.as_bytes()].concat());
    }
    files
}

#[test]
fn headers_are_read_up_to_a_sum_of_bytes_and_of_tensors() {
    let long = only(&headers(5, |_| format!("{{{}}}", " ".repeat((16 << 20) - 2))));
    assert_eq!(long.0, "shard-04.safetensors");
    assert_eq!(long.1, "the headers up to this one's are longer than 67108864 bytes");
    let empty = |at: usize, tensors: usize| {
        let tensor = |n: usize| format!(r#""{at}.{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#);
        format!("{{{}}}", (0..tensors).map(tensor).collect::<Vec<_>>().join(","))
    };
    let many = only(&headers(4, |at| empty(at, 40_000)));
    assert_eq!(many.0, "shard-02.safetensors");
    assert_eq!(many.1, "the files up to this one hold more than 100000 tensors");
    let one = only(&headers(1, |at| empty(at, 100_001)));
    assert!(one.1.contains("it has more than 100000 tensors"), "{one:?}");
}

#[test]
fn configurations_that_cannot_be_imported_are_refused_by_name() {
    let cases: [(&str, Value, &str); 22] = [
        ("architectures", json!(["GPTNeoXForCausalLM"]), "the architecture `GPTNeoXForCausalLM` is not supported"),
        ("architectures", json!(["MixtralForCausalLM"]), "`MixtralForCausalLM` is not supported"),
        ("architectures", json!([]), "it names no architecture"),
        ("architectures", json!(null), "it names no architecture"),
        ("architectures", json!(["LlamaForCausalLM", "MistralForCausalLM"]), "2 architectures"),
        ("hidden_size", json!(null), "`hidden_size` is missing"),
        ("hidden_size", json!("64"), "`hidden_size` is `\"64\"`, not a number"),
        ("hidden_size", json!(66), "`hidden_size` is 66, which is not a multiple of"),
        ("num_hidden_layers", json!(0), "`num_hidden_layers` is 0"),
        ("num_hidden_layers", json!(513), "1 to 512"),
        ("num_attention_heads", json!(64), "a head has 1 numbers"),
        ("head_dim", json!(514), "a head has 514 numbers"),
        ("head_dim", json!(0), "a head has 0 numbers"),
        ("num_key_value_heads", json!(3), "not a multiple of `num_key_value_heads`"),
        ("vocab_size", json!(1_u64 << 40), "`vocab_size`"),
        ("rms_norm_eps", json!(0), "`rms_norm_eps`"),
        ("rope_theta", json!(-1), "`rope_theta`"),
        ("tie_word_embeddings", json!("yes"), "not true or false"),
        ("rope_scaling", json!({"type": "dynamic", "factor": 2.0}), "the position scaling `dynamic`"),
        ("rope_scaling", json!({"rope_type": "linear"}), "`factor`"),
        ("hidden_act", json!("gelu"), "`hidden_act` is `gelu`"),
        ("quantization_config", json!({"quant_method": "gptq", "bits": 4}), "`quant_method` `gptq`"),
    ];
    for (key, value, problem) in cases {
        let mut sample = mistral();
        if key == "num_attention_heads" {
            sample.config["num_key_value_heads"] = 64.into();
        }
        sample.config[key] = value;
        let found = only(&sample.files());
        assert_eq!(found.0, "config.json", "{found:?}");
        assert!(found.1.contains(problem), "{key}: {found:?}");
    }
}

#[test]
fn a_checkpoint_in_a_folder_below_is_pointed_at() {
    let files = mistral().files().0.into_iter().map(|(name, bytes)| (format!("epoch-3/{name}"), bytes));
    let found = only(&Memory(files.collect()));
    assert!(found.1.contains("there is one at `epoch-3/config.json`"), "{found:?}");
}

#[test]
fn the_chat_template_must_render() {
    let with = |template: Value| {
        let mut sample = mistral();
        sample.settings["chat_template"] = template;
        sample
    };
    let cases = [
        (json!("{% for m in messages %}"), "the chat template cannot be read"),
        (
            json!("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}"),
            "the chat template cannot be read: it takes more than 4000000 steps",
        ),
        (
            json!(
                "{% if messages[0].content is startingwith('What') %}{% for a in range(100000) %}\
                {% for b in range(100000) %}{% endfor %}{% endfor %}{% endif %}{{ messages[0].content }}"
            ),
            "the chat template refuses a question: it takes more than 4000000 steps",
        ),
        (json!("{{ raise_exception('only for experts') }}"), "refuses a question: only for experts"),
        (json!("Hello"), "leaves the question out"),
    ];
    for (template, problem) in cases {
        let found = only(&with(template).files());
        assert!(found.1.contains(problem), "{found:?}");
        assert!(found.2.contains("tokenizer_config.json"), "{found:?}");
    }
    for template in [json!(null), json!([{"name": "tool_use", "template": "x"}])] {
        let examination = examined(&with(template).files());
        let [found] = examination.report.findings.as_slice() else { panic!("{:?}", examination.report) };
        assert_eq!((found.severity, found.problem.as_str()), (Severity::Warning, "the model has no chat template"));
        assert!(examination.accepted.is_some(), "a base model");
    }
    let mut named = with(json!([{"name": "default", "template": crate::samples::TEMPLATE}]));
    assert!(examined(&named.files()).report.passes());
    named.settings["chat_template"] = json!(null);
    for (name, text) in [
        ("chat_template.jinja", crate::samples::TEMPLATE.to_owned()),
        ("chat_template.json", json!({"chat_template": crate::samples::TEMPLATE}).to_string()),
    ] {
        named.files = std::collections::BTreeMap::from([(name.to_owned(), text.into_bytes())]);
        assert!(examined(&named.files()).report.passes(), "{name}");
    }
}

#[test]
fn a_model_larger_than_disk_or_memory_is_refused_before_it_is_copied() {
    let source = mistral().files();
    let bytes = examined(&source).facts.unwrap().model_bytes;
    // Keys and values in half precision for 3 requests of 100 tokens and what requests share, and working buffers.
    let cells = 3 * 100 + u64::from(inference::SHARED_CELLS);
    let caches = cells * 2 * 2 * SMALL.layers * SMALL.kv_heads * SMALL.hidden / SMALL.heads;
    let memory = bytes + caches + inference::working_bytes(265, SMALL.hidden);
    let errors = |disk, memory| {
        let room = Room { disk, memory, parallel: 3, context: 100, ..PLENTY };
        let examination = block_on(examine(&source, Quantization::F16, room)).unwrap();
        assert_eq!(examination.accepted.is_some(), examination.report.passes());
        examination.report.errors().map(|finding| finding.problem.clone()).collect::<Vec<_>>()
    };
    assert_eq!(errors(bytes, memory), [""; 0]);
    assert!(errors(bytes - 1, memory)[0].contains("of disk are free"));
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    let problem = format!(
        "the model takes {} MiB of memory with the caches of 3 requests of 100 tokens, and models may take {} MiB",
        mib(memory),
        mib(memory - 1)
    );
    assert_eq!(errors(bytes, memory - 1), [problem]);
    assert_eq!(errors(0, 0).len(), 2);
    // Two replicas have twice the caches and buffers, and one copy of the weights.
    let two = Room { memory: 2 * memory - bytes, parallel: 3, context: 100, replicas: 2, ..PLENTY };
    assert!(block_on(examine(&source, Quantization::F16, two)).unwrap().report.passes());
    let room = Room { memory: two.memory - 1, ..two };
    let examination = block_on(examine(&source, Quantization::F16, room)).unwrap();
    let problems: Vec<&str> = examination.report.errors().map(|finding| finding.problem.as_str()).collect();
    assert!(problems.len() == 1 && problems[0].contains("the caches of 6 requests of 100 tokens"), "{problems:?}");
    let small = Room { cache_type: CacheType::Q8_0, ..room };
    assert!(block_on(examine(&source, Quantization::F16, small)).unwrap().report.passes());
    let packed = block_on(examine(&source, Quantization::Q8_0, PLENTY)).unwrap().facts.unwrap().model_bytes;
    assert!(packed < bytes);
}

#[test]
fn what_is_only_different_is_a_warning_or_a_note() {
    let mut sample = mistral();
    sample.config["sliding_window"] = 128.into();
    sample.config["model_type"] = "llama".into();
    sample.tokenizer["normalizer"] = json!({"type": "NFC"});
    sample.tokenizer["added_tokens"][1]["rstrip"] = true.into();
    sample.files.insert("consolidated.safetensors".into(), vec![0; 10]);
    let examination = examined(&sample.files());
    assert!(examination.accepted.is_some());
    let found: Vec<_> =
        examination.report.findings.iter().map(|f| (f.severity, f.file.as_deref().unwrap_or_default())).collect();
    assert_eq!(
        found,
        [
            (Severity::Warning, "config.json"),
            (Severity::Warning, "config.json"),
            (Severity::Note, "tokenizer.json"),
            (Severity::Warning, "tokenizer.json"),
            (Severity::Note, "consolidated.safetensors"),
        ]
    );
}

#[test]
fn several_faults_are_all_reported() {
    let mut sample = mistral();
    sample.settings["chat_template"] = json!("Hello");
    sample.tensors.pop();
    let report = examined(&sample.files()).report;
    assert_eq!(report.errors().count(), 2, "{report:?}");
}

#[test]
fn a_source_that_denies_a_file_is_no_finding() {
    struct Denying(Memory);
    #[async_trait::async_trait]
    impl Source for Denying {
        async fn files(&self) -> base::Result<Vec<SourceFile>> {
            self.0.files().await
        }

        async fn read(
            &self,
            name: &str,
            _: u64,
            _: u64,
        ) -> base::Result<futures::stream::BoxStream<'static, base::Result<bytes::Bytes>>> {
            Err(base::Error::denied(format!("no {name}")))
        }
    }
    let outcome = block_on(examine(&Denying(mistral().files()), Quantization::F16, PLENTY));
    let Err(Error::Source { file, error }) = outcome else { panic!("{outcome:?}") };
    assert_eq!((file.as_str(), error.kind), ("config.json", base::ErrorKind::Denied));
}
