//! The work of a tuning job.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use base::{Error, ErrorKind, Result};
use futures::future::BoxFuture;
use identity::JobOwner;
use inference::{CacheType, Facts, LoadOptions, ModelFiles};
use jobs::{Handler, JobContext, JobId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::machine::{self, MachineFacts};
use super::player::{Play, play};
use super::profile::{PinnedWeights, Tuned, TunedSettings};
use super::report::{Findings, Measurement, Taken, TriedWeights, TuningReport};
use super::search::{Cost, Pace, Search, Step, Turn};
use super::space::{Space, Weighed};
use super::workload::Workload;
use super::{TuneInput, store};
use crate::library::{Manifest, blocking, stopped};
use crate::pull::{Meter, model_lock};
use crate::quality::QuantizationReport;
use crate::work::{Patience, tell, unless_cancelled};
use crate::{Inner, Models};

/// The lock of all tunings on one library.
const LOCK: &str = "tuning";

/// What follows the model's name in the name of a trial.
pub(crate) const TRIAL: &str = "#tuning-";

/// A candidate that is to be measured.
pub(crate) struct Trial {
    /// What the trial is called in memory.
    name: String,
    files: ModelFiles,
    options: LoadOptions,
    play: Play,
}

impl Trial {
    /// How the model is loaded.
    #[cfg(test)]
    pub(super) fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// The file of its weights.
    #[cfg(test)]
    pub(super) fn weights(&self) -> &std::path::Path {
        &self.files.main
    }
}

/// What measures.
pub(crate) trait Gauge: Send + Sync {
    /// The machine. Blocks for up to some seconds.
    fn machine(&self) -> MachineFacts;
    /// Measures a candidate.
    fn measure<'a>(&'a self, models: &'a Models, trial: &'a Trial) -> BoxFuture<'a, Result<Measurement>>;
}

/// Measures by the clock, on this machine.
pub(crate) struct Measured;

impl Gauge for Measured {
    fn machine(&self) -> MachineFacts {
        machine::measure()
    }

    fn measure<'a>(&'a self, models: &'a Models, trial: &'a Trial) -> BoxFuture<'a, Result<Measurement>> {
        Box::pin(async move {
            let pool = &models.inner.loaded;
            let lease = pool.acquire_with(&trial.name, trial.files.clone(), trial.options.clone()).await?;
            let before = pool.others_work(&trial.name);
            let measured = play(&lease, &trial.play).await?;
            let after = pool.others_work(&trial.name);
            Ok(Measurement { under_load: after != before || after.1 > 0, ..measured })
        })
    }
}

/// Runs the jobs.
pub(crate) struct TuneHandler {
    inner: Weak<Inner>,
    gauge: Arc<dyn Gauge>,
}

impl TuneHandler {
    pub(crate) fn new(inner: Weak<Inner>, gauge: Arc<dyn Gauge>) -> Self {
        Self { inner, gauge }
    }
}

impl Handler for TuneHandler {
    fn run(&self, job: JobContext) -> BoxFuture<'_, Result<Value>> {
        Box::pin(async move {
            let inner = self.inner.upgrade().ok_or_else(|| Error::unavailable("The server is stopping."))?;
            let jobs::Owner { account, region, principal_arn, principal_id } = job.owner().clone();
            // A caller who is gone tunes nothing any more.
            inner.identity.job_ctx(&JobOwner { account, region, principal_arn, principal_id }).await?;
            let input: TuneInput = serde_json::from_value(job.input().clone()).map_err(Error::internal)?;
            let (models, meter) = (Models { inner }, Meter::new(job.cancelled()));
            let trial = trial_name(&input.model, job.id());
            let tuned = models.tune_model(&job, &input, &meter, self.gauge.clone()).await;
            // Broken off, a trial may be in memory still.
            models.inner.loaded.forget(&trial).await;
            let report = tuned?;
            Ok(json!({ "job": report.job, "model": report.model, "chosen": report.chosen, "met": report.met }))
        })
    }
}

/// How far a tuning is, as it survives the process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    candidates: Vec<TunedSettings>,
    machine: MachineFacts,
    /// The memory that candidates could take when the tuning began.
    room: u64,
    taken: Vec<Taken>,
}

impl State {
    /// What the first measurement, that of the default, took beside its time.
    fn pace(&self) -> Pace {
        self.taken.first().map(Taken::pace).unwrap_or_default()
    }
}

