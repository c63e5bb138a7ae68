//! Whose dialect a request speaks, and errors told in it.

use aws_wire::sigv4::{self, SignatureError, Signed};
use aws_wire::{RouteError, Service, WireError, encode_error, route, services_for_scope};
use base::Error;
use http::header::RETRY_AFTER;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::authentication::Refusal;
use crate::body::{ResponseBody, full};
use crate::errors::{self, Failure};
use crate::observe::Record;
use crate::s3::claim;
use crate::s3::host::Domains;
use crate::surface::{Proof, Surface};
use crate::{craton, openai};

/// The error's hint by itself, for our own clients: most services' errors have no place for it but their message.
const HINT: HeaderName = HeaderName::from_static("x-craton-hint");

/// In which shape errors are told.
pub(crate) struct Dialect {
    pub(crate) surface: Surface,
    /// The service part of the credential scope.
    pub(crate) scope: String,
    /// Whether the request names its scope, or it was guessed.
    pub(crate) named: bool,
    /// Whether S3 answers.
    pub(crate) for_s3: bool,
    /// The AWS service whose error shape is used.
    pub(crate) service: &'static Service,
    /// What the request says of its signature.
    pub(crate) signed: Option<Result<Signed, SignatureError>>,
}

impl Dialect {
    /// The dialect of a request.
    pub(crate) fn of(parts: &Parts, domains: &Domains) -> Self {
        let proof = Proof::of(parts);
        let signed = (proof == Proof::Signature).then(|| sigv4::parse(parts));
        let signed_scope = match &signed {
            Some(Ok(signed)) => Some(signed.service.clone()),
            // A broken signature is refused in the shape of the service that it was meant for.
            Some(Err(_)) => sigv4::claimed_service(parts),
            None => None,
        };
        let surface = Surface::of(parts, &proof, signed_scope.as_deref());
        let named = signed_scope.is_some();
        let for_s3 = claim::is_for_s3(parts, &proof, surface, signed_scope.as_deref(), domains);
        let scope = match signed_scope {
            _ if for_s3 => "s3".to_owned(),
            Some(scope) => scope,
            None => unsigned_scope(parts, &proof),
        };
        let service = service_of(&scope);
        Self { surface, scope, named, for_s3, service, signed }
    }

    /// Whether the request may change something. A Query request does what its `Action` says, whatever its method.
    pub(crate) fn changes(&self, method: &Method) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        !reads || (self.surface == Surface::Aws && self.service.protocol == aws_wire::Protocol::Query)
    }

    /// The refusal of a request that shows nothing.
    pub(crate) fn nothing_shown(&self) -> Refusal {
        match self.surface {
            Surface::Aws => SignatureError::Missing.into(),
            Surface::OpenAi => Error::unauthenticated("You didn't provide an API key.")
                .with_hint("Send `Authorization: Bearer KEY`; `craton keys create` makes one.")
                .into(),
            Surface::Craton => Error::unauthenticated("The request is not signed.")
                .with_hint("Sign it with an access key for the service `craton`, or sign in to the console.")
                .into(),
        }
    }

    /// The answer that tells of `failure`.
    pub(crate) fn error(&self, failure: Failure, record: &mut Record) -> Response<ResponseBody> {
        let hint = match &failure {
            Failure::Domain(error) => error.hint.as_deref().and_then(|hint| HeaderValue::from_str(hint).ok()),
            Failure::Wire(_) => None,
        };
        let again = errors::retry_after(&failure);
        let mut response = self.told(failure, record);
        response.headers_mut().extend(again.map(|seconds| (RETRY_AFTER, seconds.into())));
        if let Some(hint) = hint {
            response.headers_mut().insert(HINT, hint);
        }
        response
    }

    fn told(&self, failure: Failure, record: &mut Record) -> Response<ResponseBody> {
        if let Failure::Domain(error) = &failure {
            errors::log(error);
        }
        match self.surface {
            Surface::Aws => self.wire(failure.into_wire(self.service), record),
            Surface::OpenAi => {
                let error = failure.into_domain();
                record.error_code = Some(error.kind.to_string());
                openai::errors::respond(&error)
            }
            Surface::Craton => {
                let error = failure.into_domain();
                record.error_code = Some(error.kind.to_string());
                craton::errors::respond(&error, &record.id)
            }
        }
    }

    /// The answer to a caller who is not known.
    pub(crate) fn refusal(&self, refusal: Refusal, record: &mut Record) -> Response<ResponseBody> {
        match (refusal, self.surface) {
            (Refusal::Signature(error), Surface::Aws) => self.wire(error.to_wire(self.service), record),
            (Refusal::Signature(error), _) => {
                self.error(Failure::Domain(Error::unauthenticated(error.to_string())), record)
            }
            (Refusal::Other(error), _) => self.error(Failure::Domain(error), record),
        }
    }

    /// The answer to a body that is longer than `limit` bytes.
    pub(crate) fn too_large(&self, limit: usize, record: &mut Record) -> Response<ResponseBody> {
        let message = format!("The request's body is longer than {limit} bytes.");
        if self.surface == Surface::Aws {
            let query = matches!(self.service.protocol, aws_wire::Protocol::Query | aws_wire::Protocol::RestXml);
            let code = if query { "RequestEntityTooLarge" } else { "RequestEntityTooLargeException" };
            return self.wire(WireError::with_status(413, code, message), record);
        }
        let mut response = self.error(Failure::Domain(Error::invalid(message)), record);
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        response
    }

    fn wire(&self, error: WireError, record: &mut Record) -> Response<ResponseBody> {
        let response = encode_error(self.service, &error, record.id.as_str()).map(full);
        record.error_code = Some(error.code);
        response
    }
}

/// The scope of a request without a signature: what the console names, or what a bearer key is for.
fn unsigned_scope(parts: &Parts, proof: &Proof) -> String {
    let named = parts.headers.get("x-craton-service").and_then(|value| value.to_str().ok());
    match (proof, named) {
        (Proof::Cookie(_), Some(id)) => aws_wire::generated::SERVICES
            .iter()
            .find(|service| service.id == id)
            .map_or_else(|| id.to_owned(), |service| service.signing_name.to_owned()),
        _ => "bedrock".to_owned(),
    }
}

fn service_of(scope: &str) -> &'static Service {
    services_for_scope(scope)
        .first()
        .copied()
        .unwrap_or_else(|| RouteError::UnknownScope { scope: scope.to_owned() }.service())
}

/// The service that a request without a scope most likely means, for the shape of its refusal.
pub(crate) fn guess_service(parts: &Parts, body: &[u8]) -> &'static Service {
    let scopes = ["sts", "iam", "bedrock", "sagemaker", "kms", "secretsmanager", "qbusiness", "organizations"];
    let known = scopes.iter().find_map(|scope| match route(scope, parts, body) {
        Ok(routed) => Some(routed.service),
        Err(RouteError::NotImplemented { service, .. }) => Some(service),
        Err(_) => None,
    });
    known.unwrap_or_else(|| service_of(if is_query(parts, body) { "sts" } else { "bedrock" }))
}

/// Whether a request is in the Query protocol, whatever its action.
fn is_query(parts: &Parts, body: &[u8]) -> bool {
    let form = std::str::from_utf8(body).unwrap_or_default();
    let mut pairs = [parts.uri.query().unwrap_or_default(), form].into_iter().flat_map(|form| form.split('&'));
    parts.uri.path() == "/" && pairs.any(|pair| pair.starts_with("Action="))
}
