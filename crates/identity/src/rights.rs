//! What a principal's policies are.

use std::sync::Arc;

use base::{Error, Result};

use crate::iam::store::{InlineRow, RightsRow};
use crate::iam::{aws_managed, store, tags};
use crate::open::Identity;
use crate::policy::{Attached, Document, Kind};
use crate::principal::Principal;

/// The policies that apply to a principal wherever it asks, and what conditions may ask of it.
///
/// The id of a managed policy is its ARN, that of an embedded one `user/ada/NAME`, `group/devs/NAME` or `role/r/NAME`.
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
        let row = match principal.owner() {
            Principal::User { id, .. } => store::user_rights(&self.0.store, id).await?,
            Principal::Role(session) => store::role_rights(&self.0.store, &session.role.role_id).await?,
            _ => None,
        };
        // Who is gone has no policies, whatever credentials of theirs are still around.
        row.map_or_else(|| Ok(Rights::default()), Rights::read)
    }

    /// Forgets what is cached of policies, after a committed write that changed one.
    pub(crate) fn forget_rights(&self) {
        self.0.rights.clear();
        // Keys of sessions come with the policies and tags of the session.
        self.0.signing_keys.clear();
        self.0.memberships.clear();
        // Key policies and grants name users and roles.
        self.0.kms.clear();
    }
}

impl Rights {
    /// Compiles the policies of a user, a role or a group.
    pub(crate) fn read(row: RightsRow) -> Result<Self> {
        let inline = row.inline.iter().map(embedded);
        let managed = row.managed.iter().map(|row| managed(&row.arn, row.document.as_deref()));
        let identity = inline.chain(managed).collect::<Result<_>>()?;
        let boundary = match &row.boundary {
            Some(arn) => Some(self::managed(arn, row.boundary_document.as_deref())?),
            None => None,
        };
        Ok(Self { identity, boundary, tags: tags::pairs(&row.tags) })
    }
}

fn embedded(row: &InlineRow) -> Result<Attached> {
    let id = format!("{}/{}/{}", row.kind.word(), row.holder, row.name);
    compile(&id, row.kind.inline(), &row.document)
}

/// A managed policy of an account, with the document of its default version, or one of AWS's.
fn managed(arn: &str, document: Option<&str>) -> Result<Attached> {
    match document {
        Some(document) => compile(arn, Kind::Managed, document),
        None => aws_managed::attached(arn),
    }
}

/// What was checked before it was stored.
fn compile(id: &str, kind: Kind, text: &str) -> Result<Attached> {
    let document = Document::parse(kind, text)
        .map_err(|malformed| Error::internal(format!("the stored policy `{id}` is malformed: {malformed}")))?;
    Ok(Attached { id: id.into(), document: Arc::new(document) })
}
