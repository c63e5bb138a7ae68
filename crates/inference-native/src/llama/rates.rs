//! How fast this machine computes models: measured with made-up ones, as answers are computed.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use checkpoint::ElementType;
use inference::backend::Input;
use inference::{AttentionRate, ByThreads, CacheType, Heads, LoadOptions, Rate, Speeds};
use llama_cpp_sys_2 as sys;

use super::probe::{CONTEXT, Form};
use super::{Context, HAS_GPU, Parameters};

/// Tokens that are read in one step.
const CHUNK: u32 = 512;
/// Tokens by which the speed of reading is told of a format: enough for each kernel to be in full swing, and for the weights
/// to be brought from memory in little of the time.
const FEW: u32 = 256;
/// The least bytes of weights by which the speed of reading is told of a format; a wide layer has more.
const READ: u64 = 16 << 20;
/// The same of writing: more than most caches hold.
const WRITTEN: u64 = 64 << 20;
/// Each reading is timed so often, each writing of a token so often, and the median counts: what else the machine does is a
/// part of it, and bursts of that are not.
const READINGS: usize = 3;
const WRITINGS: usize = 16;
/// Nothing is timed once more after so many seconds: beside other programs two threads may wait long for each other.
const ENOUGH_SECONDS: f64 = 0.5;
/// The heads of many models, and what is beyond any.
const USUAL: Heads = Heads { size: 64, sharing: 2 };
const MOST_HEAD: u32 = 1024;
const MOST_SHARING: u32 = 128;
/// The numbers of all heads of a made-up model of which most is attention, in all its layers.
const ATTENDING: u32 = 4096;
/// The steps of a layer of a made-up model, at each of which the threads wait for each other: norms, products, each with a
/// scale, biases, rotations, copies into the cache, attention in one pass, additions.
const STEPS: u32 = 31;
/// The least part of what such a model takes that is not its steps.
const LEAST_PRODUCTS: f64 = 0.1;
/// A difference of two times that is a smaller part of the longer one says nothing.
const LEAST_PART: f64 = 0.02;

/// What is measured of weights of these formats and of such heads. Takes a few seconds each; formats that llama.cpp
/// does not multiply with are left out.
pub(crate) fn speeds(formats: &[String], heads: Heads, options: &LoadOptions) -> Speeds {
    let attention = |in_one_pass| Thin::new(heads, in_one_pass, options).and_then(|mut thin| thin.attention());
    let step_seconds = Thin::new(USUAL, true, options).and_then(|mut thin| thin.step_seconds()).unwrap_or_default();
    Speeds {
        rates: formats.iter().filter_map(|format| rate(format, step_seconds, options)).collect(),
        step_seconds,
        in_one_pass: attention(true).unwrap_or_default(),
        in_steps: attention(false).unwrap_or_default(),
    }
}

/// A model of many layers and small matrices, of which most is steps and attention.
struct Thin {
    form: Form,
    timer: Timer,
}

impl Thin {
    fn new(Heads { size, sharing }: Heads, in_one_pass: bool, options: &LoadOptions) -> Option<Self> {
        let possible =
            (2..=MOST_HEAD).contains(&size) && size.is_multiple_of(2) && (1..=MOST_SHARING).contains(&sharing);
        if !possible {
            return None;
        }
        // Rows of halves may have any length.
        let format = ElementType::named("F16")?;
        // Several heads of the cache, so that it is larger than a core's own.
        let kv_heads = (256 / size / sharing).max(2);
        let heads = kv_heads * sharing;
        let layers = (ATTENDING / (heads * size)).clamp(2, 16);
        let form = Form { layers, hidden: 128, feed_forward: 128, heads, kv_heads, head_size: size, format };
        Some(Self { form, timer: Timer::new(&form, in_one_pass, options)? })
    }

    fn step_seconds(&mut self) -> Option<ByThreads> {
        let steps = f64::from(self.form.layers * STEPS);
        Some(self.timer.write(0)?.map(|seconds| seconds / steps))
    }

    fn attention(&mut self) -> Option<AttentionRate> {
        let (form, timer) = (self.form, &mut self.timer);
        let begin = timer.read(0, CHUNK)?;
        let further = timer.read(CHUNK, CHUNK)?;
        let deep = timer.write(2 * CHUNK)?;
        let first = timer.write(0)?;
        let rate =
            |products: f64, more: f64, less: f64| difference(more, less).map_or(0.0, |seconds| products / seconds);
        let alone = |more: f64, less: f64| rate(form.attended(1, 2 * CHUNK), more, less);
        Some(AttentionRate {
            alone_per_second: ByThreads { one: alone(deep.one, first.one), all: alone(deep.all, first.all) },
            together_per_second: rate(form.attended(CHUNK, CHUNK), further, begin),
        })
    }
}

