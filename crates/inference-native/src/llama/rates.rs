//! How fast this machine computes models: measured with made-up ones, as answers are computed.

use std::sync::Arc;
use std::time::Instant;

use checkpoint::ElementType;
use inference::backend::Input;
use inference::{AttentionRate, CacheType, LoadOptions, Rate, Speeds};
use llama_cpp_sys_2 as sys;

use super::probe::{CONTEXT, Form};
use super::{Context, HAS_GPU, Parameters};

/// Tokens that are read in one step.
const CHUNK: u32 = 512;
/// Tokens by which the speed of reading is told of a format: enough for each kernel to be in full swing.
const FEW: u32 = 64;
/// The bytes of weights by which the speed of a format is told: more than most caches hold.
const READ: u64 = 64 << 20;
/// Each reading is timed so often, each writing of a token so often, and the median counts: what else the machine does is a
/// part of it, and bursts of that are not.
const READINGS: usize = 3;
const WRITINGS: usize = 16;
/// The size of most models' heads, and the largest of any.
const USUAL_HEAD: u32 = 64;
const MOST_HEAD: u32 = 1024;
/// The steps of a layer of a made-up model, at each of which the threads wait for each other: norms, products, each with a
/// scale, biases, rotations, copies into the cache, attention in one pass, additions.
const STEPS: u32 = 31;
/// A difference of two times that is a smaller part of the longer one says nothing.
const LEAST_PART: f64 = 0.02;

/// What is measured of weights of these formats and of heads of such a size. Takes a second or two each; formats that llama.cpp
/// does not multiply with are left out.
pub(crate) fn speeds(formats: &[String], head_size: u32, options: &LoadOptions) -> Speeds {
    let attention = |in_one_pass| Thin::new(head_size, in_one_pass, options).and_then(|mut thin| thin.attention());
    let step_seconds =
        Thin::new(USUAL_HEAD, true, options).and_then(|mut thin| thin.step_seconds()).unwrap_or_default();
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
    fn new(head_size: u32, in_one_pass: bool, options: &LoadOptions) -> Option<Self> {
        if !(2..=MOST_HEAD).contains(&head_size) || head_size % 2 == 1 {
            return None;
        }
        // Rows of halves may have any length.
        let format = ElementType::named("F16")?;
        let heads = (256 / head_size).max(1);
        // Usual models have several heads that share one of the cache, and a cache that is larger than a core's own.
        let kv_heads = if heads.is_multiple_of(2) { heads / 2 } else { heads };
        let form = Form { layers: 16, hidden: 128, feed_forward: 128, heads, kv_heads, head_size, format };
        Some(Self { form, timer: Timer::new(&form, in_one_pass, options)? })
    }

    fn step_seconds(&mut self) -> Option<f64> {
        Some(self.timer.write(0)? / f64::from(self.form.layers * STEPS))
    }

    fn attention(&mut self) -> Option<AttentionRate> {
        let (form, timer) = (self.form, &mut self.timer);
        let begin = timer.read(0, CHUNK)?;
        let further = timer.read(CHUNK, CHUNK)?;
        let deep = timer.write(2 * CHUNK)?;
        let first = timer.write(0)?;
        let rate =
            |products: f64, more: f64, less: f64| difference(more, less).map_or(0.0, |seconds| products / seconds);
        Some(AttentionRate {
            alone_per_second: rate(form.attended(1, 2 * CHUNK), deep, first),
            together_per_second: rate(form.attended(CHUNK, CHUNK), further, begin),
        })
    }
}

/// How much longer one took than the other, where that can be told.
fn difference(more: f64, less: f64) -> Option<f64> {
    (more - less > more * LEAST_PART).then_some(more - less)
}

