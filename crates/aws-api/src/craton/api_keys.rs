//! Bearer keys for the Bedrock and OpenAI APIs.

use base::{PageRequest, Timestamp};
use http::StatusCode;
use identity::{ApiKey, Surface};
use serde_json::{Value, json};

use super::no_content;
use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

const PAGE: u32 = 1000;
const SECONDS_OF_DAY: i64 = 86_400;
/// The longest life of a key that can be asked for: 100 years.
const LONGEST_DAYS: i64 = 36_500;

/// The account's keys, without their text.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let request = PageRequest::from_token(PAGE, call.query("nextToken").as_deref())?;
    let page = call.api.identity().list_api_keys(&call.ctx, &request).await?;
    let next = page.next_token();
    let items: Vec<Value> = page.items.iter().map(describe).collect();
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": next})))
}

/// Makes a key. Its text is in this answer and nowhere else.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = call.json()?;
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["name", "surface", "expiresInDays"])?;
    let name = root.required("name")?.text()?;
    let surface: Surface = root.text("surface")?.unwrap_or("both").parse()?;
    let lifetime = root.integer("expiresInDays", 1, LONGEST_DAYS)?.map(|days| days * SECONDS_OF_DAY);
    let made = call.api.identity().create_api_key(&call.ctx, name, surface, lifetime).await?;
    let mut answer = describe(&made.key);
    answer["key"] = json!(made.secret.reveal());
    Ok(respond(StatusCode::CREATED, &answer))
}

/// Revokes a key.
pub(super) async fn delete(call: Call<Labels>) -> Answer {
    call.api.identity().delete_api_key(&call.ctx, call.label(0)).await?;
    Ok(no_content())
}

fn describe(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "name": key.name,
        "surface": key.surface.as_str(),
        "userName": key.user_name,
        "createdAt": key.created.to_iso8601(),
        "expiresAt": key.expires.map(Timestamp::to_iso8601),
        "lastUsedAt": key.last_used.map(Timestamp::to_iso8601),
    })
}
