//! Whether the targets of profiles would answer now, as far as that is known without asking them.

use base::{Error, ErrorKind, Result};
use identity::Ctx;

use crate::aliases::{POOL_PREFIX, Target};
use crate::{MemberStatus, Models, Pool};

/// How a target of a profile is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    /// Whether it would answer.
    pub readiness: Readiness,
    /// What answers there: `pool:NAME`, the name of a model of this server, or a server's own name of the model and its URL;
    /// none where nothing does.
    pub answers: Option<String>,
    /// Why it would not answer, or not with all of its members.
    pub detail: Option<String>,
}

/// Whether a target would answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Readiness {
    /// It would.
    Ready,
    /// It would, with fewer members than it has.
    Degraded,
    /// It would not: requests go on to the next target.
    Down,
    /// Nobody has asked it or looked at it yet.
    Unknown,
}

impl Readiness {
    /// As Craton's API calls it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

impl Models {
    /// How a target of the caller's profiles is, by its text. Loads and asks nothing: of servers it tells what requests and checks
    /// have last found.
    ///
    /// # Errors
    /// Internal ones. What cannot be read of a target is why it is down.
    pub async fn target_state(&self, ctx: &Ctx, target: &str) -> Result<TargetState> {
        let found = match target.strip_prefix(POOL_PREFIX) {
            Some(pool) => Ok(Target::Pool { name: pool.to_owned() }),
            None => self.direct_target(ctx, target).await,
        };
        match found {
            Ok(found) => self.state_of(ctx, found).await,
            Err(error) => gone(error),
        }
    }

    async fn state_of(&self, ctx: &Ctx, target: Target) -> Result<TargetState> {
        Ok(match target {
            Target::Pool { name } => match self.pool(ctx, &name).await {
                Ok(pool) => of_pool(&pool),
                Err(error) => return gone(error),
            },
            Target::Local { name } => return self.state_of_local(name).await,
            Target::Remote { base_url, model, .. } => {
                let status = self.upstream_status(ctx, &base_url, &model);
                let (readiness, detail) = of_members(status.iter());
                let said = status.and_then(|status| status.last_error).filter(|_| readiness == Readiness::Down);
                TargetState { readiness, answers: Some(format!("{model} at {base_url}")), detail: said.or(detail) }
            }
            Target::Imported { model } => {
                TargetState { readiness: Readiness::Ready, answers: Some(model.name.clone()), detail: None }
            }
            // No target is one: `direct_target` refuses them.
            other @ (Target::Endpoint(_) | Target::Routed { .. }) => TargetState {
                readiness: Readiness::Unknown,
                answers: Some(other.serving_name().to_owned()),
                detail: None,
            },
        })
    }

    async fn state_of_local(&self, name: String) -> Result<TargetState> {
        let (readiness, detail) = match self.inner.library.manifest(&name).await {
            Ok(None) => (Readiness::Down, Some(format!("The model `{name}` is not downloaded."))),
            Ok(Some(manifest)) => match manifest.broken {
                Some(reason) => (Readiness::Down, Some(reason)),
                None => (Readiness::Ready, None),
            },
            Err(error) => return Ok(TargetState { answers: Some(name), ..gone(error)? }),
        };
        Ok(TargetState { readiness, answers: Some(name), detail })
    }
}

/// The state of a target that names nothing any more, or of whose model nothing can be read.
fn gone(error: Error) -> Result<TargetState> {
    if error.kind == ErrorKind::Internal {
        return Err(error);
    }
    Ok(TargetState { readiness: Readiness::Down, answers: None, detail: Some(error.message) })
}

fn of_pool(pool: &Pool) -> TargetState {
    let (readiness, detail) = of_members(pool.members.iter().map(|member| &member.status));
    TargetState { readiness, answers: Some(format!("{POOL_PREFIX}{}", pool.name)), detail }
}

/// How servers are of which any one answers.
fn of_members<'a>(members: impl Iterator<Item = &'a MemberStatus>) -> (Readiness, Option<String>) {
    let health: Vec<Option<bool>> = members.map(|member| member.healthy).collect();
    let down = health.iter().filter(|healthy| **healthy == Some(false)).count();
    match (down, health.len()) {
        (0, _) if health.contains(&Some(true)) => (Readiness::Ready, None),
        (0, _) => (Readiness::Unknown, Some("It was not asked since it was set or the server started.".to_owned())),
        (down, all) if down == all => (Readiness::Down, Some("No member answers.".to_owned())),
        (down, all) => (Readiness::Degraded, Some(format!("{down} of {all} members do not answer."))),
    }
}
