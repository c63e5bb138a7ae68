//! What a request says of itself that policies may ask (Service Authorization Reference, "Condition keys for Amazon S3").

use base::Timestamp;
use http::HeaderMap;

use super::claim::{is_presigned_v2_query, is_version_2_header};
use super::visit::Visit;

/// The headers that are condition keys of the same name. What names objects and encryption is told by `objects`.
const HEADERS: [&str; 11] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-object-ownership",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
];

/// The keys of a request that is not a form, with their values.
pub(crate) fn of_request(visit: &Visit, headers: &HeaderMap, query: &str, now: Timestamp) -> Vec<(String, String)> {
    let mut keys = of_headers(headers);
    let mut say = |name: &str, value: String| keys.push((format!("s3:{name}"), value));
    match &visit.arrived().signed {
        Some(signed) => {
            say("signatureversion", "AWS4-HMAC-SHA256".to_owned());
            say("authType", if signed.presigned { "REST-QUERY-STRING" } else { "REST-HEADER" }.to_owned());
            if signed.presigned {
                let age = now.as_millis().saturating_sub(signed.date.as_millis()).max(0);
                say("signatureAge", age.to_string());
            }
        }
        None if is_version_2_header(headers) => {
            say("signatureversion", "AWS".to_owned());
            say("authType", "REST-HEADER".to_owned());
        }
        None if is_presigned_v2_query(query) => {
            say("signatureversion", "AWS".to_owned());
            say("authType", "REST-QUERY-STRING".to_owned());
        }
        None => {}
    }
    keys
}

/// The keys of a form that is signed, in the new way or in the old.
pub(crate) fn of_form(version_4: bool, acl: Option<&str>) -> Vec<(String, String)> {
    let version = if version_4 { "AWS4-HMAC-SHA256" } else { "AWS" };
    let mut keys =
        vec![("s3:signatureversion".to_owned(), version.to_owned()), ("s3:authType".to_owned(), "POST".to_owned())];
    keys.extend(acl.map(|acl| ("s3:x-amz-acl".to_owned(), acl.to_owned())));
    keys
}

fn of_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    HEADERS.iter().filter_map(|name| Some((format!("s3:{name}"), value(name)?.to_owned()))).collect()
}
