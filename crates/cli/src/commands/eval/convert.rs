//! `craton eval convert`: pairs of prompts and completions as a dataset, or as parts of one.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use learn::python_random::PythonRandom;
use sha2::{Digest as _, Sha256};

use super::sources;
use crate::eval_args::{Convert, Kind, Part};
use crate::output;

/// Reads, draws, splits, writes.
pub(crate) fn run(args: &Convert) -> Result<()> {
    let template = match &args.template {
        Some(path) => fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?,
        None => String::new(),
    };
    check_split(&args.split)?;
    let pairs = sources::pairs(&args.from, (&args.prompt, &args.completion))?;
    let drawn = drawn(&pairs, args)?;
    let mut files = Vec::new();
    if args.split.is_empty() {
        files.push((args.to.clone(), drawn));
    } else {
        let parts = split(&drawn, &args.split, args.seed)?;
        files.extend(args.split.iter().map(|part| part_path(&args.to, &part.name)).zip(parts));
    }
    for (path, records) in files {
        let dataset = dataset(&records, args.kind, &template);
        fs::write(&path, dataset).with_context(|| format!("cannot write `{}`", path.display()))?;
        output::note(&format!("{} of {} records written to `{}`", records.len(), pairs.len(), path.display()));
    }
    Ok(())
}

fn check_split(parts: &[Part]) -> Result<()> {
    let sum: f64 = parts.iter().map(|part| part.share).sum();
    if !parts.is_empty() && (sum - 1.0).abs() > 1e-9 {
        bail!("the shares of --split sum to {sum}, not to 1");
    }
    for (at, part) in parts.iter().enumerate() {
        if parts[..at].iter().any(|other| other.name == part.name) {
            bail!("the part `{}` is named twice", part.name);
        }
    }
    Ok(())
}

/// The records that are drawn, in the order of the draw.
fn drawn<'a>(pairs: &'a [(String, String)], args: &Convert) -> Result<Vec<&'a (String, String)>> {
    let Some(count) = args.sample else { return Ok(pairs.iter().collect()) };
    let drawn = PythonRandom::new(args.seed).sample(pairs.len(), count).with_context(|| {
        format!("there are {} records, fewer than {count}\nhint: ask for a smaller --sample", pairs.len())
    })?;
    Ok(drawn.into_iter().map(|at| &pairs[at]).collect())
}

/// The records of each part. A record's part follows from its prompt and the seed alone: it stays in it whatever other records
/// come and go, and records with one prompt are never in two parts.
fn split<'a>(records: &[&'a (String, String)], parts: &[Part], seed: u64) -> Result<Vec<Vec<&'a (String, String)>>> {
    let mut split = vec![Vec::new(); parts.len()];
    for record in records {
        let digest = Sha256::digest(format!("{seed}\n{}", record.0));
        let leading = digest.iter().take(8).fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let at = leading as f64 / 2.0_f64.powi(64);
        let ends = parts.iter().scan(0.0, |end, part| {
            *end += part.share;
            Some(*end)
        });
        // The shares sum to 1 up to rounding.
        let part = ends.into_iter().position(|end| at < end).unwrap_or(parts.len() - 1);
        split[part].push(*record);
    }
    if let Some((part, _)) = parts.iter().zip(&split).find(|(_, records)| records.is_empty()) {
        bail!("no record falls to the part `{}`\nhint: give it a greater share, or convert more records", part.name);
    }
    Ok(split)
}

/// `DIR/NAME-PART.jsonl` of `DIR/NAME.jsonl`.
fn part_path(whole: &Path, part: &str) -> PathBuf {
    let stem = whole.file_stem().unwrap_or_default().to_string_lossy();
    let ending = whole.extension().map(|ending| format!(".{}", ending.to_string_lossy())).unwrap_or_default();
    whole.with_file_name(format!("{stem}-{part}{ending}"))
}

/// The lines of records, as Python's `json.dumps` writes them, so that the same records are the same bytes.
fn dataset(records: &[&(String, String)], kind: Kind, template: &str) -> String {
    let mut dataset = String::new();
    for (prompt, completion) in records {
        let (prompt, completion) = (literal(&format!("{template}{prompt}")), literal(completion));
        // Writing to a text cannot fail.
        let _ = match kind {
            Kind::Model => writeln!(dataset, r#"{{"prompt": {prompt}, "referenceResponse": {completion}}}"#),
            Kind::Rag | Kind::Retrieve => writeln!(
                dataset,
                r#"{{"conversationTurns": [{{"referenceResponses": [{{"content": [{{"text": {completion}}}]}}], "prompt": {{"content": [{{"text": {prompt}}}]}}}}]}}"#
            ),
        };
    }
    dataset
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

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
