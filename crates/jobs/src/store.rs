//! The jobs' tables. A worker's changes name the lease under which it took the job, so those of a worker that has lost
//! it change nothing.

use base::{AccountId, Error, ErrorKind, Page, PageRequest, Result, Timestamp};
use serde_json::Value;
use store::{Migration, Module, Row, Store, Tx, params};

use crate::lane::store as lanes;
use crate::transition::{Next, Position, after_lapse};
use crate::{Job, JobError, JobId, NewJob, Owner, Progress, State};

const MIGRATIONS: &[Migration] = &[
    Migration::same(1, "jobs", include_str!("../migrations/0001_jobs.sql")),
    Migration::same(2, "position", include_str!("../migrations/0002_position.sql")),
    Migration::same(3, "owner_id", include_str!("../migrations/0003_owner_id.sql")),
    Migration::same(4, "lanes", include_str!("../migrations/0004_lanes.sql")),
];

/// The tables of this module.
pub const TABLES: Module = Module { name: "jobs", migrations: MIGRATIONS };

/// How long a lease lasts without renewal, in milliseconds.
pub(crate) const LEASE_MS: i64 = 30_000;

/// A job that a worker has taken.
#[derive(Debug, Clone)]
pub(crate) struct Taken {
    pub(crate) job: Job,
    pub(crate) checkpoint: Option<Value>,
    lease: i64,
}

/// What `take` found.
#[derive(Debug)]
pub(crate) enum Found {
    Work(Box<Taken>),
    /// The job ended instead: its lease had lapsed for the last time.
    Ended(Box<Job>),
    Nothing,
}

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, account, region, principal_arn, principal_id, kind, state, input, attempt, max_attempts, run_at, \
             lease, cancel_requested, checkpoint, progress_done, progress_total, progress_unit, progress_message, output, \
             error_kind, error_message, error_hint, created, started, ended, checkpoint_before, done_before, lane \
             FROM jobs ",
            $rest
        )
    };
}

/// A job as it is inserted.
pub(crate) struct Insert<'a> {
    pub(crate) id: &'a JobId,
    pub(crate) owner: &'a Owner,
    pub(crate) kind: &'a str,
    pub(crate) dedup_key: Option<&'a str>,
    pub(crate) input: &'a str,
    pub(crate) max_attempts: u32,
    pub(crate) run_at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) lane: Option<&'a str>,
    pub(crate) begins_by: Option<Timestamp>,
}

impl<'a> Insert<'a> {
    /// A new job, in no lane; `input` is its own as text.
    pub(crate) fn of(new: &'a NewJob, id: &'a JobId, input: &'a str, now: Timestamp) -> Self {
        Self {
            id,
            owner: &new.owner,
            kind: new.kind,
            dedup_key: new.dedup_key.as_deref(),
            input,
            max_attempts: new.max_attempts.max(1),
            run_at: new.run_at.unwrap_or(now),
            now,
            lane: None,
            begins_by: None,
        }
    }
}

/// The open job with the key of the one to be inserted, where that has one.
pub(crate) async fn open_with_key(tx: &Tx, new: &Insert<'_>) -> Result<Option<Job>> {
    let Some(key) = new.dedup_key else { return Ok(None) };
    let sql = select_jobs!("WHERE account = $1 AND kind = $2 AND dedup_key = $3 AND state IN ('queued', 'running')");
    let open = tx.fetch_optional(sql, params![&new.owner.account, new.kind, key]).await?;
    open.as_ref().map(job).transpose()
}

/// Inserts the job, or finds the open one with its key.
pub(crate) async fn insert(tx: &Tx, new: &Insert<'_>) -> Result<Job> {
    if let Some(open) = open_with_key(tx, new).await? {
        return Ok(open);
    }
    tx.execute(
        "INSERT INTO jobs (id, account, region, principal_arn, principal_id, kind, dedup_key, state, input, attempt, \
         max_attempts, run_at, lease, cancel_requested, created, lane, begins_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, 'queued', $8, 0, $9, $10, 0, FALSE, $11, $12, $13)",
        params![
            new.id.as_str(),
            &new.owner.account,
            &new.owner.region,
            &new.owner.principal_arn,
            new.owner.principal_id.as_deref(),
            new.kind,
            new.dedup_key,
            new.input,
            new.max_attempts,
            new.run_at,
            new.now,
            new.lane,
            new.begins_by
        ],
    )
    .await?;
    by_id(tx, new.id).await
}

