//! Tunings through Craton's API.

use super::*;

const TUNINGS: &str = "/craton/v1/models/tiny/tunings";

/// Starts a tuning and waits for its job, which it returns.
async fn tuned(world: &World, request: &Value) -> Value {
    let reply = world.signed("craton", "POST", TUNINGS, &request.to_string()).await;
    assert_eq!(reply.status, 202, "{}", reply.text());
    let id = reply.json()["job"]["id"].as_str().unwrap().to_owned();
    let path = format!("/craton/v1/jobs/{id}/events");
    let events = world.signed("craton", "GET", &path, "");
    tokio::time::timeout(Duration::from_secs(120), events).await.unwrap();
    world.signed("craton", "GET", &format!("/craton/v1/jobs/{id}"), "").await.json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tuning_ends_with_a_report_of_the_machine_and_its_ceilings() {
    let world = World::start().await;
    let request = json!({
        "slo": "p95=60s", "workload": "moderation", "minutes": 0.0001, "clients": 2, "boundedAnswers": 4,
        "quantized": true, "allow": ["kv-q8_0"], "pricePerHour": 3.6,
    });
    let job = tuned(&world, &request).await;
    assert_eq!((&job["state"], &job["error"]), (&json!("succeeded"), &Value::Null), "{job}");
    let id = job["id"].as_str().unwrap();
    let report = world.signed("craton", "GET", &format!("{TUNINGS}/{id}"), "").await.json();
    assert_eq!(
        (&report["jobId"], &report["workload"], &report["slo"]["p95Ms"]),
        (&job["id"], &json!("moderation"), &json!(60_000.0))
    );
    let machine = &report["machine"];
    let number = |value: &Value| value.as_f64().unwrap_or_else(|| panic!("{report}"));
    assert!(number(&machine["coreBandwidthBytesPerSecond"]) > 0.0 && number(&machine["bandwidthBytesPerSecond"]) > 0.0);
    assert_eq!(
        machine["memoryBytes"].as_u64().map(|all| all / machine["cores"].as_u64().unwrap()),
        machine["memoryBytesPerCore"].as_u64()
    );
    assert!(
        number(&report["decodeCeilingTokensPerSecond"]) > 0.0
            && number(&report["coreDecodeCeilingTokensPerSecond"]) > 0.0
    );
    assert_eq!(
        (&report["weights"][0]["model"], &report["weights"][0]["labelAgreement"]),
        (&json!("tiny"), &Value::Null)
    );
    assert!(report["weights"][0]["file"].as_str().unwrap().ends_with(".gguf"), "{report}");
    let default = &report["points"][0];
    for member in [
        "replicas",
        "cores",
        "cacheType",
        "prefillThreads",
        "parallel",
        "contextPerSequence",
        "staticBatches",
        "weights",
    ] {
        assert!(default["settings"].get(member).is_some(), "{member}: {default}");
    }
    assert_eq!((&default["settings"]["replicas"], &default["settings"]["cacheType"]), (&json!(1), &json!("f16")));
    assert!(number(&default["measured"]["occupancy"]) >= 1.0 && number(&default["ceilingTokensPerSecond"]) > 0.0);
    assert!(number(&default["measured"]["bandwidthShare"]) >= 0.0 && number(&default["pricePer1000"]) > 0.0);
    // The list has it, too, and what the model is loaded with.
    let list = world.signed("craton", "GET", TUNINGS, "").await.json();
    assert_eq!((&list["items"], &list["running"]), (&json!([report]), &Value::Null));
    assert_eq!(list["profile"].is_null(), report["chosen"] == 0, "{list}");
    let reset = world.signed("craton", "DELETE", "/craton/v1/models/tiny/tuning", "").await;
    assert_eq!(reset.status, if report["chosen"] == 0 { 404 } else { 204 });
    world.stop().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_tuning_is_said_by_name() {
    let world = World::start().await;
    let refused = async |path: &str, body: &Value| {
        let reply = world.signed("craton", "POST", path, &body.to_string()).await;
        (reply.status.as_u16(), reply.text())
    };
    let request = |members: Value| {
        let mut request = json!({"slo": "p95=1s", "workload": "chat"});
        request.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        request
    };
    for (members, says) in [
        (json!({"slo": "p99=1s"}), "`p99=1s` is no objective"),
        (json!({"workload": "poems"}), "`poems` is no workload"),
        (json!({"workload": "embed"}), "not for the workload `embed`"),
        (json!({"requests": [{"prompt": "a"}]}), "either a `workload` or `requests`"),
        (json!({"workload": null, "requests": [{"prompt": "a"}, {"prompt": 7}]}), "requests"),
        (json!({"workload": null, "requests": [{"prompt": "a"}, {"max_tokens": 4}]}), "Request 2 of the workload"),
        (json!({"minutes": 241}), "240 minutes"),
        (json!({"clients": 65}), "1 to 64 clients"),
        (json!({"allow": ["kv-q4_0"]}), "kv-q8_0"),
        (json!({"speed": 3}), "speed"),
    ] {
        let (status, text) = refused(TUNINGS, &request(members)).await;
        assert!(status == 400 && text.contains(says), "{status} {text}");
    }
    let (status, text) = refused("/craton/v1/models/none/tunings", &request(json!({}))).await;
    assert!(status == 404 && text.contains("none"), "{status} {text}");
    assert_eq!(world.signed("craton", "GET", &format!("{TUNINGS}/no-such-job"), "").await.status, 404);
    let reset = world.signed("craton", "DELETE", "/craton/v1/models/tiny/tuning", "").await;
    assert!(reset.status == 404 && reset.text().contains("no profile of its own"), "{}", reset.text());
    world.stop().await;
}
