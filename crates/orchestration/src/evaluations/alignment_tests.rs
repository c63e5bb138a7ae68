use super::*;

fn passages() -> Vec<String> {
    vec![
        "There is a moderate hiatal hernia. The heart is of normal size.".to_owned(),
        "A nodule of 12 mm lies in the left lung.".to_owned(),
    ]
}

#[test]
fn each_sentence_finds_the_nearest_one() {
    let aligned = align("1. Moderate hiatal hernia. 2. Nodule in the left lung. 3. Broken ribs.", &passages());
    assert_eq!(aligned[0].nearest.as_ref().unwrap().text, "There is a moderate hiatal hernia.");
    assert_eq!(aligned[1].nearest.as_ref().unwrap().passage, 1);
    assert!(aligned[0].support > 0.9);
    assert_eq!((aligned[2].support, aligned[2].nearest.clone()), (0.0, None));
}

#[test]
fn a_sentence_that_nothing_supports_is_named_by_its_characters() {
    let answer = "1. Moderate hiatal hernia. 2. Broken ribs on both sides.";
    let found = unsupported(answer, &passages());
    assert_eq!(found.len(), 1);
    let there: String = answer.chars().skip(found[0].start).take(found[0].end - found[0].start).collect();
    assert_eq!((there.as_str(), found[0].is_claim), ("2. Broken ribs on both sides.", false));
}

#[test]
fn a_claim_of_a_supported_sentence_is_named_alone() {
    let found = unsupported("Moderate hiatal hernia, broken ribs.", &passages());
    assert_eq!(
        found.iter().map(|span| (span.text.as_str(), span.is_claim)).collect::<Vec<_>>(),
        [("broken ribs.", true)]
    );
}

#[test]
fn a_number_that_no_passage_has_is_unsupported() {
    assert!(unsupported("Nodule of 12 mm in the left lung.", &passages()).is_empty());
    let found = unsupported("Nodule of 21 mm in the left lung.", &passages());
    assert_eq!(found[0].numbers, ["21"]);
}

#[test]
fn without_passages_everything_is_unsupported() {
    assert_eq!(unsupported("One thing. Another.", &[]).len(), 2);
    assert!(unsupported("", &passages()).is_empty());
}

#[test]
fn of_endless_texts_the_beginning_is_read() {
    let endless = "One more. ".repeat(MOST_SENTENCES + 9);
    assert_eq!(align(&endless, &["Nothing like it.".to_owned()]).len(), MOST_SENTENCES);
    assert_eq!(unsupported(&endless, &[]).len(), MOST_SENTENCES);
    assert_eq!(align("Late.", &[endless, "Late.".to_owned()])[0].nearest, None);
}
