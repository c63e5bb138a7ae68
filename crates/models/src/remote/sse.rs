//! Server-sent events, as far as OpenAI's dialect uses them: `data:` lines, ended by an empty line.

use base::{Error, Result};

/// The longest event.
const MAX_EVENT: usize = 8 << 20;

/// Cuts a stream of bytes into events.
#[derive(Debug, Default)]
pub(super) struct Events {
    pending: Vec<u8>,
    /// How much of `pending` is known to hold no end of line.
    searched: usize,
    data: String,
}

impl Events {
    /// Takes bytes; returns the data of the events that they complete.
    ///
    /// # Errors
    /// Unavailable, where an event is too long or not UTF-8.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>> {
        self.pending.extend_from_slice(bytes);
        let (mut events, mut start) = (Vec::new(), 0);
        while let Some(end) = self.pending[start.max(self.searched)..].iter().position(|b| *b == b'\n') {
            let end = start.max(self.searched) + end;
            let line = std::str::from_utf8(&self.pending[start..end]).map_err(|_| garbled("not UTF-8"))?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() {
                if !self.data.is_empty() {
                    events.push(std::mem::take(&mut self.data));
                }
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
            start = end + 1;
        }
        self.pending.drain(..start);
        self.searched = self.pending.len();
        if self.pending.len() + self.data.len() > MAX_EVENT {
            return Err(garbled("an event is too long"));
        }
        Ok(events)
    }

    /// The last event, where the stream ended without an empty line.
    pub(super) fn finish(mut self) -> Result<Option<String>> {
        let mut rest = self.push(b"\n\n")?;
        Ok(rest.pop())
    }
}

fn garbled(why: &str) -> Error {
    Error::unavailable("The upstream gave an answer that cannot be read.").with_detail(why)
}
