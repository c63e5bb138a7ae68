//! One file's header.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};

/// Bytes of the header's length.
pub(super) const PREFIX: u64 = 8;
/// Longer headers are refused; that of a model with 126 layers has less than 200 KiB.
pub const LONGEST_HEADER: u64 = 16 << 20;
/// More tensors are refused, in a file and in a checkpoint.
pub(super) const MOST_TENSORS: usize = 100_000;
/// No tensor of a language model has more dimensions.
const MOST_DIMENSIONS: usize = 8;
/// Longer names are refused.
const LONGEST_NAME: usize = 512;

/// A header: where which tensor lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// In the order of their bytes, which follow one another without gaps up to the file's end.
    pub entries: Vec<Entry>,
}

/// A tensor's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: Dtype,
    /// Its shape, the slowest dimension first.
    pub shape: Vec<u64>,
    /// Where its bytes begin in the file.
    pub offset: u64,
    /// How many there are.
    pub bytes: u64,
}

/// An element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Dtype {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
    F8E4M3,
    F8E5M2,
}

impl Dtype {
    const ALL: [(Self, &'static str, u64); 15] = [
        (Self::F64, "F64", 8),
        (Self::F32, "F32", 4),
        (Self::F16, "F16", 2),
        (Self::BF16, "BF16", 2),
        (Self::I64, "I64", 8),
        (Self::I32, "I32", 4),
        (Self::I16, "I16", 2),
        (Self::I8, "I8", 1),
        (Self::U64, "U64", 8),
        (Self::U32, "U32", 4),
        (Self::U16, "U16", 2),
        (Self::U8, "U8", 1),
        (Self::Bool, "BOOL", 1),
        (Self::F8E4M3, "F8_E4M3", 1),
        (Self::F8E5M2, "F8_E5M2", 1),
    ];

    /// Its name in a header.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(dtype, ..)| *dtype == self).map_or("", |(_, name, _)| name)
    }

    /// Bytes of one element.
    #[must_use]
    pub fn size(self) -> u64 {
        Self::ALL.iter().find(|(dtype, ..)| *dtype == self).map_or(1, |(.., size)| *size)
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(dtype, ..)| *dtype)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The header's length, of the file's first eight bytes.
///
/// # Errors
/// Says what is wrong.
pub fn header_length(prefix: [u8; 8], file_bytes: u64) -> Result<u64, String> {
    let length = u64::from_le_bytes(prefix);
    if length > LONGEST_HEADER {
        return Err(format!("its header claims {length} bytes, and at most {LONGEST_HEADER} are read"));
    }
    match file_bytes.checked_sub(PREFIX) {
        Some(room) if length <= room => Ok(length),
        _ => Err(format!("it is truncated: its header has {length} bytes and the file {file_bytes}")),
    }
}

impl Header {
    /// Reads the header's JSON, in a file of `file_bytes`.
    ///
    /// # Errors
    /// Says what is wrong: no two tensors may overlap, no byte may belong to none, each tensor's bytes are as many as
    /// its shape and type take, no name appears twice, and the file ends with the last tensor.
    pub fn parse(json: &[u8], file_bytes: u64) -> Result<Self, String> {
        if json.first() != Some(&b'{') {
            return Err("it is not a safetensors file: its header does not begin with `{`".to_owned());
        }
        let raw: Raw = serde_json::from_slice(json).map_err(|error| format!("its header is damaged: {error}"))?;
        let data = PREFIX + json.len() as u64;
        let room = file_bytes.checked_sub(data).ok_or("it is truncated within its header")?;
        let mut entries = raw.0.into_iter().map(|(name, raw)| entry(name, raw, data)).collect::<Result<Vec<_>, _>>()?;
        // Empty tensors come before what begins where they lie.
        entries.sort_by_key(|entry| (entry.offset, entry.bytes));
        check_places(&entries, data, data + room)?;
        Ok(Self { entries })
    }
}

fn entry(name: String, raw: RawEntry, data: u64) -> Result<Entry, String> {
    let dtype = Dtype::parse(&raw.dtype).ok_or_else(|| {
        format!("tensor `{name}` has the element type `{}`, which is not known", shortened(&raw.dtype))
    })?;
    if raw.shape.len() > MOST_DIMENSIONS {
        return Err(format!("tensor `{name}` has {} dimensions", raw.shape.len()));
    }
    let (start, end) = raw.data_offsets;
    let bytes = end
        .checked_sub(start)
        .ok_or_else(|| format!("tensor `{name}` ends at byte {end}, before it begins at {start}"))?;
    let elements = raw.shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
    if elements.and_then(|elements| elements.checked_mul(dtype.size())) != Some(bytes) {
        let shape = &raw.shape;
        return Err(format!("tensor `{name}` has {bytes} bytes, which is not what {dtype} in shape {shape:?} takes"));
    }
    let offset = data.checked_add(start).ok_or_else(|| format!("tensor `{name}` lies nowhere"))?;
    Ok(Entry { name, dtype, shape: raw.shape, offset, bytes })
}

/// Tensors follow one another from `from` to `to` exactly.
fn check_places(entries: &[Entry], from: u64, to: u64) -> Result<(), String> {
    let mut at = from;
    let mut before = "the header";
    for entry in entries {
        let Entry { name, offset, bytes, .. } = entry;
        if *offset < at {
            return Err(format!("tensors `{before}` and `{name}` overlap"));
        }
        if *offset > at {
            return Err(format!("{} bytes before tensor `{name}` belong to no tensor", offset - at));
        }
        at = offset.checked_add(*bytes).ok_or_else(|| format!("tensor `{name}` lies nowhere"))?;
        if at > to {
            return Err(format!("it is truncated: tensor `{name}` ends at byte {at} and the file at {to}"));
        }
        before = name;
    }
    match to - at {
        0 => Ok(()),
        left => Err(format!("{left} bytes at its end belong to no tensor")),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}

/// The header as it is written, each name once.
struct Raw(Vec<(String, RawEntry)>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let (mut entries, mut names, mut about) = (Vec::new(), HashSet::new(), false);
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        if std::mem::replace(&mut about, true) {
                            return Err(serde::de::Error::custom("`__metadata__` appears twice"));
                        }
                        map.next_value::<std::collections::HashMap<String, String>>()?;
                        continue;
                    }
                    if name.len() > LONGEST_NAME {
                        return Err(serde::de::Error::custom(format!("a tensor's name has {} bytes", name.len())));
                    }
                    if names.len() == MOST_TENSORS {
                        return Err(serde::de::Error::custom(format!("it has more than {MOST_TENSORS} tensors")));
                    }
                    if !names.insert(name.clone()) {
                        return Err(serde::de::Error::custom(format!("tensor `{name}` appears twice")));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Raw(entries))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

#[cfg(test)]
#[path = "header_tests.rs"]
mod tests;
