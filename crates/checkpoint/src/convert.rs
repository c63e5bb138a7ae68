//! The plan of a GGUF file, and its writing.

use std::ops::ControlFlow;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::TryStreamExt;

use crate::config::{Config, RopeScaling};
use crate::error::{Error, Result};
use crate::expected::Expected;
use crate::finding::Finding;
use crate::gguf::{Described, Layout, Value};
use crate::quantization::{Format, Precision, Quantizer};
use crate::safetensors::Located;
use crate::source::{Source, check_length};
use crate::tokenizer::Vocabulary;
use crate::values::{Converter, Fault, Stored, Unfit, interleave};

/// Bytes that are read before they are converted, but for a single row or head that has more.
const BLOCK: usize = 2 << 20;

/// Takes a file's bytes, from the first to the last.
#[async_trait]
pub trait Sink: Send {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// The sink's own: a full disk.
    async fn write(&mut self, bytes: Bytes) -> base::Result<()>;
}

/// A GGUF file that can be written: its header and where each tensor comes from.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) layout: Layout,
    pub(crate) work: Vec<Work>,
    pub(crate) source_bytes: u64,
}

#[derive(Debug, Clone)]
pub(crate) enum Work {
    /// Bytes that are known already.
    Made(Vec<u8>),
    /// A tensor of the source.
    Read(Box<Read>),
}

#[derive(Debug, Clone)]
pub(crate) struct Read {
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) stored: Stored,
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// Numbers of a row; 1 for a vector.
    pub(crate) width: usize,
    pub(crate) interleaved: Option<usize>,
    /// None where the bytes stay as they are.
    pub(crate) format: Option<Format>,
}

impl Plan {
    /// The plan for tensors that are as they are expected.
    pub(crate) fn new(
        name: &str,
        config: &Config,
        vocabulary: &Vocabulary,
        precision: Precision,
        tensors: &[(Located, Expected)],
    ) -> Self {
        let parameters: u64 = tensors.iter().map(|(_, expected)| expected.shape.iter().product::<u64>()).sum();
        let format =
            |(located, expected): &(Located, Expected)| precision.format(located.entry.dtype, expected, config);
        let formats: Vec<Format> = tensors.iter().map(format).collect();
        let metadata = metadata(name, config, vocabulary, precision.file_type(&formats), parameters);
        let factors = rope_factors(config);
        let shape = [factors.len() as u64];
        let (mut described, mut work) = (Vec::new(), Vec::new());
        if !factors.is_empty() {
            described.push(Described::new("rope_freqs.weight", &shape, Format::F32));
            work.push(Work::Made(factors.iter().flat_map(|factor| factor.to_le_bytes()).collect()));
        }
        let mut source_bytes = 0;
        for ((located, expected), format) in tensors.iter().zip(formats) {
            let entry = &located.entry;
            described.push(Described::new(&expected.target, &expected.shape, format));
            source_bytes += entry.bytes;
            work.push(Work::Read(Box::new(Read {
                file: located.file.clone(),
                name: entry.name.clone(),
                stored: Stored::Plain(entry.dtype),
                offset: entry.offset,
                bytes: entry.bytes,
                width: expected.shape.get(1).map_or(1, |width| *width as usize),
                interleaved: expected.interleaved.map(|rows| rows as usize),
                format: Some(format),
            })));
        }
        Self { layout: Layout::new(&metadata, &described), work, source_bytes }
    }

    /// Bytes of the file that is written.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.layout.bytes
    }

    /// Bytes of its beginning that say everything of the model but its weights.
    #[must_use]
    pub fn header_bytes(&self) -> u64 {
        self.layout.header.len() as u64
    }

    /// Bytes that are read for it.
    #[must_use]
    pub fn source_bytes(&self) -> u64 {
        self.source_bytes
    }

    /// Writes the file. `progress` is told the bytes read so far, after each block, and may end the writing; so does
    /// dropping the future. What was written then is no model.
    ///
    /// # Errors
    /// The source's and the sink's; Refused, where a weight is not a finite number or too large; Cancelled.
    pub async fn write(
        &self,
        source: &dyn Source,
        sink: &mut dyn Sink,
        quantizer: &dyn Quantizer,
        progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        sink.write(Bytes::from(self.layout.header.clone())).await.map_err(Error::Sink)?;
        let mut writer = Writer { source, sink, quantizer, progress, read: 0, converter: Converter::default() };
        for (work, (bytes, padding)) in self.work.iter().zip(&self.layout.tensors) {
            let written = match work {
                Work::Made(bytes) => writer.put(bytes.clone()).await?,
                Work::Read(read) => writer.tensor(read).await?,
            };
            debug_assert_eq!(written, *bytes, "a tensor takes what the layout says");
            if *padding > 0 {
                writer.put(vec![0; *padding as usize]).await?;
            }
        }
        Ok(())
    }
}

