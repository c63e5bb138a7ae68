//! A service model, read from botocore's JSON into the facts that the generator needs.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// One service.
#[derive(Debug)]
pub(super) struct Model {
    /// Name of the variant of `Protocol`.
    pub(super) protocol: &'static str,
    /// Service part of the credential scope.
    pub(super) signing_name: String,
    /// Before the dot of `X-Amz-Target`.
    pub(super) target_prefix: String,
    /// Of XML answers.
    pub(super) xml_namespace: String,
    /// By name.
    pub(super) operations: BTreeMap<String, OperationModel>,
    /// By name.
    pub(super) shapes: BTreeMap<String, ShapeModel>,
    /// Exceptions: shape name, wire code, status.
    pub(super) errors: Vec<(String, String, u16)>,
}

/// One operation.
#[derive(Debug)]
pub(super) struct OperationModel {
    /// HTTP method.
    pub(super) method: String,
    /// Path pattern, with required query parameters.
    pub(super) uri: String,
    /// Headers that tell it from its neighbours.
    pub(super) required_headers: Vec<String>,
    /// Status of success.
    pub(super) status: u16,
    /// Request structure.
    pub(super) input: Option<String>,
    /// Response structure.
    pub(super) output: Option<String>,
    /// XML wrapper of the response.
    pub(super) result_wrapper: String,
}

/// One named type.
#[derive(Debug)]
pub(super) struct ShapeModel {
    /// botocore's word: `structure`, `string`, …
    pub(super) kind: String,
    /// Never shown.
    pub(super) sensitive: bool,
    /// Exactly one member.
    pub(super) union: bool,
    /// Free JSON.
    pub(super) document: bool,
    /// A stream of its members.
    pub(super) event_stream: bool,
    /// An exception.
    pub(super) exception: bool,
    /// Of a structure, in the model's order.
    pub(super) members: Vec<MemberModel>,
    /// Element, or key and value.
    pub(super) parts: Vec<String>,
    /// XML name of a list's elements.
    pub(super) element_name: String,
    /// No wrapper in XML and Query.
    pub(super) flat: bool,
    /// Allowed strings.
    pub(super) values: Vec<String>,
    /// Regular expression.
    pub(super) pattern: Option<String>,
    /// Least value or length.
    pub(super) min: Option<f64>,
    /// Greatest value or length.
    pub(super) max: Option<f64>,
    /// Name of the variant of `TimestampFormat`.
    pub(super) timestamp: Option<&'static str>,
}

/// One member.
#[derive(Debug)]
pub(super) struct MemberModel {
    /// Name in the model.
    pub(super) name: String,
    /// Name where it travels.
    pub(super) wire_name: String,
    /// Its type.
    pub(super) shape: String,
    /// Must be there.
    pub(super) required: bool,
    /// Name of the variant of `Location`.
    pub(super) location: &'static str,
}

impl Model {
    /// Reads the JSON of service `id`.
    pub(super) fn parse(id: &str, json: &Value) -> Result<Self> {
        let metadata = object(&json["metadata"])?;
        let protocol = protocol(id, metadata)?;
        let mut shapes = BTreeMap::new();
        for (name, value) in object(&json["shapes"])? {
            shapes.insert(name.clone(), shape(value).with_context(|| format!("The shape `{name}`."))?);
        }
        loosen(id, &mut shapes)?;
        let mut operations = BTreeMap::new();
        for (name, value) in object(&json["operations"])? {
            operations.insert(name.clone(), operation(value, &shapes, protocol)?);
        }
        let errors = errors(object(&json["shapes"])?);
        let signing_name = metadata.get("signingName").or_else(|| metadata.get("endpointPrefix"));
        Ok(Self {
            protocol,
            signing_name: signing_name.and_then(Value::as_str).context("A signing name.")?.to_owned(),
            target_prefix: text(metadata, "targetPrefix"),
            xml_namespace: xml_namespace(metadata),
            operations,
            shapes,
            errors,
        })
    }

    /// The shape called `name`.
    pub(super) fn shape(&self, name: &str) -> Result<&ShapeModel> {
        self.shapes.get(name).with_context(|| format!("The model has no shape `{name}`."))
    }

    /// Every shape that the named ones reach, themselves included.
    pub(super) fn reachable(&self, roots: impl IntoIterator<Item = String>) -> Result<BTreeSet<String>> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<String> = roots.into_iter().collect();
        while let Some(name) = open.pop() {
            let shape = self.shape(&name)?;
            if seen.insert(name) {
                open.extend(shape.parts.iter().cloned());
                open.extend(shape.members.iter().map(|member| member.shape.clone()));
            }
        }
        Ok(seen)
    }
}

fn object(value: &Value) -> Result<&Map<String, Value>> {
    value.as_object().context("An object was expected.")
}

