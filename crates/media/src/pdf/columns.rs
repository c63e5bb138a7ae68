//! The columns of a page, and the order in which its regions are read.
//!
//! A gutter is a place that no row crosses for a while, with prose on both sides of it. What is above such rows is read
//! first, then the column on the left, the one on the right, and what is below.

use super::segments::Row;

/// Columns in columns.
const DEEPEST: usize = 12;
/// Rows on each side of a gutter.
const FEWEST_ROWS: usize = 3;
/// Parts of the letters' size: the narrowest gutter.
const NARROWEST: f32 = 0.7;
/// How far from the columns a row on one side only stands that is none of them.
const FAR: f32 = 4.0;
/// Points between the places that are tried, and how many are.
const STEP: f32 = 2.0;
const MOST_TRIED: usize = 8;
/// The part of a column's width that a row of prose fills, and the characters it has, at the least.
const FILLED: f32 = 0.55;
const FEWEST_CHARACTERS: usize = 15;

/// The regions of a page in their order: each the rows of one column.
pub(super) fn cut(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut regions = Vec::new();
    cut_into(rows, 0, &mut regions);
    regions
}

fn cut_into(mut rows: Vec<Row>, depth: usize, regions: &mut Vec<Vec<Row>>) {
    let found = if depth < DEEPEST { gutter(&rows) } else { None };
    let Some(Gutter { x, from, to }) = found else {
        if !rows.is_empty() {
            regions.push(rows);
        }
        return;
    };
    let below = rows.split_off(to);
    let beside = rows.split_off(from);
    let (left, right) = sides(&beside, x);
    for part in [rows, left, right, below] {
        cut_into(part, depth + 1, regions);
    }
}

/// Rows between which a place is crossed by none.
struct Gutter {
    x: f32,
    from: usize,
    to: usize,
}

/// The gutter along the most rows.
fn gutter(rows: &[Row]) -> Option<Gutter> {
    let mut best: Option<Gutter> = None;
    for x in candidates(rows) {
        let mut from = 0;
        while from < rows.len() {
            let crossing = |row: &Row| row.segments.iter().any(|piece| piece.x0 < x - 0.5 && piece.x1 > x + 0.5);
            let length = rows[from..].iter().take_while(|row| !crossing(row)).count();
            let longest = best.as_ref().map_or(0, |best| best.to - best.from);
            let run = &rows[from..from + length];
            if length > longest && divides(run, x) {
                let (first, last) = beside_each_other(run, x);
                best = Some(Gutter { x, from: from + first, to: from + last });
            }
            from += length + 1;
        }
    }
    best
}

/// The rows of a run that are the columns': one far from them at an end, on one side only, is none of theirs.
fn beside_each_other(run: &[Row], x: f32) -> (usize, usize) {
    let is_right = |row: &Row| row.segments.iter().any(|piece| piece.x0 > x);
    let is_left = |row: &Row| row.segments.iter().any(|piece| piece.x0 <= x);
    let begin = |is: &dyn Fn(&Row) -> bool| run.iter().position(is).unwrap_or(0);
    let end = |is: &dyn Fn(&Row) -> bool| run.iter().rposition(is).unwrap_or(run.len() - 1);
    // Where both sides have begun, and where one has ended.
    let begun = begin(&is_left).max(begin(&is_right));
    let ended = end(&is_left).min(end(&is_right));
    let far = |at: &usize| run[*at].y() - run[*at - 1].y() > FAR * run[*at].size();
    let first = (1..=begun).rev().find(far).unwrap_or(0);
    let last = (ended + 1..run.len()).find(far).unwrap_or(run.len());
    (first, last)
}

