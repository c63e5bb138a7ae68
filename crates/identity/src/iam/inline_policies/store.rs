//! The table of embedded policies.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, PageRequest, Result};

use super::no_such;
use crate::iam::errors::{delete_conflict, malformed};
use crate::iam::holder::HolderName;
use crate::store::bounds;

pub(super) async fn put(
    store: &Store,
    account: &AccountId,
    holder: HolderName<'_>,
    name: &str,
    document: &str,
) -> Result<()> {
    store
        .write(|tx| async move {
            let id = holder.find_to_change(&tx, account).await?.id;
            let kind = holder.kind.inline();
            let others = all_of(&tx, &id).await?.into_iter().filter(|(other, _)| other != name);
            let size = others.map(|(_, document)| kind.size(&document)).sum::<usize>() + kind.size(document);
            if size > kind.quota() {
                return Err(malformed(kind.too_large()));
            }
            let sql = "INSERT INTO identity_inline_policies (holder, name, document) VALUES ($1, $2, $3)
                       ON CONFLICT (holder, name) DO UPDATE SET document = excluded.document";
            tx.execute(sql, params![id, name, document]).await?;
            Ok(())
        })
        .await
}

pub(super) async fn get(
    store: &Store,
    account: &AccountId,
    holder: HolderName<'_>,
    name: &str,
) -> Result<Option<String>> {
    store
        .read(|tx| async move {
            let id = holder.find(&tx, account).await?.id;
            let sql = "SELECT document FROM identity_inline_policies WHERE holder = $1 AND name = $2";
            tx.fetch_optional(sql, params![id, name]).await?.map(|row| row.text("document")).transpose()
        })
        .await
}

pub(super) async fn names(
    store: &Store,
    account: &AccountId,
    holder: HolderName<'_>,
    page: &PageRequest,
) -> Result<Vec<String>> {
    let (after, limit) = bounds(page);
    store
        .read(|tx| async move {
            let id = holder.find(&tx, account).await?.id;
            let sql = "SELECT name FROM identity_inline_policies WHERE holder = $1 AND name > $2
                       ORDER BY name LIMIT $3";
            tx.fetch_all(sql, params![id, after, limit]).await?.iter().map(|row| row.text("name")).collect()
        })
        .await
}

pub(super) async fn delete(store: &Store, account: &AccountId, holder: HolderName<'_>, name: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let id = holder.find_to_change(&tx, account).await?.id;
            let sql = "DELETE FROM identity_inline_policies WHERE holder = $1 AND name = $2";
            match tx.execute(sql, params![id, name]).await? {
                0 => Err(no_such(holder, name)),
                _ => Ok(()),
            }
        })
        .await
}

/// Names and documents of the policies embedded in `holder`.
pub(crate) async fn all_of(tx: &Tx, holder: &str) -> Result<Vec<(String, String)>> {
    let sql = "SELECT name, document FROM identity_inline_policies WHERE holder = $1 ORDER BY name";
    let pair = |row: &Row| Ok((row.text("name")?, row.text("document")?));
    tx.fetch_all(sql, params![holder]).await?.iter().map(pair).collect()
}

/// Refuses the deletion of a holder that has embedded policies.
pub(crate) async fn require_none(tx: &Tx, holder: &str) -> Result<()> {
    if all_of(tx, holder).await?.is_empty() { Ok(()) } else { Err(delete_conflict("must delete policies first")) }
}
