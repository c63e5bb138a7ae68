//! Runs of units that fill chunks.

use std::ops::Range;

use super::units::Unit;

/// How large a chunk may be, and how much of it the next one repeats, in tokens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max: usize,
    pub(super) overlap: usize,
}

/// Fills chunks one after the other with as many units as fit. Each begins with the last units of the one before that
/// are within the overlap, unless a page ends between them. No unit has more than `max` tokens.
pub(super) fn pack(units: &[Unit], limits: Limits) -> Vec<Range<usize>> {
    let (mut runs, mut start) = (Vec::new(), 0);
    while start < units.len() {
        let end = fill(units, start, limits.max);
        runs.push(start..end);
        start = if end < units.len() { next_start(units, start, end, limits) } else { end };
    }
    runs
}

/// Where a chunk that begins with the unit `start` ends.
fn fill(units: &[Unit], start: usize, max: usize) -> usize {
    let (mut end, mut tokens) = (start + 1, units[start].tokens);
    while end < units.len() && units[end].page == units[start].page && tokens + units[end].tokens <= max {
        tokens += units[end].tokens;
        end += 1;
    }
    end
}

/// Where the chunk after `start..end` begins: so far back as the overlap reaches and leaves room for the next unit.
fn next_start(units: &[Unit], start: usize, end: usize, limits: Limits) -> usize {
    if units[end].page != units[end - 1].page {
        return end;
    }
    let room = limits.overlap.min(limits.max.saturating_sub(units[end].tokens));
    let (mut next, mut repeated) = (end, 0);
    while next > start + 1 && repeated + units[next - 1].tokens <= room {
        next -= 1;
        repeated += units[next].tokens;
    }
    next
}
