//! The header of a GGUF file (<https://github.com/ggml-org/ggml/blob/master/docs/gguf.md>): read and checked without
//! loading the weights.

mod facts;
mod shape;
mod tensor;

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use inference::{CONTROL_TOKENS, Error, Result};

use crate::refused;
use tensor::Tensor;

const HINT: &str = "remove the model and pull it again";
/// Strings of a header beyond this length are damage, not text.
const LONGEST_STRING: u64 = 64 << 20;
/// Arrays beyond this length are counted and passed over.
const KEPT_ARRAY: u64 = 4096;
/// Control tokens are no longer than this, in bytes.
const LONGEST_CONTROL_TOKEN: u64 = 64;
/// Where the spellings of tokens stand.
const VOCABULARY: &str = "tokenizer.ggml.tokens";
/// No tensor has more dimensions.
const MOST_DIMENSIONS: u32 = 4;

/// A header: the metadata and the tensors' places.
#[derive(Debug)]
pub(crate) struct Gguf {
    metadata: HashMap<String, Value>,
    /// The known control tokens of its vocabulary.
    control_tokens: Vec<String>,
    tensors: Vec<Tensor>,
}

/// A metadata value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Bool(bool),
    String(String),
    /// The elements, where there are few, and their number.
    Array(Vec<Value>, u64),
}

impl Value {
    fn unsigned(&self) -> Option<u64> {
        match self {
            Self::Unsigned(number) => Some(*number),
            Self::Signed(number) => u64::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl Gguf {
    /// Reads the header and checks that the file holds all that it promises.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => refused(path, "there is no such file", "pull the model first"),
            ErrorKind::PermissionDenied => refused(path, "it may not be read", "check the file's permissions"),
            _ => refused(path, format!("it cannot be opened: {error}"), HINT),
        })?;
        let metadata = file.metadata().map_err(|error| refused(path, format!("it cannot be read: {error}"), HINT))?;
        if !metadata.is_file() {
            return Err(refused(path, "it is not a file", "name the `.gguf` file itself"));
        }
        Reader::new(file, metadata.len()).header().map_err(|fault| fault.name(path))
    }

    pub(crate) fn chat_template(&self) -> Option<&str> {
        self.string("tokenizer.chat_template")
    }

    fn string(&self, key: &str) -> Option<&str> {
        match self.metadata.get(key) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.metadata.get(key).and_then(Value::unsigned)
    }
}

/// What is wrong with a file.
enum Fault {
    /// It ends within its header.
    Short,
    Read(std::io::Error),
    Wrong(String),
}

impl Fault {
    fn name(self, path: &Path) -> Error {
        match self {
            Self::Short => refused(path, "it is truncated: it ends within its header", HINT),
            Self::Read(error) => refused(path, format!("it cannot be read: {error}"), HINT),
            Self::Wrong(reason) => refused(path, reason, HINT),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::UnexpectedEof => Self::Short,
            _ => Self::Read(error),
        }
    }
}

fn wrong<T>(reason: impl Into<String>) -> std::result::Result<T, Fault> {
    Err(Fault::Wrong(reason.into()))
}

type Outcome<T> = std::result::Result<T, Fault>;

struct Reader<R> {
    input: BufReader<R>,
    /// Bytes read.
    position: u64,
    /// Bytes of the file.
    length: u64,
    /// Whether what is read is the vocabulary.
    in_vocabulary: bool,
    /// The known control tokens that it holds.
    control_tokens: Vec<String>,
}

impl<R: Read + Seek> Reader<R> {
    fn new(input: R, length: u64) -> Self {
        let input = BufReader::with_capacity(1 << 16, input);
        Self { input, position: 0, length, in_vocabulary: false, control_tokens: Vec::new() }
    }

    fn header(mut self) -> Outcome<Gguf> {
        match self.array::<4>().ok().as_ref() {
            Some(b"GGUF") => {}
            Some(b"ggml" | b"lmgg" | b"tjgg") => return wrong("it is in a format older than GGUF"),
            _ => return wrong("it is not a GGUF file"),
        }
        let version = self.u32()?;
        if !(2..=3).contains(&version) {
            return wrong(format!("its GGUF version is {version}; 2 and 3 are known (and only little-endian files)"));
        }
        let (tensors, pairs) = (self.u64()?, self.u64()?);
        // The shortest entry of either kind takes more than 12 bytes.
        if tensors.saturating_add(pairs) > self.length / 12 {
            return wrong(format!("it is damaged: {tensors} tensors and {pairs} metadata entries do not fit in it"));
        }
        let mut metadata = HashMap::new();
        for _ in 0..pairs {
            let key = self.string()?;
            let kind = self.u32()?;
            self.in_vocabulary = key == VOCABULARY;
            let value = self.value(kind, 0)?;
            metadata.insert(key, value);
        }
        let tensors = (0..tensors).map(|_| self.tensor()).collect::<Outcome<Vec<Tensor>>>()?;
        let alignment = metadata.get("general.alignment").and_then(Value::unsigned).unwrap_or(32);
        if !alignment.is_power_of_two() || alignment > 1 << 20 {
            return wrong(format!("it is damaged: its alignment is {alignment}"));
        }
        let data = self.position.next_multiple_of(alignment);
        for tensor in &tensors {
            let end = data.checked_add(tensor.offset).and_then(|start| start.checked_add(tensor.bytes));
            match end {
                Some(end) if end <= self.length => {}
                Some(end) => {
                    return wrong(format!(
                        "it is truncated: tensor `{}` ends at byte {end} and the file at {}",
                        tensor.name, self.length
                    ));
                }
                None => return wrong(format!("it is damaged: tensor `{}` lies nowhere", tensor.name)),
            }
        }
        Ok(Gguf { metadata, control_tokens: self.control_tokens, tensors })
    }

