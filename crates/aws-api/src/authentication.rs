//! From what a request shows to the context of its caller.

use std::sync::Arc;

use aws_wire::sigv4::{self, SignatureError, Signed};
use base::{Error, ErrorKind, Region};
use http::HeaderMap;
use http::request::Parts;
use identity::{Ctx, EXPIRED_TOKEN, Identity, Origin, ProvenKey, SigningKey, Status, Surface};

/// Why a caller is not known.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The signature, or what it says of its key, is wrong.
    Signature(SignatureError),
    /// Another proof is wrong, or could not be checked.
    Other(Error),
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Self::Signature(error)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// A signature whose key is known, before the body was read.
pub(crate) struct Claim {
    signed: Signed,
    key: Arc<SigningKey>,
    region: Region,
}

/// Looks up the key of a signature. What cannot be right is refused before its body is read.
pub(crate) async fn claim(identity: &Identity, signed: Signed) -> Result<Claim, Refusal> {
    let key = identity.signing_key(&signed.access_key_id).await?.filter(|key| key.status == Status::Active);
    let key = key.ok_or(SignatureError::UnknownKey)?;
    let region = signed.region.parse().map_err(|_| {
        SignatureError::Incomplete(format!("Credential should be scoped to a valid region, not '{}'.", signed.region))
    })?;
    Ok(Claim { signed, key, region })
}

/// Verifies a claim over the whole request.
pub(crate) async fn prove(
    identity: &Identity,
    claim: Claim,
    parts: &Parts,
    body: &[u8],
    now: base::Timestamp,
    origin: Origin,
) -> Result<Ctx, Refusal> {
    let Claim { signed, key, region } = claim;
    let hash = sigv4::payload_hash(&signed, parts, body)?;
    sigv4::verify(&signed, key.secret.reveal(), parts, &hash, now)?;
    let proven = ProvenKey::new(key, signed.session_token.as_deref()).for_service(&signed.service);
    identity.authenticate(proven, Some(region), origin).await.map_err(|error| match error.kind {
        ErrorKind::Unauthenticated if error.message == EXPIRED_TOKEN => SignatureError::ExpiredToken.into(),
        ErrorKind::Unauthenticated => SignatureError::InvalidToken.into(),
        _ => Refusal::Other(error),
    })
}

/// The caller of a bearer key on the Bedrock API: one that Craton made, or one that a client signed for itself.
pub(crate) async fn bedrock_key(
    identity: &Identity,
    key: &str,
    now: base::Timestamp,
    origin: Origin,
) -> Result<Ctx, Refusal> {
    if !sigv4::is_short_term_key(key) {
        let caller = identity.bearer(key, Surface::Bedrock, None, origin).await;
        return caller.map_err(|error| match error.kind {
            ErrorKind::Unauthenticated if error.message == EXPIRED_TOKEN => SignatureError::ExpiredToken.into(),
            _ => Refusal::Other(error),
        });
    }
    let (parts, signed) = sigv4::short_term_key(key)?;
    let claim = claim(identity, signed).await?;
    let ctx = prove(identity, claim, &parts, &[], now, origin).await?;
    Ok(ctx.for_bedrock_alone())
}

/// The caller of a bearer key on the OpenAI API.
pub(crate) async fn openai_key(identity: &Identity, key: &str, origin: Origin) -> Result<Ctx, Refusal> {
    let caller = identity.bearer(key, Surface::OpenAi, None, origin).await;
    Ok(caller.map_err(|error| match error.kind {
        ErrorKind::Unauthenticated if error.message == EXPIRED_TOKEN => {
            Error::unauthenticated("The API key has expired.").with_hint("`craton keys create` makes another.")
        }
        ErrorKind::Unauthenticated => incorrect_key(),
        _ => error,
    })?)
}

/// The error of a key that opens nothing on the OpenAI API.
pub(crate) fn incorrect_key() -> Error {
    Error::unauthenticated("Incorrect API key provided.")
        .with_hint("`craton keys create NAME --surface openai` makes one.")
}

/// The caller of a console session. A request that `changes` anything must also carry the session's CSRF token, which
/// another site's page cannot know.
pub(crate) async fn console(
    identity: &Identity,
    token: &str,
    parts: &Parts,
    changes: bool,
    origin: Origin,
) -> Result<Ctx, Refusal> {
    let region = text(&parts.headers, "x-craton-region").map(str::parse).transpose()?;
    let signed_in = identity.console_session(token, region, origin).await?;
    let given = text(&parts.headers, "x-craton-csrf").unwrap_or_default();
    if changes && !signed_in.csrf_matches(given) {
        return Err(Error::denied("The `X-Craton-Csrf` header is missing or wrong.")
            .with_hint("Reload the console and try again.")
            .into());
    }
    Ok(signed_in.ctx)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
