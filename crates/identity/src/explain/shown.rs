//! An explanation, as far as the one who asked may see it.

use std::collections::HashSet;

use base::{AccountId, Result, Timestamp};
use serde_json::Value;

use super::edit::{Edit, Mistake};
use super::reach::{self, Allowed};
use super::solve::Solution;
use super::token::Reference;
use super::view::Side;
use super::{Case, command};
use crate::audit::trace::{StoredPolicy, StoredStatement, policy_type};
use crate::audit::{AuditEntry, Decision};
use crate::ctx::Ctx;
use crate::open::Identity;
use crate::policy::{Attached, PolicyType, decide};

/// How many of the things that a change allows beside the request are listed.
const MOST_LISTED: usize = 100;

/// Why a request was denied or allowed, and what would allow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The request.
    pub entry: AuditEntry,
    /// Where it came from and what client made it, where that is known.
    pub source_ip: Option<String>,
    /// What the client calls itself.
    pub user_agent: Option<String>,
    /// The account that the resource belongs to.
    pub resource_account: Option<String>,
    /// The condition keys that the request had.
    pub context: Vec<(String, Vec<String>)>,
    /// The denial in AWS's words, where the account may know it.
    pub message: Option<String>,
    /// The first thing that denied.
    pub denied_by: Option<DeniedBy>,
    /// The policies that were consulted, in the order of evaluation.
    pub policies: Vec<Consulted>,
    /// Whether the policies of now would allow it.
    pub allowed_now: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// The smallest change of policies that allows the request, as far as it is this account's to make.
    pub changes: Vec<Change>,
    /// Whether the request was decided again with all changes, those of other accounts included, and was allowed.
    pub proven: bool,
    /// What else the changes allow, as far as it was tried with this account's principals.
    pub also_allows: Vec<Allowed>,
    /// How many there are.
    pub also_allows_count: usize,
    /// What the caller can do itself.
    pub advice: Vec<String>,
    /// The sides that others must change.
    pub other_sides: Vec<OtherSide>,
}

/// What denied first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeniedBy {
    /// Whose policy.
    pub side: Side,
    /// The type in AWS's words; `None` where the account may not know.
    pub policy_type: Option<&'static str>,
    /// The policy's id, where it may be seen.
    pub policy: Option<String>,
    /// The statement's place, from 0.
    pub statement: Option<usize>,
    /// In one sentence.
    pub text: String,
}

/// A policy that was consulted.
#[derive(Debug, Clone, PartialEq)]
pub struct Consulted {
    /// Whose policy.
    pub side: Side,
    /// The type in AWS's words.
    pub policy_type: &'static str,
    /// The policy's id, where it may be seen.
    pub policy: Option<String>,
    /// `Allow`, `Deny`, or nothing.
    pub verdict: Option<String>,
    /// Whether the one who asked may read it: statements are here only then.
    pub readable: bool,
    /// Every statement's verdict.
    pub statements: Vec<ConsultedStatement>,
}

/// A statement that was consulted.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsultedStatement {
    /// Its place, from 0.
    pub index: usize,
    /// Its id.
    pub sid: Option<String>,
    /// `Allow` or `Deny`.
    pub effect: &'static str,
    /// Whether it matched the request.
    pub matched: bool,
    /// Why it matched or did not, in one sentence.
    pub why: String,
    /// The statement as it is now, where the policy still has it.
    pub text: Option<Value>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The mistake's name.
    pub mistake: Mistake,
    /// In a sentence or two.
    pub text: String,
}

/// A change of one policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Whose policy.
    pub side: Side,
    /// The type in AWS's words.
    pub policy_type: &'static str,
    /// The policy's id; of a new one the id that the command gives it.
    pub policy: String,
    /// Whether the policy is there already.
    pub exists: bool,
    /// What is changed, in one sentence.
    pub summary: String,
    /// The new or changed statement.
    pub statement: Option<Value>,
    /// The whole document, ready to be applied; `None` where the one who asked may not read the policy.
    pub document: Option<Value>,
    /// The AWS CLI's commands that apply it.
    pub commands: Vec<String>,
}

/// A side that another account must change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherSide {
    /// Whose.
    pub side: Side,
    /// The account, where it is known.
    pub account: Option<AccountId>,
    /// In one sentence.
    pub text: String,
    /// What shows this side to that account's administrators.
    pub token: Option<String>,
}

