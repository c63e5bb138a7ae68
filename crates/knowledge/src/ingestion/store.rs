//! The rows of ingestion jobs.

use ::store::{Row, Store, Tx, params};
use base::{Result, Timestamp};
use jobs::{JobId, Owner};

use super::{IngestionJob, IngestionStatistics, IngestionStatus};
use crate::documents::store::Place;
use crate::knowledge_bases::store::realm as read_realm;
use crate::realm::{Realm, count, integer, json, parse};

/// How many reasons a job tells.
const TOLD: usize = 100;
/// How many characters of each: Bedrock's.
const LONGEST: usize = 2_048;

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, region, knowledge_base, source, id, description, status, work, principal_arn, principal_id, \
             failures, scanned, sidecars, added, modified, metadata_modified, deleted, failed, created_at, modified_at \
             FROM knowledge_jobs ",
            $rest
        )
    };
}

/// What became of some documents.
#[derive(Debug)]
pub(crate) struct Counted {
    pub(crate) statistics: IngestionStatistics,
    pub(crate) reasons: Vec<String>,
    pub(crate) now: Timestamp,
}

/// Keeps a new job; false, where another one of the data source has not ended, or was made by a request with the same token.
pub(super) async fn insert(
    store: &Store,
    realm: &Realm,
    job: &IngestionJob,
    (owner, token): (&Owner, Option<&str>),
) -> Result<bool> {
    store
        .write(|tx| async move {
            let taken = params![&realm.account, &realm.region, &job.knowledge_base, &job.data_source, token];
            let sql = "SELECT id FROM knowledge_jobs WHERE account = $1 AND region = $2 AND knowledge_base = $3
                         AND source = $4 AND (ended_at IS NULL OR request_token = $5) LIMIT 1";
            if tx.fetch_optional(sql, taken).await?.is_some() {
                return Ok(false);
            }
            let sql = "INSERT INTO knowledge_jobs (account, region, knowledge_base, source, id, description, status,
                         principal_arn, principal_id, failures, request_token, created_at, modified_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '[]', $10, $11, $11)";
            let params = params![
                &realm.account,
                &realm.region,
                &job.knowledge_base,
                &job.data_source,
                &job.id,
                job.description.as_ref(),
                job.status.as_str(),
                &owner.principal_arn,
                owner.principal_id.as_ref(),
                token,
                job.started,
            ];
            tx.execute(sql, params).await.map(|_| true)
        })
        .await
}

/// The job that a request with this token made.
pub(super) async fn by_token(
    store: &Store,
    realm: &Realm,
    (base, source): (&str, &str),
    token: &str,
) -> Result<Option<IngestionJob>> {
    store
        .read(|tx| async move {
            let sql = select!(
                "WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND request_token = $5"
            );
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source, token]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
}

pub(super) async fn find(
    store: &Store,
    realm: &Realm,
    (base, source): (&str, &str),
    id: &str,
) -> Result<Option<IngestionJob>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source, id]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
}

/// All jobs of a data source.
pub(super) async fn all(store: &Store, realm: &Realm, (base, source): (&str, &str)) -> Result<Vec<IngestionJob>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4");
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source]).await?;
            rows.iter().map(read).collect()
        })
        .await
}

/// The jobs of a data source that have not ended, as far as their rows say.
pub(super) async fn open_of(store: &Store, realm: &Realm, (base, source): (&str, &str)) -> Result<Vec<IngestionJob>> {
    store
        .read(|tx| async move {
            let sql = select!(
                "WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND ended_at IS NULL"
            );
            let rows = tx.fetch_all(sql, params![&realm.account, &realm.region, base, source]).await?;
            rows.iter().map(read).collect()
        })
        .await
}

/// The jobs whose work was never submitted, as the process ended before.
pub(crate) async fn unsubmitted(store: &Store) -> Result<Vec<(Realm, (IngestionJob, Owner))>> {
    store
        .read(|tx| async move {
            let rows = tx.fetch_all(select!("WHERE ended_at IS NULL AND work IS NULL"), params![]).await?;
            rows.iter().map(|row| Ok((read_realm(row)?, (read(row)?, owner(row)?)))).collect()
        })
        .await
}

/// For whom a job works.
pub(super) async fn owner_of(store: &Store, realm: &Realm, job: &IngestionJob) -> Result<Option<Owner>> {
    let (base, source) = (&job.knowledge_base, &job.data_source);
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source, &job.id]).await?;
            row.as_ref().map(owner).transpose()
        })
        .await
}

fn owner(row: &Row) -> Result<Owner> {
    let Realm { account, region } = read_realm(row)?;
    let (principal_arn, principal_id) = (row.text("principal_arn")?, row.opt_text("principal_id")?);
    Ok(Owner { account, region, principal_arn, principal_id })
}

