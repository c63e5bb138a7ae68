//! Why a file gives no text.

/// Why a file gives no text. Every reason but [`Error::Unavailable`] is the file's own: reading it again ends the same.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It has no bytes.
    #[error("the file is empty")]
    Empty,
    /// It cannot be read without a password.
    #[error("the file is encrypted: it is not read without its password")]
    Encrypted,
    /// Its bytes are not what its format says.
    #[error("the file is damaged: {reason}")]
    Corrupt {
        /// What is wrong, and where.
        reason: String,
    },
    /// It is sound, but has no text.
    #[error("the file has no text: {reason}")]
    NoText {
        /// What it has instead.
        reason: String,
    },
    /// It has more bytes than a file may have.
    #[error("the file has {bytes} bytes, more than the {limit} that a file may have")]
    TooLarge {
        /// Its bytes.
        bytes: u64,
        /// [`Limits::bytes`](crate::Limits::bytes).
        limit: u64,
    },
    /// It has more pages than a file may have.
    #[error("the file has {pages} pages, more than the {limit} that a file may have")]
    TooManyPages {
        /// Its pages.
        pages: usize,
        /// [`Limits::pages`](crate::Limits::pages).
        limit: usize,
    },
    /// Its text is longer than a text may be.
    #[error("the file's text is longer than the {limit} bytes that a text may have")]
    TooMuchText {
        /// [`Limits::text_bytes`](crate::Limits::text_bytes).
        limit: usize,
    },
    /// What is compressed in it becomes larger than it may.
    #[error("what is compressed in the file becomes larger than the {limit} bytes that it may become")]
    ExpandsTooMuch {
        /// [`Limits::expanded_bytes`](crate::Limits::expanded_bytes).
        limit: u64,
    },
    /// Reading it takes more memory than there is for a file.
    #[error(
        "reading the file takes more than the {limit} bytes of memory that it may take, or it is nested too deeply"
    )]
    TooMuchMemory {
        /// Bytes of memory.
        limit: u64,
    },
    /// Reading it takes longer than it may.
    #[error("reading the file takes longer than the {seconds} s that it may take")]
    TooSlow {
        /// Seconds of [`Limits::time`](crate::Limits::time).
        seconds: u64,
    },
    /// It is of a kind that is not read.
    #[error("`{name}` is {kind}, which is not read: text comes out of {formats}", formats = crate::sniff::FORMATS)]
    Unsupported {
        /// Its name.
        name: String,
        /// What it is.
        kind: String,
    },
    /// The process that reads files could not be started or was ended from outside. The file may be sound.
    #[error("the process that reads the file {reason}")]
    Unavailable {
        /// What happened to it.
        reason: String,
    },
}

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn corrupt(reason: impl Into<String>) -> Self {
        Self::Corrupt { reason: reason.into() }
    }

    pub(crate) fn no_text(reason: impl Into<String>) -> Self {
        Self::NoText { reason: reason.into() }
    }
}
