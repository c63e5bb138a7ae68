//! The rules of policies that name no principal: managed and inline policies, boundaries, session policies, service
//! control policies. The order of the checks is the order in which IAM reports faults.

use std::collections::HashSet;

use super::super::arn;
use super::super::condition;
use super::super::document::Version;
use super::super::malformed::Malformed;
use super::{List, Raw, RawCondition, Top};

/// What the resource of an IAM ARN may begin with.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

pub(super) fn check(top: &Top<'_>) -> Result<(), Malformed> {
    if top.version != Some(Version::V2012) {
        return Err(Malformed::new("Policy document must be version 2012-10-17 or greater.").at("Version"));
    }
    let statements = top.statements.as_slice();
    if let Some((name, _)) = statements.iter().find_map(|raw| raw.principal) {
        return Err(Malformed::new("Policy document should not specify a principal.").at(name));
    }
    for raw in statements {
        check_legacy(raw)?;
    }
    let resource_fault = resource_fault(statements)?;
    check_sids(statements)?;
    if let Some(number) = statements.iter().position(|raw| is_empty(raw.actions.as_ref())) {
        return Err(Malformed::new("Policy statement must contain actions.").in_statement(number));
    }
    each_action(statements, check_vendor_is_there)?;
    if let Some(number) = statements.iter().position(|raw| is_empty(raw.resources.as_ref())) {
        return Err(Malformed::new("Policy statement must contain resources.").in_statement(number));
    }
    match resource_fault {
        Some(fault) => Err(fault),
        None => each_action(statements, check_action),
    }
}

/// Ids are letters and digits, each id once.
pub(super) fn check_sids(statements: &[Raw<'_>]) -> Result<(), Malformed> {
    let mut seen = HashSet::new();
    for sid in statements.iter().filter_map(|raw| raw.sid).filter(|sid| !sid.is_empty()) {
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(Malformed::new(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression \
                 [0-9A-Za-z]*",
            )
            .with_hint(format!("`{sid}` has other characters."))
            .at(sid));
        }
        if !seen.insert(sid) {
            return Err(Malformed::new("Statement IDs (SID) in a single policy must be unique.")
                .with_hint(format!("`{sid}` stands more than once."))
                .at(sid));
        }
    }
    Ok(())
}

/// The form of an action that every kind of policy asks for: `vendor:name`, or `*`.
pub(super) fn check_action(action: &str) -> Result<(), Malformed> {
    check_vendor_is_there(action)?;
    let Some((vendor, name)) = action.split_once(':') else { return Ok(()) };
    if name.contains(':') {
        return Err(Malformed::new("Actions/Condition can contain only one colon.")
            .with_hint(format!("`{action}` has more."))
            .at(action));
    }
    let is_valid = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if vendor != "*" && !vendor.bytes().all(is_valid) {
        return Err(Malformed::new(format!("Vendor {vendor} is not valid")).at(action));
    }
    Ok(())
}

