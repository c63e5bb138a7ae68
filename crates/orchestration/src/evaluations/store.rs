//! The rows of evaluation jobs and of what they found out, keyed by account, region and job.

use std::collections::BTreeMap;

use ::store::{Migration, Module, Row, Store, params};
use base::{Error, PageRequest, Result, Timestamp};
use identity::{Ctx, Keyring};
use jobs::{JobId, Owner};
use models::Tags;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::job::{Begun, EvaluationFilter, EvaluationJob, EvaluationStatus, Kept, arn};
use super::metrics::Family;
use super::pairwise::Duel;
use super::passport::Passport;

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "evaluations", include_str!("../../migrations/0001_evaluations.sql")),
    Migration::same(2, "evaluations_duels", include_str!("../../migrations/0002_evaluations_duels.sql")),
    Migration::same(3, "evaluations_begun", include_str!("../../migrations/0003_evaluations_begun.sql")),
];

/// The tables of this module.
pub const TABLES: Module = Module { name: "evaluations", migrations: MIGRATIONS };

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, work, status, asked, messages, request_token, total, begun_at, begun_with, created_at, \
             modified_at, ended_at FROM evaluations_jobs ",
            $rest
        )
    };
}

/// Where something that was found out belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Which dataset.
    pub(super) dataset: usize,
    /// Which system.
    pub(super) system: usize,
    /// Which record.
    pub(super) record: usize,
    /// Which turn.
    pub(super) turn: usize,
    /// Which metric; none for the answer.
    pub(super) metric: Option<usize>,
}

/// Keeps a new job; false where another one has its name or its token.
pub(super) async fn insert(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    job: &EvaluationJob,
    owner: &Owner,
) -> Result<bool> {
    let kept = Kept {
        description: job.description.clone(),
        role: job.role_arn.clone(),
        output_key: job.output_key.clone(),
        tags: job.tags.clone(),
        asked: job.asked.clone(),
        configuration: job.configuration.clone(),
        folder: job.folder.clone(),
    };
    let asked = &keyring.seal(&asked_purpose(&job.id), json(&kept)?.as_bytes())?;
    let is_rag = job.asked.systems.iter().any(|system| system.family() != Family::Model);
    store
        .write(|tx| async move {
            let sql = "INSERT INTO evaluations_jobs (account, region, id, name, status, is_rag, asked, request_token,
                         created_at, modified_at, principal_arn, principal_id)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11) ON CONFLICT DO NOTHING";
            let params = params![
                ctx.account(),
                ctx.region(),
                &job.id,
                &job.name,
                job.status.as_str(),
                is_rag,
                asked,
                job.request_token.as_ref(),
                job.created,
                &owner.principal_arn,
                owner.principal_id.as_deref().unwrap_or_default(),
            ];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// The job of this id.
pub(super) async fn job(store: &Store, keyring: &Keyring, ctx: &Ctx, id: &str) -> Result<Option<EvaluationJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND id = $3");
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
            row.map(|row| read_job(keyring, ctx, &row)).transpose()
        })
        .await
}

/// The job that a request with this token made.
pub(super) async fn by_token(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    token: &str,
) -> Result<Option<EvaluationJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND request_token = $3");
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), token]).await?;
            row.map(|row| read_job(keyring, ctx, &row)).transpose()
        })
        .await
}

/// The jobs that have not ended, as far as their rows say.
pub(super) async fn open_jobs(store: &Store, keyring: &Keyring, ctx: &Ctx) -> Result<Vec<EvaluationJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND ended_at IS NULL");
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region()]).await?;
            rows.iter().map(|row| read_job(keyring, ctx, row)).collect()
        })
        .await
}

