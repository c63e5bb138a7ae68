//! Rows of a sheet as lines that each say what their values are.

use std::collections::BTreeMap;

use crate::extracted::Output;
use crate::{BlockKind, Result};

/// The cells of a row that have something in them, by their columns.
pub(crate) type Row = BTreeMap<u32, String>;

/// Writes the rows of a sheet. A sheet's row on its own, as a search finds it, should say what its values are: where
/// the first row is a header, each later value stands behind its column's name.
#[derive(Default)]
pub(crate) struct Rows {
    header: Header,
}

#[derive(Default)]
enum Header {
    /// No row has come.
    #[default]
    Unknown,
    /// A first row that may be one.
    Perhaps(Row),
    Known(Row),
    None,
}

impl Rows {
    /// Writes a row. An empty one ends a table: the next row may be another's header.
    pub(crate) fn push(&mut self, output: &mut Output<'_>, row: Row) -> Result<()> {
        match std::mem::take(&mut self.header) {
            header if row.is_empty() => self.flush(output, header),
            Header::Unknown => match is_header(&row) {
                true => {
                    self.header = Header::Perhaps(row);
                    Ok(())
                }
                // A title above the table, or values.
                false => {
                    self.header = if row.len() == 1 { Header::Unknown } else { Header::None };
                    output.block(BlockKind::Row, &joined(&row))
                }
            },
            Header::Perhaps(first) => {
                output.block(BlockKind::Row, &joined(&first))?;
                let fits = row.keys().all(|column| first.contains_key(column)) || row.len() <= first.len();
                let line = if fits { named(&first, &row) } else { joined(&row) };
                self.header = if fits { Header::Known(first) } else { Header::None };
                output.block(BlockKind::Row, &line)
            }
            Header::Known(header) => {
                let line = named(&header, &row);
                self.header = Header::Known(header);
                output.block(BlockKind::Row, &line)
            }
            Header::None => {
                self.header = Header::None;
                output.block(BlockKind::Row, &joined(&row))
            }
        }
    }

    /// Writes what is held back. The next row begins anew.
    pub(crate) fn finish(&mut self, output: &mut Output<'_>) -> Result<()> {
        let header = std::mem::take(&mut self.header);
        self.flush(output, header)
    }

    fn flush(&self, output: &mut Output<'_>, header: Header) -> Result<()> {
        match header {
            Header::Perhaps(row) => output.block(BlockKind::Row, &joined(&row)),
            _ => Ok(()),
        }
    }
}

/// Whether a row may name columns: two cells or more, all different, none a number.
fn is_header(row: &Row) -> bool {
    let mut names: Vec<&String> = row.values().collect();
    names.sort();
    names.dedup();
    let names_only = names.iter().all(|name| name.len() <= 100 && name.parse::<f64>().is_err());
    names.len() >= 2 && names.len() == row.len() && names_only
}

fn named(header: &Row, row: &Row) -> String {
    let value = |(column, value): (&u32, &String)| match header.get(column) {
        Some(name) => format!("{}: {value}", name.trim_end_matches(':')),
        None => value.clone(),
    };
    row.iter().map(value).collect::<Vec<_>>().join("; ")
}

fn joined(row: &Row) -> String {
    row.values().map(String::as_str).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
#[path = "rows_tests.rs"]
mod tests;
