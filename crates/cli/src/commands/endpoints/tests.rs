use std::thread::JoinHandle;

use clap::Parser as _;
use serde_json::Value;

use super::deploy::name_of;
use super::*;
use crate::args::{Cli, Command};
use crate::fake::{self, Asked};

const ARN: &str = "arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop";
const DESCRIBED: &str = r#"{"EndpointName":"shop","EndpointArn":"arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop","EndpointConfigName":"shop","EndpointStatus":"InService","ProductionVariants":[{"VariantName":"AllTraffic","CurrentInstanceCount":2,"DesiredInstanceCount":2}]}"#;
const CONFIG: &str = r#"{"EndpointConfigName":"shop","ProductionVariants":[{"VariantName":"AllTraffic","ModelName":"shop","InstanceType":"ml.g5.xlarge"}]}"#;
const MANAGED: &str = r#"{"marketplaceModelEndpoints":[{"endpointArn":"arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop","modelSourceIdentifier":"arn:aws:sagemaker:us-east-1:aws:hub-content/SageMakerPublicHub/Model/huggingface-llm-m/1.0.0","status":"REGISTERED"}]}"#;
const NONE: &str = r#"{"marketplaceModelEndpoints":[]}"#;
const CARD: &str = r#"{"name":"m","state":"ready","licence":{"name":"Apache-2.0","mustAccept":false},"jumpstartId":"huggingface-llm-m"}"#;
const ABSENT: &str =
    r#"{"name":"m","state":"not-pulled","jumpstartId":"huggingface-llm-m","licence":{"name":"Own","mustAccept":true}}"#;
const ROLE: &str = "<GetRoleResponse><GetRoleResult><Role><Arn>arn:aws:iam::111122223333:role/CratonEndpoints</Arn></Role></GetRoleResult></GetRoleResponse>";
const CREATED: &str =
    r#"{"marketplaceModelEndpoint":{"endpointArn":"arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop"}}"#;

