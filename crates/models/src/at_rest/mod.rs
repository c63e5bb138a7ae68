//! Imported models at rest: one encrypted file each, decrypted into memory and nowhere else.
//!
//! A file has a data key of its own, which is kept in it encrypted under a KMS key: who opens the file has KMS open the data
//! key first, every time, so a key that was disabled or a grant that was revoked makes the model unreadable at once.

mod memory;
mod sealed;
mod sink;
mod writer;

pub use memory::MemoryFile;
pub(crate) use sealed::{CHUNK, Cipher, TAG};
pub use sealed::{Header, Opening, SealedModel, sweep};
pub use sink::MemorySink;
pub use writer::Writer;

#[cfg(test)]
mod tests;
