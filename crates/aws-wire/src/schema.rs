//! What a service model says, as static tables: the codecs and the validator are generic code over them.

use std::sync::OnceLock;

use regex::{Regex, RegexBuilder};

/// How a service puts requests and responses on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Method and path select the operation; members travel in path, query string, headers and a JSON body.
    RestJson,
    /// `X-Amz-Target` selects the operation; everything is in the JSON body.
    Json10,
    /// As [`Protocol::Json10`], with media type `application/x-amz-json-1.1`.
    Json11,
    /// The form field `Action` selects the operation; answers are XML.
    Query,
    /// Method and path select the operation; bodies are XML.
    RestXml,
}

/// One AWS service: what it is called, how it speaks, and what it can be asked.
#[derive(Debug)]
pub struct Service {
    /// The name SDKs use: `bedrock-runtime`.
    pub id: &'static str,
    /// The service part of the SigV4 credential scope: `bedrock`.
    pub signing_name: &'static str,
    /// Wire protocol.
    pub protocol: Protocol,
    /// What stands before the dot of `X-Amz-Target`; empty where no target is used.
    pub target_prefix: &'static str,
    /// Namespace of XML answers; empty for JSON.
    pub xml_namespace: &'static str,
    /// Every operation of the service, the served ones first.
    pub operations: &'static [Operation],
    /// Every exception of the service.
    pub errors: &'static [ErrorShape],
}

impl Service {
    /// The operation called `name`, served or not.
    #[must_use]
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    /// The version of its API, where its namespace names one (Query protocol).
    #[must_use]
    pub fn version(&self) -> Option<&'static str> {
        let version = self.xml_namespace.trim_end_matches('/').rsplit('/').next();
        version.filter(|version| version.starts_with(|first: char| first.is_ascii_digit()))
    }

    /// The exception whose code or shape name is `code`.
    #[must_use]
    pub fn error(&self, code: &str) -> Option<&'static ErrorShape> {
        self.errors.iter().find(|error| error.code == code || error.name == code)
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// Its name: `Converse`.
    pub name: &'static str,
    /// HTTP method.
    pub method: &'static str,
    /// Path pattern with `{label}`, `{label+}` and, after `?`, the query parameters that must be there.
    pub uri: &'static str,
    /// Headers that must be there (S3 tells some operations apart by them).
    pub required_headers: &'static [&'static str],
    /// The full description, only for served operations.
    pub schema: Option<Schema>,
}

/// What a served operation takes and gives.
#[derive(Debug)]
pub struct Schema {
    /// Structure of the request, if it takes anything.
    pub input: Option<&'static Shape>,
    /// Structure of the response, if it gives anything.
    pub output: Option<&'static Shape>,
    /// The event stream that is the response's body.
    pub stream: Option<&'static Shape>,
    /// XML element around the response's members (Query protocol).
    pub result_wrapper: &'static str,
    /// HTTP status of success.
    pub status: u16,
}

impl Operation {
    /// Whether Craton serves this operation.
    #[must_use]
    pub fn served(&self) -> bool {
        self.schema.is_some()
    }
}

/// One exception of a service.
#[derive(Debug)]
pub struct ErrorShape {
    /// Name of its shape: `NoSuchEntityException`.
    pub name: &'static str,
    /// The code on the wire: `NoSuchEntity`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// A named type of the model.
#[derive(Debug)]
pub struct Shape {
    /// Name in the model.
    pub name: &'static str,
    /// Whether its values must never be shown.
    pub sensitive: bool,
    /// What it is.
    pub kind: Kind,
}

/// Inclusive bounds; `None` is unbounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds<T> {
    /// The least allowed value.
    pub min: Option<T>,
    /// The greatest allowed value.
    pub max: Option<T>,
}

