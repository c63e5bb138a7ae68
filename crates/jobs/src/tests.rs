use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::store::Store;
use ::store::testing::{each_backend, each_database};
use base::{Error, ErrorKind, FixedClock, PageRequest, Result, SeededRandom, Timestamp};
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::context::Attempt;
use crate::store::{Found, take};
use crate::{Every, Job, JobContext, JobId, Jobs, Lane, NewJob, NewSchedule, Owner, Progress, State};

const START: Timestamp = Timestamp(1_770_000_000_000);

struct Fixture {
    jobs: Jobs,
    clock: Arc<FixedClock>,
}

impl Fixture {
    async fn open(store: Store) -> Self {
        Self::at(store, START, 1).await
    }

    async fn at(store: Store, now: Timestamp, seed: u64) -> Self {
        let clock = Arc::new(FixedClock::new(now));
        let jobs = Jobs::open(store, clock.clone(), Arc::new(SeededRandom::new(seed))).await.unwrap();
        Self { jobs, clock }
    }

    fn register<F, Fut>(&self, kind: &'static str, handler: F)
    where
        F: Fn(JobContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Value>> + Send + 'static,
    {
        self.jobs.register(kind, Arc::new(handler));
    }

    async fn submit(&self, kind: &'static str) -> JobId {
        self.jobs.submit(new(kind)).await.unwrap().id
    }

    async fn get(&self, id: &JobId) -> Job {
        self.jobs.get(&owner().account, id).await.unwrap()
    }

    async fn run(&self) -> usize {
        self.jobs.run_due_once().await.unwrap()
    }

    /// Takes the next job as a worker that will never be heard of again.
    async fn take_and_die(&self) -> Arc<Attempt> {
        let inner = self.jobs.inner();
        let Found::Work(taken) = take(&inner.store, "dead", "", base::Clock::now(&*self.clock)).await.unwrap() else {
            panic!("no job was due")
        };
        Arc::new(Attempt::new(*taken, tokio_util::sync::CancellationToken::new()))
    }

    fn context(&self, attempt: &Arc<Attempt>) -> JobContext {
        JobContext { inner: Arc::clone(self.jobs.inner()), attempt: Arc::clone(attempt) }
    }
}

fn owner() -> Owner {
    Owner {
        account: "123456789012".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        principal_arn: "arn:aws:iam::123456789012:user/admin".to_owned(),
        principal_id: Some("AIDAEXAMPLE".to_owned()),
    }
}

fn new(kind: &'static str) -> NewJob {
    NewJob { kind, owner: owner(), input: json!({ "n": 1 }), dedup_key: None, max_attempts: 3, run_at: None }
}

fn bytes(done: u64, total: u64) -> Progress {
    Progress { done, total: Some(total), unit: "bytes".to_owned(), message: "copying".to_owned() }
}

fn succeed(job: &JobContext) -> impl Future<Output = Result<Value>> + Send + use<> {
    let input = job.input().clone();
    async move { Ok(json!({ "saw": input })) }
}

#[tokio::test]
async fn a_job_runs_and_its_output_is_kept() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job: JobContext| async move {
            job.progress(bytes(3, 4)).await;
            succeed(&job).await
        });
        let id = f.submit("echo").await;
        let queued = f.get(&id).await;
        assert_eq!((queued.state, queued.attempt, queued.created), (State::Queued, 0, START));
        f.clock.advance(5);
        assert_eq!(f.run().await, 1);
        let job = f.get(&id).await;
        assert_eq!((job.state, job.attempt), (State::Succeeded, 1));
        assert_eq!(job.output, Some(json!({ "saw": { "n": 1 } })));
        assert_eq!(job.progress, Some(bytes(3, 4)));
        assert_eq!((job.started, job.ended), (Some(Timestamp(START.0 + 5)), Some(Timestamp(START.0 + 5))));
        assert_eq!(job.owner, owner());
        assert_eq!(f.run().await, 0);
    })
    .await;
}

