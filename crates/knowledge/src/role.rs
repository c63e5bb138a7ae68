//! The role that a knowledge base works as.

use base::{Error, ErrorKind, Result};
use identity::Ctx;
use identity::sts::ServiceAssumption;

use crate::knowledge_bases::KnowledgeBase;
use crate::open::Knowledge;
use crate::ports::EmbeddingModel;
use crate::realm::Realm;

/// The service that assumes the role.
pub(crate) const SERVICE: &str = "bedrock.amazonaws.com";

impl Knowledge {
    /// The role, as the knowledge base of this id. The trust policy decides each time.
    ///
    /// # Errors
    /// Denied, where there is no such role or it does not trust the service.
    pub(crate) async fn assume(&self, realm: &Realm, role_arn: &str, id: &str) -> Result<Ctx> {
        let wish = ServiceAssumption {
            service: SERVICE.to_owned(),
            role_arn: role_arn.to_owned(),
            source_arn: Some(realm.arn(id)),
            session_name: format!("BedrockKnowledgeBase-{id}"),
            region: realm.region.clone(),
        };
        self.inner.identity.assume_role_as_service(&wish).await
    }

    /// The knowledge base's embedding model, if it is still the one that its vectors are from.
    ///
    /// # Errors
    /// Conflict, where it was removed or is another one now; Denied, where the role may not ask it.
    pub(crate) async fn model_of(&self, role: &Ctx, base: &KnowledgeBase) -> Result<EmbeddingModel> {
        let asked = &base.embedding_model;
        let model = self.inner.embedder.model(role, asked).await.map_err(|error| match error.kind {
            ErrorKind::NotFound => {
                let text = format!("The embedding model `{asked}` of the knowledge base `{}` is gone.", base.id);
                Error::conflict(text).with_hint(format!("Bring back `{}`, which answered for it.", base.served_by))
            }
            _ => error,
        })?;
        if model.fingerprint == base.fingerprint && model.dimension == base.dimension {
            return Ok(model);
        }
        let (now, then) = (&model.served_by, &base.served_by);
        let text = format!("The embedding model `{asked}` of the knowledge base `{}` is another one now.", base.id);
        Err(Error::conflict(text).with_hint(format!(
            "`{now}` answers for it, and the index was made by `{then}`: bring that back, or make a new knowledge base."
        )))
    }
}
