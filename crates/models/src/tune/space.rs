//! What a tuning may choose from.

use inference::{CacheType, CoreSet, Facts, LoadOptions, SHARED_CELLS};

use super::profile::{StaticBatches, TunedSettings};

/// How long a smaller batch is waited for, in milliseconds.
const WAIT_MS: u64 = 20;
/// How many replicas are tried.
const REPLICAS: [u32; 4] = [1, 2, 4, 8];
/// How many requests side by side are tried.
const PARALLEL: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// The weights that a profile may load.
#[derive(Debug, Clone)]
pub(super) struct Weighed {
    /// The model of the library; none: the tuned model itself.
    pub(super) name: Option<String>,
    pub(super) facts: Facts,
    /// Whether the engine computes attention in one pass, where nobody says otherwise.
    pub(super) one_pass: bool,
}

/// The cores that there are.
#[derive(Debug, Clone)]
pub(super) struct Cores {
    pub(super) count: u32,
    /// Which ones; none where the system does not tell, and lets nobody choose.
    pub(super) set: Option<CoreSet>,
}

/// What bounds the candidates.
#[derive(Debug, Clone)]
pub(super) struct Space<'a> {
    pub(super) default: &'a LoadOptions,
    /// The profile that the model has.
    pub(super) current: Option<TunedSettings>,
    pub(super) weights: &'a [Weighed],
    pub(super) cores: Cores,
    /// The memory that models may take: the default's and the present profile's bound.
    pub(super) budget: u64,
    /// What other models in memory leave of it: the bound of all others, so that no model leaves for them.
    pub(super) room: u64,
    /// The least context that a sequence must keep; none: that of the default.
    pub(super) least_context: Option<u32>,
    /// The most tokens of an answer, where answers may be bounded: then static batches are tried, too.
    pub(super) bounded_answers: Option<u32>,
    /// Whether caches may be rounded to eight bits.
    pub(super) rounded_caches: bool,
    pub(super) embeds: bool,
}

/// The engines of a candidate.
#[derive(Debug, Clone, PartialEq)]
struct Engines {
    replicas: u32,
    cores: Vec<CoreSet>,
    prefill_threads: u32,
    decode_threads: u32,
}

