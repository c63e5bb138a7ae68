//! `craton iam`: why a request was denied, who may do something, and whether a policy document is one.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum as _;
use http::Method;
use serde_json::{Value, json};

use super::segment;
use crate::args::{Format, Iam, PolicyType};
use crate::client::Client;
use crate::fields::{items, text};
use crate::output;

pub(super) async fn run(client: &Client, command: Iam, format: Format) -> Result<()> {
    let (path, render): (String, fn(&Value) -> String) = match command {
        Iam::Explain { request: None } => {
            let request = latest_denied(client).await?;
            (format!("/requests/{}/explanation", segment(&request)), explanation)
        }
        Iam::Explain { request: Some(request) } => {
            (format!("/requests/{}/explanation", segment(&request)), explanation)
        }
        Iam::WhoCan { action, resource } => {
            (format!("/who-can?action={}&resource={}", segment(&action), segment(&resource)), who_can)
        }
        Iam::CheckPolicy { file, policy_type } => return check_policy(client, &file, policy_type, format).await,
    };
    let answer = client.craton(Method::GET, &path, None).await?;
    if format == Format::Json { output::json(&answer) } else { output::line(render(&answer)) }
}

/// The id of the latest request that was denied to a principal of the account.
async fn latest_denied(client: &Client) -> Result<String> {
    let recent = client.craton(Method::GET, "/requests?limit=1000", None).await?;
    let is_denied = |request: &&Value| {
        request["status"] == 403 || request["errorCode"].as_str().is_some_and(|code| code.starts_with("AccessDenied"))
    };
    match items(&recent).iter().find(is_denied) {
        Some(request) => Ok(text(request, "requestId")),
        None => bail!(
            "none of the latest requests of this account was denied\nhint: --account names the account of the caller who \
             was; older denials are in `aws cloudtrail lookup-events`"
        ),
    }
}

/// Prints what is to be said of a document; fails where it would be refused.
async fn check_policy(client: &Client, file: &Path, policy_type: PolicyType, format: Format) -> Result<()> {
    let (name, document) = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read standard input")?;
        ("standard input".to_owned(), text)
    } else {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read `{name}`"))?;
        (name, text)
    };
    let known = policy_type.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    let body = json!({"type": known, "policyDocument": document});
    let answer = client.craton(Method::POST, "/policies/validate", Some(&body)).await?;
    if format == Format::Json {
        output::json(&answer)?;
    } else {
        output::line(checked(&answer, &name))?;
    }
    if answer["valid"] != true {
        bail!("`{name}` would be refused");
    }
    Ok(())
}

/// The findings as compilers print them.
fn checked(answer: &Value, name: &str) -> String {
    let mut out = String::new();
    for finding in answer["findings"].as_array().into_iter().flatten() {
        let place = match (finding["line"].as_u64(), finding["column"].as_u64()) {
            (Some(line), Some(column)) => format!("{name}:{line}:{column}"),
            _ => name.to_owned(),
        };
        let code = finding["code"].as_str().map_or_else(String::new, |code| format!("{code}: "));
        let _ = writeln!(out, "{place}: {}: {code}{}", text(finding, "severity"), text(finding, "message"));
        if let Some(hint) = finding["hint"].as_str() {
            let _ = writeln!(out, "  hint: {hint}");
        }
    }
    if out.is_empty() {
        let _ = writeln!(out, "{name}: nothing is wrong");
    }
    out.truncate(out.trim_end().len());
    out
}

