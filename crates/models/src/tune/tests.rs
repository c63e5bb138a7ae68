use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::ErrorKind;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use inference::{CacheType, CoreSet, Facts, LoadOptions, ModelKind};
use jobs::State;
use proptest::prelude::*;

use super::report::{Findings, Taken, percentile};
use super::search::{LAST_PASSES, LEAST_GAIN, Pace, Search, Step, Turn};
use super::space::{Cores, Space, Weighed};
use super::work::{Gauge, Trial};
use super::*;
use crate::ProfileInUse;
use crate::quality::{Bound, Comparison, Kept, QuantizationReport, Ratio, Share};
use crate::testing::{Deployment, add_model};

/// Measures by a formula. More requests side by side are faster, up to sixteen, and each of them is slower.
#[derive(Default)]
struct Formula {
    measured: AtomicUsize,
    /// After so many, nothing comes any more.
    stuck_after: Option<usize>,
    /// Told when that is so.
    stuck: tokio::sync::Notify,
    /// All are alike.
    flat: bool,
    /// All but the default fail.
    failing: bool,
    /// How many times as fast weights are that lie in a folder or file of such a name.
    faster: Option<(&'static str, f64)>,
    /// The seconds that each warm-up takes.
    warming: Option<f64>,
}

impl Formula {
    /// What measurements take, as that of the default shows.
    fn pace(&self) -> Pace {
        let request = 0.005 * f64::from(LoadOptions::default().parallel);
        self.warming.map(|warming| Pace { warming, request }).unwrap_or_default()
    }
}

impl Gauge for Formula {
    fn machine(&self) -> MachineFacts {
        MachineFacts { cores: 4, memory_bytes: Some(8 << 30), core_bandwidth: 1e10, bandwidth: 2e10 }
    }

    fn measure<'a>(&'a self, _: &'a Models, trial: &'a Trial) -> BoxFuture<'a, Result<Measurement>> {
        Box::pin(async move {
            if Some(self.measured.load(Ordering::SeqCst)) == self.stuck_after {
                self.stuck.notify_one();
                std::future::pending::<()>().await;
            }
            let turn = self.measured.fetch_add(1, Ordering::SeqCst) + 1;
            let parallel = trial.options().parallel;
            if self.failing && parallel != LoadOptions::default().parallel {
                return Err(Error::unavailable("It does not load."));
            }
            let throughput = if self.flat { 10.0 } else { f64::from(parallel.min(16)) };
            let content = std::fs::read(trial.weights()).unwrap_or_default();
            let factor = self.faster.filter(|(content_is, _)| content == content_is.as_bytes());
            let throughput = throughput * factor.map_or(1.0, |(_, factor)| factor);
            Ok(Measurement {
                seconds: 1.0,
                warming_seconds: self.warming,
                requests: turn as u64,
                throughput,
                p50_ms: 5.0 * f64::from(parallel),
                p95_ms: 10.0 * f64::from(parallel),
                memory_bytes: u64::from(parallel) << 20,
                ..Measurement::default()
            })
        })
    }
}

/// Measures by the clock, on a machine that is known.
struct Played;

impl Gauge for Played {
    fn machine(&self) -> MachineFacts {
        Formula::default().machine()
    }

    fn measure<'a>(&'a self, models: &'a Models, trial: &'a Trial) -> BoxFuture<'a, Result<Measurement>> {
        Measured.measure(models, trial)
    }
}

async fn deployment(gauge: Arc<Formula>) -> Deployment {
    let deployment = Deployment::start().await;
    deployment.add_model("m");
    measure_with(&deployment, gauge);
    deployment
}

fn measure_with(deployment: &Deployment, gauge: Arc<Formula>) {
    let handler = TuneHandler::new(Arc::downgrade(&deployment.models.inner), gauge);
    deployment.jobs.register(JOB_KIND, Arc::new(handler));
}

fn request(slo: &str) -> TuneRequest {
    TuneRequest {
        model: "m".to_owned(),
        slo: slo.to_owned(),
        workload: Workload::Chat,
        minutes: 0.5,
        clients: 4,
        least_context: None,
        bounded_answers: None,
        quantized: false,
        rounded_caches: false,
        price_per_hour: Some(3.6),
    }
}

async fn end_of(deployment: &Deployment, job: &Job) -> Job {
    let stream = deployment.jobs.watch(deployment.ctx.account(), &job.id);
    let mut ends = Box::pin(stream.filter(|job| std::future::ready(job.state.is_end())));
    ends.next().await.unwrap()
}

async fn tuned(deployment: &Deployment, slo: &str) -> TuningReport {
    tuned_for(deployment, slo, 0.5).await
}

async fn tuned_for(deployment: &Deployment, slo: &str, minutes: f64) -> TuningReport {
    let request = TuneRequest { minutes, ..request(slo) };
    let job = deployment.models.tune(&deployment.ctx, request).await.unwrap();
    let running = deployment.jobs.start(1);
    let job = end_of(deployment, &job).await;
    running.stop().await;
    assert_eq!((job.state, job.error), (State::Succeeded, None));
    deployment.models.tuning(&deployment.ctx, "m", job.id.as_str()).await.unwrap()
}

