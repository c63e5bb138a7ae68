//! Statements that allow, and nearly match: what one change would make them match.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::edit::{Draft, Edit, Mistake, Place, add_text, principal_element, remove_text, replace_text, texts};
use super::near;
use crate::policy::{
    Attached, Caller, Comparison, Effect, FailedCondition, Kind, Outcome, Policies, Qualifier, Request,
};

/// How many conditions of one statement are mended.
const MOST_CONDITIONS: usize = 8;

/// What is mended in a statement. Only one kind of fault is: a statement that differs in two elements meant something
/// else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Element {
    Principal,
    Action,
    Resource,
    Condition,
}

/// The statement being mended.
struct Repair<'a> {
    request: &'a Request,
    /// Principals that policies name and that do not exist.
    unknown: &'a HashSet<String>,
    kind: Kind,
    index: usize,
    draft: Draft,
    mended: Option<Element>,
    mistake: Mistake,
    findings: Vec<String>,
    changes: Vec<String>,
}

/// The policy at `place` with its statement `index` mended, if one element keeps it from allowing the request.
pub(super) fn statement(
    place: Place,
    policies: &Policies,
    index: usize,
    request: &Request,
    unknown: &HashSet<String>,
) -> Option<Edit> {
    let attached = place.of(policies)?;
    if attached.document.statements().get(index)?.effect() != Effect::Allow {
        return None;
    }
    let mut repair = Repair {
        request,
        unknown,
        kind: attached.document.kind(),
        index,
        draft: Draft::of(attached),
        mended: None,
        mistake: Mistake::NotAllowed,
        findings: Vec::new(),
        changes: Vec::new(),
    };
    let after = repair.run(attached, policies.boundary.is_some())?;
    Some(Edit {
        place,
        policy_type: place.policy_type(policies),
        before: Some(attached.clone()),
        after,
        statement: Some(index),
        mistake: repair.mistake,
        finding: repair.findings.join(" "),
        summary: repair.changes.join("; "),
        mends: true,
    })
}

