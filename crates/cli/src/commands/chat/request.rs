//! Converse's body for a question.

use serde_json::{Map, Value, json};

use crate::args::Generation;
use crate::chat_args::CachePoint;

/// Why an answer ended beyond AWS's own reasons, in [`body`]'s additional response fields.
const DETAIL: &str = "stop_reason_detail";

/// The body that asks for the answer to the last of `messages`.
pub(super) fn body(generation: &Generation, mut messages: Vec<Value>) -> Value {
    let point = || json!({ "cachePoint": { "type": "default" } });
    if generation.cache_point == Some(CachePoint::Conversation)
        && let Some(content) = messages.last_mut().and_then(|message| message["content"].as_array_mut())
    {
        content.push(point());
    }
    let mut body = json!({ "messages": messages, "inferenceConfig": sampling(generation) });
    if let Some(system) = &generation.system {
        let mut blocks = vec![json!({ "text": system })];
        blocks.extend((generation.cache_point == Some(CachePoint::System)).then(point));
        body["system"] = blocks.into();
    }
    if let Some(schema) = &generation.schema {
        let schema = json!({ "name": "answer", "schema": schema.to_string() });
        body["outputConfig"] =
            json!({ "textFormat": { "type": "json_schema", "structure": { "jsonSchema": schema } } });
    }
    let fields = additional(generation);
    if !fields.is_empty() {
        body["additionalModelRequestFields"] = fields.into();
    }
    if generation.loop_detection.is_some() {
        body["additionalModelResponseFieldPaths"] = json!([format!("/{DETAIL}")]);
    }
    body
}

/// The body that asks how many tokens `messages` are, with the system prompt.
pub(super) fn to_count(generation: &Generation, messages: Vec<Value>) -> Value {
    let mut counted = json!({ "messages": messages });
    if let Some(system) = &generation.system {
        counted["system"] = json!([{ "text": system }]);
    }
    json!({ "input": { "converse": counted } })
}

/// Why an answer ended, of a `messageStop` event: with the detail that was asked for, where AWS has no word for it.
pub(super) fn stop_reason(event: &Value) -> Value {
    match &event["additionalModelResponseFields"][DETAIL] {
        Value::Null => event["stopReason"].clone(),
        detail => detail.clone(),
    }
}

/// What AWS has members for.
fn sampling(generation: &Generation) -> Value {
    let mut config = json!({ "maxTokens": generation.max_tokens });
    if let Some(temperature) = generation.temperature {
        config["temperature"] = temperature.into();
    }
    if let Some(top_p) = generation.top_p {
        config["topP"] = top_p.into();
    }
    if !generation.stop.is_empty() {
        config["stopSequences"] = json!(generation.stop);
    }
    config
}

