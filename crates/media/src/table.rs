//! Tables as text.

/// A table in Markdown: its first row is the header, as Markdown has no table without one. Cells are one line each.
/// Empty rows are left out, and columns in which nothing stands.
pub(crate) fn markdown(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| cell_text(cell)).collect::<Vec<_>>())
        .filter(|row| row.iter().any(|cell| !cell.is_empty()))
        .collect();
    let width = rows.iter().map(Vec::len).max().unwrap_or_default();
    let used: Vec<usize> = (0..width)
        .filter(|column| rows.iter().any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    let mut text = String::new();
    for (at, row) in rows.iter().enumerate() {
        text.push('|');
        for column in &used {
            text.push(' ');
            text.push_str(row.get(*column).map_or("", String::as_str));
            text.push_str(" |");
        }
        text.push('\n');
        if at == 0 {
            text.push('|');
            text.push_str(&" --- |".repeat(used.len()));
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn cell_text(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
