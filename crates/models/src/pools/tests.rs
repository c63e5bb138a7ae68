use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base::{ErrorKind, FixedClock, SeededRandom};
use futures::future::BoxFuture;
use inference::{Serving, Tenant};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, Notify, mpsc};

use super::live::Registry;
use super::state::Asking;
use super::*;
use crate::config::PoolChecks;
use crate::invoke::answer::{ChatEvent, ServedBy};
use crate::remote::Client;
use crate::testing::{Deployment, Request, install_tls, read_request, secret};
use crate::{
    ChatRequest, CompletionRequest, ContinuationRequest, Determinism, EmbedRequest, Message, RawPrompt, Target,
};

const HEAD: &str = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n";
const ROLE: &str = "data: {\"choices\": [{\"delta\": {\"role\": \"assistant\", \"content\": \"\"}}]}\n\n";
const TOKEN: &str = "data: {\"choices\": [{\"delta\": {\"content\": \"Hi\"}}]}\n\n";
const END: &str = "data: {\"choices\": [{\"delta\": {}, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n";

/// A server that answers each connection as it is told, and counts the conversations.
struct Upper {
    url: String,
    chats: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Request>>>,
}

type Answer = Arc<dyn Fn(TcpStream, usize) -> BoxFuture<'static, ()> + Send + Sync>;

impl Upper {
    async fn start<F: Future<Output = ()> + Send + 'static>(
        answer: impl Fn(TcpStream, usize) -> F + Send + Sync + 'static,
    ) -> Self {
        let answer: Answer = Arc::new(move |socket, at| Box::pin(answer(socket, at)));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let (chats, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (count, all) = (Arc::clone(&chats), Arc::clone(&seen));
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let (answer, count, all) = (Arc::clone(&answer), Arc::clone(&count), Arc::clone(&all));
                tokio::spawn(async move {
                    let request = read_request(&mut socket).await;
                    let is_chat = request.method == "POST";
                    all.lock().unwrap().push(request);
                    if is_chat {
                        let at = count.fetch_add(1, Ordering::SeqCst);
                        answer(socket, at).await;
                    } else {
                        send(&mut socket, &status(200, "", "{\"data\": []}")).await;
                    }
                });
            }
        });
        Self { url, chats, seen }
    }

    /// One that always sends this and closes.
    async fn saying(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::start(move |mut socket, _| {
            let text = text.clone();
            async move { send(&mut socket, &text).await }
        })
        .await
    }

    /// One that answers.
    async fn good() -> Self {
        Self::saying(format!("{HEAD}{ROLE}{TOKEN}{END}")).await
    }

    fn chats(&self) -> usize {
        self.chats.load(Ordering::SeqCst)
    }

    fn member(&self) -> Member {
        member(&self.url)
    }
}

async fn send(socket: &mut TcpStream, text: &str) {
    // A client that has gone is no fault of the server's.
    drop(socket.write_all(text.as_bytes()).await);
    drop(socket.shutdown().await);
}

