//! Sets of documents by their place in the index.

/// A set of numbers below its length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    length: usize,
}

impl Bitmap {
    /// A set of those numbers below `length` for which `bit` is true.
    pub(crate) fn of(length: usize, bit: impl Fn(usize) -> bool) -> Self {
        let word = |at: usize| {
            let end = (at * 64 + 64).min(length);
            (at * 64..end).fold(0_u64, |word, number| word | u64::from(bit(number)) << (number % 64))
        };
        Self { words: (0..length.div_ceil(64)).map(word).collect(), length }
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Lengthens it by one number.
    pub(crate) fn push(&mut self, is_in: bool) {
        if self.length.is_multiple_of(64) {
            self.words.push(0);
        }
        self.length += 1;
        if is_in {
            self.insert(self.length - 1);
        }
    }

    pub(crate) fn insert(&mut self, number: usize) {
        self.words[number / 64] |= 1 << (number % 64);
    }

    pub(crate) fn remove(&mut self, number: usize) {
        self.words[number / 64] &= !(1 << (number % 64));
    }

    #[inline]
    pub(crate) fn contains(&self, number: usize) -> bool {
        self.words[number / 64] >> (number % 64) & 1 == 1
    }

    pub(crate) fn count(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Those in both sets; the other must be as long.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.words.iter_mut().zip(&other.words).for_each(|(word, other)| *word &= other);
        self
    }

    /// Its numbers, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, word)| {
            let mut rest = *word;
            std::iter::from_fn(move || {
                (rest != 0).then(|| {
                    let bit = rest.trailing_zeros() as usize;
                    rest &= rest - 1;
                    at * 64 + bit
                })
            })
        })
    }
}
