use super::*;

const BUCKET: &str = "/jumpstart-cache-prod-us-east-1";
const MISTRAL: &str = "huggingface-llm-mistral-small-24b-instruct-2501";

impl World {
    async fn craton(&self, method: &str, path: &str, body: &str) -> Reply {
        self.signed("craton", method, &format!("/craton/v1{path}"), body).await
    }
}

#[tokio::test]
async fn the_hubs_bucket_is_read_and_never_written() {
    let world = World::without_models().await;
    let manifest = world.s3("GET", &format!("{BUCKET}/models_manifest.json"), "").await;
    assert_eq!(manifest.status, 200, "{}", manifest.text());
    let lines = manifest.json();
    let line = lines.as_array().unwrap().iter().find(|line| line["model_id"] == MISTRAL).unwrap().clone();
    let spec = world.s3("GET", &format!("{BUCKET}/{}", line["spec_key"].as_str().unwrap()), "").await;
    assert_eq!(spec.json()["model_id"], MISTRAL);
    let head = world.s3("HEAD", &format!("{BUCKET}/models_manifest.json"), "").await;
    assert_eq!(head.header("etag"), manifest.header("etag"));
    let listed = world.s3("GET", &format!("{BUCKET}?list-type=2&prefix=models"), "").await;
    assert!(listed.text().contains("<Key>models_manifest.json</Key>"), "{}", listed.text());
    for (method, path, status) in [
        ("PUT", format!("{BUCKET}/mine"), 403),
        ("DELETE", format!("{BUCKET}/models_manifest.json"), 403),
        ("DELETE", BUCKET.to_owned(), 403),
        ("GET", format!("{BUCKET}?policy"), 403),
        ("PUT", BUCKET.to_owned(), 409),
        ("GET", format!("{BUCKET}/nothing"), 404),
    ] {
        let reply = world.s3(method, &path, "").await;
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
    }
    let all = world.s3("GET", "/", "").await;
    assert!(!all.text().contains("jumpstart"), "{}", all.text());
    assert_eq!(world.s3("PUT", "/jumpstart-cache-prod-mine", "").await.status, 200);
    world.stop().await;
}

#[tokio::test]
async fn a_file_of_the_hub_is_not_sent_again_while_it_is_the_same() {
    let world = World::without_models().await;
    let path = format!("{BUCKET}/models_manifest.json");
    let etag = world.s3("HEAD", &path, "").await.header("etag").to_owned();
    let same = world.send(world.for_s3("GET", &path, "", &[("if-none-match", &etag)])).await;
    assert_eq!(same.status, 304, "{}", same.text());
    let other = world.send(world.for_s3("GET", &path, "", &[("if-match", "\"x\"")])).await;
    assert_eq!(other.status, 412, "{}", other.text());
    world.stop().await;
}

#[tokio::test]
async fn cards_are_searched_through_the_api() {
    let world = World::without_models().await;
    let found = world.craton("GET", "/models?search=mistral%20small&state=not-pulled", "").await.json();
    let names: Vec<&str> = found["items"].as_array().unwrap().iter().filter_map(|card| card["name"].as_str()).collect();
    assert_eq!(names, ["mistral-small-24b-instruct-2501"]);
    let card = &found["items"][0];
    assert_eq!((&card["jumpstartId"], &card["format"]), (&json!(MISTRAL), &json!("Q4_K_M")));
    assert_eq!(card["quality"][0]["source"], "https://mistral.ai/news/mistral-small-3");
    for query in ["state=asleep", "fits=maybe"] {
        assert_eq!(world.craton("GET", &format!("/models?{query}"), "").await.status, 400, "{query}");
    }
    world.stop().await;
}

#[tokio::test]
async fn terms_are_accepted_through_the_api_and_shown_on_the_card() {
    let world = World::without_models().await;
    let before = world.craton("GET", "/models/gemma-3-4b-it", "").await.json();
    assert_eq!((&before["licence"]["mustAccept"], &before["licence"]["accepted"]), (&json!(true), &Value::Null));
    let accepted = world.craton("POST", "/models/gemma-3-4b-it/accept-terms", "").await;
    assert_eq!(accepted.status, 200, "{}", accepted.text());
    let after = world.craton("GET", "/models/gemma-3-4b-it", "").await.json();
    assert_eq!(after["licence"]["accepted"], accepted.json());
    assert_eq!(world.craton("POST", "/models/smollm2-135m-instruct/accept-terms", "").await.status, 400);
    world.stop().await;
}

#[tokio::test]
async fn a_prediction_has_all_its_parts() {
    let world = World::without_models().await;
    let fit = world
        .craton("GET", "/models/mistral-small-24b-instruct-2501/fit?context=2048&slots=2&cacheType=q8_0", "")
        .await;
    assert_eq!(fit.status, 200, "{}", fit.text());
    let fit = fit.json();
    let bytes = |name: &str| fit[name].as_u64().unwrap();
    assert_eq!(bytes("memoryBytes"), bytes("weightsBytes") + bytes("cacheBytes") + bytes("workingBytes"));
    assert_eq!((&fit["context"], &fit["slots"], &fit["cacheType"]), (&json!(2048), &json!(2), &json!("q8_0")));
    // The fake engine does not tell how fast it multiplies.
    assert!(fit["prefillTokensPerSecond"].is_null() && fit["decodeTokensPerSecond"].is_null());
    assert!(fit["basis"]["bandwidthBytesPerSecond"].as_f64().unwrap() > 0.0 && fit["measured"].is_null());
    for query in ["context=0", "slots=x", "cacheType=q1"] {
        let path = format!("/models/smollm2-135m-instruct/fit?{query}");
        assert_eq!(world.craton("GET", &path, "").await.status, 400, "{query}");
    }
    world.stop().await;
}

#[tokio::test]
async fn a_pulled_models_template_is_looked_at_through_the_api() {
    let world = World::start().await;
    let report = world.craton("POST", "/models/tiny/verify-template", "").await;
    assert_eq!(report.status, 200, "{}", report.text());
    assert!(report.json()["verdict"].is_string() && report.json()["detail"].is_string());
    assert_eq!(world.craton("POST", "/models/mini/verify-template", "").await.status, 400);
    assert_eq!(world.craton("POST", "/models/nothing/verify-template", "").await.status, 404);
    world.stop().await;
}
