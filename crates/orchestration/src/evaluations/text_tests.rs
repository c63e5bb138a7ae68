use super::*;

fn texts(parts: &[Part]) -> Vec<&str> {
    parts.iter().map(|part| part.text.as_str()).collect()
}

#[test]
fn sentences_keep_numbers_and_the_numbering_of_lists() {
    let text = "1. Nodule of 3.5 mm. 2. No effusion.\nHeart normal";
    let parts = sentences(text);
    assert_eq!(texts(&parts), ["1. Nodule of 3.5 mm.", "2. No effusion.", "Heart normal"]);
    for part in &parts {
        let there: String = text.chars().skip(part.start).take(part.end - part.start).collect();
        assert_eq!(there, part.text);
    }
    assert!(sentences(" \n ").is_empty());
}

#[test]
fn claims_are_places_of_the_whole_text() {
    let text = "Ünd. Left effusion, no fracture and normal heart; stable.";
    let sentence = &sentences(text)[1];
    let claims = claims(sentence);
    assert_eq!(texts(&claims), ["Left effusion", "no fracture", "normal heart", "stable."]);
    for claim in &claims {
        let there: String = text.chars().skip(claim.start).take(claim.end - claim.start).collect();
        assert_eq!(there, claim.text);
    }
}

#[test]
fn words_are_in_lower_case_and_numbers_are_whole() {
    assert_eq!(texts(&words("A 3.5-cm Mass.")), ["a", "3.5", "cm", "mass"]);
}
