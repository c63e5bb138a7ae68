//! Tags of buckets and objects.

use percent_encoding::percent_decode_str;

use crate::error::{Code, Error, Result};

/// Names and values, in the order in which they came.
pub type Pairs = Vec<(String, String)>;

const MOST_OF_AN_OBJECT: usize = 10;
const MOST_OF_A_BUCKET: usize = 50;

/// # Errors
/// BadRequest, where there are more than 10; InvalidTag, where one breaks the rules.
pub(crate) fn check_object(tags: &Pairs) -> Result<()> {
    if tags.len() > MOST_OF_AN_OBJECT {
        return Err(Error::new(Code::BadRequest, "Object tags cannot be greater than 10"));
    }
    check(tags)
}

/// # Errors
/// InvalidTag, where there are more than 50 or one breaks the rules.
pub(crate) fn check_bucket(tags: &Pairs) -> Result<()> {
    if tags.len() > MOST_OF_A_BUCKET {
        return Err(Error::new(Code::InvalidTag, "Bucket tag count cannot be greater than 50"));
    }
    check(tags)
}

fn check(tags: &Pairs) -> Result<()> {
    let invalid = |message: &str| Err(Error::new(Code::InvalidTag, message));
    for (index, (name, value)) in tags.iter().enumerate() {
        let characters = name.chars().count();
        if characters == 0 || characters > 128 || !name.chars().all(is_allowed) {
            return invalid("The TagKey you have provided is invalid");
        }
        if value.chars().count() > 256 || !value.chars().all(is_allowed) {
            return invalid("The TagValue you have provided is invalid");
        }
        if name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:")) {
            return invalid("System tags cannot be added/updated by requester");
        }
        if tags[..index].iter().any(|(other, _)| other == name) {
            return invalid("Cannot provide multiple Tags with the same key");
        }
    }
    Ok(())
}

/// Letters, digits and spaces of any script, and `+ - = . _ : / @`.
fn is_allowed(c: char) -> bool {
    c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c)
}

/// The tags of an `x-amz-tagging` header: `NAME=VALUE&…`, percent-encoded.
///
/// # Errors
/// InvalidArgument, where it is of another form; InvalidTag.
pub fn parse_tagging_header(text: &str) -> Result<Pairs> {
    let invalid = || {
        Error::invalid_argument(
            "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
        )
    };
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned()).map_err(|_| invalid())
    };
    let mut tags = Pairs::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name)?;
        if tags.iter().any(|(other, _)| *other == name) {
            return Err(invalid());
        }
        tags.push((name, decode(value)?));
    }
    if tags.iter().any(|(name, _)| name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("aws:"))) {
        return Err(Error::new(Code::InvalidTag, "Your TagKey cannot be prefixed with aws:"));
    }
    check_object(&tags)?;
    Ok(tags)
}
