use super::*;
use crate::limits::Budget;
use crate::{Format, Limits};

fn written(rows: &[&[&str]]) -> String {
    let limits = Limits::default();
    let budget = Budget::new(&limits);
    let mut output = Output::new(&budget);
    let mut sheet = Rows::default();
    for row in rows {
        let cells = row.iter().zip(0..).filter(|(cell, _)| !cell.is_empty());
        sheet.push(&mut output, cells.map(|(cell, column)| (column, (*cell).to_owned())).collect()).unwrap();
    }
    sheet.finish(&mut output).unwrap();
    output.finish(Format::Csv).unwrap().text
}

#[test]
fn values_stand_behind_their_columns_names() {
    assert_eq!(written(&[&["Name", "Age:"], &["Ana", "31"], &["", "7"]]), "Name | Age:\nName: Ana; Age: 31\nAge: 7");
}

#[test]
fn a_first_row_of_values_is_no_header() {
    assert_eq!(written(&[&["1", "2"], &["3", "4"]]), "1 | 2\n3 | 4");
    assert_eq!(written(&[&["a", "a"], &["b", "c"]]), "a | a\nb | c");
}

#[test]
fn titles_above_a_table_and_further_tables_are_seen() {
    assert_eq!(
        written(&[&["Report"], &[], &["a", "b"], &["1", "2"], &[], &["c", "d"], &["3", "4"]]),
        "Report\na | b\na: 1; b: 2\nc | d\nc: 3; d: 4"
    );
}

#[test]
fn a_single_row_is_written() {
    assert_eq!(written(&[&["a", "b"]]), "a | b");
}
