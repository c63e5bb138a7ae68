//! Patterns of the models, which are Java's, in the syntax of the `regex` crate.

use anyhow::{Context, Result, bail};
use regex::RegexBuilder;

const WORD: &str = "A-Za-z0-9_";
const DIGIT: &str = "0-9";
const SPACE: &str = r" \t\n\x0B\x0C\r";
/// Written by the models as if `\u` took five or six digits.
const ASTRAL: &str = r"\u10000-\u10FFFF";

/// The served patterns with look-around, and what says the same together with the bounds of their length: account aliases
/// (no two hyphens in a row, none at the ends), names of alarms (not blank), versioned names of model packages (no hyphen at
/// the end of the name), paths of metrics (no two dots in a row), names of search indexes (what begins so has none of those),
/// folders of answers (what has no colon begins with no `s3:`), names of their files (no two dots).
/// And one that writes `/d` for a digit, which no ARN would match: the ARNs of what Bedrock's agents can tag.
const LOOK_AROUND: [(&str, &str); 8] = [
    (r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", "[a-z0-9]+(-[a-z0-9]+)*"),
    (r"(?!\s*$).+", r".*\S.*"),
    (
        r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9]([a-zA-Z0-9-]){0,62})(?<!-)(\/[0-9]{1,9})?",
        r"(arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]*:[0-9]{12}:[a-z\-]*\/)?([a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})(\/[0-9]{1,9})?",
    ),
    (r"/(?!.*\.\.)[a-zA-Z0-9/_.\-]+", r"/(\.|\.?[a-zA-Z0-9/_\-](\.?[a-zA-Z0-9/_\-])*\.?)"),
    (r"^(?!s3:|https:)[a-zA-Z0-9!_.*'()/-]+$", r"[a-zA-Z0-9!_.*'()/-]+"),
    (r"^(?!.*\..*\.)[a-zA-Z0-9][a-zA-Z0-9-_\.]*$", r"[a-zA-Z0-9][a-zA-Z0-9_-]*(\.[a-zA-Z0-9_-]*)?"),
    (r"(?![\-_+.])[a-z0-9][a-z0-9\-_\.]*", r"[a-z0-9][a-z0-9\-_\.]*"),
    (
        r".*(^arn:aws:bedrock:[a-zA-Z0-9-]+:/d{12}:(agent|agent-alias|knowledge-base|flow|prompt)/[A-Z0-9]{10}(?:/[A-Z0-9]{10})?$|^arn:aws:bedrock:[a-zA-Z0-9-]+:/d{12}:flow/([A-Z0-9]{10})/alias/([A-Z0-9]{10})$|^arn:aws:bedrock:[a-zA-Z0-9-]+:/d{12}:prompt/([A-Z0-9]{10})?(?::/d+)?$|^arn:aws(-cn|-us-gov|-eusc|-iso(-[b-f])?)?:bedrock:[a-zA-Z0-9-]+:[0-9]{12}:retrieval-instruction/[a-z0-9]{10}$).*",
        r"arn:aws[a-z-]*:bedrock:[a-zA-Z0-9-]+:[0-9]{12}:((agent|agent-alias|knowledge-base|flow|prompt)/[A-Z0-9]{10}(/[A-Z0-9]{10}|/alias/[A-Z0-9]{10}|:[0-9]+)?|retrieval-instruction/[a-z0-9]{10})",
    ),
];

/// The program for `pattern`; `None` where it allows everything. Other look-around than that of [`LOOK_AROUND`] is an error.
pub(super) fn translate(pattern: &str) -> Result<Option<String>> {
    if matches!(pattern, r"[\s\S]*" | r"[\S\s]*") {
        return Ok(None);
    }
    let same = LOOK_AROUND.iter().find(|(theirs, _)| *theirs == pattern).map(|(_, ours)| *ours);
    let pattern = same.unwrap_or(pattern);
    let program = rewrite(pattern).with_context(|| format!("The pattern `{pattern}`."))?;
    RegexBuilder::new(&format!("^(?:{program})$"))
        .size_limit(16 << 20)
        .build()
        .with_context(|| format!("The pattern `{pattern}` as `{program}`."))?;
    Ok(Some(program))
}

/// Perl classes are ASCII in Java and Unicode in `regex`; `\uXXXX` is spelt differently.
fn rewrite(pattern: &str) -> Result<String> {
    let mut program = String::new();
    let mut rest = pattern;
    let mut depth = 0_usize;
    while let Some(letter) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix(ASTRAL) {
            program.push_str(r"\x{10000}-\x{10FFFF}");
            rest = after;
            continue;
        }
        if letter == '\\' {
            let (text, after) = escape(&rest[1..], depth > 0)?;
            program.push_str(&text);
            rest = after;
            continue;
        }
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '&' | '~' if depth > 0 => program.push('\\'),
            _ => {}
        }
        program.push(letter);
        rest = &rest[letter.len_utf8()..];
    }
    Ok(program)
}

/// What stands for the escape whose text after the backslash begins `rest`, and what follows it.
fn escape(rest: &str, in_class: bool) -> Result<(String, &str)> {
    let Some(letter) = rest.chars().next() else { bail!("It ends in a backslash.") };
    let after = &rest[letter.len_utf8()..];
    let class = |set: &str| if in_class { set.to_owned() } else { format!("[{set}]") };
    Ok(match letter {
        'w' => (class(WORD), after),
        'd' => (class(DIGIT), after),
        's' => (class(SPACE), after),
        'W' => (format!("[^{WORD}]"), after),
        'D' => (format!("[^{DIGIT}]"), after),
        'S' => (format!("[^{SPACE}]"), after),
        // Java's POSIX classes.
        'p' if after.starts_with("{Print}") => (class(r"\x20-\x7E"), &after["{Print}".len()..]),
        'p' if after.starts_with("{ASCII}") => (class(r"\x00-\x7F"), &after["{ASCII}".len()..]),
        'u' => {
            let digits = after.get(..4).context("`\\u` needs four digits.")?;
            (format!("\\x{{{digits}}}"), &after[4..])
        }
        _ => (format!("\\{letter}"), after),
    })
}
