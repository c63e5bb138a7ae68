//! The lanes' table, and what is in a lane of the jobs' own.

use base::{Result, Timestamp};
use store::{Tx, params};

/// How many jobs of a lane have not ended.
pub(super) async fn count_open(tx: &Tx, lane: &str) -> Result<i64> {
    // The states are written as the index of lanes writes them, so that it is used.
    let sql = "SELECT COUNT(*) AS open FROM jobs WHERE lane = $1 AND state IN ('queued', 'running')";
    tx.fetch_one(sql, params![lane]).await?.int("open")
}

/// Until when a lane waits, or last did.
pub(super) async fn busy_until(tx: &Tx, lane: &str) -> Result<Option<Timestamp>> {
    let row = tx.fetch_optional("SELECT busy_until FROM job_lanes WHERE name = $1", params![lane]).await?;
    row.map(|row| row.time("busy_until")).transpose()
}

/// Has the queued jobs of a lane, and those that come, wait until a time.
pub(crate) async fn put_off(tx: &Tx, lane: &str, until: Timestamp, now: Timestamp) -> Result<()> {
    // Lanes that wait no longer need no row.
    tx.execute("DELETE FROM job_lanes WHERE busy_until <= $1", params![now]).await?;
    let sql = "INSERT INTO job_lanes (name, busy_until) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET busy_until = excluded.busy_until";
    tx.execute(sql, params![lane, until]).await?;
    let sql = "UPDATE jobs SET run_at = $2 \
               WHERE lane = $1 AND state IN ('queued', 'running') AND state = 'queued' AND run_at < $2";
    tx.execute(sql, params![lane, until]).await.map(drop)
}
