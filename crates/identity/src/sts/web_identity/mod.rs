//! `AssumeRoleWithWebIdentity`: sessions of roles for whom an OpenID Connect provider vouches.

mod issuer_keys;
mod keys;
mod reach;
mod remote;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use base::{AccountId, Error, ErrorKind, Result, Secret};

pub(crate) use issuer_keys::IssuerKeys;
pub(crate) use reach::{HINT, Reach};
pub(crate) use remote::Issuers;

use super::assume_role::{AssumedRole, account_of, check_duration, seconds};
use super::session_policies::{Passed, SessionPolicies};
use super::session_tags::SessionTags;
use super::sessions::Granted;
use crate::ask::Ask;
use crate::authorization::Access;
use crate::ctx::Ctx;
use crate::iam::oidc_providers::{self, OidcProvider, oidc_provider_arn};
use crate::iam::roles::Role;
use crate::iam::tags::pairs;
use crate::open::Identity;
use crate::principal::Principal;
use issuer_keys::{KEPT, READ_AGAIN};
use keys::Keys;
use token::Token;

/// Which role is to be assumed, with which token.
#[derive(Debug, Clone)]
pub struct WebIdentityAssumption {
    /// The role's ARN.
    pub role_arn: String,
    /// 2 to 64 letters, digits and `_+=,.@-`.
    pub session_name: String,
    /// The issuer's token, a signed JWT.
    pub token: Secret<String>,
    /// A policy that limits the session.
    pub policy: Option<String>,
    /// Up to ten managed policies that limit the session.
    pub policy_arns: Vec<String>,
    /// Seconds; an hour where `None`.
    pub duration: Option<i64>,
}

/// A session of a role, and whom it was given to.
#[derive(Debug, Clone)]
pub struct WebIdentitySession {
    /// The session.
    pub assumed: AssumedRole,
    /// The token's `sub`.
    pub subject: String,
    /// The client id that the token is for.
    pub audience: String,
    /// The provider's ARN.
    pub provider: String,
}

impl Identity {
    /// Lets issuers of tokens be inside the server's own network, or be reached without TLS: their keys are otherwise read
    /// over TLS from public addresses alone. To be called before anything is asked of `self`.
    pub fn allow_private_issuers(&self) {
        self.0.issuers.allow_anywhere();
    }

    /// Temporary credentials of a role whose trust policy names the provider that signed the token, for anyone who has
    /// the token: `ctx` is of nobody.
    ///
    /// # Errors
    /// Denied, where there is no such role or it does not trust the token. Invalid: `InvalidIdentityToken`, where the
    /// token is malformed, is for another client, is signed by another or its issuer is not known in the role's account,
    /// `ExpiredTokenException`, `IDPCommunicationError`, where the issuer's keys cannot be read. Throttled, where too many
    /// issuers are being asked.
    pub async fn assume_role_with_web_identity(
        &self,
        ctx: &Ctx,
        wish: &WebIdentityAssumption,
    ) -> Result<WebIdentitySession> {
        check_duration(wish.duration)?;
        let policies = SessionPolicies::read(wish.policy.as_deref(), &wish.policy_arns)?;
        let packed_size = SessionTags::default().packed_with(&policies)?;
        let account = account_of(&wish.role_arn)?;
        let token = Token::parse(wish.token.reveal())?;
        let (provider, audience) = self.vouched_for(&account, &token).await?;
        let role = self.read_role_by_arn(&wish.role_arn).await?;
        let caller = Principal::Federated {
            account: account.clone(),
            provider: provider.arn.clone(),
            subject: token.claims.sub.clone(),
        };
        let ctx = ctx.of(caller);
        self.permit_token(&ctx, wish, role.as_ref(), &token, (&provider, &audience)).await?;
        let role = role.ok_or_else(not_authorized)?;
        let seconds = seconds(wish.duration, &role, false)?;
        let now = self.0.clock.now();
        let granted = Granted {
            session_name: wish.session_name.clone(),
            policies: Passed::resolve(self, &role.account, &policies).await?,
            tags: Vec::new(),
            transitive: Vec::new(),
            source_identity: None,
            chained: false,
            issued: now,
            expires: now.plus_seconds(seconds),
        };
        let assumed = AssumedRole {
            credentials: self.make_role_session(&role, granted).await?,
            id: format!("{}:{}", role.id, wish.session_name),
            arn: format!("arn:aws:sts::{account}:assumed-role/{}/{}", role.name, wish.session_name),
            packed_size,
            source_identity: None,
        };
        Ok(WebIdentitySession { assumed, subject: token.claims.sub, audience, provider: provider.arn })
    }

