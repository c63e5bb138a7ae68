//! What the models answered to a request, for its log line and the list of the latest requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use models::{ChatEvent, ChatStream, ServedBy, Stop, Timing, Usage};

/// Collects it while the answers are written. Cheap to clone: all clones are of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answered(Arc<Mutex<Option<Told>>>);

/// What is told of the answers to one request, all of them together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Told {
    /// Tokens of the prompts, cached ones included.
    pub(crate) prompt_tokens: u64,
    /// Those of them that came from the cache.
    pub(crate) cached_tokens: u64,
    /// Tokens written.
    pub(crate) output_tokens: u64,
    /// The longest wait for a sequence, in milliseconds; none where the engine tells none.
    pub(crate) queued_ms: Option<u64>,
    /// Until the first token of the first answer, in milliseconds; as `queued_ms`.
    pub(crate) first_token_ms: Option<u64>,
    /// Why the last answer ended.
    pub(crate) stop_reason: Option<&'static str>,
    /// The replica that wrote the last answer, counted from 0, where the model has several.
    pub(crate) replica: Option<u32>,
}

impl Answered {
    /// The same answer, noted when it is complete.
    pub(crate) fn watch(&self, answer: ChatStream) -> ChatStream {
        let (noted, served_by) = (self.clone(), answer.served_by().clone());
        answer.watched(move |event| {
            if let ChatEvent::Finished { reason, usage, timing } = event {
                noted.note(reason, *usage, *timing, &served_by);
            }
        })
    }

    /// Notes tokens that were read and written without an answer being generated.
    pub(crate) fn note_usage(&self, usage: Usage) {
        self.lock().get_or_insert_default().add(usage);
    }

    /// What was noted; none where no model answered.
    pub(crate) fn told(&self) -> Option<Told> {
        self.lock().clone()
    }

    fn note(&self, reason: &Stop, usage: Usage, timing: Timing, served_by: &ServedBy) {
        let mut told = self.lock();
        let told = told.get_or_insert_default();
        told.add(usage);
        // An engine that generated took some time to its first token.
        if !timing.first_token.is_zero() {
            let queued = millis(timing.queued);
            let first = millis(timing.first_token);
            if served_by.upstream.is_none() {
                told.queued_ms = Some(told.queued_ms.map_or(queued, |before| before.max(queued)));
            }
            told.first_token_ms = Some(told.first_token_ms.map_or(first, |before| before.min(first)));
        }
        told.stop_reason = Some(reason.as_str());
        told.replica = served_by.replica;
    }

    fn lock(&self) -> MutexGuard<'_, Option<Told>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn add(&mut self, usage: Usage) {
        self.prompt_tokens += u64::from(usage.input);
        self.cached_tokens += u64::from(usage.cached);
        self.output_tokens += u64::from(usage.output);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_to_one_request_are_added_up() {
        let answered = Answered::default();
        assert_eq!(answered.told(), None);
        let timing = |queued, first| Timing {
            queued: Duration::from_millis(queued),
            first_token: Duration::from_millis(first),
            ..Timing::default()
        };
        let usage = Usage { input: 10, output: 2, cached: 8, cache_written: 0 };
        let by = ServedBy { replica: Some(1), ..ServedBy::model("m", false) };
        answered.note(&Stop::Loop, usage, timing(5, 30), &by);
        answered.note(&Stop::EndTurn, usage, timing(9, 40), &by);
        let told = Told {
            prompt_tokens: 20,
            cached_tokens: 16,
            output_tokens: 4,
            queued_ms: Some(9),
            first_token_ms: Some(30),
            stop_reason: Some("end_turn"),
            replica: Some(1),
        };
        assert_eq!(answered.told(), Some(told));
    }

    #[test]
    fn an_upstream_tells_nothing_of_its_queue_and_scores_no_time_at_all() {
        let answered = Answered::default();
        answered.note_usage(Usage { input: 3, ..Usage::default() });
        let told = answered.told().unwrap();
        assert_eq!((told.prompt_tokens, told.queued_ms, told.first_token_ms), (3, None, None));
        let by = ServedBy { upstream: Some("http://u/v1".to_owned()), ..ServedBy::model("m", true) };
        let timing = Timing { first_token: Duration::from_millis(7), ..Timing::default() };
        answered.note(&Stop::EndTurn, Usage::default(), timing, &by);
        let told = answered.told().unwrap();
        assert_eq!((told.queued_ms, told.first_token_ms), (None, Some(7)));
    }
}
