use proptest::prelude::*;

use super::*;

const REFUNDS: &str = "Refunds are made within 14 days. The card that paid is credited. Cash is never paid out. \
                       Ask the desk for Form R-7.";

fn sources(texts: &[&str]) -> Vec<Source> {
    texts.iter().map(|text| Source::read(text, Language::English)).collect()
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

#[test]
fn other_forms_of_words_are_the_same_in_the_language_of_the_passage() {
    for (language, sentence, passage) in [
        (Language::German, "Das Haus und das Buch gehören der Stadt.", "Die Häuser und die Bücher gehören der Stadt."),
        (
            Language::French,
            "Le cheval et le journal sont dans la cour.",
            "Les chevaux et les journaux sont dans la cour.",
        ),
        (
            Language::Spanish,
            "La canción y la razón son de todos los vecinos.",
            "Las canciones y las razones son de todos los vecinos.",
        ),
        (Language::Italian, "Il gatto e il libro sono nella casa.", "I gatti e i libri sono nella casa."),
        (Language::Portuguese, "O menino velho é amigo do rei.", "A menina velha é amiga do rei."),
        (Language::Dutch, "De kat en het boek zijn van de stad.", "De katten en de boeken zijn van de stad."),
    ] {
        let supported = |language| supports(sentence, &[], &[Source::read(passage, language)]).len();
        assert_eq!((supported(language), supported(Language::English)), (1, 0), "{language:?}");
        // Beside passages in English that is so, too, and those are compared as they were.
        let mixed = [Source::read(REFUNDS, Language::English), Source::read(passage, language)];
        let cited = |sentence| supports(sentence, &[], &mixed).into_iter().map(|one| one.passage).collect::<Vec<_>>();
        assert_eq!((cited(sentence), cited("Refunds are made within 14 days.")), (vec![1], vec![0]), "{language:?}");
    }
}

#[test]
fn a_language_without_rules_of_its_own_and_a_script_without_spaces_are_compared_too() {
    for language in [Language::Any, Language::English] {
        let source = [Source::read("客户丢失钥匙须付九十欧元。汽车每天清洗。", language)];
        assert_eq!(supports("丢失钥匙须付九十欧元。", &[], &source).len(), 1);
        assert_eq!(supports("周末会员免费升级车型。", &[], &source).len(), 0);
    }
}

#[test]
fn the_language_of_a_passage_is_told_by_its_text() {
    let said = "Die Häuser und die Bücher gehören der Stadt.";
    let passage = format!(
        "{said} Wer etwas ausleihen will, braucht einen Ausweis, den unser Rathaus jeden Vormittag ausstellt. Er gilt zwei Jahre \
         und kann danach ohne Gebühr verlängert werden, solange niemand etwas schuldig geblieben ist."
    );
    assert_eq!(said_share("Das Haus und das Buch gehören der Stadt.", said), 4.0 / 7.0);
    assert_eq!(said_share("Das Haus und das Buch gehören der Stadt.", &passage), 6.0 / 7.0);
}

proptest! {
    #[test]
    fn spans_are_inside_their_passages(passage in "[a-e0-9ä .!\n]{0,120}", sentence in "[a-e0-9ä ]{0,40}") {
        let sources = [Source::read(&passage, Language::English)];
        for support in supports(&sentence, &[], &sources) {
            prop_assert!(passage.get(support.span.clone()).is_some_and(|text| !text.is_empty()));
            prop_assert!(support.share >= SUPPORTED);
            let there = terms(&passage[support.span], Language::English);
            prop_assert!(terms(&sentence, Language::English).iter().filter(|term| is_number(term)).all(|term| there.contains(term)));
        }
    }

    #[test]
    fn a_sentence_of_a_passage_is_supported_by_it(words in prop::collection::vec("[a-z]{3,8}", 4..9)) {
        let sentence = format!("{}.", words.join(" "));
        let text = format!("Something else stands before. {sentence} And something after.");
        if terms(&sentence, Language::English).len() >= 3 {
            prop_assert!(!supports(&sentence, &[], &[Source::read(&text, Language::English)]).is_empty());
        }
    }
}
