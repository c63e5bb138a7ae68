//! The deployment's accounts. Only administrators of its first account see or make them.

use base::{AccountId, PageRequest};
use http::StatusCode;
use serde_json::{Value, json};

use crate::call::{Answer, Call, Labels, json as respond};
use crate::json_fields::{Fields, Wording};

const PAGE: u32 = 1000;

/// The accounts, by id.
pub(super) async fn list(call: Call<Labels>) -> Answer {
    let request = PageRequest::from_token(PAGE, call.query("nextToken").as_deref())?;
    let page = call.api.identity().list_accounts(&call.ctx, &request).await?;
    let next = page.next_token();
    let items: Vec<Value> = page
        .items
        .iter()
        .map(|account| {
            json!({
                "accountId": account.id.as_str(),
                "management": account.management,
                "createdAt": account.created.to_iso8601(),
            })
        })
        .collect();
    Ok(respond(StatusCode::OK, &json!({"items": items, "nextToken": next})))
}

/// Makes an account and its administrator.
pub(super) async fn create(call: Call<Labels>) -> Answer {
    let body = if call.body.is_empty() { json!({}) } else { call.json()? };
    let root = Fields::root(&body, Wording::OpenAi)?;
    root.only(&["accountId"])?;
    let id = root.text("accountId")?.map(str::parse::<AccountId>).transpose()?;
    let made = call.api.identity().create_account(&call.ctx, id).await?;
    Ok(respond(
        StatusCode::CREATED,
        &json!({
            "accountId": made.account.as_str(),
            "accessKeyId": made.access_key_id,
            "secretAccessKey": made.secret.reveal(),
        }),
    ))
}