/// An explanation for people.
fn explanation(answer: &Value) -> String {
    let mut out = String::new();
    for (title, name) in [
        ("request", "requestId"),
        ("time", "time"),
        ("principal", "principal"),
        ("action", "action"),
        ("resource", "resource"),
        ("from", "sourceIp"),
        ("decision", "decision"),
    ] {
        let _ = writeln!(out, "{title:<10} {}", text(answer, name));
    }
    if let Some(message) = answer["message"].as_str() {
        let _ = writeln!(out, "\n{message}");
    }
    if let Some(reason) = answer.pointer("/deniedBy/text").and_then(Value::as_str) {
        let _ = writeln!(out, "\nWhy: {reason}");
    }
    policies(&mut out, answer);
    section(&mut out, "What is wrong", &texts(&answer["findings"], "text"));
    changes(&mut out, answer);
    let advice: Vec<&str> = answer["advice"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    section(&mut out, "What the caller can do", &advice.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    let others = answer["otherSides"].as_array().into_iter().flatten();
    let others: Vec<String> = others.map(other_side).collect();
    section(&mut out, "What another account must change", &others);
    out.truncate(out.trim_end().len());
    out
}

fn section(out: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{title}:");
        lines.iter().for_each(|line| {
            let _ = writeln!(out, "  {line}");
        });
    }
}

fn texts(list: &Value, name: &str) -> Vec<String> {
    list.as_array().into_iter().flatten().map(|item| text(item, name)).collect()
}

fn policies(out: &mut String, answer: &Value) {
    let mut lines = Vec::new();
    for policy in answer["policies"].as_array().into_iter().flatten() {
        let says = match policy["verdict"].as_str() {
            Some("Allow") => "allows",
            Some("Deny") => "denies",
            _ => "says nothing",
        };
        let name = policy["policy"].as_str().unwrap_or("not shown");
        lines.push(format!("{} ({name}): {says}", text(policy, "policyType")));
        for statement in policy["statements"].as_array().into_iter().flatten() {
            let index = statement["index"].as_u64().unwrap_or_default() + 1;
            let sid = statement["sid"].as_str().map_or_else(String::new, |sid| format!(" `{sid}`"));
            let mark = if statement["matched"] == true { '*' } else { ' ' };
            lines.push(format!("  {mark} {index}{sid} {}: {}", text(statement, "effect"), text(statement, "why")));
        }
    }
    section(out, "Policies", &lines);
}

fn changes(out: &mut String, answer: &Value) {
    let changes = answer["changes"].as_array().map_or(&[][..], Vec::as_slice);
    if answer["allowedNow"] == true && answer["decision"] == "denied" {
        section(out, "Since then", &["The policies of now allow it.".to_owned()]);
    }
    if changes.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for change in changes {
        lines.push(format!("{} ({}): {}", text(change, "policyType"), text(change, "policy"), text(change, "summary")));
        if change["statement"].is_object()
            && let Ok(pretty) = serde_json::to_string_pretty(&change["statement"])
        {
            lines.extend(pretty.lines().map(|line| format!("  {line}")));
        }
        let commands = change["commands"].as_array().into_iter().flatten().filter_map(Value::as_str);
        lines.extend(commands.map(|command| format!("  $ {command}")));
    }
    section(out, "The smallest change that allows it", &lines);
    let proven = if answer["proven"] == true {
        "It was decided again with all changes, and allowed."
    } else {
        "No change was found that allows it for sure."
    };
    let _ = writeln!(out, "  {proven}");
    let more = &answer["alsoAllows"];
    match more["count"].as_u64().unwrap_or_default() {
        0 => {
            let _ = writeln!(out, "  Nothing else was found that it allows.");
        }
        count => {
            let _ = writeln!(out, "  It also allows {count} of the things that were tried:");
            for one in items(more).iter().take(10) {
                let _ =
                    writeln!(out, "    {} {} {}", text(one, "principal"), text(one, "action"), text(one, "resource"));
            }
        }
    }
}

fn other_side(side: &Value) -> String {
    let account = side["accountId"].as_str().map_or_else(String::new, |account| match side["side"].as_str() {
        Some("organization") => format!(" of the management account {account}"),
        _ => format!(" {account}"),
    });
    let token = side["token"].as_str();
    let token =
        token.map_or_else(String::new, |token| format!("; its administrators run `craton iam explain {token}`"));
    format!("{}{account}{token}", text(side, "text"))
}

/// Everyone who may, for people.
fn who_can(answer: &Value) -> String {
    let mut out = String::new();
    if answer["resourceFound"] == false {
        let _ = writeln!(out, "The resource has no policy that is known here.");
    }
    if items(answer).is_empty() {
        out.push_str("nobody");
        return out;
    }
    for who in items(answer) {
        let _ = writeln!(out, "{} ({})", text(who, "principal"), text(who, "kind"));
        for through in who["through"].as_array().into_iter().flatten() {
            let mut line = format!("  through {}", text(through, "policyType"));
            if let Some(policy) = through["policy"].as_str() {
                let _ = write!(line, " {policy}");
            }
            if let Some(index) = through["statementIndex"].as_u64() {
                let sid = through["sid"].as_str().map_or_else(String::new, |sid| format!(" `{sid}`"));
                let _ = write!(line, " statement {}{sid}", index + 1);
            }
            let _ = writeln!(out, "{line}");
            for condition in through["if"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let _ = writeln!(out, "    if {condition}");
            }
        }
        for condition in who["unless"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let _ = writeln!(out, "  unless {condition}");
        }
    }
    out.truncate(out.trim_end().len());
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_explanation_reads_from_the_request_to_the_command() {
        let answer = json!({
            "requestId": "r-1", "time": "2026-11-25T22:00:00Z", "principal": "arn:aws:iam::111122223333:user/alice",
            "action": "s3:GetObject", "resource": "arn:aws:s3:::models/m", "sourceIp": "127.0.0.1",
            "decision": "denied", "message": "User: alice is not authorized", "allowedNow": false,
            "deniedBy": {"text": "No identity-based policy allows it."},
            "policies": [{"policyType": "identity-based policy", "policy": "user/alice/own", "verdict": null,
                "statements": [{"index": 0, "sid": "Read", "effect": "Allow", "matched": false,
                    "why": "It is about other resources."}]}],
            "findings": [{"mistake": "missing-object-wildcard", "text": "The `/*` is missing."}],
            "changes": [{"policyType": "identity-based policy", "policy": "user/alice/own", "summary": "add `/*`",
                "statement": {"Effect": "Allow"}, "commands": ["aws iam put-user-policy"]}],
            "proven": true, "advice": [],
            "alsoAllows": {"count": 1, "items": [{"principal": "p", "action": "a", "resource": "r"}]},
            "otherSides": [{"text": "denied by the resource's account", "accountId": "777788889999", "token": "explain-x"}],
        });
        let expected = "\
request    r-1
time       2026-11-25T22:00:00Z
principal  arn:aws:iam::111122223333:user/alice
action     s3:GetObject
resource   arn:aws:s3:::models/m
from       127.0.0.1
decision   denied

User: alice is not authorized

Why: No identity-based policy allows it.

Policies:
  identity-based policy (user/alice/own): says nothing
      1 `Read` Allow: It is about other resources.

What is wrong:
  The `/*` is missing.

The smallest change that allows it:
  identity-based policy (user/alice/own): add `/*`
    {
      \"Effect\": \"Allow\"
    }
    $ aws iam put-user-policy
  It was decided again with all changes, and allowed.
  It also allows 1 of the things that were tried:
    p a r

What another account must change:
  denied by the resource's account 777788889999; its administrators run `craton iam explain explain-x`";
        assert_eq!(explanation(&answer), expected);
    }

    #[test]
    fn findings_stand_at_their_place() {
        let answer = json!({"valid": false, "findings": [
            {"severity": "error", "code": "MalformedPolicyDocument", "message": "Syntax errors in policy.",
                "hint": "A statement has no `Effect`.", "line": 3, "column": 5},
            {"severity": "warning", "code": null, "message": "It was hardly meant.", "hint": null, "line": null, "column": null},
        ]});
        let expected = "\
p.json:3:5: error: MalformedPolicyDocument: Syntax errors in policy.
  hint: A statement has no `Effect`.
p.json: warning: It was hardly meant.";
        assert_eq!(checked(&answer, "p.json"), expected);
        assert_eq!(checked(&json!({"valid": true, "findings": []}), "p.json"), "p.json: nothing is wrong");
    }

    #[test]
    fn who_can_lists_conditions_under_their_statements() {
        let answer = json!({"resourceFound": true, "items": [{"principal": "arn:x", "kind": "user",
            "through": [{"policyType": "identity-based policy", "policy": "user/a/own", "statementIndex": 0, "sid": null,
                "if": ["aws:SecureTransport Bool true"]}], "unless": ["aws:SourceIp NotIpAddress 10.0.0.0/8"]}]});
        let expected = "\
arn:x (user)
  through identity-based policy user/a/own statement 1
    if aws:SecureTransport Bool true
  unless aws:SourceIp NotIpAddress 10.0.0.0/8";
        assert_eq!(who_can(&answer), expected);
        assert_eq!(who_can(&json!({"resourceFound": true, "items": []})), "nobody");
    }
}
