//! Secrets: named values with versions, encrypted under keys of [`kms`](crate::kms).
//!
//! Every function takes a [`Ctx`](crate::Ctx) and checks the permission itself: the caller's policies, the secret's own
//! and, for its value, the policies of the key that encrypts it.

mod access;
mod error;
mod lifecycle;
mod listing;
mod password;
mod policies;
mod seal;
mod secret;
mod stages;
pub(crate) mod store;
mod tags;
mod values;

pub use error::{Code, Error, Result};
pub use lifecycle::{Made, NewSecret, Update, check_recovery};
pub use listing::{Filter, FilterKey, ListRequest, SortBy};
pub use password::PasswordRules;
pub use policies::Validation;
pub use secret::{Secret, SecretRef, Value, Version};
pub use stages::{CURRENT, PENDING, PREVIOUS};
pub use values::{BatchFailure, Got, Put, VersionRef};

use crate::open::Identity;

/// The secrets of a deployment. Cheap to clone; made by [`Identity::secrets`].
#[derive(Clone)]
pub struct Secrets(pub(crate) Identity);

impl Identity {
    /// The secrets.
    #[must_use]
    pub fn secrets(&self) -> Secrets {
        Secrets(self.clone())
    }
}

/// The name under which KMS knows this service.
const SERVICE: &str = "secretsmanager";
