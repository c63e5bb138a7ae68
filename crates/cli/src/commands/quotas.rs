//! `craton quotas`.

use anyhow::Result;
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::Format;
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;
use crate::quota_args::{Quotas, SetQuota};

pub(super) async fn run(client: &Client, command: Quotas, format: Format) -> Result<()> {
    match command {
        Quotas::List => list(client, format).await,
        Quotas::Set(asked) => set(client, asked, format).await,
        Quotas::Reset { account_id, model } => {
            client.craton(Method::DELETE, &path(&account_id, model.as_deref()), None).await?;
            if format == Format::Json {
                return output::json(&json!({ "accountId": account_id, "modelId": model }));
            }
            output::line(format!("{}: the quota is reset", named(&account_id, model.as_deref())))
        }
    }
}

async fn set(client: &Client, asked: SetQuota, format: Format) -> Result<()> {
    let SetQuota { account_id, model, requests, tokens, running, unlimited: _ } = asked;
    let body = json!({ "requestsPerMinute": requests, "tokensPerMinute": tokens, "running": running });
    let answer = client.craton(Method::PUT, &path(&account_id, model.as_deref()), Some(&body)).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    output::line(format!("{}: {}", named(&account_id, model.as_deref()), limits(&answer)))
}

fn path(account: &str, model: Option<&str>) -> String {
    let of_model = model.map_or_else(String::new, |model| format!("/{}", segment(model)));
    format!("/quotas/{}{of_model}", segment(account))
}

fn named(account: &str, model: Option<&str>) -> String {
    format!("{account}, {}", model.unwrap_or("each model without a quota of its own"))
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let answer = client.craton(Method::GET, "/quotas", None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    output::line(format!("default  {}", limits(&answer["default"])))?;
    let rows: Vec<[String; 6]> = items(&answer).iter().map(row).collect();
    if !rows.is_empty() {
        output::line("")?;
        output::line(output::table(["ACCOUNT", "MODEL", "REQUESTS/MIN", "TOKENS/MIN", "AT ONCE", "SET"], &rows))?;
    }
    let used: Vec<[String; 6]> = answer["used"].as_array().map_or(&[][..], Vec::as_slice).iter().map(used).collect();
    if used.is_empty() {
        return output::line("nothing is used of any quota");
    }
    output::line("")?;
    output::line(output::table(["USED BY", "MODEL", "REQUESTS LEFT", "TOKENS LEFT", "RUNNING", "QUOTA"], &used))
}

fn row(quota: &Value) -> [String; 6] {
    [
        text(quota, "accountId"),
        quota["modelId"].as_str().unwrap_or("each other").to_owned(),
        count(&quota["requestsPerMinute"]),
        count(&quota["tokensPerMinute"]),
        count(&quota["running"]),
        text(quota, "updatedAt"),
    ]
}

fn used(used: &Value) -> [String; 6] {
    let of = |left: &str, limit: &str| match used[limit].as_u64() {
        Some(limit) => format!("{} of {limit}", used[left]),
        None => "-".to_owned(),
    };
    let running = match used["running"].as_u64() {
        Some(limit) => format!("{} of {limit}", used["runningNow"]),
        None => used["runningNow"].to_string(),
    };
    [
        text(used, "accountId"),
        text(used, "modelId"),
        of("requestsLeft", "requestsPerMinute"),
        of("tokensLeft", "tokensPerMinute"),
        running,
        text(used, "source"),
    ]
}

fn count(value: &Value) -> String {
    value.as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string())
}

/// `60 requests a minute, 4 at once`.
fn limits(quota: &Value) -> String {
    let parts = [
        ("requestsPerMinute", "requests a minute"),
        ("tokensPerMinute", "tokens a minute"),
        ("running", "requests at the same time"),
    ];
    let told: Vec<String> =
        parts.iter().filter_map(|(name, what)| quota[*name].as_u64().map(|count| format!("{count} {what}"))).collect();
    if told.is_empty() { "no limit".to_owned() } else { told.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake;

    #[tokio::test]
    async fn a_quota_is_set_for_an_account_and_a_model() {
        let (client, asked) = fake::server(&[(200, r#"{"requestsPerMinute": 60}"#)]);
        let command = Quotas::Set(SetQuota {
            account_id: "111122223333".to_owned(),
            model: Some("a.b-v1:0".to_owned()),
            requests: Some(60),
            tokens: None,
            running: Some(4),
            unlimited: false,
        });
        run(&client, command, Format::Text).await.unwrap();
        let asked = asked.join().unwrap();
        assert!(asked[0].line.starts_with("PUT /craton/v1/quotas/111122223333/a%2Eb%2Dv1%3A0 HTTP"), "{asked:?}");
        let body: Value = serde_json::from_str(&asked[0].body).unwrap();
        assert_eq!(body, json!({ "requestsPerMinute": 60, "tokensPerMinute": null, "running": 4 }));
    }

    #[test]
    fn limits_are_told_in_words() {
        assert_eq!(
            limits(&json!({"requestsPerMinute": 60, "running": 4})),
            "60 requests a minute, 4 requests at the same time"
        );
        assert_eq!(limits(&json!({"tokensPerMinute": null})), "no limit");
    }
}
