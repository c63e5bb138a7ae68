//! One transaction.

use std::sync::Arc;

use base::{Error, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use sqlx::Arguments as _;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArguments};
use tokio::sync::{Mutex, mpsc};

use crate::error::{from_sqlx, is_serialization_failure};
use crate::row::{Backend as RowBackend, Row};
use crate::value::{Column, Value};

/// A transaction: what [`Store::read`](crate::Store::read) and [`Store::write`](crate::Store::write) hand to their closure.
///
/// After a statement failed the transaction is over, on both databases: later statements fail too and nothing is kept.
/// Ask before (`INSERT … ON CONFLICT DO NOTHING`, `SELECT`) where a failure is expected.
#[derive(Debug)]
pub struct Tx(Arc<Mutex<Slot>>);

/// The open transaction, taken out when the closure has ended; and what became of its statements.
#[derive(Debug)]
pub(crate) struct Slot {
    open: Option<Open>,
    pub(crate) outcome: Outcome,
    place: Arc<str>,
}

#[derive(Debug)]
pub(crate) enum Open {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every statement so far succeeded.
    Good,
    /// A statement failed.
    Failed,
    /// A statement failed because of another transaction; running again may help.
    Raced,
}

impl Tx {
    /// Runs a statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// AlreadyExists for a violated unique key, Conflict for a violated foreign key, Invalid for text with a NUL
    /// character, Unavailable where the database is unreachable, busy or full, Internal for anything else.
    pub async fn execute(&self, sql: &'static str, params: &[Value<'_>]) -> Result<u64> {
        let mut slot = self.0.lock().await;
        let result = match slot.open()? {
            Open::Sqlite(tx) => sqlx::query_with(sql, sqlite_arguments(params)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Open::Postgres(tx) => sqlx::query_with(sql, postgres_arguments(params)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        };
        slot.note(result)
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn fetch_all(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Vec<Row>> {
        let mut slot = self.0.lock().await;
        let result = match slot.open()? {
            Open::Sqlite(tx) => sqlx::query_with(sql, sqlite_arguments(params)?)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(|row| Row(RowBackend::Sqlite(row))).collect()),
            Open::Postgres(tx) => sqlx::query_with(sql, postgres_arguments(params)?)
                .fetch_all(&mut **tx)
                .await
                .map(|rows| rows.into_iter().map(|row| Row(RowBackend::Postgres(row))).collect()),
        };
        slot.note(result)
    }

    /// The first row of a query, if there is one.
    ///
    /// # Errors
    /// As [`execute`](Self::execute).
    pub async fn fetch_optional(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Option<Row>> {
        let mut slot = self.0.lock().await;
        let result = match slot.open()? {
            Open::Sqlite(tx) => sqlx::query_with(sql, sqlite_arguments(params)?)
                .fetch_optional(&mut **tx)
                .await
                .map(|row| row.map(|row| Row(RowBackend::Sqlite(row)))),
            Open::Postgres(tx) => sqlx::query_with(sql, postgres_arguments(params)?)
                .fetch_optional(&mut **tx)
                .await
                .map(|row| row.map(|row| Row(RowBackend::Postgres(row)))),
        };
        slot.note(result)
    }

    /// The first row of a query that always has one.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); Internal, where there is no row.
    pub async fn fetch_one(&self, sql: &'static str, params: &[Value<'_>]) -> Result<Row> {
        self.fetch_optional(sql, params).await?.ok_or_else(|| Error::internal(format!("no row: {sql}")))
    }

    /// Runs several statements without parameters: the text of a migration.
    pub(crate) async fn execute_script(&self, sql: &'static str) -> Result<()> {
        let mut slot = self.0.lock().await;
        let result = match slot.open()? {
            Open::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
            Open::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(|_| ()),
        };
        slot.note(result)
    }

    /// As [`execute`](Self::execute), of a statement that was made of quoted names.
    pub(crate) async fn execute_made(&self, sql: String, params: &[Value<'_>]) -> Result<u64> {
        let sql = sqlx::AssertSqlSafe(sql);
        let mut slot = self.0.lock().await;
        let result = match slot.open()? {
            Open::Sqlite(tx) => sqlx::query_with(sql, sqlite_arguments(params)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
            Open::Postgres(tx) => sqlx::query_with(sql, postgres_arguments(params)?)
                .execute(&mut **tx)
                .await
                .map(|done| done.rows_affected()),
        };
        slot.note(result)
    }

    /// Writes every row of a query, which was made of quoted names, with `render`, and sends what was written to `to` in
    /// chunks of about `chunk` bytes; how many rows there were.
    ///
    /// # Errors
    /// As [`execute`](Self::execute); Internal, where nobody receives any more.
    pub(crate) async fn send_rows(
        &self,
        sql: String,
        chunk: usize,
        to: &mpsc::Sender<Vec<u8>>,
        mut render: impl FnMut(&Row, &mut Vec<u8>) -> Result<()> + Send,
    ) -> Result<u64> {
        let sql = sqlx::AssertSqlSafe(sql);
        let mut slot = self.0.lock().await;
        let slot = &mut *slot;
        let mut rows = match slot.open()? {
            Open::Sqlite(tx) => sqlx::query(sql).fetch(&mut **tx).map_ok(|row| Row(RowBackend::Sqlite(row))).boxed(),
            Open::Postgres(tx) => {
                sqlx::query(sql).fetch(&mut **tx).map_ok(|row| Row(RowBackend::Postgres(row))).boxed()
            }
        };
        let (mut count, mut text) = (0, Vec::with_capacity(2 * chunk));
        let failed = loop {
            match rows.try_next().await {
                Ok(Some(row)) => render(&row, &mut text)?,
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            count += 1;
            if text.len() >= chunk {
                to.send(std::mem::replace(&mut text, Vec::with_capacity(2 * chunk)))
                    .await
                    .map_err(|_| no_receiver())?;
            }
        };
        drop(rows);
        if let Some(error) = failed {
            return slot.note(Err(error));
        }
        to.send(text).await.map_err(|_| no_receiver())?;
        Ok(count)
    }

    /// A handle for the closure, and the slot that its transaction can be taken from afterwards.
    pub(crate) fn new(open: Open, place: Arc<str>) -> (Self, Arc<Mutex<Slot>>) {
        let slot = Arc::new(Mutex::new(Slot { open: Some(open), outcome: Outcome::Good, place }));
        (Self(Arc::clone(&slot)), slot)
    }

    /// Another handle for the transaction in `slot`.
    pub(crate) fn of(slot: &Arc<Mutex<Slot>>) -> Self {
        Self(Arc::clone(slot))
    }
}

/// The error of sending to nobody.
pub(crate) fn no_receiver() -> Error {
    Error::internal("nobody takes the rows any more")
}

impl Slot {
    /// The transaction, if it can still be used.
    fn open(&mut self) -> Result<&mut Open> {
        if self.outcome != Outcome::Good {
            return Err(Error::internal("a statement of this transaction failed before"));
        }
        self.open.as_mut().ok_or_else(|| Error::internal("the transaction was used after its closure had ended"))
    }

    /// Ends the use of the handle.
    pub(crate) fn take(&mut self) -> Option<Open> {
        self.open.take()
    }

    fn note<T>(&mut self, result: Result<T, sqlx::Error>) -> Result<T> {
        result.map_err(|error| {
            self.outcome = if is_serialization_failure(&error) { Outcome::Raced } else { Outcome::Failed };
            from_sqlx(&self.place, &error)
        })
    }
}

impl Open {
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }

    pub(crate) async fn rollback(self) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres(tx) => tx.rollback().await,
        }
    }
}

macro_rules! arguments {
    ($name:ident, $arguments:ty) => {
        fn $name(params: &[Value<'_>]) -> Result<$arguments> {
            let mut arguments = <$arguments>::default();
            arguments.reserve(params.len(), 0);
            for param in params {
                match param {
                    Value::Null(Column::Bool) => arguments.add(None::<bool>),
                    Value::Null(Column::Int) => arguments.add(None::<i64>),
                    Value::Null(Column::Real) => arguments.add(None::<f64>),
                    Value::Null(Column::Text) => arguments.add(None::<&str>),
                    Value::Null(Column::Bytes) => arguments.add(None::<&[u8]>),
                    Value::Bool(value) => arguments.add(*value),
                    Value::Int(value) => arguments.add(*value),
                    Value::Real(value) => arguments.add(*value),
                    Value::Text(value) => arguments.add(without_nul(value)?),
                    Value::Bytes(value) => arguments.add(value.as_ref()),
                }
                .map_err(Error::internal)?;
            }
            Ok(arguments)
        }
    };
}

arguments!(sqlite_arguments, SqliteArguments);
arguments!(postgres_arguments, PgArguments);

/// PostgreSQL has no NUL in text; refusing it everywhere keeps the databases alike.
fn without_nul(text: &str) -> Result<&str> {
    if text.contains('\0') {
        return Err(
            Error::invalid("Text with a NUL character cannot be stored.").with_hint("Remove the NUL character.")
        );
    }
    Ok(text)
}
