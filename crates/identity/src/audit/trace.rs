//! What is kept of a decision: the request as policies saw it, and what each policy said.
//!
//! Everything that is needed to decide the request again is here but the policies themselves, which may be changed since:
//! only those that were passed when a session was made are kept, because nothing else keeps them. Secrets are no part of
//! a request as policies see it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authorization::Verdict;
use crate::ctx::{Credential, Ctx};
use crate::policy::{
    Attached, Caller, Context, Coverage, Document, Effect, FailedCondition, Kind, Outcome, PolicyTrace, PolicyType,
    Request, RoleSession, StatementTrace, User,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Trace {
    pub(crate) caller: StoredCaller,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) source_ip: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) user_agent: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) canonical_user: Option<String>,
    pub(crate) context: BTreeMap<String, Vec<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) encryption_context: BTreeMap<String, String>,
    /// Why the caller's credentials do not reach the action, whatever policies say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beyond: Option<String>,
    /// The policies that were passed when the session was made: id and text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<Vec<(String, String)>>,
    /// The denial in AWS's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
    pub(crate) reason: StoredReason,
    pub(crate) policies: Vec<StoredPolicy>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum StoredCaller {
    Root {
        account: String,
    },
    User {
        account: String,
        id: String,
        name: String,
        path: String,
        tags: Vec<(String, String)>,
    },
    Role {
        account: String,
        id: String,
        name: String,
        path: String,
        session: String,
        tags: Vec<(String, String)>,
        linked: bool,
    },
    Service {
        name: String,
    },
    Federated {
        provider: String,
    },
    Anonymous,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredReason {
    /// A type's code; `other` where the account may not know.
    #[serde(rename = "type")]
    pub(crate) policy_type: String,
    pub(crate) explicit: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) policy: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) statement: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredPolicy {
    #[serde(rename = "type")]
    pub(crate) policy_type: String,
    pub(crate) policy: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) level: Option<usize>,
    /// `Allow`, `Deny`, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) says: Option<String>,
    pub(crate) statements: Vec<StoredStatement>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredStatement {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sid: Option<String>,
    /// `A` or `D`, and one letter for the outcome: `m` matched, with how (`a` account, `r` role, `d` direct) behind it;
    /// `p` other principals, `a` other actions, `r` other resources, `v` a variable without a value, `c` a condition.
    #[serde(rename = "is")]
    pub(crate) code: String,
    /// The variable, or the condition's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operator: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) expected: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) actual: Vec<String>,
}

impl Trace {
    pub(crate) fn of(ctx: &Ctx, verdict: &Verdict) -> Self {
        let request = verdict.request();
        let decision = verdict.decision();
        let statement = decision.reason.statement.as_ref();
        let session = ctx.principal().session_policies().filter(|_| !verdict.allowed());
        Self {
            caller: StoredCaller::of(request.caller()),
            source_ip: ctx.source_ip().map(|address| address.to_canonical().to_string()),
            user_agent: ctx.user_agent().map(str::to_owned),
            owner: request.resource_account().map(|account| account.as_str().to_owned()),
            canonical_user: request.canonical_user().map(str::to_owned),
            context: request.context().iter().map(|(name, values)| (name.to_owned(), values.to_vec())).collect(),
            encryption_context: request.encryption_context().clone(),
            beyond: verdict.beyond().map(str::to_owned),
            session: session.map(|policies| policies.iter().map(kept).collect()),
            message: verdict.denial().map(|error| error.message),
            reason: StoredReason {
                policy_type: code(decision.reason.policy_type).to_owned(),
                explicit: decision.reason.explicit,
                policy: statement.map(|statement| statement.policy.to_string()),
                statement: statement.map(|statement| statement.index),
            },
            policies: decision.trace.iter().map(StoredPolicy::of).collect(),
        }
    }

    /// What the resource's account may see of a request of another account: who asked for what and from where, and what
    /// the resource's own policy says of it.
    pub(crate) fn for_owner(&self) -> Self {
        let is_own = |code: &str| ["resource", "trust", "grant"].contains(&code);
        let mut trace = self.clone();
        trace.caller.forget_tags();
        trace.context.retain(|name, _| !name.starts_with("aws:principaltag/"));
        trace.session = None;
        trace.policies.retain(|policy| is_own(&policy.policy_type));
        if !is_own(&trace.reason.policy_type) || trace.beyond.is_some() {
            trace.reason = StoredReason { policy_type: "other".into(), explicit: false, policy: None, statement: None };
            trace.message = None;
            trace.beyond = None;
        }
        trace
    }

