//! The static schema of a service.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};

use super::super::model::{MemberModel, Model, OperationModel, ShapeModel};
use super::super::served::ServedService;
use super::super::{names, pattern};
use super::Usage;

/// `mod shapes`: one static per shape.
pub(super) fn shapes(text: &mut String, model: &Model, usage: &Usage) -> Result<()> {
    let mut taken = BTreeSet::new();
    text.push_str("pub mod shapes { use crate::schema::*;\n");
    for name in &usage.shapes {
        let constant = names::constant(name);
        ensure!(taken.insert(constant.clone()), "Two shapes are called `{constant}`.");
        let shape = model.shape(name)?;
        let kind = kind(model, shape)?;
        let _ = writeln!(
            text,
            "pub static {constant}: Shape = Shape {{ name: {name:?}, sensitive: {}, kind: {kind} }};",
            shape.sensitive
        );
    }
    text.push_str("}\n");
    Ok(())
}

fn kind(model: &Model, shape: &ShapeModel) -> Result<String> {
    let (min, max) = (shape.min, shape.max);
    let part = |at: usize| format!("&{}", names::constant(&shape.parts[at]));
    Ok(match shape.kind.as_str() {
        "structure" if shape.document => "Kind::Document".to_owned(),
        "structure" => {
            let variant = if shape.union { "Union" } else { "Structure" };
            let mut list = String::new();
            for item in &shape.members {
                let inner = model.shape(&item.shape)?;
                if !inner.exception && !inner.event_stream {
                    list.push_str(&member(item));
                }
            }
            format!("Kind::{variant}(&[{list}])")
        }
        "list" => format!(
            "Kind::List {{ element: {}, element_name: {:?}, flat: {}, length: {} }}",
            part(0),
            shape.element_name,
            shape.flat,
            whole(min, max)
        ),
        "map" => format!(
            "Kind::Map {{ key: {}, value: {}, flat: {}, length: {} }}",
            part(0),
            part(1),
            shape.flat,
            whole(min, max)
        ),
        "string" => {
            let pattern = match &shape.pattern {
                Some(text) => pattern::translate(text)?.map(|program| (text, program)),
                None => None,
            };
            let pattern = match pattern {
                Some((text, program)) => format!("Some(Pattern::new({text:?}, {program:?}))"),
                None => "None".to_owned(),
            };
            format!("Kind::String {{ length: {}, pattern: {pattern}, values: &{:?} }}", whole(min, max), shape.values)
        }
        "integer" => format!("Kind::Integer {{ wide: false, range: {} }}", whole(min, max)),
        "long" => format!("Kind::Integer {{ wide: true, range: {} }}", whole(min, max)),
        "float" | "double" => format!("Kind::Float {{ range: Bounds {{ min: {min:?}, max: {max:?} }} }}"),
        "boolean" => "Kind::Boolean".to_owned(),
        "blob" => format!("Kind::Blob {{ length: {} }}", whole(min, max)),
        "timestamp" => match shape.timestamp {
            Some(format) => format!("Kind::Timestamp(Some(TimestampFormat::{format}))"),
            None => "Kind::Timestamp(None)".to_owned(),
        },
        other => bail!("The type `{other}` is not known."),
    })
}

/// A bound of zero on a length says nothing, but one on a number does; both are written as the model has them.
fn whole(min: Option<f64>, max: Option<f64>) -> String {
    let show = |bound: Option<f64>| bound.map_or("None".to_owned(), |value| format!("Some({value:.0})"));
    format!("Bounds {{ min: {}, max: {} }}", show(min), show(max))
}

fn member(member: &MemberModel) -> String {
    format!(
        "Member {{ name: {:?}, wire_name: {:?}, shape: &{}, required: {}, location: Location::{} }},",
        member.name,
        member.wire_name,
        names::constant(&member.shape),
        member.required,
        member.location
    )
}

/// `SERVICE`, `OPERATIONS`, and one name per served operation.
pub(super) fn service(text: &mut String, served: &ServedService, model: &Model) -> Result<()> {
    let _ = writeln!(
        text,
        "/// The service.\npub static SERVICE: Service = Service {{ id: {:?}, signing_name: {:?}, protocol: Protocol::{}, \
         target_prefix: {:?}, xml_namespace: {:?}, operations: OPERATIONS, errors: ERRORS }};",
        served.id, model.signing_name, model.protocol, model.target_prefix, model.xml_namespace
    );
    let mut statics = String::new();
    text.push_str("static OPERATIONS: &[Operation] = &[\n");
    for (at, name) in served.operations.keys().enumerate() {
        let found = model.operations.get(name).with_context(|| format!("There is no operation `{name}`."))?;
        if served.decoded_by.is_some() {
            let _ = writeln!(text, "{}", decoded_elsewhere(name, found));
            continue;
        }
        let schema = schema(model, found)?;
        let _ = writeln!(text, "{}", operation(name, found, &schema));
        let _ = writeln!(statics, "pub static {}: &Operation = &super::OPERATIONS[{at}];", names::constant(name));
    }
    for (name, other) in model.operations.iter().filter(|(name, _)| !served.operations.contains_key(*name)) {
        let _ = writeln!(text, "{}", operation(name, other, "None"));
    }
    text.push_str("];\n");
    if !statics.is_empty() {
        let _ = writeln!(
            text,
            "/// The served operations.\npub mod operations {{ use crate::schema::Operation;\n{statics}}}"
        );
    }
    text.push_str("static ERRORS: &[ErrorShape] = &[\n");
    for (name, code, status) in &model.errors {
        let _ = writeln!(text, "ErrorShape {{ name: {name:?}, code: {code:?}, status: {status} }},");
    }
    text.push_str("];\n");
    Ok(())
}

fn decoded_elsewhere(name: &str, model: &OperationModel) -> String {
    format!(
        "Operation::decoded_elsewhere({name:?}, {:?}, {:?}, &{:?}),",
        model.method, model.uri, model.required_headers
    )
}

fn operation(name: &str, model: &OperationModel, schema: &str) -> String {
    if schema == "None" && model.method == "POST" && model.uri == "/" && model.required_headers.is_empty() {
        return format!("Operation::named({name:?}),");
    }
    if schema == "None" {
        return format!(
            "Operation::known({name:?}, {:?}, {:?}, &{:?}),",
            model.method, model.uri, model.required_headers
        );
    }
    format!(
        "Operation {{ name: {name:?}, method: {:?}, uri: {:?}, required_headers: &{:?}, schema: {schema} }},",
        model.method, model.uri, model.required_headers
    )
}

fn schema(model: &Model, operation: &OperationModel) -> Result<String> {
    let reference = |shape: &Option<String>| match shape {
        Some(name) => format!("Some(&shapes::{})", names::constant(name)),
        None => "None".to_owned(),
    };
    let mut stream = None;
    if let Some(output) = &operation.output {
        for member in &model.shape(output)?.members {
            if model.shape(&member.shape)?.event_stream {
                stream = Some(member.shape.clone());
            }
        }
    }
    Ok(format!(
        "Some(Schema {{ input: {}, output: {}, stream: {}, result_wrapper: {:?}, status: {} }})",
        reference(&operation.input),
        reference(&operation.output),
        reference(&stream),
        operation.result_wrapper,
        operation.status
    ))
}
