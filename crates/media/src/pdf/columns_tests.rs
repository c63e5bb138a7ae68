use super::super::segments::Segment;
use super::*;

fn piece(text: &str, x0: f32, x1: f32, y: f32) -> Segment {
    Segment { text: text.to_owned(), x0, x1, y, size: 10.0, heading: None, table: false }
}

fn regions(rows: Vec<Row>) -> Vec<Vec<String>> {
    cut(rows).iter().map(|rows| rows.iter().map(Row::text).collect()).collect()
}

const PROSE: &str = "some words of a line of prose";

#[test]
fn columns_are_read_one_after_the_other_and_what_spans_them_before_and_after() {
    let mut rows = vec![Row { segments: vec![piece("title over both columns", 50.0, 500.0, 10.0)] }];
    for line in 0..5 {
        let y = 30.0 + 12.0 * line as f32;
        let left = piece(&format!("left {line} {PROSE}"), 50.0, 260.0, y);
        let right = piece(&format!("right {line} {PROSE}"), 290.0, 500.0, y);
        rows.push(Row { segments: vec![left, right] });
    }
    rows.push(Row { segments: vec![piece("a line below both columns", 50.0, 500.0, 100.0)] });
    let regions = regions(rows);
    assert_eq!(regions.len(), 4);
    assert!(regions[1].iter().all(|text| text.starts_with("left")) && regions[1].len() == 5);
    assert!(regions[2].iter().all(|text| text.starts_with("right")) && regions[2].len() == 5);
}

#[test]
fn columns_whose_lines_are_not_level_are_found() {
    let mut rows = Vec::new();
    for line in 0..6 {
        let y = 30.0 + 12.0 * line as f32;
        rows.push(Row { segments: vec![piece(&format!("left {PROSE}"), 50.0, 260.0, y)] });
        rows.push(Row { segments: vec![piece(&format!("right {PROSE}"), 280.0, 500.0, y + 6.0)] });
    }
    let regions = regions(rows);
    assert_eq!(regions.iter().map(Vec::len).collect::<Vec<_>>(), [6, 6]);
}

#[test]
fn short_cells_are_no_columns() {
    let row = |line: usize| {
        let y = 12.0 * line as f32;
        Row { segments: vec![piece("Harbour", 50.0, 90.0, y), piece("7 to 20", 200.0, 240.0, y)] }
    };
    assert_eq!(cut((0..6).map(row).collect()).len(), 1);
}
