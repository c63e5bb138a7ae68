//! The bytes of an upload.

use std::io;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};

use crate::checksums::Checksums;
use crate::error::Result as S3Result;

/// Gives the checksums that came after the bytes.
pub type Trailers = Box<dyn FnOnce() -> S3Result<Checksums> + Send>;

/// The bytes of an upload, as they arrive.
pub struct Body {
    /// The bytes, in pieces of any size. An error of theirs comes back unchanged as [`crate::Error::body`], and nothing
    /// is kept.
    pub stream: BoxStream<'static, io::Result<Bytes>>,
    /// How many there will be, if that is known.
    pub length: Option<u64>,
    /// What comes after them; called once, when the stream has ended.
    pub trailers: Option<Trailers>,
}

impl Body {
    /// A body that is there already.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        let length = Some(bytes.len() as u64);
        Self { stream: stream::iter([Ok(bytes)]).boxed(), length, trailers: None }
    }

    /// No bytes.
    #[must_use]
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// The checksums that came after the bytes, which must have ended.
    pub(crate) fn trailing(&mut self) -> S3Result<Checksums> {
        match self.trailers.take() {
            Some(trailers) => trailers(),
            None => Ok(Checksums::default()),
        }
    }
}