#[tokio::test]
async fn two_jobs_of_a_long_kind_run_at_once_and_leave_workers_to_others() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.jobs.register_long("long", Arc::new(|job: JobContext| async move { succeed(&job).await }));
        f.register("short", |job| async move { succeed(&job).await });
        let mut long = Vec::new();
        for _ in 0..3 {
            long.push(f.submit("long").await);
            f.clock.advance(1);
        }
        let short = f.submit("short").await;
        let inner = f.jobs.inner();
        let next = async || match take(&inner.store, "busy", &inner.long(), base::Clock::now(&*f.clock)).await.unwrap()
        {
            Found::Work(taken) => Some(taken.job.id),
            _ => None,
        };
        assert_eq!(next().await.as_ref(), Some(&long[0]));
        assert_eq!(next().await.as_ref(), Some(&long[1]));
        assert_eq!(next().await, Some(short));
        assert_eq!(next().await, None);
    })
    .await;
}

#[tokio::test]
async fn a_lane_has_only_so_many_open_jobs() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let lane = |name: &str| Lane { name: name.to_owned(), most: 2 };
        let keyed = NewJob { dedup_key: Some("k".to_owned()), ..new("echo") };
        let first = f.jobs.submit_in(keyed.clone(), &lane("a"), None).await.unwrap().unwrap();
        assert!(f.jobs.submit_in(new("echo"), &lane("a"), None).await.unwrap().is_some());
        assert_eq!(f.jobs.submit_in(new("echo"), &lane("a"), None).await.unwrap(), None);
        assert_eq!(
            f.jobs.submit_in(keyed, &lane("a"), None).await.unwrap().unwrap().id,
            first.id,
            "it is there already"
        );
        assert!(f.jobs.submit_in(new("echo"), &lane("b"), None).await.unwrap().is_some());
        f.submit("echo").await;
        assert_eq!(f.run().await, 4);
        assert!(f.jobs.submit_in(new("echo"), &lane("a"), None).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn who_asks_at_once_does_not_overfill_a_lane() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let lane = Lane { name: "a".to_owned(), most: 3 };
        let made = (0..6).map(|_| f.jobs.submit_in(new("echo"), &lane, None));
        let made = futures::future::join_all(made).await;
        assert_eq!(made.into_iter().filter(|made| made.as_ref().unwrap().is_some()).count(), 3);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_put_off_puts_off_its_lane_and_nobody_else() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let (busy, order) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
        let (is_busy, seen) = (busy.clone(), order.clone());
        f.register("ask", move |job: JobContext| {
            seen.lock().unwrap().push(job.id().clone());
            let is_busy = is_busy.load(Ordering::SeqCst) && job.input() == "a";
            async move {
                if !is_busy {
                    return Ok(Value::Null);
                }
                job.put_off_lane(Duration::from_secs(30));
                Err(Error::throttled("Too much to do."))
            }
        });
        let submit = async |lane: &str| {
            let new = NewJob { input: json!(lane), ..new("ask") };
            let made = f.jobs.submit_in(new, &Lane { name: lane.to_owned(), most: 9 }, None).await.unwrap().unwrap();
            f.clock.advance(1);
            made
        };
        let mut waiting = vec![submit("a").await.id, submit("a").await.id, submit("a").await.id];
        let other = submit("b").await;
        assert_eq!(f.run().await, 2);
        assert_eq!(std::mem::take(&mut *order.lock().unwrap()), [waiting[0].clone(), other.id]);
        // Who comes meanwhile waits as well.
        let late = submit("a").await;
        assert!(late.run_at > late.created.plus_seconds(29), "{late:?}");
        waiting.push(late.id);
        f.clock.advance(29_000);
        assert_eq!(f.run().await, 0);
        busy.store(false, Ordering::SeqCst);
        f.clock.advance(1_000);
        assert_eq!(f.run().await, 4);
        assert_eq!(*order.lock().unwrap(), waiting, "each in its place");
        let after = submit("a").await;
        assert_eq!(after.run_at, after.created, "the lane waits no longer");
    })
    .await;
}

