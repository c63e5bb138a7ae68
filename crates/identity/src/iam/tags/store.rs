//! Where tags are kept: with what has them.

use ::store::{Row, Store, Tx, params};
use base::{AccountId, Result};

use super::{Tagged, to_text};
use crate::iam::errors::{no_such, no_such_policy, protected_role};
use crate::iam::holder::HolderKind;
use crate::iam::instance_profiles::no_such_profile;
use crate::iam::oidc_providers::no_such_provider;
use crate::iam::store::tags_of;
use crate::users::Tag;

pub(super) async fn read(store: &Store, account: &AccountId, tagged: Tagged<'_>) -> Result<Vec<Tag>> {
    store.read(|tx| async move { tags_of(&find(&tx, account, tagged).await?) }).await
}

pub(super) async fn change(
    store: &Store,
    account: &AccountId,
    tagged: Tagged<'_>,
    change: &(impl Fn(Vec<Tag>) -> Result<Vec<Tag>> + Sync),
) -> Result<()> {
    store
        .write(|tx| async move {
            let row = find(&tx, account, tagged).await?;
            if let (Tagged::Role(name), true) = (tagged, row.opt_text("service")?.is_some()) {
                return Err(protected_role(name));
            }
            let tags = to_text(&change(tags_of(&row)?)?)?;
            let sql = match tagged {
                Tagged::User(_) => "UPDATE identity_users SET tags = $2 WHERE id = $1",
                Tagged::Role(_) => "UPDATE identity_roles SET tags = $2 WHERE id = $1",
                Tagged::Policy(_) => "UPDATE identity_policies SET tags = $2 WHERE id = $1",
                Tagged::InstanceProfile(_) => "UPDATE identity_instance_profiles SET tags = $2 WHERE id = $1",
                Tagged::OidcProvider(_) => "UPDATE identity_oidc_providers SET tags = $2 WHERE arn = $1",
            };
            tx.execute(sql, params![row.text("id")?, tags]).await?;
            Ok(())
        })
        .await
}

async fn find(tx: &Tx, account: &AccountId, tagged: Tagged<'_>) -> Result<Row> {
    let (sql, name) = match tagged {
        Tagged::User(name) => {
            ("SELECT id, tags, NULL AS service FROM identity_users WHERE account = $1 AND name = $2", name)
        }
        Tagged::Role(name) => ("SELECT id, tags, service FROM identity_roles WHERE account = $1 AND name = $2", name),
        Tagged::Policy(arn) => {
            ("SELECT id, tags, NULL AS service FROM identity_policies WHERE account = $1 AND arn = $2", arn)
        }
        Tagged::InstanceProfile(name) => {
            ("SELECT id, tags, NULL AS service FROM identity_instance_profiles WHERE account = $1 AND name = $2", name)
        }
        Tagged::OidcProvider(arn) => (
            "SELECT arn AS id, tags, NULL AS service FROM identity_oidc_providers WHERE account = $1 AND arn = $2",
            arn,
        ),
    };
    tx.fetch_optional(sql, params![account, name]).await?.ok_or_else(|| match tagged {
        Tagged::User(name) => no_such(HolderKind::User, name),
        Tagged::Role(name) => no_such(HolderKind::Role, name),
        Tagged::Policy(arn) => no_such_policy(arn),
        Tagged::InstanceProfile(name) => no_such_profile(name),
        Tagged::OidcProvider(arn) => no_such_provider(arn),
    })
}
