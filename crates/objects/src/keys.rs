//! The rules for keys. A key is a name and nothing else: it never becomes a path.

use crate::error::{Code, Error, Result};

/// The longest key in bytes.
const LONGEST: usize = 1024;

/// The most bytes of user metadata: names and values.
const MOST_METADATA: usize = 2048;

/// # Errors
/// KeyTooLongError; InvalidArgument for an empty key or one with a NUL character.
pub(crate) fn check(key: &str) -> Result<()> {
    if key.len() > LONGEST {
        return Err(Error::new(Code::KeyTooLongError, "Your key is too long")
            .with_hint(format!("It has {} bytes; at most {LONGEST} are allowed.", key.len())));
    }
    if key.is_empty() || key.contains('\0') {
        return Err(Error::invalid_argument("Object key is empty or has a NUL character"));
    }
    Ok(())
}

/// Whether a request's version can be one: `null`, or 32 characters of those that versions have.
///
/// # Errors
/// InvalidArgument.
pub(crate) fn check_version(version: Option<&str>) -> Result<()> {
    let is_one = |version: &str| {
        version == crate::versions::NULL
            || (version.len() == 32 && version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_'))
    };
    match version {
        Some(version) if !is_one(version) => Err(Error::invalid_argument("Invalid version id specified")),
        _ => Ok(()),
    }
}

/// # Errors
/// MetadataTooLarge.
pub(crate) fn check_metadata(metadata: &[(String, String)]) -> Result<()> {
    let size: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MOST_METADATA {
        return Err(Error::new(
            Code::MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size",
        ));
    }
    Ok(())
}

/// The storage class by name: classes are kept as labels, except those whose objects must be restored before they can
/// be read.
///
/// # Errors
/// InvalidStorageClass, NotImplemented.
pub(crate) fn storage_class(asked: Option<&str>) -> Result<String> {
    match asked.unwrap_or("STANDARD") {
        known @ ("STANDARD"
        | "REDUCED_REDUNDANCY"
        | "STANDARD_IA"
        | "ONEZONE_IA"
        | "INTELLIGENT_TIERING"
        | "GLACIER_IR") => Ok(known.to_owned()),
        archive @ ("GLACIER" | "DEEP_ARCHIVE" | "OUTPOSTS" | "SNOW" | "EXPRESS_ONEZONE") => {
            Err(Error::not_implemented(format!("The storage class `{archive}`")))
        }
        _ => Err(Error::new(Code::InvalidStorageClass, "The storage class you specified is not valid")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_of_up_to_1024_bytes_is_a_key() {
        for key in ["a", "../../etc/passwd", "a//b", ".", "/", "\u{1}\u{7f}\n", &"é".repeat(512)] {
            assert!(check(key).is_ok(), "{key:?}");
        }
        assert_eq!(check(&"é".repeat(513)).unwrap_err().code, Code::KeyTooLongError);
        assert_eq!(check("").unwrap_err().code, Code::InvalidArgument);
        assert_eq!(check("a\0b").unwrap_err().code, Code::InvalidArgument);
    }
}
