use proptest::prelude::*;

use super::*;

const REFUNDS: &str = "Refunds are made within 14 days. The card that paid is credited. Cash is never paid out. \
                       Ask the desk for Form R-7.";

fn sources(texts: &[&str]) -> Vec<Source> {
    texts.iter().map(|text| Source::read(text)).collect()
}

fn cited<'a>(sentence: &str, named: &[usize], texts: &[&'a str]) -> Vec<(usize, &'a str)> {
    let found = supports(sentence, named, &sources(texts));
    found.into_iter().map(|support| (support.passage, &texts[support.passage][support.span])).collect()
}

#[test]
fn a_sentence_is_cited_from_where_its_words_stand_together() {
    let texts = ["Cars are washed every day.", REFUNDS];
    assert_eq!(cited("Refunds are made within 14 days.", &[], &texts), [(1, "Refunds are made within 14 days.")]);
    let two = "Within 14 days refunds are made and the card that paid is credited.";
    assert_eq!(cited(two, &[], &texts), [(1, "Refunds are made within 14 days. The card that paid is credited.")]);
}

#[test]
fn a_wrong_number_is_never_supported() {
    assert_eq!(cited("Refunds are made within 30 days.", &[], &[REFUNDS]), []);
    assert_eq!(cited("Refunds are made within 30 days.", &[0], &[REFUNDS]), [], "though the model says so");
}

#[test]
fn the_number_of_an_item_is_none_that_a_passage_must_have() {
    assert_eq!(cited("8. Cash is never paid out.", &[], &[REFUNDS]).len(), 1);
    assert_eq!(cited("8 cash is never paid out.", &[], &[REFUNDS]), []);
}

#[test]
fn what_a_passage_does_not_say_is_not_cited() {
    assert_eq!(cited("Members get a free upgrade on weekends.", &[0], &[REFUNDS]), []);
    assert_eq!(cited("Yes.", &[0], &[REFUNDS]), []);
    assert_eq!(cited("", &[], &[REFUNDS]), []);
}

#[test]
fn what_the_model_names_needs_less_and_equals_are_cited_in_order() {
    let loose = "Customers who paid by card have that card credited";
    assert_eq!(cited(loose, &[], &[REFUNDS]), []);
    let twice = [REFUNDS, "Nothing here.", REFUNDS];
    let passages: Vec<usize> = cited("Cash is never paid out.", &[], &twice).into_iter().map(|(at, _)| at).collect();
    assert_eq!(passages, [0, 2]);
}

proptest! {
    #[test]
    fn spans_are_inside_their_passages(passage in "[a-e0-9ä .!\n]{0,120}", sentence in "[a-e0-9ä ]{0,40}") {
        let sources = [Source::read(&passage)];
        for support in supports(&sentence, &[], &sources) {
            prop_assert!(passage.get(support.span.clone()).is_some_and(|text| !text.is_empty()));
            prop_assert!(support.share >= SUPPORTED);
            let there = terms(&passage[support.span]);
            prop_assert!(terms(&sentence).iter().filter(|term| is_number(term)).all(|term| there.contains(term)));
        }
    }

    #[test]
    fn a_sentence_of_a_passage_is_supported_by_it(words in prop::collection::vec("[a-z]{3,8}", 4..9)) {
        let sentence = format!("{}.", words.join(" "));
        let text = format!("Something else stands before. {sentence} And something after.");
        if terms(&sentence).len() >= 3 {
            prop_assert!(!supports(&sentence, &[], &[Source::read(&text)]).is_empty());
        }
    }
}