/// The jobs of a page, and one more where there is one.
pub(super) async fn jobs(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    filter: &EvaluationFilter,
    page: &PageRequest,
) -> Result<Vec<EvaluationJob>> {
    let first = if filter.ascending { (i64::MIN, String::new()) } else { (i64::MAX, String::new()) };
    let after = page.after.as_deref().and_then(|after| {
        let (time, id) = after.split_once('/')?;
        Some((time.parse().ok()?, id.to_owned()))
    });
    let (time, id) = after.unwrap_or(first);
    let (id, status) = (&id, filter.status.map_or("", EvaluationStatus::as_str));
    let kind = match filter.is_rag {
        None => -1,
        Some(is_rag) => i64::from(is_rag),
    };
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
                status,
                kind
            ];
            let sql = if filter.ascending {
                select_jobs!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at > $6 OR (created_at = $6 AND id > $7)) \
                     AND ($9 = '' OR status = $9) AND ($10 < 0 OR is_rag = ($10 = 1)) ORDER BY created_at, id LIMIT $8"
                )
            } else {
                select_jobs!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at < $6 OR (created_at = $6 AND id < $7)) \
                     AND ($9 = '' OR status = $9) AND ($10 < 0 OR is_rag = ($10 = 1)) \
                     ORDER BY created_at DESC, id DESC LIMIT $8"
                )
            };
            tx.fetch_all(sql, params).await?.iter().map(|row| read_job(keyring, ctx, row)).collect()
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
            let sql = "SELECT id, account, region, principal_arn, principal_id FROM evaluations_jobs
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
            let sql = "UPDATE evaluations_jobs SET work = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![&owner.account, &owner.region, id, work]).await.map(drop)
        })
        .await
}

/// Notes that a run begins to work on a job: how many answers and scores there will be, and how many of them are kept by now.
pub(super) async fn set_begun(store: &Store, ctx: &Ctx, id: &str, total: u64, begun: Begun) -> Result<()> {
    let (total, with) = (integer(total)?, integer(begun.with)?);
    store
        .write(|tx| async move {
            let sql = "UPDATE evaluations_jobs SET total = $4, begun_at = $5, begun_with = $6
                       WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, total, begun.at, with]).await.map(drop)
        })
        .await
}

/// Notes that what was done before tells nothing of the run that begins now: what is left is not known until [`set_begun`].
pub(super) async fn clear_begun(store: &Store, ctx: &Ctx, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE evaluations_jobs SET begun_at = NULL, begun_with = NULL
                       WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id]).await.map(drop)
        })
        .await
}

/// Replaces the tags of a job by what `change` makes of them; false where there is no such job.
pub(super) async fn change_tags(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    id: &str,
    change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
) -> Result<bool> {
    let (change, purpose) = (&change, &asked_purpose(id));
    store
        .write(|tx| async move {
            let sql = "SELECT asked FROM evaluations_jobs WHERE account = $1 AND region = $2 AND id = $3";
            let Some(row) = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await? else {
                return Ok(false);
            };
            let mut kept: Kept = open(keyring, purpose, &row.bytes("asked")?)?;
            kept.tags = change(kept.tags)?;
            let asked = &keyring.seal(purpose, json(&kept)?.as_bytes())?;
            let sql = "UPDATE evaluations_jobs SET asked = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, asked]).await.map(|rows| rows > 0)
        })
        .await
}

/// Notes that a job is to stop; false where it has ended.
pub(super) async fn begin_stop(store: &Store, ctx: &Ctx, id: &str, now: Timestamp) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE evaluations_jobs SET status = 'Stopping', modified_at = $4
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL";
            Ok(tx.execute(sql, params![ctx.account(), ctx.region(), id, now]).await? > 0)
        })
        .await
}

