//! `tokenizer.model`: SentencePiece's own file, a protocol buffer
//! (<https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto>). Only the few fields that
//! matter are read; the rest is passed over.

use super::Refusal;

/// Longer pieces are refused.
const LONGEST_PIECE: usize = 4096;
/// More pieces are refused.
const MOST_PIECES: usize = 1 << 20;
/// `ModelType.BPE`
const BPE: u64 = 2;

/// A SentencePiece model that merges pairs.
#[derive(Debug, Clone, PartialEq)]
pub struct SentencePieceModel {
    /// The tokens, by number.
    pub pieces: Vec<Piece>,
    /// Whether a text begins with a space that it does not have itself (`add_dummy_prefix`).
    pub space_prefix: bool,
}

/// A token.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Its text, spaces as `▁`.
    pub text: String,
    /// The higher, the earlier it is merged.
    pub score: f32,
    /// What it is.
    pub kind: PieceKind,
}

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum PieceKind {
    Normal,
    Unknown,
    Control,
    UserDefined,
    Unused,
    Byte,
}

impl SentencePieceModel {
    /// Reads the file.
    ///
    /// # Errors
    /// Says what is wrong, or which kind it is of.
    pub fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let mut pieces = Vec::new();
        // The defaults of the format's description.
        let (mut model_type, mut space_prefix, mut extra_removed, mut changes) = (1, true, true, false);
        for field in Fields(bytes) {
            match field? {
                (1, Wire::Bytes(message)) => pieces.push(piece(message)?),
                (2, Wire::Bytes(trainer)) => {
                    for field in Fields(trainer) {
                        if let (3, Wire::Number(kind)) = field? {
                            model_type = kind;
                        }
                    }
                }
                (3, Wire::Bytes(normalizer)) => {
                    for field in Fields(normalizer) {
                        match field? {
                            (2, Wire::Bytes(map)) => changes = !map.is_empty(),
                            (3, Wire::Number(flag)) => space_prefix = flag != 0,
                            (4, Wire::Number(flag)) => extra_removed = flag != 0,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
            if pieces.len() > MOST_PIECES {
                return Err(Refusal::damaged(format!("it has more than {MOST_PIECES} tokens")));
            }
        }
        if pieces.is_empty() {
            return Err(Refusal::damaged("it has no tokens"));
        }
        if model_type != BPE {
            return Err(Refusal::unknown("it is a SentencePiece model of another kind than BPE"));
        }
        if changes {
            return Err(Refusal::unknown("it changes letters first (`precompiled_charsmap`)"));
        }
        if extra_removed {
            return Err(Refusal::unknown("it removes spaces (`remove_extra_whitespaces`)"));
        }
        Ok(Self { pieces, space_prefix })
    }
}

fn piece(message: &[u8]) -> Result<Piece, Refusal> {
    let (mut text, mut score, mut kind) = (String::new(), 0.0, 1);
    for field in Fields(message) {
        match field? {
            (1, Wire::Bytes(bytes)) if bytes.len() <= LONGEST_PIECE => {
                let utf8 = std::str::from_utf8(bytes).map_err(|_| Refusal::damaged("a token is not UTF-8"))?;
                utf8.clone_into(&mut text);
            }
            (1, _) => return Err(Refusal::damaged("a token is too long")),
            (2, Wire::Float(number)) => score = number,
            (3, Wire::Number(number)) => kind = number,
            _ => {}
        }
    }
    if !score.is_finite() {
        return Err(Refusal::damaged(format!("token `{}` has no score", text.escape_debug())));
    }
    let kind = match kind {
        1 => PieceKind::Normal,
        2 => PieceKind::Unknown,
        3 => PieceKind::Control,
        4 => PieceKind::UserDefined,
        5 => PieceKind::Unused,
        6 => PieceKind::Byte,
        other => return Err(Refusal::damaged(format!("a token is of the kind {other}"))),
    };
    match text.is_empty() {
        true => Err(Refusal::damaged("a token has no text")),
        false => Ok(Piece { text, score, kind }),
    }
}

/// A field's value.
enum Wire<'a> {
    Number(u64),
    Float(f32),
    Bytes(&'a [u8]),
    /// Eight bytes; no field that matters has them.
    Other,
}

/// The fields of a message, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Refusal>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field.ok_or_else(|| Refusal::damaged("it is no SentencePiece model, or it is truncated")))
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u64, Wire<'a>)> {
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Wire::Number(self.number()?),
            1 => {
                self.take(8)?;
                Wire::Other
            }
            2 => {
                let length = usize::try_from(self.number()?).ok()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Float(f32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((tag >> 3, value)).filter(|(number, _)| *number != 0)
    }

    /// A number in groups of seven bits.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}
