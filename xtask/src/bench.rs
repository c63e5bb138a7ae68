//! Runs a bench and its peer in turn. The benches themselves are scripts under `bench/`, because the peers are other programs.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

/// Clients and small peers of most benches.
const PEERS: &str = "bench/requirements.txt";
/// The clients that the scenarios drive.
const CLIENTS: &str = "conformance/requirements.txt";
const JUDGES: &str = "bench/requirements-judges.txt";

/// One script under `bench/` with what it takes.
struct Bench {
    name: &'static str,
    script: &'static str,
    /// What it gets where the caller gives nothing. `{data}`, `{target}` and `{packages}` are the folders of data, of the
    /// release build and of the Python packages.
    arguments: &'static [&'static str],
    /// Below the folder of data: without one of them it cannot run.
    data: &'static [&'static str],
    /// Packages of the workspace whose examples it runs.
    examples: &'static [&'static str],
    /// The file that names its Python packages.
    packages: &'static str,
    /// Whether it wants a server that is up, with keys for it in the environment.
    beside_server: bool,
    compares: &'static str,
}

const fn bench(name: &'static str, script: &'static str, compares: &'static str) -> Bench {
    let (arguments, data, examples): (&[&str], &[&str], &[&str]) = (&[], &[], &[]);
    Bench { name, script, arguments, data, examples, packages: PEERS, beside_server: false, compares }
}