/// Runs `craton` with these words against a server that gives these answers.
async fn told(words: &str, answers: &[(u16, &'static str)]) -> (Result<()>, JoinHandle<Vec<Asked>>) {
    let (client, asked) = fake::server(answers);
    let cli = Cli::try_parse_from(words.split_whitespace()).unwrap();
    let outcome = match cli.command {
        Command::Deploy(args) => deploy(&client, *args, &cli.global).await,
        Command::Endpoints(args) => run(&client, args, &cli.global).await,
        _ => unreachable!("{words}"),
    };
    (outcome, asked)
}

fn targets(asked: &[Asked]) -> Vec<String> {
    let path = |one: &Asked| one.line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    asked.iter().map(|one| one.header("x-amz-target").map_or_else(|| path(one), str::to_owned)).collect()
}

#[tokio::test]
async fn a_model_is_deployed_in_one_step() {
    let answers = [(200, CARD), (200, ROLE), (200, CREATED), (200, DESCRIBED)];
    let (outcome, asked) = told("craton deploy m --name shop --instances 2 --accept-eula --wait", &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    let path = "POST /marketplace-model/endpoints";
    assert_eq!(targets(&asked), ["GET /craton/v1/models/m", "POST /", path, "SageMaker.DescribeEndpoint"]);
    assert_eq!(asked[1].header("content-type"), Some("application/x-www-form-urlencoded"));
    assert!(asked[1].body.starts_with("Action=GetRole&"), "{}", asked[1].body);
    let wanted = json!({
        "endpointName": "shop",
        "modelSourceIdentifier": "huggingface-llm-m",
        "acceptEula": true,
        "endpointConfig": { "sageMaker": {
            "initialInstanceCount": 2,
            "instanceType": "ml.g6.12xlarge",
            "executionRole": "arn:aws:iam::111122223333:role/CratonEndpoints",
        } },
    });
    assert_eq!(asked[2].json(), wanted);
}

#[tokio::test]
async fn a_role_that_is_not_there_is_made() {
    let missing = "<ErrorResponse><Error><Code>NoSuchEntity</Code><Message>The role cannot be found.</Message></Error></ErrorResponse>";
    let answers = [(200, CARD), (404, missing), (200, ROLE), (200, CREATED), (200, DESCRIBED)];
    let (outcome, asked) = told("craton deploy m --name shop", &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert!(asked[2].body.contains("Action=CreateRole&") && asked[2].body.contains("sagemaker%2Eamazonaws%2Ecom"));
}

#[tokio::test]
async fn instances_that_follow_the_work_are_made_through_sagemaker_and_registered() {
    let words = "craton deploy m --name shop --min-instances 0 --max-instances 3 --role-arn arn:r";
    let answers =
        [(200, CARD), (200, "{}"), (200, "{}"), (200, r#"{"EndpointArn":"arn:e"}"#), (200, DESCRIBED), (200, "{}")];
    let (outcome, asked) = told(words, &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    let made = &targets(&asked)[1..];
    let register = "POST /marketplace-model/endpoints/arn%3Ae/registration";
    let wanted = [
        "SageMaker.CreateModel",
        "SageMaker.CreateEndpointConfig",
        "SageMaker.CreateEndpoint",
        "SageMaker.DescribeEndpoint",
        register,
    ];
    assert_eq!(made, wanted);
    assert_eq!(asked[1].json()["PrimaryContainer"]["Environment"]["CRATON_MODEL_ID"], "m");
    let scaling = &asked[2].json()["ProductionVariants"][0]["ManagedInstanceScaling"];
    assert_eq!(*scaling, json!({ "Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 3 }));
}

#[tokio::test]
async fn a_model_that_the_hub_does_not_have_is_made_through_sagemaker_alone() {
    let card = r#"{"name":"m-q8_0","state":"ready","licence":{"mustAccept":false},"jumpstartId":null}"#;
    let answers = [(200, card), (200, "{}"), (200, "{}"), (200, r#"{"EndpointArn":"arn:e"}"#), (200, DESCRIBED)];
    let (outcome, asked) = told("craton deploy m-q8_0 --role-arn arn:r", &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(
        targets(&asked)[1..],
        [
            "SageMaker.CreateModel",
            "SageMaker.CreateEndpointConfig",
            "SageMaker.CreateEndpoint",
            "SageMaker.DescribeEndpoint"
        ]
    );
    assert!(asked[2].json()["ProductionVariants"][0].get("ManagedInstanceScaling").is_none());
    assert_eq!(asked[1].json()["ModelName"], "m-q8-0");
}

#[tokio::test]
async fn what_was_made_is_undone_where_a_step_fails() {
    let words = "craton deploy m --name shop --min-instances 0 --max-instances 3 --role-arn arn:r";
    let taken = r#"{"__type":"ValidationException","message":"Cannot create already existing endpoint \"arn\"."}"#;
    let answers = [(200, CARD), (200, "{}"), (200, "{}"), (400, taken), (200, "{}"), (200, "{}")];
    let (outcome, asked) = told(words, &answers).await;
    assert!(outcome.unwrap_err().to_string().contains("already existing"));
    assert_eq!(&targets(&asked.join().unwrap())[4..], ["SageMaker.DeleteEndpointConfig", "SageMaker.DeleteModel"]);
}

#[tokio::test]
async fn a_model_that_is_not_here_is_pulled_first_where_asked() {
    let job = r#"{"job":{"id":"j"}}"#;
    let done = r#"{"id":"j","state":"succeeded","output":{"name":"m"}}"#;
    let answers = [(200, ABSENT), (202, job), (200, done), (200, ROLE), (200, CREATED), (200, DESCRIBED)];
    let (outcome, asked) = told("craton deploy m --name shop --pull --accept-eula", &answers).await;
    outcome.unwrap();
    let asked = asked.join().unwrap();
    assert_eq!(asked[1].json(), json!({ "source": "m", "acceptTerms": true, "allowTemplate": false }));
    assert_eq!(asked[4].json()["modelSourceIdentifier"], "huggingface-llm-m");
}

#[tokio::test]
async fn an_endpoint_that_fails_says_why() {
    let failed = r#"{"EndpointStatus":"Failed","FailureReason":"The model `m` is not pulled."}"#;
    let (outcome, _) = told("craton endpoints show shop --wait", &[(200, failed)]).await;
    assert_eq!(outcome.unwrap_err().to_string(), "the endpoint failed: The model `m` is not pulled.");
}

#[tokio::test]
async fn numbers_and_names_beyond_the_limits_are_refused_before_anything_is_asked() {
    for words in ["craton deploy m --instances 0", "craton deploy m --instances 101", "craton endpoints scale shop 101"]
    {
        let (outcome, _) = told(words, &[]).await;
        assert!(outcome.unwrap_err().to_string().contains("instances"), "{words}");
    }
    let long = format!("craton deploy m --name {}", "a".repeat(51));
    let (outcome, _) = told(&long, &[(200, CARD)]).await;
    assert!(outcome.unwrap_err().to_string().contains("51 characters"));
}

#[tokio::test]
async fn an_endpoint_is_registered_as_the_model_that_answers() {
    let figures = r#"{"variants":[{"servedModel":"m"}]}"#;
    let answers = [(200, DESCRIBED), (200, figures), (200, CARD), (200, "{}")];
    let (outcome, asked) = told("craton endpoints register shop", &answers).await;
    outcome.unwrap();
    assert_eq!(asked.join().unwrap()[3].json(), json!({ "modelSourceIdentifier": "huggingface-llm-m" }));
}

#[tokio::test]
async fn every_variant_is_scaled() {
    let (outcome, asked) = told("craton endpoints scale shop 0", &[(200, DESCRIBED), (200, "{}")]).await;
    outcome.unwrap();
    let wanted = json!({
        "EndpointName": "shop",
        "DesiredWeightsAndCapacities": [{ "VariantName": "AllTraffic", "DesiredInstanceCount": 0 }],
    });
    assert_eq!(asked.join().unwrap()[1].json(), wanted);
}

#[tokio::test]
async fn deleting_asks_where_nobody_said_yes() {
    let (outcome, _) = told("craton endpoints delete shop", &[(200, DESCRIBED), (200, CONFIG), (200, MANAGED)]).await;
    assert!(outcome.unwrap_err().to_string().contains("--yes"));
}

#[tokio::test]
async fn what_marketplace_made_it_deletes() {
    let answers = [(200, DESCRIBED), (200, CONFIG), (200, MANAGED), (200, "{}")];
    let (outcome, asked) = told("craton endpoints delete shop --yes", &answers).await;
    outcome.unwrap();
    let path = format!("DELETE /marketplace-model/endpoints/{}", segment(ARN));
    assert_eq!(targets(&asked.join().unwrap())[3], path);
}

#[tokio::test]
async fn an_endpoint_of_sagemaker_is_deleted_with_what_was_made_for_it() {
    let answers = [(200, DESCRIBED), (200, CONFIG), (200, NONE), (200, ""), (200, ""), (200, "")];
    let (outcome, asked) = told("craton endpoints delete shop --yes", &answers).await;
    outcome.unwrap();
    let wanted = ["SageMaker.DeleteEndpoint", "SageMaker.DeleteEndpointConfig", "SageMaker.DeleteModel"];
    assert_eq!(&targets(&asked.join().unwrap())[3..], wanted);
}

#[tokio::test]
async fn one_that_scales_was_only_registered_and_leaves_nothing_behind() {
    let scales = r#"{"EndpointConfigName":"shop","ProductionVariants":[{"ModelName":"shop","ManagedInstanceScaling":{"Status":"ENABLED"}}]}"#;
    let answers = [(200, DESCRIBED), (200, scales), (200, MANAGED), (200, "{}"), (200, ""), (200, "")];
    let (outcome, asked) = told("craton endpoints delete shop --yes", &answers).await;
    outcome.unwrap();
    let made = &targets(&asked.join().unwrap())[3..];
    assert!(made[0].starts_with("DELETE /marketplace-model/"), "{made:?}");
    assert_eq!(made[1..], ["SageMaker.DeleteEndpointConfig", "SageMaker.DeleteModel"]);
}

#[tokio::test]
async fn terms_that_were_accepted_before_hold() {
    let card = r#"{"name":"m","state":"ready","jumpstartId":"huggingface-llm-m","licence":{"mustAccept":true,"accepted":{"acceptedBy":"a"}}}"#;
    let answers = [(200, card), (200, ROLE), (200, CREATED), (200, DESCRIBED)];
    let (outcome, asked) = told("craton deploy m --name shop", &answers).await;
    outcome.unwrap();
    assert_eq!(asked.join().unwrap()[2].json()["acceptEula"], true);
}

#[tokio::test]
async fn a_list_has_every_page_and_tells_who_manages_what() {
    let first = r#"{"Endpoints":[{"EndpointName":"shop","EndpointArn":"arn:aws:sagemaker:us-east-1:111122223333:endpoint/shop","EndpointStatus":"InService"}],"NextToken":"t"}"#;
    let second = r#"{"Endpoints":[{"EndpointName":"other","EndpointArn":"arn:o","EndpointStatus":"Failed"}]}"#;
    let (outcome, asked) = told("craton endpoints list", &[(200, first), (200, second), (200, MANAGED)]).await;
    outcome.unwrap();
    assert_eq!(asked.join().unwrap()[1].json()["NextToken"], "t");
}

#[test]
fn names_are_those_that_an_endpoint_can_have() {
    assert_eq!(name_of("qwen2.5-1.5b-instruct"), "qwen2-5-1-5b-instruct");
    let long = name_of(&"ab.".repeat(40));
    assert!(long.len() <= 50 && !long.ends_with('-'), "{long}");
}

#[test]
fn a_hub_content_is_told_by_its_name() {
    let known: Value = serde_json::from_str(MANAGED).unwrap();
    let identifier = known["marketplaceModelEndpoints"][0]["modelSourceIdentifier"].as_str().unwrap();
    assert_eq!(show::model_name(identifier), "huggingface-llm-m");
    assert_eq!(show::model_name("m"), "m");
}

#[test]
fn what_was_predicted_stands_beside_what_came_of_it() {
    let variant = json!({ "name": "All", "fit": {
        "loadBytes": 1_048_576, "prefillTokensPerSecond": 200.0, "decodeTokensPerSecond": 60.0,
        "measured": {
            "memoryBytes": null, "prefillTokensPerSecond": 180.0, "decodeTokensPerSecond": 50.0,
            "errors": { "memory": null, "prefill": 0.11, "decode": -0.04 },
        },
    }});
    let lines = show::predicted(&variant);
    assert_eq!(lines.len(), 2, "what was not measured is not told: {lines:?}");
    assert!(lines[0].contains("180.0 tokens/s; 200.0 tokens/s predicted, +11 %"), "{lines:?}");
    assert!(lines[1].contains("-4 %"), "{lines:?}");
}

#[tokio::test]
async fn what_an_endpoint_failed_for_want_of_is_downloaded_in_one_step() {
    let waits = r#"{"name":"shop","status":"Failed","notPulled":"m"}"#;
    let refused = r#"{"code":"Conflict","message":"no room"}"#;
    let (outcome, asked) = told("craton endpoints pull shop", &[(200, waits), (409, refused)]).await;
    assert!(outcome.unwrap_err().to_string().contains("no room"));
    let asked = asked.join().unwrap();
    assert_eq!(targets(&asked), ["GET /craton/v1/endpoints/shop/figures", "POST /craton/v1/models/pull"]);
    assert_eq!(asked[1].json()["source"], "m");
    let serves = r#"{"name":"shop","status":"InService","notPulled":null}"#;
    let (outcome, _) = told("craton endpoints pull shop", &[(200, serves)]).await;
    assert!(outcome.unwrap_err().to_string().contains("waits for no download"));
}
