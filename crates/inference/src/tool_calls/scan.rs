//! Finds where a JSON value ends, looking at each byte once.

/// Looks for the end of the first JSON object or array.
#[derive(Debug)]
pub(super) struct Scanner {
    /// Bytes looked at.
    position: usize,
    depth: usize,
    in_string: bool,
    escaped: bool,
}

impl Scanner {
    /// A scanner that begins at a position.
    pub(super) fn new(position: usize) -> Self {
        Self { position, depth: 0, in_string: false, escaped: false }
    }

    /// Where the value ends in the text, of which more came since the last time; `None` where it has not ended.
    ///
    /// Mistral's `[ARGS]` and `[CALL_ID]` look like arrays and are passed over.
    pub(super) fn end(&mut self, text: &str) -> Option<usize> {
        while let Some(byte) = text.as_bytes().get(self.position) {
            if self.depth == 0 && *byte == b'[' {
                let rest = &text[self.position..];
                let marks = ["[ARGS]", "[CALL_ID]"];
                let mark = marks.into_iter().find(|mark| mark.starts_with(rest) || rest.starts_with(mark));
                match mark {
                    Some(mark) if rest.len() >= mark.len() => {
                        self.position += mark.len();
                        continue;
                    }
                    Some(_) => return None,
                    None => {}
                }
            }
            self.position += 1;
            if self.take(*byte) {
                return Some(self.position);
            }
        }
        None
    }

    /// Whether the value ends with this byte.
    fn take(&mut self, byte: u8) -> bool {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' if self.depth > 0 => self.in_string = !self.in_string,
            _ if self.in_string => {}
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            _ => {}
        }
        false
    }
}
