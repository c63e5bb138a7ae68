//! Runs a bench and its peer in turn. The benches themselves are scripts under `bench/`, because the peers are other programs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// Name, script under `bench/`, and what it compares.
const BENCHES: &[(&str, &str, &str)] = &[
    ("generation", "generation.py", "prefill, decode and 8 parallel chats through HTTP against llama-server"),
    ("embeddings", "embeddings.py", "all-MiniLM-L6-v2 in process against ONNX Runtime"),
    ("batch", "batch.py", "records as one batch job against the same records sent one by one"),
    ("imports", "imports.py", "a model of 1 GB from an encrypted bucket to an encrypted file against cp and fsync"),
    ("quantization", "quantization.py", "INT8 against half precision: bytes, decoding through HTTP, label agreement"),
    ("prefixes", "prefixes.py", "300 requests over 20 long prefixes against llama-server, its cache on and off"),
    ("classification", "classification.py", "texts into three labels: scores against llama-server writing JSON"),
    ("batching", "batching.py", "continuous against static batching on short requests of a fixed shape"),
    ("load", "load.py", "64 clients of four accounts for ten minutes: failures, first tokens, memory"),
    ("schema", "schema.py", "answers in JSON of a schema against llama-server's schema option"),
    ("tuning", "tuning.py", "tuned against the default profile, for each workload, through HTTP"),
    ("pools", "pools.py", "a pool of two llama-servers under load, one of which is killed: what is lost"),
    ("documents", "documents.py", "text out of PDF against pypdf and pdfminer.six: words, order, pages a second"),
    ("retrieval", "retrieval.py", "nDCG@10 on SciFact and XQuAD: ours against bm25s, ONNX Runtime and LanceDB"),
    ("fusion", "fusion.py", "how the default fusion was chosen: normalisations, weights and reciprocal ranks compared"),
    ("search", "search.py", "filtered hybrid search of 100,000 documents in process against LanceDB"),
    ("requests", "requests.py", "GetCallerIdentity per second, time to ready, memory before a model is loaded"),
];

/// Runs the bench that `arguments` name, or lists them all.
///
/// # Errors
/// An unknown name, or the bench's own failure.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    let [name, rest @ ..] = arguments else {
        return list();
    };
    let Some((_, script, _)) = BENCHES.iter().find(|(known, ..)| known == name) else {
        bail!("there is no bench `{name}`; `cargo xtask bench` lists them");
    };
    let python = std::env::var("CRATON_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let status = Command::new(python)
        .arg(root.join("bench").join(script))
        .args(rest)
        .current_dir(root)
        .status()
        .with_context(|| format!("cannot run bench/{script}"))?;
    ensure!(status.success(), "bench `{name}` failed ({status})");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the tool's own output")]
fn list() -> Result<()> {
    for (name, _, compares) in BENCHES {
        println!("{name:<12} {compares}");
    }
    Ok(())
}
