//! Reading an issuer's keys from where it publishes them (OpenID Connect Discovery 1.0).

use std::sync::OnceLock;
use std::time::Duration;

use base::{Error, Result};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::keys::Keys;
use super::reach::{HINT, PublicAddresses, Reach};

/// How long an issuer may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most of an answer that is read.
const LONGEST: usize = 1 << 20;

/// Asks issuers for their keys.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    reach: OnceLock<Reach>,
    client: OnceLock<Client>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Issuers {
    /// Lets issuers be anywhere. It must be said before where they may be is asked for.
    pub(crate) fn allow_anywhere(&self) {
        let _ = self.reach.set(Reach::Anywhere);
    }

    /// Where issuers may be.
    pub(crate) fn reach(&self) -> Reach {
        *self.reach.get_or_init(|| Reach::Public)
    }

    /// The keys that the issuer at `url` signs with now.
    ///
    /// # Errors
    /// Invalid (`IDPCommunicationError`), where it does not say, or may not be asked.
    pub(super) async fn keys(&self, url: &str) -> Result<Keys> {
        self.read_keys(url).await.map_err(|error| match self.reach() {
            // The same whatever went wrong: what is inside the network is not told.
            Reach::Public => error.with_hint(HINT),
            Reach::Anywhere => error,
        })
    }

    async fn read_keys(&self, url: &str) -> Result<Keys> {
        let base = url.trim_end_matches('/');
        let discovery: Discovery = self.get(&format!("{base}/.well-known/openid-configuration")).await?;
        self.get(discovery.keys_of(base)?).await
    }

    async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        let parsed: Url = url.parse().map_err(|error| unanswered(url, error))?;
        self.reach().check(&parsed).map_err(|why| unanswered(url, why))?;
        let mut response = self.client()?.get(parsed).send().await.map_err(|error| unanswered(url, error))?;
        if !response.status().is_success() {
            return Err(unanswered(url, format!("it answers {}", response.status())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(url, error))? {
            if body.len() + chunk.len() > LONGEST {
                return Err(unanswered(url, "it answers too much"));
            }
            body.extend_from_slice(&chunk);
        }
        serde_json::from_slice(&body).map_err(|error| unanswered(url, error))
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // An error says that the process chose its cryptography before.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("craton/", env!("CARGO_PKG_VERSION")));
        let client = match self.reach() {
            // A proxy would resolve names itself, and be asked for what nobody checked.
            Reach::Public => client.no_proxy().dns_resolver(PublicAddresses),
            Reach::Anywhere => client,
        };
        let client = client.build().map_err(Error::internal)?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl Discovery {
    /// Where the keys of the issuer at `base` are.
    ///
    /// # Errors
    /// Invalid (`IDPCommunicationError`), where this is of another issuer, or one over TLS has keys that are not.
    pub(super) fn keys_of(&self, base: &str) -> Result<&str> {
        if self.issuer.trim_end_matches('/') != base {
            return Err(unanswered(base, format!("it calls itself {}", self.issuer)));
        }
        if base.starts_with("https://") && !self.jwks_uri.starts_with("https://") {
            return Err(unanswered(base, "its keys are not served over TLS"));
        }
        Ok(&self.jwks_uri)
    }
}

/// What is said of an issuer that does not answer as it must; why, only the log tells.
fn unanswered(url: &str, why: impl std::fmt::Display) -> Error {
    Error::invalid(
        "Couldn't retrieve verification key from your identity provider, please reference \
                    AssumeRoleWithWebIdentity documentation for requirements",
    )
    .with_detail(format!("{url}: {why}"))
    .with_code("IDPCommunicationError")
}
