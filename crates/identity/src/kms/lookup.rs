//! Keys for those who know them by their ARN alone.

use base::{PageRequest, Result};

use super::grants::GrantInfo;
use super::{Kms, store};
use crate::resources::ResourceFacts;

/// The most grants of a key, as in AWS.
const MOST_GRANTS: u32 = 50_000;

impl Kms {
    /// The key `id` as policies see it, with all of its grants.
    pub(crate) async fn resource(&self, id: &str) -> Result<Option<ResourceFacts>> {
        let Some(loaded) = self.load(id).await.map_err(base::Error::from)? else { return Ok(None) };
        let all = PageRequest { limit: MOST_GRANTS, after: None };
        let grants = store::list_grants(&self.0.0.store, id, None, None, &all).await?;
        Ok(Some(ResourceFacts {
            policy: Some(loaded.policy.clone()),
            grants: grants.iter().flat_map(GrantInfo::for_engine).collect(),
            tags: loaded.key.tags.clone(),
            ..ResourceFacts::of(loaded.key.account.clone())
        }))
    }
}
