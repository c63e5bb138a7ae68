use super::*;

#[test]
fn what_compares_with_passages_needs_one() {
    let rag = Family::RetrieveAndGenerate;
    let of =
        |metric: Builtin, family, material: &Material| shown(&metric.rubric(family, Evaluator::Usual, false), material);
    let none = Material::default();
    assert_eq!(of(Builtin::Faithfulness, rag, &none), None);
    assert_eq!(of(Builtin::CitationCoverage, rag, &none), None);
    assert_eq!(of(Builtin::ContextCoverage, Family::Retrieve, &none), None);
    assert_eq!(of(Builtin::Correctness, rag, &none), Some(0), "the task can be judged by");
    assert_eq!(of(Builtin::Faithfulness, Family::Model, &none), Some(0));
    let found = Material { passages: vec!["p".to_owned(); 3], ..Material::default() };
    assert_eq!(of(Builtin::Faithfulness, rag, &found), Some(3));
    assert_eq!(of(Builtin::CitationCoverage, rag, &found), None, "none is cited");
}

#[test]
fn an_explanation_is_at_most_two_sentences_on_a_line() {
    let form = regex::Regex::new(&format!("^(?:{})$", at_most_two_sentences())).unwrap();
    for one in [
        "The node is 3.5 cm wide.",
        "It names a fracture! None is found.",
        "没有骨折。心脏大小正常。",
        "Is it? v1.2 says so.",
    ] {
        assert!(form.is_match(one), "{one}");
    }
    for other in ["", " It.", "no end", "One. Two. Three.", "One\ntwo.", "What?! No."] {
        assert!(!form.is_match(other), "{other}");
    }
}
