//! Where boundaries are kept: with their users and roles.

use ::store::{Store, Tx, params};
use base::{AccountId, Error, Result};

use crate::iam::errors::invalid_input;
use crate::iam::holder::{HolderKind, HolderName};
use crate::iam::policies::can_be_used;

pub(super) async fn set(
    store: &Store,
    account: &AccountId,
    holder: HolderName<'_>,
    policy_arn: Option<&str>,
) -> Result<()> {
    let sql = match holder.kind {
        HolderKind::User => "UPDATE identity_users SET boundary = $2 WHERE id = $1",
        HolderKind::Role => "UPDATE identity_roles SET boundary = $2 WHERE id = $1",
        HolderKind::Group => return Err(invalid_input("A group cannot have a permissions boundary.")),
    };
    store
        .write(|tx| async move {
            let id = holder.find_to_change(&tx, account).await?.id;
            if let Some(arn) = policy_arn {
                check(&tx, account, arn).await?;
            }
            tx.execute(sql, params![id, policy_arn]).await?;
            Ok(())
        })
        .await
}

/// Refuses a boundary that is no managed policy of the account or of AWS.
pub(crate) async fn check(tx: &Tx, account: &AccountId, policy_arn: &str) -> Result<()> {
    if can_be_used(tx, account, policy_arn).await? {
        return Ok(());
    }
    Err(Error::not_found(format!("Scope ARN: {policy_arn} does not exist or is not attachable.")))
}
