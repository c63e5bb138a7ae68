//! Taking in a body: hashing, encrypting and writing it while it arrives, in bounded memory.

use std::sync::Arc;

use base::{Error, Random, Result};
use bytes::Bytes;
use futures::StreamExt as _;
use tokio::task::JoinHandle;

use super::{Blobs, NewBlob, Writer, blocking};
use crate::body::Body;
use crate::checksums::{ChecksumAlgorithm, Digester, Digests};
use crate::error::{Code, Error as S3Error, Result as S3Result};
use crate::seal::{CHUNK, ChunkCipher, DataKey, TAG};

/// How much is gathered before a thread works on it. An upload holds two such batches at most: one that is worked on
/// and one that arrives.
const BATCH: usize = 512 * 1024;

/// The largest object whose bytes are kept in its row instead of a blob, in bytes: one write to the disk is enough then.
pub const INLINE: u64 = 16 * 1024;

/// A body that was taken in.
pub(crate) struct Ingested {
    /// Where its bytes are; nothing for an empty one, and for one that is kept in its row.
    pub(crate) blob: Option<NewBlob>,
    /// The bytes that are kept in the row.
    pub(crate) inline: Option<Inline>,
    pub(crate) size: u64,
    pub(crate) digests: Digests,
}

/// A small body, sealed.
pub(crate) struct Inline {
    /// The id of the object, under which it was sealed.
    pub(crate) id: String,
    pub(crate) sealed: Vec<u8>,
}

/// As [`ingest`]; a body that announces to be small is not written but given back for its row.
///
/// # Errors
/// As [`ingest`].
pub(crate) async fn ingest_object(
    blobs: &Arc<Blobs>,
    random: &dyn Random,
    key: &DataKey,
    body: &mut Body,
    limit: u64,
    algorithm: Option<ChecksumAlgorithm>,
) -> S3Result<Ingested> {
    if !body.length.is_some_and(|length| (1..=INLINE).contains(&length)) {
        return ingest(blobs, random, key, body, limit, algorithm).await;
    }
    let (batch, length, ended) = gather(body).await?;
    check_length(body.length, length as u64, ended)?;
    let mut digester = Digester::new(algorithm);
    digester.update(&batch);
    let id = random.uuid();
    let mut sealed = Vec::with_capacity(length + TAG);
    batch.iter().for_each(|piece| sealed.extend_from_slice(piece));
    key.cipher(&id)?.seal(0, true, &mut sealed)?;
    Ok(Ingested { blob: None, inline: Some(Inline { id, sealed }), size: length as u64, digests: digester.finish() })
}

/// Takes in `body`, of at most `limit` bytes, under `key`, computing MD5 and the checksum of `algorithm`. The blob is
/// durable when this returns.
///
/// # Errors
/// IncompleteBody, where it has another length than it announced; EntityTooLarge; ServiceUnavailable where the place is
/// full; what the stream ends with.
pub(crate) async fn ingest(
    blobs: &Arc<Blobs>,
    random: &dyn Random,
    key: &DataKey,
    body: &mut Body,
    limit: u64,
    algorithm: Option<ChecksumAlgorithm>,
) -> S3Result<Ingested> {
    if body.length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let mut intake = Intake { digester: Pipe::new(Digester::new(algorithm)), sealing: None };
    let size = match intake.take(blobs, random, key, body, limit).await {
        Ok(size) => size,
        Err(error) => {
            intake.abandon().await;
            return Err(error);
        }
    };
    let blob = match intake.sealing {
        Some(sealing) => Some(sealing.finish().await?),
        None => None,
    };
    Ok(Ingested { blob, inline: None, size, digests: intake.digester.into_inner().await?.finish() })
}

/// What works on a body while it arrives.
struct Intake {
    digester: Pipe<Digester>,
    sealing: Option<Sealing>,
}

impl Intake {
    /// Takes the body to its end; how many bytes it had.
    async fn take(
        &mut self,
        blobs: &Arc<Blobs>,
        random: &dyn Random,
        key: &DataKey,
        body: &mut Body,
        limit: u64,
    ) -> S3Result<u64> {
        let mut size = 0_u64;
        loop {
            let (batch, length, ended) = gather(body).await?;
            size += length as u64;
            check_length(body.length, size, ended)?;
            if size > limit {
                return Err(too_large());
            }
            let batch: Arc<[Bytes]> = batch.into();
            if length > 0 {
                let shared = Arc::clone(&batch);
                self.digester
                    .push(move |digester: &mut Digester| {
                        digester.update(&shared);
                        Ok(())
                    })
                    .await?;
                if self.sealing.is_none() {
                    let blob = blobs.create(random).await?;
                    self.sealing = Some(Sealing::new(blob, key)?);
                }
            }
            if let Some(sealing) = &mut self.sealing {
                sealing.push(batch, ended).await?;
            }
            if ended {
                return Ok(size);
            }
        }
    }

    /// Waits for the thread that still works on the blob, so that nothing of it is left when this returns.
    async fn abandon(self) {
        if let Some(mut sealing) = self.sealing {
            drop(sealing.pipe.take().await);
        }
    }
}

/// The next batch: its pieces, their length, whether the body ended.
async fn gather(body: &mut Body) -> S3Result<(Vec<Bytes>, usize, bool)> {
    let (mut batch, mut length) = (Vec::new(), 0);
    while length < BATCH {
        match body.stream.next().await {
            Some(piece) => {
                let piece = piece.map_err(S3Error::body)?;
                length += piece.len();
                batch.push(piece);
            }
            None => return Ok((batch, length, true)),
        }
    }
    Ok((batch, length, false))
}