async fn profile_in_use(deployment: &Deployment) -> ProfileInUse {
    drop(deployment.models.lease("m").await.unwrap());
    let status = deployment.models.status(&deployment.ctx);
    status.loaded.into_iter().find(|model| model.name == "m").unwrap().profile
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fastest_that_meets_the_objective_is_chosen_and_used_until_it_is_reset() {
    let gauge = Arc::new(Formula::default());
    let deployment = deployment(gauge.clone()).await;
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Default);
    let report = tuned_for(&deployment, "p95=165ms", 5.0).await;
    let chosen = &report.points[report.chosen];
    assert_eq!((chosen.settings.parallel, chosen.meets, report.met), (16, true, true));
    assert_eq!(report.gain, Some(Gain { median: 2.0, low: 2.0, high: 2.0 }));
    assert_eq!(chosen.seconds_per_1000, Some(62.5));
    assert!((chosen.price_per_1000.unwrap() - 0.0625).abs() < 1e-9);
    assert!(chosen.pareto && report.points[0].settings == TunedSettings::of(&LoadOptions::default()));
    // The default was in the last round, as often as the chosen one.
    assert_eq!(report.points[0].round, report.rounds);
    assert_eq!(gauge.measured.load(Ordering::SeqCst) as u64, Search::new(1_000, 300.0).measurements());
    // What was idle left the memory; what is loaded now is loaded so.
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Tuned(report.job.clone()));
    let lease = deployment.models.lease("m").await.unwrap();
    let inference::Loaded::Generator(generator) = lease.model() else { panic!("it generates") };
    assert_eq!(generator.info().parallel, 16);
    drop(lease);
    assert_eq!(deployment.models.tunings(&deployment.ctx, "m").await.unwrap(), std::slice::from_ref(&report));
    assert_eq!(deployment.models.tuned(&deployment.ctx, "m").unwrap().job, report.job);
    // It is there after a restart, too.
    let deployment = deployment.restart().await;
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Tuned(report.job));
    deployment.models.reset_tuning(&deployment.ctx, "m").await.unwrap();
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Default);
    let again = deployment.models.reset_tuning(&deployment.ctx, "m").await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_stays_where_nothing_beats_it_or_nothing_meets_the_objective() {
    let deployment = deployment(Arc::new(Formula { flat: true, ..Formula::default() })).await;
    let report = tuned(&deployment, "p95=1s").await;
    assert_eq!((report.chosen, report.met, report.gain), (0, true, None));
    let report = tuned(&deployment, "p95=1ms").await;
    assert_eq!((report.chosen, report.met), (0, false));
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Default);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_stays_unless_another_beats_it_in_the_last_round() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    let first = tuned_for(&deployment, "p95=165ms", 5.0).await;
    let chosen = first.points[first.chosen].settings.clone();
    assert_eq!(chosen.parallel, 16);
    let used = || deployment.models.tuned(&deployment.ctx, "m").map(|tuned| tuned.settings);
    // Nothing is faster, all are alike, or none meets the objective: it stays, and was measured to the end.
    for (flat, slo) in [(false, "p95=165ms"), (true, "p95=10s"), (false, "p95=1ms")] {
        measure_with(&deployment, Arc::new(Formula { flat, ..Formula::default() }));
        let report = tuned(&deployment, slo).await;
        assert_eq!((report.chosen, report.points[1].round, used()), (1, report.rounds, Some(chosen.clone())), "{slo}");
    }
    // What it does not keep to, the default may.
    measure_with(&deployment, Arc::new(Formula::default()));
    let report = tuned(&deployment, "p95=85ms").await;
    assert!(report.met && report.chosen != 1 && used() != Some(chosen));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_is_one_of_the_machines_that_it_was_measured_on() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    let report = tuned_for(&deployment, "p95=165ms", 5.0).await;
    let (store, here) = (&deployment.models.inner.store, machine::kind());
    let kept = |machine: &str| {
        let machine = machine.to_owned();
        async move { store::profiles(store, &machine).await.unwrap() }
    };
    assert_eq!((kept(&here).await.len(), kept("another").await.len()), (1, 0));
    let there = kept(&here).await.remove(0).1;
    store::conclude(store, "another", &report, Some(&there)).await.unwrap();
    assert!(store::forget_profile(store, &here, "m").await.unwrap());
    assert_eq!((kept(&here).await.len(), kept("another").await), (0, vec![("m".to_owned(), there)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_that_fail_are_told_and_left_out() {
    let deployment = deployment(Arc::new(Formula { failing: true, flat: true, ..Formula::default() })).await;
    let report = tuned_for(&deployment, "p95=1s", 60.0).await;
    assert_eq!(report.chosen, 0);
    let failed = report.points.iter().find(|point| point.failed.is_some()).unwrap();
    assert_eq!((failed.failed.as_deref(), failed.measured), (Some("It does not load."), None));
    assert!(!failed.meets && !failed.pareto);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tuning_is_refused_and_a_cancelled_one_changes_nothing() {
    let gauge = Arc::new(Formula { stuck_after: Some(2), ..Formula::default() });
    let deployment = deployment(gauge.clone()).await;
    let job = deployment.models.tune(&deployment.ctx, request("p95=1s")).await.unwrap();
    let running = deployment.jobs.start(1);
    let under_way =
        async |ctx: &Ctx, model: &str| deployment.models.tuning_under_way(ctx, model).await.unwrap().map(|job| job.id);
    let other = deployment.context("210987654321", "us-east-1").await;
    assert_eq!(under_way(&deployment.ctx, "m").await, Some(job.id.clone()));
    assert_eq!((under_way(&deployment.ctx, "n").await, under_way(&other, "m").await), (None, None));
    for ctx in [&deployment.ctx, &other] {
        let refused = deployment.models.tune(ctx, request("p95=1s")).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        assert!(refused.message.starts_with("The model `m` is being tuned"), "{}", refused.message);
        assert!(refused.hint.unwrap().contains(&format!("craton jobs cancel {}", job.id)));
    }
    gauge.stuck.notified().await;
    let removed = deployment.models.remove(&deployment.ctx, "m").await.unwrap_err();
    assert_eq!((removed.kind, removed.message.contains("tuned")), (ErrorKind::Conflict, true));
    deployment.jobs.cancel(deployment.ctx.account(), &job.id).await.unwrap();
    assert_eq!(end_of(&deployment, &job).await.state, State::Cancelled);
    running.stop().await;
    assert_eq!(deployment.models.tunings(&deployment.ctx, "m").await.unwrap(), []);
    assert_eq!(deployment.models.tuned(&deployment.ctx, "m"), None);
    assert!(deployment.models.status(&deployment.ctx).loaded.is_empty());
    // Another may begin.
    measure_with(&deployment, Arc::new(Formula::default()));
    assert!(tuned(&deployment, "p95=1s").await.met);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuning_that_was_broken_off_goes_on_with_what_it_measured() {
    for warming in [None, Some(5.0)] {
        let gauge = Arc::new(Formula { stuck_after: Some(5), warming, ..Formula::default() });
        let deployment = deployment(gauge.clone()).await;
        let job = deployment.models.tune(&deployment.ctx, request("p95=165ms")).await.unwrap();
        let running = deployment.jobs.start(1);
        gauge.stuck.notified().await;
        running.stop().await;
        let rest = Arc::new(Formula { warming, ..Formula::default() });
        measure_with(&deployment, rest.clone());
        let running = deployment.jobs.start(1);
        assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
        running.stop().await;
        let search = Search::new(1_000, 30.0).at(rest.pace());
        assert_eq!(rest.measured.load(Ordering::SeqCst) as u64, search.measurements() - 5, "{warming:?}");
        let report = deployment.models.tuning(&deployment.ctx, "m", job.id.as_str()).await.unwrap();
        assert_eq!(report.points.len(), search.candidates());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_warming_up_takes_long_fewer_candidates_share_the_time() {
    let gauge = Arc::new(Formula { warming: Some(5.0), ..Formula::default() });
    let deployment = deployment(gauge.clone()).await;
    let report = tuned_for(&deployment, "p95=10s", 1.0).await;
    let asked = Search::new(1_000, 60.0);
    let search = asked.at(gauge.pace());
    assert!(search.candidates() < asked.candidates() && search.left(0, gauge.pace()) <= 90.0);
    assert_eq!((report.points.len(), report.rounds), (search.candidates(), search.rounds()));
    assert_eq!(gauge.measured.load(Ordering::SeqCst) as u64, search.measurements());
    assert!(
        report.points.iter().all(|point| point.measured.is_some()),
        "those for which there was no time are not told"
    );
    assert_eq!(report.points[0].round, report.rounds, "the default was in the last round");
}

#[test]
fn a_measurement_of_old_is_read_and_its_search_goes_on_as_it_began() {
    let measured = Measurement { warming_seconds: Some(9.0), p50_ms: 500.0, ..Measurement::default() };
    let taken = Taken { turn: Turn { round: 0, pass: 0, candidate: 0 }, outcome: Ok(measured) };
    assert_eq!(taken.pace(), Pace { warming: 9.0, request: 0.5 });
    let mut kept = serde_json::to_value(&taken).unwrap();
    assert!(kept["outcome"]["Ok"].as_object_mut().unwrap().remove("warming_seconds").is_some());
    assert_eq!(serde_json::from_value::<Taken>(kept).unwrap().pace(), Pace::default());
}

#[test]
fn the_warm_up_asks_the_same_for_short_answers() {
    use super::workload::{Ask, Client, Scale};
    for workload in [Workload::Chat, Workload::Moderation, Workload::Judge, Workload::Embed] {
        let first = || Client::new(Arc::new(workload.clone()), Scale::of(1, 1, 4096), 3).next();
        match (first(), first().brief()) {
            (Ask::Chat { messages, max_tokens }, Ask::Chat { messages: same, max_tokens: few }) => {
                assert!(messages == same && max_tokens > few && few == 4);
            }
            (whole, brief) => assert_eq!(whole, brief, "{workload:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tuned_is_refused_at_once() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    deployment.add_model("e-embed");
    let own = |prompt: Option<&str>, max_tokens| OwnRequest {
        prompt: prompt.map(str::to_owned),
        messages: Vec::new(),
        max_tokens,
    };
    let asked: Vec<(TuneRequest, ErrorKind)> = vec![
        (TuneRequest { model: "none".to_owned(), ..request("p95=1s") }, ErrorKind::NotFound),
        (request("p95=0ms"), ErrorKind::Invalid),
        (request("p99=3ms"), ErrorKind::Invalid),
        (TuneRequest { workload: Workload::Embed, ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { model: "e-embed".to_owned(), ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { workload: Workload::Requests(Vec::new()), ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { workload: Workload::Requests(vec![own(None, 3)]), ..request("p95=1s") }, ErrorKind::Invalid),
        (
            TuneRequest { workload: Workload::Requests(vec![own(Some("x"), 0)]), ..request("p95=1s") },
            ErrorKind::Invalid,
        ),
        (TuneRequest { minutes: 0.0, ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { minutes: f64::NAN, ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { clients: 0, ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { clients: 65, ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { least_context: Some(1), ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { bounded_answers: Some(0), ..request("p95=1s") }, ErrorKind::Invalid),
        (TuneRequest { price_per_hour: Some(-1.0), ..request("p95=1s") }, ErrorKind::Invalid),
    ];
    for (request, kind) in asked {
        let said = format!("{request:?}");
        assert_eq!(deployment.models.tune(&deployment.ctx, request).await.unwrap_err().kind, kind, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_workload_is_played_to_an_engine() {
    let deployment = Deployment::start().await;
    deployment.add_model("m");
    deployment.add_model("e-embed");
    let own =
        OwnRequest { prompt: None, messages: vec![(inference::Role::User, "How are you?".to_owned())], max_tokens: 3 };
    let workloads =
        [Workload::Chat, Workload::Moderation, Workload::Judge, Workload::Embed, Workload::Requests(vec![own])];
    for workload in workloads {
        let model = if workload == Workload::Embed { "e-embed" } else { "m" };
        let lease = deployment.models.lease(model).await.unwrap();
        let play = player::Play {
            model: model.to_owned(),
            workload: Arc::new(workload.clone()),
            clients: 3,
            seconds: 0.0,
            context: 4096,
            weights_bytes: 100,
        };
        // No time at all: each client asks once.
        let measured = player::play(&lease, &play).await.unwrap();
        assert_eq!(measured.requests, 3, "{workload:?}");
        assert!(measured.warming_seconds.is_some_and(|seconds| seconds > 0.0), "{workload:?}");
        assert!(measured.p95_ms >= measured.p50_ms && measured.throughput > 0.0);
        assert!(measured.tokens_per_second > 0.0, "{workload:?}");
        let writes = !matches!(workload, Workload::Judge | Workload::Embed);
        assert_eq!(measured.first_token_p95_ms.is_some(), writes, "{workload:?}");
        assert_eq!(measured.weights_bytes_per_second.is_some(), workload != Workload::Embed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_leaves_the_memory_and_tells_what_it_took() {
    let deployment = Deployment::start().await;
    deployment.add_model("m");
    let handler = TuneHandler::new(Arc::downgrade(&deployment.models.inner), Arc::new(Played));
    deployment.jobs.register(JOB_KIND, Arc::new(handler));
    let request = TuneRequest { minutes: 0.000_1, workload: Workload::Moderation, ..request("p95=60s") };
    let job = deployment.models.tune(&deployment.ctx, request).await.unwrap();
    let running = deployment.jobs.start(1);
    let job = end_of(&deployment, &job).await;
    running.stop().await;
    assert_eq!((job.state, job.error), (State::Succeeded, None));
    let report = deployment.models.tuning(&deployment.ctx, "m", job.id.as_str()).await.unwrap();
    assert!(report.machine.bandwidth > 0.0 && report.machine.core_bandwidth > 0.0 && report.decode_ceiling() > 0.0);
    let default = report.points[0].measured.unwrap();
    assert!(default.requests >= 12 && default.memory_bytes > 0 && report.bandwidth_share(&default).is_some());
    assert!(deployment.models.status(&deployment.ctx).loaded.is_empty());
}

#[test]
fn objectives_are_read_with_their_units() {
    let slo = Slo::parse("p95=300ms, p50=0.1s,first-token=80ms").unwrap();
    assert_eq!((slo.p95_ms, slo.p50_ms, slo.first_token_p95_ms), (Some(300.0), Some(100.0), Some(80.0)));
    for wrong in ["", "p95", "p95=300", "p95=ms", "p95=-1s", "p95=infs", "p99=1s"] {
        let error = Slo::parse(wrong).unwrap_err();
        assert!(error.hint.unwrap().contains("p95=300ms"), "{wrong}");
    }
}

#[test]
fn percentiles_are_values_that_were_measured() {
    let values: Vec<f64> = (1..=20).rev().map(f64::from).collect();
    assert_eq!((percentile(&values, 0.5), percentile(&values, 0.95)), (Some(10.0), Some(19.0)));
    assert_eq!((percentile(&[], 0.5), percentile(&[7.0], 0.95)), (None, Some(7.0)));
}

fn facts() -> Facts {
    Facts {
        kind: ModelKind::Generator,
        name: "f".to_owned(),
        architecture: "llama".to_owned(),
        parameters: 1,
        context_length: 4096,
        vocabulary: 10,
        dimensions: 4,
        weights_bytes: 1000,
        cache_bytes_per_token: 1,
        working_bytes: 0,
        weights_format: "F16".to_owned(),
        has_chat_template: true,
        licence: None,
        shape: inference::Shape::default(),
        prompting: inference::Prompting::default(),
    }
}

#[test]
fn the_candidates_fit_the_memory_and_begin_with_the_default() {
    let default = LoadOptions { parallel: 4, ..LoadOptions::default() };
    let weights = [Weighed { name: None, facts: facts(), one_pass: true }];
    let space = Space {
        default: &default,
        current: None,
        weights: &weights,
        cores: Cores { count: 8, set: None },
        budget: 1000 + 4096 * 9,
        room: 1000 + 4096 * 9,
        least_context: None,
        bounded_answers: None,
        rounded_caches: false,
        embeds: false,
    };
    let candidates = space.candidates(1);
    assert_eq!(candidates[0], TunedSettings::of(&default));
    assert!(candidates.iter().all(|one| one.parallel <= 8 && one.context_per_sequence == 4096));
    assert!(candidates.iter().any(|one| one.parallel == 8 && one.shared_cells == 0));
    let different: std::collections::BTreeSet<String> = candidates.iter().map(|one| format!("{one:?}")).collect();
    assert_eq!(different.len(), candidates.len());
    assert!(candidates.iter().all(|one| one.static_batches.is_none()));
    // Answers are bounded only for those who say that they may be.
    let bounded = Space { bounded_answers: Some(16), ..space.clone() }.candidates(1);
    let batches: Vec<_> = bounded.iter().filter_map(|one| one.static_batches.map(|its| (one, its))).collect();
    assert!(!batches.is_empty());
    assert!(batches.iter().all(|(one, its)| (its.size, its.max_tokens) == (one.parallel, 16) && its.size > 1));
    // Less context is tried only by those who say how little they need.
    let less = Space { least_context: Some(1024), ..space.clone() }.candidates(1);
    let contexts: std::collections::BTreeSet<u32> = less.iter().map(|one| one.context_per_sequence).collect();
    assert_eq!(contexts, [1024, 2048, 4096].into());
    assert!(less.iter().any(|one| one.parallel == 32));
    // An embedder has its threads alone, and the present profile is tried early.
    let present = TunedSettings { prefill_threads: 3, ..TunedSettings::of(&default) };
    let embeds = Space { embeds: true, current: Some(present.clone()), ..space }.candidates(1);
    assert_eq!((embeds.len(), &embeds[1]), (5, &present));
}

/// A space of a model on eight cores, with memory enough.
fn roomy<'a>(default: &'a LoadOptions, weights: &'a [Weighed]) -> Space<'a> {
    Space {
        default,
        current: None,
        weights,
        cores: Cores { count: 8, set: CoreSet::of(0..8) },
        budget: u64::MAX,
        room: u64::MAX,
        least_context: None,
        bounded_answers: None,
        rounded_caches: false,
        embeds: false,
    }
}

#[test]
fn what_is_tried_leaves_room_for_the_models_in_memory_but_for_what_is_used_already() {
    let (default, weights) = (LoadOptions::default(), [Weighed { name: None, facts: facts(), one_pass: true }]);
    let present = TunedSettings { parallel: 16, ..TunedSettings::of(&default) };
    let room = 1000 + 4096 * 2;
    let space = Space { room, current: Some(present.clone()), ..roomy(&default, &weights) };
    let candidates = space.candidates(1);
    assert_eq!(candidates[..2], [TunedSettings::of(&default), present]);
    assert!(candidates.len() > 2);
    for one in &candidates[2..] {
        assert!(facts().memory_bytes(&one.options(&default)) <= room, "{one:?}");
    }
}

#[test]
fn replicas_share_the_cores_among_them() {
    let (default, weights) = (LoadOptions::default(), [Weighed { name: None, facts: facts(), one_pass: true }]);
    let candidates = roomy(&default, &weights).candidates(1);
    let replicas: std::collections::BTreeSet<u32> = candidates.iter().map(|one| one.replicas).collect();
    assert_eq!(replicas, [1, 2, 4, 8].into());
    for one in &candidates {
        assert!(one.options(&default).validate().is_ok(), "{one:?}");
        let cores: Vec<u32> = one.cores.iter().flat_map(CoreSet::iter).collect();
        assert!(if one.replicas == 1 { cores.is_empty() } else { cores == (0..8).collect::<Vec<u32>>() }, "{one:?}");
        let most = one.cores.first().map_or(8, CoreSet::count);
        assert!(one.prefill_threads < most.max(2) && one.decode_threads < most.max(2), "{one:?}");
    }
    // Other replicas with all of their cores differ from the default in one thing: such come first.
    let two = candidates.iter().position(|one| one.replicas == 2).unwrap();
    assert!((two < 24) && candidates[two].prefill_threads == 0 && candidates[two].parallel == default.parallel);
    // Where nobody may choose cores, replicas have a part of the threads.
    let unpinned = Space { cores: Cores { count: 8, set: None }, ..roomy(&default, &weights) }.candidates(1);
    assert!(unpinned.iter().any(|one| one.replicas == 4));
    assert!(unpinned.iter().all(|one| one.cores.is_empty() && (one.replicas == 1 || one.prefill_threads > 0)));
    // Two cores have no room for four engines.
    let small = Space { cores: Cores { count: 2, set: CoreSet::of(0..2) }, ..roomy(&default, &weights) }.candidates(1);
    assert!(small.iter().all(|one| one.replicas <= 2) && small.iter().any(|one| one.replicas == 2));
}

#[test]
fn caches_are_rounded_only_for_those_who_allow_it() {
    let weights = [Weighed { name: None, facts: facts(), one_pass: true }];
    let types = |options: &LoadOptions, rounded_caches| {
        let space = Space { rounded_caches, ..roomy(options, &weights) };
        let types: std::collections::BTreeSet<String> =
            space.candidates(1).iter().map(|one| one.cache_type.to_string()).collect();
        types.into_iter().collect::<Vec<String>>().join(" ")
    };
    let (default, rounded) =
        (LoadOptions::default(), LoadOptions { cache_type: CacheType::Q8_0, ..LoadOptions::default() });
    assert_eq!((types(&default, false), types(&default, true)), ("f16".to_owned(), "f16 q8_0".to_owned()));
    assert_eq!(types(&rounded, false), "f16 q8_0", "the settings allow it");
    let steps = LoadOptions { attention: Some(false), ..LoadOptions::default() };
    assert_eq!(types(&steps, true), "f16", "attention in steps has no such caches");
}

#[test]
fn attention_is_tried_the_other_way_where_the_settings_leave_it_to_the_engine() {
    let ways = |options: &LoadOptions, one_pass| {
        let weights = [Weighed { name: None, facts: facts(), one_pass }];
        let candidates = roomy(options, &weights).candidates(1);
        candidates.iter().map(|one| one.one_pass).collect::<std::collections::BTreeSet<_>>()
    };
    let default = LoadOptions::default();
    assert_eq!(ways(&default, true), [None, Some(false)].into());
    assert_eq!(ways(&default, false), [None, Some(true)].into());
    let asked = LoadOptions { attention: Some(true), ..LoadOptions::default() };
    assert_eq!(ways(&asked, true), [Some(true)].into());
    let settings = TunedSettings { one_pass: Some(false), ..TunedSettings::of(&default) };
    assert_eq!(settings.options(&default).attention, Some(false));
    assert_eq!(
        TunedSettings::of(&default).options(&asked).attention,
        Some(true),
        "the settings count where a profile says nothing"
    );
}

#[test]
fn a_profile_is_kept_as_text_and_one_of_old_is_read() {
    let settings = TunedSettings {
        replicas: 2,
        cores: vec![CoreSet::of([0, 1]).unwrap(), CoreSet::of([2, 5]).unwrap()],
        cache_type: CacheType::Q8_0,
        weights: Some("m-q8_0".to_owned()),
        ..TunedSettings::of(&LoadOptions::default())
    };
    let kept = serde_json::to_value(&settings).unwrap();
    assert_eq!((&kept["cores"], &kept["cache_type"]), (&serde_json::json!(["0-1", "2,5"]), &serde_json::json!("q8_0")));
    assert_eq!(serde_json::from_value::<TunedSettings>(kept.clone()).unwrap(), settings);
    let mut old = kept;
    for member in ["replicas", "cores", "cache_type", "one_pass"] {
        old.as_object_mut().unwrap().remove(member);
    }
    let old = serde_json::from_value::<TunedSettings>(old).unwrap();
    assert_eq!((old.replicas, old.cores, old.cache_type), (1, Vec::new(), CacheType::F16));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the noise: what is chosen was faster than the default each time, or meets an objective that the default misses.
    #[test]
    fn a_slower_profile_is_never_chosen(seed in any::<u64>(), count in 2_usize..40, noise in 0.0_f64..0.5) {
        let search = Search::new(count, 3600.0);
        let candidates: Vec<TunedSettings> = (0..search.candidates())
            .map(|at| TunedSettings { parallel: 1 + at as u32, ..TunedSettings::of(&LoadOptions::default()) })
            .collect();
        let slo = Slo { p95_ms: Some(100.0), ..Slo::default() };
        let chance = |parts: [u64; 2]| {
            let mixed = space::mix(seed ^ space::mix(parts[0] << 32 | parts[1]));
            (mixed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let measured = |turn: Turn| {
            let candidate = turn.candidate as u64;
            let shaken = 1.0 + noise * (chance([candidate + 1000, u64::from(turn.round * 8 + turn.pass)]) - 0.5);
            let throughput = (1.0 + chance([candidate, 1])) * shaken;
            Measurement { throughput, p95_ms: 50.0 + 100.0 * chance([candidate, 2]) * shaken, ..Measurement::default() }
        };
        let mut taken: Vec<Taken> = Vec::new();
        let last = loop {
            let costs: Vec<_> = taken.iter().map(|one| (one.turn, one.cost(&slo))).collect();
            match search.next(&costs) {
                Step::Measure(turn, _) => taken.push(Taken { turn, outcome: Ok(measured(turn)) }),
                Step::Done(last) => break last,
            }
        };
        let report = Findings { present: 0, candidates: &candidates, taken: &taken, last: &last }.report(report(slo));
        if report.chosen != 0 {
            let passes = |candidate: usize| -> Vec<Measurement> {
                let round = search.rounds() - 1;
                (0..LAST_PASSES).map(|pass| measured(Turn { round, pass, candidate })).collect()
            };
            let (mine, its) = (passes(report.chosen), passes(0));
            let met = its.iter().filter(|one| one.p95_ms <= 100.0).count() * 2 > its.len();
            if met {
                prop_assert!(mine.iter().zip(&its).all(|(mine, its)| mine.throughput > its.throughput));
                prop_assert!(report.gain.unwrap().median >= LEAST_GAIN && report.gain.unwrap().low > 1.0);
            }
            prop_assert!(report.points[report.chosen].meets);
        }
    }
}

/// A report in which nothing was measured.
fn report(slo: Slo) -> TuningReport {
    TuningReport {
        job: "j".to_owned(),
        model: "m".to_owned(),
        workload: "chat".to_owned(),
        slo,
        clients: 1,
        minutes: 1.0,
        rounds: 1,
        price_per_hour: None,
        machine: Formula::default().machine(),
        weights_bytes: 1_000_000_000,
        weights: Vec::new(),
        points: Vec::new(),
        chosen: 0,
        met: false,
        gain: None,
        under_load: false,
        at: 0,
    }
}

#[test]
fn the_ceiling_is_that_of_the_weights_that_were_read_and_of_those_who_read_them_together() {
    let weights = |model: &str, bytes| TriedWeights {
        model: model.to_owned(),
        file: "model.gguf".to_owned(),
        sha256: String::new(),
        format: "F16".to_owned(),
        bytes,
        labels: None,
    };
    let report = TuningReport {
        weights: vec![weights("m", 1_000_000_000), weights("m-q8_0", 500_000_000)],
        ..report(Slo::default())
    };
    assert_eq!((report.decode_ceiling(), report.core_decode_ceiling()), (20.0, 10.0));
    let settings = |weights: Option<&str>| TunedSettings {
        weights: weights.map(str::to_owned),
        ..TunedSettings::of(&LoadOptions::default())
    };
    let point = |weights, occupancy| TuningPoint {
        settings: settings(weights),
        round: 1,
        measured: Some(Measurement { occupancy, ..Measurement::default() }),
        throughput_range: (0.0, 0.0),
        failed: None,
        meets: false,
        pareto: false,
        seconds_per_1000: None,
        price_per_1000: None,
    };
    assert_eq!(report.ceiling(&point(None, Some(1.0))), Some(20.0));
    assert_eq!(report.ceiling(&point(None, Some(4.0))), Some(80.0));
    assert_eq!(report.ceiling(&point(Some("m-q8_0"), Some(4.0))), Some(160.0));
    assert_eq!(report.ceiling(&point(None, None)), None);
    assert_eq!(report.weights_of(&settings(Some("m-q8_0"))).unwrap().model, "m-q8_0");
}

/// Puts a model into the library that says that it was made of `source`, whose file has that SHA-256.
fn add_quantization(deployment: &Deployment, name: &str, source: (&str, &str), broken: &[&str]) {
    let (library, root) = (&deployment.models.inner.library, deployment.dir.path().join("models"));
    let mut manifest = add_model(library, &root, name, name.as_bytes());
    let kept = |name: &str, sha256: &str| Kept {
        name: name.to_owned(),
        sha256: sha256.to_owned(),
        format: "Q8_0".to_owned(),
        weights_bytes: 1,
    };
    manifest.quantization = Some(QuantizationReport {
        job: "q".to_owned(),
        to: "Q8_0".to_owned(),
        source: kept(source.0, source.1),
        made: kept(name, "0"),
        measured: Comparison {
            text: String::new(),
            tokens: 1,
            tasks: String::new(),
            perplexity_before: 1.0,
            perplexity_after: 1.0,
            perplexity: Ratio::of(&[]),
            argmax: Share::of(1, 1),
            labels: Share::of(399, 400),
        },
        bound: Bound { labels: 0.9, argmax: 0.0, perplexity: 2.0 },
        broken: broken.iter().map(|one| (*one).to_owned()).collect(),
        at: 0,
    });
    library.commit(&manifest).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn quantizations_that_keep_to_their_bounds_take_part_where_that_is_asked_for() {
    let gauge = Arc::new(Formula { faster: Some(("m-q8_0", 3.0)), ..Formula::default() });
    let deployment = deployment(gauge).await;
    let own = deployment.models.get(&deployment.ctx, "m").await.unwrap().sha256.unwrap();
    add_quantization(&deployment, "m-q8_0", ("m", &own), &[]);
    add_quantization(&deployment, "m-q4_k_m", ("m", &own), &["label agreement"]);
    add_quantization(&deployment, "m-of-old", ("m", "another file's"), &[]);
    add_quantization(&deployment, "n-q8_0", ("n", &own), &[]);
    let report = tuned(&deployment, "p95=1s").await;
    assert_eq!(report.weights.iter().map(|one| one.model.as_str()).collect::<Vec<&str>>(), ["m"]);
    let asked = TuneRequest { quantized: true, minutes: 60.0, ..request("p95=1s") };
    let job = deployment.models.tune(&deployment.ctx, asked).await.unwrap();
    let running = deployment.jobs.start(1);
    assert_eq!(end_of(&deployment, &job).await.error, None);
    running.stop().await;
    let report = deployment.models.tuning(&deployment.ctx, "m", job.id.as_str()).await.unwrap();
    assert_eq!(report.weights.iter().map(|one| one.model.as_str()).collect::<Vec<&str>>(), ["m", "m-q8_0"]);
    assert_eq!((report.weights[1].labels.unwrap().agreed, report.weights[0].labels), (399, None));
    assert_eq!((report.weights[0].sha256.as_str(), report.weights[0].file.as_str()), (own.as_str(), "model.gguf"));
    assert_eq!(report.points[report.chosen].settings.weights.as_deref(), Some("m-q8_0"));
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Tuned(report.job));
    // A file that nobody measured is not loaded in its place, nor one that is damaged; the model itself is none the worse.
    let manifest = |name: &str| {
        let (library, name) = (deployment.models.inner.library.clone(), name.to_owned());
        async move { library.manifest(&name).await.unwrap().unwrap() }
    };
    let reason_of = async || {
        deployment.models.unload(&deployment.ctx, "m").await.unwrap();
        let ProfileInUse::Unfit { reason } = profile_in_use(&deployment).await else { panic!("it was used") };
        reason
    };
    let (before, blobs) = (manifest("m-q8_0").await, deployment.dir.path().join("models/blobs"));
    let blob = blobs.join(format!("sha256-{}", before.main_file().unwrap().sha256));
    std::fs::write(&blob, "corrupt").unwrap();
    assert!(reason_of().await.contains("cannot be read"));
    assert_eq!((manifest("m").await.broken, manifest("m-q8_0").await.broken.is_some()), (None, true));
    std::fs::write(&blob, "m-q8_0").unwrap();
    let mut anew = before.clone();
    anew.files[0].sha256 = own.clone();
    deployment.models.inner.library.commit(&anew).unwrap();
    assert!(reason_of().await.contains("tune it again"));
    deployment.models.inner.library.commit(&before).unwrap();
    // Without the file the model is loaded with its own weights, and that is said.
    deployment.models.remove(&deployment.ctx, "m-q8_0").await.unwrap();
    deployment.models.unload(&deployment.ctx, "m").await.unwrap();
    let ProfileInUse::Unfit { reason } = profile_in_use(&deployment).await else { panic!("the weights are gone") };
    assert!(reason.contains("`m-q8_0`"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_tuning_leaves_the_profile_and_what_is_loaded() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    let first = tuned_for(&deployment, "p95=1s", 5.0).await;
    assert_ne!(first.chosen, 0);
    let lease = deployment.models.lease("m").await.unwrap();
    let gauge = Arc::new(Formula { stuck_after: Some(3), flat: true, ..Formula::default() });
    measure_with(&deployment, gauge.clone());
    let job = deployment.models.tune(&deployment.ctx, request("p95=1s")).await.unwrap();
    let running = deployment.jobs.start(1);
    gauge.stuck.notified().await;
    deployment.jobs.cancel(deployment.ctx.account(), &job.id).await.unwrap();
    assert_eq!(end_of(&deployment, &job).await.state, State::Cancelled);
    running.stop().await;
    assert_eq!(deployment.models.tuned(&deployment.ctx, "m").unwrap().job, first.job);
    assert_eq!(profile_in_use(&deployment).await, ProfileInUse::Tuned(first.job.clone()));
    let again = deployment.models.lease("m").await.unwrap();
    let (inference::Loaded::Generator(before), inference::Loaded::Generator(after)) = (lease.model(), again.model())
    else {
        panic!("it generates")
    };
    assert!(Arc::ptr_eq(before, after), "the same engine");
    assert_eq!(deployment.models.status(&deployment.ctx).loaded.len(), 1);
    assert_eq!(deployment.models.tunings(&deployment.ctx, "m").await.unwrap(), [first]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuning_of_a_model_that_was_removed_meanwhile_fails_and_leaves_nothing() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    let job = deployment.models.tune(&deployment.ctx, request("p95=1s")).await.unwrap();
    deployment.models.remove(&deployment.ctx, "m").await.unwrap();
    let running = deployment.jobs.start(1);
    let ended = end_of(&deployment, &job).await;
    running.stop().await;
    assert_eq!((ended.state, ended.error.unwrap().kind), (State::Failed, ErrorKind::NotFound));
    assert_eq!(deployment.models.tuned(&deployment.ctx, "m"), None);
    assert!(deployment.models.status(&deployment.ctx).loaded.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_of_cores_that_are_gone_is_passed_over() {
    let deployment = deployment(Arc::new(Formula::default())).await;
    let settings = TunedSettings { replicas: 2, ..TunedSettings::of(&LoadOptions::default()) };
    let cores = vec![CoreSet::of([1022]).unwrap(), CoreSet::of([1023]).unwrap()];
    for (cores, says) in [(cores, "core 1022"), (vec![CoreSet::of([0]).unwrap()], "1 core sets are given for 2")] {
        let settings = TunedSettings { cores, ..settings.clone() };
        let tuned = Tuned { job: "j".to_owned(), settings, pinned: None };
        deployment.models.inner.loaded.set_tuned("m", Some(tuned));
        let ProfileInUse::Unfit { reason } = profile_in_use(&deployment).await else { panic!("it was used") };
        assert!(reason.contains(says), "{reason}");
        deployment.models.unload(&deployment.ctx, "m").await.unwrap();
    }
}
