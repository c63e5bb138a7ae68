//! Rows that a query returned.

use base::{Error, Result, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, TypeInfo as _, ValueRef as _};

/// One row of a result. A column is read by its name; a missing column, a NULL where none is expected and another type
/// are faults of the query and answer Internal.
///
/// On PostgreSQL `COUNT(*)` is a `BIGINT`, but `SUM` of `BIGINT`s is not: write `CAST(SUM(x) AS BIGINT)`.
#[derive(Debug)]
pub struct Row(pub(crate) Backend);

#[derive(Debug)]
pub(crate) enum Backend {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! column {
    ($($(#[$doc:meta])* $name:ident, $(#[$opt_doc:meta])* $opt_name:ident: $type:ty;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// Internal, where the column is missing, NULL or of another type.
            pub fn $name(&self, column: &str) -> Result<$type> {
                self.$opt_name(column)?.ok_or_else(|| Error::internal(format!("column `{column}` is NULL")))
            }

            $(#[$opt_doc])*
            ///
            /// # Errors
            /// Internal, where the column is missing or of another type.
            pub fn $opt_name(&self, column: &str) -> Result<Option<$type>> {
                match &self.0 {
                    Backend::Sqlite(row) => row.try_get(column),
                    Backend::Postgres(row) => row.try_get(column),
                }
                .map_err(|error| Error::internal(format!("column `{column}`: {error}")))
            }
        )*
    };
}

impl Row {
    column! {
        /// A `TEXT`.
        text,
        /// A `TEXT` that may be NULL.
        opt_text: String;
        /// A `BIGINT`.
        int,
        /// A `BIGINT` that may be NULL.
        opt_int: i64;
        /// A `DOUBLE PRECISION`.
        real,
        /// A `DOUBLE PRECISION` that may be NULL.
        opt_real: f64;
        /// A `BYTEA`.
        bytes,
        /// A `BYTEA` that may be NULL.
        opt_bytes: Vec<u8>;
    }

    /// A `BOOLEAN`, or a `BIGINT` that is 0 or not, or the result of a comparison.
    ///
    /// # Errors
    /// Internal, where the column is missing, NULL or of another type.
    pub fn bool(&self, column: &str) -> Result<bool> {
        match &self.0 {
            Backend::Postgres(row) if is_bool(row, column) => {
                row.try_get(column).map_err(|error| Error::internal(format!("column `{column}`: {error}")))
            }
            _ => Ok(self.int(column)? != 0),
        }
    }

    /// A `BIGINT` of milliseconds since the epoch.
    ///
    /// # Errors
    /// Internal, where the column is missing, NULL or of another type.
    pub fn time(&self, column: &str) -> Result<Timestamp> {
        self.int(column).map(Timestamp)
    }

    /// A `BIGINT` of milliseconds since the epoch that may be NULL.
    ///
    /// # Errors
    /// Internal, where the column is missing or of another type.
    pub fn opt_time(&self, column: &str) -> Result<Option<Timestamp>> {
        Ok(self.opt_int(column)?.map(Timestamp))
    }
}

fn is_bool(row: &PgRow, column: &str) -> bool {
    row.try_get_raw(column).is_ok_and(|value| value.type_info().name() == "BOOL")
}
