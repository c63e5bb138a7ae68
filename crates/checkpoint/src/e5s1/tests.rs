use std::collections::HashMap;

use half::f16;
use tokenizers::Tokenizer;

use super::*;

const PIECES: [(&str, f32); 12] = [
    ("<s>", 0.0),
    ("<pad>", 0.0),
    ("</s>", 0.0),
    ("<unk>", 0.0),
    ("▁", -3.0),
    ("▁good", -4.0),
    ("▁mor", -4.5),
    ("ning", -4.25),
    ("s", -5.0),
    ("é", -6.0),
    ("fi", -7.0),
    ("\"\\", -20.364653),
];
const SIZES: [i32; 7] = [64, 2, 2, 96, 14, 16, 2];

/// A small model file, its parts open to damage.
struct File {
    sizes: [i32; 7],
    pieces: Vec<(&'static str, f32)>,
    characters: Vec<(char, &'static str)>,
    drop: &'static str,
}

impl File {
    fn new() -> Self {
        let characters = vec![('\t', " "), ('\u{1}', ""), ('ﬁ', "fi"), ('▁', " "), ('Ａ', "A"), ('𝐀', "A")];
        Self { sizes: SIZES, pieces: PIECES.to_vec(), characters, drop: "" }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = b"E5S1\x01\0\0\0".to_vec();
        let int = |bytes: &mut Vec<u8>, x: i32| bytes.extend(x.to_le_bytes());
        self.sizes.iter().for_each(|size| int(&mut bytes, *size));
        bytes.extend(1e-12_f32.to_le_bytes());
        int(&mut bytes, 32);
        [self.pieces.len() as i32, 0, 2, 1, 3].iter().for_each(|x| int(&mut bytes, *x));
        let texts: String = self.pieces.iter().map(|(piece, _)| *piece).collect();
        bytes.extend((texts.len() as u64).to_le_bytes());
        let mut offset = 0;
        int(&mut bytes, 0);
        for (piece, _) in &self.pieces {
            offset += piece.len() as i32;
            int(&mut bytes, offset);
        }
        self.pieces.iter().for_each(|(_, score)| bytes.extend(score.to_le_bytes()));
        bytes.extend(texts.as_bytes());
        int(&mut bytes, self.characters.len() as i32);
        int(&mut bytes, 0);
        for (from, to) in &self.characters {
            bytes.extend(u32::from(*from).to_le_bytes());
            bytes.push(to.chars().count() as u8);
            to.chars().for_each(|c| bytes.extend(u32::from(c).to_le_bytes()));
        }
        self.add_tensors(&mut bytes);
        bytes
    }

    fn add_tensors(&self, bytes: &mut Vec<u8>) {
        let tensors: Vec<(String, usize, bool)> =
            tensors().into_iter().filter(|(name, ..)| name != self.drop).collect();
        let table: usize = tensors.iter().map(|(name, ..)| 2 + name.len() + 1 + 4 + 8 + 8).sum();
        let mut offset = bytes.len() + 4 + table;
        bytes.extend((tensors.len() as i32).to_le_bytes());
        let mut data = Vec::new();
        for (at, (name, size, blocks)) in tensors.iter().enumerate() {
            let content: Vec<u8> = if *blocks {
                (0..size / 32).flat_map(|i| block(i + at)).collect()
            } else {
                (0..*size).flat_map(|i| ((i + at) as f32).to_le_bytes()).collect()
            };
            bytes.extend((name.len() as u16).to_le_bytes());
            bytes.extend(name.as_bytes());
            bytes.push(u8::from(*blocks));
            bytes.extend((*size as u32).to_le_bytes());
            bytes.extend((offset as u64).to_le_bytes());
            bytes.extend((content.len() as u64).to_le_bytes());
            offset += content.len();
            data.extend(content);
        }
        bytes.extend(data);
    }
}

fn tensors() -> Vec<(String, usize, bool)> {
    let (hidden, wide) = (64, 96);
    let mut all =
        vec![("emb.word", 14 * hidden, true), ("emb.pos", 16 * hidden, false), ("emb.type", 2 * hidden, false)];
    all.extend([("emb.ln.w", hidden, false), ("emb.ln.b", hidden, false)]);
    let mut all: Vec<_> = all.into_iter().map(|(name, size, blocks)| (name.to_owned(), size, blocks)).collect();
    for layer in 0..2 {
        let square = ["q", "k", "v", "ao"].map(|name| (name, hidden, hidden * hidden));
        for (name, outputs, size) in
            square.into_iter().chain([("fi", wide, wide * hidden), ("fo", hidden, wide * hidden)])
        {
            all.push((format!("l{layer}.{name}.w"), size, true));
            all.push((format!("l{layer}.{name}.b"), outputs, false));
        }
        for name in ["aln.w", "aln.b", "oln.w", "oln.b"] {
            all.push((format!("l{layer}.{name}"), hidden, false));
        }
    }
    all
}

fn block(seed: usize) -> Vec<u8> {
    let scale = f16::from_f32(0.25 + seed as f32).to_le_bytes();
    scale.into_iter().chain((0..16).map(|j| (j * 16 + (seed + j) % 16) as u8)).collect()
}

fn tokenizer(file: &File) -> Tokenizer {
    let bytes = file.bytes();
    E5s1::read("made.bin", &bytes).unwrap().tokenizer_json().parse().unwrap()
}

#[test]
fn its_tokenizer_takes_the_most_probable_pieces_between_the_special_ones() {
    let tokenizer = tokenizer(&File::new());
    let tokens = |text: &str| tokenizer.encode(text, true).unwrap().get_tokens().join(" ");
    assert_eq!(tokens("good mornings"), "<s> ▁good ▁mor ning s </s>");
    assert_eq!(tokens("  good \t\n"), "<s> ▁good </s>");
    assert_eq!(tokens("good\t  mor  "), "<s> ▁good ▁mor </s>", "blanks are one, and none at the end");
    assert_eq!(tokens("e\u{301}"), "<s> ▁ é </s>", "composed before the map is asked");
    assert_eq!(tokens("ﬁ\u{1}s"), "<s> ▁ fi s </s>");
    assert_eq!(tokens("\"\\"), "<s> ▁ \"\\ </s>");
    assert_eq!(tokens(""), "<s> </s>");
}

#[test]
fn every_character_of_the_map_is_replaced_and_no_other() {
    // Of one to four bytes, with common beginnings, as many as make the array grow several times.
    let mut file = File::new();
    file.pieces.push(("x", -9.0));
    let chosen = |c: &char| u32::from(*c) % 7 != 3;
    let all: Vec<char> = ('!'..='\u{2fff}').chain('\u{1d400}'..='\u{1d7ff}').collect();
    file.characters = all.iter().copied().filter(chosen).map(|c| (c, if c == 'x' { "xx" } else { "x" })).collect();
    let bytes = file.bytes();
    let read = E5s1::read("made.bin", &bytes).unwrap();
    let json = format!(r#"{{"type":"Precompiled","precompiled_charsmap":"{}"}}"#, charsmap::base64(&read.characters));
    let normalizer: tokenizers::NormalizerWrapper = serde_json::from_str(&json).unwrap();
    for c in all {
        let mut text = tokenizers::NormalizedString::from(c.to_string());
        tokenizers::Normalizer::normalize(&normalizer, &mut text).unwrap();
        let expected = read.characters.get(&c).cloned().unwrap_or_else(|| c.to_string());
        assert_eq!(text.get(), expected, "{c:?}");
    }
}

#[test]
fn its_weights_are_kept_under_berts_names() {
    let bytes = File::new().bytes();
    let model = E5s1::read("made.bin", &bytes).unwrap();
    let mut written = Vec::new();
    model.write_weights(&mut written).unwrap();
    let length = u64::from_le_bytes(written[..8].try_into().unwrap()) as usize;
    let header: HashMap<String, serde_json::Value> = serde_json::from_slice(&written[8..8 + length]).unwrap();
    assert_eq!(header.len(), 1 + tensors().len());
    assert_eq!(header["__metadata__"][Q4_0_BLOCKS], "Q4_0");
    let data = |name: &str| {
        let offsets = &header[name]["data_offsets"];
        let at = |i: usize| 8 + length + offsets[i].as_u64().unwrap() as usize;
        &written[at(0)..at(1)]
    };
    let words = &header["embeddings.word_embeddings.weight"];
    assert_eq!((words["dtype"].as_str(), &words["shape"]), (Some("U8"), &serde_json::json!([14, 36])));
    assert_eq!(data("embeddings.word_embeddings.weight")[..36], [block(0), block(1)].concat());
    let shape = &header["encoder.layer.1.output.dense.weight"]["shape"];
    assert_eq!(shape, &serde_json::json!([64, 54]));
    let bias = data("encoder.layer.0.attention.self.query.bias");
    assert_eq!((bias.len(), &bias[..4]), (256, &6_f32.to_le_bytes()[..]), "the seventh tensor of the file");
    let config: serde_json::Value = serde_json::from_str(&model.config_json("a \"name\"")).unwrap();
    assert_eq!((config["_name_or_path"].as_str(), config["hidden_size"].as_u64()), (Some("a \"name\""), Some(64)));
    assert_eq!(config["layer_norm_eps"].as_f64(), Some(1e-12));
}

#[test]
fn what_is_damaged_is_told_and_never_read_past() {
    let whole = File::new().bytes();
    let problem = |bytes: &[u8]| E5s1::read("made.bin", bytes).err().map(|finding| finding.problem);
    assert_eq!(problem(&whole), None);
    for length in (0..whole.len()).step_by(61).chain([whole.len() - 1]) {
        assert!(problem(&whole[..length]).is_some(), "cut off at {length}");
    }
    let changed = |at: usize, bytes: &[u8]| {
        let mut file = whole.clone();
        file[at..at + bytes.len()].copy_from_slice(bytes);
        problem(&file).unwrap_or_default()
    };
    assert!(changed(0, b"GGUF").contains("does not begin with `E5S1`"));
    assert!(changed(4, &[2]).contains("version 2"));
    assert!(changed(8, &[0; 4]).contains("hidden size is 0"));
    assert!(changed(8, &33_i32.to_le_bytes()).contains("not in blocks of 32"));
    assert!(changed(12, &i32::MAX.to_le_bytes()).contains("layers"));
    assert!(changed(20, &(-1_i32).to_le_bytes()).contains("size -1"));
    assert!(changed(24, &5_i32.to_le_bytes()).contains("rows for 5"));
    assert!(changed(48, &12_i32.to_le_bytes()).contains("not among its 12 pieces"));
    let file = File { drop: "l1.fo.w", ..File::new() };
    assert!(problem(&file.bytes()).unwrap().contains("`l1.fo.w` is missing"));
    let file = File { sizes: [64, 2, 2, 96, 14, 17, 2], ..File::new() };
    assert!(problem(&file.bytes()).unwrap().contains("`emb.pos` has 1024 numbers"));
    let file = File { characters: vec![('a', "\0")], ..File::new() };
    assert!(problem(&file.bytes()).unwrap().contains("the character 0"));
}
