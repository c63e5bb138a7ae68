//! `craton requests`.

use anyhow::Result;
use http::Method;
use serde_json::Value;

use crate::args::Format;
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;
use crate::quota_args::Requests;

pub(super) async fn run(client: &Client, args: &Requests, format: Format) -> Result<()> {
    let answer = client.craton(Method::GET, &format!("/requests?limit={}", args.limit), None).await?;
    if format == Format::Json {
        return output::json(&answer);
    }
    let rows: Vec<[String; 11]> = items(&answer).iter().map(row).collect();
    if rows.is_empty() {
        return output::line("no request of this account since the server started");
    }
    let titles = [
        "TIME",
        "OPERATION",
        "STATUS",
        "TOOK",
        "MODEL",
        "TOKENS IN",
        "CACHED",
        "OUT",
        "WAITED",
        "FIRST TOKEN",
        "ENDED",
    ];
    output::line(output::table(titles, &rows))
}

fn row(request: &Value) -> [String; 11] {
    let count = |name: &str| request[name].as_u64().map_or_else(|| "-".to_owned(), |count| count.to_string());
    let millis = |name: &str| request[name].as_u64().map_or_else(|| "-".to_owned(), |count| format!("{count} ms"));
    let status = match request["errorCode"].as_str() {
        Some(code) => format!("{} {code}", request["status"]),
        None => request["status"].to_string(),
    };
    let model = match request["replica"].as_u64() {
        Some(replica) => format!("{} ({replica})", text(request, "servedBy")),
        None => text(request, "servedBy"),
    };
    [
        text(request, "time"),
        text(request, "operation"),
        status,
        millis("durationMs"),
        model,
        count("promptTokens"),
        count("cachedTokens"),
        count("outputTokens"),
        millis("queuedMs"),
        millis("firstTokenMs"),
        text(request, "stopReason"),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let answered = json!({
            "time": "T", "operation": "Converse", "status": 200, "durationMs": 90, "servedBy": "m", "replica": 1,
            "promptTokens": 40, "cachedTokens": 32, "outputTokens": 5, "queuedMs": 0, "firstTokenMs": 12, "stopReason": "loop",
        });
        let told = ["T", "Converse", "200", "90 ms", "m (1)", "40", "32", "5", "0 ms", "12 ms", "loop"];
        assert_eq!(row(&answered), told);
        let other =
            json!({"time": "T", "operation": "ListUsers", "status": 403, "errorCode": "AccessDenied", "durationMs": 1});
        assert_eq!(row(&other), ["T", "ListUsers", "403 AccessDenied", "1 ms", "-", "-", "-", "-", "-", "-", "-"]);
    }
}
