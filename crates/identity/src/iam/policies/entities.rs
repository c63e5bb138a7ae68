//! Who has a managed policy.

use base::{Page, PageRequest, Result};

use super::{Usage, store};
use crate::ctx::Ctx;
use crate::iam::holder::HolderKind;
use crate::open::Identity;

/// Someone who has a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyEntity {
    /// What it is.
    pub kind: HolderKind,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its path.
    pub path: String,
    /// How it has the policy.
    pub usage: Usage,
}

/// Which of those who have a policy are listed.
#[derive(Debug, Clone, Default)]
pub struct EntityFilter {
    /// Only these.
    pub kind: Option<HolderKind>,
    /// Only those whose path starts so.
    pub path_prefix: Option<String>,
    /// Only those that have it so.
    pub usage: Option<Usage>,
}

impl Identity {
    /// The users, groups and roles that have a policy, each once: users first, then groups and roles, by name.
    ///
    /// # Errors
    /// As [`Identity::get_policy`].
    pub async fn list_entities_for_policy(
        &self,
        ctx: &Ctx,
        policy_arn: &str,
        filter: &EntityFilter,
        page: &PageRequest,
    ) -> Result<Page<PolicyEntity>> {
        self.get_policy(ctx, policy_arn).await?;
        let mut entities = store::entities(&self.0.store, ctx.account(), policy_arn).await?;
        let after = page.after.as_deref().unwrap_or_default();
        entities.retain(|entity| filter.keeps(entity) && key(entity).as_str() > after);
        entities.sort_unstable_by_key(key);
        entities.dedup_by_key(|entity| key(entity));
        Ok(Page::cut(page, entities, key))
    }
}

impl EntityFilter {
    fn keeps(&self, entity: &PolicyEntity) -> bool {
        self.kind.is_none_or(|kind| kind == entity.kind)
            && self.usage.is_none_or(|usage| usage == entity.usage)
            && self.path_prefix.as_deref().is_none_or(|prefix| entity.path.starts_with(prefix))
    }
}

fn key(entity: &PolicyEntity) -> String {
    let kind = match entity.kind {
        HolderKind::User => 1,
        HolderKind::Group => 2,
        HolderKind::Role => 3,
    };
    format!("{kind}{}", entity.name.to_lowercase())
}
