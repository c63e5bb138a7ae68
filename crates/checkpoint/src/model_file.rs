//! A GGUF file that is to be kept another way: its header, byte by byte, and the plan of the new file.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::convert::{Plan, Read, Work};
use crate::element_type::ElementType;
use crate::error::{Error, Result};
use crate::file_type::{FileType, Mixed, Part, Place};
use crate::finding::Finding;
use crate::gguf::{Described, Layout, Value};
use crate::quantization::Format;
use crate::safetensors::Dtype;
use crate::values::Stored;

/// A longer text in a header is damage.
const LONGEST_TEXT: u64 = 64 << 20;
/// No tensor has more dimensions.
const MOST_DIMENSIONS: u32 = 4;
/// What says how a file is laid out, which is the new file's own affair.
const LAYOUT_KEYS: [&str; 4] = ["general.alignment", "split.no", "split.count", "split.tensors.count"];

/// A GGUF file's header.
#[derive(Debug, Clone)]
pub struct ModelFile {
    name: String,
    metadata: Metadata,
    tensors: Vec<Tensor>,
}

/// Keys, and the values as they are written: the type, then the bytes.
type Metadata = Vec<(String, Vec<u8>)>;

#[derive(Debug, Clone)]
struct Tensor {
    name: String,
    /// The fastest dimension first.
    shape: Vec<u64>,
    element: ElementType,
    /// From the file's beginning.
    offset: u64,
    bytes: u64,
}

