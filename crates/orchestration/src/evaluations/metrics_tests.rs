use super::*;

const FAMILIES: [Family; 3] = [Family::Retrieve, Family::RetrieveAndGenerate, Family::Model];

#[test]
fn scales_have_the_steps_that_bedrock_documents() {
    let steps = |metric: Builtin, family, reference| metric.rubric(family, reference).labels.len();
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
fn inputs_stand_in_the_order_in_which_prompts_show_them() {
    for family in FAMILIES {
        for metric in family.metrics() {
            for reference in [false, true] {
                let rubric = metric.rubric(family, reference);
                assert!(rubric.inputs.is_sorted(), "{}", metric.name());
                assert!(rubric.labels.iter().all(|label| !label.is_empty()), "{}", metric.name());
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
