//! The rows of batch jobs and of their records, keyed by account, region and job.

use ::store::{Row, Store, Tx, params};
use base::{Error, PageRequest, Result, Timestamp};
use identity::{Ctx, Keyring};
use jobs::{JobId, Owner};
use serde::{Deserialize, Serialize};

use super::InvocationType;
use super::job::{
    BatchCounts, BatchError, BatchFilter, BatchJob, BatchPlace, BatchStatus, InputFile, TOLD_ERRORS, arn,
};
use crate::Tags;

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, work, status, failure, asked, tags, request_token, request_hash, files, records, succeeded, \
             failed, input_tokens, output_tokens, created_at, modified_at, ended_at, expires_at FROM model_batch_jobs ",
            $rest
        )
    };
}

/// What was asked for, as its column keeps it.
#[derive(Serialize, Deserialize)]
struct AskedFor {
    model: String,
    role: String,
    kind: String,
    input: BatchPlace,
    output: BatchPlace,
    output_key: Option<String>,
    hours: u32,
}

/// What became of a record.
#[derive(Debug, Clone)]
pub(super) struct Outcome {
    /// Which of the job's files, from 0.
    pub(super) file: u32,
    /// Which of its lines, from 0.
    pub(super) line: u32,
    /// The model's answer, or what went wrong, as JSON.
    pub(super) answer: String,
    /// Why it failed, for people; none where it did not.
    pub(super) error: Option<BatchError>,
    /// Tokens read.
    pub(super) input_tokens: u64,
    /// Tokens written.
    pub(super) output_tokens: u64,
}

/// What is kept of a record.
pub(super) struct Kept {
    pub(super) line: u32,
    pub(super) succeeded: bool,
    /// JSON.
    pub(super) answer: Vec<u8>,
}

/// Keeps a new job.
///
/// # Errors
/// AlreadyExists, where another one was asked for with the token.
pub(super) async fn insert(store: &Store, ctx: &Ctx, job: &BatchJob, owner: &Owner, hash: &str) -> Result<()> {
    let asked = AskedFor {
        model: job.model_id.clone(),
        role: job.role_arn.clone(),
        kind: job.kind.as_str().to_owned(),
        input: job.input.clone(),
        output: job.output.clone(),
        output_key: job.output_key.clone(),
        hours: job.timeout_hours,
    };
    let (asked, tags) = (json(&asked)?, json(&job.tags)?);
    let (asked, tags) = (&asked, &tags);
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_batch_jobs (account, region, id, name, status, asked, tags, request_token,
                         request_hash, created_at, modified_at, expires_at, principal_arn, principal_id)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13)";
            let params = params![
                ctx.account(),
                ctx.region(),
                &job.id,
                &job.name,
                job.status.as_str(),
                asked,
                tags,
                job.request_token.as_ref(),
                hash,
                job.created,
                job.expires,
                &owner.principal_arn,
                owner.principal_id.as_deref().unwrap_or_default(),
            ];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// The job that a request with this token made, and what that asked for.
pub(super) async fn job_by_token(store: &Store, ctx: &Ctx, token: &str) -> Result<Option<(BatchJob, String)>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND request_token = $3");
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), token]).await?;
            row.map(|row| Ok((read_job(ctx, &row)?, row.text("request_hash")?))).transpose()
        })
        .await
}

/// The job of this id.
pub(super) async fn job(store: &Store, ctx: &Ctx, id: &str) -> Result<Option<BatchJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND id = $3");
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
            row.map(|row| read_job(ctx, &row)).transpose()
        })
        .await
}

/// The jobs that have not ended, as far as their rows say.
pub(super) async fn open_jobs(store: &Store, ctx: &Ctx) -> Result<Vec<BatchJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND ended_at IS NULL");
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region()]).await?;
            rows.iter().map(|row| read_job(ctx, row)).collect()
        })
        .await
}

