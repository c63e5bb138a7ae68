//! The table of attached policies.

use ::store::{Store, Tx, params};
use base::{AccountId, Result};

use crate::iam::errors::{delete_conflict, no_such_policy, not_attachable, quota_exceeded};
use crate::iam::holder::HolderName;
use crate::iam::policies::can_be_used;

pub(super) async fn attach(store: &Store, account: &AccountId, holder: HolderName<'_>, arn: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let id = holder.find_to_change(&tx, account).await?.id;
            if !can_be_used(&tx, account, arn).await? {
                return Err(not_attachable(arn));
            }
            let (quota, most) = holder.kind.attachment_quota();
            let attached = arns_of(&tx, &id).await?;
            if !attached.iter().any(|known| known == arn) && attached.len() as i64 >= most {
                return Err(quota_exceeded(quota, most));
            }
            add(&tx, account, &id, arn).await
        })
        .await
}

pub(crate) async fn add(tx: &Tx, account: &AccountId, holder: &str, arn: &str) -> Result<()> {
    let sql = "INSERT INTO identity_attached_policies (holder, policy_arn, account) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING";
    tx.execute(sql, params![holder, arn, account]).await?;
    Ok(())
}

pub(super) async fn detach(store: &Store, account: &AccountId, holder: HolderName<'_>, arn: &str) -> Result<()> {
    store
        .write(|tx| async move {
            let id = holder.find_to_change(&tx, account).await?.id;
            let sql = "DELETE FROM identity_attached_policies WHERE holder = $1 AND policy_arn = $2";
            match tx.execute(sql, params![id, arn]).await? {
                0 => Err(no_such_policy(arn)),
                _ => Ok(()),
            }
        })
        .await
}

pub(super) async fn list(store: &Store, account: &AccountId, holder: HolderName<'_>) -> Result<Vec<String>> {
    store
        .read(|tx| async move {
            let id = holder.find(&tx, account).await?.id;
            arns_of(&tx, &id).await
        })
        .await
}

/// The ARNs of the policies attached to `holder`.
pub(crate) async fn arns_of(tx: &Tx, holder: &str) -> Result<Vec<String>> {
    let sql = "SELECT policy_arn FROM identity_attached_policies WHERE holder = $1 ORDER BY policy_arn";
    tx.fetch_all(sql, params![holder]).await?.iter().map(|row| row.text("policy_arn")).collect()
}

/// Refuses the deletion of a holder that has attached policies.
pub(crate) async fn require_none(tx: &Tx, holder: &str) -> Result<()> {
    if arns_of(tx, holder).await?.is_empty() {
        return Ok(());
    }
    Err(delete_conflict("must detach all policies first"))
}
