use std::io;
use std::path::{Path, PathBuf};

/// The search engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong in an index.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A document, a change or a query that cannot be right, whatever the index holds.
    #[error("{reason}")]
    Invalid {
        /// What is wrong, with the offending value in backticks.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The index was made with another schema.
    #[error("the index in `{}` has another schema: {reason}", folder.display())]
    Schema {
        /// The index's folder.
        folder: PathBuf,
        /// How the two differ.
        reason: String,
    },
    /// A file is damaged. Nothing of it was used.
    #[error("`{}` is damaged: {reason}", file.display())]
    Corrupt {
        /// The file.
        file: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// A file has a format that this program does not know.
    #[error("`{}` has format {found}, and this program reads formats up to {newest}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// The format it states.
        found: u32,
        /// The newest that is known.
        newest: u32,
    },
    /// The disk is full. The change was not made, and the index is as it was.
    #[error("no space is left for `{}`", file.display())]
    DiskFull {
        /// The file that could not grow.
        file: PathBuf,
    },
    /// Another process, or another handle of this one, has the index open.
    #[error("the index in `{}` is in use", folder.display())]
    InUse {
        /// The index's folder.
        folder: PathBuf,
    },
    /// The system refused a file operation.
    #[error("`{}`: {reason}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        reason: String,
    },
    /// The database refused, or cannot be reached.
    #[error("the database: {reason}")]
    Database {
        /// The database's reason.
        reason: String,
    },
    /// An earlier failure left open what is on the disk, so that the index takes no more changes until it is opened anew.
    #[error("the index takes no changes until it is opened again: {reason}")]
    Halted {
        /// The earlier failure.
        reason: String,
    },
}

impl Error {
    /// A document, a change or a query that cannot be right.
    pub fn invalid(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Invalid { reason: reason.into(), hint: hint.into() }
    }

    /// What the user can do about it, if there is anything to say.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid { hint, .. } => Some(hint.clone()),
            Self::Schema { .. } => Some("make a new index and add the documents to it".to_owned()),
            Self::Corrupt { .. } => Some("restore the index from a snapshot, or add the documents again".to_owned()),
            Self::Format { .. } => Some("open it with a newer version of this program".to_owned()),
            Self::DiskFull { .. } => Some("free some space and try again".to_owned()),
            Self::InUse { .. } => Some("close the other one first".to_owned()),
            Self::Database { .. } => {
                Some("see that PostgreSQL runs and has the extension `vector` (pgvector)".to_owned())
            }
            Self::Io { .. } | Self::Halted { .. } => None,
        }
    }

    /// Names the file that an input or output operation failed on.
    pub(crate) fn io(file: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { file: file.to_owned() },
            _ => Self::Io { file: file.to_owned(), reason: error.to_string() },
        }
    }

    /// Names the damaged file.
    pub(crate) fn corrupt(file: &Path, reason: impl Into<String>) -> Self {
        Self::Corrupt { file: file.to_owned(), reason: reason.into() }
    }
}

impl From<Error> for base::Error {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        let made = match &error {
            Error::Invalid { .. } => Self::invalid(message),
            Error::Schema { .. } => Self::new(base::ErrorKind::Conflict, message),
            Error::Corrupt { .. } | Error::Format { .. } => Self::new(base::ErrorKind::Damaged, message),
            Error::Database { reason } => {
                Self::unavailable("The search index's database does not answer as it should.").with_detail(reason)
            }
            // Where the files are is for the log.
            Error::DiskFull { .. } => Self::unavailable("The disk of the search index is full.").with_detail(message),
            Error::InUse { .. } | Error::Halted { .. } => Self::new(base::ErrorKind::Unavailable, message),
            Error::Io { .. } => Self::internal(message),
        };
        match error.hint() {
            Some(hint) => made.with_hint(hint),
            None => made,
        }
    }
}