#[tokio::test]
async fn a_new_message_is_written_at_once() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("slow").await;
        let attempt = f.take_and_die().await;
        let job = f.context(&attempt);
        job.progress(bytes(1, 4)).await;
        job.progress(Progress { message: "trying".to_owned(), ..bytes(0, 4) }).await;
        let told = f.jobs.inner().store.read(|tx| async move { crate::store::find(&tx, &owner().account, &id).await });
        assert_eq!(told.await.unwrap().progress.unwrap().message, "trying");
    })
    .await;
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        f.jobs.submit(NewJob { run_at: Some(START.plus_seconds(60)), ..new("echo") }).await.unwrap();
        f.clock.advance(59_999);
        assert_eq!(f.run().await, 0);
        f.clock.advance(1);
        assert_eq!(f.run().await, 1);
    })
    .await;
}

#[tokio::test]
async fn another_account_sees_nothing() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("echo").await;
        let other = "999999999999".parse().unwrap();
        let page = PageRequest { limit: 10, after: None };
        assert_eq!(f.jobs.get(&other, &id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(f.jobs.cancel(&other, &id).await.unwrap_err().kind, ErrorKind::NotFound);
        assert!(f.jobs.list(&other, &page).await.unwrap().items.is_empty());
        assert_eq!(f.jobs.watch(&other, &id).count().await, 0);
        assert_eq!(f.get(&id).await.state, State::Queued);
    })
    .await;
}

#[tokio::test]
async fn open_jobs_of_a_kind_are_seen_whoever_has_them() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let job = f.submit("echo").await;
        f.clock.advance(1);
        f.submit("echo").await;
        assert!(f.jobs.any_open("echo").await.unwrap() && !f.jobs.any_open("other").await.unwrap());
        assert_eq!(f.jobs.find_open("echo").await.unwrap().unwrap().id, job, "the oldest");
        while f.run().await > 0 {}
        assert!(!f.jobs.any_open("echo").await.unwrap());
        assert_eq!(f.jobs.find_open("echo").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_listing_shows_the_newest_first_page_by_page() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let mut ids = Vec::new();
        for _ in 0..5 {
            ids.insert(0, f.submit("echo").await);
            f.clock.advance(1);
        }
        let mut page = PageRequest { limit: 2, after: None };
        let mut seen = Vec::new();
        loop {
            let found = f.jobs.list(&owner().account, &page).await.unwrap();
            seen.extend(found.items.into_iter().map(|job| job.id));
            let Some(after) = found.next_after else { break };
            page.after = Some(after);
        }
        assert_eq!(seen, ids);
    })
    .await;
}

#[tokio::test]
async fn one_open_job_per_key() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let keyed = || NewJob { dedup_key: Some("k".to_owned()), ..new("echo") };
        let first = f.jobs.submit(keyed()).await.unwrap();
        assert_eq!(f.jobs.submit(keyed()).await.unwrap().id, first.id);
        let elsewhere = Owner { account: "999999999999".parse().unwrap(), ..owner() };
        assert_ne!(f.jobs.submit(NewJob { owner: elsewhere, ..keyed() }).await.unwrap().id, first.id);
        f.run().await;
        assert_ne!(f.jobs.submit(keyed()).await.unwrap().id, first.id);
    })
    .await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_after_a_pause_and_a_lasting_one_is_not() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let left = Arc::new(AtomicU32::new(2));
        f.register("flaky", move |_| {
            let fails = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
            async move { if fails { Err(Error::unavailable("no line").with_hint("wait")) } else { Ok(json!("up")) } }
        });
        f.register("wrong", |_| async { Err(Error::invalid("`x` is not a number.")) });
        let (flaky, wrong) = (f.submit("flaky").await, f.submit("wrong").await);
        assert_eq!(f.run().await, 2);
        assert_eq!(f.get(&wrong).await.state, State::Failed);
        let job = f.get(&flaky).await;
        assert_eq!((job.state, job.error.unwrap().message.as_str()), (State::Queued, "no line"));
        assert!((500..=1_000).contains(&(job.run_at.0 - START.0)), "{:?}", job.run_at);
        assert_eq!(f.run().await, 0);
        f.clock.advance(1_000);
        assert_eq!(f.run().await, 1);
        let job = f.get(&flaky).await;
        assert!((1_000..=2_000).contains(&(job.run_at.0 - START.0 - 1_000)), "{:?}", job.run_at);
        f.clock.advance(2_000);
        assert_eq!(f.run().await, 1);
        let job = f.get(&flaky).await;
        assert_eq!((job.state, job.attempt, job.error), (State::Succeeded, 3, None));
    })
    .await;
}

