//! Reads lines of `{"sentence": …, "passage": …}` and prints for each the share of the sentence that the passage says:
//! `bench/answers.py` compares that with people's judgements.

use std::io::{BufRead as _, Write as _};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        let pair: serde_json::Value = serde_json::from_str(&line?)?;
        let text = |name: &str| pair[name].as_str().unwrap_or_default();
        writeln!(out, "{}", orchestration::answers::said_share(text("sentence"), text("passage")))?;
    }
    out.flush()
}
