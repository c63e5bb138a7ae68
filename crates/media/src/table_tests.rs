use super::*;

fn table(rows: &[&[&str]]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect();
    markdown(&rows)
}

#[test]
fn rows_become_a_markdown_table() {
    assert_eq!(table(&[&["a", "b"], &["1\n2", "x|y"]]), "| a | b |\n| --- | --- |\n| 1 2 | x\\|y |");
}

#[test]
fn what_is_empty_is_left_out() {
    assert_eq!(table(&[&["", "", ""], &["a", "", "b"], &["c"]]), "| a | b |\n| --- | --- |\n| c |  |");
    assert_eq!(table(&[&["", " "]]), "");
}
