//! The table of OpenID Connect providers, and the module of those of signing certificates and credential reports.

use ::store::{Migration, Module, Row, Store, Tx, params};
use base::{AccountId, Error, Result};

use super::{OidcProvider, no_such_provider};
use crate::iam::errors::quota_exceeded;
use crate::iam::store::tags_of;
use crate::iam::tags;

const MIGRATIONS: &[Migration] = &[Migration::same(
    1,
    "providers, signing certificates and credential reports",
    include_str!("../../../migrations/iam_providers_0001.sql"),
)];

/// To be made after those of accounts and users.
pub(crate) const TABLES: Module = Module { name: "identity-iam-providers", migrations: MIGRATIONS };

pub(super) async fn insert(store: &Store, account: &AccountId, provider: &OidcProvider, most: i64) -> Result<()> {
    store
        .write(|tx| async move {
            if count(&tx, account).await? >= most {
                return Err(quota_exceeded("OpenIdConnectProvidersPerAccount", most));
            }
            let sql = "INSERT INTO identity_oidc_providers
                         (arn, account, issuer, client_ids, thumbprints, tags, created_at)
                       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
            let OidcProvider { arn, issuer, created, .. } = provider;
            let (ids, prints) = (list_text(&provider.client_ids)?, list_text(&provider.thumbprints)?);
            let tags = tags::to_text(&provider.tags)?;
            match tx.execute(sql, params![arn, account, issuer, ids, prints, tags, *created]).await? {
                0 => Err(Error::already_exists(format!("Provider with url {issuer} already exists."))),
                _ => Ok(()),
            }
        })
        .await
}

pub(crate) async fn count(tx: &Tx, account: &AccountId) -> Result<i64> {
    let sql = "SELECT COUNT(*) AS n FROM identity_oidc_providers WHERE account = $1";
    tx.fetch_one(sql, params![account]).await?.int("n")
}

pub(crate) async fn read(store: &Store, account: &AccountId, arn: &str) -> Result<Option<OidcProvider>> {
    store.read(|tx| async move { find(&tx, account, arn).await }).await
}

async fn find(tx: &Tx, account: &AccountId, arn: &str) -> Result<Option<OidcProvider>> {
    let sql = "SELECT * FROM identity_oidc_providers WHERE account = $1 AND arn = $2";
    tx.fetch_optional(sql, params![account, arn]).await?.as_ref().map(provider).transpose()
}

pub(super) async fn list(store: &Store, account: &AccountId) -> Result<Vec<OidcProvider>> {
    store
        .read(|tx| async move {
            let sql = "SELECT * FROM identity_oidc_providers WHERE account = $1 ORDER BY arn";
            tx.fetch_all(sql, params![account]).await?.iter().map(provider).collect()
        })
        .await
}

pub(super) async fn delete(store: &Store, account: &AccountId, arn: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_oidc_providers WHERE account = $1 AND arn = $2";
            tx.execute(sql, params![account, arn]).await.map(drop)
        })
        .await
}

/// Changes a provider's client ids and thumbprints.
pub(super) async fn change(
    store: &Store,
    account: &AccountId,
    arn: &str,
    change: &(impl Fn(OidcProvider) -> Result<OidcProvider> + Sync),
) -> Result<()> {
    store
        .write(|tx| async move {
            let provider = find(&tx, account, arn).await?.ok_or_else(|| no_such_provider(arn))?;
            let changed = change(provider)?;
            let sql = "UPDATE identity_oidc_providers SET client_ids = $2, thumbprints = $3 WHERE arn = $1";
            let (ids, prints) = (list_text(&changed.client_ids)?, list_text(&changed.thumbprints)?);
            tx.execute(sql, params![arn, ids, prints]).await.map(drop)
        })
        .await
}

fn provider(row: &Row) -> Result<OidcProvider> {
    Ok(OidcProvider {
        arn: row.text("arn")?,
        issuer: row.text("issuer")?,
        client_ids: serde_json::from_str(&row.text("client_ids")?).map_err(Error::internal)?,
        thumbprints: serde_json::from_str(&row.text("thumbprints")?).map_err(Error::internal)?,
        tags: tags_of(row)?,
        created: row.time("created_at")?,
    })
}

fn list_text(list: &[String]) -> Result<String> {
    serde_json::to_string(list).map_err(Error::internal)
}
