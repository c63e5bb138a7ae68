#!/usr/bin/env bash
# Runs one fuzz target with libFuzzer and AddressSanitizer: scripts/fuzz.sh signatures|policies|safetensors|tokenizers [SECONDS]
# Needs no cargo-fuzz and no nightly compiler. New inputs go to fuzz/found/TARGET, a crash to fuzz/artifacts/TARGET.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"

target=${1:?name a target: signatures, policies, safetensors or tokenizers}
seconds=${2:-600}
host=$(rustc -vV | sed -n 's/^host: //p')

# The flags that cargo-fuzz sets; the stable compiler takes the sanitizer's with RUSTC_BOOTSTRAP.
export RUSTC_BOOTSTRAP=1
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address --cfg fuzzing \
-Ccodegen-units=1"
cargo build --quiet --release --bin "$target" --target "$host"

mkdir -p "found/$target" "artifacts/$target"
exec "${CARGO_TARGET_DIR:-target}/$host/release/$target" "found/$target" "corpus/$target" \
    -dict="$target.dict" -max_len=8192 -timeout=10 -rss_limit_mb=2048 -artifact_prefix="artifacts/$target/" \
    -max_total_time="$seconds" -print_final_stats=1