/// How much longer one took than the other, where that can be told.
fn difference(more: f64, less: f64) -> Option<f64> {
    (more - less > more * LEAST_PART).then_some(more - less)
}

/// The speed with weights of this format.
fn rate(format: &str, step_seconds: ByThreads, options: &LoadOptions) -> Option<Rate> {
    let kind = ElementType::named(format).filter(|kind| can_multiply(*kind))?;
    let of_width = |hidden: u32| Heavy::new(hidden, kind, step_seconds, options);
    let (wide, narrow) = (of_width(2048)?, of_width(512)?);
    let split = |work: fn(&Heavy) -> Work| parts(work(&wide), work(&narrow));
    let (by_one, by_all) = (split(|heavy| heavy.by_one), split(|heavy| heavy.by_all));
    let (number, activation) = split(|heavy| heavy.together);
    let per_second = |seconds: f64| if seconds > 0.0 { 1.0 / seconds } else { 0.0 };
    Some(Rate {
        format: format.to_owned(),
        bytes_per_second: ByThreads { one: by_one.0, all: by_all.0 }.map(per_second),
        numbers_per_second: per_second(number),
        activations_alone_per_second: ByThreads { one: by_one.1, all: by_all.1 }.map(per_second),
        activations_together_per_second: per_second(activation),
    })
}

/// What models of which most is their matrices take, beside their steps.
struct Heavy {
    /// A token of an answer, by one thread and by all.
    by_one: Work,
    by_all: Work,
    /// A token of a prompt.
    together: Work,
}

impl Heavy {
    fn new(hidden: u32, format: ElementType, step_seconds: ByThreads, options: &LoadOptions) -> Option<Self> {
        let heads = hidden / USUAL.size;
        let (feed_forward, kv_heads) = (3 * hidden, heads / 4);
        let layer = Form { layers: 1, hidden, feed_forward, heads, kv_heads, head_size: USUAL.size, format };
        let of_bytes =
            |bytes: u64| u32::try_from(bytes.div_ceil(layer.bytes())).ok().map(|layers| Form { layers, ..layer });
        let beside_steps = |form: &Form, whole: f64, step: f64| {
            let steps = step * f64::from(form.layers * STEPS);
            (whole - steps).max(whole * LEAST_PRODUCTS)
        };

        let form = of_bytes(READ)?;
        let read = Timer::new(&form, true, options)?.read(0, FEW)?;
        let seconds = beside_steps(&form, read, step_seconds.all) / f64::from(FEW);
        let together = Work { size: form.numbers() as f64, activations: form.activations() as f64, seconds };

        let form = of_bytes(WRITTEN)?;
        let written = Timer::new(&form, true, options)?.write(0)?;
        let writing = |whole: f64, step: f64| {
            let seconds = beside_steps(&form, whole, step);
            Work { size: form.bytes() as f64, activations: form.activations() as f64, seconds }
        };
        let (by_one, by_all) = (writing(written.one, step_seconds.one), writing(written.all, step_seconds.all));
        Some(Self { by_one, by_all, together })
    }
}

/// What a token took with matrices of some size, in bytes or numbers, with so many numbers going in and coming out.
#[derive(Debug, Clone, Copy)]
struct Work {
    size: f64,
    activations: f64,
    seconds: f64,
}

/// The seconds of a unit of size and of an activation that explain both; all of it is the size's where the narrow model takes no
/// longer for each unit.
fn parts(wide: Work, narrow: Work) -> (f64, f64) {
    let by_size = |work: Work| work.seconds / work.size;
    let ratio = |work: Work| work.activations / work.size;
    let Some(more) = difference(by_size(narrow), by_size(wide)) else {
        return (f64::midpoint(by_size(wide), by_size(narrow)), 0.0);
    };
    // Half of the wide one's at most: beyond, the machine was restless.
    let activation = (more / (ratio(narrow) - ratio(wide))).min(0.5 * by_size(wide) / ratio(wide));
    (by_size(wide) - activation * ratio(wide), activation)
}

/// Whether llama.cpp has products with weights of this format, and computes a model of them that has biases.
fn can_multiply(kind: ElementType) -> bool {
    super::ready();
    // SAFETY: the number is one of ggml's own types, for each of which it has traits that stay.
    let traits = unsafe { sys::ggml_get_type_traits_cpu(kind.number).as_ref() };
    kind.name != "NVFP4" && traits.is_some_and(|traits| traits.vec_dot.is_some())
}

/// Times what a made-up model takes.
struct Timer {
    context: Context,
    /// How many threads write at most, and how many read.
    threads: (u32, u32),
}