/// Notes the end of a job; false where it has ended before, or, where it would be completed, is to stop.
pub(super) async fn end(store: &Store, keyring: &Keyring, ctx: &Ctx, job: &EvaluationJob) -> Result<bool> {
    let messages = &keyring.seal(&messages_purpose(&job.id), json(&job.messages)?.as_bytes())?;
    store
        .write(|tx| async move {
            let sql = "UPDATE evaluations_jobs SET status = $4, messages = $5, modified_at = $6, ended_at = $6
                       WHERE account = $1 AND region = $2 AND id = $3 AND ended_at IS NULL
                         AND ($4 <> 'Completed' OR status <> 'Stopping')";
            let ended = job.ended.unwrap_or(job.modified);
            let params = params![ctx.account(), ctx.region(), &job.id, job.status.as_str(), messages, ended];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Deletes a job and all that it found out.
pub(super) async fn delete(store: &Store, ctx: &Ctx, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM evaluations_parts WHERE account = $1 AND region = $2 AND job = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id]).await?;
            let sql = "DELETE FROM evaluations_duels
                       WHERE account = $1 AND region = $2 AND (first_job = $3 OR second_job = $3)";
            tx.execute(sql, params![ctx.account(), ctx.region(), id]).await?;
            let sql = "DELETE FROM evaluations_jobs WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id]).await.map(drop)
        })
        .await
}

/// Keeps something that was found out, unless it is kept already.
pub(super) async fn keep<T: Serialize + Sync>(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    (id, place): (&str, Place),
    content: &T,
) -> Result<()> {
    let sealed = &keyring.seal(&part_purpose(id), json(content)?.as_bytes())?;
    let (dataset, system, record, turn) =
        (index(place.dataset)?, index(place.system)?, index(place.record)?, index(place.turn)?);
    let part = place.metric.map_or(Ok(-1), index)?;
    store
        .write(|tx| async move {
            let sql =
                "INSERT INTO evaluations_parts (account, region, job, dataset, system, record, turn, part, content)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
            let params = params![ctx.account(), ctx.region(), id, dataset, system, record, turn, part, sealed];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// The digest of a dataset as the job read it first: `digest`, where it was not read before. It is kept beside the dataset's
/// records, as that of the number -1.
pub(super) async fn first_digest(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    (id, dataset): (&str, usize),
    digest: &str,
) -> Result<String> {
    let purpose = &part_purpose(id);
    let sealed = &keyring.seal(purpose, json(&digest)?.as_bytes())?;
    let dataset = index(dataset)?;
    store
        .write(|tx| async move {
            let sql =
                "INSERT INTO evaluations_parts (account, region, job, dataset, system, record, turn, part, content)
                       VALUES ($1, $2, $3, $4, 0, -1, 0, -1, $5) ON CONFLICT DO NOTHING";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, dataset, sealed]).await?;
            let sql = "SELECT content FROM evaluations_parts
                       WHERE account = $1 AND region = $2 AND job = $3 AND dataset = $4 AND record = -1";
            let row = tx.fetch_one(sql, params![ctx.account(), ctx.region(), id, dataset]).await?;
            open(keyring, purpose, &row.bytes("content")?)
        })
        .await
}

/// The digest that [`first_digest`] kept of a dataset; none where the job did not come to it.
pub(super) async fn kept_digest(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    (id, dataset): (&str, usize),
) -> Result<Option<String>> {
    let (purpose, dataset) = (&part_purpose(id), index(dataset)?);
    store
        .read(|tx| async move {
            let sql = "SELECT content FROM evaluations_parts
                       WHERE account = $1 AND region = $2 AND job = $3 AND dataset = $4 AND record = -1";
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id, dataset]).await?;
            row.map(|row| open(keyring, purpose, &row.bytes("content")?)).transpose()
        })
        .await
}

/// Keeps another digest of a dataset in the place of the one that [`first_digest`] kept.
pub(super) async fn set_digest(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    (id, dataset): (&str, usize),
    digest: &str,
) -> Result<()> {
    let sealed = &keyring.seal(&part_purpose(id), json(&digest)?.as_bytes())?;
    let dataset = index(dataset)?;
    store
        .write(|tx| async move {
            let sql = "UPDATE evaluations_parts SET content = $5
                       WHERE account = $1 AND region = $2 AND job = $3 AND dataset = $4 AND record = -1";
            let params = params![ctx.account(), ctx.region(), id, dataset, sealed];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// Something that is kept.
pub(super) struct Part {
    pub(super) place: Place,
    content: Vec<u8>,
}

impl Part {
    /// What it is.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.content).map_err(|error| Error::internal(format!("a part: {error}")))
    }
}

/// What is kept of a job's records from one on, of `count` records, in order.
pub(super) async fn parts(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    id: &str,
    (dataset, system): (usize, usize),
    (from, count): (usize, usize),
) -> Result<Vec<Part>> {
    let (of_dataset, of_system, from, to) =
        (index(dataset)?, index(system)?, index(from)?, index(from.saturating_add(count))?);
    let purpose = &part_purpose(id);
    store
        .read(|tx| async move {
            let sql = "SELECT record, turn, part, content FROM evaluations_parts
                       WHERE account = $1 AND region = $2 AND job = $3 AND dataset = $4 AND system = $5
                         AND record >= $6 AND record < $7 ORDER BY record, turn, part";
            let params = params![ctx.account(), ctx.region(), id, of_dataset, of_system, from, to];
            let read = |row: &Row| -> Result<Part> {
                let number = |column| row.int(column).and_then(|n| usize::try_from(n).map_err(Error::internal));
                let metric = usize::try_from(row.int("part")?).ok();
                let place = Place { dataset, system, record: number("record")?, turn: number("turn")?, metric };
                Ok(Part { place, content: keyring.open(purpose, &row.bytes("content")?)?.to_vec() })
            };
            tx.fetch_all(sql, params).await?.iter().map(read).collect()
        })
        .await
}

/// How many answers (none) and scores of each metric of a dataset are kept.
pub(super) async fn counts(store: &Store, ctx: &Ctx, id: &str) -> Result<Vec<(usize, Option<usize>, u64)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT dataset, part, COUNT(*) AS parts FROM evaluations_parts
                       WHERE account = $1 AND region = $2 AND job = $3 AND record >= 0 GROUP BY dataset, part ORDER BY dataset, part";
            let read = |row: &Row| {
                let dataset = usize::try_from(row.int("dataset")?).map_err(Error::internal)?;
                let count = u64::try_from(row.int("parts")?).map_err(Error::internal)?;
                Ok((dataset, usize::try_from(row.int("part")?).ok(), count))
            };
            tx.fetch_all(sql, params![ctx.account(), ctx.region(), id]).await?.iter().map(read).collect()
        })
        .await
}

