//! Signatures: AWS's published examples, botocore's signers, and tampering.

use aws_wire::sigv4::{Credentials, SignatureError, SigningRequest, parse, payload_hash, presign, sign, verify};
use aws_wire::{UNNAMED, generated};
use base::{Secret, Timestamp};
use http::Uri;
use http::request::Parts;
use proptest::prelude::*;
use serde_json::Value;

use crate::{body_of, fixture, parts};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// 2015-08-30T12:36:00Z, the moment of AWS's examples.
const THEN: Timestamp = Timestamp(1_440_938_160_000);
/// 2026-01-31T12:00:00Z, the moment of the fixtures.
const NOW: Timestamp = Timestamp(1_769_860_800_000);

fn credentials(secret: &str, token: Option<&str>) -> Credentials {
    Credentials {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(secret.to_owned()),
        session_token: token.map(|token| Secret::new(token.to_owned())),
    }
}

fn check(parts: &Parts, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
    let signed = parse(parts)?;
    let hash = payload_hash(&signed, parts, body)?;
    verify(&signed, SECRET, parts, &hash, now)
}

/// The signature that our signer makes of a published example.
fn published(method: &str, uri: &str, headers: &[(&str, &str)], service: &str) -> String {
    let uri: Uri = uri.parse().unwrap();
    let request = SigningRequest { method, uri: &uri, headers, body: b"", region: "us-east-1", service };
    let added = sign(&request, &credentials(SECRET, None), THEN);
    let (_, authorization) = added.into_iter().find(|(name, _)| *name == "authorization").unwrap();
    authorization.rsplit_once("Signature=").unwrap().1.to_owned()
}

#[test]
fn published_examples_have_their_signatures() {
    let home = "https://example.amazonaws.com";
    for (method, path, signature) in [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ] {
        assert_eq!(published(method, &format!("{home}{path}"), &[], "service"), signature, "{method} {path}");
    }
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    let uri = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08";
    assert_eq!(published("GET", uri, &form, "iam"), "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
}

#[test]
fn the_published_presigned_url_has_its_signature() {
    let uri: Uri = "https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap();
    let request =
        SigningRequest { method: "GET", uri: &uri, headers: &[], body: b"", region: "us-east-1", service: "s3" };
    let mut key = credentials("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", None);
    key.access_key_id = "AKIAIOSFODNN7EXAMPLE".to_owned();
    let query = presign(&request, &key, Timestamp(1_369_353_600_000), 86_400);
    assert!(
        query.ends_with("&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
        "{query}"
    );
}

/// A fixture as the server sees it: the path alone in the request line, the host in a header.
fn received(entry: &Value) -> Parts {
    let uri: Uri = entry["url"].as_str().unwrap().parse().unwrap();
    let mut headers: Vec<(&str, &str)> = vec![("host", uri.authority().unwrap().as_str())];
    headers.extend(
        entry["headers"].as_object().unwrap().iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())),
    );
    parts(entry["method"].as_str().unwrap(), uri.path_and_query().unwrap().as_str(), &headers)
}

#[test]
fn what_botocore_signs_verifies() {
    for entry in fixture(include_str!("../fixtures/signatures.json")) {
        let parts = received(&entry);
        assert_eq!(check(&parts, &body_of(&entry), NOW), Ok(()), "{}", entry["name"]);
        let signed = parse(&parts).unwrap();
        assert_eq!(signed.presigned, entry["name"].as_str().unwrap().contains("presigned"));
        let token = entry["name"].as_str().unwrap().contains("session").then_some("a/token+==");
        assert_eq!(signed.session_token.as_deref(), token);
        assert_eq!((signed.access_key_id.as_str(), signed.region.as_str()), ("AKIDEXAMPLE", "us-east-1"));
    }
}

#[test]
fn a_changed_body_fails() {
    for entry in fixture(include_str!("../fixtures/signatures.json")) {
        // S3 does not sign the body of presigned requests.
        if entry["name"] != "s3 presigned" {
            let mut body = body_of(&entry).to_vec();
            body.push(b'!');
            assert!(check(&received(&entry), &body, NOW).is_err(), "{}", entry["name"]);
        }
    }
}

#[test]
fn the_other_secret_fails() {
    for entry in fixture(include_str!("../fixtures/signatures.json")) {
        let (parts, body) = (received(&entry), body_of(&entry));
        let signed = parse(&parts).unwrap();
        let hash = payload_hash(&signed, &parts, &body).unwrap();
        assert_eq!(verify(&signed, "other", &parts, &hash, NOW), Err(SignatureError::Mismatch), "{}", entry["name"]);
    }
}