const BENCHES: &[Bench] = &[
    bench("requests", "identities.py", "GetCallerIdentity per second, time to ready, memory before a model is loaded"),
    Bench {
        examples: &["inference-encoder"],
        ..bench("embeddings", "embeddings.py", "all-MiniLM-L6-v2 in process against ONNX Runtime")
    },
    bench("generation", "generation.py", "prefill, decode and 8 parallel chats through HTTP against llama-server"),
    bench("prefixes", "prefixes.py", "300 requests over 20 long prefixes against llama-server, its cache on and off"),
    bench("schema", "schema.py", "answers in JSON of a schema against llama-server's schema option"),
    Bench {
        arguments: &["{data}/intent-clinc150"],
        data: &["intent-clinc150"],
        ..bench(
            "classification",
            "classification.py",
            "texts into three labels: scores against llama-server writing JSON",
        )
    },
    bench("batch", "batch.py", "records as one batch job against the same records sent one by one"),
    bench("batching", "batching.py", "continuous against static batching on short requests of a fixed shape"),
    Bench {
        arguments: &["--texts", "{data}/intent-clinc150/clinc150.csv.gz"],
        data: &["intent-clinc150"],
        ..bench("quantization", "quantization.py", "INT8 against half precision: bytes, decoding, label agreement")
    },
    bench("tuning", "tuning.py", "tuned against the default profile, for each workload, through HTTP"),
    bench("pools", "pools.py", "a pool of two llama-servers under load, one of which is killed: what is lost"),
    bench("load", "load.py", "64 clients of four accounts for ten minutes: failures, first tokens, memory"),
    bench("fit", "fit.py", "memory and speeds that are predicted against those that are measured"),
    bench("discount", "discount.py", "the shop's question of each chat model: answers, right or wrong"),
    Bench {
        packages: CLIENTS,
        beside_server: true,
        ..bench("endpoints", "endpoints.py", "deploy to first token, and 1 to 3 to 0 to 1 replicas under 32 clients")
    },
    bench("objects", "objects.py", "objects of 1 KB, 1 MB and 1 GB against moto and a copy with fsync"),
    bench(
        "imports",
        "imports.py",
        "a model of 1 GB from an encrypted bucket to an encrypted file against cp and fsync",
    ),
    Bench {
        data: &["policies/docs"],
        arguments: &["--texts", "{data}/policies/docs", "--examples", "{target}/examples"],
        examples: &["media"],
        ..bench(
            "documents",
            "documents.py",
            "text out of PDF against pypdf and pdfminer.six: words, order, pages a second",
        )
    },
    Bench {
        arguments: &["--data", "{data}/policies/docs"],
        data: &["policies/docs"],
        packages: "bench/requirements-ingestion.txt",
        ..bench(
            "ingestion",
            "ingestion.py",
            "parse, chunk, embed, index against LangChain with Chroma and ONNX Runtime",
        )
    },
    Bench {
        arguments: &["--data", "{data}/retrieval-scifact", "--data", "{data}/retrieval-xquad"],
        data: &["retrieval-scifact", "retrieval-xquad"],
        examples: &["search", "inference-encoder"],
        ..bench(
            "retrieval",
            "retrieval.py",
            "nDCG@10 on SciFact and XQuAD: ours against bm25s, ONNX Runtime and LanceDB",
        )
    },
    Bench {
        arguments: &["--data", "{data}/retrieval-scifact", "--data", "{data}/retrieval-xquad"],
        data: &["retrieval-scifact", "retrieval-xquad"],
        examples: &["search", "inference-encoder"],
        ..bench("fusion", "fusion.py", "how the default fusion was chosen: normalisations, weights, reciprocal ranks")
    },
    Bench {
        examples: &["search"],
        ..bench("search", "search.py", "filtered hybrid search of 100,000 documents in process against LanceDB")
    },
    Bench {
        arguments: &["support", "--binary", "{target}/examples/support_eval"],
        data: &["judge-begin-wow"],
        examples: &["orchestration"],
        ..bench("support", "answers.py", "whether what is cited is said by its source, against people's verdicts")
    },
    Bench {
        arguments: &["extractive"],
        data: &["retrieval-xquad"],
        packages: CLIENTS,
        beside_server: true,
        ..bench(
            "extractive",
            "answers.py",
            "answers without a model on XQuAD: right ones, and none where none is right",
        )
    },
    Bench {
        arguments: &["handbook", "--model", "smollm2-135m-instruct"],
        packages: CLIENTS,
        beside_server: true,
        ..bench("handbook", "answers.py", "answers of a model from a handbook: right ones, and sources that say them")
    },
    Bench { packages: JUDGES, ..bench("rouge", "rouge.py", "ROUGE against the rouge-score package, pair by pair") },
    judge("judge", &["run", "craton", "--data", "{data}"], "our judges on three sets that people rated"),
    judge(
        "judge-many",
        &["run", "craton", "--data", "{data}", "--sets", "many", "--records", "1000"],
        "our judges on 1,000 records by 5 metrics from 10 passages: verdicts, time, tokens from the cache",
    ),
    judge("ragas", &["run", "ragas", "--data", "{data}"], "RAGAS with the same model"),
    judge(
        "ragas-schema",
        &["run", "ragas-constrained", "--data", "{data}"],
        "the same, its answers held to its schemas",
    ),
    judge("deepeval", &["run", "deepeval", "--data", "{data}"], "DeepEval with the same model"),
    judge(
        "deepeval-schema",
        &["run", "deepeval-constrained", "--data", "{data}"],
        "the same, its answers held to its schemas",
    ),
    Bench {
        beside_server: false,
        ..judge("judges", &["tables", "--data", "{data}"], "what all judges came to: speed, lost verdicts, people")
    },
    judge("passports", &["passports", "--data", "{data}"], "passports of our judges, their classifier included"),
    judge(
        "pairwise",
        &["pairwise", "--data", "{data}", "--records", "60"],
        "our judges that choose between two answers, in both orders, against people",
    ),
    judge("attacks", &["attacks", "--data", "{data}", "--records", "25"], "answers that talk to our judges"),
    Bench {
        arguments: &["--transformers", "{packages}", "{target}/examples/ngram_bans"],
        examples: &["inference"],
        packages: "bench/requirements-transformers.txt",
        ..bench("ngrams", "ngram_exactness.py", "the control of repeated n-grams against Transformers' own code")
    },
];