/// What a tuning works with.
struct Setting<'a> {
    input: &'a TuneInput,
    /// The files of each candidate's weights.
    files: BTreeMap<Option<String>, ModelFiles>,
    /// And their digests.
    digests: BTreeMap<Option<String>, String>,
    weights: Vec<Weighed>,
    /// Whether the model embeds.
    embeds: bool,
    /// The profile that the model has.
    present: Option<TunedSettings>,
    tried: Vec<TriedWeights>,
    workload: Arc<Workload>,
    gauge: Arc<dyn Gauge>,
}

impl Setting<'_> {
    /// The files that settings were measured with, where the weights are another model's.
    fn pinned(&self, settings: &TunedSettings) -> Option<PinnedWeights> {
        settings.weights.as_ref()?;
        let digest = |name: &Option<String>| self.digests.get(name).cloned();
        Some(PinnedWeights { own: digest(&None)?, other: digest(&settings.weights)? })
    }
}

impl Models {
    async fn tune_model(
        &self,
        job: &JobContext,
        input: &TuneInput,
        meter: &Meter,
        gauge: Arc<dyn Gauge>,
    ) -> Result<TuningReport> {
        meter.begin("waiting for other work on the same model", None);
        tell(job, meter).await;
        let _only = self.tuning_lock(LOCK.to_owned(), meter).await?;
        // The model is not pulled anew or removed meanwhile.
        let _alone = self.tuning_lock(model_lock(&input.model), meter).await?;
        let setting = self.setting(input, gauge).await?;
        let kept = job.checkpoint().and_then(|kept| serde_json::from_value::<State>(kept).ok());
        // One that goes on has the candidates that it had, whatever is in memory now.
        let room = kept.as_ref().map_or_else(|| self.inner.loaded.room_beside(&input.model), |state| state.room);
        let found = self.candidates(&setting, room);
        let staying = 1 + present_in(&found, setting.present.as_ref());
        let search = Search::with_staying(found.len(), input.minutes * 60.0, staying);
        let candidates = found[..search.candidates()].to_vec();
        let mut state = match kept.filter(|state| state.candidates == candidates) {
            Some(state) => state,
            None => self.begin(job, meter, &setting, candidates, room).await?,
        };
        let last = self.measure_all(job, meter, &setting, search, &mut state).await?;
        let report = self.conclude(job, &setting, search.at(state.pace()), &state, &last).await?;
        tracing::info!(model = input.model, chosen = report.chosen, met = report.met, "tuned");
        Ok(report)
    }

    async fn tuning_lock(&self, key: String, meter: &Meter) -> Result<File> {
        let (library, cancelled) = (self.inner.library.clone(), meter.cancelled.clone());
        blocking(move || library.lock(&key, &cancelled)).await
    }

