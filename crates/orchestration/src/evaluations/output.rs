//! The results as Bedrock writes them: a line for each record. Where Craton has more to tell, it stands under `craton`.

use serde_json::{Map, Value, json};

use super::card::is_word;
use super::clinical::{Objection, Span};
use super::dataset::{Output, Passage, Record, Turn};
use super::metrics::Family;
use super::outcome::{RecordOutcome, Repeated, Score, TurnOutcome};
use super::support::{Teller, Unsupported};

/// The line of a record. It tells nothing that differs between runs: no time, no tokens that happened to be cached.
#[must_use]
pub fn line(record: &Record, outcome: &RecordOutcome, family: Family) -> String {
    let turns = record.turns.iter().zip(&outcome.turns);
    let value = match family {
        Family::Model => turns.map(|(turn, outcome)| model_line(turn, outcome)).next().unwrap_or(Value::Null),
        _ => {
            json!({"conversationTurns": turns.map(|(turn, outcome)| rag_turn(turn, outcome, family)).collect::<Vec<_>>()})
        }
    };
    value.to_string()
}

fn model_line(turn: &Turn, outcome: &TurnOutcome) -> Value {
    let output = outcome.output.as_ref();
    let response = output
        .map(|output| json!({"modelIdentifier": output.model, "response": output.text.as_deref().unwrap_or_default()}));
    let mut line = json!({
        "automatedEvaluationResult": {"scores": outcome.scores.iter().map(score).collect::<Vec<_>>()},
        "inputRecord": turn.input,
        "modelResponses": response.into_iter().collect::<Vec<_>>(),
    });
    if let Some(more) = craton(outcome) {
        line["craton"] = more;
    }
    line
}

fn rag_turn(turn: &Turn, outcome: &TurnOutcome, family: Family) -> Value {
    let mut value = json!({
        "inputRecord": turn.input,
        "output": outcome.output.as_ref().map(|output| system_output(output, family)),
        "results": outcome.scores.iter().map(score).collect::<Vec<_>>(),
    });
    if let Some(more) = craton(outcome) {
        value["craton"] = more;
    }
    value
}

fn system_output(output: &Output, family: Family) -> Value {
    let results = |passages: &[Passage]| json!({"retrievalResults": passages.iter().map(passage).collect::<Vec<_>>()});
    let mut value = Map::new();
    if let Some(text) = &output.text {
        value.insert("text".to_owned(), json!(text));
    }
    if let Some(model) = &output.model {
        value.insert("modelIdentifier".to_owned(), json!(model));
    }
    if let Some(source) = &output.source {
        value.insert("knowledgeBaseIdentifier".to_owned(), json!(source));
    }
    let name = if family == Family::Retrieve { "retrievedResults" } else { "retrievedPassages" };
    value.insert(name.to_owned(), results(&output.passages));
    if family != Family::Retrieve {
        let citations = output.citations.iter().map(|citation| {
            let span = citation.span.map(|(start, end)| json!({"start": start, "end": end}));
            json!({
                "generatedResponsePart": {"textResponsePart": {"span": span, "text": citation.text}},
                "retrievedReferences": citation.passages.iter().map(passage).collect::<Vec<_>>(),
            })
        });
        value.insert("citations".to_owned(), citations.collect());
    }
    Value::Object(value)
}

fn passage(passage: &Passage) -> Value {
    let mut value = Map::new();
    if let Some(name) = &passage.name {
        value.insert("name".to_owned(), json!(name));
    }
    value.insert("content".to_owned(), json!({"text": passage.text}));
    value.insert("metadata".to_owned(), Value::Object(passage.metadata.clone()));
    Value::Object(value)
}

/// A score: the result is a number from 0 to 1, the word of a scale of words, or null.
fn score(score: &Score) -> Value {
    let word = score.label.as_ref().filter(|_| is_word(score));
    let result = score.result.map_or_else(|| json!(word), |result| json!(result));
    let judge = score.judge.as_ref();
    let details = judge.map(|judge| json!({"modelIdentifier": judge, "explanation": score.explanation}));
    let mut more = Map::new();
    let mut tell = |name: &str, value: Option<Value>| value.map(|value| more.insert(name.to_owned(), value));
    tell("label", score.label.as_ref().map(|label| json!(label)));
    // Where a metric does not apply, nothing is expected of it.
    tell("expected", score.result.and(score.expected).map(|expected| json!(expected)));
    tell("margin", score.margin.map(|margin| json!(margin)));
    tell("repeated", score.repeated.as_ref().map(repeated));
    tell("passagesLeftOut", (score.left_out > 0).then(|| json!(score.left_out)));
    tell("error", score.error.as_ref().map(|error| json!(error)));
    tell("objections", (!score.objections.is_empty()).then(|| score.objections.iter().map(objection).collect()));
    json!({
        "metricName": score.metric,
        "result": result,
        "evaluatorDetails": details.into_iter().collect::<Vec<_>>(),
        "craton": more,
    })
}

/// How a verdict varies with the wording of the question.
pub(super) fn repeated(repeated: &Repeated) -> Value {
    json!({
        "askings": repeated.askings,
        "agreeing": repeated.agreeing,
        "mean": repeated.mean,
        "deviation": repeated.deviation,
        "listedFalling": repeated.falling,
    })
}

fn craton(outcome: &TurnOutcome) -> Option<Value> {
    let mut more = Map::new();
    if let Some(error) = &outcome.error {
        more.insert("error".to_owned(), json!(error));
    }
    if !outcome.unsupported.is_empty() {
        more.insert("unsupported".to_owned(), outcome.unsupported.iter().map(unsupported).collect());
    }
    (!more.is_empty()).then_some(Value::Object(more))
}

/// What a rule objects to: characters of the answer, and those of the prompt that say otherwise.
pub(super) fn objection(objection: &Objection) -> Value {
    let span = |span: &Span| json!({"start": span.start, "end": span.end, "text": span.text});
    json!({
        "rule": objection.rule,
        "reason": objection.reason,
        "spans": objection.spans.iter().map(span).collect::<Vec<_>>(),
        "against": objection.against.as_ref().map(span),
    })
}

/// Characters of the answer, from `start` up to, not including, `end`.
pub(super) fn unsupported(span: &Unsupported) -> Value {
    json!({
        "start": span.start,
        "end": span.end,
        "text": span.text,
        "level": if span.is_claim { "claim" } else { "sentence" },
        "support": span.support,
        "numbers": span.numbers,
        "negation": span.negation,
        "by": span.by.iter().copied().map(Teller::as_str).collect::<Vec<_>>(),
        "judged": span.judged,
    })
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