/// Places that few rows cross, with rows on both sides.
fn candidates(rows: &[Row]) -> Vec<f32> {
    let x0 = rows.iter().map(Row::x0).fold(f32::MAX, f32::min);
    let x1 = rows.iter().map(Row::x1).fold(f32::MIN, f32::max);
    if rows.len() < FEWEST_ROWS || !(x1 - x0 > 10.0 * STEP && x1 - x0 < 20_000.0) {
        return Vec::new();
    }
    let bins = ((x1 - x0) / STEP) as usize;
    let bin = |x: f32| (((x - x0) / STEP) as usize).min(bins);
    let mut changes = vec![0_i32; bins + 2];
    for piece in rows.iter().flat_map(|row| &row.segments) {
        changes[bin(piece.x0)] += 1;
        changes[bin(piece.x1) + 1] -= 1;
    }
    let covered: Vec<i32> = changes
        .iter()
        .scan(0, |sum, change| {
            *sum += change;
            Some(*sum)
        })
        .take(bins + 1)
        .collect();
    // The middles of the valleys, the deepest first.
    let mut valleys: Vec<(i32, f32)> = Vec::new();
    let mut at = 0;
    while at < covered.len() {
        let width = covered[at..].iter().take_while(|depth| **depth == covered[at]).count();
        let higher = |neighbour: Option<&i32>| neighbour.is_some_and(|neighbour| *neighbour > covered[at]);
        if at > 0 && higher(covered.get(at - 1)) && higher(covered.get(at + width)) {
            valleys.push((covered[at], x0 + (at as f32 + width as f32 / 2.0) * STEP));
        }
        at += width;
    }
    valleys.sort_by_key(|(depth, _)| *depth);
    valleys.into_iter().take(MOST_TRIED).map(|(_, x)| x).collect()
}

fn sides(rows: &[Row], x: f32) -> (Vec<Row>, Vec<Row>) {
    let side = |right: bool| {
        let keep = |row: &Row| {
            let pieces = row.segments.iter().filter(|piece| ((piece.x0 + piece.x1) / 2.0 > x) == right);
            let segments: Vec<_> = pieces.cloned().collect();
            (!segments.is_empty()).then_some(Row { segments })
        };
        rows.iter().filter_map(keep).collect()
    };
    (side(false), side(true))
}

/// Whether rows are two columns of prose with white between them.
fn divides(rows: &[Row], x: f32) -> bool {
    let (left, right) = sides(rows, x);
    if left.len() < FEWEST_ROWS || right.len() < FEWEST_ROWS {
        return false;
    }
    let white = right.iter().map(Row::x0).fold(f32::MAX, f32::min) - left.iter().map(Row::x1).fold(f32::MIN, f32::max);
    let size = rows.iter().map(Row::size).fold(f32::MAX, f32::min);
    white >= NARROWEST * size && beside(&left, &right) && is_prose(&left) && is_prose(&right) && !in_step(&left, &right)
}

/// Whether the lower half of one side begins before the other ends: a signature under a letter is no column.
fn beside(left: &[Row], right: &[Row]) -> bool {
    let extent = |rows: &[Row]| (rows.first().map_or(0.0, Row::y), rows.last().map_or(0.0, Row::y));
    let ((left_top, left_end), (right_top, right_end)) = (extent(left), extent(right));
    let common = left_end.min(right_end) - left_top.max(right_top);
    common >= 0.5 * (left_end - left_top).min(right_end - right_top)
}

fn is_prose(rows: &[Row]) -> bool {
    let x0 = rows.iter().map(Row::x0).fold(f32::MAX, f32::min);
    let x1 = rows.iter().map(Row::x1).fold(f32::MIN, f32::max);
    let written = |row: &Row| row.segments.iter().map(|piece| piece.x1 - piece.x0).sum::<f32>();
    let mut filled: Vec<f32> = rows.iter().map(|row| written(row) / (x1 - x0).max(1.0)).collect();
    filled.sort_by(f32::total_cmp);
    let characters: usize = rows.iter().flat_map(|row| &row.segments).map(|piece| piece.text.chars().count()).sum();
    // Two of its columns may be of one row.
    filled[filled.len() / 2] >= FILLED && characters >= FEWEST_CHARACTERS * rows.len()
}

/// Whether both sides leave their larger gaps at the same heights, as the rows of a table do.
fn in_step(left: &[Row], right: &[Row]) -> bool {
    let (left, right) = (gaps(left), gaps(right));
    let common = left.iter().filter(|y| right.iter().any(|other| (*y - other).abs() <= 2.0)).count();
    let fewer = left.len().min(right.len());
    fewer >= 2 && common * 10 >= fewer * 7
}

/// Where a row stands further below the one above than rows mostly do.
fn gaps(rows: &[Row]) -> Vec<f32> {
    let mut steps: Vec<f32> = rows.windows(2).map(|pair| pair[1].y() - pair[0].y()).collect();
    steps.sort_by(f32::total_cmp);
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
    let wide = rows.windows(2).filter(|pair| pair[1].y() - pair[0].y() > 1.3 * usual);
    wide.map(|pair| pair[1].y()).collect()
}

#[cfg(test)]
#[path = "columns_tests.rs"]
mod tests;