/// Makes `id` wait for `needed`, a job of the same account that may still succeed.
pub(crate) async fn insert_need(tx: &Tx, account: &AccountId, id: &JobId, needed: &JobId) -> Result<()> {
    let other = find(tx, account, needed).await?;
    if matches!(other.state, State::Failed | State::Cancelled) {
        let state = other.state.as_str();
        return Err(Error::new(
            ErrorKind::Conflict,
            format!("The job `{needed}` has {state}: nothing can come after it."),
        ));
    }
    tx.execute(
        "INSERT INTO job_needs (job, needed) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        params![id.as_str(), needed.as_str()],
    )
    .await?;
    Ok(())
}

/// The account's job.
pub(crate) async fn find(tx: &Tx, account: &AccountId, id: &JobId) -> Result<Job> {
    let row = tx.fetch_optional(select_jobs!("WHERE account = $1 AND id = $2"), params![account, id.as_str()]).await?;
    let row = row.ok_or_else(|| Error::not_found(format!("There is no job `{id}`.")))?;
    job(&row)
}

/// Whether a job of the kind has not ended.
pub(crate) async fn any_open(tx: &Tx, kind: &str) -> Result<bool> {
    let open = tx
        .fetch_optional("SELECT id FROM jobs WHERE kind = $1 AND state IN ('queued', 'running') LIMIT 1", params![kind])
        .await?;
    Ok(open.is_some())
}

/// The oldest job of this kind, of any account, that has not ended.
pub(crate) async fn find_open(tx: &Tx, kind: &str) -> Result<Option<Job>> {
    let sql = select_jobs!("WHERE kind = $1 AND state IN ('queued', 'running') ORDER BY created, id LIMIT 1");
    tx.fetch_optional(sql, params![kind]).await?.as_ref().map(job).transpose()
}

/// The account's jobs, newest first.
pub(crate) async fn list(store: &Store, account: &AccountId, page: &PageRequest) -> Result<Page<Job>> {
    let (after, limit) = (page.after.as_deref(), i64::from(page.limit) + 1);
    let rows = store
        .read(|tx| async move {
            tx.fetch_all(
                select_jobs!("WHERE account = $1 AND ($2 IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"),
                params![account, after, limit],
            )
            .await
        })
        .await?;
    let jobs = rows.iter().map(job).collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(page, jobs, |job| job.id.to_string()))
}

/// How many jobs of a long kind run at once.
const LONG_AT_ONCE: i64 = 2;

/// Takes the job that has been due longest, for the worker `lease_owner`. `long` names kinds, each between bars, of which
/// only so many run at once.
pub(crate) async fn take(store: &Store, lease_owner: &str, long: &str, now: Timestamp) -> Result<Found> {
    // Workers that find nothing look often, and keep nobody from writing.
    if !store.read(|tx| async move { Ok(find_due(&tx, long, now).await?.is_some()) }).await? {
        return Ok(Found::Nothing);
    }
    store
        .write(|tx| async move {
            let due = find_due(&tx, long, now).await?;
            let Some(row) = due else { return Ok(Found::Nothing) };
            let due = job(&row)?;
            let here = position(&row, None)?;
            let lapsed = due.state == State::Running;
            let advanced = lapsed && here.is_beyond(&start(&row)?);
            if lapsed && let Some(next) = after_lapse(due.attempt, due.max_attempts, due.cancel_requested, advanced) {
                return Ok(Found::Ended(Box::new(end(&tx, &due.id, next, now).await?)));
            }
            tx.execute(
                "UPDATE jobs SET state = 'running', attempt = attempt + $5, lease = lease + 1, lease_owner = $2, \
                 lease_until = $3, started = COALESCE(started, $4), checkpoint_before = checkpoint, done_before = $6 \
                 WHERE id = $1",
                params![due.id.as_str(), lease_owner, lease_end(now), now, i64::from(!advanced), here.done],
            )
            .await?;
            let row = tx.fetch_one(select_jobs!("WHERE id = $1"), params![due.id.as_str()]).await?;
            let checkpoint = row.opt_text("checkpoint")?.map(|text| json(&text)).transpose()?;
            Ok(Found::Work(Box::new(Taken { job: job(&row)?, checkpoint, lease: row.int("lease")? })))
        })
        .await
}

