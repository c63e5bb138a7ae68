//! The rows of imported models, keyed by account, region and id.

use ::store::{Row, Store, params};
use base::{Arn, Result};
use identity::Ctx;

use super::ImportedModel;

pub(super) async fn read(store: &Store, ctx: &Ctx, id_or_name: &str) -> Result<Option<ImportedModel>> {
    store
        .read(|tx| async move {
            let sql = "SELECT id, name, architecture, instruct, job_id, job_name, source_uri, kms_key_arn, created_at
                       FROM model_imported WHERE account = $1 AND region = $2 AND (id = $3 OR name = $3)
                       ORDER BY CASE WHEN name = $3 THEN 0 ELSE 1 END LIMIT 1";
            let row = tx.fetch_optional(sql, params![ctx.account(), ctx.region(), id_or_name]).await?;
            row.map(|row| model(ctx, &row)).transpose()
        })
        .await
}

fn model(ctx: &Ctx, row: &Row) -> Result<ImportedModel> {
    let arn =
        |kind: &str, id: &str| Arn::new("bedrock", Some(ctx.region()), Some(ctx.account()), format!("{kind}/{id}"));
    let id = row.text("id")?;
    Ok(ImportedModel {
        name: row.text("name")?,
        arn: arn("imported-model", &id),
        architecture: row.text("architecture")?,
        instruct: row.bool("instruct")?,
        job_arn: arn("model-import-job", &row.text("job_id")?),
        job_name: row.text("job_name")?,
        source_uri: row.text("source_uri")?,
        kms_key_arn: row.opt_text("kms_key_arn")?,
        created: row.time("created_at")?,
        id,
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
