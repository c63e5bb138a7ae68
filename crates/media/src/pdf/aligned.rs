//! Tables without lines: rows whose pieces stand under each other.

use super::paragraphs::is_marker;
use super::segments::Row;

/// Parts of the letters' size: the narrowest gap between columns, and the highest between rows.
const NARROWEST: f32 = 0.9;
const HIGHEST: f32 = 2.2;
/// How much the letters of a table differ in size.
const SAME_SIZE: f32 = 0.15;

/// The table that begins at the first row, and its number of rows.
pub(super) fn table(rows: &[Row]) -> Option<(usize, Vec<Vec<String>>)> {
    let (mut columns, mut length, mut full) = (Vec::new(), 0, 0);
    for (at, row) in rows.iter().enumerate() {
        let above = at.checked_sub(1).map(|above| &rows[above]);
        let apart = above.is_some_and(|above| {
            let size = row.size().max(above.size());
            row.y() - above.y() > HIGHEST * size || (row.size() - above.size()).abs() > SAME_SIZE * size
        });
        if row.is_table() || apart {
            break;
        }
        let widened = widened(&columns, row);
        let closes = widened.len() < columns.len() && full >= fewest(columns.len());
        let spans = row.segments.len() == 1 && columns_under(&columns, row) != 1;
        if widened.len() < 2 || closes || spans {
            break;
        }
        columns = widened;
        length = at + 1;
        full += usize::from(row.segments.len() > 1);
    }
    let in_first = |row: &Row| row.segments.len() == 1 && columns.first().is_some_and(|(_, x1)| row.x0() < *x1);
    // A short line below a table is none of its rows.
    length -= rows[..length].iter().rev().take_while(|row| in_first(row)).count();
    let table = &rows[..length];
    let is_table = full >= fewest(columns.len()) && !is_list(table, &columns);
    is_table.then(|| (length, cells(table, &columns)))
}

/// Rows with several pieces that make a table of so many columns.
fn fewest(columns: usize) -> usize {
    if columns > 2 { 2 } else { 3 }
}

/// Columns with a row's pieces in them.
fn widened(columns: &[(f32, f32)], row: &Row) -> Vec<(f32, f32)> {
    let gap = NARROWEST * row.size();
    let mut all: Vec<(f32, f32)> = columns.to_vec();
    all.extend(row.segments.iter().map(|piece| (piece.x0, piece.x1)));
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f32, f32)> = Vec::new();
    for (x0, x1) in all {
        match merged.last_mut() {
            Some(last) if x0 < last.1 + gap => last.1 = last.1.max(x1),
            _ => merged.push((x0, x1)),
        }
    }
    merged
}

/// The number of columns that a row reaches into.
fn columns_under(columns: &[(f32, f32)], row: &Row) -> usize {
    columns.iter().filter(|(x0, x1)| row.x0() < *x1 && row.x1() > *x0).count()
}

/// Whether the first column has nothing but bullets or numbers of items.
fn is_list(rows: &[Row], columns: &[(f32, f32)]) -> bool {
    let firsts: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.segments.first())
        .filter(|piece| columns.first().is_some_and(|column| piece.x0 < column.1))
        .map(|piece| piece.text.as_str())
        .collect();
    columns.len() == 2 && !firsts.is_empty() && firsts.iter().all(|text| is_marker(&format!("{text} ")))
}

/// The cells. A row without a first cell goes on with the row above.
fn cells(rows: &[Row], columns: &[(f32, f32)]) -> Vec<Vec<String>> {
    let mut table: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let mut cells = vec![String::new(); columns.len()];
        for piece in &row.segments {
            let middle = (piece.x0 + piece.x1) / 2.0;
            let column = columns.iter().position(|(_, x1)| middle <= *x1).unwrap_or(columns.len() - 1);
            add(&mut cells[column], &piece.text);
        }
        match table.last_mut() {
            Some(above) if cells[0].is_empty() => {
                above.iter_mut().zip(&cells).for_each(|(above, cell)| add(above, cell));
            }
            _ => table.push(cells),
        }
    }
    table
}

fn add(cell: &mut String, text: &str) {
    if !cell.is_empty() && !text.is_empty() {
        cell.push(' ');
    }
    cell.push_str(text);
}

#[cfg(test)]
#[path = "aligned_tests.rs"]
mod tests;