    /// The provider that vouches for the token, and for which of its clients.
    async fn vouched_for(&self, account: &AccountId, token: &Token) -> Result<(OidcProvider, String)> {
        let issuer = &token.claims.iss;
        let provider = self
            .provider_of(account, issuer)
            .await?
            .ok_or_else(|| invalid_token(format!("No OpenIDConnect provider found in your account for {issuer}")))?;
        let audience = token.audience(&provider.client_ids)?;
        token.check_time(self.0.clock.now())?;
        self.check_signature(&provider, token).await?;
        Ok((provider, audience))
    }

    /// The account's provider of tokens of `issuer`; a slash at the end makes no difference.
    async fn provider_of(&self, account: &AccountId, issuer: &str) -> Result<Option<OidcProvider>> {
        let base = issuer.trim_end_matches('/');
        for name in [base.to_owned(), format!("{base}/")] {
            let arn = oidc_provider_arn(account.as_str(), &name);
            let provider = oidc_providers::store::read(&self.0.store, account, &arn).await?;
            // The scheme counts: what one issuer signs over TLS, another one may not without.
            if let Some(provider) = provider.filter(|provider| provider.issuer.trim_end_matches('/') == base) {
                return Ok(Some(provider));
            }
        }
        Ok(None)
    }

    /// Checks that the provider signed the token. Where the keys that are kept did not, it may have others by now.
    async fn check_signature(&self, provider: &OidcProvider, token: &Token) -> Result<()> {
        if self.keys_of(provider, KEPT).await?.verify(token).is_ok() {
            return Ok(());
        }
        self.keys_of(provider, READ_AGAIN).await?.verify(token)
    }

    /// The keys that the provider signs with, less than `oldest` milliseconds old.
    async fn keys_of(&self, provider: &OidcProvider, oldest: i64) -> Result<Arc<Keys>> {
        let (issuers, url) = (Arc::clone(&self.0.issuers), provider.issuer.clone());
        let read = || async move { issuers.keys(&url).await };
        self.0.issuer_keys.get(&provider.issuer, oldest, read).await
    }

    async fn permit_token(
        &self,
        ctx: &Ctx,
        wish: &WebIdentityAssumption,
        role: Option<&Role>,
        token: &Token,
        (provider, audience): (&OidcProvider, &str),
    ) -> Result<()> {
        let name = provider.name();
        let mut ask = Ask::new("sts:AssumeRoleWithWebIdentity", &wish.role_arn)
            .key("sts:RoleSessionName", &wish.session_name)
            .key(format!("{name}:aud"), audience)
            .key(format!("{name}:sub"), &token.claims.sub)
            .key_if(format!("{name}:email"), token.claims.email.as_deref());
        if !token.claims.amr.is_empty() {
            ask = ask.keys(format!("{name}:amr"), token.claims.amr.clone());
        }
        if let Some(seconds) = wish.duration {
            ask = ask.key("sts:DurationSeconds", seconds.to_string());
        }
        if let Some(role) = role {
            ask = ask.policy(role.trust_policy()?).resource_tags(&pairs(&role.tags));
        }
        // A stranger does not learn whether the role exists and what its trust policy says; the record tells.
        self.permit(ctx, &ask, Access::Write).await.map_err(|error| match error.kind {
            ErrorKind::Denied => not_authorized(),
            _ => error,
        })
    }
}

fn not_authorized() -> Error {
    Error::denied("Not authorized to perform sts:AssumeRoleWithWebIdentity")
}

fn invalid_token(message: impl Into<String>) -> Error {
    Error::invalid(message).with_code("InvalidIdentityToken")
}
