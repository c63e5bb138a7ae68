use super::super::segments::Segment;
use super::*;

fn row(text: &str, x0: f32, y: f32) -> Row {
    let x1 = x0 + text.len() as f32 * 5.0;
    let segment = Segment { text: text.to_owned(), x0, x1, y, size: 10.0, heading: None, table: false };
    Row { segments: vec![segment] }
}

fn read_rows(rows: &[(&str, f32, f32)]) -> Vec<String> {
    let mut elements = Vec::new();
    let rows = rows.iter().map(|(text, x, y)| row(text, *x, *y)).collect();
    read(rows, 1, &Hyphenated(["well-known".to_owned()].into()), &mut elements);
    elements.into_iter().map(|element| element.text).collect()
}

#[test]
fn lines_of_a_paragraph_are_joined_and_gaps_divide() {
    let texts = read_rows(&[
        ("A paragraph of several lines that are", 50.0, 10.0),
        ("rather long and end here.", 50.0, 22.0),
        ("Another paragraph after a larger gap", 50.0, 46.0),
        ("which also goes on for a while and", 50.0, 58.0),
        ("ends with this line.", 50.0, 70.0),
    ]);
    assert_eq!(texts.len(), 2, "{texts:?}");
    assert_eq!(texts[0], "A paragraph of several lines that are rather long and end here.");
}

#[test]
fn words_are_put_together_where_a_line_divides_them() {
    let texts =
        read_rows(&[("The trans-", 50.0, 10.0), ("mission is a well-", 50.0, 22.0), ("known part", 50.0, 34.0)]);
    assert_eq!(texts, ["The transmission is a well-known part"]);
}

#[test]
fn chinese_lines_are_joined_without_a_space() {
    assert_eq!(
        read_rows(&[("租赁结束后一小时内", 50.0, 10.0), ("必须归还汽车", 50.0, 22.0)]),
        ["租赁结束后一小时内必须归还汽车"]
    );
}

#[test]
fn items_begin_with_their_markers_and_keep_their_lines() {
    let texts = read_rows(&[
        ("• the first item is long and", 50.0, 10.0),
        ("goes on", 60.0, 22.0),
        ("• the second", 50.0, 34.0),
        ("(a) a third", 50.0, 46.0),
    ]);
    assert_eq!(texts, ["• the first item is long and goes on", "• the second", "(a) a third"]);
}

#[test]
fn markers_are_bullets_numbers_and_letters() {
    for text in ["• a", "1. a", "12) a", "(a) a", "iv. a", "1.2.3. a", "- a"] {
        assert!(is_marker(text), "{text}");
    }
    for text in ["a b", "1 car", "2026. a", "hello. a", "•", "() a"] {
        assert!(!is_marker(text), "{text}");
    }
}
