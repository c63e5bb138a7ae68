use serde_json::{Value as Json, json};

use super::*;
use crate::samples::{SMALL, Sample, byte_level, examined, letters, sentencepiece};

fn refused(tokenizer: &Json) -> Refusal {
    check_json(tokenizer.to_string().as_bytes(), 1000).expect_err("refused")
}

fn changed(path: &str, value: Json) -> Json {
    let mut tokenizer = byte_level();
    *tokenizer.pointer_mut(path).unwrap() = value;
    tokenizer
}

const BYTES: &str = r#"{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}"#;

fn split(expression: &str) -> Json {
    let bytes: Json = serde_json::from_str(BYTES).unwrap();
    let split = json!({"type": "Split", "pattern": {"Regex": expression}, "behavior": "Isolated", "invert": false});
    json!({"type": "Sequence", "pretokenizers": [split, bytes]})
}

#[test]
fn pre_tokenizers_are_recognised_by_their_whole_configuration() {
    let llama3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    let qwen2 = llama3.replace("{1,3}", "");
    let gpt2 = json!({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true});
    let digits = json!({"type": "Digits", "individual_digits": true});
    let known = [
        (gpt2.clone(), false, "gpt-2"),
        (json!({"type": "Sequence", "pretokenizers": [digits, gpt2]}), false, "smollm"),
        (split(llama3), true, "llama-bpe"),
        (split(llama3), false, "dbrx"),
        (split(&qwen2), false, "qwen2"),
    ];
    for (value, whole_words, name) in known {
        assert_eq!(pre::recognise(Some(&value), whole_words), Ok(name));
    }
    let together = json!({"type": "Digits", "individual_digits": false});
    let unknown = [
        (Json::Null, false, "it has no pre-tokenizer"),
        (gpt2.clone(), true, "bytes, cut as GPT-2 does, whole words first"),
        (split(&qwen2), true, "not known: cut at"),
        (split(r"\s+"), false, r"cut at `\s+`, then bytes"),
        (json!({"type": "Whitespace"}), false, "a step `Whitespace`"),
        (json!({"type": "Sequence", "pretokenizers": [together, gpt2]}), false, "a step `Digits`"),
        (json!({"type": "Sequence"}), false, "a sequence of nothing"),
        (json!({"type": "ByteLevel", "add_prefix_space": true, "use_regex": true}), false, "adds a space"),
        (
            json!({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex": llama3},
            "behavior": "Removed", "invert": false}]}),
            true,
            "cuts by",
        ),
    ];
    for (value, whole_words, problem) in unknown {
        let refusal = pre::recognise(Some(&value), whole_words).unwrap_err();
        assert!(refusal.problem.contains(problem), "{refusal:?}");
    }
}

#[test]
fn tokenizers_of_other_kinds_are_refused_by_name() {
    let cases = [
        (changed("/model/type", json!("Unigram")), "kind `Unigram`"),
        (changed("/model/type", json!("WordPiece")), "kind `WordPiece`"),
        (changed("/model/dropout", json!(0.1)), "`dropout`"),
        (changed("/model/end_of_word_suffix", json!("</w>")), "`end_of_word_suffix`"),
        (changed("/model/continuing_subword_prefix", json!("##")), "`continuing_subword_prefix`"),
        (changed("/normalizer", json!({"type": "Lowercase"})), "changes the text first"),
        (changed("/pre_tokenizer", json!(null)), "no pre-tokenizer"),
    ];
    for (tokenizer, problem) in cases {
        let refusal = refused(&tokenizer);
        assert!(refusal.unknown && refusal.problem.contains(problem), "{refusal:?}");
        assert!(refusal.finding(JSON).fix.contains("can be imported"));
    }
}

