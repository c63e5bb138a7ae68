//! Which turns of two jobs belong together: those that were asked the same, with the same reference answers, after the same
//! turns. Their places in the datasets do not matter.

use std::collections::HashMap;

use super::super::outcome::RecordOutcome;
use super::super::record::Shown;
use super::ReportRow;

/// The turns that both jobs have, each as a record of its own whose line counts the pairs.
pub(super) fn paired(first: Vec<ReportRow>, second: Vec<ReportRow>) -> (Vec<RecordOutcome>, Vec<RecordOutcome>) {
    let both = pairs(first, second).into_iter().zip(1..);
    let record = |line: usize, row: ReportRow| RecordOutcome { line, turns: vec![row.outcome] };
    both.map(|((_, first, second), line)| (record(line, first), record(line, second))).unzip()
}

/// The turns that both jobs have, with what was shown up to each. Of turns that are alike the first of one job belongs to the
/// first of the other, and so on.
pub(in crate::evaluations) fn pairs(
    first: Vec<ReportRow>,
    second: Vec<ReportRow>,
) -> Vec<(Vec<Shown>, ReportRow, ReportRow)> {
    let mut known: HashMap<Vec<Shown>, Vec<ReportRow>> = HashMap::new();
    for (asked, row) in told(second).into_iter().rev() {
        known.entry(asked).or_default().push(row);
    }
    let both = told(first).into_iter().filter_map(|(asked, row)| {
        let other = known.get_mut(&asked).and_then(Vec::pop)?;
        Some((asked, row, other))
    });
    both.collect()
}

/// Each turn with what was shown up to it in its record. Records of several datasets may have the same numbers.
fn told(rows: Vec<ReportRow>) -> Vec<(Vec<Shown>, ReportRow)> {
    let (mut record, mut shown) = (None, Vec::new());
    let turn = |row: ReportRow| {
        if record != Some((row.dataset, row.record)) {
            (record, shown) = (Some((row.dataset, row.record)), Vec::new());
        }
        shown.push(row.shown.clone());
        (shown.clone(), row)
    };
    rows.into_iter().map(turn).collect()
}