impl Timer {
    fn new(form: &Form, in_one_pass: bool, options: &LoadOptions) -> Option<Self> {
        let parameters = Parameters {
            sequences: 1,
            context: CONTEXT,
            unified: false,
            batch: CHUNK,
            // A GPU chooses for itself.
            flash_attention: (!HAS_GPU).then_some(in_one_pass),
            cache_type: CacheType::F16,
        };
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let threads = |asked: u32| if asked == 0 { cores } else { asked.min(cores) };
        let threads = (threads(options.decode_threads), threads(options.prefill_threads));
        let context = Context::new(Arc::new(form.load(options)?), Rc::default(), parameters)?;
        Some(Self { context, threads })
    }

    /// The seconds that reading so many tokens from a position on takes. Those before it must have been read.
    fn read(&mut self, from: u32, tokens: u32) -> Option<f64> {
        self.median((from, tokens), self.threads.1, READINGS)
    }

    /// The seconds that writing a token at a position takes. Those before it must have been read.
    fn write(&mut self, position: u32) -> Option<ByThreads> {
        let one = self.median((position, 1), 1, WRITINGS)?;
        let all = match self.threads.0 {
            1 => one,
            most => self.median((position, 1), most, WRITINGS)?,
        };
        Some(ByThreads { one, all })
    }