/// When the run that works on a job began, and what it began with.
fn begun(row: &Row) -> Result<Option<Begun>> {
    let (at, with) = (row.opt_time("begun_at")?, row.opt_int("begun_with")?);
    let Some((at, with)) = at.zip(with) else { return Ok(None) };
    Ok(Some(Begun { at, with: u64::try_from(with).map_err(Error::internal)? }))
}

fn read_job(keyring: &Keyring, ctx: &Ctx, row: &Row) -> Result<EvaluationJob> {
    let id = row.text("id")?;
    let kept: Kept = open(keyring, &asked_purpose(&id), &row.bytes("asked")?)?;
    let messages = row.opt_bytes("messages")?;
    Ok(EvaluationJob {
        arn: arn(ctx, &id),
        name: row.text("name")?,
        description: kept.description,
        status: EvaluationStatus::from_name(&row.text("status")?)?,
        messages: messages.map_or_else(|| Ok(Vec::new()), |sealed| open(keyring, &messages_purpose(&id), &sealed))?,
        role_arn: kept.role,
        output_key: kept.output_key,
        tags: kept.tags,
        asked: kept.asked,
        configuration: kept.configuration,
        request_token: row.opt_text("request_token")?,
        folder: kept.folder,
        work: row.opt_text("work")?.map(|work| work.parse::<JobId>()).transpose()?,
        total: row.opt_int("total")?.map(|total| u64::try_from(total).map_err(Error::internal)).transpose()?,
        begun: begun(row)?,
        created: row.time("created_at")?,
        modified: row.time("modified_at")?,
        ended: row.opt_time("ended_at")?,
        id,
    })
}

