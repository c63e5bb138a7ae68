//! Pairs of prompts and completions out of JSON lines, CSV and Parquet.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::Value;

/// The pairs of a file, whose name's ending tells its form, by the names of their members or columns.
pub(super) fn pairs(from: &Path, names: (&str, &str)) -> Result<Vec<(String, String)>> {
    let unreadable = || format!("cannot read `{}`", from.display());
    let ending = from.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if ending == "parquet" {
        return of_parquet(File::open(from).with_context(unreadable)?, names).with_context(unreadable);
    }
    let text = fs::read_to_string(from).with_context(unreadable)?;
    // Spreadsheets begin a text with a mark of its bytes' order.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    if ending == "csv" { of_csv(text, names) } else { of_json_lines(text, names) }
}

/// The rows of a table of Apache Parquet, of which only the two columns are read.
fn of_parquet(file: File, (prompt, completion): (&str, &str)) -> Result<Vec<(String, String)>> {
    let reader = SerializedFileReader::new(file).context("it is no Parquet")?;
    let schema = reader.metadata().file_metadata().schema();
    let column = |name: &str| {
        let found = schema.get_fields().iter().find(|field| field.name() == name).cloned();
        let known = || schema.get_fields().iter().map(|field| field.name().to_owned()).collect::<Vec<_>>().join(", ");
        found.with_context(|| format!("the input has no column `{name}`, but {}", known()))
    };
    let mut columns = vec![column(prompt)?];
    if completion != prompt {
        columns.push(column(completion)?);
    }
    let two = Type::group_type_builder(schema.name()).with_fields(columns);
    let rows = reader.get_row_iter(Some(two.build()?))?;
    let mut pairs = Vec::new();
    for (number, row) in (1..).zip(rows) {
        let row = row.with_context(|| format!("row {number} of the input cannot be read"))?;
        let member = |name: &str| {
            let found = row.get_column_iter().find(|(column, _)| *column == name);
            match found.map(|(_, field)| field) {
                Some(Field::Str(text)) => Ok(text.clone()),
                Some(Field::Bytes(bytes)) => String::from_utf8(bytes.data().to_vec())
                    .with_context(|| format!("`{name}` of row {number} of the input is not UTF-8")),
                _ => bail!("row {number} of the input has no text `{name}`"),
            }
        };
        pairs.push((member(prompt)?, member(completion)?));
    }
    Ok(pairs)
}

fn of_json_lines(text: &str, (prompt, completion): (&str, &str)) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let value: Value =
            serde_json::from_str(line.trim()).with_context(|| format!("line {number} of the input is no JSON"))?;
        let member = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.with_context(|| format!("line {number} of the input has no text `{name}`"))
        };
        pairs.push((member(prompt)?, member(completion)?));
    }
    Ok(pairs)
}

fn of_csv(text: &str, (prompt, completion): (&str, &str)) -> Result<Vec<(String, String)>> {
    let mut rows = rows(text)?.into_iter();
    let (_, titles) = rows.next().context("the input is empty")?;
    let column = |name: &str| {
        let at = titles.iter().position(|title| title.trim() == name);
        at.with_context(|| format!("the input has no column `{name}`, but {}", titles.join(", ")))
    };
    let (prompt, completion) = (column(prompt)?, column(completion)?);
    rows.map(|(line, mut row)| {
        if row.len() != titles.len() {
            bail!("line {line} of the input has {} fields, not {}", row.len(), titles.len());
        }
        Ok((std::mem::take(&mut row[prompt]), std::mem::take(&mut row[completion])))
    })
    .collect()
}

/// The rows of a CSV file (RFC 4180) and the lines that they begin on; empty lines are passed over.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let (mut line, mut begins, mut quoted) = (1, 1, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => quoted = true,
            ',' if !quoted => row.push(std::mem::take(&mut field)),
            '\r' if !quoted && chars.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                line += 1;
                row.push(std::mem::take(&mut field));
                if row.len() > 1 || !row[0].is_empty() {
                    rows.push((begins, std::mem::take(&mut row)));
                }
                row.clear();
                begins = line;
            }
            c => {
                line += usize::from(c == '\n');
                field.push(c);
            }
        }
    }
    if quoted {
        bail!("the quotes that begin on line {begins} of the input do not end");
    }
    if !field.is_empty() || !row.is_empty() {
        row.push(field);
        rows.push((begins, row));
    }
    Ok(rows)
}

#[cfg(test)]
#[path = "sources_tests.rs"]
mod tests;