fn status(code: u16, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {code} X\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn member(url: &str) -> Member {
    let upstream = Upstream { base_url: url.to_owned(), model: "qwen".to_owned(), api_key: Some(secret("sk-hidden")) };
    Member { upstream, weight: 1, max_in_flight: 64, region: None }
}

/// A member where nothing listens.
fn nobody() -> Member {
    member("http://127.0.0.1:1/v1")
}

struct World {
    registry: Registry,
    clock: Arc<FixedClock>,
    live: Arc<Live>,
}

impl World {
    /// A pool that is looked at once, at its first use.
    fn new(members: Vec<Member>) -> Self {
        Self::with(members, 8, Duration::from_secs(20))
    }

    fn with(members: Vec<Member>, max_queue: u32, silence: Duration) -> Self {
        install_tls();
        let clock = Arc::new(FixedClock::new(Timestamp(1_000_000)));
        let checks = PoolChecks { every: Duration::from_secs(3_600), idle: Duration::ZERO, ..PoolChecks::default() };
        let client = Client::new(reqwest::Client::new(), silence);
        let registry = Registry::new(client, checks, clock.clone(), Arc::new(SeededRandom::new(1)));
        let key = Key { account: "1".to_owned(), region: "r".to_owned(), which: Which::Named("p".to_owned()) };
        let spec = Spec { name: Some("p".to_owned()), members, max_queue };
        // Not through the registry: no check of its own interferes.
        let live = Arc::new(Live::new(spec, &key.account, checks.failures, clock.clone()));
        Self { registry, clock, live }
    }

    async fn chat(&self) -> Result<crate::Chat> {
        self.stream(None).await?.collect().await
    }

    async fn stream(&self, deadline: Option<Instant>) -> Result<crate::ChatStream> {
        let request = ChatRequest { messages: vec![Message::user("Hi")], ..ChatRequest::default() };
        let served_by = ServedBy::model("p", true);
        let serving = Serving { deadline, ..Serving::default() };
        self.live.chat(self.registry.client(), &request, &served_by, serving).await
    }

    fn status(&self) -> Vec<MemberStatus> {
        self.live.status(Tenant::default()).1
    }
}

#[tokio::test]
async fn a_member_that_fails_before_its_first_token_is_replaced_by_another() {
    let held = format!("{HEAD}{ROLE}");
    let error_event = format!("{HEAD}{ROLE}data: {{\"error\": {{\"message\": \"out of memory\"}}}}\n\n");
    for bad in [
        String::new(),
        HEAD.to_owned(),
        held,
        error_event,
        format!("{HEAD}data: garbage\n\n"),
        status(502, "", ""),
        status(503, "", "loading"),
        status(504, "", ""),
        status(500, "", ""),
        status(401, "", "bad key sk-hidden"),
        status(404, "", "no such model"),
        status(429, "", ""),
        status(429, "retry-after: 3600\r\n", ""),
    ] {
        let (first, second) = (Upper::saying(bad.clone()).await, Upper::good().await);
        let world = World::new(vec![first.member(), second.member()]);
        let chat = world.chat().await.unwrap();
        assert_eq!((chat.text().as_str(), first.chats(), second.chats()), ("Hi", 1, 1), "{bad:?}");
        assert_eq!(chat.served_by.upstream.as_deref(), Some(second.url.as_str()));
        assert_eq!(chat.served_by.route.unwrap().pool.as_deref(), Some("p"));
        let status = world.status();
        let is_busy = bad.contains(" 429 ");
        assert_eq!((status[0].failures, status[0].in_flight), (u64::from(!is_busy), 0), "{bad:?}");
        assert!(!format!("{status:?}").contains("sk-hidden"));
    }
    let good = Upper::good().await;
    let world = World::new(vec![nobody(), good.member()]);
    assert_eq!(world.chat().await.unwrap().text(), "Hi");
}

#[tokio::test]
async fn a_request_that_is_wrong_itself_is_not_sent_to_another() {
    for code in [400, 413, 422, 501] {
        let (first, second) = (Upper::saying(status(code, "", "no")).await, Upper::good().await);
        let world = World::new(vec![first.member(), second.member()]);
        let error = world.chat().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotImplemented), "{error:?}");
        assert_eq!((first.chats(), second.chats(), world.status()[0].failures), (1, 0, 0));
    }
}

#[tokio::test]
async fn a_member_that_dies_after_its_first_token_ends_the_stream_with_an_error_that_names_it() {
    let (first, second) = (Upper::saying(format!("{HEAD}{ROLE}{TOKEN}")).await, Upper::good().await);
    let world = World::new(vec![first.member(), second.member()]);
    let events: Vec<Result<ChatEvent>> = futures::StreamExt::collect(world.stream(None).await.unwrap()).await;
    assert!(matches!(&events[1], Ok(ChatEvent::Text { text, .. }) if text == "Hi"), "{events:?}");
    let error = events.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(error.message.contains(&first.url), "{error:?}");
    assert_eq!((second.chats(), world.status()[0].failures, world.status()[0].in_flight), (0, 1, 0));
}

