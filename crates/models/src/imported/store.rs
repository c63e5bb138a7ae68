//! The rows of imported models and import jobs, keyed by account, region and id.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Error, PageRequest, Region, Result, Timestamp};
use identity::Ctx;
use jobs::{JobId, Owner};

use super::job::{ImportFilter, ImportJob, ImportStatus, Tags};
use super::tags::Tagged;
use super::{Card, ImportedModel, Named, arn};

macro_rules! select_models {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, architecture, instruct, job_id, job_name, source_uri, kms_key_arn, created_at, role_arn, bytes, \
             file, data_key, card, tags FROM model_imported ",
            $rest
        )
    };
}

macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, work, status, failure, role_arn, source_uri, model_id, model_name, kms_key_arn, \
             quantization, tags, model_tags, report, request_hash, created_at, modified_at, ended_at, service, \
             bound \
             FROM model_import_jobs ",
            $rest
        )
    };
}

/// The imported model of this name or id.
pub(super) async fn model(store: &Store, ctx: &Ctx, named: &Named<'_>) -> Result<Option<ImportedModel>> {
    let (id, name) = named.columns();
    store
        .read(|tx| async move {
            let sql = select_models!(
                "WHERE account = $1 AND region = $2 AND (id = $3 OR name = $4) \
                 ORDER BY CASE WHEN id = $3 THEN 0 ELSE 1 END LIMIT 1"
            );
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id, name]).await?;
            row.map(|row| read_model(ctx, &row)).transpose()
        })
        .await
}

/// The imported models of a page, and one more where there is one.
pub(super) async fn models(
    store: &Store,
    ctx: &Ctx,
    filter: &ImportFilter,
    page: &PageRequest,
) -> Result<Vec<ImportedModel>> {
    let bounds = Bounds::of(filter, page);
    let bounds = &bounds;
    store
        .read(|tx| async move {
            let params = params![
                ctx.account(),
                ctx.region(),
                bounds.from,
                bounds.to,
                &bounds.name,
                bounds.time,
                &bounds.id,
                bounds.limit
            ];
            let sql = if bounds.ascending {
                select_models!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at > $6 OR (created_at = $6 AND id > $7)) \
                     ORDER BY created_at, id LIMIT $8"
                )
            } else {
                select_models!(
                    "WHERE account = $1 AND region = $2 AND created_at > $3 AND created_at < $4 \
                     AND ($5 = '' OR replace(name, $5, '') <> name) AND (created_at < $6 OR (created_at = $6 AND id < $7)) \
                     ORDER BY created_at DESC, id DESC LIMIT $8"
                )
            };
            tx.fetch_all(sql, params).await?.iter().map(|row| read_model(ctx, row)).collect()
        })
        .await
}

/// Makes the model exist, and with it ends the job that made it. False where the job is gone or has ended: nothing was
/// written then.
///
/// # Errors
/// AlreadyExists, where another model has the name.
pub(super) async fn complete(store: &Store, ctx: &Ctx, model: &ImportedModel, job: &ImportJob) -> Result<bool> {
    let (card, tags) = (json(&model.card)?, json(&model.tags)?);
    let (card, tags) = (&card, &tags);
    store
        .write(|tx| async move {
            if !end(&tx, ctx, job).await? {
                return Ok(false);
            }
            let sql = "INSERT INTO model_imported (account, region, id, name, architecture, instruct, job_id, job_name,
                         source_uri, kms_key_arn, created_at, role_arn, bytes, file, data_key, card, tags)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
            let params = params![
                ctx.account(),
                ctx.region(),
                &model.id,
                &model.name,
                &model.architecture,
                model.instruct,
                &job.id,
                &model.job_name,
                &model.source_uri,
                model.kms_key_arn.as_ref(),
                model.created,
                &model.role_arn,
                i64::try_from(model.bytes).map_err(Error::internal)?,
                &model.file,
                &model.data_key,
                card,
                tags,
            ];
            tx.execute(sql, params).await?;
            Ok(true)
        })
        .await
}

/// Removes the model; false where it is gone.
pub(super) async fn remove_model(store: &Store, ctx: &Ctx, id: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM model_imported WHERE account = $1 AND region = $2 AND id = $3";
            Ok(tx.execute(sql, params![ctx.account(), ctx.region(), id]).await? > 0)
        })
        .await
}

/// The names of the files of all imported models.
pub(super) async fn known_files(store: &Store) -> Result<Vec<String>> {
    store
        .read(|tx| async move {
            let rows = tx.fetch_all("SELECT file FROM model_imported", params![]).await?;
            rows.iter().map(|row| row.text("file")).collect()
        })
        .await
}