impl ModelFile {
    /// Reads a file's header. Blocks.
    ///
    /// # Errors
    /// Refused, naming the file, where it cannot be read, is damaged, or is one part of several.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let read = || {
            let file = File::open(path).map_err(|error| format!("it cannot be read: {error}"))?;
            let length = file.metadata().map_err(|error| format!("it cannot be read: {error}"))?.len();
            Header { input: BufReader::new(file), at: 0, length }.read()
        };
        match read() {
            Ok((metadata, tensors)) => Self { name, metadata, tensors }.whole(),
            Err(problem) => Err(refused(&name, problem, "Remove the model and pull it again.")),
        }
    }

    fn whole(self) -> Result<Self> {
        match self.number("split.count") {
            Some(parts @ 2..) => Err(refused(
                &self.name,
                format!("it is one part of {parts}"),
                "Join the parts with llama.cpp's `llama-gguf-split --merge`, and pull the whole file.",
            )),
            _ => Ok(self),
        }
    }

    /// The element type of most of its matrices' bytes.
    #[must_use]
    pub fn format(&self) -> &'static str {
        let mut bytes: HashMap<&'static str, u64> = HashMap::new();
        for tensor in self.tensors.iter().filter(|tensor| tensor.dimensions() > 1) {
            *bytes.entry(tensor.element.name).or_default() += tensor.bytes;
        }
        bytes.into_iter().max_by_key(|(name, bytes)| (*bytes, *name)).map_or("F32", |(name, _)| name)
    }

    /// Bytes of all its tensors.
    #[must_use]
    pub fn weights_bytes(&self) -> u64 {
        self.tensors.iter().map(|tensor| tensor.bytes).sum()
    }

    /// The plan of the same model as a file of another type: every matrix that llama.cpp's quantizer would pack is packed
    /// as it would, all else stays as it is.
    ///
    /// # Errors
    /// Refused, where weights are packed already and `requantize` does not allow to pack them again, and where the file
    /// would not become smaller.
    pub fn plan(&self, to: FileType, requantize: bool) -> Result<Plan> {
        let formats = self.formats(to);
        let packed_again =
            self.tensors.iter().zip(&formats).find(|(tensor, format)| format.is_some() && tensor.element.is_packed());
        if let Some((tensor, _)) = packed_again.filter(|_| !requantize) {
            return Err(refused(
                &self.name,
                format!("its weights are quantized already: `{}` is kept as {}", tensor.name, tensor.element.name),
                "Quantize a file that has them in F16, BF16 or F32; packing them twice loses more than packing them once.",
            ));
        }
        let plan = self.lay_out(to, &formats);
        let after: u64 = plan.layout.tensors.iter().map(|(bytes, _)| bytes).sum();
        if after >= self.weights_bytes() {
            return Err(refused(
                &self.name,
                format!(
                    "as {} its weights would take {after} bytes, and they take {}",
                    to.name(),
                    self.weights_bytes()
                ),
                "Choose a smaller type.",
            ));
        }
        Ok(plan)
    }

    fn lay_out(&self, to: FileType, formats: &[Option<Format>]) -> Plan {
        let shapes: Vec<Vec<u64>> =
            self.tensors.iter().map(|tensor| tensor.shape.iter().rev().copied().collect()).collect();
        let tensors = self.tensors.iter().zip(&shapes).zip(formats);
        let described: Vec<Described<'_>> = tensors
            .map(|((tensor, shape), format)| match format {
                Some(format) => Described::new(&tensor.name, shape, *format),
                None => Described { name: &tensor.name, shape, kind: tensor.element.number, bytes: tensor.bytes },
            })
            .collect();
        let work = self.tensors.iter().zip(formats).map(|(tensor, format)| self.work(tensor, *format));
        Plan {
            layout: Layout::new(&self.metadata_of(to), &described),
            work: work.collect(),
            source_bytes: self.weights_bytes(),
        }
    }

    fn work(&self, tensor: &Tensor, format: Option<Format>) -> Work {
        let ElementType { number, block, bytes, .. } = tensor.element;
        let (stored, kept) = match tensor.element.name {
            "F32" => (Stored::Plain(Dtype::F32), Some(Format::F32)),
            "F16" => (Stored::Plain(Dtype::F16), Some(Format::F16)),
            "BF16" => (Stored::Plain(Dtype::BF16), None),
            _ => (Stored::Packed { kind: number, numbers: block, bytes }, None),
        };
        Work::Read(Box::new(Read {
            file: self.name.clone(),
            name: tensor.name.clone(),
            stored,
            offset: tensor.offset,
            bytes: tensor.bytes,
            width: tensor.width() as usize,
            interleaved: None,
            // Floats that stay so are looked at, too: a damaged file has none that are not numbers.
            format: format.or(kept),
        }))
    }

    /// All that the file says of its model, with the new type.
    fn metadata_of(&self, to: FileType) -> Vec<(String, Value)> {
        let new = [("general.file_type", to.number()), ("general.quantization_version", 2)];
        let value = |(key, bytes): &(String, Vec<u8>)| {
            let said = new.iter().find(|(new, _)| new == key);
            (key.clone(), said.map_or_else(|| Value::Copied(bytes.clone()), |(_, number)| Value::U32(*number)))
        };
        let kept = self.metadata.iter().filter(|(key, _)| !LAYOUT_KEYS.contains(&key.as_str()));
        let mut all: Vec<(String, Value)> = kept.map(value).collect();
        let missing = new.iter().filter(|(key, _)| self.bytes_of(key).is_none());
        all.extend(missing.map(|(key, number)| ((*key).to_owned(), Value::U32(*number))));
        all
    }

    /// What each tensor is packed as; none for those that stay as they are.
    fn formats(&self, to: FileType) -> Vec<Option<Format>> {
        let mut order: Vec<usize> = (0..self.tensors.len()).collect();
        // llama.cpp counts the matrices of a kind in this order.
        order.sort_by_key(|at| (self.tensors[*at].layer(), self.tensors[*at].name.as_str()));
        let values = self.tensors.iter().filter(|tensor| is_value(&tensor.name)).count() as u64;
        let mut counts = Counts { values: 0, of_values: values, downs: 0, layers: self.own_number("block_count") };
        let (model, experts) = (self.mixed(), self.own_number("expert_count"));
        let mut formats = vec![None; self.tensors.len()];
        for at in order {
            let tensor = &self.tensors[at];
            if tensor.may_be_packed() {
                let part = counts.part(tensor, experts > 1);
                let format = to.format(part, tensor.width(), model);
                formats[at] = Some(format).filter(|format| format.number() != tensor.element.number);
            }
        }
        formats
    }

    fn mixed(&self) -> Mixed {
        let architecture = self.text("general.architecture").unwrap_or_default();
        let (heads, cached) = (self.own_number("attention.head_count"), self.own_number("attention.head_count_kv"));
        let many = self.own_number("block_count") == 80;
        Mixed {
            tied: !self.tensors.iter().any(|tensor| tensor.name == "output.weight"),
            is_70b: many
                && match architecture.as_str() {
                    "qwen2" | "deci" => true,
                    "llama" => cached != 0 && heads != cached,
                    _ => false,
                },
            falcon: architecture == "falcon",
            eight_experts: self.own_number("expert_count") == 8,
        }
    }

    fn own_number(&self, key: &str) -> u64 {
        let architecture = self.text("general.architecture").unwrap_or_default();
        self.number(&format!("{architecture}.{key}")).unwrap_or(0)
    }

    fn bytes_of(&self, key: &str) -> Option<&[u8]> {
        self.metadata.iter().find(|(known, _)| known == key).map(|(_, bytes)| bytes.as_slice())
    }

    fn text(&self, key: &str) -> Option<String> {
        let bytes = self.bytes_of(key)?.strip_prefix(&8_u32.to_le_bytes())?;
        Some(String::from_utf8_lossy(bytes.get(8..)?).into_owned())
    }

    /// An integer of any width.
    fn number(&self, key: &str) -> Option<u64> {
        let (kind, bytes) = self.bytes_of(key)?.split_at_checked(4)?;
        let kind = u32::from_le_bytes(kind.try_into().ok()?);
        if !matches!(kind, 0..=5 | 10 | 11) {
            return None;
        }
        Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

fn refused(file: &str, problem: impl Into<String>, fix: &str) -> Error {
    Error::Refused(Finding::error(file, problem, fix))
}

/// How many matrices of a kind came before.
struct Counts {
    values: u64,
    of_values: u64,
    downs: u64,
    layers: u64,
}

impl Counts {
    /// What the matrix is for (`tensor_get_category`).
    fn part(&mut self, tensor: &Tensor, experts: bool) -> Part {
        let name = tensor.name.as_str();
        let next = |count: &mut u64| std::mem::replace(count, *count + 1);
        match name {
            "output.weight" => Part::Output,
            "token_embd.weight" | "per_layer_token_embd.weight" => Part::Embedding,
            _ if is_value(name) => Part::Value(Place { at: next(&mut self.values), of: self.of_values }),
            _ if name.contains("attn_k.weight") => Part::Key,
            _ if name.contains("attn_q.weight") => Part::Other,
            _ if name.contains("attn_output.weight") => Part::AttentionOutput,
            _ if name.contains("ffn_up") || name.contains("ffn_gate") => Part::Other,
            _ if name.contains("ffn_down") => {
                let counted = next(&mut self.downs);
                // The experts of a layer are many; their names say which it is.
                let at = if experts { tensor.layer().unwrap_or(counted) } else { counted };
                Part::Down(Place { at, of: self.layers })
            }
            _ => Part::Other,
        }
    }
}

fn is_value(name: &str) -> bool {
    !matches!(name, "output.weight" | "token_embd.weight" | "per_layer_token_embd.weight")
        && ["attn_qkv.weight", "attn_kv_b.weight", "attn_v.weight"].iter().any(|part| name.contains(part))
}

impl Tensor {
    /// Its layer, where its name tells one: `blk.7.…`.
    fn layer(&self) -> Option<u64> {
        self.name.strip_prefix("blk.")?.split('.').next()?.parse().ok()
    }

    fn width(&self) -> u64 {
        self.shape.first().copied().unwrap_or(1)
    }

    /// As ggml counts them: those at the end that have a length of one do not count.
    fn dimensions(&self) -> usize {
        self.shape.iter().rposition(|length| *length > 1).map_or(1, |last| last + 1)
    }

    /// Whether llama.cpp packs it (`tensor_allows_quantization`).
    fn may_be_packed(&self) -> bool {
        const LEFT: [&str; 34] = [
            "_norm.weight",
            "ffn_gate_inp.weight",
            "ffn_gate_tid2eid.weight",
            "altup",
            "laurel",
            "per_layer_model_proj",
            "ssm_conv1d",
            "shortconv.conv.weight",
            "indexer.k_proj.weight",
            "indexer.q_proj.weight",
            "time_mix_first.weight",
            "time_mix_w0.weight",
            "time_mix_w1.weight",
            "time_mix_w2.weight",
            "time_mix_v0.weight",
            "time_mix_v1.weight",
            "time_mix_v2.weight",
            "time_mix_a0.weight",
            "time_mix_a1.weight",
            "time_mix_a2.weight",
            "time_mix_g1.weight",
            "time_mix_g2.weight",
            "time_mix_decay_w1.weight",
            "time_mix_decay_w2.weight",
            "time_mix_lerp_fused.weight",
            "attn_rel_b.weight",
            ".position_embd",
            "sam.pos_embd",
            "sam.neck.",
            "sam.net_",
            ".rel_pos",
            ".patch_embd",
            ".patch_merger",
            "a.rvq.codebook",
        ];
        let name = self.name.as_str();
        let known = self.element.is_float() && self.element.name != "F64" || self.element.is_packed();
        known
            && self.dimensions() > 1
            && name.ends_with("weight")
            && !matches!(name, "position_embd.weight" | "token_types.weight")
            && !name.contains("mm.a.code_embd")
            && !LEFT.iter().any(|left| name.contains(left))
    }
}

/// Reads a header. Errors say what is wrong with the file.
struct Header<R> {
    input: R,
    at: u64,
    length: u64,
}

type Outcome<T> = std::result::Result<T, String>;

impl<R: std::io::Read> Header<R> {
    fn read(mut self) -> Outcome<(Metadata, Vec<Tensor>)> {
        if self.take(4)? != b"GGUF" {
            return Err("it is not a GGUF file".to_owned());
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return Err(format!("its GGUF version is {version}; 2 and 3 are known"));
        }
        let (tensors, pairs) = (self.u64()?, self.u64()?);
        if tensors.saturating_add(pairs) > self.length / 12 {
            return Err(format!("it is damaged: {tensors} tensors and {pairs} metadata entries do not fit in it"));
        }
        let metadata = (0..pairs).map(|_| self.pair()).collect::<Outcome<Vec<_>>>()?;
        let mut tensors = (0..tensors).map(|_| self.tensor()).collect::<Outcome<Vec<Tensor>>>()?;
        let alignment = metadata.iter().find(|(key, _)| key == "general.alignment");
        let alignment = alignment.map_or(32, |(_, bytes)| u64::from(u32::from_le_bytes(last_four(bytes))));
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return Err(format!("it is damaged: its alignment is {alignment}"));
        }
        let data = self.at.next_multiple_of(alignment);
        for tensor in &mut tensors {
            let place = data.checked_add(tensor.offset);
            let end = place.and_then(|place| place.checked_add(tensor.bytes));
            match (place, end) {
                (Some(place), Some(end)) if end <= self.length => tensor.offset = place,
                _ => return Err(format!("it is truncated: tensor `{}` lies beyond its end", tensor.name)),
            }
        }
        Ok((metadata, tensors))
    }

    fn pair(&mut self) -> Outcome<(String, Vec<u8>)> {
        let key = self.text()?;
        let kind = self.u32()?;
        let mut value = kind.to_le_bytes().to_vec();
        self.value(kind, 0, &mut value)?;
        Ok((key, value))
    }

    /// Appends a value's bytes.
    fn value(&mut self, kind: u32, depth: u32, out: &mut Vec<u8>) -> Outcome<()> {
        if let Some(size) = size_of(kind) {
            out.extend(self.take(size)?);
            return Ok(());
        }
        match kind {
            8 => {
                let text = self.text_bytes()?;
                out.extend((text.len() as u64).to_le_bytes());
                out.extend(text);
                Ok(())
            }
            9 if depth < 4 => {
                let (kind, count) = (self.u32()?, self.u64()?);
                out.extend(kind.to_le_bytes());
                out.extend(count.to_le_bytes());
                if count > self.length {
                    return Err(format!("it is damaged: a list of {count} elements does not fit in it"));
                }
                match size_of(kind) {
                    Some(size) => out.extend(self.take(size.saturating_mul(count))?),
                    None => (0..count).try_for_each(|_| self.value(kind, depth + 1, out))?,
                }
                Ok(())
            }
            _ => Err(format!("it is damaged: there is no metadata of type {kind}")),
        }
    }

    fn tensor(&mut self) -> Outcome<Tensor> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return Err(format!("it is damaged: tensor `{name}` has {dimensions} dimensions"));
        }
        let shape = (0..dimensions).map(|_| self.u64()).collect::<Outcome<Vec<u64>>>()?;
        let kind = self.u32()?;
        let element = ElementType::of(kind)
            .ok_or_else(|| format!("tensor `{name}` has the element type {kind}, which this build does not know"))?;
        let offset = self.u64()?;
        let row = shape.first().copied().unwrap_or(1);
        let count = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
        let bytes = count.and_then(|count| (count / element.block).checked_mul(element.bytes));
        match bytes {
            Some(bytes) if row > 0 && row.is_multiple_of(element.block) => {
                Ok(Tensor { name, shape, element, offset, bytes })
            }
            _ => Err(format!("it is damaged: tensor `{name}` has no shape that {} can have", element.name)),
        }
    }

    fn text(&mut self) -> Outcome<String> {
        Ok(String::from_utf8_lossy(&self.text_bytes()?).into_owned())
    }

    fn text_bytes(&mut self) -> Outcome<Vec<u8>> {
        let length = self.u64()?;
        if length > LONGEST_TEXT {
            return Err(format!("it is damaged: a text of {length} bytes in its header"));
        }
        self.take(length)
    }

    fn take(&mut self, bytes: u64) -> Outcome<Vec<u8>> {
        if bytes > self.length.saturating_sub(self.at) {
            return Err("it is truncated: it ends within its header".to_owned());
        }
        let mut taken = vec![0; bytes as usize];
        self.input.read_exact(&mut taken).map_err(|error| format!("it cannot be read: {error}"))?;
        self.at += bytes;
        Ok(taken)
    }

    fn u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(last_four(&self.take(4)?)))
    }

    fn u64(&mut self) -> Outcome<u64> {
        Ok(self.take(8)?.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// Bytes of a metadata value of this type; none where that depends on the value.
fn size_of(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

fn last_four(bytes: &[u8]) -> [u8; 4] {
    bytes.last_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
#[path = "model_file_tests.rs"]
mod tests;