#[tokio::test]
async fn attempts_are_limited() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("down", |_| async { Err(Error::unavailable("no line").with_hint("wait").with_detail("private")) });
        let id = f.submit("down").await;
        let mut attempts = 0;
        for _ in 0..10 {
            attempts += f.run().await;
            f.clock.advance(600_000);
        }
        let job = f.get(&id).await;
        assert_eq!((attempts, job.attempt, job.state), (3, 3, State::Failed));
        let error = job.error.unwrap();
        assert_eq!((error.kind, error.hint.as_deref()), (ErrorKind::Unavailable, Some("wait")));
    })
    .await;
}

#[tokio::test]
async fn a_kind_without_handler_fails_by_name() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("long-gone").await;
        f.run().await;
        let job = f.get(&id).await;
        assert_eq!(job.state, State::Failed);
        assert!(job.error.unwrap().message.contains("`long-gone`"));
    })
    .await;
}

#[tokio::test]
async fn a_panic_fails_the_attempt_only() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("bad", |job: JobContext| async move {
            assert!(job.attempt() > 1, "first attempt");
            Ok(json!(job.attempt()))
        });
        let id = f.submit("bad").await;
        f.run().await;
        let job = f.get(&id).await;
        assert_eq!((job.state, job.error.unwrap().kind), (State::Queued, ErrorKind::Internal));
        f.clock.advance(1_000);
        f.run().await;
        assert_eq!(f.get(&id).await.output, Some(json!(2)));
    })
    .await;
}

#[tokio::test]
async fn a_lapsed_lease_is_taken_over_with_the_last_checkpoint() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("steps", |job: JobContext| async move { Ok(json!([job.attempt(), job.checkpoint()])) });
        let id = f.submit("steps").await;
        let dead = f.take_and_die().await;
        f.context(&dead).save_checkpoint(json!({ "step": 7 })).await.unwrap();
        f.clock.advance(29_999);
        assert_eq!(f.run().await, 0);
        assert_eq!(f.get(&id).await.state, State::Running);
        f.clock.advance(1);
        assert_eq!(f.run().await, 1);
        let job = f.get(&id).await;
        assert_eq!(job.output, Some(json!([1, { "step": 7 }])));
    })
    .await;
}

#[tokio::test]
async fn a_renewed_lease_does_not_lapse() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("echo").await;
        let slow = f.take_and_die().await;
        for _ in 0..5 {
            f.clock.advance(20_000);
            f.jobs.renew(&slow).await;
            assert_eq!(f.run().await, 0);
        }
        assert!(!slow.cancelled.is_cancelled());
        assert_eq!(f.get(&id).await.attempt, 1);
    })
    .await;
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_changes_nothing() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let id = f.submit("echo").await;
        let late = f.take_and_die().await;
        f.clock.advance(30_000);
        assert_eq!(f.run().await, 1);
        let done = f.get(&id).await;
        let context = f.context(&late);
        assert_eq!(context.save_checkpoint(json!(1)).await.unwrap_err().kind, ErrorKind::Conflict);
        assert!(context.cancelled().is_cancelled());
        context.progress(bytes(1, 2)).await;
        f.jobs.renew(&late).await;
        assert_eq!(f.get(&id).await, done);
    })
    .await;
}

