//! Where a checkpoint's bytes come from.

use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::finding::Finding;

/// A file of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its name below the checkpoint's root, with `/` between folders.
    pub name: String,
    /// Its length.
    pub bytes: u64,
}

/// Named files that can be read at any place: a prefix of a bucket, a folder.
#[async_trait]
pub trait Source: Send + Sync {
    /// All files, in any order.
    ///
    /// # Errors
    /// The source's own.
    async fn files(&self) -> base::Result<Vec<SourceFile>>;

    /// The `length` bytes of the file `name` that begin at `offset`, as a stream of pieces of any size.
    ///
    /// A source reads the same file each time: where its content has changed since [`Source::files`], this fails.
    ///
    /// # Errors
    /// The source's own, also within the stream.
    async fn read(&self, name: &str, offset: u64, length: u64)
    -> base::Result<BoxStream<'static, base::Result<Bytes>>>;
}

/// The bytes of a range, all of them. For small ranges.
pub(crate) async fn read_range(source: &dyn Source, name: &str, offset: u64, length: u64) -> Result<Vec<u8>> {
    let failed = |error| Error::Source { file: name.to_owned(), error };
    let mut stream = source.read(name, offset, length).await.map_err(failed)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(1 << 24));
    while let Some(piece) = stream.try_next().await.map_err(failed)? {
        bytes.extend_from_slice(&piece);
        if bytes.len() as u64 > length {
            break;
        }
    }
    check_length(name, bytes.len() as u64, length)?;
    Ok(bytes)
}

/// # Errors
/// Source, where a stream gave another number of bytes than was asked for.
pub(crate) fn check_length(name: &str, got: u64, asked: u64) -> Result<()> {
    if got == asked {
        return Ok(());
    }
    let error = base::Error::conflict(format!("`{name}` gave {got} bytes where {asked} were asked for."))
        .with_hint("Do not change the files while they are read.");
    Err(Error::Source { file: name.to_owned(), error })
}

/// A whole file of at most `limit` bytes; a finding where it is longer, none where there is no such file.
pub(crate) async fn read_file(
    source: &dyn Source,
    files: &[SourceFile],
    name: &str,
    limit: u64,
) -> Result<std::result::Result<Option<Vec<u8>>, Finding>> {
    let Some(file) = files.iter().find(|file| file.name == name) else { return Ok(Ok(None)) };
    if file.bytes > limit {
        let problem = format!("it has {} bytes, and at most {limit} are read", file.bytes);
        return Ok(Err(Finding::error(name, problem, "Check that the right file was uploaded.")));
    }
    Ok(Ok(Some(read_range(source, name, 0, file.bytes).await?)))
}

/// Bytes of a piece that [`Folder`] reads at once.
const PIECE: u64 = 1 << 20;

/// A folder of this machine. Reads block: for tools and tests.
#[derive(Debug, Clone)]
pub struct Folder(pub PathBuf);

#[async_trait]
impl Source for Folder {
    async fn files(&self) -> base::Result<Vec<SourceFile>> {
        let failed = |error: std::io::Error| {
            base::Error::not_found(format!("The folder `{}` cannot be read.", self.0.display())).with_detail(error)
        };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.0).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Links are followed: a hub's cache is made of them.
            let metadata = std::fs::metadata(entry.path()).map_err(failed)?;
            if metadata.is_file() {
                files
                    .push(SourceFile { name: entry.file_name().to_string_lossy().into_owned(), bytes: metadata.len() });
            }
        }
        Ok(files)
    }

    async fn read(
        &self,
        name: &str,
        offset: u64,
        length: u64,
    ) -> base::Result<BoxStream<'static, base::Result<Bytes>>> {
        let failed = {
            let name = name.to_owned();
            move |error: std::io::Error| {
                base::Error::unavailable(format!("The file `{name}` cannot be read.")).with_detail(error)
            }
        };
        let mut file = std::fs::File::open(self.0.join(name)).map_err(&failed)?;
        file.seek(SeekFrom::Start(offset)).map_err(&failed)?;
        let pieces = stream::try_unfold((file, length), move |(mut file, left)| {
            let failed = failed.clone();
            async move {
                if left == 0 {
                    return Ok(None);
                }
                let size = left.min(PIECE);
                let mut piece = vec![0; size as usize];
                file.read_exact(&mut piece).map_err(failed)?;
                Ok(Some((Bytes::from(piece), (file, left - size))))
            }
        });
        Ok(pieces.boxed())
    }
}
