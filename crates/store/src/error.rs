//! What a database's error means to domain code.

use base::Error;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;

/// The database in words, for messages: a quoted file, or a quoted address without user and password.
pub(crate) type Place = str;

/// Did the database abort the transaction because of another one, so that the same transaction may succeed if run again?
pub(crate) fn is_serialization_failure(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
        .map(PgDatabaseError::code);
    matches!(code, Some("40001" | "40P01"))
}

/// The domain error for `error`, which the database at `place` gave.
pub(crate) fn from_sqlx(place: &Place, error: &sqlx::Error) -> Error {
    match error {
        sqlx::Error::Database(cause) => from_database(place, cause.as_ref()),
        sqlx::Error::PoolTimedOut => Error::unavailable(format!("The database {place} is busy."))
            .with_hint("Try again; if it lasts, look for long transactions or a slow disk."),
        sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::StorageFull => disk_full(place, cause),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            unreachable_database(place, error)
        }
        _ => Error::internal(format!("database {place}: {error}")),
    }
}

fn from_database(place: &Place, error: &dyn DatabaseError) -> Error {
    match error.kind() {
        ErrorKind::UniqueViolation => {
            return Error::already_exists("A thing of that name exists already.").with_detail(error);
        }
        ErrorKind::ForeignKeyViolation => {
            return Error::new(
                base::ErrorKind::Conflict,
                "The thing is used by another one, or needs one that is gone.",
            )
            .with_detail(error);
        }
        _ => {}
    }
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => from_postgres(place, error),
        None => from_sqlite(place, error),
    }
}

/// SQLite's result codes: <https://www.sqlite.org/rescode.html>. The low byte is the primary code.
fn from_sqlite(place: &Place, error: &dyn DatabaseError) -> Error {
    let code = error.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or_default() & 0xff;
    match code {
        // BUSY, LOCKED
        5 | 6 => Error::unavailable(format!("The database {place} is busy."))
            .with_hint("Another process has it open; stop that process.")
            .with_detail(error),
        // PERM, READONLY, CANTOPEN, AUTH
        3 | 8 | 14 | 23 => Error::unavailable(format!("The database {place} cannot be opened for writing."))
            .with_hint("Check that its folder exists and that this user may write there.")
            .with_detail(error),
        // IOERR
        10 => Error::unavailable(format!("Reading or writing the database {place} failed."))
            .with_hint("Check the disk and the system's log.")
            .with_detail(error),
        // FULL
        13 => disk_full(place, error),
        // CORRUPT, NOTADB
        11 | 26 => damaged(place, error),
        _ => Error::internal(format!("database {place}: {error}")),
    }
}

/// PostgreSQL's error codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn from_postgres(place: &Place, error: &PgDatabaseError) -> Error {
    let code = error.code();
    match code {
        "53100" => disk_full(place, error),
        "40001" | "40P01" => Error::unavailable("Too many changes at once: the transaction was given up.")
            .with_hint("Try again.")
            .with_detail(error),
        "28P01" | "28000" | "3D000" | "42501" => Error::unavailable(format!("The database {place} refused the login."))
            .with_hint("Check user, password and database name of the database URL.")
            .with_detail(error),
        "XX001" | "XX002" => damaged(place, error),
        _ if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => unreachable_database(place, error),
        _ => Error::internal(format!("database {place}: {error}")),
    }
}

fn disk_full(place: &Place, cause: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("The disk of the database {place} is full."))
        .with_hint("Free some space and try again; nothing was lost.")
        .with_detail(cause)
}

fn damaged(place: &Place, cause: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("The database {place} is damaged or is not a database."))
        .with_hint("Restore it from a backup; do not delete its `-wal` file.")
        .with_detail(cause)
}

fn unreachable_database(place: &Place, cause: impl std::fmt::Display) -> Error {
    Error::unavailable(format!("The database {place} cannot be reached."))
        .with_hint("Check that it runs and that the database URL is right.")
        .with_detail(cause)
}
