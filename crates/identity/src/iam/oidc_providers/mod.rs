//! OpenID Connect providers: issuers of tokens that roles may trust.

pub(crate) mod store;

use base::{Error, Result, Timestamp};
use reqwest::Url;

use super::errors::{invalid_input, quota_exceeded};
use super::tags;
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::sts::{HINT, Reach};
use crate::users::Tag;

/// The most providers of an account, as in AWS.
const PER_ACCOUNT: i64 = 100;
/// The most client ids of a provider, as in AWS.
const CLIENT_IDS: usize = 100;
/// The most thumbprints of a provider, as in AWS.
const THUMBPRINTS: usize = 5;
/// The longest URL, as in AWS.
const LONGEST_URL: usize = 255;

/// An issuer of tokens that an account knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/HOST/PATH`
    pub arn: String,
    /// Its URL as it was given: `https://HOST/PATH`.
    pub issuer: String,
    /// For whom its tokens must be: what their `aud` may say.
    pub client_ids: Vec<String>,
    /// Kept as given. Certificates of issuers are checked against the machine's authorities, not against these.
    pub thumbprints: Vec<String>,
    /// The tags in the order given.
    pub tags: Vec<Tag>,
    /// When it was made.
    pub created: Timestamp,
}

impl OidcProvider {
    /// The URL without `https://`: how conditions name the provider's claims.
    #[must_use]
    pub fn name(&self) -> &str {
        without_scheme(&self.issuer)
    }
}

impl Identity {
    /// Makes an issuer of tokens known. `http` is taken beside `https`, and an address that is not public, only after
    /// [`Identity::allow_private_issuers`].
    ///
    /// # Errors
    /// Invalid, where the URL, a client id, a thumbprint or a tag breaks AWS's rules; AlreadyExists; Conflict
    /// (`LimitExceeded`), where there are too many client ids or the account has 100 providers.
    pub async fn create_oidc_provider(
        &self,
        ctx: &Ctx,
        url: &str,
        client_ids: Vec<String>,
        thumbprints: Vec<String>,
        tags: Vec<Tag>,
    ) -> Result<OidcProvider> {
        let issuer = checked_url(url, self.0.issuers.reach())?;
        check_thumbprints(&thumbprints)?;
        if client_ids.len() > CLIENT_IDS {
            return Err(too_many_client_ids());
        }
        tags::check(&tags)?;
        let provider = OidcProvider {
            arn: oidc_provider_arn(ctx.account().as_str(), &issuer),
            issuer,
            client_ids,
            thumbprints,
            tags,
            created: self.0.clock.now(),
        };
        store::insert(&self.0.store, ctx.account(), &provider, PER_ACCOUNT).await?;
        Ok(provider)
    }

    /// The account's provider with this ARN.
    ///
    /// # Errors
    /// NotFound.
    pub async fn get_oidc_provider(&self, ctx: &Ctx, arn: &str) -> Result<OidcProvider> {
        store::read(&self.0.store, ctx.account(), arn).await?.ok_or_else(|| no_such_provider(arn))
    }

    /// The account's providers, by ARN.
    ///
    /// # Errors
    /// The store's.
    pub async fn list_oidc_providers(&self, ctx: &Ctx) -> Result<Vec<OidcProvider>> {
        store::list(&self.0.store, ctx.account()).await
    }

    /// Forgets a provider: roles that trust it cannot be assumed with its tokens any more. One that is not there is no
    /// error, as in AWS.
    ///
    /// # Errors
    /// The store's.
    pub async fn delete_oidc_provider(&self, ctx: &Ctx, arn: &str) -> Result<()> {
        store::delete(&self.0.store, ctx.account(), arn).await
    }

    /// Puts other thumbprints in place of a provider's.
    ///
    /// # Errors
    /// NotFound; Invalid.
    pub async fn set_oidc_thumbprints(&self, ctx: &Ctx, arn: &str, thumbprints: Vec<String>) -> Result<()> {
        check_thumbprints(&thumbprints)?;
        let change = |provider: OidcProvider| Ok(OidcProvider { thumbprints: thumbprints.clone(), ..provider });
        store::change(&self.0.store, ctx.account(), arn, &change).await
    }

    /// Adds a client id; one that is there is no error.
    ///
    /// # Errors
    /// NotFound; Conflict (`LimitExceeded`), where there are 100.
    pub async fn add_oidc_client_id(&self, ctx: &Ctx, arn: &str, client_id: &str) -> Result<()> {
        let change = |mut provider: OidcProvider| {
            if !provider.client_ids.iter().any(|id| id == client_id) {
                if provider.client_ids.len() >= CLIENT_IDS {
                    return Err(too_many_client_ids());
                }
                provider.client_ids.push(client_id.to_owned());
            }
            Ok(provider)
        };
        store::change(&self.0.store, ctx.account(), arn, &change).await
    }

    /// Removes a client id; one that is not there is no error.
    ///
    /// # Errors
    /// NotFound, where there is no such provider.
    pub async fn remove_oidc_client_id(&self, ctx: &Ctx, arn: &str, client_id: &str) -> Result<()> {
        let change = |mut provider: OidcProvider| {
            provider.client_ids.retain(|id| id != client_id);
            Ok(provider)
        };
        store::change(&self.0.store, ctx.account(), arn, &change).await
    }
}

/// The ARN of the provider of `issuer` in an account: its URL without scheme, query and fragment.
#[must_use]
pub fn oidc_provider_arn(account: &str, issuer: &str) -> String {
    let name = without_scheme(issuer).split(['?', '#']).next().unwrap_or_default();
    format!("arn:aws:iam::{account}:oidc-provider/{name}")
}

pub(crate) fn no_such_provider(arn: &str) -> Error {
    Error::not_found(format!("OpenIDConnect Provider not found for arn {arn}"))
}

fn without_scheme(url: &str) -> &str {
    url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url)
}

fn checked_url(url: &str, reach: Reach) -> Result<String> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    let printable = url.bytes().all(|b| b.is_ascii_graphic());
    if host.is_empty() || !host.bytes().all(is_host) || !printable || url.len() > LONGEST_URL {
        return Err(Error::invalid("Invalid Open ID Connect Provider URL")
            .with_hint("It starts with `https://` and is what the tokens' `iss` says."));
    }
    let parsed: Url = url.parse().map_err(|_| Error::invalid("Invalid Open ID Connect Provider URL"))?;
    reach.check(&parsed).map_err(|_| Error::invalid("Invalid Open ID Connect Provider URL").with_hint(HINT))?;
    Ok(url.to_owned())
}

fn check_thumbprints(thumbprints: &[String]) -> Result<()> {
    if thumbprints.len() > THUMBPRINTS {
        return Err(invalid_input(format!("Thumbprint list must contain fewer than {THUMBPRINTS} entries.")));
    }
    Ok(())
}

fn too_many_client_ids() -> Error {
    quota_exceeded("ClientIdsPerOpenIdConnectProvider", i64::try_from(CLIENT_IDS).unwrap_or(i64::MAX))
}