/// What it has none for.
fn additional(generation: &Generation) -> Map<String, Value> {
    let form = match (&generation.regex, &generation.grammar, generation.choice.as_slice()) {
        (Some(regex), ..) => Some(json!({ "regex": regex })),
        (None, Some(grammar), _) => Some(json!({ "grammar": grammar })),
        (None, None, []) => None,
        (None, None, choice) => Some(json!({ "choice": choice })),
    };
    let fields = [
        ("top_k", generation.top_k.map(Value::from)),
        ("min_p", generation.min_p.map(Value::from)),
        ("seed", generation.seed.map(Value::from)),
        ("frequency_penalty", generation.frequency_penalty.map(Value::from)),
        ("presence_penalty", generation.presence_penalty.map(Value::from)),
        ("no_repeat_ngram_size", generation.no_repeat_ngram.map(Value::from)),
        ("no_repeat_ngram_scope", generation.no_repeat_ngram_scope.map(|scope| scope.name().into())),
        ("loop_detection", generation.loop_detection.clone()),
        ("priority", generation.priority.map(|priority| priority.name().into())),
        ("deterministic", generation.deterministic.then_some(Value::Bool(true))),
        ("structured_outputs", form),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn asked(line: &str) -> Result<Generation, clap::Error> {
        match Cli::try_parse_from(format!("craton chat {line}").split_whitespace())?.command {
            Command::Chat(chat) => Ok(chat.generation),
            other => panic!("{other:?}"),
        }
    }

    fn question() -> Vec<Value> {
        vec![json!({ "role": "user", "content": [{ "text": "Why?" }] })]
    }

    #[test]
    fn nothing_is_sent_that_was_not_asked_for() {
        let body = body(&asked("Why?").unwrap(), question());
        assert_eq!(body, json!({ "messages": question(), "inferenceConfig": { "maxTokens": 512 } }));
    }

    #[test]
    fn every_option_has_its_member() {
        let line = "--system Short. --max-tokens 9 --temperature 0.3 --top-p 0.9 --top-k 5 --min-p 0.1 --seed 7 \
                    --frequency-penalty -0.5 --presence-penalty 1 --stop END --stop . --no-repeat-ngram 3 \
                    --no-repeat-ngram-scope output --loop-detection=repeats=3,min_tokens=8 --regex [0-9]+ --priority low \
                    --deterministic --cache-point system Why?";
        let body = body(&asked(line).unwrap(), question());
        let wanted = json!({
            "messages": question(),
            "system": [{ "text": "Short." }, { "cachePoint": { "type": "default" } }],
            "inferenceConfig": { "maxTokens": 9, "temperature": 0.3, "topP": 0.9, "stopSequences": ["END", "."] },
            "additionalModelRequestFields": {
                "top_k": 5, "min_p": 0.1, "seed": 7, "frequency_penalty": -0.5, "presence_penalty": 1.0,
                "no_repeat_ngram_size": 3, "no_repeat_ngram_scope": "output",
                "loop_detection": { "repeats": 3, "min_tokens": 8 },
                "priority": "low", "deterministic": true, "structured_outputs": { "regex": "[0-9]+" },
            },
            "additionalModelResponseFieldPaths": ["/stop_reason_detail"],
        });
        assert_eq!(body, wanted);
    }

    #[test]
    fn a_cache_point_of_the_conversation_comes_after_the_question() {
        let body = body(&asked("--cache-point conversation Why?").unwrap(), question());
        assert_eq!(body["messages"][0]["content"][1], json!({ "cachePoint": { "type": "default" } }));
    }

    #[test]
    fn forms_are_schemas_choices_and_grammars_of_arguments_and_files() {
        let form = |line: &str| body(&asked(line).unwrap(), question());
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).unwrap();
            folder.path().join(name).display().to_string()
        };
        let schema = form(&format!("--schema @{} Why?", file("order.json", r#"{"type": "object"}"#)));
        let told = &schema["outputConfig"]["textFormat"]["structure"]["jsonSchema"];
        assert_eq!(told, &json!({ "name": "answer", "schema": r#"{"type":"object"}"# }));
        let inline = form(r#"--schema {"enum":[1]} Why?"#);
        assert_eq!(inline["outputConfig"]["textFormat"]["type"], "json_schema");
        let grammar = form(&format!("--grammar @{} Why?", file("g.lark", "start: \"yes\"")));
        let outputs = |body: &Value| body["additionalModelRequestFields"]["structured_outputs"].clone();
        assert_eq!(outputs(&grammar), json!({ "grammar": "start: \"yes\"" }));
        assert_eq!(outputs(&form("--choice yes --choice no Why?")), json!({ "choice": ["yes", "no"] }));
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_before_anything_is_sent() {
        for (line, says) in [
            ("--schema {} --regex a Why?", "cannot be used with"),
            ("--schema { Why?", "it is no JSON"),
            ("--grammar @/nowhere/g.lark Why?", "cannot read"),
            ("--no-repeat-ngram-scope output Why?", "--no-repeat-ngram"),
            ("--loop-detection=often Why?", "repeats=N"),
            ("--cache-point system Why?", "--system"),
            ("--priority urgent Why?", "possible values"),
        ] {
            let error = asked(line).unwrap_err().to_string();
            assert!(error.contains(says), "{line}: {error}");
        }
    }

    #[test]
    fn a_loop_is_told_where_it_was_looked_for() {
        assert_eq!(asked("--loop-detection Count to ten").unwrap().loop_detection, Some(Value::Bool(true)));
        let stop =
            json!({ "stopReason": "max_tokens", "additionalModelResponseFields": { "stop_reason_detail": "loop" } });
        assert_eq!(stop_reason(&stop), "loop");
        assert_eq!(stop_reason(&json!({ "stopReason": "end_turn" })), "end_turn");
    }
}
