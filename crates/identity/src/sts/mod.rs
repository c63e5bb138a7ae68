//! Sessions of roles: assuming roles, for callers and for services, and what else STS tells of credentials.

mod assume_role;
mod authorization_message;
mod key_info;
mod service;
mod session_policies;
mod session_tags;
mod sessions;
pub(crate) mod store;
mod web_identity;

pub use assume_role::{AssumedRole, RoleAssumption};
pub use service::ServiceAssumption;
pub use web_identity::{WebIdentityAssumption, WebIdentitySession};

pub(crate) use sessions::job_session;
pub(crate) use web_identity::{HINT, IssuerKeys, Issuers, Reach};
