//! Datasets that people have rated: records with answers, and beside each what people say of it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::eval_args::Kind;

/// The fewest labels of a metric that a passport is made of. The server says so, too, but only once the judge has judged all.
const FEWEST: usize = 20;

/// What a dataset of records with labels holds.
#[derive(Debug, PartialEq)]
pub(super) struct Rated {
    /// What was evaluated.
    pub(super) kind: Kind,
    /// What the dataset calls the system that answered.
    pub(super) source: String,
    /// What people say.
    pub(super) labels: Vec<Label>,
}

/// A label that people gave.
#[derive(Debug, PartialEq)]
pub(super) struct Label {
    /// The record's place in the dataset, from 1: empty lines do not count.
    record: usize,
    /// The turn, from 1.
    turn: usize,
    /// The metric.
    pub(super) metric: String,
    /// The label's place on the metric's scale, from 0.
    pub(super) label: u64,
}

impl Rated {
    /// Reads JSON lines.
    ///
    /// # Errors
    /// All that is wrong with them, line by line, for people.
    pub(super) fn read(text: &str) -> Result<Self, Vec<String>> {
        let (mut problems, mut labels, mut first) = (Vec::new(), Vec::new(), None);
        let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
        for ((line, text), record) in lines.zip(1..) {
            match of_line(text, record, &mut labels) {
                Err(problem) => problems.push(format!("line {line}: {problem}")),
                Ok(found) => {
                    let known = first.get_or_insert_with(|| found.clone());
                    if *known != found {
                        problems.push(format!(
                            "line {line}: it has {}, and the first record {}: one kind of answers of one system goes into a job",
                            told(&found),
                            told(known)
                        ));
                    }
                }
            }
        }
        match first {
            Some((kind, source)) if problems.is_empty() && !labels.is_empty() => Ok(Self { kind, source, labels }),
            Some(_) if problems.is_empty() => {
                Err(vec![format!("no record has labels: beside a record stands {EXAMPLE}")])
            }
            None if problems.is_empty() => Err(vec!["it has no records".to_owned()]),
            _ => Err(problems),
        }
    }

    /// The metrics that people have rated, with the number of labels of each.
    pub(super) fn metrics(&self) -> BTreeMap<&str, usize> {
        let mut metrics = BTreeMap::new();
        self.labels.iter().for_each(|label| *metrics.entry(label.metric.as_str()).or_default() += 1);
        metrics
    }

    /// What keeps the labels from making passports, by the scales that the server tells: `[{"metricName", "labels"}]`. Whether each label
    /// is on its scale it tells itself.
    pub(super) fn problems(&self, scales: &Value) -> Vec<String> {
        let is_scale =
            |metric: &str| scales.as_array().into_iter().flatten().any(|scale| scale["metricName"] == metric);
        let problem = |(metric, count): (&str, usize)| match is_scale(metric) {
            false => Some(format!("the metric `{metric}` has no scale of numbers that a judge chooses from")),
            true if count < FEWEST => {
                Some(format!("the metric `{metric}` has {count} labels, and a passport is made of {FEWEST} at least"))
            }
            true => None,
        };
        self.metrics().into_iter().filter_map(problem).collect()
    }

    /// The labels as the server takes them.
    pub(super) fn human(&self) -> Value {
        let label = |Label { record, turn, metric, label, .. }: &Label| json!({"record": record, "turn": turn, "metric": metric, "label": label});
        json!({"labels": self.labels.iter().map(label).collect::<Vec<_>>()})
    }
}

/// How labels stand beside a record.
const EXAMPLE: &str = r#""labels": {"Builtin.Correctness": 2}"#;

/// A record's kind and the system that answered it; its labels are added to those before.
fn of_line(text: &str, record: usize, labels: &mut Vec<Label>) -> Result<(Kind, String), String> {
    let value: Value =
        serde_json::from_str(text.trim()).map_err(|error| format!("it is no JSON (column {})", error.column()))?;
    let object = value.as_object().ok_or("it is JSON, but no object")?;
    let answered = match object.get("conversationTurns").map(Value::as_array) {
        Some(Some(turns)) => of_turns(turns)?,
        Some(None) => return Err("`conversationTurns` is no list".to_owned()),
        None => of_model(object)?,
    };
    let turns = object.get("conversationTurns").and_then(Value::as_array).map_or(1, Vec::len);
    let given = match object.get("labels") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(one)) if turns == 1 => vec![(1, one)],
        Some(Value::Array(each)) if each.len() == turns => of_each_turn(each)?,
        Some(_) if turns == 1 => return Err(format!("`labels` is no object: it looks like {EXAMPLE}")),
        Some(_) => return Err(format!("`labels` is no list of {turns} objects, one for each turn")),
    };
    for (turn, given) in given {
        for (metric, label) in given {
            let label = label.as_u64().ok_or_else(|| {
                format!("the label of `{metric}` is no place on its scale: a whole number, 0 for the first label")
            })?;
            labels.push(Label { record, turn, metric: metric.clone(), label });
        }
    }
    Ok(answered)
}

/// A turn's number, from 1, and the labels that people gave it.
type OfTurn<'a> = (usize, &'a Map<String, Value>);

/// The labels of each turn that has some.
fn of_each_turn(each: &[Value]) -> Result<Vec<OfTurn<'_>>, String> {
    let mut given = Vec::new();
    for (turn, labels) in (1..).zip(each) {
        match labels {
            Value::Object(labels) => given.push((turn, labels)),
            Value::Null => {}
            _ => {
                return Err(format!(
                    "the labels of turn {turn} are no object: it looks like {{\"Builtin.Correctness\": 2}}"
                ));
            }
        }
    }
    Ok(given)
}

/// Who answered, by a record of a model.
fn of_model(record: &Map<String, Value>) -> Result<(Kind, String), String> {
    let responses = record.get("modelResponses").and_then(Value::as_array);
    let response = responses.and_then(|responses| responses.first());
    let response = response.ok_or("it has no answer: neither `modelResponses` nor `conversationTurns`")?;
    let source = response["modelIdentifier"].as_str().ok_or("`modelResponses` does not say whose answer it is")?;
    Ok((Kind::Model, source.to_owned()))
}

/// Who answered or searched, by the turns of a record of a knowledge base.
fn of_turns(turns: &[Value]) -> Result<(Kind, String), String> {
    let mut found: Option<(Kind, String)> = None;
    for (number, turn) in (1..).zip(turns) {
        let output = turn["output"].as_object().ok_or_else(|| format!("turn {number} has no answer in `output`"))?;
        let source = output.get("knowledgeBaseIdentifier").and_then(Value::as_str);
        let source = source.ok_or_else(|| format!("`output` of turn {number} has no `knowledgeBaseIdentifier`"))?;
        let kind = if output.contains_key("text") { Kind::Rag } else { Kind::Retrieve };
        let of_turn = (kind, source.to_owned());
        if found.get_or_insert_with(|| of_turn.clone()) != &of_turn {
            return Err(format!("turn {number} has {}, other than the turns before", told(&of_turn)));
        }
    }
    found.ok_or_else(|| "`conversationTurns` is empty".to_owned())
}

fn told((kind, source): &(Kind, String)) -> String {
    let what = match kind {
        Kind::Rag => "an answer from the knowledge base",
        Kind::Retrieve => "passages from the knowledge base",
        Kind::Model => "an answer of the model",
    };
    format!("{what} `{source}`")
}

#[cfg(test)]
#[path = "rated_tests.rs"]
mod tests;
