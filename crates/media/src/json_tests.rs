use super::*;
use crate::Limits;

fn read(text: &str) -> Result<Extracted> {
    extract(text.as_bytes(), None, &Budget::new(&Limits::default()))
}

#[test]
fn a_line_is_a_value_behind_its_path() {
    let text =
        read(r#"{"name": "Ana", "cars": [{"plate": "AB 12", "km": 1.5}, null, true], "empty": ""}"#).unwrap().text;
    assert_eq!(text, "name: Ana\ncars[0].plate: AB 12\ncars[0].km: 1.5\ncars[2]: true");
}

#[test]
fn values_may_follow_one_another() {
    assert_eq!(read("{\"a\": 1}\n{\"a\": 2}\n").unwrap().text, "a: 1\na: 2");
    assert_eq!(read("\"only\"").unwrap().text, "only");
}

#[test]
fn what_is_no_json_is_said_with_its_place() {
    let error = read("{\"a\": 1,\n oops}").unwrap_err();
    assert!(error.to_string().contains("line 2"), "{error}");
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(read(&deep), Err(Error::Corrupt { .. })));
    assert!(matches!(read("[]"), Err(Error::NoText { .. })));
}

#[test]
fn a_text_that_grows_too_long_is_refused() {
    let limits = Limits { text_bytes: 1000, ..Limits::default() };
    let json = format!("{{\"{}\": [1, 2, 3, 4, 5, 6, 7, 8, 9]}}", "k".repeat(200));
    assert_eq!(extract(json.as_bytes(), None, &Budget::new(&limits)), Err(Error::TooMuchText { limit: 1000 }));
}
