//! The rules for bucket names (S3 User Guide, "General purpose bucket naming rules").

use crate::error::{Code, Error, Result};

/// # Errors
/// InvalidBucketName, where `name` breaks a rule.
pub(crate) fn check(name: &str) -> Result<()> {
    if is_valid(name) {
        return Ok(());
    }
    Err(Error::new(Code::InvalidBucketName, "The specified bucket is not valid.").with_hint(
        "Names have 3 to 63 small letters, digits, dots and hyphens, begin and end with a letter or digit, have no two dots \
         in a row, and are no IP addresses.",
    ))
}

fn is_valid(name: &str) -> bool {
    let alphanumeric = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends = [name.bytes().next(), name.bytes().last()];
    (3..=63).contains(&name.len())
        && name.bytes().all(|b| alphanumeric(b) || b == b'.' || b == b'-')
        && ends.into_iter().all(|end| end.is_some_and(alphanumeric))
        && !name.contains("..")
        && !is_ipv4(name)
        && !["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|prefix| name.starts_with(prefix))
        && !["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|suffix| name.ends_with(suffix))
}

fn is_ipv4(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() == 4 && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rules_of_aws() {
        for good in ["abc", "a-b.c", "my.bucket-1", "123", "a".repeat(63).as_str(), "1.2.3.4.5", "foo-.bar", "foo.-bar"]
        {
            assert!(check(good).is_ok(), "{good}");
        }
        let long = "a".repeat(64);
        for bad in [
            "",
            "ab",
            &long,
            "Abc",
            "a_b",
            "-abc",
            "abc-",
            ".abc",
            "abc.",
            "a..b",
            "192.168.5.4",
            "xn--abc",
            "sthree-a",
            "abc-s3alias",
            "abc--x-s3",
            "a/b",
            "ä-bucket",
            "a b",
        ] {
            assert_eq!(check(bad).unwrap_err().code, Code::InvalidBucketName, "{bad}");
        }
    }
}
