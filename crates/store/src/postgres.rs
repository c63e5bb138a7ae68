//! Opening the shared database.

use std::time::Duration;

use base::{Error, Result};
use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};

use crate::error::from_sqlx;

/// Connects once, so that a wrong URL is told at the start.
pub(crate) async fn open(options: PgConnectOptions, place: &str) -> Result<PgPool> {
    let options = options.application_name("craton");
    let failed = |error: sqlx::Error| from_sqlx(place, &error);
    let mut connection = PgConnection::connect_with(&options).await.map_err(failed)?;
    check_order(&mut connection, place).await?;
    connection.close().await.map_err(failed)?;
    Ok(PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(15)).connect_lazy_with(options))
}

/// The options in `url`.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions> {
    url.parse().map_err(|error: sqlx::Error| {
        Error::invalid("The database URL is not valid.")
            .with_hint("It looks like `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.")
            .with_detail(error)
    })
}

/// Host (or socket), port and database: no user, no password.
pub(crate) fn place(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
    format!("`{host}:{}/{}`", options.get_port(), options.get_database().unwrap_or(options.get_username()))
}

/// Listings are ordered by bytes, as in SQLite and in AWS. A database sorts by its own collation, so only one that sorts by bytes will do.
async fn check_order(connection: &mut PgConnection, place: &str) -> Result<()> {
    let query = "SELECT datcollate, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()";
    let (collation, encoding): (String, String) =
        sqlx::query_as(query).fetch_one(connection).await.map_err(|error| from_sqlx(place, &error))?;
    let by_bytes = matches!(collation.as_str(), "C" | "POSIX" | "C.UTF-8" | "C.utf8");
    if by_bytes && encoding == "UTF8" {
        return Ok(());
    }
    Err(Error::unavailable(format!(
        "The database {place} sorts by `{collation}` in `{encoding}`; Craton needs `C` in `UTF8`."
    ))
    .with_hint("Make it with: CREATE DATABASE craton TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C';"))
}
