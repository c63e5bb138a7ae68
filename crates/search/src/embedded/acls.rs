//! Permissions, each kept once however many documents share them, so that a query decides each only once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::document::Acl;
use crate::principals::Caller;

/// The distinct permissions of an index, by number.
#[derive(Default)]
pub(crate) struct Acls {
    all: Vec<(Arc<Acl>, Compiled)>,
    numbers: HashMap<Arc<Acl>, u32>,
    users: HashMap<String, u32>,
    groups: HashMap<String, u32>,
    principals: u32,
}

struct Compiled {
    public: bool,
    allowed: Box<[u32]>,
    denied: Box<[u32]>,
}

impl Acls {
    /// The number of a permission.
    pub(crate) fn number(&mut self, acl: &Acl) -> u32 {
        if let Some(number) = self.numbers.get(acl) {
            return *number;
        }
        let allowed = self.intern(acl.allowed_users.iter(), acl.allowed_groups.iter());
        let denied = self.intern(acl.denied_users.iter(), acl.denied_groups.iter());
        let number = self.all.len() as u32;
        let acl = Arc::new(acl.clone());
        self.all.push((Arc::clone(&acl), Compiled { public: acl.public, allowed, denied }));
        self.numbers.insert(acl, number);
        number
    }

    fn intern<'a>(
        &mut self,
        users: impl Iterator<Item = &'a String>,
        groups: impl Iterator<Item = &'a String>,
    ) -> Box<[u32]> {
        let Self { users: by_user, groups: by_group, principals, .. } = self;
        let mut number = |known: &mut HashMap<String, u32>, name: &String| {
            *known.entry(name.clone()).or_insert_with(|| {
                *principals += 1;
                *principals - 1
            })
        };
        let mut numbers: Vec<u32> = users.map(|user| number(by_user, user)).collect();
        numbers.extend(groups.map(|group| number(by_group, group)));
        numbers.into()
    }

    /// The permission of a number.
    pub(crate) fn get(&self, number: u32) -> &Arc<Acl> {
        &self.all[number as usize].0
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// Which of them let the caller see, by number.
    pub(crate) fn permitting(&self, caller: &Caller) -> Vec<bool> {
        let mut is_caller = vec![false; self.principals as usize];
        let user = caller.user.iter().filter_map(|user| self.users.get(user));
        let groups = caller.groups.iter().filter_map(|group| self.groups.get(group));
        user.chain(groups).for_each(|number| is_caller[*number as usize] = true);
        let any = |principals: &[u32]| principals.iter().any(|number| is_caller[*number as usize]);
        self.all.iter().map(|(_, acl)| (acl.public || any(&acl.allowed)) && !any(&acl.denied)).collect()
    }

    /// Whether the caller is permitted by the permission of a number.
    pub(crate) fn permits(&self, caller: &Caller, number: u32) -> bool {
        let user = caller.user.iter().filter_map(|user| self.users.get(user));
        let groups = caller.groups.iter().filter_map(|group| self.groups.get(group));
        let is_caller: HashSet<u32> = user.chain(groups).copied().collect();
        let any = |principals: &[u32]| principals.iter().any(|number| is_caller.contains(number));
        let acl = &self.all[number as usize].1;
        (acl.public || any(&acl.allowed)) && !any(&acl.denied)
    }
}