#[tokio::test]
async fn a_member_that_stays_silent_is_replaced_by_another() {
    let silent = Upper::start(|socket, _| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await;
    let good = Upper::good().await;
    let world = World::with(vec![silent.member(), good.member()], 8, Duration::from_millis(30));
    assert_eq!(world.chat().await.unwrap().text(), "Hi");
    let world = World::new(vec![silent.member()]);
    let error = world.stream(Some(Instant::now())).await.err().unwrap();
    assert_eq!((error.kind, world.status()[0].in_flight), (ErrorKind::Timeout, 0), "the deadline holds");
}

#[tokio::test]
async fn a_busy_member_is_asked_again_when_it_says_so() {
    let upper = Upper::start(|mut socket, at| async move {
        let answer = if at < 2 { status(429, "retry-after: 0\r\n", "") } else { format!("{HEAD}{TOKEN}{END}") };
        send(&mut socket, &answer).await;
    })
    .await;
    let world = World::new(vec![upper.member()]);
    assert_eq!((world.chat().await.unwrap().text().as_str(), upper.chats()), ("Hi", 3));
    let forever = Upper::saying(status(429, "retry-after: 0\r\n", "")).await;
    let error = World::new(vec![forever.member()]).chat().await.unwrap_err();
    assert_eq!((error.kind, forever.chats()), (ErrorKind::Throttled, 4), "not for ever");
}

#[tokio::test]
async fn a_pause_that_is_longer_than_the_request_has_is_told_and_not_waited_for() {
    let upper = Upper::saying(status(429, "retry-after: 3600\r\n", "slow down")).await;
    let world = World::new(vec![upper.member()]);
    let first = world.chat().await.unwrap_err();
    assert_eq!((first.kind, first.retry_after_seconds()), (ErrorKind::Throttled, Some(3_600)));
    assert!(first.hint.unwrap().contains("3600 s"));
    let second = world.chat().await.unwrap_err();
    assert_eq!((second.kind, upper.chats()), (ErrorKind::Throttled, 1), "it is left alone meanwhile");
    assert!(second.hint.unwrap().contains("try again in 3600 s"));
    world.clock.advance(3_600_000);
    world.chat().await.unwrap_err();
    assert_eq!(upper.chats(), 2);
}

#[tokio::test]
async fn members_that_keep_failing_are_left_alone_for_a_while_and_come_back() {
    let healed = Arc::new(AtomicUsize::new(0));
    let is_well = Arc::clone(&healed);
    let upper = Upper::start(move |mut socket, _| {
        let good = is_well.load(Ordering::SeqCst) == 1;
        async move {
            let answer = if good { format!("{HEAD}{TOKEN}{END}") } else { status(503, "", "loading sk-hidden") };
            send(&mut socket, &answer).await;
        }
    })
    .await;
    let world = World::new(vec![upper.member()]);
    for _ in 0..3 {
        let error = world.chat().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
    }
    assert_eq!(world.status()[0].circuit, Circuit::Open);
    let error = world.chat().await.unwrap_err();
    assert_eq!((error.kind, upper.chats()), (ErrorKind::Unavailable, 3), "nothing is sent meanwhile");
    assert!(error.message.contains("the pool `p`") && error.message.contains("loading"), "{error:?}");
    assert!(error.hint.as_ref().unwrap().contains("in 1 s") && !format!("{error:?}").contains("sk-hidden"));
    world.clock.advance(1_000);
    world.chat().await.unwrap_err();
    world.clock.advance(1_999);
    world.chat().await.unwrap_err();
    assert_eq!(upper.chats(), 4, "one try, then twice the pause");
    healed.store(1, Ordering::SeqCst);
    world.clock.advance(1);
    assert_eq!(world.chat().await.unwrap().text(), "Hi");
    assert_eq!((world.status()[0].circuit, world.status()[0].healthy), (Circuit::Closed, Some(true)));
}

#[tokio::test]
async fn requests_at_once_are_spread_evenly() {
    let barrier = Arc::new(Barrier::new(40));
    let holding = |barrier: Arc<Barrier>| {
        Upper::start(move |mut socket, _| {
            let barrier = Arc::clone(&barrier);
            async move {
                barrier.wait().await;
                send(&mut socket, &format!("{HEAD}{TOKEN}{END}")).await;
            }
        })
    };
    let uppers = [holding(Arc::clone(&barrier)).await, holding(Arc::clone(&barrier)).await];
    let world = World::new(uppers.iter().map(Upper::member).collect());
    let all = futures::future::join_all((0..40).map(|_| world.chat())).await;
    assert!(all.iter().all(|chat| chat.as_ref().is_ok_and(|chat| chat.text() == "Hi")));
    assert_eq!([uppers[0].chats(), uppers[1].chats()], [20, 20]);
    let status = world.status();
    assert_eq!((status[0].requests, status[0].in_flight, status[1].requests), (20, 0, 20));
    assert!(status.iter().all(|member| member.first_token_millis.is_some()));
}

#[tokio::test]
async fn a_full_pool_lets_some_wait_and_tells_the_others_to_come_again() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let upper = Upper::start(move |mut socket, at| {
        let (arrived, gate) = (arrived.clone(), Arc::clone(&gate));
        async move {
            arrived.send(at).unwrap();
            gate.notified().await;
            send(&mut socket, &format!("{HEAD}{TOKEN}{END}")).await;
        }
    })
    .await;
    let only = Member { max_in_flight: 1, ..upper.member() };
    let world = World::with(vec![only], 1, Duration::from_secs(20));
    let first = world.chat();
    let second = world.chat();
    let third = async {
        arrivals.recv().await.unwrap();
        // The second one waits by now: it was polled with the first.
        let error = world.chat().await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_seconds()), (ErrorKind::Throttled, Some(1)));
        let hint = error.hint.unwrap();
        assert!(hint.contains("pool `p`") && hint.ends_with("Try again in 1 s."), "{hint}");
        assert_eq!(world.live.status(Tenant::default()).0, 1);
        go.notify_one();
        arrivals.recv().await.unwrap();
        go.notify_one();
    };
    let (first, second, ()) = tokio::join!(first, second, third);
    assert_eq!((first.unwrap().text(), second.unwrap().text()), ("Hi".to_owned(), "Hi".to_owned()));
    assert_eq!(world.live.status(Tenant::default()).0, 0);
}

