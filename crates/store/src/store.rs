//! The database and its transactions.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base::{Error, Result};
use sqlx::postgres::PgPool;

use crate::deferred::Deferred;
use crate::error::{from_sqlx, is_serialization_failure};
use crate::tx::{Open, Outcome, Tx};
use crate::{crash, postgres, sqlite};

/// How often a transaction is run at most when others get in its way.
const MAX_RUNS: u32 = 16;

/// The metadata database. Clones share their connections.
#[derive(Debug, Clone)]
pub struct Store {
    backend: Backend,
    place: Arc<str>,
    pub(crate) deferred: Arc<Deferred>,
}

#[derive(Debug, Clone)]
enum Backend {
    Sqlite(sqlite::Pools),
    Postgres(PgPool),
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Read,
    Write,
    /// Changes of tables: run one after another on both databases.
    Migrate,
}

impl Store {
    /// Opens the SQLite database in the file `path`, which is made (readable by its owner only) where it is absent.
    /// A committed transaction survives a power cut (write-ahead log, `synchronous=FULL`).
    ///
    /// # Errors
    /// Unavailable, with the file and the reason, where it cannot be opened, is damaged or is another program's.
    pub async fn open_sqlite(path: &Path) -> Result<Self> {
        let place: Arc<str> = format!("`{}`", path.display()).into();
        let pools = sqlite::open(path, &place).await?;
        Ok(Self { backend: Backend::Sqlite(pools), place, deferred: Arc::default() })
    }

    /// Connects to the PostgreSQL database `url`: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    ///
    /// # Errors
    /// Invalid for a malformed URL, Unavailable where the database cannot be reached, refuses the login, or does not
    /// sort by bytes.
    pub async fn open_postgres(url: &str) -> Result<Self> {
        let options = postgres::parse(url)?;
        let place: Arc<str> = postgres::place(&options).into();
        let pool = postgres::open(options, &place).await?;
        Ok(Self { backend: Backend::Postgres(pool), place, deferred: Arc::default() })
    }

    /// Runs queries on one consistent snapshot of the database. Nothing can be changed.
    ///
    /// # Errors
    /// What `f` returns; Unavailable where the database is unreachable or busy.
    pub async fn read<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: FnOnce(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let (tx, slot) = Tx::new(self.begin(Mode::Read).await?, Arc::clone(&self.place));
        let result = f(tx).await;
        if let Some(open) = slot.lock().await.take() {
            // Nothing was changed: a failure to end the snapshot is the connection's, which the pool replaces.
            let _ = open.rollback().await;
        }
        result
    }

