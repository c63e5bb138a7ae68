//! What an organization means for the rights of an account's principals.

use std::sync::{Arc, LazyLock};

use base::{AccountId, Error, Result};

use super::store;
use super::tree::FULL_ACCESS;
use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};

/// The text of AWS's policy that allows everything.
pub(super) const FULL_ACCESS_TEXT: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#;

/// Where an account stands in an organization; all empty for an account outside of one.
#[derive(Debug, Default)]
pub(crate) struct Membership {
    /// `o-…`
    pub(crate) organization: Option<String>,
    /// `aws:PrincipalOrgPaths`: `o-…/r-…/ou-…/`.
    pub(crate) path: Option<String>,
    /// Whether the account was closed: nobody of it may do anything.
    pub(crate) closed: bool,
    /// The service control policies from the root down to the account. None for the management account.
    pub(crate) service_control: Vec<Vec<Attached>>,
}

/// Where an account stands, as it is stored.
pub(super) struct Standing {
    pub(super) organization: String,
    pub(super) management: AccountId,
    pub(super) service_control: bool,
    pub(super) closed: bool,
    /// From the root down to the account: the id of each, and ids and texts of what is attached.
    pub(super) levels: Vec<Level>,
}

pub(super) struct Level {
    pub(super) id: String,
    /// The text of AWS's own policy is not stored.
    pub(super) policies: Vec<(String, Option<String>)>,
}

impl Identity {
    /// Where `account` stands in an organization; kept in memory for some seconds, a change made through this process is
    /// seen at once.
    pub(crate) async fn membership(&self, account: &AccountId) -> Result<Arc<Membership>> {
        let now = self.0.clock.now();
        if let Some(membership) = self.0.memberships.get(account.as_str(), now) {
            return Ok(membership);
        }
        let generation = self.0.memberships.generation();
        let standing = store::standing(&self.0.store, account).await?;
        let membership = match standing {
            Some(standing) => membership(account, standing)?,
            None => Membership::default(),
        };
        let membership = Arc::new(membership);
        self.0.memberships.insert(generation, account.as_str(), Arc::clone(&membership), now);
        Ok(membership)
    }
}

fn membership(account: &AccountId, standing: Standing) -> Result<Membership> {
    let Standing { organization, management, service_control, closed, levels } = standing;
    let mut path = format!("{organization}/");
    for level in levels.iter().filter(|level| level.id != account.as_str()) {
        path.push_str(&level.id);
        path.push('/');
    }
    let controlled = service_control && management != *account;
    let mut compiled = Vec::new();
    for level in levels.into_iter().filter(|_| controlled) {
        let attach = |(id, text): (String, Option<String>)| attached(&organization, &management, &id, text);
        compiled.push(level.policies.into_iter().map(attach).collect::<Result<_>>()?);
    }
    Ok(Membership { organization: Some(organization), path: Some(path), closed, service_control: compiled })
}

fn attached(organization: &str, management: &AccountId, id: &str, text: Option<String>) -> Result<Attached> {
    if id == FULL_ACCESS {
        return full_access();
    }
    let text = text.ok_or_else(|| Error::internal(format!("the attached policy `{id}` is not stored")))?;
    let document = Document::parse(Kind::ServiceControl, text).map_err(Error::internal)?;
    let arn = format!("arn:aws:organizations::{management}:policy/{organization}/service_control_policy/{id}");
    Ok(Attached { id: arn.into(), document: Arc::new(document) })
}

fn full_access() -> Result<Attached> {
    static DOCUMENT: LazyLock<Option<Arc<Document>>> =
        LazyLock::new(|| Document::parse(Kind::ServiceControl, FULL_ACCESS_TEXT).ok().map(Arc::new));
    let document = DOCUMENT.as_ref().ok_or_else(|| Error::internal("the policy of full access is malformed"))?;
    let id = format!("arn:aws:organizations::aws:policy/service_control_policy/{FULL_ACCESS}");
    Ok(Attached { id: id.into(), document: Arc::clone(document) })
}
