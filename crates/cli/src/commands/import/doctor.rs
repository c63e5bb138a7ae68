//! `craton import doctor`.

use anyhow::{Result, bail};
use clap::ValueEnum as _;
use serde_json::{Value, json};

use super::{checks, count, described, size};
use crate::args::Format;
use crate::client::Client;
use crate::fields::text;
use crate::import_args::{Doctor, Quantization};
use crate::output;

/// Examines a checkpoint in a bucket as the role would, after its permissions.
pub(super) async fn in_a_bucket(client: &Client, args: &Doctor, format: Format, here: &str) -> Result<()> {
    let Some(role_arn) = &args.role_arn else {
        bail!(
            "a bucket is read as a role\nhint: name it with --role-arn; `craton import policies` prints what it needs"
        );
    };
    let mut wish = checks::Wish {
        role_arn,
        uri: &args.place,
        kms_key: args.kms_key.as_deref(),
        quantization: args.quantization.name(),
        bound: None,
        job_name: None,
        model_name: None,
    };
    let mut answer = checks::ask(client, &wish).await?;
    let mut sizes = Vec::new();
    if answer["report"]["passes"] == true {
        wish.kms_key = None;
        for quantization in Quantization::value_variants() {
            let model = if *quantization == args.quantization {
                answer["model"].clone()
            } else {
                wish.quantization = quantization.name();
                checks::ask(client, &wish).await?["model"].take()
            };
            sizes.push(json!({
                "quantization": quantization.name(), "bytes": model["modelBytes"], "memoryBytes": model["memoryBytes"],
            }));
        }
    }
    answer["sizes"] = sizes.into();
    told(&answer, &args.place, format, here)
}

/// Prints an examination; fails where it does not pass.
///
/// # Errors
/// The checkpoint cannot be imported as it is.
pub(crate) fn told(answer: &Value, place: &str, format: Format, here: &str) -> Result<()> {
    if format == Format::Json {
        output::json(answer)?;
    } else {
        output::line(examination(answer, here))?;
    }
    if answer["passes"] == true {
        return Ok(());
    }
    if answer["checks"].is_array() {
        return Err(checks::refusal(answer, here));
    }
    bail!("`{place}` cannot be imported as it is")
}

/// An examination for people: permissions, findings, facts, sizes.
pub(super) fn examination(answer: &Value, here: &str) -> String {
    let passes = answer["report"]["passes"] == true;
    let mut found = checks::findings(&answer["report"]);
    if found.is_empty() && passes {
        "ok      nothing stands in the way".clone_into(&mut found);
    }
    let parts = [checks::checks(answer, here), found, facts(&answer["model"]), sizes(&answer["sizes"])];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

fn facts(model: &Value) -> String {
    let number = |name: &str| model[name].as_u64().filter(|n| *n > 0);
    let architecture = match (model["architecture"].as_str(), model["class"].as_str()) {
        (Some(family), Some(class)) => format!("{family} ({class})"),
        _ => String::new(),
    };
    let weights = match (size(&model["sourceBytes"]), model["dtype"].as_str()) {
        (bytes, Some(dtype)) if !bytes.is_empty() => format!("{bytes} in {dtype}"),
        (bytes, _) => bytes,
    };
    described(&[
        ("architecture", architecture),
        ("parameters", count(&model["parameters"])),
        ("layers", number("layers").map(|n| n.to_string()).unwrap_or_default()),
        ("hidden", number("hidden").map(|n| n.to_string()).unwrap_or_default()),
        ("context", number("contextLength").map(|n| format!("{n} tokens")).unwrap_or_default()),
        ("vocabulary", number("vocabulary").map(|n| format!("{n} tokens")).unwrap_or_default()),
        ("weights", weights),
    ])
}

/// How large the model becomes, each way of keeping it.
fn sizes(sizes: &Value) -> String {
    let rows: Vec<[String; 3]> = sizes
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| [text(one, "quantization"), size(&one["bytes"]), size(&one["memoryBytes"])])
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    output::table(["KEPT AS", "ON DISK", "IN MEMORY"], &rows)
}
