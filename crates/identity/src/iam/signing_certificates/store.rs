//! The table of signing certificates.

use ::store::{Row, Store, Tx, params};
use base::{Error, Result};

use super::{PER_USER, SigningCertificate};
use crate::credentials::access_keys::Status;
use crate::iam::errors::{delete_conflict, quota_exceeded};

pub(super) async fn insert(store: &Store, user_id: &str, certificate: &SigningCertificate) -> Result<()> {
    store
        .write(|tx| async move {
            let present = all(&tx, user_id).await?;
            if present.iter().any(|other| other.body.trim() == certificate.body.trim()) {
                return Err(Error::already_exists("The same certificate already exists in the account."));
            }
            if i64::try_from(present.len()).unwrap_or(i64::MAX) >= PER_USER {
                return Err(quota_exceeded("CertificatesPerUser", PER_USER));
            }
            let sql = "INSERT INTO identity_signing_certificates (id, user_id, body, active, created_at)
                       VALUES ($1, $2, $3, $4, $5)";
            let SigningCertificate { id, body, created, .. } = certificate;
            tx.execute(sql, params![id, user_id, body, true, *created]).await.map(drop)
        })
        .await
}

/// False where the user has no such certificate.
pub(super) async fn set_status(store: &Store, user_id: &str, id: &str, status: Status) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "UPDATE identity_signing_certificates SET active = $3 WHERE user_id = $1 AND id = $2";
            Ok(tx.execute(sql, params![user_id, id, status == Status::Active]).await? == 1)
        })
        .await
}

/// False where the user has no such certificate.
pub(super) async fn delete(store: &Store, user_id: &str, id: &str) -> Result<bool> {
    store
        .write(|tx| async move {
            let sql = "DELETE FROM identity_signing_certificates WHERE user_id = $1 AND id = $2";
            Ok(tx.execute(sql, params![user_id, id]).await? == 1)
        })
        .await
}

/// The user's certificates in the order in which they were given.
pub(crate) async fn of_user(store: &Store, user_id: &str) -> Result<Vec<SigningCertificate>> {
    store.read(|tx| async move { all(&tx, user_id).await }).await
}

async fn all(tx: &Tx, user_id: &str) -> Result<Vec<SigningCertificate>> {
    let sql = "SELECT c.*, u.name AS user_name FROM identity_signing_certificates c
               JOIN identity_users u ON u.id = c.user_id WHERE c.user_id = $1 ORDER BY c.created_at, c.id";
    tx.fetch_all(sql, params![user_id]).await?.iter().map(certificate).collect()
}

fn certificate(row: &Row) -> Result<SigningCertificate> {
    Ok(SigningCertificate {
        id: row.text("id")?,
        user_name: row.text("user_name")?,
        body: row.text("body")?,
        status: if row.bool("active")? { Status::Active } else { Status::Inactive },
        created: row.time("created_at")?,
    })
}

/// Refuses to remove a user that has certificates.
pub(crate) async fn require_none(tx: &Tx, user_id: &str) -> Result<()> {
    let sql = "SELECT COUNT(*) AS n FROM identity_signing_certificates WHERE user_id = $1";
    match tx.fetch_one(sql, params![user_id]).await?.int("n")? {
        0 => Ok(()),
        _ => Err(delete_conflict("must delete signing certificates first")),
    }
}
