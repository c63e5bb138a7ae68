use super::*;

const FAMILIES: [Family; 3] = [Family::Retrieve, Family::RetrieveAndGenerate, Family::Model];

#[test]
fn scales_have_the_steps_that_bedrock_documents() {
    let steps = |metric: Builtin, family, reference| metric.rubric(family, Evaluator::Usual, reference).labels.len();
    let rag = Family::RetrieveAndGenerate;
    for (metric, expected) in [
        (Builtin::Correctness, 3),
        (Builtin::Completeness, 5),
        (Builtin::Helpfulness, 7),
        (Builtin::LogicalCoherence, 5),
        (Builtin::Faithfulness, 5),
        (Builtin::CitationPrecision, 2),
        (Builtin::CitationCoverage, 5),
        (Builtin::Harmfulness, 2),
        (Builtin::Stereotyping, 2),
        (Builtin::Refusal, 2),
    ] {
        assert_eq!(steps(metric, rag, true), expected, "{}", metric.name());
        assert_eq!(steps(metric, rag, false), expected, "{}", metric.name());
    }
    assert_eq!(steps(Builtin::ContextRelevance, Family::Retrieve, false), 3);
    assert_eq!(steps(Builtin::ContextCoverage, Family::Retrieve, true), 5);
}

#[test]
fn nova_2_lite_has_scales_of_its_own() {
    let labels = |metric: Builtin, family, evaluator| metric.rubric(family, evaluator, true).labels;
    let (rag, model) = (Family::RetrieveAndGenerate, Family::Model);
    let nova = Evaluator::Nova2Lite;
    for family in [rag, model] {
        let helpful = labels(Builtin::Helpfulness, family, nova);
        assert_eq!((helpful.len(), helpful.contains(&"neither helpful nor unhelpful")), (6, false));
    }
    assert_eq!(labels(Builtin::LogicalCoherence, rag, nova), ["Not at all", "Neutral/Mixed", "Yes"]);
    assert_eq!(labels(Builtin::Coherence, model, nova).len(), 5);
    for family in FAMILIES {
        for metric in family.metrics() {
            if !matches!(metric, Builtin::Helpfulness | Builtin::LogicalCoherence) {
                let usual = labels(*metric, family, Evaluator::Usual);
                assert_eq!(labels(*metric, family, nova), usual, "{}", metric.name());
            }
        }
    }
}

#[test]
fn the_id_that_names_a_judge_tells_its_scales() {
    for id in [
        "amazon.nova-2-lite-v1:0",
        "amazon.nova-2-lite-v1:0:256k",
        "us.amazon.nova-2-lite-v1:0",
        "global.amazon.nova-2-lite-v1:0",
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-2-lite-v1:0",
        "arn:aws:bedrock:us-east-1:111122223333:inference-profile/us.amazon.nova-2-lite-v1:0",
    ] {
        assert_eq!(Evaluator::of(id), Evaluator::Nova2Lite, "{id}");
    }
    for id in [
        "amazon.nova-lite-v1:0",
        "us.amazon.nova-pro-v1:0",
        "anthropic.claude-3-haiku-20240307-v1:0",
        "amazon.nova-2-liter-v1:0",
        "someone.nova-2-lite-v1:0",
        "qwen2.5-1.5b-instruct",
        "",
    ] {
        assert_eq!(Evaluator::of(id), Evaluator::Usual, "{id}");
    }
}

#[test]
fn inputs_stand_in_the_order_in_which_prompts_show_them() {
    for family in FAMILIES {
        for metric in family.metrics() {
            for reference in [false, true] {
                for evaluator in [Evaluator::Usual, Evaluator::Nova2Lite] {
                    let rubric = metric.rubric(family, evaluator, reference);
                    assert!(rubric.inputs.is_sorted(), "{}", metric.name());
                    assert!(rubric.labels.iter().all(|label| !label.is_empty()), "{}", metric.name());
                    assert_eq!(rubric.not_applicable.is_some(), metric.may_not_apply(), "{}", metric.name());
                }
            }
        }
    }
}

#[test]
fn a_metric_of_another_kind_of_job_is_refused_by_name() {
    assert_eq!(builtin("Builtin.Faithfulness", Family::Model), Ok(Builtin::Faithfulness));
    let mixed = builtin("Builtin.ContextRelevance", Family::RetrieveAndGenerate).unwrap_err();
    assert!(mixed.message.contains("retrieve-only"), "{mixed}");
    let unknown = builtin("Builtin.Beauty", Family::Model).unwrap_err();
    assert!(unknown.message.contains("`Builtin.Beauty`"), "{unknown}");
    assert!(unknown.hint.unwrap().contains("Builtin.Coherence"));
}