    fn median(&mut self, (from, tokens): (u32, u32), threads: u32, times: usize) -> Option<f64> {
        self.context.set_threads(threads, threads);
        // llama.cpp leaves out what no logits are asked for in the last layer, which is much of a model of few.
        let input = |at: u32| Input { sequence: 0, position: from + at, token: at % 32, logits: true, also: (0, 0) };
        let batch: Vec<Input> = (0..tokens).map(input).collect();
        let mut seconds = Vec::with_capacity(times + 1);
        // The first time makes the graph and touches the memory.
        let begun = Instant::now();
        while seconds.len() <= times && (seconds.len() < 2 || begun.elapsed().as_secs_f64() < ENOUGH_SECONDS) {
            if !self.context.forget(0, from) {
                return None;
            }
            let started = Instant::now();
            self.context.decode(&batch, None).ok()?;
            self.context.logits(batch.len() - 1)?;
            seconds.push(started.elapsed().as_secs_f64());
        }
        let timed = &mut seconds[1..];
        timed.sort_by(f64::total_cmp);
        Some(timed[timed.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pool;
    use super::*;

    /// Tests run side by side, and several threads of each would wait for one another.
    fn one_thread() -> LoadOptions {
        LoadOptions { decode_threads: 1, prefill_threads: 1, ..LoadOptions::default() }
    }

    #[test]
    fn every_usual_format_is_multiplied_at_some_speed() {
        let options = one_thread();
        // Nobody multiplies with the last ones.
        let formats = ["F16", "Q4_1", "Q17_X", "I32", "F64", "Q8_K", "NVFP4"].map(str::to_owned);
        let speeds = speeds(&formats, USUAL, &options);
        let known: Vec<&str> = speeds.rates.iter().map(|rate| rate.format.as_str()).collect();
        assert_eq!(known, ["F16", "Q4_1"]);
        let sane = |speed: f64| speed > 1e6 && speed.is_finite();
        for rate in &speeds.rates {
            assert!(sane(rate.bytes_per_second.one) && sane(rate.numbers_per_second), "{rate:?}");
            assert_eq!(rate.bytes_per_second.one, rate.bytes_per_second.all, "there is one thread");
        }
        for attention in [speeds.in_one_pass, speeds.in_steps] {
            // 0 where the machine was too restless to tell.
            let told = |speed: f64| speed == 0.0 || sane(speed);
            assert!(told(attention.alone_per_second.one) && told(attention.together_per_second), "{attention:?}");
        }
        assert!(speeds.step_seconds.one > 0.0 && speeds.step_seconds.one < 0.1);
        // Of heads that no model has nothing is told.
        for (size, sharing) in [(0, 1), (65, 1), (4096, 1), (64, 0), (64, 1000)] {
            let told = super::speeds(&[], Heads { size, sharing }, &options);
            assert_eq!((told.in_one_pass, told.in_steps), (AttentionRate::default(), AttentionRate::default()));
            assert!(told.step_seconds.one > 0.0);
        }
        assert!(Thin::new(Heads { size: 80, sharing: 8 }, true, &options).unwrap().timer.write(0).is_some());
    }

    #[test]
    fn what_a_narrow_model_takes_longer_is_its_activations() {
        let work =
            |size: f64, activations: f64| Work { size, activations, seconds: size * 2.0e-11 + activations * 3.0e-9 };
        let (unit, activation) = parts(work(1.0e8, 1.0e5), work(1.0e8, 4.0e5));
        assert!((unit / 2.0e-11 - 1.0).abs() < 1e-6 && (activation / 3.0e-9 - 1.0).abs() < 1e-6);
        let even = Work { seconds: 2.0e-3, ..work(1.0e8, 1.0e5) };
        assert_eq!(parts(even, Work { activations: 4.0e5, ..even }), (2.0e-3 / 1.0e8, 0.0));
        let restless = parts(even, Work { activations: 4.0e5, seconds: 2.0, ..even });
        assert!(restless.0 > 0.99e-11 && restless.1 > 0.0, "{restless:?}");
    }

    #[test]
    fn a_difference_within_the_noise_is_none() {
        assert_eq!(difference(1.0, 0.75), Some(0.25));
        assert_eq!((difference(1.0, 0.99), difference(1.0, 2.0)), (None, None));
    }

    /// What a context says after reading four tokens at the beginning, computed by so many threads.
    fn read(context: &mut Context, threads: u32) -> Vec<f32> {
        let input = |at: u32| Input { sequence: 0, position: at, token: at, logits: at == 3, also: (0, 0) };
        context.set_threads(threads, threads);
        assert!(context.forget(0, 0));
        context.decode(&(0..4).map(input).collect::<Vec<_>>(), None).unwrap();
        context.logits(3).unwrap().to_vec()
    }

    #[test]
    fn contexts_take_turns_with_the_threads_of_a_pool_and_compute_the_same() {
        let format = ElementType::named("F16").unwrap();
        let form = Form { layers: 2, hidden: 128, feed_forward: 128, heads: 2, kv_heads: 1, head_size: 64, format };
        let model = Arc::new(form.load(&one_thread()).unwrap());
        let parameters = Parameters {
            sequences: 1,
            context: 256,
            unified: false,
            batch: 4,
            flash_attention: Some(true),
            cache_type: CacheType::F16,
        };
        let context = |pool: Rc<Pool>| Context::new(model.clone(), pool, parameters).unwrap();
        let expected = read(&mut context(Rc::default()), 1);
        let pool = Rc::<Pool>::default();
        let (mut first, mut second) = (context(pool.clone()), context(pool));
        for threads in [2, 1, 3, 1, 2, 4] {
            assert_eq!(read(&mut first, threads), expected, "{threads} threads");
            assert_eq!(read(&mut second, threads), expected, "{threads} threads of the other");
        }
        drop(first);
        assert_eq!(read(&mut second, 3), expected, "the pool stays as long as one context");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_threads_of_the_pool_compute() {
        /// The states of this thread's pool, and how often its threads were given a core.
        fn workers() -> Vec<(String, u64)> {
            let own = rustix::thread::gettid().as_raw_nonzero().to_string();
            let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path());
            let read = |path: std::path::PathBuf| std::fs::read_to_string(path).ok();
            let worker = |task: std::path::PathBuf| {
                let stat = read(task.join("stat")).filter(|stat| stat.contains("(takes turns)"))?;
                let state = stat.rsplit(')').next()?.split_whitespace().next()?.to_owned();
                let times = read(task.join("schedstat"))?.split_whitespace().nth(2)?.parse().ok()?;
                Some((state, times))
            };
            tasks.filter(|task| !task.ends_with(&own)).filter_map(worker).collect()
        }
        let compute = || {
            let format = ElementType::named("F16").unwrap();
            let form = Form { layers: 2, hidden: 128, feed_forward: 128, heads: 2, kv_heads: 1, head_size: 64, format };
            let mut timer = Timer::new(&form, true, &one_thread()).unwrap();
            timer.context.set_threads(2, 2);
            assert_eq!(workers().len(), 1);
            while workers()[0].0 != "S" {
                std::thread::yield_now();
            }
            let before = workers();
            read(&mut timer.context, 2);
            assert!(workers()[0].1 > before[0].1, "the thread that stays was not asked");
        };
        if !HAS_GPU {
            std::thread::Builder::new().name("takes turns".to_owned()).spawn(compute).unwrap().join().unwrap();
        }
    }

    #[test]
    fn made_up_models_of_all_floats_can_be_computed() {
        for format in ["F32", "BF16", "F16"] {
            let format = ElementType::named(format).unwrap();
            let form = Form { layers: 2, hidden: 128, feed_forward: 128, heads: 2, kv_heads: 1, head_size: 64, format };
            let mut timer = Timer::new(&form, true, &one_thread()).unwrap();
            assert!(timer.write(0).unwrap().one > 0.0);
            let logits = timer.context.logits(0).unwrap();
            assert!(logits.iter().all(|logit| logit.is_finite()), "{format:?}: {logits:?}");
        }
    }
}