    /// The weights that take part: the model's own and, where that is asked for, those of its quantizations in the library
    /// that keep to their bounds.
    async fn setting<'a>(&self, input: &'a TuneInput, gauge: Arc<dyn Gauge>) -> Result<Setting<'a>> {
        let manifests = self.inner.library.manifests().await?;
        let Some(own) = manifests.get(&input.model) else { return Err(crate::invoke::not_pulled(&input.model)) };
        let variants = manifests.iter().filter(|(_, other)| input.quantized && stands_for(other, own));
        let part_takers: Vec<(&String, &Manifest)> = std::iter::once((&input.model, own)).chain(variants).collect();
        let (mut files, mut weights, mut tried) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut digests = BTreeMap::new();
        for (name, manifest) in part_takers {
            let its = self.inner.library.files(name, manifest).await?;
            let (loader, inspected, called) = (self.inner.loaded.loader(), its.clone(), name.clone());
            let inspecting = loader.clone();
            let facts = blocking(move || {
                inspecting.inspect(&inspected).map_err(|error| crate::invoke::errors::of_loading(&called, error))
            })
            .await?;
            tried.push(told(manifest, &facts));
            let name = (*name != input.model).then(|| name.clone());
            let one_pass = loader.attends_in_one_pass(facts.weights_bytes, self.inner.loaded.options());
            weights.push(Weighed { name: name.clone(), facts, one_pass });
            digests.insert(name.clone(), manifest.digest());
            files.insert(name, its);
        }
        let present = self.inner.loaded.tuned(&input.model).map(|tuned| tuned.settings);
        Ok(Setting {
            input,
            files,
            digests,
            embeds: own.facts.embeds,
            weights,
            present,
            tried,
            workload: Arc::new(input.workload.clone()),
            gauge,
        })
    }

    fn candidates(&self, setting: &Setting<'_>, room: u64) -> Vec<TunedSettings> {
        let pool = &self.inner.loaded;
        let space = Space {
            default: pool.options(),
            current: setting.present.clone(),
            weights: &setting.weights,
            cores: machine::shared_out(),
            budget: pool.budget_bytes(),
            room,
            least_context: setting.input.least_context,
            bounded_answers: setting.input.bounded_answers,
            rounded_caches: setting.input.rounded_caches,
            embeds: setting.embeds,
        };
        space.candidates(1)
    }

    /// A new state.
    async fn begin(
        &self,
        job: &JobContext,
        meter: &Meter,
        setting: &Setting<'_>,
        candidates: Vec<TunedSettings>,
        room: u64,
    ) -> Result<State> {
        meter.begin("measuring the machine's memory", None);
        tell(job, meter).await;
        let gauge = setting.gauge.clone();
        let machine = unless_cancelled(job, blocking(move || Ok(gauge.machine()))).await?;
        Ok(State { candidates, machine, room, taken: Vec::new() })
    }

    /// Measures until the search is over, which has fewer candidates where the first measurement took long; what was measured is
    /// kept after each turn. Returns the last candidates.
    async fn measure_all(
        &self,
        job: &JobContext,
        meter: &Meter,
        setting: &Setting<'_>,
        asked: Search,
        state: &mut State,
    ) -> Result<Vec<usize>> {
        loop {
            let search = asked.at(state.pace());
            let costs: Vec<(Turn, Cost)> =
                state.taken.iter().map(|taken| (taken.turn, taken.cost(&setting.input.slo))).collect();
            let (turn, seconds) = match search.next(&costs) {
                Step::Done(last) => return Ok(last),
                Step::Measure(turn, seconds) => (turn, seconds),
            };
            let settings = &state.candidates[turn.candidate];
            let (round, rounds) = (turn.round + 1, search.rounds());
            let left = time_left(search.left(state.taken.len(), state.pace()));
            let message = format!("round {round} of {rounds}, {left} left: {}", describe(settings));
            let counter = meter.count(message, "measurements", search.measurements());
            counter.store(state.taken.len(), Ordering::Relaxed);
            // Told here and not beside the work: saving and telling would wait for each other.
            tell(job, meter).await;
            let trial = self.trial(job, setting, settings, seconds)?;
            let outcome = self.try_out_candidate(job, &trial, &setting.gauge).await;
            // The default must do; another that does not is left out.
            let outcome = match outcome {
                Err(error) if turn.candidate == 0 || job.cancelled().is_cancelled() => return Err(error),
                Err(error) => Err(error.message),
                Ok(measured) => Ok(measured),
            };
            state.taken.push(Taken { turn, outcome });
            job.save_checkpoint(serde_json::to_value(&*state).map_err(Error::internal)?).await?;
        }
    }

    fn trial(&self, job: &JobContext, setting: &Setting<'_>, settings: &TunedSettings, seconds: f64) -> Result<Trial> {
        let (input, default) = (setting.input, self.inner.loaded.options());
        let missing = || Error::internal("weights that are not there");
        let files = setting.files.get(&settings.weights).cloned().ok_or_else(missing)?;
        let weights = setting.weights.iter().find(|one| one.name == settings.weights).ok_or_else(missing)?;
        let context = weights.facts.context_per_sequence(default);
        let play = Play {
            model: input.model.clone(),
            workload: setting.workload.clone(),
            clients: input.clients,
            seconds,
            context: input.least_context.map_or(context, |least| least.min(context)),
            weights_bytes: weights.facts.weights_bytes,
        };
        Ok(Trial { name: trial_name(&input.model, job.id()), files, options: settings.options(default), play })
    }

    /// Measures a candidate, where need be when there is room for it.
    async fn try_out_candidate(&self, job: &JobContext, trial: &Trial, gauge: &Arc<dyn Gauge>) -> Result<Measurement> {
        let mut patience = Patience::long(job);
        loop {
            let measured = unless_cancelled(job, gauge.measure(self, trial)).await;
            self.inner.loaded.forget(&trial.name).await;
            match measured {
                Err(_) if job.cancelled().is_cancelled() => return Err(stopped()),
                Err(error) if error.kind == ErrorKind::Throttled => patience.wait(error).await?,
                measured => return measured,
            }
        }
    }

    /// Keeps the report, and loads the model as the chosen profile says from now on.
    async fn conclude(
        &self,
        job: &JobContext,
        setting: &Setting<'_>,
        search: Search,
        state: &State,
        last: &[usize],
    ) -> Result<TuningReport> {
        let input = setting.input;
        let own = setting.weights.iter().find(|one| one.name.is_none());
        let empty = TuningReport {
            job: job.id().as_str().to_owned(),
            model: input.model.clone(),
            workload: input.workload.name().to_owned(),
            slo: input.slo,
            clients: input.clients,
            minutes: input.minutes,
            rounds: search.rounds(),
            price_per_hour: input.price_per_hour,
            machine: state.machine,
            weights_bytes: own.map_or(0, |one| one.facts.weights_bytes),
            weights: setting.tried.clone(),
            points: Vec::new(),
            chosen: 0,
            met: false,
            gain: None,
            under_load: false,
            at: self.inner.clock.now().as_millis(),
        };
        let present = present_in(&state.candidates, setting.present.as_ref());
        // There was no time for the others.
        let candidates = &state.candidates[..search.candidates()];
        let report = Findings { present, candidates, taken: &state.taken, last }.report(empty);
        let tuned = report.chosen_settings().map(|settings| Tuned {
            job: report.job.clone(),
            settings: settings.clone(),
            pinned: setting.pinned(settings),
        });
        store::conclude(&self.inner.store, &machine::kind(), &report, tuned.as_ref()).await?;
        self.apply_profile(&input.model, tuned).await;
        Ok(report)
    }
}

