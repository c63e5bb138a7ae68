//! The server is killed next to its durable writes; what it had acknowledged is there when it comes back.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::{Value, json};
use store::crash::{Ending, Harness, Workload};
use tokio::runtime::Runtime;

use crate::harness::{CLAUDE, Client, DEADLINE, Home, Hub, Key, Reply, eventually, terminate};

/// Deaths in one run of the test, unless `CRATON_CRASH_POINTS` says otherwise.
const POINTS: usize = 12;
/// Deaths in one life of a data directory.
const KILLS: usize = 2;

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_write() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let points = number("CRATON_CRASH_POINTS").map_or(POINTS, |points| points as usize);
    let seed = number("CRATON_CRASH_SEED").unwrap_or(20);
    let harness = Harness { seed, rounds: points.div_ceil(KILLS), kills: KILLS, time_limit: DEADLINE };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut deployment = Deployment::new(runtime);
    if let Err(failure) = harness.run(&mut deployment) {
        panic!("{failure}\n{}", fs::read_to_string(deployment.log()).unwrap_or_default());
    }
}

/// The seeded kills seldom meet the few renames of a pull, so each of them is met here.
#[tokio::test]
async fn a_pull_that_was_killed_at_a_rename_finishes_and_leaves_nothing() {
    let home = Home::new();
    let trace = home.path().join("trace");
    let mut up = home.up(&[]);
    up.env(store::crash::CRASH_TRACE, &trace);
    let server = home.launch(up).await;
    let job = pull(&server, &home).await.unwrap().json()["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&server, &job).await["state"], "succeeded");
    assert!(server.stop().await.success());
    let points = fs::read_to_string(trace).unwrap();
    let renames: Vec<usize> = (1..)
        .zip(points.lines())
        .filter(|(_, name)| name.starts_with("models.rename"))
        .map(|(number, _)| number)
        .collect();
    assert_eq!(renames.len(), 4, "the file's and the manifest's, before and after: {points}");

    for number in renames {
        let home = Home::new();
        let mut up = home.up(&[]);
        up.env(store::crash::CRASH_AT, number.to_string());
        let mut server = home.launch(up).await;
        // Whether the answer arrives before the death is open. How often a pull tells of its progress is too, so that now
        // and then the point lies behind the pull's end.
        let _ = pull(&server, &home).await;
        let jobs = async || server.try_craton(&Key::admin(), Method::GET, "/jobs", &Value::Null).await;
        eventually("the server dies or the pull ends", async || match jobs().await {
            Ok(reply) => reply.json()["items"].as_array().unwrap().iter().all(has_ended).then_some(()),
            Err(_) => Some(()),
        })
        .await;
        server.running.terminate();
        server.running.wait().await;
        let server = home.start().await;
        let jobs = server.craton(Method::GET, "/jobs", Value::Null).await.ok().json();
        assert_eq!(ended(&server, jobs["items"][0]["id"].as_str().unwrap()).await["state"], "succeeded");
        server.converse(&Key::admin(), "pulled", "Who are you?").await.ok();
        assert_eq!(partial(&home), Vec::<OsString>::new(), "killed at point {number}");
    }
}

#[tokio::test]
async fn a_pull_that_gets_on_outlives_eight_kills() {
    // More than the pull keeps in memory before it writes.
    const PART: usize = 2 << 20;
    const KILLS: usize = 8;
    let home = Home::new();
    let hub = Hub::new(PART * (KILLS + 1));
    let start = async || {
        let mut up = home.up(&[]);
        up.env("HF_ENDPOINT", &hub.url);
        home.launch(up).await
    };
    let mut server = start().await;
    let source = json!({ "source": Hub::SOURCE });
    let job = server.craton(Method::POST, "/models/pull", source).await.ok().json()["job"]["id"].clone();
    let job = job.as_str().unwrap();
    for kill in 1..=KILLS {
        hub.give(PART * kill);
        eventually("the next part has come", async || {
            let job = server.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await.ok().json();
            assert!(!has_ended(&job), "kill {kill}: {job}");
            (job["progress"]["done"].as_u64() == Some((PART * kill) as u64)).then_some(())
        })
        .await;
        drop(server);
        server = start().await;
    }
    hub.give(PART * (KILLS + 1));
    let ended = ended(&server, job).await;
    assert_eq!((ended["state"].as_str(), ended["attempt"].as_u64()), (Some("succeeded"), Some(1)), "{ended}");
    server.converse(&Key::admin(), Hub::MODEL, "Who are you?").await.ok();
    assert_eq!(partial(&home), Vec::<OsString>::new());
}

#[tokio::test]
async fn a_tuning_that_was_killed_goes_on_with_what_it_had_measured() {
    let home = Home::new();
    let server = home.start().await;
    let pulled = pull(&server, &home).await.unwrap().json()["job"]["id"].as_str().unwrap().to_owned();
    assert_eq!(ended(&server, &pulled).await["state"], "succeeded");
    let asked = json!({"slo": "p95=60s", "workload": "moderation", "minutes": 0.05, "clients": 2});
    let job = server.craton(Method::POST, "/models/pulled/tunings", asked).await.ok().json()["job"]["id"].clone();
    let path = format!("/jobs/{}", job.as_str().unwrap());
    let measured = |job: &Value| match job["progress"]["unit"] == "measurements" {
        true => job["progress"]["done"].as_u64(),
        false => None,
    };
    let before = eventually("something is measured", async || {
        let job = server.craton(Method::GET, &path, Value::Null).await.ok().json();
        measured(&job).filter(|done| *done > 0)
    })
    .await;
    drop(server);
    let server = home.start().await;
    let ended = eventually("the tuning ends", async || {
        let job = server.craton(Method::GET, &path, Value::Null).await.ok().json();
        assert!(measured(&job).is_none_or(|done| done >= before), "{before} before: {job}");
        has_ended(&job).then_some(job)
    })
    .await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    let tunings = server.craton(Method::GET, "/models/pulled/tunings", Value::Null).await.ok().json();
    assert_eq!((&tunings["items"][0]["jobId"], &tunings["running"]), (&job, &Value::Null));
    server.converse(&Key::admin(), "pulled", "Who are you?").await.ok();
}

/// Asks for a pull of the model `pulled`.
async fn pull(client: &Client, home: &Home) -> reqwest::Result<Reply> {
    let file = home.path().join("pulled.gguf");
    fs::write(&file, "weights").unwrap();
    let source = json!({ "source": format!("file:{}", file.display()) });
    client.try_craton(&Key::admin(), Method::POST, "/models/pull", &source).await
}

/// The job once it has ended.
async fn ended(client: &Client, job: &str) -> Value {
    eventually("the job ends", async || {
        let job = client.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await.ok().json();
        has_ended(&job).then_some(job)
    })
    .await
}

fn has_ended(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("succeeded" | "failed" | "cancelled"))
}

