//! How ids, secrets and names look.

use base::{Error, Random, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// What the ids of AWS Organizations are made of.
pub(crate) const LOWER_ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// The first characters of the ids of temporary access keys.
pub(crate) const SESSION_KEY_PREFIX: &str = "ASIA";

/// `AKIA` and 16 characters.
pub(crate) fn access_key_id(random: &dyn Random) -> String {
    format!("AKIA{}", random.text(BASE32, 16))
}

/// `ASIA` and 16 characters.
pub(crate) fn session_key_id(random: &dyn Random) -> String {
    format!("{SESSION_KEY_PREFIX}{}", random.text(BASE32, 16))
}

/// `AIDA` and 17 characters.
pub(crate) fn user_id(random: &dyn Random) -> String {
    format!("AIDA{}", random.text(BASE32, 17))
}

/// `AROA` and 17 characters.
pub(crate) fn role_id(random: &dyn Random) -> String {
    format!("AROA{}", random.text(BASE32, 17))
}

/// `ANPA` and 17 characters.
pub(crate) fn policy_id(random: &dyn Random) -> String {
    format!("ANPA{}", random.text(BASE32, 17))
}

/// `AGPA` and 17 characters.
pub(crate) fn group_id(random: &dyn Random) -> String {
    format!("AGPA{}", random.text(BASE32, 17))
}

/// `AIPA` and 17 characters.
pub(crate) fn instance_profile_id(random: &dyn Random) -> String {
    format!("AIPA{}", random.text(BASE32, 17))
}

/// `ACCA` and 17 characters, as AWS names service-specific credentials.
pub(crate) fn api_key_id(random: &dyn Random) -> String {
    format!("ACCA{}", random.text(BASE32, 17))
}

/// A secret access key: 40 characters, 240 random bits.
pub(crate) fn secret_access_key(random: &dyn Random) -> String {
    random.text(BASE64, 40)
}

/// A session token or a console session's cookie: 48 random bytes, in base64 without padding.
pub(crate) fn token(random: &dyn Random) -> String {
    let mut bytes = Zeroizing::new([0; 48]);
    random.fill(bytes.as_mut());
    URL_SAFE_NO_PAD.encode(bytes.as_slice())
}

/// A long-term Bedrock API key: `ABSK` and the base64 of a name and 32 random bytes, as AWS writes them.
pub(crate) fn bedrock_api_key(random: &dyn Random, account: &str) -> String {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(bytes.as_mut());
    let suffix = random.text(LOWER_ALPHANUMERIC, 4);
    let text = Zeroizing::new(format!("BedrockAPIKey-{suffix}-at-{account}:{}", STANDARD.encode(bytes.as_slice())));
    format!("ABSK{}", STANDARD.encode(text.as_bytes()))
}

/// A key of the OpenAI surface: `sk-craton-` and 43 characters, 256 random bits.
pub(crate) fn openai_api_key(random: &dyn Random) -> String {
    format!("sk-craton-{}", random.text(ALPHANUMERIC, 43))
}

/// SHA-256 in base64: how tokens and API keys are stored. They are random, so no salt or slow hash is needed.
pub(crate) fn hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

/// Whether two secrets are equal, in a time that tells nothing of where they differ.
pub(crate) fn same(one: &str, other: &str) -> bool {
    Sha256::digest(one.as_bytes()).ct_eq(&Sha256::digest(other.as_bytes())).into()
}

/// Checks the name of a new user: 1 to 64 letters, digits and `+=,.@_-`.
pub(crate) fn check_user_name(name: &str) -> Result<()> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"+=,.@_-".contains(&b);
    if !name.bytes().all(allowed) || name.is_empty() {
        return Err(Error::invalid(
            "The specified value for userName is invalid. It must contain only alphanumeric characters and/or the \
             following: +=,.@_-",
        ));
    }
    if name.len() > 64 {
        return Err(Error::invalid("The specified value for userName is invalid. It must be at most 64 characters."));
    }
    Ok(())
}

/// Checks the path of a new user: `/`, or printable ASCII between two `/`, at most 512 characters.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let printable = path.bytes().all(|b| (0x21..=0x7e).contains(&b));
    if printable && path.len() <= 512 && path.starts_with('/') && path.ends_with('/') && path != "//" {
        return Ok(());
    }
    Err(Error::invalid(
        "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric \
         characters and/or / characters.",
    ))
}

/// Checks an access key id that the operator chose: 3 to 128 letters, digits and `_`, not like a temporary one. It may be
/// shorter than those of AWS, as test suites bring short ones of their own.
pub(crate) fn check_access_key_id(id: &str) -> Result<()> {
    let word = id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if word && (3..=128).contains(&id.len()) && !id.starts_with(SESSION_KEY_PREFIX) {
        return Ok(());
    }
    Err(Error::invalid(format!("`{id}` cannot be an access key id."))
        .with_hint("An access key id has 3 to 128 letters, digits or underscores and does not start with `ASIA`."))
}

/// Checks a secret access key that the operator chose: 8 to 128 printable ASCII characters without spaces.
pub(crate) fn check_secret(secret: &str) -> Result<()> {
    if (8..=128).contains(&secret.len()) && secret.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(Error::invalid("The given secret access key cannot be used.")
        .with_hint("A secret access key has 8 to 128 printable ASCII characters and no spaces; AWS uses 40."))
}

#[cfg(test)]
mod tests {
    use base::SeededRandom;

    use super::*;

    #[test]
    fn ids_look_like_those_of_aws() {
        let random = SeededRandom::new(1);
        assert_eq!((access_key_id(&random).len(), user_id(&random).len()), (20, 21));
        assert!(check_access_key_id(&access_key_id(&random)).is_ok());
        assert_eq!(secret_access_key(&random).len(), 40);
        let key = bedrock_api_key(&random, "123456789012");
        let text = String::from_utf8(STANDARD.decode(key.strip_prefix("ABSK").unwrap()).unwrap()).unwrap();
        assert!(text.starts_with("BedrockAPIKey-") && text.contains("-at-123456789012:"), "{text}");
    }

    #[test]
    fn user_names_follow_the_rules_of_iam() {
        for good in ["a", "Alice.B@example.com", "x_+=,-", &"n".repeat(64)] {
            assert!(check_user_name(good).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a/b", "é", "a\n", "a:b", &"n".repeat(65)] {
            assert!(check_user_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn paths_follow_the_rules_of_iam() {
        for good in ["/", "/a/", "/division_abc/sub!/"] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "/a", "a/", "//", "/a b/", "/é/", &format!("/{}/", "p".repeat(511))] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn chosen_credentials_are_checked() {
        assert!(check_access_key_id("AKIAIOSFODNN7EXAMPLE").is_ok() && check_access_key_id("key").is_ok());
        assert!(check_secret("8-signs!").is_ok());
        for bad in ["", "ab", "ASIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7-XAMPLE", &"A".repeat(129)] {
            assert!(check_access_key_id(bad).is_err(), "{bad}");
        }
        for bad in ["", "7-signs", "with space in the middle", "ümlaut-ümlaut-ümlaut"] {
            let error = check_secret(bad).unwrap_err();
            assert!(bad.is_empty() || !format!("{error:?}").contains(bad));
        }
    }
}
