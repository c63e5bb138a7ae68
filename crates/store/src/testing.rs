//! Running one test on every database.
//!
//! PostgreSQL is the server named by `CRATON_TEST_POSTGRES_URL`, or else one that is started from the system's binaries
//! in the temporary directory, shared by all test processes, and stopped by its own watcher some seconds after the last
//! test process has ended. `CRATON_TEST_POSTGRES=skip` leaves PostgreSQL out.

mod server;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Error, Result};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

pub use server::OwnServer;

use crate::Store;

/// Runs `test` on an empty SQLite database and then on an empty PostgreSQL database.
///
/// # Panics
/// Where a database cannot be made; the message says how to install PostgreSQL.
pub async fn each_backend(test: impl AsyncFn(Store)) {
    each_database(async |database: &TestDatabase| {
        let store = must(database.open().await);
        test(store.clone()).await;
        store.close().await;
    })
    .await;
}

/// As [`each_backend`], for tests that open the database several times or in several processes.
///
/// # Panics
/// As [`each_backend`].
pub async fn each_database(test: impl AsyncFn(&TestDatabase)) {
    let sqlite = must(TestDatabase::sqlite());
    run(&sqlite, &test).await;
    if std::env::var("CRATON_TEST_POSTGRES").is_ok_and(|choice| choice == "skip") {
        return;
    }
    let postgres = must(TestDatabase::postgres().await);
    run(&postgres, &test).await;
    must(postgres.remove().await);
}

async fn run(database: &TestDatabase, test: &impl AsyncFn(&TestDatabase)) {
    // A failing test's output names the database it failed on.
    #[expect(clippy::print_stderr)]
    {
        eprintln!("database: {}", database.url());
    }
    test(database).await;
}

/// An empty database for one test.
#[derive(Debug)]
pub struct TestDatabase(Kind);

#[derive(Debug)]
enum Kind {
    Sqlite(ScratchDir),
    /// A schema of its own in a database that others use as well.
    Postgres {
        server: String,
        schema: String,
    },
}

impl TestDatabase {
    /// A new SQLite database in a temporary directory that is removed with the value.
    ///
    /// # Errors
    /// Where the directory cannot be made.
    pub fn sqlite() -> Result<Self> {
        Ok(Self(Kind::Sqlite(ScratchDir::new()?)))
    }

    /// A new schema on the PostgreSQL server for tests. It is removed by [`remove`](Self::remove), not by a panic.
    ///
    /// # Errors
    /// Where no server can be found or started.
    pub async fn postgres() -> Result<Self> {
        let server = match std::env::var("CRATON_TEST_POSTGRES_URL") {
            Ok(url) => url,
            Err(_) => tokio::task::spawn_blocking(server::url).await.map_err(Error::internal)??,
        };
        let schema = format!("craton_test_{}", unique());
        execute(&server, format!("CREATE SCHEMA {schema}")).await?;
        Ok(Self(Kind::Postgres { server, schema }))
    }

    /// Opens it, with connections of its own.
    ///
    /// # Errors
    /// As [`Store::open_sqlite`] and [`Store::open_postgres`].
    pub async fn open(&self) -> Result<Store> {
        open_url(&self.url()).await
    }

    /// Its address, for another process's [`open_url`].
    #[must_use]
    pub fn url(&self) -> String {
        match &self.0 {
            Kind::Sqlite(dir) => format!("sqlite:{}", dir.0.join("test.db").display()),
            Kind::Postgres { server, schema } => {
                let separator = if server.contains('?') { '&' } else { '?' };
                format!("{server}{separator}options[search_path]={schema}")
            }
        }
    }

    async fn remove(self) -> Result<()> {
        match self.0 {
            Kind::Sqlite(_) => Ok(()),
            Kind::Postgres { server, schema } => execute(&server, format!("DROP SCHEMA {schema} CASCADE")).await,
        }
    }
}

/// Opens `sqlite:PATH` or `postgres://…`.
///
/// # Errors
/// As [`Store::open_sqlite`] and [`Store::open_postgres`].
pub async fn open_url(url: &str) -> Result<Store> {
    match url.strip_prefix("sqlite:") {
        Some(path) => Store::open_sqlite(path.as_ref()).await,
        None => Store::open_postgres(url).await,
    }
}

async fn execute(server: &str, sql: String) -> Result<()> {
    let unreachable = |error: sqlx::Error| {
        Error::unavailable("The PostgreSQL server for tests cannot be reached.").with_detail(error)
    };
    let mut connection = PgConnection::connect(server).await.map_err(unreachable)?;
    // The statement is made above, of fixed words and a generated name.
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.map_err(unreachable)?;
    connection.close().await.map_err(unreachable)
}

/// A directory of one test, removed with the value.
#[derive(Debug)]
struct ScratchDir(PathBuf);

impl ScratchDir {
    fn new() -> Result<Self> {
        let path = std::env::temp_dir().join(format!("craton-test-{}", unique()));
        std::fs::create_dir(&path).map_err(|error| Error::internal(format!("`{}`: {error}", path.display())))?;
        Ok(Self(path))
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's care for temporary files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Differs between processes, and between calls in one; the time keeps apart processes that got the same id.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = base::Clock::now(&base::SystemClock).as_millis();
    format!("{}_{now}_{count}", std::process::id())
}

#[expect(clippy::panic, reason = "called by tests only: a panic is how a test fails")]
#[track_caller]
fn must<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{error:?}"))
}
