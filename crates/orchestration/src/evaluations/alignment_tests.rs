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
fn of_endless_texts_the_beginning_is_read() {
    let endless = "One more. ".repeat(MOST_SENTENCES + 9);
    assert_eq!(align(&endless, &["Nothing like it.".to_owned()]).len(), MOST_SENTENCES);
    assert_eq!(align("Late.", &[endless, "Late.".to_owned()])[0].nearest, None);
}

#[test]
fn words_in_common_are_those_of_the_passage_each_once() {
    let text = "Is there a hiatal hernia, and how large?";
    assert_eq!(in_common("A large hernia; the hernias are hiatal.", text, 9), ["large", "hernia", "hiatal"]);
    assert_eq!(in_common("A large hernia; the hernias are hiatal.", text, 2), ["large", "hernia"]);
    assert!(in_common("The lungs are clear.", text, 9).is_empty());
}
