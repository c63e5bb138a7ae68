//! The lines of an object in S3, read piece by piece.

use std::collections::VecDeque;

use base::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use identity::Ctx;
use objects::{ByteRange, Code, Conditions, GetObject, Objects};

use super::place::Place;

/// Bytes that are asked for at once.
const PIECE: u64 = 4 << 20;

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// As it stands.
    Whole(Vec<u8>),
    /// Longer than a line may be; its bytes were passed over.
    TooLong {
        /// What a line may have.
        limit: usize,
    },
}

/// Cuts bytes into lines. A last line need not have an end; where the bytes end with the end of a line, no line follows.
#[derive(Debug)]
pub(super) struct Cutter {
    limit: usize,
    line: Vec<u8>,
    too_long: bool,
    begun: bool,
}

impl Cutter {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, line: Vec::new(), too_long: false, begun: false }
    }

    /// Takes more bytes, and gives the lines that end in them.
    pub(super) fn push(&mut self, bytes: &[u8], lines: &mut VecDeque<Line>) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.take(&rest[..end]);
            lines.push_back(self.cut());
            rest = &rest[end + 1..];
        }
        if !rest.is_empty() {
            self.take(rest);
        }
    }

    /// The last line, where it has no end.
    pub(super) fn finish(&mut self) -> Option<Line> {
        self.begun.then(|| self.cut())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.begun = true;
        if self.too_long || self.line.len() + bytes.len() > self.limit {
            self.too_long = true;
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(bytes);
        }
    }

    fn cut(&mut self) -> Line {
        self.begun = false;
        let line = std::mem::take(&mut self.line);
        match std::mem::take(&mut self.too_long) {
            true => Line::TooLong { limit: self.limit },
            false => Line::Whole(line),
        }
    }
}

/// The lines of one object, as long as it stays the one that it was.
pub(super) struct Lines {
    objects: Objects,
    place: Place,
    key: String,
    etag: String,
    size: u64,
    at: u64,
    cutter: Cutter,
    ready: VecDeque<Line>,
}

impl Lines {
    pub(super) fn new(objects: Objects, place: Place, key: String, (etag, size): (String, u64), limit: usize) -> Self {
        Self { objects, place, key, etag, size, at: 0, cutter: Cutter::new(limit), ready: VecDeque::new() }
    }

    /// The next line; none at the end.
    ///
    /// # Errors
    /// Conflict, where the object was changed; Denied, where `ctx` may not read it; those of reading.
    pub(super) async fn next(&mut self, ctx: &Ctx) -> Result<Option<Line>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Ok(Some(line));
            }
            if self.at >= self.size {
                return Ok(self.cutter.finish());
            }
            let last = (self.at + PIECE).min(self.size) - 1;
            for bytes in self.piece(ctx, last).await? {
                self.cutter.push(&bytes, &mut self.ready);
            }
            self.at = last + 1;
        }
    }

    async fn piece(&self, ctx: &Ctx, last: u64) -> Result<Vec<Bytes>> {
        let get = GetObject {
            range: Some(ByteRange::FromTo(self.at, last)),
            conditions: Conditions { if_match: Some(format!("\"{}\"", self.etag)), ..Conditions::default() },
            ..GetObject::new(self.place.object(&self.key))
        };
        let got = self.objects.get_object(ctx, &get).await.map_err(|error| match error.code {
            Code::PreconditionFailed | Code::NoSuchKey | Code::InvalidRange => self.changed(),
            _ => of_objects(error),
        })?;
        let pieces: Vec<_> = got.body.collect().await;
        pieces.into_iter().collect()
    }

    fn changed(&self) -> Error {
        Error::conflict(format!("`{}` was changed while it was read.", self.place.uri(&self.key)))
            .with_hint("Leave the input as it is until the job is over, and start it again.")
    }
}

/// An error of reading or writing objects, where a key that cannot be used is a refusal.
pub(crate) fn of_objects(error: objects::Error) -> Error {
    match error.code {
        Code::KmsDisabled
        | Code::KmsInvalidKeyUsage
        | Code::KmsInvalidState
        | Code::KmsNotFound
        | Code::InvalidRequest => Error { kind: ErrorKind::Denied, ..error.error },
        _ => error.error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(limit: usize, pieces: &[&str]) -> Vec<Line> {
        let (mut cutter, mut lines) = (Cutter::new(limit), VecDeque::new());
        for piece in pieces {
            cutter.push(piece.as_bytes(), &mut lines);
        }
        lines.into_iter().chain(cutter.finish()).collect()
    }

    fn whole(text: &str) -> Line {
        Line::Whole(text.into())
    }

    #[test]
    fn lines_do_not_depend_on_the_pieces_that_they_come_in() {
        let expected = [whole("ab"), whole(""), whole("cd\r"), whole("e")];
        for pieces in [&["ab\n\ncd\r\ne"][..], &["a", "b", "\n", "\nc", "d\r\n", "e"], &["ab\n", "\ncd\r", "\n", "e"]] {
            assert_eq!(cut(9, pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn the_end_of_the_last_line_begins_no_other() {
        assert_eq!(cut(9, &["ab\n"]), [whole("ab")]);
        assert_eq!(cut(9, &["ab\n\n"]), [whole("ab"), whole("")]);
        assert_eq!(cut(9, &[]), []);
        assert_eq!(cut(9, &["\n"]), [whole("")]);
    }

    #[test]
    fn a_line_that_is_too_long_is_one_line_and_is_not_kept() {
        let long = Line::TooLong { limit: 3 };
        assert_eq!(cut(3, &["abc\nabcd\nab"]), [whole("abc"), Line::TooLong { limit: 3 }, whole("ab")]);
        assert_eq!(cut(3, &["ab", "cd", "ef\nx"]), [long, whole("x")]);
        let mut cutter = Cutter::new(3);
        cutter.push(&[b'x'; 100], &mut VecDeque::new());
        assert_eq!(cutter.line.capacity(), 0);
    }
}
