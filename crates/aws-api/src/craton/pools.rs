//! Pools: several OpenAI-compatible servers as one model.

use base::{Result, Secret};
use http::StatusCode;
use models::{MemberKey, NewMember, NewPool, Pool, PoolMember};
use serde_json::{Value, json};

use super::aliases::may_connect;
use super::no_content;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

/// The pools of the caller's region, and what their members are doing.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let pools = call.api.models().pools(&call.ctx).await?;
    Ok(respond(StatusCode::OK, &json!({"items": pools.iter().map(describe).collect::<Vec<Value>>()})))
}

/// One.
pub(super) async fn get(call: Call<Labels>) -> Answer {
    let pool = call.api.models().pool(&call.ctx, call.label(0)).await?;
    Ok(respond(StatusCode::OK, &describe(&pool)))
}

/// Sets one.
pub(super) async fn put(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let pool = decode(&Fields::root(&body, Wording::OpenAi)?)?;
    may_connect(&call).await?;
    let pool = call.api.models().put_pool(&call.ctx, call.label(0), pool).await?;
    Ok(respond(StatusCode::OK, &describe(&pool)))
}

/// Removes one.
pub(super) async fn delete(call: Call<Labels>) -> Answer {
    may_connect(&call).await?;
    call.api.models().delete_pool(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

fn decode(root: &Fields<'_>) -> Result<NewPool> {
    root.only(&["members", "maxQueue"])?;
    let members = root.required("members")?.list()?;
    let members = members.iter().map(|member| decode_member(&member.fields()?)).collect::<Result<_>>()?;
    Ok(NewPool { members, max_queue: root.count("maxQueue", 0, u32::MAX)? })
}

fn decode_member(member: &Fields<'_>) -> Result<NewMember> {
    member.only(&["baseUrl", "model", "apiKey", "weight", "maxInFlight", "region"])?;
    let api_key = match member.text("apiKey")? {
        None => MemberKey::Kept,
        Some("") => MemberKey::Absent,
        Some(key) => MemberKey::Given(Secret::new(key.to_owned())),
    };
    Ok(NewMember {
        base_url: member.required("baseUrl")?.text()?.to_owned(),
        model: member.required("model")?.text()?.to_owned(),
        api_key,
        weight: member.count("weight", 0, u32::MAX)?,
        max_in_flight: member.count("maxInFlight", 0, u32::MAX)?,
        region: member.text("region")?.map(str::to_owned),
    })
}

/// What requests of all accounts came to is told to the account alone that set the pool.
fn describe(pool: &Pool) -> Value {
    json!({
        "name": pool.name,
        "managed": pool.managed,
        "maxQueue": pool.max_queue,
        "queued": pool.managed.then_some(pool.queued),
        "members": pool.members.iter().map(|member| describe_member(member, pool.managed)).collect::<Vec<Value>>(),
        "updatedAt": pool.updated_at.to_iso8601(),
    })
}

/// A member's key is never told, only that there is one.
fn describe_member(member: &PoolMember, managed: bool) -> Value {
    let status = &member.status;
    json!({
        "baseUrl": member.base_url,
        "model": member.model,
        "hasApiKey": member.has_api_key,
        "weight": member.weight,
        "maxInFlight": member.max_in_flight,
        "region": member.region,
        "healthy": status.healthy,
        "circuit": status.circuit.as_str(),
        "inFlight": managed.then_some(status.in_flight),
        "requests": managed.then_some(status.requests),
        "failures": managed.then_some(status.failures),
        "firstTokenMillis": status.first_token_millis,
        "lastError": status.last_error,
    })
}
