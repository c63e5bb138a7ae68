//! The lanes' table, and what is in a lane of the jobs' own.

use base::{Result, Timestamp};
use store::{Tx, params};

/// How many jobs of a lane have not ended.
pub(super) async fn count_open(tx: &Tx, lane: &str) -> Result<i64> {
    // The states are written as the index of lanes writes them, so that it is used.
    let sql = "SELECT COUNT(*) AS open FROM jobs WHERE lane = $1 AND state IN ('queued', 'running')";
    tx.fetch_one(sql, params![lane]).await?.int("open")
}

/// Until when a lane waits, if it does.
pub(super) async fn busy_until(tx: &Tx, lane: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    let row = tx.fetch_optional("SELECT busy_until FROM job_lanes WHERE name = $1", params![lane]).await?;
    let until = row.map(|row| row.time("busy_until")).transpose()?;
    if until.is_some_and(|until| until <= now) {
        tx.execute("DELETE FROM job_lanes WHERE name = $1", params![lane]).await?;
        return Ok(None);
    }
    Ok(until)
}

/// Whether somebody is at work on one of a lane's jobs.
pub(crate) async fn is_at_work(tx: &Tx, lane: &str, now: Timestamp) -> Result<bool> {
    let sql = "SELECT COUNT(*) AS running FROM jobs \
               WHERE lane = $1 AND state IN ('queued', 'running') AND state = 'running' AND lease_until > $2";
    Ok(tx.fetch_one(sql, params![lane, now]).await?.int("running")? > 0)
}

/// Has the queued jobs of a lane, and those that come, wait until a time, or until they are to begin at the latest.
pub(crate) async fn put_off(tx: &Tx, lane: &str, until: Timestamp, now: Timestamp) -> Result<()> {
    let sql = "INSERT INTO job_lanes (name, busy_until) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET busy_until = excluded.busy_until";
    tx.execute(sql, params![lane, until]).await?;
    let sql = "UPDATE jobs SET run_at = CASE WHEN begins_by > $3 AND begins_by < $2 THEN begins_by ELSE $2 END \
               WHERE lane = $1 AND state IN ('queued', 'running') AND state = 'queued' AND run_at < $2";
    tx.execute(sql, params![lane, until, now]).await.map(drop)
}