    /// Runs a transaction: its changes are kept (durably, when this returns) if `f` returns `Ok`, and undone otherwise.
    /// Transactions behave as if they ran one after another. On PostgreSQL `f` is run again when another transaction
    /// got in its way, so it must have no effect outside the transaction; it borrows what it needs:
    /// `let name = &name; store.write(|tx| async move { … name … })`.
    ///
    /// # Errors
    /// What `f` returns, with nothing kept; Internal, where `f` returns `Ok` after a statement failed; Unavailable where the
    /// database is unreachable, busy or full. Only where the connection breaks during the commit it is unknown whether
    /// the changes were kept, and the message says so.
    pub async fn write<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        self.transact(Mode::Write, self.takes_along(), f).await
    }

    /// [`write`](Self::write), and with it all that is deferred, on either database.
    pub(crate) async fn write_along<T, F, Fut>(&self, f: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        self.transact(Mode::Write, true, f).await
    }

    /// May other processes use the database at the same time? True for PostgreSQL; a SQLite database belongs to the
    /// process that holds its [`DataDir`](crate::DataDir).
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.dialect(false, true)
    }

    /// Closes the connections, after those in use have come back. Later calls answer Unavailable.
    pub async fn close(&self) {
        match &self.backend {
            Backend::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
            Backend::Postgres(pool) => pool.close().await,
        }
    }

    /// That of the two which is for this database's kind.
    pub(crate) fn dialect<T>(&self, sqlite: T, postgres: T) -> T {
        match self.backend {
            Backend::Sqlite(_) => sqlite,
            Backend::Postgres(_) => postgres,
        }
    }

    /// The database in words, for messages.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) async fn transact<T, F, Fut>(&self, mode: Mode, along: bool, f: F) -> Result<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        for run in 1.. {
            match self.run(mode, &f, along).await {
                End::Done(result) => return result,
                End::Raced(error) if run == MAX_RUNS => return Err(error),
                End::Raced(_) => tokio::time::sleep(pause(run)).await,
            }
        }
        unreachable!("the loop ends at MAX_RUNS");
    }

    /// Runs the transaction once; it takes what is deferred `along` where it is to.
    async fn run<T, F, Fut>(&self, mode: Mode, f: &F, along: bool) -> End<T>
    where
        F: Fn(Tx) -> Fut,
        Fut: Future<Output = Result<T>>,
    {
        let open = match self.begin(mode).await {
            Ok(open) => open,
            Err(error) => return End::Done(Err(error)),
        };
        let (tx, slot) = Tx::new(open, Arc::clone(&self.place));
        let result = f(tx).await;
        let goes_well = result.is_ok() && slot.lock().await.outcome == Outcome::Good;
        let along = if goes_well && along { Some(self.deferred.take().await) } else { None };
        let result = match (result, &along) {
            (Ok(value), Some(along)) => along.run(&Tx::of(&slot)).await.map(|()| value),
            (result, _) => result,
        };
        let mut slot = slot.lock().await;
        let (open, outcome) = (slot.take(), slot.outcome);
        drop(slot);
        let Some(open) = open else { return End::Done(Err(Error::internal("the transaction was taken twice"))) };
        match (result, outcome) {
            (Ok(value), Outcome::Good) => {
                let end = self.commit(open, value).await;
                if let (End::Done(Ok(_)), Some(along)) = (&end, along) {
                    along.written();
                }
                end
            }
            (result, outcome) => {
                // Where the rollback fails, the connection is gone and the database has rolled back by itself.
                let _ = open.rollback().await;
                let error = result.err().unwrap_or_else(|| Error::internal("a failed statement was ignored"));
                if outcome == Outcome::Raced { End::Raced(error) } else { End::Done(Err(error)) }
            }
        }
    }

    async fn commit<T>(&self, open: Open, value: T) -> End<T> {
        crash::point("store.commit.before");
        let committed = open.commit().await;
        crash::point("store.commit.after");
        match committed {
            Ok(()) => End::Done(Ok(value)),
            Err(error) if is_serialization_failure(&error) => End::Raced(from_sqlx(&self.place, &error)),
            Err(error @ sqlx::Error::Io(_)) => End::Done(Err(from_sqlx(&self.place, &error).with_hint(
                "The connection broke during a commit: look whether the change was made before trying again.",
            ))),
            Err(error) => End::Done(Err(from_sqlx(&self.place, &error))),
        }
    }

    async fn begin(&self, mode: Mode) -> Result<Open> {
        let result = match &self.backend {
            Backend::Sqlite(pools) => match mode {
                Mode::Read => pools.readers.begin_with("BEGIN DEFERRED").await,
                Mode::Write | Mode::Migrate => pools.writer.begin_with("BEGIN IMMEDIATE").await,
            }
            .map(Open::Sqlite),
            Backend::Postgres(pool) => pool
                .begin_with(match mode {
                    Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
                    Mode::Write => "BEGIN ISOLATION LEVEL SERIALIZABLE",
                    Mode::Migrate => "BEGIN ISOLATION LEVEL READ COMMITTED",
                })
                .await
                .map(Open::Postgres),
        };
        result.map_err(|error| from_sqlx(&self.place, &error))
    }
}

/// How one run of a transaction ended.
enum End<T> {
    Done(Result<T>),
    /// Nothing was kept, because of another transaction.
    Raced(Error),
}

/// How long to wait before the next run: 1, 2, 4 … 128 ms, each shortened by up to half so that rivals part.
fn pause(run: u32) -> Duration {
    use std::hash::{BuildHasher as _, RandomState};
    let longest = 1_000_u64 << run.min(7);
    let random = RandomState::new().hash_one(run);
    Duration::from_micros(longest / 2 + random % (longest / 2))
}
