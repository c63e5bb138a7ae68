//! Lines that stand on every page: headers and footers interrupt what is read.

use std::collections::{HashMap, HashSet};

use super::frames::LaidOut;
use super::segments::Row;

/// The parts of a page's height in which headers and footers stand.
const MARGIN: f32 = 0.08;
/// Pages on which a line must stand: so many, and so large a part of all.
const FEWEST_PAGES: usize = 3;
const PART: f32 = 0.4;
/// Numbers of a line that may be the page's.
const MOST_NUMBERS: usize = 3;

/// What a line says, and where it stands, in steps of 4 points.
type Key = (String, i32);

/// Leaves of each line that stands in the same place of many pages, but for the page's number, the first.
pub(super) fn remove(pages: &mut [LaidOut]) {
    let mut counts: HashMap<Key, usize> = HashMap::new();
    for (number, page) in (1..).zip(pages.iter()) {
        let lines: HashSet<Key> = page.rows.iter().flat_map(|row| keys(row, page.edges, number)).collect();
        for line in lines {
            *counts.entry(line).or_default() += 1;
        }
    }
    let least = FEWEST_PAGES.max((pages.len() as f32 * PART).ceil() as usize);
    let mut seen = HashSet::new();
    for (number, page) in (1..).zip(pages) {
        let edges = page.edges;
        page.rows.retain(|row| {
            let mut repeated = keys(row, edges, number).into_iter().filter(|key| counts.get(key) >= Some(&least));
            repeated.next().is_none_or(|key| seen.insert(key))
        });
    }
}

/// What a line in a page's margin says: with each of its numbers as it is, and as a distance from the page's number.
fn keys(row: &Row, (top, end): (f32, f32), page: i64) -> Vec<Key> {
    let (y, margin) = (row.y(), (end - top) * MARGIN);
    if row.is_table() || (y >= top + margin && y <= end - margin) {
        return Vec::new();
    }
    let text = row.text();
    let mut keys = vec![String::new()];
    let mut numbers = 0;
    for piece in text.split_inclusive(|character: char| !character.is_ascii_digit()) {
        let (number, rest) = piece.split_at(piece.len() - piece.trim_start_matches(|c: char| c.is_ascii_digit()).len());
        let counted = number.parse::<i64>().ok().filter(|_| numbers < MOST_NUMBERS);
        let distances: Vec<String> =
            keys.iter().filter_map(|key| counted.map(|number| format!("{key}\u{1}{}{rest}", number - page))).collect();
        keys.iter_mut().for_each(|key| key.push_str(piece));
        numbers += usize::from(counted.is_some());
        keys.extend(distances);
    }
    let place = (y / 4.0).round() as i32;
    keys.into_iter().map(|key| (key, place)).collect()
}