/// The kinds of types, each with its constraints. Lengths count characters, bytes, or entries.
#[derive(Debug)]
pub enum Kind {
    /// Named members.
    Structure(&'static [Member]),
    /// Exactly one of the named members.
    Union(&'static [Member]),
    /// A list of `element`; `flat` lists have no wrapper in Query and XML.
    List {
        /// Type of every element.
        element: &'static Shape,
        /// Name of the element in Query and XML.
        element_name: &'static str,
        /// Whether Query and XML leave out the wrapper.
        flat: bool,
        /// Number of elements.
        length: Bounds<u64>,
    },
    /// A map from strings.
    Map {
        /// Type of the keys.
        key: &'static Shape,
        /// Type of the values.
        value: &'static Shape,
        /// Whether Query and XML leave out the wrapper.
        flat: bool,
        /// Number of entries.
        length: Bounds<u64>,
    },
    /// Text.
    String {
        /// Number of characters.
        length: Bounds<u64>,
        /// What the whole text must match.
        pattern: Option<Pattern>,
        /// The allowed values; empty when free.
        values: &'static [&'static str],
    },
    /// A whole number; `wide` ones have 64 bits, others 32.
    Integer {
        /// Whether it has 64 bits.
        wide: bool,
        /// Value.
        range: Bounds<i64>,
    },
    /// A floating-point number.
    Float {
        /// Value.
        range: Bounds<f64>,
    },
    /// True or false.
    Boolean,
    /// Bytes: base64 in JSON, Query and XML; raw as a payload.
    Blob {
        /// Number of bytes.
        length: Bounds<u64>,
    },
    /// A moment; the format is the protocol's own unless given.
    Timestamp(Option<TimestampFormat>),
    /// Free JSON.
    Document,
}

/// How a moment is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970, with a fraction if there is one.
    EpochSeconds,
    /// `2026-01-31T12:00:00Z`.
    Iso8601,
    /// `Sat, 31 Jan 2026 12:00:00 GMT`.
    Rfc822,
}

/// One member of a structure or union.
#[derive(Debug)]
pub struct Member {
    /// Name in the model.
    pub name: &'static str,
    /// Name where it travels (header, query parameter, XML element); usually `name`.
    pub wire_name: &'static str,
    /// Its type.
    pub shape: &'static Shape,
    /// Whether it must be there.
    pub required: bool,
    /// Where it travels.
    pub location: Location,
}

/// Where a member travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location {
    /// In the body, beside the others.
    Body,
    /// It is the whole body.
    Payload,
    /// In the path.
    Uri,
    /// In the query string.
    Query,
    /// In a header.
    Header,
    /// In all headers that begin with `wire_name`.
    Headers,
    /// It is the HTTP status.
    Status,
}

/// A regular expression of the model, compiled on first use.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    program: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// `text` is shown to clients; `program` is the same in the syntax of the `regex` crate.
    #[must_use]
    pub const fn new(text: &'static str, program: &'static str) -> Self {
        Self { text, program, compiled: OnceLock::new() }
    }

    /// The expression as the model has it.
    #[must_use]
    pub fn text(&self) -> &'static str {
        self.text
    }

    /// Whether the whole of `value` matches. The generator has proved that the program compiles.
    #[must_use]
    pub fn matches(&self, value: &str) -> bool {
        self.compiled.get_or_init(|| compile(self.program).ok()).as_ref().is_none_or(|regex| regex.is_match(value))
    }

    /// Whether the program compiles; for the test over all generated tables.
    #[must_use]
    pub fn compiles(&self) -> bool {
        compile(self.program).is_ok()
    }
}

fn compile(program: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(&format!("^(?:{program})$")).size_limit(16 << 20).build()
}

impl Shape {
    /// The members of a structure or union, else nothing.
    #[must_use]
    pub fn members(&self) -> &'static [Member] {
        match self.kind {
            Kind::Structure(members) | Kind::Union(members) => members,
            _ => &[],
        }
    }
}

impl Operation {
    /// An operation that is known by its name alone.
    #[must_use]
    pub const fn named(name: &'static str) -> Self {
        Self::known(name, "POST", "/", &[])
    }

    /// An operation that is known by its name and its route.
    #[must_use]
    pub const fn known(
        name: &'static str,
        method: &'static str,
        uri: &'static str,
        required_headers: &'static [&'static str],
    ) -> Self {
        Self { name, method, uri, required_headers, schema: None }
    }

    /// A served operation whose requests and answers another library than this one decodes and encodes.
    #[must_use]
    pub const fn decoded_elsewhere(
        name: &'static str,
        method: &'static str,
        uri: &'static str,
        required_headers: &'static [&'static str],
    ) -> Self {
        let schema = Schema { input: None, output: None, stream: None, result_wrapper: "", status: 200 };
        Self { name, method, uri, required_headers, schema: Some(schema) }
    }
}

/// What stands for the service when the request names none: its errors are REST-JSON.
pub static UNNAMED: Service = Service {
    id: "",
    signing_name: "",
    protocol: Protocol::RestJson,
    target_prefix: "",
    xml_namespace: "",
    operations: &[],
    errors: &[],
};
