use super::*;

#[test]
fn a_term_knows_the_forms_of_its_word_in_every_language() {
    let wanted = |count, forms: &[&str]| Wanted { count, forms: forms.iter().map(|form| (*form).to_owned()).collect() };
    let all = terms("Vehicles, vehicle", &[Language::Any, Language::English].into());
    assert_eq!(all["vehicles"], wanted(1, &["vehicl", "vehicles"]));
    assert_eq!(all["vehicl"], wanted(2, &["vehicl", "vehicle", "vehicles"]));
    assert_eq!(terms("Vehicles, vehicle", &[Language::English].into())["vehicl"], wanted(2, &["vehicl"]));
    // What is elided in one language belongs to the word in the other.
    assert_eq!(terms("l'eau", &[Language::Any, Language::French].into())["eau"], wanted(1, &["eau", "l'eau"]));
    // A character and a pair are no forms of each other.
    assert_eq!(
        terms("\u{6771}\u{4eac}", &[Language::Any, Language::English].into())["\u{4eac}"],
        wanted(1, &["\u{4eac}"])
    );
}

#[test]
fn a_word_is_in_no_more_documents_than_there_are() {
    let all = terms("vehicles", &[Language::Any, Language::English].into());
    assert_eq!(all["vehicl"].documents(10, |form| if form == "vehicl" { 9 } else { 0 }), 9);
    assert_eq!(all["vehicl"].documents(10, |_| 9), 10);
}