fn check_length(announced: Option<u64>, size: u64, ended: bool) -> S3Result<()> {
    match announced {
        Some(announced) if size > announced || (ended && size < announced) => Err(S3Error::new(
            Code::IncompleteBody,
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        )),
        _ => Ok(()),
    }
}

fn too_large() -> S3Error {
    S3Error::new(Code::EntityTooLarge, "Your proposed upload exceeds the maximum allowed size")
        .with_hint("One request may bring at most 5 GiB: upload larger objects in parts.")
}

/// A state that threads work on, one step after another, while the next batch arrives.
struct Pipe<T> {
    state: Option<T>,
    running: Option<JoinHandle<Result<T>>>,
}

impl<T: Send + 'static> Pipe<T> {
    fn new(state: T) -> Self {
        Self { state: Some(state), running: None }
    }

    /// Waits for the step before, then begins this one.
    async fn push(&mut self, step: impl FnOnce(&mut T) -> Result<()> + Send + 'static) -> Result<()> {
        let mut state = self.take().await?;
        self.running = Some(tokio::task::spawn_blocking(move || step(&mut state).map(|()| state)));
        Ok(())
    }

    async fn into_inner(mut self) -> Result<T> {
        self.take().await
    }

    async fn take(&mut self) -> Result<T> {
        if let Some(running) = self.running.take() {
            return running.await.map_err(|error| Error::internal(format!("blocking work: {error}")))?;
        }
        self.state.take().ok_or_else(|| Error::internal("work went on after it had failed"))
    }
}

/// The encryption of a blob's chunks.
struct Sealer {
    cipher: ChunkCipher,
    number: u64,
    /// The chunk that is being filled: up to a whole one, sealed only when it is known whether it is the last.
    chunk: Vec<u8>,
    /// Where a remote store is sent to: what is sealed and not yet taken.
    sealed: Vec<u8>,
    writer: Option<super::local::Writer>,
}

impl Sealer {
    fn update(&mut self, batch: &[Bytes], ended: bool) -> Result<()> {
        for mut piece in batch.iter().map(|piece| &piece[..]) {
            while !piece.is_empty() {
                if self.chunk.len() == CHUNK {
                    self.seal(false)?;
                }
                let (now, later) = piece.split_at(piece.len().min(CHUNK - self.chunk.len()));
                self.chunk.extend_from_slice(now);
                piece = later;
            }
        }
        if ended {
            self.seal(true)?;
        }
        if let Some(writer) = &mut self.writer {
            writer.write(&self.sealed)?;
            self.sealed.clear();
        }
        Ok(())
    }

    fn seal(&mut self, last: bool) -> Result<()> {
        self.cipher.seal(self.number, last, &mut self.chunk)?;
        self.number += 1;
        self.sealed.extend_from_slice(&self.chunk);
        self.chunk.clear();
        Ok(())
    }
}

/// A blob that is being sealed and written.
struct Sealing {
    blob: NewBlob,
    pipe: Pipe<Sealer>,
}

impl Sealing {
    fn new(mut blob: NewBlob, key: &DataKey) -> Result<Self> {
        let cipher = key.cipher(blob.id())?;
        let writer = match blob.writer.take() {
            Some(Writer::Local(writer)) => Some(writer),
            other => {
                blob.writer = other;
                None
            }
        };
        let chunk = Vec::with_capacity(CHUNK + TAG);
        let sealer = Sealer { cipher, number: 0, chunk, sealed: Vec::new(), writer };
        Ok(Self { blob, pipe: Pipe::new(sealer) })
    }

    async fn push(&mut self, batch: Arc<[Bytes]>, ended: bool) -> Result<()> {
        if let Some(Writer::Remote(writer)) = &mut self.blob.writer {
            let mut sealer = self.pipe.take().await?;
            let sealed = std::mem::take(&mut sealer.sealed);
            self.pipe.state = Some(sealer);
            if !sealed.is_empty() {
                writer.write(sealed).await?;
            }
        }
        self.pipe.push(move |sealer| sealer.update(&batch, ended)).await
    }

    async fn finish(self) -> Result<NewBlob> {
        let Self { mut blob, pipe } = self;
        let mut sealer = pipe.into_inner().await?;
        match sealer.writer.take() {
            Some(writer) => blob.writer = Some(Writer::Local(writer)),
            None => {
                if let Some(Writer::Remote(writer)) = &mut blob.writer {
                    writer.write(sealer.sealed).await?;
                }
            }
        }
        blob.finish().await?;
        Ok(blob)
    }
}

/// Reads `length` bytes of a blob at rest.
pub(super) async fn read_at(blobs: &Blobs, handle: super::Handle, offset: u64, length: u64) -> Result<Vec<u8>> {
    match (&blobs.backend, handle) {
        (_, super::Handle::Local(file)) => {
            let length = usize::try_from(length).map_err(Error::internal)?;
            blocking(move || file.read(offset, length)).await
        }
        (super::Backend::Remote(remote), super::Handle::Remote(id)) => remote.read(&id, offset, length).await,
        (super::Backend::Local(_), super::Handle::Remote(_)) => Err(Error::internal("a remote blob of a local store")),
    }
}