impl Repair<'_> {
    fn run(&mut self, attached: &Attached, has_boundary: bool) -> Option<Attached> {
        let mut current = attached.clone();
        for _ in 0..=MOST_CONDITIONS {
            let outcome = current.document.statements().get(self.index)?.outcome(self.request, has_boundary);
            let element = match &outcome {
                Outcome::Matched(_) => return self.mended.map(|_| current),
                Outcome::MissingVariable(_) => return None,
                Outcome::OtherPrincipal => Element::Principal,
                Outcome::OtherAction => Element::Action,
                Outcome::OtherResource => Element::Resource,
                Outcome::ConditionFailed(_) => Element::Condition,
            };
            if self.mended.is_some_and(|mended| mended != element || element != Element::Condition) {
                return None;
            }
            match outcome {
                Outcome::OtherPrincipal => self.principal()?,
                Outcome::OtherAction => self.action()?,
                Outcome::OtherResource => self.resource()?,
                Outcome::ConditionFailed(failed) => self.condition(&failed)?,
                Outcome::Matched(_) | Outcome::MissingVariable(_) => return None,
            }
            self.mended = Some(element);
            current = self.draft.clone().finish()?;
        }
        None
    }

    fn note(&mut self, mistake: Mistake, finding: String, change: String) {
        self.mistake = mistake;
        self.findings.push(finding);
        self.changes.push(change);
    }

    /// Names the caller in the place of a principal that does not exist, or that differs in its account alone.
    fn principal(&mut self) -> Option<()> {
        let own = self.request.caller().principal_arn()?;
        let owner = self.request.resource_account().map(|account| account.as_str().to_owned());
        let statement = self.draft.statement(self.index)?;
        let named = statement.get_mut("Principal")?.as_object_mut()?.get_mut("AWS")?;
        let names: Vec<String> = texts(named).into_iter().map(str::to_owned).collect();
        let gone =
            |name: &String| !name.starts_with("arn:") && !name.bytes().all(|b| b.is_ascii_digit()) && name != "*";
        let account_of = |name: &str| name.split(':').nth(4).unwrap_or(name).to_owned();
        let caller_account = account_of(&own);
        let (mistake, old, finding) = if let Some(name) = names.iter().find(|name| gone(name)) {
            let finding = format!("`{name}` is the id of a user or role that was deleted.");
            (Mistake::UnknownPrincipal, name, finding)
        } else if let Some(name) = names.iter().find(|name| self.unknown.contains(*name)) {
            (Mistake::UnknownPrincipal, name, format!("`{name}` does not exist."))
        } else {
            // That a policy names the resource's own account is no mistake.
            let is_of_another = |name: &str| {
                near::arn(name, &own).is_some_and(|near| near.mistake == Mistake::WrongAccount)
                    || is_account(name) && account_of(name) != caller_account
            };
            let other_account = |name: &&String| owner.as_deref() != Some(&account_of(name)) && is_of_another(name);
            let name = names.iter().find(other_account)?;
            let finding = format!("`{name}` is of another account than the caller, `{own}`.");
            (Mistake::WrongAccount, name, finding)
        };
        if self.unknown.contains(old) || gone(old) {
            replace_text(named, old, &own);
        } else {
            add_text(named, &own);
        }
        self.note(mistake, finding, format!("name `{own}` as a principal"));
        Some(())
    }

    /// Adds the action, where the statement is about this resource alone.
    fn action(&mut self) -> Option<()> {
        let (action, resource) = (self.request.action().to_owned(), self.request.resource().to_owned());
        let names_this_alone = matches!(self.kind, Kind::Key | Kind::Secret);
        let statement = self.draft.statement(self.index)?;
        let is_exact = statement.get("Resource").is_some_and(|named| texts(named) == [resource.as_str()]);
        if !names_this_alone && !is_exact {
            return None;
        }
        let (service, name) = action.split_once(':')?;
        let actions = statement.get_mut("Action")?;
        let is_of_service = |text: &&str| text.split_once(':').is_some_and(|(prefix, _)| prefix == service);
        let first = texts(actions).into_iter().find(is_of_service)?.to_owned();
        add_text(actions, &action);
        let mistake = match self.mistake_of_action() {
            Mistake::NotAllowed => Mistake::MissingAction,
            known => known,
        };
        let finding = format!("A statement allows the caller `{first}` on the resource, but not `{action}`.");
        self.note(mistake, finding, format!("add `{service}:{name}` to the statement's actions"));
        Some(())
    }

    fn mistake_of_action(&self) -> Mistake {
        mistake_of_action(self.request.action())
    }

    fn resource(&mut self) -> Option<()> {
        let request = self.request;
        let statement = self.draft.statement(self.index)?;
        let named = statement.get_mut("Resource")?;
        let near = texts(named)
            .into_iter()
            .find_map(|text| Some((text.to_owned(), near::resource(text, request.resource())?)));
        let (text, near) = near?;
        let is_only = texts(named).len() == 1;
        let change = if near.instead && is_only {
            replace_text(named, &text, &near.text);
            format!("put `{}` in the place of `{text}`", near.text)
        } else {
            add_text(named, &near.text);
            format!("add `{}` to the statement's resources", near.text)
        };
        self.note(near.mistake, near.finding, change);
        Some(())
    }

    /// Makes a condition hold by its values.
    fn condition(&mut self, failed: &FailedCondition) -> Option<()> {
        let comparison = failed.operator.comparison;
        let actual = failed.actual.first()?;
        let finding = format!(
            "The condition asks for `{}` {} {}; the request has {}.",
            failed.key,
            failed.operator,
            quoted(&failed.expected),
            quoted(&failed.actual)
        );
        let values = self
            .draft
            .statement(self.index)?
            .get_mut("Condition")?
            .get_mut(failed.operator.to_string())?
            .get_mut(&*failed.key)?;
        if comparison.is_negated() {
            let is_left = failed.expected.len() > 1
                && failed.expected.iter().any(|value| **value == **actual)
                && remove_text(values, actual);
            let change = format!("take `{actual}` out of the values of `{}`", failed.key);
            return is_left.then(|| self.note(Mistake::ConditionValue, finding, change));
        }
        let all = failed.operator.qualifier == Some(Qualifier::ForAllValues);
        let wanted = if all { failed.actual.as_slice() } else { std::slice::from_ref(actual) };
        let (mistake, change) = match comparison {
            Comparison::ArnEquals
            | Comparison::ArnLike
            | Comparison::StringEquals
            | Comparison::StringLike
            | Comparison::StringEqualsIgnoreCase => texts_condition(values, failed, wanted),
            Comparison::IpAddress => {
                let one = if actual.contains(':') { format!("{actual}/128") } else { format!("{actual}/32") };
                add_text(values, &one);
                (Mistake::ConditionValue, format!("add `{one}` to the values of `{}`", failed.key))
            }
            Comparison::NumericEquals | Comparison::NumericLessThanEquals | Comparison::NumericGreaterThanEquals => {
                *values = json!(actual);
                (Mistake::ConditionValue, format!("make `{actual}` the value of `{}`", failed.key))
            }
            _ => return None,
        };
        self.note(mistake, finding, change);
        Some(())
    }
}

