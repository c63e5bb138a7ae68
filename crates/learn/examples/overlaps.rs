//! Scores pairs of texts: reads lines of `{"prediction", "reference", "stemming"}` and writes a line with precision, recall
//! and F1 of ROUGE-1, -2, -L and -Lsum for each. `bench/rouge.py` compares these with the package's.

use std::io::{BufRead as _, Write as _};

use learn::rouge::{self, Stemming};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let pair: Value = serde_json::from_str(&line?)?;
        let text = |name: &str| pair[name].as_str().ok_or(format!("no `{name}` in a line"));
        let stemming = if pair["stemming"] == true { Stemming::Porter } else { Stemming::None };
        let rouge = rouge::score(text("prediction")?, text("reference")?, stemming);
        let scores = [rouge.rouge1, rouge.rouge2, rouge.rouge_l, rouge.rouge_lsum];
        writeln!(out, "{}", json!(scores.map(|score| [score.precision, score.recall, score.f1])))?;
    }
    Ok(())
}