fn open<T: DeserializeOwned>(keyring: &Keyring, purpose: &str, sealed: &[u8]) -> Result<T> {
    serde_json::from_slice(&keyring.open(purpose, sealed)?)
        .map_err(|error| Error::internal(format!("{purpose}: {error}")))
}

fn asked_purpose(job: &str) -> String {
    format!("evaluations/{job}/asked")
}

fn messages_purpose(job: &str) -> String {
    format!("evaluations/{job}/messages")
}

fn part_purpose(job: &str) -> String {
    format!("evaluations/{job}/parts")
}

fn index(at: usize) -> Result<i64> {
    i64::try_from(at).map_err(Error::internal)
}

fn integer(count: u64) -> Result<i64> {
    i64::try_from(count).map_err(Error::internal)
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// Keeps what a judge says of a pair, in place of what was kept before. `ids`: the jobs, and the hash of what is asked.
pub(super) async fn keep_duel(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    ((first, second, asked), pair): ((&str, &str, &str), usize),
    duel: &Duel,
) -> Result<()> {
    let (sealed, pair) = (&keyring.seal(&part_purpose(first), json(duel)?.as_bytes())?, index(pair)?);
    store
        .write(|tx| async move {
            let sql = "INSERT INTO evaluations_duels (account, region, first_job, second_job, asked, pair, content)
                       VALUES ($1, $2, $3, $4, $5, $6, $7)
                       ON CONFLICT (account, region, first_job, second_job, asked, pair)
                       DO UPDATE SET content = excluded.content";
            let params = params![ctx.account(), ctx.region(), first, second, asked, pair, sealed];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// What is kept of a comparison, by pair.
pub(super) async fn duels(
    store: &Store,
    keyring: &Keyring,
    ctx: &Ctx,
    (first, second, asked): (&str, &str, &str),
) -> Result<BTreeMap<usize, Duel>> {
    let purpose = &part_purpose(first);
    store
        .read(|tx| async move {
            let sql = "SELECT pair, content FROM evaluations_duels WHERE account = $1 AND region = $2
                         AND first_job = $3 AND second_job = $4 AND asked = $5 ORDER BY pair";
            let read = |row: &Row| -> Result<(usize, Duel)> {
                let pair = usize::try_from(row.int("pair")?).map_err(Error::internal)?;
                Ok((pair, open(keyring, purpose, &row.bytes("content")?)?))
            };
            let params = params![ctx.account(), ctx.region(), first, second, asked];
            tx.fetch_all(sql, params).await?.iter().map(read).collect()
        })
        .await
}

/// Keeps how far a judge agrees with people on a metric, in place of what was kept before for the same rubric.
pub(super) async fn keep_passport(
    store: &Store,
    ctx: &Ctx,
    model: &str,
    passport: &Passport,
    now: Timestamp,
) -> Result<()> {
    let (text, key) = (&json(passport)?, &passport.key());
    store
        .write(|tx| async move {
            let sql = "INSERT INTO evaluations_passports (account, region, model, metric, passport, measured_at)
                       VALUES ($1, $2, $3, $4, $5, $6)
                       ON CONFLICT (account, region, model, metric)
                       DO UPDATE SET passport = excluded.passport, measured_at = excluded.measured_at";
            let params = params![ctx.account(), ctx.region(), model, key, text, now];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// The passports of a judge, by metric.
pub(super) async fn passports(store: &Store, ctx: &Ctx, model: &str) -> Result<Vec<Passport>> {
    store
        .read(|tx| async move {
            let sql = "SELECT passport FROM evaluations_passports
                       WHERE account = $1 AND region = $2 AND model = $3 ORDER BY metric";
            let read = |row: &Row| {
                serde_json::from_str(&row.text("passport")?)
                    .map_err(|error| Error::internal(format!("passport: {error}")))
            };
            tx.fetch_all(sql, params![ctx.account(), ctx.region(), model]).await?.iter().map(read).collect()
        })
        .await
}

#[cfg(test)]
#[path = "store_tests.rs"]
mod tests;
