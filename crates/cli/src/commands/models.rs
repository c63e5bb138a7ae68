//! `craton models`.

use std::fs;

use anyhow::{Context as _, Result};
use http::Method;
use serde_json::{Value, json};

use super::{hub, jobs, pools, profiles, quantize, segment, tune};
use crate::args::{Format, Models, Pool, Profile};
use crate::catalogue_args::{Alias, ListModels};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

/// What remains of a pull that was broken off.
pub(super) const PULL_BROKEN_OFF: &str =
    "the same command goes on with what is complete; a file of a hub, where it stopped";

pub(super) async fn run(client: &Client, command: Models, format: Format) -> Result<()> {
    match command {
        Models::List(asked) => list(client, &asked, format).await,
        Models::Show { name } => show(client, &name, format).await,
        Models::Pull { source, accept_terms, allow_template } => {
            pull(client, &source, (accept_terms, allow_template), format).await
        }
        Models::AcceptTerms { name } => hub::accept_terms(client, &name, format).await,
        Models::Fit(asked) => hub::fit(client, &asked, format).await,
        Models::VerifyTemplate { name } => hub::verify_template(client, &name, format).await,
        Models::Quantize(asked) => quantize::run(client, asked, format).await,
        Models::Tune(asked) => tune::run(client, asked, format).await,
        Models::Tuning { command } => tune::tuning(client, command, format).await,
        Models::Remove { name } => {
            client.craton(Method::DELETE, &format!("/models/{}", segment(&name)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "removed": name }))
            } else {
                output::line(format!("removed {name}"))
            }
        }
        Models::Unload { name } => {
            client.craton(Method::POST, &format!("/models/{}/unload", segment(&name)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "unloaded": name }))
            } else {
                output::line(format!("unloaded {name}"))
            }
        }
        Models::Forget { name } => {
            client.craton(Method::POST, &format!("/models/{}/forget", segment(&name)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "forgotten": name }))
            } else {
                output::line(format!("{name} forgot the prompts of this account"))
            }
        }
        Models::Profile { command } => {
            profiles::run(client, command.unwrap_or(Profile::List { all: false }), format).await
        }
        Models::Pool { command } => pools::run(client, command.unwrap_or(Pool::List), format).await,
        Models::Alias { command } => alias(client, command.unwrap_or(Alias::List), format).await,
    }
}

async fn alias(client: &Client, command: Alias, format: Format) -> Result<()> {
    match command {
        Alias::List => aliases(client, format).await,
        Alias::Set { model_id, local, upstream, upstream_model, upstream_key_file } => {
            let target = match (local, upstream) {
                (Some(name), _) => match name.strip_prefix("pool:") {
                    Some(pool) => json!({ "pool": pool }),
                    None => json!({ "local": name }),
                },
                (None, url) => upstream_target(url, upstream_model, upstream_key_file)?,
            };
            let answer = client.craton(Method::PUT, &format!("/aliases/{}", segment(&model_id)), Some(&target)).await?;
            if format == Format::Json { output::json(&answer) } else { output::line(format!("{model_id} is set")) }
        }
        Alias::Remove { model_id } => {
            client.craton(Method::DELETE, &format!("/aliases/{}", segment(&model_id)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "removed": model_id }))
            } else {
                output::line(format!("{model_id} is back to its built-in answer"))
            }
        }
    }
}

fn upstream_target(url: Option<String>, model: Option<String>, key_file: Option<std::path::PathBuf>) -> Result<Value> {
    let mut upstream = json!({ "baseUrl": url, "model": model });
    if let Some(path) = key_file {
        let key = fs::read_to_string(&path).with_context(|| format!("cannot read the key in `{}`", path.display()))?;
        upstream["apiKey"] = key.trim().into();
    }
    Ok(json!({ "upstream": upstream }))
}

