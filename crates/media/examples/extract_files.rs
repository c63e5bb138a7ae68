//! Reads the files that standard input names, a line each, and writes a line of JSON for each: its text, what it is made
//! of and how long reading it took. With an argument, the program at that path reads them apart.

use std::io::{self, BufRead, Write};
use std::time::Instant;

use media::apart::{Program, isolate};
use media::{Limits, extract};
use serde_json::json;

fn main() -> io::Result<()> {
    if let Some(path) = std::env::args_os().nth(1) {
        isolate(Program { path: path.into(), arguments: Vec::new() });
    }
    let mut output = io::stdout().lock();
    for path in io::stdin().lock().lines() {
        let path = path?;
        let bytes = std::fs::read(&path)?;
        let started = Instant::now();
        let outcome = extract(&path, None, &bytes, &Limits::default());
        let seconds = started.elapsed().as_secs_f64();
        let line = match outcome {
            Ok(extracted) => json!({
                "path": path,
                "seconds": seconds,
                "format": extracted.format.name(),
                "title": extracted.title,
                "language": extracted.language.map(|language| language.code),
                "warnings": extracted.warnings,
                "blocks": extracted.blocks.iter().map(|block| format!("{:?}", block.kind)).collect::<Vec<_>>(),
                "text": extracted.text,
            }),
            Err(error) => json!({"path": path, "seconds": seconds, "error": error.to_string()}),
        };
        writeln!(output, "{line}")?;
        output.flush()?;
    }
    Ok(())
}