const fn judge(name: &'static str, arguments: &'static [&'static str], compares: &'static str) -> Bench {
    let data = &["judge-mtrag-human", "judge-begin-wow", "judge-mts-manual"];
    Bench { arguments, data, packages: JUDGES, beside_server: true, ..bench(name, "judge.py", compares) }
}

/// Runs the bench that `arguments` name, or `all` of them, or lists them.
///
/// # Errors
/// An unknown name, or the bench's own failure; of `all`, after the last one, which of them failed.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<()> {
    match arguments {
        [] => list(),
        [all] if all == "all" => run_all(root),
        [name, rest @ ..] => match BENCHES.iter().find(|bench| bench.name == name) {
            Some(bench) => run_one(root, bench, rest),
            None => bail!("there is no bench `{name}`; `cargo xtask bench` lists them"),
        },
    }
}

fn run_all(root: &Path) -> Result<()> {
    let mut failed = Vec::new();
    for bench in BENCHES {
        say(&format!("== {}: {}", bench.name, bench.compares));
        if bench.data.iter().any(|folder| !data(root).join(folder).exists()) {
            say("skipped: no data");
        } else if let Err(error) = run_one(root, bench, &[]) {
            say(&format!("failed: {error:#}"));
            failed.push(bench.name);
        }
    }
    ensure!(failed.is_empty(), "these benches failed: {}", failed.join(", "));
    Ok(())
}

fn run_one(root: &Path, bench: &Bench, given: &[String]) -> Result<()> {
    let target = release()?;
    for package in bench.examples {
        let mut build = Command::new("cargo");
        build.args(["build", "--quiet", "--release", "--examples", "-p", package]);
        succeed(build.current_dir(root), "its examples")?;
    }
    let python = python(root, bench.packages)?;
    let own = bench.arguments.iter().map(|argument| filled(root, &target, &python, argument));
    let arguments = if given.is_empty() { own.collect::<Result<Vec<_>>>()? } else { given.to_vec() };
    let mut command = match bench.beside_server {
        true => {
            let mut command = Command::new(root.join("scripts/with-server.sh"));
            command.arg(&python).env("CRATON_BIN", target.join("craton"));
            command
        }
        false => Command::new(&python),
    };
    command.arg(root.join("bench").join(bench.script)).args(arguments);
    succeed(command.current_dir(root).env("CRATON_BENCH_DATA", data(root)), bench.script)
}

/// The folder of data that some benches read: `CRATON_BENCH_DATA`, or `../shared/data`.
fn data(root: &Path) -> PathBuf {
    std::env::var_os("CRATON_BENCH_DATA").map_or_else(|| root.join("../shared/data"), PathBuf::from)
}

/// The folder of the release build: beside that of this tool.
fn release() -> Result<PathBuf> {
    let own = std::env::current_exe().context("cannot tell where this tool lies")?;
    let target = own.ancestors().nth(2).context("this tool lies in no folder of builds")?;
    Ok(target.join("release"))
}

/// The Python that has the packages of a file.
fn python(root: &Path, packages: &str) -> Result<PathBuf> {
    told(Command::new(root.join("scripts/python.sh")).arg(packages).current_dir(root))
}

fn filled(root: &Path, target: &Path, python: &Path, argument: &str) -> Result<String> {
    let mut text = argument.replace("{data}", &data(root).to_string_lossy());
    text = text.replace("{target}", &target.to_string_lossy());
    if text.contains("{packages}") {
        let asked = "import sysconfig; print(sysconfig.get_path('purelib'))";
        let packages = told(Command::new(python).args(["-c", asked]))?;
        text = text.replace("{packages}", &packages.to_string_lossy());
    }
    Ok(text)
}

/// The path that a command prints.
fn told(command: &mut Command) -> Result<PathBuf> {
    let output = command.stderr(std::process::Stdio::inherit()).output().context("cannot run a command")?;
    ensure!(output.status.success(), "{:?} failed ({})", command.get_program(), output.status);
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {what}"))?;
    ensure!(status.success(), "{what} failed ({status})");
    Ok(())
}

fn list() -> Result<()> {
    for bench in BENCHES {
        say(&format!("{:<14} {}", bench.name, bench.compares));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the tool's own output")]
fn say(line: &str) {
    println!("{line}");
}