    pub(crate) fn to_text(&self) -> String {
        // Maps with text keys and plain structs cannot fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// `None` for entries of a version that kept none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The request, to be decided again.
    pub(crate) fn request(&self, action: &str, resource: &str) -> Option<Request> {
        let mut builder = Request::builder(self.caller.caller()?, action, resource);
        if let Some(owner) = self.owner.as_ref().and_then(|owner| owner.parse().ok()) {
            builder = builder.resource_account(owner);
        }
        if let Some(id) = &self.canonical_user {
            builder = builder.canonical_user(id);
        }
        let mut context = Context::default();
        self.context.iter().for_each(|(name, values)| context.insert(name, values.clone()));
        Some(builder.build().with_context(context, self.encryption_context.clone()))
    }

    /// The session's policies.
    pub(crate) fn session_policies(&self) -> Option<Vec<Attached>> {
        let read = |(id, text): &(String, String)| {
            let document = Document::parse(Kind::Session, text).ok()?;
            Some(Attached { id: id.as_str().into(), document: Arc::new(document) })
        };
        Some(self.session.as_ref()?.iter().filter_map(read).collect())
    }
}

fn kept(attached: &Attached) -> (String, String) {
    (attached.id.to_string(), attached.document.text().to_owned())
}

impl StoredCaller {
    pub(crate) fn of(caller: &Caller) -> Self {
        match caller {
            Caller::Root { account } => Self::Root { account: account.as_str().to_owned() },
            Caller::User(user) => Self::User {
                account: user.account.as_str().to_owned(),
                id: user.id.clone(),
                name: user.name.clone(),
                path: user.path.clone(),
                tags: user.tags.clone(),
            },
            Caller::Role(session) => Self::Role {
                account: session.account.as_str().to_owned(),
                id: session.role_id.clone(),
                name: session.role_name.clone(),
                path: session.path.clone(),
                session: session.session_name.clone(),
                tags: session.tags.clone(),
                linked: session.service_linked,
            },
            Caller::Service { name } => Self::Service { name: name.clone() },
            Caller::Federated { provider } => Self::Federated { provider: provider.clone() },
            Caller::Anonymous => Self::Anonymous,
        }
    }

    /// `None` where the account is none, which is never written.
    pub(crate) fn caller(&self) -> Option<Caller> {
        Some(match self.clone() {
            Self::Root { account } => Caller::Root { account: account.parse().ok()? },
            Self::User { account, id, name, path, tags } => {
                Caller::User(User { account: account.parse().ok()?, id, name, path, tags })
            }
            Self::Role { account, id, name, path, session, tags, linked } => Caller::Role(RoleSession {
                account: account.parse().ok()?,
                role_id: id,
                role_name: name,
                path,
                session_name: session,
                tags,
                service_linked: linked,
            }),
            Self::Service { name } => Caller::Service { name },
            Self::Federated { provider } => Caller::Federated { provider },
            Self::Anonymous => Caller::Anonymous,
        })
    }

    fn forget_tags(&mut self) {
        if let Self::User { tags, .. } | Self::Role { tags, .. } = self {
            tags.clear();
        }
    }
}

impl StoredPolicy {
    fn of(trace: &PolicyTrace) -> Self {
        Self {
            policy_type: code(trace.policy_type).to_owned(),
            policy: trace.policy.to_string(),
            level: trace.level,
            says: trace.verdict.map(|effect| effect.name().to_owned()),
            statements: trace.statements.iter().map(StoredStatement::of).collect(),
        }
    }
}

impl StoredStatement {
    fn of(trace: &StatementTrace) -> Self {
        let mut stored = Self {
            sid: trace.sid.as_ref().map(ToString::to_string),
            code: if trace.effect == Effect::Allow { "A".to_owned() } else { "D".to_owned() },
            key: None,
            operator: None,
            expected: Vec::new(),
            actual: Vec::new(),
        };
        let outcome = match &trace.outcome {
            Outcome::Matched(None) => "m",
            Outcome::Matched(Some(Coverage::Account)) => "ma",
            Outcome::Matched(Some(Coverage::Role)) => "mr",
            Outcome::Matched(Some(Coverage::Direct)) => "md",
            Outcome::OtherPrincipal => "p",
            Outcome::OtherAction => "a",
            Outcome::OtherResource => "r",
            Outcome::MissingVariable(key) => {
                stored.key = Some(key.to_string());
                "v"
            }
            Outcome::ConditionFailed(failed) => {
                stored.condition(failed);
                "c"
            }
        };
        stored.code.push_str(outcome);
        stored
    }

    fn condition(&mut self, failed: &FailedCondition) {
        self.key = Some(failed.key.to_string());
        self.operator = Some(failed.operator.to_string());
        self.expected = failed.expected.iter().map(ToString::to_string).collect();
        self.actual = failed.actual.clone();
    }
}

const CODES: [(PolicyType, &str); 8] = [
    (PolicyType::ServiceControl, "service_control"),
    (PolicyType::Resource, "resource"),
    (PolicyType::Trust, "trust"),
    (PolicyType::Identity, "identity"),
    (PolicyType::Boundary, "boundary"),
    (PolicyType::Session, "session"),
    (PolicyType::Grant, "grant"),
    (PolicyType::RootUser, "root_user"),
];

/// The name of a type in traces.
pub(crate) fn code(policy_type: PolicyType) -> &'static str {
    CODES.iter().find(|(known, _)| *known == policy_type).map_or("other", |(_, code)| code)
}

/// The type of a name in traces.
pub(crate) fn policy_type(code: &str) -> Option<PolicyType> {
    CODES.iter().find(|(_, known)| *known == code).map(|(policy_type, _)| *policy_type)
}

/// The access key that proved who asks, where one did.
pub(crate) fn access_key_id(credential: &Credential) -> Option<&str> {
    match credential {
        Credential::AccessKey { id } | Credential::Session { id } => Some(id),
        Credential::Console { access_key_id } => Some(access_key_id),
        Credential::ApiKey { .. } | Credential::Nothing | Credential::Internal => None,
    }
}
