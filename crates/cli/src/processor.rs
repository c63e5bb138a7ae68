//! Whether this machine's processor can run this build.

use std::process::ExitCode;

use crate::output;

/// What to do on a processor that is too old for the build.
pub(crate) const HINT: &str = "take a portable build: cargo build --release --config \
                               'build.rustflags=[\"-Ctarget-cpu=x86-64-v3\"]', on older ones x86-64-v2";

/// A feature's name for the compiler, its name in Linux's list, and whether this build uses it.
macro_rules! features {
    ($($compiler:literal $linux:literal,)*) => {
        &[$(($compiler, $linux, cfg!(target_feature = $compiler)),)*]
    };
}

/// The features that make builds differ.
const FEATURES: &[(&str, &str, bool)] = features! {
    "ssse3" "ssse3",
    "sse4.1" "sse4_1",
    "sse4.2" "sse4_2",
    "popcnt" "popcnt",
    "movbe" "movbe",
    "avx" "avx",
    "avx2" "avx2",
    "bmi1" "bmi1",
    "bmi2" "bmi2",
    "lzcnt" "abm",
    "f16c" "f16c",
    "fma" "fma",
    "adx" "adx",
    "aes" "aes",
    "pclmulqdq" "pclmulqdq",
    "sha" "sha_ni",
    "vaes" "vaes",
    "vpclmulqdq" "vpclmulqdq",
    "gfni" "gfni",
    "avx512f" "avx512f",
    "avx512bw" "avx512bw",
    "avx512cd" "avx512cd",
    "avx512dq" "avx512dq",
    "avx512vl" "avx512vl",
    "avx512ifma" "avx512ifma",
    "avx512vbmi" "avx512vbmi",
    "avx512vbmi2" "avx512_vbmi2",
    "avx512vnni" "avx512_vnni",
    "avx512bitalg" "avx512_bitalg",
    "avx512vpopcntdq" "avx512_vpopcntdq",
    "avx512bf16" "avx512_bf16",
    "avx512fp16" "avx512_fp16",
    "avxvnni" "avx_vnni",
};

/// Says so, with the exit status to end with, where this processor lacks what the build was made for: it would otherwise be
/// killed at some instruction. To be called before anything else.
#[must_use]
pub fn refuse_processor() -> Option<ExitCode> {
    let missing = missing(&flags()?, FEATURES);
    if missing.is_empty() {
        return None;
    }
    output::note(&format!(
        "error: this build of Craton is for another processor: this one has no {}\nhint: {HINT}",
        missing.join(", ")
    ));
    Some(ExitCode::FAILURE)
}

/// The compiler's names of features that the build uses and a processor with these `flags` lacks.
pub(crate) fn missing(flags: &str, features: &[(&'static str, &str, bool)]) -> Vec<&'static str> {
    let there: Vec<&str> = flags.split_ascii_whitespace().collect();
    let lacks = |(_, linux, used): &&(&str, &str, bool)| *used && !there.contains(linux);
    features.iter().filter(lacks).map(|(compiler, ..)| *compiler).collect()
}

/// The processor's features by Linux's names. None where the system does not tell: then everything may be there.
pub(crate) fn flags() -> Option<String> {
    // What the standard library detects is constant for what the build already demands, so that it does not help here.
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("flags"))?;
    line.split_once(':').map(|(_, flags)| flags.to_owned())
}

/// What the build uses and this processor lacks.
pub(crate) fn missing_here() -> Vec<&'static str> {
    flags().map(|flags| missing(&flags, FEATURES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_build_uses_and_the_processor_lacks_is_missing() {
        let features =
            [("avx2", "avx2", true), ("lzcnt", "abm", true), ("avx512f", "avx512f", true), ("sha", "sha_ni", false)];
        assert_eq!(missing(" fpu avx2 abm", &features), ["avx512f"]);
        assert_eq!(missing("avx2 abm avx512f_more", &features), ["avx512f"]);
        assert_eq!(missing("abm avx512f avx2", &features), Vec::<&str>::new());
    }

    #[test]
    fn this_processor_runs_this_build() {
        assert_eq!(missing_here(), Vec::<&str>::new());
        assert_eq!(refuse_processor(), None);
    }
}