struct Writer<'a> {
    source: &'a dyn Source,
    sink: &'a mut dyn Sink,
    quantizer: &'a dyn Quantizer,
    progress: &'a mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
    /// Bytes read so far.
    read: u64,
    converter: Converter,
}

impl Writer<'_> {
    async fn put(&mut self, bytes: Vec<u8>) -> Result<u64> {
        let length = bytes.len() as u64;
        self.sink.write(Bytes::from(bytes)).await.map_err(Error::Sink)?;
        Ok(length)
    }

    /// Reads a tensor in blocks of whole rows, or of whole heads where these are put into another order.
    async fn tensor(&mut self, read: &Read) -> Result<u64> {
        let failed = |error| Error::Source { file: read.file.clone(), error };
        let unit = read.unit();
        let size = unit * (BLOCK / unit).max(1);
        let mut pieces = self.source.read(&read.file, read.offset, read.bytes).await.map_err(failed)?;
        let (mut block, mut got, mut written) = (Vec::with_capacity(size.min(read.bytes as usize)), 0, 0);
        while let Some(mut piece) = pieces.try_next().await.map_err(failed)? {
            got += piece.len() as u64;
            if got > read.bytes {
                break;
            }
            while !piece.is_empty() {
                let taken = piece.split_to((size - block.len()).min(piece.len()));
                block.extend_from_slice(&taken);
                if block.len() == size {
                    written += self.block(read, &block).await?;
                    block.clear();
                }
            }
        }
        check_length(&read.file, got, read.bytes)?;
        if !block.is_empty() {
            written += self.block(read, &block).await?;
        }
        Ok(written)
    }

    async fn block(&mut self, read: &Read, block: &[u8]) -> Result<u64> {
        let Some(format) = read.format else { return self.copy(block).await };
        let mut ordered = Vec::new();
        let rows = match read.interleaved {
            Some(rows) => {
                ordered.reserve_exact(block.len());
                interleave(block, rows, read.row(), &mut ordered);
                ordered.as_slice()
            }
            None => block,
        };
        let mut out = Vec::with_capacity(read.packed(block.len(), format));
        self.converter
            .convert(read.stored, rows, read.width, format, self.quantizer, &mut out)
            .map_err(|fault| read.refused(fault))?;
        drop(ordered);
        let length = self.put(out).await?;
        self.tell(block.len())?;
        Ok(length)
    }

    async fn copy(&mut self, block: &[u8]) -> Result<u64> {
        let length = self.put(block.to_vec()).await?;
        self.tell(block.len())?;
        Ok(length)
    }

    /// # Errors
    /// Cancelled.
    fn tell(&mut self, read: usize) -> Result<()> {
        self.read += read as u64;
        match (self.progress)(self.read) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Error::Cancelled),
        }
    }
}

impl Read {
    /// Bytes of a row in the source.
    fn row(&self) -> usize {
        let (numbers, bytes) = self.stored.block();
        self.width / numbers * bytes
    }

    /// Bytes that must be converted together.
    fn unit(&self) -> usize {
        self.row() * self.interleaved.unwrap_or(1)
    }

    /// Bytes that so many of the source take when they are written.
    fn packed(&self, bytes: usize, format: Format) -> usize {
        let ((numbers, size), (from_numbers, from_size)) = (format.block(), self.stored.block());
        (bytes / from_size * from_numbers).div_ceil(numbers as usize) * size as usize
    }

    fn refused(&self, fault: Fault) -> Error {
        let Self { name, file, .. } = self;
        let finding = match fault {
            Fault::Quantizer(reason) => return Error::Quantizer(reason),
            Fault::Unfit(Unfit::NotFinite(_)) => Finding::error(
                file,
                format!("tensor `{name}` holds infinity or what is not a number"),
                "The model is damaged, or its training failed: import an earlier state of it.",
            ),
            Fault::Unfit(Unfit::TooLarge(_, value)) => Finding::error(
                file,
                format!("tensor `{name}` holds {value}, and half precision ends at 65504"),
                "Import the model with the quantization Q8_0.",
            ),
        };
        Error::Refused(finding)
    }
}

