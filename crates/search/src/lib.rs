//! A hybrid index: documents ranked by their words and by their vectors, out of those that the caller may see.
//!
//! [`Embedded`] keeps an index in a folder, [`Postgres`] in a database; both are an [`Index`]. `docs/search.md` describes its files, the formulas and what is guaranteed.
//!
//! ```
//! use search::{Acl, Caller, Change, Document, Embedded, Query, Schema, analysis::Language};
//! # fn main() -> search::Result<()> {
//! # let folder = std::env::temp_dir().join(format!("search-doc-{}", std::process::id()));
//! let index = Embedded::open(&folder, Schema::text(Language::English, None))?;
//! index.apply(vec![Change::Put(Document {
//!     key: "refunds".to_owned(),
//!     fields: [("text".to_owned(), "Refunds take five days.".to_owned())].into(),
//!     language: None,
//!     metadata: Default::default(),
//!     acl: Acl { allowed_groups: ["staff".to_owned()].into(), ..Acl::default() },
//!     vector: None,
//! })])?;
//! let mut caller = Caller::user("ana");
//! assert!(index.search(&Query::new(caller.clone()).text("refund"))?.hits.is_empty());
//! caller.groups.insert("staff".to_owned());
//! assert_eq!(index.search(&Query::new(caller).text("refund"))?.hits[0].key, "refunds");
//! # std::fs::remove_dir_all(&folder).ok();
//! # Ok(())
//! # }
//! ```

pub mod analysis;
mod bitmap;
pub mod bm25;
mod codec;
pub mod document;
mod embedded;
mod error;
pub mod filter;
pub mod fusion;
pub mod highlight;
mod index;
mod postgres;
mod principals;
pub mod query;
mod ranking;
mod scan;
mod vectors;

pub use document::{Acl, Applied, Change, Document, Schema, TextField, Value};
pub use embedded::{Append, Embedded, Files, OnDisk, Statistics};
pub use error::{Error, Result};
pub use filter::Filter;
pub use fusion::Fusion;
pub use index::Index;
pub use postgres::{Database, MOST_CONNECTIONS, Postgres};
pub use principals::{Caller, Groups};
pub use query::{Explanation, Hit, Query, Results};
