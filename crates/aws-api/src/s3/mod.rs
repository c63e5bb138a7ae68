//! S3: s3s speaks its protocol, `objects` stores and permits.
//!
//! [`claim`] tells which requests are for S3; [`S3::serve`] takes one through s3s, which verifies the signature with the
//! secrets that [`caller`] gives it, decodes the request and calls the handler that [`table`] names. What is wrong with a
//! request is told as AWS tells it ([`errors`], [`answer`]).

mod absent;
mod acls;
mod answer;
mod body;
mod buckets;
mod caller;
pub(crate) mod claim;
mod conditions;
mod convert;
mod copies;
mod cors;
mod customer_keys;
mod deletes;
mod digests;
mod encoding;
pub(crate) mod errors;
mod file_name;
mod form_fields;
mod forms;
pub(crate) mod host;
mod hub;
mod listings;
mod locks;
mod multipart;
mod odd_range;
mod reads;
mod settings;
mod table;
mod tags;
mod visit;
mod writes;

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use aws_wire::sigv4::{SignatureError, Signed};
use aws_wire::{Operation, RouteError, route};
use base::Clock;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use identity::{Ctx, Identity, Origin};
use models::Models;
use objects::Objects;
use s3s::config::{S3Config, StaticConfigProvider};
use s3s::service::{S3Service, S3ServiceBuilder};

use self::caller::Callers;
use self::digests::Digested;
use self::errors::Told;
use self::file_name::Named;
use self::host::Domains;
use self::visit::{Arrived, Visit};
use crate::body::ResponseBody;
use crate::call::query_pairs;
use crate::observe::Record;

#[cfg(test)]
pub(crate) use self::table::SERVED;

/// The largest file that a browser's form may send, in bytes: s3s has the whole of it in memory before its policy is
/// checked.
const LARGEST_FORM: u64 = 16 << 20;
/// The longest XML that a request may bring: a list of 10,000 parts with their checksums is shorter.
const LONGEST_XML: usize = 8 << 20;

/// S3 over the objects of one deployment. Cheap to clone.
#[derive(Clone)]
pub(crate) struct S3 {
    service: S3Service,
    craton: Craton,
    domains: Domains,
}

/// What handlers work with.
#[derive(Clone)]
pub(crate) struct Craton {
    pub(crate) objects: Objects,
    /// What the hub's bucket tells of.
    pub(crate) models: Models,
    pub(crate) callers: Callers,
}

/// A request for S3 before it is authenticated.
pub(crate) struct Knock<B> {
    pub(crate) parts: Parts,
    pub(crate) body: B,
    pub(crate) peer: SocketAddr,
    pub(crate) tls: bool,
    pub(crate) signed: Option<Result<Signed, SignatureError>>,
    /// The caller, where the console's session tells it.
    pub(crate) known: Option<Ctx>,
    pub(crate) deadline: Option<Instant>,
}

impl S3 {
    /// S3 over `objects`; names under `domain` are buckets.
    pub(crate) fn new(
        objects: Objects,
        models: Models,
        identity: Identity,
        clock: Arc<dyn Clock>,
        domain: Option<&str>,
    ) -> Self {
        let domains = Domains::new(domain);
        let callers = Callers { identity, clock };
        let craton = Craton { objects, models, callers: callers.clone() };
        let mut config = S3Config::default();
        config.xml_max_body_size = LONGEST_XML;
        config.post_object_max_file_size = LARGEST_FORM;
        let mut builder = S3ServiceBuilder::new(craton.clone());
        builder.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        builder.set_host(domains.clone());
        builder.set_auth(callers.clone());
        builder.set_access(callers);
        Self { service: builder.build(), craton, domains }
    }

    /// The domains under which names are buckets.
    pub(crate) fn domains(&self) -> &Domains {
        &self.domains
    }