/// The job that may be taken and has been due longest.
async fn find_due(tx: &Tx, long: &str, now: Timestamp) -> Result<Option<Row>> {
    let full = full_kinds(tx, long, now).await?;
    tx.fetch_optional(
        select_jobs!(
            "WHERE ((state = 'queued' AND run_at <= $1) OR (state = 'running' AND lease_until <= $1)) \
             AND replace($2, '|' || kind || '|', '') = $2 \
             AND NOT EXISTS (SELECT 1 FROM job_needs JOIN jobs AS needed ON needed.id = job_needs.needed \
                             WHERE job_needs.job = jobs.id AND needed.state <> 'succeeded') \
             ORDER BY run_at, id LIMIT 1"
        ),
        params![now, &full],
    )
    .await
}

/// Those of the kinds in `long` of which as many jobs run as may, each between bars.
async fn full_kinds(tx: &Tx, long: &str, now: Timestamp) -> Result<String> {
    let sql = "SELECT kind, COUNT(*) AS running FROM jobs WHERE state = 'running' AND lease_until > $1 GROUP BY kind";
    let mut full = String::new();
    for row in tx.fetch_all(sql, params![now]).await? {
        let kind = format!("|{}|", row.text("kind")?);
        if row.int("running")? >= LONG_AT_ONCE && long.contains(&kind) {
            full.push_str(&kind);
        }
    }
    Ok(full)
}

/// Prolongs the lease. `None`: it is lost. Otherwise: was the job asked to end?
pub(crate) async fn renew(store: &Store, taken: &Taken, now: Timestamp) -> Result<Option<bool>> {
    let id = taken.job.id.as_str();
    store
        .write(|tx| async move {
            let held = tx
                .execute(
                    "UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease = $2 AND state = 'running'",
                    params![id, taken.lease, lease_end(now)],
                )
                .await?;
            if held == 0 {
                return Ok(None);
            }
            let row = tx.fetch_one("SELECT cancel_requested FROM jobs WHERE id = $1", params![id]).await?;
            row.bool("cancel_requested").map(Some)
        })
        .await
}

/// Saves the checkpoint and renews the lease. False: the lease is lost.
pub(crate) async fn save_checkpoint(store: &Store, taken: &Taken, checkpoint: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE jobs SET checkpoint = $3, lease_until = $4 WHERE id = $1 AND lease = $2 AND state = 'running'";
    let id = taken.job.id.as_str();
    let changed = store
        .write(|tx| async move { tx.execute(sql, params![id, taken.lease, checkpoint, lease_end(now)]).await })
        .await?;
    Ok(changed > 0)
}

/// Saves the progress. False: the lease is lost.
pub(crate) async fn save_progress(store: &Store, taken: &Taken, progress: &Progress, now: Timestamp) -> Result<bool> {
    let held = store.write(|tx| async move { update_progress(&tx, taken, progress, now).await }).await?;
    Ok(held)
}

