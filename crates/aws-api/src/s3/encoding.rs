//! Keys in lists, which XML cannot always hold: `encoding-type=url` escapes them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::dto::{CommonPrefix, CommonPrefixList, EncodingType};

use super::errors::Told;

/// What stands escaped in a path: all but slashes and what is unreserved.
pub(crate) const PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

/// How a list's keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    /// The encoding that a request asks for.
    pub(crate) fn of(asked: Option<&EncodingType>) -> Result<Self, Told> {
        match asked.map(EncodingType::as_str) {
            None | Some("") => Ok(Self::Plain),
            Some("url") => Ok(Self::Url),
            Some(other) => Err(Told::new(400, "InvalidArgument", "Invalid Encoding Method specified in Request")
                .about("ArgumentName", "encoding-type")
                .about("ArgumentValue", other)),
        }
    }

    pub(crate) fn name(self) -> Option<EncodingType> {
        (self == Self::Url).then(|| EncodingType::from_static(EncodingType::URL))
    }

    /// `text` as the list shows it.
    pub(crate) fn write(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Url => utf8_percent_encode(text, PATH).to_string(),
        }
    }

    pub(crate) fn prefixes(self, prefixes: &[String]) -> CommonPrefixList {
        prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(self.write(prefix)) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn url_encoding_keeps_slashes_alone() {
        assert_eq!(Encoding::Url.write("a b/ü+&%\u{1}.txt"), "a%20b/%C3%BC%2B%26%25%01.txt");
        assert_eq!(Encoding::Plain.write("a b"), "a b");
        let refused = Encoding::of(Some(&EncodingType::from("base64".to_owned()))).unwrap_err();
        assert_eq!(refused.code, "InvalidArgument");
    }
}
