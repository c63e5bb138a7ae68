use base::ErrorKind;
use serde_json::json;

use super::*;

fn of(value: Value) -> Result<Parameters> {
    parameters(&value.to_string())
}

#[test]
fn what_a_generator_can_be_asked_with_is_applied() {
    let asked = of(json!({
        "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 0.25, "stopSequences": ["END"]},
        "additionalModelRequestFields": {"top_k": 7, "seed": 3, "min_p": 0.125, "frequency_penalty": 1, "presence_penalty": -1},
    }));
    let wanted = Parameters {
        temperature: Some(0.5),
        top_p: Some(0.25),
        max_tokens: Some(9),
        stop: vec!["END".to_owned()],
        top_k: Some(7),
        min_p: Some(0.125),
        seed: Some(3),
        frequency_penalty: Some(1.0),
        presence_penalty: Some(-1.0),
    };
    assert_eq!(asked, Ok(wanted));
    let nova = of(json!({"additionalModelRequestFields": {"inferenceConfig": {"topK": 20}}})).unwrap();
    assert_eq!(nova.top_k, Some(20));
    assert_eq!(of(json!({})), Ok(Parameters::default()));
    assert_eq!(of(json!({"inferenceConfig": null, "additionalModelRequestFields": null})), Ok(Parameters::default()));
}

#[test]
fn vendors_names_and_numbers_as_texts_are_understood() {
    let titan = of(json!({"temperature": "0.0", "topP": "1", "maxTokenCount": "512"})).unwrap();
    assert_eq!((titan.temperature, titan.top_p, titan.max_tokens), (Some(0.0), Some(1.0), Some(512)));
    let titan = of(json!({"textGenerationConfig": {"maxTokenCount": 512, "stopSequences": ["User:"]}})).unwrap();
    assert_eq!((titan.max_tokens, titan.stop), (Some(512), vec!["User:".to_owned()]));
    let nova = of(json!({"inferenceConfig": {"max_new_tokens": 9, "top_k": 20}})).unwrap();
    assert_eq!((nova.max_tokens, nova.top_k), (Some(9), Some(20)));
    let mistral = of(json!({"max_tokens": 7, "stop": ["</s>"], "random_seed": 5})).unwrap();
    assert_eq!((mistral.max_tokens, mistral.stop, mistral.seed), (Some(7), vec!["</s>".to_owned()], Some(5)));
    assert_eq!(of(json!({"max_tokens_to_sample": 6})).unwrap().max_tokens, Some(6));
    let cohere = of(json!({"p": 0.25, "k": 4, "seed": "18446744073"})).unwrap();
    assert_eq!((cohere.top_p, cohere.top_k, cohere.seed), (Some(0.25), Some(4), Some(18_446_744_073)));
    let claude = of(json!({"max_tokens": 5, "top_p": 0.5, "top_k": 3, "stop_sequences": ["x"]})).unwrap();
    assert_eq!(
        (claude.max_tokens, claude.top_p, claude.top_k, claude.stop),
        (Some(5), Some(0.5), Some(3), vec!["x".to_owned()])
    );
}

#[test]
fn a_parameter_has_one_name() {
    for (value, first, second) in [
        (json!({"inferenceConfig": {"maxTokens": 9, "max_tokens": 900}}), "`maxTokens`", "`max_tokens`"),
        (json!({"topP": 0.5, "p": 0.5}), "`topP`", "`p`"),
        (json!({"stop_sequences": ["a"], "stop": ["a"]}), "`stop_sequences`", "`stop`"),
        (json!({"inferenceConfig": {}, "textGenerationConfig": {}}), "`inferenceConfig`", "`textGenerationConfig`"),
        (
            json!({"inferenceConfig": {"topK": 0}, "additionalModelRequestFields": {"top_k": 7}}),
            "`topK`",
            "`additionalModelRequestFields.top_k`",
        ),
        (
            json!({"additionalModelRequestFields": {"top_k": 7, "inferenceConfig": {"topK": 8}}}),
            "`additionalModelRequestFields.top_k`",
            "`additionalModelRequestFields.inferenceConfig.topK`",
        ),
        (
            json!({"random_seed": 1, "additionalModelRequestFields": {"seed": 2}}),
            "`random_seed`",
            "`additionalModelRequestFields.seed`",
        ),
    ] {
        let error = of(value).unwrap_err();
        let told = format!("{first} and {second} of `inferenceParams` mean the same.");
        assert!(error.kind == ErrorKind::Invalid && error.message == told, "{error}");
    }
    // What is `null` names nothing.
    assert_eq!(of(json!({"maxTokens": null, "max_tokens": 5})).unwrap().max_tokens, Some(5));
}

#[test]
fn what_is_not_applied_is_named() {
    for (value, name) in [
        (json!({"warp": 9}), "`warp`"),
        (json!({"inferenceConfig": {"maxTokens": 1, "warp": 9}}), "`warp`"),
        (json!({"inferenceConfig": {}, "temperature": 0.5}), "`temperature`"),
        (
            json!({"additionalModelRequestFields": {"loop_detection": true}}),
            "`additionalModelRequestFields.loop_detection`",
        ),
        (json!({"additionalModelRequestFields": {"priority": "high"}}), "`additionalModelRequestFields.priority`"),
    ] {
        let error = of(value).unwrap_err();
        assert!(error.kind == ErrorKind::NotImplemented && error.message.contains(name), "{error}");
    }
    for (value, name) in [
        (json!({"inferenceConfig": {"temperature": "hot"}}), "`temperature`"),
        (json!({"inferenceConfig": {"temperature": 2}}), "`temperature`"),
        (json!({"inferenceConfig": {"maxTokens": 0}}), "`maxTokens`"),
        (json!({"inferenceConfig": {"maxTokens": 1.5}}), "`maxTokens`"),
        (json!({"inferenceConfig": {"stopSequences": "x"}}), "`stopSequences`"),
        (json!({"random_seed": -1}), "`random_seed`"),
        (json!({"textGenerationConfig": 1}), "`textGenerationConfig`"),
        (json!({"inferenceConfig": []}), "`inferenceConfig`"),
        (json!({"additionalModelRequestFields": {"warp": 9}}), "warp"),
        (json!([]), "no JSON object"),
    ] {
        let error = of(value).unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains(name), "{error}");
    }
    assert!(parameters("x").unwrap_err().message.contains("no JSON object"));
}
