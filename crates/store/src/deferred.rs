//! Statements that need no transaction of their own: they go to the disk with the next one that does.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use base::Result;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::{Store, Tx, Value};

/// A statement and its values.
#[derive(Debug)]
pub struct Statement {
    sql: &'static str,
    params: Vec<Value<'static>>,
}

/// The statements that wait, in their order.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    waiting: Mutex<VecDeque<Statement>>,
    /// Held shared by transactions that took statements along, alone by whoever wants to know that all are written.
    taken: RwLock<()>,
}

/// Statements that a transaction took along. Unless they are committed, they wait again when it is dropped.
pub(crate) struct Along<'a> {
    deferred: &'a Deferred,
    statements: Vec<Statement>,
    _taken: Option<RwLockReadGuard<'a, ()>>,
}

impl Statement {
    /// The statement `sql`, which must not fail but where the database does: `INSERT … ON CONFLICT DO NOTHING`, text
    /// without NUL characters.
    #[must_use]
    pub fn new(sql: &'static str, params: &[Value<'_>]) -> Self {
        Self { sql, params: params.iter().map(Value::to_owned_value).collect() }
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
    /// Has `statements` written with the next transaction that commits, or by [`write_deferred`](Self::write_deferred);
    /// how many wait now. A crash before that loses them: what is done outside a transaction later must not count on
    /// them, and who adds many must see to it that they are written.
    pub fn defer(&self, statements: Vec<Statement>) -> usize {
        let mut waiting = self.deferred.waiting();
        waiting.extend(statements);
        waiting.len()
    }

    /// Writes every statement that waits: all that were deferred before the call are durable when this returns.
    ///
    /// # Errors
    /// Those of [`write`](Self::write); the statements go on waiting then.
    pub async fn write_deferred(&self) -> Result<()> {
        let _alone = self.deferred.taken.write().await;
        let along = self.deferred.take(None);
        if along.statements.is_empty() {
            return Ok(());
        }
        let along_ref = &along;
        self.write(|tx| async move { along_ref.run(&tx).await }).await?;
        along.written();
        Ok(())
    }
}

impl Deferred {
    /// What a transaction takes along that is about to commit: nothing while all that waits is being written anyway.
    pub(crate) fn along(&self) -> Option<Along<'_>> {
        if self.waiting().is_empty() {
            return None;
        }
        let taken = self.taken.try_read().ok()?;
        Some(self.take(Some(taken)))
    }

    fn take<'a>(&'a self, taken: Option<RwLockReadGuard<'a, ()>>) -> Along<'a> {
        let statements = self.waiting().drain(..).collect();
        Along { deferred: self, statements, _taken: taken }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Statement>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Along<'_> {
    pub(crate) async fn run(&self, tx: &Tx) -> Result<()> {
        for statement in &self.statements {
            statement.run(tx).await?;
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
        let mut waiting = self.deferred.waiting();
        self.statements.drain(..).rev().for_each(|statement| waiting.push_front(statement));
    }
}