#[tokio::test]
async fn a_caller_that_leaves_gives_its_place_back_and_is_no_failure_of_the_members() {
    let upper = Upper::start(|mut socket, _| async move {
        drop(socket.write_all(format!("{HEAD}{TOKEN}").as_bytes()).await);
        std::future::pending::<()>().await;
    })
    .await;
    let only = Member { max_in_flight: 1, ..upper.member() };
    let world = World::with(vec![only], 8, Duration::from_secs(20));
    let held = world.stream(None).await.unwrap();
    assert_eq!(world.status()[0].in_flight, 1);
    {
        let mut waiting = Box::pin(world.chat());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(world.live.status(Tenant::default()).0, 1);
    }
    assert_eq!(world.live.status(Tenant::default()).0, 0, "who waits no more is forgotten");
    drop(held);
    let status = &world.status()[0];
    assert_eq!((status.in_flight, status.failures, status.requests), (0, 0, 1));
    // A place that was given to one who left at that moment is not lost either.
    let asking = || Asking { ticket: world.live.ticket(), serving: Serving::default(), cost: 1 };
    let slot = world.live.slot(&asking(), &BTreeSet::new(), true).await.unwrap();
    {
        let (next, nobody) = (asking(), BTreeSet::new());
        let mut waiting = Box::pin(world.live.slot(&next, &nobody, true));
        assert!(futures::poll!(&mut waiting).is_pending());
        drop(slot);
    }
    assert_eq!(world.status()[0].in_flight, 0);
}

