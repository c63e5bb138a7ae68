//! `AssumeRole`.

use base::{AccountId, Error, ErrorKind, Result};

use super::session_policies::{Passed, SessionPolicies};
use super::session_tags::SessionTags;
use super::sessions::Granted;
use crate::ask::Ask;
use crate::authorization::Access;
use crate::credentials::sessions::SessionCredentials;
use crate::ctx::Ctx;
use crate::iam::roles::Role;
use crate::iam::tags::pairs;
use crate::open::Identity;
use crate::policy::PolicyType;
use crate::principal::{Principal, RoleSession};

/// The shortest and the longest that the session of any role lasts, in seconds.
const DURATION: std::ops::RangeInclusive<i64> = 900..=43_200;
/// How long a session lasts where nothing is said, and at most where a session of a role asks for it, in seconds.
const HOUR: i64 = 3_600;

/// Which role a caller wants to assume, and how.
#[derive(Debug, Clone, Default)]
pub struct RoleAssumption {
    /// The role's ARN.
    pub role_arn: String,
    /// 2 to 64 letters, digits and `_+=,.@-`.
    pub session_name: String,
    /// A policy that limits the session.
    pub policy: Option<String>,
    /// Up to ten managed policies of the role's account, or of AWS, that limit the session.
    pub policy_arns: Vec<String>,
    /// Seconds; an hour where `None`.
    pub duration: Option<i64>,
    /// Tags of the session, which win over those of the role.
    pub tags: Vec<(String, String)>,
    /// The keys of those tags that sessions of roles assumed with this session get too.
    pub transitive_tag_keys: Vec<String>,
    /// What the trust policy may ask for as `sts:ExternalId`.
    pub external_id: Option<String>,
    /// Who is behind the session; stays with sessions of roles assumed with it.
    pub source_identity: Option<String>,
}

