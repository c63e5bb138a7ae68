//! Knowledge bases: documents out of S3 or handed in, cut into chunks, embedded, kept in a hybrid index, and retrieved for whoever
//! may see them.
//!
//! [`Knowledge`] is what callers hold. Models come in through the port [`Embedder`]; `docs/knowledge-bases.md`
//! describes what is stored and what is guaranteed.

mod chunking;
mod data_sources;
mod documents;
mod indexes;
mod ingestion;
mod knowledge_bases;
mod locks;
mod open;
mod ports;
mod realm;
mod retrieval;
mod role;

pub use chunking::Chunking;
pub use data_sources::{DataSource, DataSourceStatus, DeletionPolicy, NewDataSource, Origin};
pub use documents::operations::{CustomBody, NewContent, NewDocument, NewMetadata};
pub use documents::sidecar::AclEntry;
pub use documents::{DocumentDetail, DocumentStatus, Location};
pub use indexes::Disk;
pub use ingestion::{IngestionFilter, IngestionJob, IngestionStatistics, IngestionStatus};
pub use knowledge_bases::{KnowledgeBase, KnowledgeBaseStatus, KnowledgeBaseUpdate, NewKnowledgeBase};
pub use open::{Config, Knowledge, Parts, TABLES};
pub use ports::{Embedder, EmbeddingModel, Purpose};
pub use realm::Tags;
pub use retrieval::{Chunk, DocumentName, DocumentText, Passage, Retrieve, Retrieved, SearchType};
