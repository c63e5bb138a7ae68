//! Printing: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use anyhow::Result;
use serde_json::Value;

/// Prints `text` and a line end, on a terminal without control characters. A closed pipe ends the program quietly, as it
/// should.
pub(crate) fn line(text: impl AsRef<str>) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(shown(text.as_ref(), out.is_terminal()).as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Prints `text` at once, without a line end.
pub(crate) fn piece(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints what a model wrote, at once, on a terminal without control characters.
pub(crate) fn written(text: &str) -> Result<()> {
    piece(&shown(text, io::stdout().is_terminal()))
}

/// The text as it is printed. Where a terminal reads it, control characters other than line ends and tabs are left out:
/// names in model files, answers and messages of servers could move the cursor, set the title or paste with them.
pub(crate) fn shown(text: &str, on_a_terminal: bool) -> Cow<'_, str> {
    let kept = |c: &char| !c.is_control() || matches!(c, '\n' | '\t');
    if !on_a_terminal || text.chars().all(|c| kept(&c)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(kept).collect())
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &Value) -> Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Tells the user something that is not a result, on a terminal without control characters.
pub(crate) fn note(text: &str) {
    let mut err = io::stderr().lock();
    let text = shown(text, err.is_terminal());
    // Nothing can be done about a standard error that cannot be written.
    drop(writeln!(err, "{text}"));
}

/// Prints an error as `error:` and, where its text has them, `hint:` lines.
pub(crate) fn error(error: &anyhow::Error) {
    if error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
    {
        return;
    }
    note(&error_text(error));
}

/// The error's causes in one line, its hints below.
pub(crate) fn error_text(error: &anyhow::Error) -> String {
    let (mut messages, mut hints) = (Vec::new(), Vec::new());
    for cause in error.chain() {
        // The person at the terminal runs the server: what callers are not told is for them.
        if let Some(known) = cause.downcast_ref::<base::Error>() {
            messages.push(known.message.clone());
            messages.extend(known.detail.clone());
            hints.extend(known.hint.clone());
            continue;
        }
        for part in cause.to_string().lines() {
            match part.strip_prefix("hint: ") {
                Some(hint) => hints.push(hint.to_owned()),
                None if !part.trim().is_empty() => messages.push(part.trim().trim_end_matches(':').to_owned()),
                None => {}
            }
        }
    }
    messages.dedup();
    let mut text = format!("error: {}", messages.join(": "));
    for hint in hints {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}

/// Aligns `rows` under `titles`, two spaces between columns, no trailing blanks.
pub(crate) fn table<const N: usize>(titles: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = titles.map(|title| title.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let head = titles.map(str::to_owned);
    for row in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.pop();
    text
}

/// Bytes for people: `98.4 MB`.
pub(crate) fn bytes(count: u64) -> String {
    let units = [("TB", 1_000_000_000_000_u64), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)];
    for (unit, size) in units {
        if count >= size {
            return format!("{}.{} {unit}", count / size, count % size * 10 / size);
        }
    }
    format!("{count} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_a_terminal() {
        let text = "a\u{1b}[2Jb\r\n\tc\u{9b}31m\u{7}é";
        assert_eq!(shown(text, true), "a[2Jb\n\tc31mé");
        assert_eq!(shown(text, false), text, "programs get what there is");
    }
}
