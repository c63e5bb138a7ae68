//! `craton eval convert`: pairs of prompts and completions as a dataset.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, bail};
use learn::python_random::PythonRandom;
use serde_json::Value;

use crate::eval_args::{Convert, Kind};
use crate::output;

/// Reads, draws, writes.
pub(crate) fn run(args: &Convert) -> Result<()> {
    let text = fs::read_to_string(&args.from).with_context(|| format!("cannot read `{}`", args.from.display()))?;
    // Spreadsheets begin a text with a mark of its bytes' order.
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let template = match &args.template {
        Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?,
        None => String::new(),
    };
    let is_csv = args.from.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
    if args.from.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet")) {
        bail!("reading Parquet is not implemented\nhint: save the table as CSV or JSON lines");
    }
    let pairs = if is_csv { of_csv(text, args)? } else { of_json_lines(text, args)? };
    let dataset = dataset(&pairs, args, &template)?;
    fs::write(&args.to, &dataset).with_context(|| format!("cannot write `{}`", args.to.display()))?;
    output::note(&format!("{} of {} records written to `{}`", dataset.lines().count(), pairs.len(), args.to.display()));
    Ok(())
}

/// The lines, of the records that are drawn.
fn dataset(pairs: &[(String, String)], args: &Convert, template: &str) -> Result<String> {
    let drawn = match args.sample {
        None => (0..pairs.len()).collect(),
        Some(count) => PythonRandom::new(args.seed).sample(pairs.len(), count).with_context(|| {
            format!("there are {} records, fewer than {count}\nhint: ask for a smaller --sample", pairs.len())
        })?,
    };
    let mut dataset = String::new();
    for (prompt, completion) in drawn.into_iter().map(|at| &pairs[at]) {
        let (prompt, completion) = (literal(&format!("{template}{prompt}")), literal(completion));
        // As Python's `json.dumps` writes it, so that the same records are the same bytes.
        let _ = match args.kind {
            Kind::Model => writeln!(dataset, r#"{{"prompt": {prompt}, "referenceResponse": {completion}}}"#),
            Kind::Rag | Kind::Retrieve => writeln!(
                dataset,
                r#"{{"conversationTurns": [{{"referenceResponses": [{{"content": [{{"text": {completion}}}]}}], "prompt": {{"content": [{{"text": {prompt}}}]}}}}]}}"#
            ),
        };
    }
    Ok(dataset)
}

/// A text as JSON in ASCII alone, as Python writes it.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for c in text.chars() {
        match c {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            '\u{8}' => literal.push_str("\\b"),
            '\u{c}' => literal.push_str("\\f"),
            ' '..='~' => literal.push(c),
            _ => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    // Writing to a text cannot fail.
                    let _ = write!(literal, "\\u{unit:04x}");
                }
            }
        }
    }
    literal.push('"');
    literal
}

fn of_json_lines(text: &str, args: &Convert) -> Result<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let value: Value =
            serde_json::from_str(line.trim()).with_context(|| format!("line {number} of the input is no JSON"))?;
        let member = |name: &str| {
            let text = value[name].as_str().map(str::to_owned);
            text.with_context(|| format!("line {number} of the input has no text `{name}`"))
        };
        pairs.push((member(&args.prompt)?, member(&args.completion)?));
    }
    Ok(pairs)
}

fn of_csv(text: &str, args: &Convert) -> Result<Vec<(String, String)>> {
    let mut rows = rows(text)?.into_iter();
    let (_, titles) = rows.next().context("the input is empty")?;
    let column = |name: &str| {
        let at = titles.iter().position(|title| title.trim() == name);
        at.with_context(|| format!("the input has no column `{name}`, but {}", titles.join(", ")))
    };
    let (prompt, completion) = (column(&args.prompt)?, column(&args.completion)?);
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
#[path = "convert_tests.rs"]
mod tests;