/// Notes which job does the work.
pub(super) async fn set_work(store: &Store, realm: &Realm, job: &IngestionJob, work: &JobId) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_jobs SET work = $6
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5";
            let (base, source) = (&job.knowledge_base, &job.data_source);
            let params = params![&realm.account, &realm.region, base, source, &job.id, work.as_str()];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// Notes that the job works, and what its source has; false, where it is told to stop.
pub(super) async fn begin(
    store: &Store,
    realm: &Realm,
    job: &IngestionJob,
    (scanned, sidecars): (u64, u64),
    now: Timestamp,
) -> Result<bool> {
    let (scanned, sidecars) = (integer(scanned)?, integer(sidecars)?);
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_jobs SET status = 'IN_PROGRESS', scanned = $6, sidecars = $7, modified_at = $8
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5
                         AND status IN ('STARTING', 'IN_PROGRESS')";
            let (base, source) = (&job.knowledge_base, &job.data_source);
            let params = params![&realm.account, &realm.region, base, source, &job.id, scanned, sidecars, now];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Adds to what a job has come to.
pub(crate) async fn add(tx: &Tx, place: Place<'_>, id: &str, counted: &Counted) -> Result<()> {
    let Place { realm, base, source } = place;
    let sql = "SELECT failures FROM knowledge_jobs
               WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5";
    let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, base, source, id]).await?;
    let Some(row) = row else { return Ok(()) };
    let mut failures: Vec<String> = parse("failures", &row.text("failures")?)?;
    failures.extend(counted.reasons.iter().map(|reason| cut(reason)));
    failures.truncate(TOLD);
    let IngestionStatistics { added, modified, metadata_modified, deleted, failed, .. } = counted.statistics;
    let sql = "UPDATE knowledge_jobs SET added = added + $6, modified = modified + $7,
                 metadata_modified = metadata_modified + $8, deleted = deleted + $9, failed = failed + $10,
                 failures = $11, modified_at = $12
               WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5";
    let failures = json(&failures)?;
    let params = params![
        &realm.account,
        &realm.region,
        base,
        source,
        id,
        integer(added)?,
        integer(modified)?,
        integer(metadata_modified)?,
        integer(deleted)?,
        integer(failed)?,
        &failures,
        counted.now,
    ];
    tx.execute(sql, params).await.map(drop)
}

/// Notes that the job is to stop; false, where it has ended.
pub(super) async fn begin_stop(store: &Store, realm: &Realm, job: &IngestionJob, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_jobs SET status = 'STOPPING', modified_at = $6
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5
                         AND ended_at IS NULL";
            let (base, source) = (&job.knowledge_base, &job.data_source);
            let params = params![&realm.account, &realm.region, base, source, &job.id, now];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Notes the end of a job, if it has not ended before. A reason stands before those of documents.
pub(super) async fn end(
    store: &Store,
    realm: &Realm,
    job: &IngestionJob,
    (status, reason): (IngestionStatus, Option<&str>),
    now: Timestamp,
) -> Result<()> {
    store
        .write(|tx| async move {
            let (base, source) = (&job.knowledge_base, &job.data_source);
            let key = params![&realm.account, &realm.region, base, source, &job.id];
            let sql = "SELECT failures FROM knowledge_jobs WHERE account = $1 AND region = $2 AND knowledge_base = $3
                         AND source = $4 AND id = $5 AND ended_at IS NULL";
            let Some(row) = tx.fetch_optional(sql, key).await? else { return Ok(()) };
            let mut failures: Vec<String> = parse("failures", &row.text("failures")?)?;
            if let Some(reason) = reason {
                failures.insert(0, cut(reason));
                failures.truncate(TOLD);
            }
            let failures = json(&failures)?;
            let sql = "UPDATE knowledge_jobs SET status = $6, failures = $7, modified_at = $8, ended_at = $8
                       WHERE account = $1 AND region = $2 AND knowledge_base = $3 AND source = $4 AND id = $5";
            let (account, region) = (&realm.account, &realm.region);
            let params = params![account, region, base, source, &job.id, status.as_str(), &failures, now];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

fn cut(reason: &str) -> String {
    reason.chars().take(LONGEST).collect()
}

fn read(row: &Row) -> Result<IngestionJob> {
    let number = |column: &str| count(row.int(column)?);
    Ok(IngestionJob {
        id: row.text("id")?,
        knowledge_base: row.text("knowledge_base")?,
        data_source: row.text("source")?,
        description: row.opt_text("description")?,
        status: IngestionStatus::from_name(&row.text("status")?)?,
        statistics: IngestionStatistics {
            scanned: number("scanned")?,
            sidecars_scanned: number("sidecars")?,
            added: number("added")?,
            modified: number("modified")?,
            metadata_modified: number("metadata_modified")?,
            deleted: number("deleted")?,
            failed: number("failed")?,
        },
        failure_reasons: parse("failures", &row.text("failures")?)?,
        started: row.time("created_at")?,
        modified: row.time("modified_at")?,
        work: row.opt_text("work")?.map(|id| id.parse::<JobId>()).transpose()?,
    })
}