#[tokio::test]
async fn checks_tell_who_is_there() {
    let good = Upper::good().await;
    let world = World::new(vec![nobody(), good.member()]);
    world.live.check(world.registry.client()).await;
    let status = world.status();
    assert_eq!((status[0].healthy, status[1].healthy), (Some(false), Some(true)));
    assert!(status[0].last_error.as_ref().unwrap().contains("http://127.0.0.1:1/v1"));
    let seen = good.seen.lock().unwrap();
    assert_eq!((seen[0].path.as_str(), seen[0].header("authorization")), ("/v1/models", "Bearer sk-hidden"));
}

#[tokio::test]
async fn a_pool_in_use_is_checked_now_and_again() {
    install_tls();
    let (told, mut checks) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            read_request(&mut socket).await;
            send(&mut socket, &status(200, "", "{}")).await;
            told.send(()).unwrap();
        }
    });
    let clock = Arc::new(FixedClock::new(Timestamp(0)));
    let every = PoolChecks { every: Duration::from_millis(1), ..PoolChecks::default() };
    let client = Client::new(reqwest::Client::new(), Duration::from_secs(20));
    let registry = Registry::new(client, every, clock.clone(), Arc::new(SeededRandom::new(1)));
    let key = Key { account: "1".to_owned(), region: "r".to_owned(), which: Which::Named("p".to_owned()) };
    let spec = Spec { name: Some("p".to_owned()), members: vec![member(&url)], max_queue: 1 };
    let live = registry.of(key.clone(), spec.clone());
    for _ in 0..3 {
        checks.recv().await.unwrap();
    }
    assert!(Arc::ptr_eq(&live, &registry.of(key.clone(), spec.clone())), "the same pool is the same");
    clock.advance(60_000);
    let changed = registry.of(key, Spec { max_queue: 2, ..spec });
    assert!(!Arc::ptr_eq(&live, &changed), "one that was set anew begins anew");
}

fn new_pool(url: &str, key: MemberKey) -> NewPool {
    let member = NewMember { base_url: url.to_owned(), model: "qwen".to_owned(), api_key: key, ..NewMember::default() };
    NewPool { members: vec![member], max_queue: None }
}

