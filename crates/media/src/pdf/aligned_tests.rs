use super::super::segments::Segment;
use super::*;

fn row(y: f32, size: f32, pieces: &[(&str, f32)]) -> Row {
    let segment = |(text, x0): &(&str, f32)| {
        let x1 = x0 + text.len() as f32 * 5.0;
        Segment { text: (*text).to_owned(), x0: *x0, x1, y, size, heading: None, table: false }
    };
    Row { segments: pieces.iter().map(segment).collect() }
}

fn table_of(rows: &[Row]) -> Option<(usize, Vec<String>)> {
    table(rows).map(|(length, rows)| (length, rows.iter().map(|row| row.join("|")).collect()))
}

#[test]
fn pieces_under_each_other_are_a_table_and_lines_go_on() {
    let rows = [
        row(10.0, 10.0, &[("Part", 50.0), ("Cost", 150.0), ("Note", 250.0)]),
        row(22.0, 10.0, &[("Door", 50.0), ("300", 150.0), ("with the", 250.0)]),
        row(34.0, 10.0, &[("paint", 250.0)]),
        row(46.0, 10.0, &[("Roof", 50.0), ("900", 150.0)]),
        row(70.0, 10.0, &[("A line of prose that spans all of the columns", 50.0)]),
    ];
    let expected = ["Part|Cost|Note", "Door|300|with the paint", "Roof|900|"].map(str::to_owned).to_vec();
    assert_eq!(table_of(&rows), Some((4, expected)));
}

#[test]
fn a_heading_below_a_table_and_a_list_are_no_rows() {
    let rows = [
        row(10.0, 10.0, &[("a", 50.0), ("b", 150.0)]),
        row(22.0, 10.0, &[("c", 50.0), ("d", 150.0)]),
        row(34.0, 10.0, &[("e", 50.0), ("f", 150.0)]),
        row(50.0, 16.0, &[("Next", 50.0)]),
    ];
    assert_eq!(table_of(&rows).map(|(length, _)| length), Some(3));
    let list = [1, 2, 3, 4].map(|line| row(12.0 * line as f32, 10.0, &[("1.", 50.0), ("an item of a list", 80.0)]));
    assert_eq!(table_of(&list), None);
}

#[test]
fn two_rows_of_two_pieces_are_no_table() {
    let rows = [1, 2].map(|line| row(12.0 * line as f32, 10.0, &[("left", 50.0), ("right", 150.0)]));
    assert_eq!(table_of(&rows), None);
}
