use super::*;

fn asked(metrics: &[&str]) -> Asked {
    Asked {
        systems: vec![System::ModelAnswers { source: "mine".to_owned() }],
        datasets: vec![AskedDataset {
            name: "d".to_owned(),
            uri: "s3://bucket/d.jsonl".to_owned(),
            task: "Custom".to_owned(),
            metrics: metrics.iter().map(|name| (*name).to_owned()).collect(),
        }],
        judge: Some("judge".to_owned()),
        custom: vec![AskedCustom {
            name: "tone".to_owned(),
            instructions: "{{prediction}} {{ ground_truth }}".to_owned(),
            scale: vec![("bad".to_owned(), AskedRating::Float(0.0)), ("good".to_owned(), AskedRating::Float(1.0))],
        }],
        custom_judge: Some("judge".to_owned()),
        output: "s3://bucket/out/".to_owned(),
        unlimited: false,
        askings: 1,
        embedder: None,
        prices: Prices::default(),
    }
}

const LINE: &str = r#"{"prompt": "p", "modelResponses": [{"response": "a", "modelIdentifier": "mine"}]}"#;

#[test]
fn built_in_custom_and_computed_metrics_go_together() {
    let plan = Plan::new(&asked(&["Builtin.Correctness", "tone", "Craton.RougeL"])).unwrap();
    assert_eq!(
        plan.metrics[0].iter().map(Metric::name).collect::<Vec<_>>(),
        ["Builtin.Correctness", "tone", "Craton.RougeL"]
    );
    assert_eq!(plan.metrics[0][0].card(Family::Model, Evaluator::Usual).steps, [0, 500, 1000]);
    assert!(!plan.needs_knowledge_base());
}

#[test]
fn what_does_not_go_together_is_refused() {
    let refused = |asked: &Asked| Plan::new(asked).unwrap_err().message;
    assert!(refused(&asked(&["Builtin.ContextRelevance"])).contains("retrieve-only"));
    assert!(refused(&asked(&["Builtin.Beauty"])).contains("`Builtin.Beauty`"));
    assert!(refused(&asked(&["tone", "tone"])).contains("twice"));
    assert!(refused(&asked(&[])).contains("No metric"));
    let mut mixed = asked(&["tone"]);
    mixed.systems.push(System::Model { model: "m".to_owned(), parameters: Parameters::default() });
    assert!(refused(&mixed).contains("different kinds"));
    let unjudged = Asked { judge: None, ..asked(&["Builtin.Correctness"]) };
    assert!(refused(&unjudged).contains("evaluator model"));
    assert!(Plan::new(&Asked { judge: None, ..asked(&["Craton.ImpressionRules"]) }).is_ok());
}

#[test]
fn a_record_without_what_a_metric_needs_is_named() {
    for metric in ["Craton.RougeL", "tone"] {
        let plan = Plan::new(&asked(&[metric])).unwrap();
        let error = plan.records(0, &format!("\n{LINE}")).unwrap_err();
        assert!(error.message.contains("Line 2") && error.message.contains(metric), "{error}");
    }
    assert_eq!(Plan::new(&asked(&["Builtin.Correctness"])).unwrap().records(0, LINE).unwrap().len(), 1);
}

#[test]
fn a_rubric_is_another_where_question_or_labels_are() {
    let plan = |instructions: &str, good: &str| {
        let mut asked = asked(&["tone"]);
        asked.custom[0].instructions = instructions.to_owned();
        asked.custom[0].scale[1].0 = good.to_owned();
        Plan::new(&asked).unwrap().metrics[0][0].rubric_key(Family::Model, Evaluator::Usual)
    };
    assert_eq!(plan("{{prediction}}", "good"), plan("{{prediction}}", "good"));
    assert_ne!(plan("{{prediction}}", "good"), plan("{{prediction}}!", "good"));
    assert_ne!(plan("{{prediction}}", "good"), plan("{{prediction}}", "fine"));
    let builtin = Metric::Builtin(Builtin::Faithfulness);
    let key = |family| builtin.rubric_key(family, Evaluator::Usual);
    assert_ne!(key(Family::Model), key(Family::RetrieveAndGenerate));
}

