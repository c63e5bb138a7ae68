use super::*;

#[test]
fn a_document_is_cut_at_sentences_and_the_best_part_comes_first() {
    let filler = "Cars are washed every morning before they go out. ".repeat(60);
    let text = format!("{filler}A lost key costs 90 euros. {filler}");
    let parts = ranked("What does a lost key cost?", &text, Language::English);
    assert!(text[parts[0].clone()].contains("A lost key costs 90 euros."));
    assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= PASSAGE && text[part.clone()].ends_with('.')));
    assert_eq!(ranked("x", "Short.", Language::English), [Range { start: 0, end: 6 }]);
    assert_eq!(ranked("x", " ", Language::English), Vec::<Range<usize>>::new());
}

#[test]
fn the_best_part_has_the_questions_words_in_other_forms() {
    let filler = "Die Wagen werden jeden Morgen gewaschen, bevor sie losfahren. Danach prüft jemand die Reifen und die Bremsen. "
        .repeat(30);
    let text = format!("{filler}Ein Buch kostet 90 Euro. {filler}");
    let language = language_of(&text);
    assert_eq!(language, Language::German);
    assert!(text[ranked("Bücher", &text, language)[0].clone()].contains("Ein Buch kostet 90 Euro."));
    assert_eq!(language_of("Ein Buch kostet 90 Euro."), Language::English, "too little to tell");
}
