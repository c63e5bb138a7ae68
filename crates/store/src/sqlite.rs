//! Opening the embedded database.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use base::{Error, Result};
use sqlx::Connection as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};

use crate::error::from_sqlx;

/// "CRTN": marks a SQLite file as Craton's (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x4352_544e;

/// How long a statement waits for a lock that another process holds.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The connections to one file.
#[derive(Debug, Clone)]
pub(crate) struct Pools {
    /// One connection: SQLite has one writer, and waiting here is fair.
    pub(crate) writer: SqlitePool,
    /// Connections that cannot write; each sees a snapshot and blocks nobody.
    pub(crate) readers: SqlitePool,
}

/// Opens the database file, making it (readable by its owner only) where it is absent.
pub(crate) async fn open(path: &Path, place: &str) -> Result<Pools> {
    make_private(path).map_err(|error| cannot_open(place, &error))?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("trusted_schema", "OFF");
    let pool = || {
        let options = SqlitePoolOptions::new().test_before_acquire(false).idle_timeout(None).max_lifetime(None);
        options.after_release(|connection, _| Box::pin(is_idle(connection)))
    };
    check_header(path, place)?;
    let writer = pool()
        .max_connections(1)
        .acquire_timeout(Duration::from_secs(60))
        .connect_with(options.clone())
        .await
        .map_err(|error| from_sqlx(place, &error))?;
    check_owner(&writer, place).await?;
    let readers = pool().max_connections(reader_count()).connect_lazy_with(options.pragma("query_only", "ON"));
    Ok(Pools { writer, readers })
}

/// Whether the connection is outside a transaction. SQLite ends a transaction by itself where the disk is full or fails;
/// the connection's count of open ones then stays wrong, and it could not begin another.
async fn is_idle(connection: &mut SqliteConnection) -> Result<bool, sqlx::Error> {
    if connection.is_in_transaction() {
        // A rollback may be on its way.
        connection.ping().await?;
    }
    Ok(!connection.is_in_transaction())
}

fn reader_count() -> u32 {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    u32::try_from(cores.clamp(2, 8)).unwrap_or(8)
}

fn make_private(path: &Path) -> io::Result<()> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    let mode = file.metadata()?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %path.display(), "the database could be read by other users; now it cannot");
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

fn cannot_open(place: &str, error: &io::Error) -> Error {
    Error::unavailable(format!("The database {place} cannot be opened: {error}."))
        .with_hint("Check that its folder exists and that this user may write there.")
}

/// Refuses a file that is not SQLite's before the connection setup would write to it.
fn check_header(path: &Path, place: &str) -> Result<()> {
    use std::io::Read as _;
    let mut header = Vec::new();
    let mut file = File::open(path).map_err(|error| cannot_open(place, &error))?;
    (&mut file).take(16).read_to_end(&mut header).map_err(|error| cannot_open(place, &error))?;
    if header.is_empty() || header == b"SQLite format 3\0" {
        return Ok(());
    }
    Err(Error::unavailable(format!("The file {place} is not a database, or its beginning was overwritten."))
        .with_hint("Restore it from a backup, or name another data directory."))
}

/// Marks a new file as ours; refuses another program's database.
async fn check_owner(writer: &SqlitePool, place: &str) -> Result<()> {
    let failed = |error: sqlx::Error| from_sqlx(place, &error);
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(writer).await.map_err(failed)?;
    let tables: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM sqlite_schema").fetch_one(writer).await.map_err(failed)?;
    match (id, tables) {
        (APPLICATION_ID, _) => Ok(()),
        (0, 0) => {
            // A pragma takes no parameters; the number is `APPLICATION_ID`.
            sqlx::raw_sql("PRAGMA application_id = 1129469006").execute(writer).await.map_err(failed)?;
            Ok(())
        }
        _ => Err(Error::unavailable(format!("The file {place} is a database of another program."))
            .with_hint("Name another data directory.")),
    }
}
