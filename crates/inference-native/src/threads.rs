//! How many threads compute a batch: chosen by what batches took.
//!
//! llama.cpp's threads wait for each other by spinning, many times a batch. On idle cores more threads are faster. Beside
//! another busy program each wait lasts until the thread that has no core gets one again, and a single thread can be many
//! times faster (a step of 11 ms took 3 s with two threads beside two compilers). Nobody can tell in advance, so batches are
//! timed, now and then the neighbouring number is tried, and a batch that takes much too long is given up and computed by
//! fewer threads. The number changes no result: no sum is cut by it (see [`super::backend`] for the one that would be).

use std::time::Duration;

/// Batches of a try. One alone may be lucky.
const TRY: u32 = 3;
/// A number of threads must be this much better to be preferred: less is noise.
const BETTER: f64 = 0.93;
/// Two batches in a row that take so many times the mean tell that something else has begun to need the cores.
const SUDDEN: f64 = 2.0;
/// What a batch may take longer than [`GIVE_UP`] in any case, in seconds.
const LEAST_LIMIT: f64 = 0.001;
/// A batch that takes so many times the mean is given up.
const GIVE_UP: f64 = 3.0;
/// The weight of the newest batch in the running mean.
const NEWEST: f64 = 0.2;
/// A try that changed nothing is paid for: the next one waits for so many times what it lost. So tries cost 2.5 % at most, and
/// when other programs leave the cores, long batches get them back after about forty of their number.
const PAY: f64 = 40.0;
/// A try is given up as soon as it has lost so much of a batch.
const HOPELESS: f64 = 0.5;
/// The least wait between tries, in seconds.
const LEAST_WAIT: f64 = 0.25;
/// The wait before fewer threads than the most are tried for the first time without need, in seconds: there are few long
/// batches, and each of a try takes many times as long.
const FIRST_WAIT: f64 = 100.0;

/// Chooses the threads for batches of one kind, by their size.
#[derive(Debug)]
pub(crate) struct Threads {
    /// The numbers to choose among, the most first.
    numbers: Vec<u32>,
    /// The place where every size begins.
    first: usize,
    /// One for each power of two that a batch's size rounds up to.
    sizes: Vec<Choice>,
}

impl Threads {
    /// A choice among `most` threads, half as many, and so on down to one. It begins with one: what many short batches
    /// lose by a wrong beginning is less so.
    pub(crate) fn from_one_to(most: u32) -> Self {
        let numbers = halves(most);
        Self { first: numbers.len() - 1, numbers, sizes: Vec::new() }
    }

    /// The same choice, beginning with the most: for batches so long that there are few of them.
    pub(crate) fn down_from(most: u32) -> Self {
        Self { first: 0, numbers: halves(most), sizes: Vec::new() }
    }

    /// The threads for the next batch of so many tokens.
    pub(crate) fn choose(&mut self, tokens: usize) -> u32 {
        let at = self.size(tokens).at();
        self.numbers[at]
    }

    /// How long the next batch of so many tokens may take before it shall be given up and computed by the number that
    /// [`Threads::choose`] then says; `None` where no number is known to be better. A try that nothing asked for is given up
    /// where it turns out to be no faster.
    pub(crate) fn limit(&mut self, tokens: usize) -> Option<Duration> {
        let last = self.numbers.len() - 1;
        let choice = self.size(tokens);
        if choice.at() == last {
            return None;
        }
        let unasked = choice.trying.as_ref().is_some_and(|trying| !trying.sudden);
        let times = if unasked { 1.0 } else { GIVE_UP };
        let seconds = choice.mean? * tokens.max(1) as f64 * times + LEAST_LIMIT;
        Some(Duration::from_secs_f64(seconds))
    }

    /// Notes what a batch of so many tokens took with the threads that were chosen for it: up to its end, or until it was
    /// given up at its limit, after which other threads are chosen.
    pub(crate) fn note(&mut self, tokens: usize, took: Duration, given_up: bool) {
        let last = self.numbers.len() - 1;
        let batch = Batch { tokens: tokens.max(1) as f64, seconds: took.as_secs_f64(), given_up };
        self.size(tokens).note(batch, last);
    }

