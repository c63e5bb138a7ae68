//! Statements that need no transaction of their own: they go to the disk with the next one that does.
//!
//! On SQLite, whose transactions that write run one after another, each takes along all that waits: a statement is never
//! on its way in one while another, later one commits. On PostgreSQL nothing is taken along.

use std::collections::VecDeque;
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::{Error, Result};

use crate::{Store, Tx, Value};

/// A statement and its values.
#[derive(Debug)]
pub struct Statement {
    sql: &'static str,
    params: Vec<Value<'static>>,
}

/// The statements that wait.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    queue: Mutex<Queue>,
    /// Held by who writes all of them.
    writing: tokio::sync::Mutex<()>,
    /// Held from when statements are taken until they are written or wait again: a connection is free before that, and
    /// the next transaction on it must not commit without them.
    settling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Statement>,
    /// How many a transaction has taken that is not over.
    taken: usize,
}

/// Statements that a transaction took along. Unless they are committed, they wait again when it is dropped.
pub(crate) struct Along<'a> {
    deferred: &'a Deferred,
    statements: Vec<Statement>,
    count: usize,
    /// Released when they are back in the queue: fields are dropped after the value's own `drop`.
    _settling: tokio::sync::MutexGuard<'a, ()>,
}

impl Statement {
    /// The statement `sql`, which must not fail but where the database does: `INSERT … ON CONFLICT DO NOTHING`. No
    /// database keeps NUL characters in text; U+FFFD stands in their place.
    #[must_use]
    pub fn new(sql: &'static str, params: &[Value<'_>]) -> Self {
        Self { sql, params: params.iter().map(Value::to_owned_without_nul).collect() }
    }

    /// Runs it in a transaction.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub async fn run(&self, tx: &Tx) -> Result<()> {
        tx.execute(self.sql, &self.params).await.map(drop)
    }
}

impl Store {
    /// Whether what is deferred is written with the next transaction that commits, in the same one. Otherwise it is
    /// written by [`write_deferred`](Self::write_deferred) alone.
    #[must_use]
    pub fn takes_along(&self) -> bool {
        !self.is_shared()
    }

    /// Has `statements` written later. A crash before that loses them, and who adds many must see to it that they are
    /// written.
    pub fn defer(&self, statements: Vec<Statement>) {
        self.deferred.queue().waiting.extend(statements);
    }

    /// How many statements are not written.
    #[must_use]
    pub fn deferred(&self) -> usize {
        let queue = self.deferred.queue();
        queue.waiting.len() + queue.taken
    }

    /// Writes every statement that waits: all that were deferred before the call are durable when this returns.
    ///
    /// # Errors
    /// Those of [`write`](Self::write); the statements go on waiting then.
    pub async fn write_deferred(&self) -> Result<()> {
        let _alone = self.deferred.writing.lock().await;
        // What another transaction has taken is written, or waits again, when this one's turn comes.
        if self.deferred() == 0 { Ok(()) } else { self.write_along(|_| async { Ok(()) }).await }
    }
}

impl Deferred {
    /// All that waits, for the transaction that is about to commit.
    pub(crate) async fn take(&self) -> Along<'_> {
        let settling = self.settling.lock().await;
        let mut queue = self.queue();
        let statements: Vec<Statement> = queue.waiting.drain(..).collect();
        queue.taken += statements.len();
        Along { deferred: self, count: statements.len(), statements, _settling: settling }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Along<'_> {
    /// # Errors
    /// Unavailable: what cannot be recorded must not happen.
    pub(crate) async fn run(&self, tx: &Tx) -> Result<()> {
        for statement in &self.statements {
            statement.run(tx).await.map_err(|error| {
                Error::unavailable("The request cannot be recorded, and so it was not carried out.")
                    .with_hint("Try again; the server's log has the reason.")
                    .with_detail(format!("{error:?}"))
            })?;
        }
        Ok(())
    }

    /// To be called when they are committed.
    pub(crate) fn written(mut self) {
        self.statements.clear();
    }
}

impl Drop for Along<'_> {
    fn drop(&mut self) {
        let mut queue = self.deferred.queue();
        queue.taken -= self.count;
        mem::take(&mut self.statements).into_iter().rev().for_each(|statement| queue.waiting.push_front(statement));
    }
}
