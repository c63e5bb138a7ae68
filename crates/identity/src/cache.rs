//! A bounded cache of facts read from the database.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use base::Timestamp;

/// How long a fact may be used before it is read again, in milliseconds. This bounds how late a process learns of what
/// another process that shares its database revoked; within one process [`Cache::clear`] makes it immediate.
pub(crate) const TIME_TO_LIVE: i64 = 5_000;

/// The most facts kept.
const CAPACITY: usize = 10_000;

/// Facts by key, each at most [`TIME_TO_LIVE`] old.
pub(crate) struct Cache<V> {
    state: RwLock<State<V>>,
}

struct State<V> {
    generation: Generation,
    entries: HashMap<String, Entry<V>>,
}

struct Entry<V> {
    value: Arc<V>,
    loaded: Timestamp,
}

/// Counts the times a cache was cleared. What was read from the database in an older generation may be stale.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Generation(u64);

impl<V> Cache<V> {
    pub(crate) fn new() -> Self {
        Self { state: RwLock::new(State { generation: Generation(0), entries: HashMap::new() }) }
    }

    /// The fact of `key`, if it is kept and fresh.
    pub(crate) fn get(&self, key: &str, now: Timestamp) -> Option<Arc<V>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        state.entries.get(key).filter(|entry| entry.is_fresh(now)).map(|entry| Arc::clone(&entry.value))
    }

    /// The present generation: to be taken before the database is read.
    pub(crate) fn generation(&self) -> Generation {
        self.state.read().unwrap_or_else(PoisonError::into_inner).generation
    }

    /// Keeps `value`, which was read in `read_in`, unless the cache was cleared since: then it may be stale.
    pub(crate) fn insert(&self, read_in: Generation, key: &str, value: Arc<V>, now: Timestamp) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.generation != read_in {
            return;
        }
        if state.entries.len() >= CAPACITY {
            state.entries.retain(|_, entry| entry.is_fresh(now));
        }
        if state.entries.len() >= CAPACITY {
            state.entries.clear();
        }
        state.entries.insert(key.to_owned(), Entry { value, loaded: now });
    }

    /// Forgets everything. To be called after each committed write that a kept fact may contradict.
    pub(crate) fn clear(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        state.generation = Generation(state.generation.0.wrapping_add(1));
        state.entries.clear();
    }
}

impl<V> Entry<V> {
    fn is_fresh(&self, now: Timestamp) -> bool {
        (0..TIME_TO_LIVE).contains(&now.as_millis().saturating_sub(self.loaded.as_millis()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_age() {
        let cache = Cache::new();
        cache.insert(cache.generation(), "a", Arc::new(1), Timestamp(1_000));
        assert_eq!(cache.get("a", Timestamp(1_000 + TIME_TO_LIVE - 1)).as_deref(), Some(&1));
        assert!(cache.get("a", Timestamp(1_000 + TIME_TO_LIVE)).is_none());
        assert!(cache.get("a", Timestamp(999)).is_none(), "the clock went back");
    }

    #[test]
    fn what_was_read_before_a_clear_is_not_kept() {
        let cache = Cache::new();
        let before = cache.generation();
        cache.clear();
        cache.insert(before, "a", Arc::new(1), Timestamp(0));
        assert!(cache.get("a", Timestamp(0)).is_none());
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::new();
        for i in 0..CAPACITY + 5 {
            cache.insert(cache.generation(), &i.to_string(), Arc::new(i), Timestamp(0));
        }
        assert!(cache.state.read().unwrap().entries.len() <= CAPACITY);
        assert!(cache.get(&(CAPACITY + 4).to_string(), Timestamp(0)).is_some());
    }
}
