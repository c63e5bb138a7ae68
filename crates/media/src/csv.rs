//! CSV and its kin.

use ::csv::{ReaderBuilder, StringRecord};

use crate::extracted::Output;
use crate::limits::Budget;
use crate::rows::{Row, Rows};
use crate::{Error, Extracted, Format, Result, text};

/// Lines by which the separator is found.
const SAMPLE_LINES: usize = 20;

pub(crate) fn extract(bytes: &[u8], charset: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let (text, warnings) = text::read(bytes, charset);
    let separator = separator(&text);
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).delimiter(separator).from_reader(text.as_bytes());
    let mut output = Output::new(budget);
    output.warnings = warnings;
    let mut rows = Rows::default();
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| Error::corrupt(format!("it is no CSV: {error}")))? {
        rows.push(&mut output, row(&record))?;
    }
    rows.finish(&mut output)?;
    output.finish(Format::Csv)
}

fn row(record: &StringRecord) -> Row {
    let cells = record.iter().zip(0..).map(|(cell, column)| (column, cell));
    let cells = cells.map(|(column, cell)| (column, cell.split_whitespace().collect::<Vec<_>>().join(" ")));
    cells.filter(|(_, cell)| !cell.is_empty()).collect()
}

/// The separator that stands in most of the first lines, as often in each of them; a comma where none does.
fn separator(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE_LINES).collect();
    let steadiness = |separator: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| count_unquoted(line, separator)).collect();
        let first = counts.first().copied().unwrap_or_default();
        if first == 0 { (0, 0) } else { (counts.iter().filter(|count| **count == first).count(), first) }
    };
    // Of equals the last wins: a comma.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|separator| steadiness(*separator)).unwrap_or(b',')
}

fn count_unquoted(line: &str, separator: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for byte in line.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            byte if byte == separator && !quoted => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
#[path = "csv_tests.rs"]
mod tests;
