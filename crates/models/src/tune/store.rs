//! The rows of tunings: their reports by job, and the profile of each model that has one.

use ::store::{Migration, Module, Row, Store, params};
use base::{Error, Result, Timestamp};

use super::profile::{PinnedWeights, Tuned};
use super::report::TuningReport;

const MIGRATIONS: &[Migration] = &[Migration::same(1, "tunings", include_str!("../migrations/tune/0001_tune.sql"))];

/// The tables of tunings.
pub(crate) const TABLES: Module = Module { name: "models-tune", migrations: MIGRATIONS };

/// The reports that are kept of a model.
const KEPT: i64 = 50;

const FORGET: &str = "DELETE FROM model_tuned WHERE model = $1 AND machine = $2";

/// Keeps a report, and with it the model's profile on such machines: `None` where it has none from now on.
pub(super) async fn conclude(store: &Store, machine: &str, report: &TuningReport, tuned: Option<&Tuned>) -> Result<()> {
    let text = &serde_json::to_string(report).map_err(Error::internal)?;
    let settings = &tuned.map(|one| serde_json::to_string(&one.settings)).transpose().map_err(Error::internal)?;
    let pinned = tuned.and_then(|one| one.pinned.as_ref());
    let (own, other) = (pinned.map(|one| one.own.as_str()), pinned.map(|one| one.other.as_str()));
    let (model, job, at) = (report.model.as_str(), report.job.as_str(), Timestamp(report.at));
    store
        .write(|tx| async move {
            let sql = "INSERT INTO model_tunings (job, model, report, created_at) VALUES ($1, $2, $3, $4)
                       ON CONFLICT (job) DO UPDATE SET report = excluded.report";
            tx.execute(sql, params![job, model, text, at]).await?;
            let sql = "DELETE FROM model_tunings WHERE model = $1 AND job NOT IN
                         (SELECT job FROM model_tunings WHERE model = $1 ORDER BY created_at DESC, job DESC LIMIT $2)";
            tx.execute(sql, params![model, KEPT]).await?;
            tx.execute(FORGET, params![model, machine]).await?;
            if let Some(settings) = settings {
                let sql =
                    "INSERT INTO model_tuned (model, machine, job, settings, own_digest, weights_digest, created_at)
                           VALUES ($1, $2, $3, $4, $5, $6, $7)";
                tx.execute(sql, params![model, machine, job, settings, own, other, at]).await?;
            }
            Ok(())
        })
        .await
}

/// The model's reports, newest first.
pub(super) async fn reports(store: &Store, model: &str) -> Result<Vec<TuningReport>> {
    store
        .read(|tx| async move {
            let sql = "SELECT report FROM model_tunings WHERE model = $1 ORDER BY created_at DESC, job DESC";
            tx.fetch_all(sql, params![model]).await?.iter().map(read_report).collect()
        })
        .await
}

/// The report of this job, of this model.
pub(super) async fn report(store: &Store, model: &str, job: &str) -> Result<Option<TuningReport>> {
    store
        .read(|tx| async move {
            let sql = "SELECT report FROM model_tunings WHERE model = $1 AND job = $2";
            tx.fetch_optional(sql, params![model, job]).await?.as_ref().map(read_report).transpose()
        })
        .await
}

/// The profiles of all models that have one on such machines.
pub(crate) async fn profiles(store: &Store, machine: &str) -> Result<Vec<(String, Tuned)>> {
    store
        .read(|tx| async move {
            let sql = "SELECT model, job, settings, own_digest, weights_digest FROM model_tuned
                       WHERE machine = $1 ORDER BY model";
            tx.fetch_all(sql, params![machine]).await?.iter().map(read_profile).collect()
        })
        .await
}

/// Removes a model's profile on such machines; whether it had one.
pub(super) async fn forget_profile(store: &Store, machine: &str, model: &str) -> Result<bool> {
    store.write(|tx| async move { Ok(tx.execute(FORGET, params![model, machine]).await? > 0) }).await
}

fn read_report(row: &Row) -> Result<TuningReport> {
    serde_json::from_str(&row.text("report")?).map_err(Error::internal)
}

fn read_profile(row: &Row) -> Result<(String, Tuned)> {
    let settings = serde_json::from_str(&row.text("settings")?).map_err(Error::internal)?;
    let digests = row.opt_text("own_digest")?.zip(row.opt_text("weights_digest")?);
    let pinned = digests.map(|(own, other)| PinnedWeights { own, other });
    Ok((row.text("model")?, Tuned { job: row.text("job")?, settings, pinned }))
}