    fn tensor(&mut self) -> Outcome<Tensor> {
        let name = self.string()?;
        let dimensions = self.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return wrong(format!("it is damaged: tensor `{name}` has {dimensions} dimensions"));
        }
        let mut shape = Vec::with_capacity(dimensions as usize);
        for _ in 0..dimensions {
            shape.push(self.u64()?);
        }
        let kind = self.u32()?;
        let offset = self.u64()?;
        Tensor::new(name, &shape, kind, offset).map_err(Fault::Wrong)
    }

    fn value(&mut self, kind: u32, depth: u32) -> Outcome<Value> {
        Ok(match kind {
            0 => Value::Unsigned(self.array::<1>()?[0].into()),
            1 => Value::Signed(i8::from_le_bytes(self.array()?).into()),
            2 => Value::Unsigned(u16::from_le_bytes(self.array()?).into()),
            3 => Value::Signed(i16::from_le_bytes(self.array()?).into()),
            4 => Value::Unsigned(self.u32()?.into()),
            5 => Value::Signed(i32::from_le_bytes(self.array()?).into()),
            6 => Value::Float(f32::from_le_bytes(self.array()?).into()),
            7 => Value::Bool(self.array::<1>()?[0] != 0),
            8 => Value::String(self.string()?),
            9 if depth < 4 => self.list(depth)?,
            10 => Value::Unsigned(self.u64()?),
            11 => Value::Signed(i64::from_le_bytes(self.array()?)),
            12 => Value::Float(f64::from_le_bytes(self.array()?)),
            _ => return wrong(format!("it is damaged: there is no metadata of type {kind}")),
        })
    }

    fn list(&mut self, depth: u32) -> Outcome<Value> {
        let (kind, count) = (self.u32()?, self.u64()?);
        if count > self.length {
            return wrong(format!("it is damaged: a list of {count} elements does not fit in it"));
        }
        let fixed = match kind {
            0 | 1 | 7 => 1,
            2 | 3 => 2,
            4..=6 => 4,
            10..=12 => 8,
            _ => 0,
        };
        if count > KEPT_ARRAY && fixed > 0 {
            self.skip(count * fixed)?;
            return Ok(Value::Array(Vec::new(), count));
        }
        let mut values = Vec::new();
        for _ in 0..count {
            match kind == 8 && count > KEPT_ARRAY {
                true => self.pass_over_string()?,
                false => values.push(self.value(kind, depth + 1)?),
            }
        }
        Ok(Value::Array(values, count))
    }

    /// Goes past a text of a long list; of the vocabulary's, notes the control tokens.
    fn pass_over_string(&mut self) -> Outcome<()> {
        let length = self.length_of_string()?;
        if !self.in_vocabulary || length > LONGEST_CONTROL_TOKEN {
            return self.skip(length);
        }
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        let known = CONTROL_TOKENS.iter().find(|token| token.as_bytes() == bytes);
        self.control_tokens.extend(known.map(|token| (*token).to_owned()));
        Ok(())
    }

    fn string(&mut self) -> Outcome<String> {
        let length = self.length_of_string()?;
        let mut bytes = vec![0; length as usize];
        self.fill(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn length_of_string(&mut self) -> Outcome<u64> {
        let length = self.u64()?;
        if length > LONGEST_STRING {
            return wrong(format!("it is damaged: a text of {length} bytes in its header"));
        }
        if length > self.length - self.position.min(self.length) {
            return Err(Fault::Short);
        }
        Ok(length)
    }

    fn skip(&mut self, bytes: u64) -> Outcome<()> {
        let end = self.position.saturating_add(bytes);
        if end > self.length {
            return Err(Fault::Short);
        }
        match i64::try_from(bytes) {
            Ok(bytes) => self.input.seek_relative(bytes)?,
            Err(_) => {
                self.input.seek(SeekFrom::Start(end))?;
            }
        }
        self.position = end;
        Ok(())
    }

    fn u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Outcome<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Outcome<()> {
        self.input.read_exact(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