#[tokio::test]
async fn a_job_that_kills_every_server_fails_in_the_end() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("killer").await;
        for _ in 0..3 {
            f.take_and_die().await;
            f.clock.advance(30_000);
        }
        f.run().await;
        let job = f.get(&id).await;
        assert_eq!((job.state, job.attempt), (State::Failed, 3));
        assert!(job.error.unwrap().message.contains("attempt 3"));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_gets_on_outlives_any_number_of_servers() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("steps", |job: JobContext| async move { Ok(json!([job.attempt(), job.checkpoint()])) });
        let id = f.submit("steps").await;
        for step in 0..8 {
            let dead = f.take_and_die().await;
            f.context(&dead).save_checkpoint(json!(step)).await.unwrap();
            f.clock.advance(30_000);
        }
        for done in 1..=8 {
            let dead = f.take_and_die().await;
            f.context(&dead).progress(bytes(done * 10, 100)).await;
            f.clock.advance(30_000);
        }
        f.run().await;
        assert_eq!(f.get(&id).await.output, Some(json!([1, 7])));
    })
    .await;
}

#[tokio::test]
async fn a_job_that_does_the_same_again_and_again_fails_in_the_end() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("circles").await;
        // The first attempt comes further than none; the others begin anew and do no more than it did.
        for _ in 0..4 {
            let dead = f.take_and_die().await;
            for done in [0, 5, 10] {
                f.context(&dead).progress(bytes(done, 100)).await;
                f.context(&dead).save_checkpoint(json!(done)).await.unwrap();
                f.clock.advance(1_000);
            }
            f.clock.advance(30_000);
        }
        f.run().await;
        let job = f.get(&id).await;
        assert_eq!((job.state, job.attempt), (State::Failed, 3));
    })
    .await;
}

#[tokio::test]
async fn failures_on_the_way_do_not_count_as_long_as_the_job_gets_on() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        f.register("flaky", move |job: JobContext| {
            let run = counted.fetch_add(1, Ordering::SeqCst).min(7);
            async move {
                job.progress(bytes(u64::from(run), 7)).await;
                Err(Error::unavailable("no line"))
            }
        });
        let id = f.submit("flaky").await;
        for _ in 0..20 {
            f.run().await;
            f.clock.advance(600_000);
        }
        // Once in vain at the beginning, seven times with more bytes, and twice in vain at the end.
        assert_eq!((runs.load(Ordering::SeqCst), f.get(&id).await.state), (10, State::Failed));
    })
    .await;
}

#[tokio::test]
async fn a_queued_job_is_cancelled_at_once_and_an_ended_one_stays() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let id = f.submit("echo").await;
        assert_eq!(f.jobs.cancel(&owner().account, &id).await.unwrap().state, State::Cancelled);
        assert_eq!(f.run().await, 0);
        let done = f.submit("echo").await;
        f.run().await;
        assert_eq!(f.jobs.cancel(&owner().account, &done).await.unwrap().state, State::Succeeded);
    })
    .await;
}

#[tokio::test]
async fn a_running_job_is_cancelled_when_its_handler_returns() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let jobs = f.jobs.clone();
        f.register("asked", move |job: JobContext| {
            let jobs = jobs.clone();
            async move {
                let asked = jobs.cancel(&owner().account, job.id()).await?;
                assert_eq!((asked.state, asked.cancel_requested), (State::Running, true));
                job.cancelled().cancelled().await;
                Ok(json!("half"))
            }
        });
        let id = f.submit("asked").await;
        f.run().await;
        let job = f.get(&id).await;
        assert_eq!((job.state, job.output), (State::Cancelled, None));
    })
    .await;
}

#[tokio::test]
async fn another_server_hears_of_a_cancellation_when_it_renews() {
    each_database(async |database| {
        let f = Fixture::open(database.open().await.unwrap()).await;
        let other = Fixture::at(database.open().await.unwrap(), START, 2).await;
        let id = f.submit("echo").await;
        let running = f.take_and_die().await;
        other.jobs.cancel(&owner().account, &id).await.unwrap();
        f.jobs.renew(&running).await;
        assert!(running.cancelled.is_cancelled());
        f.clock.advance(30_000);
        f.run().await;
        assert_eq!(f.get(&id).await.state, State::Cancelled);
    })
    .await;
}

