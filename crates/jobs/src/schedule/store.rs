//! The schedules' table.

use base::{AccountId, Error, Result, Timestamp};
use store::{Row, Store, params};

use super::{Every, NewSchedule, Schedule};
use crate::JobId;
use crate::store::{Insert, insert, json, owner, small};

pub(super) async fn upsert(store: &Store, new: &NewSchedule, first: Timestamp) -> Result<()> {
    let (input, every) = (&new.input.to_string(), &new.every.to_text());
    store
        .write(|tx| async move {
            tx.execute(
                "INSERT INTO job_schedules (account, name, region, principal_arn, principal_id, kind, input, max_attempts, \
                 every, next_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                 ON CONFLICT (account, name) DO UPDATE SET region = excluded.region, \
                   principal_arn = excluded.principal_arn, principal_id = excluded.principal_id, kind = excluded.kind, \
                   input = excluded.input, max_attempts = excluded.max_attempts, every = excluded.every, \
                   next_at = CASE WHEN job_schedules.every = excluded.every THEN job_schedules.next_at \
                             ELSE excluded.next_at END",
                params![
                    &new.owner.account,
                    &new.name,
                    &new.owner.region,
                    &new.owner.principal_arn,
                    new.owner.principal_id.as_deref(),
                    new.kind,
                    input,
                    new.max_attempts.max(1),
                    every,
                    first
                ],
            )
            .await?;
            Ok(())
        })
        .await
}

pub(super) async fn list(store: &Store, account: &AccountId) -> Result<Vec<Schedule>> {
    let sql = "SELECT * FROM job_schedules WHERE account = $1 ORDER BY name";
    let rows = store.read(|tx| async move { tx.fetch_all(sql, params![account]).await }).await?;
    rows.iter().map(schedule).collect()
}

pub(super) async fn delete(store: &Store, account: &AccountId, name: &str) -> Result<()> {
    let sql = "DELETE FROM job_schedules WHERE account = $1 AND name = $2";
    let deleted = store.write(|tx| async move { tx.execute(sql, params![account, name]).await }).await?;
    if deleted == 0 {
        return Err(Error::not_found(format!("There is no schedule `{name}`.")));
    }
    Ok(())
}

pub(super) async fn due(store: &Store, now: Timestamp) -> Result<Vec<Schedule>> {
    let sql = "SELECT * FROM job_schedules WHERE next_at <= $1 ORDER BY next_at, account, name";
    let rows = store.read(|tx| async move { tx.fetch_all(sql, params![now]).await }).await?;
    rows.iter().map(schedule).collect()
}

/// Makes the schedule's job and moves its next time, unless another server did so already.
pub(super) async fn fire(
    store: &Store,
    schedule: &Schedule,
    id: &JobId,
    next_at: Timestamp,
    now: Timestamp,
) -> Result<()> {
    let (key, input) = (&format!("schedule:{}", schedule.name), &schedule.input.to_string());
    store
        .write(|tx| async move {
            let sql = "UPDATE job_schedules SET next_at = $4 WHERE account = $1 AND name = $2 AND next_at = $3";
            let account = &schedule.owner.account;
            if tx.execute(sql, params![account, &schedule.name, schedule.next_at, next_at]).await? == 0 {
                return Ok(());
            }
            let new = Insert {
                id,
                owner: &schedule.owner,
                kind: &schedule.kind,
                dedup_key: Some(key),
                input,
                max_attempts: schedule.max_attempts,
                run_at: now,
                now,
                lane: None,
                begins_by: None,
            };
            insert(&tx, &new).await?;
            Ok(())
        })
        .await
}

fn schedule(row: &Row) -> Result<Schedule> {
    Ok(Schedule {
        name: row.text("name")?,
        owner: owner(row)?,
        kind: row.text("kind")?,
        input: json(&row.text("input")?)?,
        max_attempts: small(row.int("max_attempts")?)?,
        every: Every::from_text(&row.text("every")?)?,
        next_at: row.time("next_at")?,
    })
}
