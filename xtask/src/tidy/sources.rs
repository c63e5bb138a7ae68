//! Size and wording of every tracked source file.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The most lines a hand-written file outside tests may have.
const MOST_LINES: usize = 600;

/// The module that maps vectors into memory and multiplies them; it may be unsafe and is kept short.
const UNSAFE_SCAN: &str = "crates/search/src/scan.rs";
const UNSAFE_SCAN_LINES: usize = 300;
const UNSAFE_REASON: &str = "only inference-native and search's scan may";

/// Files over the limit that are allowed to be. This list may only shrink.
const LONG_FILES: &[&str] = &[];

/// A rule about one line of a file.
struct Rule {
    forbidden: &'static str,
    applies: fn(path: &str) -> bool,
    reason: &'static str,
}

/// The words are cut in two where this file would otherwise forbid itself.
const RULES: &[Rule] = &[
    Rule { forbidden: concat!("TO", "DO"), applies: is_code, reason: "build it, or answer not implemented by name" },
    Rule { forbidden: concat!("FIX", "ME"), applies: is_code, reason: "fix it" },
    Rule { forbidden: concat!("#[ign", "ore"), applies: is_rust, reason: "a test that never runs proves nothing" },
    Rule { forbidden: concat!("/ro", "ot/"), applies: any, reason: "names one machine's folder" },
    Rule { forbidden: concat!("/wo", "rk/"), applies: any, reason: "names one machine's folder" },
    Rule {
        forbidden: concat!("process::", "exit("),
        applies: is_rust,
        reason: "a library never exits; main returns an exit code",
    },
    Rule { forbidden: concat!("uns", "afe {"), applies: may_not_be_unsafe, reason: UNSAFE_REASON },
    Rule { forbidden: concat!("uns", "afe fn"), applies: may_not_be_unsafe, reason: UNSAFE_REASON },
    Rule {
        forbidden: concat!("SEL", "ECT "),
        applies: may_not_hold_sql,
        reason: "SQL stands only in a module's store.rs and migrations",
    },
    Rule {
        forbidden: concat!("INS", "ERT INTO"),
        applies: may_not_hold_sql,
        reason: "SQL stands only in a module's store.rs and migrations",
    },
    Rule {
        forbidden: concat!("rename_all = \"camel", "Case\""),
        applies: is_domain,
        reason: "domain types do not derive wire serialisation",
    },
];

/// Paths of the files under version control and of new ones that are not ignored, relative to `root`.
pub(super) fn tracked(root: &Path) -> Result<Vec<String>> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .context("cannot run git ls-files")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
}

/// Checks each of `files`; files that are not text are skipped.
pub(super) fn check(root: &Path, files: &[String]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for path in files.iter().filter(|path| !path.ends_with(".lock") && !path.ends_with("package-lock.json")) {
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        if let Ok(text) = String::from_utf8(bytes) {
            violations.extend(check_text(path, &text));
        }
    }
    Ok(violations)
}

/// Checks one file's text.
pub(super) fn check_text(path: &str, text: &str) -> Vec<String> {
    let mut violations = Vec::new();
    let lines = text.lines().count();
    if is_code(path) && !is_generated(path) && !is_test(path) && lines > MOST_LINES && !LONG_FILES.contains(&path) {
        violations.push(format!("{path}: {lines} lines, at most {MOST_LINES} are allowed: split it by feature"));
    }
    if path == UNSAFE_SCAN && lines > UNSAFE_SCAN_LINES {
        violations.push(format!("{path}: {lines} lines, at most {UNSAFE_SCAN_LINES} may be unsafe"));
    }
    let applying: Vec<&Rule> = RULES.iter().filter(|rule| (rule.applies)(path)).collect();
    for (number, line) in text.lines().enumerate() {
        for rule in applying.iter().filter(|rule| line.contains(rule.forbidden)) {
            violations.push(format!("{path}:{}: `{}`: {}", number + 1, rule.forbidden.trim(), rule.reason));
        }
    }
    violations
}

fn any(_: &str) -> bool {
    true
}

fn is_rust(path: &str) -> bool {
    path.ends_with(".rs")
}

fn is_code(path: &str) -> bool {
    [".rs", ".ts", ".tsx", ".py", ".sh"].iter().any(|ending| path.ends_with(ending))
}

fn is_generated(path: &str) -> bool {
    path.contains("/generated/")
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains(".test.") || path.contains("/fixtures/")
}

fn may_not_be_unsafe(path: &str) -> bool {
    is_rust(path) && !path.starts_with("crates/inference-native/") && path != UNSAFE_SCAN
}

fn may_not_hold_sql(path: &str) -> bool {
    let holds = path.ends_with("/store.rs") || path.contains("/migrations") || path.starts_with("crates/store/");
    is_rust(path) && path.starts_with("crates/") && !holds && !is_test(path) && !is_generated(path)
}

fn is_domain(path: &str) -> bool {
    let edge = ["aws-wire", "aws-api", "cli", "server"];
    is_rust(path) && path.starts_with("crates/") && !edge.iter().any(|c| path.starts_with(&format!("crates/{c}/")))
}
