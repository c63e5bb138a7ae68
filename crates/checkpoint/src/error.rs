use crate::finding::Finding;

/// The result of reading or converting a checkpoint.
pub type Result<T> = std::result::Result<T, Error>;

/// Why reading or converting a checkpoint ended.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// The source did not give a file's bytes.
    #[error("`{file}` could not be read: {error:?}")]
    Source {
        /// The file.
        file: String,
        /// The source's reason.
        error: base::Error,
    },
    /// The chat template could not be tried at the moment, which says nothing about it.
    #[error("the chat template could not be tried: {0:?}")]
    Template(base::Error),
    /// The weights hold something that the result cannot.
    #[error("{0}")]
    Refused(Finding),
    /// The sink did not take the bytes.
    #[error("the model could not be written: {0:?}")]
    Sink(base::Error),
    /// The quantizer failed.
    #[error("quantization failed: {0}")]
    Quantizer(String),
    /// The progress report asked to stop.
    #[error("cancelled")]
    Cancelled,
}