fn check_vendor_is_there(action: &str) -> Result<(), Malformed> {
    if action == "*" || action.contains(':') {
        return Ok(());
    }
    Err(Malformed::new("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
        .with_hint(format!("`{action}` has no colon; actions look like `s3:GetObject`."))
        .at(action))
}

fn each_action(statements: &[Raw<'_>], check: fn(&str) -> Result<(), Malformed>) -> Result<(), Malformed> {
    statements.iter().filter_map(|raw| raw.actions.as_ref()).flat_map(|list| &list.texts).try_for_each(|a| check(a))
}

fn is_empty(list: Option<&List<'_>>) -> bool {
    list.is_none_or(|list| list.texts.is_empty())
}

fn legacy(hint: String) -> Malformed {
    Malformed::new("The policy failed legacy parsing").with_hint(hint)
}

/// What IAM's older parser refuses: effects in another case, values of date conditions that are no dates.
fn check_legacy(raw: &Raw<'_>) -> Result<(), Malformed> {
    let effect = raw.effect.unwrap_or_default();
    if !["Allow", "Deny"].contains(&effect) {
        return Err(legacy(format!("`{effect}` is not an effect: `Allow` or `Deny`.")).at(effect));
    }
    raw.conditions.iter().try_for_each(check_dates)
}

fn check_dates(raw: &RawCondition<'_>) -> Result<(), Malformed> {
    if !raw.operator.comparison.name().starts_with("Date") {
        return Ok(());
    }
    match raw.values.iter().find(|value| !condition::is_date(value)) {
        Some(value) => {
            let hint = format!("`{value}` is not a date: `2026-01-31T12:00:00Z`, or seconds since 1970.");
            Err(legacy(hint).at(&**value))
        }
        None => Ok(()),
    }
}

/// The first resource that is not well formed, to be reported after other faults; an error for what is reported at
/// once.
fn resource_fault(statements: &[Raw<'_>]) -> Result<Option<Malformed>, Malformed> {
    let mut fault = None;
    for list in statements.iter().filter_map(|raw| raw.resources.as_ref()) {
        let mut texts = list.texts.clone();
        texts.sort_unstable();
        let check_one = |text: &&str| check_resource(text).err().map(|malformed| malformed.at(*text));
        fault = fault.or_else(|| texts.iter().find_map(check_one));
        if fault.is_none() {
            texts.iter().try_for_each(|text| check_legacy_resource(text).map_err(|malformed| malformed.at(*text)))?;
        }
    }
    Ok(fault)
}

fn check_resource(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    let fields = arn::split_pattern(text, true);
    let &[scheme, partition, ref rest @ ..] = fields.as_slice() else {
        return Err(not_an_arn(text));
    };
    if !["aws", "aws-cn", "aws-us-gov", "*"].contains(&partition) {
        return Err(wrong_partition(partition, rest));
    }
    if scheme != "arn" {
        return Err(not_an_arn(text));
    }
    let Some(service) = rest.first().filter(|service| **service == "*" || !service.contains(['*', '?'])) else {
        return Err(Malformed::new("Resource vendor must be fully qualified and cannot contain regexes."));
    };
    check_service_rules(text, service, rest)
}

fn not_an_arn(text: &str) -> Malformed {
    Malformed::new(format!("Resource {text} must be in ARN format or \"*\"."))
        .with_hint("ARNs look like `arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE`.")
}

/// IAM shows the ARN with `*` for what is missing.
fn wrong_partition(partition: &str, rest: &[&str]) -> Malformed {
    let field = |at: usize| match rest.get(at) {
        None => "*",
        Some(&"") if rest.len() == 1 => "*",
        Some(field) => field,
    };
    let (service, region, account, resource) = (field(0), field(1), field(2), field(3));
    Malformed::new(format!(
        "Partition \"{partition}\" is not valid for resource \
         \"arn:{partition}:{service}:{region}:{account}:{resource}\"."
    ))
}

fn check_service_rules(text: &str, service: &str, rest: &[&str]) -> Result<(), Malformed> {
    let has_region = rest.get(1).is_none_or(|region| !region.is_empty());
    let has_account = rest.get(2).is_some_and(|account| !account.is_empty());
    let path = rest.get(3).copied().unwrap_or_default();
    match service {
        "iam" if has_region => Err(Malformed::new(format!("IAM resource {text} cannot contain region information."))),
        "s3" if has_region && !has_account => {
            Err(Malformed::new(format!("Resource {text} can not contain region information.")))
        }
        "iam" if path != "*" && !IAM_PATHS.iter().any(|start| path.starts_with(start)) => Err(Malformed::new(format!(
            "IAM resource path must either be \"*\" or start with {}.",
            IAM_PATHS.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn check_legacy_resource(text: &str) -> Result<(), Malformed> {
    if text == "*" {
        return Ok(());
    }
    let fields = arn::split_pattern(text, true);
    if fields.get(2).is_some_and(|service| service.is_empty()) || (fields.len() < 6 && text.contains("::")) {
        return Err(legacy(format!("`{text}` is not an ARN: there are too few colons, or no service.")));
    }
    if fields.iter().take(5).any(|field| field.contains("${")) {
        return Err(legacy(format!("`{text}` has a policy variable before the fifth colon, where none may stand.")));
    }
    Ok(())
}
