//! Tokens of OpenID Connect providers: JSON Web Tokens (RFC 7519) in compact form (RFC 7515).

use base::{Error, Result, Secret, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::invalid_token;

/// How far the clocks of issuers may go wrong, in seconds.
const SKEW: i64 = 300;

/// A token, read and not yet believed.
#[derive(Debug)]
pub(super) struct Token {
    pub(super) header: Header,
    pub(super) claims: Claims,
    /// What is signed.
    pub(super) signed: String,
    /// What makes the rest a token that another may use.
    pub(super) signature: Secret<Vec<u8>>,
}

/// How a token is signed.
#[derive(Debug, Deserialize)]
pub(super) struct Header {
    /// `RS256`, `ES256` …
    pub(super) alg: String,
    /// Which of the issuer's keys.
    pub(super) kid: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What a token says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    /// Who says it.
    pub(super) iss: String,
    /// Of whom.
    pub(super) sub: String,
    /// To whom: a client id or several.
    #[serde(default)]
    aud: Value,
    /// To which client of several.
    azp: Option<String>,
    /// Until when, in seconds since 1970.
    exp: f64,
    /// From when on.
    nbf: Option<f64>,
    /// How the subject proved itself.
    #[serde(default)]
    pub(super) amr: Vec<String>,
    pub(super) email: Option<String>,
    #[serde(rename = "https://aws.amazon.com/tags")]
    session_tags: Option<Value>,
    #[serde(rename = "https://aws.amazon.com/source_identity")]
    source_identity: Option<Value>,
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// Invalid (`InvalidIdentityToken`), where it is none. NotImplemented for one that sets tags of the session.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let malformed = || {
            invalid_token(
                "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
            )
        };
        let (signed, signature) = text.rsplit_once('.').ok_or_else(malformed)?;
        let (header, claims) = signed.split_once('.').ok_or_else(malformed)?;
        let token = Self {
            header: part(header).ok_or_else(malformed)?,
            claims: part(claims).ok_or_else(malformed)?,
            signed: signed.to_owned(),
            signature: Secret::new(URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed())?),
        };
        // Whoever does not understand what is critical must not take the token (RFC 7515, section 4.1.11).
        if token.header.others.contains_key("crit") {
            return Err(invalid_token("The token has critical headers (`crit`), of which none are understood."));
        }
        if token.claims.session_tags.is_some() || token.claims.source_identity.is_some() {
            return Err(Error::not_implemented(
                "Tags and source identities of sessions that come with a token are not implemented.",
            ));
        }
        Ok(token)
    }

    /// The client id of `known` that the token is for: its `azp`, or else its `aud`.
    ///
    /// # Errors
    /// Invalid (`InvalidIdentityToken`), where it is for none of them.
    pub(super) fn audience(&self, known: &[String]) -> Result<String> {
        let said: Vec<&str> = match (&self.claims.azp, &self.claims.aud) {
            (Some(azp), _) => vec![azp],
            (None, Value::String(one)) => vec![one],
            (None, Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let meant = said.into_iter().find(|said| known.iter().any(|known| known == said));
        meant.map(str::to_owned).ok_or_else(|| invalid_token("Incorrect token audience"))
    }

    /// Checks that the token holds now.
    ///
    /// # Errors
    /// Invalid: `ExpiredTokenException`, or `InvalidIdentityToken`, where it does not hold yet.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<()> {
        let expires = moment(self.claims.exp);
        if expires <= now {
            return Err(Error::invalid(format!(
                "Token expired: current date/time {} must be before the expiration date/time {}",
                now.to_iso8601(),
                expires.to_iso8601()
            ))
            .with_code("ExpiredTokenException"));
        }
        match self.claims.nbf.map(moment) {
            Some(from) if from > now.plus_seconds(SKEW) => Err(invalid_token("The token does not hold yet.")),
            _ => Ok(()),
        }
    }
}

/// Seconds since 1970, which JSON may write with a fraction.
#[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
fn moment(seconds: f64) -> Timestamp {
    Timestamp((seconds * 1000.0) as i64)
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}
