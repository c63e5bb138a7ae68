//! Statements that deny: the changes that would let one request through.

use serde_json::{Value, json};

use super::edit::{Draft, Edit, Mistake, Place, add_text, remove_text, texts};
use super::repair::quoted;
use crate::policy::{Caller, Comparison, Condition, Policies, Request};

/// The policy at `place` with its denying statement `index` changed so that it is not about the request any more, in
/// every way that there is: the least first.
pub(super) fn statement(place: Place, policies: &Policies, index: usize, request: &Request) -> Vec<Edit> {
    let Some(attached) = place.of(policies) else { return Vec::new() };
    let Some(statement) = attached.document.statements().get(index) else { return Vec::new() };
    let mut edits = Vec::new();
    let name = statement.sid().map_or_else(|| format!("statement {}", index + 1), |sid| format!("statement `{sid}`"));
    let mistake = match place {
        Place::ServiceControl(..) => Mistake::ServiceControlPolicy,
        _ => Mistake::ExplicitDeny,
    };
    let finding = format!("The {name} of `{}` denies it.", attached.id);
    let mut add = |change: Option<(Draft, String)>, kept: bool| {
        let Some((draft, summary)) = change else { return };
        let Some(after) = draft.finish() else { return };
        edits.push(Edit {
            place,
            policy_type: place.policy_type(policies),
            before: Some(attached.clone()),
            after,
            statement: kept.then_some(index),
            mistake,
            finding: finding.clone(),
            summary,
            mends: true,
        });
    };
    for condition in statement.conditions() {
        add(other_value(Draft::of(attached), index, condition, request), true);
    }
    add(other_action(Draft::of(attached), index, request), true);
    add(other_principal(Draft::of(attached), index, request), true);
    add(principal_exception(Draft::of(attached), index, request), true);
    let mut removed = Draft::of(attached);
    removed.remove(index);
    add(Some((removed, format!("remove the {name}"))), false);
    edits
}

/// An exception by the value of a condition that the statement has already.
fn other_value(mut draft: Draft, index: usize, condition: &Condition, request: &Request) -> Option<(Draft, String)> {
    let actual = request.context().values(condition.key())?.first()?.clone();
    let values = draft
        .statement(index)?
        .get_mut("Condition")?
        .get_mut(condition.operator().to_string())?
        .get_mut(condition.key())?;
    let comparison = condition.operator().comparison;
    let change = match comparison {
        Comparison::NotIpAddress => {
            let one = if actual.contains(':') { format!("{actual}/128") } else { format!("{actual}/32") };
            add_text(values, &one);
            format!("add `{one}` to the values of `{}`", condition.key())
        }
        _ if comparison.is_negated() => {
            add_text(values, &actual);
            format!("add `{actual}` to the values of `{}`", condition.key())
        }
        _ if condition.values().len() > 1 && condition.values().iter().any(|value| **value == *actual) => {
            remove_text(values, &actual);
            format!("take `{actual}` out of the values of `{}`", condition.key())
        }
        _ => return None,
    };
    Some((draft, change))
}

/// The action taken out of the statement, or added to those that it spares.
fn other_action(mut draft: Draft, index: usize, request: &Request) -> Option<(Draft, String)> {
    let action = request.action();
    let statement = draft.statement(index)?;
    if let Some(spared) = statement.get_mut("NotAction") {
        add_text(spared, action);
        return Some((draft, format!("add `{action}` to the actions that the statement spares")));
    }
    let actions = statement.get_mut("Action")?;
    let written = texts(actions).into_iter().find(|text| text.eq_ignore_ascii_case(action))?.to_owned();
    remove_text(actions, &written).then(|| (draft, format!("take `{written}` out of the statement's actions")))
}

/// The caller taken out of those whom the statement names.
fn other_principal(mut draft: Draft, index: usize, request: &Request) -> Option<(Draft, String)> {
    let caller = request.caller();
    let group = if matches!(caller, Caller::Service { .. }) { "Service" } else { "AWS" };
    let names = [Some(caller.arn()), caller.principal_arn()];
    let named = draft.statement(index)?.get_mut("Principal")?.as_object_mut()?.get_mut(group)?;
    let written = texts(named).into_iter().find(|text| names.iter().flatten().any(|name| name == text))?.to_owned();
    remove_text(named, &written).then(|| (draft, format!("take `{written}` out of the statement's principals")))
}

/// A condition that spares the caller.
fn principal_exception(mut draft: Draft, index: usize, request: &Request) -> Option<(Draft, String)> {
    let caller = request.caller();
    let (operator, key, value) = match caller {
        Caller::Service { name } => ("StringNotEquals", "aws:PrincipalServiceName", name.clone()),
        _ => ("ArnNotEquals", "aws:PrincipalArn", caller.principal_arn()?),
    };
    let statement = draft.statement(index)?;
    let conditions = statement.entry("Condition").or_insert_with(|| json!({})).as_object_mut()?;
    let keys = conditions.entry(operator).or_insert_with(|| json!({})).as_object_mut()?;
    let values = keys.entry(key).or_insert(Value::Null);
    add_text(values, &value);
    Some((draft, format!("except {} from the statement", quoted(&[value]))))
}

/// What the caller can do about a denial without any change of policies.
pub(super) fn advice(key: &str) -> Option<String> {
    let text = match key.to_ascii_lowercase().as_str() {
        "aws:securetransport" => "The statement asks for TLS: send the request over https.",
        "aws:multifactorauthpresent" => "The statement asks for credentials that were got with MFA.",
        "sts:externalid" => "The trust policy asks for an external id: pass it as `ExternalId`.",
        "aws:currenttime" | "aws:epochtime" => "The statement holds only at other times.",
        _ => return None,
    };
    Some(text.to_owned())
}
