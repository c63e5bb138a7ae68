//! Choosing the best, so that equal scores have one order: that of the keys.

use std::cmp::Ordering;

/// A document and its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scored<Id> {
    pub(crate) id: Id,
    pub(crate) score: f64,
}

/// The `limit` best of `all`, best first; of equal scores the smaller key first.
pub(crate) fn best<Id: Copy, K: Ord>(mut all: Vec<Scored<Id>>, limit: usize, key: impl Fn(Id) -> K) -> Vec<Scored<Id>> {
    let order = |a: &Scored<Id>, b: &Scored<Id>| -> Ordering {
        b.score.total_cmp(&a.score).then_with(|| key(a.id).cmp(&key(b.id)))
    };
    if limit == 0 {
        return Vec::new();
    }
    if all.len() > limit {
        all.select_nth_unstable_by(limit - 1, order);
        all.truncate(limit);
    }
    all.sort_unstable_by(order);
    all
}
