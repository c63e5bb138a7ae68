//! Who asks: s3s verifies signatures with the secrets that it is given here, and identity says whose they are.

use std::sync::Arc;

use aws_wire::sigv4::Signed;
use base::{Clock, ErrorKind, Region, Timestamp};
use http::HeaderMap;
use identity::{Ctx, EXPIRED_TOKEN, Identity, Origin, ProvenKey, SigningKey, Status};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{Credentials, S3Auth, SecretKey};
use s3s::{S3Error, S3ErrorCode, S3Result};

use super::conditions;
use super::errors::{self, Told};
use super::form_fields::Fields;
use super::visit::Visit;
use crate::call::query_pairs;

/// How far a signature's clock may be from ours, in milliseconds.
const LARGEST_SKEW: i64 = 15 * 60 * 1000;

/// Signed requests may have these without having signed them.
const FREE_HEADERS: [&str; 2] = ["x-amz-content-sha256", "x-amz-user-agent"];

/// Looks up keys and makes callers of them.
#[derive(Clone)]
pub(crate) struct Callers {
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<dyn Clock>,
}

/// A key that signed a form: the session token that belongs to it, if any, stands in the form's policy.
#[derive(Clone)]
pub(crate) struct FormKey(Arc<SigningKey>);

#[async_trait::async_trait]
impl S3Auth for Callers {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let key = self.identity.signing_key(access_key).await.map_err(S3Error::internal_error)?;
        match key.filter(|key| key.status == Status::Active) {
            Some(key) => Ok(SecretKey::from(key.secret.reveal().as_str())),
            None => Err(S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, UNKNOWN_KEY)),
        }
    }
}

const UNKNOWN_KEY: &str = "The AWS Access Key Id you provided does not exist in our records.";

#[async_trait::async_trait]
impl S3Access for Callers {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let Some(visit) = Visit::of(cx.extensions_mut()).cloned() else {
            return Err(S3ErrorCode::InternalError.into());
        };
        let operation = name_of(cx.s3_op().name());
        visit.found(operation);
        match self.caller(cx, &visit, operation).await {
            Ok(Some(ctx)) => {
                let agent = cx.headers().get(http::header::USER_AGENT).and_then(|agent| agent.to_str().ok());
                let query = cx.uri().query().unwrap_or_default();
                let said = conditions::of_request(&visit, cx.headers(), query, self.clock.now());
                let ctx = ctx.called_as("s3", operation, agent).with_conditions(said);
                visit.authenticated(ctx.clone());
                cx.extensions_mut().insert(ctx);
                super::table::check_served(&visit, operation)
                    .and_then(|()| super::hub::check(&visit, operation))
                    .map_err(|told| errors::refuse(&visit, told))
            }
            Ok(None) => Ok(()),
            Err(told) => Err(errors::refuse(&visit, told)),
        }
    }
}

impl Callers {
    /// The caller; `None` where the form has yet to be read.
    async fn caller(&self, cx: &mut S3AccessContext<'_>, visit: &Visit, operation: &str) -> Result<Option<Ctx>, Told> {
        if let Some(ctx) = &visit.arrived().known {
            return Ok(Some(ctx.clone()));
        }
        let Some(credentials) = cx.credentials() else {
            let ctx = self.identity.anonymous(None, origin(visit)).until(visit.arrived().deadline);
            return Ok(Some(ctx));
        };
        let key = self.proven(credentials).await?;
        if operation == "PostObject" {
            cx.extensions_mut().insert(FormKey(key));
            return Ok(None);
        }
        let (region, token) = match &visit.arrived().signed {
            Some(signed) => {
                check_signed_headers(signed, cx.headers(), cx.uri().query().unwrap_or_default())?;
                (Some(region(&signed.region)?), signed.session_token.as_deref())
            }
            None => {
                check_date(cx.headers(), self.clock.now())?;
                (None, visit.arrived().token.as_deref())
            }
        };
        self.known(visit, key, region, token).await.map(Some)
    }

    /// The key whose secret s3s has just verified a signature with.
    async fn proven(&self, credentials: &Credentials) -> Result<Arc<SigningKey>, Told> {
        let key = self.identity.signing_key(&credentials.access_key).await.map_err(errors::of_domain)?;
        let proven = key.filter(|key| key.secret.reveal() == credentials.secret_key.expose());
        proven.ok_or_else(|| Told::new(403, "InvalidAccessKeyId", UNKNOWN_KEY))
    }

    async fn known(
        &self,
        visit: &Visit,
        key: Arc<SigningKey>,
        region: Option<Region>,
        token: Option<&str>,
    ) -> Result<Ctx, Told> {
        let caller = self.identity.authenticate(ProvenKey::new(key, token), region, origin(visit)).await;
        let ctx = caller.map_err(|error| match error.kind {
            ErrorKind::Unauthenticated if error.message == EXPIRED_TOKEN => {
                Told::new(400, "ExpiredToken", "The provided token has expired.")
            }
            ErrorKind::Unauthenticated => {
                Told::new(400, "InvalidToken", "The provided token is malformed or otherwise invalid.")
            }
            _ => errors::of_domain(error),
        })?;
        Ok(ctx.until(visit.arrived().deadline))
    }