#[test]
fn damaged_tokenizers_are_refused_with_what_is_wrong() {
    let cases = [
        (changed("/model/merges", json!(["Ġt"])), "merge 0 is not of two parts"),
        (changed("/model/merges", json!(["Ġ t h"])), "merge 0 is not of two parts"),
        (changed("/model/merges", json!(["Ġ zz"])), "merge 0, of `Ġ` and `zz`"),
        (changed("/model/merges", json!([["x", "y"]])), "not of three tokens"),
        (changed("/model/merges/0", json!(7)), "it is no tokenizer"),
        (changed("/model/vocab/Ġt", json!(3)), "the token 3 is"),
        (changed("/model/vocab/Ġt", json!(-1)), "it is no tokenizer"),
        (changed("/model/vocab/Ġt", json!(5000)), "it has a token 5000"),
        (changed("/model/vocab/Ġt", json!(4_000_000)), "it has a token 4000000"),
        (changed("/added_tokens/0/content", json!("<other>")), "the token 0 is `<unk>` and `<other>`"),
    ];
    for (tokenizer, problem) in cases {
        let refusal = refused(&tokenizer);
        assert!(!refusal.unknown && refusal.problem.contains(problem), "{refusal:?}");
    }
    let twice = byte_level().to_string().replacen("\"<s>\":1", "\"<s>\":1,\"<s>\":1", 1);
    let refusal = check_json(twice.as_bytes(), 1000).unwrap_err();
    assert!(refusal.problem.contains("token `<s>` appears twice"), "{refusal:?}");
}

fn vocabulary(sample: &Sample) -> Vocabulary {
    let mut report = Report::default();
    let read = try_vocabulary(sample, &mut report);
    read.unwrap_or_else(|| panic!("{report:?}"))
}

fn try_vocabulary(sample: &Sample, report: &mut Report) -> Option<Vocabulary> {
    let files = sample.files();
    let file = |name: &str| files.0.get(name).map(Vec::as_slice);
    let config = Config::read(file("config.json").unwrap(), report)?;
    let settings = sample.settings.as_object().cloned().unwrap_or_default();
    let generation = sample.generation.as_object().cloned();
    let files = Files {
        json: file(JSON),
        model: file(MODEL),
        added: file(ADDED),
        config: &settings,
        generation: generation.as_ref(),
    };
    Vocabulary::read(&files, &config, report)
}

fn llama() -> Sample {
    Sample::new("LlamaForCausalLM", SMALL, "F16")
}

#[test]
fn rows_without_a_token_are_filled() {
    let mut sample = llama();
    sample.config["vocab_size"] = 300.into();
    let read = vocabulary(&sample);
    assert_eq!(read.tokens.len(), 300);
    assert_eq!((read.tokens[299].text.as_str(), read.tokens[299].kind), ("[PAD299]", TokenType::Unused));
    assert_eq!(read.tokens[0].kind, TokenType::Control);
    assert_eq!(read.tokens[264].kind, TokenType::Normal);
    sample.config["vocab_size"] = 264.into();
    let mut report = Report::default();
    assert_eq!(try_vocabulary(&sample, &mut report), None);
    assert!(
        report.findings[0].problem.contains("it has a token 264, and config.json promises 264 tokens"),
        "{report:?}"
    );
}

#[test]
fn two_tokens_of_one_text_are_refused_as_llama_cpp_ends_the_process() {
    let mut sample = llama();
    sample.config["vocab_size"] = 300.into();
    sample.tokenizer["model"]["vocab"]["[PAD290]"] = 265.into();
    let mut report = Report::default();
    assert_eq!(try_vocabulary(&sample, &mut report), None);
    assert!(report.findings[0].problem.contains("265 and 290 are both `[PAD290]`"), "{report:?}");
    for text in ["", "a\0b"] {
        let mut sample = llama();
        sample.config["vocab_size"] = 300.into();
        sample.tokenizer["model"]["vocab"][text] = 265.into();
        let mut report = Report::default();
        assert_eq!(try_vocabulary(&sample, &mut report), None);
        assert!(report.findings[0].problem.contains("token 265"), "{report:?}");
    }
}

