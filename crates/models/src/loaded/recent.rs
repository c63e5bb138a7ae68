//! How soon the latest answers of a loaded model began.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::status::{Percentiles, RecentAnswers};

/// Answers that are older are not counted.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);
/// The most answers that are kept.
const KEPT: usize = 1024;

/// The latest answers.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    answers: VecDeque<Answer>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    at: Instant,
    queued: Duration,
    first_token: Duration,
    tokens: u32,
}

impl Recent {
    /// Notes an answer of so many tokens that was complete at `at`, had waited for `queued` and began after `first_token`.
    pub(crate) fn note(&mut self, at: Instant, queued: Duration, first_token: Duration, tokens: u32) {
        if self.answers.len() == KEPT {
            self.answers.pop_front();
        }
        self.answers.push_back(Answer { at, queued, first_token, tokens });
    }

    /// What they say at `now`; none where there is no answer.
    pub(crate) fn summary(&self, now: Instant) -> Option<RecentAnswers> {
        let is_recent = |answer: &&Answer| now.saturating_duration_since(answer.at) <= WINDOW;
        let recent: Vec<&Answer> = self.answers.iter().filter(is_recent).collect();
        let oldest = recent.first()?.at;
        // Where more were complete than are kept, those that are kept cover less time.
        let covered = if recent.len() == KEPT { now.saturating_duration_since(oldest) } else { WINDOW };
        let tokens: f64 = recent.iter().map(|answer| f64::from(answer.tokens)).sum();
        Some(RecentAnswers {
            answers: recent.len(),
            window: WINDOW,
            queued: percentiles(recent.iter().map(|answer| answer.queued)),
            first_token: percentiles(recent.iter().map(|answer| answer.first_token)),
            tokens_per_second: tokens / covered.as_secs_f64().max(1.0),
        })
    }
}

/// The nearest ranks of a sample.
fn percentiles(sample: impl Iterator<Item = Duration>) -> Percentiles {
    let mut sorted: Vec<Duration> = sample.collect();
    sorted.sort_unstable();
    let rank = |percent: usize| {
        let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(at).copied().unwrap_or_default()
    };
    Percentiles { p50: rank(50), p95: rank(95) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn percentiles_are_nearest_ranks() {
        let of = |counts: &[u64]| percentiles(counts.iter().map(|count| millis(*count)));
        assert_eq!(of(&[7]), Percentiles { p50: millis(7), p95: millis(7) });
        assert_eq!(of(&[4, 1, 3, 2]), Percentiles { p50: millis(2), p95: millis(4) });
        let hundred: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(of(&hundred), Percentiles { p50: millis(50), p95: millis(95) });
    }

    #[test]
    fn what_is_older_than_the_window_is_not_counted() {
        let begin = Instant::now();
        let mut recent = Recent::default();
        assert_eq!(recent.summary(begin), None);
        recent.note(begin, millis(900), millis(1000), 600);
        recent.note(begin + millis(1000), millis(1), millis(10), 300);
        let both = recent.summary(begin + WINDOW).unwrap();
        assert_eq!((both.answers, both.first_token.p95), (2, millis(1000)));
        assert!((both.tokens_per_second - 3.0).abs() < 1e-9, "900 tokens in 300 s: {}", both.tokens_per_second);
        let later = recent.summary(begin + WINDOW + millis(1)).unwrap();
        assert_eq!((later.answers, later.queued.p95, later.first_token.p50), (1, millis(1), millis(10)));
        assert_eq!(recent.summary(begin + WINDOW + millis(2000)), None);
    }

    #[test]
    fn no_more_answers_are_kept_than_may_be() {
        let begin = Instant::now();
        let mut recent = Recent::default();
        for count in 0..2 * KEPT as u64 {
            recent.note(begin + millis(count), millis(count), millis(count), 1);
        }
        let summary = recent.summary(begin + millis(2 * KEPT as u64)).unwrap();
        assert_eq!((summary.answers, summary.queued.p50), (KEPT, millis(KEPT as u64 + KEPT as u64 / 2 - 1)));
        assert!(summary.tokens_per_second > 900.0, "{}", summary.tokens_per_second);
    }
}
