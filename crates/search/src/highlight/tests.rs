use super::*;

fn marked(text: &str, query: &str, language: Language) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let found = spans(text, query, language);
    for span in &found {
        let by_characters: String = characters[span.start_char..span.end_char].iter().collect();
        assert_eq!(by_characters, text[span.start..span.end]);
    }
    found.iter().map(|span| text[span.start..span.end].to_owned()).collect()
}

#[test]
fn words_are_marked_whatever_their_ending() {
    let text = "Refunds: a refunded rental is refunding. Rent!";
    assert_eq!(marked(text, "refund rents", Language::English), ["Refunds", "refunded", "refunding", "Rent"]);
}

#[test]
fn offsets_count_bytes_and_characters_apart() {
    let found = spans("Größe und Preis", "preis", Language::German);
    assert_eq!(found, [Span { start: 12, end: 17, start_char: 10, end_char: 15 }]);
}

#[test]
fn neighbouring_characters_are_marked_as_one() {
    assert_eq!(marked("清洁的饮用水很重要", "饮用水", Language::Any), ["饮用水"]);
}

#[test]
fn nothing_is_marked_where_nothing_matches() {
    assert!(spans("some text", "other", Language::English).is_empty());
    assert!(spans("", "other", Language::English).is_empty());
}

#[test]
fn terms_of_an_explanation_are_marked_as_they_are_indexed() {
    let text = "Die Erstattung folgt den Erstattungen.";
    let found = spans_of(text, &["erstatt"].into(), Language::German);
    assert_eq!(
        found.iter().map(|span| &text[span.start..span.end]).collect::<Vec<_>>(),
        ["Erstattung", "Erstattungen"]
    );
    assert!(spans_of(text, &["erstatt"].into(), Language::English).is_empty());
}
