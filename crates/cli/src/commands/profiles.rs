//! `craton models profile`.

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Format, Profile};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Profile, format: Format) -> Result<()> {
    match command {
        Profile::List { all } => list(client, all, format).await,
        Profile::Show { id } => {
            let profile = client.craton(Method::GET, &format!("/inference-profiles/{}", segment(&id)), None).await?;
            if format == Format::Json { output::json(&profile) } else { show(&profile) }
        }
        Profile::Route { id, targets, weighted } => {
            let targets = targets.iter().map(|text| target(text)).collect::<Result<Vec<Value>>>()?;
            let body = json!({ "weighted": weighted, "targets": targets });
            let profile = client.craton(Method::PUT, &routing(&id), Some(&body)).await?;
            if format == Format::Json { output::json(&profile) } else { output::line(format!("{id} is routed")) }
        }
        Profile::Unroute { id } => {
            client.craton(Method::DELETE, &routing(&id), None).await?;
            if format == Format::Json {
                output::json(&json!({ "unrouted": id }))
            } else {
                output::line(format!("{id} is answered by what answers for its model"))
            }
        }
    }
}

fn routing(id: &str) -> String {
    format!("/inference-profiles/{}/routing", segment(id))
}

/// `REGION=TARGET[,weight=N]`.
fn target(text: &str) -> Result<Value> {
    let (rest, weight) = match text.split_once(",weight=") {
        Some((rest, weight)) => (rest, weight.parse::<u32>().ok()),
        None => (text, Some(1)),
    };
    match (rest.split_once('='), weight) {
        (Some((region, target)), Some(weight)) if !region.is_empty() && !target.is_empty() => {
            Ok(json!({ "region": region, "target": target, "weight": weight }))
        }
        _ => bail!("`{text}` is no target\nhint: give a region and what answers there: eu-1=pool:chat,weight=2"),
    }
}

async fn list(client: &Client, all: bool, format: Format) -> Result<()> {
    let mut answer = client.listing("/inference-profiles").await?;
    if let Some(profiles) = answer["items"].as_array_mut().filter(|_| !all) {
        profiles.retain(|profile| profile["type"] == "APPLICATION" || !profile["routing"].is_null());
    }
    if format == Format::Json {
        return output::json(&answer);
    }
    let rows: Vec<[String; 4]> = items(&answer)
        .iter()
        .map(|profile| [text(profile, "id"), text(profile, "name"), text(profile, "type"), routed(profile)])
        .collect();
    output::line(output::table(["ID", "NAME", "TYPE", "ROUTED TO"], &rows))
}

fn routed(profile: &Value) -> String {
    let routing = &profile["routing"];
    let targets = routing["targets"].as_array().map_or(&[][..], Vec::as_slice);
    let is_weighted = routing["weighted"] == true;
    let shown = |target: &Value| {
        let weight = if is_weighted { format!(" x{}", target["weight"]) } else { String::new() };
        format!("{}={}{weight}", text(target, "region"), text(target, "target"))
    };
    match targets {
        [] => "-".to_owned(),
        targets => targets.iter().map(shown).collect::<Vec<_>>().join(if is_weighted { ", " } else { ", then " }),
    }
}

fn show(profile: &Value) -> Result<()> {
    for (title, name) in [("id", "id"), ("arn", "arn"), ("name", "name"), ("type", "type")] {
        output::line(format!("{title:<10} {}", text(profile, name)))?;
    }
    for model in profile["models"].as_array().map_or(&[][..], Vec::as_slice) {
        output::line(format!("{:<10} {}", "model", model.as_str().unwrap_or_default()))?;
    }
    output::line(format!("{:<10} {}", "routed to", routed(profile)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[test]
    fn targets_are_read_from_one_word() {
        let read = |text| target(text).unwrap();
        assert_eq!(read("eu=pool:chat"), json!({ "region": "eu", "target": "pool:chat", "weight": 1 }));
        let id = "anthropic.claude-3-haiku-20240307-v1:0";
        let heavy = format!("us={id},weight=3");
        assert_eq!(read(&heavy), json!({ "region": "us", "target": id, "weight": 3 }));
        for wrong in ["pool:chat", "=x", "x=", "x=y,weight=z"] {
            assert!(target(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_profile_is_routed() {
        let (client, asked) = fake::server(&[(200, r#"{"id":"us.a.b"}"#)]);
        let targets = vec!["eu=pool:chat".to_owned()];
        let command = Profile::Route { id: "us.a.b".to_owned(), targets, weighted: true };
        run(&client, command, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        assert!(asked[0].line.starts_with("PUT /craton/v1/inference-profiles/us%2Ea%2Eb/routing HTTP"), "{asked:?}");
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(body["weighted"], true);
        let routing = json!({ "weighted": false, "targets": [target("a=b").unwrap(), target("c=d").unwrap()] });
        assert_eq!(routed(&json!({ "routing": routing })), "a=b, then c=d");
    }
}
