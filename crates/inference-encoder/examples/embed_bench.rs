//! Embeds texts as `bench/embeddings.py` asks, and says how long it took.
//!
//! Usage: `embed_bench MODEL_FOLDER THREADS`; then on standard input, a line each, answered by a line of JSON:
//! `texts FILE` (a JSON list of texts), `embed`, `vectors FILE` (writes single-precision numbers).

use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use inference::{LoadOptions, Loaded, Loader, ModelFiles, Truncate};

type AnyError = Box<dyn std::error::Error>;

#[expect(clippy::print_stdout, reason = "answering on standard output is its purpose")]
fn main() -> Result<(), AnyError> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(threads)) = (arguments.next(), arguments.next()) else {
        return Err("usage: embed_bench MODEL_FOLDER THREADS".into());
    };
    let dir = PathBuf::from(folder);
    let files = ModelFiles { main: dir.join("model.safetensors"), dir };
    let options = LoadOptions { prefill_threads: threads.parse()?, ..LoadOptions::default() };
    let Loaded::Embedder(embedder) = inference_encoder::EncoderLoader.load(&files, &options)? else {
        return Err("not an embedder".into());
    };
    let mut texts: Vec<String> = Vec::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("texts", path) => {
                texts = serde_json::from_slice(&std::fs::read(path)?)?;
                println!("{{\"texts\":{}}}", texts.len());
            }
            ("vectors", path) => {
                let vectors = embedder.embed(&texts, Truncate::End)?.vectors;
                let bytes: Vec<u8> = vectors.iter().flatten().flat_map(|number| number.to_le_bytes()).collect();
                std::fs::write(path, bytes)?;
                println!("{{\"vectors\":{}}}", vectors.len());
            }
            ("embed", _) => {
                let start = Instant::now();
                embedder.embed(&texts, Truncate::End)?;
                println!("{{\"seconds\":{}}}", start.elapsed().as_secs_f64());
            }
            _ => return Err(format!("unknown command `{line}`").into()),
        }
    }
    Ok(())
}
