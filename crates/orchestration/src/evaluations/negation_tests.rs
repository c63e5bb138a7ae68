use super::*;

/// The words that a sentence denies, those that it leaves open, and those that it tells.
fn of(sentence: &str) -> [Vec<String>; 3] {
    let signed = signed(sentence);
    let with = |sign: Sign| {
        signed.iter().filter(|(_, other)| *other == sign).map(|(word, _)| word.text.clone()).collect::<Vec<String>>()
    };
    [with(Sign::Negated), with(Sign::Open), with(Sign::Told)]
}

fn denied(sentence: &str) -> String {
    of(sentence)[0].join(" ")
}

#[test]
fn a_negation_reaches_over_what_follows() {
    assert_eq!(denied("No pleural effusion."), "pleural effusion");
    assert_eq!(denied("The heart is not enlarged."), "enlarged");
    assert_eq!(denied("The bank doesn't charge a fee."), "charge a fee");
    assert_eq!(denied("The lungs are free of infiltrates"), "infiltrates");
    assert_eq!(denied("Patient denies chest pain"), "chest pain");
    assert_eq!(denied("A large effusion is seen."), "");
    assert_eq!(of("A large effusion.")[2], ["a", "large", "effusion"]);
}

#[test]
fn it_ends_with_the_clause_or_where_a_list_does() {
    assert_eq!(denied("No pneumothorax, but a small effusion."), "pneumothorax");
    assert_eq!(of("No pneumothorax, but a small effusion.")[2], ["but", "a", "small", "effusion"]);
    assert_eq!(denied("No effusion; hernia."), "effusion");
    assert_eq!(denied("No effusion, edema, or fracture."), "effusion edema or fracture");
    assert_eq!(denied("Neither effusion nor fracture."), "effusion nor fracture");
    assert_eq!(denied("No effusion, no edema or fracture."), "effusion edema or fracture");
    // Whether the hernia is denied is not clear.
    let [denied_words, open, _] = of("No effusion, moderate hernia.");
    assert_eq!((denied_words, open), (vec!["effusion".to_owned()], vec!["moderate".to_owned(), "hernia".to_owned()]));
    let far = "No one two three four five six seven eight nine";
    assert_eq!(denied(far), "one two three four five six seven eight");
}

#[test]
fn it_reaches_back_from_what_is_not_there() {
    assert_eq!(denied("An effusion is not seen."), "an effusion is seen");
    assert_eq!(denied("An effusion isn't seen"), "an effusion seen");
    assert_eq!(denied("Hernia, effusion is absent"), "effusion is");
    assert_eq!(denied("Fracture has been ruled out."), "fracture has been");
    assert_eq!(denied("Flood damage is excluded"), "flood damage is");
}

#[test]
fn what_only_looks_like_a_negation_leaves_it_open() {
    for sentence in [
        "No change in the effusion.",
        "Not only effusion.",
        "A fracture cannot be excluded.",
        "A fracture is not ruled out.",
    ] {
        assert!(!denied(sentence).contains("effusion") && !denied(sentence).contains("fracture"), "{sentence}");
    }
    assert_eq!(denied("It is not without effusion"), "");
    assert_eq!(denied(""), "");
}