/// The names of the downloads that are not complete.
fn partial(home: &Home) -> Vec<OsString> {
    fs::read_dir(home.models().join("partial")).unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Something that the server said is done.
#[derive(Debug, Clone)]
enum Fact {
    User(String),
    AccessKey { user: String, key: Key },
    Disabled(Key),
    Alias { id: String, local: &'static str },
    Bearer(String),
    Revoked(String),
    Account { id: String, key: Key },
    Pull { job: String, model: String },
}

/// Why a run of the driver ended early.
enum Stop {
    /// The server is gone, as it should be.
    Died,
    /// An invariant does not hold.
    Violated(String),
}

impl From<reqwest::Error> for Stop {
    fn from(_: reqwest::Error) -> Self {
        Self::Died
    }
}

type Step<T = ()> = Result<T, Stop>;

struct Deployment {
    runtime: Option<Runtime>,
    home: Home,
    /// Acknowledged in this round.
    facts: RefCell<Vec<Fact>>,
    /// Starts of the server in this round.
    starts: usize,
    violation: Option<String>,
}

impl Deployment {
    fn new(runtime: Runtime) -> Self {
        Self { runtime: Some(runtime), home: Home::new(), facts: RefCell::default(), starts: 0, violation: None }
    }

    fn log(&self) -> std::path::PathBuf {
        self.home.path().join("server.log")
    }

    async fn work(&self, child: &mut Child) -> Step {
        let Some(client) = self.home.ready(child).await else { return Err(Stop::Died) };
        let driver = Driver { client, home: &self.home, facts: &self.facts, start: self.starts };
        driver.check_facts().await?;
        driver.check_whole().await?;
        driver.write().await?;
        driver.await_pulls().await?;
        driver.check_facts().await?;
        terminate(child);
        Ok(())
    }
}

impl Workload for Deployment {
    fn reset(&mut self, _round: usize) -> io::Result<()> {
        self.home = Home::new();
        self.facts.take();
        self.starts = 0;
        Ok(())
    }

    fn command(&mut self) -> Command {
        self.starts += 1;
        let mut command = self.home.up(&[]);
        command.stdout(Stdio::null()).stderr(fs::File::create(self.log()).unwrap());
        command
    }

    fn drive(&mut self, child: &mut Child) {
        let runtime = self.runtime.take().unwrap();
        if let Err(Stop::Violated(what)) = runtime.block_on(self.work(child)) {
            self.violation = Some(what);
            // Nothing to lose: the check that follows fails.
            let _ = child.kill();
        }
        self.runtime = Some(runtime);
    }

    fn check(&mut self, ending: &Ending) -> Result<(), String> {
        if let Some(what) = self.violation.take() {
            return Err(what);
        }
        if *ending != Ending::Finished {
            return Ok(());
        }
        let left = partial(&self.home);
        if left.is_empty() { Ok(()) } else { Err(format!("left in `partial`: {left:?}")) }
    }
}

/// One run's requests.
struct Driver<'a> {
    client: Client,
    home: &'a Home,
    facts: &'a RefCell<Vec<Fact>>,
    start: usize,
}

impl Driver<'_> {
    async fn craton(&self, method: Method, path: &str, body: Value) -> Step<Reply> {
        Ok(self.client.try_craton(&Key::admin(), method, path, &body).await?)
    }

    async fn iam(&self, form: &[(&str, &str)]) -> Step<Reply> {
        Ok(self.client.try_query(&Key::admin(), "iam", form).await?)
    }

    fn acknowledged(&self, fact: Fact) {
        self.facts.borrow_mut().push(fact);
    }

    /// One write of every kind, under names that no other run uses.
    async fn write(&self) -> Step {
        let n = self.start;
        let user = format!("user-{n}");
        done(self.iam(&[("Action", "CreateUser"), ("UserName", &user)]).await?)?;
        self.acknowledged(Fact::User(user.clone()));

        let made = done(self.iam(&[("Action", "CreateAccessKey"), ("UserName", &user)]).await?)?;
        self.acknowledged(Fact::AccessKey { user: user.clone(), key: Key::of_xml(made.text()) });

        let made = done(self.iam(&[("Action", "CreateAccessKey"), ("UserName", &user)]).await?)?;
        let key = Key::of_xml(made.text());
        let form =
            [("Action", "UpdateAccessKey"), ("UserName", &user), ("AccessKeyId", &key.id), ("Status", "Inactive")];
        done(self.iam(&form).await?)?;
        self.acknowledged(Fact::Disabled(key));

        let file = self.home.path().join(format!("pulled-{n}.gguf"));
        fs::write(&file, format!("weights {n}").repeat(1000)).unwrap();
        let source = format!("file:{}", file.display());
        let job = done(self.craton(Method::POST, "/models/pull", json!({ "source": source })).await?)?.json();
        let job = job["job"]["id"].as_str().unwrap().to_owned();
        self.acknowledged(Fact::Pull { job, model: format!("pulled-{n}") });

        let id = format!("meta.llama3-{n}-8b-instruct-v1:0");
        let local = "smollm2-135m-instruct";
        done(self.craton(Method::PUT, &alias_path(&id), json!({ "local": local })).await?)?;
        self.acknowledged(Fact::Alias { id, local });

        let (first, _) = self.bearer(&format!("kept-{n}")).await?;
        self.acknowledged(Fact::Bearer(first));
        let (second, id) = self.bearer(&format!("revoked-{n}")).await?;
        done(self.craton(Method::DELETE, &format!("/api-keys/{id}"), Value::Null).await?)?;
        self.acknowledged(Fact::Revoked(second));

        let id = format!("{:012}", 111_111_111_000 + n);
        let made = done(self.craton(Method::POST, "/accounts", json!({ "accountId": id })).await?)?.json();
        let key = Key::new(made["accessKeyId"].as_str().unwrap(), made["secretAccessKey"].as_str().unwrap());
        self.acknowledged(Fact::Account { id, key });
        Ok(())
    }

    async fn bearer(&self, name: &str) -> Step<(String, String)> {
        let made = self.craton(Method::POST, "/api-keys", json!({ "name": name, "surface": "both" })).await?;
        let made = done(made)?.json();
        Ok((made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned()))
    }

    /// Everything acknowledged holds.
    async fn check_facts(&self) -> Step {
        let facts = self.facts.borrow().clone();
        for fact in facts {
            let holds = self.holds(&fact).await?;
            if !holds {
                return Err(Stop::Violated(format!("was acknowledged and does not hold: {fact:?}")));
            }
        }
        Ok(())
    }

    async fn holds(&self, fact: &Fact) -> Step<bool> {
        Ok(match fact {
            Fact::User(name) => self.iam(&[("Action", "GetUser"), ("UserName", name)]).await?.status == 200,
            Fact::AccessKey { user, key } => {
                let caller = self.client.try_query(key, "sts", &[("Action", "GetCallerIdentity")]).await?;
                caller.status == 200 && caller.text().contains(&format!(":user/{user}</Arn>"))
            }
            Fact::Disabled(key) => {
                self.client.try_query(key, "sts", &[("Action", "GetCallerIdentity")]).await?.status == 403
            }
            Fact::Alias { id, local } => {
                let aliases = done(self.craton(Method::GET, "/aliases", Value::Null).await?)?.json();
                items(&aliases).any(|alias| alias["modelId"] == id.as_str() && alias["local"] == *local)
            }
            Fact::Bearer(key) => self.with_bearer(key).await? == 200,
            Fact::Revoked(key) => self.with_bearer(key).await? == 401,
            Fact::Account { id, key } => {
                let caller = self.client.try_query(key, "sts", &[("Action", "GetCallerIdentity")]).await?;
                let accounts = done(self.craton(Method::GET, "/accounts", Value::Null).await?)?.json();
                caller.status == 200
                    && caller.tag("Account") == id
                    && items(&accounts).any(|account| account["accountId"] == id.as_str())
            }
            Fact::Pull { job, .. } => {
                self.craton(Method::GET, &format!("/jobs/{job}"), Value::Null).await?.status == 200
            }
        })
    }

    async fn with_bearer(&self, key: &str) -> Step<u16> {
        let request = self.client.http().get(self.client.url("/v1/models")).bearer_auth(key);
        Ok(request.send().await?.status().as_u16())
    }

    /// Nothing is half there: whatever a list shows can be used.
    async fn check_whole(&self) -> Step {
        let users = done(self.iam(&[("Action", "ListUsers")]).await?)?;
        for name in users.text().split("<UserName>").skip(1).filter_map(|rest| rest.split("</UserName>").next()) {
            done(self.iam(&[("Action", "GetUser"), ("UserName", name)]).await?)?;
            done(self.iam(&[("Action", "ListAccessKeys"), ("UserName", name)]).await?)?;
        }
        let models = done(self.craton(Method::GET, "/models", Value::Null).await?)?.json();
        let names: BTreeSet<&str> = items(&models).filter_map(|model| model["name"].as_str()).collect();
        if let Some(broken) = items(&models).find(|model| model["state"] == "broken") {
            return Err(Stop::Violated(format!("a broken model: {broken}")));
        }
        let aliases = done(self.craton(Method::GET, "/aliases", Value::Null).await?)?.json();
        if let Some(astray) =
            items(&aliases).find(|alias| !alias["local"].as_str().is_some_and(|name| names.contains(name)))
        {
            return Err(Stop::Violated(format!("an alias to nothing: {astray}")));
        }
        let jobs = done(self.craton(Method::GET, "/jobs", Value::Null).await?)?.json();
        for job in items(&jobs) {
            done(self.craton(Method::GET, &format!("/jobs/{}", job["id"].as_str().unwrap()), Value::Null).await?)?;
        }
        let reply =
            self.client.bedrock(&Key::admin(), CLAUDE, "converse", &crate::harness::conversation("Are you well?"));
        done(Reply::read(reply.send().await?).await?)?;
        Ok(())
    }

    /// Every pull that was acknowledged ends well, and its model answers.
    async fn await_pulls(&self) -> Step {
        let facts = self.facts.borrow().clone();
        for fact in facts {
            let Fact::Pull { job, model } = fact else { continue };
            let path = format!("/jobs/{job}");
            let ended =
                eventually("the pull has ended", async || match self.craton(Method::GET, &path, Value::Null).await {
                    Ok(reply) => {
                        let job = reply.json();
                        has_ended(&job).then_some(Ok(job))
                    }
                    Err(stop) => Some(Err(stop)),
                })
                .await?;
            if ended["state"] != "succeeded" {
                return Err(Stop::Violated(format!("the pull did not succeed: {ended}")));
            }
            let body = crate::harness::conversation("Who are you?");
            let request = self.client.bedrock(&Key::admin(), &model, "converse", &body);
            done(Reply::read(request.send().await?).await?)?;
        }
        Ok(())
    }
}

fn alias_path(id: &str) -> String {
    format!("/aliases/{}", id.replace(':', "%3A"))
}

fn items(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["items"].as_array().into_iter().flatten()
}

/// The answer, which must be a success: a server that answers at all answers rightly.
fn done(reply: Reply) -> Step<Reply> {
    if (200..300).contains(&reply.status) {
        return Ok(reply);
    }
    Err(Stop::Violated(format!("refused: {} {}", reply.status, reply.text())))
}
