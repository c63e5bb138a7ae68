//! What the model hub tells: predictions, templates, terms, and searches of the catalogue.

use anyhow::Result;
use http::Method;
use serde_json::Value;

use super::segment;
use crate::args::Format;
use crate::catalogue_args::{Fit, ListModels};
use crate::client::Client;
use crate::fields::text;
use crate::output;

/// `craton models fit`.
pub(super) async fn fit(client: &Client, asked: &Fit, format: Format) -> Result<()> {
    let number = |number: Option<u32>| number.map(|number| number.to_string());
    let pairs = [
        ("context", number(asked.context)),
        ("slots", number(asked.slots)),
        ("cacheType", asked.cache_type.clone()),
        ("measure", asked.measure.then(|| "true".to_owned())),
    ];
    let path = format!("/models/{}/fit{}", segment(&asked.name), query(&pairs));
    let fit = client.craton(Method::GET, &path, None).await?;
    if format == Format::Json {
        return output::json(&fit);
    }
    for (title, value) in fit_lines(&fit) {
        output::line(format!("{title:<12} {value}"))?;
    }
    Ok(())
}

fn fit_lines(fit: &Value) -> Vec<(&'static str, String)> {
    let bytes = |name: &str| fit[name].as_u64().map_or_else(|| "-".to_owned(), output::bytes);
    let told = if fit["fromFiles"] == true { "" } else { " (by the catalogue's figures: it is not pulled)" };
    let parts =
        format!("{} weights, {} cache, {} working", bytes("weightsBytes"), bytes("cacheBytes"), bytes("workingBytes"));
    let fits = match fit["fits"].as_bool() {
        Some(true) => format!("yes, of {} that models may take now", bytes("availableBytes")),
        _ => format!(
            "no: {} are missing, of {} that models may take now",
            bytes("missingBytes"),
            bytes("availableBytes")
        ),
    };
    let mut lines = vec![
        ("model", format!("{}{told}", text(fit, "name"))),
        (
            "asked for",
            format!("{} sequences of {} tokens, cache {}", fit["slots"], fit["context"], text(fit, "cacheType")),
        ),
        ("memory", format!("{} ({parts})", bytes("memoryBytes"))),
        ("fits", fits),
    ];
    let depths = [("reading", "prefillTokensPerSecond"), ("writing", "decodeTokensPerSecond")];
    lines.extend(depths.iter().filter_map(|(title, name)| speed(&fit[*name]).map(|speed| (*title, speed))));
    lines.extend(measured_lines(&fit["measured"]));
    lines
}

fn measured_lines(measured: &Value) -> Vec<(&'static str, String)> {
    let error =
        |name: &str| measured["errors"][name].as_f64().map(|error| format!("; predicted {:+.0} %", error * 100.0));
    let with_error = |value: String, name: &str| format!("measured {value}{}", error(name).unwrap_or_default());
    let memory =
        measured["memoryBytes"].as_u64().map(|bytes| ("at loading", with_error(output::bytes(bytes), "memory")));
    let reading = speed(&measured["prefillTokensPerSecond"]).map(|speed| ("reading", with_error(speed, "prefill")));
    let writing = speed(&measured["decodeTokensPerSecond"]).map(|speed| ("writing", with_error(speed, "decode")));
    memory.into_iter().chain(reading).chain(writing).collect()
}

fn speed(value: &Value) -> Option<String> {
    value.as_f64().map(|speed| format!("{speed:.1} tokens/s"))
}

/// `craton models verify-template`.
pub(super) async fn verify_template(client: &Client, name: &str, format: Format) -> Result<()> {
    let report = client.craton(Method::POST, &format!("/models/{}/verify-template", segment(name)), None).await?;
    match format {
        Format::Json => output::json(&report),
        _ => output::line(template(&report)),
    }
}

/// A verdict in a line; empty where no one looked.
pub(super) fn template(report: &Value) -> String {
    let Some(verdict) = report["verdict"].as_str() else { return String::new() };
    let family = report["family"].as_str().map(|family| format!(" ({family})")).unwrap_or_default();
    let allowed = report["allowedBy"].as_str().map(|who| format!(" Allowed by {who}.")).unwrap_or_default();
    format!("{verdict}{family}: {}{allowed}", text(report, "detail"))
}

/// `craton models accept-terms`.
pub(super) async fn accept_terms(client: &Client, name: &str, format: Format) -> Result<()> {
    let accepted = client.craton(Method::POST, &format!("/models/{}/accept-terms", segment(name)), None).await?;
    match format {
        Format::Json => output::json(&accepted),
        _ => {
            let (licence, url) = (text(&accepted, "licence"), text(&accepted, "url"));
            let (who, when) = (text(&accepted, "acceptedBy"), text(&accepted, "acceptedAt"));
            output::line(format!("the terms of {name} ({licence}, {url}) are accepted by {who} since {when}"))
        }
    }
}

/// The published figures of a card, a line each.
pub(super) fn quality(card: &Value) -> Vec<(&'static str, String)> {
    let figures = card["quality"].as_array().map_or(&[][..], Vec::as_slice);
    let line = |figure: &Value| {
        let (benchmark, setting) = (text(figure, "benchmark"), text(figure, "setting"));
        ("quality", format!("{benchmark} {} ({setting}; {})", figure["value"], text(figure, "source")))
    };
    figures.iter().map(line).collect()
}

/// The query of a search.
pub(super) fn search(asked: &ListModels) -> String {
    let words = (!asked.search.is_empty()).then(|| asked.search.join(" "));
    query(&[
        ("search", words),
        ("task", asked.task.clone()),
        ("language", asked.language.clone()),
        ("provider", asked.provider.clone()),
        ("licence", asked.licence.clone()),
        ("fits", asked.fits.then(|| "true".to_owned())),
        ("state", asked.state.clone()),
    ])
}

/// The pairs that have a value, as a query string.
fn query(pairs: &[(&str, Option<String>)]) -> String {
    let given =
        pairs.iter().filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}={}", segment(value))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { String::new() } else { format!("?{}", given.join("&")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_query_has_what_is_given() {
        assert_eq!(query(&[("a", None), ("b", None)]), "");
        assert_eq!(query(&[("a", Some("x y".into())), ("b", None), ("c", Some("1".into()))]), "?a=x%20y&c=1");
    }

    #[test]
    fn a_fit_tells_what_is_missing_and_how_far_it_was_off() {
        let fit = json!({
            "name": "m", "fromFiles": false, "context": 4096, "slots": 2, "cacheType": "f16", "memoryBytes": 3000000000_u64,
            "fits": false, "missingBytes": 1000000000, "availableBytes": 2000000000, "decodeTokensPerSecond": 12.34,
            "measured": {"decodeTokensPerSecond": 10.0, "errors": {"decode": 0.234}},
        });
        let lines = fit_lines(&fit);
        let of = |title: &str| {
            lines.iter().filter(|(one, _)| *one == title).map(|(_, text)| text.clone()).collect::<Vec<_>>()
        };
        assert!(of("fits")[0].starts_with("no: "), "{lines:?}");
        assert_eq!(of("writing"), ["12.3 tokens/s", "measured 10.0 tokens/s; predicted +23 %"]);
        assert!(of("model")[0].contains("not pulled"));
    }

    #[test]
    fn a_template_is_told_in_a_line() {
        let report = json!({"verdict": "differs", "family": "gemma", "detail": "Here.", "allowedBy": null});
        assert_eq!(template(&report), "differs (gemma): Here.");
        assert_eq!(template(&Value::Null), "");
    }
}
