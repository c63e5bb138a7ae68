//! What llama.cpp writes down of a sequence, for contexts with another number of buffers.
//!
//! llama.cpp writes a mark and the sequence's number, the number of the context's buffers, and then for each of them how many cells the sequence has there,
//! and those cells. A sequence has cells in one buffer alone, and llama.cpp puts them into the right one when it reads
//! them; only the number of buffers must agree.

use std::borrow::Cow;

const WORD: usize = size_of::<u32>();
/// What comes before the number of buffers.
const HEAD: usize = 2 * WORD;

/// The state for a context of so many buffers; `None` where it is not of the form that is known.
pub(crate) fn adapted(state: &[u8], buffers: u32) -> Option<Cow<'_, [u8]>> {
    let theirs = word(state, HEAD)?;
    if theirs == buffers {
        return Some(Cow::Borrowed(state));
    }
    let empty = (0..theirs as usize).take_while(|at| word(state, HEAD + WORD * (1 + at)) == Some(0)).count();
    let after = (theirs as usize).checked_sub(empty + 1)?;
    let cells = state.get(HEAD + WORD * (1 + empty)..state.len().checked_sub(WORD * after)?)?;
    if state[state.len() - WORD * after..].iter().any(|byte| *byte != 0) {
        return None;
    }
    let mut adapted = Vec::with_capacity(HEAD + WORD * buffers as usize + cells.len());
    adapted.extend(&state[..HEAD]);
    adapted.extend(buffers.to_ne_bytes());
    adapted.extend(cells);
    adapted.resize(adapted.len() + WORD * (buffers as usize).checked_sub(1)?, 0);
    Some(Cow::Owned(adapted))
}

fn word(state: &[u8], at: usize) -> Option<u32> {
    let bytes = state.get(at..at + WORD)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(words: &[u32]) -> Vec<u8> {
        [51, 7].iter().chain(words).flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn the_cells_are_kept_and_the_empty_buffers_are_not() {
        let third_of_four = written(&[4, 0, 0, 9, 77, 78, 0]);
        assert_eq!(adapted(&third_of_four, 1).unwrap(), written(&[1, 9, 77, 78]));
        assert_eq!(adapted(&written(&[1, 9, 77, 78]), 4).unwrap(), written(&[4, 9, 77, 78, 0, 0, 0]));
        assert_eq!(adapted(&third_of_four, 4).unwrap(), third_of_four);
    }

    #[test]
    fn what_has_another_form_is_refused() {
        assert_eq!(adapted(&[], 1), None);
        for words in [&[][..], &[4, 0, 0, 0, 0], &[4, 9, 77, 78, 0, 0, 1], &[4, 9]] {
            assert_eq!(adapted(&written(words), 1), None, "{words:?}");
        }
    }
}
