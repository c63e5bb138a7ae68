use super::*;

fn model(labels: &Value) -> Value {
    json!({"prompt": "p", "modelResponses": [{"response": "a", "modelIdentifier": "mine"}], "labels": labels})
}

fn turn(output: &Value) -> Value {
    json!({"prompt": {"content": [{"text": "p"}]}, "output": output})
}

fn text(records: &[Value]) -> String {
    records.iter().map(|record| format!("{record}\n")).collect()
}

fn problem(records: &[Value]) -> String {
    Rated::read(&text(records)).unwrap_err().join("\n")
}

#[test]
fn labels_stand_beside_records_and_count_without_empty_lines() {
    let lines = format!(
        "{}\n\n{}\n{}\n",
        model(&json!({"Builtin.Correctness": 2, "tone": 0})),
        model(&Value::Null),
        model(&json!({"Builtin.Correctness": 1}))
    );
    let rated = Rated::read(&lines).unwrap();
    assert_eq!((rated.kind, rated.source.as_str()), (Kind::Model, "mine"));
    assert_eq!(rated.metrics(), BTreeMap::from([("Builtin.Correctness", 2), ("tone", 1)]));
    let label =
        |record: u64, metric: &str, label: u64| json!({"record": record, "turn": 1, "metric": metric, "label": label});
    let wanted = [label(1, "Builtin.Correctness", 2), label(1, "tone", 0), label(3, "Builtin.Correctness", 1)];
    assert_eq!(rated.human(), json!({"labels": wanted}));
}

#[test]
fn each_turn_of_a_conversation_has_labels_of_its_own() {
    let answer = turn(&json!({"text": "a", "knowledgeBaseIdentifier": "theirs"}));
    let of = |labels: Value| json!({"conversationTurns": [answer.clone(), answer.clone()], "labels": labels});
    let rated = Rated::read(&text(&[of(json!([null, {"Builtin.Faithfulness": 4}]))])).unwrap();
    assert_eq!((rated.kind, rated.source.as_str()), (Kind::Rag, "theirs"));
    assert_eq!(
        rated.human()["labels"],
        json!([{"record": 1, "turn": 2, "metric": "Builtin.Faithfulness", "label": 4}])
    );
    assert!(problem(&[of(json!({"Builtin.Faithfulness": 4}))]).contains("line 1: `labels` is no list of 2 objects"));
    assert!(problem(&[of(json!([{}, 4]))]).contains("the labels of turn 2 are no object"));
    let found = turn(&json!({"retrievedResults": {}, "knowledgeBaseIdentifier": "theirs"}));
    let passages = json!({"conversationTurns": [found], "labels": {"Builtin.ContextRelevance": 1}});
    assert_eq!(Rated::read(&text(&[passages])).unwrap().kind, Kind::Retrieve);
    let mixed = json!({"conversationTurns": [answer, turn(&json!({"text": "a", "knowledgeBaseIdentifier": "ours"}))]});
    assert!(problem(&[mixed]).contains("turn 2 has an answer from the knowledge base `ours`"));
}

#[test]
fn all_that_is_wrong_is_told_by_its_line() {
    let good = model(&json!({"m": 1}));
    let mut other = good.clone();
    other["modelResponses"][0]["modelIdentifier"] = json!("yours");
    let lines = format!(
        "{good}\n{{\n[1]\n{}\n{}\n{}\n{other}\n",
        model(&json!({"m": -1})),
        model(&json!([1])),
        json!({"prompt": "p"})
    );
    let problems = Rated::read(&lines).unwrap_err();
    let begins: Vec<&str> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
    assert_eq!(begins, ["line 2", "line 3", "line 4", "line 5", "line 6", "line 7"]);
    for (at, part) in [
        (0, "no JSON"),
        (1, "no object"),
        (2, "the label of `m` is no place on its scale"),
        (3, "the labels of turn 1 are no object"),
        (4, "no answer"),
        (5, "an answer of the model `yours`, and the first record an answer of the model `mine`"),
    ] {
        assert!(problems[at].contains(part), "{}", problems[at]);
    }
    assert_eq!(problem(&[]), "it has no records");
    assert!(problem(&[model(&Value::Null)]).starts_with("no record has labels"));
}

#[test]
fn labels_are_held_against_the_scales_before_anything_is_judged() {
    let records: Vec<Value> = (0..20).map(|at| model(&json!({"few": 0, "many": at % 3, "words": 0}))).collect();
    let mut lines = records.clone();
    lines[0]["labels"] = json!({"many": 2});
    let rated = Rated::read(&text(&lines)).unwrap();
    let scales = json!([
        {"metricName": "few", "labels": ["no", "yes"]},
        {"metricName": "many", "labels": ["bad", "fair", "good"]},
    ]);
    assert_eq!(
        rated.problems(&scales),
        [
            "the metric `few` has 19 labels, and a passport is made of 20 at least",
            "the metric `words` has no scale of numbers that a judge chooses from",
        ]
    );
}
