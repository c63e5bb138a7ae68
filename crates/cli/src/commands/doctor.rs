//! `craton doctor`: checks this machine before anything fails on it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{DEFAULT_MODELS, USUAL};
use crate::args::{Doctor, Format, Global};
use crate::client::Client;
use crate::connection::Connection;
use crate::{output, processor};

/// Free disk below which downloads will fail soon, in bytes.
const LITTLE_DISK: u64 = 2_000_000_000;

/// How one check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warning,
    Failure,
}

struct Finding {
    check: &'static str,
    verdict: Verdict,
    text: String,
    hint: Option<&'static str>,
}

pub(super) fn run(args: &Doctor, global: &Global) -> Result<()> {
    let models = args.models_dir.clone().or_else(|| global.places.models_dir.clone()).or_else(default_models_dir);
    let listen = args.listen.or(global.places.listen).unwrap_or(USUAL);
    let mut findings = vec![processor(), memory(), data(global.data()), port(listen, global)?, python()];
    match models {
        Some(dir) => findings.extend([disk(&dir), pulled(&dir)]),
        None => findings.push(bad("models", "there is no home folder to keep models in", "set CRATON_MODELS_DIR")),
    }
    print(&findings, global.output)?;
    if findings.iter().any(|f| f.verdict == Verdict::Failure) {
        bail!("this machine is not ready");
    }
    Ok(())
}

fn print(findings: &[Finding], format: Format) -> Result<()> {
    let word = |verdict| match verdict {
        Verdict::Ok => "ok",
        Verdict::Warning => "warning",
        Verdict::Failure => "failure",
    };
    if format == Format::Json {
        let items: Vec<_> = findings
            .iter()
            .map(|f| json!({ "check": f.check, "verdict": word(f.verdict), "text": f.text, "hint": f.hint }))
            .collect();
        return output::json(&json!({ "findings": items }));
    }
    for finding in findings {
        output::line(format!("{:<8} {:<9} {}", word(finding.verdict), finding.check, finding.text))?;
        if let Some(hint) = finding.hint {
            output::line(format!("{:<18} hint: {hint}", ""))?;
        }
    }
    Ok(())
}

fn good(check: &'static str, text: impl Into<String>) -> Finding {
    Finding { check, verdict: Verdict::Ok, text: text.into(), hint: None }
}

fn doubtful(check: &'static str, text: impl Into<String>, hint: &'static str) -> Finding {
    Finding { check, verdict: Verdict::Warning, text: text.into(), hint: Some(hint) }
}

fn bad(check: &'static str, text: impl Into<String>, hint: &'static str) -> Finding {
    Finding { check, verdict: Verdict::Failure, text: text.into(), hint: Some(hint) }
}

fn processor() -> Finding {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let missing = processor::missing_here();
    if !missing.is_empty() {
        return bad("processor", format!("this build needs what it has not: {}", missing.join(", ")), processor::HINT);
    }
    let Some(flags) = processor::flags() else {
        return good("processor", format!("{cores} cores ({})", std::env::consts::ARCH));
    };
    let known = [("avx2", "AVX2"), ("avx512f", "AVX-512"), ("avx512_vnni", "VNNI"), ("avx512_bf16", "BF16")];
    let has = |flag: &str| flags.split_ascii_whitespace().any(|there| there == flag);
    let present: Vec<&str> = known.into_iter().filter(|(flag, _)| has(flag)).map(|(_, name)| name).collect();
    if !has("avx2") {
        let text = format!("{cores} cores without AVX2");
        return doubtful("processor", text, "models will be slow on this processor");
    }
    good("processor", format!("{cores} cores with {}", present.join(", ")))
}

fn memory() -> Finding {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = info
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .map(|kib| kib * 1024);
    match available {
        Some(bytes) if bytes < 1_000_000_000 => {
            doubtful("memory", format!("{} available", output::bytes(bytes)), "the default models need about 1 GB")
        }
        Some(bytes) => good("memory", format!("{} available", output::bytes(bytes))),
        None => good("memory", "this system does not tell"),
    }
}

fn data(dir: &Path) -> Finding {
    let existing = dir.ancestors().find(|d| d.is_dir() || d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    match writable(existing) {
        Ok(()) => good("data", format!("`{}` can be written", dir.display())),
        Err(error) => bad(
            "data",
            format!("`{}` cannot be written: {error}", dir.display()),
            "choose another folder with --data-dir",
        ),
    }
}

/// Tries it, because permissions alone do not tell.
fn writable(dir: &Path) -> std::io::Result<()> {
    let probe = dir.join(format!(".craton-doctor-{}", std::process::id()));
    fs::write(&probe, b"")?;
    fs::remove_file(&probe)
}

fn port(listen: SocketAddr, global: &Global) -> Result<Finding> {
    let Err(error) = TcpListener::bind(listen) else {
        return Ok(good("port", format!("`{listen}` is free")));
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let running = runtime.block_on(running_at(global));
    Ok(match running {
        Some(url) if url.ends_with(&format!(":{}", listen.port())) => {
            good("port", format!("`{listen}` is in use by the server of this data folder"))
        }
        Some(url) => doubtful(
            "port",
            format!("`{listen}` is in use by another program; the server of this data folder answers at {url}"),
            "nothing, unless you want it there",
        ),
        None => doubtful("port", format!("`{listen}` cannot be used: {error}"), "choose another with --listen"),
    })
}

/// The address of the data folder's server, where it answers: the file that names it may be older than the server.
async fn running_at(global: &Global) -> Option<String> {
    let connection = Connection::find(global, |_| None).ok()?;
    let client = Client::new(connection).ok()?;
    client.is_ready().await.then(|| client.url().to_owned())
}

fn python() -> Finding {
    let found =
        Command::new("python3").args(["-m", "pip", "--version"]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    match found {
        Ok(output) if output.status.success() => {
            let version = String::from_utf8_lossy(&output.stdout);
            good("pip", version.split(" from ").next().unwrap_or_default().trim().to_owned())
        }
        _ => doubtful(
            "pip",
            "python3 with pip is not here",
            "models from `pypi:` need it; on Debian: apt-get install python3-pip",
        ),
    }
}

fn disk(dir: &Path) -> Finding {
    let Some(existing) = dir.ancestors().find(|d| d.is_dir()) else {
        return bad("disk", format!("`{}` cannot be made", dir.display()), "set CRATON_MODELS_DIR");
    };
    if let Err(error) = writable(existing) {
        return bad("disk", format!("`{}` cannot be written: {error}", existing.display()), "set CRATON_MODELS_DIR");
    }
    match rustix::fs::statvfs(existing) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} free for models in `{}`", output::bytes(free), dir.display());
            if free < LITTLE_DISK {
                doubtful("disk", text, "remove models with `craton models remove`")
            } else {
                good("disk", text)
            }
        }
        Err(error) => doubtful("disk", format!("cannot tell how much is free: {error}"), "look with df"),
    }
}

fn pulled(dir: &Path) -> Finding {
    let missing: Vec<&str> = DEFAULT_MODELS
        .iter()
        .copied()
        .filter(|name| !dir.join("manifests").join(format!("{name}.json")).exists())
        .collect();
    if missing.is_empty() {
        return good("models", format!("{} are here", DEFAULT_MODELS.join(" and ")));
    }
    doubtful("models", format!("{} not pulled", missing.join(" and ")), "craton models pull NAME, or craton demo")
}

fn default_models_dir() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = variable("XDG_DATA_HOME").or_else(|| variable("HOME").map(|home| home.join(".local/share")))?;
    Some(base.join("craton/models"))
}
