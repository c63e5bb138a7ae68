//! Errors as S3 tells them: code, status, and XML with what the error is about.

use std::fmt::Write as _;

use aws_wire::WireError;
use base::{Error, ErrorKind};
use http::header::{HeaderName, HeaderValue};
use http::{StatusCode, header};
use objects::Code;
use s3s::{S3Error, S3ErrorCode};

use super::visit::{BodyFault, Visit};

/// The whole of an error as its caller is told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) status: StatusCode,
    /// Further elements: what the error is about.
    pub(crate) about: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// The error's hint; our own clients show it.
const HINT: HeaderName = HeaderName::from_static("x-craton-hint");

impl Told {
    /// An error that is about nothing in particular.
    pub(crate) fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            about: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// Adds what the error is about.
    pub(crate) fn about(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.about.push((name, value.into()));
        self
    }

    fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    /// The body.
    pub(crate) fn xml(&self, request_id: &str, host_id: &str) -> String {
        let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
        element(&mut text, "Code", &self.code);
        element(&mut text, "Message", &self.message);
        for (name, value) in &self.about {
            element(&mut text, name, value);
        }
        for (name, value) in [("RequestId", request_id), ("HostId", host_id)] {
            element(&mut text, name, value);
        }
        text.push_str("</Error>");
        text
    }
}

/// Appends `<name>value</name>`. What XML cannot say, such as most control characters, is left out.
fn element(text: &mut String, name: &str, value: &str) {
    let _ = write!(text, "<{name}>");
    for letter in value.chars() {
        match letter {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '"' => text.push_str("&quot;"),
            '\t' | '\n' | '\r' => {
                let _ = write!(text, "&#{};", u32::from(letter));
            }
            letter if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') => {}
            letter => text.push(letter),
        }
    }
    let _ = write!(text, "</{name}>");
}

impl From<objects::Error> for Told {
    fn from(error: objects::Error) -> Self {
        let objects::Error { code, error, facts, .. } = error;
        crate::errors::log(&error);
        let message = if code == Code::AccessDenied { quoted(&error.message) } else { error.message };
        let mut told = Told::new(code.status(), code.as_str(), message);
        if let (Code::MalformedPolicy, Some(detail)) = (code, &error.hint) {
            // S3's own member for what is wrong. The AWS CLI shows the message alone, so the mistake that is made most is
            // told there.
            if told.message == "Invalid principal in policy" {
                let more = detail.strip_prefix("Invalid principal in policy: ").unwrap_or(detail);
                told.message = format!("{}: {more}", told.message);
            }
            told = told.about("Detail", detail.as_str());
        }
        if let Some(hint) = &error.hint {
            told = told.header(HINT, hint);
        }
        let Some(facts) = facts else { return told };
        if let Some(bucket) = facts.bucket {
            told = told.about("BucketName", bucket);
        }
        if let Some(condition) = facts.condition {
            told = told.about("Condition", condition);
        }
        if let Some(size) = facts.size.filter(|_| code == Code::InvalidRange) {
            told = told.about("ActualObjectSize", size.to_string());
            told = told.header(header::CONTENT_RANGE, &format!("bytes */{size}"));
        }
        if facts.delete_marker {
            told = told.header(HeaderName::from_static("x-amz-delete-marker"), "true");
            if code == Code::MethodNotAllowed {
                told = told.header(header::ALLOW, "DELETE").about("ResourceType", "DeleteMarker");
            }
        }
        if let Some(version) = &facts.version_id {
            told = told.header(HeaderName::from_static("x-amz-version-id"), version);
        }
        if let Some(etag) = facts.etag.as_ref().filter(|_| code == Code::NotModified) {
            told = told.header(header::ETAG, &format!("\"{etag}\""));
        }
        if let Some(modified) = facts.modified {
            told = told.header(header::LAST_MODIFIED, &super::convert::http_date(modified));
        }
        told
    }
}

/// A denial as S3 words it: with the resource in quotes.
fn quoted(message: &str) -> String {
    const BEFORE: &str = " on resource: ";
    let Some((who, rest)) = message.split_once(BEFORE) else { return message.to_owned() };
    let end = [" because no ", " with an explicit deny"].iter().filter_map(|after| rest.rfind(after)).max();
    match end {
        Some(end) if !rest.starts_with('"') => format!("{who}{BEFORE}\"{}\"{}", &rest[..end], &rest[end..]),
        _ => message.to_owned(),
    }
}