/// What the file says of its model, under the keys that llama.cpp's converter writes.
fn metadata(
    name: &str,
    config: &Config,
    vocabulary: &Vocabulary,
    file_type: u32,
    parameters: u64,
) -> Vec<(String, Value)> {
    let architecture = config.architecture.gguf();
    let mut all: Vec<(String, Value)> = vec![
        ("general.architecture".into(), Value::String(architecture.into())),
        ("general.type".into(), Value::String("model".into())),
        ("general.name".into(), Value::String(name.into())),
        ("general.size_label".into(), Value::String(size_label(parameters))),
    ];
    let mut add = |key: &str, value| all.push((format!("{architecture}.{key}"), value));
    add("block_count", Value::U32(config.layers as u32));
    add("context_length", Value::U32(config.context as u32));
    add("embedding_length", Value::U32(config.hidden as u32));
    add("feed_forward_length", Value::U32(config.intermediate as u32));
    add("attention.head_count", Value::U32(config.heads as u32));
    add("attention.head_count_kv", Value::U32(config.kv_heads as u32));
    rope_metadata(config, &mut add);
    add("attention.layer_norm_rms_epsilon", Value::F32(config.rms_epsilon));
    if config.head_dim_named {
        add("attention.key_length", Value::U32(config.head_dim as u32));
        add("attention.value_length", Value::U32(config.head_dim as u32));
    }
    if architecture == "llama" {
        add("vocab_size", Value::U32(config.vocabulary as u32));
        add("rope.dimension_count", Value::U32(config.head_dim as u32));
    }
    all.push(("general.file_type".into(), Value::U32(file_type)));
    all.push(("general.quantization_version".into(), Value::U32(2)));
    all.extend(vocabulary.metadata());
    all
}

fn rope_metadata(config: &Config, add: &mut impl FnMut(&str, Value)) {
    match config.rope_scaling {
        RopeScaling::None | RopeScaling::Llama3 { .. } => {}
        RopeScaling::Linear { factor } => {
            add("rope.scaling.type", Value::String("linear".into()));
            add("rope.scaling.factor", Value::F32(factor));
        }
        RopeScaling::Yarn { factor, original, beta_fast, beta_slow, attention } => {
            add("rope.scaling.type", Value::String("yarn".into()));
            add("rope.scaling.factor", Value::F32(factor));
            add("rope.scaling.original_context_length", Value::U32(original as u32));
            let optional = [
                ("rope.scaling.yarn_attn_factor", attention),
                ("rope.scaling.yarn_beta_fast", beta_fast),
                ("rope.scaling.yarn_beta_slow", beta_slow),
            ];
            for (key, value) in optional {
                if let Some(value) = value {
                    add(key, Value::F32(value));
                }
            }
        }
    }
    add("rope.freq_base", Value::F32(config.rope_theta));
}

/// What Llama 3.1 divides each frequency by (the Llama 3 reference implementation, `apply_scaling`); nothing for
/// others.
fn rope_factors(config: &Config) -> Vec<f32> {
    let RopeScaling::Llama3 { factor, low, high, original } = config.rope_scaling else { return Vec::new() };
    let dimensions = config.head_dim as f32;
    let original = original as f32;
    let one = |pair: u64| {
        let frequency = 1.0 / config.rope_theta.powf((2 * pair) as f32 / dimensions);
        let wavelength = std::f32::consts::TAU / frequency;
        if wavelength < original / high {
            1.0
        } else if wavelength > original / low {
            factor
        } else {
            let smooth = (original / wavelength - low) / (high - low);
            1.0 / ((1.0 - smooth) / factor + smooth)
        }
    };
    (0..config.head_dim / 2).map(one).collect()
}

/// The number of parameters in two digits at least: `135M`, `1.2B`.
fn size_label(parameters: u64) -> String {
    let scales = [(1e12, "T"), (1e9, "B"), (1e6, "M")];
    let (scale, suffix) = scales.into_iter().find(|(scale, _)| parameters as f64 > *scale).unwrap_or((1e3, "K"));
    let scaled = parameters as f64 / scale;
    let digits = format!("{}", scaled.round_ties_even() as u64).trim_start_matches('0').len();
    format!("{scaled:.precision$}{suffix}", precision = 2_usize.saturating_sub(digits))
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
