use super::*;

#[test]
fn a_document_is_cut_at_sentences_and_the_best_part_comes_first() {
    let filler = "Cars are washed every morning before they go out. ".repeat(60);
    let text = format!("{filler}A lost key costs 90 euros. {filler}");
    let parts = ranked("What does a lost key cost?", &text);
    assert!(text[parts[0].clone()].contains("A lost key costs 90 euros."));
    assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= PASSAGE && text[part.clone()].ends_with('.')));
    assert_eq!(ranked("x", "Short."), [Range { start: 0, end: 6 }]);
    assert_eq!(ranked("x", " "), Vec::<Range<usize>>::new());
}
