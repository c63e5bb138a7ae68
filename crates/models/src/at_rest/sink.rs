//! A model that is written into memory and nowhere else.

use async_trait::async_trait;
use base::{Error, Result};
use bytes::Bytes;
use checkpoint::Sink;

use super::memory::MemoryFile;

/// Takes a model of a known length into a memory file.
#[derive(Debug)]
pub struct MemorySink {
    memory: MemoryFile,
    bytes: u64,
    got: u64,
}

impl MemorySink {
    /// A sink for so many bytes. They take memory as they come.
    ///
    /// # Errors
    /// Unavailable, where the system gives no memory file; NotImplemented, where it has none.
    pub fn new(bytes: u64) -> Result<Self> {
        Ok(Self { memory: MemoryFile::new(bytes)?, bytes, got: 0 })
    }

    /// The file, which nobody can change any more.
    ///
    /// # Errors
    /// Internal, where bytes are missing.
    pub fn finish(self) -> Result<MemoryFile> {
        if self.got != self.bytes {
            return Err(Error::internal(format!("{} bytes of a model of {}", self.got, self.bytes)));
        }
        self.memory.seal()?;
        Ok(self.memory)
    }
}

#[async_trait]
impl Sink for MemorySink {
    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        if self.got + bytes.len() as u64 > self.bytes {
            return Err(Error::internal("a model has more bytes than its header says"));
        }
        self.memory.write_at(self.got, &bytes)?;
        self.got += bytes.len() as u64;
        Ok(())
    }
}