async fn list(client: &Client, asked: &ListModels, format: Format) -> Result<()> {
    let answer = client.craton(Method::GET, &format!("/models{}", hub::search(asked)), None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    let rows: Vec<[String; 6]> = items(&answer).iter().map(row).collect();
    output::line(output::table(["NAME", "KIND", "SIZE", "CONTEXT", "LICENCE", "STATE"], &rows))
}

fn row(card: &Value) -> [String; 6] {
    [
        text(card, "name"),
        text(card, "kind"),
        card["downloadBytes"].as_u64().map_or_else(|| "-".to_owned(), output::bytes),
        card["contextLength"].as_u64().map_or_else(|| "-".to_owned(), |n| n.to_string()),
        text(&card["licence"], "name"),
        text(card, "state"),
    ]
}

async fn show(client: &Client, name: &str, format: Format) -> Result<()> {
    let card = client.craton(Method::GET, &format!("/models/{}", segment(name)), None).await?;
    if format == Format::Json {
        return output::json(&card);
    }
    for (title, value) in lines(&card).iter().filter(|(_, value)| !value.is_empty() && value != "-") {
        output::line(format!("{title:<12} {value}").trim_end())?;
    }
    Ok(())
}

fn lines(card: &Value) -> Vec<(&'static str, String)> {
    let listed = |name: &str| {
        let items = card[name].as_array().map_or(&[][..], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    };
    let number = |name: &str| card[name].as_u64();
    let size = |name: &str| number(name).map(output::bytes).unwrap_or_default();
    let chats = card["chats"].as_bool().map(|chats| if chats { "yes" } else { "no, it continues texts" });
    let state = match card["stateReason"].as_str() {
        Some(reason) => format!("{}: {reason}", text(card, "state")),
        None => text(card, "state"),
    };
    let mut lines = vec![
        ("name", text(card, "name")),
        ("title", text(card, "title")),
        ("provider", text(card, "provider")),
        ("kind", text(card, "kind")),
        ("chats", chats.unwrap_or_default().to_owned()),
        ("about", text(card, "description")),
        ("licence", licence(card)),
        ("parameters", number("parameters").map(|n| n.to_string()).unwrap_or_default()),
        ("context", number("contextLength").map(|n| format!("{n} tokens")).unwrap_or_default()),
        ("download", size("downloadBytes")),
        ("memory", size("memoryBytes")),
        ("languages", listed("languages")),
        ("tasks", listed("tasks")),
        ("jumpstart id", card["jumpstartId"].as_str().unwrap_or_default().to_owned()),
        ("template", hub::template(&card["template"])),
    ];
    lines.extend(hub::quality(card));
    let origins = card["origins"].as_array().map_or(&[][..], Vec::as_slice);
    // A source that is not there is a title without a value, which is not printed.
    lines.extend(origins.iter().map(|origin| ("source", described(origin))));
    lines.extend([
        ("pulled from", card["pulledFrom"]["source"].as_str().unwrap_or_default().to_owned()),
        ("answers for", listed("servesAwsIds")),
        ("state", state),
        ("sha-256", text(card, "sha256")),
    ]);
    if card["quantization"].is_object() {
        lines.extend(quantize::lines(&card["quantization"]));
    }
    let refused = card["refusedQuantizations"].as_array().map_or(&[][..], Vec::as_slice);
    lines.extend(refused.iter().flat_map(quantize::lines));
    lines
}

fn licence(card: &Value) -> String {
    let licence = &card["licence"];
    let url = licence["url"].as_str().map(|url| format!(" {url}")).unwrap_or_default();
    let terms = match (licence["mustAccept"] == true, licence["accepted"].is_object()) {
        (true, true) => " (its terms are accepted)",
        (true, false) => " (its terms must be accepted: --accept-terms)",
        _ => "",
    };
    format!("{}{url}{terms}", text(licence, "name"))
}

/// A source, with those who stand behind it.
fn described(origin: &Value) -> String {
    let (source, uploader, publisher) = (text(origin, "source"), &origin["uploader"], &origin["publisher"]);
    let original = publisher.as_str().filter(|_| uploader != publisher);
    match (uploader.as_str(), original) {
        (Some(uploader), Some(original)) => format!("{source} (uploaded by {uploader}; original: {original})"),
        (Some(uploader), None) => format!("{source} (uploaded by {uploader})"),
        (None, Some(original)) => format!("{source} (original: {original})"),
        (None, None) => source,
    }
}

/// A `file:` source with a full path, where the server is on this machine and a relative one means the same file.
fn on_this_machine(client: &Client, source: &str) -> Result<String> {
    match source.strip_prefix("file:") {
        Some(path) if client.is_of_data_folder() && !path.is_empty() => {
            let full = std::path::absolute(path).with_context(|| format!("cannot make a full path of `{path}`"))?;
            Ok(format!("file:{}", full.display()))
        }
        _ => Ok(source.to_owned()),
    }
}

/// `allowed` are the model's terms, and a chat template of another model.
async fn pull(client: &Client, source: &str, allowed: (bool, bool), format: Format) -> Result<()> {
    let source = &on_this_machine(client, source)?;
    let job = fetch(client, source, allowed).await?;
    if format == Format::Json {
        return output::json(&job);
    }
    let name = job.pointer("/output/name").and_then(Value::as_str).unwrap_or(source);
    output::line(format!("{name} is ready"))?;
    if let Ok(card) = client.craton(Method::GET, &format!("/models/{}", segment(name)), None).await {
        let url = card["licence"]["url"].as_str().unwrap_or_default();
        output::line(format!("licence: {} {url}", text(&card["licence"], "name")).trim_end())?;
    }
    Ok(())
}

/// Has a model downloaded, with progress, and gives the job that did it. `allowed` are the model's terms, and a chat template
/// of another model.
pub(super) async fn fetch(client: &Client, source: &str, allowed: (bool, bool)) -> Result<Value> {
    let request = json!({ "source": source, "acceptTerms": allowed.0, "allowTemplate": allowed.1 });
    let answer = client.craton(Method::POST, "/models/pull", Some(&request)).await?;
    jobs::follow(client, &answer["job"], source, PULL_BROKEN_OFF).await
}

async fn aliases(client: &Client, format: Format) -> Result<()> {
    let answer = client.craton(Method::GET, "/aliases", None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    let rows: Vec<[String; 3]> = items(&answer)
        .iter()
        .map(|alias| {
            let upstream = alias.pointer("/upstream/baseUrl").and_then(Value::as_str);
            let target = match (upstream, alias["pool"].as_str()) {
                (Some(url), _) => format!("{} at {url}", text(&alias["upstream"], "model")),
                (None, Some(pool)) => format!("pool:{pool}"),
                (None, None) => text(alias, "local"),
            };
            let origin = if alias["builtIn"].as_bool().unwrap_or(false) { "built in" } else { "set" };
            [text(alias, "modelId"), target, origin.to_owned()]
        })
        .collect();
    output::line(output::table(["AWS MODEL ID", "ANSWERED BY", "ORIGIN"], &rows))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[tokio::test]
    async fn a_model_is_unloaded_by_its_name() {
        let (client, asked) = fake::server(&[(204, "")]);
        run(&client, Models::Unload { name: "a.b".to_owned() }, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        assert_eq!(asked[0].line, "POST /craton/v1/models/a%2Eb/unload HTTP/1.1");
    }
}
