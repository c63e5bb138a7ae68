//! The rules of policies that name principals: trust policies and the policies of buckets, keys, secrets and others.

use std::collections::HashSet;

use super::super::arn;
use super::super::condition;
use super::super::context::Context;
use super::super::kind::Kind;
use super::super::malformed::Malformed;
use super::super::pattern::{Pattern, Syntax};
use super::super::principals::{Form, Principals};
use super::{Raw, Top, identity, principals};

/// What a trust policy can allow.
const TRUST_ACTIONS: [&str; 6] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:setcontext",
    "sts:setsourceidentity",
    "sts:tagsession",
];

/// Checks the statements and gives the principals of each.
pub(super) fn check(kind: Kind, top: &Top<'_>) -> Result<Vec<Option<Principals>>, Malformed> {
    let check_one = |(number, raw)| statement(kind, raw).map_err(|malformed: Malformed| malformed.in_statement(number));
    let principals = top.statements.iter().enumerate().map(check_one).collect::<Result<_, _>>()?;
    if kind == Kind::Trust {
        identity::check_sids(&top.statements)?;
    } else {
        check_sids(&top.statements)?;
    }
    Ok(principals)
}

fn statement(kind: Kind, raw: &Raw<'_>) -> Result<Option<Principals>, Malformed> {
    let effect = raw.effect.unwrap_or_default();
    if !["Allow", "Deny"].contains(&effect) {
        return Err(Malformed::new(format!("Invalid effect: {effect}"))
            .with_hint("Effects are case-sensitive: `Allow` or `Deny`.")
            .at(effect));
    }
    if let Some(("NotPrincipal", _)) = raw.principal {
        if effect == "Allow" {
            return Err(Malformed::new("Allow with NotPrincipal is not allowed.").at("NotPrincipal"));
        }
        if kind == Kind::Trust {
            return Err(Malformed::new("AssumeRole policy must not contain NotPrincipal field.").at("NotPrincipal"));
        }
    }
    let Some((name, json)) = raw.principal else {
        return Err(Malformed::new("Missing required field Principal"));
    };
    let principals = principals::read(kind, name == "NotPrincipal", json)?;
    check_actions(kind, raw)?;
    check_resources(kind, raw)?;
    check_conditions(raw)?;
    check_cognito(raw, &principals)?;
    Ok(Some(principals))
}

fn check_actions(kind: Kind, raw: &Raw<'_>) -> Result<(), Malformed> {
    let texts = raw.actions.as_ref().map(|list| list.texts.as_slice()).unwrap_or_default();
    if texts.is_empty() {
        return Err(Malformed::new("Missing required field Action"));
    }
    for action in texts {
        if kind == Kind::Trust {
            check_trust_action(action)?;
            continue;
        }
        let is_s3 = *action == "*" || action.get(..3).is_some_and(|vendor| vendor.eq_ignore_ascii_case("s3:"));
        match identity::check_action(action) {
            Err(fault) if kind != Kind::Bucket => return Err(fault),
            Ok(()) if kind != Kind::Bucket || is_s3 => {}
            _ => {
                return Err(Malformed::new("Policy has invalid action")
                    .with_hint(format!("`{action}` is not an action of S3."))
                    .at(*action));
            }
        }
    }
    Ok(())
}

fn check_trust_action(action: &str) -> Result<(), Malformed> {
    let pattern = Pattern::compile(&action.to_lowercase(), Syntax { wildcards: true, variables: false });
    let can_match = TRUST_ACTIONS.iter().any(|known| pattern.matches(known, &Context::default()));
    if can_match && action.to_lowercase().starts_with("sts:") {
        return Ok(());
    }
    Err(Malformed::new("AssumeRole policy may only specify STS AssumeRole actions.")
        .with_hint(format!("`{action}` is none of them."))
        .at(action))
}

fn check_resources(kind: Kind, raw: &Raw<'_>) -> Result<(), Malformed> {
    let Some(list) = &raw.resources else {
        return if kind == Kind::Trust { Ok(()) } else { Err(Malformed::new("Missing required field Resource")) };
    };
    if kind == Kind::Trust {
        let name = if list.negated { "NotResource" } else { "Resource" };
        return Err(Malformed::new(format!("Has prohibited field {name}"))
            .with_hint("A trust policy is always about the role that it is attached to.")
            .at(name));
    }
    if list.texts.is_empty() {
        return Err(Malformed::new("Missing required field Resource cannot be empty!"));
    }
    match list.texts.iter().find(|text| !is_resource(text)) {
        Some(text) => Err(Malformed::new("Policy has invalid resource")
            .with_hint(format!("`{text}` is neither `*` nor an ARN: `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`."))
            .at(*text)),
        None => Ok(()),
    }
}

/// Whether it is `*` or an ARN with all its fields, and without variables before the fifth colon.
fn is_resource(text: &str) -> bool {
    let fields = arn::split_pattern(text, true);
    let is_arn = fields.len() == 6 && fields[0] == "arn" && !fields[2].is_empty();
    text == "*" || (is_arn && !fields.iter().take(5).any(|field| field.contains("${")))
}

fn check_conditions(raw: &Raw<'_>) -> Result<(), Malformed> {
    for condition in &raw.conditions {
        let is_date = condition.operator.comparison.name().starts_with("Date");
        if let Some(value) = condition.values.iter().find(|value| is_date && !condition::is_date(value)) {
            return Err(Malformed::new(format!("Invalid date value in condition: {value}"))
                .with_hint("Dates look like `2026-01-31T12:00:00Z`, or are seconds since 1970.")
                .at(&**value));
        }
    }
    Ok(())
}

/// Everyone with an account at Amazon Cognito could assume the role otherwise.
fn check_cognito(raw: &Raw<'_>, principals: &Principals) -> Result<(), Malformed> {
    let cognito = |form: &Form, text: &str| *form == Form::Federated && text == "cognito-identity.amazonaws.com";
    let names_it = principals.entries.iter().any(|entry| cognito(&entry.form, &entry.text));
    if names_it && raw.conditions.is_empty() {
        return Err(Malformed::new("A condition block must be present for the Cognito provider"));
    }
    Ok(())
}

fn check_sids(statements: &[Raw<'_>]) -> Result<(), Malformed> {
    let mut seen = HashSet::new();
    match statements.iter().filter_map(|raw| raw.sid).find(|sid| !sid.is_empty() && !seen.insert(*sid)) {
        Some(sid) => Err(Malformed::new("The Statement Ids in the policy are not unique")
            .with_hint(format!("`{sid}` stands more than once."))
            .at(sid)),
        None => Ok(()),
    }
}