/// The jobs of a page, and one more where there is one.
pub(super) async fn jobs(store: &Store, ctx: &Ctx, filter: &BatchFilter, page: &PageRequest) -> Result<Vec<BatchJob>> {
    let first = if filter.ascending { (i64::MIN, String::new()) } else { (i64::MAX, String::new()) };
    let after = page.after.as_deref().and_then(|after| {
        let (time, id) = after.split_once('/')?;
        Some((time.parse().ok()?, id.to_owned()))
    });
    let (time, id) = after.unwrap_or(first);
    let (id, status) = (&id, filter.status.map_or("", BatchStatus::as_str));
    store
        .read(|tx| async move {
            let params = params![
                ctx.account(),
                ctx.region(),
                filter.after.map_or(i64::MIN, Timestamp::as_millis),
                filter.before.map_or(i64::MAX, Timestamp::as_millis),
                filter.name_contains.as_deref().unwrap_or_default(),
                time,
                id,
                i64::from(page.limit) + 1,
                status
            ];
            let sql = if filter.ascending {
                select_jobs!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at > $6 OR (created_at = $6 AND id > $7)) \
                     AND ($9 = '' OR status = $9) ORDER BY created_at, id LIMIT $8"
                )
            } else {
                select_jobs!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at < $6 OR (created_at = $6 AND id < $7)) \
                     AND ($9 = '' OR status = $9) ORDER BY created_at DESC, id DESC LIMIT $8"
                )
            };
            tx.fetch_all(sql, params).await?.iter().map(|row| read_job(ctx, row)).collect()
        })
        .await
}

/// Where a row stands in listings by time: a page's token names it.
pub(super) fn place(created: Timestamp, id: &str) -> String {
    format!("{}/{id}", created.as_millis())
}

/// The jobs whose work was never submitted, as the process ended before: their ids, and for whom they are.
pub(super) async fn unsubmitted(store: &Store) -> Result<Vec<(String, Owner)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, region, principal_arn, principal_id FROM model_batch_jobs \
                       WHERE ended_at IS NULL AND work IS NULL";
            let owner = |row: &Row| -> Result<Owner> {
                Ok(Owner {
                    account: row.text("account")?.parse()?,
                    region: row.text("region")?.parse()?,
                    principal_arn: row.text("principal_arn")?,
                    principal_id: Some(row.text("principal_id")?).filter(|id| !id.is_empty()),
                })
            };
            tx.fetch_all(sql, params![]).await?.iter().map(|row| Ok((row.text("id")?, owner(row)?))).collect()
        })
        .await
}

/// Notes which job does the work.
pub(super) async fn set_work(store: &Store, owner: &Owner, id: &str, work: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_batch_jobs SET work = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![&owner.account, &owner.region, id, work]).await.map(drop)
        })
        .await
}

/// Moves a job on, unless it has ended or is to stop. False then.
pub(super) async fn advance(store: &Store, ctx: &Ctx, id: &str, to: BatchStatus, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_batch_jobs SET status = $4, modified_at = $5
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL AND status <> 'Stopping'";
            let params = params![ctx.account(), ctx.region(), id, to.as_str(), now];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Keeps what the input is made of.
pub(super) async fn set_files(store: &Store, ctx: &Ctx, id: &str, files: &[InputFile], now: Timestamp) -> Result<()> {
    let records = integer(files.iter().map(|file| file.records).sum())?;
    let files = &json(&files)?;
    store
        .write(|tx| async move {
            let sql = "UPDATE model_batch_jobs SET files = $4, records = $5, modified_at = $6
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, files, records, now]).await.map(drop)
        })
        .await
}

/// Notes that a job is to stop; false where it has ended.
pub(super) async fn begin_stop(store: &Store, ctx: &Ctx, id: &str, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_batch_jobs SET status = 'Stopping', modified_at = $4
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL";
            Ok(tx.execute(sql, params![ctx.account(), ctx.region(), id, now]).await? > 0)
        })
        .await
}

