//! A GGUF file's header (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>), version 3, as it is written.

use crate::quantization::Format;

/// Where the data and each tensor begin is a multiple of this.
const ALIGNMENT: u64 = 32;

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    U32(u32),
    F32(f32),
    Bool(bool),
    String(String),
    Strings(Vec<String>),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
    /// Its type and its bytes, as another file has them.
    Copied(Vec<u8>),
}

/// A tensor to be described; the slowest dimension first.
pub(crate) struct Described<'a> {
    pub(crate) name: &'a str,
    pub(crate) shape: &'a [u64],
    /// ggml's number of the element type.
    pub(crate) kind: u32,
    pub(crate) bytes: u64,
}

impl<'a> Described<'a> {
    pub(crate) fn new(name: &'a str, shape: &'a [u64], format: Format) -> Self {
        let (numbers, bytes) = format.block();
        Self { name, shape, kind: format.number(), bytes: shape.iter().product::<u64>() / numbers * bytes }
    }
}

/// A header and where the tensors go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// All bytes before the first tensor's.
    pub(crate) header: Vec<u8>,
    /// Bytes of each tensor, and zeros after it.
    pub(crate) tensors: Vec<(u64, u64)>,
    /// Bytes of the whole file.
    pub(crate) bytes: u64,
}

impl Layout {
    pub(crate) fn new(metadata: &[(String, Value)], tensors: &[Described<'_>]) -> Self {
        let mut header = b"GGUF".to_vec();
        header.extend(3_u32.to_le_bytes());
        header.extend((tensors.len() as u64).to_le_bytes());
        header.extend((metadata.len() as u64).to_le_bytes());
        for (key, value) in metadata {
            text(&mut header, key);
            value.write(&mut header);
        }
        let mut places = Vec::with_capacity(tensors.len());
        let mut offset = 0_u64;
        for tensor in tensors {
            text(&mut header, tensor.name);
            header.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().rev().for_each(|length| header.extend(length.to_le_bytes()));
            header.extend(tensor.kind.to_le_bytes());
            header.extend(offset.to_le_bytes());
            let bytes = tensor.bytes;
            let padding = bytes.next_multiple_of(ALIGNMENT) - bytes;
            places.push((bytes, padding));
            offset += bytes + padding;
        }
        header.resize(header.len().next_multiple_of(ALIGNMENT as usize), 0);
        Self { bytes: header.len() as u64 + offset, header, tensors: places }
    }
}

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

impl Value {
    fn write(&self, out: &mut Vec<u8>) {
        let kind = |out: &mut Vec<u8>, kind: u32| out.extend(kind.to_le_bytes());
        let list = |out: &mut Vec<u8>, of: u32, length: usize| {
            kind(out, 9);
            kind(out, of);
            out.extend((length as u64).to_le_bytes());
        };
        match self {
            Self::Copied(bytes) => out.extend(bytes),
            Self::U32(number) => {
                kind(out, 4);
                out.extend(number.to_le_bytes());
            }
            Self::F32(number) => {
                kind(out, 6);
                out.extend(number.to_le_bytes());
            }
            Self::Bool(flag) => {
                kind(out, 7);
                out.push(u8::from(*flag));
            }
            Self::String(string) => {
                kind(out, 8);
                text(out, string);
            }
            Self::Strings(strings) => {
                list(out, 8, strings.len());
                strings.iter().for_each(|string| text(out, string));
            }
            Self::I32s(numbers) => {
                list(out, 5, numbers.len());
                numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
            }
            Self::F32s(numbers) => {
                list(out, 6, numbers.len());
                numbers.iter().for_each(|number| out.extend(number.to_le_bytes()));
            }
        }
    }
}
