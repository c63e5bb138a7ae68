use super::*;

#[test]
fn what_compares_with_passages_needs_one() {
    let rag = Family::RetrieveAndGenerate;
    let of = |metric: Builtin, family, material: &Material| shown(&metric.rubric(family, false), material);
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
