//! Pages of other sites: what a bucket's CORS rules let them do.

use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use objects::{CorsAsk, CorsGrant};

use super::Craton;
use super::errors::Told;
use crate::body::{ResponseBody, full};

/// What a browser says of the page that sends a request.
pub(crate) struct Asker {
    bucket: String,
    ask: CorsAsk,
}

impl Asker {
    /// The page behind a request, where a browser names one.
    pub(crate) fn of(parts: &Parts, bucket: Option<&str>) -> Option<Self> {
        let text = |name: HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let origin = text(header::ORIGIN)?.to_owned();
        let preflight = parts.method == Method::OPTIONS;
        let method = match text(header::ACCESS_CONTROL_REQUEST_METHOD) {
            Some(method) if preflight => method.to_owned(),
            _ => parts.method.as_str().to_owned(),
        };
        let names = text(header::ACCESS_CONTROL_REQUEST_HEADERS).filter(|_| preflight).unwrap_or_default();
        let headers = names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(ToOwned::to_owned).collect();
        Some(Self { bucket: bucket?.to_owned(), ask: CorsAsk { origin, method, headers } })
    }

    /// What the bucket's rules grant to the page.
    pub(crate) async fn granted(&self, s3: &Craton) -> Option<CorsGrant> {
        s3.objects.cors_for(&self.bucket, &self.ask).await.unwrap_or_else(|error| {
            crate::errors::log(&error.into());
            None
        })
    }
}

/// The answer to a preflight. It needs no signature: browsers send none.
pub(crate) async fn preflight(
    s3: &Craton,
    parts: &Parts,
    bucket: Option<&str>,
) -> Result<Response<ResponseBody>, Told> {
    let Some(asker) = Asker::of(parts, bucket) else {
        let message = "Insufficient information. Origin request header needed.";
        return Err(Told::new(400, "BadRequest", message));
    };
    if !parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        return Err(Told::new(400, "BadRequest", "Invalid Access-Control-Request-Method: null"));
    }
    let Some(grant) = asker.granted(s3).await else {
        let message = "CORSResponse: This CORS request is not allowed. This is usually because the evalution of \
                       Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not \
                       whitelisted by the resource's CORS spec.";
        return Err(Told::new(403, "AccessForbidden", message)
            .about("Method", asker.ask.method)
            .about("ResourceType", "OBJECT"));
    };
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    tell(headers, &grant);
    if !asker.ask.headers.is_empty() {
        insert(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &asker.ask.headers.join(", ").to_ascii_lowercase());
    }
    if let Some(seconds) = grant.max_age {
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(seconds));
    }
    Ok(response)
}

/// Writes what is granted on an answer.
pub(crate) fn tell(headers: &mut HeaderMap, grant: &CorsGrant) {
    insert(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, &grant.origin);
    insert(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &grant.methods.join(", "));
    if !grant.expose.is_empty() {
        insert(headers, header::ACCESS_CONTROL_EXPOSE_HEADERS, &grant.expose.join(", "));
    }
    if grant.credentials {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    let varies = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
    headers.insert(header::VARY, HeaderValue::from_static(varies));
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
