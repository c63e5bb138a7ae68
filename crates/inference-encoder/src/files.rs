//! Reading a model's files, with errors that name the file.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use inference::Error;
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::de::DeserializeOwned;

use crate::blocks::{BLOCK, BLOCK_BYTES, Block, Table};

/// The metadata of a file whose tensors of bytes hold blocks of four bits, a row's blocks side by side.
const BLOCKS: (&str, &str) = ("craton.blocks", "Q4_0");
const PULL_AGAIN: &str = "pull the model again";

/// The error of a model file.
pub(crate) fn model_file_error(file: &Path, reason: impl Into<String>, hint: &str) -> Error {
    Error::ModelFile { file: file.to_owned(), reason: reason.into(), hint: hint.to_owned() }
}

/// Reads a JSON file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let text = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| model_file_error(path, format!("not understood: {error}"), PULL_AGAIN))
}

/// Reads a JSON file that may be absent.
pub(crate) fn read_optional_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    if path.exists() { read_json(path).map(Some) } else { Ok(None) }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => "make the file readable",
        _ => PULL_AGAIN,
    };
    model_file_error(path, format!("cannot be read: {error}"), hint)
}

/// An open safetensors file whose header was checked: every tensor lies within the file.
pub(crate) struct Tensors {
    path: PathBuf,
    file: File,
    metadata: Metadata,
    data_start: u64,
}

impl Tensors {
    /// The longest header that is read, as the format's own library has it.
    const MAX_HEADER: u64 = 100_000_000;

