//! Knowledge bases: documents out of S3 or handed in, cut into chunks, embedded, kept in a hybrid index, and retrieved for whoever
//! may see them.
//!
//! [`Knowledge`] is what callers hold. Models come in through the ports [`Embedder`] and [`Reranker`]; `docs/knowledge-bases.md`
//! describes what is stored and what is guaranteed.

mod open;
mod ports;
mod retrieval;

pub use open::{Config, Knowledge, Parts};
pub use ports::{Embedder, EmbeddingModel, Purpose, Reranker};
pub use retrieval::{Chunk, DocumentName, DocumentText, Location, Passage, Retrieve, Retrieved, SearchType};