    /// The caller of a form with these fields, signed with `key` for `region`.
    pub(crate) async fn of_form(
        &self,
        visit: &Visit,
        key: &FormKey,
        region: Option<&str>,
        token: Option<&str>,
        fields: &Fields,
    ) -> Result<Ctx, Told> {
        let said = conditions::of_form(Some(region.is_some()), fields);
        let region = region.map(self::region).transpose()?;
        let ctx = self.known(visit, Arc::clone(&key.0), region, token).await?.with_conditions(said);
        visit.authenticated(ctx.clone());
        Ok(ctx)
    }
}

/// The operation's name as it is kept. That of forms is not in AWS's model.
fn name_of(operation: &str) -> &'static str {
    aws_wire::generated::s3::SERVICE.operation(operation).map_or("PostObject", |operation| operation.name)
}

fn origin(visit: &Visit) -> Origin {
    let arrived = visit.arrived();
    Origin { request_id: arrived.request_id.clone(), source_ip: arrived.source, secure: arrived.tls }
}

fn region(name: &str) -> Result<Region, Told> {
    name.parse().map_err(|_| {
        let message = format!("The authorization header is malformed; the region '{name}' is wrong.");
        Told::new(400, "AuthorizationHeaderMalformed", message)
    })
}

/// Whoever holds a signed request must not be able to make another of it: a header that means something to S3 has to be
/// signed, by itself or in the query string.
fn check_signed_headers(signed: &Signed, headers: &HeaderMap, query: &str) -> Result<(), Told> {
    let in_query = |name: &str| {
        let given = headers.get(name).and_then(|value| value.to_str().ok());
        let mut pairs = query_pairs(query);
        signed.presigned && pairs.any(|(key, value)| key.eq_ignore_ascii_case(name) && Some(value.as_str()) == given)
    };
    let unsigned: Vec<&str> = headers
        .keys()
        .map(http::HeaderName::as_str)
        .filter(|name| name.starts_with("x-amz-") && !FREE_HEADERS.contains(name))
        .filter(|name| !signed.signed_headers.iter().any(|signed| signed == name) && !in_query(name))
        .collect();
    if unsigned.is_empty() {
        return Ok(());
    }
    let message = "There were headers present in the request which were not signed";
    Err(Told::new(403, "AccessDenied", message).about("HeadersNotSigned", unsigned.join(", ")))
}

/// The date of a signature of version 2 in a header. One in the query string says itself until when it is valid.
fn check_date(headers: &HeaderMap, now: Timestamp) -> Result<(), Told> {
    if !headers.contains_key(http::header::AUTHORIZATION) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let date = text("x-amz-date").or_else(|| text("date")).and_then(super::convert::read_date);
    let date = date.ok_or_else(|| {
        Told::new(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
    })?;
    if (now.as_millis() - date.as_millis()).abs() > LARGEST_SKEW {
        let message = "The difference between the request time and the current time is too large.";
        return Err(Told::new(403, "RequestTimeTooSkewed", message).about("ServerTime", now.to_iso8601()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(headers: &[&str]) -> Signed {
        Signed {
            access_key_id: String::new(),
            region: "us-east-1".into(),
            service: "s3".into(),
            date: Timestamp(0),
            signed_headers: headers.iter().map(|name| (*name).to_owned()).collect(),
            signature: String::new(),
            session_token: None,
            presigned: true,
            expires: None,
        }
    }

    #[test]
    fn a_header_that_was_added_to_a_signed_request_is_refused() {
        let mut headers = HeaderMap::new();
        headers.insert("x-amz-content-sha256", "x".parse().unwrap());
        headers.insert("range", "bytes=0-1".parse().unwrap());
        assert!(check_signed_headers(&signed(&["host"]), &headers, "a=b").is_ok());
        headers.insert("x-amz-copy-source", "/other/secret".parse().unwrap());
        let refused = check_signed_headers(&signed(&["host"]), &headers, "a=b").unwrap_err();
        assert_eq!((refused.code.as_str(), refused.status.as_u16()), ("AccessDenied", 403));
        assert!(check_signed_headers(&signed(&["host", "x-amz-copy-source"]), &headers, "").is_ok());
        assert!(check_signed_headers(&signed(&["host"]), &headers, "X-Amz-Copy-Source=%2Fother%2Fsecret").is_ok());
        assert!(check_signed_headers(&signed(&["host"]), &headers, "X-Amz-Copy-Source=%2Fmine").is_err());
    }

    #[test]
    fn an_old_date_in_a_version_2_header_is_refused() {
        let at = |date: &str, now: i64| {
            let mut headers = HeaderMap::new();
            headers.insert("authorization", "AWS a:b".parse().unwrap());
            headers.insert("date", date.parse().unwrap());
            check_date(&headers, Timestamp(now)).map_err(|told| told.code)
        };
        assert_eq!(at("Tue, 27 Mar 2007 19:36:42 +0000", 1_175_024_202_000), Ok(()));
        assert_eq!(at("Tue, 27 Mar 2007 19:36:42 GMT", 1_175_024_202_000 + LARGEST_SKEW), Ok(()));
        let late = at("Tue, 27 Mar 2007 19:36:42 GMT", 1_175_024_203_000 + LARGEST_SKEW);
        assert_eq!(late, Err("RequestTimeTooSkewed".into()));
        assert_eq!(at("yesterday", 0), Err("AccessDenied".into()));
    }
}