/// The speed with weights of this format.
fn rate(format: &str, step_seconds: f64, options: &LoadOptions) -> Option<Rate> {
    let kind = ElementType::named(format).filter(|kind| can_multiply(*kind))?;
    let heads = Form {
        layers: 1,
        hidden: 2048,
        feed_forward: 5632,
        heads: 32,
        kv_heads: 8,
        head_size: USUAL_HEAD,
        format: kind,
    };
    let layers = u32::try_from(READ.div_ceil(heads.bytes())).ok()?;
    let form = Form { layers, ..heads };
    let mut timer = Timer::new(&form, true, options)?;
    let steps = f64::from(layers * STEPS) * step_seconds;
    let (chunk, alone) = (timer.read(0, FEW)?, timer.write(0)?);
    let products = |whole: f64| difference(whole, steps).unwrap_or(whole);
    Some(Rate {
        format: format.to_owned(),
        bytes_per_second: form.bytes() as f64 / products(alone),
        numbers_per_second: form.numbers() as f64 * f64::from(FEW) / products(chunk),
    })
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
        let mut context = Context::new(Arc::new(form.load(options)?), parameters)?;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let threads = |asked: u32| if asked == 0 { cores } else { asked.min(cores) };
        context.set_threads(threads(options.decode_threads), threads(options.prefill_threads));
        Some(Self { context })
    }

    /// The seconds that reading so many tokens from a position on takes. Those before it must have been read.
    fn read(&mut self, from: u32, tokens: u32) -> Option<f64> {
        self.median(from, tokens, READINGS)
    }

    /// The seconds that writing a token at a position takes. Those before it must have been read.
    fn write(&mut self, position: u32) -> Option<f64> {
        self.median(position, 1, WRITINGS)
    }

    fn median(&mut self, from: u32, tokens: u32, times: usize) -> Option<f64> {
        // llama.cpp leaves out what no logits are asked for in the last layer, which is much of a model of few.
        let input = |at: u32| Input { sequence: 0, position: from + at, token: at % 32, logits: true, also: (0, 0) };
        let batch: Vec<Input> = (0..tokens).map(input).collect();
        let mut seconds = Vec::with_capacity(times + 1);
        // The first time makes the graph and touches the memory.
        for _ in 0..=times {
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
        let speeds = speeds(&formats, 64, &options);
        let known: Vec<&str> = speeds.rates.iter().map(|rate| rate.format.as_str()).collect();
        assert_eq!(known, ["F16", "Q4_1"]);
        let sane = |speed: f64| speed > 1e6 && speed.is_finite();
        for rate in &speeds.rates {
            assert!(sane(rate.bytes_per_second) && sane(rate.numbers_per_second), "{rate:?}");
        }
        for attention in [speeds.in_one_pass, speeds.in_steps] {
            // 0 where the machine was too restless to tell.
            let told = |speed: f64| speed == 0.0 || sane(speed);
            assert!(told(attention.alone_per_second) && told(attention.together_per_second), "{attention:?}");
        }
        assert!(speeds.step_seconds > 0.0 && speeds.step_seconds < 0.1);
        // Of heads that no model has nothing is told.
        for odd in [0, 65, 4096] {
            let told = super::speeds(&[], odd, &options);
            assert_eq!((told.in_one_pass, told.in_steps), (AttentionRate::default(), AttentionRate::default()));
            assert!(told.step_seconds > 0.0);
        }
        assert!(Thin::new(80, true, &options).unwrap().timer.write(0).is_some());
    }

    #[test]
    fn a_difference_within_the_noise_is_none() {
        assert_eq!(difference(1.0, 0.75), Some(0.25));
        assert_eq!((difference(1.0, 0.99), difference(1.0, 2.0)), (None, None));
    }

    #[test]
    fn made_up_models_of_all_floats_can_be_computed() {
        for format in ["F32", "BF16", "F16"] {
            let format = ElementType::named(format).unwrap();
            let form = Form { layers: 2, hidden: 128, feed_forward: 128, heads: 2, kv_heads: 1, head_size: 64, format };
            let mut timer = Timer::new(&form, true, &one_thread()).unwrap();
            assert!(timer.write(0).unwrap() > 0.0);
            let logits = timer.context.logits(0).unwrap();
            assert!(logits.iter().all(|logit| logit.is_finite()), "{format:?}: {logits:?}");
        }
    }
}