#[test]
fn the_scale_follows_the_id_that_the_job_names() {
    let of = |judge: &str| {
        let systems = vec![System::RagAnswers { source: "mine".to_owned() }];
        let metrics = ["Builtin.Helpfulness", "Builtin.LogicalCoherence", "Builtin.Correctness"];
        let plan = Plan::new(&Asked { systems, judge: Some(judge.to_owned()), ..asked(&metrics) }).unwrap();
        let steps = |at: usize| plan.metrics[0][at].card(plan.family, plan.evaluator).steps;
        let keys: Vec<String> =
            plan.metrics[0].iter().map(|metric| metric.rubric_key(plan.family, plan.evaluator)).collect();
        ((steps(0).len(), steps(1)), keys)
    };
    let (nova, of_nova) = of("us.amazon.nova-2-lite-v1:0");
    let (usual, of_usual) = of("judge");
    assert_eq!(nova, (6, vec![0, 500, 1000]));
    assert_eq!(usual, (7, vec![0, 250, 500, 750, 1000]));
    assert_ne!(of_nova[..2], of_usual[..2], "a passport of other labels is another one");
    assert_eq!(of_nova[2], of_usual[2]);
}

#[test]
fn a_check_tells_all_that_is_wrong_by_line() {
    let plan = Plan::new(&asked(&["Craton.RougeL", "Craton.EmbeddingSimilarity"])).unwrap();
    let text = format!("{LINE}\n{{\n\n{{\"prompt\": 1}}\n");
    let (records, problems) = plan.check(0, &text, 10);
    assert_eq!(records, 3);
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(1), Some(1), Some(2), Some(4)]);
    assert!(problems[0].message.contains("Craton.RougeL") && problems[2].message.contains("no JSON"));
    assert_eq!(plan.check(0, &text, 2).1.len(), 2);
    let (records, problems) = plan.check(0, "\n", 10);
    assert_eq!((records, problems.len(), problems[0].line), (0, 1, None));
    let many = format!("{}\n", LINE.replace("\"p\"", "\"p\", \"referenceResponse\": \"a\"")).repeat(MOST_PROMPTS + 1);
    assert!(plan.check(0, &many, 10).1[0].message.contains("more than 1000 prompts"));
}