    fn size(&mut self, tokens: usize) -> &mut Choice {
        let size = tokens.max(1).next_power_of_two().trailing_zeros() as usize;
        while self.sizes.len() <= size {
            self.sizes.push(Choice::new(self.first));
        }
        &mut self.sizes[size]
    }
}

fn halves(most: u32) -> Vec<u32> {
    std::iter::successors(Some(most.max(1)), |number| (*number > 1).then_some(number / 2)).collect()
}

#[derive(Debug, Clone, Copy)]
struct Batch {
    tokens: f64,
    seconds: f64,
    given_up: bool,
}

/// The choice for one size, by places in the list of numbers.
#[derive(Debug)]
struct Choice {
    /// What is preferred.
    best: usize,
    /// The running mean of its seconds a token; `None` before its first batch.
    mean: Option<f64>,
    /// How many of its last batches took much longer than the mean.
    slow: u32,
    /// Seconds of batches until the next try.
    wait: f64,
    /// Whether the next try is of fewer threads; else of more.
    fewer: bool,
    trying: Option<Trying>,
}

#[derive(Debug, Default)]
struct Trying {
    at: usize,
    /// Whether it answers a batch that took much too long: then still fewer threads are tried where these do not help.
    sudden: bool,
    batches: u32,
    tokens: f64,
    seconds: f64,
}

impl Choice {
    fn new(best: usize) -> Self {
        let wait = if best == 0 { FIRST_WAIT } else { 0.0 };
        Self { best, mean: None, slow: 0, wait, fewer: best == 0, trying: None }
    }

    fn at(&self) -> usize {
        self.trying.as_ref().map_or(self.best, |trying| trying.at)
    }

    fn note(&mut self, batch: Batch, last: usize) {
        match self.trying.take() {
            Some(trying) => self.note_try(trying, batch, last),
            None => self.note_best(batch, last),
        }
    }

    fn note_best(&mut self, batch: Batch, last: usize) {
        let seconds = batch.seconds / batch.tokens;
        let before = self.mean.unwrap_or(seconds);
        // What takes so much longer that it is given up is no outlier: the cores are wanted elsewhere.
        let newest = if batch.given_up { 1.0 } else { NEWEST };
        self.mean = Some(before + newest * (seconds - before));
        self.wait -= batch.seconds;
        self.slow = if seconds > before * SUDDEN { self.slow + 1 } else { 0 };
        let sudden = (batch.given_up || seconds > before * GIVE_UP || self.slow == 2) && self.best < last;
        if sudden || (self.wait <= 0.0 && last > 0) {
            let fewer = sudden || self.best == 0 || (self.fewer && self.best < last);
            let at = if fewer { self.best + 1 } else { self.best - 1 };
            self.slow = 0;
            self.trying = Some(Trying { at, sudden, ..Trying::default() });
        }
    }

    fn note_try(&mut self, mut trying: Trying, batch: Batch, last: usize) {
        trying.batches += 1;
        // What is given up is computed anew.
        trying.tokens += if batch.given_up { 0.0 } else { batch.tokens };
        trying.seconds += batch.seconds;
        let before = self.mean.unwrap_or(f64::INFINITY);
        let mean = trying.seconds / trying.tokens;
        let lost = trying.seconds - before * trying.tokens;
        let hopeless = batch.given_up || lost > before * batch.tokens * HOPELESS;
        if hopeless && trying.sudden && trying.at < last {
            self.trying = Some(Trying { at: trying.at + 1, sudden: true, ..Trying::default() });
        } else if hopeless || (trying.batches == TRY && mean >= before * BETTER) {
            self.wait = (lost * PAY).max(LEAST_WAIT);
            self.fewer = !self.fewer;
        } else if trying.batches == TRY {
            (self.best, self.mean, self.wait) = (trying.at, Some(mean), LEAST_WAIT);
        } else {
            self.trying = Some(trying);
        }
    }
}

#[cfg(test)]
mod tests;