/// A session of a role.
#[derive(Debug, Clone)]
pub struct AssumedRole {
    /// Its credentials.
    pub credentials: SessionCredentials,
    /// `AROA…:SESSION`
    pub id: String,
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`
    pub arn: String,
    /// How much of the space for policies and tags is used, in percent; `None` where none were passed.
    pub packed_size: Option<u32>,
    /// Who is behind the session.
    pub source_identity: Option<String>,
}

impl Identity {
    /// Temporary credentials of a role that trusts the caller and that the caller's own policies let it assume. They end
    /// with the role.
    ///
    /// # Errors
    /// Denied, also where there is no such role: in another account nobody learns which. Invalid, with the codes
    /// `MalformedPolicyDocument` and `PackedPolicyTooLarge` where they apply.
    pub async fn assume_role(&self, ctx: &Ctx, wish: &RoleAssumption) -> Result<AssumedRole> {
        check_duration(wish.duration)?;
        let caller = session_of(ctx.principal());
        let tags = SessionTags::of(wish, caller)?;
        let policies = SessionPolicies::read(wish.policy.as_deref(), &wish.policy_arns)?;
        let packed_size = tags.packed_with(&policies)?;
        let account = account_of(&wish.role_arn)?;
        if ctx.principal().is_root() {
            return Err(Error::denied("Roles may not be assumed by root accounts.")
                .with_hint("Use a user or a role of the account."));
        }
        let role = self.read_role_by_arn(&wish.role_arn).await?;
        let source_identity = source_identity(wish, caller)?;
        self.permit_assumption(ctx, wish, &account, role.as_ref(), &tags, source_identity.as_deref()).await?;
        let role = role.ok_or_else(|| not_authorized(ctx, &wish.role_arn))?;
        let seconds = seconds(wish.duration, &role, caller.is_some())?;
        let now = self.0.clock.now();
        let passed = Passed::resolve(self, &role.account, &policies).await?;
        let granted = Granted {
            session_name: wish.session_name.clone(),
            policies: passed,
            tags: tags.of_session,
            transitive: tags.transitive,
            source_identity: source_identity.clone(),
            chained: caller.is_some(),
            issued: now,
            expires: now.plus_seconds(seconds),
        };
        let credentials = self.make_role_session(&role, granted).await?;
        Ok(AssumedRole {
            credentials,
            id: format!("{}:{}", role.id, wish.session_name),
            arn: format!("arn:aws:sts::{account}:assumed-role/{}/{}", role.name, wish.session_name),
            packed_size,
            source_identity,
        })
    }

    async fn permit_assumption(
        &self,
        ctx: &Ctx,
        wish: &RoleAssumption,
        account: &AccountId,
        role: Option<&Role>,
        tags: &SessionTags,
        source_identity: Option<&str>,
    ) -> Result<()> {
        let mut actions = vec!["sts:AssumeRole"];
        if !tags.requested.is_empty() {
            actions.push("sts:TagSession");
        }
        // An inherited one too: every role of a chain must consent to it.
        if source_identity.is_some() {
            actions.push("sts:SetSourceIdentity");
        }
        for action in actions {
            let mut ask = Ask::new(action, &wish.role_arn)
                .key("sts:RoleSessionName", &wish.session_name)
                .key_if("sts:ExternalId", wish.external_id.as_deref())
                .key_if("sts:SourceIdentity", source_identity);
            if let Some(seconds) = wish.duration {
                ask = ask.key("sts:DurationSeconds", seconds.to_string());
            }
            if !tags.requested.is_empty() {
                ask = ask.request_tags(&tags.requested).keys("sts:TransitiveTagKeys", tags.transitive.clone());
            }
            if let Some(role) = role {
                ask = ask.policy(role.trust_policy()?);
                for tag in &role.tags {
                    ask = ask.key(format!("iam:ResourceTag/{}", tag.key), &tag.value);
                }
                ask = ask.resource_tags(&pairs(&role.tags));
            }
            self.permit_on_role(ctx, &ask, account).await?;
        }
        Ok(())
    }

    /// As [`Identity::permit`], but says nothing of the trust policy of a role of another account.
    async fn permit_on_role(&self, ctx: &Ctx, ask: &Ask, account: &AccountId) -> Result<()> {
        let Err(denial) = self.permit(ctx, ask, Access::Write).await else { return Ok(()) };
        if denial.kind == ErrorKind::Denied && account != ctx.account() {
            let decided_by = self.decide(ctx, ask).await?.decision().reason.policy_type;
            if matches!(decided_by, PolicyType::Trust | PolicyType::Resource) {
                let message = denied(ctx, ask.action(), ask.resource());
                return Err(Error { message, ..denial });
            }
        }
        Err(denial)
    }
}

/// The role session that asks, if one does.
fn session_of(principal: &Principal) -> Option<&RoleSession> {
    match principal {
        Principal::Role(session) => Some(session),
        _ => None,
    }
}

pub(super) fn account_of(role_arn: &str) -> Result<AccountId> {
    let invalid = || {
        Error::invalid(format!("{role_arn} is invalid")).with_hint("A role's ARN is `arn:aws:iam::ACCOUNT:role/NAME`.")
    };
    let arn: base::Arn = role_arn.parse().map_err(|_| invalid())?;
    if arn.service != "iam" || !arn.resource.starts_with("role/") {
        return Err(invalid());
    }
    arn.account.parse().map_err(|_| invalid())
}

pub(super) fn check_duration(wished: Option<i64>) -> Result<()> {
    let Some(wished) = wished else { return Ok(()) };
    let (least, most) = (DURATION.start(), DURATION.end());
    let rule = match wished {
        _ if wished < *least => format!("greater than or equal to {least}"),
        _ if wished > *most => format!("less than or equal to {most}"),
        _ => return Ok(()),
    };
    Err(Error::invalid(format!(
        "1 validation error detected: Value '{wished}' at 'durationSeconds' failed to satisfy constraint: Member must \
         have value {rule}"
    )))
}

pub(super) fn seconds(wished: Option<i64>, role: &Role, chained: bool) -> Result<i64> {
    let wished = wished.unwrap_or(HOUR);
    if chained && wished > HOUR {
        return Err(Error::invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ));
    }
    if wished > role.max_session {
        return Err(Error::invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
    }
    Ok(wished)
}

/// Who is behind the new session: who is behind the asking one cannot be changed.
fn source_identity(wish: &RoleAssumption, caller: Option<&RoleSession>) -> Result<Option<String>> {
    let inherited = caller.and_then(|session| session.source_identity.clone());
    match (&inherited, &wish.source_identity) {
        (Some(inherited), Some(wished)) if inherited != wished => {
            Err(Error::denied("The source identity of a session cannot be changed.")
                .with_hint("Leave `SourceIdentity` out: it stays what it is."))
        }
        _ => Ok(inherited.or_else(|| wish.source_identity.clone())),
    }
}

fn not_authorized(ctx: &Ctx, role_arn: &str) -> Error {
    Error::denied(denied(ctx, "sts:AssumeRole", role_arn))
}

fn denied(ctx: &Ctx, action: &str, resource: &str) -> String {
    format!("User: {} is not authorized to perform: {action} on resource: {resource}", ctx.principal().arn())
}