#[test]
fn added_tokens_steer_or_are_found_as_they_are_written() {
    let mut sample = llama();
    sample.config["vocab_size"] = 270.into();
    let added = [(265, "<think>", false), (266, "<|tool|>", false), (267, "<sep>", true)];
    let list = sample.tokenizer["added_tokens"].as_array_mut().unwrap();
    list.extend(added.map(|(id, content, special)| json!({"id": id, "content": content, "special": special})));
    let read = vocabulary(&sample);
    let kinds: Vec<_> = (265..268).map(|id| read.tokens[id].kind).collect();
    assert_eq!(kinds, [TokenType::UserDefined, TokenType::Control, TokenType::Control]);
}

#[test]
fn special_tokens_are_named_by_spelling_or_else_by_number() {
    let mut sample = llama();
    assert_eq!(vocabulary(&sample).special.bos, Some(1));
    sample.settings["bos_token"] = json!({"content": "</s>", "special": true});
    assert_eq!(vocabulary(&sample).special.bos, Some(2));
    sample.settings["bos_token"] = json!(null);
    sample.config["bos_token_id"] = 0.into();
    assert_eq!(vocabulary(&sample).special.bos, Some(0));
    sample.settings["eos_token"] = json!(null);
    sample.config["eos_token_id"] = json!([5, 6]);
    assert_eq!(vocabulary(&sample).special.eos, Some(5));
    for (value, problem) in [(json!(null), "no token ends an answer"), (json!(999), "`eos_token_id` is 999")] {
        sample.config["eos_token_id"] = value;
        let mut report = Report::default();
        assert_eq!(try_vocabulary(&sample, &mut report), None);
        assert!(report.findings[0].problem.contains(problem), "{report:?}");
    }
}

#[test]
fn a_further_token_that_ends_answers_is_kept_unless_its_spelling_says_so() {
    let mut sample = llama();
    sample.generation["eos_token_id"] = json!([2, 9]);
    assert_eq!(vocabulary(&sample).special.eot, Some(9));
    sample.generation["eos_token_id"] = json!([2]);
    assert_eq!(vocabulary(&sample).special.eot, None);
    sample.settings["eos_token"] = json!("<s>");
    sample.generation["eos_token_id"] = json!([1, 2]);
    assert_eq!(vocabulary(&sample).special.eot, None, "`</s>` is known");
}

