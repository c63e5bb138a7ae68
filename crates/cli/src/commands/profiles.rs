//! `craton models profile`.

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use super::import::bedrock;
use super::segment;
use crate::args::{Format, Profile};
use crate::client::{Client, is_not_found};
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Profile, format: Format) -> Result<()> {
    match command {
        Profile::List { all } => list(client, all, format).await,
        Profile::Create { name, from, description, tag } => {
            let from = source(client, &from).await?;
            let mut body = json!({ "inferenceProfileName": name, "modelSource": { "copyFrom": from } });
            if let Some(description) = description {
                body["description"] = description.into();
            }
            if !tag.is_empty() {
                body["tags"] = tag.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect();
            }
            let made = bedrock(client, Method::POST, "/inference-profiles", &[], Some(&body)).await?;
            let arn = text(&made, "inferenceProfileArn");
            let id = arn.rsplit('/').next().unwrap_or(&arn);
            if format == Format::Json {
                return output::json(&json!({ "id": id, "arn": arn, "name": name }));
            }
            output::line(&arn)?;
            output::note(&format!(
                "Say where its requests are sent: craton models profile route {id} --to REGION=TARGET"
            ));
            Ok(())
        }
        Profile::Delete { id } => {
            bedrock(client, Method::DELETE, &format!("/inference-profiles/{}", segment(&id)), &[], None).await?;
            if format == Format::Json {
                output::json(&json!({ "deleted": id }))
            } else {
                output::line(format!("deleted {id}"))
            }
        }
        Profile::Show { id } => {
            let profile = client.craton(Method::GET, &format!("/inference-profiles/{}", segment(&id)), None).await?;
            if format == Format::Json { output::json(&profile) } else { output::line(lines(&profile)) }
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

/// The ARN that Bedrock copies a profile from: of the profile of that id, or else of the model.
async fn source(client: &Client, from: &str) -> Result<String> {
    if from.starts_with("arn:") {
        return Ok(from.to_owned());
    }
    match client.craton(Method::GET, &format!("/inference-profiles/{}", segment(from)), None).await {
        Ok(profile) => Ok(text(&profile, "arn")),
        // What is no model either is refused when the profile is made.
        Err(error) if is_not_found(&error) => Ok(client.model_arn(from)),
        Err(error) => Err(error),
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
    let row = |profile: &Value| {
        let [id, name, kind] = ["id", "name", "type"].map(|name| text(profile, name));
        [id, name, kind, routed(profile), health(profile)]
    };
    let rows: Vec<[String; 5]> = items(&answer).iter().map(row).collect();
    output::line(output::table(["ID", "NAME", "TYPE", "ROUTED TO", "TARGETS READY"], &rows))
}

/// Where a profile's requests are sent: as it says itself, or as the profile does that it was copied from.
fn in_force(profile: &Value) -> &Value {
    let own = &profile["routing"];
    if own.is_null() { &profile["inheritedRouting"] } else { own }
}

fn targets_of(routing: &Value) -> &[Value] {
    routing["targets"].as_array().map_or(&[], Vec::as_slice)
}

fn routed(profile: &Value) -> String {
    let routing = in_force(profile);
    let is_weighted = routing["weighted"] == true;
    let shown = |target: &Value| {
        let weight = if is_weighted { format!(" x{}", target["weight"]) } else { String::new() };
        format!("{}={}{weight}", text(target, "region"), text(target, "target"))
    };
    match targets_of(routing) {
        [] => "-".to_owned(),
        targets => targets.iter().map(shown).collect::<Vec<_>>().join(if is_weighted { ", " } else { ", then " }),
    }
}

/// How many of a profile's targets would answer.
fn health(profile: &Value) -> String {
    let targets = targets_of(in_force(profile));
    let answers = |target: &&Value| matches!(target["state"]["readiness"].as_str(), Some("ready" | "degraded"));
    match targets.len() {
        0 => "-".to_owned(),
        all => format!("{} of {all}", targets.iter().filter(answers).count()),
    }
}

/// A profile for people.
fn lines(profile: &Value) -> String {
    let tags: Vec<String> = profile["tags"].as_array().into_iter().flatten().map(tag).collect();
    let mut lines: Vec<(&str, String)> = vec![
        ("id", text(profile, "id")),
        ("arn", text(profile, "arn")),
        ("name", text(profile, "name")),
        ("about", text(profile, "description")),
        ("type", text(profile, "type")),
        ("copied from", text(profile, "copiedFrom")),
        ("tags", tags.join(", ")),
        ("created", text(profile, "createdAt")),
        ("changed", text(profile, "updatedAt")),
    ];
    let models = profile["models"].as_array().into_iter().flatten();
    lines.extend(models.filter_map(Value::as_str).map(|model| ("model", model.to_owned())));
    let is_inherited = profile["routing"].is_null() && !profile["inheritedRouting"].is_null();
    let whose = if is_inherited { ", as the profile is that it was copied from" } else { "" };
    let how = match (targets_of(in_force(profile)), in_force(profile)["weighted"] == true) {
        ([], _) => "what answers for its model".to_owned(),
        (_, true) => format!("one of these, drawn by weight{whose}"),
        (_, false) => format!("the first of these that answers{whose}"),
    };
    lines.push(("routed to", how));
    let told = super::import::described(&lines);
    let rows: Vec<[String; 6]> = targets_of(in_force(profile)).iter().map(row).collect();
    if rows.is_empty() {
        return told;
    }
    let titles = ["REGION", "TARGET", "WEIGHT", "STATE", "ANSWERED BY", "WHY"];
    format!("{told}\n\n{}", output::table(titles, &rows))
}

fn tag(tag: &Value) -> String {
    format!("{}={}", text(tag, "key"), text(tag, "value"))
}

fn row(target: &Value) -> [String; 6] {
    let state = &target["state"];
    [
        text(target, "region"),
        text(target, "target"),
        target["weight"].to_string(),
        text(state, "readiness"),
        text(state, "answers"),
        text(state, "detail"),
    ]
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
    async fn a_profile_is_made_of_a_model_or_of_a_profile_and_deleted() {
        let made = r#"{"inferenceProfileArn":"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"}"#;
        let (client, asked) = fake::server(&[
            (404, r#"{"error":{"message":"There is none."}}"#),
            (201, made),
            (200, r#"{"id":"us.a.b","arn":"arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b"}"#),
            (201, made),
            (200, "{}"),
        ]);
        let create = |from: &str, tag: &[(&str, &str)]| Profile::Create {
            name: "mine".to_owned(),
            from: from.to_owned(),
            description: tag.first().map(|_| "ours".to_owned()),
            tag: tag.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        };
        run(&client, create("a.b", &[]), Format::Text).await.unwrap();
        run(&client, create("us.a.b", &[("team", "x")]), Format::Text).await.unwrap();
        run(&client, Profile::Delete { id: "abc".to_owned() }, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        let lines: Vec<&str> = asked.iter().map(|asked| asked.line.trim_end_matches(" HTTP/1.1")).collect();
        let wanted = [
            "GET /craton/v1/inference-profiles/a%2Eb",
            "POST /inference-profiles",
            "GET /craton/v1/inference-profiles/us%2Ea%2Eb",
            "POST /inference-profiles",
            "DELETE /inference-profiles/abc",
        ];
        assert_eq!(lines, wanted);
        let model = "arn:aws:bedrock:us-east-1::foundation-model/a.b";
        let plain = json!({ "inferenceProfileName": "mine", "modelSource": { "copyFrom": model } });
        assert_eq!(asked[1].json(), plain);
        let tagged = json!({
            "inferenceProfileName": "mine", "description": "ours", "tags": [{ "key": "team", "value": "x" }],
            "modelSource": { "copyFrom": "arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b" },
        });
        assert_eq!(asked[3].json(), tagged);
    }

    #[tokio::test]
    async fn what_cannot_be_looked_up_is_not_taken_for_a_model() {
        for (status, message) in [(403, "You may not."), (503, "The database cannot be reached.")] {
            let body: &'static str = format!(r#"{{"error":{{"message":"{message}"}}}}"#).leak();
            let (client, asked) = fake::server(&[(status, body)]);
            let error = source(&client, "us.a.b").await.unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(asked.join().unwrap().len(), 1);
        }
    }

    #[test]
    fn a_profile_is_shown_with_the_state_of_its_targets() {
        let target = |region: &str, readiness: &str, detail: Option<&str>| {
            json!({
                "region": region, "target": format!("pool:{region}"), "weight": 1,
                "state": { "readiness": readiness, "answers": format!("pool:{region}"), "detail": detail },
            })
        };
        let targets = [target("east", "down", Some("No member answers.")), target("west", "degraded", None)];
        let routing = json!({ "weighted": false, "targets": targets });
        let mut profile = json!({ "id": "abc", "type": "APPLICATION", "models": ["m1", "m2"], "routing": routing });
        assert_eq!(health(&profile), "1 of 2");
        let told = lines(&profile);
        assert!(told.contains("model      m1\nmodel      m2\nrouted to  the first of these that answers\n"), "{told}");
        assert!(told.contains("down      pool:east    No member answers."), "{told}");
        profile["inheritedRouting"] = profile["routing"].take();
        assert_eq!(
            (routed(&profile), health(&profile)),
            ("east=pool:east, then west=pool:west".to_owned(), "1 of 2".to_owned())
        );
        assert!(lines(&profile).contains("answers, as the profile is that it was copied from"), "{}", lines(&profile));
        profile["inheritedRouting"] = Value::Null;
        assert_eq!((routed(&profile), health(&profile)), ("-".to_owned(), "-".to_owned()));
        assert!(lines(&profile).ends_with("routed to  what answers for its model"), "{}", lines(&profile));
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
