//! What a request says of itself that policies may ask (Service Authorization Reference, "Condition keys for Amazon S3").

use base::Timestamp;
use http::HeaderMap;

use super::claim::{is_presigned_v2_query, is_version_2_header};
use super::form_fields::Fields;
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

/// The fields of a form that are condition keys of the same name. Its headers say nothing of what it uploads.
const FIELDS: [&str; 7] = [
    "x-amz-acl",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write-acp",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-website-redirect-location",
];

/// The keys of a form; `version_4` says whether it is signed in the new way or in the old, if it is signed.
pub(crate) fn of_form(version_4: Option<bool>, fields: &Fields) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    if let Some(version_4) = version_4 {
        let version = if version_4 { "AWS4-HMAC-SHA256" } else { "AWS" };
        keys.push(("s3:signatureversion".to_owned(), version.to_owned()));
        keys.push(("s3:authType".to_owned(), "POST".to_owned()));
    }
    keys.extend(FIELDS.iter().filter_map(|name| Some((format!("s3:{name}"), fields.get(name)?.to_owned()))));
    keys
}

fn of_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let value = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    HEADERS.iter().filter_map(|name| Some((format!("s3:{name}"), value(name)?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_a_form_are_its_conditions_whether_it_is_signed_or_not() {
        let name = "x-amz-server-side-encryption-customer-algorithm";
        let fields = Fields::from([("key", "k"), ("x-amz-acl", "private"), (name, "AES256")]);
        let said = |version_4| {
            let keys = of_form(version_4, &fields);
            keys.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        let asked = ["s3:x-amz-acl=private".to_owned(), format!("s3:{name}=AES256")];
        assert_eq!(said(None), asked);
        let signed = said(Some(true));
        assert_eq!(signed[..2], ["s3:signatureversion=AWS4-HMAC-SHA256", "s3:authType=POST"]);
        assert_eq!(signed[2..], asked);
    }
}
