//! The tables of sessions and their turns, keyed by account, region and session.

use ::store::{Migration, Module, Row, Store, params};
use base::{Result, Timestamp};
use identity::Ctx;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "answers", include_str!("../../migrations/0001_answers.sql"))];

/// The tables of this module.
pub const TABLES: Module = Module { name: "answers", migrations: MIGRATIONS };

/// How many sessions are removed at a time: more than begin meanwhile, so that lapsed ones do not pile up.
const SWEPT_TOGETHER: i64 = 100;

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SessionRow {
    pub(super) id: String,
    /// The caller's id, and the reader that they speak for.
    pub(super) owner: String,
    pub(super) reader: Option<String>,
    /// The knowledge base; none where documents come with the questions.
    pub(super) knowledge_base: Option<String>,
    /// The customer's key, where there is one.
    pub(super) kms_key: Option<String>,
    /// The key of the turns, sealed under that key or Craton's own.
    pub(super) data_key: Vec<u8>,
    pub(super) used_at: Timestamp,
}

pub(super) async fn put(store: &Store, ctx: &Ctx, row: &SessionRow) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "INSERT INTO answers_sessions
                (account, region, id, owner, reader, knowledge_base, kms_key, data_key, created_at, used_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
            let (reader, base, key) = (row.reader.as_deref(), row.knowledge_base.as_deref(), row.kms_key.as_deref());
            let (id, owner, sealed) = (row.id.as_str(), row.owner.as_str(), row.data_key.as_slice());
            let (account, region) = (ctx.account(), ctx.region());
            tx.execute(sql, params![account, region, id, owner, reader, base, key, sealed, row.used_at]).await
        })
        .await
        .map(drop)
}

pub(super) async fn find(store: &Store, ctx: &Ctx, id: &str) -> Result<Option<SessionRow>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, owner, reader, knowledge_base, kms_key, data_key, used_at FROM answers_sessions
                       WHERE account = $1 AND region = $2 AND id = $3";
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
            row.as_ref().map(session).transpose()
        })
        .await
}

/// Adds a turn after the last one, of which no more than `most` are kept.
pub(super) async fn add_turn(
    store: &Store,
    ctx: &Ctx,
    (session, at, most): (&str, Timestamp, i64),
    sealed: &[u8],
) -> Result<()> {
    store
        .write(|tx| async move {
            let (account, region) = (ctx.account(), ctx.region());
            let used = "UPDATE answers_sessions SET used_at = $4 WHERE account = $1 AND region = $2 AND id = $3";
            if tx.execute(used, params![account, region, session, at]).await? == 0 {
                // It ended meanwhile.
                return Ok(());
            }
            let last = "SELECT COALESCE(MAX(number), 0) AS last FROM answers_turns
                        WHERE account = $1 AND region = $2 AND session = $3";
            let number = tx.fetch_one(last, params![account, region, session]).await?.int("last")? + 1;
            let sql = "INSERT INTO answers_turns (account, region, session, number, sealed)
                       VALUES ($1, $2, $3, $4, $5)";
            tx.execute(sql, params![account, region, session, number, sealed]).await?;
            let old = "DELETE FROM answers_turns WHERE account = $1 AND region = $2 AND session = $3 AND number <= $4";
            tx.execute(old, params![account, region, session, number - most]).await?;
            Ok(())
        })
        .await
}

/// The sealed turns of a session, oldest first.
pub(super) async fn turns(store: &Store, ctx: &Ctx, session: &str) -> Result<Vec<Vec<u8>>> {
    store
        .read(|tx| async move {
            let sql =
                "SELECT sealed FROM answers_turns WHERE account = $1 AND region = $2 AND session = $3 ORDER BY number";
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region(), session]).await?;
            rows.iter().map(|row| row.bytes("sealed")).collect()
        })
        .await
}

/// Removes sessions of all accounts that nobody used since `before`, the [`SWEPT_TOGETHER`] oldest. Where there is none,
/// which is nearly always, nobody who writes is held up.
pub(super) async fn sweep(store: &Store, before: Timestamp) -> Result<()> {
    let lapsed = store
        .read(|tx| async move {
            let sql = "SELECT account, region, id FROM answers_sessions WHERE used_at < $1 ORDER BY used_at LIMIT $2";
            let rows = tx.fetch_all(sql, params![before, SWEPT_TOGETHER]).await?;
            let key = |row: &Row| Ok((row.text("account")?, row.text("region")?, row.text("id")?));
            rows.iter().map(key).collect::<Result<Vec<_>>>()
        })
        .await?;
    if lapsed.is_empty() {
        return Ok(());
    }
    let lapsed = &lapsed;
    store
        .write(|tx| async move {
            for (account, region, id) in lapsed {
                let (account, region, id) = (account.as_str(), region.as_str(), id.as_str());
                let session = "DELETE FROM answers_sessions
                               WHERE account = $1 AND region = $2 AND id = $3 AND used_at < $4";
                // An answer that took long may have ended meanwhile.
                if tx.execute(session, params![account, region, id, before]).await? > 0 {
                    let turns = "DELETE FROM answers_turns WHERE account = $1 AND region = $2 AND session = $3";
                    tx.execute(turns, params![account, region, id]).await?;
                }
            }
            Ok(())
        })
        .await
}

fn session(row: &Row) -> Result<SessionRow> {
    Ok(SessionRow {
        id: row.text("id")?,
        owner: row.text("owner")?,
        reader: row.opt_text("reader")?,
        knowledge_base: row.opt_text("knowledge_base")?,
        kms_key: row.opt_text("kms_key")?,
        data_key: row.bytes("data_key")?,
        used_at: row.time("used_at")?,
    })
}