/// What a job's trials are called in memory: what one that was broken off leaves to be loaded is not another's.
fn trial_name(model: &str, job: &JobId) -> String {
    format!("{model}{TRIAL}{job}")
}

/// The number of the model's present profile among the candidates: it follows the default. Where there is none, that of
/// the default.
fn present_in(candidates: &[TunedSettings], present: Option<&TunedSettings>) -> usize {
    usize::from(present.is_some() && candidates.get(1) == present)
}

/// Whether a model has the weights of another in fewer bits, and its report says that they keep to the bound.
pub(crate) fn stands_for(other: &Manifest, own: &Manifest) -> bool {
    let source = |report: &&QuantizationReport| {
        let same = own.main_file().is_some_and(|file| file.sha256 == report.source.sha256);
        report.accepted() && report.source.name == own.name && same
    };
    other.name != own.name && other.quantization.as_ref().filter(source).is_some()
}

fn told(manifest: &Manifest, facts: &Facts) -> TriedWeights {
    TriedWeights {
        model: manifest.name.clone(),
        file: manifest.main.clone(),
        sha256: manifest.main_file().map(|file| file.sha256.clone()).unwrap_or_default(),
        format: facts.weights_format.clone(),
        bytes: facts.weights_bytes,
        labels: manifest.quantization.as_ref().map(|report| report.measured.labels),
    }
}

/// How long something takes yet, without loading.
fn time_left(seconds: f64) -> String {
    if seconds < 120.0 { format!("about {seconds:.0} s") } else { format!("about {:.0} min", seconds / 60.0) }
}

/// A candidate in a few words.
fn describe(settings: &TunedSettings) -> String {
    let threads = |threads: u32| if threads == 0 { "all".to_owned() } else { threads.to_string() };
    let weights = settings.weights.as_ref().map(|name| format!(", weights of {name}")).unwrap_or_default();
    let batches = settings.static_batches.map(|one| format!(", static batches of {}", one.size)).unwrap_or_default();
    let replicas = if settings.replicas > 1 { format!("{} replicas of ", settings.replicas) } else { String::new() };
    let cache = match settings.cache_type {
        CacheType::F16 => String::new(),
        other => format!(", cache {other}"),
    };
    let attention = match settings.one_pass {
        None => "",
        Some(true) => ", attention in one pass",
        Some(false) => ", attention in steps",
    };
    format!(
        "{replicas}{}/{} threads, {} side by side, context {}, shared {}{cache}{attention}{batches}{weights}",
        threads(settings.prefill_threads),
        threads(settings.decode_threads),
        settings.parallel,
        settings.context_per_sequence,
        settings.shared_cells
    )
}