#[tokio::test]
async fn a_job_waits_for_those_it_needs_and_fails_with_them() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let seen = order.clone();
        f.register("note", move |job: JobContext| {
            seen.lock().unwrap().push(job.id().clone());
            async { Ok(Value::Null) }
        });
        f.register("wrong", |_| async { Err(Error::invalid("no")) });
        let later = NewJob { run_at: Some(START.plus_seconds(9)), ..new("note") };
        let first = f.jobs.submit(later).await.unwrap().id;
        let second = f.jobs.submit_after(new("note"), std::slice::from_ref(&first)).await.unwrap().id;
        let third = f.jobs.submit_after(new("note"), &[first.clone(), second.clone()]).await.unwrap().id;
        assert_eq!(f.run().await, 0);
        f.clock.advance(9_000);
        assert_eq!(f.run().await, 3);
        assert_eq!(*order.lock().unwrap(), [first, second, third.clone()]);

        let wrong = f.submit("wrong").await;
        let child = f.jobs.submit_after(new("note"), std::slice::from_ref(&wrong)).await.unwrap().id;
        let grandchild = f.jobs.submit_after(new("note"), &[child.clone(), third]).await.unwrap().id;
        f.run().await;
        for id in [child, grandchild] {
            let job = f.get(&id).await;
            assert_eq!((job.state, job.attempt), (State::Failed, 0));
            assert!(job.error.unwrap().message.contains(wrong.as_str()));
        }
        let refused = f.jobs.submit_after(new("note"), &[wrong]).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Conflict);
        let unknown = "00000000-0000-4000-8000-000000000000".parse().unwrap();
        assert_eq!(f.jobs.submit_after(new("note"), &[unknown]).await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn progress_is_told_live_and_written_four_times_a_second() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("copy").await;
        let attempt = f.take_and_die().await;
        let context = f.context(&attempt);
        let watched = f.jobs.watch(&owner().account, &id);
        futures::pin_mut!(watched);
        assert_eq!(watched.next().await.unwrap().progress, None);
        for (done, written) in [(1, 1), (2, 1), (3, 3)] {
            context.progress(bytes(done, 2)).await;
            assert_eq!(watched.next().await.unwrap().progress.unwrap().done, done);
            let kept = f.get(&id).await.progress.unwrap();
            assert_eq!((kept.done, kept.total), (written, Some(written.max(2))));
            f.clock.advance(125);
        }
    })
    .await;
}

#[tokio::test]
async fn watching_ends_with_the_job() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        let id = f.submit("echo").await;
        let watched = f.jobs.watch(&owner().account, &id);
        let (states, ()) = tokio::join!(watched.map(|job| job.state).collect::<Vec<_>>(), async {
            tokio::task::yield_now().await;
            f.run().await;
        });
        assert_eq!(states.last(), Some(&State::Succeeded));
        let after: Vec<State> = f.jobs.watch(&owner().account, &id).map(|job| job.state).collect().await;
        assert_eq!(after, [State::Succeeded]);
    })
    .await;
}

#[tokio::test]
async fn watching_ends_when_the_server_stops() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let id = f.submit("echo").await;
        let mut watched = Box::pin(f.jobs.watch(&owner().account, &id));
        assert_eq!(watched.next().await.unwrap().state, State::Queued);
        f.jobs.end_watches();
        assert_eq!(watched.next().await, None);
        let late: Vec<Job> = f.jobs.watch(&owner().account, &id).collect().await;
        assert_eq!(late.len(), 1, "what is known is still told");
    })
    .await;
}

