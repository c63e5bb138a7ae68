use super::*;

fn passages() -> Vec<String> {
    vec![
        "There is a moderate hiatal hernia. The heart is of normal size.".to_owned(),
        "A nodule of 12 mm lies in the left lung.".to_owned(),
    ]
}

fn of(answer: &str, passage: &str) -> Vec<Unsupported> {
    unsupported(answer, &[passage.to_owned()])
}

fn texts(found: &[Unsupported]) -> Vec<&str> {
    found.iter().map(|span| span.text.as_str()).collect()
}

#[test]
fn a_sentence_that_nothing_supports_is_named_by_its_characters() {
    let answer = "1. Moderate hiatal hernia. 2. Broken ribs on both sides.";
    let found = unsupported(answer, &passages());
    assert_eq!(found.len(), 1);
    let there: String = answer.chars().skip(found[0].start).take(found[0].end - found[0].start).collect();
    assert_eq!((there.as_str(), found[0].is_claim), ("2. Broken ribs on both sides.", false));
    assert_eq!((found[0].by.as_slice(), found[0].judged), (&[Teller::Alignment][..], None));
}

#[test]
fn a_claim_of_a_supported_sentence_is_named_alone() {
    let found = unsupported("Moderate hiatal hernia, broken ribs.", &passages());
    assert_eq!((texts(&found), found[0].is_claim), (vec!["broken ribs."], true));
}

#[test]
fn a_number_that_the_passage_lacks_is_unsupported() {
    assert!(unsupported("Nodule of 12 mm in the left lung.", &passages()).is_empty());
    let found = unsupported("Nodule of 21 mm in the left lung.", &passages());
    assert_eq!(found[0].numbers, ["21"]);
    // The number stands in a passage on something else.
    let other = "The report was written on page 21 of the file.".to_owned();
    let found = unsupported("Nodule of 21 mm in the left lung.", &[passages(), vec![other]].concat());
    assert_eq!(found[0].numbers, ["21"]);
}

#[test]
fn what_is_denied_where_it_is_told_is_unsupported_and_so_is_the_reverse() {
    for (answer, passage) in [
        ("No effusion.", "There is a pleural effusion."),
        ("No pleural effusion.", "Moderate pleural effusion on the left."),
        ("Pleural effusion.", "No pleural effusion."),
        ("The heart is not enlarged.", "The heart is enlarged."),
        ("The heart is enlarged.", "The heart isn't enlarged."),
        ("A fracture is seen.", "A fracture is not seen."),
        ("The lungs are without infiltrates.", "The lungs show infiltrates."),
        ("Flood damage is covered.", "The policy never covers flood damage."),
    ] {
        let found = of(answer, passage);
        assert_eq!(found.len(), 1, "`{answer}` of `{passage}`");
        assert!(!found[0].negation.is_empty(), "`{answer}` of `{passage}`: {found:?}");
    }
    assert_eq!(of("No effusion.", "There is a pleural effusion.")[0].negation, ["effusion"]);
}

#[test]
fn the_same_negation_in_other_words_is_support() {
    for (answer, passage) in [
        ("No effusion.", "There is no pleural effusion."),
        ("No effusion.", "Effusion is absent."),
        ("There is no evidence of fracture.", "A fracture is not seen. No evidence of it."),
        ("No effusion, edema or fracture.", "No edema. No effusion. No fracture."),
        ("The heart is of normal size without effusion.", "The heart is of normal size. No effusion."),
        ("A small effusion on the left.", "No effusion on the right. A small effusion on the left."),
        ("Moderate hiatal hernia.", "No effusion, moderate hiatal hernia."),
        ("The loan cannot be repaid early.", "Early repayment of the loan is not possible."),
        ("No effusion on the right.", "No effusion. The right lung is hazy."),
        ("The effusion is stable.", "No change in the effusion, which is stable."),
    ] {
        assert_eq!(of(answer, passage), [], "`{answer}` of `{passage}`");
    }
}

#[test]
fn a_passage_on_something_else_says_nothing_to_the_contrary() {
    let found = of("No broken ribs on the right side.", "The right lung is clear.");
    assert_eq!((found.len(), found[0].negation.as_slice()), (1, &[][..]));
    // One claim of a sentence is contradicted.
    let found = of("The heart is of normal size, no hiatal hernia.", "Heart of normal size. Large hiatal hernia.");
    assert_eq!(
        (texts(&found), found[0].negation.as_slice()),
        (vec!["no hiatal hernia."], &["hernia", "hiatal"].map(str::to_owned)[..])
    );
}

#[test]
fn without_passages_everything_is_unsupported() {
    assert_eq!(unsupported("One thing. Another.", &[]).len(), 2);
    assert!(unsupported("", &passages()).is_empty());
}

#[test]
fn of_endless_texts_the_beginning_is_read() {
    let endless = "One more. ".repeat(MOST_SENTENCES + 9);
    assert_eq!(unsupported(&endless, &[]).len(), MOST_SENTENCES);
    assert_eq!(unsupported("Late.", &[endless, "Late.".to_owned()]).len(), 1);
}

#[test]
fn what_the_judge_denies_is_unsupported_too() {
    let answer = "Moderate hiatal hernia. Broken ribs. The heart is of normal size, as before.";
    let place = |text: &str| {
        let start = answer.find(text).unwrap();
        (start, start + text.len())
    };
    let judged = |text: &str, is_claim, supported| {
        let (start, end) = place(text);
        Judged { start, end, is_claim, supported }
    };
    let all = [
        judged("Moderate hiatal hernia.", false, 0.9),
        judged("Broken ribs.", false, 0.2),
        judged("The heart is of normal size, as before.", false, 0.3),
        judged("as before.", true, 0.5),
    ];
    let found = told(answer, &passages(), &all);
    let named: Vec<(&str, &[Teller], Option<f64>)> =
        found.iter().map(|span| (span.text.as_str(), span.by.as_slice(), span.judged)).collect();
    assert_eq!(
        named,
        [
            ("Broken ribs.", &[Teller::Alignment, Teller::Judge][..], Some(0.2)),
            ("The heart is of normal size, as before.", &[Teller::Judge][..], Some(0.3)),
            ("as before.", &[Teller::Alignment, Teller::Judge][..], Some(0.5)),
        ]
    );
    // What the judge finds in the passages stays named by their words.
    let found = told(answer, &passages(), &[judged("Broken ribs.", false, 0.8)]);
    assert_eq!((found[0].by.as_slice(), found[0].judged), (&[Teller::Alignment][..], Some(0.8)));
}
