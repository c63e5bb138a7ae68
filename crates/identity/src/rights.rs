//! What a principal's policies are.

use std::sync::{Arc, LazyLock};

use base::{Error, Result};

use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};
use crate::principal::Principal;

/// The id of AWS's policy for administrators.
pub(crate) const ADMINISTRATOR_ACCESS: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The policies that apply to a principal wherever it asks, and what conditions may ask of it.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    /// Managed, inline and group policies; those of the role for its sessions.
    pub(crate) identity: Vec<Attached>,
    /// The permissions boundary.
    pub(crate) boundary: Option<Attached>,
    /// The tags of a user. Those of a role's session are the session's own.
    pub(crate) tags: Vec<(String, String)>,
}

impl Identity {
    /// The policies of `principal`, kept in memory for some seconds; a change made through this process is seen at once.
    pub(crate) async fn rights(&self, principal: &Principal) -> Result<Arc<Rights>> {
        let key = principal.rights_key();
        let now = self.0.clock.now();
        if let Some(rights) = self.0.rights.get(&key, now) {
            return Ok(rights);
        }
        let generation = self.0.rights.generation();
        let rights = Arc::new(self.read_rights(principal).await?);
        self.0.rights.insert(generation, &key, Arc::clone(&rights), now);
        Ok(rights)
    }

    async fn read_rights(&self, principal: &Principal) -> Result<Rights> {
        let mut rights = Rights::default();
        if principal.is_made_administrator() {
            rights.identity.push(administrator_access()?);
        }
        Ok(rights)
    }

    /// Forgets what is cached of policies, after a committed write that changed one.
    pub(crate) fn forget_rights(&self) {
        self.0.rights.clear();
        self.0.memberships.clear();
    }
}

fn administrator_access() -> Result<Attached> {
    static DOCUMENT: LazyLock<Option<Arc<Document>>> = LazyLock::new(|| {
        let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
        Document::parse(Kind::Managed, text).ok().map(Arc::new)
    });
    let document = DOCUMENT.as_ref().ok_or_else(|| Error::internal("the policy of administrators is malformed"))?;
    Ok(Attached { id: ADMINISTRATOR_ACCESS.into(), document: Arc::clone(document) })
}
