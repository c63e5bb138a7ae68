use proptest::prelude::*;

use super::*;

const FEES: &str = "## Late returns\n\nA fee of 20 euros is due for each day. It is taken from the deposit.\n\n## Keys\n\nWhat if a key is lost? A lost key costs 90 euros.";
const HOURS: &str = "The desk opens at 7 in the morning. On Sundays the desk opens at 9.";

fn answer<'a>(question: &str, texts: &[&'a str], nearness: Option<&dyn Fn(&str) -> f32>) -> Vec<&'a str> {
    answer_in(Language::English, question, texts, nearness)
}

/// The answer from passages in a language.
fn answer_in<'a>(
    language: Language,
    question: &str,
    texts: &[&'a str],
    nearness: Option<&dyn Fn(&str) -> f32>,
) -> Vec<&'a str> {
    let sources: Vec<Source> = texts.iter().map(|text| Source::read(text, language)).collect();
    let found = candidates(question, &sources, texts);
    let near: Option<Vec<f32>> =
        nearness.map(|near| found.iter().map(|one| near(&texts[one.passage][one.span.clone()])).collect());
    choose(&found, near.as_deref()).into_iter().map(|(passage, span)| &texts[passage][span]).collect()
}

#[test]
fn the_sentence_that_has_the_questions_words_answers() {
    assert_eq!(answer("How much does a lost key cost?", &[HOURS, FEES], None), ["A lost key costs 90 euros."]);
    assert_eq!(
        answer("When does the desk open on Sundays?", &[FEES, HOURS], None)[0],
        "On Sundays the desk opens at 9."
    );
}

#[test]
fn headings_give_context_and_neither_they_nor_questions_answer() {
    let late = answer("What fee is due for late returns?", &[FEES, HOURS], None);
    assert_eq!(late[0], "A fee of 20 euros is due for each day.");
    assert_eq!(answer("What if a key is lost?", &[FEES], None)[0], "A lost key costs 90 euros.");
}

#[test]
fn words_that_ask_count_in_no_language() {
    let fees = "Die Geb\u{fc}hr betr\u{e4}gt zwanzig Euro. Ein verlorener Schl\u{fc}ssel kostet neunzig Euro.";
    for language in [Language::English, Language::German] {
        assert_eq!(
            answer_in(language, "Wie viel kostet denn ein Schl\u{fc}ssel, wenn er verloren wurde?", &[fees], None),
            ["Ein verlorener Schl\u{fc}ssel kostet neunzig Euro."]
        );
        assert_eq!(answer_in(language, "Wann und warum wird das von wem gemacht?", &[fees], None), [""; 0]);
    }
}

#[test]
fn other_forms_of_the_questions_words_answer_in_the_language_of_the_passage() {
    let text = "Das Buch steht im alten Haus. Die Katze liegt auf dem Sofa.";
    assert_eq!(answer_in(Language::German, "Bücher? Häuser?", &[text], None), ["Das Buch steht im alten Haus."]);
    assert_eq!(answer("Bücher? Häuser?", &[text], None), [""; 0]);
    // Passages of other languages are asked by the rules of theirs.
    let sources = [Source::read(HOURS, Language::English), Source::read(text, Language::German)];
    let found = candidates("Bücher? Häuser?", &sources, &[HOURS, text]);
    let words: Vec<f64> = found.iter().map(|one| one.words).collect();
    assert_eq!(words, [0.0, 0.0, 1.0, CONTEXT]);
}

#[test]
fn a_row_of_a_table_comes_with_the_tables_heading() {
    let table = "## Excess\n\n| Group | Basic | Plus |\n|---|---|---|\n| small car | 500 euros | 250 euros |\n| large van | 900 euros | 450 euros |\n";
    let told = answer("What is the excess of a large van with plus cover?", &[HOURS, table], None);
    assert_eq!(told[..2], ["| Group | Basic | Plus |", "| large van | 900 euros | 450 euros |"]);
}

#[test]
fn meaning_counts_as_much_as_words() {
    let near = |sentence: &str| if sentence.contains("deposit") { 0.9 } else { 0.1 };
    assert_eq!(
        answer("Where does the money come from?", &[FEES, HOURS], Some(&near)),
        ["It is taken from the deposit."]
    );
}

#[test]
fn what_nothing_answers_has_no_answer() {
    assert_eq!(answer("Who painted the chapel ceiling?", &[FEES, HOURS], None), Vec::<&str>::new());
    let far = |_: &str| 0.1;
    assert_eq!(answer("Who painted the chapel ceiling?", &[FEES, HOURS], Some(&far)), Vec::<&str>::new());
    assert_eq!(answer("Why?", &[], None), Vec::<&str>::new());
}

#[test]
fn of_many_sentences_those_are_measured_that_have_the_questions_words() {
    let many = format!("{HOURS} {} {FEES}", "Cars are washed every morning. ".repeat(2 * MOST_MEASURED));
    let texts = [many.as_str()];
    let all = candidates("How much does a lost key cost?", &[Source::read(&many, Language::English)], &texts);
    let left = likeliest(all.clone());
    assert!(left.len() == MOST_MEASURED && left.is_sorted_by_key(|one| one.span.start), "{}", left.len());
    assert!(left.iter().any(|one| &many[one.span.clone()] == "A lost key costs 90 euros."));
    assert_eq!(left[0], all[0], "of equals the first are left");
    assert_eq!(likeliest(left.clone()), left);
}

#[test]
fn the_same_is_not_said_twice() {
    assert_eq!(answer("How much does a lost key cost?", &[FEES, FEES], None).len(), 1);
}

proptest! {
    #[test]
    fn what_is_chosen_stands_in_its_passage(question in "[a-e ]{0,20}", texts in prop::collection::vec("[a-eä .!?\n#]{0,60}", 0..4)) {
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let chosen = answer(&question, &texts, Some(&|_| 0.9));
        prop_assert!(chosen.len() <= 2 * MOST_SENTENCES);
        prop_assert!(chosen.iter().all(|sentence| !sentence.is_empty()));
    }
}