/// The ARNs of all imported models.
pub(crate) async fn known_names(store: &Store) -> Result<Vec<String>> {
    store
        .read(|tx| async move { names(&tx.fetch_all("SELECT account, region, id FROM model_imported", params![]).await?) })
        .await
}

/// The ARNs of the imported models that are encrypted under a key, of all accounts and regions.
pub(crate) async fn encrypted_under(store: &Store, key: &str) -> Result<Vec<String>> {
    store
        .read(|tx| async move {
            let sql = "SELECT account, region, id FROM model_imported WHERE kms_key_arn = $1";
            names(&tx.fetch_all(sql, params![key]).await?)
        })
        .await
}

fn names(rows: &[Row]) -> Result<Vec<String>> {
    let name = |row: &Row| {
        let (region, account) = (row.text("region")?, row.text("account")?);
        Ok(format!("arn:aws:bedrock:{region}:{account}:imported-model/{}", row.text("id")?))
    };
    rows.iter().map(name).collect()
}

/// The deployment's id, which is `new` where it has none.
pub(super) async fn deployment(store: &Store, new: &str) -> Result<String> {
    store
        .write(|tx| async move {
            if let Some(row) = tx.fetch_optional("SELECT id FROM model_deployment LIMIT 1", params![]).await? {
                return row.text("id");
            }
            tx.execute("INSERT INTO model_deployment (id) VALUES ($1)", params![new]).await?;
            Ok(new.to_owned())
        })
        .await
}

/// Keeps a new job.
///
/// # Errors
/// AlreadyExists, where the job's or the model's name is taken.
pub(super) async fn insert_job(
    store: &Store,
    ctx: &Ctx,
    job: &ImportJob,
    owner: &Owner,
    (token, hash): (Option<&str>, &str),
) -> Result<()> {
    let (tags, model_tags) = (json(&job.tags)?, json(&job.model_tags)?);
    let (tags, model_tags) = (&tags, &model_tags);
    store
        .write(|tx| async move {
            check_names(&tx, ctx, job).await?;
            let sql =
                "INSERT INTO model_import_jobs (account, region, id, name, status, role_arn, source_uri, model_id,
                         model_name, kms_key_arn, quantization, tags, model_tags, request_token, request_hash,
                         created_at, modified_at, principal_arn, principal_id, service, bound)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16, $17, $18, $19,
                         $20)";
            let params = params![
                ctx.account(),
                ctx.region(),
                &job.id,
                &job.name,
                job.status.as_str(),
                &job.role_arn,
                &job.source_uri,
                &job.model_id,
                &job.model_name,
                job.kms_key_arn.as_ref(),
                &job.quantization,
                tags,
                model_tags,
                token,
                hash,
                job.created,
                &owner.principal_arn,
                owner.principal_id.as_deref().unwrap_or_default(),
                &job.service,
                job.bound.as_deref(),
            ];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

async fn check_names(tx: &Tx, ctx: &Ctx, job: &ImportJob) -> Result<()> {
    let taken = |what: &str, name: &str| Err(Error::already_exists(format!("The {what} `{name}` is already in use.")));
    let sql = "SELECT 1 AS one FROM model_import_jobs WHERE account = $1 AND region = $2 AND (name = $3 OR id = $3)";
    if tx.fetch_optional(sql, params![ctx.account(), ctx.region(), &job.name]).await?.is_some() {
        return taken("job name", &job.name);
    }
    let sql = "SELECT 1 AS one FROM model_imported WHERE account = $1 AND region = $2 AND (name = $3 OR id = $3) \
               UNION ALL SELECT 1 AS one FROM model_import_jobs \
               WHERE account = $1 AND region = $2 AND (model_name = $3 OR model_id = $3) AND status = 'InProgress'";
    if tx.fetch_optional(sql, params![ctx.account(), ctx.region(), &job.model_name]).await?.is_some() {
        return taken("model name", &job.model_name);
    }
    Ok(())
}

/// The job that a request with this token made, and what that asked for.
pub(super) async fn job_by_token(store: &Store, ctx: &Ctx, token: &str) -> Result<Option<(ImportJob, String)>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND request_token = $3");
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), token]).await?;
            row.map(|row| Ok((read_job(ctx, &row)?, row.text("request_hash")?))).transpose()
        })
        .await
}

/// The job of this name or id.
pub(super) async fn job(store: &Store, ctx: &Ctx, named: &Named<'_>) -> Result<Option<ImportJob>> {
    let (id, name) = named.columns();
    store
        .read(|tx| async move {
            let sql = select_jobs!(
                "WHERE account = $1 AND region = $2 AND (id = $3 OR name = $4) \
                 ORDER BY CASE WHEN id = $3 THEN 0 ELSE 1 END LIMIT 1"
            );
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id, name]).await?;
            row.map(|row| read_job(ctx, &row)).transpose()
        })
        .await
}

