//! The tables of garbage and of storage keys.

use base::{Result, Timestamp};
use store::{Store, Tx, params};

/// Notes that no row names the blob any more. To be called in the transaction that removes the row.
pub(crate) async fn discard(tx: &Tx, blob: Option<&str>, now: Timestamp) -> Result<()> {
    if let Some(blob) = blob {
        tx.execute(
            "INSERT INTO object_garbage (blob, since) VALUES ($1, $2) ON CONFLICT (blob) DO NOTHING",
            params![blob, now],
        )
        .await?;
    }
    Ok(())
}

/// Notes that no row names the blobs of the parts of `owner` any more, and removes their rows.
pub(crate) async fn discard_parts(tx: &Tx, owner: &str, now: Timestamp) -> Result<()> {
    tx.execute(
        "INSERT INTO object_garbage (blob, since) \
         SELECT blob, $2 FROM object_parts WHERE owner = $1 AND blob IS NOT NULL ON CONFLICT (blob) DO NOTHING",
        params![owner, now],
    )
    .await?;
    tx.execute("DELETE FROM object_parts WHERE owner = $1", params![owner]).await?;
    Ok(())
}

/// Up to `limit` blobs that became garbage at or before `until`, after the blob `after`.
pub(crate) async fn garbage(store: &Store, until: Timestamp, after: &str, limit: i64) -> Result<Vec<String>> {
    store
        .read(|tx| async move {
            let rows = tx
                .fetch_all(
                    "SELECT blob FROM object_garbage WHERE since <= $1 AND blob > $2 ORDER BY blob LIMIT $3",
                    params![until, after, limit],
                )
                .await?;
            rows.iter().map(|row| row.text("blob")).collect()
        })
        .await
}

/// Forgets garbage that was removed.
pub(crate) async fn forget(store: &Store, blobs: &[String]) -> Result<()> {
    store
        .write(|tx| async move {
            for blob in blobs {
                tx.execute("DELETE FROM object_garbage WHERE blob = $1", params![blob]).await?;
            }
            Ok(())
        })
        .await
}

/// Of `blobs`, those that no row names.
pub(crate) async fn unnamed(store: &Store, blobs: Vec<String>) -> Result<Vec<String>> {
    store
        .read(|tx| async move {
            let mut unnamed = Vec::new();
            for blob in blobs {
                let named = tx
                    .fetch_optional(
                        "SELECT 1 AS one FROM object_versions WHERE blob = $1 \
                         UNION ALL SELECT 1 AS one FROM object_parts WHERE blob = $1 LIMIT 1",
                        params![&blob],
                    )
                    .await?;
                if named.is_none() {
                    unnamed.push(blob);
                }
            }
            Ok(unnamed)
        })
        .await
}

/// Keeps `sealed` as the storage key `id` unless there is one; gives the one that is kept.
pub(crate) async fn settle_storage_key(store: &Store, id: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    store
        .write(|tx| async move {
            tx.execute(
                "INSERT INTO object_storage_keys (id, sealed) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
                params![id, sealed],
            )
            .await?;
            tx.fetch_one("SELECT sealed FROM object_storage_keys WHERE id = $1", params![id]).await?.bytes("sealed")
        })
        .await
}

/// The deployment's id: `new` where there was none.
pub(crate) async fn settle_deployment(store: &Store, new: &str) -> Result<String> {
    store
        .write(|tx| async move {
            tx.execute(
                "INSERT INTO object_deployment (one, id) VALUES (1, $1) ON CONFLICT (one) DO NOTHING",
                params![new],
            )
            .await?;
            tx.fetch_one("SELECT id FROM object_deployment WHERE one = 1", params![]).await?.text("id")
        })
        .await
}

/// Removes the deployment's id.
pub(crate) async fn forget_deployment(store: &Store) -> Result<()> {
    store.write(|tx| async move { tx.execute("DELETE FROM object_deployment", params![]).await }).await.map(drop)
}
