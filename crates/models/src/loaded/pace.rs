//! What came of a loaded model: the memory that it took, and the speeds of prompts and answers that had it to themselves.

use std::collections::VecDeque;
use std::sync::PoisonError;

use inference::{Finish, LoadOptions};

use super::room::taken_by;
use super::{Entry, Pool, Slot, idle};

/// The most speeds that are kept of each kind.
const KEPT: usize = 32;
/// A prompt of fewer new tokens says little of the speed of reading.
const LEAST_PROMPT: u32 = 64;
/// An answer of fewer tokens says little of the speed of writing.
const LEAST_ANSWER: u32 = 16;

/// What came of a model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pace {
    /// How it was loaded.
    pub(crate) options: LoadOptions,
    /// The memory that the process took more when it had been loaded, in bytes.
    pub(crate) memory_bytes: Option<u64>,
    /// The median speed of reading prompts, in tokens a second, and their median length.
    pub(crate) prefill: Option<(f64, u32)>,
    /// The median speed of writing answers, in tokens a second, and how far they were into their sequences.
    pub(crate) decode: Option<(f64, u32)>,
    /// How many speeds it knows.
    samples: usize,
}

impl Slot {
    /// Whether it answers for a variant of an endpoint.
    fn is_deployed(&self) -> bool {
        self.key.starts_with("arn:aws:sagemaker:")
    }

    fn pace(&self) -> Pace {
        let paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        Pace {
            options: self.options.clone(),
            memory_bytes: self.grown.filter(|bytes| *bytes > 0),
            prefill: paces.prefill(),
            decode: paces.decode(),
            samples: paces.prefill.len() + paces.decode.len(),
        }
    }
}

impl Pool {
    /// What came of a model of the library, where it is in memory: by itself, or deployed to an endpoint, where more is
    /// known of that.
    pub(crate) fn pace(&self, name: &str) -> Option<Pace> {
        let entries = self.shared.lock();
        let its = entries.values().filter_map(|entry| match entry {
            Entry::Ready(slot) if slot.key == name => Some(slot),
            Entry::Ready(slot) if slot.name == name && slot.is_deployed() && slot.taken.is_mapped() => Some(slot),
            _ => None,
        });
        its.map(|slot| slot.pace()).max_by_key(|pace| (pace.samples, pace.memory_bytes.is_some()))
    }

    /// What came of the model that is in memory under a key.
    pub(crate) fn pace_of(&self, key: &str) -> Option<Pace> {
        match self.shared.lock().get(key) {
            Some(Entry::Ready(slot)) => Some(slot.pace()),
            _ => None,
        }
    }

    /// What models may take, without what other models that are in use take.
    pub(crate) fn room_beside_those_in_use(&self, name: &str) -> u64 {
        let entries = self.shared.lock();
        let stays = |entry: &&Entry| match entry {
            Entry::Ready(slot) => !idle(slot),
            Entry::Loading { .. } | Entry::Leaving => true,
        };
        let others = entries.iter().filter(|(other, _)| *other != name).map(|(_, entry)| entry);
        self.shared.budget.saturating_sub(taken_by(others.filter(stays), &self.shared.draining()))
    }
}

/// The latest speeds: tokens a second, and tokens.
#[derive(Debug, Default)]
pub(super) struct Paces {
    prefill: VecDeque<(f64, u32)>,
    decode: VecDeque<(f64, u32)>,
}

impl Paces {
    /// Notes an answer that had the model to itself.
    pub(super) fn note(&mut self, finish: &Finish) {
        let (usage, timing) = (finish.usage, finish.timing);
        let read = usage.prompt_tokens.saturating_sub(usage.cached_tokens);
        if read >= LEAST_PROMPT && !timing.prefill.is_zero() {
            keep(&mut self.prefill, (f64::from(read) / timing.prefill.as_secs_f64(), read));
        }
        let written = usage.completion_tokens;
        if written >= LEAST_ANSWER && !timing.decode.is_zero() {
            let depth = usage.prompt_tokens + written / 2;
            keep(&mut self.decode, (f64::from(written - 1) / timing.decode.as_secs_f64(), depth));
        }
    }

    pub(super) fn prefill(&self) -> Option<(f64, u32)> {
        median(&self.prefill)
    }

    pub(super) fn decode(&self) -> Option<(f64, u32)> {
        median(&self.decode)
    }
}

fn keep(speeds: &mut VecDeque<(f64, u32)>, one: (f64, u32)) {
    if speeds.len() == KEPT {
        speeds.pop_front();
    }
    speeds.push_back(one);
}

/// The one in the middle by speed.
fn median(speeds: &VecDeque<(f64, u32)>) -> Option<(f64, u32)> {
    let mut sorted: Vec<(f64, u32)> = speeds.iter().copied().collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    sorted.get(sorted.len() / 2).copied()
}

/// The memory of this process that is in use, mapped files included, in bytes; none where the system does not tell.
pub(super) fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use inference::{StopReason, Timing, Usage};

    use super::*;

    fn finish(prompt: u32, cached: u32, written: u32, millis: u64) -> Finish {
        let time = Duration::from_millis(millis);
        Finish {
            reason: StopReason::EndOfTurn,
            usage: Usage {
                prompt_tokens: prompt,
                cached_tokens: cached,
                completion_tokens: written,
                ..Usage::default()
            },
            timing: Timing { prefill: time, decode: time, ..Timing::default() },
        }
    }

    #[test]
    fn the_speed_is_the_median_of_what_was_read_and_written_anew() {
        let mut paces = Paces::default();
        for millis in [1000, 4000, 2000] {
            paces.note(&finish(150, 50, 21, millis));
        }
        assert_eq!(paces.prefill(), Some((50.0, 100)));
        assert_eq!(paces.decode(), Some((10.0, 160)));
    }

    #[test]
    fn short_prompts_and_answers_say_nothing() {
        let mut paces = Paces::default();
        paces.note(&finish(100, 90, 3, 1000));
        assert_eq!((paces.prefill(), paces.decode()), (None, None));
    }

    #[test]
    fn only_the_latest_count() {
        let mut paces = Paces::default();
        for _ in 0..KEPT {
            paces.note(&finish(100, 0, 21, 1000));
        }
        for _ in 0..KEPT {
            paces.note(&finish(100, 0, 21, 500));
        }
        assert_eq!(paces.prefill(), Some((200.0, 100)));
    }
}
