//! XLSX: sheet by sheet, a line a row.

use std::collections::{BTreeMap, HashMap};
use std::io::Cursor;

use calamine::{DataRef, ExcelDateTime, Reader, SheetVisible, Xlsx, XlsxError};

use super::docx::title;
use super::package::Package;
use crate::extracted::Output;
use crate::limits::Budget;
use crate::rows::{Row, Rows};
use crate::{BlockKind, Error, Extracted, Format, Result};

/// Cells that are held for the rows below them, together.
const MOST_MERGED: usize = 100_000;

pub(crate) fn extract(bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let mut package = Package::open(bytes, budget)?;
    // The reader of sheets keeps no limits.
    package.measure()?;
    let mut output = Output::new(budget);
    let parts = package.relationships("")?;
    if let Some(properties) = parts.iter().find(|part| part.is("core-properties")) {
        output.title = title(package.part(&properties.target)?.as_deref().unwrap_or_default())?;
    }
    drop(package);
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(refusal)?;
    let sheets = workbook.sheets_metadata().to_vec();
    let mut hidden = 0;
    for sheet in &sheets {
        match sheet.visible {
            SheetVisible::Visible => write(&mut workbook, &sheet.name, sheets.len() > 1, &mut output)?,
            SheetVisible::Hidden | SheetVisible::VeryHidden => hidden += 1,
        }
    }
    if hidden > 0 {
        output.warnings.push(format!("{hidden} hidden sheets were left out"));
    }
    output.finish(Format::Xlsx)
}

/// Writes a sheet, under its name where there are several.
fn write(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str, named: bool, output: &mut Output<'_>) -> Result<()> {
    let mut merged = Merged::of(workbook, sheet)?;
    let mut cells = match workbook.worksheet_cells_reader(sheet) {
        Ok(cells) => cells,
        // A sheet that is a chart has no cells.
        Err(XlsxError::NotAWorksheet(_)) => return Ok(()),
        Err(error) => return Err(refusal(error)),
    };
    if named {
        output.block(BlockKind::Heading(2), sheet)?;
    }
    let mut rows = Rows::default();
    let (mut at, mut row) = (0, Row::new());
    loop {
        let cell = cells.next_cell().map_err(refusal)?;
        let position = cell.as_ref().map(calamine::Cell::get_position);
        if position.is_none_or(|(line, _)| line != at) {
            if !row.is_empty() {
                rows.push(output, merged.fill(at, std::mem::take(&mut row)))?;
            }
            // An empty row, or several, lie between two tables.
            if position.is_some_and(|(line, _)| line > at + 1) {
                rows.push(output, Row::new())?;
            }
        }
        let (Some(cell), Some((line, column))) = (cell, position) else { break };
        at = line;
        let text = text(cell.get_value());
        if !text.is_empty() {
            row.insert(column, text);
        }
    }
    rows.finish(output)
}

/// Cells that stand for those below them.
struct Merged {
    /// The last row of the merged cell that begins there.
    ends: HashMap<(u32, u32), u32>,
    /// What is held of columns: up to which row.
    held: BTreeMap<u32, (u32, String)>,
}

impl Merged {
    fn of(workbook: &mut Xlsx<Cursor<&[u8]>>, sheet: &str) -> Result<Self> {
        let regions = workbook.merge_cells_by_sheet_name(sheet).map_err(refusal)?;
        if regions.len() > MOST_MERGED {
            return Err(Error::corrupt(format!("its sheet `{sheet}` has more than {MOST_MERGED} merged cells")));
        }
        let tall = regions.into_iter().filter(|region| region.end.0 > region.start.0);
        Ok(Self { ends: tall.map(|region| (region.start, region.end.0)).collect(), held: BTreeMap::new() })
    }

    /// A row with what stands for its cells above.
    fn fill(&mut self, line: u32, mut row: Row) -> Row {
        for (column, text) in &row {
            if let Some(end) = self.ends.get(&(line, *column)) {
                self.held.insert(*column, (*end, text.clone()));
            }
        }
        self.held.retain(|_, (end, _)| *end >= line);
        for (column, (_, text)) in &self.held {
            row.entry(*column).or_insert_with(|| text.clone());
        }
        row
    }
}

fn text(value: &DataRef<'_>) -> String {
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) => line(text),
        DataRef::SharedString(text) => line(text),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => decimal(*number),
        DataRef::Bool(value) => value.to_string(),
        DataRef::DateTime(time) => date(*time),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::Error(error) => error.to_string(),
    }
}

/// A number in 15 digits, as a sheet shows it: a sum of tenths ends in no row of nines.
fn decimal(number: f64) -> String {
    if number == 0.0 || !number.is_finite() {
        return "0".to_owned();
    }
    let exponent = number.abs().log10().floor() as i32;
    let digits = usize::try_from(14 - exponent).unwrap_or(0).min(300);
    let text = format!("{number:.digits$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// A date, a time or both, in ISO 8601.
fn date(time: ExcelDateTime) -> String {
    let value = time.as_f64();
    if time.is_duration() {
        let seconds = (value * 86_400.0).round().max(0.0) as u64;
        return format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    match (value < 1.0, value.fract() == 0.0) {
        (true, _) => clock,
        (false, true) => format!("{year:04}-{month:02}-{day:02}"),
        (false, false) => format!("{year:04}-{month:02}-{day:02} {clock}"),
    }
}

fn refusal(error: XlsxError) -> Error {
    match error {
        XlsxError::Password => Error::Encrypted,
        error => Error::corrupt(format!("its workbook cannot be read: {error}")),
    }
}

#[cfg(test)]
#[path = "xlsx_tests.rs"]
mod tests;