impl Explanation {
    /// Of an entry that a version wrote which kept no traces.
    pub(super) fn of_old_entry(entry: AuditEntry) -> Self {
        Self {
            entry,
            source_ip: None,
            user_agent: None,
            resource_account: None,
            context: Vec::new(),
            message: None,
            denied_by: None,
            policies: Vec::new(),
            allowed_now: false,
            findings: Vec::new(),
            changes: Vec::new(),
            proven: false,
            also_allows: Vec::new(),
            also_allows_count: 0,
            advice: vec!["The entry is of a version that kept no more than the decision.".to_owned()],
            other_sides: Vec::new(),
        }
    }

    /// When the request was made.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.entry.time
    }
}

impl Identity {
    /// What `ctx` may see of a case and its solution. `seen` is the entry as its account sees it.
    pub(super) async fn shown(
        &self,
        ctx: &Ctx,
        seen: &AuditEntry,
        case: &Case,
        solution: Solution,
    ) -> Result<Explanation> {
        let Case { trace, request, policies, .. } = case;
        let trace = if seen.owner_side { &trace.for_owner() } else { trace };
        let readable = self.readable(ctx, case).await?;
        let mut explanation = Explanation {
            source_ip: trace.source_ip.clone(),
            user_agent: trace.user_agent.clone(),
            resource_account: trace.owner.clone(),
            context: trace.context.iter().map(|(name, values)| (name.clone(), values.clone())).collect(),
            message: trace.message.clone(),
            allowed_now: trace.beyond.is_none() && !case.is_closed && decide(request, policies).allowed,
            proven: solution.proven,
            advice: solution.advice,
            ..Explanation::of_old_entry(seen.clone())
        };
        explanation.policies = trace.policies.iter().map(|policy| consulted(ctx, case, policy, &readable)).collect();
        explanation.denied_by = denied_by(ctx, seen, case, &readable);
        if trace.beyond.is_some() {
            let text = explanation.message.clone().unwrap_or_default();
            explanation.findings.push(Finding { mistake: Mistake::Credentials, text });
        }
        let mut own = Vec::new();
        for edit in solution.edits {
            let side = edit.place.side();
            let account = side.account(request, &edit.after.id);
            if account.as_ref() == Some(ctx.account()) {
                let (finding, change) = change(&edit, case, &readable);
                explanation.findings.push(finding);
                explanation.changes.push(change);
                own.push(edit);
            } else {
                let other = self.other_side(case, side, account, seen)?;
                if !explanation.other_sides.iter().any(|known| known.side == side) {
                    explanation.other_sides.push(other);
                }
            }
        }
        let more = reach::of(&own, request, policies, &case.universe);
        let is_own = |allowed: &Allowed| allowed.principal.split(':').nth(4) == Some(ctx.account().as_str());
        let more: Vec<Allowed> = more.into_iter().filter(is_own).collect();
        explanation.also_allows_count = more.len();
        explanation.also_allows = more.into_iter().take(MOST_LISTED).collect();
        Ok(explanation)
    }

    /// The ids of the policies of now that `ctx` may read.
    async fn readable(&self, ctx: &Ctx, case: &Case) -> Result<HashSet<String>> {
        let mut readable = HashSet::new();
        for place in super::edit::Place::all(&case.policies) {
            let Some(attached) = place.of(&case.policies) else { continue };
            let policy_type = place.policy_type(&case.policies);
            if self.may_read(ctx, &case.request, policy_type, attached).await? {
                readable.insert(attached.id.to_string());
            }
        }
        Ok(readable)
    }

    fn other_side(&self, case: &Case, side: Side, account: Option<AccountId>, seen: &AuditEntry) -> Result<OtherSide> {
        let text = match side {
            Side::Caller => "denied by the caller's account",
            Side::Resource => "denied by the resource's account",
            Side::Organization => "denied by the organization's service control policies",
        };
        let reference = Reference { account: case.entry.caller_account.clone(), id: case.entry.id.clone() };
        // Who looks from the resource's side needs no way back to the caller's.
        let opener = account.as_ref().filter(|_| !seen.owner_side || side != Side::Caller);
        let token = opener.map(|opener| self.explanation_token(opener, &reference)).transpose()?;
        Ok(OtherSide { side, account, text: text.to_owned(), token })
    }
}

/// The policy of now with this id.
fn current<'a>(case: &'a Case, id: &str) -> Option<&'a Attached> {
    super::edit::Place::all(&case.policies)
        .into_iter()
        .filter_map(|place| place.of(&case.policies))
        .find(|attached| *attached.id == *id)
}

