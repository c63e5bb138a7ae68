//! What IAM keeps of an account: managed policies, roles, groups, what is attached to whom.

pub mod account;
pub mod attachments;
pub(crate) mod aws_managed;
pub(crate) mod boundaries;
pub mod credential_reports;
mod errors;
pub mod groups;
pub(crate) mod holder;
pub(crate) mod inline_policies;
pub mod instance_profiles;
mod names;
pub mod oidc_providers;
pub mod policies;
pub(crate) mod principals;
pub mod roles;
pub mod signing_certificates;
pub(crate) mod store;
pub mod tags;

pub(crate) use errors::{delete_conflict, no_such_user, quota_exceeded, user_exists};
pub use holder::{HolderKind, HolderName};
pub(crate) use names::check_name;
pub use principals::PrincipalIds;