impl Space<'_> {
    /// The candidates that fit the memory, the default first, then the present profile, then what differs from the
    /// default in one thing, then the rest in an order that `seed` decides.
    pub(super) fn candidates(&self, seed: u64) -> Vec<TunedSettings> {
        let default = TunedSettings::of(self.default);
        let current = self.current.clone().filter(|current| *current != default && self.fits(current, self.budget));
        let mut rest = self.all(&default);
        rest.retain(|one| *one != default && Some(one) != current.as_ref() && self.fits(one, self.room));
        rest.sort_by_cached_key(|one| {
            let far = distance(one, &default);
            (far, mix(if far > 1 { seed } else { 0 } ^ fingerprint(one)))
        });
        std::iter::once(default).chain(current).chain(rest).collect()
    }

    fn all(&self, default: &TunedSettings) -> Vec<TunedSettings> {
        let mut all = vec![default.clone()];
        all = each(&all, &self.engines(default), |one, engines| TunedSettings {
            replicas: engines.replicas,
            cores: engines.cores.clone(),
            prefill_threads: engines.prefill_threads,
            decode_threads: engines.decode_threads,
            ..one
        });
        all = self
            .weights
            .iter()
            .flat_map(|weights| {
                let contexts = self.contexts(default, &weights.facts);
                let all = each(&all, &contexts, |one, context| TunedSettings {
                    weights: weights.name.clone(),
                    context_per_sequence: *context,
                    ..one
                });
                each(&all, &self.attentions(weights), |one, one_pass| TunedSettings { one_pass: *one_pass, ..one })
            })
            .collect();
        if self.embeds {
            return all;
        }
        let parallel = counts(default.parallel, &PARALLEL);
        all = each(&all, &parallel, |one, parallel| TunedSettings { parallel: *parallel, ..one });
        let shared = distinct([default.shared_cells, 0, SHARED_CELLS]);
        all = each(&all, &shared, |one, shared| TunedSettings { shared_cells: *shared, ..one });
        all = each(&all, &self.cache_types(default), |one, kind| TunedSettings { cache_type: *kind, ..one });
        self.with_static_batches(all)
    }

    fn with_static_batches(&self, mut all: Vec<TunedSettings>) -> Vec<TunedSettings> {
        let Some(max_tokens) = self.bounded_answers else { return all };
        let gathered = all.iter().filter(|one| one.parallel > 1).filter_map(|one| {
            let batches = Some(StaticBatches { size: one.parallel, wait_ms: WAIT_MS, max_tokens });
            (one.static_batches != batches).then(|| TunedSettings { static_batches: batches, ..one.clone() })
        });
        let gathered: Vec<TunedSettings> = gathered.collect();
        all.extend(gathered);
        all
    }

    /// The default's engines, and others: more of them have a part of the cores each.
    fn engines(&self, default: &TunedSettings) -> Vec<Engines> {
        let threads = (default.prefill_threads, default.decode_threads);
        let own = default.cores.first().map_or(self.cores.count, CoreSet::count);
        let mut found = self.threads(default.replicas, &default.cores, own, threads);
        for replicas in REPLICAS {
            if self.embeds || replicas == default.replicas || replicas > self.cores.count {
                continue;
            }
            let each = self.cores.count / replicas;
            let sets = self.cores.set.as_ref().filter(|_| replicas > 1).and_then(|set| set.split(replicas));
            let own = if replicas == 1 || sets.is_some() { 0 } else { each };
            found.extend(self.threads(replicas, &sets.unwrap_or_default(), each, (own, own)));
        }
        found
    }

    /// Engines on `cores` cores each, with as many threads as that and with fewer.
    fn threads(&self, replicas: u32, sets: &[CoreSet], cores: u32, own: (u32, u32)) -> Vec<Engines> {
        let mut fewer = vec![cores.div_ceil(2), cores.div_ceil(4), cores * 3 / 4];
        fewer.retain(|threads| *threads < cores);
        let decode = if self.embeds { vec![own.1] } else { counts(own.1, &fewer) };
        let engines = |prefill_threads| {
            let cores = sets.to_vec();
            decode.iter().map(move |decode_threads| Engines {
                replicas,
                cores: cores.clone(),
                prefill_threads,
                decode_threads: *decode_threads,
            })
        };
        counts(own.0, &fewer).into_iter().flat_map(engines).collect()
    }

    /// The default's context and, where the caller needs less, powers of two down to that.
    fn contexts(&self, default: &TunedSettings, facts: &Facts) -> Vec<u32> {
        let mut contexts = vec![default.context_per_sequence];
        let Some(least) = self.least_context.filter(|_| !self.embeds) else { return contexts };
        let mut context = facts.context_per_sequence(self.default).next_power_of_two() / 2;
        while context >= least.max(1) {
            contexts.push(context);
            context /= 2;
        }
        contexts
    }

    /// What the settings say of attention or, where they say nothing, the engine's choice and the other one: which is faster
    /// depends on the processor and on how long prompts and answers are.
    fn attentions(&self, weights: &Weighed) -> Vec<Option<bool>> {
        let own = self.default.attention;
        let other = (own.is_none() && !self.embeds).then_some(Some(!weights.one_pass));
        std::iter::once(own).chain(other).collect()
    }

    /// The default's own, what is more exact than a rounded one, and a rounded one where that is allowed.
    fn cache_types(&self, default: &TunedSettings) -> Vec<CacheType> {
        let own = default.cache_type;
        let other = match own {
            CacheType::Q8_0 => Some(CacheType::F16),
            CacheType::F16 | CacheType::F32 => self.rounded_caches.then_some(CacheType::Q8_0),
        };
        std::iter::once(own).chain(other).collect()
    }

    fn fits(&self, one: &TunedSettings, bytes: u64) -> bool {
        let (weights, options) =
            (self.weights.iter().find(|weights| weights.name == one.weights), one.options(self.default));
        options.validate().is_ok() && weights.is_some_and(|its| its.facts.memory_bytes(&options) <= bytes)
    }
}

/// Each of some candidates with each of some values.
fn each<T>(
    all: &[TunedSettings],
    values: &[T],
    with: impl Fn(TunedSettings, &T) -> TunedSettings,
) -> Vec<TunedSettings> {
    all.iter().flat_map(|one| values.iter().map(|value| with(one.clone(), value))).collect()
}

/// In how many things two differ.
fn distance(one: &TunedSettings, other: &TunedSettings) -> u32 {
    // Other replicas have other cores, and as many threads as these.
    let replicas = one.replicas != other.replicas;
    let whole = one.cores.first().map_or(0, CoreSet::count);
    let threads = |mine: u32, its: u32| mine != its && !(replicas && (mine == 0 || mine == whole));
    u32::from(replicas || one.cores != other.cores)
        + u32::from(threads(one.prefill_threads, other.prefill_threads))
        + u32::from(threads(one.decode_threads, other.decode_threads))
        + u32::from(one.parallel != other.parallel)
        + u32::from(one.context_per_sequence != other.context_per_sequence)
        + u32::from(one.shared_cells != other.shared_cells)
        + u32::from(one.cache_type != other.cache_type)
        + u32::from(one.one_pass != other.one_pass)
        + u32::from(one.static_batches != other.static_batches)
        + u32::from(one.weights != other.weights)
}

fn fingerprint(one: &TunedSettings) -> u64 {
    format!("{one:?}").bytes().fold(0, |state, byte| mix(state ^ u64::from(byte)))
}

/// SplitMix64 (Steele, Lea, Flood, Fast splittable pseudorandom number generators, OOPSLA 2014).
pub(super) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Different numbers, the default's own first; 0 only where that is it.
fn counts(own: u32, others: &[u32]) -> Vec<u32> {
    let mut numbers = vec![own];
    for other in others {
        if *other > 0 && !numbers.contains(other) {
            numbers.push(*other);
        }
    }
    numbers
}

fn distinct<const N: usize>(numbers: [u32; N]) -> Vec<u32> {
    let mut found = Vec::new();
    for number in numbers {
        if !found.contains(&number) {
            found.push(number);
        }
    }
    found
}
