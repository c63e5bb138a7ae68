//! Signing in to the console and out of it.

use std::net::SocketAddr;

use base::{Error, ErrorKind, RequestId, Result, Secret};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use identity::{Ask, Origin, SignedIn};
use serde_json::{Value, json};

use super::no_content;
use crate::Api;
use crate::authentication::Refusal;
use crate::body::ResponseBody;
use crate::call;
use crate::errors::Failure;
use crate::json_fields::{Fields, Wording};
use crate::surface::{COOKIE, Proof};

/// Where the session is.
pub(crate) const PATH: &str = "/craton/v1/console/session";

/// A request for the session.
pub(crate) struct Visit<'a> {
    pub(crate) parts: &'a Parts,
    pub(crate) body: &'a [u8],
    pub(crate) proof: &'a Proof,
    pub(crate) peer: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) id: RequestId,
}

impl Visit<'_> {
    fn origin(&self) -> Origin {
        Origin { request_id: self.id.clone(), source_ip: self.peer.ip(), secure: self.tls }
    }
}

/// `POST` signs in with an access key, `GET` tells who is signed in, `DELETE` signs out.
pub(crate) async fn session(api: &Api, visit: Visit<'_>) -> Result<Response<ResponseBody>, Failure> {
    match (&visit.parts.method, visit.proof) {
        (&Method::POST, _) => Ok(sign_in(api, &visit).await?),
        (&Method::GET, Proof::Cookie(token)) => Ok(who(api, &visit, token).await?),
        (&Method::DELETE, Proof::Cookie(token)) => sign_out(api, &visit, token).await,
        (&Method::GET | &Method::DELETE, _) => {
            Err(Error::unauthenticated("Nobody is signed in.").with_hint("Sign in with an access key.").into())
        }
        (method, _) => Err(Error::invalid(format!("`{PATH}` does not take {method}.")).into()),
    }
}

async fn sign_in(api: &Api, visit: &Visit<'_>) -> Result<Response<ResponseBody>> {
    // Another site's form can send text, not JSON: this keeps it from signing a browser in.
    if !visit.parts.headers.get(header::CONTENT_TYPE).is_some_and(call::is_json) {
        return Err(Error::invalid("The body must be JSON.").with_hint("Send `Content-Type: application/json`."));
    }
    let body: Value = serde_json::from_slice(visit.body).map_err(|_| Error::invalid("The body is not JSON."))?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    let id = root.required("accessKeyId")?.text()?;
    let secret = Secret::new(root.required("secretAccessKey")?.text()?.to_owned());
    let session = api.identity().console_sign_in(id, &secret, visit.peer.ip()).await?;
    let mut response = who(api, visit, session.token.reveal()).await?;
    let seconds = (session.expires.as_millis() - api.now().as_millis()).max(0) / 1000;
    set_cookie(&mut response, session.token.reveal(), seconds, visit.tls)?;
    Ok(response)
}

/// Whose session it is. `managesDeployment` says whether the caller may change what all accounts share, so that the console
/// offers nobody what would be refused.
async fn who(api: &Api, visit: &Visit<'_>, token: &str) -> Result<Response<ResponseBody>> {
    let SignedIn { ctx, csrf, expires } = api.identity().console_session(token, None, visit.origin()).await?;
    let manages = match api.identity().require_management(&ctx).await {
        Ok(()) => api.identity().decide(&ctx, &Ask::new("craton:CreateAccount", "*")).await?.allowed(),
        Err(error) if error.kind == ErrorKind::Denied => false,
        Err(error) => return Err(error),
    };
    let mut response = call::json(
        StatusCode::OK,
        &json!({
            "csrfToken": csrf, "account": ctx.account().as_str(), "arn": ctx.principal().arn(),
            "expiresAt": expires.to_iso8601(), "managesDeployment": manages,
        }),
    );
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn sign_out(api: &Api, visit: &Visit<'_>, token: &str) -> Result<Response<ResponseBody>, Failure> {
    let caller = visit.origin();
    crate::authentication::console(api.identity(), token, visit.parts, true, caller).await.map_err(|refusal| {
        match refusal {
            Refusal::Other(error) => error,
            Refusal::Signature(error) => Error::unauthenticated(error.to_string()),
        }
    })?;
    api.identity().console_sign_out(token).await?;
    let mut response = no_content();
    set_cookie(&mut response, "", 0, visit.tls)?;
    Ok(response)
}

/// Scripts cannot read the cookie, and no other site's page can have it sent.
fn set_cookie(response: &mut Response<ResponseBody>, token: &str, seconds: i64, tls: bool) -> Result<()> {
    let secure = if tls { "; Secure" } else { "" };
    let text = format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    let mut value = HeaderValue::from_str(&text).map_err(Error::internal)?;
    value.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, value);
    Ok(())
}