/// Keeps what became of records, each once; the job's status since. None where the job has ended: nothing was kept then.
pub(super) async fn save(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    id: &str,
    outcomes: &[Outcome],
    now: Timestamp,
) -> Result<Option<BatchStatus>> {
    let sealed: Result<Vec<Vec<u8>>> =
        outcomes.iter().map(|outcome| keyring.seal(&purpose(id, outcome.file), outcome.answer.as_bytes())).collect();
    let sealed = &sealed?;
    store
        .write(|tx| async move {
            let sql = "SELECT status, errors FROM model_batch_jobs
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL";
            let Some(row) = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await? else {
                return Ok(None);
            };
            let (mut counts, mut errors) = (BatchCounts::default(), open_errors(keyring, id, &row)?);
            for (outcome, sealed) in outcomes.iter().zip(sealed) {
                if insert_record(&tx, ctx, id, outcome, sealed).await? {
                    counts.input_tokens += outcome.input_tokens;
                    counts.output_tokens += outcome.output_tokens;
                    match &outcome.error {
                        Some(error) => {
                            counts.failed += 1;
                            errors.push(error.clone());
                        }
                        None => counts.succeeded += 1,
                    }
                }
            }
            errors.truncate(TOLD_ERRORS);
            let errors = keyring.seal(&errors_purpose(id), json(&errors)?.as_bytes())?;
            add(&tx, ctx, id, &counts, &errors, now).await?;
            BatchStatus::from_name(&row.text("status")?).map(Some)
        })
        .await
}

async fn insert_record(tx: &Tx, ctx: &Ctx, id: &str, outcome: &Outcome, sealed: &[u8]) -> Result<bool> {
    let sql = "INSERT INTO model_batch_records (account, region, job, file, line, succeeded, answer)
               VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, region, job, file, line) DO NOTHING";
    let succeeded = outcome.error.is_none();
    let params = params![ctx.account(), ctx.region(), id, outcome.file, outcome.line, succeeded, sealed];
    Ok(tx.execute(sql, params).await? > 0)
}

async fn add(tx: &Tx, ctx: &Ctx, id: &str, counts: &BatchCounts, errors: &[u8], now: Timestamp) -> Result<()> {
    let sql = "UPDATE model_batch_jobs SET succeeded = succeeded + $4, failed = failed + $5,
                 input_tokens = input_tokens + $6, output_tokens = output_tokens + $7, errors = $8, modified_at = $9
               WHERE account = $1 AND region = $2 AND id = $3";
    let params = params![
        ctx.account(),
        ctx.region(),
        id,
        integer(counts.succeeded)?,
        integer(counts.failed)?,
        integer(counts.input_tokens)?,
        integer(counts.output_tokens)?,
        errors,
        now
    ];
    tx.execute(sql, params).await.map(drop)
}

/// The lines of a file whose records are kept, in order.
pub(super) async fn kept_lines(store: &Store, ctx: &Ctx, id: &str, file: u32) -> Result<Vec<u32>> {
    store
        .read(|tx| async move {
            let sql = "SELECT line FROM model_batch_records
                       WHERE account = $1 AND region = $2 AND job = $3 AND file = $4 ORDER BY line";
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region(), id, file]).await?;
            rows.iter().map(|row| number(row, "line")).collect()
        })
        .await
}

/// What is kept of a file's records from a line on, at most `limit` of them, in order.
pub(super) async fn kept(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    id: &str,
    (file, from): (u32, u32),
    limit: u32,
) -> Result<Vec<Kept>> {
    let purpose = &purpose(id, file);
    store
        .read(|tx| async move {
            let sql = "SELECT line, succeeded, answer FROM model_batch_records
                       WHERE account = $1 AND region = $2 AND job = $3 AND file = $4 AND line >= $5
                       ORDER BY line LIMIT $6";
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region(), id, file, from, limit]).await?;
            let read = |row: &Row| {
                Ok(Kept {
                    line: number(row, "line")?,
                    succeeded: row.bool("succeeded")?,
                    answer: keyring.open(purpose, &row.bytes("answer")?)?.to_vec(),
                })
            };
            rows.iter().map(read).collect()
        })
        .await
}

/// Notes the end of a job, if it has not ended before, and forgets its records.
pub(super) async fn end(store: &Store, ctx: &Ctx, job: &BatchJob) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_batch_jobs SET status = $4, failure = $5, modified_at = $6, ended_at = $6
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL";
            let ended = job.ended.unwrap_or(job.modified);
            let params =
                params![ctx.account(), ctx.region(), &job.id, job.status.as_str(), job.failure.as_ref(), ended];
            if tx.execute(sql, params).await? == 0 {
                return Ok(false);
            }
            let sql = "DELETE FROM model_batch_records WHERE account = $1 AND region = $2 AND job = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), &job.id]).await?;
            Ok(true)
        })
        .await
}