/// Adds what the error is about, where the request alone says it.
pub(crate) fn complete(told: Told, visit: &Visit) -> Told {
    let names: &[&'static str] = match told.code.as_str() {
        "NoSuchKey" => &["Key"],
        "NoSuchVersion" => &["Key", "VersionId"],
        "NoSuchUpload" => &["UploadId"],
        "InvalidRange" => &["RangeRequested"],
        "MethodNotAllowed" => &["Method"],
        "NoSuchBucket"
        | "NoSuchBucketPolicy"
        | "NoSuchTagSet"
        | "NoSuchCORSConfiguration"
        | "NoSuchLifecycleConfiguration"
        | "NoSuchWebsiteConfiguration"
        | "NoSuchPublicAccessBlockConfiguration"
        | "ReplicationConfigurationNotFoundError"
        | "ObjectLockConfigurationNotFoundError"
        | "OwnershipControlsNotFoundError"
        | "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "BucketNotEmpty"
        | "InvalidBucketName" => &["BucketName"],
        _ => &[],
    };
    names.iter().fold(told, |told, name| match visit.named(name) {
        Some(value) if !told.about.iter().any(|(known, _)| known == name) => told.about(name, value),
        _ => told,
    })
}

/// Keeps `told` for the answer and gives s3s what it needs to end the request.
pub(crate) fn refuse(visit: &Visit, told: Told) -> S3Error {
    let told = match visit.fault() {
        Some(fault) => of_body(fault),
        None => told,
    };
    let mut error = S3Error::new(S3ErrorCode::Custom(told.code.clone().into()));
    error.set_status_code(told.status);
    visit.tell(told);
    error
}

/// The error of a body that was not as it should be.
fn of_body(fault: BodyFault) -> Told {
    match fault {
        BodyFault::Stalled => Told::new(
            400,
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the timeout period. Idle \
             connections will be closed.",
        ),
        BodyFault::Broken => Told::new(
            400,
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ),
        BodyFault::Hash => Told::new(
            400,
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        ),
        BodyFault::Chunk => mismatch(),
        BodyFault::Digest => Told::new(400, "BadDigest", default_message("BadDigest")),
        BodyFault::Format => {
            Told::new(400, "InvalidRequest", "The chunks of the body are not in the aws-chunked encoding.")
        }
    }
}

fn mismatch() -> Told {
    Told::new(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing \
         method.",
    )
}

/// An operation that AWS has and Craton has not.
pub(crate) fn not_implemented(operation: &str) -> Told {
    Told::new(501, "NotImplemented", format!("The operation {operation} of s3 is not implemented."))
}

/// The error of a domain that knows nothing of S3's codes.
pub(crate) fn wire(error: &Error) -> WireError {
    let (status, code) = match error.kind {
        ErrorKind::NotFound => (404, "NoSuchKey"),
        ErrorKind::AlreadyExists | ErrorKind::Conflict => (409, "OperationAborted"),
        ErrorKind::Invalid => (400, "InvalidRequest"),
        ErrorKind::Denied | ErrorKind::Unauthenticated => (403, "AccessDenied"),
        ErrorKind::Throttled => (503, "SlowDown"),
        ErrorKind::Unavailable => (503, "ServiceUnavailable"),
        ErrorKind::Timeout => (400, "RequestTimeout"),
        ErrorKind::NotImplemented => (501, "NotImplemented"),
        ErrorKind::Damaged | ErrorKind::Internal => (500, "InternalError"),
    };
    let message = match error.kind {
        ErrorKind::Internal => "We encountered an internal error. Please try again.",
        _ => &error.message,
    };
    WireError::with_status(status, code, message)
}

/// The same, as the answer to a request.
pub(crate) fn of_domain(error: Error) -> Told {
    crate::errors::log(&error);
    let WireError { code, message, status, .. } = wire(&error);
    let told = Told::new(status, code, message);
    match &error.hint {
        Some(hint) => told.header(HINT, hint),
        None => told,
    }
}

