use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base::ErrorKind;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use inference::{Facts, LoadOptions, ModelKind};
use jobs::State;

use super::profile::{Space, Weighed};
use super::report::percentile;
use super::search::Search;
use super::work::{Gauge, Trial};
use super::*;
use crate::ProfileInUse;
use crate::testing::Deployment;

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
    /// What others fail with.
    failing: bool,
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
            Ok(Measurement {
                seconds: 1.0,
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
    assert_eq!(deployment.models.tunings(&deployment.ctx, "m").await.unwrap(), [report.clone()]);
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
async fn candidates_that_fail_are_told_and_left_out() {
    let deployment = deployment(Arc::new(Formula { failing: true, flat: true, ..Formula::default() })).await;
    let report = tuned(&deployment, "p95=1s").await;
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
    let refused = deployment.models.tune(&deployment.ctx, request("p95=1s")).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(refused.hint.unwrap().contains("craton jobs cancel"));
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
    let gauge = Arc::new(Formula { stuck_after: Some(5), ..Formula::default() });
    let deployment = deployment(gauge.clone()).await;
    let job = deployment.models.tune(&deployment.ctx, request("p95=165ms")).await.unwrap();
    let running = deployment.jobs.start(1);
    gauge.stuck.notified().await;
    running.stop().await;
    let rest = Arc::new(Formula::default());
    measure_with(&deployment, rest.clone());
    let running = deployment.jobs.start(1);
    assert_eq!(end_of(&deployment, &job).await.state, State::Succeeded);
    running.stop().await;
    let all = Search::new(1_000, 30.0).measurements();
    assert_eq!(rest.measured.load(Ordering::SeqCst) as u64, all - 5);
    let report = deployment.models.tuning(&deployment.ctx, "m", job.id.as_str()).await.unwrap();
    assert_eq!(report.points.len(), Search::new(1_000, 30.0).candidates());
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
    }
}

#[test]
fn the_candidates_fit_the_memory_and_begin_with_the_default() {
    let default = LoadOptions { parallel: 4, ..LoadOptions::default() };
    let weights = [Weighed { name: None, facts: facts() }];
    let space = Space {
        default: &default,
        current: None,
        weights: &weights,
        cores: 8,
        budget: 1000 + 4096 * 9,
        least_context: None,
        bounded_answers: None,
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