/// The first records of a job that failed; none where there is no such job.
pub(super) async fn errors(store: &Store, keyring: &Keyring, ctx: &Ctx, id: &str) -> Result<Option<Vec<BatchError>>> {
    store
        .read(|tx| async move {
            let sql = "SELECT errors FROM model_batch_jobs WHERE account = $1 AND region = $2 AND id = $3";
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
            row.map(|row| open_errors(keyring, id, &row)).transpose()
        })
        .await
}

fn open_errors(keyring: &Keyring, id: &str, row: &Row) -> Result<Vec<BatchError>> {
    match row.opt_bytes("errors")? {
        Some(sealed) => serde_json::from_slice(&keyring.open(&errors_purpose(id), &sealed)?).map_err(Error::internal),
        None => Ok(Vec::new()),
    }
}

/// The tags of a job; none where there is no such one.
pub(crate) async fn tags(store: &Store, ctx: &Ctx, id: &str) -> Result<Option<Tags>> {
    store.read(|tx| async move { read_tags(&tx, ctx, id).await }).await
}

/// Replaces the tags by what `change` makes of them; false where there is no such job.
pub(crate) async fn change_tags(
    store: &Store,
    ctx: &Ctx,
    id: &str,
    change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
) -> Result<bool> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(tags) = read_tags(&tx, ctx, id).await? else { return Ok(false) };
            let tags = json(&change(tags)?)?;
            let sql = "UPDATE model_batch_jobs SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, &tags]).await.map(|rows| rows > 0)
        })
        .await
}

async fn read_tags(tx: &Tx, ctx: &Ctx, id: &str) -> Result<Option<Tags>> {
    let sql = "SELECT tags FROM model_batch_jobs WHERE account = $1 AND region = $2 AND id = $3";
    let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
    row.map(|row| parse::<Tags>("tags", &row.text("tags")?)).transpose()
}

fn read_job(ctx: &Ctx, row: &Row) -> Result<BatchJob> {
    let (id, asked) = (row.text("id")?, parse::<AskedFor>("asked", &row.text("asked")?)?);
    let count = |column| row.int(column).and_then(|count| u64::try_from(count).map_err(Error::internal));
    Ok(BatchJob {
        arn: arn(ctx, &id),
        id,
        name: row.text("name")?,
        status: BatchStatus::from_name(&row.text("status")?)?,
        failure: row.opt_text("failure")?,
        role_arn: asked.role,
        model_id: asked.model,
        kind: InvocationType::from_row(&asked.kind)?,
        input: asked.input,
        output: asked.output,
        output_key: asked.output_key,
        timeout_hours: asked.hours,
        request_token: row.opt_text("request_token")?,
        tags: parse::<Tags>("tags", &row.text("tags")?)?,
        counts: BatchCounts {
            records: count("records")?,
            succeeded: count("succeeded")?,
            failed: count("failed")?,
            input_tokens: count("input_tokens")?,
            output_tokens: count("output_tokens")?,
        },
        files: row.opt_text("files")?.map(|files| parse::<Vec<InputFile>>("files", &files)).transpose()?,
        work: row.opt_text("work")?.map(|id| id.parse::<JobId>()).transpose()?,
        created: row.time("created_at")?,
        modified: row.time("modified_at")?,
        ended: row.opt_time("ended_at")?,
        expires: row.time("expires_at")?,
    })
}

/// What the answers of a file's records are sealed for.
fn purpose(job: &str, file: u32) -> String {
    format!("models/batch/{job}/{file}")
}

fn errors_purpose(job: &str) -> String {
    format!("models/batch/{job}/errors")
}

fn number(row: &Row, column: &str) -> Result<u32> {
    u32::try_from(row.int(column)?).map_err(Error::internal)
}

fn integer(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(Error::internal)
}

fn parse<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::internal(format!("the column `{column}`: {error}")))
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}