/// A signed request of our own.
fn ours(uri: &str, headers: &[(&str, &str)], body: &[u8], token: Option<&str>, service: &str) -> Parts {
    let uri: Uri = uri.parse().unwrap();
    let request = SigningRequest { method: "POST", uri: &uri, headers, body, region: "eu-west-1", service };
    let added = sign(&request, &credentials(SECRET, token), NOW);
    let mut all: Vec<(&str, &str)> = headers.to_vec();
    all.push(("host", uri.authority().unwrap().as_str()));
    all.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
    parts("POST", uri.path_and_query().unwrap().as_str(), &all)
}

#[test]
fn the_clock_may_be_off_by_fifteen_minutes() {
    let parts = ours("http://h/", &[], b"", None, "bedrock");
    let minute = |minutes: i64| check(&parts, b"", NOW.plus_seconds(minutes * 60));
    assert_eq!((minute(15), minute(-15)), (Ok(()), Ok(())));
    assert_eq!(
        minute(16).unwrap_err().to_string(),
        "Signature expired: 20260131T120000Z is now earlier than 20260131T120100Z (20260131T121600Z - 15 min.)"
    );
    assert_eq!(
        minute(-16).unwrap_err().to_string(),
        "Signature not yet current: 20260131T120000Z is still later than 20260131T115900Z (20260131T114400Z + 15 min.)"
    );
}

#[test]
fn a_presigned_request_expires() {
    let uri: Uri = "http://h/?Action=GetCallerIdentity".parse().unwrap();
    let request =
        SigningRequest { method: "GET", uri: &uri, headers: &[], body: b"", region: "us-east-1", service: "sts" };
    let query = presign(&request, &credentials(SECRET, Some("t/+=")), NOW, 3600);
    let parts = parts("GET", &format!("/?{query}"), &[("host", "h")]);
    assert_eq!(parse(&parts).unwrap().session_token.as_deref(), Some("t/+="));
    assert_eq!(check(&parts, b"", NOW.plus_seconds(3600)), Ok(()));
    assert_eq!(check(&parts, b"", NOW.plus_seconds(3601)), Err(SignatureError::PresignExpired));
}

#[test]
fn descriptions_that_cannot_be_read_are_incomplete() {
    let date = ("x-amz-date", "20260131T120000Z");
    let good = "AWS4-HMAC-SHA256 Credential=A/20260131/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=00";
    for (headers, part) in [
        (vec![("authorization", "Basic abc"), date], "Unsupported AWS 'algorithm': 'Basic'"),
        (
            vec![("authorization", "AWS4-HMAC-SHA256 Credential=A/20260131/us-east-1/sts/aws4_request"), date],
            "'Signature'",
        ),
        (vec![("authorization", good)], "'X-Amz-Date' or a 'Date'"),
        (vec![("authorization", good), ("x-amz-date", "yesterday")], "ISO-8601"),
    ] {
        let error = parse(&parts("POST", "/", &headers)).unwrap_err();
        assert!(matches!(&error, SignatureError::Incomplete(text) if text.contains(part)), "{error:?}");
    }
    let short = good.replace("/sts", "");
    assert!(
        parse(&parts("POST", "/", &[("authorization", &short), date]))
            .unwrap_err()
            .to_string()
            .contains("5 slash-delimited")
    );
    let hostless = good.replace("host;", "");
    assert!(
        parse(&parts("POST", "/", &[("authorization", &hostless), date])).unwrap_err().to_string().contains("'Host'")
    );
    let other_day = good.replace("20260131", "20260130");
    let error = parse(&parts("POST", "/", &[("authorization", &other_day), date])).unwrap_err();
    assert!(matches!(error, SignatureError::ScopeDate { .. }));
    assert_eq!(parse(&parts("POST", "/", &[])), Err(SignatureError::Missing));
}

#[test]
fn an_unsigned_amz_header_is_refused() {
    let mut parts = ours("http://h/", &[], b"", None, "bedrock");
    parts.headers.insert("x-amz-security-token", "stolen".parse().unwrap());
    let error = check(&parts, b"", NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "There were headers present in the request which were not signed: x-amz-security-token"
    );
}

#[test]
fn headers_that_clients_do_not_sign_are_allowed() {
    let mut parts = ours("http://h/", &[], b"", None, "bedrock");
    parts.headers.insert("amz-sdk-invocation-id", "1".parse().unwrap());
    parts.headers.insert("user-agent", "x".parse().unwrap());
    assert_eq!(check(&parts, b"", NOW), Ok(()));
}