    /// Answers a request. Its body is read only when its sender is known, and only as it is stored.
    pub(crate) async fn serve<B>(&self, knock: Knock<B>, record: &mut Record) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let (mut parts, body) = (knock.parts, knock.body);
        let bucket = self.domains.bucket_of(&parts).map(str::to_ascii_lowercase);
        let resource = answer::resource(&parts, bucket.as_deref());
        let named =
            resource.trim_start_matches('/').split('/').next().filter(|name| !name.is_empty()).map(str::to_owned);
        let (signed, broken) = match knock.signed.filter(|_| !claim::is_version_2(&parts)) {
            Some(Ok(signed)) => (Some(signed), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let range = parts.headers.get(http::header::RANGE).and_then(|range| range.to_str().ok()).map(str::to_owned);
        let (mut known, mut refused) = (knock.known, None);
        if odd_range::is_odd(&parts) {
            let origin = Origin { request_id: record.id.clone(), source_ip: knock.peer.ip(), secure: knock.tls };
            let Callers { identity, clock } = &self.craton.callers;
            match odd_range::remove(&mut parts, signed.as_ref(), identity, clock.now(), origin).await {
                Ok(Some(ctx)) => known = Some(ctx.until(knock.deadline)),
                Ok(None) => {}
                Err(told) => refused = Some(told),
            }
        }
        let presigned = !parts.headers.contains_key(http::header::AUTHORIZATION);
        let visit = Visit::new(Arrived {
            request_id: record.id.clone(),
            source: knock.peer.ip(),
            tls: knock.tls,
            method: parts.method.clone(),
            deadline: knock.deadline,
            signed,
            token: version_2_token(&parts),
            known,
            range,
            operation: operation(&parts, bucket.as_deref()),
            resource,
            version: query(&parts, "versionId"),
            upload: query(&parts, "uploadId"),
        });
        record.names("s3", visit.operation().unwrap_or("unknown"));
        let method = parts.method.clone();
        let asker = cors::Asker::of(&parts, named.as_deref());
        let refused = refused.or_else(|| broken.map(|error| of_signature(&error, presigned)));
        let (mut response, code) = match refused {
            Some(told) => answer::refusal(&visit, &method, told),
            None if method == Method::OPTIONS => {
                record.names("s3", "PreflightRequest");
                match cors::preflight(&self.craton, &parts, named.as_deref()).await {
                    Ok(response) => (response, None),
                    Err(told) => answer::refusal(&visit, &method, told),
                }
            }
            None => self.call(parts, body, &visit).await,
        };
        if let Some(operation) = visit.operation() {
            record.names("s3", operation);
        }
        if let Some(ctx) = visit.caller() {
            record.caller(ctx);
        }
        record.error_code = code;
        if let Some(asker) = asker.filter(|_| method != Method::OPTIONS)
            && let Some(grant) = asker.granted(&self.craton).await
        {
            cors::tell(response.headers_mut(), &grant);
        }
        response
    }

    async fn call<B>(&self, mut parts: Parts, body: B, visit: &Visit) -> (Response<ResponseBody>, Option<String>)
    where
        B: Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Display,
    {
        let method = parts.method.clone();
        hoist(&mut parts);
        parts.extensions.insert(visit.clone());
        let digest = match digests::of(visit.operation(), &parts.headers) {
            Ok(digest) => digest,
            Err(told) => return answer::refusal(visit, &method, told),
        };
        let body = match digest {
            _ if claim::is_form(&parts) => body::inbound(Named::new(body, &parts.headers, visit), visit),
            Some(digest) => body::inbound(Digested::new(body, digest, visit), visit),
            None => body::inbound(body, visit),
        };
        let request = Request::from_parts(parts, body);
        match self.service.call(request).await {
            Ok(response) => answer::complete(visit, &method, response),
            Err(error) => {
                let error = base::Error::internal(format!("{error:?}"));
                answer::refusal(visit, &method, errors::of_domain(error))
            }
        }
    }
}

/// The operation that AWS's model finds for a request, served or not. With the bucket in the host's name its path lacks
/// the bucket.
fn operation(parts: &Parts, bucket: Option<&str>) -> Option<&'static Operation> {
    let mut head = Request::new(()).into_parts().0;
    head.method = parts.method.clone();
    head.headers = parts.headers.clone();
    let path = parts.uri.path();
    let path = match bucket {
        Some(bucket) => format!("/{bucket}{path}"),
        None => path.to_owned(),
    };
    // `/bucket/` is the bucket, as `/bucket` is.
    let path = match path.strip_suffix('/') {
        Some(trimmed) if trimmed.matches('/').count() == 1 => trimmed.to_owned(),
        _ => path,
    };
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    head.uri = format!("{path}{query}").parse().ok()?;
    match route("s3", &head, &[]) {
        Ok(routed) => Some(routed.operation),
        Err(RouteError::NotImplemented { operation, .. }) => Some(operation),
        Err(_) => None,
    }
}

/// Headers may stand in the query string of a presigned request; there they are signed, too.
fn hoist(parts: &mut Parts) {
    const SIGNATURE: [&str; 8] = [
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-signedheaders",
        "x-amz-signature",
        "x-amz-content-sha256",
        "x-amz-decoded-content-length",
    ];
    let presigned_v4 = query(parts, "X-Amz-Signature").is_some();
    if !presigned_v4 && !claim::is_presigned_v2(parts) {
        return;
    }
    let pairs: Vec<(String, String)> = query_pairs(parts.uri.query().unwrap_or_default()).collect();
    for (name, value) in pairs {
        let name = name.to_ascii_lowercase();
        if !name.starts_with("x-amz-") || SIGNATURE.contains(&name.as_str()) || parts.headers.contains_key(&name) {
            continue;
        }
        // The token of version 4 is no header where it stands in the query string.
        if presigned_v4 && name == "x-amz-security-token" {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(&value)) {
            parts.headers.insert(name, value);
        }
    }
}

/// The session token of a request that is signed in the old way.
fn version_2_token(parts: &Parts) -> Option<String> {
    let header = parts.headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
    header.map(ToOwned::to_owned).or_else(|| query(parts, "x-amz-security-token"))
}

fn query(parts: &Parts, name: &str) -> Option<String> {
    query_pairs(parts.uri.query().unwrap_or_default()).find(|(key, _)| key == name).map(|(_, value)| value)
}

/// The error of a signature that cannot be read.
fn of_signature(error: &SignatureError, presigned: bool) -> Told {
    let wire = error.to_wire(&aws_wire::generated::s3::SERVICE);
    let code = match wire.code.as_str() {
        "AuthorizationHeaderMalformed" if presigned => "AuthorizationQueryParametersError".to_owned(),
        _ => wire.code,
    };
    Told::new(wire.status, code, wire.message)
}
