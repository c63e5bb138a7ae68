//! Accounts, principals, access keys, sessions and authorisation; makes the request context.
//!
//! A request is authenticated by [`Identity::signing_key`] and [`Identity::authenticate`] (signatures),
//! [`Identity::bearer`] (API keys) or [`Identity::console_session`] (the console's cookie). Each gives a [`Ctx`], which
//! [`Identity::permit`] then checks against the operation's action and resource. What policies allow is computed by
//! [`policy`].

mod accounts;
mod ask;
mod audit;
mod authentication;
mod authorization;
mod cache;
mod cipher;
mod codes;
mod credentials;
mod ctx;
mod explain;
mod first_start;
pub mod iam;
mod internal;
mod keyring;
pub mod kms;
mod open;
pub mod organizations;
pub mod policy;
mod policy_check;
mod principal;
mod removals;
mod resources;
mod rights;
mod root_key;
mod sealing;
pub mod secrets;
mod sign_in_limit;
mod simulate;
mod store;
pub mod sts;
mod users;
mod who_can;

pub use accounts::Account;
pub use ask::Ask;
pub use audit::{AuditEntry, AuditLookup, Decision, EventDetails, LookupAttribute};
pub use authentication::{EXPIRED_TOKEN, INVALID_TOKEN, ProvenKey, SessionFacts, SigningKey};
pub use authorization::{Access, Verdict};
pub use credentials::access_keys::{AccessKey, LastUse, NewAccessKey, Status};
pub use credentials::api_keys::{ApiKey, NewApiKey, Surface};
pub use credentials::console::{ConsoleSession, SignedIn};
pub use credentials::sessions::SessionCredentials;
pub use ctx::{Credential, Ctx, Origin};
pub use explain::{
    Allowed, Change, Consulted, ConsultedStatement, DeniedBy, Explanation, Finding, Mistake, OtherSide, Side,
};
pub use first_start::{AdminCredentials, RootCredentials};
pub use internal::JobOwner;
pub use keyring::Keyring;
pub use open::{Defaults, Identity, MODULES};
pub use policy_check::PolicyFinding;
pub use principal::{Principal, RoleSession};
pub use removals::Removal;
pub use resources::{Found, ResourceFacts, ResourceLookup};
pub use root_key::RootKey;
pub use sealing::{NewRootKey, rotate_root_key};
pub use simulate::{EvalDecision, Excluded, MatchedStatement, Simulated, Simulation};
pub use users::{NewUser, Tag, User};
pub use who_can::{Through, Who, WhoCan, WhoKind};

#[cfg(test)]
mod tests;
