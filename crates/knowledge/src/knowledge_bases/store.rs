//! The rows of knowledge bases.

use ::store::{Row, Store, Tx, params};
use base::{PageRequest, Result};

use super::{KnowledgeBase, KnowledgeBaseStatus};
use crate::realm::{Realm, Tags, json, parse};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT account, region, id, name, description, role_arn, status, model, served_by, fingerprint, dimension, \
             configuration, storage, tags, request_hash, created_at, modified_at FROM knowledge_bases ",
            $rest
        )
    };
}

/// # Errors
/// AlreadyExists, where another one has the name or the token.
pub(super) async fn insert(
    store: &Store,
    realm: &Realm,
    base: &KnowledgeBase,
    (token, hash): (Option<&str>, &str),
) -> Result<()> {
    let (tags, configuration) = (&json(&base.tags)?, &base.configuration.to_string());
    let storage = &base.storage.as_ref().map(ToString::to_string);
    let dimension = i64::try_from(base.dimension).map_err(base::Error::internal)?;
    store
        .write(|tx| async move {
            let sql = "INSERT INTO knowledge_bases (account, region, id, name, description, role_arn, status, model,
                         served_by, fingerprint, dimension, configuration, storage, tags, request_token, request_hash,
                         created_at, modified_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)";
            let params = params![
                &realm.account,
                &realm.region,
                &base.id,
                &base.name,
                base.description.as_ref(),
                &base.role_arn,
                base.status.as_str(),
                &base.embedding_model,
                &base.served_by,
                &base.fingerprint,
                dimension,
                configuration,
                storage.as_ref(),
                tags,
                token,
                hash,
                base.created,
            ];
            tx.execute(sql, params).await.map(drop)
        })
        .await
}

/// The one that a request with this token made, and what that asked for.
pub(super) async fn by_token(store: &Store, realm: &Realm, token: &str) -> Result<Option<(KnowledgeBase, String)>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND request_token = $3");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, token]).await?;
            row.map(|row| Ok((read(&row)?, row.text("request_hash")?))).transpose()
        })
        .await
}

pub(crate) async fn find(store: &Store, realm: &Realm, id: &str) -> Result<Option<KnowledgeBase>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND id = $3");
            let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, id]).await?;
            row.as_ref().map(read).transpose()
        })
        .await
}

/// Those of a page, and one more where there is one.
pub(super) async fn list(store: &Store, realm: &Realm, page: &PageRequest) -> Result<Vec<KnowledgeBase>> {
    store
        .read(|tx| async move {
            let sql = select!("WHERE account = $1 AND region = $2 AND id > $3 ORDER BY id LIMIT $4");
            let after = page.after.as_deref().unwrap_or_default();
            let params = params![&realm.account, &realm.region, after, i64::from(page.limit) + 1];
            tx.fetch_all(sql, params).await?.iter().map(read).collect()
        })
        .await
}

/// Those of all accounts and regions, with whose they are.
pub(crate) async fn all(store: &Store) -> Result<Vec<(Realm, KnowledgeBase)>> {
    store
        .read(|tx| async move {
            let rows = tx.fetch_all(select!("ORDER BY account, region, id"), params![]).await?;
            rows.iter().map(|row| Ok((realm(row)?, read(row)?))).collect()
        })
        .await
}

/// False, where it is gone or going.
pub(super) async fn update(store: &Store, realm: &Realm, base: &KnowledgeBase) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_bases SET name = $4, description = $5, role_arn = $6, modified_at = $7
                       WHERE account = $1 AND region = $2 AND id = $3 AND status = 'ACTIVE'";
            let (name, description) = (&base.name, base.description.as_ref());
            let params =
                params![&realm.account, &realm.region, &base.id, name, description, &base.role_arn, base.modified];
            Ok(tx.execute(sql, params).await? > 0)
        })
        .await
}

/// Notes that it is to go.
pub(super) async fn begin_removal(store: &Store, realm: &Realm, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "UPDATE knowledge_bases SET status = 'DELETING' WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![&realm.account, &realm.region, id]).await.map(drop)
        })
        .await
}

/// Removes it with all that belongs to it.
pub(super) async fn remove(store: &Store, realm: &Realm, id: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let params = params![&realm.account, &realm.region, id];
            for sql in [
                "DELETE FROM knowledge_documents WHERE account = $1 AND region = $2 AND knowledge_base = $3",
                "DELETE FROM knowledge_jobs WHERE account = $1 AND region = $2 AND knowledge_base = $3",
                "DELETE FROM knowledge_requests WHERE account = $1 AND region = $2 AND knowledge_base = $3",
                "DELETE FROM knowledge_sources WHERE account = $1 AND region = $2 AND knowledge_base = $3",
                "DELETE FROM knowledge_bases WHERE account = $1 AND region = $2 AND id = $3",
            ] {
                tx.execute(sql, params).await?;
            }
            Ok(())
        })
        .await
}

/// Replaces the tags by what `change` makes of them; false where there is no such one.
pub(super) async fn change_tags(
    store: &Store,
    realm: &Realm,
    id: &str,
    change: impl Fn(Tags) -> Result<Tags> + Sync,
) -> Result<bool> {
    let change = &change;
    store
        .write(|tx| async move {
            let Some(tags) = read_tags(&tx, realm, id).await? else { return Ok(false) };
            let tags = json(&change(tags)?)?;
            let sql = "UPDATE knowledge_bases SET tags = $4 WHERE account = $1 AND region = $2 AND id = $3";
            tx.execute(sql, params![&realm.account, &realm.region, id, &tags]).await.map(|rows| rows > 0)
        })
        .await
}

async fn read_tags(tx: &Tx, realm: &Realm, id: &str) -> Result<Option<Tags>> {
    let sql = "SELECT tags FROM knowledge_bases WHERE account = $1 AND region = $2 AND id = $3";
    let row = tx.fetch_optional(sql, params![&realm.account, &realm.region, id]).await?;
    row.map(|row| parse::<Tags>("tags", &row.text("tags")?)).transpose()
}

pub(crate) fn realm(row: &Row) -> Result<Realm> {
    Ok(Realm { account: row.text("account")?.parse()?, region: row.text("region")?.parse()? })
}

fn read(row: &Row) -> Result<KnowledgeBase> {
    let id = row.text("id")?;
    Ok(KnowledgeBase {
        arn: realm(row)?.arn(&id),
        id,
        name: row.text("name")?,
        description: row.opt_text("description")?,
        role_arn: row.text("role_arn")?,
        status: KnowledgeBaseStatus::from_row(&row.text("status")?)?,
        embedding_model: row.text("model")?,
        served_by: row.text("served_by")?,
        fingerprint: row.text("fingerprint")?,
        dimension: usize::try_from(row.int("dimension")?).map_err(base::Error::internal)?,
        configuration: parse("configuration", &row.text("configuration")?)?,
        storage: row.opt_text("storage")?.map(|storage| parse("storage", &storage)).transpose()?,
        tags: parse("tags", &row.text("tags")?)?,
        created: row.time("created_at")?,
        modified: row.time("modified_at")?,
    })
}