/// Lets a condition on texts hold: where one value differs from the request's in region or account alone, that is mended.
fn texts_condition(values: &mut Value, failed: &FailedCondition, wanted: &[String]) -> (Mistake, String) {
    if let ([expected], [actual]) = (failed.expected.as_slice(), wanted)
        && let Some(near) = near::arn(expected, actual)
    {
        replace_text(values, expected, &near.text);
        let change = format!("put `{}` in the place of `{expected}` as the value of `{}`", near.text, failed.key);
        return (near.mistake, change);
    }
    if let ([expected], [actual]) = (failed.expected.as_slice(), wanted)
        && is_account(expected)
        && is_account(actual)
    {
        replace_text(values, expected, actual);
        let change = format!("put `{actual}` in the place of `{expected}` as the value of `{}`", failed.key);
        return (Mistake::WrongAccount, change);
    }
    for value in wanted {
        if !failed.expected.iter().any(|expected| **expected == **value) {
            add_text(values, value);
        }
    }
    (Mistake::ConditionValue, format!("add {} to the values of `{}`", quoted(wanted), failed.key))
}

/// The mistake that lacking an action is known as.
pub(super) fn mistake_of_action(action: &str) -> Mistake {
    match action {
        "s3:ListBucket" => Mistake::MissingListBucket,
        "iam:PassRole" => Mistake::MissingPassRole,
        _ => Mistake::NotAllowed,
    }
}

/// An account's id or the ARN of its root.
fn is_account(name: &str) -> bool {
    let is_id = |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    is_id(name) || name.strip_prefix("arn:aws:iam::").and_then(|rest| rest.strip_suffix(":root")).is_some_and(is_id)
}

/// `a`, `b`, or `nothing`.
pub(super) fn quoted<T: AsRef<str>>(texts: &[T]) -> String {
    if texts.is_empty() {
        return "nothing".to_owned();
    }
    texts.iter().map(|text| format!("`{}`", text.as_ref())).collect::<Vec<_>>().join(", ")
}

/// The principal element of a new statement, with the conditions that keep a service from being used by others
/// ("confused deputy"): the account that it works for.
pub(super) fn grant_to(request: &Request) -> (Value, Option<Value>) {
    let caller = request.caller();
    let source = request.context().values("aws:SourceAccount").and_then(<[String]>::first);
    let condition = match (caller, source) {
        (Caller::Service { .. }, Some(account)) => Some(json!({"StringEquals": {"aws:SourceAccount": account}})),
        _ => None,
    };
    (principal_element(caller), condition)
}
