//! Who asks. The caller of the engine resolves a user's groups at each query, since group memberships belong to whoever
//! keeps the users: leaving a group then takes effect without a change to any index.

use std::collections::{BTreeMap, BTreeSet};

/// Who asks: a user, the groups that the user is in, directly or through others, or nobody in particular.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user; without one only public documents and those of the groups are seen.
    pub user: Option<String>,
    /// Every group that the user is in, nested ones resolved.
    pub groups: BTreeSet<String>,
}

impl Caller {
    /// Nobody in particular, who sees what is public.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A user in no group.
    #[must_use]
    pub fn user(user: impl Into<String>) -> Self {
        Self { user: Some(user.into()), groups: BTreeSet::new() }
    }
}

/// Memberships of users in groups and of groups in groups.
#[derive(Debug, Clone, Default)]
pub struct Groups {
    users: BTreeMap<String, BTreeSet<String>>,
    groups: BTreeMap<String, BTreeSet<String>>,
}

impl Groups {
    /// Puts a user into a group.
    pub fn add_user(&mut self, user: &str, group: &str) {
        self.users.entry(user.to_owned()).or_default().insert(group.to_owned());
    }

    /// Puts a group into another: its members are members of `parent`.
    pub fn add_group(&mut self, group: &str, parent: &str) {
        self.groups.entry(group.to_owned()).or_default().insert(parent.to_owned());
    }

    /// The user with every group that they are in, directly or through others. Groups may contain each other.
    #[must_use]
    pub fn resolve(&self, user: &str) -> Caller {
        let mut found = BTreeSet::new();
        let mut open: Vec<&String> = self.users.get(user).into_iter().flatten().collect();
        while let Some(group) = open.pop() {
            if found.insert(group.clone()) {
                open.extend(self.groups.get(group).into_iter().flatten());
            }
        }
        Caller { user: Some(user.to_owned()), groups: found }
    }
}
