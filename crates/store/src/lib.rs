//! The metadata database: SQLite (embedded) and PostgreSQL (shared) behind one set of transactions, queries and migrations.
//!
//! A query is one text for both databases: `$1` placeholders, 64-bit integers (times are milliseconds), JSON as text,
//! and the column types `TEXT`, `BIGINT`, `BOOLEAN`, `DOUBLE PRECISION` and `BYTEA`, which SQLite takes as well.
//!
//! ```no_run
//! # async fn example() -> base::Result<()> {
//! use store::{Migration, Store, params};
//!
//! const MIGRATIONS: &[Migration] =
//!     &[Migration::same(1, "notes", "CREATE TABLE notes (id TEXT PRIMARY KEY, body TEXT, made BIGINT NOT NULL)")];
//!
//! let store = Store::open_sqlite("craton.db".as_ref()).await?;
//! store.migrate("notes", MIGRATIONS).await?;
//! let (id, body) = ("n1", Some("text"));
//! store
//!     .write(|tx| async move {
//!         tx.execute("INSERT INTO notes (id, body, made) VALUES ($1, $2, $3)", params![id, body, 17]).await
//!     })
//!     .await?;
//! let body = store
//!     .read(|tx| async move {
//!         let row = tx.fetch_optional("SELECT body FROM notes WHERE id = $1", params![id]).await?;
//!         row.map(|row| row.opt_text("body")).transpose()
//!     })
//!     .await?;
//! # let _ = body; Ok(())
//! # }
//! ```

pub mod crash;
mod data_dir;
mod deferred;
mod dump;
mod error;
mod migrate;
mod postgres;
mod row;
mod sqlite;
mod store;
pub mod testing;
mod tx;
mod value;

pub use data_dir::DataDir;
pub use deferred::Statement;
pub use dump::Dumped;
pub use migrate::{Migration, Module};
pub use row::Row;
pub use store::Store;
pub use tx::Tx;
pub use value::{Column, Value};

#[cfg(test)]
mod tests;