#[test]
fn a_check_tells_what_metrics_of_ones_own_name_and_lines_lack() {
    let mut asked = asked(&["tone"]);
    asked.systems = vec![System::RagAnswers { source: "mine".to_owned() }];
    asked.custom[0].instructions = "{{prediction}} by {{context}} and {{ground_truth}}".to_owned();
    let line = |more: &str| {
        let output = format!(r#""output": {{"text": "a", "knowledgeBaseIdentifier": "mine"{more}}}"#);
        let truth = r#""referenceResponses": [{"content": [{"text": "t"}]}]"#;
        format!(r#"{{"conversationTurns": [{{"prompt": {{"content": [{{"text": "p"}}]}}, {truth}, {output}}}]}}"#)
    };
    let passages = r#", "retrievedPassages": {"retrievalResults": [{"content": {"text": "x"}}]}"#;
    let text = format!("{}\n{}\n", line(passages), line(""));
    let plan = Plan::new(&asked).unwrap();
    let (records, problems) = plan.check(0, &text, 10);
    assert_eq!((records, problems.len(), problems[0].line), (2, 1, Some(2)), "{problems:?}");
    assert!(
        problems[0].message.contains("no passages, which the metric `tone` names as `{{context}}`"),
        "{problems:?}"
    );
    assert_eq!(plan.records(0, &text).unwrap().len(), 2, "a job goes on without the score");

    asked.systems = vec![System::ModelAnswers { source: "mine".to_owned() }];
    let problems = Plan::new(&asked).unwrap().check(0, LINE, 10).1;
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [None, Some(1)]);
    assert!(problems[0].message.contains("a model job has no passages"), "{problems:?}");
    assert!(problems[1].message.contains("no reference answer"), "{problems:?}");
}

#[test]
fn one_source_of_answers_goes_into_a_job() {
    let mut asked = asked(&["Builtin.Correctness"]);
    asked.systems.push(System::ModelAnswers { source: "other".to_owned() });
    assert!(check_sources(&asked).unwrap_err().message.contains("one source of answers"));
}

#[test]
fn a_judge_is_asked_as_often_as_there_are_wordings() {
    let of = |askings| Plan::new(&Asked { askings, ..asked(&["Builtin.Correctness"]) });
    assert!(of(1).is_ok() && of(MOST_ASKINGS).is_ok());
    for askings in [0, MOST_ASKINGS + 1] {
        assert!(of(askings).unwrap_err().message.contains(&format!("asked {askings} times")));
    }
}

#[test]
fn similarity_needs_a_reference_and_an_embedding_model_and_no_judge() {
    let plan = Plan::new(&Asked { judge: None, ..asked(&["Craton.EmbeddingSimilarity"]) }).unwrap();
    assert!(plan.needs_embedder());
    assert!(plan.records(0, LINE).unwrap_err().message.contains("no reference answer"));
    assert!(!Plan::new(&asked(&["Craton.RougeL"])).unwrap().needs_embedder());
    let retrieve = vec![System::RetrieveAnswers { source: "mine".to_owned() }];
    let refused = Plan::new(&Asked { systems: retrieve, ..asked(&["Craton.EmbeddingSimilarity"]) }).unwrap_err();
    assert!(refused.message.contains("retrieve-only"), "{refused}");
}

#[test]
fn metrics_that_read_the_same_are_worked_on_one_after_the_other() {
    let metrics = [
        "Craton.RougeL",
        "Builtin.Correctness",
        "tone",
        "Builtin.Faithfulness",
        "Builtin.Completeness",
        "Builtin.Helpfulness",
    ];
    let systems = vec![System::RagAnswers { source: "mine".to_owned() }];
    let plan = Plan::new(&Asked { systems, ..asked(&metrics) }).unwrap();
    let order: Vec<&str> = plan.order(0).into_iter().map(|at| metrics[at]).collect();
    let expected =
        ["Builtin.Helpfulness", "Builtin.Faithfulness", "Builtin.Correctness", "Builtin.Completeness", "tone"];
    assert_eq!(order[..5], expected);
}

#[test]
fn a_check_sees_that_all_lines_name_one_source() {
    let plan = Plan::new(&asked(&["Builtin.Correctness"])).unwrap();
    let other = LINE.replace("mine", "theirs");
    // What the job will name is not known: the first line counts.
    let (_, problems) = plan.check(0, &format!("{other}\n{other}\n"), 10);
    assert_eq!(problems, []);
    let (_, problems) = plan.check(0, &format!("{LINE}\n\n{other}\n"), 10);
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [Some(3)]);
    let told = "Line 3 of the dataset names `theirs` as `modelIdentifier`, and line 1 names `mine`.";
    assert_eq!(problems[0].message, told);
    let both = plan.records(0, &format!("{LINE}\n{other}\n")).unwrap();
    assert_eq!(plan.check_named(&both[..1]), Ok(()));
    let refused = plan.check_named(&both).unwrap_err();
    assert!(refused.message.contains("Line 2") && refused.message.contains("`theirs`"), "{refused}");
    // A job of an earlier version may have two.
    let mut two = asked(&["Builtin.Correctness"]);
    two.systems.push(System::ModelAnswers { source: "theirs".to_owned() });
    assert_eq!(Plan::new(&two).unwrap().check_named(&both), Ok(()));
}