    /// Opens a file and checks its header.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(|error| unreadable(path, &error))?;
        let held = file.metadata().map_err(|error| unreadable(path, &error))?.len();
        let damaged = |reason: String| model_file_error(path, reason, PULL_AGAIN);
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| damaged(format!("{held} bytes are no safetensors file")))?;
        let length = u64::from_le_bytes(length);
        if length > Self::MAX_HEADER || length > held.saturating_sub(8) {
            return Err(damaged(format!("the header's length is {length}, the file's {held} bytes")));
        }
        let mut header = vec![0; length as usize];
        file.read_exact(&mut header).map_err(|error| unreadable(path, &error))?;
        let metadata: Metadata = serde_json::from_slice(&header)
            .map_err(|error| damaged(format!("the header is not understood: {error}")))?;
        let data_start = 8 + length;
        let needed = data_start + metadata.data_len() as u64;
        if needed != held {
            let kind = if held < needed { "truncated" } else { "too long" };
            return Err(damaged(format!("{kind}: it has {held} bytes, its header says {needed}")));
        }
        Ok(Self { path: path.to_owned(), file, metadata, data_start })
    }

    /// Whether there is a tensor of that name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    /// The element count of every tensor together.
    pub(crate) fn parameters(&self) -> u64 {
        let count = |info: &TensorInfo| {
            let elements = info.shape.iter().map(|&size| size as u64).product::<u64>();
            match info.dtype {
                Dtype::F32 | Dtype::F16 | Dtype::BF16 => elements,
                Dtype::U8 if self.has_blocks() => elements / BLOCK_BYTES as u64 * BLOCK as u64,
                _ => 0,
            }
        };
        self.metadata.tensors().into_values().map(count).sum()
    }

    /// Checks that a tensor is there with the shape and a number format that can be read; returns the format's name.
    pub(crate) fn check(&self, name: &str, shape: &[usize]) -> Result<String, Error> {
        let info = self.info(name, shape)?;
        Ok(if info.dtype == Dtype::U8 { BLOCKS.1.to_owned() } else { format!("{:?}", info.dtype) })
    }

    fn info(&self, name: &str, shape: &[usize]) -> Result<&TensorInfo, Error> {
        let wrong = |reason: String| model_file_error(&self.path, reason, "give a model that `config.json` describes");
        let info = self.metadata.info(name).ok_or_else(|| wrong(format!("it has no tensor `{name}`")))?;
        let stored = match (info.dtype, shape) {
            (Dtype::F32 | Dtype::F16 | Dtype::BF16, shape) => shape.to_vec(),
            (Dtype::U8, [rows, columns]) if self.has_blocks() => vec![*rows, columns / BLOCK * BLOCK_BYTES],
            (other, _) => {
                let known = "F32, F16, BF16 and, where the file says so, blocks of Q4_0";
                return Err(wrong(format!("tensor `{name}` holds {other:?}; supported are {known}")));
            }
        };
        if info.shape != stored {
            return Err(wrong(format!("tensor `{name}` has the shape {:?}, expected {stored:?}", info.shape)));
        }
        Ok(info)
    }

    fn has_blocks(&self) -> bool {
        let said = self.metadata.metadata().as_ref().and_then(|said| said.get(BLOCKS.0));
        said.is_some_and(|format| format == BLOCKS.1)
    }

    /// Reads a tensor with one row for each token, in the format that it has.
    pub(crate) fn read_table(&self, name: &str, shape: &[usize]) -> Result<Table, Error> {
        let info = self.info(name, shape)?;
        if info.dtype != Dtype::U8 {
            return self.read(name, shape).map(Table::Numbers);
        }
        self.blocks(name, info).map(Table::Blocks)
    }

    fn blocks(&self, name: &str, info: &TensorInfo) -> Result<Vec<Block>, Error> {
        let mut bytes = self.bytes(info).map_err(|error| unreadable(&self.path, &error))?;
        let count = info.shape.iter().product::<usize>() / BLOCK_BYTES;
        let blocks = read_all(&mut bytes, count, Block::new).map_err(|error| unreadable(&self.path, &error))?;
        match blocks.iter().all(Block::is_finite) {
            true => Ok(blocks),
            false => Err(self.not_finite(name)),
        }
    }

    /// Reads a tensor of the shape as single-precision numbers, all of them finite.
    pub(crate) fn read(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, Error> {
        let info = self.info(name, shape)?;
        if info.dtype == Dtype::U8 {
            let weights = self.blocks(name, info)?;
            return Ok(weights.iter().flat_map(Block::weights).flat_map(|half| half.to_array()).collect());
        }
        let numbers = self.numbers(info).map_err(|error| unreadable(&self.path, &error))?;
        if numbers.iter().all(|number| number.is_finite()) {
            return Ok(numbers);
        }
        Err(self.not_finite(name))
    }

    fn not_finite(&self, name: &str) -> Error {
        model_file_error(&self.path, format!("tensor `{name}` holds numbers that are not finite"), PULL_AGAIN)
    }

    fn bytes(&self, info: &TensorInfo) -> std::io::Result<impl Read + '_> {
        let (start, end) = info.data_offsets;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(self.data_start + start as u64))?;
        Ok(BufReader::with_capacity(1 << 16, file).take((end - start) as u64))
    }

    fn numbers(&self, info: &TensorInfo) -> std::io::Result<Vec<f32>> {
        let mut bytes = self.bytes(info)?;
        let count = info.shape.iter().product();
        match info.dtype {
            Dtype::F16 => read_all(&mut bytes, count, |pair| half::f16::from_le_bytes(pair).to_f32()),
            Dtype::BF16 => read_all(&mut bytes, count, |pair| half::bf16::from_le_bytes(pair).to_f32()),
            _ => read_all(&mut bytes, count, f32::from_le_bytes),
        }
    }
}

/// Reads `count` values of `N` bytes each.
fn read_all<T, const N: usize>(
    bytes: &mut impl Read,
    count: usize,
    convert: impl Fn([u8; N]) -> T,
) -> std::io::Result<Vec<T>> {
    let mut values = Vec::with_capacity(count);
    let mut block = vec![0; N * 8192];
    while values.len() < count {
        let block = &mut block[..N * 8192.min(count - values.len())];
        bytes.read_exact(block)?;
        values.extend(block.as_chunks().0.iter().map(|&value| convert(value)));
    }
    Ok(values)
}