/// The jobs that have not ended, as far as their rows say.
pub(super) async fn open_jobs(store: &Store, ctx: &Ctx) -> Result<Vec<ImportJob>> {
    store
        .read(|tx| async move {
            let sql = select_jobs!("WHERE account = $1 AND region = $2 AND status = 'InProgress'");
            let rows = tx.fetch_all(sql, params![ctx.account(), ctx.region()]).await?;
            rows.iter().map(|row| read_job(ctx, row)).collect()
        })
        .await
}

/// The jobs of a page, and one more where there is one.
pub(super) async fn jobs(
    store: &Store,
    ctx: &Ctx,
    filter: &ImportFilter,
    page: &PageRequest,
) -> Result<Vec<ImportJob>> {
    let bounds = Bounds::of(filter, page);
    let (bounds, status) = (&bounds, filter.status.map_or("", ImportStatus::as_str));
    store
        .read(|tx| async move {
            let params = params![
                ctx.account(),
                ctx.region(),
                bounds.from,
                bounds.to,
                &bounds.name,
                bounds.time,
                &bounds.id,
                bounds.limit,
                status
            ];
            let sql = if bounds.ascending {
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

/// The jobs whose work was never submitted, as the process ended before: their ids, and for whom they are.
pub(super) async fn unsubmitted(store: &Store) -> Result<Vec<(String, Owner)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, account, region, principal_arn, principal_id FROM model_import_jobs \
                       WHERE status = 'InProgress' AND work IS NULL";
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

/// The jobs for a service, asked for before a time, that have not ended or whose model is there: account and region, their
/// ids and the models'.
pub(super) async fn jobs_for(
    store: &Store,
    service: &str,
    before: Timestamp,
) -> Result<Vec<(AccountId, Region, String, String)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT account, region, id, model_id FROM model_import_jobs AS job \
                       WHERE service = $1 AND created_at < $2 AND (status = 'InProgress' OR EXISTS ( \
                         SELECT 1 FROM model_imported AS made \
                         WHERE made.account = job.account AND made.region = job.region AND made.id = job.model_id)) \
                       ORDER BY created_at, id";
            let read = |row: &Row| -> Result<(AccountId, Region, String, String)> {
                let (account, region) = (row.text("account")?.parse()?, row.text("region")?.parse()?);
                Ok((account, region, row.text("id")?, row.text("model_id")?))
            };
            tx.fetch_all(sql, params![service, before]).await?.iter().map(read).collect()
        })
        .await
}

/// Notes which job does the work.
pub(super) async fn set_work(store: &Store, owner: &Owner, id: &str, work: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_import_jobs SET work = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![&owner.account, &owner.region, id, work]).await.map(drop)
        })
        .await
}

/// Keeps what the examination found.
pub(super) async fn set_report(store: &Store, ctx: &Ctx, id: &str, report: &str, now: Timestamp) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE model_import_jobs SET report = $4, modified_at = $5
                       WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![ctx.account(), ctx.region(), id, report, now]).await.map(drop)
        })
        .await
}

/// Notes the end of a job, if it has not ended before.
pub(super) async fn end_job(store: &Store, ctx: &Ctx, job: &ImportJob) -> Result<bool> {
    store.write(|tx| async move { end(&tx, ctx, job).await }).await
}

async fn end(tx: &Tx, ctx: &Ctx, job: &ImportJob) -> Result<bool> {
    let sql =
        "UPDATE model_import_jobs SET status = $4, failure = $5, modified_at = $6, ended_at = $7, kms_key_arn = $8
               WHERE account = $1 AND region = $2 AND id = $3 AND status = 'InProgress'";
    let params = params![
        ctx.account(),
        ctx.region(),
        &job.id,
        job.status.as_str(),
        job.failure.as_ref(),
        job.modified,
        job.ended,
        job.kms_key_arn.as_ref()
    ];
    Ok(tx.execute(sql, params).await? > 0)
}

/// The tags of a job or model with this id; none where there is no such one.
pub(super) async fn tags(store: &Store, ctx: &Ctx, kind: Tagged, id: &str) -> Result<Option<Tags>> {
    store.read(|tx| async move { read_tags(&tx, ctx, kind, id).await }).await
}