fn consulted(ctx: &Ctx, case: &Case, policy: &StoredPolicy, readable: &HashSet<String>) -> Consulted {
    let policy_type = policy_type(&policy.policy_type).unwrap_or(PolicyType::Identity);
    let side = Side::of(policy_type);
    let is_own = side.account(&case.request, &policy.policy).as_ref() == Some(ctx.account());
    let may = readable.contains(&policy.policy);
    let now = current(case, &policy.policy).map(|attached| attached.document.to_json());
    let statement = |(index, stored): (usize, &StoredStatement)| {
        let text = now.as_ref().and_then(|json| json["Statement"].get(index)).cloned();
        let same = |text: &Value| text.get("Sid").and_then(Value::as_str) == stored.sid.as_deref();
        ConsultedStatement {
            index,
            sid: stored.sid.clone(),
            effect: if stored.code.starts_with('D') { "Deny" } else { "Allow" },
            matched: stored.code[1..].starts_with('m'),
            why: why(stored),
            text: text.filter(same),
        }
    };
    Consulted {
        side,
        policy_type: policy_type.name(),
        policy: (is_own || may).then(|| policy.policy.clone()),
        verdict: policy.says.clone(),
        readable: may,
        statements: if may { policy.statements.iter().enumerate().map(statement).collect() } else { Vec::new() },
    }
}

/// A statement's outcome in one sentence.
fn why(stored: &StoredStatement) -> String {
    let key = stored.key.as_deref().unwrap_or_default();
    match &stored.code[1..] {
        "m" => "It matches.".to_owned(),
        "ma" => "It matches, through the caller's account.".to_owned(),
        "mr" => "It matches, through the caller's role.".to_owned(),
        "md" => "It matches, and names the caller.".to_owned(),
        "p" => "It is about other principals.".to_owned(),
        "a" => "It is about other actions.".to_owned(),
        "r" => "It is about other resources.".to_owned(),
        "v" => format!("The request has no value for `${{{key}}}`."),
        _ => format!(
            "Its condition does not hold: `{key}` {} {}, and the request has {}.",
            stored.operator.as_deref().unwrap_or_default(),
            super::repair::quoted(&stored.expected),
            super::repair::quoted(&stored.actual)
        ),
    }
}

fn denied_by(ctx: &Ctx, seen: &AuditEntry, case: &Case, readable: &HashSet<String>) -> Option<DeniedBy> {
    if seen.decision == Decision::Allowed {
        return None;
    }
    let reason = &case.trace.reason;
    if let Some(why) = &case.trace.beyond {
        let text = if seen.owner_side {
            "The caller's credentials.".to_owned()
        } else {
            format!("The caller's credentials: {why}.")
        };
        return Some(DeniedBy { side: Side::Caller, policy_type: None, policy: None, statement: None, text });
    }
    let policy_type = policy_type(&reason.policy_type)?;
    let side = Side::of(policy_type);
    let id = reason.policy.as_deref().unwrap_or_default();
    if side.account(&case.request, id).as_ref() != Some(ctx.account()) {
        let text = match side {
            Side::Caller => "Denied by the caller's account.",
            Side::Resource => "Denied by the resource's account.",
            Side::Organization => "Denied by a service control policy of the organization.",
        };
        let known = (!seen.owner_side).then(|| policy_type.name());
        return Some(DeniedBy { side, policy_type: known, policy: None, statement: None, text: text.to_owned() });
    }
    let may = readable.contains(id);
    let name = policy_type.name();
    let text = match (reason.explicit, may) {
        (true, true) => {
            let statement = reason.statement.unwrap_or_default();
            format!("Statement {} of the {name} `{id}` denies it.", statement + 1)
        }
        (true, false) => format!("A statement of a {name} that you may not read denies it."),
        (false, _) => format!("No {name} allows it."),
    };
    Some(DeniedBy {
        side,
        policy_type: Some(name),
        policy: (may && !id.is_empty()).then(|| id.to_owned()),
        statement: reason.statement.filter(|_| may),
        text,
    })
}

fn change(edit: &Edit, case: &Case, readable: &HashSet<String>) -> (Finding, Change) {
    let may = edit.before.as_ref().is_none_or(|before| readable.contains(&*before.id));
    let is_new_statement = !edit.mends;
    let hidden = "It is in a policy that you may not read; who may read it sees what to change.";
    let finding = Finding {
        mistake: edit.mistake,
        text: if may || is_new_statement { edit.finding.clone() } else { hidden.to_owned() },
    };
    let change = Change {
        side: edit.place.side(),
        policy_type: edit.policy_type.name(),
        policy: edit.after.id.to_string(),
        exists: edit.before.is_some(),
        summary: if may || is_new_statement { edit.summary.clone() } else { "change a statement".to_owned() },
        statement: edit.statement().filter(|_| may || is_new_statement),
        document: may.then(|| edit.after.document.to_json()),
        commands: if may { command::of(edit, &case.request) } else { Vec::new() },
    };
    (finding, change)
}
