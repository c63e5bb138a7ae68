//! Structures, unions, string enums and event enums.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Result, ensure};

use super::super::model::{MemberModel, Model, ShapeModel};
use super::super::names;
use super::Usage;

/// Declares every type.
pub(super) fn declare(text: &mut String, model: &Model, usage: &Usage) -> Result<()> {
    let mut opaque = Vec::new();
    let mut taken = BTreeSet::new();
    for name in &usage.shapes {
        let shape = model.shape(name)?;
        let declares = shape.kind == "structure" && !shape.document || !shape.values.is_empty();
        if !declares {
            continue;
        }
        let type_name = names::type_name(name);
        ensure!(taken.insert(type_name.clone()), "Two shapes are called `{type_name}`.");
        if !shape.values.is_empty() {
            string_enum(text, &type_name, shape)?;
        } else if shape.event_stream {
            event_enum(text, model, name, shape)?;
        } else {
            let shown = !holds_secrets(model, name)?;
            structure(text, model, &type_name, shape, shown)?;
            if !shown {
                opaque.push(type_name);
            }
        }
    }
    if !opaque.is_empty() {
        let _ = writeln!(text, "opaque_debug! {{ {} }}", opaque.join(", "));
    }
    for name in &usage.inputs {
        binding(text, model, name, "Input")?;
    }
    for name in &usage.outputs {
        binding(text, model, name, "Output")?;
    }
    Ok(())
}

/// Whether any value inside may be secret (bytes show only their length, so they do not count).
fn holds_secrets(model: &Model, name: &str) -> Result<bool> {
    for inner in model.reachable([name.to_owned()])? {
        let shape = model.shape(&inner)?;
        if shape.sensitive && shape.kind != "blob" {
            return Ok(true);
        }
    }
    Ok(false)
}

fn string_enum(text: &mut String, type_name: &str, shape: &ShapeModel) -> Result<()> {
    let mut variants = BTreeSet::new();
    let _ = writeln!(text, "string_enum! {{ pub enum {type_name} {{");
    for value in &shape.values {
        let variant = names::variant(value);
        ensure!(variants.insert(variant.clone()), "Two values of `{type_name}` are called `{variant}`.");
        let _ = writeln!(text, "{variant} = {value:?},");
    }
    text.push_str("} }\n");
    Ok(())
}

fn event_enum(text: &mut String, model: &Model, name: &str, shape: &ShapeModel) -> Result<()> {
    let type_name = names::type_name(name);
    let derives =
        if holds_secrets(model, name)? { "Clone, PartialEq, Serialize" } else { "Clone, Debug, PartialEq, Serialize" };
    let _ = writeln!(text, "#[derive({derives})] pub enum {type_name} {{");
    for member in &shape.members {
        if !model.shape(&member.shape)?.exception {
            let _ = writeln!(
                text,
                "#[serde(rename = {:?})] {}({}),",
                member.name,
                names::variant(&member.name),
                names::type_name(&member.shape)
            );
        }
    }
    let constant = names::constant(name);
    let _ = writeln!(text, "}} impl Event for {type_name} {{ const STREAM: &'static Shape = &shapes::{constant}; }}");
    Ok(())
}

fn structure(text: &mut String, model: &Model, type_name: &str, shape: &ShapeModel, shown: bool) -> Result<()> {
    let mut derives = vec!["Clone", "PartialEq", "Serialize", "Deserialize"];
    if shown {
        derives.push("Debug");
    }
    if shape.union {
        let _ = writeln!(text, "#[derive({})] pub enum {type_name} {{", derives.join(", "));
        for member in &shape.members {
            let rust = rust_type(model, &member.shape)?;
            let _ = writeln!(text, "#[serde(rename = {:?})] {}({rust}),", member.name, names::variant(&member.name));
        }
        text.push_str("}\n");
        return Ok(());
    }
    if has_default(model, shape)? {
        derives.push("Default");
    }
    let _ = writeln!(text, "#[derive({})] pub struct {type_name} {{", derives.join(", "));
    for member in &shape.members {
        field(text, model, member)?;
    }
    text.push_str("}\n");
    Ok(())
}

fn field(text: &mut String, model: &Model, member: &MemberModel) -> Result<()> {
    let shape = model.shape(&member.shape)?;
    if shape.event_stream {
        return Ok(());
    }
    let inner = rust_type(model, &member.shape)?;
    let rust = if member.required { inner } else { format!("Option<{inner}>") };
    let raw = member.location == "Payload" && shape.kind == "blob";
    let serde = match (raw, member.required) {
        (true, _) => "skip".to_owned(),
        (false, true) => format!("rename = {:?}", member.name),
        (false, false) => format!("rename = {:?}, skip_serializing_if = \"Option::is_none\"", member.name),
    };
    let _ = writeln!(text, "#[serde({serde})] pub {}: {rust},", names::field(&member.name));
    Ok(())
}

/// Whether `Default` can be derived: no required member is an enum, a union, or a structure without it.
fn has_default(model: &Model, shape: &ShapeModel) -> Result<bool> {
    for member in shape.members.iter().filter(|member| member.required) {
        let inner = model.shape(&member.shape)?;
        let structure = inner.kind == "structure" && !inner.document && !inner.event_stream;
        let plain = inner.values.is_empty() && inner.kind != "timestamp" && !inner.union;
        if !plain || structure && !has_default(model, inner)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn rust_type(model: &Model, name: &str) -> Result<String> {
    let shape = model.shape(name)?;
    Ok(match shape.kind.as_str() {
        "string" if shape.values.is_empty() => "String".to_owned(),
        "structure" if shape.document => "serde_json::Value".to_owned(),
        "string" | "structure" => names::type_name(name),
        "list" => format!("Vec<{}>", rust_type(model, &shape.parts[0])?),
        "map" => format!("std::collections::BTreeMap<String, {}>", rust_type(model, &shape.parts[1])?),
        "integer" => "i32".to_owned(),
        "long" => "i64".to_owned(),
        "float" | "double" => "f64".to_owned(),
        "boolean" => "bool".to_owned(),
        "blob" => "Blob".to_owned(),
        "timestamp" => "Timestamp".to_owned(),
        other => anyhow::bail!("The type `{other}` of `{name}` is not known."),
    })
}

/// The `Input` or `Output` of a structure, with its raw payload if it has one.
fn binding(text: &mut String, model: &Model, name: &str, side: &str) -> Result<()> {
    let shape = model.shape(name)?;
    let type_name = names::type_name(name);
    let mut body = String::new();
    for member in shape.members.iter().filter(|member| member.location == "Payload") {
        if model.shape(&member.shape)?.kind == "blob" {
            let field = names::field(&member.name);
            body = match (side, member.required) {
                ("Input", true) => {
                    format!("fn set_payload(&mut self, body: bytes::Bytes) {{ self.{field} = Blob(body); }}")
                }
                ("Input", false) => {
                    format!("fn set_payload(&mut self, body: bytes::Bytes) {{ self.{field} = Some(Blob(body)); }}")
                }
                (_, true) => format!("fn payload(&self) -> Option<bytes::Bytes> {{ Some(self.{field}.0.clone()) }}"),
                (_, false) => format!(
                    "fn payload(&self) -> Option<bytes::Bytes> {{ self.{field}.as_ref().map(|blob| blob.0.clone()) }}"
                ),
            };
        }
    }
    let _ = writeln!(text, "impl {side} for {type_name} {{ {body} }}");
    Ok(())
}