#[tokio::test]
async fn pools_are_kept_with_their_keys_sealed() {
    ::store::testing::each_backend(async |store: ::store::Store| {
        let deployment = Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await;
        deployment.make_first().await;
        let (models, ctx) = (&deployment.models, &deployment.ctx);
        let given = new_pool("http://127.0.0.1:1/v1/", MemberKey::Given(secret("sk-very-secret")));
        let pool = models.put_pool(ctx, "chat", given).await.unwrap();
        assert_eq!((pool.members[0].base_url.as_str(), pool.members[0].has_api_key), ("http://127.0.0.1:1/v1", true));
        assert_eq!((pool.max_queue, pool.members[0].weight, pool.members[0].max_in_flight), (64, 1, 64));
        assert!(!format!("{pool:?}").contains("very-secret"));
        let row = store::find(&models.inner.store, &Owner::of(ctx), "chat").await.unwrap().unwrap();
        let sealed = row.members[0].sealed_api_key.clone().unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        let key = |live: Arc<Live>| live.spec.members[0].upstream.api_key.clone().map(|key| key.reveal().clone());
        assert_eq!(key(models.live_pool(ctx, "chat").await.unwrap()).as_deref(), Some("sk-very-secret"));
        // Set again without a word about the key, it keeps it; at another address it does not.
        models.put_pool(ctx, "chat", new_pool("http://127.0.0.1:1/v1", MemberKey::Kept)).await.unwrap();
        assert_eq!(key(models.live_pool(ctx, "chat").await.unwrap()).as_deref(), Some("sk-very-secret"));
        models.put_pool(ctx, "chat", new_pool("http://127.0.0.1:2/v1", MemberKey::Kept)).await.unwrap();
        assert_eq!(key(models.live_pool(ctx, "chat").await.unwrap()), None);
        let given = new_pool("http://127.0.0.1:1/v1", MemberKey::Given(secret("k")));
        models.put_pool(ctx, "chat", given).await.unwrap();
        models.put_pool(ctx, "chat", new_pool("http://127.0.0.1:1/v1", MemberKey::Absent)).await.unwrap();
        assert!(!models.pool(ctx, "chat").await.unwrap().members[0].has_api_key);
        let elsewhere = deployment.context(crate::testing::ACCOUNT, "eu-west-1").await;
        assert!(models.pools(&elsewhere).await.unwrap().is_empty());
        assert_eq!(models.delete_pool(&elsewhere, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(models.pools(ctx).await.unwrap().len(), 1);
        models.delete_pool(ctx, "chat").await.unwrap();
        assert_eq!(models.pool(ctx, "chat").await.unwrap_err().kind, ErrorKind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn an_alias_may_name_a_pool_which_then_stays() {
    let (deployment, good) = (Deployment::start().await, Upper::good().await);
    deployment.make_first().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let pool = || Target::Pool { name: "chat".to_owned() };
    assert_eq!(models.set_alias(ctx, "my.model", pool()).await.unwrap_err().kind, ErrorKind::NotFound);
    models.put_pool(ctx, "chat", new_pool(&good.url, MemberKey::Absent)).await.unwrap();
    let alias = models.set_alias(ctx, "my.model", pool()).await.unwrap();
    assert!(matches!(alias.target, Target::Pool { name } if name == "chat"));
    let request =
        ChatRequest { model: "my.model".into(), messages: vec![Message::user("Hi")], ..ChatRequest::default() };
    let chat = models.chat(ctx, request).await.unwrap().collect().await.unwrap();
    assert_eq!((chat.text().as_str(), chat.served_by.name.as_str()), ("Hi", "qwen"));
    assert_eq!(chat.served_by.upstream.as_deref(), Some(good.url.as_str()));
    assert_eq!(models.pool(ctx, "chat").await.unwrap().members[0].status.requests, 1);
    let error = models.delete_pool(ctx, "chat").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.message.contains("`my.model`"));
    models.remove_alias(ctx, "my.model").await.unwrap();
    models.delete_pool(ctx, "chat").await.unwrap();
}

#[tokio::test]
async fn the_one_upstream_of_an_alias_has_a_circuit_too() {
    let deployment = Deployment::start().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let target = Target::Remote { base_url: "http://127.0.0.1:1/v1".into(), model: "m".into(), api_key: None };
    models.set_alias(ctx, "my.model", target).await.unwrap();
    let ask = async || {
        let messages = vec![Message::user("Hi")];
        models.chat(ctx, ChatRequest { model: "my.model".into(), messages, ..ChatRequest::default() }).await
    };
    for _ in 0..3 {
        assert!(ask().await.err().unwrap().message.contains("cannot be reached"));
    }
    let error = ask().await.err().unwrap();
    assert!(error.message.contains("`http://127.0.0.1:1/v1` does not answer"), "{error:?}");
}

#[tokio::test]
async fn pools_that_are_wrong_are_refused() {
    let deployment = Deployment::start().await;
    deployment.make_first().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let url = "http://h/v1";
    let good = || new_pool(url, MemberKey::Kept);
    for name in ["", "Upper", "a b", "-a", &"a".repeat(64), "a/b", "a:b"] {
        assert_eq!(models.put_pool(ctx, name, good()).await.unwrap_err().kind, ErrorKind::Invalid, "{name}");
    }
    let mut twice = good();
    twice.members.push(twice.members[0].clone());
    let with = |change: &dyn Fn(&mut NewMember)| {
        let mut pool = good();
        change(&mut pool.members[0]);
        pool
    };
    for pool in [
        NewPool::default(),
        twice,
        new_pool("ftp://h", MemberKey::Kept),
        new_pool(url, MemberKey::Given(secret("a b"))),
        with(&|member| member.model = " ".to_owned()),
        with(&|member| member.weight = Some(0)),
        with(&|member| member.max_in_flight = Some(0)),
        with(&|member| member.region = Some("a b".to_owned())),
        NewPool { max_queue: Some(1_000_000), ..good() },
        NewPool { members: vec![good().members[0].clone(); 65], ..good() },
    ] {
        let shown = format!("{pool:?}");
        assert_eq!(models.put_pool(ctx, "p", pool).await.unwrap_err().kind, ErrorKind::Invalid, "{shown}");
    }
}

const OTHER: &str = "999999999999";

async fn asked(models: &Models, ctx: &Ctx, model: &str, serving: crate::Serving) -> Result<crate::Chat> {
    let messages = vec![Message::user("Hi")];
    models
        .chat(ctx, ChatRequest { model: model.into(), messages, serving, ..ChatRequest::default() })
        .await?
        .collect()
        .await
}

#[tokio::test]
async fn every_account_uses_the_pools_that_the_first_one_sets_and_no_other_sets_any() {
    ::store::testing::each_backend(async |store: ::store::Store| {
        let deployment = Deployment::start_on(store, tempfile::tempdir().unwrap(), |_| {}).await;
        let (models, ctx, good) = (&deployment.models, &deployment.ctx, Upper::good().await);
        let other = deployment.context(OTHER, "us-east-1").await;
        assert!(models.pools(&other).await.unwrap().is_empty(), "nobody's before there is a first account");
        deployment.make_first().await;
        models.put_pool(ctx, "chat", new_pool(&good.url, MemberKey::Given(secret("sk-hidden")))).await.unwrap();
        let alias = Target::Pool { name: "chat".to_owned() };
        models.set_alias(&other, "their.model", alias).await.unwrap();
        let chat = asked(models, &other, "their.model", crate::Serving::default()).await.unwrap();
        assert_eq!((chat.text().as_str(), chat.served_by.route.unwrap().pool.as_deref()), ("Hi", Some("chat")));
        for refused in [
            models.put_pool(&other, "chat", new_pool("http://127.0.0.1:1/v1", MemberKey::Kept)).await.map(|_| ()),
            models.put_pool(&other, "theirs", new_pool("http://127.0.0.1:1/v1", MemberKey::Kept)).await.map(|_| ()),
            models.delete_pool(&other, "chat").await,
        ] {
            assert_eq!(refused.unwrap_err().kind, ErrorKind::Denied);
        }
        assert_eq!(
            models.resolve(ctx, "their.model").await.unwrap_err().kind,
            ErrorKind::Invalid,
            "aliases stay apart"
        );
        let error = models.delete_pool(ctx, "chat").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert!(error.message.contains(OTHER) && !error.message.contains("their.model"), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn other_accounts_see_of_a_pool_whether_it_is_well_and_not_what_it_is_asked() {
    let deployment = Deployment::start().await;
    deployment.make_first().await;
    let models = &deployment.models;
    let other = deployment.context(OTHER, "us-east-1").await;
    let bad = Upper::saying(status(500, "", "cannot read `my secret`")).await;
    models.put_pool(&deployment.ctx, "chat", new_pool(&bad.url, MemberKey::Absent)).await.unwrap();
    let pool = || Target::Pool { name: "chat".to_owned() };
    models.set_alias(&deployment.ctx, "my.model", pool()).await.unwrap();
    models.set_alias(&other, "my.model", pool()).await.unwrap();
    for _ in 0..3 {
        let own = asked(models, &other, "my.model", crate::Serving::default()).await.unwrap_err();
        assert!(own.message.contains("my secret"), "{own:?}");
    }
    // The circuit is open: nobody is asked, and what was said before was said to the other account.
    let error = asked(models, &deployment.ctx, "my.model", crate::Serving::default()).await.unwrap_err();
    assert!(error.message.contains("answers 500") && !error.message.contains("my secret"), "{error:?}");
    let seen = models.pool(&deployment.ctx, "chat").await.unwrap();
    let status = &seen.members[0].status;
    assert_eq!((seen.managed, status.requests, status.failures), (true, 3, 3));
    assert!(status.last_error.as_ref().unwrap().ends_with("answers 500."), "{status:?}");
    let seen = models.pools(&other).await.unwrap().remove(0);
    let status = &seen.members[0].status;
    assert_eq!((seen.managed, status.healthy, status.circuit), (false, Some(false), Circuit::Open));
    assert_eq!((status.requests, status.failures, &status.last_error), (0, 0, &None));
}

#[tokio::test]
async fn a_remote_model_refuses_to_be_deterministic_and_is_asked_where_that_is_a_wish() {
    let (deployment, good) = (Deployment::start().await, Upper::good().await);
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let target = Target::Remote { base_url: good.url.clone(), model: "m".into(), api_key: None };
    models.set_alias(ctx, "my.model", target).await.unwrap();
    let serving = |deterministic| crate::Serving { deterministic, ..crate::Serving::default() };
    let required = || serving(Determinism::Required);
    let completion = CompletionRequest {
        model: "my.model".into(),
        prompt: "Hi".to_owned(),
        serving: required(),
        ..CompletionRequest::default()
    };
    let continuation = ContinuationRequest {
        model: "my.model".into(),
        prompt: RawPrompt::Text("Hi".to_owned()),
        serving: required(),
        ..ContinuationRequest::default()
    };
    let texts = vec!["Hi".to_owned()];
    let embedding = EmbedRequest { model: "my.model".into(), texts, serving: required(), ..EmbedRequest::default() };
    for refused in [
        asked(models, ctx, "my.model", required()).await.err(),
        models.complete(ctx, completion).await.err(),
        models.continue_text(ctx, continuation).await.err(),
        models.embed(ctx, embedding).await.err(),
    ] {
        let refused = refused.unwrap();
        assert_eq!(refused.kind, ErrorKind::Invalid);
        assert!(refused.message.contains("remote model") && refused.message.contains("`deterministic`"), "{refused:?}");
    }
    assert_eq!(good.chats(), 0, "nothing was sent");
    assert_eq!(asked(models, ctx, "my.model", serving(Determinism::Here)).await.unwrap().text(), "Hi");
}

#[tokio::test]
async fn a_request_s_priority_is_its_place_in_the_pool_s_queue() {
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let gate = Arc::clone(&go);
    let upper = Upper::start(move |mut socket, at| {
        let (arrived, gate) = (arrived.clone(), Arc::clone(&gate));
        async move {
            arrived.send(at).unwrap();
            gate.notified().await;
            send(&mut socket, &format!("{HEAD}{TOKEN}{END}")).await;
        }
    })
    .await;
    let deployment = Deployment::start().await;
    deployment.make_first().await;
    let (models, ctx) = (&deployment.models, &deployment.ctx);
    let mut pool = new_pool(&upper.url, MemberKey::Absent);
    pool.members[0].max_in_flight = Some(1);
    models.put_pool(ctx, "chat", pool).await.unwrap();
    models.set_alias(ctx, "my.model", Target::Pool { name: "chat".to_owned() }).await.unwrap();
    let ask = |text: &str, priority| {
        let serving = crate::Serving { priority, ..crate::Serving::default() };
        let messages = vec![Message::user(text)];
        let request = ChatRequest { model: "my.model".into(), messages, serving, ..ChatRequest::default() };
        async move { models.chat(ctx, request).await.unwrap().collect().await.unwrap() }
    };
    let waits = async |count: usize| {
        while models.pool(ctx, "chat").await.unwrap().queued < count {
            tokio::task::yield_now().await;
        }
    };
    let begun = Notify::new();
    let first = ask("first", crate::Priority::Normal);
    let low = async {
        begun.notified().await;
        ask("low", crate::Priority::Low).await
    };
    let high = async {
        waits(1).await;
        ask("high", crate::Priority::High).await
    };
    let lets = async {
        arrivals.recv().await.unwrap();
        begun.notify_one();
        waits(2).await;
        for _ in 0..2 {
            go.notify_one();
            arrivals.recv().await.unwrap();
        }
        go.notify_one();
    };
    tokio::join!(first, low, high, lets);
    let seen = upper.seen.lock().unwrap();
    let said: Vec<String> = seen
        .iter()
        .filter(|request| request.method == "POST")
        .map(|request| request.json()["messages"][0]["content"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(said, ["first", "high", "low"]);
}
