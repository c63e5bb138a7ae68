//! Inference profiles, and where their requests are sent.

use base::{PageRequest, Result};
use http::StatusCode;
use models::{InferenceProfile, ProfileKind, RouteTarget, Routing};
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
    let items: Vec<Value> = profiles.items.iter().map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": profiles.next_token()})))
}

/// One.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let profile = call.api.models().inference_profile(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&profile)))
}

/// Sets where the requests of one are sent.
pub(super) async fn route(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let routing = decode(&Fields::root(&body, Wording::OpenAi)?)?;
    let profile = call.api.models().route_profile(&call.ctx, call.label(0), routing).await?;
    Ok(respond(StatusCode::OK, &describe(&profile)))
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

fn describe(profile: &InferenceProfile) -> Value {
    let target =
        |target: &RouteTarget| json!({"region": target.region, "target": target.target, "weight": target.weight});
    let routing = profile.routing.as_ref().map(|routing| {
        json!({"weighted": routing.weighted, "targets": routing.targets.iter().map(target).collect::<Vec<Value>>()})
    });
    json!({
        "id": profile.id,
        "arn": profile.arn,
        "name": profile.name,
        "type": if profile.kind == ProfileKind::System { "SYSTEM_DEFINED" } else { "APPLICATION" },
        "models": profile.models,
        "routing": routing,
    })
}