#[test]
fn texts_begin_with_the_opening_token_where_the_tokenizer_says_so() {
    let mut sample = llama();
    assert!(!vocabulary(&sample).special.add_bos);
    let template = json!({"type": "TemplateProcessing",
        "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]});
    sample.tokenizer["post_processor"] = json!({"type": "Sequence", "processors": [{"type": "ByteLevel"}, template]});
    assert!(vocabulary(&sample).special.add_bos);
    sample.settings["add_bos_token"] = false.into();
    assert!(!vocabulary(&sample).special.add_bos);
    sample.settings["add_bos_token"] = json!(null);
    sample.settings["bos_token"] = json!("</s>");
    assert!(!vocabulary(&sample).special.add_bos, "another token than the opening one");
}

/// A field of a protocol buffer.
fn field(number: u64, value: &[u8]) -> Vec<u8> {
    let mut out = vec![(number << 3) as u8 | 2];
    let mut length = value.len();
    while length > 127 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(value);
    out
}

/// A `tokenizer.model` with the tokens of a `tokenizer.json`, scored by their place as SentencePiece does.
fn model(tokenizer: &Json) -> Vec<u8> {
    let vocab = tokenizer["model"]["vocab"].as_object().unwrap();
    let mut file: Vec<u8> = vocab
        .iter()
        .enumerate()
        .flat_map(|(id, (text, _))| {
            let kind = match id {
                0 => 2,
                1 | 2 => 3,
                3..259 => 6,
                _ => 1,
            };
            let mut piece = field(1, text.as_bytes());
            piece.push(2 << 3 | 5);
            piece.extend((-(id as f32)).to_le_bytes());
            piece.extend([3 << 3, kind]);
            field(1, &piece)
        })
        .collect();
    file.extend(field(2, &[3 << 3, 2]));
    file.extend(field(3, &[3 << 3, 1, 4 << 3, 0]));
    file
}

const TEXT: &str = "the fox and the dog and the other fox that the dog bit";

fn mistral(tokenizer: &Json) -> Sample {
    let size = tokenizer["model"]["vocab"].as_object().unwrap().len() as u64;
    Sample::with_tokenizer("MistralForCausalLM", SMALL, "F16", tokenizer.clone(), size)
}

#[test]
fn a_sentencepiece_tokenizer_is_the_same_from_either_of_its_files() {
    let tokenizer = sentencepiece(TEXT, 20);
    let mut sample = mistral(&tokenizer);
    let from_json = vocabulary(&sample);
    sample.files.insert(MODEL.into(), model(&tokenizer));
    let from_both = vocabulary(&sample);
    sample.tokenizer = Json::Null;
    let from_model = vocabulary(&sample);
    let merged = |vocabulary: &Vocabulary| -> Vec<String> {
        let mut tokens: Vec<_> = vocabulary.tokens[259..279].to_vec();
        tokens.sort_by(|one, other| other.score.total_cmp(&one.score));
        tokens.into_iter().map(|token| token.text).collect()
    };
    assert_eq!(merged(&from_json), merged(&from_both));
    assert_eq!(merged(&from_json), merged(&from_model));
    assert_eq!(from_both.tokens[260].score, -260.0);
    for read in [&from_json, &from_both, &from_model] {
        assert_eq!(read.kind, Kind::SentencePiece);
        assert!(read.space_prefix && read.special.add_bos);
        assert_eq!(read.tokens[13].kind, TokenType::Byte);
        assert_eq!(read.tokens[1].kind, TokenType::Control);
    }
    let texts = |read: &Vocabulary| read.tokens.iter().map(|token| token.text.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&from_json), texts(&from_model));
}

#[test]
fn tokens_added_to_a_sentencepiece_model_are_read_from_its_other_files() {
    let tokenizer = sentencepiece(TEXT, 20);
    let mut sample = mistral(&tokenizer);
    let size = sample.config["vocab_size"].as_u64().unwrap();
    sample.tokenizer = Json::Null;
    sample.config["vocab_size"] = (size + 3).into();
    sample.files.insert(MODEL.into(), model(&tokenizer));
    sample.files.insert(ADDED.into(), json!({"<call>": size}).to_string().into_bytes());
    sample.settings["added_tokens_decoder"] = json!({(size + 1).to_string(): {"content": "[INST]", "special": true}});
    let read = vocabulary(&sample);
    let last: Vec<_> = read.tokens[size as usize..].iter().map(|token| (token.text.as_str(), token.kind)).collect();
    let padding = format!("[PAD{}]", size + 2);
    assert_eq!(
        last,
        [("<call>", TokenType::UserDefined), ("[INST]", TokenType::Control), (padding.as_str(), TokenType::Unused),]
    );
    sample.settings["added_tokens_decoder"] = json!({"99999": {"content": "[INST]", "special": true}});
    let mut report = Report::default();
    assert_eq!(try_vocabulary(&sample, &mut report), None);
    assert_eq!(report.findings[0].file.as_deref(), Some(CONFIG));
}

#[test]
fn sentencepiece_tokenizers_that_scores_cannot_order_are_refused() {
    let good = sentencepiece("that this thus thin he she hem her hex the the there other that he she the her hot", 60);
    assert_eq!(check_json(good.to_string().as_bytes(), 1000), Ok(()));
    let changed = |path: &str, value: Json| {
        let mut tokenizer = good.clone();
        *tokenizer.pointer_mut(path).unwrap() = value;
        tokenizer
    };
    let mut fewer = good["model"]["merges"].as_array().unwrap().clone();
    fewer.pop();
    let mut mixed = good["model"]["merges"].as_array().unwrap().clone();
    let token = |pair: &Json| format!("{}{}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
    let several = mixed.windows(2).position(|two| token(&two[0]) == token(&two[1])).unwrap();
    let moved = mixed.remove(several);
    mixed.push(moved);
    let cases = [
        (changed("/model/merges", fewer.into()), "and no merge says so"),
        (changed("/model/merges", mixed.into()), "not in the order of a SentencePiece model"),
        (changed("/normalizer", json!({"type": "NFKC"})), "its normalizer is not known"),
        (changed("/normalizer", json!(null)), "does not write spaces"),
        (
            changed(
                "/pre_tokenizer",
                json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "always",
            "split": true}),
            ),
            "its pre-tokenizer is not known",
        ),
    ];
    for (tokenizer, problem) in cases {
        let refusal = refused(&tokenizer);
        assert!(refusal.problem.contains(problem), "{problem}: {refusal:?}");
    }
    // Beside the model's own scores the order of the merges does not matter.
    let mut sample = mistral(&changed("/model/merges", json!([])));
    sample.files.insert(MODEL.into(), model(&good));
    assert_eq!(vocabulary(&sample).tokens[260].score, -260.0);
    let metaspace = |scheme: &str| {
        let mut tokenizer = good.clone();
        tokenizer["normalizer"] = json!(null);
        tokenizer["pre_tokenizer"] =
            json!({"type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": scheme, "split": false});
        vocabulary(&mistral(&tokenizer)).space_prefix
    };
    assert!(metaspace("always") && metaspace("first") && !metaspace("never"));
}

