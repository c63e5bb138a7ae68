//! `craton keys`: bearer keys for Bedrock and the OpenAI API.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Format, Keys, Surface};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Keys, format: Format) -> Result<()> {
    match command {
        Keys::List => list(client, format).await,
        Keys::Create { name, surface, expires_in } => {
            let surface = match surface {
                Surface::Bedrock => "bedrock",
                Surface::Openai => "openai",
                Surface::Both => "both",
            };
            let mut body = json!({ "name": name, "surface": surface });
            if let Some(days) = expires_in {
                body["expiresInDays"] = days.into();
            }
            let answer = client.craton(Method::POST, "/api-keys", Some(&body)).await?;
            if format == Format::Json {
                return output::json(&answer);
            }
            output::line(answer["key"].as_str().unwrap_or_default())?;
            output::note("The key is shown only now.");
            Ok(())
        }
        Keys::Delete { id } => {
            client.craton(Method::DELETE, &format!("/api-keys/{}", segment(&id)), None).await?;
            if format == Format::Json {
                output::json(&json!({ "deleted": id }))
            } else {
                output::line(format!("deleted {id}"))
            }
        }
    }
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let keys = client.listing("/api-keys").await?;
    if format == Format::Json {
        return output::json(&keys);
    }
    let row = |key: &Value| ["id", "name", "surface", "createdAt", "expiresAt"].map(|name| text(key, name));
    let rows: Vec<[String; 5]> = items(&keys).iter().map(row).collect();
    output::line(output::table(["ID", "NAME", "SURFACE", "CREATED", "EXPIRES"], &rows))
}
