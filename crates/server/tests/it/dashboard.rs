//! The dashboard that is shipped, against the metrics that are there.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;

use crate::harness::{CLAUDE, Home, Key};

const DASHBOARD: &str = include_str!("../../../../deploy/grafana/craton.json");

/// Everything that is asked of Prometheus.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if matches!(name.as_str(), "expr" | "query" | "definition") => {
                        found.push(text.to_owned())
                    }
                    _ => queries(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| queries(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_series_of_the_dashboard_is_one_of_the_metrics() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut asked = Vec::new();
    queries(&dashboard, &mut asked);
    let name = Regex::new(r"\b(?:craton|process)_[a-z_]+").unwrap();
    let series: BTreeSet<&str> =
        asked.iter().flat_map(|query| name.find_iter(query)).map(|found| found.as_str()).collect();
    assert!(series.len() > 20, "{series:?}");

    let home = Home::new();
    let server = home.start().await;
    for _ in 0..2 {
        server.converse(&Key::admin(), CLAUDE, "Tell me something.").await.ok();
    }
    let missing = [("Action", "GetUser"), ("UserName", "nobody")];
    assert_eq!(server.iam(&Key::admin(), &missing).await.status, 404);
    home.craton(&["deploy", "smollm2-135m-instruct", "--name", "shop", "--wait"]).ok();
    home.craton(&["endpoints", "chat", "shop", "Hello!"]).ok();

    let reply = server.get("/metrics").await.ok();
    let text = reply.text();
    let is_there =
        |name: &str| text.lines().any(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
    let absent: Vec<&&str> = series.iter().filter(|name| !is_there(name)).collect();
    assert!(absent.is_empty(), "{absent:?} are not in\n{text}");
}

#[test]
fn panels_of_the_dashboard_have_names_and_places_of_their_own() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    let places: BTreeSet<(u64, u64)> =
        panels.iter().map(|p| (p["gridPos"]["x"].as_u64().unwrap(), p["gridPos"]["y"].as_u64().unwrap())).collect();
    assert_eq!((ids.len(), places.len()), (panels.len(), panels.len()));
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        assert!(panel["targets"].as_array().is_some_and(|targets| !targets.is_empty()), "{}", panel["title"]);
    }
}
