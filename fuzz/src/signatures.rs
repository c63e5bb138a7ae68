//! A request as it arrives: parsing its signature, canonical form, verification, routing. No bytes may do more than be
//! refused, and what our own signer signs must verify.

use aws_wire::sigv4::{self, Credentials, SigningRequest};
use base::{Secret, Timestamp};
use http::request::Parts;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2026-01-31T12:00:00Z
const NOW: Timestamp = Timestamp(1_769_860_800_000);

/// `METHOD URI`, then a `name: value` line for each header, an empty line, and the body.
pub fn run(data: &[u8]) {
    let Some((parts, body)) = request(data) else { return };
    let claimed = sigv4::claimed_service(&parts).unwrap_or_default();
    if let Ok(signed) = sigv4::parse(&parts) {
        check(&signed, &parts, body);
    }
    for value in parts.headers.values().filter_map(|value| value.to_str().ok()) {
        if sigv4::is_short_term_key(value)
            && let Ok((parts, signed)) = sigv4::short_term_key(value)
        {
            check(&signed, &parts, b"");
        }
    }
    // Whatever is not a known route is an error.
    drop(aws_wire::route(&claimed, &parts, body));
    drop(aws_wire::route("bedrock", &parts, body));
    resign(&parts, body);
}

fn check(signed: &sigv4::Signed, parts: &Parts, body: &[u8]) {
    if let Ok(hash) = sigv4::payload_hash(signed, parts, body) {
        // Nobody can sign for this key by chance.
        let verified = sigv4::verify(signed, "another secret than any that is known", parts, &hash, NOW);
        assert!(verified.is_err(), "verified without the secret");
        drop(sigv4::verify(signed, SECRET, parts, &hash, NOW));
    }
}

/// Signs the same request anew, in its headers and in its query, and verifies that.
fn resign(parts: &Parts, body: &[u8]) {
    let Some(target) = parts.uri.path_and_query().filter(|target| target.path().starts_with('/')) else { return };
    if target.as_str().to_ascii_lowercase().contains("x-amz-") {
        return;
    }
    let Ok(uri) = format!("http://localhost{target}").parse::<http::Uri>() else { return };
    let request = SigningRequest {
        method: parts.method.as_str(),
        uri: &uri,
        headers: &[("content-type", "text/plain")],
        body,
        region: "us-east-1",
        service: "bedrock",
    };
    let credentials = Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET.to_owned()),
        session_token: None,
    };
    let added = sigv4::sign(&request, &credentials, NOW);
    let added = added.iter().map(|(name, value)| (*name, value.as_str()));
    let headers = [("host", "localhost"), ("content-type", "text/plain")];
    let builder =
        headers.into_iter().chain(added).fold(
            http::Request::builder().method(parts.method.clone()).uri(target.as_str()),
            |builder, (name, value)| builder.header(name, value),
        );
    let Ok(request) = builder.body(()) else { return };
    let (parts, ()) = request.into_parts();
    let verified = sigv4::parse(&parts).and_then(|signed| {
        let hash = sigv4::payload_hash(&signed, &parts, body)?;
        sigv4::verify(&signed, SECRET, &parts, &hash, NOW)
    });
    assert!(verified.is_ok(), "what was just signed: {verified:?} {parts:?}");
}

fn request(data: &[u8]) -> Option<(Parts, &[u8])> {
    let (mut rest, mut lines) = (data, Vec::new());
    let body = loop {
        match rest.iter().position(|byte| *byte == b'\n') {
            Some(0) => break &rest[1..],
            Some(end) => {
                lines.push(&rest[..end]);
                rest = &rest[end + 1..];
            }
            None => {
                lines.push(rest);
                break &[];
            }
        }
    };
    let first = std::str::from_utf8(lines.first()?).ok()?;
    let (method, uri) = first.split_once(' ')?;
    let mut builder = http::Request::builder().method(method).uri(uri);
    for line in &lines[1..] {
        let colon = line.iter().position(|byte| *byte == b':')?;
        builder = builder.header(&line[..colon], line[colon + 1..].trim_ascii());
    }
    Some((builder.body(()).ok()?.into_parts().0, body))
}
