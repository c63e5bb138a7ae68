//! Writing an encrypted model.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use base::{Error, Result};
use bytes::Bytes;
use checkpoint::Sink;
use tokio::task::{JoinHandle, spawn_blocking};

use super::sealed::{CHUNK, Cipher, Header, PARTIAL, TAG};

/// Encrypts a model as it comes, from its first byte to its last. A model that is not finished leaves no file, unless the
/// process ends: then [`super::sweep`] removes what it left.
pub struct Writer {
    path: PathBuf,
    partial: Partial,
    cipher: Arc<Cipher>,
    header: Header,
    /// The file, when no chunk is being written.
    file: Option<File>,
    /// The chunk that is being encrypted and written while the next one comes.
    writing: Option<JoinHandle<Written>>,
    chunk: Vec<u8>,
    spare: Vec<u8>,
    /// The number of the chunk that is filled.
    number: u64,
    /// Bytes that have come.
    got: u64,
}

/// The file, and the chunk's buffer for the next one.
type Written = Result<(File, Vec<u8>)>;

impl Writer {
    /// Begins the file `path` with the ending `.model`; it is there when it is complete.
    ///
    /// # Errors
    /// Unavailable, where it cannot be made; Conflict, where the disk is full.
    pub async fn create(path: &Path, header: Header, data_key: &[u8]) -> Result<Self> {
        let encoded = header.encode();
        let cipher = Arc::new(Cipher::new(data_key, &encoded)?);
        let partial = path.with_extension(PARTIAL);
        let made = partial.clone();
        let file = spawn_blocking(move || {
            if let Some(folder) = made.parent() {
                fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            }
            let mut options = File::options();
            options.write(true).create(true).truncate(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.open(&made).map_err(|error| failed(&error))?;
            file.write_all(&encoded).map_err(|error| failed(&error))?;
            ::store::crash::point("models.import.create.after");
            Ok::<_, Error>(file)
        });
        let partial = Partial(Some(partial));
        let file = file.await.map_err(Error::internal)??;
        let buffer = || Vec::with_capacity(CHUNK + TAG);
        Ok(Self {
            path: path.to_owned(),
            partial,
            cipher,
            header,
            file: Some(file),
            writing: None,
            chunk: buffer(),
            spare: buffer(),
            number: 0,
            got: 0,
        })
    }

    /// Makes the file durable and puts it in its place.
    ///
    /// # Errors
    /// Internal, where bytes are missing; those of writing.
    pub async fn finish(mut self) -> Result<()> {
        if self.got != self.header.bytes {
            return Err(Error::internal(format!("{} bytes of a model of {}", self.got, self.header.bytes)));
        }
        let file = self.idle().await?;
        let (from, to) = (self.partial.0.clone(), self.path.clone());
        let outcome = spawn_blocking(move || -> std::io::Result<()> {
            ::store::crash::point("models.import.sync.before");
            file.sync_all()?;
            let Some(from) = from else { return Ok(()) };
            ::store::crash::point("models.import.rename.before");
            fs::rename(from, &to)?;
            ::store::crash::point("models.import.rename.after");
            match to.parent() {
                Some(folder) => File::open(folder)?.sync_all(),
                None => Ok(()),
            }
        });
        outcome.await.map_err(Error::internal)?.map_err(|error| failed(&error))?;
        self.partial.0 = None;
        Ok(())
    }

    /// The file, when what was given to it is written.
    async fn idle(&mut self) -> Result<File> {
        if let Some(writing) = self.writing.take() {
            let (file, buffer) = writing.await.map_err(Error::internal)??;
            self.file = Some(file);
            self.spare = buffer;
        }
        self.file.take().ok_or_else(|| Error::internal("a model is written on after a failure"))
    }

    async fn flush(&mut self) -> Result<()> {
        let mut file = self.idle().await?;
        let mut chunk = std::mem::replace(&mut self.chunk, std::mem::take(&mut self.spare));
        let (cipher, number, last) = (self.cipher.clone(), self.number, self.got == self.header.bytes);
        self.number += 1;
        self.writing = Some(spawn_blocking(move || {
            cipher.seal(number, last, &mut chunk)?;
            file.write_all(&chunk).map_err(|error| failed(&error))?;
            ::store::crash::point("models.import.chunk.after");
            chunk.clear();
            Ok((file, chunk))
        }));
        Ok(())
    }
}

#[async_trait]
impl Sink for Writer {
    async fn write(&mut self, mut bytes: Bytes) -> Result<()> {
        if self.got + bytes.len() as u64 > self.header.bytes {
            return Err(Error::internal("a model has more bytes than its header says"));
        }
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(&part);
            self.got += part.len() as u64;
            if self.chunk.len() == CHUNK || self.got == self.header.bytes {
                self.flush().await?;
            }
        }
        Ok(())
    }
}

/// A file that is removed unless it was put in its place.
struct Partial(Option<PathBuf>);

impl Drop for Partial {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            drop(fs::remove_file(path));
        }
    }
}

fn failed(error: &std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::conflict("The disk is full.")
            .with_hint("Free some space, or import the model with the quantization Q8_0 or Q4_K_M."),
        _ => Error::unavailable("The model's file cannot be written.").with_detail(error),
    }
}
