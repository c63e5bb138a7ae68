//! Who holds how much of a buffer in which sequences share what they begin with.
//!
//! Each sequence holds cells of its own from where it parted from the one that it began with. When that one leaves, the
//! sequence that shares most of it inherits its cells, and the others then share with the heir.

/// The cells of a shared buffer.
#[derive(Debug)]
pub(super) struct Cells {
    capacity: usize,
    held: Vec<Option<Held>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    /// The sequence that it begins with.
    base: Option<usize>,
    /// Its first cell of its own.
    from: usize,
    /// The most tokens that it may come to.
    room: usize,
}

impl Cells {
    pub(super) fn new(capacity: usize, sequences: usize) -> Self {
        Self { capacity, held: vec![None; sequences] }
    }

    /// The cells that nobody holds or may come to hold.
    pub(super) fn free(&self) -> usize {
        let held: usize = self.held.iter().flatten().map(|held| held.room - held.from).sum();
        self.capacity.saturating_sub(held)
    }

    /// A sequence without cells that no other begins with, if there is one.
    pub(super) fn vacant(&self) -> Option<usize> {
        self.held.iter().position(Option::is_none)
    }

    /// The sequence will come to at most `room` tokens, of which the first `from` are those of `base`.
    pub(super) fn take(&mut self, sequence: usize, base: Option<(usize, usize)>, room: usize) {
        let from = base.map_or(0, |(_, from)| from);
        self.held[sequence] = Some(Held { base: base.map(|(base, _)| base), from, room: room.max(from) });
    }

    /// The sequence will not grow beyond so many tokens.
    pub(super) fn settle(&mut self, sequence: usize, tokens: usize) {
        if let Some(held) = &mut self.held[sequence] {
            held.room = held.room.min(tokens.max(held.from));
        }
    }

    /// The sequence is gone.
    pub(super) fn leave(&mut self, sequence: usize) {
        let Some(left) = self.held[sequence].take() else { return };
        let heirs = self.held.iter().enumerate();
        let heirs = heirs.filter_map(|(at, held)| Some((held.filter(|held| held.base == Some(sequence))?.from, at)));
        let Some((_, heir)) = heirs.max() else { return };
        for held in self.held.iter_mut().flatten().filter(|held| held.base == Some(sequence)) {
            held.base = Some(heir);
        }
        if let Some(held) = &mut self.held[heir] {
            (held.base, held.from) = (left.base, left.from.min(held.from));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against sequences that name every cell they hold.
        #[test]
        fn the_cells_held_are_those_of_a_full_account(
            operations in prop::collection::vec((0usize..6, 0usize..6, 0usize..20, 0usize..20), 1..80)
        ) {
            let mut cells = Cells::new(200, 6);
            let mut lists: Vec<Option<Vec<usize>>> = vec![None; 6];
            let mut next = 0;
            for (sequence, other, shared, more) in operations {
                if lists[sequence].is_some() {
                    cells.leave(sequence);
                    lists[sequence] = None;
                } else {
                    let base = lists[other].clone().filter(|_| other != sequence);
                    let begin: Vec<usize> = base.clone().unwrap_or_default().into_iter().take(shared).collect();
                    cells.take(sequence, base.map(|_| (other, begin.len())), begin.len() + more);
                    let own: Vec<usize> = (next..next + more).collect();
                    next += more;
                    lists[sequence] = Some([begin, own].concat());
                }
                let mut all: Vec<usize> = lists.iter().flatten().flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                prop_assert_eq!(cells.free(), 200usize.saturating_sub(all.len()));
            }
        }
    }
}
