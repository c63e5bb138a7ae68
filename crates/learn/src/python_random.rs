//! Python's `random.Random`: the same seed draws the same items as CPython 3.11 and later.
//!
//! The generator is MT19937 (Matsumoto and Nishimura, 1998), seeded by array as CPython seeds it with an integer.

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// A generator whose draws are those of `random.Random(seed)`.
#[derive(Debug, Clone)]
pub struct PythonRandom {
    state: Vec<u32>,
    next: usize,
}

impl PythonRandom {
    /// `random.seed(seed)` of an integer that is not negative.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let low = seed as u32;
        let high = (seed >> 32) as u32;
        let key = if high == 0 { vec![low] } else { vec![low, high] };
        Self::from_key(&key)
    }

    /// `init_by_array` of the reference implementation.
    fn from_key(key: &[u32]) -> Self {
        let mut state = vec![0_u32; WORDS];
        state[0] = 19_650_218;
        for at in 1..WORDS {
            state[at] = mixed(state[at - 1]).wrapping_mul(1_812_433_253).wrapping_add(at as u32);
        }
        let (mut at, mut of_key) = (1, 0);
        let step = |at: &mut usize, state: &mut [u32]| {
            *at += 1;
            if *at >= WORDS {
                state[0] = state[WORDS - 1];
                *at = 1;
            }
        };
        for _ in 0..WORDS.max(key.len()) {
            state[at] = (state[at] ^ mixed(state[at - 1]).wrapping_mul(1_664_525))
                .wrapping_add(key[of_key])
                .wrapping_add(of_key as u32);
            step(&mut at, &mut state);
            of_key = (of_key + 1) % key.len();
        }
        for _ in 1..WORDS {
            state[at] = (state[at] ^ mixed(state[at - 1]).wrapping_mul(1_566_083_941)).wrapping_sub(at as u32);
            step(&mut at, &mut state);
        }
        state[0] = 0x8000_0000;
        Self { state, next: WORDS }
    }

    /// 32 random bits.
    fn word(&mut self) -> u32 {
        if self.next >= WORDS {
            self.twist();
        }
        let mut word = self.state[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for at in 0..WORDS {
            let joined = (self.state[at] & 0x8000_0000) | (self.state[(at + 1) % WORDS] & 0x7fff_ffff);
            let twisted = if joined & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[at] = self.state[(at + MIDDLE) % WORDS] ^ (joined >> 1) ^ twisted;
        }
        self.next = 0;
    }

    /// `getrandbits(bits)`, for at most 64.
    pub fn bits(&mut self, bits: u32) -> u64 {
        let bits = bits.min(64);
        match bits {
            0 => 0,
            1..=32 => u64::from(self.word() >> (32 - bits)),
            _ => {
                let low = u64::from(self.word());
                low | (u64::from(self.word() >> (64 - bits)) << 32)
            }
        }
    }

    /// `randrange(below)`: a number from 0 up to, not including, `below`; 0 where that is 0.
    pub fn below(&mut self, below: usize) -> usize {
        if below == 0 {
            return 0;
        }
        let bits = usize::BITS - below.leading_zeros();
        loop {
            let drawn = self.bits(bits) as usize;
            if drawn < below {
                return drawn;
            }
        }
    }

    /// `random()`: from 0 up to, not including, 1, in steps of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.word() >> 5, self.word() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `sample(range(population), count)`: which items are drawn, in the order they are drawn. None where there are fewer
    /// than `count`.
    ///
    /// Python draws from a shrinking pool where a set of `count` numbers would take more memory than the pool, else
    /// again whenever it drew a number before.
    pub fn sample(&mut self, population: usize, count: usize) -> Option<Vec<usize>> {
        if count > population {
            return None;
        }
        if population <= largest_pool(count) {
            let mut pool: Vec<usize> = (0..population).collect();
            let drawn = (0..count).map(|already| {
                let at = self.below(population - already);
                pool.swap_remove(at)
            });
            return Some(drawn.collect());
        }
        let mut seen = std::collections::HashSet::with_capacity(count);
        let mut drawn = Vec::with_capacity(count);
        while drawn.len() < count {
            let at = self.below(population);
            if seen.insert(at) {
                drawn.push(at);
            }
        }
        Some(drawn)
    }

    /// `shuffle(items)`.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            let with = self.below(at + 1);
            items.swap(at, with);
        }
    }
}

fn mixed(word: u32) -> u32 {
    word ^ (word >> 30)
}

/// The size of the table of a Python set of `count` items, up to which a pool is smaller.
fn largest_pool(count: usize) -> usize {
    let table = if count > 5 {
        let power = ((3 * count) as f64).ln() / 4_f64.ln();
        4_usize.saturating_pow(power.ceil() as u32)
    } else {
        0
    };
    table.saturating_add(21)
}
