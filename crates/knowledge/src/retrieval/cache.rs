//! The vectors of the latest queries.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// How many are kept.
const MOST: usize = 1_024;
/// Longer queries are not kept.
const LONGEST: usize = 4 << 10;

/// The vectors of the latest queries, by model and text. A vector tells nobody who asked: it is a function of the two.
#[derive(Default)]
pub(crate) struct Vectors(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    vectors: HashMap<(String, String), Arc<[f32]>>,
    /// The oldest first.
    order: VecDeque<(String, String)>,
}

impl Vectors {
    pub(crate) fn get(&self, fingerprint: &str, text: &str) -> Option<Arc<[f32]>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.vectors.get(&(fingerprint.to_owned(), text.to_owned())).cloned()
    }

    pub(crate) fn put(&self, fingerprint: &str, text: &str, vector: Arc<[f32]>) {
        if text.len() > LONGEST {
            return;
        }
        let key = (fingerprint.to_owned(), text.to_owned());
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.vectors.insert(key.clone(), vector).is_none() {
            kept.order.push_back(key);
        }
        if kept.order.len() > MOST
            && let Some(oldest) = kept.order.pop_front()
        {
            kept.vectors.remove(&oldest);
        }
    }
}
