//! What a file may cost.

use std::time::{Duration, Instant};

use crate::{Error, Result};

/// What a file may have and take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the file.
    pub bytes: u64,
    /// Bytes of its text.
    pub text_bytes: usize,
    /// How long reading it may take.
    pub time: Duration,
    /// Pages of a PDF, slides of a PPTX.
    pub pages: usize,
    /// Bytes of what is compressed in a DOCX, XLSX or PPTX, once it is not. What a PDF expands to is held by the memory
    /// of the process that reads it.
    pub expanded_bytes: u64,
}

impl Default for Limits {
    /// 50 MiB, as Bedrock's knowledge bases; 32 MiB of text; a minute; 5,000 pages; 512 MiB expanded.
    fn default() -> Self {
        Self {
            bytes: 50 << 20,
            text_bytes: 32 << 20,
            time: Duration::from_secs(60),
            pages: 5_000,
            expanded_bytes: 512 << 20,
        }
    }
}

impl Limits {
    /// Refuses a file by its size alone, before its bytes are fetched.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::TooLarge`].
    pub fn admit(&self, bytes: u64) -> Result<()> {
        match bytes {
            0 => Err(Error::Empty),
            bytes if bytes > self.bytes => Err(Error::TooLarge { bytes, limit: self.bytes }),
            _ => Ok(()),
        }
    }
}

/// The limits of a file that is being read.
#[derive(Debug)]
pub(crate) struct Budget<'a> {
    pub(crate) limits: &'a Limits,
    until: Instant,
}

impl<'a> Budget<'a> {
    pub(crate) fn new(limits: &'a Limits) -> Self {
        Self { limits, until: Instant::now() + limits.time }
    }

    /// Whether there is time left. Called between pages, rows and blocks.
    pub(crate) fn check_time(&self) -> Result<()> {
        match Instant::now() < self.until {
            true => Ok(()),
            false => Err(Error::TooSlow { seconds: self.limits.time.as_secs() }),
        }
    }

    pub(crate) fn check_text(&self, bytes: usize) -> Result<()> {
        match bytes <= self.limits.text_bytes {
            true => Ok(()),
            false => Err(Error::TooMuchText { limit: self.limits.text_bytes }),
        }
    }

    pub(crate) fn check_pages(&self, pages: usize) -> Result<()> {
        match pages <= self.limits.pages {
            true => Ok(()),
            false => Err(Error::TooManyPages { pages, limit: self.limits.pages }),
        }
    }
}
