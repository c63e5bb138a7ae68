//! Inference profiles, where their requests are sent, and whether anybody answers there.

use std::collections::{BTreeMap, BTreeSet};

use base::{PageRequest, Result};
use http::StatusCode;
use models::{InferenceProfile, ProfileKind, Readiness, RouteTarget, Routing, TargetState};
use serde_json::{Value, json};

use super::no_content;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// What is listed at once.
const PAGE: u32 = 1000;

/// The profiles of the caller's account, then AWS's.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let page = PageRequest::from_token(PAGE, call.query("nextToken").as_deref())?;
    let profiles = call.api.models().inference_profiles(&call.ctx, None, &page).await?;
    let states = states(&call, &profiles.items).await;
    let items: Vec<Value> = profiles.items.iter().map(|profile| describe(profile, &states)).collect();
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": profiles.next_token()})))
}

/// One.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let profile = call.api.models().inference_profile(&call.ctx, call.label(0)).await?;
    described(&call, profile).await
}

/// Sets where the requests of one are sent.
pub(super) async fn route(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let routing = decode(&Fields::root(&body, Wording::OpenAi)?)?;
    let profile = call.api.models().route_profile(&call.ctx, call.label(0), routing).await?;
    described(&call, profile).await
}

/// Takes that back.
pub(super) async fn unroute(call: Call<Labels>) -> Answer {
    call.api.models().unroute_profile(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

fn decode(root: &Fields<'_>) -> Result<Routing> {
    root.only(&["weighted", "targets"])?;
    let targets = root.required("targets")?.list()?;
    let target = |target: &Fields<'_>| {
        target.only(&["region", "target", "weight"])?;
        Ok(RouteTarget {
            region: target.required("region")?.text()?.to_owned(),
            target: target.required("target")?.text()?.to_owned(),
            weight: target.count("weight", 0, u32::MAX)?.unwrap_or(1),
        })
    };
    let targets = targets.iter().map(|node| target(&node.fields()?)).collect::<Result<_>>()?;
    Ok(Routing { weighted: root.boolean("weighted")?.unwrap_or(false), targets })
}

/// How targets are, by their texts.
type States = BTreeMap<String, TargetState>;

/// How the targets of these profiles are: each is looked at once, however many profiles have it. Of one whose state cannot be
/// told, that is its state: the profiles are as they are, and what was set is set.
async fn states(call: &Call<Labels>, profiles: &[InferenceProfile]) -> States {
    let routings = profiles.iter().filter_map(|profile| profile.routing.as_ref().or(profile.inherited.as_ref()));
    let targets: BTreeSet<&str> =
        routings.flat_map(|routing| &routing.targets).map(|target| target.target.as_str()).collect();
    let mut states = States::new();
    for target in targets {
        let state = call.api.models().target_state(&call.ctx, target).await.unwrap_or_else(|error| {
            tracing::warn!(asked = target, ?error, "the state of a target cannot be told");
            let detail = Some("Its state cannot be told now.".to_owned());
            TargetState { readiness: Readiness::Unknown, answers: None, detail }
        });
        states.insert(target.to_owned(), state);
    }
    states
}

async fn described(call: &Call<Labels>, profile: InferenceProfile) -> Answer {
    let states = states(call, std::slice::from_ref(&profile)).await;
    Ok(respond(StatusCode::OK, &describe(&profile, &states)))
}

fn describe(profile: &InferenceProfile, states: &States) -> Value {
    let tags: Vec<Value> = profile.tags.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    json!({
        "id": profile.id,
        "arn": profile.arn,
        "name": profile.name,
        "description": profile.description,
        "type": if profile.kind == ProfileKind::System { "SYSTEM_DEFINED" } else { "APPLICATION" },
        "models": profile.models,
        "copiedFrom": profile.copied_from,
        "tags": tags,
        "createdAt": profile.created.map(base::Timestamp::to_iso8601),
        "updatedAt": profile.updated.map(base::Timestamp::to_iso8601),
        "routing": profile.routing.as_ref().map(|routing| describe_routing(routing, states)),
        "inheritedRouting": profile.inherited.as_ref().map(|routing| describe_routing(routing, states)),
    })
}

fn describe_routing(routing: &Routing, states: &States) -> Value {
    let target = |target: &RouteTarget| {
        let state = states.get(&target.target).map(
            |state| json!({"readiness": state.readiness.as_str(), "answers": state.answers, "detail": state.detail}),
        );
        json!({"region": target.region, "target": target.target, "weight": target.weight, "state": state})
    };
    json!({"weighted": routing.weighted, "targets": routing.targets.iter().map(target).collect::<Vec<Value>>()})
}