#[tokio::test]
async fn missed_runs_of_a_schedule_run_once() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        f.register("tidy", move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async { Ok(Value::Null) }
        });
        let every = Every::Interval(Duration::from_secs(60));
        let schedule = NewSchedule {
            name: "tidy".to_owned(),
            owner: owner(),
            kind: "tidy",
            input: json!({}),
            max_attempts: 1,
            every,
        };
        f.jobs.schedule(schedule.clone()).await.unwrap();
        assert_eq!(f.run().await, 0);
        f.clock.advance(60_000);
        assert_eq!((f.run().await, f.run().await), (1, 0));
        f.clock.advance(600_000);
        f.jobs.schedule(schedule).await.unwrap();
        assert_eq!((f.run().await, f.run().await), (1, 0));
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        let kept = f.jobs.schedules(&owner().account).await.unwrap();
        assert_eq!(kept[0].next_at, START.plus_seconds(720));
        f.jobs.unschedule(&owner().account, "tidy").await.unwrap();
        assert_eq!(f.jobs.unschedule(&owner().account, "tidy").await.unwrap_err().kind, ErrorKind::NotFound);
        f.clock.advance(600_000);
        assert_eq!(f.run().await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_schedule_does_not_overlap_itself() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("slow", |_| async { Err(Error::unavailable("later")) });
        let every = Every::Cron("* * * * *".to_owned());
        let schedule = NewSchedule {
            name: "s".to_owned(),
            owner: owner(),
            kind: "slow",
            input: json!({}),
            max_attempts: 9,
            every,
        };
        f.jobs.schedule(schedule).await.unwrap();
        for _ in 0..3 {
            f.clock.advance(60_000);
            f.run().await;
        }
        let page = PageRequest { limit: 10, after: None };
        let jobs = f.jobs.list(&owner().account, &page).await.unwrap().items;
        assert_eq!((jobs.len(), jobs[0].attempt), (1, 3));
    })
    .await;
}

#[tokio::test]
async fn workers_begin_new_jobs_at_once_and_put_them_back_when_stopped() {
    each_backend(async |store| {
        let f = Fixture::open(store).await;
        f.register("echo", |job| async move { succeed(&job).await });
        f.register("endless", |job: JobContext| async move {
            job.save_checkpoint(json!("here")).await?;
            job.cancelled().cancelled().await;
            Err(Error::unavailable("stopped"))
        });
        let running = f.jobs.start(2);
        let (echo, endless) = (f.submit("echo").await, f.submit("endless").await);
        let last = f.jobs.watch(&owner().account, &echo).map(|job| job.state).collect::<Vec<_>>().await;
        assert_eq!(last.last(), Some(&State::Succeeded));
        let begun = f.jobs.watch(&owner().account, &endless).any(|job| async move { job.state == State::Running });
        assert!(begun.await);
        running.stop().await;
        let job = f.get(&endless).await;
        assert_eq!((job.state, job.attempt), (State::Queued, 0));
    })
    .await;
}

#[tokio::test]
async fn jobs_of_a_dead_server_go_on_at_once_where_nobody_else_can_have_them() {
    let database = ::store::testing::TestDatabase::sqlite().unwrap();
    let f = Fixture::open(database.open().await.unwrap()).await;
    f.register("echo", |job| async move { succeed(&job).await });
    let id = f.submit("echo").await;
    f.take_and_die().await;
    let running = f.jobs.start(1);
    let last = f.jobs.watch(&owner().account, &id).map(|job| (job.state, job.attempt)).collect::<Vec<_>>().await;
    assert_eq!(last.last(), Some(&(State::Succeeded, 2)));
    running.stop().await;
}

#[tokio::test]
async fn two_servers_never_run_the_same_job_at_once() {
    each_database(async |database| {
        let first = Fixture::open(database.open().await.unwrap()).await;
        let second = Fixture::at(database.open().await.unwrap(), START, 2).await;
        let runs = Arc::new(AtomicU32::new(0));
        for f in [&first, &second] {
            let runs = runs.clone();
            f.register("count", move |_| {
                runs.fetch_add(1, Ordering::SeqCst);
                async { Ok(Value::Null) }
            });
        }
        for _ in 0..10 {
            first.submit("count").await;
        }
        let (a, b) = tokio::join!(first.run(), second.run());
        assert_eq!((a + b, runs.load(Ordering::SeqCst)), (10, 10));
    })
    .await;
}

#[test]
fn ids_are_uuids_in_order_of_time() {
    let random = SeededRandom::new(1);
    let ids: Vec<JobId> = (0..100).map(|i| JobId::new(Timestamp(START.0 + i), &random)).collect();
    assert!(ids.is_sorted());
    assert_eq!(ids[0].as_str().parse::<JobId>().unwrap(), ids[0]);
    assert_eq!(&ids[0].as_str()[14..15], "7");
    assert_eq!("job-1".parse::<JobId>().unwrap_err().kind, ErrorKind::Invalid);
}
