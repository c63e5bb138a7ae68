//! What else a change of policies would allow.

use std::collections::HashSet;

use super::actions::{ACTIONS, fits};
use super::edit::Edit;
use crate::policy::{Caller, Effect, Policies, Request, decide};

/// One thing that is allowed after a change, and was not before.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Allowed {
    /// The ARN of the user or role.
    pub principal: String,
    /// The action.
    pub action: String,
    /// The resource.
    pub resource: String,
}

/// The principals and resources that changes are tried with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Universe {
    /// Users and roles, with the policies that apply to them on the request's resource.
    pub(crate) callers: Vec<(Caller, Policies)>,
}

/// What the edits allow beside `request`, whose caller has `policies`.
pub(super) fn of(edits: &[Edit], request: &Request, policies: &Policies, universe: &Universe) -> Vec<Allowed> {
    let resources = neighbours(request.resource());
    let actions = actions(edits, request);
    let own = edits.iter().fold(policies.clone(), |policies, edit| edit.applied(&policies));
    let mut allowed = Vec::new();
    let mut seen = HashSet::new();
    let mut add = |caller: &Caller, before: &Policies, after: &Policies| {
        for (action, name, service) in &actions {
            for resource in resources.iter().filter(|resource| fits(service, name, resource)) {
                if *action == request.action() && resource == request.resource() && caller == request.caller() {
                    continue;
                }
                let asked = same_with(request, caller, action, resource);
                if decide(&asked, after).allowed && !decide(&asked, before).allowed {
                    let principal = caller.principal_arn().unwrap_or_else(|| caller.arn());
                    let one = Allowed { principal, action: action.clone(), resource: resource.clone() };
                    if seen.insert(one.clone()) {
                        allowed.push(one);
                    }
                }
            }
        }
    };
    add(request.caller(), policies, &own);
    for (caller, before) in universe.callers.iter().filter(|(caller, _)| !is_same(caller, request.caller())) {
        let has = |edit: &Edit| edit.is_among(before) || edit.before.is_none() && is_of_resource(edit);
        if !edits.iter().any(has) {
            continue;
        }
        let after = edits.iter().fold(before.clone(), |policies, edit| edit.applied_wherever(&policies));
        let is_new = edits.iter().any(|edit| edit.before.is_none() && is_of_resource(edit));
        let after = if is_new { Policies { resource: own.resource.clone(), ..after } } else { after };
        add(caller, before, &after);
    }
    allowed
}

fn is_of_resource(edit: &Edit) -> bool {
    edit.place == super::edit::Place::Resource
}

fn is_same(one: &Caller, other: &Caller) -> bool {
    one.principal_arn().is_some() && one.principal_arn() == other.principal_arn()
}

/// The actions that the changed statements may be about: those of the request's service, and all of them where a
/// statement is about more.
fn actions(edits: &[Edit], request: &Request) -> Vec<(String, &'static str, &'static str)> {
    let own = request.action().split(':').next().unwrap_or_default().to_owned();
    let is_wide = |edit: &Edit| {
        let documents = edit.before.iter().chain([&edit.after]);
        let statements = documents.flat_map(|attached| attached.document.statements());
        let mut texts = statements.filter(|statement| statement.effect() == Effect::Deny).map(|s| s.actions());
        texts.any(|(texts, negated)| negated || texts.iter().any(|text| !text.starts_with(&format!("{own}:"))))
    };
    let all = edits.iter().any(is_wide);
    let mut actions: Vec<_> = ACTIONS
        .iter()
        .filter(|(service, _)| all || *service == own)
        .flat_map(|(service, names)| names.iter().map(move |name| (format!("{service}:{name}"), *name, *service)))
        .collect();
    if !actions.iter().any(|(action, ..)| action == request.action())
        && let Some((service, names)) = ACTIONS.iter().find(|(service, _)| *service == own)
    {
        actions.push((request.action().to_owned(), names[0], service));
    }
    actions
}

/// Resources beside the request's: the bucket and another object, another resource of the kind.
fn neighbours(resource: &str) -> Vec<String> {
    let bucket = super::fresh::bucket_of(resource);
    if bucket.starts_with("arn:aws:s3:::") {
        let mut all = vec![resource.to_owned(), bucket.to_owned(), format!("{bucket}/any-other-object")];
        if let Some((folder, _)) = resource.rsplit_once('/').filter(|(folder, _)| *folder != bucket) {
            all.push(format!("{folder}/any-other-object"));
        }
        all.dedup();
        return all;
    }
    match resource.rsplit_once('/') {
        Some((kind, _)) if !resource.starts_with("arn:aws:kms:") => {
            vec![resource.to_owned(), format!("{kind}/any-other")]
        }
        _ => vec![resource.to_owned()],
    }
}

/// The request as another caller would make it, or for another action.
pub(super) fn same_with(request: &Request, caller: &Caller, action: &str, resource: &str) -> Request {
    let mut builder = Request::builder(caller.clone(), action, resource);
    if let Some(owner) = request.resource_account() {
        builder = builder.resource_account(owner.clone());
    }
    for (name, values) in request.context().iter() {
        builder = builder.keys(name, values.to_vec());
    }
    builder.build()
}
