//! The tensors: under what names they stand in the file, and what they are called in BERT's checkpoints.

use std::collections::HashMap;
use std::io::{self, Write};

use super::reader::Reader;
use super::{BLOCK, BLOCK_BYTES, Sizes};

/// The name under which the metadata of a safetensors file says, with the value `Q4_0`, that its tensors of bytes hold blocks.
pub const Q4_0_BLOCKS: &str = "craton.blocks";

/// A tensor of the model.
pub(super) struct Tensor<'a> {
    /// Its name in BERT's checkpoints.
    name: String,
    /// Rows and columns, or the length of a vector.
    shape: Vec<usize>,
    /// Whether it is in blocks of four bits.
    blocks: bool,
    bytes: &'a [u8],
}

/// Reads the table of tensors; they are given in the order in which they are written.
pub(super) fn read<'a>(reader: &mut Reader<'a>, sizes: &Sizes) -> Result<Vec<Tensor<'a>>, String> {
    let count = reader.size()?;
    let mut held = HashMap::new();
    for _ in 0..count {
        let length = reader.u16()?;
        let name = reader.take(usize::from(length))?;
        let (format, numbers) = (reader.take(1)?[0], reader.u32()?);
        let (offset, length) = (reader.u64()?, reader.u64()?);
        held.insert(name, (format, numbers as usize, offset, length));
    }
    let tensor = |Wanted { short, name, shape, blocks }: Wanted| {
        let damaged = |what: &str| format!("Its tensor `{short}` {what}");
        let &(format, numbers, offset, length) = held.get(short.as_bytes()).ok_or_else(|| damaged("is missing"))?;
        let size: usize = shape.iter().product();
        let bytes = if blocks { size / BLOCK * BLOCK_BYTES } else { 4 * size };
        if format != u8::from(blocks) || numbers != size || length != bytes as u64 {
            return Err(damaged(&format!("has {numbers} numbers of the format {format} in {length} bytes")));
        }
        let bytes = reader.range(offset, length).ok_or_else(|| damaged("lies beyond the end"))?;
        Ok(Tensor { name, shape, blocks, bytes })
    };
    wanted(sizes).into_iter().map(tensor).collect()
}

/// What a tensor should be.
struct Wanted {
    /// Its name in the file.
    short: String,
    name: String,
    shape: Vec<usize>,
    blocks: bool,
}

/// Every tensor of the model; those in full precision come first, so that each begins at a multiple of its numbers' size.
fn wanted(sizes: &Sizes) -> Vec<Wanted> {
    let &Sizes { hidden, wide, vocabulary, positions, segments, .. } = sizes;
    let mut all = Vec::new();
    let mut add = |short: String, name: String, shape: &[usize], blocks: bool| {
        all.push(Wanted { short, name, shape: shape.to_vec(), blocks });
    };
    add("emb.word".to_owned(), "embeddings.word_embeddings.weight".to_owned(), &[vocabulary, hidden], true);
    add("emb.pos".to_owned(), "embeddings.position_embeddings.weight".to_owned(), &[positions, hidden], false);
    add("emb.type".to_owned(), "embeddings.token_type_embeddings.weight".to_owned(), &[segments, hidden], false);
    add("emb.ln.w".to_owned(), "embeddings.LayerNorm.weight".to_owned(), &[hidden], false);
    add("emb.ln.b".to_owned(), "embeddings.LayerNorm.bias".to_owned(), &[hidden], false);
    for layer in 0..sizes.layers {
        let matrices = [
            ("q", "attention.self.query", hidden, hidden),
            ("k", "attention.self.key", hidden, hidden),
            ("v", "attention.self.value", hidden, hidden),
            ("ao", "attention.output.dense", hidden, hidden),
            ("fi", "intermediate.dense", wide, hidden),
            ("fo", "output.dense", hidden, wide),
        ];
        for (short, name, outputs, inputs) in matrices {
            let (short, name) = (format!("l{layer}.{short}"), format!("encoder.layer.{layer}.{name}"));
            add(format!("{short}.w"), format!("{name}.weight"), &[outputs, inputs], true);
            add(format!("{short}.b"), format!("{name}.bias"), &[outputs], false);
        }
        for (short, name) in [("aln", "attention.output.LayerNorm"), ("oln", "output.LayerNorm")] {
            let (short, name) = (format!("l{layer}.{short}"), format!("encoder.layer.{layer}.{name}"));
            add(format!("{short}.w"), format!("{name}.weight"), &[hidden], false);
            add(format!("{short}.b"), format!("{name}.bias"), &[hidden], false);
        }
    }
    all.sort_by_key(|wanted| wanted.blocks);
    all
}

/// Writes a safetensors file: the length of its header, the header, the tensors.
pub(super) fn write(tensors: &[Tensor<'_>], out: &mut impl Write) -> io::Result<()> {
    let mut header = format!(r#"{{"__metadata__":{{"format":"pt","{Q4_0_BLOCKS}":"Q4_0"}}"#);
    let mut end = 0;
    for tensor in tensors {
        let start = end;
        end += tensor.bytes.len();
        let (dtype, shape) = tensor.stored();
        header.push_str(&format!(
            r#","{}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[{start},{end}]}}"#,
            tensor.name
        ));
    }
    header.push('}');
    // The format asks for data that begin at a multiple of eight.
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    out.write_all(&(header.len() as u64).to_le_bytes())?;
    out.write_all(header.as_bytes())?;
    tensors.iter().try_for_each(|tensor| out.write_all(tensor.bytes))
}

impl Tensor<'_> {
    /// Format and shape in a safetensors file: blocks are bytes, a row's side by side.
    fn stored(&self) -> (&'static str, Vec<usize>) {
        match self.shape.as_slice() {
            [rows, columns] if self.blocks => ("U8", vec![*rows, columns / BLOCK * BLOCK_BYTES]),
            shape => ("F32", shape.to_vec()),
        }
    }
}
