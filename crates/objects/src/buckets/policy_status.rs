//! Whether a bucket policy is public (S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning
//! of public"): it is, unless every statement that allows names principals, or asks for fixed values of certain keys.

use std::net::IpAddr;

use identity::policy::{Condition, Document, Effect, Statement};

/// The keys whose fixed values keep a statement from being public, in lower case.
const KEYS: [&str; 14] = [
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:principalaccount",
    "aws:sourcearn",
    "aws:sourceaccount",
    "aws:sourceorgid",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "s3:dataaccesspointaccount",
    "s3:dataaccesspointarn",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
];

/// Whether the policy gives access to everyone.
pub(crate) fn is_public(document: &Document) -> bool {
    document.statements().iter().any(is_public_statement)
}

fn is_public_statement(statement: &Statement) -> bool {
    if statement.effect() == Effect::Deny {
        return false;
    }
    let everyone = statement
        .principals()
        .is_none_or(|principals| principals.negated || principals.names().any(|name| name == "*"));
    everyone && !statement.conditions().iter().any(narrows)
}

/// Whether only requests with some fixed values fulfil the condition.
fn narrows(condition: &Condition) -> bool {
    let operator = condition.operator().to_string();
    // These hold as well where the request does not have the key.
    if operator.ends_with("IfExists") || operator.starts_with("ForAllValues:") {
        return false;
    }
    let key = condition.key().to_lowercase();
    let operator = operator.rsplit(':').next().unwrap_or(&operator);
    match operator {
        "IpAddress" => key == "aws:sourceip" && condition.values().iter().all(|value| is_narrow(value)),
        "StringEquals" | "StringEqualsIgnoreCase" => {
            KEYS.contains(&key.as_str()) && condition.values().iter().all(|value| !value.contains("${"))
        }
        "StringLike" | "ArnEquals" | "ArnLike" => {
            KEYS.contains(&key.as_str()) && condition.values().iter().all(|value| is_fixed(&key, value))
        }
        _ => false,
    }
}

/// Whether the value stands for itself. ARNs may have a `*` in their resource, as the account is fixed all the same.
fn is_fixed(key: &str, value: &str) -> bool {
    let open = |text: &str| text.contains(['*', '?']) || text.contains("${");
    if key.ends_with("arn")
        && let Some(account) = value.split(':').nth(4)
    {
        return !account.is_empty() && !open(account) && !value.contains("${");
    }
    !open(value)
}

/// Whether the range is narrow enough: /8 for IPv4, /32 for IPv6.
fn is_narrow(range: &str) -> bool {
    let (address, length) = match range.split_once('/') {
        Some((address, length)) => (address, length.parse::<u8>().ok()),
        None => (range, Some(128)),
    };
    match (address.parse::<IpAddr>(), length) {
        (Ok(IpAddr::V4(_)), Some(length)) => length >= 8,
        (Ok(IpAddr::V6(_)), Some(length)) => length >= 32,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use identity::policy::Kind;

    use super::*;

    fn public(principal: &str, rest: &str) -> bool {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {principal}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"{rest}}}]}}"#
        );
        is_public(&Document::parse(Kind::Bucket, text).unwrap())
    }

    #[test]
    fn naming_everyone_is_public_and_naming_principals_is_not() {
        assert!(public(r#""*""#, ""));
        assert!(public(r#"{"AWS": "*"}"#, ""));
        assert!(!public(r#"{"AWS": "arn:aws:iam::111122223333:root"}"#, ""));
        assert!(!public(r#"{"Service": "bedrock.amazonaws.com"}"#, ""));
    }

    #[test]
    fn fixed_values_of_some_keys_keep_a_policy_private() {
        let condition = |text: &str| format!(r#", "Condition": {text}"#);
        for (text, expected) in [
            (r#"{"StringEquals": {"aws:PrincipalOrgID": "o-1"}}"#, false),
            (r#"{"StringLike": {"aws:PrincipalOrgID": "o-*"}}"#, true),
            (r#"{"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}"#, true),
            (r#"{"StringEquals": {"aws:UserAgent": "x"}}"#, true),
            (r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}"#, false),
            (r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}}"#, true),
            (r#"{"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#, false),
            (r#"{"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}"#, true),
            (r#"{"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#, true),
        ] {
            assert_eq!(public(r#""*""#, &condition(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_policy_that_only_denies_is_not_public() {
        let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"}]}"#;
        assert!(!is_public(&Document::parse(Kind::Bucket, text).unwrap()));
    }
}
