//! Stages: the names that move from version to version.

use std::collections::{BTreeMap, BTreeSet};

use super::error::{Code, Error, Result};

/// The version that is given to who asks for none in particular.
pub const CURRENT: &str = "AWSCURRENT";
/// The version that was current before.
pub const PREVIOUS: &str = "AWSPREVIOUS";
/// The version that a rotation is about to make current.
pub const PENDING: &str = "AWSPENDING";

/// The most stages of one version, as in AWS.
const MOST_STAGES: usize = 20;

/// Which version each stage is on.
pub(super) type Stages = BTreeMap<String, String>;

/// Puts `stages` on `version`, which takes them from others: the version that was current becomes the previous one.
/// The first version of a secret is current, whatever is asked.
pub(super) fn put(now: &Stages, version: &str, stages: &BTreeSet<String>) -> Result<Stages> {
    let mut after = now.clone();
    for stage in stages {
        attach(&mut after, stage, version);
    }
    if !after.contains_key(CURRENT) {
        after.insert(CURRENT.to_owned(), version.to_owned());
    }
    if after.values().filter(|on| *on == version).count() > MOST_STAGES {
        return Err(Error::new(Code::LimitExceeded, format!("A version has at most {MOST_STAGES} staging labels.")));
    }
    Ok(after)
}

fn attach(stages: &mut Stages, stage: &str, version: &str) {
    let before = stages.insert(stage.to_owned(), version.to_owned());
    if let Some(before) = before.filter(|before| stage == CURRENT && before != version) {
        stages.insert(PREVIOUS.to_owned(), before);
    }
}

/// Moves `stage` from the version `from`, which must have it, to the version `to`; takes it away where there is none.
pub(super) fn move_stage(now: &Stages, stage: &str, from: Option<&str>, to: Option<&str>) -> Result<Stages> {
    let holder = now.get(stage).map(String::as_str);
    match (from, holder) {
        (Some(from), holder) if holder != Some(from) => {
            return Err(Error::new(
                Code::InvalidParameter,
                format!("Version stage {stage} not found in version {from}"),
            ));
        }
        (None, Some(holder)) if to != Some(holder) => {
            return Err(Error::new(
                Code::InvalidParameter,
                format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                     version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                ),
            ));
        }
        _ => {}
    }
    let Some(to) = to else {
        if stage == CURRENT {
            return Err(Error::new(
                Code::InvalidParameter,
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely \
                 removed.",
            ));
        }
        let mut after = now.clone();
        after.remove(stage);
        return Ok(after);
    };
    put(now, to, &BTreeSet::from([stage.to_owned()]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stages(pairs: &[(&str, &str)]) -> Stages {
        pairs.iter().map(|(stage, version)| ((*stage).to_owned(), (*version).to_owned())).collect()
    }

    fn names(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_first_version_is_current_whatever_is_asked() {
        let after = put(&Stages::new(), "v1", &names(&["MINE"])).unwrap();
        assert_eq!(after, stages(&[("AWSCURRENT", "v1"), ("MINE", "v1")]));
    }

    #[test]
    fn what_was_current_becomes_the_previous_one() {
        let one = stages(&[(CURRENT, "v1")]);
        let two = put(&one, "v2", &names(&[CURRENT])).unwrap();
        assert_eq!(two, stages(&[(CURRENT, "v2"), (PREVIOUS, "v1")]));
        let three = put(&two, "v3", &names(&[CURRENT])).unwrap();
        assert_eq!(three, stages(&[(CURRENT, "v3"), (PREVIOUS, "v2")]));
    }

    #[test]
    fn a_pending_version_leaves_the_current_one_alone() {
        let after = put(&stages(&[(CURRENT, "v1")]), "v2", &names(&[PENDING])).unwrap();
        assert_eq!(after, stages(&[(CURRENT, "v1"), (PENDING, "v2")]));
        let moved = move_stage(&after, CURRENT, Some("v1"), Some("v2")).unwrap();
        assert_eq!(moved, stages(&[(CURRENT, "v2"), (PENDING, "v2"), (PREVIOUS, "v1")]));
    }

    #[test]
    fn a_stage_is_moved_only_from_where_it_is() {
        let now = stages(&[(CURRENT, "v1"), ("MINE", "v1")]);
        let refused = |stage, from, to| move_stage(&now, stage, from, to).unwrap_err().code;
        assert_eq!(refused("MINE", None, Some("v2")), Code::InvalidParameter);
        assert_eq!(refused("MINE", Some("v2"), Some("v1")), Code::InvalidParameter);
        assert_eq!(refused(CURRENT, Some("v1"), None), Code::InvalidParameter);
        assert_eq!(refused("OTHER", Some("v1"), None), Code::InvalidParameter);
        assert_eq!(move_stage(&now, "MINE", Some("v1"), None).unwrap(), stages(&[(CURRENT, "v1")]));
        assert_eq!(move_stage(&now, "NEW", None, Some("v1")).unwrap().len(), 3);
    }

    #[test]
    fn stages_of_one_version_are_limited() {
        let many: BTreeSet<String> = (0..20).map(|i| format!("S{i}")).collect();
        assert_eq!(put(&stages(&[(CURRENT, "v1")]), "v2", &many).unwrap().len(), 21);
        assert_eq!(put(&Stages::new(), "v1", &many).unwrap_err().code, Code::LimitExceeded);
    }

    proptest! {
        #[test]
        fn there_is_always_one_current_version(puts in proptest::collection::vec((0..4u8, 0..4u8), 1..12)) {
            let labels = [CURRENT, PENDING, PREVIOUS, "MINE"];
            let mut now = Stages::new();
            for (version, label) in puts {
                let before = now.get(CURRENT).cloned();
                let version = format!("v{version}");
                now = put(&now, &version, &names(&[labels[usize::from(label)]])).unwrap();
                let current = now.get(CURRENT).cloned();
                prop_assert!(current.is_some());
                if let Some(before) = before.filter(|before| Some(before) != current.as_ref()) {
                    prop_assert_eq!(now.get(PREVIOUS), Some(&before));
                }
            }
        }
    }
}