async fn update_progress(tx: &Tx, taken: &Taken, progress: &Progress, now: Timestamp) -> Result<bool> {
    let changed = tx
        .execute(
            "UPDATE jobs SET progress_done = $3, progress_total = $4, progress_unit = $5, progress_message = $6, \
             lease_until = $7 WHERE id = $1 AND lease = $2 AND state = 'running'",
            params![
                taken.job.id.as_str(),
                taken.lease,
                saturated(progress.done),
                progress.total.map(saturated),
                &progress.unit,
                &progress.message,
                lease_end(now)
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// What the row of a running job says when its attempt ends.
pub(crate) struct Standing {
    pub(crate) cancel_requested: bool,
    /// The attempt came further than those before it.
    pub(crate) advanced: bool,
}

/// Ends the attempt: writes its last progress and what `decide` makes of the job.
/// `None`: the lease is lost and nothing was written.
pub(crate) async fn finish(
    store: &Store,
    taken: &Taken,
    progress: Option<&Progress>,
    decide: impl Fn(&Standing) -> Next,
    now: Timestamp,
) -> Result<Option<Job>> {
    let decide = &decide;
    let id = &taken.job.id;
    store
        .write(|tx| async move {
            let sql = select_jobs!("WHERE id = $1 AND lease = $2 AND state = 'running'");
            let Some(row) = tx.fetch_optional(sql, params![id.as_str(), taken.lease]).await? else { return Ok(None) };
            let standing = Standing {
                cancel_requested: row.bool("cancel_requested")?,
                advanced: position(&row, progress)?.is_beyond(&start(&row)?),
            };
            if let Some(progress) = progress {
                update_progress(&tx, taken, progress, now).await?;
            }
            let job = match decide(&standing) {
                Next::Retry { at, error, counts, busy } => {
                    requeue(&tx, id, (at, now), Some(&error), i64::from(!counts)).await?;
                    // Where another is answered, it is not all that asks for the same thing that must wait.
                    if busy
                        && let Some(lane) = row.opt_text("lane")?
                        && !lanes::is_at_work(&tx, &lane, now).await?
                    {
                        lanes::put_off(&tx, &lane, at, now).await?;
                    }
                    by_id(&tx, id).await?
                }
                Next::Release => {
                    requeue(&tx, id, (now, now), None, 1).await?;
                    by_id(&tx, id).await?
                }
                next => end(&tx, id, next, now).await?,
            };
            Ok(Some(job))
        })
        .await
}

/// Puts a running job back into the queue, taking back `uncounted` attempts.
async fn requeue(
    tx: &Tx,
    id: &JobId,
    (at, now): (Timestamp, Timestamp),
    error: Option<&JobError>,
    uncounted: i64,
) -> Result<()> {
    tx.execute(
        "UPDATE jobs SET state = 'queued', attempt = attempt - $3, lease_owner = NULL, lease_until = NULL, \
         run_at = CASE WHEN begins_by > $4 AND begins_by < $2 THEN begins_by ELSE $2 END WHERE id = $1",
        params![id.as_str(), at, uncounted, now],
    )
    .await?;
    match error {
        Some(error) => write_error(tx, id, error).await,
        None => Ok(()),
    }
}

/// Ends an open job; where it did not succeed, the queued jobs that need it end with it.
async fn end(tx: &Tx, id: &JobId, next: Next, now: Timestamp) -> Result<Job> {
    let (state, output) = match &next {
        Next::Succeed(output) => (State::Succeeded, Some(output.to_string())),
        Next::Cancel => (State::Cancelled, None),
        _ => (State::Failed, None),
    };
    tx.execute(
        "UPDATE jobs SET state = $2, output = $3, ended = $4, lease_owner = NULL, lease_until = NULL, \
         error_kind = NULL, error_message = NULL, error_hint = NULL WHERE id = $1",
        params![id.as_str(), state.as_str(), output, now],
    )
    .await?;
    if let Next::Fail(error) = &next {
        write_error(tx, id, error).await?;
    }
    if state != State::Succeeded {
        let text = format!("The job `{id}`, which this one needs, has {}.", state.as_str());
        end_dependents(tx, id, &Error::new(ErrorKind::Conflict, text).into(), now).await?;
    }
    by_id(tx, id).await
}

/// Fails every queued job that needs `id`, directly or through others.
async fn end_dependents(tx: &Tx, id: &JobId, error: &JobError, now: Timestamp) -> Result<()> {
    let mut ended = vec![id.clone()];
    while let Some(id) = ended.pop() {
        let rows = tx
            .fetch_all(
                "SELECT jobs.id FROM job_needs JOIN jobs ON jobs.id = job_needs.job \
                 WHERE job_needs.needed = $1 AND jobs.state = 'queued'",
                params![id.as_str()],
            )
            .await?;
        for row in rows {
            let dependent = JobId::from_row(row.text("id")?);
            let sql = "UPDATE jobs SET state = 'failed', ended = $2 WHERE id = $1";
            tx.execute(sql, params![dependent.as_str(), now]).await?;
            write_error(tx, &dependent, error).await?;
            ended.push(dependent);
        }
    }
    Ok(())
}

async fn write_error(tx: &Tx, id: &JobId, error: &JobError) -> Result<()> {
    tx.execute(
        "UPDATE jobs SET error_kind = $2, error_message = $3, error_hint = $4 WHERE id = $1",
        params![id.as_str(), error.kind.as_str(), without_nul(&error.message), error.hint.as_deref().map(without_nul)],
    )
    .await?;
    Ok(())
}

/// Ends a queued job; asks a running one to end; leaves an ended one.
pub(crate) async fn cancel(store: &Store, account: &AccountId, id: &JobId, now: Timestamp) -> Result<Job> {
    store
        .write(|tx| async move {
            let job = find(&tx, account, id).await?;
            match job.state {
                State::Queued => end(&tx, id, Next::Cancel, now).await,
                State::Running => {
                    tx.execute("UPDATE jobs SET cancel_requested = TRUE WHERE id = $1", params![id.as_str()]).await?;
                    by_id(&tx, id).await
                }
                _ => Ok(job),
            }
        })
        .await
}

/// Lets the leases lapse that other workers than `lease_owner` hold: for a database that only this process uses.
pub(crate) async fn expire_leases(store: &Store, lease_owner: &str, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE jobs SET lease_until = $2 WHERE state = 'running' AND lease_owner <> $1";
    store.write(|tx| async move { tx.execute(sql, params![lease_owner, now]).await }).await
}

/// The next moment at which a job or a schedule is due, if there is one.
pub(crate) async fn next_due(store: &Store) -> Result<Option<Timestamp>> {
    let rows = store
        .read(|tx| async move {
            tx.fetch_all(
                "SELECT MIN(run_at) AS due FROM jobs WHERE state = 'queued' \
                   AND NOT EXISTS (SELECT 1 FROM job_needs JOIN jobs AS needed ON needed.id = job_needs.needed \
                                   WHERE job_needs.job = jobs.id AND needed.state <> 'succeeded') \
                 UNION ALL SELECT MIN(lease_until) FROM jobs WHERE state = 'running' \
                 UNION ALL SELECT MIN(next_at) FROM job_schedules",
                params![],
            )
            .await
        })
        .await?;
    let due = rows.iter().map(|row| row.opt_time("due")).collect::<Result<Vec<_>>>()?;
    Ok(due.into_iter().flatten().min())
}

/// How many jobs are queued and how many run.
pub(crate) async fn count_open(store: &Store) -> Result<[(State, i64); 2]> {
    let sql = "SELECT COUNT(*) AS open FROM jobs WHERE state = $1";
    store
        .read(|tx| async move {
            let mut counts = [(State::Queued, 0), (State::Running, 0)];
            for (state, count) in &mut counts {
                *count = tx.fetch_one(sql, params![state.as_str()]).await?.int("open")?;
            }
            Ok(counts)
        })
        .await
}

async fn by_id(tx: &Tx, id: &JobId) -> Result<Job> {
    job(&tx.fetch_one(select_jobs!("WHERE id = $1"), params![id.as_str()]).await?)
}

fn lease_end(now: Timestamp) -> Timestamp {
    Timestamp(now.as_millis().saturating_add(LEASE_MS))
}

fn job(row: &Row) -> Result<Job> {
    Ok(Job {
        id: JobId::from_row(row.text("id")?),
        kind: row.text("kind")?,
        owner: owner(row)?,
        state: State::from_row(&row.text("state")?)?,
        input: json(&row.text("input")?)?,
        attempt: small(row.int("attempt")?)?,
        max_attempts: small(row.int("max_attempts")?)?,
        progress: progress(row)?,
        error: error(row)?,
        output: row.opt_text("output")?.map(|text| json(&text)).transpose()?,
        cancel_requested: row.bool("cancel_requested")?,
        run_at: row.time("run_at")?,
        created: row.time("created")?,
        started: row.opt_time("started")?,
        ended: row.opt_time("ended")?,
    })
}

pub(crate) fn owner(row: &Row) -> Result<Owner> {
    Ok(Owner {
        account: row.text("account")?.parse()?,
        region: row.text("region")?.parse()?,
        principal_arn: row.text("principal_arn")?,
        principal_id: row.opt_text("principal_id")?,
    })
}

/// Where the job stood when its attempt began.
fn start(row: &Row) -> Result<Position> {
    Ok(Position {
        checkpoint: row.opt_text("checkpoint_before")?,
        done: row.opt_int("done_before")?.unwrap_or_default(),
    })
}

/// Where the job stands, with `progress` for what was not written yet. A new attempt may begin to count from 0 again, so
/// what earlier ones did holds.
fn position(row: &Row, progress: Option<&Progress>) -> Result<Position> {
    let done = progress.map_or(row.opt_int("progress_done")?, |progress| Some(saturated(progress.done)));
    Ok(Position { checkpoint: row.opt_text("checkpoint")?, done: start(row)?.done.max(done.unwrap_or_default()) })
}

fn progress(row: &Row) -> Result<Option<Progress>> {
    let Some(done) = row.opt_int("progress_done")? else { return Ok(None) };
    Ok(Some(Progress {
        done: done.unsigned_abs(),
        total: row.opt_int("progress_total")?.map(i64::unsigned_abs),
        unit: row.text("progress_unit")?,
        message: row.text("progress_message")?,
    }))
}

fn error(row: &Row) -> Result<Option<JobError>> {
    let Some(name) = row.opt_text("error_kind")? else { return Ok(None) };
    Ok(Some(JobError { kind: name.parse()?, message: row.text("error_message")?, hint: row.opt_text("error_hint")? }))
}

pub(crate) fn json(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|error| Error::internal(format!("stored JSON: {error}")))
}

pub(crate) fn small(number: i64) -> Result<u32> {
    u32::try_from(number).map_err(|_| Error::internal(format!("{number} where a count was expected")))
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An error's text must always be storable.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