/// Replaces the tags by what `change` makes of them; false where there is no such job or model.
pub(super) async fn change_tags(
    store: &Store,
    ctx: &Ctx,
    kind: Tagged,
    id: &str,
    change: impl Fn(Tags) -> Result<Tags> + Send + Sync,
) -> Result<bool> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(tags) = read_tags(&tx, ctx, kind, id).await? else { return Ok(false) };
            let tags = json(&change(tags)?)?;
            let sql = match kind {
                Tagged::Job => "UPDATE model_import_jobs SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3",
                Tagged::Model => "UPDATE model_imported SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3",
            };
            tx.execute(sql, params![ctx.account(), ctx.region(), id, &tags]).await.map(|rows| rows > 0)
        })
        .await
}

async fn read_tags(tx: &Tx, ctx: &Ctx, kind: Tagged, id: &str) -> Result<Option<Tags>> {
    let sql = match kind {
        Tagged::Job => "SELECT tags FROM model_import_jobs WHERE account = $1 AND region = $2 AND id = $3",
        Tagged::Model => "SELECT tags FROM model_imported WHERE account = $1 AND region = $2 AND id = $3",
    };
    let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id]).await?;
    row.map(|row| parse::<Tags>("tags", &row.text("tags")?)).transpose()
}

/// Where a row stands in listings by time: a page's token names it.
pub(super) fn place(created: Timestamp, id: &str) -> String {
    format!("{}/{id}", created.as_millis())
}

/// What a listing asks the database for.
struct Bounds {
    from: i64,
    to: i64,
    name: String,
    time: i64,
    id: String,
    limit: i64,
    ascending: bool,
}

impl Bounds {
    fn of(filter: &ImportFilter, page: &PageRequest) -> Self {
        let after = page.after.as_deref().and_then(|after| {
            let (time, id) = after.split_once('/')?;
            Some((time.parse().ok()?, id.to_owned()))
        });
        // The first page begins before the first row, whichever end that is.
        let (time, id) =
            after.unwrap_or(if filter.ascending { (i64::MIN, String::new()) } else { (i64::MAX, String::new()) });
        Self {
            from: filter.after.map_or(i64::MIN, Timestamp::as_millis),
            to: filter.before.map_or(i64::MAX, Timestamp::as_millis),
            name: filter.name_contains.clone().unwrap_or_default(),
            time,
            id,
            limit: i64::from(page.limit) + 1,
            ascending: filter.ascending,
        }
    }
}

fn read_model(ctx: &Ctx, row: &Row) -> Result<ImportedModel> {
    let id = row.text("id")?;
    Ok(ImportedModel {
        name: row.text("name")?,
        arn: arn(ctx, "imported-model", &id),
        architecture: row.text("architecture")?,
        instruct: row.bool("instruct")?,
        job_arn: arn(ctx, "model-import-job", &row.text("job_id")?),
        job_name: row.text("job_name")?,
        source_uri: row.text("source_uri")?,
        kms_key_arn: row.opt_text("kms_key_arn")?,
        role_arn: row.text("role_arn")?,
        bytes: u64::try_from(row.int("bytes")?).map_err(Error::internal)?,
        file: row.text("file")?,
        data_key: row.opt_bytes("data_key")?.unwrap_or_default(),
        card: parse::<Card>("card", &row.text("card")?)?,
        tags: parse::<Tags>("tags", &row.text("tags")?)?,
        created: row.time("created_at")?,
        id,
    })
}

fn read_job(ctx: &Ctx, row: &Row) -> Result<ImportJob> {
    let (id, model_id) = (row.text("id")?, row.text("model_id")?);
    Ok(ImportJob {
        arn: arn(ctx, "model-import-job", &id),
        model_arn: arn(ctx, "imported-model", &model_id),
        name: row.text("name")?,
        status: ImportStatus::from_row(&row.text("status")?)?,
        failure: row.opt_text("failure")?,
        role_arn: row.text("role_arn")?,
        source_uri: row.text("source_uri")?,
        model_name: row.text("model_name")?,
        kms_key_arn: row.opt_text("kms_key_arn")?,
        quantization: row.text("quantization")?,
        bound: row.opt_text("bound")?,
        tags: parse::<Tags>("tags", &row.text("tags")?)?,
        model_tags: parse::<Tags>("model_tags", &row.text("model_tags")?)?,
        report: row.opt_text("report")?,
        work: row.opt_text("work")?.map(|id| id.parse::<JobId>()).transpose()?,
        created: row.time("created_at")?,
        modified: row.time("modified_at")?,
        ended: row.opt_time("ended_at")?,
        service: row.text("service")?,
        id,
        model_id,
    })
}

fn parse<T: serde::de::DeserializeOwned>(column: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::internal(format!("the column `{column}`: {error}")))
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