fn text(map: &Map<String, Value>, key: &str) -> String {
    map.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn flag(map: &Map<String, Value>, key: &str) -> bool {
    map.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// Exceptions: constraints that say less to the caller than the domain does, or that the service's own console does not
/// keep. Each is asserted.
fn loosen(id: &str, shapes: &mut BTreeMap<String, ShapeModel>) -> Result<()> {
    let mut loosened = |name: &str, change: fn(&mut ShapeModel) -> bool| {
        let shape = shapes.get_mut(name).with_context(|| format!("`{id}` has no shape `{name}` any more."))?;
        ensure!(change(shape), "`{name}` of `{id}` has another constraint now.");
        Ok(())
    };
    match id {
        // The domain names the types that are nearest to one that it does not know.
        "sagemaker" => loosened("ProductionVariantInstanceType", |shape| !std::mem::take(&mut shape.values).is_empty()),
        "bedrock" => {
            // The console takes names of 50 characters.
            loosened("EndpointName", |shape| shape.max.replace(50.0) == Some(30.0))?;
            // A model of the hub is also known by its name alone.
            loosened("ModelSourceIdentifier", |shape| shape.pattern.take().is_some())
        }
        _ => Ok(()),
    }
}

fn protocol(id: &str, metadata: &Map<String, Value>) -> Result<&'static str> {
    Ok(match (text(metadata, "protocol").as_str(), text(metadata, "jsonVersion").as_str()) {
        ("rest-json", _) => "RestJson",
        ("rest-xml", _) => "RestXml",
        ("query", _) => "Query",
        ("json", "1.0") => "Json10",
        ("json", "1.1") => "Json11",
        // Exception: textract names CBOR first, but SDKs that know JSON 1.1 use it.
        ("smithy-rpc-v2-cbor", "1.1") => {
            ensure!(id == "textract", "`{id}` names CBOR as its protocol.");
            let others = metadata.get("protocols").and_then(Value::as_array).context("Other protocols.")?;
            ensure!(others.iter().any(|other| other == "json"), "`{id}` has no JSON protocol.");
            "Json11"
        }
        (other, version) => bail!("The protocol `{other}` `{version}` of `{id}` is not known."),
    })
}

fn xml_namespace(metadata: &Map<String, Value>) -> String {
    match metadata.get("xmlNamespace") {
        Some(Value::Object(map)) => text(map, "uri"),
        _ => text(metadata, "xmlNamespace"),
    }
}

fn operation(value: &Value, shapes: &BTreeMap<String, ShapeModel>, protocol: &str) -> Result<OperationModel> {
    let http = object(&value["http"])?;
    let reference = |key: &str| value[key]["shape"].as_str().map(ToOwned::to_owned);
    let input = reference("input");
    let mut uri = text(http, "requestUri");
    let mut required_headers = Vec::new();
    if protocol == "RestXml" {
        // S3 puts many operations on one path: what they require tells them apart.
        let members = input.as_ref().and_then(|name| shapes.get(name)).map_or(&[][..], |shape| &shape.members);
        for member in members.iter().filter(|member| member.required) {
            match member.location {
                "Query" => {
                    uri.push(if uri.contains('?') { '&' } else { '?' });
                    uri.push_str(&member.wire_name);
                }
                "Header" => required_headers.push(member.wire_name.to_ascii_lowercase()),
                _ => {}
            }
        }
    }
    Ok(OperationModel {
        method: text(http, "method"),
        uri,
        required_headers,
        status: http.get("responseCode").and_then(Value::as_u64).unwrap_or(200).try_into()?,
        input,
        output: reference("output"),
        result_wrapper: value["output"]["resultWrapper"].as_str().unwrap_or_default().to_owned(),
    })
}

fn errors(shapes: &Map<String, Value>) -> Vec<(String, String, u16)> {
    let mut errors = Vec::new();
    for (name, shape) in shapes {
        if shape["exception"] != Value::Bool(true) {
            continue;
        }
        let fault = shape["fault"] == Value::Bool(true);
        let status = shape["error"]["httpStatusCode"].as_u64().and_then(|status| u16::try_from(status).ok());
        let code = shape["error"]["code"].as_str().unwrap_or(name).to_owned();
        errors.push((name.clone(), code, status.unwrap_or(if fault { 500 } else { 400 })));
    }
    errors.sort();
    errors
}

fn shape(value: &Value) -> Result<ShapeModel> {
    let map = object(value)?;
    let kind = text(map, "type");
    let payload = text(map, "payload");
    let required: BTreeSet<&str> =
        map.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let mut members = Vec::new();
    for (name, reference) in map.get("members").and_then(Value::as_object).into_iter().flatten() {
        members.push(member(name, object(reference)?, name == &payload, required.contains(name.as_str()))?);
    }
    let part = |key: &str| map.get(key).and_then(|part| part["shape"].as_str()).map(ToOwned::to_owned);
    let element_name = map.get("member").and_then(|part| part["locationName"].as_str()).unwrap_or("member");
    Ok(ShapeModel {
        sensitive: flag(map, "sensitive"),
        union: flag(map, "union"),
        document: flag(map, "document"),
        event_stream: flag(map, "eventstream"),
        exception: flag(map, "exception"),
        members,
        parts: ["member", "key", "value"].into_iter().filter_map(part).collect(),
        element_name: element_name.to_owned(),
        flat: flag(map, "flattened"),
        values: map
            .get("enum")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(ToOwned::to_owned)
            .collect(),
        pattern: map.get("pattern").and_then(Value::as_str).map(ToOwned::to_owned),
        min: map.get("min").and_then(Value::as_f64),
        max: map.get("max").and_then(Value::as_f64),
        timestamp: match text(map, "timestampFormat").as_str() {
            "" => None,
            "iso8601" => Some("Iso8601"),
            "rfc822" => Some("Rfc822"),
            "unixTimestamp" => Some("EpochSeconds"),
            other => bail!("The timestamp format `{other}` is not known."),
        },
        kind,
    })
}

fn member(name: &str, map: &Map<String, Value>, payload: bool, required: bool) -> Result<MemberModel> {
    let location = match text(map, "location").as_str() {
        "" if payload => "Payload",
        "" => "Body",
        "uri" => "Uri",
        "querystring" => "Query",
        "header" => "Header",
        "headers" => "Headers",
        "statusCode" => "Status",
        other => bail!("The location `{other}` is not known."),
    };
    let wire_name = map.get("locationName").and_then(Value::as_str).unwrap_or(name);
    Ok(MemberModel {
        name: name.to_owned(),
        wire_name: wire_name.to_owned(),
        shape: text(map, "shape"),
        required,
        location,
    })
}