/// What s3s says of a request that it refused by itself, in S3's words.
pub(crate) fn of_s3s(visit: &Visit, status: StatusCode, code: &str, message: &str) -> Told {
    if let Some(fault) = visit.fault() {
        return of_body(fault);
    }
    let told = |status, code, message: &str| Told::new(status, code, message);
    match (code, message) {
        // All but the signature could be read: that is no number of 64 digits.
        ("InvalidRequest", "invalid header: authorization" | "missing presigned url v4 fields")
            if visit.arrived().signed.is_some() =>
        {
            mismatch()
        }
        ("InvalidRequest", "invalid header: authorization") => {
            told(400, "AuthorizationHeaderMalformed", "The authorization header that you provided is not valid.")
        }
        ("InvalidRequest", "missing header: x-amz-date" | "invalid header: x-amz-date" | "missing date") => {
            told(403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header")
        }
        ("InvalidRequest", "missing header: x-amz-content-sha256") => {
            told(400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
        }
        ("InvalidRequest", "missing presigned url v2 fields") => told(
            403,
            "AccessDenied",
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        ),
        ("InvalidRequest", "missing presigned url v4 fields") => told(
            400,
            "AuthorizationQueryParametersError",
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        ("SignatureDoesNotMatch", "invalid header: x-amz-content-sha256") => told(
            400,
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
             STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        ),
        ("SignatureDoesNotMatch", _) => mismatch(),
        ("InvalidArgument", text) if text.starts_with("invalid query: ") => not_a_number(text),
        ("InvalidPolicyDocument", _)
            if message.starts_with("Policy condition") || message.contains("does not match") =>
        {
            told(403, "AccessDenied", &format!("Invalid according to Policy: {message}"))
        }
        ("NotImplemented", "Unknown operation") => match visit.arrived().operation {
            Some(operation) => not_implemented(operation.name),
            None => told(405, "MethodNotAllowed", "The specified method is not allowed against this resource."),
        },
        ("NotImplemented", _) => match visit.operation() {
            Some(operation) if message.ends_with("is not implemented yet") => not_implemented(operation),
            _ => told(501, code, message),
        },
        ("InternalError", "") => unread_body(visit, status),
        ("MalformedPOSTRequest", _) => {
            told(400, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.")
        }
        _ => told(status.as_u16(), code, if message.is_empty() { default_message(code) } else { message }),
    }
}

/// A parameter that is no number, of which s3s says `invalid query: NAME: VALUE`.
fn not_a_number(text: &str) -> Told {
    let (name, value) = text.trim_start_matches("invalid query: ").split_once(": ").unwrap_or((text, ""));
    Told::new(400, "InvalidArgument", format!("Provided {name} not an integer or within integer range"))
        .about("ArgumentName", name)
        .about("ArgumentValue", value)
}

/// s3s says of every body that it could not read as a whole that it failed itself.
fn unread_body(visit: &Visit, status: StatusCode) -> Told {
    match &visit.arrived().signed {
        Some(_) if visit.caller().is_some() => of_body(BodyFault::Hash),
        _ => Told::new(status.as_u16(), "InternalError", default_message("InternalError")),
    }
}

/// What S3 says where only the code is known.
fn default_message(code: &str) -> &'static str {
    match code {
        "AccessDenied" => "Access Denied",
        "BadDigest" => "The Content-MD5 you specified did not match what we received.",
        "EntityTooLarge" => "Your proposed upload exceeds the maximum allowed size",
        "IncompleteBody" => "You did not provide the number of bytes specified by the Content-Length HTTP header",
        "InternalError" => "We encountered an internal error. Please try again.",
        "InvalidArgument" => "Invalid Argument",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "InvalidURI" => "Couldn't parse the specified URI.",
        "KeyTooLongError" => "Your key is too long",
        "MalformedXML" => "The XML you provided was not well-formed or did not validate against our published schema",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "MissingRequestBodyError" => "Request Body is empty",
        "RequestTimeTooSkewed" => "The difference between the request time and the current time is too large.",
        _ => "The request could not be served.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn denials_have_the_resource_in_quotes() {
        let plain = "User: u is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/a because b because no \
                     identity-based policy allows the s3:GetObject action";
        assert_eq!(
            quoted(plain),
            "User: u is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/a because b\" because no \
             identity-based policy allows the s3:GetObject action"
        );
        assert_eq!(quoted("Access Denied"), "Access Denied");
    }

    #[test]
    fn the_xml_names_what_the_error_is_about_and_escapes_it() {
        let told = Told::new(404, "NoSuchKey", "The specified key does not exist.").about("Key", "a<b>&\u{1}\n");
        assert_eq!(
            told.xml("1", "2"),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not \
             exist.</Message><Key>a&lt;b&gt;&amp;&#10;</Key><RequestId>1</RequestId>\
             <HostId>2</HostId></Error>"
        );
    }
}