#[test]
fn only_s3_takes_an_unsigned_payload() {
    let headers = [("x-amz-content-sha256", "UNSIGNED-PAYLOAD")];
    let parts = ours("http://h/", &headers, b"", None, "bedrock");
    assert_eq!(check(&parts, b"", NOW), Err(SignatureError::PayloadKind));
}

#[test]
fn http2_has_the_host_in_the_address() {
    let mut parts = ours("http://h:1/p", &[], b"", None, "bedrock");
    parts.headers.remove("host");
    parts.uri = "http://h:1/p".parse().unwrap();
    assert_eq!(check(&parts, b"", NOW), Ok(()));
}

#[test]
fn each_service_spells_errors_its_own_way() {
    use generated::{bedrock, iam, kms, s3, sts};
    let code = |error: &SignatureError, service| error.to_wire(service).code;
    let services = [&s3::SERVICE, &sts::SERVICE, &iam::SERVICE, &bedrock::SERVICE, &kms::SERVICE];
    let codes = |error: SignatureError| services.map(|service| code(&error, service));
    assert_eq!(
        codes(SignatureError::Mismatch),
        [
            "SignatureDoesNotMatch",
            "SignatureDoesNotMatch",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "InvalidSignatureException"
        ]
    );
    assert_eq!(
        codes(SignatureError::UnknownKey),
        [
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "UnrecognizedClientException"
        ]
    );
    assert_eq!(
        codes(SignatureError::ExpiredToken),
        ["ExpiredToken", "ExpiredToken", "ExpiredToken", "ExpiredTokenException", "ExpiredTokenException"]
    );
    assert_eq!(
        codes(SignatureError::Expired(String::new())),
        [
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "InvalidSignatureException"
        ]
    );
    assert_eq!(code(&SignatureError::Missing, &UNNAMED), "MissingAuthenticationTokenException");
    assert!(services.iter().all(|service| SignatureError::Mismatch.to_wire(service).status == 403));
}

proptest! {
    #[test]
    fn the_verifier_agrees_with_the_signer(
        segments in prop::collection::vec("[a-zA-Z0-9._~:@-]{0,8}|%2F|%3A|%C3%BC", 0..4),
        pairs in prop::collection::vec(("[a-zA-Z0-9._-]{1,6}", "[a-zA-Z0-9._~-]{0,6}|%20|%2B"), 0..4),
        value in "[ a-z\t]{0,12}",
        body in prop::collection::vec(any::<u8>(), 0..40),
        token in prop::option::of("[a-zA-Z0-9/+=]{1,20}"),
        service in prop::sample::select(vec!["bedrock", "sts", "s3"]),
    ) {
        let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let uri = format!("http://h:80/{}?{}", segments.join("/"), query.join("&"));
        let parts = ours(&uri, &[("x-other", &value)], &body, token.as_deref(), service);
        prop_assert_eq!(check(&parts, &body, NOW), Ok(()));
    }

    #[test]
    fn a_change_of_any_byte_fails(at in 0_usize..1000, to in b'a'..=b'z') {
        let uri = "/model/arn%3Aaws/converse?q=value";
        let body = br#"{"messages":[]}"#;
        let original = ours(&format!("http://host{uri}"), &[("content-type", "application/json")], body, None, "bedrock");
        let authorization = original.headers["authorization"].to_str().unwrap().to_owned();
        // The bytes that a thief could change: address, media type, body, date, key id and signature.
        let spans = [uri.len() - 1, 16, body.len(), 64];
        let mut at = at % spans.iter().sum::<usize>();
        let mut changed = original.clone();
        let mut new_body = body.to_vec();
        let swap = |text: &str, at: usize| {
            let mut bytes = text.as_bytes().to_vec();
            bytes[at] = if bytes[at] == to { b'0' } else { to };
            String::from_utf8(bytes).unwrap()
        };
        if at < spans[0] {
            // An escape's digits may become invalid, and then the path is still another path.
            changed.uri = swap(uri, at + 1).parse().unwrap();
        } else if at < spans[0] + spans[1] {
            at -= spans[0];
            changed.headers.insert("content-type", swap("application/json", at).parse().unwrap());
        } else if at < spans[0] + spans[1] + spans[2] {
            at -= spans[0] + spans[1];
            new_body[at] = if new_body[at] == to { b'0' } else { to };
        } else {
            at -= spans[0] + spans[1] + spans[2];
            let start = authorization.len() - 64;
            changed.headers.insert("authorization", swap(&authorization, start + at).parse().unwrap());
        }
        prop_assert!(check(&changed, &new_body, NOW).is_err());
    }
}
