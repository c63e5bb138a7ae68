//! Reading objects: their blobs, or ranges of them, decrypted while they are sent.

use std::sync::Arc;

use base::Result;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};

use super::ingest::read_at;
use super::{Blobs, Handle, Lease, blocking};
use crate::seal::{CHUNK, DataKey, open_range, span};

/// How much of a blob is read at once.
const STEP: u64 = 8 * CHUNK as u64;

/// A part of a blob that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) blob: String,
    /// The blob's whole size.
    pub(crate) size: u64,
    /// The first byte to be read.
    pub(crate) from: u64,
    /// The byte after the last one to be read.
    pub(crate) to: u64,
}

/// The bytes of `segments`, one after the other; the next step is read while the last one is sent. `lease` holds the
/// blobs until the stream is dropped.
pub(crate) fn read(
    blobs: Arc<Blobs>,
    key: DataKey,
    segments: Vec<Segment>,
    lease: Lease,
) -> BoxStream<'static, Result<Bytes>> {
    let steps = segments.into_iter().flat_map(|segment| {
        let mut at = segment.from;
        std::iter::from_fn(move || {
            if at >= segment.to {
                return None;
            }
            // Steps end where chunks end, so that no chunk is read twice.
            let end = ((at / STEP + 1) * STEP).min(segment.to);
            let step = Segment { from: at, to: end, ..segment.clone() };
            at = end;
            Some(step)
        })
    });
    let reader = Arc::new(Reader { blobs, key, open: tokio::sync::Mutex::new(None), _lease: lease });
    let read = stream::iter(steps).map(move |step| {
        let reader = Arc::clone(&reader);
        // A task of its own, so that it goes on while the one before is sent.
        async move {
            let task = tokio::spawn(async move { reader.step(step).await });
            AbortOnDrop(task).await
        }
    });
    read.buffered(2).boxed()
}

struct Reader {
    blobs: Arc<Blobs>,
    key: DataKey,
    /// The blob that was read last, which most often is the next one's too.
    open: tokio::sync::Mutex<Option<(String, Handle)>>,
    _lease: Lease,
}

impl Reader {
    async fn step(&self, step: Segment) -> Result<Bytes> {
        let handle = self.handle(&step.blob).await?;
        let cipher = self.key.cipher(&step.blob)?;
        let span = span(step.size, step.from, step.to);
        let sealed = read_at(&self.blobs, handle, span.offset, span.length).await?;
        let open = move || open_range(&cipher, step.size, step.from, step.to, sealed);
        blocking(open).await.map(Bytes::from)
    }

    async fn handle(&self, blob: &str) -> Result<Handle> {
        let mut open = self.open.lock().await;
        if let Some((id, handle)) = open.as_ref()
            && id == blob
        {
            return Ok(handle.clone());
        }
        let handle = self.blobs.handle(blob).await?;
        *open = Some((blob.to_owned(), handle.clone()));
        Ok(handle)
    }
}

/// A task that ends when nobody waits for it any more.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<Result<T>> {
    type Output = Result<T>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        let polled = std::pin::Pin::new(&mut self.0).poll(context);
        polled.map(|done| done.map_err(|error| base::Error::internal(format!("reading a blob: {error}")))?)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