#[test]
fn a_sentencepiece_tokenizer_needs_a_token_for_each_byte() {
    let mut tokenizer = sentencepiece(TEXT, 20);
    let vocab = tokenizer["model"]["vocab"].as_object_mut().unwrap();
    vocab.shift_remove("<0x41>");
    let mut sample = mistral(&tokenizer);
    sample.config["vocab_size"] = 400.into();
    let mut report = Report::default();
    assert_eq!(try_vocabulary(&sample, &mut report), None);
    assert!(report.findings.iter().any(|finding| finding.problem.contains("255 of the 256 bytes")), "{report:?}");
}

#[test]
fn tokenizer_files_of_two_models_are_refused() {
    let tokenizer = sentencepiece(TEXT, 20);
    let mut sample = mistral(&tokenizer);
    sample.files.insert(MODEL.into(), model(&sentencepiece("a quite different text with other words in it", 20)));
    let mut report = Report::default();
    assert_eq!(try_vocabulary(&sample, &mut report), None);
    assert!(report.findings[0].fix.contains("of one and the same model"), "{report:?}");
    // A byte-level tokenizer does not use it.
    let mut sample = llama();
    sample.files.insert(MODEL.into(), b"anything".to_vec());
    assert!(examined(&sample.files()).report.passes());
}

#[test]
fn damaged_sentencepiece_models_are_refused() {
    let good = model(&sentencepiece(TEXT, 20));
    assert!(SentencePieceModel::parse(&good).is_ok());
    for cut in [1, good.len() / 2, good.len() - 1] {
        assert!(SentencePieceModel::parse(&good[..cut]).is_err(), "{cut}");
    }
    let with = |more: Vec<u8>| {
        let refusal = SentencePieceModel::parse(&[good.clone(), more].concat()).unwrap_err();
        refusal.problem
    };
    assert!(with(field(2, &[3 << 3, 1])).contains("another kind than BPE"));
    assert!(with(field(3, &field(2, b"map"))).contains("changes letters"));
    assert!(with(field(3, &[4 << 3, 1])).contains("removes spaces"));
    assert!(with(field(1, &field(1, &[0xff]))).contains("not UTF-8"));
    assert!(with(field(1, &[3 << 3, 9])).contains("kind 9"));
    assert!(with(field(1, &[3 << 3, 1])).contains("no text"));
    assert!(SentencePieceModel::parse(b"").unwrap_err().problem.contains("no tokens"));
    assert!(SentencePieceModel::parse(&[0xff; 40]).is_err());
}

#[test]
fn the_bytes_letters_are_gpt_2s() {
    assert_eq!(letters()[usize::from(b' ')], 'Ġ');
    assert_eq!(letters()[usize::from(b'\n')], 'Ċ');
}
